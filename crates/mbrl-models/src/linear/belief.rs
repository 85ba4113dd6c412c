//! A linear posterior as a belief: fitted to rows, redrawn, saved.

use super::regression::Regression;
use super::{LinearFeatures, LinearPosterior, LinearTarget, NoisePrior};
use crate::stored::Format;
use mbrl_core::{
    Belief, Context, DynamicsModel, Error, Fit, FitData, Key, Recorder, Result, Spread, TransitionBatch,
};
use std::io::{Read, Write};

const FORMAT: Format = Format { tag: *b"mbrllinp", version: 1, what: "saved linear posterior" };
/// Rows that are fetched at once.
const CHUNK: usize = 1024;
/// Counts up to this are exact in `f64`.
const LARGEST_COUNT: f64 = (1u64 << 53) as f64;

impl Belief for LinearPosterior {
    /// Replaces what was seen by the rows of `train`, and draws the members.
    ///
    /// The error of a member on held-out rows is the mean square, over rows and outputs, of what its mean misses; the elites
    /// are all members, those with the least error first.
    fn fit(&mut self, data: FitData<'_>, key: Key, recorder: &mut dyn Recorder) -> Result<Fit> {
        let FitData { data: rows, train, holdout } = data;
        let (inputs, outputs) = (self.regression.inputs, self.regression.outputs);
        let mut regression = Regression::new(inputs, outputs, self.config.prior_precision);
        let (mut batch, mut row) = (TransitionBatch::default(), vec![0.0; inputs + outputs]);
        for numbers in train.chunks(CHUNK) {
            rows.gather(numbers, &mut batch)?;
            for (transition, number) in batch.iter().zip(numbers) {
                self.write_row(transition, &mut row).with_context(|| format!("row {number}"))?;
                regression.add(&mut row);
            }
        }
        let (weights, deviations) = self.draw(&regression, key)?;
        let mut squares = vec![0.0; self.config.members];
        for numbers in holdout.chunks(CHUNK) {
            rows.gather(numbers, &mut batch)?;
            for (transition, number) in batch.iter().zip(numbers) {
                self.write_row(transition, &mut row).with_context(|| format!("row {number}"))?;
                let (features, targets) = row.split_at(inputs);
                for (sum, weights) in squares.iter_mut().zip(weights.chunks_exact(outputs * inputs)) {
                    for (weights, target) in weights.chunks_exact(inputs).zip(targets) {
                        let mean: f64 = weights.iter().zip(features).map(|(w, x)| w * x).sum();
                        *sum += (target - mean) * (target - mean);
                    }
                }
            }
        }
        // Nothing is replaced until all is well.
        self.regression = regression;
        (self.model.weights, self.model.deviations) = (weights, deviations);
        let mut fit =
            Fit { epochs: 1, holdout: Vec::new(), elites: (0..self.config.members as u16).collect() };
        if !holdout.is_empty() {
            let n = (holdout.len() * outputs) as f64;
            fit.holdout = squares.iter().map(|sum| sum / n).collect();
            let error = |member: &u16| fit.holdout[usize::from(*member)];
            fit.elites.sort_by(|a, b| error(a).total_cmp(&error(b)));
            let mean = fit.holdout.iter().sum::<f64>() / fit.holdout.len() as f64;
            recorder.scalar("model/holdout_mse", mean);
        }
        Ok(fit)
    }

    /// Draws the weights and the noise of every member.
    fn redraw(&mut self, key: Key) -> Result<()> {
        (self.model.weights, self.model.deviations) = self.draw(&self.regression, key)?;
        Ok(())
    }

    fn model(&self) -> &dyn DynamicsModel {
        &self.model
    }

    fn spread(&self) -> Option<&dyn Spread> {
        Some(&self.model)
    }

    fn save(&self, out: &mut dyn Write) -> Result<()> {
        let mut numbers = self.identity();
        numbers.push(self.regression.rows as f64);
        for part in
            [&self.regression.root, &self.regression.residual, &self.model.weights, &self.model.deviations]
        {
            numbers.extend(part);
        }
        FORMAT.write(out, &numbers)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        let (identity, regression, model) = (self.identity(), &self.regression, &self.model);
        let lens =
            [regression.root.len(), regression.residual.len(), model.weights.len(), model.deviations.len()];
        let numbers = FORMAT.read(from, identity.len() + 1 + lens.iter().sum::<usize>())?;
        let (saved, rest) = numbers.split_at(identity.len());
        if saved.iter().zip(&identity).any(|(a, b)| a.to_bits() != b.to_bits()) {
            return Err(Error::corrupt(format_args!(
                "the {} is of other spaces or another prior: load it where spaces and configuration are those it was saved with",
                FORMAT.what
            )));
        }
        let (rows, mut rest) = (rest[0], &rest[1..]);
        let mut parts = lens.map(|len| {
            let (part, others) = rest.split_at(len);
            rest = others;
            part.to_vec()
        });
        let width = regression.inputs + regression.outputs;
        let whole = (0.0..=LARGEST_COUNT).contains(&rows) && rows.fract().abs() <= 0.0;
        let finite = parts.iter().flatten().all(|x| x.is_finite());
        let triangle = parts[0].chunks_exact(width).enumerate().all(|(i, row)| row[i] > 0.0);
        let signs = parts[1].iter().chain(&parts[3]).all(|x| *x >= 0.0);
        if !(whole && finite && triangle && signs) {
            return Err(FORMAT.damaged("its numbers are those of no posterior"));
        }
        self.regression.rows = rows as u64;
        [self.regression.root, self.regression.residual, self.model.weights, self.model.deviations] =
            parts.each_mut().map(std::mem::take);
        Ok(())
    }
}

impl LinearPosterior {
    /// All that tells this prior from another.
    fn identity(&self) -> Vec<f64> {
        let (dims, config) = (self.model.dims, &self.config);
        let target = match config.target {
            LinearTarget::Delta => 0.0,
            LinearTarget::Next => 1.0,
        };
        let features = match config.features {
            LinearFeatures::Linear => 0.0,
            LinearFeatures::Quadratic => 1.0,
        };
        let (members, outputs) = (config.members as f64, self.model.outputs as f64);
        let mut numbers = vec![dims.obs as f64, dims.act as f64, outputs, members];
        numbers.extend([target, features, config.prior_precision]);
        match &config.noise {
            NoisePrior::InverseGamma { shape, scale } => numbers.extend([0.0, *shape, *scale]),
            NoisePrior::Known { variance } => {
                numbers.push(1.0);
                numbers.extend(variance);
            }
        }
        numbers
    }
}
