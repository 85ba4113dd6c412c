//! How MBPO learns, beside SAC as others run it, and beside SAC with MBPO's own settings and no model.

use super::learning::{Group, Look, folded, made, reached};
use super::{Made, Scale};
use crate::plot::{Reference, Style};
use mbrl_core::Result;

/// What is compared in an environment.
struct Plan {
    title: &'static str,
    env: &'static str,
    seeds: u64,
    /// Steps of MBPO, of SAC with Stable-Baselines3's settings, and of SAC with MBPO's.
    steps: [u64; 3],
    /// Steps from one evaluation to the next.
    every: u64,
    /// The return that counts as learnt.
    aim: f64,
    /// What is set in MBPO besides, with and without its model.
    set: &'static [&'static str],
}

impl Plan {
    fn make(&self, scale: Scale) -> Result<Made> {
        let mbpo = Group {
            name: "MBPO",
            algo: "mbpo",
            preset: "fast",
            env: self.env,
            steps: self.steps[0],
            seeds: self.seeds,
            eval: (self.every, 10),
            set: self.set,
            data: None,
        };
        let sac = Group { name: "SAC", algo: "sac", preset: "sb3", steps: self.steps[1], set: &[], ..mbpo };
        let bare = Group { name: "MBPO without a model", algo: "sac", steps: self.steps[2], ..mbpo };
        let groups = [mbpo, sac, bare];
        let curves = groups.iter().map(|group| group.evaluations(scale)).collect::<Result<Vec<_>>>()?;
        let aim = Reference { label: "aim".to_owned(), y: self.aim };
        let x = ["steps in the environment", "steps"];
        let made = made(Look { title: self.title, x, style: Style::Band }, &curves, vec![aim])?;
        Ok(Made { table: folded(&reached(&curves, self.aim), &made.table), ..made })
    }
}

/// A target entropy of 0 in the place of −1: a cart that is pushed a hundred times a second is hardly moved by less noise.
const BOLD: &[&str] =
    &[r#"agent.sac.temperature={"learnt":{"initial":1.0,"target":{"nats":0.0},"adam":{"lr":1e-3}}}"#];

pub(super) fn pendulum(scale: Scale) -> Result<Made> {
    let title = "MBPO on pendulum";
    Plan {
        title,
        env: "pendulum",
        seeds: 5,
        steps: [3_000, 10_000, 3_000],
        every: 250,
        aim: -200.0,
        set: &[],
    }
    .make(scale)
}

pub(super) fn cartpole(scale: Scale) -> Result<Made> {
    let title = "MBPO on cartpole";
    Plan { title, env: "cartpole", seeds: 5, steps: [5_000, 15_000, 5_000], every: 500, aim: 200.0, set: &[] }
        .make(scale)
}

pub(super) fn cartpole_swingup(scale: Scale) -> Result<Made> {
    let (title, env) = ("MBPO on cartpole-swingup", "cartpole-swingup");
    Plan { title, env, seeds: 3, steps: [15_000, 75_000, 15_000], every: 1_000, aim: 800.0, set: BOLD }
        .make(scale)
}

pub(super) fn reacher(scale: Scale) -> Result<Made> {
    let title = "MBPO on reacher";
    Plan { title, env: "reacher", seeds: 3, steps: [3_000, 10_000, 3_000], every: 500, aim: -45.0, set: &[] }
        .make(scale)
}

pub(super) fn acrobot(scale: Scale) -> Result<Made> {
    let (title, env) = ("MBPO on acrobot-swingup", "acrobot-swingup");
    Plan { title, env, seeds: 3, steps: [5_000, 10_000, 5_000], every: 500, aim: 100.0, set: BOLD }
        .make(scale)
}
