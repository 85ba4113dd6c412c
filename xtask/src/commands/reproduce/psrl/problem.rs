//! Families of 64 small worlds whose moves are correlated, and posteriors over them: exact, and not so exact.

use mbrl_agents::draw_unit;
use mbrl_bounds::psrl::{Conditional, Counts, Move, Policies};
use mbrl_core::{ChaCha8Rng, Key, Result, TabularMdp};

pub(super) const STATES: usize = 3;
pub(super) const ACTIONS: usize = 2;
pub(super) const HORIZON: u64 = 5;
const MOVES: usize = STATES * ACTIONS;
const WORLDS: usize = 1 << MOVES;
const MEMBERS: usize = 3;

/// Worlds in which each move has one of two rows of successors: which of them is a bit of the world's number.
///
/// Rewards are known and belong to the state that one enters. The bits are correlated: 7 times in 10 each is 1 with
/// probability 0.9, else with 0.1. So a move tells of others, which a product of marginals forgets.
pub(super) struct Problem {
    pub(super) worlds: Vec<TabularMdp>,
    pub(super) prior: Vec<f64>,
    /// The policies that are best in some world.
    pub(super) policies: Policies,
    /// V^π, `[worlds, policies]`
    pub(super) values: Vec<Vec<f64>>,
    /// δ(π|M)
    pub(super) delta: Conditional,
    /// The mean of the worlds under the prior.
    pub(super) mean: TabularMdp,
}

/// What is in the place of the posterior.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Exact,
    Cautious,
    Overconfident,
    MeanField,
    Ensemble,
    Wrong,
    WorldLeftOut,
    RowLeftOut,
}

pub(super) const KINDS: [Kind; 8] = [
    Kind::Exact,
    Kind::Cautious,
    Kind::Overconfident,
    Kind::MeanField,
    Kind::Ensemble,
    Kind::Wrong,
    Kind::WorldLeftOut,
    Kind::RowLeftOut,
];

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Exact => "exact",
            Kind::Cautious => "likelihood to the power 0.2",
            Kind::Overconfident => "likelihood to the power 5",
            Kind::MeanField => "mean field",
            Kind::Ensemble => "ensemble of 3",
            Kind::Wrong => "wrong prior",
            Kind::WorldLeftOut => "true world left out",
            Kind::RowLeftOut => "true row left out",
        }
    }
}

fn bit(world: usize, at: usize) -> usize {
    (world >> at) & 1
}

/// The prior of a world: of its bits, as they are.
fn weight(world: usize) -> f64 {
    let of =
        |one: f64| -> f64 { (0..MOVES).map(|m| if bit(world, m) == 1 { one } else { 1.0 - one }).product() };
    0.7 * of(0.9) + 0.3 * of(0.1)
}

/// A row of Dirichlet(1, …, 1).
fn row(rng: &mut ChaCha8Rng) -> [f64; STATES] {
    let mut row = [0.0; STATES];
    row.fill_with(|| f64::MIN_POSITIVE - (1.0 - draw_unit(rng)).ln());
    let sum: f64 = row.iter().sum();
    row.map(|p| p / sum)
}

