//! How much MBPO's theorems subtract, against the length of rollouts, and which length is best.

use super::chart::{at, linear, log, panel, series};
use super::{Made, Scale};
use crate::plot::{Figure, Panel, Point, Reference, Series, Style};
use mbrl_bounds::Discounted;
use mbrl_bounds::mbpo::{Form, k_star, theorem_4_1, theorem_4_2, theorem_4_3};
use mbrl_core::Result;
use serde::Serialize;
use std::fmt::Write;

/// The discount of the figure, with rewards of at most 1.
const GAMMA: f64 = 0.99;
/// How far the policy is from the one that collected the data, a curve each.
const EPS_PI: [f64; 4] = [0.002, 0.005, 0.02, 0.1];
/// The error of the model where rollouts grow.
const EPS_M: f64 = 0.001;
const LONGEST: u64 = 600;
/// The errors of the model at which k* is told in the table.
const TOLD: [f64; 4] = [1e-4, 1e-3, 1e-2, 1e-1];
/// Of models that are so many times nearer than the policy it is asked what the theorems say.
const TIMES: f64 = 10.0;
const GAMMAS: [f64; 3] = [0.9, 0.99, 0.999];

/// What theorem 4.3 as published subtracts at the best length.
#[derive(Serialize)]
struct Best {
    eps_pi: f64,
    eps_m: f64,
    k_star: u64,
    amount: f64,
    /// Without a step in the model.
    at_zero: f64,
    vacuous: bool,
}

impl Best {
    fn of(returns: Discounted, eps_m: f64, eps_pi: f64) -> Result<Self> {
        let k_star = k_star(returns.gamma(), eps_m, eps_pi)?;
        let at_length = |k| theorem_4_3(returns, Form::Published, eps_m, eps_pi, k);
        let amount = at_length(k_star)?;
        let vacuous = returns.is_vacuous(amount);
        Ok(Best { eps_pi, eps_m, k_star, amount, at_zero: at_length(0)?, vacuous })
    }
}

/// The largest ε_π at which a theorem still says something, where ε_m is a tenth of it.
#[derive(Serialize)]
struct Limits {
    gamma: f64,
    theorem_4_1: f64,
    /// With rollouts of one step.
    theorem_4_2: f64,
    k_star: u64,
    /// As the lecture notes have it, and as published, both at k*.
    theorem_4_3_notes: f64,
    theorem_4_3: f64,
}

impl Limits {
    /// Every amount is a multiple of ε_π where ε_m is a fixed part of it, and k* is the same of all such pairs; so one
    /// amount tells where it comes to what two returns can be apart.
    fn of(gamma: f64) -> Result<Self> {
        const PROBE: f64 = 1e-6;
        let returns = Discounted::new(gamma, 1.0)?;
        let (eps_m, k) = (PROBE / TIMES, k_star(gamma, PROBE / TIMES, PROBE)?);
        let limit = |amount: f64| (PROBE * returns.widest_gap() / amount).min(1.0);
        Ok(Limits {
            gamma,
            theorem_4_1: limit(theorem_4_1(returns, eps_m, PROBE)?),
            theorem_4_2: limit(theorem_4_2(returns, eps_m, PROBE, 1)?),
            k_star: k,
            theorem_4_3_notes: limit(theorem_4_3(returns, Form::Seed, eps_m, PROBE, k)?),
            theorem_4_3: limit(theorem_4_3(returns, Form::Published, eps_m, PROBE, k)?),
        })
    }
}

/// It takes no time, so that nothing is left out of it where it is to be quick.
pub(super) fn make(_: Scale) -> Result<Made> {
    let returns = Discounted::new(GAMMA, 1.0)?;
    let mut told = Vec::new();
    for eps_pi in EPS_PI {
        for eps_m in TOLD {
            told.push(Best::of(returns, eps_m, eps_pi)?);
        }
    }
    let limits = GAMMAS.into_iter().map(Limits::of).collect::<Result<Vec<_>>>()?;
    let swept = swept(returns)?;
    let data = serde_json::json!({
        "gamma": GAMMA, "r_max": 1.0, "widest_gap": returns.widest_gap(), "best": told, "limits": limits, "swept": swept,
    });
    Ok(Made {
        figure: figure(returns, &swept)?,
        found: found(returns, &limits)?,
        table: table(&told, &limits),
        data,
    })
}

/// The best length for many errors of the model, by ε_π.
fn swept(returns: Discounted) -> Result<Vec<Vec<Best>>> {
    const POINTS: u32 = 121;
    let eps_m = |i: u32| 10f64.powf(-5.0 + 5.0 * f64::from(i) / f64::from(POINTS - 1)).min(1.0);
    let along = |eps_pi| (0..POINTS).map(|i| Best::of(returns, eps_m(i), eps_pi)).collect();
    EPS_PI.into_iter().map(along).collect()
}

fn name(eps_pi: f64) -> String {
    format!("4.3, ε_π = {eps_pi}")
}

