//! A network call as an operation of candle: its values, its gradients, and what it refuses.
#![cfg(feature = "candle")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use candle_core::{DType, Device, Tensor, Var};
use mbrl_core::{Key, NoiseBuf, NoiseSpec, RowBuf, Rows};
use mbrl_nn::*;

fn normals(len: usize, key: Key) -> Vec<f32> {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, len, key);
    noise.view().normals.as_slice().to_vec()
}

fn input(groups: usize, rows: usize, dim: usize) -> Tensor {
    let x = normals(groups * rows * dim, Key::root(3));
    Tensor::from_vec(x, (groups, rows, dim), &Device::Cpu).unwrap()
}

fn network(members: usize) -> Network {
    let net = Mlp::new(3, &[16, 16], 2, Activation::Silu).unwrap();
    Network::new(net, members, Init::UniformFanIn, Key::root(5), &Device::Cpu).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn mean_square(y: &Tensor) -> Tensor {
    y.sqr().unwrap().mean_all().unwrap()
}

#[test]
fn the_operation_is_the_kernel_to_the_bit() {
    let network = network(4);
    let (theta, x) = (network.theta().unwrap(), input(2, 70, 3));
    let mut y = vec![0.0; 4 * 70 * 2];
    network.shape().forward(&theta, &numbers(&x), 70, &mut y).unwrap();
    assert_eq!(bits(&numbers(&network.forward(&x).unwrap())), bits(&y));
    assert_eq!(bits(&numbers(&network.forward_frozen(&x).unwrap())), bits(&y));
    // The second call has the tapes of the first, even for fewer rows.
    let fewer = x.narrow(1, 0, 5).unwrap();
    let mut z = vec![0.0; 4 * 5 * 2];
    network.shape().forward(&theta, &numbers(&fewer), 5, &mut z).unwrap();
    assert_eq!(bits(&numbers(&network.forward(&fewer).unwrap())), bits(&z));
}

#[test]
fn gradients_are_finite_differences() {
    let network = network(2);
    let x = Var::from_tensor(&input(1, 4, 3)).unwrap();
    let loss = |x: &Tensor, theta: &Tensor| {
        let y = network.shape().apply(x, theta).unwrap();
        mean_square(&(y.tanh().unwrap() + 0.5).unwrap())
    };
    let theta = network.parameters().tensor();
    let found = gradients(&loss(&x, theta)).unwrap();
    let at = |tensor: &Tensor, i: usize, by: f32| {
        let mut values = numbers(tensor);
        values[i] += by;
        Tensor::from_vec(values, tensor.shape(), &Device::Cpu).unwrap()
    };
    let step = 1e-2;
    for i in 0..12 {
        let side = |by| loss(&at(&x, i, by), theta).to_scalar::<f32>().unwrap();
        let slope = (side(step) - side(-step)) / (2.0 * step);
        assert!((numbers(found.get(&x).unwrap())[i] - slope).abs() < 1e-3);
    }
    for i in (0..theta.elem_count()).step_by(29) {
        let side = |by| loss(&x, &at(theta, i, by)).to_scalar::<f32>().unwrap();
        let slope = (side(step) - side(-step)) / (2.0 * step);
        assert!((numbers(found.get(theta).unwrap())[i] - slope).abs() < 1e-3);
    }
}

#[test]
fn gradients_pass_through_one_network_into_another() {
    // An actor's loss: the critic's parameters stay out of it.
    let net = |input, output| Mlp::new(input, &[8], output, Activation::Tanh).unwrap();
    let actor = Network::new(net(3, 2), 1, Init::UniformFanIn, Key::root(1), &Device::Cpu).unwrap();
    let critics = Network::new(net(5, 1), 2, Init::UniformFanIn, Key::root(2), &Device::Cpu).unwrap();
    let obs = input(1, 6, 3);
    let loss = |theta: &Tensor| {
        let act = actor.shape().apply(&obs, theta).unwrap().tanh().unwrap();
        let both = Tensor::cat(&[&obs, &act], 2).unwrap();
        critics.forward_frozen(&both).unwrap().min(0).unwrap().mean_all().unwrap()
    };
    let theta = actor.parameters().tensor();
    let found = gradients(&loss(theta)).unwrap();
    assert!(found.get(critics.parameters().tensor()).is_none());
    let gradient = numbers(found.get(theta).unwrap());
    assert!(gradient.iter().any(|g| g.abs() > 1e-4));
    let step = 1e-2;
    for i in 0..theta.elem_count() {
        let side = |by: f32| {
            let mut values = numbers(theta);
            values[i] += by;
            loss(&Tensor::from_vec(values, theta.shape(), &Device::Cpu).unwrap()).to_scalar::<f32>().unwrap()
        };
        assert!((gradient[i] - (side(step) - side(-step)) / (2.0 * step)).abs() < 2e-3, "{i}");
    }
}

#[test]
fn changed_parameters_are_refused() {
    type Change = fn(&mut Network);
    let changes: [Change; 3] = [
        |network| {
            let theta = network.theta().unwrap();
            network.set_theta(&theta).unwrap();
        },
        |network| {
            let loss = mean_square(&network.forward(&input(1, 2, 3)).unwrap());
            let mut adam = Adam::new(network.theta().unwrap().len());
            let found = gradients(&loss).unwrap();
            network.step(&mut adam, &AdamConfig::default(), &found, &[]).unwrap();
        },
        |network| network.duplicate().unwrap().polyak_onto(network, 0.5).unwrap(),
    ];
    for change in changes {
        let mut network = network(2);
        let x = Var::from_tensor(&input(1, 4, 3)).unwrap();
        let losses = [network.forward(&x), network.forward_frozen(&x)].map(|y| mean_square(&y.unwrap()));
        change(&mut network);
        for loss in &losses {
            let error = gradients(loss).unwrap_err();
            assert!(error.is_stale() && error.to_string().contains("go forward again"), "{error}");
            // Whoever calls candle himself is told the same.
            assert!(loss.backward().unwrap_err().to_string().contains("go forward again"));
        }
        gradients(&mean_square(&network.forward(&x).unwrap())).unwrap();
    }
}

#[test]
fn a_graph_may_be_gone_through_again() {
    let network = network(3);
    let x = Var::from_tensor(&input(3, 9, 3)).unwrap();
    let y = network.forward(&x).unwrap();
    let losses = [mean_square(&y), y.sum_all().unwrap(), mean_square(&y)];
    let [first, other, again] = losses.map(|loss| {
        let found = gradients(&loss).unwrap();
        [found.get(&x), found.get(network.parameters().tensor())].map(|g| bits(&numbers(g.unwrap())))
    });
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn a_second_derivative_is_an_error_and_not_zero() {
    let network = network(1);
    let x = Var::from_tensor(&input(1, 4, 3)).unwrap();
    let theta = network.parameters().tensor();
    let found = gradients(&mean_square(&network.forward(&x).unwrap())).unwrap();
    for of in [theta, x.as_tensor()] {
        let error = gradients(&mean_square(found.get(of).unwrap())).unwrap_err();
        assert!(error.is_unsupported() && error.to_string().contains("`jvp`"), "{error}");
    }
    // As a plain number a gradient may be used for anything.
    let number = found.get(theta).unwrap().detach();
    let loss = mean_square(&(theta - number).unwrap());
    gradients(&loss).unwrap();
}

#[test]
fn only_what_is_tracked_gets_a_gradient() {
    let network = network(1);
    let (x, held) = (input(1, 4, 3), Var::from_tensor(&input(1, 4, 3)).unwrap());
    let found = gradients(&mean_square(&network.forward(&x).unwrap())).unwrap();
    assert!(found.get(&x).is_none() && found.get(network.parameters().tensor()).is_some());
    let found = gradients(&mean_square(&network.forward_frozen(&held).unwrap())).unwrap();
    assert!(found.get(&held).is_some() && found.get(network.parameters().tensor()).is_none());
    assert!(!network.forward_frozen(&x).unwrap().track_op());
}

#[test]
fn a_strided_input_is_copied() {
    let network = network(1);
    let x = Var::from_tensor(&input(1, 4, 3)).unwrap();
    let sideways = Var::from_tensor(&x.transpose(1, 2).unwrap().contiguous().unwrap()).unwrap();
    let strided = sideways.transpose(1, 2).unwrap();
    assert!(!strided.is_contiguous());
    let [a, b] = [x.as_tensor(), &strided].map(|x| network.forward(x).unwrap());
    assert_eq!(bits(&numbers(&a)), bits(&numbers(&b)));
    // So is a strided gradient on its way back.
    let [a, b] = [a, b].map(|y| {
        let loss = (y.t().unwrap()
            * Tensor::arange(0.0f32, 8.0, &Device::Cpu).unwrap().reshape((1, 2, 4)).unwrap())
        .unwrap();
        gradients(&loss.sum_all().unwrap()).unwrap()
    });
    let b = b.get(&sideways).unwrap().transpose(1, 2).unwrap().contiguous().unwrap();
    assert_eq!(bits(&numbers(a.get(&x).unwrap())), bits(&numbers(&b)));
    // A part of a larger tensor starts somewhere else.
    let larger = Tensor::cat(&[&input(1, 2, 3), x.as_tensor()], 1).unwrap();
    let part = network.forward(&larger.narrow(1, 2, 4).unwrap()).unwrap();
    assert_eq!(bits(&numbers(&part)), bits(&numbers(&network.forward(&x).unwrap())));
}

#[test]
fn no_rows_are_rows_too() {
    let network = network(2);
    let x = Tensor::zeros((1, 0, 3), DType::F32, &Device::Cpu).unwrap();
    let y = network.forward(&x).unwrap();
    assert_eq!(y.dims(), [2, 0, 2]);
    let found = gradients(&y.sum_all().unwrap()).unwrap();
    assert!(numbers(found.get(network.parameters().tensor()).unwrap()).iter().all(|g| g.abs() < 1e-30));
}

#[test]
fn what_does_not_fit_is_refused_in_one_line() {
    let network = network(4);
    let error = |x: Tensor| {
        let error = network.forward(&x).unwrap_err();
        assert!(error.is_invalid(), "{error:?}");
        let error = error.to_string();
        assert!(!error.contains('\n'));
        error
    };
    let of = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    assert!(error(of(&[5, 3])).contains("[5, 3]"));
    assert!(error(of(&[1, 5, 4])).contains("give [groups, rows, 3]"));
    assert!(error(of(&[3, 5, 3])).contains("3 groups of inputs for 4 members"));
    assert!(error(of(&[0, 5, 3])).contains("0 groups"));
    assert!(error(of(&[1, 5, 3]).to_dtype(DType::F64).unwrap()).contains("hold F64: convert to F32"));
    assert!(error(of(&[1, 5, 3]).to_dtype(DType::U32).unwrap()).contains("U32"));
    let theta = Tensor::zeros((4, 7), DType::F32, &Device::Cpu).unwrap();
    assert!(network.shape().apply(&of(&[1, 5, 3]), &theta).unwrap_err().to_string().contains("[4, 7]"));
    let y = network.forward(&of(&[1, 5, 3])).unwrap();
    assert!(gradients(&y).unwrap_err().to_string().contains("reduce it to one number"));
}

#[test]
fn rows_become_tensors_and_come_back() {
    let data = normals(24, Key::root(9));
    let rows = Rows::new(&data, 4).unwrap();
    let tensor = tensor_of(rows, 2, &Device::Cpu).unwrap();
    assert_eq!(tensor.dims(), [2, 3, 4]);
    let mut out = RowBuf::default();
    rows_of(&tensor, &mut out).unwrap();
    assert_eq!(out.view(), rows);
    rows_of(&tensor.transpose(0, 1).unwrap(), &mut out).unwrap();
    assert_eq!(out.row(1), rows.row(3));
    assert!(tensor_of(rows, 4, &Device::Cpu).unwrap_err().is_invalid());
    assert!(tensor_of(rows, 0, &Device::Cpu).unwrap_err().is_invalid());
    assert!(rows_of(&tensor.to_dtype(DType::F64).unwrap(), &mut out).unwrap_err().is_invalid());
}

#[test]
fn parameters_that_nobody_watches_are_those_of_the_way_forward() {
    let net = Mlp::new(2, &[3], 1, Activation::Tanh).unwrap();
    let theta = Init::UniformFanIn.parameters(&net, 1, Key::root(0));
    let gradient = |change: bool| {
        let network = Network::from_theta(net.clone(), theta.clone(), &Device::Cpu).unwrap();
        let mut parameters = network;
        let x = Tensor::ones((1, 4, 2), DType::F32, &Device::Cpu).unwrap();
        let watched = parameters.parameters().tensor().clone();
        let loss = net.apply(&x, &watched).unwrap().sqr().unwrap().sum_all().unwrap();
        if change {
            parameters.set_theta(&vec![0.25; theta.len()]).unwrap();
        }
        let found = gradients(&loss).unwrap();
        found.get(&watched).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let (before, after) = (gradient(false), gradient(true));
    assert!(before.iter().zip(&after).all(|(a, b)| a.to_bits() == b.to_bits()));
}
