//! The environments by name: one table from which everything that lists or makes them is served.

use crate::{
    AcrobotSwingup, Cartpole, CartpoleSwingup, Chain, Cliff, DeepSea, Finite, Garnet, Lqr, MountainCar,
    Observed, Pendulum, PendulumSparse, PendulumSpin, PointMass, Reacher, RiverSwim, Sim, Sketch, Tabular,
    TimeLimit, sim,
};
use mbrl_core::{Env, Error, Physics, Result, Spec, TabularMdp, Task, nearest};
use std::sync::Arc;

/// Every environment of the crate, in the order in which they are listed.
pub static ALL: &[Entry] = &[
    Entry {
        name: "pendulum",
        summary: "swing a pendulum up and hold it",
        source: "Gymnasium Pendulum-v1",
        parts: || observed(Pendulum),
    },
    Entry {
        name: "pendulum-sparse",
        summary: "the same from below, rewarded only upright",
        source: "this project",
        parts: || observed(PendulumSparse),
    },
    Entry {
        name: "pendulum-spin",
        summary: "turn a pendulum as fast as it can",
        source: "this project",
        parts: || observed(PendulumSpin),
    },
    Entry {
        name: "cartpole",
        summary: "balance a pole on a cart",
        source: "Gymnasium CartPole-v1, with mbrl-lib's continuous action",
        parts: || observed(Cartpole),
    },
    Entry {
        name: "cartpole-swingup",
        summary: "swing a pole up on a cart and hold it",
        source: "DM Control cartpole swingup",
        parts: || observed(CartpoleSwingup::default()),
    },
    Entry {
        name: "cartpole-swingup-sparse",
        summary: "the same, rewarded only upright in the middle",
        source: "DM Control cartpole swingup_sparse",
        parts: || observed(CartpoleSwingup::sparse()),
    },
    Entry {
        name: "acrobot-swingup",
        summary: "swing two arms up, driven at the elbow alone",
        source: "DM Control acrobot swingup",
        parts: || observed(AcrobotSwingup::default()),
    },
    Entry {
        name: "mountain-car",
        summary: "gather speed to leave a valley",
        source: "Gymnasium MountainCarContinuous-v0",
        parts: || observed(MountainCar),
    },
    Entry {
        name: "reacher",
        summary: "reach a target with an arm of two links",
        source: "this project",
        parts: || observed(Reacher::default()),
    },
    Entry {
        name: "point-mass",
        summary: "push a point to the origin and stop it",
        source: "this project",
        parts: || observed(PointMass),
    },
    Entry {
        name: "lqr",
        summary: "bring a mass to rest under noise: linear, quadratic, exactly solved",
        source: "this project",
        parts: || observed(Lqr),
    },
    Entry {
        name: "riverswim",
        summary: "swim against a current of six states for a distant reward",
        source: "Strehl & Littman 2008; numbers of Osband et al. 2013",
        parts: || finite(&RiverSwim),
    },
    Entry {
        name: "chain",
        summary: "walk to the end of a chain with hands that slip",
        source: "Strens 2000",
        parts: || finite(&Chain),
    },
    Entry {
        name: "deepsea",
        summary: "find the one rewarded sequence of ten actions",
        source: "bsuite deep_sea, size 10",
        parts: || finite(&DeepSea::default()),
    },
    Entry {
        name: "cliff",
        summary: "walk along a cliff to the goal",
        source: "Sutton & Barto, example 6.6",
        parts: || finite(&Cliff),
    },
    Entry {
        name: "garnet",
        summary: "a random world of ten states",
        source: "Archibald, McKinnon & Thomas 1995",
        parts: || finite(&Garnet::default()),
    },
];

/// What is known of a named environment, and how to make it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name it is made by.
    pub name: &'static str,
    /// What is to be done.
    pub summary: &'static str,
    /// Where it is from.
    pub source: &'static str,
    parts: fn() -> Parts,
}

