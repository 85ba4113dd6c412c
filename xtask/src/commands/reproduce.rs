//! `reproduce`: make a figure of the documents again, with its table and its numbers.

mod bound;
mod caption;
mod chart;
mod compounding;
mod ensemble;
mod learning;
mod line;
mod mbpo;
mod narrowing;
mod offline;
mod page;
mod penalties;
mod planners;
mod posterior;
mod psrl;
mod sac;
mod welch;

use crate::plot::{Figure, Theme};
use crate::{Outcome, cargo, out};
use caption::Caption;
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
    /// What the source's own figure or table shows, or that no source draws this.
    pub(crate) source: &'static str,
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
    /// What came out, in a few sentences whose numbers are those of this very run.
    found: String,
    /// The numbers as Markdown.
    table: String,
    /// The numbers as they were measured.
    data: serde_json::Value,
}

const MBPO_SOURCE: &str = "MBPO's paper (Janner et al. 2019) draws return by steps on MuJoCo's runners and walkers, where MBPO \
    is as good as SAC with a small part of its steps (on the ant after 300 thousand, for SAC's 3 \
    million). This world is not among them.";
const MOPO_SOURCE: &str = "MOPO's paper (Yu et al. 2020) has a table of D4RL's datasets of MuJoCo's runners, on most of which \
    MOPO scores above a clone and above MBPO without a penalty. This world and its datasets are not \
    among them.";
const OPS_SOURCE: &str = "The poster's page (Wang, Chen & Murphy 2024) has OPS-MBPO ahead on tasks of sparse reward, of DM Control and \
    MetaWorld; its curves are pictures, without a table.";
const PS_SOURCE: &str = "The poster's page (Wang, Chen & Murphy 2024) has PS-MBPO at least as good as MBPO on tasks of dense reward; its \
    curves are pictures, without a table.";

