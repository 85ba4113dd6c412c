//! The agent of every learner of tables: a policy an episode.

use super::{EpisodePolicy, TabularLearner};
use crate::{Actor, Agent, keep};
use mbrl_core::{Error, Key, Recorder, Result, Spec, Transition};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// Plans when an episode begins, and follows that plan to its end.
///
/// It is evaluated by what its learner thinks [best](TabularLearner::best), which explores no more.
pub(crate) struct TabularAgent {
    spec: Spec,
    learner: Box<dyn TabularLearner>,
    course: Option<Course>,
}

/// Where in an episode it is. In a world that does not cut its episodes, one begins anew whenever a policy has been
/// followed for its span.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Course {
    policy: EpisodePolicy,
    /// Steps since it was planned.
    done: usize,
}

impl TabularAgent {
    pub(crate) fn new(spec: Spec, learner: impl TabularLearner + 'static) -> Self {
        TabularAgent { spec, learner: Box::new(learner), course: None }
    }
}

impl Agent for TabularAgent {
    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32], _: &mut dyn Recorder) -> Result<()> {
        self.spec.obs.check("observation", obs)?;
        let state = obs[0] as usize;
        let course = match self.course.take() {
            Some(course) => course,
            None => {
                let policy = self.learner.plan(key.child("plan"))?;
                self.learner.begin(state)?;
                Course { policy, done: 0 }
            }
        };
        act[0] = course.policy.act(course.done, state, key) as f32;
        self.course = Some(course);
        Ok(())
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        self.learner.observe(transition)?;
        if let Some(course) = &mut self.course {
            course.done += 1;
            if transition.end.is_end() || course.done >= self.learner.span() {
                self.course = None;
            }
        }
        Ok(())
    }

    fn learn(&mut self, _: u64, _: Key, _: &mut dyn Recorder) -> Result<()> {
        Ok(())
    }

    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        Ok(Box::new(TabularActor { spec: &self.spec, policy: self.learner.best()?, t: 0 }))
    }

    fn save(&self, out: &mut dyn Write) -> Result<()> {
        self.learner.save(out)?;
        keep::write(&self.course, out)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        self.learner.load(from)?;
        let course: Option<Course> = keep::read(from)?;
        if let Some(Course { policy, .. }) = &course {
            let (fits, states) = (policy.check(&self.spec), policy.states());
            fits.map_err(|error| Error::corrupt(format_args!("a kept policy of {states} states: {error}")))?;
        }
        self.course = course;
        Ok(())
    }

    fn cut(&mut self) -> Result<()> {
        self.course = None;
        Ok(())
    }
}

struct TabularActor<'a> {
    spec: &'a Spec,
    policy: EpisodePolicy,
    t: usize,
}

impl Actor for TabularActor<'_> {
    fn begin(&mut self) -> Result<()> {
        self.t = 0;
        Ok(())
    }

    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32]) -> Result<()> {
        self.spec.obs.check("observation", obs)?;
        act[0] = self.policy.act(self.t, obs[0] as usize, key) as f32;
        self.t += 1;
        Ok(())
    }
}
