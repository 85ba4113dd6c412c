//! A bound as others script against it.

use super::{Evaluated, example};
use mbrl_bounds::{BOUNDS, Quantity, Symbol};
use mbrl_core::Result;
use serde::Serialize;
use serde_json::{Map, Value as Json};

/// More may be added, none renamed.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    bound: &'static str,
    value: Json,
    vacuous: bool,
    /// Every symbol that was given, and what those are that were not but have a default.
    inputs: Map<String, Json>,
    /// Past this a bound is vacuous; `null` where nothing is, or where the symbols do not tell.
    vacuous_above: Option<f64>,
    quantity: &'static str,
    statement: &'static str,
    terms: &'static str,
    source: &'static str,
    notes: &'a [String],
    /// What the table sweeps.
    against: Option<&'static str>,
    table: Vec<Map<String, Json>>,
    #[serde(flatten)]
    example: Option<example::Keys>,
}

impl<'a> Document<'a> {
    pub(super) fn of(evaluated: &'a Evaluated) -> Result<Self> {
        let Evaluated { bound, symbols, value, sweep, notes } = evaluated;
        let has_list = |symbol: &Symbol| symbols.has(*symbol) && symbols.get(*symbol).is_none();
        let inputs = Symbol::ALL.into_iter().filter_map(|symbol| {
            let input = match symbols.get(symbol) {
                Some(number) => json(number, symbol.is_whole()),
                None if has_list(&symbol) => Json::from(symbols.kl.clone()),
                None => return None,
            };
            Some((symbol.key().to_owned(), input))
        });
        let is_length = bound.quantity == Quantity::Length;
        let rows = sweep.iter().flat_map(|sweep| {
            sweep.rows.iter().map(|row| {
                let at = json(row.at, sweep.symbol.is_whole());
                let (value, vacuous) = (json(row.value.value, is_length), Json::from(row.value.vacuous));
                [(sweep.symbol.key(), at), ("value", value), ("vacuous", vacuous)]
                    .map(|(key, json)| (key.to_owned(), json))
                    .into_iter()
                    .collect()
            })
        });
        let is_example = bound.quantity == Quantity::Divergence;
        Ok(Document {
            bound: bound.name,
            value: json(value.value, is_length),
            vacuous: value.vacuous,
            inputs: inputs.collect(),
            vacuous_above: value.vacuous_above,
            quantity: quantity(bound.quantity),
            statement: bound.statement,
            terms: bound.terms,
            source: bound.source,
            notes,
            against: sweep.as_ref().map(|sweep| sweep.symbol.key()),
            table: rows.collect(),
            example: is_example.then(example::Keys::new).transpose()?,
        })
    }
}

/// Counts are whole numbers.
fn json(number: f64, is_whole: bool) -> Json {
    if is_whole { Json::from(number as u64) } else { Json::from(number) }
}

fn quantity(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Amount => "amount",
        Quantity::Regret => "regret",
        Quantity::Length => "length",
        Quantity::Divergence => "divergence",
    }
}

/// A bound that there is.
#[derive(Serialize)]
pub(super) struct Listed {
    name: &'static str,
    family: &'static str,
    summary: &'static str,
    quantity: &'static str,
    statement: &'static str,
    terms: &'static str,
    source: &'static str,
    needs: Vec<&'static str>,
}

pub(super) fn listed() -> Vec<Listed> {
    let of = |bound: &mbrl_bounds::Bound| Listed {
        name: bound.name,
        family: bound.family.name(),
        summary: bound.summary,
        quantity: quantity(bound.quantity),
        statement: bound.statement,
        terms: bound.terms,
        source: bound.source,
        needs: bound.needs.iter().map(|symbol| symbol.key()).collect(),
    };
    BOUNDS.iter().map(of).collect()
}
