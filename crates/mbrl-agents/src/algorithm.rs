//! The algorithms by name: one table from which everything that lists or builds them is served.

use crate::bc::Bc;
use crate::mbpo::Mbpo;
use crate::mbpo_monotonic::MbpoMonotonic;
use crate::mopo::Mopo;
use crate::morel::Morel;
use crate::pets::Pets;
use crate::ps_mbpo::{OpsMbpo, PsMbpo};
use crate::psrl::Psrl;
use crate::q_learning::QLearning;
use crate::random::Random;
use crate::random_shooting::RandomShooting;
use crate::sac::Sac;
use crate::ucbvi::Ucbvi;
use crate::{Agent, Method, Preset, Setup, Spaces};
use mbrl_core::{Context, Error, Key, Result, Space, Spec, nearest};
use serde_json::Value;

/// Every algorithm of the crate, in the order in which they are listed.
pub static ALL: &[Algorithm] = &[
    Algorithm::of::<Random>(),
    Algorithm::of::<RandomShooting>(),
    Algorithm::of::<Pets>(),
    Algorithm::of::<Sac>(),
    Algorithm::of::<Mbpo>(),
    Algorithm::of::<MbpoMonotonic>(),
    Algorithm::of::<Bc>(),
    Algorithm::of::<Mopo>(),
    Algorithm::of::<Morel>(),
    Algorithm::of::<Psrl>(),
    Algorithm::of::<QLearning>(),
    Algorithm::of::<Ucbvi>(),
    Algorithm::of::<PsMbpo>(),
    Algorithm::of::<OpsMbpo>(),
];

/// Within so many steps an algorithm with [quick](Algorithm::quick) settings has done everything that it does.
pub const QUICK_STEPS: u64 = 100;

/// What is known of a named algorithm, and how to build it: a [`Method`] whose type is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Algorithm {
    /// The name that it is chosen by.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// The paper that it is from.
    pub source: &'static str,
    /// Where it can act.
    pub spaces: Spaces,
    /// Whether it learns from a dataset alone.
    pub offline: bool,
    /// The settings to choose from; the first is the default.
    pub presets: &'static [Preset],
    config: fn(&str) -> Result<Value>,
    suited: fn(&str, &str, &Value) -> Result<Value>,
    quick: fn(&Value) -> Result<Value>,
    shape: fn(&Value) -> Result<Value>,
    complete: fn(&Value) -> Result<Value>,
    bytes: fn(&Value, &Spec) -> Result<u64>,
    build: fn(&Value, &Setup, Key) -> Result<Box<dyn Agent>>,
}

impl Algorithm {
    /// The entry of a method, for a table of one's own.
    pub const fn of<M: Method>() -> Self {
        Algorithm {
            name: M::NAME,
            summary: M::SUMMARY,
            source: M::SOURCE,
            spaces: M::SPACES,
            offline: M::OFFLINE,
            presets: M::PRESETS,
            config: |preset| write(&M::preset(preset)?),
            suited: |preset, dataset, config| write(&M::suited(preset, dataset, read::<M>(config)?)),
            quick: |config| write(&M::quick(read::<M>(config)?)),
            shape: |config| write(&parse::<M>(config)?),
            complete: |config| write(&read::<M>(config)?),
            bytes: |config, spec| M::bytes(&read::<M>(config)?, spec),
            build: |config, setup, key| M::build(read::<M>(config)?, setup, key),
        }
    }

    /// All settings of the preset of this name.
    pub fn config(&self, preset: &str) -> Result<Value> {
        if !self.presets.iter().any(|known| known.name == preset) {
            let names = || self.presets.iter().map(|preset| preset.name);
            let mend = mend(preset, names().collect());
            return Err(Error::invalid(format_args!("{} has no preset `{preset}`: {mend}", self.name)));
        }
        (self.config)(preset)
    }

    /// The settings of a preset as its source has them on the dataset of this name: [`Method::suited`].
    pub fn suited(&self, preset: &str, dataset: &str, config: &Value) -> Result<Value> {
        (self.suited)(preset, dataset, config)
    }

    /// The same settings cut down: [`Method::quick`].
    pub fn quick(&self, config: &Value) -> Result<Value> {
        (self.quick)(config)
    }

    /// Refuses settings that this algorithm does not have, and returns them with every field written out; whether they can be
    /// used is not asked.
    pub(crate) fn shape(&self, config: &Value) -> Result<Value> {
        (self.shape)(config)
    }

    /// Refuses settings that this algorithm does not have or cannot use, and returns them with every field written out.
    pub fn complete(&self, config: &Value) -> Result<Value> {
        (self.complete)(config)
    }

