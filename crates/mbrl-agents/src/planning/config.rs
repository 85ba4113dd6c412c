//! How an agent plans, and in what.

use super::ModelConfig;
use crate::Known;
use mbrl_core::{Error, Result};
use mbrl_plan::{
    CategoricalCemConfig, CemConfig, EliteUpdate, IcemConfig, MppiConfig, MppiUpdate, PlannerConfig,
    RandomShootingConfig,
};
use serde::{Deserialize, Serialize};

/// An agent that plans in what it believes. The default is PETS as published with its code, handful-of-trials.
///
/// Several algorithms are settings of it, so a file has to say all of them: what is left out would be that of PETS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanningConfig {
    /// How plans are searched for: CEM.
    pub planner: PlannerConfig,
    /// How many steps a plan has: 25.
    pub horizon: usize,
    /// After how many steps a new plan is made: 1; the horizon is open-loop control.
    pub replan_every: usize,
    /// In how many particles each plan is imagined: 20.
    pub particles: usize,
    /// How uncertainty is carried on in imagination: TS∞.
    pub propagation: Propagation,
    /// What a reward one step later is worth in a plan: 1.
    pub discount: f64,
    /// What is believed of the world.
    pub model: ModelConfig,
    /// Whether the reward is what the task says it is.
    pub reward: Known,
    /// Whether the termination is what the task says it is.
    pub termination: Known,
    /// At least so many steps are done at random: until the first time that `fit` says so after them. 200.
    pub initial_steps: u64,
    /// When the belief is fitted again.
    pub fit: FitAt,
    /// How many transitions are kept.
    pub capacity: usize,
}

/// How uncertainty is carried on in imagination (Chua et al. 2018, section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Propagation {
    /// A particle stays with its member of the ensemble: what the members disagree about does not average out.
    #[default]
    TsInfinity,
    /// Particles are dealt out to the members anew at every step.
    Ts1,
    /// One particle, the mean over the members.
    Expectation,
}

/// When a belief is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FitAt {
    /// Whenever an episode is over.
    #[default]
    EpisodeEnd,
    /// Every so many steps.
    Steps(u64),
}

impl Default for PlanningConfig {
    fn default() -> Self {
        PlanningConfig {
            planner: PlannerConfig::default(),
            horizon: 25,
            replan_every: 1,
            particles: 20,
            propagation: Propagation::TsInfinity,
            discount: 1.0,
            model: ModelConfig::default(),
            reward: Known::Given,
            termination: Known::Given,
            initial_steps: 200,
            fit: FitAt::EpisodeEnd,
            capacity: 1_000_000,
        }
    }
}

impl PlanningConfig {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> Result<()> {
        let refuse = |what: std::fmt::Arguments<'_>| Err(Error::invalid(what));
        self.planner.validate().map_err(|error| error.wrap("planner"))?;
        self.model.validate().map_err(|error| error.wrap("model"))?;
        for (name, number) in
            [("horizon", self.horizon), ("particles", self.particles), ("capacity", self.capacity)]
        {
            if number == 0 {
                return refuse(format_args!("{name} is 0: give at least 1"));
            }
        }
        if !(1..=self.horizon).contains(&self.replan_every) {
            return refuse(format_args!(
                "replan_every is {}: give 1 to the horizon, {}",
                self.replan_every, self.horizon
            ));
        }
        if !(0.0..=1.0).contains(&self.discount) {
            return refuse(format_args!("discount is {}: expected 0 to 1", self.discount));
        }
        if self.fit == FitAt::Steps(0) {
            return refuse(format_args!("fit.steps is 0: fit after at least 1 step"));
        }
        let imagined = self.model.imagined();
        if self.propagation == Propagation::TsInfinity && !self.particles.is_multiple_of(imagined) {
            return refuse(format_args!(
                "particles is {}: with propagation `ts_infinity` give a multiple of the {imagined} networks imagined with",
                self.particles
            ));
        }
        if self.model.is_oracle() && (self.reward, self.termination) != (Known::Given, Known::Given) {
            return refuse(format_args!(
                "model is `oracle`, which learns nothing: set reward and termination to `given`"
            ));
        }
        if self.initial_steps == 0 && !self.model.is_oracle() {
            return refuse(format_args!(
                "initial_steps is 0: what is learnt from nothing is nothing, give some"
            ));
        }
        Ok(())
    }

    /// The same cut down, so that all of it has happened within a hundred steps: few candidates, short plans, small networks.
    pub(crate) fn quick(mut self) -> Self {
        self.planner = few_candidates(self.planner);
        self.horizon = self.horizon.min(5);
        self.replan_every = self.replan_every.min(self.horizon);
        self.particles = self.particles.min(self.model.imagined());
        self.initial_steps = self.initial_steps.min(20);
        self.fit = FitAt::Steps(30);
        self.capacity = self.capacity.min(1000);
        self.model = self.model.quick();
        self
    }
}

/// The same planner with few candidates and two rounds.
fn few_candidates(planner: PlannerConfig) -> PlannerConfig {
    const POPULATION: usize = 12;
    const ELITES: usize = 3;
    match planner {
        PlannerConfig::RandomShooting(_) => {
            PlannerConfig::RandomShooting(RandomShootingConfig { population: POPULATION })
        }
        PlannerConfig::Cem(config) => {
            let (population, elites, iterations) = (POPULATION, ELITES, 2);
            PlannerConfig::Cem(CemConfig { population, elites, iterations, ..config })
        }
        PlannerConfig::Icem(config) => {
            let (population, elites, iterations) = (POPULATION, ELITES, 2);
            PlannerConfig::Icem(IcemConfig { population, elites, iterations, ..config })
        }
        PlannerConfig::Mppi(config) => {
            let update = match config.update {
                MppiUpdate::Elites(update) => MppiUpdate::Elites(EliteUpdate { elites: ELITES, ..update }),
                update @ MppiUpdate::PathIntegral(_) => update,
            };
            PlannerConfig::Mppi(MppiConfig { population: POPULATION, iterations: 2, update })
        }
        PlannerConfig::CategoricalCem(config) => {
            let (population, elites, iterations) = (POPULATION, ELITES, 2);
            PlannerConfig::CategoricalCem(CategoricalCemConfig { population, elites, iterations, ..config })
        }
    }
}
