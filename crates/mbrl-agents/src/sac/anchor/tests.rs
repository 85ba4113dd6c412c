//! The term against finite differences and against the distances that it bounds.

use super::super::{Discount, SacBatch, SacConfig};
use super::*;
use mbrl_bounds::divergence::gaussian::Gaussian;
use mbrl_bounds::divergence::inequalities::total_variation_from_kl;
use mbrl_core::{
    BoxSpace, Dims, End, Key, NoiseBuf, NoiseSpec, Origin, Space, Spec, Transition, TransitionBatch,
};
use mbrl_nn::{ActionUnits, Activation, AdamConfig};

/// Numbers that a key makes up.
fn normals(count: usize, key: Key) -> Vec<f32> {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: count, uniforms: 0 }, 1, key);
    noise.view().normals.as_slice().to_vec()
}

fn gaussian(mean: &[f32], deviation: &[f32]) -> Gaussian {
    let wide = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
    Gaussian::new(wide(mean), wide(deviation).into_iter().map(|x| x * x).collect()).unwrap()
}

#[test]
fn divergences_and_bounds_are_those_of_the_theory() {
    for (i, scale) in [1e-4f32, 1e-2, 0.3, 1.0, 4.0].into_iter().enumerate() {
        let u = normals(12, Key::root(0).at(i as u64));
        let (old_mean, old) = (&u[..3], u[3..6].iter().map(|x| x.exp()).collect::<Vec<_>>());
        let mean: Vec<f32> = old_mean.iter().zip(&u[6..]).map(|(m, x)| m + scale * x).collect();
        let deviation: Vec<f32> =
            old.iter().zip(&u[9..]).map(|(d, x)| d * (scale.min(1.0) * x).exp()).collect();
        let (found, p) = (kl([&mean, &deviation], [old_mean, &old]), gaussian(&mean, &deviation));
        let exact = p.kl(&gaussian(old_mean, &old)).unwrap();
        assert!((found - exact).abs() <= 1e-9 * exact + 1e-13, "{scale}: {found}, {exact}");
        let (bound, slope) = tv_bound(found);
        assert!((bound - total_variation_from_kl(found).unwrap()).abs() < 1e-12);
        assert!(bound >= p.total_variation_bounds(&gaussian(old_mean, &old)).unwrap()[0]);
        // Further off the bound is 1 to the last digit.
        if found < 20.0 {
            let step = 1e-6 * found;
            let differs = (tv_bound(found + step).0 - tv_bound(found - step).0) / (2.0 * step);
            assert!((slope / differs - 1.0).abs() < 1e-5, "{scale}: {slope}, {differs}");
        }
    }
    assert!(tv_bound(0.0).1 <= 0.0 && tv_bound(50.0).1 > 0.0 && tv_bound(1e4).0 <= 1.0);
}

/// Two agents, so that each has a furthest row of its own.
#[test]
fn the_gradient_is_that_of_finite_differences() {
    const ROWS: usize = 4;
    let soft = LogStd::Soft { low: -5.0, high: 2.0 };
    for (log_std, scale) in [(LogStd::default(), 0.02), (LogStd::default(), 1.5), (soft, 0.02), (soft, 1.5)] {
        let space = BoxSpace::new(vec![-1.0; 2], vec![1.0; 2]).unwrap();
        let head = SquashedHead::new(&space, log_std, ActionUnits::Tanh).unwrap();
        let net = Mlp::new(3, &[5], 4, Activation::Tanh).unwrap();
        let theta = normals(2 * net.params(), Key::root(1));
        let obs = normals(2 * ROWS * 3, Key::root(2));
        let mut anchor = Anchor { weight: 3.0, theta, log_std, ..Anchor::default() };
        let mut y = vec![0.0; 2 * ROWS * 4];
        net.forward(&anchor.theta, &obs, ROWS, &mut y).unwrap();
        // Where actors have not moved nothing pulls, and what was there is left as it was.
        let mut dy = vec![0.25; y.len()];
        anchor.pull(&net, &head, &obs, &y, &mut dy).unwrap();
        assert!(dy.iter().all(|d| d.to_bits() == 0.25f32.to_bits()));

        let old = y.clone();
        y.iter_mut().zip(normals(old.len(), Key::root(3))).for_each(|(y, x)| *y += scale * x);
        // The term, and the furthest row of each agent.
        let term = |y: &[f32]| -> (f64, [usize; 2]) {
            let mut normals: [Vec<f32>; 4] = std::array::from_fn(|_| vec![0.0; y.len() / 2]);
            let [mean, deviation, old_mean, old_deviation] = &mut normals;
            head.normals(y, mean, deviation);
            head.normals(&old, old_mean, old_deviation);
            let bound = |row: usize| {
                let [mean, deviation, old_mean, old_deviation] =
                    normals.each_ref().map(|x| &x[2 * row..2 * row + 2]);
                tv_bound(kl([mean, deviation], [old_mean, old_deviation])).0
            };
            let rows = [0, 1].map(|agent| {
                (agent * ROWS..(agent + 1) * ROWS).max_by(|&a, &b| bound(a).total_cmp(&bound(b))).unwrap()
            });
            (3.0 * (bound(rows[0]) + bound(rows[1])), rows)
        };
        let mut dy = vec![0.0; y.len()];
        anchor.pull(&net, &head, &obs, &y, &mut dy).unwrap();
        let mut compared = 0;
        for i in 0..y.len() {
            let step = 1e-3f32;
            let moved = |by: f32| {
                let mut moved = y.clone();
                moved[i] += by;
                term(&moved)
            };
            let ((above, first), (below, second)) = (moved(step), moved(-step));
            // A maximum has no slope where it goes from one row to another.
            if first != term(&y).1 || second != first {
                continue;
            }
            compared += 1;
            let differs = (above - below) / (2.0 * f64::from(step));
            let tolerance = 2e-2 * differs.abs() + 2e-3;
            assert!(
                (f64::from(dy[i]) - differs).abs() < tolerance,
                "{log_std:?} {scale} {i}: {} {differs}",
                dy[i]
            );
        }
        assert!(compared >= y.len() - 4, "{compared}");
        // One row of each agent, and its four outputs; none where the bound is 1 to the last digit.
        let pulled = dy.iter().filter(|d| d.abs() > 0.0).count();
        assert!(pulled <= 8 && (scale > 1.0 || pulled >= 4), "{pulled}");
    }
}

