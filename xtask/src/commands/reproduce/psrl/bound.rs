//! Bayesian regret of exact posterior sampling beside its bound, over policies that can be listed.

use super::super::{Made, Scale};
use super::{Measured, axis, cumulative, marks};
use crate::out;
use crate::plot::{Figure, Panel, Point, Scale as AxisScale, Series, Style};
use mbrl_agents::{PsrlPrior, draw_index, draw_unit, mean};
use mbrl_bounds::psrl::{Episodes, Policies, regret_bound, worst_information_ratio};
use mbrl_core::{Context, End, Error, Key, Origin, Result, Space, Spec, Transition};
use mbrl_envs::{Finite, Garnet};
use mbrl_models::TabularPosterior;
use serde::Serialize;
use std::fmt::Write;

/// The size of a world; policies are all stationary deterministic ones.
struct Shape {
    states: usize,
    actions: usize,
}

const SHAPES: [Shape; 2] = [Shape { states: 3, actions: 2 }, Shape { states: 3, actions: 3 }];
const HORIZON: u32 = 5;
const EPISODES: u64 = 2048;
const WORLDS: u64 = 2000;
/// The exponent is fitted from here on: about the second half of the axis, on which 2048 is at 11 and 64 at 6.
const FROM: u64 = 64;
/// Worlds are drawn anew so often, with replacement, for the interval of the exponent.
const RESAMPLES: u64 = 2000;

/// What was measured of worlds of one size.
#[derive(Serialize)]
struct Found {
    states: usize,
    actions: usize,
    horizon: u32,
    policies: usize,
    worlds: usize,
    entropy: f64,
    c: f64,
    episodes: Vec<u64>,
    regret: Vec<Measured>,
    bound: Vec<f64>,
    /// Episodes between which the exponent is fitted.
    window: [u64; 2],
    exponent: f64,
    exponent_95: [f64; 2],
}

pub(crate) fn make(scale: Scale) -> Result<Made> {
    let found = SHAPES.iter().map(|shape| shape.measure(scale)).collect::<Result<Vec<_>>>()?;
    let figure = Figure {
        title: "Bayesian regret of exact posterior sampling".to_owned(),
        panels: found.iter().map(Found::panel).collect(),
        columns: 2,
    };
    let mut table =
        "| states × actions | policies | ℍ(π*) | C | episodes | regret, 95 % | bound | bound / regret |\n\
                     |---|---:|---:|---:|---:|---|---:|---:|\n"
            .to_owned();
    for found in &found {
        for (i, k) in found.episodes.iter().enumerate().filter(|(_, k)| k.is_power_of_two()) {
            let (regret, bound) = (found.regret[i], found.bound[i]);
            let _ = writeln!(
                table,
                "| {} × {} | {} | {:.3} | {:.1} | {k} | {} | {bound:.1} | {:.1} |",
                found.states,
                found.actions,
                found.policies,
                found.entropy,
                found.c,
                regret.text(2),
                bound / regret.mean
            );
        }
    }
    let data = serde_json::to_value(&found).map_err(Error::backend)?;
    let found: Vec<String> = found.iter().map(Found::sentence).collect();
    Ok(Made { figure, found: found.join(" "), table, data })
}

