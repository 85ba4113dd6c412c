//! The summand of which divergences are made, to full precision where its terms cancel.

/// p ln(p/q) − p + q for p, q ≥ 0, which is never negative: what a pair of masses adds to KL(p ‖ q).
///
/// Where both sides sum to one, −p + q adds nothing in all. It makes every summand non-negative, so that a divergence of
/// distributions that nearly agree is a sum of small numbers and not the small difference of large ones.
pub(crate) fn excess(p: f64, q: f64) -> f64 {
    if p <= 0.0 {
        return q;
    }
    if q <= 0.0 {
        return f64::INFINITY;
    }
    let apart = q - p;
    // Of the smallest numbers there are, half is nothing, and the quotient below is not to be taken.
    if apart.abs() <= 0.0 {
        return 0.0;
    }
    let s = 0.5 * apart / (0.5 * p + 0.5 * q);
    if s.abs() > 0.125 {
        let ratio = p / q;
        // Next to the smallest numbers there are, the ratio may be out of range where its logarithm is not.
        let log = if ratio.is_normal() { ratio.ln() } else { p.ln() - q.ln() };
        return p * log + apart;
    }
    // ln(q/p) = 2 (s + s³/3 + s⁵/5 + …), of which the first term and q − p come to s (q − p). With s² ≤ 1/64, ten terms
    // more leave 1e-20 of the first.
    let square = s * s;
    let tail = (0..10).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 3));
    s * apart - p * (2.0 * s * square * tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_edges_are_what_the_limits_are() {
        for (p, q, value) in [
            (0.0, 0.0, 0.0),
            (0.0, 0.25, 0.25),
            (0.25, 0.0, f64::INFINITY),
            (0.3, 0.3, 0.0),
            // 1 over the smallest number overflows; its logarithm is 744.44.
            (1.0, 5e-324, 743.4400719213812),
            (5e-324, 1.0, 1.0),
            (f64::MAX, f64::MAX, 0.0),
            (5e-324, 5e-324, 0.0),
        ] {
            let got = excess(p, q);
            assert!(got.to_bits() == f64::to_bits(value) || (got - value).abs() < 1e-12, "{p} {q}: {got}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        /// Near equality, x − ln(1 + x) by its own series; across the border of the two branches, by the plain formula.
        #[test]
        fn it_has_all_its_digits(p in 0.01f64..1.0, power in -12.0f64..-3.0, far in 0.2f64..0.35) {
            let apart = p * 10f64.powf(power);
            let (q, x) = (p + apart, (p + apart - p) / p);
            let series = p * x * x * (0.5 - x / 3.0 + x * x / 4.0 - x.powi(3) / 5.0);
            prop_assert!((excess(p, q) / series - 1.0).abs() < 1e-11, "{} {}", excess(p, q), series);
            for q in [p * (1.0 + far), p * (1.0 - far)] {
                let plain = p * (p / q).ln() - p + q;
                prop_assert!((excess(p, q) / plain - 1.0).abs() < 1e-13, "{} {}", excess(p, q), plain);
            }
        }
    }
}
