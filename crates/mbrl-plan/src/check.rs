//! Checks that the settings of several planners share: each refuses by the name of the field, with the mend.

use mbrl_core::{Error, Result};

pub(crate) fn count(name: &str, value: usize) -> Result<()> {
    if value > 0 {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{name} is 0: give at least 1")))
}

/// At least one, and not more than there are.
pub(crate) fn elites(elites: usize, most: usize, of: &str) -> Result<()> {
    if (1..=most).contains(&elites) {
        return Ok(());
    }
    Err(Error::invalid(format_args!("elites is {elites}: give from 1 to {of}, {most}")))
}

/// A number from [0, 1).
pub(crate) fn momentum(momentum: f64) -> Result<()> {
    if (0.0..1.0).contains(&momentum) {
        return Ok(());
    }
    Err(Error::invalid(format_args!("momentum is {momentum}: give a number from [0, 1)")))
}

/// A number from [0, 1].
pub(crate) fn share(name: &str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{name} is {value}: give a number from 0 to 1")))
}

pub(crate) fn positive(name: &str, value: f64) -> Result<()> {
    if value > 0.0 && value < f64::INFINITY {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{name} is {value}: give a finite number above 0")))
}

/// A deviation in units of half the distance between the bounds.
pub(crate) fn deviation(name: &str, value: f64) -> Result<()> {
    // Past this the noise is all clipped, and far past it sums of it overflow.
    const MOST: f64 = 1e6;
    if value > 0.0 && value <= MOST {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{name} is {value}: give a number above 0 and up to {MOST}")))
}

pub(crate) fn not_negative(name: &str, value: f64) -> Result<()> {
    if (0.0..f64::INFINITY).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{name} is {value}: give a finite number from 0 on")))
}
