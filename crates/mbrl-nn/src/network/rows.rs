//! From rows to tensors and back.

use crate::op::{Read, backend};
use candle_core::{DType, Device, Tensor};
use mbrl_core::{Error, Result, RowBuf, Rows};

/// Rows as the input of a network, `[groups, rows / groups, dim]`.
pub fn tensor_of(rows: Rows<'_>, groups: usize, device: &Device) -> Result<Tensor> {
    if groups == 0 || !rows.len().is_multiple_of(groups) {
        return Err(Error::invalid(format_args!(
            "{} rows in {groups} groups: give a number of groups that divides them",
            rows.len()
        )));
    }
    let shape = (groups, rows.len() / groups, rows.dim());
    Tensor::from_slice(rows.as_slice(), shape, device).map_err(backend)
}

/// A tensor `[.., dim]` as rows, those of the first member first.
pub fn rows_of(tensor: &Tensor, out: &mut RowBuf) -> Result<()> {
    let Some((&dim, leading)) = tensor.dims().split_last() else {
        return Err(Error::invalid("a single number has no rows: give a tensor [.., dim]"));
    };
    if tensor.dtype() != DType::F32 {
        let dtype = tensor.dtype();
        return Err(Error::invalid(format_args!("rows of {dtype:?}: convert to F32")));
    }
    out.reshape(leading.iter().product(), dim);
    with_numbers(tensor, |numbers| out.as_mut_slice().copy_from_slice(numbers))
}

/// Lends the numbers of a tensor: without a copy where it is contiguous and on the CPU.
pub(crate) fn with_numbers<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let lend = || {
        if tensor.device().is_cpu() {
            let straight = tensor.contiguous()?;
            Ok(f(Read::of(&straight).flat()?))
        } else {
            Ok(f(&tensor.flatten_all()?.to_vec1()?))
        }
    };
    lend().map_err(backend)
}
