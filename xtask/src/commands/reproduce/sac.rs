//! Soft actor-critic beside the program whose settings its preset `sb3` has.

use super::learning::{Earned, Group, Look, folded, made};
use super::welch::welch95;
use super::{Made, Scale};
use crate::cargo;
use crate::plot::{Reference, Style};
use mbrl_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What Stable-Baselines3's own agent earned, from the root of the tree: written by the script of the same name.
const PEER: &str = "crates/mbrl-agents/reference/sb3_pendulum.json";

pub(super) fn pendulum(scale: Scale) -> Result<Made> {
    let peer = Peer::read()?;
    let theirs = peer.earned("Stable-Baselines3")?;
    let ours = Group {
        name: "this workspace, preset sb3",
        algo: "sac",
        preset: "sb3",
        env: "pendulum",
        steps: 10_000,
        seeds: 8,
        eval: (500, 10),
        set: &[],
        data: None,
    };
    let ours = ours.evaluations(scale)?;
    let compared = compared(&theirs, &ours);
    let seeds = ours.first().map_or(0, |first| first.returns.len());
    let aim = Reference { label: "aim".to_owned(), y: -200.0 };
    let x = ["steps in the environment", "steps"];
    let look = Look { title: "SAC on pendulum", x, style: Style::Band };
    let mut whole = made(look, &[theirs, ours], vec![aim])?;
    whole.data = serde_json::json!({
        "curves": whole.data, "compared": compared, "peer": { "versions": peer.versions, "settings": peer.settings },
    });
    Ok(Made {
        found: format!("{} {}", whole.found, alike(&compared)),
        table: folded(
            &format!("{} Ours: {seeds} seeds.\n\n{}", peer.made_by(), summary(&compared)),
            &whole.table,
        ),
        ..whole
    })
}

/// The file of the script.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Peer {
    env: String,
    versions: BTreeMap<String, String>,
    settings: serde_json::Value,
    episodes: u64,
    evaluations: Vec<Evaluated>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evaluated {
    env_steps: u64,
    /// The mean return of the episodes, by seed.
    returns: Vec<f64>,
}

impl Peer {
    fn read() -> Result<Self> {
        let file = cargo::root().join(PEER);
        let place = || file.display().to_string();
        let text = std::fs::read_to_string(&file).with_context(place)?;
        serde_json::from_str(&text).map_err(Error::corrupt).with_context(place)
    }

    fn earned(&self, name: &'static str) -> Result<Vec<Earned>> {
        let seeds = self.evaluations.first().map_or(0, |first| first.returns.len());
        if seeds == 0 || self.evaluations.iter().any(|point| point.returns.len() != seeds) {
            return Err(Error::corrupt(format_args!("{PEER}: some seeds lack evaluations: make it anew")));
        }
        Ok(self.evaluations.iter().map(|at| Earned::of(name, at.env_steps, at.returns.clone())).collect())
    }

    fn made_by(&self) -> String {
        let versions: Vec<String> = self.versions.iter().map(|(name, it)| format!("{name} {it}")).collect();
        let seeds = self.evaluations.first().map_or(0, |first| first.returns.len());
        let (env, episodes, versions) = (&self.env, self.episodes, versions.join(", "));
        format!("The peer: {seeds} seeds on {env}, evaluations of {episodes} episodes, by {versions}.")
    }
}

/// Both agents after as many steps.
#[derive(Debug, Serialize)]
struct Compared {
    steps: u64,
    theirs: f64,
    theirs_ci95: Option<[f64; 2]>,
    ours: f64,
    ours_ci95: Option<[f64; 2]>,
    /// Ours less theirs.
    difference: f64,
    /// Welch's interval of it.
    welch95: Option<[f64; 2]>,
}

impl Compared {
    /// Whether our mean lies in their interval.
    fn is_within(&self) -> bool {
        self.theirs_ci95.is_some_and(|[low, high]| (low..=high).contains(&self.ours))
    }

    /// Whether the means may be the same, as far as Welch's interval tells.
    fn may_be_same(&self) -> bool {
        self.welch95.is_some_and(|[low, high]| (low..=high).contains(&0.0))
    }
}

/// The points that both curves have.
fn compared(theirs: &[Earned], ours: &[Earned]) -> Vec<Compared> {
    let pairs = theirs.iter().filter_map(|theirs| {
        let ours = ours.iter().find(|ours| ours.x == theirs.x)?;
        Some((theirs, ours))
    });
    pairs
        .map(|(theirs, ours)| Compared {
            steps: theirs.x,
            theirs: theirs.mean,
            theirs_ci95: theirs.ci95,
            ours: ours.mean,
            ours_ci95: ours.ci95,
            difference: ours.mean - theirs.mean,
            welch95: welch95(&ours.returns, &theirs.returns),
        })
        .collect()
}

