//! A bound against one of its symbols, the others held.

use mbrl_bounds::{Bound, Symbol, Symbols, Value, mbpo};
use mbrl_core::{Error, Result};

/// A bound at several values of a symbol.
#[derive(Debug)]
pub(super) struct Sweep {
    pub(super) symbol: Symbol,
    /// The value that was given.
    pub(super) given: f64,
    /// The length of rollouts at which the bound is least, where lengths are swept.
    least: Option<f64>,
    /// In ascending order; the value that was given is among them.
    pub(super) rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) at: f64,
    pub(super) value: Value,
}

/// What a bound is shown against if nobody says otherwise.
pub(super) fn usual(bound: &Bound) -> Option<Symbol> {
    let usual = [Symbol::K, Symbol::EpsM, Symbol::EpsU, Symbol::Episodes];
    usual.into_iter().find(|symbol| bound.needs.contains(symbol))
}

impl Sweep {
    pub(super) fn new(bound: &Bound, symbols: &Symbols, symbol: Symbol) -> Result<Self> {
        let Some(given) = symbols.get(symbol) else {
            return Err(Error::invalid(format_args!(
                "--against {symbol} needs one number for {symbol}: a list has no order"
            )));
        };
        let rows = rows(bound, symbols, symbol, &table_grid(symbol, given, k_star(symbols)));
        let least = rows.iter().min_by(|a, b| a.value.value.total_cmp(&b.value.value));
        // Where all are alike, none is worth choosing.
        let is_less = |least: &&Row| rows.iter().any(|row| row.value.value > least.value.value);
        let least = least.filter(|_| symbol == Symbol::K).filter(is_less).map(|row| row.at);
        Ok(Sweep { symbol, given, least, rows })
    }

    /// Whether this is what was given.
    pub(super) fn is_given(&self, row: &Row) -> bool {
        row.at.to_bits() == self.given.to_bits()
    }

    /// Whether the bound is least here.
    pub(super) fn is_least(&self, row: &Row) -> bool {
        self.least.is_some_and(|least| least.to_bits() == row.at.to_bits())
    }

    /// A bound where this one is looked at, as close as a curve needs it.
    pub(super) fn curve(&self, bound: &Bound, symbols: &Symbols) -> Vec<Row> {
        let ends = [self.rows.first(), self.rows.last()].map(|row| row.map_or(self.given, |row| row.at));
        rows(bound, symbols, self.symbol, &curve_grid(self.symbol, self.given, ends))
    }
}

/// A length of rollouts that is worth a row.
fn k_star(symbols: &Symbols) -> Option<f64> {
    mbpo::k_star(symbols.gamma?, symbols.eps_m?, symbols.eps_pi?).ok().map(|k| k as f64)
}

/// The bound at each of these values. Where it has none, as k* without an error of the model, there is no row: what was
/// given has one, as it was evaluated first.
fn rows(bound: &Bound, symbols: &Symbols, symbol: Symbol, grid: &[f64]) -> Vec<Row> {
    let mut symbols = symbols.clone();
    let all_kl = symbols.kl.clone();
    let mut rows = Vec::with_capacity(grid.len());
    for &at in grid {
        if symbol == Symbol::Episodes
            && let Some(kl) = all_kl.as_deref().filter(|kl| kl.len() > 1)
        {
            // Of fewer episodes, the first: what more of them would have is not known.
            let Some(first) = kl.get(..at as usize) else { continue };
            symbols.kl = Some(first.to_vec());
        }
        if let Ok(value) = symbols.set(symbol, at).and_then(|()| bound.evaluate(&symbols)) {
            rows.push(Row { at, value });
        }
    }
    rows
}

/// Factors of two and a half at most, two decades each way.
const FACTORS: [f64; 7] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// Values around `given` that a person would have chosen.
fn table_grid(symbol: Symbol, given: f64, k_star: Option<f64>) -> Vec<f64> {
    let up = |x: f64| FACTORS.map(|factor| x * factor);
    let down = |x: f64| FACTORS.map(|factor| x / factor);
    let mut grid: Vec<f64> = match symbol {
        Symbol::K => {
            let last = (4.0 * given).max(4.0 * k_star.unwrap_or(0.0)).max(20.0);
            let steps = (0..).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
            let enough = steps.clone().find(|k| *k >= last).unwrap_or(last);
            steps.take_while(|k| *k <= enough).chain([0.0]).chain(k_star).collect()
        }
        // Distances to 1 are what matters of a discount.
        Symbol::Gamma => {
            let rest = 1.0 - given;
            let others = up(rest).into_iter().chain(down(rest)).map(|rest| 1.0 - rest.min(1.0));
            others.map(tidy_discount).filter(|gamma| *gamma < 1.0).collect()
        }
        _ if given > 0.0 => up(given).into_iter().chain(down(given)).collect(),
        // A number that is nothing is compared with numbers that are something.
        _ => up(0.1).into_iter().chain(down(0.1)).chain([0.0]).collect(),
    };
    match symbol {
        Symbol::EpsM | Symbol::EpsPi => grid.iter_mut().for_each(|x| *x = x.min(1.0)),
        Symbol::Horizon | Symbol::Episodes => grid.iter_mut().for_each(|x| *x = x.round().max(1.0)),
        _ => {}
    }
    // Rounding may have put a neighbor a bit beside it.
    let beside = if symbol == Symbol::Gamma { 1e-3 * (1.0 - given) } else { 1e-9 * given.abs() };
    grid.retain(|x| (x - given).abs() > beside);
    grid.push(given);
    in_order(grid)
}

