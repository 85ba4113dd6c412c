//! A whole update of soft actor-critic for a population of agents: critics, actor, temperature, targets.

use mbrl_core::{BoxSpace, Key, NoiseBuf, NoiseSpec};
use mbrl_nn::{
    ActionUnits, Activation, Adam, AdamConfig, Gradients, Init, LogStd, Mlp, SquashedHead, Tape, polyak,
};

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
        let actor = obs * width + width * width + width * 2 * act;
        let critic = (obs + act) * width + width * width + width;
        let through = width * width + width;
        let actor_back = actor + width * width + width * 2 * act;
        let critics = 3 * critic + (critic + through) + (through + width * act);
        (2 * batch * agents * (2 * actor + actor_back + 2 * critics)) as f64
    }
}

const GAMMA: f32 = 0.99;
const TAU: f32 = 0.005;
/// Rows of the replay, and sets of row numbers drawn beforehand.
const ROWS: usize = 100_000;
const SETS: usize = 64;

/// A population and all that its update needs.
pub(crate) struct Population {
    sizes: Sizes,
    actor: Mlp,
    critic: Mlp,
    head: SquashedHead,
    theta: Vec<f32>,
    critics: Vec<f32>,
    targets: Vec<f32>,
    log_alpha: Vec<f32>,
    adams: [Adam; 3],
    replay: Replay,
    batch: Batch,
    tapes: Vec<Tape>,
    critic_tapes: Vec<Tape>,
    work: Work,
    updates: u64,
}

struct Replay {
    /// obs, act, next obs, reward and end, row by row.
    records: Vec<f32>,
    rows: Vec<u32>,
}

/// Each `[agents, batch, ..]`.
#[derive(Default)]
struct Batch {
    obs: Vec<f32>,
    next_obs: Vec<f32>,
    /// Observation and action.
    both: Vec<f32>,
    reward: Vec<f32>,
    mask: Vec<f32>,
}

#[derive(Default)]
struct Work {
    noise: NoiseBuf,
    y: Vec<f32>,
    dy: Vec<f32>,
    act: Vec<f32>,
    log_prob: Vec<f32>,
    /// Observation and an action of the actor's.
    both: Vec<f32>,
    q: Vec<f32>,
    target: Vec<f32>,
    dq: Vec<f32>,
    dboth: Vec<f32>,
    dact: Vec<f32>,
    dlog_prob: Vec<f32>,
    dtheta: Vec<f32>,
    dcritics: Vec<f32>,
}

impl Population {
    pub(crate) fn new(sizes: Sizes) -> Self {
        let Sizes { agents, obs, act, width, batch } = sizes;
        let net = |input, output| Mlp::new(input, &[width; 2], output, Activation::Relu).expect("a network");
        let (actor, critic) = (net(obs, 2 * act), net(obs + act, 1));
        let space = BoxSpace::new(vec![-1.0; act], vec![1.0; act]).expect("a box");
        let key = Key::root(0);
        let theta = Init::GlorotUniform.parameters(&actor, agents, key.child("actor"));
        let critics = Init::GlorotUniform.parameters(&critic, 2 * agents, key.child("critics"));
        let record = 2 * obs + act + 2;
        let mut noise = NoiseBuf::default();
        noise.fill(NoiseSpec { normals: record, uniforms: 0 }, ROWS, key.child("replay"));
        let mut records = noise.view().normals.as_slice().to_vec();
        for record in records.chunks_exact_mut(record) {
            record[obs..obs + act].iter_mut().for_each(|act| *act = act.tanh());
            record[2 * obs + act + 1] = if record[2 * obs + act + 1] > 2.0 { 1.0 } else { 0.0 };
        }
        let below = key.child("rows").below();
        let rows =
            (0..(SETS * agents * batch) as u64).map(|i| (below.at(i).bits() % ROWS as u64) as u32).collect();
        let rows_of = |width: usize| vec![0.0; agents * batch * width];
        let work = Work {
            y: rows_of(2 * act),
            dy: rows_of(2 * act),
            act: rows_of(act),
            log_prob: rows_of(1),
            both: rows_of(obs + act),
            q: rows_of(2),
            target: rows_of(1),
            dq: rows_of(2),
            dboth: rows_of(obs + act),
            dact: rows_of(act),
            dlog_prob: rows_of(1),
            dtheta: vec![0.0; theta.len()],
            dcritics: vec![0.0; critics.len()],
            ..Work::default()
        };
        Population {
            head: SquashedHead::new(&space, LogStd::default(), ActionUnits::Tanh).expect("a head"),
            log_alpha: vec![0.0; agents],
            adams: [Adam::new(theta.len()), Adam::new(critics.len()), Adam::new(agents)],
            replay: Replay { records, rows },
            batch: Batch {
                obs: rows_of(obs),
                next_obs: rows_of(obs),
                both: rows_of(obs + act),
                reward: rows_of(1),
                mask: rows_of(1),
            },
            tapes: Tape::of(agents),
            critic_tapes: Tape::of(2 * agents),
            targets: critics.clone(),
            work,
            sizes,
            actor,
            critic,
            theta,
            critics,
            updates: 0,
        }
    }

