//! The theorem against the exact regret, and the regret against itself by brute force.

mod brute;

use super::super::arbitrary::beliefs;
use super::*;
use crate::divergence::discrete::hellinger;
use crate::psrl::{Construction, Flexible, sharper_regret_bound};
use brute::{brute_force, information};
use mbrl_core::TabularMdp;
use mbrl_plan::TabularPolicy;
use proptest::prelude::*;
use std::cell::Cell;

/// What is played in place of the true posterior over policies.
#[derive(Clone, Copy, Debug)]
enum Played {
    Exact,
    /// Weights of the models to this power.
    Tempered(f64),
    /// So much of what is uniform over the models that are still possible.
    Mixed(f64),
    /// The likeliest model gets the weight of the least likely one, and so on.
    Reversed,
    /// Always the policy that is least likely to be the best, of those that may be.
    Wrong,
}

impl Played {
    fn posterior(self, delta: &Conditional, moment: &Moment<'_>) -> Vec<f64> {
        let p = moment.posterior.weights();
        let possible: Vec<usize> = (0..p.len()).filter(|&model| p[model] > 0.0).collect();
        let mut q = p.to_vec();
        match self {
            Played::Exact => {}
            Played::Tempered(power) => {
                possible.iter().for_each(|&model| q[model] = p[model].powf(power));
                let sum: f64 = q.iter().sum();
                q.iter_mut().for_each(|w| *w /= sum);
            }
            Played::Mixed(share) => {
                for &model in &possible {
                    q[model] = (1.0 - share) * p[model] + share / possible.len() as f64;
                }
            }
            Played::Reversed => {
                let mut order = possible.clone();
                order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
                order.iter().zip(order.iter().rev()).for_each(|(&to, &from)| q[to] = p[from]);
            }
            Played::Wrong => {
                let possible = (0..delta.policies()).filter(|&policy| moment.exact[policy] > 0.0);
                let least = possible.min_by(|&a, &b| moment.exact[a].total_cmp(&moment.exact[b])).unwrap();
                let mut row = vec![0.0; delta.policies()];
                row[least] = 1.0;
                return row;
            }
        }
        delta.marginal(&q).unwrap()
    }
}

fn played() -> impl Strategy<Value = Played> {
    prop_oneof![
        Just(Played::Exact),
        (0.1f64..4.0).prop_map(Played::Tempered),
        (0.0f64..=1.0).prop_map(Played::Mixed),
        Just(Played::Reversed),
        Just(Played::Wrong),
    ]
}

/// K and H, of which not both are 3 where that takes long.
fn lengths() -> impl Strategy<Value = (u64, u64)> {
    (1u64..=3, 1u64..=3).prop_filter("small", |(episodes, horizon)| episodes * horizon < 9)
}

/// Which policies there are to choose from.
#[derive(Clone, Copy, Debug)]
enum Choice {
    All,
    Two,
    /// Two, and a third that tosses a coin in every state.
    Coin,
}

