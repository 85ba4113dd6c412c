//! Parameters that are changed in place: steps, clips, targets.
#![cfg(feature = "candle")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use candle_core::{Device, Tensor};
use mbrl_core::Key;
use mbrl_nn::*;

fn network(members: usize) -> Network {
    let net = Mlp::new(3, &[16, 16], 2, Activation::Silu).unwrap().with_norm(Norm::Layer);
    Network::new(net, members, Init::UniformFanIn, Key::root(5), &Device::Cpu).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn loss(network: &Network) -> Tensor {
    let x = Tensor::arange(-1.0f32, 2.0, &Device::Cpu).unwrap().reshape((1, 1, 3)).unwrap();
    network.forward(&x).unwrap().sqr().unwrap().sum_all().unwrap()
}

#[test]
fn steps_through_the_variable_are_steps_on_slices() {
    for (clip, mode) in [(None, DecayMode::Penalty), (Some(0.3), DecayMode::Decoupled)] {
        let mut network = network(3);
        let config = AdamConfig { decay: mode, ..AdamConfig::default() };
        let decay = decay_by_layer(network.shape(), &[1e-3, 2e-3, 3e-3]).unwrap();
        let mut theta = network.theta().unwrap();
        let (mut ours, mut plain) = (Adam::new(theta.len()), Adam::new(theta.len()));
        for _ in 0..5 {
            let mut found = gradients(&loss(&network)).unwrap();
            let gradient = found.get(network.parameters().tensor()).unwrap();
            let mut gradient = gradient.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            if let Some(max) = clip {
                let norm = network.clip(&mut found, max).unwrap();
                assert_eq!(norm.to_bits(), clip_norm(&mut gradient, max).to_bits());
                assert!(norm > f64::from(max));
            }
            network.step(&mut ours, &config, &found, &decay).unwrap();
            let params = network.shape().params();
            plain.step(&config, &mut theta, &gradient, params, &decay).unwrap();
            assert_eq!(bits(&network.theta().unwrap()), bits(&theta));
            assert_eq!((bits(&ours.mean), bits(&ours.square)), (bits(&plain.mean), bits(&plain.square)));
            assert_eq!(ours.steps, plain.steps);
        }
    }
}

#[test]
fn a_short_gradient_is_not_clipped() {
    let network = network(1);
    let mut found = gradients(&loss(&network)).unwrap();
    let before = found.get(network.parameters().tensor()).unwrap().id();
    network.clip(&mut found, 1e6).unwrap();
    assert!(found.get(network.parameters().tensor()).unwrap().id() == before);
}

#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    let mut network = network(3);
    let params = network.shape().params();
    let mut found = gradients(&loss(&network)).unwrap();
    let mut bad = vec![0.0f32; 3 * params];
    bad[2 * params + 7] = f32::INFINITY;
    let bad = Tensor::from_vec(bad, (3, params), &Device::Cpu).unwrap();
    found.insert(network.parameters().tensor(), bad);
    let (theta, mut adam) = (network.theta().unwrap(), Adam::new(3 * params));
    let error = network.step(&mut adam, &AdamConfig::default(), &found, &[]).unwrap_err();
    assert!(error.is_non_finite() && error.to_string().contains("parameter 7 of member 2 is inf"), "{error}");
    assert_eq!(bits(&network.theta().unwrap()), bits(&theta));
    assert_eq!(adam, Adam::new(3 * params));
}

#[test]
fn a_step_without_its_gradient_or_memory_is_refused() {
    let (mut network, other) = (network(1), network(1));
    let found = gradients(&loss(&other)).unwrap();
    let mut adam = Adam::new(other.theta().unwrap().len());
    let error = network.step(&mut adam, &AdamConfig::default(), &found, &[]).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("no gradient of these parameters"), "{error}");
    let found = gradients(&loss(&network)).unwrap();
    let error = network.step(&mut Adam::new(3), &AdamConfig::default(), &found, &[]).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("3 means"), "{error}");
}

#[test]
fn targets_follow() {
    let network = network(2);
    let mut target = network.duplicate().unwrap();
    target.set_theta(&vec![1.0; 2 * network.shape().params()]).unwrap();
    let (theta, mut plain) = (network.theta().unwrap(), target.theta().unwrap());
    polyak(&mut plain, &theta, 0.25).unwrap();
    network.polyak_onto(&mut target, 0.25).unwrap();
    assert_eq!(bits(&target.theta().unwrap()), bits(&plain));
    assert_eq!(bits(&network.theta().unwrap()), bits(&theta));
    let mut smaller = self::network(1);
    assert!(network.polyak_onto(&mut smaller, 0.5).unwrap_err().to_string().contains("`duplicate`"));
    assert!(target.set_theta(&theta[1..]).unwrap_err().is_invalid());
}

