//! What a learner of tables is told of its world before the first step.

use super::EpisodePolicy;
use crate::{Known, Setup};
use mbrl_core::{End, Error, Moves, Result, RowBuf, Space, Spec, TabularMdp, Transition};
use mbrl_plan::{backward_induction, policy_iteration};

/// Spaces, ends, and how far ahead counts. Starts are not among it: no optimal plan needs them.
///
/// Where it is to be learnt which moves end an episode, there is one state more: the end, which every move that terminated
/// led to. So termination is a part of what is believed of successors, by chance or not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    /// Spaces of states, with the end where it is one of them, and of actions.
    pub(crate) spec: Spec,
    pub(crate) states: usize,
    pub(crate) actions: usize,
    /// `[states]`
    pub(crate) terminal: Vec<bool>,
    /// The state that is the end.
    end: Option<usize>,
}

/// A pseudo-episode of a world without a time limit is no longer than this.
const LONGEST: f64 = 1e6;

impl Frame {
    pub(crate) fn new(setup: &Setup, termination: Known) -> Result<Self> {
        let spec = &setup.spec;
        let (Some(states), Some(actions)) = (spec.obs.choices(), spec.act.choices()) else {
            return Err(Error::invalid(
                "it learns tables, and this environment has a box of numbers: choose a finite environment",
            ));
        };
        if spec.time_limit.is_none() && spec.discount >= 1.0 {
            return Err(Error::invalid(
                "there is neither a time limit nor a discount below 1: give the environment one of them",
            ));
        }
        let (observed, actions) = (states as usize, actions as usize);
        let (states, terminal, end) = match termination {
            Known::Given => (observed, ends_of(setup, observed, actions)?, None),
            Known::Learnt => {
                (observed + 1, (0..=observed).map(|state| state == observed).collect(), Some(observed))
            }
        };
        let obs = Space::discrete(u32::try_from(states).unwrap_or(u32::MAX))?;
        Ok(Frame { spec: Spec { obs, ..spec.clone() }, states, actions, terminal, end })
    }

    /// How many steps a policy is followed: the time limit, or as many as a discount lets count.
    pub(crate) fn span(&self) -> usize {
        match self.spec.time_limit {
            Some(limit) => limit as usize,
            None => (1.0 / (1.0 - f64::from(self.spec.discount))).round().clamp(1.0, LONGEST) as usize,
        }
    }

    /// The states that something is done in.
    pub(crate) fn live(&self) -> impl Iterator<Item = usize> {
        (0..self.states).filter(|&state| !self.terminal[state])
    }

    /// What is best in a world: to the time limit, and without one for ever.
    pub(crate) fn solve(&self, mdp: &TabularMdp) -> Result<EpisodePolicy> {
        match self.spec.time_limit {
            Some(limit) => Ok(EpisodePolicy::to_horizon(&backward_induction(mdp, limit as usize, 1.0)?, mdp)),
            None => {
                let plan = policy_iteration(mdp, f64::from(self.spec.discount))?;
                Ok(EpisodePolicy::for_ever(&plan, mdp))
            }
        }
    }

    /// Hands `take` a move as it is to be learnt from: one that terminated leads to the end, where that is a state.
    pub(crate) fn see<T>(&self, seen: Transition<'_>, take: impl FnOnce(Transition<'_>) -> T) -> T {
        match self.end {
            Some(end) if seen.end == End::Terminated => take(Transition { next_obs: &[end as f32], ..seen }),
            _ => take(seen),
        }
    }

    /// The state that is observed.
    pub(crate) fn state(&self, obs: &[f32]) -> Result<usize> {
        self.spec.obs.check("observation", obs)?;
        Ok(obs[0] as usize)
    }
}

