//! Means and their intervals.

/// The mean of some numbers; NaN of none.
pub fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// The standard deviation of what the numbers are a sample of; `None` of fewer than two.
pub fn sample_std(numbers: &[f64]) -> Option<f64> {
    if numbers.len() < 2 {
        return None;
    }
    let mean = mean(numbers);
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    Some((squares / (numbers.len() - 1) as f64).sqrt())
}

/// The interval that covers the true mean of normal numbers in 95 of 100 cases: Student's. `None` of fewer than two.
///
/// ```
/// let [low, high] = mbrl_agents::ci95(&[1.0, 2.0, 3.0]).unwrap();
/// assert!((low + 0.4841).abs() < 1e-4 && (high - 4.4841).abs() < 1e-4);
/// assert_eq!(mbrl_agents::ci95(&[1.0]), None);
/// ```
pub fn ci95(numbers: &[f64]) -> Option<[f64; 2]> {
    let std = sample_std(numbers)?;
    let n = numbers.len();
    let half = student_975(n - 1) * std / (n as f64).sqrt();
    let mean = mean(numbers);
    Some([mean - half, mean + half])
}

/// The 97.5 % quantile of Student's distribution: a table where the degrees are few, and past it the expansion around the
/// normal quantile (Abramowitz & Stegun 26.7.5), which is right to 2e-7 there.
///
/// Of no degrees it is infinite.
pub fn student_975(degrees: usize) -> f64 {
    // scipy 1.17.1: `reference/student.py`.
    const TABLE: [f64; 20] = [
        12.706204736174694,
        4.302652729749462,
        3.1824463052837078,
        2.7764451051977934,
        2.5705818356363146,
        2.4469118511449786,
        2.364624251592784,
        2.306004135204166,
        2.262157162798205,
        2.228138851986274,
        2.200985160091639,
        2.1788128296672284,
        2.1603686564627913,
        2.144786687917804,
        2.131449545559776,
        2.1199052992212546,
        2.1098155778333156,
        2.1009220402410382,
        2.0930240544083087,
        2.085963447265864,
    ];
    if let Some(quantile) = degrees.checked_sub(1).and_then(|i| TABLE.get(i)) {
        return *quantile;
    }
    let (z, v) = (1.959963984540054_f64, degrees as f64);
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
        (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5) - 1920.0 * z.powi(3) - 945.0 * z)
            / 92160.0,
    ];
    terms.iter().rev().fold(0.0, |sum, term| (sum + term) / v) + z
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of scipy 1.17.1: `reference/student.py`.
    #[test]
    fn quantiles_are_those_of_scipy() {
        for (degrees, quantile) in [
            (1, 12.706204736174694),
            (20, 2.085963447265864),
            (21, 2.0796138447276795),
            (31, 2.039513446396408),
            (99, 1.9842169515864174),
            (9_999, 1.960201263621357),
        ] {
            let off: f64 = student_975(degrees) - quantile;
            assert!(off.abs() < 2e-7, "{degrees}: off by {off}");
        }
    }

    #[test]
    fn one_number_has_a_mean_and_nothing_else() {
        assert!((mean(&[3.0]) - 3.0).abs() < 1e-15);
        assert_eq!((sample_std(&[3.0]), ci95(&[3.0]), ci95(&[])), (None, None, None));
        assert!((sample_std(&[1.0, 3.0]).unwrap() - 2.0_f64.sqrt()).abs() < 1e-15);
    }
}
