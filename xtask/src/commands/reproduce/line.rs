//! A noisy line with a gap in its data, and an ensemble that is fitted to it.

use super::Scale;
use mbrl_core::{
    Belief, Dims, End, FitData, Key, MomentsMut, NoiseBuf, NoiseSpec, NullRecorder, Origin, Result, RowBuf,
    Scratch, Space, Spec, Spread, Task, Transition, TransitionBatch,
};
use mbrl_models::{
    Bounds, Ensemble, EnsembleConfig, Likelihood, Stop, Targets, UncertaintySpec, uncertainty,
};

/// Where there are data: on both sides of a gap.
const DATA: [[f64; 2]; 2] = [[-4.0, -1.0], [1.0, 4.0]];
const ROWS: usize = 600;
pub(super) const SEEDS: u64 = 5;
/// Points of a curve from `ENDS[0]` to `ENDS[1]`.
const GRID: usize = 241;
pub(super) const ENDS: [f64; 2] = [-6.0, 6.0];

/// The line.
pub(super) fn truth(x: f64) -> f64 {
    (1.5 * x).sin() + 0.3 * x
}

/// The deviation of what comes from it: it grows from left to right.
pub(super) fn noise(x: f64) -> f64 {
    0.05 + 0.35 / (1.0 + (-2.0 * x).exp())
}

/// Data of a seed, and an ensemble that was fitted to them.
pub(super) fn fitted(key: Key, scale: Scale) -> Result<(TransitionBatch, Ensemble)> {
    let data = data(key.child("data"));
    let spec = Spec::new(Space::unbounded(1)?, Space::symmetric(1, 1.0)?);
    // A step leads from x to x + y: what is learnt is the change, and nothing else is to be.
    let task = Task::unknown().rewarding(|_, _, _| 0.0).terminating(|_, _, _| false);
    let epochs = if scale == Scale::Quick { 5 } else { 1500 };
    let config = EnsembleConfig {
        hidden: vec![64; 2],
        decay: vec![],
        batch: 32,
        // Half weighed by variances: by likelihood alone, what is hard to fit at first is taken for noise and stays so.
        likelihood: Likelihood::Gaussian { bounds: Bounds::Learnt, bounds_penalty: 0.01, beta: 0.5 },
        targets: Targets::Normalized,
        stop: Stop { improvement: 0.001, patience: 150, max_epochs: Some(epochs) },
        ..EnsembleConfig::default()
    };
    let mut ensemble = Ensemble::new(&spec, &task, config, key.child("model"))?;
    let rows: Vec<u32> = (0..data.len() as u32).collect();
    ensemble.fit(FitData { data: &data, train: &rows, holdout: &[] }, key.child("fit"), &mut NullRecorder)?;
    Ok((data, ensemble))
}

/// Points of the line and their noise, as transitions from x to x + y in ascending order of x.
fn data(key: Key) -> TransitionBatch {
    let mut draws = NoiseBuf::default();
    draws.fill(NoiseSpec { normals: 1, uniforms: 1 }, ROWS, key);
    let draws = draws.view();
    let wide: f64 = DATA.iter().map(|[low, high]| high - low).sum();
    let place = |uniform: f32| {
        let mut along = wide * f64::from(uniform);
        for [low, high] in DATA {
            if along <= high - low {
                return low + along;
            }
            along -= high - low;
        }
        DATA[1][1]
    };
    let mut points: Vec<(f64, f64)> = (0..ROWS)
        .map(|i| {
            let x = place(draws.uniforms.row(i)[0]);
            (x, truth(x) + noise(x) * f64::from(draws.normals.row(i)[0]))
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    moves(points)
}

/// Transitions from x to x + y.
fn moves(points: impl IntoIterator<Item = (f64, f64)>) -> TransitionBatch {
    let mut moves = TransitionBatch::new(Dims { obs: 1, act: 1 });
    for (x, y) in points {
        let (obs, next_obs) = ([x as f32], [(x + y) as f32]);
        let (reward, end, origin) = (0.0, End::Truncated, Origin::World);
        moves.push(Transition { obs: &obs, act: &[0.0], next_obs: &next_obs, reward, end, origin });
    }
    moves
}

/// The points at which a model is asked.
pub(super) fn grid() -> Vec<f64> {
    (0..GRID).map(|i| ENDS[0] + (ENDS[1] - ENDS[0]) * i as f64 / (GRID - 1) as f64).collect()
}

/// The truth at those points, as transitions.
pub(super) fn true_moves() -> TransitionBatch {
    moves(grid().into_iter().map(|x| (x, truth(x))))
}

/// What the members of a model say along the line.
pub(super) struct Foretold {
    pub(super) xs: Vec<f64>,
    members: usize,
    means: Vec<f32>,
    variances: Vec<f32>,
}

impl Foretold {
    pub(super) fn by(model: &dyn Spread) -> Result<Self> {
        let (xs, members) = (grid(), model.members());
        let state = RowBuf::from_vec(xs.iter().map(|x| *x as f32).collect(), 1)?;
        let (mut means, mut variances) = (vec![0.0; members * GRID], vec![0.0; members * GRID]);
        let out = MomentsMut::new(&mut means, &mut variances, GRID, 1);
        model.moments(state.view(), RowBuf::zeros(GRID, 1).view(), out, &mut Scratch::default())?;
        Ok(Foretold { xs, members, means, variances })
    }

    /// A measure of uncertainty at each point.
    pub(super) fn measured(&mut self, spec: UncertaintySpec) -> Result<Vec<f64>> {
        let moments = MomentsMut::new(&mut self.means, &mut self.variances, GRID, 1);
        let mut measured = vec![0.0; GRID];
        uncertainty(spec, moments.view(), 1, &[], &mut measured)?;
        Ok(measured.into_iter().map(f64::from).collect())
    }

    /// What each member says of y at a point: its mean, and its variance.
    pub(super) fn at(&self, row: usize) -> impl Iterator<Item = [f64; 2]> {
        let of = move |member| {
            let at = member * GRID + row;
            [f64::from(self.means[at]) - self.xs[row], f64::from(self.variances[at])]
        };
        (0..self.members).map(of)
    }
}
