//! What is known of a recording besides its rows.

use mbrl_core::Space;
use serde::{Deserialize, Serialize};

/// What is known of a recording: all of it may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct About {
    /// What it is called.
    pub name: Option<String>,
    /// The environment, by name.
    pub env: Option<String>,
    /// Who acted, in words.
    pub made_by: Option<String>,
    /// What is observed.
    pub obs: Option<Space>,
    /// What can be done.
    pub act: Option<Space>,
    /// The returns that scores are measured between.
    pub reference: Option<Reference>,
}

/// The returns that a score counts as 0 and as 100, as D4RL has it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// What scores 0: what a policy earns that acts at random.
    pub min: f64,
    /// What scores 100: what an expert earns.
    pub max: f64,
}

impl About {
    /// Something of which only the name is known.
    pub fn named(name: &str) -> Self {
        About { name: Some(name.to_owned()), ..About::default() }
    }
}

impl Reference {
    /// The normalised score of a return, 0 to 100 between the two.
    ///
    /// ```
    /// use mbrl_buffer::Reference;
    ///
    /// // The halfcheetah of D4RL.
    /// let reference = Reference { min: -280.178953, max: 12135.0 };
    /// assert!((reference.score(5927.4) - 50.0).abs() < 0.01);
    /// ```
    pub fn score(self, earned: f64) -> f64 {
        100.0 * (earned - self.min) / (self.max - self.min)
    }
}
