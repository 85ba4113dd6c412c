//! MBPO at the setting of mbrl-lib's cartpole: what the agent does in a cycle of 200 steps in the world, part by part, and a
//! tenth of the whole.
//!
//! A cycle is a fit of 20 epochs on 2,000 rows, 80,000 imagined transitions, and 20 updates in each of its steps. All of it
//! is done by the agent that the preset builds, through what the trainer calls, with its reward learnt and its theory told.

use crate::nn::{Ensemble, GEMM, SQUARE_FLOPS, forward, gemm, pool, train};
use crate::run::Run;
use crate::sac::Sizes;
use crate::{Case, Pair, Share};
use mbrl_core::{NullRecorder, Recorder};

/// What a cycle is made of: cases, and how often each is in it.
pub const CYCLE: [(&str, f64); 3] = [(FIT, 1.0), (IMAGINE, 1.0), (UPDATE, STEPS as f64)];

const FIT: &str = "mbpo/cartpole-mbrl-lib/fit/r2000e20";
const IMAGINE: &str = "mbpo/cartpole-mbrl-lib/imagine/r80000";
const UPDATE: &str = "mbpo/cartpole-mbrl-lib/update/h256b256x20";
const TENTH: &str = "mbpo/cartpole-mbrl-lib/tenth";

const STEPS: usize = 200;
const EPOCHS: usize = 20;
const ROWS: usize = 2_000;
/// Of which a fifth is held out.
const HELD_OUT: usize = ROWS / 5;
const STARTS: usize = 80_000;
const UPDATES: usize = 20;

/// Four numbers and the reward, each with a variance, from four and an action.
const MODEL: Ensemble = Ensemble { members: 7, input: 5, hidden: &[200; 4], output: 10 };
const SAC: Sizes = Sizes { agents: 1, obs: 4, act: 1, width: 256, batch: 256 };

const FIT_FLOPS: f64 = EPOCHS as f64 * (train(MODEL, ROWS - HELD_OUT) + forward(MODEL, HELD_OUT));
/// Of one member's answer and the actor's, in every row.
const IMAGINE_FLOPS: f64 =
    forward(Ensemble { members: 1, ..MODEL }, STARTS) + SAC.actor_flops() * (STARTS / SAC.batch) as f64;
const UPDATE_FLOPS: f64 = UPDATES as f64 * SAC.flops();
const TENTH_FLOPS: f64 = (FIT_FLOPS + IMAGINE_FLOPS + STEPS as f64 * UPDATE_FLOPS) / 10.0;

const fn case(name: &'static str, threads: usize, flops: f64, target: f64, prepare: fn() -> Pair) -> Case {
    let share = Share::OfRate { work: flops, floor: SQUARE_FLOPS };
    Case { group: "mbpo", name, threads, floor: GEMM, share, target, items: 1, prepare }
}

pub(crate) const FIT_1: Case = case(FIT, 1, FIT_FLOPS, 0.7, || pair(1, fitting(), Run::learn));
pub(crate) const FIT_2: Case = case(FIT, 2, FIT_FLOPS, 0.65, || pair(2, fitting(), Run::learn));
pub(crate) const IMAGINE_1: Case = case(IMAGINE, 1, IMAGINE_FLOPS, 0.7, || pair(1, imagining(), Run::learn));
pub(crate) const IMAGINE_2: Case = case(IMAGINE, 2, IMAGINE_FLOPS, 0.65, || pair(2, imagining(), Run::learn));
pub(crate) const UPDATE_1: Case = case(UPDATE, 1, UPDATE_FLOPS, 0.8, || pair(1, updating(), Run::learn));
pub(crate) const UPDATE_2: Case = case(UPDATE, 2, UPDATE_FLOPS, 0.6, || pair(2, updating(), Run::learn));
pub(crate) const TENTH_1: Case = case(TENTH, 1, TENTH_FLOPS, 0.75, || pair(1, tenth(), tenth_of_a_cycle));
pub(crate) const TENTH_2: Case = case(TENTH, 2, TENTH_FLOPS, 0.6, || pair(2, tenth(), tenth_of_a_cycle));

fn pair(threads: usize, mut run: Run, work: fn(&mut Run, &mut dyn Recorder)) -> Pair {
    let pool = pool(threads);
    Pair { work: Box::new(move || pool.install(|| work(&mut run, &mut NullRecorder))), floor: gemm(threads) }
}