impl Problem {
    pub(super) fn draw(key: Key) -> Result<Self> {
        let mut rng = key.rng();
        let rows: Vec<[[f64; STATES]; 2]> = (0..MOVES).map(|_| [row(&mut rng), row(&mut rng)]).collect();
        let earned: Vec<f64> = (0..STATES).map(|_| draw_unit(&mut rng)).collect();
        let build = |of: &dyn Fn(usize, usize) -> f64| {
            let transition = (0..MOVES).flat_map(|at| (0..STATES).map(move |next| of(at, next))).collect();
            let mut start = vec![0.0; STATES];
            start[0] = 1.0;
            TabularMdp::new(ACTIONS, transition, earned.repeat(MOVES), start, vec![false; STATES])
        };
        let worlds: Vec<TabularMdp> =
            (0..WORLDS).map(|w| build(&|at, next| rows[at][bit(w, at)][next])).collect::<Result<_>>()?;
        let prior: Vec<f64> = (0..WORLDS).map(weight).collect();
        let share = |at: usize| (0..WORLDS).filter(|w| bit(*w, at) == 1).map(weight).sum::<f64>();
        let ones: Vec<f64> = (0..MOVES).map(share).collect();
        let mean = build(&|at, next| (1.0 - ones[at]) * rows[at][0][next] + ones[at] * rows[at][1][next])?;
        let all = Policies::deterministic(STATES, ACTIONS)?;
        let mut is_best = vec![false; all.count()];
        for world in &worlds {
            is_best[all.best(world, HORIZON)?] = true;
        }
        // Who is best nowhere has no probability in any posterior, and a policy that is played of no probability makes any
        // divergence infinite.
        let some = all.as_slice().iter().zip(is_best).filter(|(_, is_best)| *is_best);
        let policies = Policies::new(some.map(|(policy, _)| policy.clone()).collect())?;
        let values = worlds.iter().map(|world| policies.values(world, HORIZON)).collect::<Result<_>>()?;
        let delta = Conditional::delta(&worlds, &policies, HORIZON)?;
        Ok(Problem { worlds, prior, policies, values, delta, mean })
    }

    /// A number that tells which action a policy takes in a state.
    pub(super) fn action(&self, policy: usize, state: usize) -> usize {
        usize::from(self.policies.as_slice()[policy].probabilities(state)[1] > 0.5)
    }
}

/// What was seen, and what each kind of posterior makes of it.
pub(super) struct History {
    pub(super) counts: Counts,
    /// ln of the likelihood of each bit, by move.
    log: [[f64; 2]; MOVES],
    members: [Member; MEMBERS],
    /// The true world, which only a posterior that leaves it out is told of.
    truth: usize,
    /// The move that is best to begin with in the true world.
    first: usize,
}

/// Perturb and maximize: with no data a world from the prior, and then the likeliest of those that data seen twice or not at
/// all leave.
struct Member {
    /// ln of the prior with Gumbel noise.
    perturbed: Vec<f64>,
    log: [[f64; 2]; MOVES],
}

impl History {
    pub(super) fn new(problem: &Problem, truth: usize, key: Key) -> Self {
        let member = |i: usize| {
            let mut rng = key.child("member").at(i as u64).rng();
            let mut gumbel = || -(f64::MIN_POSITIVE - (1.0 - draw_unit(&mut rng)).ln()).ln();
            let perturbed = problem.prior.iter().map(|p| p.ln() + gumbel()).collect();
            Member { perturbed, log: [[0.0; 2]; MOVES] }
        };
        let best = problem.delta.row(truth).iter().position(|p| *p > 0.5).unwrap_or(0);
        History {
            counts: Counts::of(&problem.mean),
            log: [[0.0; 2]; MOVES],
            members: std::array::from_fn(member),
            truth,
            // Episodes begin in state 0.
            first: problem.action(best, 0),
        }
    }

    pub(super) fn observe(&mut self, problem: &Problem, seen: Move, rng: &mut ChaCha8Rng) -> Result<()> {
        self.counts.observe(&seen)?;
        let at = seen.state * ACTIONS + seen.action;
        // Of each bit, in a world that has it.
        let likelihood =
            [0, 1].map(|bit| problem.worlds[bit << at].transition(seen.state, seen.action)[seen.next].ln());
        let add = |log: &mut [[f64; 2]; MOVES], times: f64| {
            log[at].iter_mut().zip(likelihood).for_each(|(log, more)| *log += times * more);
        };
        add(&mut self.log, 1.0);
        for member in &mut self.members {
            if draw_unit(rng) < 0.5 {
                add(&mut member.log, 2.0);
            }
        }
        Ok(())
    }