#[test]
fn parameters_must_have_a_shape() {
    let net = Mlp::new(3, &[4], 2, Activation::Relu).unwrap();
    assert!(Network::from_theta(net.clone(), vec![0.0; 5], &Device::Cpu).unwrap_err().is_invalid());
    assert!(Network::new(net, 0, Init::default(), Key::root(0), &Device::Cpu).unwrap_err().is_invalid());
    assert!(Parameters::new(&[2, 3], vec![0.0; 5], &Device::Cpu).unwrap_err().is_invalid());
    let mut single = Parameters::new(&[], vec![0.5], &Device::Cpu).unwrap();
    single
        .edit(|values| {
            values[0] *= 2.0;
            Ok(())
        })
        .unwrap();
    assert_eq!(single.tensor().to_scalar::<f32>().unwrap().to_bits(), 1.0f32.to_bits());
}

#[test]
fn learnt_bounds_and_a_loss_of_ones_own() {
    let head = GaussianHead { dim: 2 };
    let net = Mlp::new(3, &[8], 4, Activation::Silu).unwrap();
    head.check(&net).unwrap();
    let mut network = Network::new(net, 2, Init::UniformFanIn, Key::root(1), &Device::Cpu).unwrap();
    let mut bounds = Parameters::new(&[4], head.bounds(), &Device::Cpu).unwrap();
    let x = Tensor::arange(0.0f32, 15.0, &Device::Cpu).unwrap().affine(0.1, -0.7).unwrap();
    let x = x.reshape((1, 5, 3)).unwrap();
    let target: Vec<f32> = (0..10).map(|i| (i as f32).sin()).collect();
    let target = Tensor::from_vec(target, (1, 5, 2), &Device::Cpu).unwrap();

    // The same as the fused loss, member by member.
    let y = network.forward(&x).unwrap();
    let (mean, log_var) = head.apply(&y, bounds.tensor()).unwrap();
    let squares = mean.broadcast_sub(&target).unwrap().sqr().unwrap();
    let terms = ((squares * log_var.neg().unwrap().exp().unwrap()).unwrap() + &log_var).unwrap();
    let loss = terms.mean(2).unwrap().mean(1).unwrap().sum_all().unwrap();
    let found = gradients(&loss).unwrap();

    let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (all, target) = (numbers(&y), numbers(&target));
    let (mut dy, mut dbounds, mut sum) = (vec![0.0; all.len()], vec![0.0; 4], 0.0);
    for (y, dy) in all.chunks(20).zip(dy.chunks_mut(20)) {
        sum += head.loss(y, &target, &head.bounds(), 0.0, dy, &mut dbounds).loss;
    }
    assert!((f64::from(loss.to_scalar::<f32>().unwrap()) - sum).abs() < 1e-5);
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(near(&numbers(found.get(bounds.tensor()).unwrap()), &dbounds));
    let (mut mu, mut variance) = (vec![0.0; 20], vec![0.0; 20]);
    head.moments(&all, &head.bounds(), &mut mu, &mut variance);
    assert!(near(&numbers(&log_var.exp().unwrap()), &variance));
    let y = candle_core::Var::from_tensor(&y.detach()).unwrap();
    let (_, log_var) = head.apply(&y, bounds.tensor()).unwrap();
    assert!(gradients(&log_var.sum_all().unwrap()).unwrap().get(&y).is_some());

    // Both learn, each with a memory of its own.
    let (mut adam, mut small) = (Adam::new(network.theta().unwrap().len()), Adam::new(4));
    network.step(&mut adam, &AdamConfig::default(), &found, &[]).unwrap();
    bounds.step(&mut small, &AdamConfig::default(), &found, &[]).unwrap();
    let mut after = Vec::new();
    bounds.copy_to(&mut after).unwrap();
    assert!(after.iter().zip(head.bounds()).all(|(a, b)| (a - b).abs() > 5e-4));

    let wrong = Tensor::zeros((1, 5, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(head.apply(&wrong, bounds.tensor()).unwrap_err().to_string().contains("[.., 4] and [4]"));
}

#[test]
fn networks_go_to_other_threads() {
    fn both<T: Send + Sync>(_: &T) {}
    let network = network(1);
    both(&network);
    let here = loss(&network).to_scalar::<f32>().unwrap();
    let there = std::thread::scope(|scope| {
        let loss = loss(&network);
        scope.spawn(move || gradients(&loss).map(|_| loss.to_scalar::<f32>().unwrap())).join().unwrap()
    });
    assert_eq!(here.to_bits(), there.unwrap().to_bits());
}
