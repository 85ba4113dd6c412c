//! Elementary functions as short polynomials without branches, so that a loop over them becomes vectors.
//!
//! Only sums, products and quotients of `f32` are used, never a fused multiply-add: every machine gets the same bits.

use std::f32::consts::LOG2_E;

/// eˣ, to 2 units in the last place; 0 below −87.3, and its largest finite value above 88.3.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding 1.5·2²³ rounds to a whole number and leaves it in the lower bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts: products of the first with whole numbers below 2⁸ are exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let under = x < -87.3;
    let x = x.clamp(-87.3, 88.3);
    let shifted = x * LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let e = (p * r * r + r) + 1.0;
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    if under { 0.0 } else { e * scale }
}

/// ln x of positive numbers that are not subnormal, to 2e-7 of itself or of ln 2.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    // x = 2ᵉ·(1 + t) with 1 + t between √½ and √2.
    const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
    let shifted = x.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let e = ((shifted as i32) >> 23) as f32;
    let t = f32::from_bits((shifted & 0x007f_ffff) + SQRT_HALF_BITS) - 1.0;
    let mut p = 7.037_683_6e-2;
    p = p * t - 1.151_461e-1;
    p = p * t + 1.167_699_9e-1;
    p = p * t - 1.242_014_1e-1;
    p = p * t + 1.424_932_3e-1;
    p = p * t - 1.666_805_7e-1;
    p = p * t + 2.000_071_5e-1;
    p = p * t - 2.499_999_4e-1;
    p = p * t + 3.333_333e-1;
    let t2 = t * t;
    let ln = (t + (t2 * t * p - 0.5 * t2 - 2.121_944_4e-4 * e)) + 0.693_359_4 * e;
    // What is not a number, or no number has a logarithm, must reach whoever checks.
    if x > 0.0 { ln } else { f32::NAN }
}

/// ln(1 + u) for u in [0, 1], to 2e-7 of itself.
#[inline(always)]
pub(crate) fn ln_1p_unit(u: f32) -> f32 {
    // 2·artanh(u / (2 + u)), whose argument is at most 1/3.
    let s = u / (2.0 + u);
    let z = s * s;
    let mut p = 1.0 / 15.0;
    p = p * z + 1.0 / 13.0;
    p = p * z + 1.0 / 11.0;
    p = p * z + 1.0 / 9.0;
    p = p * z + 1.0 / 7.0;
    p = p * z + 1.0 / 5.0;
    p = p * z + 1.0 / 3.0;
    2.0 * (s + s * z * p)
}

/// ln(1 + eˣ), without overflow.
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    x.max(0.0) + ln_1p_unit(exp(-x.abs()))
}

/// [`softplus`] and its slope, for one exponential.
#[inline(always)]
pub(crate) fn softplus_and_slope(x: f32) -> (f32, f32) {
    let e = exp(-x.abs());
    let slope = if x < 0.0 { e } else { 1.0 } / (1.0 + e);
    (x.max(0.0) + ln_1p_unit(e), slope)
}

/// 1 / (1 + e⁻ˣ), the slope of [`softplus`].
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent, to 4e-7 of itself: a quotient of polynomials on the interval where it is not yet ±1.
///
/// That of an infinity is not a number, so that a network that has blown up does not look sound.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let finite = x * 0.0;
    let x = x.clamp(-7.905_311, 7.905_311);
    let z = x * x;
    let mut p = -2.760_768_5e-16;
    p = p * z + 2.000_188e-13;
    p = p * z - 8.604_672e-11;
    p = p * z + 5.122_297e-8;
    p = p * z + 1.485_722_3e-5;
    p = p * z + 6.372_619e-4;
    p = p * z + 4.893_524_6e-3;
    let mut q = 1.198_258_4e-6;
    q = q * z + 1.185_347_1e-4;
    q = q * z + 2.268_434_6e-3;
    q = q * z + 4.893_525e-3;
    (x * p / q).clamp(-1.0, 1.0) + finite
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error over a grid, as a multiple of what is allowed there.
    fn worst(range: (f64, f64), ours: fn(f32) -> f32, exact: fn(f64) -> f64, relative: f64) -> f64 {
        let steps = 400_000;
        let at = |i: u32| (range.0 + (range.1 - range.0) * f64::from(i) / f64::from(steps)) as f32;
        (0..=steps)
            .map(at)
            .map(|x| {
                let exact = exact(f64::from(x));
                (f64::from(ours(x)) - exact).abs() / (relative * exact.abs() + 1e-38)
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn functions_are_what_they_are_called() {
        assert!(worst((-87.0, 88.0), exp, f64::exp, 2.4e-7) < 1.0);
        assert!(worst((0.01, 80.0), |x| ln(x) - x, |x| x.ln() - x, 3e-7) < 1.0);
        assert!(worst((1e-30, 1e-20), ln, f64::ln, 2e-7) < 1.0);
        assert!(worst((0.0, 1.0), ln_1p_unit, f64::ln_1p, 2e-7) < 1.0);
        assert!(worst((-80.0, 80.0), softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), 4e-7) < 1.0);
        assert!(worst((-80.0, 30.0), sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 4e-7) < 1.0);
        assert!(worst((-12.0, 12.0), tanh, f64::tanh, 4e-7) < 1.0);
    }

    #[test]
    fn ends_are_met() {
        for (ours, exact) in [
            (exp(0.0), 1.0),
            (exp(f32::NEG_INFINITY), 0.0),
            (tanh(0.0), 0.0),
            (softplus(200.0), 200.0),
            (softplus(-200.0), 0.0),
            (sigmoid(200.0), 1.0),
        ] {
            assert_eq!(f32::to_bits(ours), f32::to_bits(exact), "{ours} for {exact}");
        }
        assert!(tanh(50.0) > 1.0 - 2e-7 && tanh(50.0) <= 1.0 && tanh(-50.0) >= -1.0);
        assert!(sigmoid(-200.0) < 1e-38);
        assert!(exp(1e30).is_finite() && exp(f32::INFINITY) > 1e38);
        // What is not a number stays so: it must reach whoever checks.
        for f in [exp, ln, tanh, softplus, sigmoid] {
            assert!(f(f32::NAN).is_nan());
        }
    }
}
