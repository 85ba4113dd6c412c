//! Returns that are discounted for ever: the scale on which a bound means something or nothing.

use crate::check;
use mbrl_core::Result;

/// The discount γ and the bound r_max on the size of a reward, of which all returns lie within ± r_max / (1 − γ).
///
/// ```
/// use mbrl_bounds::Discounted;
///
/// let returns = Discounted::new(0.75, 1.0)?;
/// // Two returns are never further apart than this, so to subtract more says nothing.
/// assert_eq!(returns.widest_gap(), 8.0);
/// assert!(returns.is_vacuous(8.5) && !returns.is_vacuous(8.0));
/// assert!(Discounted::new(1.0, 1.0).unwrap_err().to_string().contains("gamma is 1"));
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Discounted {
    gamma: f64,
    r_max: f64,
}

impl Discounted {
    /// Returns of this discount, in `[0, 1)`, and of rewards of at most this size.
    pub fn new(gamma: f64, r_max: f64) -> Result<Self> {
        let (gamma, r_max) = (check::discount("gamma", gamma)?, check::at_least_zero("r-max", r_max)?);
        Ok(Discounted { gamma, r_max })
    }

    /// The discount γ.
    pub fn gamma(self) -> f64 {
        self.gamma
    }

    /// The largest size of a reward.
    pub fn r_max(self) -> f64 {
        self.r_max
    }

    /// 1 / (1 − γ): how many steps of reward a return is worth at most.
    pub fn horizon(self) -> f64 {
        (1.0 - self.gamma).recip()
    }

    /// 2 r_max / (1 − γ): how far two returns can be apart.
    pub fn widest_gap(self) -> f64 {
        2.0 * self.r_max * self.horizon()
    }

    /// Whether a bound that subtracts this `amount` from a return says nothing that was not known.
    pub fn is_vacuous(self, amount: f64) -> bool {
        amount > self.widest_gap()
    }
}
