//! The contract of an environment.

use crate::{broken, draw_action, named, same_bits};
use mbrl_core::{Context, End, Env, Key, Result, Snapshot, Space, Spec, Step};

/// How many steps are taken where an episode has no known end.
const STEPS: u64 = 300;

/// Runs the contract of [`Env`] on what `make` makes, and says what is broken.
///
/// Checked: the spec; that observations are finite and in their space, rewards finite; that equal keys and actions give
/// equal bits, in a fresh environment and in one used before; that a step before the first reset and after an end is
/// refused; that an action with a NaN or of the wrong length is refused and changes nothing; that the time limit of the
/// spec truncates; and, where there are snapshots, that a restored environment goes on to the bit and that foreign bytes are
/// refused and change nothing.
pub fn check_env<E: Env>(mut make: impl FnMut() -> Result<E>) -> Result<()> {
    named("check_env", || {
        let key = Key::root(0).child("check_env");
        let mut env = make().context("making the environment")?;
        check_spec(env.spec())?;
        check_refuses_before_reset(&mut env)?;
        for episode in 0..3 {
            let key = key.at(episode);
            let walk = walk(&mut env, key)?;
            check_time_limit(env.spec(), &walk)?;
            check_refuses_after_end(&mut env, &walk)?;
            let again = self::walk(&mut make()?, key)?;
            if walk != again {
                return Err(broken(
                    "equal keys and actions gave other bits in a fresh environment: draw all randomness from the key, \
                     and keep nothing from earlier episodes",
                ));
            }
        }
        check_bad_actions(&mut make, key.child("bad actions"))?;
        check_snapshots(&mut make, key.child("snapshots"))
    })
}

/// An episode, as bits.
#[derive(PartialEq)]
struct Walk {
    obs: Vec<u32>,
    reward: Vec<u32>,
    end: Vec<End>,
}

fn walk<E: Env>(env: &mut E, key: Key) -> Result<Walk> {
    let mut obs = vec![0.0; env.spec().obs.dim()];
    reset(env, key.child("reset"), &mut obs)?;
    let mut walk = Walk { obs: bits(&obs).collect(), reward: Vec::new(), end: Vec::new() };
    for t in 0..env.spec().time_limit.map_or(STEPS, |limit| u64::from(limit) + 1) {
        let step =
            random_step(env, key.child("walk").at(t), &mut obs).with_context(|| format!("step {t}"))?;
        walk.obs.extend(bits(&obs));
        walk.reward.push(step.reward.to_bits());
        walk.end.push(step.end);
        if step.end.is_end() {
            break;
        }
    }
    Ok(walk)
}

fn bits(numbers: &[f32]) -> impl Iterator<Item = u32> {
    numbers.iter().map(|x| x.to_bits())
}

/// Observations start as NaN, so that what is not written is noticed.
fn reset<E: Env>(env: &mut E, key: Key, obs: &mut [f32]) -> Result<()> {
    obs.fill(f32::NAN);
    env.reset(key, obs).context("reset")?;
    check_obs(env.spec(), obs).context("reset")
}

/// A step of which nothing is checked.
fn bare_step<E: Env>(env: &mut E, key: Key, obs: &mut [f32]) -> Result<Step> {
    let mut act = vec![0.0; env.spec().act.dim()];
    draw_action(&env.spec().act, key.child("action"), &mut act);
    obs.fill(f32::NAN);
    env.step(&act, key.child("world"), obs)
}

fn random_step<E: Env>(env: &mut E, key: Key, obs: &mut [f32]) -> Result<Step> {
    let step = bare_step(env, key, obs)?;
    check_obs(env.spec(), obs)?;
    if !step.reward.is_finite() {
        return Err(broken(format_args!("the reward is {}: return a finite number", step.reward)));
    }
    Ok(step)
}

fn check_spec(spec: &Spec) -> Result<()> {
    spec.validate().context("spec")?;
    if spec.obs.dim() == 0 || spec.act.dim() == 0 {
        return Err(broken(
            "the spec has an observation or an action without numbers: give each at least one column",
        ));
    }
    Ok(())
}

fn check_obs(spec: &Spec, obs: &[f32]) -> Result<()> {
    if obs.iter().any(|x| !x.is_finite()) {
        return Err(broken(format_args!(
            "the observation is {obs:?}: write every number, and only finite ones"
        )));
    }
    if !spec.obs.contains(obs) {
        return Err(broken(format_args!(
            "the observation {obs:?} is outside the spec's {:?}: widen one or clip the other",
            spec.obs
        )));
    }
    Ok(())
}

fn check_refuses_before_reset<E: Env>(env: &mut E) -> Result<()> {
    let mut obs = vec![0.0; env.spec().obs.dim()];
    match bare_step(env, Key::root(1), &mut obs) {
        Err(_) => Ok(()),
        Ok(_) => Err(broken("a step before the first reset was accepted: refuse it with an error")),
    }
}

