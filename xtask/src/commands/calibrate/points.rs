//! Sets of moves at which a model is held against the truth.

use super::imagine::Dreams;
use super::subject::{Model, Subject};
use mbrl_core::{
    Context, Dataset, DynamicsModel, End, Error, Key, Mode, ModelInput, ModelOutput, NoiseBuf, Origin,
    Policy, Result, RowBuf, Rows, Scratch, TransitionBatch, UniformPolicy,
};
use mbrl_models::{
    CALIBRATION_LEVELS, Calibration, ErrorCurve, MeasureRank, Oracle, RankSpec, calibration, error_curve,
    rank_correlation,
};
use serde::Serialize;

/// A set of moves, and what came of holding the model against them.
#[derive(Serialize)]
pub(super) struct Points {
    pub(super) name: &'static str,
    /// What is done where.
    #[serde(skip)]
    pub(super) says: &'static str,
    #[serde(flatten)]
    pub(super) judged: Judged,
}

/// What came of it, or why nothing did.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Judged {
    Found(Box<Truth>),
    Nothing { absent: String },
}

/// How the model's doubt is related to its error.
#[derive(Serialize)]
pub(super) struct Truth {
    pub(super) rows: usize,
    pub(super) mean_error: f64,
    /// Of each measure; none where it says the same everywhere.
    pub(super) ranks: Vec<MeasureRank>,
    pub(super) calibration: Calibration,
    pub(super) curves: Vec<ErrorCurve>,
}

/// No set has more moves than these, so that the time it takes is known.
const MOST: usize = 4_000;
/// Parts of a curve.
const BINS: usize = 10;

/// Held-out moves; those that imagination makes, from the second step on; and random ones where the held-out data are.
pub(super) fn points(subject: &Subject, dreams: &Result<Dreams>, key: Key) -> Result<Vec<Points>> {
    let model = subject.model()?;
    let held = thinned(&subject.held)?;
    let judged = |moves: Result<TransitionBatch>| {
        let found = moves.and_then(|moves| Truth::of(model, &moves));
        found.map_or_else(
            |error| Judged::Nothing { absent: error.to_string() },
            |truth| Judged::Found(Box::new(truth)),
        )
    };
    let imagined = || imagined(subject, dreams, key.child("imagined"));
    let random = || random(subject, &held, key.child("random"));
    Ok(vec![
        Points {
            name: "held-out",
            says: "moves that the model was not fitted to",
            judged: judged(Ok(held.clone())),
        },
        Points { name: "imagined", says: "what is done where imagination leads", judged: judged(imagined()) },
        Points { name: "random", says: "random actions in held-out states", judged: judged(random()) },
    ])
}

impl Truth {
    fn of(model: Model<'_>, moves: &TransitionBatch) -> Result<Self> {
        let rows: Vec<u32> = (0..moves.len() as u32).collect();
        let ranked = rank_correlation(model.spread, moves, &rows, RankSpec::default())?;
        Ok(Truth {
            rows: ranked.rows,
            mean_error: ranked.mean_error,
            ranks: ranked.measures,
            calibration: calibration(model.spread, moves, &rows, &CALIBRATION_LEVELS)?,
            curves: error_curve(model.spread, moves, &rows, RankSpec::default(), BINS)?,
        })
    }

    /// How much larger than the mean the error is among the moves of most doubt, by each measure: a tenth of them, or more
    /// where they are in equal doubt.
    pub(super) fn of_most_doubt(&self, measure: usize) -> Option<f64> {
        let last = self.curves.get(measure)?.bins.last()?;
        (self.mean_error > 0.0).then(|| last.mean / self.mean_error)
    }

    /// The share of what came that is in the central interval of this level.
    pub(super) fn coverage(&self, level: f64) -> Option<f64> {
        let at = self.calibration.levels.iter().position(|l| (l - level).abs() < 1e-9)?;
        self.calibration.pooled.coverage.get(at).copied()
    }
}

/// Evenly spaced rows, as many as a set may have.
fn thinned(data: &TransitionBatch) -> Result<TransitionBatch> {
    let stride = data.len().div_ceil(MOST).max(1);
    let rows: Vec<u32> = (0..data.len() as u32).step_by(stride).collect();
    let mut batch = TransitionBatch::new(data.dims());
    Dataset::gather(data, &rows, &mut batch)?;
    Ok(batch)
}

/// Those moves of rollouts that do not begin in the data, and what the world would make of them.
fn imagined(subject: &Subject, dreams: &Result<Dreams>, key: Key) -> Result<TransitionBatch> {
    let (oracle, dims) = (told(subject)?, subject.spec.dims());
    let dreams = dreams.as_ref().map_err(Error::invalid)?;
    if subject.model()?.spread.state_dim() != dims.obs {
        return Err(Error::unsupported(
            "the model's states are not observations, which alone the world can be asked about",
        ));
    }
    let (mut states, mut acts) = (RowBuf::new(dims.obs), RowBuf::new(dims.act));
    let moves = || dreams.first().flat_map(|dream| (1..dream.acts.len()).map(move |t| (dream, t)));
    let stride = moves().count().div_ceil(MOST).max(1);
    for (dream, t) in moves().step_by(stride) {
        states.push(dream.states.row(t));
        acts.push(dream.acts.row(t));
    }
    if states.is_empty() {
        return Err(Error::invalid("no rollout takes a second step: give a greater --length"));
    }
    came(oracle, states, acts, key).context("asking the world about imagined states")
}

/// Random actions in recorded states, and what the world makes of them.
fn random(subject: &Subject, held: &TransitionBatch, key: Key) -> Result<TransitionBatch> {
    let oracle = told(subject)?;
    let (policy, mut noise) = (UniformPolicy::new(&subject.spec)?, NoiseBuf::default());
    let mut acts = RowBuf::zeros(held.len(), subject.spec.dims().act);
    noise.fill(policy.noise_spec(), held.len(), key.child("policy"));
    let who = vec![0; held.len()];
    policy.act(
        held.obs.view(),
        &who,
        noise.view(),
        Mode::Sample,
        acts.view_mut(),
        &mut Scratch::default(),
    )?;
    came(oracle, held.obs.clone(), acts, key.child("world"))
}

fn told(subject: &Subject) -> Result<&Oracle> {
    subject.oracle.as_ref().map_err(Error::unsupported)
}

/// What the world makes of moves. Observations that are none of its own it takes for those that they are read as.
fn came(oracle: &Oracle, obs: RowBuf, act: RowBuf, key: Key) -> Result<TransitionBatch> {
    let n = obs.len();
    let mut noise = NoiseBuf::default();
    noise.fill(oracle.noise_spec(), n, key);
    let (mut next_obs, mut reward, mut end) =
        (RowBuf::zeros(n, obs.dim()), vec![0.0; n], vec![End::Running; n]);
    let (state, act_view): (Rows<'_>, Rows<'_>) = (obs.view(), act.view());
    let input =
        ModelInput { state, act: act_view, member: &vec![0; n], noise: noise.view(), mode: Mode::Sample };
    let out = ModelOutput { next_state: next_obs.view_mut(), reward: &mut reward, end: &mut end };
    oracle.step(input, out, &mut Scratch::default())?;
    Ok(TransitionBatch { obs, act, next_obs, reward, end, origin: vec![Origin::World; n] })
}
