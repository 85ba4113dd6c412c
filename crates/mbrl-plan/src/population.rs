//! The plans of a search: scored, ranked, and the best of them remembered.

use crate::{Found, Score};
use mbrl_core::{Error, Key, Result, RowBuf, RowsMut};

/// One round's plans after another's, in the same memory.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    plans: RowBuf,
    scores: Vec<f64>,
    /// The elites first, from the best on; what is behind them is in no order.
    order: Vec<u32>,
    elites: usize,
    best: Vec<f32>,
    found: Found,
}

impl Population {
    /// With room for so many plans in a round.
    pub(crate) fn new(most: usize, width: usize) -> Self {
        Population {
            plans: RowBuf::zeros(most, width),
            scores: Vec::with_capacity(most),
            order: Vec::with_capacity(most),
            elites: 0,
            best: vec![0.0; width],
            found: Found::default(),
        }
    }

    /// Begins a search.
    pub(crate) fn begin(&mut self) {
        self.elites = 0;
        self.found = Found { score: f64::NEG_INFINITY, ..Found::default() };
    }

    /// The table for the plans of a round.
    pub(crate) fn round(&mut self, plans: usize) -> RowsMut<'_> {
        self.plans.reshape(plans, self.best.len());
        self.plans.view_mut()
    }

    /// Scores the plans of a round and finds the elites: so many, or as many as have a finite score.
    pub(crate) fn evaluate(&mut self, score: &mut dyn Score, key: Key, elites: usize) -> Result<()> {
        self.scores.clear();
        // What a score does not write counts as not finite, and is no score of an earlier round.
        self.scores.resize(self.plans.len(), f64::NAN);
        self.elites = 0;
        score.score(self.plans.view(), key, &mut self.scores)?;
        let mut finite = 0;
        for score in &mut self.scores {
            finite += usize::from(score.is_finite());
            // Adding zero makes −0 and 0 a tie.
            *score = if score.is_finite() { *score + 0.0 } else { f64::NEG_INFINITY };
        }
        self.rank(elites.min(finite));
        self.found.evaluations += self.plans.len();
        self.found.non_finite += self.plans.len() - finite;
        self.found.iterations += 1;
        if let Some(&first) = self.order[..self.elites].first()
            && self.scores[first as usize] > self.found.score
        {
            self.found.score = self.scores[first as usize];
            self.best.copy_from_slice(self.plans.row(first as usize));
        }
        Ok(())
    }

    fn rank(&mut self, elites: usize) {
        let scores = &self.scores;
        let by_rank = |a: &u32, b: &u32| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b));
        self.order.clear();
        self.order.extend(0..scores.len() as u32);
        if (1..scores.len()).contains(&elites) {
            self.order.select_nth_unstable_by(elites - 1, by_rank);
        }
        self.order[..elites].sort_unstable_by(by_rank);
        self.elites = elites;
    }

    /// The elites of the round, the best first, with their scores; of equals, the earlier first.
    pub(crate) fn elites(&self) -> impl ExactSizeIterator<Item = (&[f32], f64)> {
        self.order[..self.elites].iter().map(|&i| (self.plans.row(i as usize), self.scores[i as usize]))
    }

    /// All plans of the round with their scores, −∞ where it was not finite.
    pub(crate) fn scored(&self) -> impl Iterator<Item = (&[f32], f64)> {
        self.plans.view().iter().zip(self.scores.iter().copied())
    }

    /// The elites' mean and variance in each number: divided by how many they are, not by one less.
    pub(crate) fn moments(&self, mean: &mut [f64], variance: &mut [f64]) {
        let scale = 1.0 / self.elites as f64;
        mean.fill(0.0);
        for (plan, _) in self.elites() {
            mean.iter_mut().zip(plan).for_each(|(mean, x)| *mean += scale * f64::from(*x));
        }
        variance.fill(0.0);
        for (plan, _) in self.elites() {
            for ((variance, mean), x) in variance.iter_mut().zip(&*mean).zip(plan) {
                *variance += scale * (f64::from(*x) - mean).powi(2);
            }
        }
    }

    /// The best plan of the search.
    pub(crate) fn best(&self) -> &[f32] {
        &self.best
    }

    /// How the search went; an error where no plan of it had a score.
    pub(crate) fn finish(&self) -> Result<Found> {
        if self.found.score > f64::NEG_INFINITY {
            return Ok(self.found);
        }
        Err(Error::non_finite(format_args!(
            "none of the {} plans tried has a finite score: look for NaN and infinities in what the model predicts \
             and in the reward",
            self.found.evaluations
        )))
    }
}

