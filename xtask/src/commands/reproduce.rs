//! `reproduce`: make a figure of the documents again, with its table and its numbers.

mod ensemble;
mod learning;
mod mbpo;
mod offline;
mod page;
mod planners;
mod psrl;
mod sac;
mod welch;

use crate::plot::{Figure, Theme};
use crate::{Outcome, cargo, out};
use mbrl_core::{Context, Error, Result, nearest};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The figure (`list figures`).
    figure: String,
    /// Only see that all of it runs: a few steps, two seeds or episodes, into runs/quick.
    #[arg(long)]
    quick: bool,
    /// Where to write; docs/results of this tree if not given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A figure that can be made again.
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    /// What it was estimated to take before it was made first.
    pub(crate) cost: &'static str,
    make: fn(Scale) -> Result<Made>,
}

/// Whether a figure is made in earnest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Whole,
    Quick,
}

impl Scale {
    /// Where the runs of figures are kept, so that what was done is not done again.
    fn folder(self) -> PathBuf {
        cargo::root().join(match self {
            Scale::Whole => "runs/reproduce",
            Scale::Quick => "runs/quick",
        })
    }
}

/// What was made.
struct Made {
    figure: Figure,
    /// The numbers as Markdown.
    table: String,
    /// The numbers as they were measured.
    data: serde_json::Value,
}

/// Every figure, in the order of `docs/results.md`.
pub(crate) static RECIPES: &[Recipe] = &[
    Recipe {
        name: "planners",
        summary: "return against plans scored an action, by planner, with true dynamics",
        cost: "0.4 core-hours",
        make: planners::make,
    },
    Recipe {
        name: "ensemble-1d",
        summary: "chance and ignorance of an ensemble on a noisy line with a gap, 5 seeds",
        cost: "0.01 core-hours",
        make: ensemble::line,
    },
    Recipe {
        name: "pets-cartpole",
        summary: "PETS on cartpole, trial by trial, 5 seeds",
        cost: "0.1 core-hours",
        make: learning::cartpole,
    },
    Recipe {
        name: "pets-pendulum",
        summary: "PETS on pendulum, reward given and learnt, 5 seeds",
        cost: "0.7 core-hours",
        make: learning::pendulum,
    },
    Recipe {
        name: "mbpo-pendulum",
        summary: "MBPO on pendulum, beside SAC and beside itself without a model, 5 seeds",
        cost: "0.3 core-hours",
        make: mbpo::pendulum,
    },
    Recipe {
        name: "mbpo-cartpole",
        summary: "the same on cartpole",
        cost: "0.3 core-hours",
        make: mbpo::cartpole,
    },
    Recipe {
        name: "mbpo-cartpole-swingup",
        summary: "the same on cartpole-swingup, 3 seeds",
        cost: "0.6 core-hours",
        make: mbpo::cartpole_swingup,
    },
    Recipe {
        name: "mbpo-reacher",
        summary: "the same on reacher, 3 seeds",
        cost: "0.1 core-hours",
        make: mbpo::reacher,
    },
    Recipe {
        name: "mbpo-acrobot-swingup",
        summary: "the same on acrobot-swingup, 3 seeds",
        cost: "0.1 core-hours",
        make: mbpo::acrobot,
    },
    Recipe {
        name: "sac-pendulum",
        summary: "SAC on pendulum beside Stable-Baselines3's own, 8 seeds",
        cost: "0.1 core-hours",
        make: sac::pendulum,
    },
    Recipe {
        name: "mopo-pendulum",
        summary: "MOPO, its ablation and a clone on five datasets of the pendulum, 5 seeds",
        cost: "1.0 core-hours",
        make: offline::pendulum,
    },
    Recipe {
        name: "mopo-cartpole-swingup",
        summary: "the same on four of cartpole-swingup",
        cost: "1.0 core-hours",
        make: offline::cartpole_swingup,
    },
    Recipe {
        name: "mopo-spin",
        summary: "MOPO on two datasets of the pendulum with another reward than they were made for, 5 seeds",
        cost: "0.3 core-hours",
        make: offline::spin,
    },
    Recipe {
        name: "mopo-lambda",
        summary: "MOPO's return against its penalty's weight, three penalties, 3 seeds",
        cost: "0.6 core-hours",
        make: offline::lambda,
    },
    Recipe {
        name: "psrl-regret",
        summary: "cumulative regret of posterior sampling and of others, in fixed and in random worlds",
        cost: "0.1 core-hours",
        make: psrl::regret,
    },
    Recipe {
        name: "psrl-bound",
        summary: "Bayesian regret of exact posterior sampling beside its bound, 2000 worlds of two sizes",
        cost: "0.2 core-hours",
        make: psrl::bound,
    },
    Recipe {
        name: "psrl-lambda",
        summary: "regret against λ of the flexible posterior, six posteriors, 600 worlds to choose in and 600 others",
        cost: "0.2 core-hours",
        make: psrl::lambda,
    },
];

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let names = || RECIPES.iter().map(|recipe| recipe.name);
    let Some(recipe) = RECIPES.iter().find(|recipe| recipe.name == args.figure) else {
        let mend = match nearest(&args.figure, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        return Err(Error::invalid(format_args!("no figure is called `{}`: {mend}", args.figure)));
    };
    let scale = if args.quick { Scale::Quick } else { Scale::Whole };
    let home = cargo::root().join("docs/results");
    let folder = match (&args.out, scale) {
        (Some(folder), _) => folder.clone(),
        (None, Scale::Whole) => home.clone(),
        (None, Scale::Quick) => cargo::root().join("runs/quick"),
    };
    let made = (recipe.make)(scale)?;
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let data = serde_json::to_string_pretty(&made.data).map_err(Error::backend)?;
    let svg = made.figure.svg()?;
    let png = made.figure.png(Theme::Light, 2.0)?;
    for (kind, bytes) in [("json", data.as_bytes()), ("svg", svg.as_bytes()), ("png", &png[..])] {
        let file = folder.join(recipe.name).with_extension(kind);
        mbrl_buffer::write_aside(&file, |out| out.write_all(bytes).context("writing"))?;
        out::progress(format_args!("wrote {}", file.display()));
    }
    if folder == home {
        let file = cargo::root().join(page::FILE);
        page::put(&file, recipe.name, &made.table)?;
        out::progress(format_args!("wrote {} into {}", recipe.name, file.display()));
    }
    out::line(made.table)?;
    Ok(Outcome::Well)
}
