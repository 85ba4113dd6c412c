//! What went wrong with runs, in plain words, and what to try.

use super::exploitation::exploitation;
use super::group::{Group, Run};
use super::html::{count, number};
use super::probe::Probe;

/// Something that a reader should know.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) says: String,
    /// What to try; it may be empty.
    pub(super) advice: String,
}

/// How much it matters; the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// What the run says of itself cannot be trusted.
    Alarm,
    /// Something went wrong.
    Warning,
    /// Something is worth knowing.
    Note,
}

impl Level {
    pub(super) fn name(self) -> &'static str {
        match self {
            Level::Alarm => "Alarm",
            Level::Warning => "Warning",
            Level::Note => "Note",
        }
    }
}

/// An agent that got worse than its best by more than this share of what it had learnt is said to have.
const FALLEN: f64 = 0.5;
/// Of fresh steps, nine in ten should lie where the model says that nine in ten do; fewer than this is worth a note.
const COVERED: f64 = 0.7;
/// The level of the calibration curve that this is read at.
const NINE_IN_TEN: f64 = 0.9;

/// What there is to say of the runs of a group, the gravest first. To each run belongs what came of looking at its model.
pub(super) fn findings(group: &Group, probes: &[Probe]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (run, probe) in group.runs.iter().zip(probes) {
        let mut of_run = Found { says: Vec::new() };
        of_run.look(run);
        of_run.model(probe);
        let name = |says: String| match group.runs.len() {
            1 => says,
            _ => format!("Seed {}: {says}", run.seed),
        };
        found.extend(of_run.says.into_iter().map(|found| Finding { says: name(found.says), ..found }));
    }
    found.sort_by_key(|finding| finding.level);
    found
}

struct Found {
    says: Vec<Finding>,
}

impl Found {
    fn say(&mut self, level: Level, says: String, advice: &str) {
        self.says.push(Finding { level, says, advice: advice.to_owned() });
    }

    fn look(&mut self, run: &Run) {
        if run.metrics.is_empty() {
            let says = "Nothing has been recorded: the run ended before its first evaluation.".to_owned();
            return self.say(
                Level::Warning,
                says,
                &format!("Go on with it: cargo xtask train --resume {}", run.dir),
            );
        }
        self.exploited(run);
        self.unfinished(run);
        self.returns(run);
        self.numbers(run);
        self.imagination(run);
        self.plans(run);
        if !run.exact_resume {
            let says =
                "The run was resumed where bits may differ from those of a run that was never interrupted.";
            self.say(Level::Note, says.to_owned(), "");
        }
    }

    fn exploited(&mut self, run: &Run) {
        let real: Vec<(u64, f64)> = run.evaluations.iter().map(|at| (at.env_steps, at.mean_return)).collect();
        let imagined = run.scalars("rollout/return");
        let deviations = run.scalars("eval/return_std");
        let deviation = deviations.iter().fold(0.0_f64, |largest, (_, x)| largest.max(*x));
        let Some(found) = exploitation(&imagined, &real, &run.scalars("train/return"), deviation) else {
            return;
        };
        let worst = found.worst;
        let (promised, paid) = (number(worst.imagined), number(worst.real));
        let at = count(worst.env_steps);
        if found.is_alarming() {
            let says = format!(
                "The policy exploits the model. In {} of {} looks the return that it expects in imagination was far above \
                 what the world pays; at step {at} it expected {promised}, and the best that was earned about then is {paid}.",
                found.over, found.looks
            );
            let advice = match run.config.data {
                Some(_) => {
                    "Do not trust imagined returns of this run. Try a heavier penalty (agent.pessimism), other lengths of \
                     rollouts (agent.rollouts.length), more critics (agent.sac.critics), or a larger share of recorded \
                     moves (agent.real_share)."
                }
                None => {
                    "Do not trust imagined returns of this run. Try shorter rollouts (agent.rollouts.length), more real \
                     steps before and between fits (agent.initial_steps, agent.model_every), a larger share of real data \
                     (agent.real_share), or more members and elites (agent.model.members, agent.model.elites)."
                }
            };
            self.say(Level::Alarm, says, advice);
        } else if found.over > 0 {
            let says = format!(
                "In {} of {} looks the policy expected far more in imagination than the world pays, at worst {promised} \
                 against {paid} at step {at}; that is too seldom for an alarm.",
                found.over, found.looks
            );
            self.say(Level::Note, says, "");
        }
    }

    fn unfinished(&mut self, run: &Run) {
        let config = &run.config;
        if run.env_steps >= config.steps {
            return;
        }
        let (done, planned) = (count(run.env_steps), count(config.steps));
        if let (Some(target), Some(last)) = (config.eval.target, run.last())
            && last.mean_return >= target
        {
            let says = format!(
                "The run ended at step {done} of {planned} because it reached its target, {}.",
                number(target)
            );
            return self.say(Level::Note, says, "");
        }
        let says = format!("The run has not finished: its last record is of step {done} of {planned}.");
        let advice =
            format!("If it is not running any more, go on with it: cargo xtask train --resume {}", run.dir);
        self.say(Level::Warning, says, &advice);
    }