/// Moves `old` towards `new`, with so much of the old kept.
pub(crate) fn blend(old: &mut [f64], new: &[f64], momentum: f64) {
    old.iter_mut().zip(new).for_each(|(old, new)| *old = momentum * *old + (1.0 - momentum) * new);
}

/// The round that `reference/updates.py` makes too: 12 plans of 4 numbers, 5 elites; and what it found.
#[cfg(test)]
pub(crate) mod reference {
    use super::*;
    use mbrl_core::Rows;

    pub(crate) fn round(population: &mut Population, plan: impl Fn(usize, usize) -> i32, scale: f32) {
        population.begin();
        let mut plans = population.round(12);
        for (at, x) in plans.as_mut_slice().iter_mut().enumerate() {
            *x = plan(at / 4, at % 4) as f32 * scale;
        }
        let mut score = |_: Rows<'_>, _: Key, out: &mut [f64]| {
            out.iter_mut().enumerate().for_each(|(p, score)| *score = (5 * p % 17) as f64 / 4.0);
            Ok(())
        };
        population.evaluate(&mut score, Key::root(0), 5).unwrap();
    }

    pub(crate) fn real(population: &mut Population) {
        round(population, |p, i| ((7 * p + 3 * i + p * p * i) % 23) as i32 - 11, 1.0 / 16.0);
    }

    pub(crate) fn assert_is(name: &str, numbers: &[f64]) {
        const NUMPY: &[(&str, &[f64])] = &include!("../reference/updates.in");
        let (_, expected) = NUMPY.iter().find(|(known, _)| *known == name).unwrap();
        assert_eq!(numbers.len(), expected.len(), "{name}");
        for (i, (x, expected)) in numbers.iter().zip(*expected).enumerate() {
            assert!((x - expected).abs() < 1e-12, "{name}[{i}]: {x} for {expected}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::Rows;
    use proptest::prelude::*;

    fn scored(scores: &[f64], elites: usize) -> Population {
        let mut population = Population::new(scores.len(), 1);
        population.begin();
        let mut plans = population.round(scores.len());
        plans.as_mut_slice().iter_mut().enumerate().for_each(|(i, x)| *x = i as f32);
        let mut score = |_: Rows<'_>, _: Key, out: &mut [f64]| {
            out.copy_from_slice(scores);
            Ok(())
        };
        population.evaluate(&mut score, Key::root(0), elites).unwrap();
        population
    }

    fn ranked(population: &Population) -> Vec<usize> {
        population.elites().map(|(plan, _)| plan[0] as usize).collect()
    }

    #[test]
    fn ties_go_to_the_earlier_and_what_is_not_finite_is_no_elite() {
        let scores = [f64::NAN, -0.0, f64::INFINITY, 0.0, -5.0, f64::NEG_INFINITY, 0.0];
        let population = scored(&scores, 3);
        assert_eq!(ranked(&population), [1, 3, 6]);
        assert_eq!(ranked(&scored(&scores, 7)), [1, 3, 6, 4]);
        let found = population.finish().unwrap();
        assert_eq!((found.evaluations, found.non_finite, found.iterations), (7, 3, 1));
        assert!(found.score.abs() < 1e-300 && population.best() == [1.0]);
    }

    #[test]
    fn a_search_without_a_score_says_where_to_look() {
        let error = scored(&[f64::NAN, f64::INFINITY], 1).finish().unwrap_err();
        assert!(error.is_non_finite());
        assert!(
            error.to_string().contains("none of the 2 plans") && error.to_string().contains("the reward")
        );
    }

    #[test]
    fn a_score_that_writes_nothing_is_no_score() {
        let mut population = scored(&[1.0, 2.0], 1);
        population.round(2);
        let mut silent = |_: Rows<'_>, _: Key, _: &mut [f64]| Ok(());
        population.evaluate(&mut silent, Key::root(0), 1).unwrap();
        assert_eq!((population.elites().len(), population.finish().unwrap().non_finite), (0, 2));
        assert!((population.finish().unwrap().score - 2.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn elites_are_the_first_of_a_full_sort(scores in prop::collection::vec(-3i8..3, 1..40), elites in 1usize..40) {
            let scores: Vec<f64> = scores.into_iter().map(|s| if s == -3 { f64::NAN } else { f64::from(s) }).collect();
            let mut all: Vec<usize> = (0..scores.len()).filter(|&i| scores[i].is_finite()).collect();
            all.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            all.truncate(elites);
            prop_assert_eq!(ranked(&scored(&scores, elites)), all);
        }
    }
}
