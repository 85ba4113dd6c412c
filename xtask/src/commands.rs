//! The commands, one a file.

pub(crate) mod bench;
pub(crate) mod ci;
pub(crate) mod list;
pub(crate) mod reference;
pub(crate) mod test;
pub(crate) mod tidy;
