//! The symbols of the bounds: what they are called, which numbers they may be, and to which family they belong.

use crate::check;
use mbrl_core::{Error, Result};
use std::fmt;

/// The numbers that a bound is evaluated at; those that are not known are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Symbols {
    /// γ, the discount.
    pub gamma: Option<f64>,
    /// r_max, the largest size of a reward; for the regret, the length of the interval that rewards lie in.
    pub r_max: Option<f64>,
    /// ε_m, the error of the model under the policy that collected the data; for theorem 4.3 and k*, ε_m′.
    pub eps_m: Option<f64>,
    /// ε_π, how far the policy is from the one that collected the data.
    pub eps_pi: Option<f64>,
    /// k, the length of rollouts.
    pub k: Option<u64>,
    /// λ, the weight of the penalty.
    pub lambda: Option<f64>,
    /// ε_u, the discounted sum of the error estimate that a policy meets in the model.
    pub eps_u: Option<f64>,
    /// H, the steps of an episode.
    pub horizon: Option<u64>,
    /// K, the number of episodes.
    pub episodes: Option<u64>,
    /// ℍ(π*), the entropy of the prior over optimal policies, in nats.
    pub entropy: Option<f64>,
    /// C, the constant of the problem.
    pub c: Option<f64>,
    /// E[KL(q_k ‖ p_k)], in nats: one number for all episodes, or one for each.
    pub kl: Option<Vec<f64>>,
}

/// A symbol by itself; it is written as its flag, `eps-m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// γ.
    Gamma,
    /// r_max.
    RMax,
    /// ε_m or ε_m′.
    EpsM,
    /// ε_π.
    EpsPi,
    /// k.
    K,
    /// λ.
    Lambda,
    /// ε_u.
    EpsU,
    /// H.
    Horizon,
    /// K.
    Episodes,
    /// ℍ(π*).
    Entropy,
    /// C.
    C,
    /// E[KL(q_k ‖ p_k)].
    Kl,
}

/// Bounds that share their symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Model-based policy optimisation.
    Mbpo,
    /// Model-based offline policy optimisation.
    Mopo,
    /// Posterior sampling.
    Psrl,
}

impl Symbols {
    /// Whether a symbol is known.
    pub fn has(&self, symbol: Symbol) -> bool {
        match symbol {
            Symbol::Kl => self.kl.is_some(),
            single => self.get(single).is_some(),
        }
    }

    /// A symbol as a number; `None` where it is not known, and where it is a list.
    pub fn get(&self, symbol: Symbol) -> Option<f64> {
        let count = |count: Option<u64>| count.map(|count| count as f64);
        match symbol {
            Symbol::Gamma => self.gamma,
            Symbol::RMax => self.r_max,
            Symbol::EpsM => self.eps_m,
            Symbol::EpsPi => self.eps_pi,
            Symbol::K => count(self.k),
            Symbol::Lambda => self.lambda,
            Symbol::EpsU => self.eps_u,
            Symbol::Horizon => count(self.horizon),
            Symbol::Episodes => count(self.episodes),
            Symbol::Entropy => self.entropy,
            Symbol::C => self.c,
            Symbol::Kl => match self.kl.as_deref() {
                Some([single]) => Some(*single),
                _ => None,
            },
        }
    }

