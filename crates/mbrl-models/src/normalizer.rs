//! Inputs brought to mean zero and deviation one.

use mbrl_core::Result;

/// The mean and the deviation of each column, from sums in double precision.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalizer {
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// The deviation of each column, or one where the column is constant.
    pub deviation: Vec<f64>,
}

/// A column that deviates less than this from its mean is constant. MBPO's value.
const CONSTANT: f64 = 1e-12;

impl Normalizer {
    /// One that changes nothing.
    pub fn identity(columns: usize) -> Self {
        Normalizer { mean: vec![0.0; columns], deviation: vec![1.0; columns] }
    }

    /// Whether it changes nothing.
    pub(crate) fn is_identity(&self) -> bool {
        let bits = |numbers: &[f64], all: f64| numbers.iter().all(|x| x.to_bits() == all.to_bits());
        bits(&self.mean, 0.0) && bits(&self.deviation, 1.0)
    }

    /// The means and deviations of rows `[rows, columns]`; of no row, those of [`identity`](Normalizer::identity).
    pub fn of(rows: &[f32], columns: usize) -> Self {
        let count = rows.len() / columns.max(1);
        let mut this = Normalizer::identity(columns);
        if count == 0 {
            return this;
        }
        for row in rows.chunks_exact(columns) {
            this.mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        this.mean.iter_mut().for_each(|sum| *sum /= count as f64);
        // The mean first and the deviations from it second: one pass over squares would lose a small deviation from a
        // large mean.
        let mut squares = vec![0.0; columns];
        for row in rows.chunks_exact(columns) {
            for ((sum, x), mean) in squares.iter_mut().zip(row).zip(&this.mean) {
                *sum += (f64::from(*x) - mean).powi(2);
            }
        }
        for (deviation, sum) in this.deviation.iter_mut().zip(squares) {
            let found = (sum / count as f64).sqrt();
            *deviation = if found < CONSTANT { 1.0 } else { found };
        }
        this
    }

    /// Brings rows to mean zero and deviation one, in place.
    pub fn apply(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.mean.len().max(1)) {
            self.apply_row(row);
        }
    }

    /// The same for one row, or for as many of its columns, from `first` on, as `part` has.
    #[inline]
    pub(crate) fn apply_row(&self, row: &mut [f32]) {
        for ((x, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
            *x = ((f64::from(*x) - mean) / deviation) as f32;
        }
    }

    /// The normaliser of these columns, and behind them of the first `columns` of another's.
    pub(crate) fn then(&self, other: &Normalizer, columns: usize) -> Self {
        let joined = |a: &[f64], b: &[f64]| [a, &b[..columns]].concat();
        Normalizer {
            mean: joined(&self.mean, &other.mean),
            deviation: joined(&self.deviation, &other.deviation),
        }
    }

    /// This normaliser and then another, as one.
    pub(crate) fn followed_by(&self, next: &Normalizer) -> Self {
        let columns = self.mean.iter().zip(&self.deviation).zip(next.mean.iter().zip(&next.deviation));
        let (mean, deviation) =
            columns.map(|((mean, scale), (next, by))| (mean + next * scale, scale * by)).unzip();
        Normalizer { mean, deviation }
    }

    /// Refuses numbers that are not finite, or deviations that are not positive: what a damaged file may hold.
    pub(crate) fn check(&self) -> Result<()> {
        let good = self.mean.iter().all(|x| x.is_finite())
            && self.deviation.iter().all(|x| x.is_finite() && *x > 0.0);
        if good { Ok(()) } else { Err(mbrl_core::Error::corrupt("a normalizer with numbers that cannot be")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_brought_to_mean_zero_and_deviation_one() {
        // A large mean with a small deviation, and a constant.
        let mut rows: Vec<f32> = (0..100).flat_map(|i| [4096.0 + (i % 2) as f32 / 64.0, 7.0]).collect();
        let normalizer = Normalizer::of(&rows, 2);
        assert!(
            (normalizer.mean[0] - 4_096.007_812_5).abs() < 1e-9
                && (normalizer.deviation[0] - 1.0 / 128.0).abs() < 1e-9
        );
        assert!((normalizer.deviation[1] - 1.0).abs() < 1e-12);
        normalizer.apply(&mut rows);
        assert!(rows.chunks(2).all(|row| (row[0].abs() - 1.0).abs() < 1e-3 && row[1].abs() < 1e-6));
        assert_eq!(Normalizer::of(&[], 2), Normalizer::identity(2));
    }
}
