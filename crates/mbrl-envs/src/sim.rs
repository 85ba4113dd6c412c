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

    /// Goes on from `state`, and writes what is observed there: an episode runs from here.
    pub fn set_state(&mut self, state: &[f64], obs: &mut [f32]) -> Result<()> {
        self.check_room(obs)?;
        if let Some(i) = state.iter().position(|x| !x.is_finite()) {
            return Err(Error::non_finite(format_args!("state[{i}] is {}", state[i])));
        }
        let Some(state) = self.parse(state) else {
            return Err(Error::invalid(format_args!("{state:?} is no state of this environment")));
        };
        self.begin(state, obs);
        Ok(())
    }

    /// The state that these numbers are, if they are one.
    fn parse(&self, numbers: &[f64]) -> Option<S::State> {
        let state = S::State::try_from(numbers).ok()?;
        (numbers.iter().all(|x| x.is_finite()) && self.system.is_state(&state)).then_some(state)
    }

    #[inline]
    fn check_room(&self, obs: &[f32]) -> Result<()> {
        if obs.len() == self.obs.len() {
            return Ok(());
        }
        let (len, dim) = (obs.len(), self.obs.len());
        Err(Error::invalid(format_args!("room for {len} observed numbers: expected {dim}")))
    }

    fn begin(&mut self, state: S::State, obs: &mut [f32]) {
        self.system.observe(&state, &mut self.obs);
        obs.copy_from_slice(&self.obs);
        self.state = Some(state);
    }
}

impl<S: System> Env for Sim<S> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
        self.check_room(obs)?;
        let state = self.system.start(&mut key.rng());
        self.begin(state, obs);
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
        let Some(state) = self.parse(&numbers).filter(|_| rest.is_empty()) else {
            let len = snapshot.as_bytes().len();
            return Err(Error::corrupt(format_args!("{len} bytes are no snapshot of this environment")));
        };
        self.system.observe(&state, &mut self.obs);
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
}

impl<S: System> RewardFn for Said<S> {
    fn reward(&self, moves: Moves<'_>, reward: &mut [f32]) -> Result<()> {
        for (out, (obs, act, next_obs)) in reward.iter_mut().zip(moves.iter()) {
            *out = self.system.reward(obs, act, next_obs) as f32;
        }
        Ok(())
    }
}

impl<S: System> TerminationFn for Said<S> {
    fn terminated(&self, moves: Moves<'_>, terminated: &mut [bool]) -> Result<()> {
        for (out, next_obs) in terminated.iter_mut().zip(moves.next_obs.iter()) {
            *out = self.system.terminated(next_obs);
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
        if noise.spec() != self.system.noise_spec() {
            let (got, wanted) = (noise.spec(), self.system.noise_spec());
            return Err(Error::invalid(format_args!("noise of {got:?} a row: expected {wanted:?}")));
        }
        for i in 0..obs.len() {
            self.spec.check_action(act.row(i)).with_context(|| format!("row {i}"))?;
            self.spec.obs.check("observation", obs.row(i)).with_context(|| format!("row {i}"))?;
            let chance = Chance { normals: noise.normals.row(i), uniforms: noise.uniforms.row(i) };
            let next = self.system.advance(&self.system.state(obs.row(i)), act.row(i), chance);
            self.system.observe(&next, next_obs.row_mut(i));
        }
        match next_obs.view().find_non_finite() {
            None => Ok(()),
            Some((row, column)) => Err(Error::non_finite(format_args!(
                "the successor of row {row} is not finite in column {column}"
            ))),
        }
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
