//! Contiguous rows of `f32`: the one shape in which numbers cross crate boundaries.

use crate::{Error, Result};
use std::ops::Range;

/// A borrowed table, row-major and contiguous: `[rows, dim]`.
///
/// ```
/// use mbrl_core::Rows;
///
/// let rows = Rows::new(&[1.0, 2.0, 3.0, 4.0], 2)?;
/// assert_eq!(rows.len(), 2);
/// assert_eq!(rows.row(1), [3.0, 4.0]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rows<'a> {
    data: &'a [f32],
    len: usize,
    dim: usize,
}

/// A mutably borrowed table, row-major and contiguous: `[rows, dim]`.
#[derive(Debug, PartialEq)]
pub struct RowsMut<'a> {
    data: &'a mut [f32],
    len: usize,
    dim: usize,
}

/// A table that owns its numbers, row-major and contiguous: `[rows, dim]`.
///
/// Its buffer grows to the largest table it ever held and is kept, so that refilling it allocates nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowBuf {
    data: Vec<f32>,
    len: usize,
    dim: usize,
}

fn rows_of(numbers: usize, dim: usize) -> Result<usize> {
    match numbers.checked_rem(dim) {
        Some(0) => Ok(numbers / dim),
        Some(_) => Err(Error::invalid(format_args!(
            "{numbers} numbers do not make whole rows of {dim}: give a multiple of it"
        ))),
        None if numbers == 0 => Ok(0),
        None => Err(Error::invalid(format_args!("{numbers} numbers cannot be rows of width 0"))),
    }
}

impl<'a> Rows<'a> {
    /// The table of width `dim` over `data`; the length must be a multiple of it.
    pub fn new(data: &'a [f32], dim: usize) -> Result<Self> {
        Ok(Rows { data, len: rows_of(data.len(), dim)?, dim })
    }

    /// One row.
    pub fn single(row: &'a [f32]) -> Self {
        Rows { data: row, len: 1, dim: row.len() }
    }

    /// A table of `len` rows without columns: what a noise block is to a model that draws nothing.
    pub fn blank(len: usize) -> Self {
        Rows { data: &[], len, dim: 0 }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i`, counted from 0.
    ///
    /// # Panics
    ///
    /// Where `i` is not below [`len`](Rows::len).
    #[inline]
    pub fn row(&self, i: usize) -> &'a [f32] {
        assert!(i < self.len, "row {i} of {}", self.len);
        &self.data[i * self.dim..(i + 1) * self.dim]
    }

    /// The rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [f32]> + use<'a> {
        let rows = *self;
        (0..rows.len).map(move |i| rows.row(i))
    }

    /// The rows of `range`.
    ///
    /// # Panics
    ///
    /// Where `range` reaches past the last row.
    pub fn slice(&self, range: Range<usize>) -> Rows<'a> {
        assert!(range.start <= range.end && range.end <= self.len, "rows {range:?} of {}", self.len);
        Rows {
            data: &self.data[range.start * self.dim..range.end * self.dim],
            len: range.len(),
            dim: self.dim,
        }
    }

    /// All numbers, row after row.
    pub fn as_slice(&self) -> &'a [f32] {
        self.data
    }

    /// The first `(row, column)` that holds a number that is not finite.
    pub fn find_non_finite(&self) -> Option<(usize, usize)> {
        let at = self.data.iter().position(|x| !x.is_finite())?;
        Some((at / self.dim, at % self.dim))
    }
}

impl<'a> RowsMut<'a> {
    /// The table of width `dim` over `data`; the length must be a multiple of it.
    pub fn new(data: &'a mut [f32], dim: usize) -> Result<Self> {
        Ok(RowsMut { len: rows_of(data.len(), dim)?, data, dim })
    }

    /// One row.
    pub fn single(row: &'a mut [f32]) -> Self {
        RowsMut { dim: row.len(), data: row, len: 1 }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i`, counted from 0.
    ///
    /// # Panics
    ///
    /// Where `i` is not below [`len`](RowsMut::len).
    #[inline]
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        assert!(i < self.len, "row {i} of {}", self.len);
        &mut self.data[i * self.dim..(i + 1) * self.dim]
    }

