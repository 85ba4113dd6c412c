//! The bounds by name: what each states, what it needs, and what it comes to.

mod symbols;
mod table;
#[cfg(test)]
mod tests;

pub use symbols::{Family, Symbol, Symbols};
pub use table::BOUNDS;

use crate::Discounted;
use mbrl_core::{Error, Result, nearest};
use std::fmt;

/// A statement of theory that goes by a name.
///
/// ```
/// use mbrl_bounds::{Bound, Symbols};
///
/// let bound = Bound::find("mbpo-4.3-published")?;
/// let symbols = Symbols { gamma: Some(0.5), r_max: Some(1.0), eps_m: Some(0.1), eps_pi: Some(0.4), ..Symbols::default() };
/// let error = bound.evaluate(&symbols).unwrap_err();
/// assert!(error.to_string().starts_with("--k is missing"));
/// let value = bound.evaluate(&Symbols { k: Some(2), ..symbols })?;
/// // 2 × 2 × ((1 + 1) × 0.25 × 0.4 + 2 × 0.1), where two returns are never further apart than 4.
/// assert!((value.value - 1.6).abs() < 1e-12 && !value.vacuous);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// What it is called.
    pub name: &'static str,
    /// Whose symbols it accepts.
    pub family: Family,
    /// What it says, in a line.
    pub summary: &'static str,
    /// The statement itself.
    pub statement: &'static str,
    /// What its symbols stand for.
    pub terms: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// What its value is.
    pub quantity: Quantity,
    /// The symbols without which it has no value.
    pub needs: &'static [Symbol],
    formula: fn(Given<'_>) -> Result<Value>,
}

/// What the value of a bound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// What is subtracted from a return.
    Amount,
    /// The most regret there can be.
    Regret,
    /// A length of rollouts, in steps.
    Length,
    /// A divergence, in nats.
    Divergence,
}

/// What a bound comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The amount, the regret, the length or the divergence.
    pub value: f64,
    /// Whether it says nothing that was not known without it. False where that cannot be known.
    pub vacuous: bool,
    /// The level past which it says nothing; `None` where there is no such level, or where the symbols do not tell it.
    pub vacuous_above: Option<f64>,
}

impl Bound {
    /// The bound of that name.
    pub fn find(name: &str) -> Result<&'static Bound> {
        let known = BOUNDS.iter().find(|bound| bound.name == name);
        known.ok_or_else(|| unknown(name))
    }

    /// What it comes to.
    ///
    /// Symbols of its family that it does not use are accepted and ignored; those of another family are refused, as is a
    /// number out of its range. Where nothing is refused, a return's bound allocates nothing.
    pub fn evaluate(&self, symbols: &Symbols) -> Result<Value> {
        let is_foreign = |symbol: &&Symbol| !self.family.symbols().contains(symbol) && symbols.has(**symbol);
        if let Some(foreign) = Symbol::ALL.iter().find(is_foreign) {
            let takes = Listing(self.family.symbols());
            return Err(Error::invalid(format_args!(
                "--{foreign} is no symbol of {}: it takes {takes}",
                self.name
            )));
        }
        if let Some(missing) = self.needs.iter().find(|symbol| !symbols.has(**symbol)) {
            return Err(self.missing(*missing));
        }
        (self.formula)(Given { bound: self, symbols })
    }

    #[cold]
    fn missing(&self, symbol: Symbol) -> Error {
        let needs = Listing(self.needs);
        Error::invalid(format_args!("--{symbol} is missing: {} needs {needs}", self.name))
    }
}

#[cold]
fn unknown(name: &str) -> Error {
    let names = || BOUNDS.iter().map(|bound| bound.name);
    match nearest(name, names()) {
        Some(near) => Error::invalid(format_args!("no bound is called `{name}`: did you mean `{near}`?")),
        None => {
            let all = names().collect::<Vec<_>>().join(", ");
            Error::invalid(format_args!("no bound is called `{name}`: there are {all}"))
        }
    }
}

impl Value {
    fn new(value: f64, vacuous_above: Option<f64>) -> Self {
        Value { value, vacuous: vacuous_above.is_some_and(|level| value > level), vacuous_above }
    }
}

/// The symbols that a bound is evaluated at.
#[derive(Clone, Copy)]
struct Given<'a> {
    bound: &'a Bound,
    symbols: &'a Symbols,
}

impl Given<'_> {
    fn number(&self, symbol: Symbol) -> Result<f64> {
        self.symbols.get(symbol).ok_or_else(|| self.bound.missing(symbol))
    }

    fn count(&self, symbol: Symbol) -> Result<u64> {
        let Symbols { k, horizon, episodes, .. } = self.symbols;
        let count = match symbol {
            Symbol::K => *k,
            Symbol::Horizon => *horizon,
            Symbol::Episodes => *episodes,
            _ => None,
        };
        count.ok_or_else(|| self.bound.missing(symbol))
    }

    fn returns(&self) -> Result<Discounted> {
        Discounted::new(self.number(Symbol::Gamma)?, self.number(Symbol::RMax)?)
    }
}

/// Symbols as a sentence names them: `gamma, r-max and k`.
struct Listing<'a>(&'a [Symbol]);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, symbol) in self.0.iter().enumerate() {
            let between = match i {
                0 => "",
                _ if i + 1 == self.0.len() => " and ",
                _ => ", ",
            };
            write!(f, "{between}{symbol}")?;
        }
        Ok(())
    }
}