/// Every figure, in the order of `docs/results.md`.
pub(crate) static RECIPES: &[Recipe] = &[
    Recipe {
        name: "planners",
        summary: "return against plans scored an action, by planner, with true dynamics",
        source: "The paper of iCEM (Pinneri et al. 2020) draws return against the plans that a planner may score, and iCEM needs 2.7 to 22 times \
                 fewer than CEM; the lecture names random shooting and CEM, with no numbers.",
        cost: "0.4 core-hours",
        make: planners::make,
    },
    Recipe {
        name: "cem-narrowing",
        summary: "what CEM and iCEM draw, round by round, beside random shooting, 10 searches",
        source: "The lecture writes CEM down, which draws, keeps the best and fits its distribution to them, and random shooting, which draws \
                 once; it draws no picture.",
        cost: "0.001 core-hours",
        make: narrowing::make,
    },
    Recipe {
        name: "ensemble-1d",
        summary: "chance and ignorance of an ensemble on a noisy line with a gap, 5 seeds",
        source: "The lecture tells chance (aleatoric) from ignorance for want of data (epistemic) in words, and gives no numbers; the \
                 line is this project's own.",
        cost: "0.01 core-hours",
        make: ensemble::line,
    },
    Recipe {
        name: "mopo-1d",
        summary: "six penalties beside the error of an ensemble on a noisy line with a gap, 5 seeds",
        source: "The slides draw an ensemble's uncertainty on a line, ask whether u is above the error at all, and report that the largest \
                 variance did better than disagreement.",
        cost: "0.01 core-hours",
        make: penalties::make,
    },
    Recipe {
        name: "compounding",
        summary: "error of a learnt model by steps ahead, and the spread of its particles, 5 seeds",
        source: "The lecture says that errors of a simulator compound over time and spoil long horizons; it draws no picture.",
        cost: "0.01 core-hours",
        make: compounding::make,
    },
    Recipe {
        name: "mbpo-bound",
        summary: "what theorems 4.1 to 4.3 subtract by length of rollouts, and k* by the model's error",
        source: "The notes state the theorems, and that k* is above 0 where ε_m′ is small enough; they draw nothing and name no number. \
                 Their theorem 4.3 keeps a term of 4.2 that the published one has not.",
        cost: "0.001 core-hours",
        make: bound::make,
    },
    Recipe {
        name: "pets-cartpole",
        summary: "PETS on cartpole, trial by trial, 5 seeds",
        source: "The notebook of mbrl-lib shows returns of about 41, 55, 116, 186 and 200 in its first trials, of one run.",
        cost: "0.1 core-hours",
        make: learning::cartpole,
    },
    Recipe {
        name: "pets-pendulum",
        summary: "PETS on pendulum, reward given and learnt, 5 seeds",
        source: "Nothing like it: PETS' paper has other worlds. The aim of −200 is what model-free agents come to.",
        cost: "0.7 core-hours",
        make: learning::pendulum,
    },
    Recipe {
        name: "mbpo-pendulum",
        summary: "MBPO on pendulum, beside SAC and beside itself without a model, 5 seeds",
        source: MBPO_SOURCE,
        cost: "0.3 core-hours",
        make: mbpo::pendulum,
    },
    Recipe {
        name: "mbpo-cartpole",
        summary: "the same on cartpole",
        source: MBPO_SOURCE,
        cost: "0.3 core-hours",
        make: mbpo::cartpole,
    },
    Recipe {
        name: "mbpo-cartpole-swingup",
        summary: "the same on cartpole-swingup, 3 seeds",
        source: MBPO_SOURCE,
        cost: "0.6 core-hours",
        make: mbpo::cartpole_swingup,
    },
    Recipe {
        name: "mbpo-reacher",
        summary: "the same on reacher, 3 seeds",
        source: MBPO_SOURCE,
        cost: "0.1 core-hours",
        make: mbpo::reacher,
    },
    Recipe {
        name: "mbpo-acrobot-swingup",
        summary: "the same on acrobot-swingup, 3 seeds",
        source: MBPO_SOURCE,
        cost: "0.1 core-hours",
        make: mbpo::acrobot,
    },
    Recipe {
        name: "sac-pendulum",
        summary: "SAC on pendulum beside Stable-Baselines3's own, 8 seeds",
        source: "Not of a paper: Stable-Baselines3's agent was run for it, by a script that is kept with its numbers.",
        cost: "0.1 core-hours",
        make: sac::pendulum,
    },
    Recipe {
        name: "mopo-pendulum",
        summary: "MOPO, its ablation and a clone on five datasets of the pendulum, 5 seeds",
        source: MOPO_SOURCE,
        cost: "1.0 core-hours",
        make: offline::pendulum,
    },
    Recipe {
        name: "mopo-cartpole-swingup",
        summary: "the same on four of cartpole-swingup",
        source: MOPO_SOURCE,
        cost: "1.0 core-hours",
        make: offline::cartpole_swingup,
    },
    Recipe {
        name: "mopo-spin",
        summary: "MOPO on two datasets of the pendulum with another reward than they were made for, 5 seeds",
        source: "On the halfcheetah that is to jump and the ant that is to walk at an angle, MOPO's paper reports more than the best \
                 recorded episode earns, and more than MBPO without a penalty.",
        cost: "0.3 core-hours",
        make: offline::spin,
    },
    Recipe {
        name: "mopo-lambda",
        summary: "MOPO's return against its penalty's weight, three penalties, 3 seeds",
        source: "The lecture reports that the largest variance did better than disagreement, and asks how the variance of the whole \
                 ensemble would do; it gives no numbers.",
        cost: "0.6 core-hours",
        make: offline::lambda,
    },
    Recipe {
        name: "psrl-regret",
        summary: "cumulative regret of posterior sampling and of others, in fixed and in random worlds",
        source: "The poster says that posterior sampling attains a regret of √K, and draws no worlds; RiverSwim, the chain and DeepSea are \
                 those that others measured exploration on.",
        cost: "0.1 core-hours",
        make: psrl::regret,
    },
    Recipe {
        name: "psrl-bound",
        summary: "Bayesian regret of exact posterior sampling beside its bound, 2000 worlds of two sizes",
        source: "The poster has a theorem and no figure of it: under exact inference the Bayesian regret of K episodes is at most \
                 √(C K (H R_max)² ℍ(π*)), for some constant C.",
        cost: "0.2 core-hours",
        make: psrl::bound,
    },
    Recipe {
        name: "psrl-lambda",
        summary: "cumulative regret of the flexible posterior for seven λ, five posteriors, 600 worlds",
        source: "The poster's figure 2 compares the cumulative regret of several λ under approximate inference; which λ, which world \
                 and which approximation its text does not say.",
        cost: "0.1 core-hours",
        make: psrl::lambda,
    },
    Recipe {
        name: "psrl-lambda-chosen",
        summary: "regret against λ of the flexible posterior, eight posteriors, 600 worlds to choose in and 600 others",
        source: "The poster has an example of a posterior that gives the true world no weight, and λ to handle such errors; how λ is to be \
                 chosen its text does not say.",
        cost: "0.3 core-hours",
        make: psrl::lambda_chosen,
    },
    Recipe {
        name: "ops-pendulum-sparse",
        summary: "OPS-MBPO and PS-MBPO beside MBPO and SAC where reward is sparse, 5 seeds",
        source: OPS_SOURCE,
        cost: "0.5 core-hours",
        make: posterior::pendulum_sparse,
    },
    Recipe {
        name: "ops-cartpole-swingup-sparse",
        summary: "OPS-MBPO beside MBPO and SAC on cartpole-swingup-sparse, 3 seeds",
        source: OPS_SOURCE,
        cost: "0.6 core-hours",
        make: posterior::swingup_sparse,
    },
    Recipe {
        name: "ps-pendulum",
        summary: "PS-MBPO and OPS-MBPO beside MBPO and SAC on pendulum, 5 seeds",
        source: PS_SOURCE,
        cost: "0.2 core-hours",
        make: posterior::pendulum,
    },
    Recipe {
        name: "ps-cartpole-swingup",
        summary: "the same on cartpole-swingup, 3 seeds",
        source: PS_SOURCE,
        cost: "0.7 core-hours",
        make: posterior::swingup,
    },
    Recipe {
        name: "ps-visited",
        summary: "the states that each visited in pendulum-sparse, of the runs of ops-pendulum-sparse",
        source: "The poster draws the states that PS-MBPO and MBPO visited on MetaWorld's Window-open-v2, side by side, without a \
                 number. Here the pendulum, whose states fill a plane, stands for that world.",
        cost: "0.5 core-hours",
        make: posterior::visited,
    },
    Recipe {
        name: "ps-sampling",
        summary: "PS-MBPO with a policy drawn every episode, every step, and never, 5 seeds",
        source: "The poster draws returns with the sampling step (solid) and without it (dashed). It does not say what acts \
                 where none is drawn; here it is the first policy, and for comparison one that is drawn in every step.",
        cost: "0.4 core-hours",
        make: posterior::sampling,
    },
    Recipe {
        name: "ps-members",
        summary: "the average reward of PS-MBPO by numbers of models and of policies, 3 seeds",
        source: "The poster draws the average reward for varying numbers N of models and M of policies; its page says that M \
                 went from 1 to 5. Tasks and numbers are not in its text.",
        cost: "0.6 core-hours",
        make: posterior::members,
    },
    Recipe {
        name: "ops-weights",
        summary: "the optimistic weights of OPS-MBPO on cartpole-swingup, of the runs of ps-cartpole-swingup",
        source: "The poster draws the weights over the first 100 thousand iterations, over the whole of training, and the reward \
                 curve, on Cartpole-Swingup; its text says that policies which promise little are gradually discarded.",
        cost: "0.2 core-hours",
        make: posterior::weights,
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
    let caption = Caption { source: recipe.source, found: &made.found };
    let data = serde_json::json!({ "caption": caption, "data": made.data });
    let data = serde_json::to_string_pretty(&data).map_err(Error::backend)?;
    let svg = made.figure.svg()?;
    let png = made.figure.png(Theme::Light, 2.0)?;
    for (kind, bytes) in [("json", data.as_bytes()), ("svg", svg.as_bytes()), ("png", &png[..])] {
        let file = folder.join(recipe.name).with_extension(kind);
        mbrl_buffer::write_aside(&file, |out| out.write_all(bytes).context("writing"))?;
        out::progress(format_args!("wrote {}", file.display()));
    }
    let table = caption.above(&made.table);
    if folder == home {
        let file = cargo::root().join(page::FILE);
        page::put(&file, recipe.name, &table)?;
        out::progress(format_args!("wrote {} into {}", recipe.name, file.display()));
    }
    out::line(table)?;
    Ok(Outcome::Well)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_a_name_of_its_own_and_says_in_sentences_what_its_source_shows() {
        for (i, Recipe { name, summary, source, cost, .. }) in RECIPES.iter().enumerate() {
            assert!(RECIPES[..i].iter().all(|other| other.name != *name), "{name} is there twice");
            assert!(!summary.is_empty() && cost.contains("core-"), "{name}");
            let begins = source.chars().next().is_some_and(|first| !first.is_lowercase());
            assert!(begins && source.ends_with('.'), "{name}: {source}");
            assert!(!source.contains("  ") && !source.contains('\n'), "{name}: {source}");
        }
    }
}
