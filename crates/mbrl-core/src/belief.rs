//! What is learnt about the world.

use crate::{Dataset, DynamicsModel, Key, Recorder, Result, Spread};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// What is believed about the world after seeing data: an ensemble, a posterior, a table of counts.
pub trait Belief: Send {
    /// Learns from transitions, and says how it went.
    fn fit(&mut self, data: FitData<'_>, key: Key, recorder: &mut dyn Recorder) -> Result<Fit>;

    /// Draws anew what the belief leaves open: a posterior draws a model, an ensemble has nothing to draw.
    fn redraw(&mut self, key: Key) -> Result<()>;

    /// The model to imagine with: as fitted last and, where the belief draws one, as drawn last.
    fn model(&self) -> &dyn DynamicsModel;

    /// The same model, where it can say what each of its members predicts.
    fn spread(&self) -> Option<&dyn Spread> {
        None
    }

    /// Writes all that is needed to go on to the bit: parameters, optimizer moments, normalisers, the model drawn last.
    fn save(&self, out: &mut dyn Write) -> Result<()>;

    /// Goes back to what [`save`](Belief::save) wrote.
    fn load(&mut self, from: &mut dyn Read) -> Result<()>;
}

/// Transitions to learn from, and which of them.
#[derive(Clone, Copy)]
pub struct FitData<'a> {
    /// The transitions.
    pub data: &'a dyn Dataset,
    /// The numbers of those to fit.
    pub train: &'a [u32],
    /// The numbers of those to judge the fit by; none, where nothing is held out.
    pub holdout: &'a [u32],
}

/// How a fit went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Passes over the data.
    pub epochs: usize,
    /// The error on held-out data by member, where some was held out.
    pub holdout: Vec<f64>,
    /// The members to imagine with, best first.
    pub elites: Vec<u16>,
}

impl std::fmt::Debug for FitData<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "FitData({} of {} rows, {} held out)",
            self.train.len(),
            self.data.len(),
            self.holdout.len()
        )
    }
}
