//! `data relabel`: the same moves, judged by another task.

use crate::{Outcome, out};
use mbrl_agents::mean;
use mbrl_buffer::{About, Recording};
use mbrl_core::{Context, End, Error, Moves, Result};
use mbrl_envs::Entry;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The tasks that MOPO was tried on outside of its data were made so: what had learnt to run was relabelled to jump.")]
pub(crate) struct Args {
    /// The dataset.
    file: PathBuf,
    /// The environment whose rewards and ends the moves are to have; it moves as the one that they were recorded in.
    #[arg(long, value_name = "E")]
    env: String,
    /// What it is called; the file's name, if not given.
    #[arg(long)]
    name: Option<String>,
    /// The file to write, in the project's own format.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let entry = mbrl_envs::find(&args.env)?;
    let recording = Recording::open(&args.file)?;
    let mut relabelled = relabel(&recording, entry).with_context(|| args.file.display().to_string())?;
    let stem = || args.out.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    relabelled.about_mut().name = args.name.clone().or_else(stem);
    relabelled.save_to(&args.out)?;
    let returns = relabelled.returns();
    let best = returns.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    out::line(format_args!(
        "{} transitions in {} episodes, which earn {:.2} in {} in the mean, the best {best:.2}",
        relabelled.rows().len(),
        returns.len(),
        mean(&returns),
        entry.name
    ))?;
    Ok(Outcome::Well)
}

/// The moves of a recording as this environment's task judges them. An episode ends where the task ends, and is cut where
/// it ended for another reason.
pub(crate) fn relabel(recording: &Recording, entry: &Entry) -> Result<Recording> {
    recording.check_fits(&entry.spec())?;
    let (mut rows, task) = (recording.rows().clone(), entry.task());
    let (Some(reward), Some(termination)) = (&task.reward, &task.termination) else {
        let name = entry.name;
        return Err(Error::invalid(format_args!(
            "{name} does not say its reward and its end: choose another"
        )));
    };
    let mut ends = vec![End::Running; rows.len()];
    let moves = Moves { obs: rows.obs.view(), act: rows.act.view(), next_obs: rows.next_obs.view() };
    reward.reward(moves, &mut rows.reward)?;
    termination.end(moves, &mut ends)?;
    for (old, new) in rows.end.iter_mut().zip(ends) {
        *old = match (new, old.is_end()) {
            (End::Running, true) => End::Truncated,
            (new, _) => new,
        };
    }
    let about =
        About { env: Some(entry.name.to_owned()), reference: None, name: None, ..recording.about().clone() };
    Recording::new(rows, about)
}