fn figure(returns: Discounted, swept: &[Vec<Best>]) -> Result<Figure> {
    let lengths = || (0..=LONGEST).step_by(5);
    let curve = |name: &str, of: &dyn Fn(u64) -> Result<f64>| -> Result<Series> {
        let point = |k| Ok(at(k as f64, of(k)?));
        Ok(series(name, Style::Line, lengths().map(point).collect::<Result<Vec<Point>>>()?))
    };
    let by_k =
        |eps_pi| curve(&name(eps_pi), &move |k| theorem_4_3(returns, Form::Published, EPS_M, eps_pi, k));
    let mut lengths = EPS_PI.into_iter().map(by_k).collect::<Result<Vec<_>>>()?;
    let best =
        EPS_PI.into_iter().map(|eps_pi| Best::of(returns, EPS_M, eps_pi)).collect::<Result<Vec<_>>>()?;
    let marks = best.iter().map(|best| at(best.k_star as f64, best.amount)).collect();
    lengths.push(series("at k*", Style::Bars, marks));
    let theorems = vec![
        by_k(EPS_PI[0])?,
        curve("4.1", &|_| theorem_4_1(returns, EPS_M, EPS_PI[0]))?,
        curve("4.2", &|k| theorem_4_2(returns, EPS_M, EPS_PI[0], k))?,
    ];
    let by_error = |of: &dyn Fn(&Best) -> f64| -> Vec<Series> {
        let points = |row: &Vec<Best>| row.iter().map(|best| at(best.eps_m, of(best))).collect();
        swept
            .iter()
            .zip(EPS_PI)
            .map(|(row, eps_pi)| series(&name(eps_pi), Style::Line, points(row)))
            .collect()
    };
    let vacuous = |panel: Panel| Panel {
        lines: vec![Reference { label: "vacuous".to_owned(), y: returns.widest_gap() }],
        ..panel
    };
    let [k, error, amount] = ["length of rollouts k", "error of the model ε_m′", "what is subtracted"];
    let panels = vec![
        vacuous(panel(&format!("ε_m′ = {EPS_M}"), linear(k), log(amount), lengths)),
        vacuous(panel(
            &format!("ε_m = ε_m′ = {EPS_M}, ε_π = {}", EPS_PI[0]),
            linear(k),
            log(amount),
            theorems,
        )),
        panel("best length", log(error), linear("k*"), by_error(&|best| best.k_star as f64)),
        vacuous(panel("at the best length", log(error), log(amount), by_error(&|best| best.amount))),
    ];
    Ok(Figure { title: format!("MBPO's theorems at γ = {GAMMA}, r_max = 1"), panels, columns: 2 })
}

fn found(returns: Discounted, limits: &[Limits]) -> Result<String> {
    let mut text = format!("With γ = {GAMMA}, r_max = 1 and ε_m′ = {EPS_M}, theorem 4.3 subtracts");
    for (i, eps_pi) in EPS_PI.into_iter().enumerate() {
        let Best { k_star, amount, at_zero, .. } = Best::of(returns, EPS_M, eps_pi)?;
        let comma = if i == 0 { "" } else { "," };
        let _ =
            write!(text, "{comma} {amount:.0} at k* = {k_star} for {at_zero:.0} at k = 0 (ε_π = {eps_pi})");
    }
    let _ = write!(
        text,
        "; two returns are never more than {:.0} apart. By theorem 4.2 no step in the model pays, at any error. The \
         theorems say nothing, with ε_m a tenth of ε_π, once ε_π is above:",
        returns.widest_gap()
    );
    for (i, Limits { gamma, theorem_4_1, theorem_4_2, theorem_4_3, .. }) in limits.iter().enumerate() {
        let separator = if i == 0 { "" } else { ";" };
        let _ = write!(
            text,
            "{separator} {theorem_4_1:.2e} (4.1), {theorem_4_2:.2e} (4.2 at k = 1), {theorem_4_3:.2e} (4.3 at k*) for γ = {gamma}"
        );
    }
    text.push('.');
    Ok(text)
}

fn table(told: &[Best], limits: &[Limits]) -> String {
    let mut text = format!(
        "Theorem 4.3 as published, γ = {GAMMA}, r_max = 1.\n\n\
         | ε_π | ε_m′ | k* | subtracted at k* | at k = 0 | says something at k* |\n|---:|---:|---:|---:|---:|---|\n"
    );
    for Best { eps_pi, eps_m, k_star, amount, at_zero, vacuous } in told {
        let says = if *vacuous { "no" } else { "yes" };
        let _ = writeln!(text, "| {eps_pi} | {eps_m} | {k_star} | {amount:.1} | {at_zero:.1} | {says} |");
    }
    text.push_str(
        "\nThe largest ε_π at which a theorem still says something, where ε_m and ε_m′ are a tenth of it.\n\n\
         | γ | 4.1 | 4.2, k = 1 | k* | 4.3 of the notes, k* | 4.3 as published, k* |\n|---:|---:|---:|---:|---:|---:|\n",
    );
    for limit in limits {
        let _ = writeln!(
            text,
            "| {} | {:.2e} | {:.2e} | {} | {:.2e} | {:.2e} |",
            limit.gamma,
            limit.theorem_4_1,
            limit.theorem_4_2,
            limit.k_star,
            limit.theorem_4_3_notes,
            limit.theorem_4_3
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_where_a_theorem_stops_to_say_anything() {
        for gamma in GAMMAS {
            let returns = Discounted::new(gamma, 1.0).unwrap();
            let limits = Limits::of(gamma).unwrap();
            let amounts = |times: f64| {
                let eps = |limit: f64| (times * limit / TIMES, times * limit);
                let (one, two) = (eps(limits.theorem_4_1), eps(limits.theorem_4_2));
                let (notes, three) = (eps(limits.theorem_4_3_notes), eps(limits.theorem_4_3));
                let best = |(m, pi), form| theorem_4_3(returns, form, m, pi, k_star(gamma, m, pi).unwrap());
                [
                    theorem_4_1(returns, one.0, one.1).unwrap(),
                    theorem_4_2(returns, two.0, two.1, 1).unwrap(),
                    best(notes, Form::Seed).unwrap(),
                    best(three, Form::Published).unwrap(),
                ]
            };
            assert!(amounts(0.99).into_iter().all(|amount| !returns.is_vacuous(amount)), "{gamma}");
            assert!(amounts(1.01).into_iter().all(|amount| returns.is_vacuous(amount)), "{gamma}");
        }
    }
}
