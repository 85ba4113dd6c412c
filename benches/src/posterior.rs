//! What a population of policies costs: PS-MBPO's updates of a step with 3 models of 3 policies each, as its preset `study`
//! has them, beside nine agents of one policy, and on two threads beside one.

use crate::nn::pool;
use crate::run::Run;
use crate::{Case, Pair, Share};
use mbrl_core::NullRecorder;

/// N·M.
const POLICIES: usize = 9;

const STEP: Case = Case {
    group: "ps-mbpo",
    name: "ps-mbpo/cartpole-study/update/n3m3x5",
    threads: 1,
    floor: "nine agents of one policy",
    share: Share::OfTime,
    target: 1.0 / 1.1,
    items: 1,
    prepare: || Pair {
        work: learning(&[], 1),
        floor: {
            let single: &[&str] = &["agent.model.members=1", "agent.model.elites=1", "agent.policies=1"];
            let mut agents: Vec<_> = (0..POLICIES).map(|_| learning(single, 1)).collect();
            Box::new(move || agents.iter_mut().for_each(|learn| learn()))
        },
    },
};

pub(crate) const STEP_1: Case = STEP;
pub(crate) const STEP_2: Case = Case {
    threads: 2,
    floor: "the same on one thread",
    target: 1.6,
    prepare: || Pair { work: learning(&[], 2), floor: learning(&[], 1) },
    ..STEP
};

/// An agent that has imagined, at a step at which it is to learn by its updates alone.
fn learning(settings: &[&str], threads: usize) -> Box<dyn FnMut()> {
    const STEPS: usize = 205;
    let own = ["agent.initial_steps=200", "agent.fit={\"steps\":100000}", "agent.model.stop.max_epochs=1"];
    let mut run = Run::new("ps-mbpo", "study", &[&own, settings].concat());
    let pool = pool(threads);
    pool.install(|| (0..STEPS).for_each(|_| run.step(&mut NullRecorder)));
    Box::new(move || pool.install(|| run.learn(&mut NullRecorder)))
}
