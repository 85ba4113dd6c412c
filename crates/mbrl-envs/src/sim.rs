//! A [`System`] as an environment, a task and a physics.

use crate::{Chance, Observed, System};
use mbrl_core::{
    Context, End, Env, Error, Key, Moves, Noise, NoiseBuf, NoiseSpec, Physics, Result, RewardFn, Rows,
    RowsMut, Snapshot, Spec, Step, Task, TerminationFn,
};
use std::sync::Arc;

/// A [`System`] in the midst of an episode.
#[derive(Clone, Debug)]
pub struct Sim<S: System> {
    system: S,
    spec: Spec,
    /// The state of the running episode, if one runs.
    state: Option<S::State>,
    /// What was observed last: the reward is a function of it.
    obs: Vec<f32>,
    noise: NoiseBuf,
}

const NOT_RUNNING: &str = "no episode is running: reset the environment first";

impl<S: System> Sim<S> {
    /// The system, before its first episode.
    pub fn new(system: S) -> Self {
        let spec = system.spec();
        let obs = vec![0.0; spec.obs.dim()];
        Sim { system, spec, state: None, obs, noise: NoiseBuf::default() }
    }

    /// The state of the running episode, if one runs.
    pub fn state(&self) -> Option<&[f64]> {
        self.state.as_ref().map(AsRef::as_ref)
    }

    /// Goes on from `state`, and writes what is observed there: an episode runs from here. A state whose observation is not
    /// in the space that the spec promises is refused.
    pub fn set_state(&mut self, state: &[f64], obs: &mut [f32]) -> Result<()> {
        self.check_room(obs)?;
        if let Some(i) = state.iter().position(|x| !x.is_finite()) {
            return Err(Error::non_finite(format_args!("state[{i}] is {}", state[i])));
        }
        let (state, seen) = self.admit(state)?;
        obs.copy_from_slice(&seen);
        self.obs = seen;
        self.state = Some(state);
        Ok(())
    }

    /// The state that these numbers are and what is observed there, where this world can be in it.
    fn admit(&self, numbers: &[f64]) -> Result<(S::State, Vec<f32>)> {
        let state = S::State::try_from(numbers).ok().filter(|_| numbers.iter().all(|x| x.is_finite()));
        let Some(state) = state.filter(|state| self.system.is_state(state)) else {
            return Err(Error::invalid(format_args!("{numbers:?} is no state of this environment")));
        };
        let mut seen = vec![0.0; self.obs.len()];
        self.system.observe(&state, &mut seen);
        self.spec.obs.check("observation", &seen).with_context(|| format!("in state {numbers:?}"))?;
        if !self.spec.obs.contains(&seen) {
            return Err(Error::invalid(format_args!(
                "in state {numbers:?} the observation is {seen:?}, outside the space of the spec: choose a state within"
            )));
        }
        Ok((state, seen))
    }

    #[inline]
    fn check_room(&self, obs: &[f32]) -> Result<()> {
        if obs.len() == self.obs.len() {
            return Ok(());
        }
        let (len, dim) = (obs.len(), self.obs.len());
        Err(Error::invalid(format_args!(
            "`obs` has room for {len} numbers and the spec observes {dim}: make it as long"
        )))
    }
}

impl<S: System> Env for Sim<S> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
        self.check_room(obs)?;
        let state = self.system.start(&mut key.rng());
        self.system.observe(&state, &mut self.obs);
        obs.copy_from_slice(&self.obs);
        self.state = Some(state);
        Ok(())
    }

    fn step(&mut self, act: &[f32], key: Key, obs: &mut [f32]) -> Result<Step> {
        let state = self.state.as_ref().ok_or_else(|| Error::invalid(NOT_RUNNING))?;
        self.spec.check_action(act)?;
        self.check_room(obs)?;
        let wanted = self.system.noise_spec();
        let chance = if wanted == NoiseSpec::default() {
            Chance { normals: &[], uniforms: &[] }
        } else {
            self.noise.fill(wanted, 1, key);
            let noise = self.noise.view();
            Chance { normals: noise.normals.row(0), uniforms: noise.uniforms.row(0) }
        };
        let next = self.system.advance(state, act, chance);
        self.system.observe(&next, obs);
        let reward = self.system.reward(&self.obs, act, obs) as f32;
        if !(reward.is_finite() && obs.iter().all(|x| x.is_finite())) {
            return Err(Error::non_finite(format_args!("the step led to {obs:?} and a reward of {reward}")));
        }
        let end = if self.system.terminated(obs) { End::Terminated } else { End::Running };
        self.obs.copy_from_slice(obs);
        self.state = (!end.is_end()).then_some(next);
        Ok(Step { reward, end })
    }

    fn snapshot(&self) -> Option<Snapshot> {
        // An environment between episodes is an empty snapshot.
        Some(Snapshot::from_f64s(self.state().unwrap_or_default()))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let (words, rest) = snapshot.as_bytes().as_chunks::<8>();
        if snapshot.as_bytes().is_empty() {
            self.state = None;
            return Ok(());
        }
        let numbers: Vec<f64> = words.iter().map(|word| f64::from_le_bytes(*word)).collect();
        let Some((state, seen)) = self.admit(&numbers).ok().filter(|_| rest.is_empty()) else {
            let len = snapshot.as_bytes().len();
            return Err(Error::corrupt(format_args!("{len} bytes are no snapshot of this environment")));
        };
        self.obs = seen;
        self.state = Some(state);
        Ok(())
    }
}

