//! `list`: what there is.

mod algos;

use crate::commands::reproduce;
use crate::{Outcome, out};
use clap::ValueEnum;
use mbrl_core::{Result, Space, Spec};
use mbrl_envs::Entry;
use serde::Serialize;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to list.
    #[arg(default_value = "envs")]
    what: What,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// The algorithms: what they are, where they are from, and where they can act.
    Algos,
    /// The environments: what is observed and done, when an episode is cut, and what random and optimal policies earn.
    Envs,
    /// The figures that can be made again, and what they take.
    Figures,
    /// The settings that algorithms come with, and how these differ.
    Presets,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match args.what {
        What::Algos => algos::algos(args.json)?,
        What::Envs => envs(args.json)?,
        What::Figures => figures(args.json)?,
        What::Presets => algos::presets(args.json)?,
    }
    Ok(Outcome::Well)
}

/// An environment as others script against it: more may be added, none renamed.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    summary: &'static str,
    source: &'static str,
    obs_dim: usize,
    act_dim: usize,
    discrete: bool,
    obs: Space,
    act: Space,
    horizon: Option<u32>,
    random_return: Option<f64>,
    random_ci95: Option<[f64; 2]>,
    random_episodes: Option<u64>,
    optimal_return: Option<f64>,
}

/// What an optimal policy earns: known in closed form, or computed where the environment is finite.
fn optimal_return(entry: &Entry) -> Option<f64> {
    entry.optimal_return().or_else(|| {
        let (mdp, horizon) = (entry.mdp()?, entry.spec().time_limit?);
        let plan = mbrl_plan::backward_induction(&mdp, horizon as usize, 1.0).ok()?;
        Some(plan.start_value(&mdp))
    })
}

impl Listed {
    fn of(entry: &Entry) -> Self {
        let Spec { obs, act, time_limit, .. } = entry.spec();
        let random = entry.random_return();
        Listed {
            name: entry.name,
            summary: entry.summary,
            source: entry.source,
            obs_dim: obs.dim(),
            act_dim: act.dim(),
            discrete: act.choices().is_some(),
            obs,
            act,
            horizon: time_limit,
            random_return: random.map(|r| r.mean),
            random_ci95: random.map(|r| r.ci95),
            random_episodes: random.map(|r| r.episodes),
            optimal_return: optimal_return(entry),
        }
    }
}

fn figures(json: bool) -> Result<()> {
    #[derive(Serialize)]
    struct Listed {
        name: &'static str,
        summary: &'static str,
        cost: &'static str,
        source: &'static str,
    }
    let listed: Vec<Listed> = reproduce::RECIPES
        .iter()
        .map(|recipe| Listed {
            name: recipe.name,
            summary: recipe.summary,
            cost: recipe.cost,
            source: recipe.source,
        })
        .collect();
    if json {
        return out::json(&listed);
    }
    let row = |figure: &Listed| [figure.name, figure.cost, figure.summary].map(str::to_owned).to_vec();
    out::table(&["name", "estimated cost", "what it shows"], &listed.iter().map(row).collect::<Vec<_>>())
}

fn envs(json: bool) -> Result<()> {
    let listed: Vec<Listed> = mbrl_envs::ALL.iter().map(Listed::of).collect();
    if json {
        return out::json(&listed);
    }
    // Three digits behind the point where there are few before it.
    let digits = |x: f64| if x.abs() < 10.0 { format!("{x:.3}") } else { format!("{x:.1}") };
    let number = |x: Option<f64>| x.map_or("-".to_owned(), digits);
    let rows: Vec<Vec<String>> = listed
        .iter()
        .map(|env| {
            vec![
                env.name.to_owned(),
                show(&env.obs),
                show(&env.act),
                env.horizon.map_or("-".to_owned(), |h| h.to_string()),
                number(env.random_return),
                number(env.optimal_return),
                env.source.to_owned(),
            ]
        })
        .collect();
    out::table(&["name", "observed", "action", ">horizon", ">random", ">optimal", "source"], &rows)?;
    out::line(
        "\nrandom, optimal: the mean undiscounted return of an episode; - where nobody knows the optimum.",
    )
}

/// A space in a few characters: the interval of each column, with neighbours that are alike said once.
fn show(space: &Space) -> String {
    let Space::Box(bounds) = space else {
        return format!("one of {}", space.choices().unwrap_or(0));
    };
    let intervals = bounds.low().iter().zip(bounds.high()).map(|(low, high)| match (low, high) {
        (low, high) if low.is_infinite() && high.is_infinite() => "any".to_owned(),
        (low, high) if (low + high).abs() < f32::EPSILON => format!("±{}", short(*high)),
        (low, high) => format!("{}..{}", short(*low), short(*high)),
    });
    let mut runs: Vec<(String, usize)> = Vec::new();
    for interval in intervals {
        match runs.last_mut() {
            Some((last, n)) if *last == interval => *n += 1,
            _ => runs.push((interval, 1)),
        }
    }
    let show = |(interval, n): (String, usize)| if n == 1 { interval } else { format!("{n}× {interval}") };
    runs.into_iter().map(show).collect::<Vec<_>>().join(", ")
}

/// A bound to three digits.
fn short(bound: f32) -> String {
    let text = format!("{bound:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
