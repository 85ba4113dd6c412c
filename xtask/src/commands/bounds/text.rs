//! A bound as a person reads it.

use super::sweep::{Row, Sweep};
use super::{Evaluated, example};
use crate::out;
use mbrl_bounds::{BOUNDS, Bound, Family, Quantity, Symbol, Symbols, Value};
use mbrl_core::Result;

pub(super) fn list() -> Result<()> {
    let rows: Vec<Vec<String>> = BOUNDS
        .iter()
        .map(|bound| {
            let needs: Vec<&str> = bound.needs.iter().map(|symbol| symbol.flag()).collect();
            let needs = if needs.is_empty() { "-".to_owned() } else { needs.join(" ") };
            vec![bound.name.to_owned(), needs, bound.summary.to_owned()]
        })
        .collect();
    out::table(&["name", "needs", "what it says"], &rows)?;
    out::line("\ncargo xtask bounds mbpo-4.3 --gamma 0.99 --eps-m 0.001 --eps-pi 0.05 --k 390")
}

pub(super) fn print(evaluated: &Evaluated) -> Result<()> {
    let Evaluated { bound, symbols, value, sweep, notes } = evaluated;
    out::line(format_args!("{}: {}", bound.name, bound.summary))?;
    out::line(format_args!("  {}", bound.statement))?;
    for term in bound.terms.split("; ") {
        out::line(format_args!("    {term}"))?;
    }
    out::line(format_args!("  {}\n", bound.source))?;
    let at = inputs(bound, symbols).map(|(symbol, number)| format!("{symbol} {number}"));
    let at = at.collect::<Vec<_>>().join(", ");
    if !at.is_empty() {
        out::line(format_args!("at {at}"))?;
    }
    out::line(verdict(bound, symbols, value))?;
    notes.iter().try_for_each(|note| out::line(format_args!("({note})")))?;
    out::line("")?;
    match sweep {
        Some(sweep) => table(bound, sweep),
        None => example::print(),
    }
}

/// The symbols that matter to a bound or to its verdict, with their values as they were given.
pub(super) fn inputs(bound: &Bound, symbols: &Symbols) -> impl Iterator<Item = (Symbol, String)> {
    let matters = |symbol: &Symbol| bound.needs.contains(symbol) || bound.family == Family::Mopo;
    Symbol::ALL.into_iter().filter(matters).filter_map(|symbol| {
        let number = match (symbols.get(symbol), symbols.kl.as_deref()) {
            (Some(number), _) => as_given(number),
            (None, Some([first, .., last])) if symbol == Symbol::Kl => {
                format!("{}…{}", digits(*first, 4), digits(*last, 4))
            }
            _ => return None,
        };
        Some((symbol, number))
    })
}

/// What the value is and whether it says anything, in words.
fn verdict(bound: &Bound, symbols: &Symbols, value: &Value) -> String {
    let number = digits(value.value, 6);
    let level = value.vacuous_above.map(|level| digits(level, 6));
    let is_zero = |number: Option<f64>| number.is_some_and(|number| number <= 0.0);
    match (bound.quantity, level) {
        (Quantity::Amount, Some(_)) if is_zero(symbols.r_max) => {
            let so = if value.vacuous { "vacuous, as " } else { "" };
            format!("it subtracts {number}: {so}all returns are 0")
        }
        (Quantity::Regret, Some(_)) if is_zero(symbols.r_max) => {
            format!("regret is at most {number}: all returns are alike")
        }
        (Quantity::Amount, Some(level)) if value.vacuous => {
            format!(
                "it subtracts {number}: vacuous, as that is more than two returns can ever differ by ({level})"
            )
        }
        (Quantity::Amount, Some(level)) => {
            format!("it subtracts {number}: not vacuous, as two returns can differ by {level}")
        }
        (Quantity::Amount, None) => format!("it subtracts {number}"),
        (Quantity::Regret, Some(level)) if value.vacuous => {
            format!("regret is at most {number}: vacuous, as regret never exceeds K·H·R_max = {level}")
        }
        (Quantity::Regret, Some(level)) => {
            format!("regret is at most {number}: not vacuous, as regret may be up to K·H·R_max = {level}")
        }
        (Quantity::Regret, None) => format!("regret is at most {number}"),
        (Quantity::Length, _) if is_zero(symbols.eps_m) && is_zero(symbols.eps_pi) => {
            format!("k* is {number}: every length is as good, as eps-m and eps-pi are 0")
        }
        (Quantity::Length, _) if value.value < 0.5 => {
            "k* is 0: rollouts in the model do not pay, as it errs by at least what the policy has moved"
                .to_owned()
        }
        (Quantity::Length, _) => {
            format!("k* is {number}: theorem 4.3 subtracts least for rollouts of this length")
        }
        (Quantity::Divergence, _) => format!("KL(q^δ ‖ p) is {number} nats, the most that it can be"),
    }
}