    /// Makes a symbol this number, or refuses a number that is out of its range.
    ///
    /// ```
    /// use mbrl_bounds::{Symbol, Symbols};
    ///
    /// let mut symbols = Symbols::default();
    /// symbols.set(Symbol::K, 5.0)?;
    /// assert_eq!(symbols.k, Some(5));
    /// let error = symbols.set(Symbol::EpsPi, 1.5).unwrap_err();
    /// assert_eq!(error.to_string(), "eps-pi is 1.5: expected 0 to 1");
    /// # Ok::<(), mbrl_core::Error>(())
    /// ```
    pub fn set(&mut self, symbol: Symbol, number: f64) -> Result<()> {
        let name = symbol.flag();
        match symbol {
            Symbol::Gamma => self.gamma = Some(check::discount(name, number)?),
            Symbol::RMax => self.r_max = Some(check::at_least_zero(name, number)?),
            Symbol::EpsM => self.eps_m = Some(check::unit(name, number)?),
            Symbol::EpsPi => self.eps_pi = Some(check::unit(name, number)?),
            Symbol::K => self.k = Some(whole(name, number, 0)?),
            Symbol::Lambda => self.lambda = Some(check::at_least_zero(name, number)?),
            Symbol::EpsU => self.eps_u = Some(check::at_least_zero(name, number)?),
            Symbol::Horizon => self.horizon = Some(whole(name, number, 1)?),
            Symbol::Episodes => self.episodes = Some(whole(name, number, 1)?),
            Symbol::Entropy => self.entropy = Some(check::at_least_zero(name, number)?),
            Symbol::C => self.c = Some(check::at_least_zero(name, number)?),
            Symbol::Kl => self.kl = Some(vec![check::at_least_zero(name, number)?]),
        }
        Ok(())
    }
}

/// A count that a person may have written as any number. Past 2⁵³ a number would not be the count that was meant.
fn whole(name: &str, number: f64, least: u64) -> Result<u64> {
    const MOST: u64 = 1 << 53;
    if !(least as f64..=MOST as f64).contains(&number) || number.fract() > 0.0 {
        return Err(Error::invalid(format_args!(
            "{name} is {number}: expected a whole number from {least} to 2^53"
        )));
    }
    Ok(number as u64)
}

impl Symbol {
    /// Every symbol.
    pub const ALL: [Symbol; 12] = [
        Symbol::Gamma,
        Symbol::RMax,
        Symbol::EpsM,
        Symbol::EpsPi,
        Symbol::K,
        Symbol::Lambda,
        Symbol::EpsU,
        Symbol::Horizon,
        Symbol::Episodes,
        Symbol::Entropy,
        Symbol::C,
        Symbol::Kl,
    ];

    /// Its name as a flag, without the dashes before it: `eps-m`.
    pub fn flag(self) -> &'static str {
        match self {
            Symbol::Gamma => "gamma",
            Symbol::RMax => "r-max",
            Symbol::EpsM => "eps-m",
            Symbol::EpsPi => "eps-pi",
            Symbol::K => "k",
            Symbol::Lambda => "lambda",
            Symbol::EpsU => "eps-u",
            Symbol::Horizon => "horizon",
            Symbol::Episodes => "episodes",
            Symbol::Entropy => "entropy",
            Symbol::C => "c",
            Symbol::Kl => "kl",
        }
    }

    /// Its name as a key: `eps_m`.
    pub fn key(self) -> &'static str {
        match self {
            Symbol::RMax => "r_max",
            Symbol::EpsM => "eps_m",
            Symbol::EpsPi => "eps_pi",
            Symbol::EpsU => "eps_u",
            one_word => one_word.flag(),
        }
    }

    /// Whether it counts something.
    pub fn is_whole(self) -> bool {
        matches!(self, Symbol::K | Symbol::Horizon | Symbol::Episodes)
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.flag())
    }
}

impl Family {
    /// The symbols that bounds of this family accept.
    pub fn symbols(self) -> &'static [Symbol] {
        use Symbol::{C, Entropy, Episodes, EpsM, EpsPi, EpsU, Gamma, Horizon, K, Kl, Lambda, RMax};
        match self {
            Family::Mbpo => &[Gamma, RMax, EpsM, EpsPi, K],
            Family::Mopo => &[Gamma, RMax, Lambda, EpsU],
            Family::Psrl => &[RMax, Horizon, Episodes, Entropy, C, Kl],
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Family::Mbpo => "mbpo",
            Family::Mopo => "mopo",
            Family::Psrl => "psrl",
        }
    }
}
