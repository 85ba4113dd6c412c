//! What a figure of a bound calls things: by the papers' signs, each spelt in one way.

use mbrl_bounds::{Bound, Family, Quantity, Symbol};

/// What is swept.
pub(super) fn x(bound: &Bound, symbol: Symbol) -> &'static str {
    match symbol {
        Symbol::Gamma => "1 / (1 − γ), the steps that a discount looks ahead",
        Symbol::RMax if bound.family == Family::Psrl => "R_max, the length of the interval of rewards",
        Symbol::RMax => "r_max, the largest reward",
        Symbol::EpsM => match Error::of(bound) {
            Error::Old => "ε_m, the error of the model under π_D",
            Error::New => "ε_m′, the error of the model under π",
            Error::Both => {
                "the error of the model: of theorem 4.2 ε_m under π_D, of theorem 4.3 ε_m′ under π"
            }
        },
        Symbol::EpsPi => "ε_π, how far the policy is from that of the data",
        Symbol::K => "k, the steps of a rollout",
        Symbol::Lambda => "λ, the weight of the penalty",
        Symbol::EpsU => "ε_u, the error estimate that the policy meets",
        Symbol::Horizon => "H, the steps of an episode",
        Symbol::Episodes => "K, the episodes",
        Symbol::Entropy => "entropy of the prior over optimal policies, nats",
        Symbol::C => "C, half the number of policies",
        Symbol::Kl => "KL(q ‖ p) of an episode, nats",
    }
}

/// What it comes to.
pub(super) fn y(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Amount => "subtracted from a return",
        Quantity::Regret => "regret at most",
        Quantity::Length => "k*, steps",
        Quantity::Divergence => "nats",
    }
}

/// A symbol by itself.
pub(super) fn sign(bound: &Bound, symbol: Symbol) -> &'static str {
    match symbol {
        Symbol::Gamma => "γ",
        Symbol::RMax if bound.family == Family::Psrl => "R_max",
        Symbol::RMax => "r_max",
        Symbol::EpsM => match Error::of(bound) {
            Error::Old => "ε_m",
            Error::New => "ε_m′",
            Error::Both => "ε_m = ε_m′",
        },
        Symbol::EpsPi => "ε_π",
        Symbol::K => "k",
        Symbol::Lambda => "λ",
        Symbol::EpsU => "ε_u",
        Symbol::Horizon => "H",
        Symbol::Episodes => "K",
        // Its sign is in few fonts, and with another it would look like the steps.
        Symbol::Entropy => "entropy",
        Symbol::C => "C",
        Symbol::Kl => "KL",
    }
}

/// Under which policy the model's error is, for one flag stands for either.
enum Error {
    /// Under that of the data.
    Old,
    /// Under that which is judged.
    New,
    /// A figure that compares theorems of both has one number for them.
    Both,
}

impl Error {
    fn of(bound: &Bound) -> Self {
        match bound.quantity {
            _ if bound.needs.contains(&Symbol::K) => Error::Both,
            Quantity::Length => Error::New,
            _ => Error::Old,
        }
    }
}