impl Shape {
    fn measure(&self, scale: Scale) -> Result<Found> {
        let (worlds, episodes, from) = match scale {
            Scale::Whole => (WORLDS, EPISODES, FROM),
            Scale::Quick => (20, 64, 8),
        };
        let (marks, policies) = (marks(episodes), Policies::deterministic(self.states, self.actions)?);
        let one = |world: u64| {
            let key = Key::root(world).child("bound").at(self.actions as u64);
            let lost = self.play(&policies, episodes, key).with_context(|| format!("world {world}"))?;
            Ok(cumulative(&lost, &marks))
        };
        let sums: Vec<Vec<f64>> = crate::jobs::each(worlds, one)?;
        let column = |i: usize| sums.iter().map(|sums| sums[i]).collect::<Vec<_>>();
        // Renaming the actions of a state changes nothing about the prior, so that every policy is as likely to be the best.
        let entropy = (policies.count() as f64).ln();
        let c = worst_information_ratio(policies.count())?;
        let bound = |k: &u64| regret_bound(Episodes::new(*k, u64::from(HORIZON), 1.0)?, entropy, c, &[0.0]);
        let window: Vec<usize> = (0..marks.len()).filter(|i| marks[*i] >= from).collect();
        let slope = |worlds: &mut dyn Iterator<Item = usize>| {
            let mut total = vec![0.0; window.len()];
            worlds.for_each(|world| {
                total.iter_mut().zip(&window).for_each(|(total, i)| *total += sums[world][*i]);
            });
            let points = window.iter().zip(total).map(|(i, total)| ((marks[*i] as f64).ln(), total.ln()));
            slope_of(&points.collect::<Vec<_>>())
        };
        let mut again: Vec<f64> = (0..RESAMPLES)
            .map(|sample| {
                let mut rng = Key::root(sample).child("bootstrap").rng();
                let draw = move |_| ((draw_unit(&mut rng) * worlds as f64) as usize).min(worlds as usize - 1);
                slope(&mut (0..worlds).map(draw))
            })
            .collect();
        again.sort_by(f64::total_cmp);
        let quantile = |p: f64| again[((p * again.len() as f64) as usize).min(again.len() - 1)];
        let found = Found {
            states: self.states,
            actions: self.actions,
            horizon: HORIZON,
            policies: policies.count(),
            worlds: sums.len(),
            entropy,
            c,
            regret: (0..marks.len()).map(|i| Measured::of(&column(i))).collect(),
            bound: marks.iter().map(bound).collect::<Result<_>>()?,
            window: [from, episodes],
            exponent: slope(&mut (0..worlds as usize)),
            exponent_95: [quantile(0.025), quantile(0.975)],
            episodes: marks,
        };
        out::progress(found.sentence());
        Ok(found)
    }

    /// What each episode loses in a world that is drawn from the prior, against the best policy of the list.
    fn play(&self, policies: &Policies, episodes: u64, key: Key) -> Result<Vec<f64>> {
        let garnet = Garnet::draw(self.states, self.actions, self.states, HORIZON, key.child("world"))?;
        let (truth, horizon) = (garnet.mdp()?, u64::from(HORIZON));
        let spec = Spec::new(Space::discrete(self.states as u32)?, Space::discrete(self.actions as u32)?);
        let prior = PsrlPrior::uniform().of(self.states);
        let mut belief =
            TabularPosterior::new(&spec, truth.start().to_vec(), vec![false; self.states], prior)?;
        let values = policies.values(&truth, horizon)?;
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (draws, plays) = (key.child("model").below(), key.child("play").below());
        let mut lost = Vec::with_capacity(episodes as usize);
        for episode in 0..episodes {
            let chosen = policies.best(&belief.draw(draws.at(episode))?, horizon)?;
            lost.push(best - values[chosen]);
            let policy = &policies.as_slice()[chosen];
            let mut rng = plays.at(episode).rng();
            let mut state = draw_index(truth.start(), &mut rng);
            for t in 1..=HORIZON {
                let action = usize::from(policy.probabilities(state)[0] < 0.5)
                    * (1 + policy.probabilities(state)[1..].iter().position(|p| *p > 0.5).unwrap_or(0));
                let next = draw_index(truth.transition(state, action), &mut rng);
                // A coin, which a beta prior is conjugate to.
                let earned = draw_unit(&mut rng) < truth.reward(state, action)[next];
                belief.observe(Transition {
                    obs: &[state as f32],
                    act: &[action as f32],
                    next_obs: &[next as f32],
                    reward: f32::from(u8::from(earned)),
                    end: if t == HORIZON { End::Truncated } else { End::Running },
                    origin: Origin::World,
                })?;
                state = next;
            }
        }
        Ok(lost)
    }
}