    /// Whether every move was made.
    pub(super) fn is_full(&self) -> bool {
        let moves = (0..STATES).flat_map(|state| (0..ACTIONS).map(move |action| (state, action)));
        moves.into_iter().all(|(state, action)| self.counts.visits(state, action).iter().any(|n| *n > 0))
    }

    /// KL(q ‖ p) of a distribution over policies and the exact posterior p, whose probabilities may be smaller than any `f64`
    /// where their logarithms are not.
    pub(super) fn divergence(&self, problem: &Problem, q: &[f64]) -> f64 {
        let logs: Vec<f64> =
            problem.prior.iter().enumerate().map(|(w, p)| p.ln() + sum(&self.log, w)).collect();
        let all = ln_sum(logs.iter().copied());
        let of = |(policy, q): (usize, &f64)| {
            let worlds = logs.iter().enumerate().filter(|(w, _)| problem.delta.row(*w)[policy] > 0.5);
            q * (q.ln() - (ln_sum(worlds.map(|(_, log)| *log)) - all))
        };
        let terms = q.iter().enumerate().filter(|(_, q)| **q > 0.0).map(of);
        // Rounding may carry a divergence of 0 below it.
        terms.sum::<f64>().max(0.0)
    }

    /// The probabilities of the worlds.
    pub(super) fn weights(&self, problem: &Problem, kind: Kind) -> Vec<f64> {
        let exact = |power: f64| {
            normalized(problem.prior.iter().enumerate().map(|(w, p)| p.ln() + power * sum(&self.log, w)))
        };
        let without = |is_out: &dyn Fn(usize) -> bool| {
            let log = |w: usize| problem.prior[w].ln() + sum(&self.log, w);
            normalized((0..WORLDS).map(|w| if is_out(w) { f64::NEG_INFINITY } else { log(w) }))
        };
        match kind {
            Kind::Exact => exact(1.0),
            Kind::Cautious => exact(0.2),
            Kind::Overconfident => exact(5.0),
            Kind::MeanField => {
                let joint = exact(1.0);
                let one = |at: usize| -> f64 {
                    let with = joint.iter().enumerate().filter(|(w, _)| bit(*w, at) == 1);
                    // Rounding may carry what is sure past 1.
                    with.map(|(_, p)| p).sum::<f64>().min(1.0)
                };
                let ones: Vec<f64> = (0..MOVES).map(one).collect();
                let of = |w: usize| {
                    ones.iter().enumerate().map(move |(m, p)| if bit(w, m) == 1 { *p } else { 1.0 - p })
                };
                (0..WORLDS).map(|w| of(w).product()).collect()
            }
            Kind::Ensemble => {
                let mut weights = vec![0.0; WORLDS];
                for member in &self.members {
                    let worth = |w: &usize| member.perturbed[*w] + sum(&member.log, *w);
                    let best = (0..WORLDS).max_by(|a, b| worth(a).total_cmp(&worth(b)));
                    weights[best.unwrap_or(0)] += 1.0 / MEMBERS as f64;
                }
                weights
            }
            // That of the world with all bits the other way round, thrice as sure.
            Kind::Wrong => {
                normalized((0..WORLDS).map(|w| 3.0 * problem.prior[WORLDS - 1 - w].ln() + sum(&self.log, w)))
            }
            // Example 1 of the poster: what the truth is has no weight, whatever is seen.
            Kind::WorldLeftOut => without(&|w| w == self.truth),
            Kind::RowLeftOut => without(&|w| bit(w, self.first) == bit(self.truth, self.first)),
        }
    }
}

fn sum(log: &[[f64; 2]; MOVES], world: usize) -> f64 {
    log.iter().enumerate().map(|(at, of)| of[bit(world, at)]).sum()
}

/// ln Σ exp
fn ln_sum(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    most + logs.map(|log| (log - most).exp()).sum::<f64>().ln()
}

