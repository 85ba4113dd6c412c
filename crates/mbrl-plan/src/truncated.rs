//! Standard normal numbers between −2 and 2.

/// Turns a number from [0, 1), as a block of noise holds them, into a standard normal one truncated at two deviations.
///
/// By the quantile function, so that each number costs one uniform one and none is thrown away. Plain arithmetic without a
/// branch: it vectorises, and its bits do not depend on the platform. The coefficients are from `reference/truncated.py`;
/// their relative error is 1e-7.
#[inline(always)]
pub(crate) fn truncated_normal(uniform: f32) -> f32 {
    // The middle of the cell of 2^-24 that the number stands for; both steps are exact.
    let q = (uniform - 0.5) + 0.5 / (1u32 << 24) as f32;
    let t = (0.5 - q) * (0.5 + q);
    let above = 4.0 + t * (191.203_9 + t * (2_297.098_9 + t * (6_493.683 + t * 2_027.893_2)));
    let below = 1.0 + t * (54.640_184 + t * (812.311_3 + t * (3_337.187_6 + t * 2_509.353_6)));
    (q * above / below).clamp(-2.0, 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::{Key, NoiseBuf, NoiseSpec};

    fn drawn(n: usize, key: Key) -> Vec<f64> {
        let mut noise = NoiseBuf::default();
        noise.fill(NoiseSpec { uniforms: 1, ..NoiseSpec::default() }, n, key);
        noise.view().uniforms.as_slice().iter().map(|u| f64::from(truncated_normal(*u))).collect()
    }

    #[test]
    fn its_quantiles_are_scipys() {
        const SCIPY: &[(f64, f64)] = &include!("../reference/truncated.in");
        for (p, quantile) in SCIPY {
            // Around the middle of the cell that `p` is in, up to which the quantile moves by density⁻¹/2 of it.
            let uniform = (p * f64::from(1 << 24)).floor() / f64::from(1 << 24);
            let cell = 1.0 / f64::from(1 << 24);
            let density = (-0.5 * quantile * quantile).exp() / std::f64::consts::TAU.sqrt() / 0.9545;
            let error = (f64::from(truncated_normal(uniform as f32)) - quantile).abs();
            assert!(error < 0.51 * cell / density + 6e-7, "quantile of {p}: off by {error}");
        }
    }

    #[test]
    fn nothing_is_further_out_than_two() {
        let (least, largest) = (truncated_normal(0.0), truncated_normal(1.0 - f32::EPSILON / 2.0));
        assert!(
            (-2.0..-1.999_998).contains(&least) && (1.999_998..=2.0).contains(&largest),
            "{least} {largest}"
        );
        assert_eq!(
            truncated_normal(0.25).to_bits(),
            (-truncated_normal(0.75 - f32::EPSILON / 2.0)).to_bits()
        );
    }

    /// The distance of Kolmogorov times √n exceeds 3 with probability below 2·exp(−2·3²) = 3.1e-8 (Massart 1990).
    #[test]
    fn they_have_their_distribution() {
        const N: usize = 1 << 20;
        let mut sample = drawn(N, Key::root(3));
        sample.sort_by(f64::total_cmp);
        // Φ − ½ by its Taylor series around 0.
        let half = |x: f64| {
            let (mut term, mut sum) = (x, x);
            for k in 1..60 {
                term *= -x * x / (2.0 * f64::from(k));
                sum += term / f64::from(2 * k + 1);
            }
            sum / std::f64::consts::TAU.sqrt()
        };
        let cdf = |x: f64| 0.5 + half(x) / (2.0 * half(2.0));
        let n = N as f64;
        let gap = |(i, x): (usize, &f64)| (cdf(*x) - i as f64 / n).max((i + 1) as f64 / n - cdf(*x));
        let distance = sample.iter().enumerate().map(gap).fold(0.0, f64::max) * n.sqrt();
        assert!(distance < 3.0, "{distance}");
    }

    /// Moving any of these changes what every planner finds: it is a "Value-changing" entry of the changelog.
    #[test]
    fn value_stability() {
        let bits = [0.0, 0.1, 0.25, 0.5, 0.9].map(|u| truncated_normal(u).to_bits());
        assert_eq!(bits, [3221225466, 3214380640, 3206782166, 865673208, 1066896993]);
    }
}
