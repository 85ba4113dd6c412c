//! How posterior sampling learns: PS-MBPO and OPS-MBPO beside MBPO and SAC, and what their parts are worth.

mod grid;
mod visited;
mod weights;

pub(super) use grid::members;
pub(super) use visited::visited;
pub(super) use weights::weights;

use super::learning::{Group, Look, folded, made, reached};
use super::{Made, Scale};
use crate::plot::{Reference, Style};
use mbrl_core::Result;

/// The pendulum that is paid only upright: 30 episodes.
const SPARSE: Group = Group {
    name: "OPS-MBPO",
    algo: "ops-mbpo",
    preset: "study",
    env: "pendulum-sparse",
    steps: 6_000,
    seeds: 5,
    eval: (500, 10),
    set: &[],
    data: None,
};

/// A target entropy of 0 in the place of −1, as MBPO has it on this task.
const BOLD: &[&str] =
    &[r#"agent.sac.temperature={"learnt":{"initial":1.0,"target":{"nats":0.0},"adam":{"lr":1e-3}}}"#];

/// The swing-up: 8 episodes.
const SWINGUP: Group =
    Group { env: "cartpole-swingup", steps: 8_000, seeds: 3, eval: (1_000, 5), set: BOLD, ..SPARSE };

const SWINGUP_SPARSE: Group =
    Group { env: "cartpole-swingup-sparse", steps: 10_000, seeds: 3, eval: (2_000, 5), ..SPARSE };

const PENDULUM: Group = Group { env: "pendulum", steps: 3_000, eval: (250, 10), ..SPARSE };

/// The same with uniform sampling.
const fn ps(ops: Group) -> Group {
    Group { name: "PS-MBPO", algo: "ps-mbpo", ..ops }
}

const fn mbpo(ops: Group) -> Group {
    Group { name: "MBPO", algo: "mbpo", ..ops }
}

const fn sac(ops: Group) -> Group {
    Group { name: "SAC", algo: "sac", ..ops }
}

/// Returns by steps of some agents, and how soon they got to an aim.
fn compared(title: &str, groups: &[Group], aim: f64, scale: Scale) -> Result<Made> {
    let curves = groups.iter().map(|group| group.evaluations(scale)).collect::<Result<Vec<_>>>()?;
    let lines = vec![Reference { label: "aim".to_owned(), y: aim }];
    let look = Look { title, x: ["steps in the environment", "steps"], style: Style::Band };
    let made = made(look, &curves, lines)?;
    Ok(Made { table: folded(&reached(&curves, aim), &made.table), ..made })
}

pub(super) fn pendulum_sparse(scale: Scale) -> Result<Made> {
    // Whether it is only that MBPO fits its model four times as often.
    let rarely = Group { name: "MBPO, fitted each episode", set: &["agent.model_every=200"], ..mbpo(SPARSE) };
    let groups = [SPARSE, ps(SPARSE), mbpo(SPARSE), rarely, sac(SPARSE)];
    compared("Posterior sampling on pendulum-sparse", &groups, 100.0, scale)
}

pub(super) fn swingup_sparse(scale: Scale) -> Result<Made> {
    let groups = [SWINGUP_SPARSE, mbpo(SWINGUP_SPARSE), sac(SWINGUP_SPARSE)];
    compared("Posterior sampling on cartpole-swingup-sparse", &groups, 100.0, scale)
}

pub(super) fn pendulum(scale: Scale) -> Result<Made> {
    let groups = [ps(PENDULUM), NORMALIZED, mbpo(PENDULUM), sac(PENDULUM)];
    compared("Posterior sampling on pendulum", &groups, -200.0, scale)
}

/// Where rewards are negative, their sum would send the ones that were never drawn ahead.
const NORMALIZED: Group = Group {
    set: &[r#"agent.sampling={"optimistic":{"tau":1.0,"score":"normalized"}}"#],
    name: "OPS-MBPO, normalised",
    ..PENDULUM
};

pub(super) fn swingup(scale: Scale) -> Result<Made> {
    let groups = [ps(SWINGUP), SWINGUP, mbpo(SWINGUP), sac(SWINGUP)];
    compared("Posterior sampling on cartpole-swingup", &groups, 400.0, scale)
}

/// With and without the step that draws a policy.
pub(super) fn sampling(scale: Scale) -> Result<Made> {
    let drawn = ps(SPARSE);
    let groups = [
        drawn,
        Group { name: "drawn every step", set: &["agent.draw=step"], ..drawn },
        Group { name: "never drawn", set: &["agent.draw=never"], ..drawn },
    ];
    compared("The sampling step of PS-MBPO on pendulum-sparse", &groups, 100.0, scale)
}
