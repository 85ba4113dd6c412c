//! The weight of a penalty from returns that were measured, where neither world is a table.

use mbrl_core::{Error, Result};

/// What λ would have to be, by returns of a policy in the model and in the world.
///
/// [`smallest_lambda`](super::smallest_lambda()) is the same where both worlds are known. Infinite is what no penalty
/// would mend: the model overrates, and u was 0 on all that was done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LambdaEstimate {
    /// max(0, mean of imagined less real returns / mean of what was met of u): with it the penalised return is at most the
    /// real one in the mean over these starts.
    pub lambda: f64,
    /// The lower end of the interval of that: of all λ ≥ 0 that Student's test of the pairs does not rule out, the least.
    pub low: f64,
    /// The greatest of them: the bound holds there unless the test is wrong.
    pub high: f64,
    /// With this λ the penalised return is at most the real one from 95 in 100 starts, each by itself.
    pub most: f64,
    /// From how many starts.
    pub starts: usize,
}

/// Single precision may make this share of a return out of no difference.
const ROUNDING: f64 = 1e-6;

/// The λ of returns from the same starts, in pairs: what the model promised, what the world paid, and the discounted sum of
/// u that was met in the model.
///
/// A return is an expectation over starts, so that λ is a ratio of means and not the mean of ratios; its interval is
/// Fieller's (1954), the λ for which the mean of imagined − real − λ · met may be 0. `quantile` is that of Student's
/// distribution with one degree of freedom less than there are starts: its 97.5 % quantile gives a 95 % interval.
///
/// ```
/// use mbrl_bounds::mopo;
///
/// // From four starts the model promises about 1 more than the world pays, and u adds up to about 2.
/// let (imagined, real) = ([5.0, 6.2, 4.1, 7.0], [4.0, 5.0, 3.2, 6.1]);
/// let found = mopo::lambda_from_returns(&imagined, &real, &[2.0, 2.3, 1.9, 1.8], 3.1824)?;
/// assert!((found.lambda - 0.5).abs() < 1e-9);
/// assert!(found.low > 0.4 && found.high < 0.6);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn lambda_from_returns(
    imagined: &[f64],
    real: &[f64],
    met: &[f64],
    quantile: f64,
) -> Result<LambdaEstimate> {
    let starts = imagined.len();
    if starts < 2 || [real.len(), met.len()] != [starts; 2] {
        return Err(Error::invalid(format_args!(
            "{starts} imagined returns, {} real ones and {} sums of u: give as many of each, two at least",
            real.len(),
            met.len()
        )));
    }
    for (i, ((imagined, real), met)) in imagined.iter().zip(real).zip(met).enumerate() {
        if !(imagined.is_finite() && real.is_finite() && met.is_finite() && *met >= 0.0) {
            return Err(Error::non_finite(format_args!(
                "start {i} is promised {imagined} and paid {real}, with {met} of u: expected numbers, the last of at least 0"
            )));
        }
    }
    if !(quantile.is_finite() && quantile >= 0.0) {
        return Err(Error::invalid(format_args!(
            "the quantile is {quantile}: expected a number of at least 0"
        )));
    }
    let gap = |(imagined, real): (&f64, &f64)| {
        let gap = imagined - real;
        if gap.abs() <= ROUNDING * imagined.abs().max(real.abs()) { 0.0 } else { gap }
    };
    let gaps: Vec<f64> = imagined.iter().zip(real).map(gap).collect();
    let n = starts as f64;
    let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / n;
    let (gap, sum) = (mean(&gaps), mean(met));
    // Of the means, not of the rows.
    let covariance = |a: &[f64], b: &[f64]| {
        let (centre_a, centre_b) = (mean(a), mean(b));
        let products = a.iter().zip(b).map(|(a, b)| (a - centre_a) * (b - centre_b));
        products.sum::<f64>() / (n - 1.0) / n
    };
    let t = quantile * quantile;
    let of_gaps = gap * gap - t * covariance(&gaps, &gaps);
    let of_both = gap * sum - t * covariance(&gaps, met);
    let of_met = sum * sum - t * covariance(met, met);
    let [low, high] = if gaps.iter().all(|gap| gap.abs() <= 0.0) {
        [0.0; 2]
    } else if of_met > 0.0 {
        // The estimate itself is never ruled out, so that there are roots.
        let root = (of_both * of_both - of_gaps * of_met).max(0.0).sqrt();
        [(of_both - root) / of_met, (of_both + root) / of_met].map(|end| end.max(0.0))
    } else {
        // Whether anything of u was met at all is in doubt, and with it every number.
        [0.0, f64::INFINITY]
    };
    let mut each: Vec<f64> = gaps.iter().zip(met).map(|(gap, met)| weight(*gap, *met)).collect();
    each.sort_unstable_by(f64::total_cmp);
    let (lambda, most) = (weight(gap, sum), each[(0.95 * n).ceil() as usize - 1]);
    // Where all starts agree, rounding may have put the ends beside the estimate.
    Ok(LambdaEstimate { lambda, low: low.min(lambda), high: high.max(lambda), most, starts })
}

/// The least λ ≥ 0 with which a sum of u makes up for a gap.
fn weight(gap: f64, met: f64) -> f64 {
    if gap <= 0.0 { 0.0 } else { gap / met }
}