/// Probabilities of logarithms.
fn normalized(logs: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut weights: Vec<f64> = logs.collect();
    let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    weights.iter_mut().for_each(|log| *log = (*log - most).exp());
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_bounds::psrl::FiniteBelief;

    #[test]
    fn exact_weights_are_bayes_and_marginals_those_of_the_mean_field() {
        let problem = Problem::draw(Key::root(1)).unwrap();
        assert!((problem.prior.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let mut belief = FiniteBelief::new(problem.worlds.clone(), problem.prior.clone()).unwrap();
        let seen = (0..20).map(|i| {
            let (state, action, next) = (i % 3, (i / 3) % 2, (i * i) % 3);
            Move { state, action, reward: Some(problem.mean.reward(state, action)[next]), next }
        });
        seen.clone().for_each(|seen| belief.observe(&seen).unwrap());
        // The likeliest is what it makes the most difference to leave out.
        let truth = (0..WORLDS).max_by(|a, b| belief.weights()[*a].total_cmp(&belief.weights()[*b])).unwrap();
        let mut history = History::new(&problem, truth, Key::root(2));
        let mut rng = Key::root(3).rng();
        seen.for_each(|seen| history.observe(&problem, seen, &mut rng).unwrap());
        let exact = history.weights(&problem, Kind::Exact);
        assert!(exact.iter().zip(belief.weights()).all(|(a, b)| (a - b).abs() < 1e-12));
        let p = problem.delta.marginal(&exact).unwrap();
        let q = vec![1.0 / p.len() as f64; p.len()];
        let kl = mbrl_bounds::divergence::discrete::kl(&q, &p).unwrap();
        assert!((history.divergence(&problem, &q) - kl).abs() < 1e-9, "{kl}");
        let field = history.weights(&problem, Kind::MeanField);
        let ones = |weights: &[f64], at: usize| -> f64 {
            weights.iter().enumerate().filter(|(w, _)| bit(*w, at) == 1).map(|(_, p)| p).sum()
        };
        assert!((0..MOVES).all(|at| (ones(&exact, at) - ones(&field, at)).abs() < 1e-12));
        assert!(exact.iter().zip(&field).any(|(a, b)| (a - b).abs() > 1e-3));
        // Of what is left the odds are those of the exact posterior.
        let out = |kind: Kind, is_out: &dyn Fn(usize) -> bool| {
            let weights = history.weights(&problem, kind);
            let left: f64 = (0..WORLDS).filter(|w| !is_out(*w)).map(|w| exact[w]).sum();
            assert!(left > 1e-6 && left < 1.0 - 1e-3, "{kind:?} {left}");
            for (w, weight) in weights.into_iter().enumerate() {
                let expected = if is_out(w) { 0.0 } else { exact[w] / left };
                assert!((weight - expected).abs() < 1e-12 / left, "{kind:?} {w}");
            }
        };
        out(Kind::WorldLeftOut, &|w| w == truth);
        let best = problem.policies.best(&problem.worlds[truth], HORIZON).unwrap();
        let first = problem.action(best, 0);
        out(Kind::RowLeftOut, &|w| bit(w, first) == bit(truth, first));
        for kind in KINDS {
            assert!((history.weights(&problem, kind).iter().sum::<f64>() - 1.0).abs() < 1e-12, "{kind:?}");
        }
    }

    /// With no data each of three members is a draw from the prior: six deviations of how often all bits are 1, which has a
    /// false-alarm rate of 2e-9.
    #[test]
    fn members_begin_as_draws_from_the_prior() {
        let problem = Problem::draw(Key::root(1)).unwrap();
        let members = 3 * 4000;
        let all = (0..4000).map(|i| {
            History::new(&problem, 0, Key::root(4).at(i)).weights(&problem, Kind::Ensemble)[WORLDS - 1]
        });
        let (share, p) = (all.sum::<f64>() * 3.0 / f64::from(members), problem.prior[WORLDS - 1]);
        assert!((share - p).abs() < 6.0 * (p * (1.0 - p) / f64::from(members)).sqrt(), "{share} {p}");
    }
}