    fn returns(&mut self, run: &Run) {
        let Some((first, later)) = run.evaluations.split_first() else {
            return self.say(
                Level::Warning,
                "No evaluation has been recorded, so that nobody knows how good the agent is.".to_owned(),
                "Evaluate it: cargo xtask eval, or train with a smaller eval.every.",
            );
        };
        let (Some(best), Some(last)) = (run.best(), later.last()) else { return };
        if run.config.algo == "random" {
            let says = "This agent acts at random and learns nothing: it is what others are compared with.";
            return self.say(Level::Note, says.to_owned(), "");
        }
        let learnt = best.mean_return - first.mean_return;
        if learnt <= 0.0 {
            let says = format!(
                "The return never rose above that of the first evaluation, {}.",
                number(first.mean_return)
            );
            let advice = "Train for longer, and see below whether the losses move at all and whether the model predicts \
                          anything; another preset or another seed tells bad luck from bad settings.";
            self.say(Level::Warning, says, advice);
        } else if best.mean_return - last.mean_return > FALLEN * learnt {
            let says = format!(
                "The agent got worse again: its best evaluation, {} at step {}, fell to {} at the last one.",
                number(best.mean_return),
                count(best.env_steps),
                number(last.mean_return)
            );
            let advice = "Compare the steps at which it fell with the curves of the model and of the losses; more episodes \
                          in each evaluation (eval.episodes) tell a fall from noise.";
            self.say(Level::Warning, says, advice);
        }
    }

    /// What was recorded and was no number. Theory may rightly say that a bound is infinite.
    fn numbers(&mut self, run: &Run) {
        let mut lost: Vec<(&str, u64)> = Vec::new();
        for line in &run.metrics {
            for (name, value) in &line.scalars {
                let is_new = lost.iter().all(|(known, _)| known != name);
                if value.is_none() && is_new && !name.starts_with("theory/") {
                    lost.push((name, line.env_steps));
                }
            }
        }
        let Some((_, first)) = lost.iter().min_by_key(|(_, at)| *at) else { return };
        let names: Vec<&str> = lost.iter().map(|(name, _)| *name).collect();
        let says = format!(
            "Some numbers became infinite or not a number, first at step {}: {}.",
            count(*first),
            names.join(", ")
        );
        self.say(
            Level::Warning,
            says,
            "Learning has diverged. Try smaller learning rates, or look at the rewards' size.",
        );
    }

    fn imagination(&mut self, run: &Run) {
        let sum = |name| run.scalars(name).iter().map(|(_, value)| value).sum::<f64>();
        let (lost, rows) = (sum("rollout/lost"), sum("rollout/rows"));
        if lost > 0.0 {
            let says = format!(
                "In imagination {} rollouts were lost because the model left all bounds; {} transitions were imagined.",
                count(lost as u64),
                count(rows as u64)
            );
            let advice = "Try shorter rollouts (agent.rollouts.length) or more real data before the first fit \
                          (agent.initial_steps).";
            self.say(Level::Warning, says, advice);
        }
    }

    fn plans(&mut self, run: &Run) {
        let sum = |name| run.scalars(name).iter().map(|(_, value)| value).sum::<f64>();
        let (training, judged) = (sum("plan/failed"), sum("eval/plan_failed"));
        if training + judged > 0.0 {
            let says = format!(
                "Planning failed {} times in training and {} times in evaluations, because no plan had a finite value in \
                 the model; the agent acted at random instead.",
                count(training as u64),
                count(judged as u64)
            );
            let advice = "Try a shorter horizon (agent.horizon), or more random steps before the first fit \
                          (agent.initial_steps).";
            self.say(Level::Warning, says, advice);
        }
    }

    fn model(&mut self, probe: &Probe) {
        let found = match probe {
            Probe::Nothing(_) => return,
            Probe::Failed(error) => {
                let says = format!("The trained agent could not be looked at: {error}.");
                return self.say(Level::Warning, says, "");
            }
            Probe::Found(found) => found,
        };
        if let Err(error) = &found.compounding {
            let says = format!("Forecasts of several steps could not be judged: {error}.");
            self.say(Level::Warning, says, "");
        }
        let spread = match &found.spread {
            None => return,
            Some(Err(error)) => {
                return self.say(Level::Warning, format!("The model could not be judged: {error}."), "");
            }
            Some(Ok(spread)) => spread,
        };
        let one_step = &spread.one_step;
        let still: f64 = one_step.standstill_mse.iter().sum();
        let off: f64 = one_step.average.mse[..one_step.state_dim].iter().sum();
        if off >= still && still > 0.0 {
            let says = "One step ahead, on fresh steps, the model is no better than the forecast that nothing moves.";
            self.say(
                Level::Warning,
                says.to_owned(),
                "Give it more data (agent.initial_steps) or more epochs.",
            );
        }
        let calibration = &spread.calibration;
        let at = calibration.levels.iter().position(|level| *level >= NINE_IN_TEN);
        if let Some(covered) = at.map(|at| calibration.pooled.coverage[at])
            && covered < COVERED
        {
            let says = format!(
                "The model is too sure of itself: of fresh steps, {:.0} % lie where it says that 90 % do.",
                100.0 * covered
            );
            self.say(Level::Note, says, "Trust short rollouts more than long ones.");
        }
    }
}

#[cfg(test)]
mod tests;
