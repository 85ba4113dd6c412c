//! The datasets and settings of the offline figures.

use super::dataset::{Behaviour, Dataset, Who};
use super::{FROM_DATA, Group};

static PENDULUM_MEDIUM: Behaviour = Behaviour {
    name: "pendulum-medium",
    env: "pendulum",
    preset: "sb3",
    steps: 10_000,
    eval: (100, 20),
    target: Some(-600.0),
    set: &[],
};

static PENDULUM_EXPERT: Behaviour = Behaviour {
    name: "pendulum-expert",
    preset: "fast",
    steps: 5_000,
    eval: (5_000, 20),
    target: None,
    ..PENDULUM_MEDIUM
};

/// Small networks, as with MBPO, and its target entropy in this world; two updates a step, for time.
const SMALL: &[&str] = &["agent.updates_per_step=2", BOLD];
/// The same, with the slower rates of Stable-Baselines3.
const SLOW: &[&str] = &["agent.sac.hidden=[64,64]", "agent.sac.batch=128", BOLD];
const BOLD: &str = r#"agent.sac.temperature.learnt.target={"nats":0.0}"#;

static SWINGUP_EXPERT: Behaviour = Behaviour {
    name: "cartpole-swingup-expert",
    env: "cartpole-swingup",
    preset: "fast",
    steps: 100_000,
    eval: (20_000, 10),
    target: None,
    set: SMALL,
};

static SWINGUP_MEDIUM: Behaviour =
    Behaviour { name: "cartpole-swingup-medium", eval: (1_000, 10), target: Some(400.0), ..SWINGUP_EXPERT };

static SWINGUP_SLOW: Behaviour =
    Behaviour { name: "cartpole-swingup-slow", preset: "sb3", set: SLOW, ..SWINGUP_MEDIUM };

const ON_PENDULUM: Dataset = Dataset {
    name: "pendulum-random",
    env: "pendulum",
    who: Who::Random,
    rows: 10_000,
    expert: &PENDULUM_EXPERT,
    judged_by: None,
};

pub(super) static PENDULUM: &[Dataset] = &[
    ON_PENDULUM,
    Dataset { name: "pendulum-medium", who: Who::Act(&[&PENDULUM_MEDIUM]), ..ON_PENDULUM },
    Dataset { name: "pendulum-medium-replay", who: Who::Replay(&PENDULUM_MEDIUM), ..ON_PENDULUM },
    Dataset {
        name: "pendulum-medium-expert",
        who: Who::Act(&[&PENDULUM_MEDIUM, &PENDULUM_EXPERT]),
        ..ON_PENDULUM
    },
    Dataset { name: "pendulum-expert", who: Who::Act(&[&PENDULUM_EXPERT]), rows: 2_000, ..ON_PENDULUM },
];

const ON_SWINGUP: Dataset = Dataset {
    name: "cartpole-swingup-medium",
    env: "cartpole-swingup",
    who: Who::Act(&[&SWINGUP_MEDIUM]),
    rows: 20_000,
    expert: &SWINGUP_EXPERT,
    judged_by: None,
};

pub(super) static SWINGUP: &[Dataset] = &[
    ON_SWINGUP,
    Dataset { name: "cartpole-swingup-medium-replay", who: Who::Replay(&SWINGUP_MEDIUM), ..ON_SWINGUP },
    Dataset { name: "cartpole-swingup-slow-medium", who: Who::Act(&[&SWINGUP_SLOW]), ..ON_SWINGUP },
    Dataset {
        name: "cartpole-swingup-slow-medium-replay",
        who: Who::Replay(&SWINGUP_SLOW),
        rows: 100_000,
        ..ON_SWINGUP
    },
];

const SPINNING: Dataset = Dataset { env: "pendulum-spin", judged_by: Some("pendulum-spin"), ..ON_PENDULUM };

pub(super) static SPIN: &[Dataset] = &[
    Dataset { name: "pendulum-spin-medium-replay", who: Who::Replay(&PENDULUM_MEDIUM), ..SPINNING },
    Dataset {
        name: "pendulum-spin-medium-expert",
        who: Who::Act(&[&PENDULUM_MEDIUM, &PENDULUM_EXPERT]),
        ..SPINNING
    },
];

/// Where the weight of the penalty is looked at.
pub(super) static FOR_LAMBDA: &Dataset = &SWINGUP[2];

/// No penalty, from as many seeds.
pub(super) const UNWEIGHED: Group = Group { name: "no penalty", preset: "no-penalty", seeds: 3, ..FROM_DATA };

/// What is set in a run of this weight, and what the run is called.
pub(super) struct Weight {
    pub(super) lambda: &'static str,
    pub(super) name: &'static str,
    pub(super) set: &'static [&'static str],
}

macro_rules! weighed {
    ($measure:literal, $($weight:literal)*) => {
        &[$(Weight {
            lambda: $weight,
            name: concat!("MOPO ", $measure, " ", $weight),
            set: &[concat!(
                    r#"agent.pessimism={"penalty":{"lambda":"#,
                    $weight,
                    r#","uncertainty":{"measure":""#,
                    $measure,
                    r#"","columns":"all","members":"all"}}}"#
                )],
        }),*]
    };
}

/// The three penalties of the lecture, each with five weights.
pub(super) static WEIGHED: [(&str, &[Weight]); 3] = [
    ("norm of a covariance", weighed!("max_covariance_norm", "0.1" "0.3" "1" "3" "10")),
    ("distance of two means", weighed!("max_pairwise_distance", "0.1" "0.3" "1" "3" "10")),
    ("variance of the mixture", weighed!("ensemble_variance", "0.1" "0.3" "1" "3" "10")),
];
