//! The planners by name: one table from which everything that lists or makes them is served.

#[cfg(test)]
mod tests;

use crate::{
    ActionOptimizer, CategoricalCem, CategoricalCemConfig, Cem, CemConfig, Covariance, EliteUpdate, Icem,
    IcemConfig, Mppi, MppiConfig, MppiUpdate, PathIntegral, RandomShooting, RandomShootingConfig, Returned,
};
use mbrl_core::{Context, Error, Result, Space, nearest};
use serde::{Deserialize, Serialize};

/// A planner and its settings. The default is the cross-entropy method of handful-of-trials, the code of PETS.
///
/// ```
/// use mbrl_core::Space;
/// use mbrl_plan::PlannerConfig;
///
/// let config = PlannerConfig::preset("icem", "fast")?;
/// let planner = config.build(&Space::symmetric(2, 1.0)?, 15)?;
/// assert_eq!((planner.horizon(), planner.act_dim()), (15, 2));
/// let error = PlannerConfig::preset("icme", "fast").unwrap_err();
/// assert_eq!(error.to_string(), "no planner is called `icme`: did you mean `icem`?");
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannerConfig {
    /// The best of many plans drawn blindly.
    RandomShooting(RandomShootingConfig),
    /// The cross-entropy method.
    Cem(CemConfig),
    /// The improved cross-entropy method.
    Icem(IcemConfig),
    /// Model-predictive path integral control.
    Mppi(MppiConfig),
    /// The cross-entropy method for discrete actions.
    CategoricalCem(CategoricalCemConfig),
}

/// A planner of the table.
#[derive(Clone, Copy, Debug)]
pub struct PlannerEntry {
    /// What it is called.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its settings by name, the one to begin with first.
    pub presets: &'static [PlannerPreset],
}

/// Settings of a planner by name.
#[derive(Clone, Copy, Debug)]
pub struct PlannerPreset {
    /// What they are called: after whom they follow, or what they are good for.
    pub name: &'static str,
    /// The settings.
    pub config: fn() -> PlannerConfig,
}

/// Every planner of the crate, in the order in which they are listed.
pub static PLANNERS: &[PlannerEntry] = &[
    PlannerEntry {
        name: "random-shooting",
        summary: "the best of many plans drawn uniformly; real and discrete actions",
        presets: &[PlannerPreset {
            name: "handful-of-trials",
            config: || PlannerConfig::RandomShooting(RandomShootingConfig { population: 2000 }),
        }],
    },
    PlannerEntry {
        name: "cem",
        summary: "refit a normal distribution to the best plans drawn from it",
        presets: &[
            PlannerPreset { name: "handful-of-trials", config: || PlannerConfig::Cem(CemConfig::default()) },
            PlannerPreset {
                // pets_cartpole: elites are a tenth, and nothing ends a search early.
                name: "mbrl-lib",
                config: || {
                    PlannerConfig::Cem(CemConfig {
                        population: 350,
                        elites: 35,
                        epsilon: 0.0,
                        ..CemConfig::default()
                    })
                },
            },
        ],
    },
    PlannerEntry {
        name: "cem-full",
        summary: "the same with correlations between all numbers of a plan; for short plans",
        presets: &[PlannerPreset {
            name: "default",
            config: || {
                PlannerConfig::Cem(CemConfig {
                    covariance: Covariance::Full { shrinkage: 0.1 },
                    ..CemConfig::default()
                })
            },
        }],
    },
    PlannerEntry {
        name: "icem",
        summary: "the same with noise that is smooth in time and elites that are tried again; few evaluations",
        presets: &[
            PlannerPreset {
                name: "mbrl-lib",
                config: || {
                    PlannerConfig::Icem(IcemConfig { returned: Returned::Mean, ..IcemConfig::default() })
                },
            },
            PlannerPreset {
                name: "fast",
                config: || {
                    PlannerConfig::Icem(IcemConfig {
                        population: 60,
                        elites: 8,
                        iterations: 4,
                        decay: 1.25,
                        exponent: 2.0,
                        ..IcemConfig::default()
                    })
                },
            },
        ],
    },
    PlannerEntry {
        name: "mppi",
        summary: "average the plans, weighted by their scores",
        presets: &[
            PlannerPreset {
                name: "mbrl-lib",
                config: || {
                    let update = MppiUpdate::PathIntegral(PathIntegral { gamma: 0.9, sigma: 1.0, beta: 0.9 });
                    PlannerConfig::Mppi(MppiConfig { population: 350, iterations: 5, update })
                },
            },
            PlannerPreset {
                name: "tdmpc2",
                config: || {
                    let update = MppiUpdate::Elites(EliteUpdate::default());
                    PlannerConfig::Mppi(MppiConfig { population: 512, iterations: 6, update })
                },
            },
        ],
    },
    PlannerEntry {
        name: "categorical-cem",
        summary: "refit the probabilities of each step's choices to the best plans; discrete actions",
        presets: &[
            PlannerPreset {
                name: "default",
                config: || PlannerConfig::CategoricalCem(CategoricalCemConfig::default()),
            },
            PlannerPreset {
                name: "fast",
                config: || {
                    PlannerConfig::CategoricalCem(CategoricalCemConfig {
                        population: 60,
                        elites: 8,
                        iterations: 4,
                        ..CategoricalCemConfig::default()
                    })
                },
            },
        ],
    },
];