/// At the step at which the first fit is due: whenever it learns, it fits. The few rollouts that go with it are in its time.
fn fitting() -> Run {
    let mut run = begun(&[
        &format!("agent.initial_steps={ROWS}"),
        &format!("agent.model.stop.max_epochs={EPOCHS}"),
        "agent.updates_per_step=0",
        "agent.rollouts.starts=5",
    ]);
    (0..ROWS).for_each(|_| run.step(&mut NullRecorder));
    run
}

/// At the step at which the first rollouts are due: whenever it learns, it imagines. The fit that goes with them, one step on
/// eight rows, is in their time.
fn imagining() -> Run {
    const ROWS: usize = 10;
    let mut run = begun(&[
        &format!("agent.initial_steps={ROWS}"),
        "agent.model.stop.max_epochs=1",
        "agent.updates_per_step=0",
        "agent.theory.rows=0",
    ]);
    (0..ROWS).for_each(|_| run.step(&mut NullRecorder));
    run
}

/// At a step at which no model is fitted: it learns by its updates alone.
fn updating() -> Run {
    const ROWS: usize = 10;
    let mut run = begun(&[&format!("agent.initial_steps={ROWS}"), "agent.model.stop.max_epochs=1"]);
    (0..=ROWS).for_each(|_| run.step(&mut NullRecorder));
    run
}

/// Before a tenth of a cycle, from its fit to the last of its steps: all its numbers are a tenth, but for the rows to fit,
/// which stay 2,000.
fn tenth() -> Run {
    let (steps, epochs, starts) = (STEPS / 10, EPOCHS / 10, STARTS / 10);
    let mut run = begun(&[
        &format!("agent.initial_steps={ROWS}"),
        &format!("agent.capacity={ROWS}"),
        &format!("agent.model.stop.max_epochs={epochs}"),
        &format!("agent.rollouts.starts={starts}"),
        &format!("agent.rollouts.retain={steps}"),
        &format!("agent.model_every={steps}"),
    ]);
    (1..ROWS).for_each(|_| run.step(&mut NullRecorder));
    run
}

/// The steps of a tenth of a cycle.
fn tenth_of_a_cycle(run: &mut Run, recorder: &mut dyn Recorder) {
    (0..STEPS / 10).for_each(|_| run.step(recorder));
}

/// The preset with these settings changed. Nothing stops a fit but its epochs.
fn begun(settings: &[&str]) -> Run {
    Run::new("mbpo", "mbrl-lib", &[&["agent.model.stop.patience=1000000"], settings].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_agents::RunConfig;

    /// How often a model was fitted, updates were made, and what was said of these.
    #[derive(Default)]
    struct Said {
        fits: usize,
        learnt: usize,
        epochs: f64,
        rows: f64,
    }

    impl Recorder for Said {
        fn at(&mut self, _: u64) {}
        fn scalar(&mut self, name: &str, value: f64) {
            match name {
                "model/epochs" => self.epochs = value,
                "rollout/rows" => self.rows = value,
                _ => {}
            }
        }
        fn enter(&mut self, span: &'static str) {
            self.fits += usize::from(span == "model");
            self.learnt += usize::from(span == "update");
        }
        fn leave(&mut self) {}
    }

    #[test]
    fn every_call_does_what_its_name_says() {
        let said = |mut run: Run, work: fn(&mut Run, &mut dyn Recorder)| {
            let mut said = Said::default();
            work(&mut run, &mut said);
            (said.fits, said.learnt, said.epochs as usize, said.rows as usize)
        };
        assert_eq!(said(fitting(), Run::learn), (1, 1, EPOCHS, 5));
        assert_eq!(said(imagining(), Run::learn), (1, 1, 1, STARTS));
        assert_eq!(said(updating(), Run::learn), (0, 1, 0, 0));
        assert_eq!(said(tenth(), tenth_of_a_cycle), (1, STEPS / 10, EPOCHS / 10, STARTS / 10));
        let config = RunConfig::new("mbpo", Some("mbrl-lib")).unwrap();
        let of = |path: &[&str]| path.iter().fold(&config.agent, |value, name| &value[*name]).as_u64();
        assert_eq!(of(&["updates_per_step"]), Some(UPDATES as u64));
        assert_eq!(of(&["model_every"]), Some(STEPS as u64));
        assert_eq!(of(&["rollouts", "starts"]), Some(STARTS as u64));
        assert_eq!(of(&["sac", "batch"]), Some(SAC.batch as u64));
    }
}
