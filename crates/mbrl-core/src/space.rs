//! What an observation or an action may be.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The set that an observation or an action is from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    /// Real vectors between two bounds.
    Box(BoxSpace),
    /// One of `n` choices: a single column that holds the index.
    Discrete {
        /// The number of choices.
        #[serde(deserialize_with = "choices")]
        n: u32,
    },
}

/// Real vectors between two bounds, either of which may be infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct BoxSpace {
    low: Vec<f32>,
    high: Vec<f32>,
}

/// Bounds as they are written in JSON, which knows no infinity: an absent bound is null.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    low: Vec<Option<f32>>,
    high: Vec<Option<f32>>,
}

fn choices<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let n = u32::deserialize(deserializer)?;
    Space::discrete(n).map(|_| n).map_err(serde::de::Error::custom)
}

/// Indices up to this are exact in `f32`.
const LARGEST_N: u32 = 1 << 24;

impl BoxSpace {
    /// The box between `low` and `high`, as wide as they are long.
    pub fn new(low: Vec<f32>, high: Vec<f32>) -> Result<Self> {
        if low.len() != high.len() {
            let (low, high) = (low.len(), high.len());
            return Err(Error::invalid(format_args!(
                "a box has {low} lower and {high} upper bounds: give as many"
            )));
        }
        for (i, (low, high)) in low.iter().zip(&high).enumerate() {
            if low.is_nan() || high.is_nan() || low >= high {
                return Err(Error::invalid(format_args!(
                    "bound {i} of a box is empty, [{low}, {high}]: the lower one must be below"
                )));
            }
        }
        Ok(BoxSpace { low, high })
    }

    /// The lower bounds.
    pub fn low(&self) -> &[f32] {
        &self.low
    }

    /// The upper bounds.
    pub fn high(&self) -> &[f32] {
        &self.high
    }

    /// Whether a uniform number can be drawn between each pair of bounds: they and their distance are finite.
    pub fn is_bounded(&self) -> bool {
        self.low.iter().zip(&self.high).all(|(low, high)| (high - low).is_finite())
    }
}

impl TryFrom<Bounds> for BoxSpace {
    type Error = Error;

    fn try_from(bounds: Bounds) -> Result<Self> {
        let or = |bounds: Vec<Option<f32>>, absent: f32| bounds.iter().map(|b| b.unwrap_or(absent)).collect();
        BoxSpace::new(or(bounds.low, f32::NEG_INFINITY), or(bounds.high, f32::INFINITY))
    }
}

impl From<BoxSpace> for Bounds {
    fn from(space: BoxSpace) -> Self {
        let finite = |bounds: Vec<f32>| bounds.into_iter().map(|b| b.is_finite().then_some(b)).collect();
        Bounds { low: finite(space.low), high: finite(space.high) }
    }
}

impl Space {
    /// The box between `low` and `high`.
    pub fn bounded(low: &[f32], high: &[f32]) -> Result<Self> {
        Ok(Space::Box(BoxSpace::new(low.to_vec(), high.to_vec())?))
    }

    /// The box from `-bound` to `bound` in each of `dim` directions.
    pub fn symmetric(dim: usize, bound: f32) -> Result<Self> {
        Ok(Space::Box(BoxSpace::new(vec![-bound; dim], vec![bound; dim])?))
    }

    /// The box from `-bounds[i]` to `bounds[i]` in direction `i`.
    ///
    /// # Panics
    ///
    /// Where a bound is not positive: this is for bounds written in a program.
    pub fn symmetric_each(bounds: &[f32]) -> Self {
        let low = bounds.iter().map(|bound| -bound).collect();
        Space::Box(BoxSpace::new(low, bounds.to_vec()).expect("bounds are positive"))
    }

    /// All vectors of `dim` numbers.
    pub fn unbounded(dim: usize) -> Result<Self> {
        Space::symmetric(dim, f32::INFINITY)
    }

    /// One of `n` choices.
    pub fn discrete(n: u32) -> Result<Self> {
        if n == 0 || n > LARGEST_N {
            return Err(Error::invalid(format_args!("a discrete space of {n}: choose 1 to {LARGEST_N}")));
        }
        Ok(Space::Discrete { n })
    }

    /// The number of columns that a value takes.
    pub fn dim(&self) -> usize {
        match self {
            Space::Box(space) => space.low.len(),
            Space::Discrete { .. } => 1,
        }
    }

    /// The number of choices, of a discrete space.
    pub fn choices(&self) -> Option<u32> {
        match self {
            Space::Box(_) => None,
            Space::Discrete { n } => Some(*n),
        }
    }

    /// Whether `value` is in the space.
    pub fn contains(&self, value: &[f32]) -> bool {
        value.len() == self.dim()
            && match self {
                Space::Box(space) => {
                    value.iter().zip(space.low.iter().zip(&space.high)).all(|(v, (l, h))| l <= v && v <= h)
                }
                Space::Discrete { n } => value[0] >= 0.0 && value[0] < *n as f32 && value[0].fract() == 0.0,
            }
    }

