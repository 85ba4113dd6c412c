//! The product of matrices against double precision, for every instruction set that the machine has.
//!
//! Operands are passed as slices of just the length that is needed, cut from memory full of a number that is none: what is
//! read beside them shows in the result, what is written beside them shows there.

use crate::kernel::{Left, Shape, Start, matmul_on};
use mbrl_core::{Key, NoiseBuf, NoiseSpec};
use proptest::prelude::*;
use pulp::Arch;

/// Stands before and behind every slice.
const GUARD: u32 = 0x7fc0_beef;
const MARGIN: usize = 40;

/// The instruction sets of this machine, and whether they fuse multiplication with addition.
fn sets() -> Vec<(&'static str, Arch, bool)> {
    let mut sets = vec![("scalar", Arch::Scalar, false)];
    #[cfg(target_arch = "x86_64")]
    {
        sets.extend(pulp::x86::V3::try_new().map(|simd| ("V3", Arch::V3(simd), true)));
        #[cfg(feature = "x86-v4")]
        sets.extend(pulp::x86::V4::try_new().map(|simd| ("V4", Arch::V4(simd), true)));
    }
    #[cfg(not(target_arch = "x86_64"))]
    sets.push(("native", Arch::new(), false));
    sets
}

/// Numbers with guards around them.
#[derive(Clone)]
struct Guarded(Vec<f32>);

impl Guarded {
    fn new(inner: impl ExactSizeIterator<Item = f32>) -> Self {
        let guard = [f32::from_bits(GUARD); MARGIN];
        let mut all = guard.to_vec();
        all.extend(inner);
        all.extend(guard);
        Guarded(all)
    }

    fn get(&self) -> &[f32] {
        &self.0[MARGIN..self.0.len() - MARGIN]
    }

    fn get_mut(&mut self) -> &mut [f32] {
        let end = self.0.len() - MARGIN;
        &mut self.0[MARGIN..end]
    }

    fn is_intact(&self) -> bool {
        let (head, tail) = (&self.0[..MARGIN], &self.0[self.0.len() - MARGIN..]);
        head.iter().chain(tail).all(|x| x.to_bits() == GUARD)
    }
}

/// How the left operand lies in memory.
#[derive(Clone, Copy, Debug)]
enum Order {
    Rows,
    Columns,
    /// Rows with room between them, which is no number.
    Apart,
}

#[derive(Clone, Copy, Debug)]
enum From {
    Zero,
    Bias,
    Output,
}

const ORDERS: [Order; 3] = [Order::Rows, Order::Columns, Order::Apart];
const FROM: [From; 3] = [From::Zero, From::Bias, From::Output];

struct Numbers(Vec<f32>);

impl Numbers {
    fn new() -> Self {
        let mut noise = NoiseBuf::default();
        noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, 1 << 16, Key::root(21));
        Numbers(noise.view().normals.as_slice().to_vec())
    }

    fn take(&self, from: usize, len: usize) -> impl ExactSizeIterator<Item = f32> {
        (0..len).map(move |i| self.0[(from + i) % self.0.len()])
    }
}

/// Runs one product on all instruction sets and checks everything about it.
fn check(numbers: &Numbers, shape: Shape, order: Order, from: From, serial: usize) {
    let Shape { m, k, n } = shape;
    let (row, col) = match order {
        Order::Rows => (k, 1),
        Order::Columns => (1, m),
        Order::Apart => (k + 3, 1),
    };
    let len = if m == 0 || k == 0 { 0 } else { (m - 1) * row + (k - 1) * col + 1 };
    let mut a = Guarded::new(numbers.take(serial, len));
    if let Order::Apart = order {
        let used = k;
        a.get_mut().iter_mut().enumerate().filter(|(i, _)| i % row >= used).for_each(|(_, a)| *a = f32::NAN);
    }
    let b = Guarded::new(numbers.take(serial + 777, k * n));
    let bias = Guarded::new(numbers.take(serial + 1234, n));
    let fresh = match from {
        From::Output => Guarded::new(numbers.take(serial + 4321, m * n)),
        _ => Guarded::new(vec![f32::NAN; m * n].into_iter()),
    };
    let mut fused: Option<Vec<u32>> = None;
    for (name, arch, fuses) in sets() {
        let mut c = fresh.clone();
        let start = match from {
            From::Zero => Start::Zero,
            From::Bias => Start::Bias(bias.get()),
            From::Output => Start::Output,
        };
        matmul_on(arch, shape, Left { data: a.get(), row, col }, b.get(), start, c.get_mut());
        let what = format!("{name}, [{m}, {k}]·[{k}, {n}], {order:?}, {from:?}");
        assert!(c.is_intact(), "{what}: written beside the output");
        for i in 0..m {
            for j in 0..n {
                let begin = match from {
                    From::Zero => 0.0,
                    From::Bias => f64::from(bias.get()[j]),
                    From::Output => f64::from(fresh.get()[i * n + j]),
                };
                let (mut exact, mut size) = (begin, begin.abs());
                for p in 0..k {
                    let term = f64::from(a.get()[i * row + p * col]) * f64::from(b.get()[p * n + j]);
                    exact += term;
                    size += term.abs();
                }
                let ours = f64::from(c.get()[i * n + j]);
                // Every product and every sum rounds once; errors add up to less than this.
                let room = 6e-8 * (k + 1) as f64 * size;
                assert!((ours - exact).abs() <= room, "{what}, ({i}, {j}): {ours} for {exact}");
            }
        }
        if fuses {
            let bits: Vec<u32> = c.get().iter().map(|x| x.to_bits()).collect();
            assert_eq!(*fused.get_or_insert_with(|| bits.clone()), bits, "{what}: other bits");
        }
    }
}

