//! Asked again, no model of this crate allocates.

mod common;

use common::{deterministic, fit, known, linear_world, small, spec};
use mbrl_core::{Belief, Key, MomentsMut, RowBuf, Scratch, Space, Spec, Task};
use mbrl_models::{
    BayesConfig, BayesianNetwork, Ensemble, LinearConfig, LinearFeatures, LinearPosterior, Oracle,
    TabularConfig, TabularPosterior, TargetNoise,
};
use mbrl_testkit::{CountingAlloc, allocations, check_model};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

#[test]
fn models_allocate_nothing_once_the_scratch_has_grown() {
    for entry in mbrl_envs::ALL {
        let spec = entry.spec();
        let model = Oracle::new(&spec, &entry.task(), entry.physics().unwrap()).unwrap();
        let mut env = entry.make();
        let mut state = RowBuf::zeros(8, spec.obs.dim());
        (0..8).for_each(|i| env.reset(Key::root(i as u64), state.row_mut(i)).unwrap());
        check_model(&model, state.view(), RowBuf::zeros(8, spec.act.dim()).view()).unwrap();
    }
    let spec = Spec::new(Space::discrete(4).unwrap(), Space::discrete(2).unwrap());
    let mut start = vec![0.0; 4];
    start[0] = 1.0;
    let mut posterior =
        TabularPosterior::new(&spec, start, vec![false; 4], TabularConfig::default()).unwrap();
    posterior.redraw(Key::root(0)).unwrap();
    check_model(posterior.model(), RowBuf::zeros(8, 1).view(), RowBuf::zeros(8, 1).view()).unwrap();
    let spec = Spec::new(Space::unbounded(3).unwrap(), Space::symmetric(2, 1.0).unwrap());
    let config = LinearConfig { features: LinearFeatures::Quadratic, ..LinearConfig::default() };
    let mut posterior = LinearPosterior::new(&spec, &Task::unknown(), config).unwrap();
    posterior.redraw(Key::root(0)).unwrap();
    let (state, act, scratch) = (RowBuf::zeros(8, 3), RowBuf::zeros(8, 2), &mut Scratch::default());
    check_model(posterior.model(), state.view(), act.view()).unwrap();
    let (mut mean, mut variance) = (vec![0.0; 8 * 4 * 7], vec![0.0; 8 * 4 * 7]);
    let mut ask = || {
        let out = MomentsMut::new(&mut mean, &mut variance, 8, 4);
        posterior.spread().unwrap().moments(state.view(), act.view(), out, scratch).unwrap();
    };
    ask();
    assert_eq!(allocations(ask).1.count, 0);
}

/// On one thread: what it takes to share work between threads is theirs.
#[test]
fn learnt_networks_keep_the_contract_and_allocate_nothing() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let data = linear_world(300, Key::root(1));
        let spec = spec(data.dims());
        let (all, nothing, paid) =
            (known(), Task::unknown(), Task::unknown().rewarding(|_, act, _| -act[0] * act[0]));
        let bayes = BayesConfig { members: 3, hidden: vec![16], epochs: 2, ..BayesConfig::default() };
        let fixed = BayesConfig { noise: TargetNoise::Known { deviation: 0.1 }, ..bayes.clone() };
        let mut beliefs: Vec<(&str, Box<dyn Belief>)> = Vec::new();
        for (name, task) in [("known", &all), ("nothing known", &nothing), ("termination unknown", &paid)] {
            for config in [small(), deterministic()] {
                beliefs.push((name, Box::new(Ensemble::new(&spec, task, config, Key::root(0)).unwrap())));
            }
            for config in [bayes.clone(), fixed.clone()] {
                beliefs
                    .push((name, Box::new(BayesianNetwork::new(&spec, task, config, Key::root(0)).unwrap())));
            }
        }
        for (name, mut belief) in beliefs {
            let (state, act) = (data.obs.view(), data.act.view());
            // More rows of a member than a block of them holds.
            check_model(belief.model(), state, act)
                .unwrap_or_else(|error| panic!("{name}, unfitted: {error}"));
            fit(&mut *belief, &data, Key::root(2)).unwrap();
            check_model(belief.model(), state, act).unwrap_or_else(|error| panic!("{name}: {error}"));
            let spread = belief.spread().unwrap();
            let len = 300 * spread.members() * spread.moment_dim();
            let (mut mean, mut variance, scratch) = (vec![0.0; len], vec![0.0; len], &mut Scratch::default());
            let mut ask = || {
                let out = MomentsMut::new(&mut mean, &mut variance, 300, spread.moment_dim());
                spread.moments(state, act, out, scratch).unwrap();
            };
            ask();
            assert_eq!(allocations(ask).1.count, 0, "{name}");
        }
    });
}
