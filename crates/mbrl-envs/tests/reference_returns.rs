//! The reference returns of the registry are what they are said to be.

use mbrl_core::{End, Env, Key, Mode, NoiseBuf, Policy, Result, RowBuf, Rows, Scratch, UniformPolicy};

/// Writes the action for an observation.
type Act<'a> = &'a mut dyn FnMut(&[f32], Key, &mut [f32]);

/// The returns of so many episodes under `act`.
fn returns(env: &mut dyn Env, episodes: u64, key: Key, act: Act<'_>) -> Result<Vec<f64>> {
    let mut obs = vec![0.0; env.spec().obs.dim()];
    let mut action = vec![0.0; env.spec().act.dim()];
    let mut returns = Vec::new();
    for episode in 0..episodes {
        let key = key.at(episode);
        env.reset(key.child("reset"), &mut obs)?;
        let mut sum = 0.0;
        for t in 0.. {
            act(&obs, key.child("policy").at(t), &mut action);
            let step = env.step(&action, key.child("world").at(t), &mut obs)?;
            sum += f64::from(step.reward);
            if step.end != End::Running {
                break;
            }
        }
        returns.push(sum);
    }
    Ok(returns)
}

fn mean_and_error(returns: &[f64]) -> (f64, f64) {
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Every entry has a measured random return, and episodes under other keys agree with it. The two means differ by more than
/// 5.5 standard errors with a probability near 4e-8 an environment where returns are near normal; the rare, large rewards of
/// riverswim, mountain-car and their like are why the sample is not smaller.
#[test]
fn random_returns_agree_with_fresh_episodes() {
    for entry in mbrl_envs::ALL {
        let committed =
            entry.random_return().unwrap_or_else(|| panic!("{}: run `cargo xtask reference`", entry.name));
        let mut env = entry.make();
        let policy = UniformPolicy::new(env.spec()).unwrap();
        let (mut noise, mut scratch) = (NoiseBuf::default(), Scratch::default());
        let mut out = RowBuf::zeros(1, env.spec().act.dim());
        let mut act = |obs: &[f32], key: Key, action: &mut [f32]| {
            noise.fill(policy.noise_spec(), 1, key);
            let view = out.view_mut();
            policy.act(Rows::single(obs), &[0], noise.view(), Mode::Sample, view, &mut scratch).unwrap();
            action.copy_from_slice(out.row(0));
        };
        let key = Key::root(1).child("random_returns_agree").child(entry.name);
        let fresh = returns(env.as_mut(), 500, key, &mut act).unwrap();
        let (mean, error) = mean_and_error(&fresh);
        let committed_error = (committed.ci95[1] - committed.ci95[0]) / (2.0 * 1.96);
        let both = error.hypot(committed_error);
        // Where every episode earns the same, rounding is all that is left.
        let far = (mean - committed.mean).abs();
        assert!(far <= 5.5 * both + 1e-6, "{}: {mean} ± {error}, committed {}", entry.name, committed.mean);
    }
}

/// Balances the pole by a fixed linear feedback: so 200 is reached, and not only an upper bound.
#[test]
fn a_linear_controller_earns_the_whole_of_cartpole() {
    let entry = mbrl_envs::find("cartpole").unwrap();
    let mut act = |obs: &[f32], _: Key, action: &mut [f32]| {
        action[0] = (0.1 * obs[0] + 0.2 * obs[1] + 3.0 * obs[2] + 0.6 * obs[3]).clamp(-1.0, 1.0);
    };
    let earned = returns(entry.make().as_mut(), 200, Key::root(0), &mut act).unwrap();
    let optimal = entry.optimal_return().unwrap();
    assert!(earned.iter().all(|r| (r - optimal).abs() < 1e-9), "{earned:?}");
}
