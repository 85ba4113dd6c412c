//! A whole update of soft actor-critic for a population of agents, from the drawing of its rows on.

use mbrl_agents::{Discount, SacBatch, SacConfig, SacLearner};
use mbrl_buffer::ReplayBuffer;
use mbrl_core::{Dims, End, Key, NoiseBuf, NoiseSpec, Origin, Space, Spec, Transition, TransitionBatch};

/// Sizes of an update.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) agents: usize,
    pub(crate) obs: usize,
    pub(crate) act: usize,
    pub(crate) width: usize,
    pub(crate) batch: usize,
}

impl Sizes {
    /// FLOPs of the products of an update: the actor forward twice and back to its parameters, the critics forward three
    /// times, back to their parameters once, and back to the action once (both of them, as everyone computes it, though each
    /// row needs but the smaller one's).
    pub(crate) const fn flops(&self) -> f64 {
        let Sizes { agents, obs, act, width, batch } = *self;
        let actor = self.actor();
        let critic = (obs + act) * width + width * width + width;
        let through = width * width + width;
        let actor_back = actor + width * width + width * 2 * act;
        let critics = 3 * critic + (critic + through) + (through + width * act);
        (2 * batch * agents * (2 * actor + actor_back + 2 * critics)) as f64
    }

    /// FLOPs of the products of every actor's outputs for a batch.
    pub(crate) const fn actor_flops(&self) -> f64 {
        (2 * self.batch * self.agents * self.actor()) as f64
    }

    /// Products a row of the actor.
    const fn actor(&self) -> usize {
        self.obs * self.width + self.width * self.width + self.width * 2 * self.act
    }
}

/// Rows of the replay.
const ROWS: usize = 100_000;
const GAMMA: f32 = 0.99;

/// A population, and the replay that all of it draws from.
pub(crate) struct Population {
    sizes: Sizes,
    learner: SacLearner,
    replay: ReplayBuffer,
    drawn: TransitionBatch,
    batch: SacBatch,
    updates: u64,
}

impl Population {
    pub(crate) fn new(sizes: Sizes) -> Self {
        let Sizes { agents, obs, act, width, batch } = sizes;
        let space = Space::symmetric(act, 1.0).expect("a box");
        let spec = Spec::new(Space::unbounded(obs).expect("numbers"), space);
        let config = SacConfig { hidden: vec![width; 2], batch, ..SacConfig::default() };
        let learner = SacLearner::new(config, &spec, agents, Key::root(0)).expect("a population");
        let dims = Dims { obs, act };
        let mut replay = ReplayBuffer::unordered(dims, ROWS).expect("a buffer");
        let mut noise = NoiseBuf::default();
        noise.fill(NoiseSpec { normals: 2 * obs + act + 2, uniforms: 0 }, ROWS, Key::root(1));
        for row in noise.view().normals.iter() {
            let (now, rest) = row.split_at(obs);
            let (next_obs, rest) = rest.split_at(obs);
            let action: Vec<f32> = rest[..act].iter().map(|x| x.tanh()).collect();
            let end = if rest[act + 1] > 2.0 { End::Terminated } else { End::Running };
            let (reward, origin) = (rest[act], Origin::World);
            let transition = Transition { obs: now, act: &action, next_obs, reward, end, origin };
            replay.push(transition).expect("a row");
        }
        let (drawn, batch) = (TransitionBatch::new(dims), SacBatch::default());
        Population { sizes, learner, replay, drawn, batch, updates: 0 }
    }

    /// One update of every agent.
    pub(crate) fn update(&mut self) -> mbrl_core::Result<()> {
        let Sizes { agents, batch: rows, .. } = self.sizes;
        let key = Key::root(2).at(self.updates);
        self.updates += 1;
        self.batch.reshape(agents, rows, self.replay.dims());
        let keys = key.child("batch").below();
        for agent in 0..agents {
            self.replay.sample(rows, keys.at(agent as u64), &mut self.drawn)?;
            self.batch.put(agent, &self.drawn, Discount::Gamma(GAMMA), self.learner.space())?;
        }
        self.learner.update(&self.batch, key).map(drop)
    }
}
