//! That what imagination is told of a world agrees with what the world does.

use crate::{broken, draw_action, named, same_bits};
use mbrl_core::{Context, End, Env, Key, Moves, Noise, NoiseSpec, Physics, Result, RowBuf, Rows, Task};

/// Steps compared; a world whose episodes end sooner is reset in between.
const STEPS: u64 = 500;

/// Runs `env` and checks that `task` says of each step what the environment said, to the bit.
pub fn check_task<E: Env>(env: &mut E, task: &Task) -> Result<()> {
    named("check_task", || {
        each_step(env, |t, obs, act, next_obs, reward, end| {
            let moves =
                Moves { obs: Rows::single(obs), act: Rows::single(act), next_obs: Rows::single(next_obs) };
            let (mut says, mut ends) = ([f32::NAN], [End::Truncated]);
            if let Some(known) = &task.reward {
                known.reward(moves, &mut says)?;
                if !same_bits(&says, &[reward]) {
                    let says = says[0];
                    return Err(broken(format_args!(
                        "step {t} earned {reward} and the task says {says}: let the environment use the task's reward"
                    )));
                }
            }
            if let Some(known) = &task.termination {
                known.end(moves, &mut ends)?;
                let agrees =
                    (ends[0] == End::Terminated) == (end == End::Terminated) && ends[0] != End::Truncated;
                if !agrees {
                    return Err(broken(format_args!(
                        "step {t} left the episode as {end:?} and the task says {:?}: let the environment use \
                         the task's termination",
                        ends[0]
                    )));
                }
            }
            Ok(())
        })
    })
}

/// Runs `env` and checks that `physics` leads where it leads, to `tolerance` of each observed number or of one. Worlds
/// with chance cannot be compared step by step and are refused.
pub fn check_physics<E: Env>(env: &mut E, physics: &dyn Physics, tolerance: f32) -> Result<()> {
    named("check_physics", || {
        if physics.noise_spec() != NoiseSpec::default() {
            return Err(broken(
                "a world with chance cannot be compared step by step: compare distributions instead",
            ));
        }
        let mut predicted = RowBuf::zeros(1, env.spec().obs.dim());
        each_step(env, |t, obs, act, next_obs, _, _| {
            physics.successors(Rows::single(obs), Rows::single(act), Noise::none(1), predicted.view_mut())?;
            for (i, (p, n)) in predicted.row(0).iter().zip(next_obs).enumerate() {
                // A NaN is not near anything.
                let near = (p - n).abs() <= tolerance * n.abs().max(1.0);
                if !near {
                    return Err(broken(format_args!(
                        "step {t} led to {n} in column {i} and the physics says {p}: let both use the same dynamics"
                    )));
                }
            }
            Ok(())
        })
    })
}

/// Calls `look` with (t, obs, act, next obs, reward, end) for a number of random steps.
fn each_step<E: Env>(
    env: &mut E,
    mut look: impl FnMut(u64, &[f32], &[f32], &[f32], f32, End) -> Result<()>,
) -> Result<()> {
    let key = Key::root(0).child("each_step");
    let mut obs = vec![0.0; env.spec().obs.dim()];
    let (mut next_obs, mut act) = (obs.clone(), vec![0.0; env.spec().act.dim()]);
    env.reset(key.child("reset"), &mut obs)?;
    for t in 0..STEPS {
        draw_action(&env.spec().act, key.child("action").at(t), &mut act);
        let step =
            env.step(&act, key.child("world").at(t), &mut next_obs).with_context(|| format!("step {t}"))?;
        look(t, &obs, &act, &next_obs, step.reward, step.end)?;
        std::mem::swap(&mut obs, &mut next_obs);
        if step.end.is_end() {
            env.reset(key.child("reset").at(t), &mut obs)?;
        }
    }
    Ok(())
}
