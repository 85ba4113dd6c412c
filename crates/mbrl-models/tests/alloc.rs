//! Asked again, no model of this crate allocates.

use mbrl_core::{Belief, Key, MomentsMut, RowBuf, Scratch, Space, Spec, Task};
use mbrl_models::{LinearConfig, LinearFeatures, LinearPosterior, Oracle, TabularConfig, TabularPosterior};
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
