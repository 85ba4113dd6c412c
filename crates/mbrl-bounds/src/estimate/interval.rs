//! A mean that was estimated, and the interval around it.

use crate::check;
use mbrl_core::{Error, Result};

/// What was estimated from data, and between which numbers it lies with a stated confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate: the mean of the data.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// How many independent rows it was made of.
    pub n: usize,
    /// How often an interval made like this covers the truth, such as 0.95.
    pub confidence: f64,
    /// What that confidence rests on.
    pub coverage: Coverage,
}

/// What the confidence of an interval rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It holds for every number of rows: the rows are independent and lie in a known range (Maurer and Pontil 2009).
    Guaranteed,
    /// It holds for many rows: their mean is nearly normal.
    Asymptotic,
}

impl Estimate {
    /// The mean of independent rows that lie in `range`, in an empirical Bernstein interval: guaranteed, and narrow
    /// where the rows vary little. It is cut at the range.
    ///
    /// ```
    /// use mbrl_bounds::estimate::Estimate;
    ///
    /// let rows: Vec<f64> = (0..1000).map(|i| if i % 10 == 0 { 0.2 } else { 0.1 }).collect();
    /// let eps_m = Estimate::bounded(&rows, [0.0, 1.0], 0.95)?;
    /// assert!((eps_m.value - 0.11).abs() < 1e-12);
    /// assert!(eps_m.low < 0.11 && eps_m.high < 0.13);
    /// # Ok::<(), mbrl_core::Error>(())
    /// ```
    pub fn bounded(rows: &[f64], range: [f64; 2], confidence: f64) -> Result<Self> {
        let (value, variance, n) = moments(rows, confidence)?;
        let [low, high] = range;
        if let Some(i) = rows.iter().position(|x| !(low..=high).contains(x)) {
            let x = rows[i];
            return Err(Error::invalid(format_args!("row {i} is {x}: expected {low} to {high}")));
        }
        // Each side is given half of what may go wrong; ln(2 / δ) is of one side.
        let log = (4.0 / (1.0 - confidence)).ln();
        let half =
            (2.0 * variance * log / n as f64).sqrt() + 7.0 * (high - low) * log / (3.0 * (n - 1) as f64);
        // Rounding may have put the mean of equal rows beside them.
        let value = value.clamp(low, high);
        let (low, high) = ((value - half).max(low), (value + half).min(high));
        Ok(Estimate { value, low, high, n, confidence, coverage: Coverage::Guaranteed })
    }

    /// The mean of many independent rows of any finite size, in the normal interval.
    pub fn normal(rows: &[f64], confidence: f64) -> Result<Self> {
        let (value, variance, n) = moments(rows, confidence)?;
        let half = normal_quantile(0.5 + 0.5 * confidence) * (variance / n as f64).sqrt();
        let (low, high) = (value - half, value + half);
        Ok(Estimate { value, low, high, n, confidence, coverage: Coverage::Asymptotic })
    }
}

/// The mean, the unbiased variance and the number of the rows.
fn moments(rows: &[f64], confidence: f64) -> Result<(f64, f64, usize)> {
    check::unit("confidence", confidence)?;
    if confidence >= 1.0 {
        return Err(Error::invalid("confidence is 1, which nothing but the whole range has: take 0.95, say"));
    }
    let n = rows.len();
    if n < 2 {
        return Err(Error::invalid(format_args!("{n} rows have no interval: give 2 at least")));
    }
    if let Some(i) = rows.iter().position(|x| !x.is_finite()) {
        return Err(Error::non_finite(format_args!("row {i} is {}", rows[i])));
    }
    let mean = rows.iter().sum::<f64>() / n as f64;
    let variance = rows.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    Ok((check::finite("the mean", mean)?, check::finite("the variance", variance)?, n))
}

