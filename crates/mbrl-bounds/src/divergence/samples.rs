//! Distances that are estimated: from counts, or from draws at which both densities are known.

use crate::check;
use crate::divergence;
use crate::estimate::{Coverage, Estimate};
use mbrl_core::{Context, Error, Result};
use std::f64::consts::LN_2;

/// TV(p, q) = E_p[(1 − q/p)₊], from the log-densities of both sides at independent draws from p. The rows lie in 0 to 1, so
/// the interval is guaranteed.
///
/// ```
/// use mbrl_bounds::divergence::samples;
///
/// // A fair coin that came up 500 times a side, and a coin that is heads in 3 of 4 throws.
/// let log_p = [0.5f64.ln(); 1000];
/// let log_q: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { 0.75f64.ln() } else { 0.25f64.ln() }).collect();
/// let distance = samples::total_variation(&log_p, &log_q, 0.95)?;
/// assert!((distance.value - 0.25).abs() < 1e-12);
/// assert!(distance.low > 0.2 && distance.high < 0.3);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn total_variation(log_p: &[f64], log_q: &[f64], confidence: f64) -> Result<Estimate> {
    let rows = rows(log_p, log_q, |log_ratio| (-(-log_ratio).exp_m1()).max(0.0))?;
    Estimate::bounded(&rows, [0.0, 1.0], confidence)
}

/// H² = 1 − E_p[√(q/p)], from the log-densities of both sides at independent draws from p.
pub fn hellinger_squared(log_p: &[f64], log_q: &[f64], confidence: f64) -> Result<Estimate> {
    Estimate::normal(&rows(log_p, log_q, |log_ratio| -(-0.5 * log_ratio).exp_m1())?, confidence)
}

/// KL(p ‖ q) = E_p[ln p − ln q], from the log-densities of both sides at independent draws from p.
///
/// Where q rules out a draw from p, the divergence is infinite, which no interval says: that is an error.
pub fn kl(log_p: &[f64], log_q: &[f64], confidence: f64) -> Result<Estimate> {
    let rows = rows(log_p, log_q, |log_ratio| log_ratio)?;
    if let Some(i) = rows.iter().position(|row| row.is_infinite()) {
        return Err(Error::non_finite(format_args!(
            "q rules out draw {i} from p, so the kl is infinite: estimate the total variation"
        )));
    }
    Estimate::normal(&rows, confidence)
}

/// The IPM over ‖f‖∞ ≤ 1, which is 2 TV, as [`total_variation`] has it.
pub fn ipm_sup_norm(log_p: &[f64], log_q: &[f64], confidence: f64) -> Result<Estimate> {
    let tv = total_variation(log_p, log_q, confidence)?;
    Ok(Estimate { value: 2.0 * tv.value, low: 2.0 * tv.low, high: 2.0 * tv.high, ..tv })
}

/// JS(p, q) = ½ E_p[ln(2p / (p + q))] + ½ E_q[ln(2q / (p + q))], from the log-densities of both sides, p's first, at
/// independent draws from p and at independent draws from q.
///
/// The interval is that of many draws: where the divergence is next to nothing, or p and q hardly overlap, it takes
/// hundreds. Value and ends are cut to what the divergence can be, 0 to ln 2.
pub fn jensen_shannon(of_p: [&[f64]; 2], of_q: [&[f64]; 2], confidence: f64) -> Result<Estimate> {
    // ln(2 / (1 + e^−x)), of which the exponential of a large −x is not to be taken.
    let to_middle = |x: f64| LN_2 - (-x).max(0.0) - (-x.abs()).exp().ln_1p();
    let side = |own: &[f64], other: &[f64]| Estimate::normal(&rows(own, other, to_middle)?, confidence);
    let p = side(of_p[0], of_p[1]).context("draws from p")?;
    let q = side(of_q[1], of_q[0]).context("draws from q")?;
    let (value, n) = (0.5 * (p.value + q.value), p.n + q.n);
    let half = 0.5 * (p.high - p.value).hypot(q.high - q.value);
    let [value, low, high] = [value, value - half, value + half].map(|x| x.clamp(0.0, LN_2));
    Ok(Estimate { value, low, high, n, ..p })
}

/// TV of two distributions of finitely many outcomes, from how often each outcome came in independent draws from each.
///
/// The value is that of the frequencies, which in the mean is too large: two samples from one distribution are never
/// quite equal. The interval is guaranteed by [`l1_radius`], with half of what may go wrong for each side.
pub fn total_variation_of_counts(p: &[u64], q: &[u64], confidence: f64) -> Result<Estimate> {
    check::unit("confidence", confidence)?;
    divergence::same("outcomes", p.len(), q.len())?;
    let (shares_p, shares_q) = (frequencies(p).context("p")?, frequencies(q).context("q")?);
    let radius = |counts: &[u64]| l1_radius(p.len(), draws(counts), 0.5 * (1.0 - confidence));
    let half = 0.5 * (radius(p)? + radius(q)?);
    let value = divergence::total_variation(&shares_p, &shares_q).min(1.0);
    Ok(Estimate {
        value,
        low: (value - half).max(0.0),
        high: (value + half).min(1.0),
        n: draws(p).saturating_add(draws(q)) as usize,
        confidence,
        coverage: Coverage::Guaranteed,
    })
}

/// √(2 ln((2^outcomes − 2) / δ) / n): with probability 1 − δ at least, the frequencies of `n` independent draws are
/// within this L1 distance of what they were drawn from, whatever it is (Weissman et al. 2003). Half of it is for TV.
///
/// No L1 distance is more than 2, and so neither is this.
pub fn l1_radius(outcomes: usize, n: u64, delta: f64) -> Result<f64> {
    check::positive("delta", check::unit("delta", delta)?)?;
    for (name, count) in [("outcomes", outcomes as u64), ("n", n)] {
        if count == 0 {
            return Err(Error::invalid(format_args!("{name} is 0: expected 1 or more")));
        }
    }
    if outcomes == 1 {
        return Ok(0.0);
    }
    // ln(2^a − 2), of an a for which 2^a may be too large to write down.
    let a = outcomes as f64;
    let events = a * LN_2 + (-(1.0 - a).exp2()).ln_1p();
    Ok((2.0 * (events - delta.ln()) / n as f64).sqrt().min(2.0))
}

/// How often each outcome came, as shares.
pub fn frequencies(counts: &[u64]) -> Result<Vec<f64>> {
    let all = draws(counts);
    if all == 0 {
        return Err(Error::invalid("no draws were counted: give the counts of one at least"));
    }
    Ok(counts.iter().map(|n| *n as f64 / all as f64).collect())
}

fn draws(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |sum, n| sum.saturating_add(*n))
}

/// A number of each draw, made of ln p − ln q there.
fn rows(log_p: &[f64], log_q: &[f64], of: impl Fn(f64) -> f64) -> Result<Vec<f64>> {
    divergence::same("log-densities", log_p.len(), log_q.len())?;
    if let Some(i) = log_p.iter().position(|log| !log.is_finite()) {
        return Err(Error::non_finite(format_args!(
            "the log-density of p at draw {i} is {}: expected a finite number, as p made the draw",
            log_p[i]
        )));
    }
    if let Some(i) = log_q.iter().position(|log| log.is_nan() || *log > f64::MAX) {
        return Err(Error::non_finite(format_args!("the log-density of q at draw {i} is {}", log_q[i])));
    }
    Ok(log_p.iter().zip(log_q).map(|(p, q)| of(p - q)).collect())
}

#[cfg(test)]
mod tests;
