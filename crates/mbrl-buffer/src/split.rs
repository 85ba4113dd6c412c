//! A training part and a holdout part.

use crate::ReplayBuffer;
use crate::draw::{select, shuffle};
use mbrl_core::{Error, Key, Result};

/// The rows of a replay buffer in two parts: every row is in one of them, and both are in the order of the buffer.
///
/// Pushing to a buffer that is full renumbers its rows, and then these are others: split anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// The rows to learn from.
    pub train: Vec<u32>,
    /// The rows to judge by.
    pub holdout: Vec<u32>,
}

impl Split {
    /// Holds out whole episodes at random, so that no row that is judged by has a neighbour that was learnt from.
    ///
    /// Episodes are taken in random order, each where it brings the number of rows nearer to `fraction` of all and not
    /// above `cap`. Where that takes none, the shortest is taken: a holdout that is asked for is never silently empty,
    /// and neither is the training part. What cannot be split so, such as a single episode, is an error. Where rows
    /// [continue nothing](ReplayBuffer::unordered), each is an episode.
    pub fn by_episode(buffer: &ReplayBuffer, fraction: f64, cap: Option<usize>, key: Key) -> Result<Self> {
        check(buffer, fraction)?;
        let (episode_of, lengths) = episodes(buffer);
        let mut held_out = vec![false; lengths.len()];
        if fraction > 0.0 {
            let cap = cap.unwrap_or(usize::MAX);
            let target = (fraction * buffer.len() as f64).round() as usize;
            let mut order: Vec<usize> = (0..lengths.len()).collect();
            shuffle(&mut order, &mut key.rng());
            let (mut taken, mut episodes) = (0, 0);
            for &episode in &order {
                let more: usize = taken + lengths[episode];
                let nearer = more.abs_diff(target) < target.abs_diff(taken);
                if nearer && more <= cap && episodes + 1 < lengths.len() {
                    held_out[episode] = true;
                    (taken, episodes) = (more, episodes + 1);
                }
            }
            if episodes == 0 {
                let shortest = order.iter().copied().min_by_key(|&episode| lengths[episode]).unwrap_or(0);
                if lengths.len() == 1 {
                    return Err(Error::invalid(
                        "the replay buffer holds one episode, which cannot be split by episode: split by row or collect more",
                    ));
                }
                if lengths[shortest] > cap {
                    return Err(Error::invalid(format_args!(
                        "the shortest episode has {} rows and the holdout is capped at {cap}: raise the cap or split by row",
                        lengths[shortest]
                    )));
                }
                held_out[shortest] = true;
            }
        }
        let (holdout, train) = rows(buffer).partition(|&row| held_out[episode_of[row as usize] as usize]);
        Ok(Split { train, holdout })
    }

    /// Holds out rows at random: `fraction` of all, rounded down, and at most `cap`.
    ///
    /// So does the official code of MBPO, with 0.2 and 5,000.
    pub fn by_row(buffer: &ReplayBuffer, fraction: f64, cap: Option<usize>, key: Key) -> Result<Self> {
        check(buffer, fraction)?;
        let wanted = ((fraction * buffer.len() as f64) as usize).min(cap.unwrap_or(usize::MAX));
        let mut split =
            Split { train: Vec::with_capacity(buffer.len() - wanted), holdout: Vec::with_capacity(wanted) };
        let mut rng = key.rng();
        for row in rows(buffer) {
            let missing = wanted - split.holdout.len();
            let part = match select(&mut rng, missing, buffer.len() - row as usize) {
                true => &mut split.holdout,
                false => &mut split.train,
            };
            part.push(row);
        }
        Ok(split)
    }
}

fn rows(buffer: &ReplayBuffer) -> impl Iterator<Item = u32> {
    0..buffer.len() as u32
}

fn check(buffer: &ReplayBuffer, fraction: f64) -> Result<()> {
    if !(0.0..1.0).contains(&fraction) {
        return Err(Error::invalid(format_args!(
            "the holdout fraction is {fraction:?}: expected 0 to below 1"
        )));
    }
    if buffer.is_empty() {
        return Err(Error::invalid("the replay buffer is empty: push rows before splitting it"));
    }
    Ok(())
}

/// The episode of each row, and the number of rows of each episode.
fn episodes(buffer: &ReplayBuffer) -> (Vec<u32>, Vec<usize>) {
    let (mut episode_of, mut lengths) = (Vec::with_capacity(buffer.len()), Vec::new());
    for row in 0..buffer.len() {
        let before = row.checked_sub(buffer.lanes()).filter(|_| !buffer.starts_episode(row));
        let episode = match before {
            Some(before) => episode_of[before],
            None => {
                lengths.push(0);
                lengths.len() as u32 - 1
            }
        };
        lengths[episode as usize] += 1;
        episode_of.push(episode);
    }
    (episode_of, lengths)
}
