//! Going on where a run was left.

use super::state::{Difference, Saved, difference, whole};
use super::{Trainer, check_finite};
use crate::store::{Found, Journal, Lengths};
use crate::{Build, Event, RunConfig, RunDir};
use mbrl_core::{Context, End, Error, Result, Snapshot};

impl Trainer {
    /// Takes hold of a run directory, and goes back to its last checkpoint where there is one. What was written after it is
    /// taken back.
    pub(super) fn restore(&mut self, run: &RunDir) -> Result<()> {
        let kept = run.config()?;
        self.check_given(run, &kept)?;
        if !run.has_checkpoints() {
            // Asked before there is a new folder in the place that the old one is to be put back to.
            run.check_never_saved(&kept)?;
        }
        let mut journal = Journal::open(run)?;
        let now = RunConfig { steps: self.config.steps, ..kept.clone() };
        self.whole = whole(&now)?;
        let dims = self.env.spec().dims();
        let found = run.load_newest(self.agent.as_mut(), &|saved| {
            saved.check_config(&self.whole)?;
            saved.check_goes_on(self.config.steps, dims)
        })?;
        if found.is_none() {
            run.check_never_saved(&kept)?;
        }
        if now != kept {
            run.write_config(&now)?;
        }
        match found {
            Some(found) => self.go_back(run, &mut journal, found)?,
            None => {
                let is_begun = !journal.is_empty();
                journal.rewind(Lengths::default())?;
                if is_begun {
                    self.warn("there is no checkpoint yet: training begins anew, and what was recorded is taken back")?;
                }
            }
        }
        self.journal = Some(journal);
        Ok(())
    }

    fn go_back(&mut self, run: &RunDir, journal: &mut Journal, found: Found) -> Result<()> {
        let warnings = found.warnings();
        journal.rewind(found.head.state.lengths)?;
        for (path, _) in &found.damaged {
            run.put_aside(path)?;
        }
        let Saved { progress, episode, pending, .. } = found.head.state;
        self.progress = progress;
        if let Some(jsonl) = &mut self.records.jsonl {
            jsonl.resume(pending.into());
        }
        for warning in &warnings {
            self.warn(warning)?;
        }
        let mut manifest = run.manifest()?;
        manifest.resumes += 1;
        if let Some(difference) = manifest.build.difference(&Build::current()) {
            self.warn(&format!(
                "resumed by another build or machine, so that bits may differ: {difference}"
            ))?;
            manifest.exact_resume = false;
        }
        if let Some(episode) = episode {
            self.episode.restore(&episode);
            if !self.bring_back(found.head.snapshot.as_ref())? {
                manifest.exact_resume = false;
                self.agent.cut()?;
                self.episode.is_running = false;
                self.progress.episodes += 1;
            }
        }
        run.write_manifest(&manifest)?;
        self.exact_resume = manifest.exact_resume;
        Ok(())
    }

    /// Refuses a folder whose configuration is not the one that this trainer was given.
    fn check_given(&self, run: &RunDir, kept: &RunConfig) -> Result<()> {
        let tree = |training| serde_json::to_value(training).map_err(Error::backend);
        let (given, kept) = (tree(self.config)?, tree(kept.training())?);
        match difference(&given, &kept) {
            None => Ok(()),
            Some(Difference { path, left, right }) => Err(Error::invalid(format_args!(
                "{path} is {left}, and {} was begun with {right}: name another folder",
                run.path().display()
            ))),
        }
    }

    /// Brings the numbers of the last step to their file. A checkpoint holds them apart, because more might come to them;
    /// nothing will now, unless this trainer is told to go on.
    pub(super) fn lay_down(&mut self) -> Result<()> {
        let (Some(journal), Some(jsonl)) = (&mut self.journal, &mut self.records.jsonl) else {
            return Ok(());
        };
        self.left = Some((journal.lengths(), jsonl.pending()));
        jsonl.end_line();
        journal.append(jsonl)
    }

    /// Takes those numbers back, so that they and what comes to them stand in one line.
    pub(super) fn pick_up(&mut self) -> Result<()> {
        let (Some(journal), Some(jsonl)) = (&mut self.journal, &mut self.records.jsonl) else {
            return Ok(());
        };
        if let Some((lengths, pending)) = self.left.take() {
            journal.rewind(lengths)?;
            jsonl.resume(pending);
        }
        Ok(())
    }

    /// Brings the environment back to where it was in the running episode, and says whether that is where it is.
    fn bring_back(&mut self, snapshot: Option<&Snapshot>) -> Result<bool> {
        if let Some(snapshot) = snapshot {
            match self.env.restore(snapshot) {
                Ok(()) => return Ok(true),
                Err(error) => {
                    self.warn(&format!("replaying the episode, because its snapshot is refused: {error}"))?;
                }
            }
        }
        let is_same = self.replay().context("replaying the running episode")?;
        if !is_same {
            self.warn(
                "the environment did not do again what it did: its running episode is given up as truncated",
            )?;
        }
        Ok(is_same)
    }

    /// Does the running episode again, and says whether it led to the same place.
    fn replay(&mut self) -> Result<bool> {
        let Trainer { env, episode, keys, progress, .. } = self;
        env.reset(keys.reset.at(progress.episodes), &mut episode.next_obs)?;
        check_finite(&episode.next_obs)?;
        let actions = episode.actions.chunks_exact(episode.act.len());
        for (act, number) in actions.zip(episode.start + 1..) {
            let step = env.step(act, keys.world.at(number), &mut episode.next_obs)?;
            if step.end != End::Running {
                return Ok(false);
            }
        }
        let mut pairs = episode.next_obs.iter().zip(&episode.obs);
        Ok(pairs.all(|(a, b)| a.to_bits() == b.to_bits()))
    }

    fn warn(&mut self, warning: &str) -> Result<bool> {
        self.tell(Event::Warned(warning))
    }
}
