//! `data convert`: the same episodes in another format.

use super::Reading;
use crate::{Outcome, out};
use mbrl_core::{Context, Error, Result};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The dataset: a file, or the folder of a Minari dataset.
    from: PathBuf,
    /// What is made: NAME.hdf5 (as D4RL has it), NAME.npz, NAME.mbrl (the project's own), or the folder of a Minari
    /// dataset, NAME-v0 say.
    to: PathBuf,
    #[command(flatten)]
    reading: Reading,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let to = &args.to;
    // Before reading, which may take long.
    if to.symlink_metadata().is_ok() {
        let error = Error::invalid("it is there already: name another file, or remove it");
        return Err(error).with_context(|| to.display());
    }
    let extension = to.extension().map(|extension| extension.to_string_lossy().into_owned());
    let known = ["hdf5", "h5", "npz", "mbrl"];
    if let Some(other) = extension.as_deref().filter(|extension| !known.contains(extension)) {
        let error = Error::invalid(format_args!(
            "`.{other}` is no format that is written: choose .hdf5, .npz, .mbrl, or a folder without a dot for Minari"
        ));
        return Err(error).with_context(|| to.display());
    }
    let recording = args.reading.open(&args.from)?;
    match extension.as_deref() {
        None => recording.save_minari(to)?,
        Some("mbrl") => recording.save_to(to)?,
        Some("npz") => recording.save_npz(to)?,
        Some(_) => recording.save_d4rl(to)?,
    }
    recording.notes().iter().for_each(|note| out::progress(format_args!("warning: {note}")));
    let about = recording.about();
    if matches!(extension.as_deref(), Some("hdf5" | "h5" | "npz"))
        && (about.obs.is_some() || about.act.is_some())
    {
        out::progress("warning: this format does not keep the spaces of observations and actions");
    }
    let (rows, episodes) = (recording.rows().len(), recording.episodes().count());
    out::line(format_args!("{}: {rows} rows of {episodes} episodes", to.display()))?;
    Ok(Outcome::Well)
}
