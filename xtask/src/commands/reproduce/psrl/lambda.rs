//! Regret against λ of the flexible posterior q(π | D, λ), where the posterior over worlds is not exact.

use super::super::{Made, Scale};
use super::problem::{HORIZON, History, KINDS, Kind, Problem, STATES};
use super::{Measured, axis};
use crate::out;
use crate::plot::{Figure, Panel, Point, Scale as AxisScale, Series, Style};
use mbrl_agents::{draw_index, mean};
use mbrl_bounds::divergence::discrete;
use mbrl_bounds::psrl::{
    Construction, Episodes, Move, mixed_mdp, regret_bound, softmax_policies, worst_information_ratio,
};
use mbrl_core::{Context, Error, Key, Result};
use serde::Serialize;
use std::fmt::Write;

const LAMBDAS: [f64; 7] = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0];
const CONSTRUCTIONS: [(Construction, &str); 2] =
    [(Construction::Mixture, "mixture"), (Construction::Data, "data")];
const EPISODES: u64 = 100;
/// So many worlds to choose λ in, and as many others to report.
const WORLDS: u64 = 600;
/// Of q̂(π | D); returns lie in [0, 5].
const TEMPERATURE: f64 = 0.1;
/// Worlds of less weight are not planned in: it costs no digit that is shown.
const LIGHT: f64 = 1e-12;

/// A kind of posterior, a construction, and λ: a run in every world.
#[derive(Clone, Copy)]
struct Way {
    kind: Kind,
    construction: Construction,
    lambda: f64,
}

/// What a run lost, and KL(q_k ‖ p_k) before each episode.
struct Run {
    lost: f64,
    kl: Vec<f64>,
}

/// What is reported of one way.
#[derive(Serialize)]
struct Cell {
    posterior: &'static str,
    construction: &'static str,
    lambda: f64,
    /// In the worlds that λ is chosen in.
    held_out: Measured,
    fresh: Measured,
    /// Fresh, minus that of λ = 0 in the same worlds.
    difference: Measured,
    /// The mean over fresh worlds and episodes.
    kl: f64,
    /// Of mbrl-bounds, with the measured divergence.
    bound: f64,
}

pub(crate) fn make(scale: Scale) -> Result<Made> {
    let (worlds, episodes) = match scale {
        Scale::Whole => (WORLDS, EPISODES),
        Scale::Quick => (4, 10),
    };
    let ways: Vec<Way> = KINDS
        .iter()
        .flat_map(|&kind| CONSTRUCTIONS.iter().map(move |(construction, _)| (kind, *construction)))
        .flat_map(|(kind, construction)| LAMBDAS.map(|lambda| Way { kind, construction, lambda }))
        .collect();
    out::progress(format_args!(
        "{} runs of {episodes} episodes in each of {} worlds",
        ways.len(),
        2 * worlds
    ));
    let done = crate::jobs::each(2 * worlds, |world| {
        let key = Key::root(world).child("lambda");
        let problem = Problem::draw(key.child("problem"))?;
        let runs = ways.iter().map(|way| way.play(&problem, episodes, key)).collect::<Result<Vec<_>>>();
        Ok((problem.bits()?, runs.with_context(|| format!("world {world}"))?))
    })?;
    let (held_out, fresh) = done.split_at(worlds as usize);
    let cells = ways.iter().enumerate().map(|(i, way)| way.report(i, held_out, fresh, episodes));
    let cells = cells.collect::<Result<Vec<_>>>()?;
    let figure = Figure {
        title: format!("Regret of {episodes} episodes against λ"),
        panels: KINDS.iter().map(|kind| panel(kind.name(), &cells)).collect(),
        columns: 3,
    };
    let bits = mean(&fresh.iter().map(|(bits, _)| *bits).collect::<Vec<_>>());
    let (found, table) = told(&cells, worlds, episodes, bits);
    Ok(Made { figure, found, table, data: serde_json::to_value(&cells).map_err(Error::backend)? })
}

impl Problem {
    /// C ℍ(π\*) of this family: the part of the bound that no approximation adds to.
    fn bits(&self) -> Result<f64> {
        let entropy = discrete::entropy(&self.delta.marginal(&self.prior)?)?;
        Ok(worst_information_ratio(self.policies.count())? * entropy)
    }
}

