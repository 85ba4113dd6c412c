//! The commands, one a file.

pub(crate) mod bench;
pub(crate) mod bounds;
pub(crate) mod calibrate;
pub(crate) mod ci;
pub(crate) mod data;
pub(crate) mod eval;
pub(crate) mod list;
pub(crate) mod plan;
pub(crate) mod reference;
pub(crate) mod report;
pub(crate) mod reproduce;
pub(crate) mod test;
pub(crate) mod theory;
pub(crate) mod tidy;
pub(crate) mod train;