/// A distance that is no number is neither 0 nor passed over, whichever row has it.
#[test]
fn what_is_no_number_is_refused() {
    let (ones, other) = ([1.0f32; 2], [f32::NAN, 0.0]);
    assert!(kl([&other, &ones], [&ones, &ones]).is_nan() && tv_bound(f64::NAN).0.is_nan());
    assert!(kl([&ones, &ones], [&ones, &ones]).to_bits() == 0.0f64.to_bits());
    for distances in [[f64::NAN, 1.0], [1.0, f64::NAN]] {
        let most = distances.into_iter().fold(0.0, |most, x| if is_above(x, most) { x } else { most });
        assert!(most.is_nan(), "{distances:?}");
    }
    let space = BoxSpace::new(vec![-1.0], vec![1.0]).unwrap();
    let head = SquashedHead::new(&space, LogStd::default(), ActionUnits::Tanh).unwrap();
    let net = Mlp::new(3, &[5], 2, Activation::Tanh).unwrap();
    let (theta, obs) = (normals(net.params(), Key::root(1)), normals(9, Key::root(2)));
    let mut anchor = Anchor { weight: 1.0, theta, ..Anchor::default() };
    for row in 0..3 {
        let mut y = normals(6, Key::root(3));
        y[2 * row] = f32::NAN;
        let error = anchor.pull(&net, &head, &obs, &y, &mut [0.0; 6]).unwrap_err().to_string();
        assert!(error.contains(&format!("agent 0, row {row}")) && error.contains("learning rate"), "{error}");
    }
}

/// The same updates with and without an anchor.
#[test]
fn a_held_actor_stays_nearer_and_one_that_is_taken_back_is_what_it_was() {
    let spec = Spec::new(Space::unbounded(3).unwrap(), Space::symmetric(2, 1.0).unwrap());
    let dims = Dims { obs: 3, act: 2 };
    let adam = AdamConfig { lr: 1e-3, ..AdamConfig::default() };
    let config = SacConfig { hidden: vec![16], actor: adam, critic: adam, ..SacConfig::default() };
    let run = |weight: Option<f32>| {
        let mut learner = SacLearner::new(config.clone(), &spec, 1, Key::root(0)).unwrap();
        let first = learner.policy().theta().to_vec();
        let began = learner.log_temperature.clone();
        weight.into_iter().for_each(|weight| learner.hold(weight));
        let mut batch = SacBatch::default();
        batch.reshape(1, 32, dims);
        for update in 0..100 {
            let numbers = normals(32 * 9, Key::root(4).at(update));
            let mut from = TransitionBatch::new(dims);
            for u in numbers.chunks_exact(9) {
                let act = [u[3].tanh(), u[4].tanh()];
                let reward = -(act[0] - 0.9).powi(2) - (act[1] + 0.9).powi(2);
                let (obs, next_obs) = (&u[..3], &u[5..8]);
                from.push(Transition {
                    obs,
                    act: &act,
                    next_obs,
                    reward,
                    end: End::Terminated,
                    origin: Origin::World,
                });
            }
            batch.put(0, &from, Discount::Gamma(0.9), learner.space()).unwrap();
            learner.update(&batch, Key::root(5).at(update)).unwrap();
        }
        learner.let_go();
        let ended = learner.log_temperature.clone();
        assert_ne!(began, ended);
        let moved: f32 = learner.policy().theta().iter().zip(&first).map(|(a, b)| (a - b).abs()).sum();
        let nudged = learner.policy().theta().to_vec();
        learner.take_back();
        // Who was never held has nothing to go back to.
        let was = if weight.is_some() { (&first, &began) } else { (&nudged, &ended) };
        assert_eq!((&learner.policy().theta, &learner.log_temperature), was);
        (moved, nudged)
    };
    let [(free, first), (nothing, second), (held, _)] = [None, Some(0.0), Some(1e3)].map(run);
    assert!(held < 0.5 * free, "{held}, {free}");
    // A weight of nothing is no anchor, to the bit.
    assert!(nothing.to_bits() == free.to_bits() && first == second);
}