impl Default for PlannerConfig {
    fn default() -> Self {
        PlannerConfig::Cem(CemConfig::default())
    }
}

impl PlannerConfig {
    /// The settings `preset` of the planner called `planner`, as [`PLANNERS`] has them.
    pub fn preset(planner: &str, preset: &str) -> Result<Self> {
        let entry = PlannerEntry::find(planner)?;
        let known = entry.presets.iter().find(|known| known.name == preset);
        known.map(|known| (known.config)()).ok_or_else(|| {
            let names = entry.presets.iter().map(|known| known.name);
            unknown(&format!("preset of `{planner}`"), preset, names)
        })
    }

    /// Refuses what cannot be meant, by the name of the field.
    pub fn validate(&self) -> Result<()> {
        match self {
            PlannerConfig::RandomShooting(config) => config.validate(),
            PlannerConfig::Cem(config) => config.validate(),
            PlannerConfig::Icem(config) => config.validate(),
            PlannerConfig::Mppi(config) => config.validate(),
            PlannerConfig::CategoricalCem(config) => config.validate(),
        }
        .context(self.kind())
    }

    /// The planner, for plans of `horizon` actions from `act`.
    pub fn build(&self, act: &Space, horizon: usize) -> Result<Box<dyn ActionOptimizer>> {
        fn boxed<T: ActionOptimizer + 'static>(planner: Result<T>) -> Result<Box<dyn ActionOptimizer>> {
            planner.map(|planner| Box::new(planner) as _)
        }
        match *self {
            PlannerConfig::RandomShooting(config) => boxed(RandomShooting::new(config, act, horizon)),
            PlannerConfig::Cem(config) => boxed(Cem::new(config, act, horizon)),
            PlannerConfig::Icem(config) => boxed(Icem::new(config, act, horizon)),
            PlannerConfig::Mppi(config) => boxed(Mppi::new(config, act, horizon)),
            PlannerConfig::CategoricalCem(config) => boxed(CategoricalCem::new(config, act, horizon)),
        }
        .context(self.kind())
    }

    /// How many plans a search scores at most.
    pub fn evaluations(&self) -> usize {
        match self {
            PlannerConfig::RandomShooting(config) => config.population,
            PlannerConfig::Cem(config) => config.population.saturating_mul(config.iterations),
            PlannerConfig::Icem(config) => config.evaluations(),
            PlannerConfig::Mppi(config) => config.population.saturating_mul(config.iterations),
            PlannerConfig::CategoricalCem(config) => config.population.saturating_mul(config.iterations),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            PlannerConfig::RandomShooting(_) => "random-shooting",
            PlannerConfig::Cem(CemConfig { covariance: Covariance::Full { .. }, .. }) => "cem-full",
            PlannerConfig::Cem(_) => "cem",
            PlannerConfig::Icem(_) => "icem",
            PlannerConfig::Mppi(_) => "mppi",
            PlannerConfig::CategoricalCem(_) => "categorical-cem",
        }
    }
}

impl PlannerEntry {
    /// The planner of that name.
    pub fn find(name: &str) -> Result<&'static PlannerEntry> {
        let known = PLANNERS.iter().find(|entry| entry.name == name);
        known.ok_or_else(|| unknown("planner", name, PLANNERS.iter().map(|entry| entry.name)))
    }
}

#[cold]
fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str> + Clone) -> Error {
    match nearest(name, known.clone()) {
        Some(close) => Error::invalid(format_args!("no {what} is called `{name}`: did you mean `{close}`?")),
        None => {
            let all: Vec<&str> = known.collect();
            let all = all.join(", ");
            Error::invalid(format_args!("no {what} is called `{name}`: there are {all}"))
        }
    }
}