/// The reward and termination of a system, and its dynamics where the observation tells the state.
struct Said<S> {
    system: S,
    spec: Spec,
}

impl<S: System> Said<S> {
    fn new(system: S) -> Arc<Self> {
        Arc::new(Said { spec: system.spec(), system })
    }

    /// Refuses moves that are not as wide as the spec says, or not as many as the answers.
    fn check_moves(&self, moves: Moves<'_>, answers: usize) -> Result<()> {
        moves.check(answers)?;
        check_width("observation", self.spec.obs.dim(), moves.obs.dim())?;
        check_width("action", self.spec.act.dim(), moves.act.dim())?;
        check_width("successor", self.spec.obs.dim(), moves.next_obs.dim())
    }
}

fn check_width(name: &str, expected: usize, dim: usize) -> Result<()> {
    if dim == expected {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{name}s of {dim} numbers: expected {expected}")))
}

fn check_finite(name: &str, rows: Rows<'_>) -> Result<()> {
    match rows.find_non_finite() {
        None => Ok(()),
        Some((row, column)) => {
            let number = rows.row(row)[column];
            Err(Error::non_finite(format_args!("row {row}: {name}[{column}] is {number}")))
        }
    }
}

impl<S: System> RewardFn for Said<S> {
    fn reward(&self, moves: Moves<'_>, reward: &mut [f32]) -> Result<()> {
        self.check_moves(moves, reward.len())?;
        // A reward need not look at every number, so that not every NaN comes out as one.
        check_finite("observation", moves.obs)?;
        check_finite("action", moves.act)?;
        check_finite("successor", moves.next_obs)?;
        for (out, (obs, act, next_obs)) in reward.iter_mut().zip(moves.iter()) {
            *out = self.system.reward(obs, act, next_obs) as f32;
        }
        match reward.iter().position(|reward| !reward.is_finite()) {
            None => Ok(()),
            Some(row) => Err(Error::non_finite(format_args!(
                "row {row}: the reward is {}: this world knows no such move",
                reward[row]
            ))),
        }
    }
}

impl<S: System> TerminationFn for Said<S> {
    fn end(&self, moves: Moves<'_>, end: &mut [End]) -> Result<()> {
        self.check_moves(moves, end.len())?;
        check_finite("successor", moves.next_obs)?;
        for (row, (out, next_obs)) in end.iter_mut().zip(moves.next_obs.iter()).enumerate() {
            self.spec.obs.check("successor", next_obs).with_context(|| format!("row {row}"))?;
            *out = if self.system.terminated(next_obs) { End::Terminated } else { End::Running };
        }
        Ok(())
    }
}

impl<S: Observed> Physics for Said<S> {
    fn noise_spec(&self) -> NoiseSpec {
        self.system.noise_spec()
    }

    fn successors(
        &self,
        obs: Rows<'_>,
        act: Rows<'_>,
        noise: Noise<'_>,
        mut next_obs: RowsMut<'_>,
    ) -> Result<()> {
        self.check_moves(Moves { obs, act, next_obs: next_obs.view() }, obs.len())?;
        if noise.spec() != self.system.noise_spec() {
            let (got, wanted) = (noise.spec(), self.system.noise_spec());
            return Err(Error::invalid(format_args!("noise of {got:?} a row: expected {wanted:?}")));
        }
        let noise_rows = (noise.normals.len(), noise.uniforms.len());
        if noise_rows != (obs.len(), obs.len()) {
            let rows = obs.len();
            return Err(Error::invalid(format_args!(
                "noise of {noise_rows:?} rows of normals and uniforms for {rows} observations: draw as many"
            )));
        }
        for i in 0..obs.len() {
            self.spec.check_action(act.row(i)).with_context(|| format!("row {i}"))?;
            self.spec.obs.check("observation", obs.row(i)).with_context(|| format!("row {i}"))?;
            let chance = Chance { normals: noise.normals.row(i), uniforms: noise.uniforms.row(i) };
            let next = self.system.advance(&self.system.state(obs.row(i)), act.row(i), chance);
            self.system.observe(&next, next_obs.row_mut(i));
        }
        check_finite("successor", next_obs.view())
    }
}

/// The task of a system.
pub(crate) fn task<S: System>(system: S) -> Task {
    let said = Said::new(system);
    Task { reward: Some(said.clone()), termination: Some(said) }
}

/// The physics of a system.
pub(crate) fn physics<S: Observed>(system: S) -> Arc<dyn Physics> {
    Said::new(system)
}