impl Choice {
    fn of(self, belief: &FiniteBelief) -> Policies {
        let every = Policies::deterministic(belief.mdps()[0].states(), 2).unwrap();
        let mut two = every.as_slice()[..2].to_vec();
        match self {
            Choice::All => return every,
            Choice::Two => {}
            Choice::Coin => two.push(TabularPolicy::uniform(&belief.mdps()[0])),
        }
        Policies::new(two).unwrap()
    }
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![Just(Choice::All), Just(Choice::Two), Just(Choice::Coin)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]
    #[test]
    fn no_regret_is_above_the_bound(
        prior in beliefs(), (count, horizon) in lengths(), played in played(), choice in choice(),
    ) {
        let policies = choice.of(&prior);
        let delta = Conditional::delta(prior.mdps(), &policies, horizon).unwrap();
        let episodes = Episodes::new(count, horizon, prior.reward_span()).unwrap();
        let posterior = |moment: &Moment<'_>| Ok(played.posterior(&delta, moment));
        let exact = bayesian_regret(&prior, &policies, episodes, posterior).unwrap();
        let rounding = 1e-9 * episodes.most_regret().max(1.0);
        prop_assert!(exact.regret >= -rounding && exact.regret <= exact.bound + rounding, "{:?}", exact);
        let p = delta.marginal(prior.weights()).unwrap();
        let nats: f64 = p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        prop_assert!((exact.entropy - nats).abs() < 1e-12);
        let optimal = p.iter().filter(|p| **p > 0.0).count();
        let c = worst_information_ratio(optimal).unwrap();
        let sharper = sharper_regret_bound(episodes, exact.entropy, c, &exact.expected_kl).unwrap();
        prop_assert!(sharper <= exact.bound + rounding, "{} {:?}", sharper, exact);
        prop_assert!(exact.regret <= sharper + rounding, "{} {:?}", sharper, exact);
        prop_assert!(exact.information.iter().sum::<f64>() <= exact.entropy + 1e-9, "{:?}", exact);
        prop_assert!((exact.per_episode.iter().sum::<f64>() - exact.regret).abs() <= rounding);
        if let Played::Exact = played {
            prop_assert!(exact.expected_kl.iter().all(|kl| kl.to_bits() == 0));
        }
        prop_assert!(exact.expected_kl.iter().all(|kl| kl.is_finite()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn every_step_of_the_proof_holds_after_every_history(
        prior in beliefs(), lengths in (1u64..=2, 1u64..=2), played in played(), choice in choice(),
    ) {
        let (count, horizon) = lengths;
        let policies = choice.of(&prior);
        let delta = Conditional::delta(prior.mdps(), &policies, horizon).unwrap();
        let values = prior.mdps().iter().map(|mdp| policies.values(mdp, horizon).unwrap());
        let values: Vec<Vec<f64>> = values.collect();
        let episodes = Episodes::new(count, horizon, prior.reward_span()).unwrap();
        let range = episodes.range();
        let first_regret = Cell::new(0.0);
        let exact = bayesian_regret(&prior, &policies, episodes, |moment| {
            let (p, q) = (moment.exact, played.posterior(&delta, moment));
            let weights = moment.posterior.weights();
            // E[V^π] and E[V^π; π* = π].
            let mean = |policy: usize| weights.iter().zip(&values).map(|(w, v)| w * v[policy]).sum::<f64>();
            let at_best = |policy: usize| {
                let models = (0..weights.len()).filter(|&model| delta.row(model)[policy] > 0.5);
                models.map(|model| weights[model] * values[model][policy]).sum::<f64>()
            };
            let gain = |policy: usize| match p[policy] > 0.0 {
                true => at_best(policy) / p[policy] - mean(policy),
                false => 0.0,
            };
            let sum = |f: &dyn Fn(usize) -> f64| (0..p.len()).map(f).sum::<f64>();
            let learning = sum(&|i| p[i] * gain(i));
            let rooted = sum(&|i| (p[i] * q[i]).sqrt() * gain(i));
            let shift = sum(&|i| p[i] * mean(i) - q[i] * mean(i));
            let divergence = kl(&q, p).unwrap();
            let told = information(moment.posterior, &policies, horizon, &q);
            let rounding = 1e-9 * range.max(1.0);
            let pairs = sum(&|i| p[i] * q[i] * gain(i).powi(2));
            assert!(pairs <= 0.5 * range * range * told + rounding, "Pinsker");
            let arms = policies.count() as f64;
            assert!(rooted <= range * (0.5 * arms * told).sqrt() + rounding, "ratio");
            // Twice the square of the Hellinger distance.
            let roots = sum(&|i| (p[i].sqrt() - q[i].sqrt()).powi(2));
            assert!(roots <= divergence + 1e-12, "Hellinger and KL");
            assert!((2.0 * hellinger(p, &q).unwrap().powi(2) - roots).abs() < 1e-12);
            assert!((0..p.len()).all(|i| gain(i).abs() <= range + rounding), "range");
            assert!(learning - rooted <= range * divergence.sqrt() + rounding, "Cauchy and Schwarz");
            assert!(shift <= range * (0.5 * divergence).sqrt() + rounding, "values");
            if moment.episode == 0 {
                first_regret.set(learning + shift);
            }
            Ok(q)
        }).unwrap();
        prop_assert!((first_regret.get() - exact.per_episode[0]).abs() < 1e-12);
    }

    #[test]
    fn all_numbers_are_those_of_brute_force(
        prior in beliefs(),
        lengths in prop_oneof![(1u64..=2, 1u64..=2), Just((3, 1)), Just((1, 3))],
        choice in choice(),
    ) {
        let (count, horizon) = lengths;
        // Made of the posterior, of what was seen and of which episode it is, so that none of the three may be amiss.
        let policies = choice.of(&prior);
        let delta = Conditional::delta(prior.mdps(), &policies, horizon).unwrap();
        let posterior = |moment: &Moment<'_>| {
            let empirical = moment.seen.empirical(&prior.mdps()[0])?;
            let flexible = Flexible::new(moment.posterior, &policies, horizon, &empirical, 0.5)?;
            let q = flexible.policies(Construction::Mixture, 0.5 / (1.0 + moment.episode as f64))?;
            // None of what p excludes, so that all divergences are finite.
            let pairs = q.iter().zip(moment.exact);
            let kept: Vec<f64> = pairs.map(|(q, p)| if *p > 0.0 { *q } else { 0.0 }).collect();
            let sum: f64 = kept.iter().sum();
            Ok(kept.iter().map(|q| q / sum).collect())
        };
        let episodes = Episodes::new(count, horizon, prior.reward_span()).unwrap();
        let exact = bayesian_regret(&prior, &policies, episodes, posterior).unwrap();
        let brute = brute_force(&prior, &policies, &delta, (count, horizon), &posterior);
        for (name, ours, theirs) in [
            ("regret", &exact.per_episode, &brute.regret),
            ("divergence", &exact.expected_kl, &brute.divergence),
            ("information", &exact.information, &brute.information),
        ] {
            for (ours, theirs) in ours.iter().zip(theirs) {
                prop_assert!((ours - theirs).abs() < 1e-10, "{}: {} {}", name, ours, theirs);
            }
        }
    }
}

/// A bandit each of whose arms earns its own reward for sure.
fn bandit(pays: &[f64]) -> TabularMdp {
    TabularMdp::new(pays.len(), vec![1.0; pays.len()], pays.to_vec(), vec![1.0], vec![false]).unwrap()
}

/// Either of two arms earns `win`, and the other `lose`.
fn either(win: f64, lose: f64) -> (FiniteBelief, Policies) {
    let mdps = vec![bandit(&[win, lose]), bandit(&[lose, win])];
    (FiniteBelief::new(mdps, vec![0.5, 0.5]).unwrap(), Policies::deterministic(1, 2).unwrap())
}

#[test]
fn a_third_of_the_constant_is_too_little() {
    let (prior, policies) = either(1.0, 0.0);
    let episodes = Episodes::new(1, 1, 1.0).unwrap();
    let exact = bayesian_regret(&prior, &policies, episodes, |moment| Ok(moment.exact.to_vec())).unwrap();
    assert!((exact.regret - 0.5).abs() < 1e-15 && (exact.bound - 2f64.ln().sqrt()).abs() < 1e-15);
    let c = worst_information_ratio(2).unwrap();
    let of_share = |share: f64| regret_bound(episodes, exact.entropy, share * c, &[0.0]).unwrap();
    assert!(of_share(1.0 / 3.0) < exact.regret && of_share(0.4) > exact.regret);
    // With more arms and episodes too: one arm of four pays, and each is tried in turn until it is found.
    let one_of_four = |i: usize| bandit(&[0, 1, 2, 3].map(|arm| f64::from(u8::from(arm == i))));
    let prior = FiniteBelief::new((0..4).map(one_of_four).collect(), vec![0.25; 4]).unwrap();
    let policies = Policies::deterministic(1, 4).unwrap();
    let episodes = Episodes::new(3, 1, 1.0).unwrap();
    let exact = bayesian_regret(&prior, &policies, episodes, |moment| Ok(moment.exact.to_vec())).unwrap();
    assert!((exact.regret - 1.5).abs() < 1e-15 && exact.regret < exact.bound);
    assert!(regret_bound(episodes, exact.entropy, 2.0 / 4.0, &[0.0]).unwrap() < exact.regret);
}

#[test]
fn rewards_of_minus_one_to_one_have_an_r_max_of_two() {
    let (prior, policies) = either(1.0, -1.0);
    let episodes = Episodes::new(1, 1, prior.reward_span()).unwrap();
    let exact = bayesian_regret(&prior, &policies, episodes, |moment| Ok(moment.exact.to_vec())).unwrap();
    assert!((exact.regret - 1.0).abs() < 1e-15 && exact.regret <= exact.bound);
    // Taken for the largest size of a reward, R_max makes a false statement of the theorem.
    let wrong = regret_bound(Episodes::new(1, 1, 1.0).unwrap(), exact.entropy, 1.0, &[0.0]).unwrap();
    assert!(wrong < 0.84 && wrong < exact.regret);
}

#[test]
fn where_episodes_can_end_rewards_count_from_zero() {
    // Every move earns 1; one action ends the episode, and which one it is differs.
    let world = |ending: usize| {
        let mut transition = vec![0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
        transition.swap(2 * (1 - ending), 2 * (1 - ending) + 1);
        TabularMdp::new(2, transition, vec![1.0; 8], vec![1.0, 0.0], vec![false, true]).unwrap()
    };
    let prior = FiniteBelief::new(vec![world(0), world(1)], vec![0.5, 0.5]).unwrap();
    let policies = Policies::deterministic(2, 2).unwrap();
    let (exact, episodes) =
        ((|moment: &Moment<'_>| Ok(moment.exact.to_vec())), |r_max| Episodes::new(1, 2, r_max).unwrap());
    let regret = bayesian_regret(&prior, &policies, episodes(prior.reward_span()), exact).unwrap().regret;
    assert!((regret - 0.5).abs() < 1e-15 && (prior.reward_span() - 1.0).abs() < 1e-15);
    // All rewards are equal, and yet an interval of length 0 would leave nothing to regret.
    assert!(regret_bound(episodes(0.0), 2f64.ln(), 2.0, &[0.0]).unwrap() < regret);
    let error = bayesian_regret(&prior, &policies, episodes(0.5), exact).unwrap_err().to_string();
    assert!(
        error.contains("r-max is 0.5, and the rewards of these models lie in no interval shorter than 1"),
        "{error}"
    );
}

#[test]
fn without_its_second_term_the_bound_fails() {
    // Arms that win nine times of ten and once of ten, and one who believes the opposite of what he has seen.
    let world = |arm: usize| {
        let win = |other: usize| if arm == other { 0.9 } else { 0.1 };
        let row = |other| [1.0 - win(other), win(other)];
        let transition = [row(0), row(1), row(0), row(1)].concat();
        TabularMdp::new(2, transition, [0.0, 1.0].repeat(4), vec![1.0, 0.0], vec![false; 2]).unwrap()
    };
    let prior = FiniteBelief::new(vec![world(0), world(1)], vec![0.5, 0.5]).unwrap();
    let policies = Policies::deterministic(2, 2).unwrap();
    let delta = Conditional::delta(prior.mdps(), &policies, 1).unwrap();
    let episodes = Episodes::new(5, 1, 1.0).unwrap();
    let play = |played: Played| {
        bayesian_regret(&prior, &policies, episodes, |moment| Ok(played.posterior(&delta, moment))).unwrap()
    };
    let (right, wrong) = (play(Played::Exact), play(Played::Reversed));
    let exact_term = |regret: &ExactRegret| regret_bound(episodes, regret.entropy, 1.0, &[0.0]).unwrap();
    assert!(
        right.regret < exact_term(&right) && wrong.regret > exact_term(&wrong) && wrong.regret < wrong.bound
    );
    // The second episode by hand: p is (0.9, 0.1) or the reverse, whichever arm was pulled.
    assert!((wrong.per_episode[1] - 0.8 * (0.9 * 0.9 + 0.1 * 0.1)).abs() < 1e-12);
    assert!((wrong.expected_kl[1] - 0.8 * 9f64.ln()).abs() < 1e-12);
    assert!((right.per_episode[1] - 0.8 * 2.0 * 0.9 * 0.1).abs() < 1e-12);
}

#[test]
fn too_much_to_play_and_what_is_no_posterior_are_refused_by_name() {
    let (prior, policies) = either(1.0, 0.0);
    let run = |q: Result<Vec<f64>>| {
        let mut q = Some(q);
        bayesian_regret(&prior, &policies, Episodes::new(1, 1, 1.0).unwrap(), |_| q.take().unwrap())
    };
    let wide =
        TabularMdp::new(2, vec![1.0 / 8.0; 128], vec![0.0; 128], vec![1.0 / 8.0; 8], vec![false; 8]).unwrap();
    let wide = FiniteBelief::new(vec![wide], vec![1.0]).unwrap();
    let all = Policies::deterministic(8, 2).unwrap();
    let play = |count, horizon| {
        let episodes = Episodes::new(count, horizon, 0.0).unwrap();
        bayesian_regret(&wide, &all, episodes, |moment| Ok(moment.exact.to_vec()))
    };
    for (refused, says) in [
        (run(Ok(vec![1.0])), "q has 1 policies, q(π|M) has 2"),
        (run(Ok(vec![0.5, 0.6])), "q: the probabilities sum to 1.1"),
        (run(Ok(vec![f64::NAN, 0.5])), "q: probability 0 is NaN"),
        (run(Err(Error::invalid("no idea"))), "the posterior of episode 0: no idea"),
        (play(4, 1), "before episode 3 there are"),
        (
            play(u64::MAX, 1),
            "episodes is 18446744073709551615: every history is played, so give at most 32768",
        ),
        (play(1, 32769), "horizon is 32769: every history is played"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let few = Outcomes::new(&prior, &policies, 3, 1).map(drop).unwrap_err().to_string();
    assert!(few.contains("an episode has more than 1 outcomes"), "{few}");
    let other = Policies::deterministic(2, 2).unwrap();
    let error =
        bayesian_regret(&prior, &other, Episodes::new(1, 1, 1.0).unwrap(), |_| Ok(vec![])).unwrap_err();
    assert!(error.to_string().contains("the policies are for [2, 2] states and actions"), "{error}");
}
