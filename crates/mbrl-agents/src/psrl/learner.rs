//! Posterior sampling, one world an episode.

use super::ensemble::Ensemble;
use super::given_data::GivenData;
use super::{Flexible, Posterior, PsrlConfig};
use crate::tabular::{EpisodePolicy, Frame, TabularLearner};
use crate::{Setup, keep};
use mbrl_bounds::psrl::mixed_mdp;
use mbrl_core::{Belief, Context, Error, Key, Result, TabularMdp, Transition};
use mbrl_models::TabularPosterior;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// What is believed, and how a policy is made of it.
#[derive(Clone, Debug)]
pub(super) struct PsrlLearner {
    config: PsrlConfig,
    frame: Frame,
    /// All data under the prior, whatever else is made of them.
    belief: TabularPosterior,
    /// In the place of the belief, where one is asked for.
    ensemble: Option<Ensemble>,
    given_data: Option<GivenData>,
    seen: Seen,
}

/// What is remembered beside the belief.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    moves: u64,
    /// How often an episode began in each state.
    starts: Vec<u64>,
}

impl PsrlLearner {
    pub(super) fn new(config: PsrlConfig, setup: &Setup, key: Key) -> Result<Self> {
        let frame = Frame::new(setup, config.termination)?;
        // What is best in a world does not depend on where episodes start; q̂ counts these by itself.
        let start = vec![1.0 / frame.states as f64; frame.states];
        let prior = config.prior.of(frame.states);
        let belief = TabularPosterior::new(&frame.spec, start, frame.terminal.clone(), prior)?;
        let ensemble = match config.posterior {
            Posterior::Bootstrap { members } => Some(Ensemble::new(&belief, members, key)?),
            _ => None,
        };
        let given_data = match config.construction {
            Flexible::Mixture if config.lambda > 0.0 => {
                Some(GivenData::new(&frame, config.enumerate, config.sweeps)?)
            }
            _ => None,
        };
        let seen = Seen { moves: 0, starts: vec![0; frame.states] };
        Ok(PsrlLearner { config, frame, belief, ensemble, given_data, seen })
    }

    /// M, drawn from the posterior that is asked for.
    fn draw(&self, key: Key) -> Result<TabularMdp> {
        match (&self.ensemble, self.config.posterior) {
            (Some(ensemble), _) => ensemble.draw(key),
            (None, Posterior::Mean) => self.belief.mean(),
            (None, posterior) => self.belief.draw_distorted(posterior.distortion(), key),
        }
    }

    /// M̂_D. Where nothing was seen of a move it is the mean of what is believed, which is the prior's there: q̂(π | D) is to
    /// know nothing of the world drawn.
    fn data_alone(&self) -> Result<TabularMdp> {
        let empirical = self.belief.empirical(&self.belief.mean()?)?;
        let episodes = self.seen.starts.iter().sum::<u64>() as f64;
        if episodes < 1.0 {
            return Ok(empirical);
        }
        let (states, actions) = (empirical.states(), empirical.actions());
        let moves = || (0..states).flat_map(|s| (0..actions).map(move |a| (s, a)));
        let transition = moves().flat_map(|(s, a)| empirical.transition(s, a).iter().copied()).collect();
        let reward = moves().flat_map(|(s, a)| empirical.reward(s, a).iter().copied()).collect();
        let start = self.seen.starts.iter().map(|n| *n as f64 / episodes).collect();
        TabularMdp::new(actions, transition, reward, start, self.frame.terminal.clone())
    }
}

impl TabularLearner for PsrlLearner {
    fn plan(&mut self, key: Key) -> Result<EpisodePolicy> {
        let lambda = self.config.lambda;
        if let Some(given_data) = &self.given_data
            && f64::from(key.child("mixture").uniform()) < lambda
        {
            let (horizon, temperature) = (self.frame.span(), self.config.temperature);
            return given_data.draw(&self.data_alone()?, horizon, temperature, key.child("policy"));
        }
        let drawn = self.draw(key.child("model"))?;
        if lambda > 0.0 && self.config.construction == Flexible::Data {
            // Of what was never done the data say nothing, and the world drawn is all there is.
            let data = self.belief.empirical(&drawn)?;
            return self.frame.solve(&mixed_mdp(&drawn, &data, lambda)?);
        }
        self.frame.solve(&drawn)
    }

    fn begin(&mut self, state: usize) -> Result<()> {
        let states = self.seen.starts.len();
        let Some(starts) = self.seen.starts.get_mut(state) else {
            return Err(Error::invalid(format_args!("a start in state {state} of {states}")));
        };
        *starts += 1;
        Ok(())
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        let PsrlLearner { frame, belief, ensemble, seen, .. } = self;
        frame.see(transition, |transition| {
            belief.observe(transition)?;
            if let Some(ensemble) = ensemble {
                ensemble.observe(transition, seen.moves)?;
            }
            seen.moves += 1;
            Ok(())
        })
    }

    /// What is best in the mean world: of an ensemble too, whose mean over many members it is.
    fn best(&self) -> Result<EpisodePolicy> {
        self.frame.solve(&self.belief.mean_distorted(self.config.posterior.distortion())?)
    }

    fn span(&self) -> usize {
        self.frame.span()
    }

    fn save(&self, out: &mut dyn Write) -> Result<()> {
        self.belief.save(out)?;
        if let Some(ensemble) = &self.ensemble {
            ensemble.save(out)?;
        }
        keep::write(&self.seen, out)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        self.belief.load(from)?;
        if let Some(ensemble) = &mut self.ensemble {
            ensemble.load(from).context("a member")?;
        }
        let seen: Seen = keep::read(from)?;
        if seen.starts.len() != self.frame.states {
            let (kept, states) = (seen.starts.len(), self.frame.states);
            return Err(Error::corrupt(format_args!(
                "kept starts of {kept} states: this agent has {states}"
            )));
        }
        self.seen = seen;
        Ok(())
    }
}
