//! All that training changes: put back where a fit fails, written to a file and read from it.

use crate::Normalizer;
use crate::stored::{Format, Part};
use mbrl_core::Result;
use mbrl_nn::Adam;
use std::io::{Read, Write};

/// What networks with a Gaussian head, and those for terminations beside them, have learnt so far.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    /// Parameters of each kind that there is: of an ensemble, those of its members.
    pub(crate) theta: Vec<Vec<f32>>,
    pub(crate) adam: Adam,
    /// Of log-variances; empty, where there are none.
    pub(crate) bounds: Vec<f32>,
    pub(crate) bounds_adam: Adam,
    pub(crate) input: Normalizer,
    pub(crate) target: Normalizer,
    pub(crate) ends: Option<EndsSnapshot>,
}

/// The part of the networks for terminations.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EndsSnapshot {
    pub(crate) theta: Vec<f32>,
    pub(crate) adam: Adam,
    pub(crate) input: Normalizer,
}

impl Snapshot {
    /// Writes it, behind the sizes of what it belongs to.
    pub(crate) fn save(
        mut self,
        format: &Format,
        shape: &[(&'static str, usize)],
        out: &mut dyn Write,
    ) -> Result<()> {
        format.write_parts(out, &self.parts(shape))
    }

    /// The snapshot in a file. This one says how long everything is.
    pub(crate) fn load(
        mut self,
        format: &Format,
        shape: &[(&'static str, usize)],
        from: &mut dyn Read,
    ) -> Result<Self> {
        format.read_parts(from, &mut self.parts(shape))?;
        let ends = self.ends.as_ref();
        let adams = [&self.adam, &self.bounds_adam].into_iter().chain(ends.map(|ends| &ends.adam));
        let normalizers = [&self.input, &self.target].into_iter().chain(ends.map(|ends| &ends.input));
        if adams.into_iter().any(|adam| adam.square.iter().any(|x| *x < 0.0)) {
            return Err(format.damaged("a mean of squares is negative"));
        }
        if normalizers.into_iter().any(|normalizer| normalizer.check().is_err()) {
            return Err(format.damaged("a normalizer divides by what is not positive"));
        }
        Ok(self)
    }

    /// Everything, in the order of the file.
    fn parts(&mut self, shape: &[(&'static str, usize)]) -> Vec<Part<'_>> {
        let mut parts: Vec<_> = shape.iter().map(|(name, size)| Part::Shape(name, *size as u64)).collect();
        parts.extend(self.theta.iter_mut().map(|theta| Part::Floats("parameters", theta)));
        parts.extend(adam(&mut self.adam));
        parts.push(Part::Floats("bounds of log-variances", &mut self.bounds));
        parts.extend(adam(&mut self.bounds_adam));
        parts.extend(normalizer(&mut self.input));
        parts.extend(normalizer(&mut self.target));
        if let Some(ends) = &mut self.ends {
            parts.push(Part::Floats("parameters of terminations", &mut ends.theta));
            parts.extend(adam(&mut ends.adam));
            parts.extend(normalizer(&mut ends.input));
        }
        parts
    }
}

fn adam(adam: &mut Adam) -> [Part<'_>; 3] {
    let Adam { mean, square, steps } = adam;
    [Part::Floats("moments", mean), Part::Floats("moments", square), Part::Count(steps)]
}

fn normalizer(normalizer: &mut Normalizer) -> [Part<'_>; 2] {
    let Normalizer { mean, deviation } = normalizer;
    [Part::Doubles("means", mean), Part::Doubles("deviations", deviation)]
}