fn table(bound: &Bound, sweep: &Sweep) -> Result<()> {
    let bars = Bars::of(&sweep.rows);
    let rows: Vec<Vec<String>> = sweep
        .rows
        .iter()
        .map(|row| {
            let is = [
                (row.value.vacuous, "vacuous"),
                (sweep.is_least(row), "least"),
                (sweep.is_given(row), "given"),
            ];
            let said: Vec<&str> = is.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
            // So near to 1, few digits would be those of another discount.
            let is_exact = sweep.symbol == Symbol::Gamma || sweep.is_given(row);
            let at = if is_exact { as_given(row.at) } else { digits(row.at, 8) };
            vec![at, digits(row.value.value, 5), said.join(", "), bars.draw(row.value.value)]
        })
        .collect();
    let at = format!(">{}", sweep.symbol);
    let heading = match bound.quantity {
        Quantity::Amount => ">subtracts",
        Quantity::Regret => ">regret",
        Quantity::Length => ">k*",
        Quantity::Divergence => ">nats",
    };
    out::table(&[&at, heading, "", bars.heading()], &rows)
}

/// Numbers as bars of blocks.
struct Bars {
    /// The value of an empty bar and that of a full one.
    ends: [f64; 2],
    is_log: bool,
}

impl Bars {
    const WIDTH: f64 = 32.0;
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

    /// Ratios are shown where differences would leave most bars too short to be seen.
    fn of(rows: &[Row]) -> Bars {
        let positive = || rows.iter().map(|row| row.value.value).filter(|value| *value > 0.0);
        let (low, high) =
            positive().fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
        let is_log = high > 30.0 * low;
        // The least of them is seen too.
        let bottom = if is_log { low * (low / high).powf(1.0 / (Self::WIDTH - 1.0)) } else { 0.0 };
        Bars { ends: [bottom, high], is_log }
    }

    fn heading(&self) -> &'static str {
        if self.is_log { "(on a log scale)" } else { "" }
    }

    fn draw(&self, value: f64) -> String {
        let [low, high] = self.ends;
        if value <= 0.0 || high <= 0.0 {
            return String::new();
        }
        let part = if self.is_log { (value / low).ln() / (high / low).ln() } else { value / high };
        let eighths = (8.0 * Self::WIDTH * part).round().max(1.0) as usize;
        "█".repeat(eighths / 8) + Self::EIGHTHS[eighths % 8]
    }
}

/// A number with all of its digits.
fn as_given(number: f64) -> String {
    let is_short = number.abs() <= 0.0 || (1e-6..1e16).contains(&number.abs());
    if is_short { number.to_string() } else { format!("{number:e}") }
}

/// A number to so many digits, without zeros at its end.
pub(super) fn digits(number: f64, most: i32) -> String {
    let power = if number.abs() > 0.0 { number.abs().log10().floor() as i32 } else { 0 };
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-5..most.max(7)).contains(&power) {
        return trimmed(&format!("{number:.*}", (most - 1 - power).max(0) as usize));
    }
    let text = format!("{number:.*e}", (most - 1) as usize);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{}e{exponent}", trimmed(mantissa))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        for (number, most, text) in [
            (0.0, 5, "0"),
            (1_980.000_000_3, 6, "1980"),
            (123_456.7, 5, "123457"),
            (0.000_02, 5, "0.00002"),
            (1.5e-9, 5, "1.5e-9"),
            (2.0e12, 5, "2e12"),
            (-0.25, 5, "-0.25"),
            (0.9999, 8, "0.9999"),
            (1.0 / 3.0, 4, "0.3333"),
        ] {
            assert_eq!(digits(number, most), text);
        }
        for (number, text) in [(0.0, "0"), (0.999_999_999_9, "0.9999999999"), (1e-300, "1e-300"), (5.0, "5")]
        {
            assert_eq!(as_given(number), text);
        }
    }

    #[test]
    fn bars_grow_with_the_numbers_from_nothing_to_full() {
        let row = |value| Row { at: 0.0, value: Value { value, vacuous: false, vacuous_above: None } };
        let bars = Bars::of(&[row(1.0), row(2.0), row(4.0)]);
        assert!(!bars.is_log && bars.draw(0.0).is_empty());
        assert_eq!([bars.draw(4.0), bars.draw(2.0)], ["█".repeat(32), "█".repeat(16)]);
        assert_eq!(bars.draw(1.0 + 1.0 / 64.0), "████████▏");
        let bars = Bars::of(&[row(0.0), row(0.1), row(10.0), row(1000.0)]);
        assert!(bars.is_log && bars.draw(0.0).is_empty());
        let cells = [0.1, 10.0, 1000.0].map(|value| bars.draw(value).chars().count());
        assert_eq!(cells, [1, 17, 32]);
        assert!(Bars::of(&[row(0.0)]).draw(0.0).is_empty());
    }
}
