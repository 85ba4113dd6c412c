//! `theory`: write the pages of mbrl-bounds that are made from docs/theory.

use crate::{Outcome, cargo, out, theory};
use mbrl_core::{Context, Result};

pub(crate) fn run() -> Result<Outcome> {
    for page in theory::pages()? {
        let write = |out: &mut dyn std::io::Write| out.write_all(page.text.as_bytes()).context("writing");
        mbrl_buffer::write_aside(cargo::root().join(&page.path), write)?;
        out::line(format_args!("wrote {}", page.path))?;
    }
    Ok(Outcome::Well)
}
