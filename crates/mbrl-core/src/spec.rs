//! What is known of an environment before the first step.

use crate::{Dims, Error, Result, Space};
use serde::{Deserialize, Serialize};

/// The facts of an environment that everything else is built from: computed once, passed to all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Spec {
    /// What is observed.
    pub obs: Space,
    /// What can be done, in the environment's own units.
    pub act: Space,
    /// γ: what a reward one step later is worth.
    pub discount: f32,
    /// After how many steps an episode is cut, if it is.
    pub time_limit: Option<u32>,
}

impl Spec {
    /// A discount of 0.99 and no time limit; change the fields for others.
    pub fn new(obs: Space, act: Space) -> Self {
        Spec { obs, act, discount: 0.99, time_limit: None }
    }

    /// How wide observations and actions are.
    pub fn dims(&self) -> Dims {
        Dims { obs: self.obs.dim(), act: self.act.dim() }
    }

    /// Refuses an action of the wrong length, one with a NaN or an infinity, or an index that is no choice.
    #[inline]
    pub fn check_action(&self, act: &[f32]) -> Result<()> {
        self.act.check("action", act)
    }

    /// Refuses a space that cannot be, a discount outside [0, 1] and a time limit of zero.
    pub fn validate(&self) -> Result<()> {
        for space in [&self.obs, &self.act] {
            if let Space::Discrete { n } = space {
                Space::discrete(*n)?;
            }
        }
        if !(0.0..=1.0).contains(&self.discount) {
            return Err(Error::invalid(format_args!("discount is {}: expected 0 to 1", self.discount)));
        }
        if self.time_limit == Some(0) {
            return Err(Error::invalid("time limit is 0: expected at least 1 step"));
        }
        Ok(())
    }
}

/// A spec as it stands in a file, before it has been looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    obs: Space,
    act: Space,
    discount: f32,
    time_limit: Option<u32>,
}

impl TryFrom<Unchecked> for Spec {
    type Error = Error;

    fn try_from(Unchecked { obs, act, discount, time_limit }: Unchecked) -> Result<Self> {
        let spec = Spec { obs, act, discount, time_limit };
        spec.validate()?;
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_specs_that_can_be_are_read() {
        let spec = Spec::new(Space::unbounded(2).unwrap(), Space::discrete(3).unwrap());
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
        for (from, to) in
            [("0.99", "7.0"), ("limit\":null", "limit\":0"), ("\"n\":3", "\"n\":0"), ("discount", "gamma")]
        {
            let bad = json.replacen(from, to, 1);
            assert!(bad != json && serde_json::from_str::<Spec>(&bad).is_err(), "{bad}");
        }
        let unmade = Spec { act: Space::Discrete { n: 0 }, ..spec };
        assert!(unmade.validate().is_err() && unmade.check_action(&[0.0]).is_err());
    }
}
