//! Blocks of random numbers that are passed to pure functions.

use crate::key::unit;
use crate::{Key, RowBuf, Rows};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

/// How many random numbers a function uses a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoiseSpec {
    /// Standard normal numbers a row.
    pub normals: usize,
    /// Numbers from [0, 1) a row.
    pub uniforms: usize,
}

/// The random numbers of one call, a row of them for each row of its input.
#[derive(Clone, Copy, Debug)]
pub struct Noise<'a> {
    /// Standard normal numbers, `[rows, normals]`.
    pub normals: Rows<'a>,
    /// Numbers from [0, 1), `[rows, uniforms]`.
    pub uniforms: Rows<'a>,
}

/// A block of random numbers to be refilled: it keeps its memory.
///
/// ```
/// use mbrl_core::{Key, NoiseBuf, NoiseSpec};
///
/// let mut noise = NoiseBuf::default();
/// noise.fill(NoiseSpec { normals: 3, uniforms: 1 }, 100, Key::root(1));
/// assert_eq!(noise.view().normals.row(99).len(), 3);
/// ```
#[derive(Clone, Debug, Default)]
pub struct NoiseBuf {
    normals: RowBuf,
    uniforms: RowBuf,
}

impl<'a> Noise<'a> {
    /// No randomness for `len` rows: what a deterministic function is given.
    pub fn none(len: usize) -> Self {
        Noise { normals: Rows::blank(len), uniforms: Rows::blank(len) }
    }

    /// The noise of the rows of `range`.
    ///
    /// # Panics
    ///
    /// Where `range` reaches past the last row.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Noise<'a> {
        Noise { normals: self.normals.slice(range.clone()), uniforms: self.uniforms.slice(range) }
    }

    /// How many numbers a row there are.
    pub fn spec(&self) -> NoiseSpec {
        NoiseSpec { normals: self.normals.dim(), uniforms: self.uniforms.dim() }
    }
}

impl NoiseBuf {
    /// Draws the numbers for `rows` rows. Equal keys give equal numbers; more rows begin with those of fewer.
    pub fn fill(&mut self, spec: NoiseSpec, rows: usize, key: Key) {
        self.normals.reshape(rows, spec.normals);
        self.uniforms.reshape(rows, spec.uniforms);
        if !self.normals.as_slice().is_empty() {
            fill_normals(self.normals.as_mut_slice(), key.normals());
        }
        if !self.uniforms.as_slice().is_empty() {
            fill_uniforms(self.uniforms.as_mut_slice(), key.uniforms());
        }
    }

    /// The numbers drawn last.
    pub fn view(&self) -> Noise<'_> {
        Noise { normals: self.normals.view(), uniforms: self.uniforms.view() }
    }
}

/// Words are drawn this many at a time, and normals are made within such a block, so that a prefix of the noise does not
/// depend on how much of it is asked for.
/// It is what the generator makes in one go, so that a single number costs no more than it must.
const BLOCK: usize = 64;

fn blocks(mut rng: ChaCha8Rng) -> impl FnMut() -> [u32; BLOCK] {
    move || {
        let mut bytes = [0; 4 * BLOCK];
        rng.fill_bytes(&mut bytes);
        std::array::from_fn(|i| {
            u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
        })
    }
}

fn fill_uniforms(out: &mut [f32], rng: ChaCha8Rng) {
    let mut next = blocks(rng);
    for out in out.chunks_mut(BLOCK) {
        for (out, word) in out.iter_mut().zip(next()) {
            *out = unit(word);
        }
    }
}