/// Which states the task says to be terminal: those whose entering ends an episode, wherever one comes from.
fn ends_of(setup: &Setup, states: usize, actions: usize) -> Result<Vec<bool>> {
    let learn = "set agent.termination=learnt";
    let Some(task) = &setup.task.termination else {
        return Err(Error::invalid(format_args!("the task does not say its termination: {learn}")));
    };
    let from = |numbers: &mut dyn Iterator<Item = usize>| {
        RowBuf::from_vec(numbers.map(|number| number as f32).collect(), 1)
    };
    let moves = states * actions;
    let obs = from(&mut (0..moves).map(|i| i / actions))?;
    let act = from(&mut (0..moves).map(|i| i % actions))?;
    let mut ends = vec![End::Running; moves];
    (0..states)
        .map(|next| {
            let next_obs = from(&mut std::iter::repeat_n(next, moves))?;
            task.end(Moves { obs: obs.view(), act: act.view(), next_obs: next_obs.view() }, &mut ends)?;
            let is_end = ends[0] == End::Terminated;
            if ends.iter().any(|end| (*end == End::Terminated) != is_end) {
                return Err(Error::invalid(format_args!(
                    "whether an episode ends in state {next} depends on the move that led there: {learn}"
                )));
            }
            Ok(is_end)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::{Origin, Task};

    fn setup(name: &str) -> Setup {
        let entry = mbrl_envs::find(name).unwrap();
        Setup { task: entry.task(), ..Setup::new(entry.spec()) }
    }

    #[test]
    fn ends_are_those_of_the_task_or_a_state_of_their_own() {
        let cliff = mbrl_envs::find("cliff").unwrap().mdp().unwrap();
        let given = Frame::new(&setup("cliff"), Known::Given).unwrap();
        assert!((0..48).all(|state| given.terminal[state] == cliff.is_terminal(state)));
        assert_eq!((given.states, given.span(), given.live().count()), (48, 100, 47));
        let learnt = Frame::new(&setup("cliff"), Known::Learnt).unwrap();
        assert_eq!((learnt.states, learnt.live().count()), (49, 48));
        let seen = |end| Transition {
            obs: &[35.0],
            act: &[2.0],
            next_obs: &[47.0],
            reward: -1.0,
            end,
            origin: Origin::World,
        };
        let led = |frame: &Frame, end| frame.see(seen(end), |seen| seen.next_obs[0]);
        assert!((led(&learnt, End::Terminated) - 48.0).abs() < 1e-6);
        assert!((led(&learnt, End::Truncated) - 47.0).abs() < 1e-6);
        assert!((led(&given, End::Terminated) - 47.0).abs() < 1e-6);
    }

    #[test]
    fn worlds_that_are_no_tables_are_refused_with_the_mend() {
        let river = setup("riverswim");
        let unknown = Setup::new(river.spec.clone());
        let told = |setup: &Setup| Frame::new(setup, Known::Given).unwrap_err().to_string();
        assert!(told(&setup("pendulum")).contains("choose a finite environment"));
        assert!(
            told(&unknown).contains("the task does not say its termination: set agent.termination=learnt")
        );
        assert!(Frame::new(&unknown, Known::Learnt).is_ok());
        let by_move = Task::unknown().terminating(|obs, _, next| obs[0] + next[0] > 9.0);
        assert!(told(&Setup { task: by_move, ..unknown.clone() }).contains("in state 5 depends on the move"));
        let spec = Spec { time_limit: None, discount: 1.0, ..river.spec.clone() };
        assert!(told(&Setup { spec, ..river.clone() }).contains("neither a time limit nor a discount"));
        // Without a limit the discount says how long to follow a policy, and what is planned for.
        let endless = Setup { spec: Spec { time_limit: None, ..river.spec.clone() }, ..river };
        let frame = Frame::new(&endless, Known::Given).unwrap();
        assert_eq!(frame.span(), 100);
        let mdp = mbrl_envs::find("riverswim").unwrap().mdp().unwrap();
        let plan = frame.solve(&mdp).unwrap();
        assert!((0..6).all(|state| plan.action(77, state) == 1));
    }
}