/// The slope of the line of least squares.
fn slope_of(points: &[(f64, f64)]) -> f64 {
    let of = |pick: fn(&(f64, f64)) -> f64| mean(&points.iter().map(pick).collect::<Vec<_>>());
    let (x, y) = (of(|point| point.0), of(|point| point.1));
    let (mut along, mut across) = (0.0, 0.0);
    for point in points {
        along += (point.0 - x) * (point.0 - x);
        across += (point.0 - x) * (point.1 - y);
    }
    across / along
}

impl Found {
    fn sentence(&self) -> String {
        let ([from, to], [low, high]) = (self.window, self.exponent_95);
        let below = self.regret.iter().zip(&self.bound).all(|(regret, bound)| regret.high < *bound);
        let (last, bound) = (self.regret.last(), self.bound.last());
        format!(
            "With {} states and {} actions, which is {} policies, the Bayesian regret over {} worlds grows between episodes {from} and \
             {to} as K to the power of {:.3} ({low:.3} to {high:.3}, by resampling worlds), {} 1/2. Its interval {} the bound at \
             every K that was measured; after {to} episodes the regret is {}, and the bound {:.1}.",
            self.states,
            self.actions,
            self.policies,
            self.worlds,
            self.exponent,
            if high < 0.5 { "less than" } else { "not surely less than" },
            if below { "is below" } else { "is not below" },
            last.map_or(String::new(), |last| last.text(1)),
            bound.unwrap_or(&f64::NAN)
        )
    }

    fn panel(&self) -> Panel {
        let at = |x: u64, y: f64| Point { x: x as f64, y, low: y, high: y };
        let line =
            |name: &str, points: Vec<Point>| Series { name: name.to_owned(), style: Style::Line, points };
        let regret = self.episodes.iter().zip(&self.regret).filter_map(|(k, r)| r.on_log(*k as f64));
        let bound = self.episodes.iter().zip(&self.bound).map(|(k, bound)| at(*k, *bound));
        let [from, to] = self.window;
        let first = self.episodes.iter().position(|k| *k >= from).unwrap_or(0);
        let root = |k: u64| self.regret[first].mean * (k as f64 / self.episodes[first] as f64).sqrt();
        let root = [self.episodes[first], to].map(|k| at(k, root(k)));
        Panel {
            title: format!("{} states × {} actions", self.states, self.actions),
            x: axis("episodes K", AxisScale::Log),
            y: axis("cumulative regret", AxisScale::Log),
            series: vec![
                Series { name: "regret".to_owned(), style: Style::Band, points: regret.collect() },
                line("bound, C = |Π| / 2", bound.collect()),
                line("slope 1/2", root.to_vec()),
            ],
            lines: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_have_their_exponent() {
        let points: Vec<(f64, f64)> =
            (1..20).map(|k| (f64::from(k).ln(), (3.0 * f64::from(k).powf(0.37)).ln())).collect();
        assert!((slope_of(&points) - 0.37).abs() < 1e-12);
    }

    #[test]
    fn what_is_best_is_as_often_one_policy_as_another() {
        const WORLDS: u64 = 4000;
        let policies = Policies::deterministic(3, 2).unwrap();
        let mut counts = [0.0; 8];
        for world in 0..WORLDS {
            let garnet = Garnet::draw(3, 2, 3, HORIZON, Key::root(world).child("entropy")).unwrap();
            counts[policies.best(&garnet.mdp().unwrap(), u64::from(HORIZON)).unwrap()] += 1.0;
        }
        // χ² of 7 degrees of freedom exceeds 7 + 2√(7·16) + 32 with probability below 2e-7 (Laurent & Massart 2000).
        let expected = WORLDS as f64 / 8.0;
        let chi2: f64 = counts.iter().map(|n| (n - expected) * (n - expected) / expected).sum();
        assert!(chi2 < 7.0 + 2.0 * f64::sqrt(7.0 * 16.0) + 32.0, "{counts:?}");
    }
}
