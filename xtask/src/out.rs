//! What goes to a person or to a program: lines and tables on stdout, complaints and progress on stderr.

use mbrl_core::{Context, Error, Result};
use std::io::{self, Write};

/// Prints a line on stdout. A reader that went away (`| head`) is no failure: what was to be done goes on unheard, and
/// the exit code still says how it went.
pub(crate) fn line(text: impl std::fmt::Display) -> Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("writing to stdout"),
    }
}

/// Prints one JSON document on stdout.
pub(crate) fn json(document: &impl serde::Serialize) -> Result<()> {
    line(serde_json::to_string_pretty(document).map_err(Error::backend)?)
}

/// Prints what is being done, on stderr.
pub(crate) fn progress(text: impl std::fmt::Display) {
    // Nobody to tell is no reason to stop.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints why a command cannot be done, on stderr.
pub(crate) fn complain(error: &Error) {
    progress(format_args!("error: {error}"));
}

/// Prints rows under headings, in columns. A heading that begins with `>` has its numbers to the right.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> Result<()> {
    let names: Vec<&str> = headings.iter().map(|heading| heading.trim_start_matches('>')).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([names[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let show = |cells: &[&str]| {
        let mut text = String::new();
        for ((cell, width), heading) in cells.iter().zip(&widths).zip(headings) {
            let right = heading.starts_with('>');
            let cell = if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            text.push_str(&cell);
            text.push_str("  ");
        }
        line(text.trim_end())
    };
    show(&names)?;
    rows.iter().try_for_each(|row| show(&row.iter().map(String::as_str).collect::<Vec<_>>()))
}
