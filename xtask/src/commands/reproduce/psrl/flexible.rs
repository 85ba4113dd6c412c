//! Episodes that are played by the flexible posterior q(π | D, λ), for any posterior over worlds, construction and λ.

use super::super::Scale;
use super::problem::{HORIZON, History, Kind, Problem};
use mbrl_agents::draw_index;
use mbrl_bounds::psrl::{Construction, Move, mixed_mdp, softmax_policies};
use mbrl_core::{Context, Key, Result};

pub(super) const LAMBDAS: [f64; 7] = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0];
pub(super) const CONSTRUCTIONS: [(Construction, &str); 2] =
    [(Construction::Mixture, "mixture"), (Construction::Data, "data")];
/// Of q̂(π | D); returns lie in [0, 5].
const TEMPERATURE: f64 = 0.1;
/// Worlds of less weight are not planned in: it costs no digit that is shown.
const LIGHT: f64 = 1e-12;

/// A kind of posterior, a construction, and λ: a run in every world.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) kind: Kind,
    pub(super) construction: Construction,
    pub(super) lambda: f64,
}

/// What each episode lost, and KL(q_k ‖ p_k) before it.
pub(super) struct Run {
    pub(super) lost: Vec<f64>,
    pub(super) kl: Vec<f64>,
}

/// How many worlds there are to choose λ in, as many others to report, and the episodes in each.
pub(super) fn size(scale: Scale) -> (u64, u64) {
    match scale {
        Scale::Whole => (600, 100),
        Scale::Quick => (4, 10),
    }
}

/// Every λ in either construction with these posteriors; those that differ in λ alone stand together, 0 first.
pub(super) fn ways(kinds: &[Kind]) -> Vec<Way> {
    let with = |kind: Kind| {
        CONSTRUCTIONS.iter().flat_map(move |(construction, _)| {
            LAMBDAS.map(|lambda| Way { kind, construction: *construction, lambda })
        })
    };
    kinds.iter().copied().flat_map(with).collect()
}

/// The family of this number, and a run of each way in the same world of it.
pub(super) fn play_all(ways: &[Way], family: u64, episodes: u64) -> Result<(Problem, Vec<Run>)> {
    let key = Key::root(family).child("lambda");
    let problem = Problem::draw(key.child("problem"))?;
    let runs = ways.iter().map(|way| way.play(&problem, episodes, key)).collect::<Result<Vec<_>>>();
    Ok((problem, runs.with_context(|| format!("family {family}"))?))
}