/// At how many evaluations both agents are as good, as far as one can tell.
fn alike(compared: &[Compared]) -> String {
    let count = |is: fn(&Compared) -> bool| compared.iter().filter(|point| is(point)).count();
    format!(
        "Ours lies within the peer's 95 % interval at {} of {n} evaluations; Welch's interval of the difference holds zero at {} of {n}.",
        count(Compared::is_within),
        count(Compared::may_be_same),
        n = compared.len()
    )
}

fn summary(compared: &[Compared]) -> String {
    let mut text = format!(
        "{}\n\n\
         | steps | Stable-Baselines3 | 95 % | ours | 95 % | difference | Welch's 95 % | within | holds zero |\n\
         |---:|---:|---|---:|---|---:|---|---|---|\n",
        alike(compared)
    );
    let interval =
        |of: Option<[f64; 2]>| of.map_or("–".to_owned(), |[low, high]| format!("{low:.1} to {high:.1}"));
    let yes = |is: bool| if is { "yes" } else { "no" };
    for point in compared {
        let _ = writeln!(
            text,
            "| {} | {:.1} | {} | {:.1} | {} | {:.1} | {} | {} | {} |",
            point.steps,
            point.theirs,
            interval(point.theirs_ci95),
            point.ours,
            interval(point.ours_ci95),
            point.difference,
            interval(point.welch95),
            yes(point.is_within()),
            yes(point.may_be_same())
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(u64, &[f64])]) -> Vec<Earned> {
        points.iter().map(|(x, returns)| Earned::of("some", *x, returns.to_vec())).collect()
    }

    #[test]
    fn curves_are_compared_where_both_have_a_point() {
        let theirs = curve(&[(0, &[-10.0, -12.0, -14.0]), (5, &[-3.0, -3.1, -2.9]), (9, &[-1.0, -2.0])]);
        let ours = curve(&[(0, &[-11.0, -12.0, -16.0]), (5, &[-2.0, -2.2, -2.1]), (7, &[0.0, 1.0])]);
        let compared = compared(&theirs, &ours);
        assert_eq!(compared.iter().map(|point| point.steps).collect::<Vec<_>>(), [0, 5]);
        assert_eq!(compared.iter().map(Compared::is_within).collect::<Vec<_>>(), [true, false]);
        assert_eq!(compared.iter().map(Compared::may_be_same).collect::<Vec<_>>(), [true, false]);
        assert!((compared[0].difference + 1.0).abs() < 1e-12);
        let text = summary(&compared);
        assert!(
            text.starts_with("Ours lies within the peer's 95 % interval at 1 of 2 evaluations;"),
            "{text}"
        );
        assert!(text.contains("| 5 | -3.0 | -3.2 to -2.8 | -2.1 | -2.3 to -1.9 | 0.9 |"), "{text}");
    }

    #[test]
    fn the_peers_numbers_are_whole_and_of_the_settings_of_the_preset() {
        let peer = Peer::read().unwrap();
        let earned = peer.earned("peer").unwrap();
        assert!(earned.len() == 21 && earned.iter().all(|point| point.returns.len() >= 2));
        let preset = mbrl_agents::RunConfig::new("sac", Some("sb3")).unwrap().agent;
        let settings = &peer.settings;
        let close = |of: &serde_json::Value, other: &serde_json::Value| {
            (of.as_f64().unwrap() / other.as_f64().unwrap() - 1.0).abs() < 1e-6
        };
        for adam in [
            &preset["sac"]["actor"],
            &preset["sac"]["critic"],
            &preset["sac"]["temperature"]["learnt"]["adam"],
        ] {
            assert!(close(&adam["lr"], &settings["learning_rate"]));
        }
        assert!(close(&preset["sac"]["tau"], &settings["tau"]));
        for (ours, theirs) in [
            (&preset["capacity"], "buffer_size"),
            (&preset["initial_steps"], "learning_starts"),
            (&preset["updates_per_step"], "gradient_steps"),
            (&preset["sac"]["batch"], "batch_size"),
            (&preset["sac"]["hidden"], "net_arch"),
            (&preset["sac"]["critics"], "n_critics"),
            (&preset["sac"]["follow_every"], "target_update_interval"),
        ] {
            assert_eq!(*ours, settings[theirs], "{theirs}");
        }
        let entry = mbrl_envs::find("pendulum").unwrap();
        assert!((f64::from(entry.spec().discount) / settings["gamma"].as_f64().unwrap() - 1.0).abs() < 1e-6);
    }
}
