//! What is learnt about the world.

use crate::{DynamicsModel, Key, Recorder, Result, TransitionBatch};

/// What is believed about the world after seeing data: an ensemble, a posterior, a table of counts.
pub trait Belief: Send {
    /// Learns from transitions, and says how it went.
    fn fit(&mut self, data: &TransitionBatch, key: Key, recorder: &mut dyn Recorder) -> Result<Fit>;

    /// Draws anew what the belief leaves open: a posterior draws a model, an ensemble has nothing to draw.
    fn redraw(&mut self, key: Key) -> Result<()>;

    /// The model to imagine with: as fitted last and, where the belief draws one, as drawn last.
    fn model(&self) -> &dyn DynamicsModel;
}

/// How a fit went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit {
    /// Passes over the data.
    pub epochs: usize,
    /// The error on held-out data by member, where some was held out.
    pub holdout: Vec<f64>,
    /// The members to imagine with, best first.
    pub elites: Vec<u16>,
}
