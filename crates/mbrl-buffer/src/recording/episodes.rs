//! Whole episodes with one observation more than steps, as Minari keeps them, made into transitions.

use super::columns;
use mbrl_core::{Context, End, Error, Origin, Result, RowBuf, TransitionBatch};

/// The arrays of an episode, in the order of [`KEYS`].
pub(super) type Arrays = [RowBuf; 5];

/// What an episode is made of.
pub(super) const KEYS: [&str; 5] = ["observations", "actions", "rewards", "terminations", "truncations"];

/// Episodes so far.
#[derive(Debug, Default)]
pub(super) struct Episodes {
    /// Observations, actions and observations thereafter, row after row.
    numbers: [Vec<f32>; 3],
    widths: Option<(usize, usize)>,
    reward: Vec<f32>,
    end: Vec<End>,
    steps: Option<usize>,
    count: usize,
    empty: usize,
    cut: usize,
}

impl Episodes {
    /// None so far, and room for this many steps, where that many are said to come.
    pub(super) fn new(steps: Option<u64>) -> Self {
        Episodes { steps: steps.and_then(|steps| usize::try_from(steps).ok()), ..Episodes::default() }
    }

    /// No more steps are coming than a file of so many bytes can hold, whatever was said.
    pub(super) fn at_most(&mut self, steps: u64) {
        self.steps = self.steps.map(|said| said.min(usize::try_from(steps).unwrap_or(usize::MAX)));
    }

    /// Appends an episode, which errors call by its name.
    pub(super) fn push(&mut self, name: &str, arrays: Arrays) -> Result<()> {
        self.append(arrays).context(name)
    }

    fn append(&mut self, [obs, act, reward, terminations, truncations]: Arrays) -> Result<()> {
        let steps = act.len();
        for (key, found, expected) in [
            (KEYS[0], obs.len(), steps + 1),
            (KEYS[2], reward.len(), steps),
            (KEYS[3], terminations.len(), steps),
            (KEYS[4], truncations.len(), steps),
        ] {
            if found != expected {
                return Err(Error::invalid(format_args!(
                    "{key}: there are {found} rows, and {steps} actions want {expected}: leave that episode out"
                )));
            }
        }
        self.count += 1;
        if steps == 0 {
            self.empty += 1;
            return Ok(());
        }
        let widths = *self.widths.get_or_insert((obs.dim(), act.dim()));
        if widths != (obs.dim(), act.dim()) {
            return Err(Error::invalid(format_args!(
                "observations and actions are {} and {} numbers wide, and in the episodes before {} and {}",
                obs.dim(),
                act.dim(),
                widths.0,
                widths.1
            )));
        }
        for (key, numbers) in KEYS.iter().zip([&obs, &act, &reward]) {
            columns::finite(numbers, key)?;
        }
        let (terminated, cut) =
            (columns::flags(terminations, KEYS[3])?, columns::flags(truncations, KEYS[4])?);
        let over = (0..steps).find(|&row| terminated[row] || cut[row]);
        if let Some(row) = over.filter(|row| row + 1 < steps) {
            return Err(Error::invalid(format_args!(
                "{}: row {row} ends the episode, and {} rows follow: record it again, or split it there",
                if terminated[row] { KEYS[3] } else { KEYS[4] },
                steps - row - 1
            )));
        }
        self.cut += usize::from(over.is_none());
        self.make_room(widths, steps)?;
        let (width, obs) = (obs.dim(), obs.into_vec());
        self.numbers[0].extend_from_slice(&obs[..steps * width]);
        self.numbers[1].extend_from_slice(act.as_slice());
        self.numbers[2].extend_from_slice(&obs[width..]);
        self.reward.extend(columns::single(reward, KEYS[2])?);
        self.end.resize(self.reward.len() - 1, End::Running);
        self.end.push(if terminated[steps - 1] { End::Terminated } else { End::Truncated });
        Ok(())
    }

    /// Asks for the memory of all steps at once, where it is said how many come: growing would take up to twice as much.
    fn make_room(&mut self, (obs, act): (usize, usize), steps: usize) -> Result<()> {
        let (steps, is_exact) = self.steps.take().map_or((steps, false), |said| (said.max(steps), true));
        let room = |numbers: &mut Vec<f32>, width: usize| match (steps.saturating_mul(width), is_exact) {
            (more, true) => numbers.try_reserve_exact(more),
            (more, false) => numbers.try_reserve(more),
        };
        let [observations, actions, next] = &mut self.numbers;
        let asked = room(observations, obs)
            .and_then(|()| room(actions, act))
            .and_then(|()| room(next, obs))
            .and_then(|()| room(&mut self.reward, 1))
            .and_then(|()| self.end.try_reserve(steps));
        asked.map_err(|_| Error::invalid(format_args!("no memory for {steps} steps: choose fewer episodes")))
    }

    /// How many episodes there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How many steps they have.
    pub(super) fn steps(&self) -> usize {
        self.reward.len()
    }

    /// The transitions, and what was found and mended.
    pub(super) fn finish(self) -> Result<(TransitionBatch, Vec<String>)> {
        let Some((obs, act)) = self.widths else {
            return Err(Error::invalid(format_args!(
                "there is no step in its {} episodes: record some",
                self.count
            )));
        };
        let [observations, actions, next] = self.numbers;
        let rows = TransitionBatch {
            obs: RowBuf::from_vec(observations, obs)?,
            act: RowBuf::from_vec(actions, act)?,
            next_obs: RowBuf::from_vec(next, obs)?,
            origin: vec![Origin::World; self.reward.len()],
            reward: self.reward,
            end: self.end,
        };
        let mut notes = Vec::new();
        if self.empty > 0 {
            notes.push(format!("episodes without a step, which were left out: {}", self.empty));
        }
        if self.cut > 0 {
            notes.push(format!("episodes that break off without an end, and were cut there: {}", self.cut));
        }
        Ok((rows, notes))
    }
}