/// What can be made of a system.
struct Parts {
    env: Box<dyn Env>,
    task: Task,
    physics: Arc<dyn Physics>,
    mdp: Option<TabularMdp>,
    optimal_return: Option<f64>,
    sketch: Sketcher,
}

type Sketcher = Box<dyn Fn(&[f32]) -> Option<Sketch>>;

impl Entry {
    /// The environment, with its time limit.
    pub fn make(&self) -> Box<dyn Env> {
        (self.parts)().env
    }

    /// What is known before the first step.
    pub fn spec(&self) -> Spec {
        self.make().spec().clone()
    }

    /// Its reward and termination.
    pub fn task(&self) -> Task {
        (self.parts)().task
    }

    /// Its exact dynamics, where the observation determines the state.
    pub fn physics(&self) -> Option<Arc<dyn Physics>> {
        Some((self.parts)().physics)
    }

    /// What an optimal policy earns in an episode in the mean, undiscounted, where that is known in closed form. Of a
    /// finite environment it can be computed from [`mdp`](Entry::mdp).
    pub fn optimal_return(&self) -> Option<f64> {
        (self.parts)().optimal_return
    }

    /// What it looks like where `obs` is observed; nothing, where nobody has drawn it.
    ///
    /// ```
    /// use mbrl_envs::Form;
    ///
    /// # fn main() -> mbrl_core::Result<()> {
    /// let upright = mbrl_envs::find("pendulum")?.sketch(&[1.0, 0.0, 0.0])?;
    /// let shapes = upright.expect("it is a rod about a pivot").shapes;
    /// assert!(matches!(shapes[0].form, Form::Rod { ends: [[0.0, 0.0], [_, 1.0]], .. }));
    /// # Ok(()) }
    /// ```
    pub fn sketch(&self, obs: &[f32]) -> Result<Option<Sketch>> {
        let parts = (self.parts)();
        parts.env.spec().obs.check("observation", obs)?;
        Ok((parts.sketch)(obs))
    }

    /// Its tables, where it is finite.
    pub fn mdp(&self) -> Option<TabularMdp> {
        (self.parts)().mdp
    }
}

/// What is made of a system whose observation determines its state.
fn observed<S: Observed>(system: S) -> Parts {
    let limit = system.horizon();
    let env = TimeLimit::new(Sim::new(system.clone()), limit).expect("the horizon of a system is not 0");
    let optimal_return = system.optimal_return();
    let (task, physics) = (sim::task(system.clone()), sim::physics(system.clone()));
    let sketch = Box::new(move |obs: &[f32]| system.sketch(obs));
    Parts { env: Box::new(env), task, physics, mdp: None, optimal_return, sketch }
}

/// What is made of a finite world.
fn finite(world: &impl Finite) -> Parts {
    let system = Tabular::of(world).expect("the tables of a registered world are sound");
    Parts { mdp: Some(system.mdp().clone()), ..observed(system) }
}

/// Names that begin so are those of simulators that a build may be given; none comes with this crate.
const RESERVED: [&str; 3] = ["gym:", "mujoco:", "dmc:"];

/// The entry of this name.
pub fn find(name: &str) -> Result<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names = || ALL.iter().map(|entry| entry.name);
        let all = || names().collect::<Vec<_>>().join(", ");
        let mend = if let Some(prefix) = RESERVED.iter().find(|prefix| name.starts_with(**prefix)) {
            format!("this build has no `{prefix}` environments, only {}", all())
        } else if let Some(near) = nearest(name, names()) {
            format!("did you mean `{near}`?")
        } else {
            format!("there are {}", all())
        };
        Error::invalid(format_args!("no environment is called `{name}`: {mend}"))
    })
}

/// The environment of this name, with its time limit.
pub fn make(name: &str) -> Result<Box<dyn Env>> {
    Ok(find(name)?.make())
}
