//! What the uniformly random policy earns in each environment, as measured.

use crate::Entry;

/// A mean return, as measured by `cargo xtask reference`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean undiscounted return of an episode.
    pub mean: f64,
    /// The 95 % interval of that mean.
    pub ci95: [f64; 2],
    /// How many episodes it is the mean of.
    pub episodes: u64,
    /// The seed of their keys.
    pub seed: u64,
}

/// Written by `cargo xtask reference`.
const RANDOM: &str = include_str!("../reference/random.csv");

impl Entry {
    /// What the uniformly random policy earns, where it has been measured.
    pub fn random_return(&self) -> Option<Estimate> {
        let row = RANDOM.lines().skip(1).find(|row| row.split(',').next() == Some(self.name))?;
        let numbers: Vec<f64> = row.split(',').skip(1).map_while(|cell| cell.parse().ok()).collect();
        let [mean, low, high, episodes, seed] = numbers[..] else {
            return None;
        };
        Some(Estimate { mean, ci95: [low, high], episodes: episodes as u64, seed: seed as u64 })
    }
}