    /// All numbers, row after row.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        self.data
    }

    /// The same table to read from.
    pub fn view(&self) -> Rows<'_> {
        Rows { data: self.data, len: self.len, dim: self.dim }
    }

    /// The same table, borrowed anew.
    pub fn reborrow(&mut self) -> RowsMut<'_> {
        RowsMut { data: self.data, len: self.len, dim: self.dim }
    }

    /// The rows of `range`.
    ///
    /// # Panics
    ///
    /// Where `range` reaches past the last row.
    pub fn slice_mut(&mut self, range: Range<usize>) -> RowsMut<'_> {
        assert!(range.start <= range.end && range.end <= self.len, "rows {range:?} of {}", self.len);
        let data = &mut self.data[range.start * self.dim..range.end * self.dim];
        RowsMut { data, len: range.len(), dim: self.dim }
    }

    /// Copies `rows` over this table, which must have the same shape.
    ///
    /// # Panics
    ///
    /// Where the shapes differ.
    pub fn copy_from(&mut self, rows: Rows<'_>) {
        assert_eq!((self.len, self.dim), (rows.len, rows.dim), "[rows, dim] of the two tables");
        self.data.copy_from_slice(rows.data);
    }
}

impl RowBuf {
    /// An empty table of width `dim`.
    pub fn new(dim: usize) -> Self {
        RowBuf { data: Vec::new(), len: 0, dim }
    }

    /// A table of zeros.
    pub fn zeros(len: usize, dim: usize) -> Self {
        RowBuf { data: vec![0.0; len * dim], len, dim }
    }

    /// The table of these numbers, row after row, without copying them. Refused where they are not whole rows.
    pub fn from_vec(data: Vec<f32>, dim: usize) -> Result<Self> {
        let len = Rows::new(&data, dim)?.len();
        Ok(RowBuf { data, len, dim })
    }

    /// The numbers, row after row, without copying them: what [`from_vec`](RowBuf::from_vec) takes.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Appends a row.
    ///
    /// # Panics
    ///
    /// Where the row is not as wide as the table.
    pub fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.dim, "width of the row");
        self.data.extend_from_slice(row);
        self.len += 1;
    }

    /// Makes the table `len` rows long: cut, or filled up with zeros.
    pub fn resize(&mut self, len: usize) {
        self.data.resize(len * self.dim, 0.0);
        self.len = len;
    }

    /// Makes this a table of `len` rows of width `dim`; what it holds afterwards is unspecified.
    pub fn reshape(&mut self, len: usize, dim: usize) {
        self.data.resize(len * dim, 0.0);
        (self.len, self.dim) = (len, dim);
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.data.clear();
        self.len = 0;
    }

    /// Row `i`, counted from 0.
    ///
    /// # Panics
    ///
    /// Where `i` is not below [`len`](RowBuf::len).
    #[inline]
    pub fn row(&self, i: usize) -> &[f32] {
        self.view().row(i)
    }

    /// Row `i`, counted from 0, to write to.
    ///
    /// # Panics
    ///
    /// Where `i` is not below [`len`](RowBuf::len).
    #[inline]
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        assert!(i < self.len, "row {i} of {}", self.len);
        &mut self.data[i * self.dim..(i + 1) * self.dim]
    }

    /// The table, borrowed.
    #[inline]
    pub fn view(&self) -> Rows<'_> {
        Rows { data: &self.data, len: self.len, dim: self.dim }
    }

    /// The table, borrowed to write to.
    #[inline]
    pub fn view_mut(&mut self) -> RowsMut<'_> {
        RowsMut { data: &mut self.data, len: self.len, dim: self.dim }
    }

    /// All numbers, row after row.
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// All numbers, row after row, to write to.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.data
    }
}