impl Way {
    /// Episodes in the world that the prior gives under this key: the same, whichever way.
    fn play(&self, problem: &Problem, episodes: u64, key: Key) -> Result<Run> {
        let truth = draw_index(&problem.prior, &mut key.child("truth").rng());
        let (world, values) = (&problem.worlds[truth], &problem.values[truth]);
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut history = History::new(problem, key.child("history"));
        let (plays, resampled) = (key.child("play").below(), key.child("bootstrap").below());
        let mut run = Run { lost: 0.0, kl: Vec::with_capacity(episodes as usize) };
        for episode in 0..episodes {
            let q = self.policies(problem, &history)?;
            run.kl.push(history.divergence(problem, &q));
            // In the mean over the policy that is drawn, which is exact; only what it is to see is left to chance.
            run.lost += q.iter().zip(values).map(|(q, value)| q * (best - value)).sum::<f64>();
            let (mut rng, mut again) = (plays.at(episode).rng(), resampled.at(episode).rng());
            let policy = draw_index(&q, &mut rng);
            let mut state = draw_index(world.start(), &mut rng);
            for _ in 0..HORIZON {
                let action = problem.action(policy, state);
                let next = draw_index(world.transition(state, action), &mut rng);
                let reward = Some(world.reward(state, action)[next]);
                history.observe(problem, Move { state, action, reward, next }, &mut again)?;
                state = next;
            }
        }
        Ok(run)
    }

    /// q(π | D, λ) of a history, as `mbrl_bounds::psrl::Flexible` has it.
    fn policies(&self, problem: &Problem, history: &History) -> Result<Vec<f64>> {
        let weights = history.weights(problem, self.kind);
        if self.lambda <= 0.0 {
            return problem.delta.marginal(&weights);
        }
        match self.construction {
            Construction::Mixture => {
                // Where nothing was seen, what is expected before all: q̂ is to know no model.
                let data = history.counts.empirical(&problem.mean)?;
                let given = softmax_policies(&problem.policies, &data, HORIZON, TEMPERATURE)?;
                let delta = problem.delta.marginal(&weights)?;
                let mix = |(delta, given): (&f64, &f64)| (1.0 - self.lambda) * delta + self.lambda * given;
                Ok(delta.iter().zip(&given).map(mix).collect())
            }
            Construction::Data => {
                let mut q = vec![0.0; problem.policies.count()];
                if self.lambda >= 1.0 && history.is_full() {
                    let data = history.counts.empirical(&problem.mean)?;
                    q[problem.policies.best(&data, HORIZON)?] = 1.0;
                    return Ok(q);
                }
                let heavy = weights.iter().zip(&problem.worlds).filter(|(weight, _)| **weight > LIGHT);
                for (weight, model) in heavy {
                    let data = history.counts.empirical(model)?;
                    let mixed = mixed_mdp(model, &data, self.lambda)?;
                    q[problem.policies.best(&mixed, HORIZON)?] += weight;
                }
                let sum: f64 = q.iter().sum();
                q.iter_mut().for_each(|q| *q /= sum);
                Ok(q)
            }
        }
    }

    fn report(&self, i: usize, held_out: &[Played], fresh: &[Played], episodes: u64) -> Result<Cell> {
        let lost = |part: &[Played], i: usize| part.iter().map(|(_, runs)| runs[i].lost).collect::<Vec<_>>();
        let (own, plain) = (lost(fresh, i), lost(fresh, i - i % LAMBDAS.len()));
        let difference: Vec<f64> = own.iter().zip(plain).map(|(own, plain)| own - plain).collect();
        let kl: Vec<f64> = (0..episodes as usize)
            .map(|k| mean(&fresh.iter().map(|(_, runs)| runs[i].kl[k]).collect::<Vec<_>>()))
            .collect();
        // Roots are concave, so that means over families may stand under them, and rewards lie in [0, 1].
        let bits = mean(&fresh.iter().map(|(bits, _)| *bits).collect::<Vec<_>>());
        let bound = regret_bound(Episodes::new(episodes, HORIZON, 1.0)?, bits, 1.0, &kl)?;
        Ok(Cell {
            posterior: self.kind.name(),
            construction: name_of(self.construction),
            lambda: self.lambda,
            held_out: Measured::of(&lost(held_out, i)),
            fresh: Measured::of(&own),
            difference: Measured::of(&difference),
            kl: mean(&kl),
            bound,
        })
    }
}

/// C ℍ(π\*) of a family, and a run of each way in a world of it.
type Played = (f64, Vec<Run>);

fn name_of(construction: Construction) -> &'static str {
    CONSTRUCTIONS.iter().find(|(other, _)| *other == construction).map_or("", |(_, name)| name)
}

fn of<'a>(cells: &'a [Cell], posterior: &'a str, construction: &'a str) -> impl Iterator<Item = &'a Cell> {
    cells.iter().filter(move |cell| (cell.posterior, cell.construction) == (posterior, construction))
}

fn panel(posterior: &'static str, cells: &[Cell]) -> Panel {
    let series = CONSTRUCTIONS.iter().map(|(_, construction)| {
        let points = of(cells, posterior, construction).map(|cell| {
            let Measured { mean, low, high } = cell.fresh;
            Point { x: cell.lambda, y: mean, low, high }
        });
        Series { name: (*construction).to_owned(), style: Style::Bars, points: points.collect() }
    });
    Panel {
        title: posterior.to_owned(),
        x: axis("λ", AxisScale::Linear),
        y: axis("regret", AxisScale::Linear),
        series: series.collect(),
        lines: Vec::new(),
    }
}

