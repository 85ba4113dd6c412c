//! What learners of tables share: the spaces they are told of, the policy of an episode, the agent, and their exact regret.

mod agent;
mod chance;
mod frame;
mod learner;
mod policy;
mod regret;

pub(crate) use agent::TabularAgent;
pub use chance::{draw_index, draw_unit};
pub(crate) use frame::Frame;
pub use learner::TabularLearner;
pub use policy::EpisodePolicy;
pub use regret::{Play, RewardLaw, regret};
