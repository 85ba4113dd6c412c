//! Every bound there is.

use super::{Bound, Family, Given, Quantity, Symbol, Value};
use crate::mbpo::Form;
use crate::psrl::{Episodes, Example1};
use crate::{Discounted, mbpo, mopo, psrl};
use mbrl_core::Result;

/// Every bound, in the order of the papers.
pub static BOUNDS: &[Bound] = &[
    Bound {
        name: "mbpo-4.1",
        family: Family::Mbpo,
        summary: "what a return in the model is worth in the world",
        statement: "η(π) ≥ η̂(π) − [2 γ r_max (ε_m + 2 ε_π) / (1 − γ)² + 4 r_max ε_π / (1 − γ)]",
        terms: "ε_m: the largest mean total variation of any step under π_D; ε_π: the largest total variation \
                between π and π_D in any state",
        source: "Janner et al. 2019, theorem 4.1",
        quantity: Quantity::Amount,
        needs: &[Symbol::Gamma, Symbol::RMax, Symbol::EpsM, Symbol::EpsPi],
        formula: |given| {
            let returns = given.returns()?;
            let amount =
                mbpo::theorem_4_1(returns, given.number(Symbol::EpsM)?, given.number(Symbol::EpsPi)?)?;
            Ok(subtracted(returns, amount))
        },
    },
    Bound {
        name: "mbpo-4.2",
        family: Family::Mbpo,
        summary: "what a return by rollouts of k steps is worth, the model's error known under π_D",
        statement: "η(π) ≥ η^branch(π) − 2 r_max [γᵏ⁺¹ ε_π / (1 − γ)² + (γᵏ + 2) ε_π / (1 − γ) + \
                    k (ε_m + 2 ε_π) / (1 − γ)]",
        terms: "ε_m: the largest mean total variation of any step under π_D; ε_π: the largest total variation \
                between π and π_D in any state; k: the steps of a rollout",
        source: "Janner et al. 2019, theorem 4.2",
        quantity: Quantity::Amount,
        needs: BRANCHED,
        formula: |given| {
            let returns = given.returns()?;
            let (eps_m, eps_pi) = (given.number(Symbol::EpsM)?, given.number(Symbol::EpsPi)?);
            Ok(subtracted(returns, mbpo::theorem_4_2(returns, eps_m, eps_pi, given.count(Symbol::K)?)?))
        },
    },
    Bound {
        name: "mbpo-4.3",
        family: Family::Mbpo,
        summary: "what a return by rollouts of k steps is worth, the model's error known under π: the lecture notes' form",
        statement: "η(π) ≥ η^branch(π) − 2 r_max [γᵏ⁺¹ ε_π / (1 − γ)² + (γᵏ + 2) ε_π / (1 − γ) + \
                    k ε_m′ / (1 − γ)]",
        terms: UNDER_PI,
        source: "the lecture notes on Janner et al. 2019, theorem 4.3",
        quantity: Quantity::Amount,
        needs: BRANCHED,
        formula: |given| theorem_4_3(given, Form::Seed),
    },
    Bound {
        name: "mbpo-4.3-published",
        family: Family::Mbpo,
        summary: "what a return by rollouts of k steps is worth, the model's error known under π: the paper's form, tighter",
        statement: "η(π) ≥ η^branch(π) − 2 r_max [γᵏ⁺¹ ε_π / (1 − γ)² + γᵏ ε_π / (1 − γ) + k ε_m′ / (1 − γ)]",
        terms: UNDER_PI,
        source: "Janner et al. 2019, theorem 4.3 and appendix A",
        quantity: Quantity::Amount,
        needs: BRANCHED,
        formula: |given| theorem_4_3(given, Form::Published),
    },
    Bound {
        name: "mbpo-k-star",
        family: Family::Mbpo,
        summary: "the length of rollouts at which theorem 4.3 subtracts least",
        statement: "k* is the smallest k with γᵏ ε_π ≤ ε_m′: 0 where ε_m′ ≥ ε_π, else 1 where γ = 0, else \
                    ⌈ln(ε_m′ / ε_π) / ln γ⌉",
        terms: UNDER_PI,
        source: "Janner et al. 2019, section 4.2, in closed form",
        quantity: Quantity::Length,
        needs: &[Symbol::Gamma, Symbol::EpsM, Symbol::EpsPi],
        formula: |given| {
            let (gamma, eps_pi) = (given.number(Symbol::Gamma)?, given.number(Symbol::EpsPi)?);
            Ok(Value::new(mbpo::k_star(gamma, given.number(Symbol::EpsM)?, eps_pi)? as f64, None))
        },
    },
    Bound {
        name: "mopo-return",
        family: Family::Mopo,
        summary: "how far the best policy of the penalised model falls short of any other",
        statement: "η(π̂) ≥ η(π) − 2 λ ε_u(π) for every π",
        terms: "ε_u: the discounted sum of the error estimate u that π meets in the model; λ: the weight of the \
                penalty, γ 2 r_max / (1 − γ) where u is a total variation",
        source: "Yu et al. 2020, theorem 4.4",
        quantity: Quantity::Amount,
        needs: &[Symbol::Lambda, Symbol::EpsU],
        formula: |given| {
            let amount = mopo::theorem_4_4(given.number(Symbol::Lambda)?, given.number(Symbol::EpsU)?)?;
            // The bound itself needs neither, but only they say how far returns can be apart.
            match (given.symbols.gamma, given.symbols.r_max) {
                (Some(gamma), Some(r_max)) => Ok(subtracted(Discounted::new(gamma, r_max)?, amount)),
                _ => Ok(Value::new(amount, None)),
            }
        },
    },
    Bound {
        name: "psrl-regret",
        family: Family::Psrl,
        summary: "what regret an approximate posterior over policies costs",
        statement: "regret ≤ √(C K (H R_max)² ℍ(π*)) + 2 H R_max Σ_k √E[KL(q_k ‖ p_k)]",
        terms: "K: the episodes; H: the steps of each; R_max: the length of the interval that rewards lie in; \
                ℍ(π*): the entropy of the prior over optimal policies, in nats; C: half the number of policies; \
                KL: from the true posterior p_k, in nats",
        source: "Wang, Chen and Murphy 2024, Model-based policy optimization under approximate Bayesian inference",
        quantity: Quantity::Regret,
        needs: &[Symbol::RMax, Symbol::Horizon, Symbol::Episodes, Symbol::Entropy, Symbol::C, Symbol::Kl],
        formula: |given| {
            let (count, horizon) = (given.count(Symbol::Episodes)?, given.count(Symbol::Horizon)?);
            let episodes = Episodes::new(count, horizon, given.number(Symbol::RMax)?)?;
            let kl = given.symbols.kl.as_deref().unwrap_or_default();
            let (entropy, c) = (given.number(Symbol::Entropy)?, given.number(Symbol::C)?);
            let regret = psrl::regret_bound(episodes, entropy, c, kl)?;
            Ok(Value::new(regret, Some(episodes.most_regret())))
        },
    },
    Bound {
        name: "psrl-example-1",
        family: Family::Psrl,
        summary: "how far acting on an approximate posterior over models may be from the true one",
        statement: "KL(q^δ ‖ p) = log 3 = max KL(q ‖ p) over every q, with p = (2/3, 1/3) and q^δ = (0, 1)",
        terms: "p: how probable each of two policies is to be optimal; q^δ: the same where the model is believed \
                to be the second for sure. A policy that is uncertain given the model has KL 0.",
        source: "Wang, Chen and Murphy 2024, example 1, with p as its equation has it",
        quantity: Quantity::Divergence,
        needs: &[],
        formula: |_| Ok(Value::new(Example1::new(Example1::consistent()).kl_delta()?, None)),
    },
];

const BRANCHED: &[Symbol] = &[Symbol::Gamma, Symbol::RMax, Symbol::EpsM, Symbol::EpsPi, Symbol::K];

const UNDER_PI: &str = "ε_m′ (--eps-m): the largest mean total variation of any step under π, not π_D; ε_π: the largest \
                        total variation between π and π_D in any state; k: the steps of a rollout";

fn subtracted(returns: Discounted, amount: f64) -> Value {
    Value { vacuous: returns.is_vacuous(amount), ..Value::new(amount, Some(returns.widest_gap())) }
}

fn theorem_4_3(given: Given<'_>, form: Form) -> Result<Value> {
    let returns = given.returns()?;
    let (eps_m_prime, eps_pi) = (given.number(Symbol::EpsM)?, given.number(Symbol::EpsPi)?);
    Ok(subtracted(returns, mbpo::theorem_4_3(returns, form, eps_m_prime, eps_pi, given.count(Symbol::K)?)?))
}
