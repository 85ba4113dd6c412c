//! Working memory that a caller lends to a pure function, so that calling it again allocates nothing.

/// Buffers that grow to what was needed and stay.
///
/// A model or a policy is a pure function and may be called from several threads at once; what it needs to work in is
/// lent to it, one scratch a thread. Contents are unspecified between calls.
///
/// A function that calls another of its kind while it holds what it was lent (a model around a model) hands
/// [`Lent::inner`] on:
///
/// ```
/// use mbrl_core::{Lent, Scratch, ScratchSpec};
///
/// fn around(scratch: &mut Scratch) -> f32 {
///     let Lent { floats, inner, .. } = scratch.lend(ScratchSpec { floats: 2, ..ScratchSpec::default() });
///     floats.fill(1.0);
///     within(inner) + floats.iter().sum::<f32>()
/// }
///
/// fn within(scratch: &mut Scratch) -> f32 {
///     let Lent { floats, .. } = scratch.lend(ScratchSpec { floats: 3, ..ScratchSpec::default() });
///     floats.fill(2.0);
///     floats.iter().sum()
/// }
///
/// assert_eq!(around(&mut Scratch::default()), 8.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    floats: Vec<f32>,
    doubles: Vec<f64>,
    indices: Vec<u32>,
    inner: Option<Box<Scratch>>,
}

/// How much of each kind is to be lent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScratchSpec {
    /// Numbers.
    pub floats: usize,
    /// Numbers for long sums.
    pub doubles: usize,
    /// Indices.
    pub indices: usize,
}

/// What a scratch lends, to be written over.
#[derive(Debug)]
pub struct Lent<'a> {
    /// As many numbers as were asked for.
    pub floats: &'a mut [f32],
    /// As many numbers for long sums as were asked for.
    pub doubles: &'a mut [f64],
    /// As many indices as were asked for.
    pub indices: &'a mut [u32],
    /// Another scratch, for whoever is called meanwhile.
    pub inner: &'a mut Scratch,
}

impl Scratch {
    /// Lends so much. Allocates only where more is asked for than ever before.
    pub fn lend(&mut self, spec: ScratchSpec) -> Lent<'_> {
        fn part<T: Clone + Default>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
            if buffer.len() < len {
                buffer.resize(len, T::default());
            }
            &mut buffer[..len]
        }
        Lent {
            floats: part(&mut self.floats, spec.floats),
            doubles: part(&mut self.doubles, spec.doubles),
            indices: part(&mut self.indices, spec.indices),
            inner: self.inner.get_or_insert_default(),
        }
    }
}