/// Where the distribution function of the standard normal law reaches `p`, from 0.5 on.
fn normal_quantile(p: f64) -> f64 {
    // The tail beyond 38 is below the smallest f64. Sixty halvings leave 3e-17 of it.
    let (mut low, mut high) = (0.0, 38.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        // The tail rather than the distribution function, which is 1 to f64 where the tail still has digits.
        if 0.5 * libm::erfc(middle * std::f64::consts::FRAC_1_SQRT_2) > 1.0 - p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::{Key, NoiseBuf, NoiseSpec};

    #[test]
    fn normal_quantiles_are_those_of_scipy() {
        // scipy 1.17.1: scipy.stats.norm.ppf
        for (p, quantile) in
            [(0.5, 0.0), (0.75, 0.6744897501960817), (0.975, 1.959963984540054), (0.9995, 3.2905267314919255)]
        {
            assert!((normal_quantile(p) - quantile).abs() < 1e-9, "{p}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn intervals_are_as_wide_as_their_formulas() {
        // Of rows that do not vary only the term of the range is left: 7 ln(4/δ) / (3 (n − 1)), times the range.
        let sure = Estimate::bounded(&[1.0; 1001], [0.0, 2.0], 0.95).unwrap();
        let term = 2.0 * 7.0 * 80f64.ln() / 3000.0;
        assert!(
            (sure.low - (1.0 - term)).abs() < 1e-12 && (sure.high - (1.0 + term)).abs() < 1e-12,
            "{sure:?}"
        );
        // Half of 1000 rows at each end: a variance of 250/999.
        let rows: Vec<f64> = (0..1000).map(|i| f64::from(i % 2)).collect();
        let term = 7.0 * 80f64.ln() / (3.0 * 999.0) + (2.0 * 250.0 / 999.0 * 80f64.ln() / 1000.0).sqrt();
        let wide = Estimate::bounded(&rows, [0.0, 1.0], 0.95).unwrap();
        assert!(
            (wide.low - (0.5 - term)).abs() < 1e-12 && (wide.high - (0.5 + term)).abs() < 1e-12,
            "{wide:?}"
        );
        let normal = Estimate::normal(&rows, 0.95).unwrap();
        let term = 1.959963984540054 * (250.0f64 / 999.0 / 1000.0).sqrt();
        assert!((normal.low - (0.5 - term)).abs() < 1e-9 && (normal.high - (0.5 + term)).abs() < 1e-9);
        // Where the range is nearer than the interval reaches, it is the range.
        let few = Estimate::bounded(&[0.25, 0.75], [0.0, 1.0], 0.95).unwrap();
        assert_eq!([few.low.to_bits(), few.high.to_bits()], [0.0f64.to_bits(), 1.0f64.to_bits()]);
    }

    /// In how many of `runs` an interval of `n` rows, each f(u) of a uniform u, misses the mean.
    fn misses(
        runs: u64,
        n: usize,
        mean: f64,
        f: fn(f64) -> f64,
        of: impl Fn(&[f64]) -> Estimate,
    ) -> [i32; 2] {
        let (mut noise, spec) = (NoiseBuf::default(), NoiseSpec { normals: 0, uniforms: 1 });
        let mut missed = [0, 0];
        for run in 0..runs {
            noise.fill(spec, n, Key::root(1).child("coverage").at(run));
            let uniforms = noise.view().uniforms.as_slice();
            let found = of(&uniforms.iter().map(|u| f(f64::from(*u))).collect::<Vec<_>>());
            missed = [missed[0] + i32::from(mean < found.low), missed[1] + i32::from(mean > found.high)];
        }
        missed
    }

    /// Keys are fixed. What is allowed are five deviations of the number of misses that there should be, and what else is
    /// stated: for fewer than one key in a million it would not do.
    #[test]
    fn intervals_cover_as_often_as_they_say() {
        let rare: fn(f64) -> f64 = |u| f64::from(u8::from(u < 0.02));
        let even: fn(f64) -> f64 = |u| f64::from(u8::from(u < 0.5));
        let skewed: fn(f64) -> f64 = |u| -(1.0 - u).ln();
        let bounded = |rows: &[f64]| Estimate::bounded(rows, [0.0, 1.0], 0.8).unwrap();
        let normal = |rows: &[f64]| Estimate::normal(rows, 0.9).unwrap();
        let deviations = |runs: f64, share: f64| 5.0 * (runs * share * (1.0 - share)).sqrt();
        // A guarantee is one for few rows and rare events too, of which two thirds of runs see none, and on each side.
        for (n, mean, f) in [(20, 0.02, rare), (20, 0.5, even), (400, 0.02, rare), (2000, 0.5, even)] {
            let missed = misses(1000, n, mean, f, bounded);
            assert!(
                missed.iter().all(|m| f64::from(*m) < 100.0 + deviations(1000.0, 0.1)),
                "{n} {mean} {missed:?}"
            );
        }
        // The normal interval misses as often as it says where a mean is normal: of many coins, to the width of a coin,
        // in which one run in 50 falls.
        let [low, high] = misses(4000, 2000, 0.5, even, normal);
        let slack = 4000.0 * 0.02 + deviations(4000.0, 0.1);
        assert!((f64::from(low + high) - 400.0).abs() < slack, "{low} {high}");
        // Of 400 exponential times it is a little short, by the error of a mean to the right of the law being wider: less
        // than 1 in 100 in all, but not on each side alone.
        let [low, high] = misses(4000, 400, 1.0, skewed, normal);
        let slack = 4000.0 * 0.01 + deviations(4000.0, 0.1);
        assert!((f64::from(low + high) - 400.0).abs() < slack && high > low, "{low} {high}");
        // Few rows are what its name warns of: of 20 rare events most intervals are the point 0.
        let [low, high] = misses(1000, 20, 0.02, rare, normal);
        assert!(low + high > 500, "{low} {high}");
    }

    #[test]
    fn rows_that_have_no_interval_are_refused() {
        for (refused, says) in [
            (Estimate::bounded(&[0.5], [0.0, 1.0], 0.95), "1 rows have no interval"),
            (Estimate::bounded(&[0.5, 1.5], [0.0, 1.0], 0.95), "row 1 is 1.5: expected 0 to 1"),
            (Estimate::normal(&[0.5, f64::NAN], 0.95), "row 1 is NaN"),
            (Estimate::normal(&[f64::MAX; 2], 0.95), "the mean comes to inf"),
            (Estimate::normal(&[f64::MAX, -f64::MAX], 0.95), "the variance comes to inf"),
            (Estimate::bounded(&[0.5, 0.6], [1.0, 0.0], 0.95), "row 0 is 0.5: expected 1 to 0"),
            (Estimate::normal(&[0.5, 0.6], 1.0), "confidence is 1"),
            (Estimate::normal(&[0.5, 0.6], f64::NAN), "confidence is NaN"),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
