//! `tidy`: the invariants of the tree that can be checked.

use crate::{Outcome, out, tidy};
use mbrl_core::Result;

pub(crate) fn run() -> Result<Outcome> {
    let complaints = tidy::complaints()?;
    for complaint in &complaints {
        out::line(complaint)?;
    }
    match complaints.len() {
        0 => out::line("tidy").map(|()| Outcome::Well),
        n => out::line(format_args!("{n} untidy")).map(|()| Outcome::Failed),
    }
}
