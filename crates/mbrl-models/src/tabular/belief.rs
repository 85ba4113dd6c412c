//! A tabular posterior as a belief: fitted to rows, redrawn, saved.

use super::reward::Earned;
use super::tables::{Prior, Seen};
use super::{Distortion, TabularModel, TabularPosterior};
use crate::stored::Format;
use mbrl_core::{
    Belief, Context, DynamicsModel, Error, Fit, FitData, Key, Recorder, Result, TransitionBatch,
};
use std::io::{Read, Write};

const FORMAT: Format = Format { tag: *b"mbrltabp", version: 1, what: "saved tabular posterior" };
/// Rows that are fetched at once.
const CHUNK: usize = 4096;
/// Counts up to this are exact in `f64`.
const LARGEST_COUNT: f64 = (1u64 << 53) as f64;

impl Belief for TabularPosterior {
    /// Replaces what was seen by the rows of `train`, whose order does not matter, and draws a world.
    ///
    /// The error on held-out rows is the mean of −ln of the probability that the posterior mean gives their successors.
    fn fit(&mut self, data: FitData<'_>, key: Key, recorder: &mut dyn Recorder) -> Result<Fit> {
        let FitData { data: rows, train, holdout } = data;
        let mut seen = self.prior.nothing_seen();
        let mut batch = TransitionBatch::default();
        for numbers in train.chunks(CHUNK) {
            rows.gather(numbers, &mut batch)?;
            for (transition, number) in batch.iter().zip(numbers) {
                self.prior.add(&mut seen, transition).with_context(|| format!("row {number}"))?;
            }
        }
        let mut surprise = 0.0;
        for numbers in holdout.chunks(CHUNK) {
            rows.gather(numbers, &mut batch)?;
            for (transition, number) in batch.iter().zip(numbers) {
                let (state, action, next) =
                    self.prior.indices(transition).with_context(|| format!("row {number}"))?;
                let at = self.prior.at(state, action);
                let of_next =
                    self.prior.config.concentration + seen.successors[at * self.prior.states + next] as f64;
                surprise -= (of_next / self.prior.concentration(&seen, at).sum::<f64>()).ln();
            }
        }
        let model = TabularModel::new(self.prior.draw(&seen, Distortion::NONE, key)?)?;
        // Nothing is replaced until all is well.
        (self.seen, self.model) = (seen, model);
        let holdout = (!holdout.is_empty()).then(|| surprise / holdout.len() as f64);
        if let Some(surprise) = holdout {
            recorder.scalar("model/holdout_nll", surprise);
        }
        Ok(Fit { epochs: 1, holdout: holdout.into_iter().collect(), elites: vec![0] })
    }

    /// Draws a world, as [`draw`](TabularPosterior::draw) does, and makes it the model.
    fn redraw(&mut self, key: Key) -> Result<()> {
        self.model = TabularModel::new(self.draw(key)?)?;
        Ok(())
    }

    fn model(&self) -> &dyn DynamicsModel {
        &self.model
    }

    fn save(&self, out: &mut dyn Write) -> Result<()> {
        let mut numbers = self.prior.identity();
        numbers.extend(self.seen.successors.iter().map(|n| *n as f64));
        for Earned { count, sum, mean, squares } in &self.seen.earned {
            numbers.extend([*count as f64, *sum, *mean, *squares]);
        }
        let mdp = self.model.mdp();
        for (state, action) in self.prior.moves() {
            numbers.extend(mdp.transition(state, action));
            // The rewards of a move are the same whatever the successor.
            numbers.push(mdp.reward(state, action)[0]);
        }
        FORMAT.write(out, &numbers)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        let (identity, states) = (self.prior.identity(), self.prior.states);
        let moves = states * self.prior.actions;
        let numbers = FORMAT.read(from, identity.len() + moves * (states + 4 + states + 1))?;
        let (saved, rest) = numbers.split_at(identity.len());
        if saved.iter().zip(&identity).any(|(a, b)| a.to_bits() != b.to_bits()) {
            return Err(Error::corrupt(format_args!(
                "the {} is of another world or prior: load it where spaces, starts, terminal states and configuration are those it was saved with",
                FORMAT.what
            )));
        }
        let (successors, rest) = rest.split_at(moves * states);
        let (earned, drawn) = rest.split_at(moves * 4);
        self.seen = read_seen(successors, earned, states)?;
        let (mut transition, mut reward) = (Vec::with_capacity(moves * states), Vec::with_capacity(moves));
        for row in drawn.chunks_exact(states + 1) {
            transition.extend(&row[..states]);
            reward.push(row[states]);
        }
        let mdp = self.prior.tables(transition, &reward);
        self.model = TabularModel::new(mdp.map_err(|error| FORMAT.damaged(error))?)?;
        Ok(())
    }
}

impl Prior {
    /// All that tells this prior from another.
    fn identity(&self) -> Vec<f64> {
        let mut numbers = vec![self.states as f64, self.actions as f64, self.config.concentration];
        numbers.extend(self.config.reward.numbers());
        numbers.extend(&self.start);
        numbers.extend(self.terminal.iter().map(|terminal| f64::from(u8::from(*terminal))));
        numbers
    }

    fn moves(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.states).flat_map(|state| (0..self.actions).map(move |action| (state, action)))
    }
}

/// Counts and rewards that belong together, or an error.
fn read_seen(successors: &[f64], earned: &[f64], states: usize) -> Result<Seen> {
    let count = |number: &f64| {
        let whole = (0.0..=LARGEST_COUNT).contains(number) && number.fract().to_bits() << 1 == 0;
        if whole { Ok(*number as u64) } else { Err(FORMAT.damaged(format_args!("{number} is no count"))) }
    };
    let successors = successors.iter().map(count).collect::<Result<Vec<u64>>>()?;
    let mut moves = Vec::with_capacity(earned.len() / 4);
    for (counts, numbers) in successors.chunks_exact(states).zip(earned.chunks_exact(4)) {
        let now =
            Earned { count: count(&numbers[0])?, sum: numbers[1], mean: numbers[2], squares: numbers[3] };
        let met = counts.iter().try_fold(0u64, |sum, n| sum.checked_add(*n));
        if met != Some(now.count) || numbers[1..].iter().any(|x| !x.is_finite()) || now.squares < 0.0 {
            return Err(FORMAT.damaged("its counts and rewards do not belong together"));
        }
        moves.push(now);
    }
    Ok(Seen { successors, earned: moves })
}