/// Box–Muller over blocks, in plain `f32` arithmetic: no table, no branch, no library function but the square root, so it
/// vectorises and its bits do not depend on the platform. The largest number it can make is 6.66.
fn fill_normals(out: &mut [f32], rng: ChaCha8Rng) {
    const HALF: usize = BLOCK / 2;
    let mut next = blocks(rng);
    for out in out.chunks_mut(BLOCK) {
        let words = next();
        let mut normals = [0.0; BLOCK];
        let (cosines, sines) = normals.split_at_mut(HALF);
        let (radii, turns) = words.split_at(HALF);
        for i in 0..HALF {
            // (0, 1], in steps of 2^-31.
            let u = ((radii[i] >> 1) as i32 as f32 + 0.5) * (1.0 / (1u32 << 31) as f32);
            let radius = (-2.0 * ln(u)).sqrt();
            let (sin, cos) = sin_cos_turn(turns[i]);
            cosines[i] = radius * cos;
            sines[i] = radius * sin;
        }
        out.copy_from_slice(&normals[..out.len()]);
    }
}

/// The natural logarithm of a positive normal number, to 1e-7 of its size.
///
/// The polynomial is that of the Cephes library for ln(1 + t) on [√½ − 1, √2 − 1].
#[inline(always)]
fn ln(x: f32) -> f32 {
    const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
    // Split x = m·2^e with m in [√½, √2).
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
    // ln 2 in two parts, so that e·ln 2 is exact to the last bit.
    (t + (t2 * t * p - 0.5 * t2 - 2.121_944_4e-4 * e)) + 0.693_359_4 * e
}