#[test]
fn small_products_are_right_and_stay_within_their_slices() {
    let (numbers, mut serial) = (Numbers::new(), 0);
    for m in 0..=20 {
        for k in 0..=20 {
            for n in 0..=20 {
                // All orders with all starts where it is quick, and one of the nine elsewhere.
                let some = m <= 9 && k <= 3;
                for pair in 0..9 {
                    serial += 1;
                    if some || serial % 9 == pair {
                        check(&numbers, Shape { m, k, n }, ORDERS[pair % 3], FROM[pair / 3], serial);
                    }
                }
            }
        }
    }
}

/// Widths at which panels of vectors begin and end.
#[test]
fn products_about_the_widths_of_tiles_are_right() {
    let (numbers, mut serial) = (Numbers::new(), 0);
    for n in [23, 24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65, 79, 80, 81, 96, 97] {
        for m in 1..=17 {
            for pair in 0..9 {
                serial += 1;
                check(&numbers, Shape { m, k: 1 + serial % 5, n }, ORDERS[pair % 3], FROM[pair / 3], serial);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn products_are_right(m in 0usize..150, k in 0usize..150, n in 0usize..150, pair in 0usize..9, serial in 0usize..60_000) {
        check(&Numbers::new(), Shape { m, k, n }, ORDERS[pair % 3], FROM[pair / 3], serial);
    }
}

/// A row's bits do not depend on the tile that it falls in.
#[test]
fn rows_alone_are_the_same_bits() {
    let numbers = Numbers::new();
    for n in [1, 7, 16, 33, 50, 70] {
        let (m, k) = (23, 19);
        let a: Vec<f32> = numbers.take(n, m * k).collect();
        let b: Vec<f32> = numbers.take(2 * n, k * n).collect();
        for (name, arch, _) in sets() {
            let product = |a: &[f32]| {
                let m = a.len() / k;
                let mut c = vec![0.0; m * n];
                let left = Left { data: a, row: k, col: 1 };
                matmul_on(arch, Shape { m, k, n }, left, &b, Start::Zero, &mut c);
                c.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let all = product(&a);
            for rows in [1, 2, 3, 5, 8, 11] {
                let parts: Vec<u32> = a.chunks(rows * k).flat_map(product).collect();
                assert_eq!(parts, all, "{name}, {rows} rows at a time");
            }
        }
    }
}

/// [3, 4]·[4, 5] of ones with slices of these lengths.
fn with_lengths(a: usize, b: usize, bias: usize, c: usize) {
    let ones = vec![1.0; 64];
    let left = Left { data: &ones[..a], row: 4, col: 1 };
    let shape = Shape { m: 3, k: 4, n: 5 };
    let mut out = vec![0.0; c];
    matmul_on(Arch::new(), shape, left, &ones[..b], Start::Bias(&ones[..bias]), &mut out);
    assert!(out[..15].iter().all(|c| (c - 5.0).abs() == 0.0));
    assert!(out[15..].iter().all(|c| c.abs() == 0.0));
}

#[test]
fn slices_may_be_longer() {
    with_lengths(12, 20, 5, 15);
    with_lengths(13, 21, 6, 16);
}

#[test]
#[should_panic(expected = "left operand")]
fn a_short_left_operand_is_refused() {
    with_lengths(11, 20, 5, 15);
}

#[test]
#[should_panic(expected = "right operand and output")]
fn a_short_right_operand_is_refused() {
    with_lengths(12, 19, 5, 15);
}

#[test]
#[should_panic(expected = "right operand and output")]
fn a_short_output_is_refused() {
    with_lengths(12, 20, 5, 14);
}

#[test]
#[should_panic(expected = "bias")]
fn a_short_bias_is_refused() {
    with_lengths(12, 20, 4, 15);
}

/// Nothing is skipped: zero times infinity is not a number.
#[test]
fn what_is_not_finite_comes_through() {
    for (_, arch, _) in sets() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in 0..6 {
                let (mut a, mut b, mut c) = ([0.0; 6], [0.0; 6], [0.0; 4]);
                let (left, right) = (at < 3, at % 3);
                if left {
                    a[right] = bad
                } else {
                    b[2 * right] = bad
                }
                let shape = Shape { m: 2, k: 3, n: 2 };
                matmul_on(arch, shape, Left { data: &a, row: 3, col: 1 }, &b, Start::Zero, &mut c);
                let bad = c.map(|c| c.is_nan());
                assert_eq!(bad, if left { [true, true, false, false] } else { [true, false, true, false] });
            }
        }
    }
}
