//! Measures of a dataset: how its numbers are spread, and what looks wrong.

use mbrl_buffer::Recording;
use mbrl_core::{RowBuf, Space};
use serde::Serialize;

/// How numbers are spread.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) min: f64,
    pub(super) mean: f64,
    pub(super) median: f64,
    pub(super) max: f64,
}

/// How the numbers of a column are spread.
#[derive(Debug, Serialize)]
pub(super) struct Column {
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) mean: f64,
    pub(super) std: f64,
    /// The share of what is between its bounds that lies between its least and its greatest value.
    pub(super) range_used: Option<f64>,
}

impl Summary {
    /// The summary of at least one number.
    pub(super) fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let (n, middle) = (numbers.len(), numbers.len() / 2);
        let median =
            if n.is_multiple_of(2) { 0.5 * (numbers[middle - 1] + numbers[middle]) } else { numbers[middle] };
        Summary { min: numbers[0], mean: numbers.iter().sum::<f64>() / n as f64, median, max: numbers[n - 1] }
    }

    pub(super) fn row(&self, name: &str) -> Vec<String> {
        let mut row = vec![name.to_owned()];
        row.extend([self.min, self.mean, self.median, self.max].map(|x| format!("{x:.2}")));
        row
    }
}

impl Column {
    pub(super) fn row(&self, name: &str) -> Vec<String> {
        let mut row = vec![name.to_owned()];
        row.extend([self.min, self.max, self.mean, self.std].map(|x| format!("{x:.4}")));
        row.push(self.range_used.map_or(String::new(), |share| format!("{:.1} %", 100.0 * share)));
        row
    }
}

/// Each column by itself.
pub(super) fn columns(table: &RowBuf, space: Option<&Space>) -> Vec<Column> {
    let n = table.len() as f64;
    let column = |i: usize| {
        let numbers = || table.view().iter().map(move |row| f64::from(row[i]));
        let mean = numbers().sum::<f64>() / n;
        let variance = numbers().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let (min, max) = numbers().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        let range_used = match space {
            Some(Space::Box(bounds)) => {
                let range = f64::from(bounds.high()[i]) - f64::from(bounds.low()[i]);
                range.is_finite().then(|| (max - min) / range)
            }
            _ => None,
        };
        Column { min, max, mean, std: variance.sqrt(), range_used }
    };
    (0..table.dim()).map(column).collect()
}

/// How often each choice was made.
pub(super) fn choices(table: &RowBuf, n: u32) -> Vec<f64> {
    let mut counts = vec![0u64; n as usize];
    for choice in table.as_slice() {
        if let Some(count) = counts.get_mut(*choice as usize) {
            *count += 1;
        }
    }
    counts.into_iter().map(|count| count as f64 / table.len() as f64).collect()
}

/// The share of rows that are not a repetition of one before.
pub(super) fn distinct(table: &RowBuf) -> f64 {
    let mut prints: Vec<u64> = table.view().iter().map(|row| print(FIRST, row)).collect();
    prints.sort_unstable();
    prints.dedup();
    prints.len() as f64 / table.len() as f64
}

/// What looks wrong, a sentence each.
pub(super) fn problems(recording: &Recording) -> Vec<String> {
    let rows = recording.rows();
    let mut found = Vec::new();
    let (mut gaps, mut largest) = (0usize, 0f32);
    for row in (0..rows.len() - 1).filter(|&row| !rows.end[row].is_end()) {
        let apart = rows.next_obs.row(row).iter().zip(rows.obs.row(row + 1)).map(|(a, b)| (a - b).abs());
        let apart = apart.fold(0, |most: u32, x| most.max(x.to_bits()));
        gaps += usize::from(apart > 0);
        largest = largest.max(f32::from_bits(apart));
    }
    if gaps > 0 {
        found.push(format!(
            "next_observations of {gaps} rows are not the following observation of their episode; the largest difference \
             is {largest}"
        ));
    }
    let mut prints: Vec<u64> = recording
        .episodes()
        .map(|episode| {
            let width = |table: &RowBuf| episode.start * table.dim()..episode.end * table.dim();
            print(
                print(FIRST, &rows.obs.as_slice()[width(&rows.obs)]),
                &rows.act.as_slice()[width(&rows.act)],
            )
        })
        .collect();
    let episodes = prints.len();
    prints.sort_unstable();
    prints.dedup();
    if prints.len() < episodes {
        found.push(format!("{} episodes are there more than once", episodes - prints.len()));
    }
    let first = rows.reward[0];
    if rows.reward.iter().all(|reward| reward.to_bits() == first.to_bits()) {
        found.push(format!("the reward is {first} in every row"));
    }
    found
}

/// Where a print begins, and what it is multiplied with: FNV-1a of 64 bits, so that two of a million differ unless equal.
const FIRST: u64 = 0xcbf2_9ce4_8422_2325;

fn print(start: u64, numbers: &[f32]) -> u64 {
    numbers
        .iter()
        .flat_map(|x| x.to_bits().to_le_bytes())
        .fold(start, |print, byte| (print ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_summed_up() {
        let Summary { min, mean, median, max } = Summary::of(vec![4.0, 1.0, 3.0, 0.0]);
        assert_eq!([min, mean, median, max].map(f64::to_bits), [0.0, 2.0, 2.0, 4.0f64].map(f64::to_bits));
        assert_eq!(Summary::of(vec![5.0, 1.0, 2.0]).median.to_bits(), 2f64.to_bits());
    }

    #[test]
    fn columns_are_measured_by_themselves() {
        let table = RowBuf::from_vec(vec![0.0, 5.0, 1.0, 5.0, 2.0, 5.0, 1.0, 5.0], 2).unwrap();
        let space = Space::bounded(&[0.0, 0.0], &[4.0, f32::INFINITY]).unwrap();
        let [a, b] = &columns(&table, Some(&space))[..] else { panic!("two columns") };
        assert_eq!(
            [a.min, a.max, a.mean, a.std * a.std].map(f64::to_bits),
            [0.0, 2.0, 1.0, 0.5000000000000001f64].map(f64::to_bits)
        );
        assert_eq!(a.range_used.map(f64::to_bits), Some(0.5f64.to_bits()));
        assert!(b.std.abs() < 1e-12 && b.range_used.is_none());
        assert_eq!(distinct(&table).to_bits(), 0.75f64.to_bits());
    }
}