/// Sine and cosine of `word` / 2^32 of a full turn, to 1.5e-7.
#[inline(always)]
fn sin_cos_turn(word: u32) -> (f32, f32) {
    // The quadrant nearest to the angle, and the rest in [-1/8, 1/8) of a turn.
    let quadrant = word.wrapping_add(1 << 29) >> 30;
    let rest = word.wrapping_sub(quadrant << 30) as i32 as f32 * (std::f32::consts::TAU / 4_294_967_296.0);
    let r2 = rest * rest;
    let sin = rest + rest * r2 * (-1.666_665_5e-1 + r2 * (8.332_161e-3 - r2 * 1.951_529_6e-4));
    let cos = 1.0 - 0.5 * r2 + r2 * r2 * (4.166_664_6e-2 + r2 * (-1.388_731_6e-3 + r2 * 2.443_315_7e-5));
    let swap = quadrant & 1 == 1;
    let (s, c) = if swap { (cos, sin) } else { (sin, cos) };
    // Quadrant 2 and 3 turn the sine round, 1 and 2 the cosine.
    let flip = |x: f32, bit: u32| f32::from_bits(x.to_bits() ^ ((bit & 1) << 31));
    (flip(s, quadrant >> 1), flip(c, (quadrant >> 1) ^ quadrant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(normals: usize, uniforms: usize, rows: usize, key: Key) -> NoiseBuf {
        let mut noise = NoiseBuf::default();
        noise.fill(NoiseSpec { normals, uniforms }, rows, key);
        noise
    }

    /// The uniform numbers, and the normal ones in double precision, are from ChaCha8 written out by its definition:
    /// `reference/keys.py`. Moving any of them changes every result ever recorded: it is a "Value-changing" entry of the
    /// changelog.
    #[test]
    fn value_stability() {
        let noise = drawn(1, 1, 300, Key::root(0).child("noise"));
        let at = |rows: Rows<'_>| [0, 1, 2, 127, 128, 255, 256, 299].map(|i| rows.row(i)[0]);
        let normals = at(noise.view().normals);
        assert_eq!(
            normals.map(f32::to_bits),
            [3215575390, 3212329286, 3206092026, 3214026547, 3226374195, 3209054342, 1060828453, 1060566886]
        );
        let exact = [
            -1.3264578099277975,
            -0.9697460779859765,
            -0.5979762923105932,
            -1.1418212621964985,
            -3.2275514671799423,
            -0.7745442014183362,
            0.7303031908096442,
            0.7147125112995392,
        ];
        for (normal, exact) in normals.into_iter().zip(exact) {
            assert!((f64::from(normal) - exact).abs() < 1e-6, "{normal} for {exact}");
        }
        assert_eq!(
            at(noise.view().uniforms).map(|u| (u * (1 << 24) as f32) as u32),
            [1010208, 10829427, 7726593, 1791436, 2520841, 3238433, 4227053, 14293677]
        );
    }

    #[test]
    fn the_logarithm_is_the_logarithm() {
        let worst = (1..200_000u32).map(|i| {
            let x = i as f32 / 200_000.0;
            (f64::from(ln(x)) - f64::from(x).ln()).abs() / f64::from(x).ln().abs()
        });
        assert!(worst.fold(0.0, f64::max) < 2e-7);
        assert_eq!(ln(1.0).to_bits() << 1, 0);
    }

    #[test]
    fn a_turn_is_a_turn() {
        for i in 0..=1_000_000u64 {
            let word = (i * 4_294_967_295 / 1_000_000) as u32;
            let angle = f64::from(word) / 4_294_967_296.0 * std::f64::consts::TAU;
            let (sin, cos) = sin_cos_turn(word);
            assert!((f64::from(sin) - angle.sin()).abs() < 1.5e-7, "sin of {angle}: {sin}");
            assert!((f64::from(cos) - angle.cos()).abs() < 1.5e-7, "cos of {angle}: {cos}");
        }
    }

    #[test]
    fn more_rows_begin_with_those_of_fewer() {
        let (few, many) = (drawn(3, 2, 50, Key::root(4)), drawn(3, 2, 5_000, Key::root(4)));
        assert_eq!(few.view().normals, many.view().normals.slice(0..50));
        assert_eq!(few.view().uniforms, many.view().uniforms.slice(0..50));
    }

    /// The largest distance between the empirical and the true distribution function, times √n. By Massart's form of the
    /// Dvoretzky–Kiefer–Wolfowitz inequality it exceeds 3 with probability below 2·exp(−2·3²) = 3.1e-8.
    fn kolmogorov(mut sample: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
        sample.sort_by(f64::total_cmp);
        let n = sample.len() as f64;
        let distance = |(i, x): (usize, &f64)| (cdf(*x) - i as f64 / n).max((i + 1) as f64 / n - cdf(*x));
        sample.iter().enumerate().map(distance).fold(0.0, f64::max) * n.sqrt()
    }

    #[test]
    fn noise_has_its_distribution() {
        const N: usize = 1 << 20;
        let noise = drawn(1, 1, N, Key::root(9));
        let of = |rows: Rows<'_>| rows.as_slice().iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
        let (normals, uniforms) = (of(noise.view().normals), of(noise.view().uniforms));
        // Φ by its Taylor series around 0, which at |x| < 6 loses nothing that matters here.
        let phi = |x: f64| {
            let (mut term, mut sum) = (x, x);
            for k in 1..150 {
                term *= -x * x / (2.0 * f64::from(k));
                sum += term / f64::from(2 * k + 1);
            }
            0.5 + sum / std::f64::consts::TAU.sqrt()
        };
        assert!(kolmogorov(normals.clone(), phi) < 3.0);
        assert!(kolmogorov(uniforms, |u| u) < 3.0);
        // Neighbours, and the two halves of a Box–Muller pair, are uncorrelated: |r|·√n > 5.5 has probability 3.8e-8,
        // so all seven bounds of this test together fail by chance with probability below 3e-7.
        for lag in [1, BLOCK / 2, BLOCK, 4 * BLOCK] {
            let r: f64 =
                normals.iter().zip(&normals[lag..]).map(|(a, b)| a * b).sum::<f64>() / (N as f64).sqrt();
            assert!(r.abs() < 5.5, "lag {lag}: {r}");
        }
        let fourth = normals.iter().map(|x| x.powi(4)).sum::<f64>() / N as f64;
        // The fourth moment is 3 with variance 96/n.
        assert!((fourth - 3.0).abs() < 5.5 * (96.0 / N as f64).sqrt(), "{fourth}");
    }
}