    /// The memory that an agent may come to take, where that may be much: [`Method::bytes`].
    pub fn bytes(&self, config: &Value, spec: &Spec) -> Result<u64> {
        self.check_spaces(spec)?;
        (self.bytes)(config, spec)
    }

    /// Refuses a world that it cannot act in.
    pub fn check_spaces(&self, spec: &Spec) -> Result<()> {
        let (needs, there) = match (self.spaces, &spec.act) {
            (Spaces::Continuous, Space::Discrete { n }) => {
                ("numbers as actions", format!("one of {n} choices"))
            }
            (Spaces::Discrete, Space::Box(_)) => {
                ("choices as actions", format!("a box of {} numbers", spec.act.dim()))
            }
            _ => return Ok(()),
        };
        let name = self.name;
        Err(Error::invalid(format_args!(
            "{name} needs {needs}, and this environment takes {there}: choose another of the two"
        )))
    }

    /// An agent that has learnt nothing yet.
    pub fn build(&self, config: &Value, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        setup.spec.validate()?;
        self.check_spaces(&setup.spec)?;
        (self.build)(config, setup, key).context(self.name)
    }
}

/// The algorithm of this name.
pub fn find(name: &str) -> Result<&'static Algorithm> {
    ALL.iter().find(|algorithm| algorithm.name == name).ok_or_else(|| {
        let mend = mend(name, ALL.iter().map(|algorithm| algorithm.name).collect());
        Error::invalid(format_args!("no algorithm is called `{name}`: {mend}"))
    })
}

/// What else a name may have been meant to be.
fn mend(name: &str, known: Vec<&str>) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there is {}", known.join(", ")),
    }
}

/// Through text, because a number of single precision is written shorter there: 0.001 and not 0.0010000000474974513.
fn write(config: &impl serde::Serialize) -> Result<Value> {
    let text = serde_json::to_string(config).map_err(Error::backend)?;
    serde_json::from_str(&text).map_err(Error::backend)
}

fn parse<M: Method>(config: &Value) -> Result<M::Config> {
    serde_json::from_value(config.clone())
        .map_err(|error| Error::invalid(error).wrap(format_args!("settings of {}", M::NAME)))
}

fn read<M: Method>(config: &Value) -> Result<M::Config> {
    let config = parse::<M>(config)?;
    M::validate(&config).with_context(|| format!("settings of {}", M::NAME))?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Steering;

    impl Method for Steering {
        const NAME: &'static str = "steering";
        const SUMMARY: &'static str = "needs numbers";
        const SOURCE: &'static str = "this test";
        const SPACES: Spaces = Spaces::Continuous;
        const PRESETS: &'static [Preset] = &[Preset { name: "paper", summary: "" }];
        type Config = ();

        fn preset(_: &str) -> Result<()> {
            Ok(())
        }

        fn quick((): ()) {}

        fn validate((): &()) -> Result<()> {
            Ok(())
        }

        fn build((): (), _: &Setup, _: Key) -> Result<Box<dyn Agent>> {
            Err(Error::unsupported("it is never built"))
        }
    }

    #[test]
    fn names_that_are_not_known_are_answered_with_the_nearest() {
        assert_eq!(
            find("randm").unwrap_err().to_string(),
            "no algorithm is called `randm`: did you mean `random`?"
        );
        assert!(find("xyzzy").unwrap_err().to_string().contains("there is random"));
        let steering = Algorithm::of::<Steering>();
        assert_eq!(
            steering.config("papre").unwrap_err().to_string(),
            "steering has no preset `papre`: did you mean `paper`?"
        );
    }

    #[test]
    fn a_space_that_is_not_served_is_refused_before_anything_is_built() {
        let choices = Spec::new(Space::unbounded(1).unwrap(), Space::discrete(3).unwrap());
        let numbers = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(2, 1.0).unwrap());
        let steering = Algorithm::of::<Steering>();
        let build = |spec: &Spec| steering.build(&Value::Null, &Setup::new(spec.clone()), Key::root(0));
        let error = build(&choices).err().unwrap();
        assert_eq!(
            error.to_string(),
            "steering needs numbers as actions, and this environment takes one of 3 choices: choose another of the two"
        );
        assert!(build(&numbers).err().unwrap().is_unsupported());
        let choosing = Algorithm { spaces: Spaces::Discrete, ..steering };
        assert!(choosing.check_spaces(&choices).is_ok() && choosing.check_spaces(&numbers).is_err());
    }
}