fn check_refuses_after_end<E: Env>(env: &mut E, walk: &Walk) -> Result<()> {
    let mut obs = vec![0.0; env.spec().obs.dim()];
    if walk.end.last().is_some_and(|end| end.is_end()) && bare_step(env, Key::root(2), &mut obs).is_ok() {
        return Err(broken(
            "a step after the end of the episode was accepted: refuse it until the next reset",
        ));
    }
    Ok(())
}

fn check_time_limit(spec: &Spec, walk: &Walk) -> Result<()> {
    let Some(limit) = spec.time_limit else {
        return Ok(());
    };
    let (steps, last) = (walk.end.len(), walk.end.last());
    let early = steps < limit as usize && last == Some(&End::Truncated);
    if early || steps > limit as usize || !last.is_some_and(|end| end.is_end()) {
        return Err(broken(format_args!(
            "an episode of {steps} steps ended as {last:?} under a time limit of {limit}: truncate at the limit, not \
             before and not after",
        )));
    }
    Ok(())
}

fn check_bad_actions<E: Env>(make: &mut impl FnMut() -> Result<E>, key: Key) -> Result<()> {
    let (mut disturbed, mut calm) = (make()?, make()?);
    let (obs_dim, act_dim) = (calm.spec().obs.dim(), calm.spec().act.dim());
    let (mut obs, mut calm_obs, mut waste) = (vec![0.0; obs_dim], vec![0.0; obs_dim], vec![0.0; obs_dim]);
    reset(&mut disturbed, key, &mut obs)?;
    reset(&mut calm, key, &mut calm_obs)?;
    let mut bad = vec![
        ("with a NaN".to_owned(), vec![f32::NAN; act_dim]),
        ("with an infinity".to_owned(), vec![f32::INFINITY; act_dim]),
        ("too short".to_owned(), vec![0.0; act_dim - 1]),
        ("too long".to_owned(), vec![0.0; act_dim + 1]),
    ];
    if let Space::Discrete { n } = calm.spec().act {
        let choices = [n as f32, -1.0, 0.5];
        bad.extend(choices.map(|choice| (format!("of {choice} among {n} choices"), vec![choice])));
    }
    for (what, act) in bad {
        if disturbed.step(&act, key, &mut waste).is_ok() {
            return Err(broken(format_args!(
                "an action {what} was accepted: call `spec.check_action` before anything is changed"
            )));
        }
    }
    let step = random_step(&mut disturbed, key, &mut obs).context("the step after refused actions")?;
    if step != random_step(&mut calm, key, &mut calm_obs)? || !same_bits(&obs, &calm_obs) {
        return Err(broken("a refused action changed the environment: check it before anything is changed"));
    }
    Ok(())
}

fn check_snapshots<E: Env>(make: &mut impl FnMut() -> Result<E>, key: Key) -> Result<()> {
    let mut env = make()?;
    let mut obs = vec![0.0; env.spec().obs.dim()];
    reset(&mut env, key.child("reset"), &mut obs)?;
    for t in 0..3 {
        if random_step(&mut env, key.at(t), &mut obs)?.end.is_end() {
            reset(&mut env, key.child("reset").at(t), &mut obs)?;
        }
    }
    let Some(snapshot) = env.snapshot() else {
        return Ok(());
    };
    for foreign in [Snapshot::from_bytes(vec![0xff; 7]), Snapshot::from_bytes(vec![0xff; 4096])] {
        if env.restore(&foreign).is_ok() {
            return Err(broken("foreign bytes were accepted as a snapshot: check their length and content"));
        }
    }
    let mut other = make()?;
    if let Err(error) = other.restore(&snapshot) {
        return Err(error.wrap(
            "a fresh environment refused a snapshot: implement `restore`, or let `snapshot` return None",
        ));
    }
    let mut other_obs = vec![0.0; obs.len()];
    for t in 3..STEPS {
        let step = random_step(&mut env, key.at(t), &mut obs)?;
        if random_step(&mut other, key.at(t), &mut other_obs)? != step || !same_bits(&obs, &other_obs) {
            return Err(broken(format_args!(
                "step {} after a restored snapshot differs from the original: put all that the next step depends on into \
                 the snapshot, and let a refused one change nothing",
                t - 3
            )));
        }
        if step.end.is_end() {
            return check_snapshot_between_episodes(make, &env);
        }
    }
    Ok(())
}

fn check_snapshot_between_episodes<E: Env>(make: &mut impl FnMut() -> Result<E>, ended: &E) -> Result<()> {
    let Some(snapshot) = ended.snapshot() else {
        return Err(broken(
            "there was a snapshot during the episode and none after it: give one at any time, or never",
        ));
    };
    let mut other = make()?;
    other.restore(&snapshot).context("restoring a snapshot taken between episodes")?;
    let mut obs = vec![0.0; other.spec().obs.dim()];
    if bare_step(&mut other, Key::root(3), &mut obs).is_ok() {
        return Err(broken(
            "a step was accepted after restoring an ended episode: the snapshot must say that it ended",
        ));
    }
    Ok(())
}