/// The λ between 0 and 1 that lost least in the worlds held out.
fn chosen<'a>(cells: &'a [Cell], posterior: &'a str, construction: &'a str) -> Option<&'a Cell> {
    let between = of(cells, posterior, construction).filter(|cell| cell.lambda > 0.0 && cell.lambda < 1.0);
    between.min_by(|a, b| a.held_out.mean.total_cmp(&b.held_out.mean))
}

/// What was found, and the table.
fn told(cells: &[Cell], worlds: u64, episodes: u64, bits: f64) -> (String, String) {
    let (mut better, mut worse, mut open, mut rows) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    for (posterior, construction) in
        KINDS.iter().flat_map(|kind| CONSTRUCTIONS.iter().map(|(_, name)| (kind.name(), *name)))
    {
        let plain = of(cells, posterior, construction).next();
        let (Some(cell), Some(plain)) = (chosen(cells, posterior, construction), plain) else { continue };
        let said = format!("{posterior} ({construction}, λ = {}: {})", cell.lambda, cell.difference.text(2));
        match (cell.difference.high < 0.0, cell.difference.low > 0.0) {
            (true, _) => better.push(said),
            (_, true) => worse.push(said),
            _ => open.push(said),
        }
        let _ = writeln!(
            rows,
            "| {posterior} | {construction} | {} | {} | {} | {} | {} |",
            cell.lambda,
            cell.fresh.text(2),
            plain.fresh.text(2),
            cell.difference.text(2),
            if cell.held_out.mean < plain.held_out.mean { "yes" } else { "no" }
        );
    }
    let most = episodes * HORIZON;
    let list = |title: &str, list: &[String]| match list {
        [] => format!("{title}: nowhere."),
        some => format!("{title}: {}.", some.join("; ")),
    };
    let found = [
        list("A λ between 0 and 1 that was chosen in other worlds loses less than λ = 0", &better),
        list("It loses more", &worse),
        list("It cannot be told", &open),
    ];
    let mut text = String::new();
    let _ = write!(
        text,
        "Regret of {episodes} episodes in n = {worlds} fresh worlds of {STATES} states, with λ chosen in as many others, by the least \
         mean; the difference is paired. C ℍ(π*) is {bits:.2} in the mean, and a bound above {most} says nothing.\n\n\
         | posterior | construction | λ chosen | regret there, 95 % | regret at λ = 0, 95 % | difference, 95 % | would be chosen \
         before λ = 0 |\n|---|---|---:|---|---|---|---|\n{rows}\n\
         <details><summary>Every λ, and the bound</summary>\n\n\
         | posterior | construction | λ | regret, 95 % | difference to λ = 0, 95 % | mean KL(q ‖ p) | bound |\n\
         |---|---|---:|---|---|---:|---:|\n"
    );
    for cell in cells {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.3} | {:.0} |",
            cell.posterior,
            cell.construction,
            cell.lambda,
            cell.fresh.text(2),
            cell.difference.text(2),
            cell.kl,
            cell.bound
        );
    }
    (found.join(" "), text + "\n</details>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_bounds::psrl::{FiniteBelief, Flexible};

    #[test]
    fn policies_are_those_of_the_flexible_factorization() {
        let problem = Problem::draw(Key::root(1)).unwrap();
        let mut history = History::new(&problem, Key::root(2));
        let mut rng = Key::root(3).rng();
        for i in 0..12 {
            let (state, action, next) = (i % 3, (i / 3) % 2, (i * i) % 3);
            let reward = Some(problem.mean.reward(state, action)[next]);
            history.observe(&problem, Move { state, action, reward, next }, &mut rng).unwrap();
        }
        // Every move was made, so that the fallback is nobody's.
        assert!(history.is_full());
        let empirical = history.counts.empirical(&problem.mean).unwrap();
        for kind in KINDS {
            let weights = history.weights(&problem, kind);
            let belief = FiniteBelief::new(problem.worlds.clone(), weights).unwrap();
            let flexible =
                Flexible::new(&belief, &problem.policies, HORIZON, &empirical, TEMPERATURE).unwrap();
            for (construction, lambda) in CONSTRUCTIONS.iter().flat_map(|(c, _)| LAMBDAS.map(|l| (*c, l))) {
                let own = Way { kind, construction, lambda }.policies(&problem, &history).unwrap();
                let theirs = flexible.policies(construction, lambda).unwrap();
                assert!(own.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-9), "{kind:?} {lambda}");
            }
        }
    }

    #[test]
    fn exact_posterior_sampling_diverges_from_nothing() {
        let problem = Problem::draw(Key::root(1)).unwrap();
        let way = Way { kind: Kind::Exact, construction: Construction::Data, lambda: 0.0 };
        let run = way.play(&problem, 20, Key::root(2)).unwrap();
        assert!(run.kl.iter().all(|kl| *kl < 1e-12) && run.lost >= 0.0);
        let wrong = Way { kind: Kind::Wrong, ..way }.play(&problem, 20, Key::root(2)).unwrap();
        assert!(wrong.kl[0] > 0.0);
    }
}
