//! What a symbol may be: numbers out of their range are refused by name.

use mbrl_core::{Error, Result};

/// A number that is a probability, a total variation or a share.
pub(crate) fn unit(name: &str, value: f64) -> Result<f64> {
    within(name, value, (0.0..=1.0).contains(&value), "0 to 1")
}

/// A finite number that is not negative.
pub(crate) fn at_least_zero(name: &str, value: f64) -> Result<f64> {
    within(name, value, value >= 0.0 && value.is_finite(), "a finite number of at least 0")
}

/// A finite number above zero.
pub(crate) fn positive(name: &str, value: f64) -> Result<f64> {
    within(name, value, value > 0.0 && value.is_finite(), "a finite number above 0")
}

/// A discount under which returns exist for ever.
pub(crate) fn discount(name: &str, value: f64) -> Result<f64> {
    within(name, value, (0.0..1.0).contains(&value), "at least 0 and below 1")
}

/// A discount under which the exact return of a table is not lost to the rounding of 1 − γ.
pub(crate) fn exact_discount(name: &str, value: f64) -> Result<f64> {
    let value = discount(name, value)?;
    if value > 1.0 - 1e-9 {
        return Err(Error::invalid(format_args!(
            "{name} is {value}: exact returns are lost to rounding so near to 1: expected at most 1 - 1e-9"
        )));
    }
    Ok(value)
}

/// What a bound came to, which is not to leave the numbers there are.
pub(crate) fn finite(name: &str, value: f64) -> Result<f64> {
    if !value.is_finite() {
        return Err(Error::non_finite(format_args!(
            "{name} comes to {value}: the symbols are too large for their powers to be written down"
        )));
    }
    Ok(value)
}

/// Refuses what is no distribution: a negative share, NaN, or a sum that is not one.
pub(crate) fn distribution(name: &str, probabilities: &[f64]) -> Result<()> {
    if let Some(i) = probabilities.iter().position(|p| p.is_nan() || *p < 0.0) {
        let p = probabilities[i];
        return Err(Error::invalid(format_args!("{name}: probability {i} is {p}: expected 0 to 1")));
    }
    if probabilities.is_empty() {
        return Err(Error::invalid(format_args!(
            "{name} has no outcomes: give the probability of one at least"
        )));
    }
    let sum: f64 = probabilities.iter().sum();
    if (sum - 1.0).abs() > SLACK {
        return Err(Error::invalid(format_args!("{name}: the probabilities sum to {sum}: expected 1")));
    }
    Ok(())
}

/// How far probabilities may be from summing to one.
const SLACK: f64 = 1e-9;

fn within(name: &str, value: f64, it_is: bool, range: &str) -> Result<f64> {
    if !it_is {
        return Err(Error::invalid(format_args!("{name} is {value}: expected {range}")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_refused_with_the_name_and_the_range() {
        for (refused, says) in [
            (unit("eps-m", 1.5), "eps-m is 1.5: expected 0 to 1"),
            (unit("eps-m", f64::NAN), "eps-m is NaN: expected 0 to 1"),
            (at_least_zero("r-max", -1.0), "r-max is -1: expected a finite number of at least 0"),
            (at_least_zero("r-max", f64::INFINITY), "r-max is inf"),
            (positive("tau", 0.0), "tau is 0: expected a finite number above 0"),
            (discount("gamma", 1.0), "gamma is 1: expected at least 0 and below 1"),
            (exact_discount("gamma", 1.0 - 1e-10), "gamma is 0.9999999999: exact returns are lost"),
            (exact_discount("gamma", 1.0), "gamma is 1: expected at least 0"),
            (finite("theorem 4.1", f64::INFINITY), "theorem 4.1 comes to inf"),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(unit("x", 1.0).is_ok() && at_least_zero("x", 0.0).is_ok() && discount("x", 0.0).is_ok());
        for (row, says) in [
            (&[0.5, 0.6][..], "q: the probabilities sum to 1.1: expected 1"),
            (&[1.5, -0.5], "q: probability 1 is -0.5"),
            (&[f64::NAN], "q: probability 0 is NaN"),
            (&[], "q has no outcomes"),
        ] {
            let error = distribution("q", row).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