impl Way {
    pub(super) fn construction(&self) -> &'static str {
        CONSTRUCTIONS.iter().find(|(other, _)| *other == self.construction).map_or("", |(_, name)| name)
    }

    /// Episodes in the world that the prior gives under this key: the same, whichever way.
    fn play(&self, problem: &Problem, episodes: u64, key: Key) -> Result<Run> {
        let truth = draw_index(&problem.prior, &mut key.child("truth").rng());
        let (world, values) = (&problem.worlds[truth], &problem.values[truth]);
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut history = History::new(problem, truth, key.child("history"));
        let (plays, resampled) = (key.child("play").below(), key.child("bootstrap").below());
        let mut run = Run { lost: Vec::new(), kl: Vec::new() };
        for episode in 0..episodes {
            let q = self.policies(problem, &history)?;
            run.kl.push(history.divergence(problem, &q));
            // In the mean over the policy that is drawn, which is exact; only what it is to see is left to chance.
            run.lost.push(q.iter().zip(values).map(|(q, value)| q * (best - value)).sum());
            let (mut rng, mut again) = (plays.at(episode).rng(), resampled.at(episode).rng());
            let policy = draw_index(&q, &mut rng);
            let mut state = draw_index(world.start(), &mut rng);
            for _ in 0..HORIZON {
                let action = problem.action(policy, state);
                let next = draw_index(world.transition(state, action), &mut rng);
                let reward = Some(world.reward(state, action)[next]);
                history.observe(problem, Move { state, action, reward, next }, &mut again)?;
                state = next;
            }
        }
        Ok(run)
    }

    /// q(π | D, λ) of a history, as `mbrl_bounds::psrl::Flexible` has it.
    fn policies(&self, problem: &Problem, history: &History) -> Result<Vec<f64>> {
        let weights = history.weights(problem, self.kind);
        if self.lambda <= 0.0 {
            return problem.delta.marginal(&weights);
        }
        match self.construction {
            Construction::Mixture => {
                // Where nothing was seen, what is expected before all: q̂ is to know no model.
                let data = history.counts.empirical(&problem.mean)?;
                let given = softmax_policies(&problem.policies, &data, HORIZON, TEMPERATURE)?;
                let delta = problem.delta.marginal(&weights)?;
                let mix = |(delta, given): (&f64, &f64)| (1.0 - self.lambda) * delta + self.lambda * given;
                Ok(delta.iter().zip(&given).map(mix).collect())
            }
            Construction::Data => {
                let mut q = vec![0.0; problem.policies.count()];
                if self.lambda >= 1.0 && history.is_full() {
                    let data = history.counts.empirical(&problem.mean)?;
                    q[problem.policies.best(&data, HORIZON)?] = 1.0;
                    return Ok(q);
                }
                let heavy = weights.iter().zip(&problem.worlds).filter(|(weight, _)| **weight > LIGHT);
                for (weight, model) in heavy {
                    let data = history.counts.empirical(model)?;
                    let mixed = mixed_mdp(model, &data, self.lambda)?;
                    q[problem.policies.best(&mixed, HORIZON)?] += weight;
                }
                let sum: f64 = q.iter().sum();
                q.iter_mut().for_each(|q| *q /= sum);
                Ok(q)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::KINDS;
    use super::*;
    use mbrl_bounds::psrl::{FiniteBelief, Flexible};

    #[test]
    fn policies_are_those_of_the_flexible_factorization() {
        let problem = Problem::draw(Key::root(1)).unwrap();
        let mut history = History::new(&problem, 5, Key::root(2));
        let mut rng = Key::root(3).rng();
        for i in 0..12 {
            let (state, action, next) = (i % 3, (i / 3) % 2, (i * i) % 3);
            let reward = Some(problem.mean.reward(state, action)[next]);
            history.observe(&problem, Move { state, action, reward, next }, &mut rng).unwrap();
        }
        // Every move was made, so that the fallback is nobody's.
        assert!(history.is_full());
        let empirical = history.counts.empirical(&problem.mean).unwrap();
        for kind in KINDS {
            let weights = history.weights(&problem, kind);
            let belief = FiniteBelief::new(problem.worlds.clone(), weights).unwrap();
            let flexible =
                Flexible::new(&belief, &problem.policies, HORIZON, &empirical, TEMPERATURE).unwrap();
            for (construction, lambda) in CONSTRUCTIONS.iter().flat_map(|(c, _)| LAMBDAS.map(|l| (*c, l))) {
                let own = Way { kind, construction, lambda }.policies(&problem, &history).unwrap();
                let theirs = flexible.policies(construction, lambda).unwrap();
                assert!(own.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-9), "{kind:?} {lambda}");
            }
        }
    }

    #[test]
    fn exact_posterior_sampling_diverges_from_nothing() {
        let problem = Problem::draw(Key::root(1)).unwrap();
        let way = Way { kind: Kind::Exact, construction: Construction::Data, lambda: 0.0 };
        let run = way.play(&problem, 20, Key::root(2)).unwrap();
        assert!(run.kl.iter().all(|kl| *kl < 1e-12) && run.lost.iter().all(|lost| *lost >= 0.0));
        let wrong = Way { kind: Kind::Wrong, ..way }.play(&problem, 20, Key::root(2)).unwrap();
        assert!(wrong.kl[0] > 0.0);
    }
}