/// A discount whose distance to 1 has four digits: what the difference lost is not to be seen as digits of the discount.
fn tidy_discount(gamma: f64) -> f64 {
    let rest = 1.0 - gamma;
    let places = if rest > 0.0 { (4.0 - rest.log10().floor()).clamp(12.0, 16.0) } else { 16.0 };
    let scale = 10f64.powi(places as i32);
    (scale * gamma).round() / scale
}

/// Values between these ends, of which a line is made that looks smooth.
fn curve_grid(symbol: Symbol, given: f64, [first, last]: [f64; 2]) -> Vec<f64> {
    const POINTS: usize = 240;
    let part = |i: usize| i as f64 / POINTS as f64;
    let even = |low: f64, high: f64, i: usize| low + part(i) * (high - low);
    let ratio = |low: f64, high: f64, i: usize| low * (high / low).powf(part(i));
    let mut grid: Vec<f64> = match symbol {
        Symbol::K => (0..=POINTS).map(|i| even(first, last, i).round()).collect(),
        Symbol::Gamma => (0..=POINTS).map(|i| 1.0 - ratio(1.0 - last, 1.0 - first, i)).collect(),
        _ => {
            let low = if first > 0.0 { first } else { 1e-3 * last };
            (0..=POINTS).map(|i| ratio(low, last, i)).collect()
        }
    };
    if matches!(symbol, Symbol::Horizon | Symbol::Episodes) {
        grid.iter_mut().for_each(|x| *x = x.round());
    }
    // Powers and roots may have moved the ends.
    grid.iter_mut().for_each(|x| *x = x.clamp(first, last));
    grid.extend([first, last, given]);
    in_order(grid)
}

fn in_order(mut grid: Vec<f64>) -> Vec<f64> {
    grid.sort_by(f64::total_cmp);
    grid.dedup_by(|a, b| a.to_bits() == b.to_bits());
    grid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_round_numbers_around_what_was_given() {
        assert_eq!(
            table_grid(Symbol::EpsM, 0.1, None),
            [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
        );
        assert_eq!(table_grid(Symbol::EpsM, 0.0, None)[..3], [0.0, 0.001, 0.002]);
        assert_eq!(table_grid(Symbol::K, 5.0, Some(7.0)), [0.0, 1.0, 2.0, 5.0, 7.0, 10.0, 20.0, 50.0]);
        assert_eq!(
            table_grid(Symbol::Episodes, 4.0, None),
            [1.0, 2.0, 4.0, 8.0, 20.0, 40.0, 80.0, 200.0, 400.0]
        );
        let gammas = table_grid(Symbol::Gamma, 0.99, None);
        assert!(
            gammas == [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999],
            "{gammas:?}"
        );
    }

    #[test]
    fn discounts_near_to_1_have_neighbors_that_can_be_typed() {
        let gammas = table_grid(Symbol::Gamma, 0.999_999_999_9, None);
        let typed = [
            "0.99999999",
            "0.999999995",
            "0.999999998",
            "0.999999999",
            "0.9999999995",
            "0.9999999998",
            "0.9999999999",
            "0.99999999995",
            "0.99999999998",
            "0.99999999999",
            "0.999999999995",
            "0.999999999998",
            "0.999999999999",
        ];
        assert_eq!(gammas.iter().map(f64::to_string).collect::<Vec<_>>(), typed);
        for places in 1..=16 {
            let given = 1.0 - 10f64.powi(-places);
            let below = table_grid(Symbol::Gamma, given, None).iter().filter(|gamma| **gamma < given).count();
            assert!(below >= 3, "{given}: {below}");
        }
    }

    #[test]
    fn what_was_given_is_in_every_grid_once_and_all_are_in_order() {
        for (symbol, givens) in [
            (Symbol::Gamma, &[0.0, 0.3, 0.99, 0.999_999, 1.0 - 1e-10, 1.0 - 1e-14, 1.0 - f64::EPSILON][..]),
            (Symbol::RMax, &[0.0, 3.0, 1e-12, 1e12]),
            (Symbol::EpsPi, &[0.0, 1e-9, 0.3, 1.0 / 3.0, 1.0]),
            (Symbol::K, &[0.0, 1.0, 37.0, 1e6]),
            (Symbol::Horizon, &[1.0, 7.0, 1e6]),
            (Symbol::Kl, &[0.0, 0.7]),
        ] {
            for &given in givens {
                let table = table_grid(symbol, given, None);
                let curve = curve_grid(symbol, given, [table[0], table[table.len() - 1]]);
                for grid in [&table, &curve] {
                    let times = grid.iter().filter(|x| x.to_bits() == given.to_bits()).count();
                    assert!(times == 1 && grid.len() > 3, "{symbol} {given}: {grid:?}");
                    assert!(grid.windows(2).all(|pair| pair[0] < pair[1]), "{symbol} {given}: {grid:?}");
                    let mut symbols = Symbols::default();
                    assert!(
                        grid.iter().all(|x| symbols.set(symbol, *x).is_ok()),
                        "{symbol} {given}: {grid:?}"
                    );
                }
                assert!(curve[0] >= table[0] && curve.last() <= table.last());
            }
        }
    }
}