#[cfg(feature = "ndarray")]
mod with_ndarray {
    use super::{Rows, RowsMut};
    use crate::{Error, Result};
    use ndarray::{ArrayView2, ArrayViewMut2};

    const STRIDED: &str = "the ndarray view is strided: copy it with `as_standard_layout` first";

    impl<'a> TryFrom<ArrayView2<'a, f32>> for Rows<'a> {
        type Error = Error;

        fn try_from(view: ArrayView2<'a, f32>) -> Result<Self> {
            let (len, dim) = view.dim();
            let data = view.to_slice().ok_or_else(|| Error::invalid(STRIDED))?;
            Ok(Rows { data, len, dim })
        }
    }

    impl<'a> TryFrom<ArrayViewMut2<'a, f32>> for RowsMut<'a> {
        type Error = Error;

        fn try_from(view: ArrayViewMut2<'a, f32>) -> Result<Self> {
            let (len, dim) = view.dim();
            let data = view.into_slice().ok_or_else(|| Error::invalid(STRIDED))?;
            Ok(RowsMut { data, len, dim })
        }
    }

    impl<'a> From<Rows<'a>> for ArrayView2<'a, f32> {
        fn from(rows: Rows<'a>) -> Self {
            ArrayView2::from_shape((rows.len, rows.dim), rows.data).expect("rows are contiguous")
        }
    }

    impl<'a> From<RowsMut<'a>> for ArrayViewMut2<'a, f32> {
        fn from(rows: RowsMut<'a>) -> Self {
            ArrayViewMut2::from_shape((rows.len, rows.dim), rows.data).expect("rows are contiguous")
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ndarray::Array2;

        #[test]
        fn views_round_trip_and_strides_are_refused() {
            let mut array = Array2::from_shape_fn((3, 2), |(i, j)| (2 * i + j) as f32);
            let rows = Rows::try_from(array.view()).unwrap();
            assert_eq!((rows.len(), rows.dim(), rows.row(2)), (3, 2, [4.0, 5.0].as_slice()));
            assert_eq!(ArrayView2::from(rows), array.view());
            let error = Rows::try_from(array.t()).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains("as_standard_layout"));
            assert!(RowsMut::try_from(array.view_mut().reversed_axes()).is_err());
            RowsMut::try_from(array.view_mut()).unwrap().row_mut(0)[1] = 9.0;
            assert_eq!(array[[0, 1]].to_bits(), 9.0f32.to_bits());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ragged_data_is_refused() {
        assert!(Rows::new(&[0.0; 5], 2).unwrap_err().is_invalid());
        assert!(Rows::new(&[0.0; 5], 0).unwrap_err().is_invalid());
        assert!(RowsMut::new(&mut [0.0; 5], 3).unwrap_err().is_invalid());
        assert_eq!(Rows::new(&[], 0).unwrap().len(), 0);
    }

    #[test]
    fn rows_without_columns_still_count() {
        assert_eq!(Rows::blank(4).iter().map(<[f32]>::len).collect::<Vec<_>>(), [0; 4]);
        assert_eq!(RowBuf::zeros(3, 0).view().len(), 3);
    }

    #[test]
    fn the_first_bad_number_is_found() {
        let data = [0.0, 1.0, f32::NAN, f32::INFINITY];
        assert_eq!(Rows::new(&data, 2).unwrap().find_non_finite(), Some((1, 0)));
        assert_eq!(Rows::new(&data[..2], 2).unwrap().find_non_finite(), None);
    }

    #[test]
    fn a_table_keeps_its_memory() {
        let mut table = RowBuf::zeros(8, 3);
        let address = table.as_slice().as_ptr();
        table.clear();
        for _ in 0..8 {
            table.push(&[1.0, 2.0, 3.0]);
        }
        table.reshape(12, 2);
        assert_eq!(table.as_slice().as_ptr(), address);
        assert_eq!(table.view().slice(3..5).len(), 2);
    }
}
