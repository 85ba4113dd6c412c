//! Many episodes of one environment, side by side.

use mbrl_core::{
    Below, Context, End, Env, Error, Key, LaneSteps, Result, RowBuf, Rows, Snapshot, Spec, VecEnv,
};
use std::fmt;

/// Many episodes of one environment, side by side; each starts anew when it ends.
///
/// ```
/// use mbrl_core::{Key, LaneSteps, Result, Rows, VecEnv};
/// use mbrl_envs::Lanes;
///
/// # fn main() -> Result<()> {
/// let mut lanes = Lanes::new(4, || mbrl_envs::make("pendulum"))?;
/// let mut steps = LaneSteps::new(4, lanes.spec().obs.dim());
/// let key = Key::root(0);
/// lanes.reset(key.child("reset"), &mut steps)?;
/// for t in 0..300 {
///     lanes.step(Rows::new(&[0.5; 4], 1)?, key.child("world").at(t), &mut steps)?;
///     // `steps.next_obs` is the true successor; where `steps.end` is an end, `steps.obs` is the next episode's start.
/// }
/// # Ok(()) }
/// ```
///
/// With the feature `rayon` the lanes are stepped by rayon's threads, in chunks whose size does not depend on how many
/// there are; the bits are the same with and without it.
///
/// A bad action is refused before any lane has moved. After any other error of a reset or a step some lanes have moved and
/// others have not: reset or restore all of them. A snapshot holds all lanes, and restoring one changes all or none.
#[derive(Clone)]
pub struct Lanes<E> {
    spec: Spec,
    lanes: Vec<E>,
}

impl<E: Env> Lanes<E> {
    /// So many lanes of what `make` makes.
    pub fn new(lanes: usize, mut make: impl FnMut() -> Result<E>) -> Result<Self> {
        let lanes = (0..lanes).map(|_| make()).collect::<Result<Vec<E>>>()?;
        let Some(first) = lanes.first() else {
            return Err(Error::invalid("0 lanes: run at least one"));
        };
        let spec = first.spec().clone();
        if spec.obs.dim() == 0 {
            return Err(Error::invalid(
                "nothing is observed: lanes need an observation of at least 1 number",
            ));
        }
        if let Some(lane) = lanes.iter().position(|env| *env.spec() != spec) {
            return Err(Error::invalid(format_args!(
                "lane {lane} has another spec than lane 0: make all of one kind"
            )));
        }
        Ok(Lanes { spec, lanes })
    }

    /// The environments, lane by lane.
    pub fn envs(&self) -> &[E] {
        &self.lanes
    }

    /// The environments, lane by lane, to be restored for instance.
    pub fn envs_mut(&mut self) -> &mut [E] {
        &mut self.lanes
    }

    fn check_room(&self, out: &LaneSteps) -> Result<()> {
        let (lanes, dim) = (self.lanes.len(), self.spec.obs.dim());
        let fits = |table: &RowBuf| table.len() == lanes && table.dim() == dim;
        if out.reward.len() != lanes || out.end.len() != lanes || !fits(&out.obs) || !fits(&out.next_obs) {
            let (len, wide) = (out.len(), out.obs.dim());
            return Err(Error::invalid(format_args!(
                "room for {len} lanes of {wide} observed numbers: expected {lanes} of {dim}"
            )));
        }
        Ok(())
    }
}

/// Of any environments, also those that cannot be shown themselves.
impl<E> fmt::Debug for Lanes<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("spec", &self.spec).field("lanes", &self.lanes.len()).finish()
    }
}

/// One lane's part of a [`LaneSteps`], and its environment.
struct Lane<'a, E> {
    index: usize,
    env: &'a mut E,
    obs: &'a mut [f32],
    next_obs: &'a mut [f32],
    reward: &'a mut f32,
    end: &'a mut End,
}

impl<E: Env> Lane<'_, E> {
    fn reset(&mut self, keys: Below) -> Result<()> {
        let index = self.index;
        self.env.reset(keys.at(index as u64), self.obs).with_context(|| format!("lane {index}"))
    }

    fn step(&mut self, act: &[f32], keys: Below) -> Result<()> {
        let key = keys.at(self.index as u64);
        let index = self.index;
        let step = self.env.step(act, key, self.next_obs).with_context(|| format!("lane {index}"))?;
        (*self.reward, *self.end) = (step.reward, step.end);
        if step.end.is_end() {
            return self.env.reset(key.child("reset"), self.obs).with_context(|| format!("lane {index}"));
        }
        self.obs.copy_from_slice(self.next_obs);
        Ok(())
    }
}

/// Does `work` in every lane, and returns the error of the first lane that failed.
fn each_lane<E: Env>(
    lanes: &mut [E],
    out: &mut LaneSteps,
    work: impl Fn(&mut Lane<'_, E>) -> Result<()> + Sync,
) -> Result<()> {
    let dim = out.obs.dim();
    let run = |Run { first, envs, obs, next_obs, reward, end }: Run<'_, E>| {
        for (i, env) in envs.iter_mut().enumerate() {
            let columns = i * dim..(i + 1) * dim;
            let (obs, next_obs) = (&mut obs[columns.clone()], &mut next_obs[columns]);
            let (reward, end) = (&mut reward[i], &mut end[i]);
            work(&mut Lane { index: first + i, env, obs, next_obs, reward, end })?;
        }
        Ok(())
    };
    let LaneSteps { obs, next_obs, reward, end } = out;
    let (obs, next_obs) = (obs.as_mut_slice(), next_obs.as_mut_slice());
    let all = Run { first: 0, envs: lanes, obs, next_obs, reward, end };
    #[cfg(feature = "rayon")]
    if all.envs.len() > CHUNK && rayon::current_num_threads() > 1 {
        return in_parallel(all, dim, run);
    }
    run(all)
}

