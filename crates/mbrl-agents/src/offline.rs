//! The data of an agent that learns from these alone.

use crate::{Setup, keep};
use mbrl_buffer::ReplayBuffer;
use mbrl_core::{Dataset, Error, Result, TransitionBatch};
use std::io::{Read, Write};

/// The transitions that an agent learns from, which its checkpoints do not hold, but know again. An agent that is only to act
/// needs none.
#[derive(Debug)]
pub(crate) struct Data {
    algorithm: &'static str,
    rows: Option<ReplayBuffer>,
    /// Of the rows, where there are any; else of those that it was saved with.
    fingerprint: Option<u64>,
}

/// Rows that are copied at a time.
const CHUNK: usize = 4096;

impl Data {
    /// The data of `setup`, for the algorithm of this name.
    pub(crate) fn new(algorithm: &'static str, setup: &Setup) -> Result<Self> {
        let rows = setup.data.as_deref().map(|data| copy(data, setup)).transpose()?;
        let fingerprint = rows.as_ref().map(fingerprint);
        Ok(Data { algorithm, rows, fingerprint })
    }

    /// The transitions.
    pub(crate) fn rows(&self) -> Result<&ReplayBuffer> {
        self.rows.as_ref().ok_or_else(|| {
            let name = self.algorithm;
            Error::invalid(format_args!(
                "{name} learns from a dataset, and there is none: name one by --data FILE"
            ))
        })
    }

    /// Writes what they are known again by.
    pub(crate) fn save(&self, out: &mut dyn Write) -> Result<()> {
        keep::write(&self.fingerprint, out)
    }

    /// Refuses to go on with other data than those that were learnt from.
    pub(crate) fn check(&mut self, from: &mut dyn Read) -> Result<()> {
        let saved: Option<u64> = keep::read(from)?;
        match (self.fingerprint, saved) {
            (Some(now), Some(then)) if now != then => Err(Error::invalid(
                "the dataset is another than the one that was learnt from: put that one back, or begin anew in another folder",
            )),
            (None, then) => {
                self.fingerprint = then;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn copy(data: &(dyn Dataset + Send + Sync), setup: &Setup) -> Result<ReplayBuffer> {
    let (dims, expected) = (data.dims(), setup.spec.dims());
    if dims != expected {
        return Err(Error::invalid(format_args!(
            "the dataset has observations of {} numbers and actions of {}, and the environment {} and {}: choose the \
             environment that it was recorded in",
            dims.obs, dims.act, expected.obs, expected.act
        )));
    }
    if data.is_empty() {
        return Err(Error::invalid("the dataset has no transition: name another"));
    }
    let mut rows = ReplayBuffer::new(dims, data.len())?;
    let (mut batch, mut numbers) = (TransitionBatch::new(dims), Vec::with_capacity(CHUNK));
    for first in (0..data.len()).step_by(CHUNK) {
        numbers.clear();
        numbers.extend((first..data.len().min(first + CHUNK)).map(|row| row as u32));
        data.gather(&numbers, &mut batch)?;
        rows.extend(&batch)?;
    }
    Ok(rows)
}

/// A number that other data do not have, but once in 2⁶⁴ (FNV-1a of the words of each row).
fn fingerprint(rows: &ReplayBuffer) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut mix = |word: u32| hash = (hash ^ u64::from(word)).wrapping_mul(0x0000_0100_0000_01b3);
    for row in rows.iter() {
        row.obs.iter().chain(row.act).chain(row.next_obs).chain([&row.reward]).for_each(|x| mix(x.to_bits()));
        mix(row.end as u32);
    }
    hash
}
