//! Working memory that a caller lends to a pure function, so that calling it again allocates nothing.

/// Buffers that grow to what was needed and stay.
///
/// A model or a policy is a pure function and may be called from several threads at once; what it needs to work in is
/// lent to it, one scratch a thread. Contents are unspecified between calls.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    floats: Vec<f32>,
    indices: Vec<u32>,
}

impl Scratch {
    /// `floats` numbers and `indices` indices to write over. Allocates only where more is asked for than ever before.
    pub fn lend(&mut self, floats: usize, indices: usize) -> (&mut [f32], &mut [u32]) {
        if self.floats.len() < floats {
            self.floats.resize(floats, 0.0);
        }
        if self.indices.len() < indices {
            self.indices.resize(indices, 0);
        }
        (&mut self.floats[..floats], &mut self.indices[..indices])
    }
}
