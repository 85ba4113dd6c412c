//! What the theorems subtract where their symbols are known up to an interval.

use super::Estimate;
use crate::Discounted;
use crate::mbpo::{Form, k_star, theorem_4_1, theorem_4_2, theorem_4_3};
use mbrl_core::{Error, Result};

/// A number that is known up to an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range<T> {
    /// The lower end of the interval.
    pub low: T,
    /// The estimate.
    pub value: T,
    /// The upper end of the interval.
    pub high: T,
}

impl From<&Estimate> for Range<f64> {
    fn from(estimate: &Estimate) -> Self {
        Range { low: estimate.low, value: estimate.value, high: estimate.high }
    }
}

/// Theorems 4.1 to 4.3 and k* of MBPO for estimated symbols: see [`amounts`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amounts {
    /// C(ε_m, ε_π) of theorem 4.1.
    pub theorem_4_1: Range<f64>,
    /// Theorem 4.2.
    pub theorem_4_2: Range<f64>,
    /// Theorem 4.3, in the lecture notes' form.
    pub theorem_4_3: Range<f64>,
    /// Theorem 4.3 as published.
    pub theorem_4_3_published: Range<f64>,
    /// k*; `None` where it is unbounded, as ε_m′ is 0 and ε_π is not.
    pub k_star: Range<Option<u64>>,
}

/// What the theorems subtract, for rollouts of `k` steps, where `eps_m` and `eps_pi` are known up to intervals.
///
/// Every amount grows with both symbols, so its interval goes from the lower ends to the upper ones; k* grows with ε_π and
/// falls with ε_m. An interval covers as often as both symbols' do at once: where these are of confidence a and b, with at
/// least a + b − 1.
///
/// Of ε_π, a largest over *all* states, data have no such interval: what [`PolicyShift`](super::PolicyShift) has lies
/// between bounds on the largest of the states that were seen, beyond which there is a share `beyond` of the others. With
/// that as `eps_pi`, the amounts are those for the states that were seen.
///
/// `eps_m` is taken for ε_m, and for ε_m′ of theorem 4.3 and k*: the rows that it was estimated from say which it is.
///
/// ```
/// use mbrl_bounds::Discounted;
/// use mbrl_bounds::estimate::{Range, amounts};
///
/// let eps_m = Range { low: 0.001, value: 0.002, high: 0.004 };
/// let eps_pi = Range { low: 0.01, value: 0.02, high: 0.02 };
/// let found = amounts(Discounted::new(0.99, 1.0)?, eps_m, eps_pi, 5)?;
/// assert!(found.theorem_4_1.low < found.theorem_4_1.value && found.theorem_4_1.value < found.theorem_4_1.high);
/// assert_eq!([found.k_star.low, found.k_star.value, found.k_star.high], [Some(92), Some(230), Some(299)]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn amounts(returns: Discounted, eps_m: Range<f64>, eps_pi: Range<f64>, k: u64) -> Result<Amounts> {
    for (name, range) in [("eps-m", eps_m), ("eps-pi", eps_pi)] {
        let Range { low, value, high } = range;
        // A NaN is in no order.
        if !(low <= value && value <= high) {
            return Err(Error::invalid(format_args!(
                "{name} is {value} in an interval from {low} to {high}: give them in this order"
            )));
        }
    }
    let of = |amount: &dyn Fn(f64, f64) -> Result<f64>| -> Result<Range<f64>> {
        Ok(Range {
            low: amount(eps_m.low, eps_pi.low)?,
            value: amount(eps_m.value, eps_pi.value)?,
            high: amount(eps_m.high, eps_pi.high)?,
        })
    };
    let length = |eps_m: f64, eps_pi: f64| k_star(returns.gamma(), eps_m, eps_pi).ok();
    Ok(Amounts {
        theorem_4_1: of(&|m, pi| theorem_4_1(returns, m, pi))?,
        theorem_4_2: of(&|m, pi| theorem_4_2(returns, m, pi, k))?,
        theorem_4_3: of(&|m, pi| theorem_4_3(returns, Form::Seed, m, pi, k))?,
        theorem_4_3_published: of(&|m, pi| theorem_4_3(returns, Form::Published, m, pi, k))?,
        k_star: Range {
            low: length(eps_m.high, eps_pi.low),
            value: length(eps_m.value, eps_pi.value),
            high: length(eps_m.low, eps_pi.high),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range() -> impl Strategy<Value = Range<f64>> {
        let end = || prop_oneof![1 => Just(0.0), 4 => 0.0f64..1.0];
        (end(), end(), end()).prop_map(|(a, b, c)| {
            let mut ends = [a, b, c];
            ends.sort_by(f64::total_cmp);
            Range { low: ends[0], value: ends[1], high: ends[2] }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn whatever_the_symbols_are_within_their_intervals_the_amounts_are_within_theirs(
            eps_m in range(),
            eps_pi in range(),
            (gamma, k) in (0.0f64..0.999, 0u64..200),
            (x, y) in (0.0f64..1.0, 0.0f64..1.0),
        ) {
            let returns = Discounted::new(gamma, 1.0).unwrap();
            let found = amounts(returns, eps_m, eps_pi, k).unwrap();
            let within = |range: Range<f64>, share: f64| {
                (range.low + share * (range.high - range.low)).clamp(range.low, range.high)
            };
            let (m, pi) = (within(eps_m, x), within(eps_pi, y));
            for (range, amount) in [
                (found.theorem_4_1, theorem_4_1(returns, m, pi).unwrap()),
                (found.theorem_4_2, theorem_4_2(returns, m, pi, k).unwrap()),
                (found.theorem_4_3, theorem_4_3(returns, Form::Seed, m, pi, k).unwrap()),
                (found.theorem_4_3_published, theorem_4_3(returns, Form::Published, m, pi, k).unwrap()),
            ] {
                let slack = 1e-12 * range.high;
                prop_assert!(range.low - slack <= amount && amount <= range.high + slack);
                prop_assert!(range.low <= range.value && range.value <= range.high);
            }
            // Of unbounded lengths none is larger.
            let length = |k: Option<u64>| k.unwrap_or(u64::MAX);
            let k_star = length(k_star(gamma, m, pi).ok());
            prop_assert!(length(found.k_star.low) <= k_star && k_star <= length(found.k_star.high));
        }
    }

    #[test]
    fn intervals_that_are_none_are_refused() {
        let returns = Discounted::new(0.9, 1.0).unwrap();
        let fine = Range { low: 0.1, value: 0.2, high: 0.3 };
        for (eps_m, eps_pi, says) in [
            (Range { low: 0.25, ..fine }, fine, "eps-m is 0.2 in an interval from 0.25 to 0.3"),
            (fine, Range { high: f64::NAN, ..fine }, "eps-pi is 0.2 in an interval from 0.1 to NaN"),
            (Range { high: 1.5, ..fine }, fine, "eps-m is 1.5: expected 0 to 1"),
        ] {
            let error = amounts(returns, eps_m, eps_pi, 1).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let estimate = Estimate::bounded(&[0.1, 0.3, 0.2], [0.0, 1.0], 0.9).unwrap();
        let range = Range::from(&estimate);
        assert!(range.low < range.value && (range.value - 0.2).abs() < 1e-12 && range.value < range.high);
    }
}