    /// Refuses a value that cannot be meant: of the wrong length, not finite, or no index of a choice.
    ///
    /// A finite value outside a box is not refused: what becomes of it is the business of whoever receives it.
    #[inline]
    pub fn check(&self, name: &str, value: &[f32]) -> Result<()> {
        if value.len() != self.dim() {
            return Err(self.wrong_length(name, value.len()));
        }
        match self {
            Space::Box(_) => match value.iter().position(|v| !v.is_finite()) {
                None => Ok(()),
                Some(i) => {
                    Err(Error::non_finite(format_args!("{name}[{i}] is {}: give finite numbers", value[i])))
                }
            },
            Space::Discrete { .. } if self.contains(value) => Ok(()),
            Space::Discrete { n } => {
                Err(Error::invalid(format_args!("{name} is {}: expected a whole number below {n}", value[0])))
            }
        }
    }

    #[cold]
    fn wrong_length(&self, name: &str, len: usize) -> Error {
        Error::invalid(format_args!("{name} has {len} numbers: expected {}", self.dim()))
    }

    /// Moves a value of a box to the nearest one inside it; a discrete value stays.
    pub fn clamp(&self, value: &mut [f32]) {
        if let Space::Box(space) = self {
            for (v, (low, high)) in value.iter_mut().zip(space.low.iter().zip(&space.high)) {
                *v = v.clamp(*low, *high);
            }
        }
    }

    /// Turns uniform numbers from [0, 1), one a column, into a uniformly drawn value.
    ///
    /// An unbounded box has no uniform distribution and is refused where a policy or a planner is made.
    pub fn from_uniforms(&self, uniforms: &[f32], value: &mut [f32]) {
        match self {
            Space::Box(space) => {
                for (i, (v, u)) in value.iter_mut().zip(uniforms).enumerate() {
                    let (low, high) = (space.low[i], space.high[i]);
                    // Rounding may carry low + u·(high − low) past the upper bound.
                    *v = (low + u * (high - low)).min(high);
                }
            }
            Space::Discrete { n } => {
                value[0] = (uniforms[0] * *n as f32).floor().min(n.saturating_sub(1) as f32)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_spaces_are_refused() {
        assert!(Space::bounded(&[0.0], &[0.0]).is_err());
        assert!(Space::bounded(&[0.0], &[f32::NAN]).is_err());
        assert!(Space::bounded(&[0.0, 1.0], &[1.0]).is_err());
        assert!(Space::discrete(0).is_err());
        assert!(Space::discrete(LARGEST_N + 1).is_err());
    }

    #[test]
    fn values_are_checked_by_name() {
        let space = Space::symmetric(2, 1.0).unwrap();
        assert_eq!(
            space.check("action", &[0.0, f32::NAN]).unwrap_err().to_string(),
            "action[1] is NaN: give finite numbers"
        );
        assert_eq!(
            space.check("action", &[0.0]).unwrap_err().to_string(),
            "action has 1 numbers: expected 2"
        );
        assert!(space.check("action", &[5.0, 0.0]).is_ok() && !space.contains(&[5.0, 0.0]));
        let choice = Space::discrete(3).unwrap();
        for bad in [-1.0, 3.0, 0.5, f32::NAN] {
            assert!(
                choice.check("action", &[bad]).unwrap_err().to_string().contains("a whole number below 3")
            );
        }
        assert!(choice.check("action", &[2.0]).is_ok());
    }

    #[test]
    fn json_writes_no_infinity_and_reads_back() {
        for space in
            [Space::unbounded(2).unwrap(), Space::bounded(&[-1.0, 0.0], &[1.0, f32::INFINITY]).unwrap()]
        {
            let json = serde_json::to_string(&space).unwrap();
            assert_eq!(serde_json::from_str::<Space>(&json).unwrap(), space);
        }
        assert_eq!(serde_json::to_string(&Space::discrete(4).unwrap()).unwrap(), r#"{"discrete":{"n":4}}"#);
        for bad in [
            r#"{"box":{"low":[1.0],"high":[0.0]}}"#,
            r#"{"discrete":{"n":0}}"#,
            r#"{"discrete":{"n":4000000000}}"#,
        ] {
            assert!(serde_json::from_str::<Space>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bounds_too_far_apart_to_draw_between_are_no_bounds() {
        let space = BoxSpace::new(vec![-f32::MAX], vec![f32::MAX]).unwrap();
        assert!(!space.is_bounded());
    }

    #[test]
    fn uniforms_reach_the_whole_space_and_nothing_else() {
        let space = Space::bounded(&[-2.0, 1.0], &[2.0, 1.1]).unwrap();
        let mut value = [0.0; 2];
        for u in [0.0, 0.25, 0.5, 1.0 - f32::EPSILON / 2.0] {
            space.from_uniforms(&[u, u], &mut value);
            assert!(space.contains(&value), "{u}: {value:?}");
        }
        let choice = Space::discrete(7).unwrap();
        choice.from_uniforms(&[1.0 - f32::EPSILON / 2.0], &mut value[..1]);
        assert!(choice.contains(&value[..1]));
    }
}