/// Neighbouring lanes, and their part of everything.
struct Run<'a, E> {
    first: usize,
    envs: &'a mut [E],
    obs: &'a mut [f32],
    next_obs: &'a mut [f32],
    reward: &'a mut [f32],
    end: &'a mut [End],
}

/// Lanes that one thread steps at a time: enough to pay for waking it. So few are stepped where they are.
#[cfg(feature = "rayon")]
const CHUNK: usize = 128;

#[cfg(feature = "rayon")]
fn in_parallel<E: Env>(
    all: Run<'_, E>,
    dim: usize,
    run: impl Fn(Run<'_, E>) -> Result<()> + Sync,
) -> Result<()> {
    use rayon::prelude::*;
    let obs = all.obs.par_chunks_mut(CHUNK * dim).zip(all.next_obs.par_chunks_mut(CHUNK * dim));
    let outcome = all.reward.par_chunks_mut(CHUNK).zip(all.end.par_chunks_mut(CHUNK));
    all.envs
        .par_chunks_mut(CHUNK)
        .zip(obs.zip(outcome))
        .enumerate()
        .map(|(c, (envs, ((obs, next_obs), (reward, end))))| {
            run(Run { first: c * CHUNK, envs, obs, next_obs, reward, end })
        })
        // The operator keeps the left error, so the first chunk's wins whatever the order of work.
        .reduce(|| Ok(()), |left, right| left.and(right))
}

impl<E: Env> VecEnv for Lanes<E> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn reset(&mut self, key: Key, out: &mut LaneSteps) -> Result<()> {
        self.check_room(out)?;
        let keys = key.below();
        each_lane(&mut self.lanes, out, |lane| lane.reset(keys))
    }

    fn step(&mut self, act: Rows<'_>, key: Key, out: &mut LaneSteps) -> Result<()> {
        self.check_room(out)?;
        if act.len() != self.lanes.len() {
            return Err(Error::invalid(format_args!(
                "{} actions for {} lanes: give one row for each",
                act.len(),
                self.lanes.len()
            )));
        }
        // Every action is checked before any lane moves, so that a bad one leaves all lanes as they were.
        for (lane, act) in act.iter().enumerate() {
            self.spec.check_action(act).with_context(|| format!("lane {lane}"))?;
        }
        let keys = key.below();
        each_lane(&mut self.lanes, out, |lane| lane.step(act.row(lane.index), keys))
    }

    /// The number of lanes, then of each its length in bytes and the snapshot itself.
    fn snapshot(&self) -> Option<Snapshot> {
        let mut bytes = (self.lanes.len() as u64).to_le_bytes().to_vec();
        for lane in &self.lanes {
            let lane = lane.snapshot()?;
            bytes.extend((lane.as_bytes().len() as u64).to_le_bytes());
            bytes.extend(lane.as_bytes());
        }
        Some(Snapshot::from_bytes(bytes))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let parts = split(snapshot.as_bytes(), self.lanes.len())?;
        // What a lane refuses is found out by trying, so the way back is written down first.
        let Some(before) = self.lanes.iter().map(Env::snapshot).collect::<Option<Vec<_>>>() else {
            return Err(Error::unsupported(
                "these environments have no snapshots: reset them and replay the actions",
            ));
        };
        for (i, part) in parts.iter().enumerate() {
            if let Err(error) = self.lanes[i].restore(part) {
                for (lane, before) in self.lanes.iter_mut().zip(&before).take(i) {
                    lane.restore(before).context("a lane refused its own snapshot")?;
                }
                return Err(error.wrap(format_args!("lane {i}")));
            }
        }
        Ok(())
    }
}

/// The snapshots of so many lanes, one behind the other.
fn split(bytes: &[u8], lanes: usize) -> Result<Vec<Snapshot>> {
    let len = bytes.len();
    let damaged =
        || Error::corrupt(format_args!("{len} bytes are no snapshot of lanes: some are missing or too many"));
    let mut rest = bytes;
    let written = take_word(&mut rest).ok_or_else(damaged)?;
    if written != lanes as u64 {
        return Err(Error::corrupt(format_args!("a snapshot of {written} lanes: these are {lanes}")));
    }
    let mut parts = Vec::with_capacity(lanes);
    for _ in 0..lanes {
        let part = take_word(&mut rest).and_then(|len| rest.split_at_checked(usize::try_from(len).ok()?));
        let (part, behind) = part.ok_or_else(damaged)?;
        parts.push(Snapshot::from_bytes(part.to_vec()));
        rest = behind;
    }
    if rest.is_empty() { Ok(parts) } else { Err(damaged()) }
}

/// Takes the number in front of `bytes` off them.
fn take_word(bytes: &mut &[u8]) -> Option<u64> {
    let (word, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*word))
}
