//! Random shooting: the best of many plans drawn blindly.

use crate::bounds::{check_length, check_plan, check_plannable, check_room};
use crate::population::Population;
use crate::{ActionOptimizer, Found, Score, WarmStart, check};
use mbrl_core::{Key, NoiseBuf, NoiseSpec, Result, RowsMut, Space};
use serde::{Deserialize, Serialize};

/// Settings of [`RandomShooting`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomShootingConfig {
    /// Plans tried: 2000.
    pub population: usize,
}

/// Draws plans uniformly from a box or a discrete space, and returns the best.
///
/// It learns nothing from one search for the next, so it has no warm start.
#[derive(Clone, Debug)]
pub struct RandomShooting {
    config: RandomShootingConfig,
    space: Space,
    horizon: usize,
    population: Population,
    noise: NoiseBuf,
}

impl Default for RandomShootingConfig {
    fn default() -> Self {
        RandomShootingConfig { population: 2000 }
    }
}

impl RandomShootingConfig {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> Result<()> {
        check::count("population", self.population)
    }
}

impl RandomShooting {
    /// A search of plans of `horizon` actions from `act`.
    pub fn new(config: RandomShootingConfig, act: &Space, horizon: usize) -> Result<Self> {
        config.validate()?;
        check_plannable(act, horizon)?;
        check_room("a plan", horizon, act.dim())?;
        let width = horizon * act.dim();
        check_room("a population", config.population, width)?;
        Ok(RandomShooting {
            config,
            space: act.clone(),
            horizon,
            population: Population::new(config.population, width),
            noise: NoiseBuf::default(),
        })
    }
}

impl ActionOptimizer for RandomShooting {
    fn horizon(&self) -> usize {
        self.horizon
    }

    fn act_dim(&self) -> usize {
        self.space.dim()
    }

    fn optimize(&mut self, score: &mut dyn Score, key: Key, mut plan: RowsMut<'_>) -> Result<Found> {
        check_plan(&plan, self.horizon, self.act_dim())?;
        let (plans, act) = (self.config.population, self.space.dim());
        let spec = NoiseSpec { uniforms: self.horizon * act, ..NoiseSpec::default() };
        self.noise.fill(spec, plans, key.child("candidates").at(0));
        self.population.begin();
        let mut table = self.population.round(plans);
        let uniforms = self.noise.view().uniforms.as_slice().chunks_exact(act);
        for (action, uniforms) in table.as_mut_slice().chunks_exact_mut(act).zip(uniforms) {
            self.space.from_uniforms(uniforms, action);
        }
        self.population.evaluate(score, key.child("score").at(0), 1)?;
        let found = self.population.finish()?;
        plan.as_mut_slice().copy_from_slice(self.population.best());
        Ok(found)
    }

    fn shift(&mut self, _: usize) {}

    fn reset(&mut self) {}

    fn warm_start(&self) -> WarmStart {
        WarmStart::default()
    }

    fn resume(&mut self, from: &WarmStart) -> Result<()> {
        check_length("center", from.center.len(), 0)?;
        check_length("kept", from.kept.len(), 0)
    }
}
