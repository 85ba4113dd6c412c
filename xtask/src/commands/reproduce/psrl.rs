//! What posterior sampling loses by learning: beside others, beside its bound, and where the posterior is not exact.

mod bound;
mod chosen;
mod curves;
mod flexible;
mod lambda;
mod problem;

pub(super) use bound::make as bound;
pub(super) use chosen::make as lambda_chosen;
pub(super) use curves::make as regret;
pub(super) use lambda::make as lambda;

use crate::plot::{Axis, Point, Scale as AxisScale};
use mbrl_agents::{ci95, mean};

/// The mean of some numbers with Student's 95 % interval.
#[derive(Clone, Copy, Debug, serde::Serialize)]
struct Measured {
    mean: f64,
    low: f64,
    high: f64,
}

impl Measured {
    fn of(numbers: &[f64]) -> Self {
        let mean = mean(numbers);
        let [low, high] = ci95(numbers).unwrap_or([mean; 2]);
        Measured { mean, low, high }
    }

    fn text(&self, digits: usize) -> String {
        let Measured { mean, low, high } = self;
        format!("{mean:.digits$} ({low:.digits$} to {high:.digits$})")
    }

    /// A point of a log axis, which has no place for what is not positive: an interval is cut at a tenth of its mean.
    fn on_log(&self, x: f64) -> Option<Point> {
        let Measured { mean, low, high } = *self;
        (mean > 0.0).then(|| Point { x, y: mean, low: low.max(0.1 * mean), high })
    }
}

/// Numbers of episodes up to the last, about eight to a factor of two.
fn marks(last: u64) -> Vec<u64> {
    let mut marks: Vec<u64> =
        (0..).map(|i| 2f64.powf(f64::from(i) / 8.0) as u64).take_while(|k| *k < last).collect();
    marks.push(last);
    marks.dedup();
    marks
}

/// The sums of what was lost up to each mark.
fn cumulative(lost: &[f64], marks: &[u64]) -> Vec<f64> {
    let (mut sum, mut next, mut sums) = (0.0, 0, Vec::with_capacity(marks.len()));
    for mark in marks {
        while next < *mark as usize {
            sum += lost[next];
            next += 1;
        }
        sums.push(sum);
    }
    sums
}

fn axis(label: &str, scale: AxisScale) -> Axis {
    Axis { label: label.to_owned(), scale, range: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_end_at_the_last_and_sums_are_up_to_each() {
        let marks = marks(100);
        assert!(marks.first() == Some(&1) && marks.last() == Some(&100));
        assert!(marks.windows(2).all(|pair| pair[0] < pair[1]));
        let sums = cumulative(&[1.0; 100], &marks);
        assert!(sums.iter().zip(&marks).all(|(sum, k)| (sum - *k as f64).abs() < 1e-12));
    }
}
