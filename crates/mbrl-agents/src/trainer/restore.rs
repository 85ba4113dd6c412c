//! Going on where a run was left.

use super::state::Saved;
use super::{Trainer, check_finite};
use crate::store::{Journal, Lengths};
use crate::{Build, Event, RunDir};
use mbrl_core::{Context, End, Error, Result, Snapshot};

impl Trainer {
    /// Takes hold of a run directory, and goes back to its last checkpoint where there is one. What was written after it is
    /// taken back.
    pub(super) fn restore(&mut self, run: &RunDir) -> Result<()> {
        let mut journal = Journal::open(run)?;
        let Some(found) = run.load_newest(self.agent.as_mut())? else {
            journal.rewind(Lengths::default())?;
            self.journal = Some(journal);
            return Ok(());
        };
        let warnings = found.warnings();
        self.check_same(&found.head.state)?;
        journal.rewind(found.head.state.lengths)?;
        for (path, _) in &found.damaged {
            run.put_aside(path)?;
        }
        let Saved { progress, episode, pending, .. } = found.head.state;
        self.progress = progress;
        if let Some(jsonl) = &mut self.records.jsonl {
            jsonl.resume(pending.into());
        }
        self.journal = Some(journal);
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

    /// Refuses a checkpoint of another training. More steps, or fewer, are the same training for longer.
    fn check_same(&self, saved: &Saved) -> Result<()> {
        let mut training = saved.training;
        training.steps = self.config.steps;
        let dims = self.env.spec().dims();
        if training != self.config || saved.dims != [dims.obs, dims.act] {
            return Err(Error::invalid(
                "the checkpoint is of a run with another seed, evaluation, or environment: begin anew in another folder",
            ));
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