    /// One update of every agent.
    pub(crate) fn update(&mut self) -> mbrl_core::Result<()> {
        let Sizes { agents, obs, act, batch: rows, .. } = self.sizes;
        self.gather();
        let config = AdamConfig { lr: 3e-4, ..AdamConfig::default() };
        let Population { actor, critic, head, theta, critics, targets, log_alpha, .. } = self;
        let (batch, w) = (&self.batch, &mut self.work);
        let [actor_adam, critic_adam, alpha_adam] = &mut self.adams;
        let key = Key::root(1).at(self.updates);
        self.updates += 1;

        // Critics: towards the reward and the target critics' value of what the actor would do next.
        w.noise.fill(NoiseSpec { normals: act, uniforms: 0 }, agents * rows, key.child("next"));
        actor.forward(theta, &batch.next_obs, rows, &mut w.y)?;
        head.sample(&w.y, w.noise.view().normals.as_slice(), &mut w.act, Some(&mut w.log_prob));
        join(&batch.next_obs, &w.act, obs, act, &mut w.both);
        critic.forward(targets, &w.both, rows, &mut w.q)?;
        for (agent, log_alpha) in log_alpha.iter().enumerate() {
            let alpha = log_alpha.exp();
            let (a, b) = w.q[2 * agent * rows..][..2 * rows].split_at(rows);
            for i in 0..rows {
                let j = agent * rows + i;
                let value = a[i].min(b[i]) - alpha * w.log_prob[j];
                w.target[j] = batch.reward[j] + GAMMA * batch.mask[j] * value;
            }
        }
        critic.forward_saved(critics, &batch.both, rows, &mut self.critic_tapes, &mut w.q)?;
        for (member, (q, dq)) in w.q.chunks_exact(rows).zip(w.dq.chunks_exact_mut(rows)).enumerate() {
            let target = &w.target[member / 2 * rows..][..rows];
            for i in 0..rows {
                dq[i] = (q[i] - target[i]) / rows as f32;
            }
        }
        let gradients = Gradients { theta: Some(&mut w.dcritics), x: None };
        critic.backward(critics, &batch.both, &mut self.critic_tapes, &w.dq, gradients)?;
        critic_adam.step(&config, critics, &w.dcritics, critic.params(), &[])?;

        // Actor: up the smaller critic, and towards more entropy.
        w.noise.fill(NoiseSpec { normals: act, uniforms: 0 }, agents * rows, key.child("action"));
        let noise = w.noise.view().normals;
        actor.forward_saved(theta, &batch.obs, rows, &mut self.tapes, &mut w.y)?;
        head.sample(&w.y, noise.as_slice(), &mut w.act, Some(&mut w.log_prob));
        join(&batch.obs, &w.act, obs, act, &mut w.both);
        critic.forward_saved(critics, &w.both, rows, &mut self.critic_tapes, &mut w.q)?;
        for (agent, log_alpha) in log_alpha.iter().enumerate() {
            let (a, b) = w.q[2 * agent * rows..][..2 * rows].split_at(rows);
            let (da, db) = w.dq[2 * agent * rows..][..2 * rows].split_at_mut(rows);
            for i in 0..rows {
                let first = if a[i] <= b[i] { 1.0 } else { 0.0 };
                da[i] = -first / rows as f32;
                db[i] = (first - 1.0) / rows as f32;
            }
            w.dlog_prob[agent * rows..][..rows].fill(log_alpha.exp() / rows as f32);
        }
        let gradients = Gradients { theta: None, x: Some(&mut w.dboth) };
        critic.backward(critics, &w.both, &mut self.critic_tapes, &w.dq, gradients)?;
        for (dact, dboth) in w.dact.chunks_exact_mut(act).zip(w.dboth.chunks_exact(obs + act)) {
            dact.copy_from_slice(&dboth[obs..]);
        }
        head.backward(&w.y, noise.as_slice(), &w.dact, &w.dlog_prob, &mut w.dy);
        let gradients = Gradients { theta: Some(&mut w.dtheta), x: None };
        actor.backward(theta, &batch.obs, &mut self.tapes, &w.dy, gradients)?;
        actor_adam.step(&config, theta, &w.dtheta, actor.params(), &[])?;

        // Temperature: towards the entropy of −act.
        let mut dalpha = vec![0.0; agents];
        for (dalpha, log_prob) in dalpha.iter_mut().zip(w.log_prob.chunks_exact(rows)) {
            *dalpha = act as f32 - log_prob.iter().sum::<f32>() / rows as f32;
        }
        alpha_adam.step(&config, log_alpha, &dalpha, agents, &[])?;
        polyak(targets, critics, TAU)
    }

    fn gather(&mut self) {
        let Sizes { agents, obs, act, batch: count, .. } = self.sizes;
        let set = self.updates as usize % SETS * agents * count;
        let record = 2 * obs + act + 2;
        let rows = &self.replay.rows[set..set + agents * count];
        let Batch { obs: o, next_obs, both, reward, mask } = &mut self.batch;
        for (i, &row) in rows.iter().enumerate() {
            let from = &self.replay.records[row as usize * record..][..record];
            o[i * obs..][..obs].copy_from_slice(&from[..obs]);
            both[i * (obs + act)..][..obs + act].copy_from_slice(&from[..obs + act]);
            next_obs[i * obs..][..obs].copy_from_slice(&from[obs + act..2 * obs + act]);
            reward[i] = from[2 * obs + act];
            mask[i] = 1.0 - from[2 * obs + act + 1];
        }
    }
}

/// Observations and actions side by side.
fn join(obs: &[f32], act: &[f32], obs_dim: usize, act_dim: usize, both: &mut [f32]) {
    let rows = obs.chunks_exact(obs_dim).zip(act.chunks_exact(act_dim));
    for ((obs, act), both) in rows.zip(both.chunks_exact_mut(obs_dim + act_dim)) {
        both[..obs_dim].copy_from_slice(obs);
        both[obs_dim..].copy_from_slice(act);
    }
}
