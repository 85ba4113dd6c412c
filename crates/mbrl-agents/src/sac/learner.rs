//! The update of soft actor-critic, for a population of agents in one call.

use super::anchor::Anchor;
use super::batch::SacBatch;
use super::{SacConfig, SacPolicy, Temperature};
use mbrl_core::{BoxSpace, Error, Key, NoiseBuf, NoiseSpec, Result, Spec};
use mbrl_nn::{ActionUnits, Adam, AdamConfig, Gradients, Mlp, SquashedHead, Tape, polyak};

/// A population of soft actor-critics that learn side by side, each from data of its own: actors, critics, the targets
/// that follow these, and temperatures. One agent is a population of one.
///
/// Every agent computes what it would compute alone, to the bit, and all matrix products of the population are made in one
/// call, which is what uses the cores well.
pub struct SacLearner {
    config: SacConfig,
    policy: SacPolicy,
    /// Actions from −1 to 1, whatever the environment's are.
    head: SquashedHead,
    critic: Mlp,
    /// `[agents, critics, params]`
    pub(super) critics: Vec<f32>,
    pub(super) targets: Vec<f32>,
    /// `[agents]`
    pub(super) log_temperature: Vec<f32>,
    pub(super) adams: Adams,
    pub(super) updates: u64,
    anchor: Anchor,
    /// The share of the actors' configured rate that they learn at.
    actor_pace: f32,
    /// Of the next action, and of the present one.
    noise: [NoiseBuf; 2],
    work: Work,
}

#[derive(Clone, Debug)]
pub(super) struct Adams {
    pub(super) actor: Adam,
    pub(super) critic: Adam,
    pub(super) temperature: Adam,
}

/// What an update came to, in the mean over agents and rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SacLosses {
    /// Half the squared error of the critics.
    pub critic: f64,
    /// The smallest value of an action of the actor's.
    pub value: f64,
    /// −log π of it.
    pub entropy: f64,
    /// The temperature before the update.
    pub temperature: f64,
}

/// Memory that is kept from update to update; `[agents, rows, ..]`.
#[derive(Default)]
struct Work {
    rows: usize,
    y: Vec<f32>,
    dy: Vec<f32>,
    act: Vec<f32>,
    dact: Vec<f32>,
    log_prob: Vec<f32>,
    dlog_prob: Vec<f32>,
    /// An observation and an action of the actor's.
    both: Vec<f32>,
    dboth: Vec<f32>,
    /// `[agents, critics, rows]`
    q: Vec<f32>,
    dq: Vec<f32>,
    target: Vec<f32>,
    dtheta: Vec<f32>,
    dcritics: Vec<f32>,
    dtemperature: Vec<f32>,
    actor_tapes: Vec<Tape>,
    critic_tapes: Vec<Tape>,
}

impl SacLearner {
    /// So many agents that have learnt nothing yet.
    pub fn new(config: SacConfig, spec: &Spec, agents: usize, key: Key) -> Result<Self> {
        config.validate()?;
        if agents == 0 || agents > usize::from(u16::MAX) {
            let most = u16::MAX;
            return Err(Error::invalid(format_args!("a population of {agents} agents: give 1 to {most}")));
        }
        let policy = SacPolicy::new(&config, spec, agents, key.child("actor"))?;
        let (obs, act) = (spec.obs.dim(), spec.act.dim());
        let critic = Mlp::new(obs + act, &config.hidden, 1, config.activation)?;
        let critics = config.init.parameters(&critic, agents * config.critics, key.child("critic"));
        let unit = BoxSpace::new(vec![-1.0; act], vec![1.0; act])?;
        let worth = match config.temperature {
            Temperature::Fixed(worth) => worth,
            Temperature::Learnt { initial, .. } => initial,
        };
        Ok(SacLearner {
            head: SquashedHead::new(&unit, config.log_std, ActionUnits::Tanh)?,
            targets: critics.clone(),
            log_temperature: vec![worth.ln(); agents],
            adams: Adams {
                actor: Adam::new(policy.theta.len()),
                critic: Adam::new(critics.len()),
                temperature: Adam::new(agents),
            },
            updates: 0,
            anchor: Anchor::default(),
            actor_pace: 1.0,
            noise: Default::default(),
            work: Work::default(),
            config,
            policy,
            critic,
            critics,
        })
    }

    /// What they do by now.
    pub fn policy(&self) -> &SacPolicy {
        &self.policy
    }

    pub(super) fn policy_mut(&mut self) -> &mut SacPolicy {
        &mut self.policy
    }

    /// Makes the actors these, `[agents, params]`; critics and optimizers stay.
    pub(crate) fn set_actors(&mut self, theta: &[f32]) {
        self.policy.theta.copy_from_slice(theta);
    }

    /// Makes the actors learn at this share of their configured rate.
    pub(crate) fn slow_actors(&mut self, share: f32) {
        self.actor_pace = share;
    }

    /// What holds the actors, and what they are.
    pub(super) fn anchor_and_theta(&mut self) -> (&mut Anchor, &[f32]) {
        (&mut self.anchor, &self.policy.theta)
    }

    pub(super) fn critic(&self) -> &Mlp {
        &self.critic
    }

    /// How they learn.
    pub fn config(&self) -> &SacConfig {
        &self.config
    }

    /// The number of agents.
    pub fn agents(&self) -> usize {
        self.log_temperature.len()
    }

    /// The space that actions are of.
    pub fn space(&self) -> &BoxSpace {
        self.policy.space()
    }

    /// One update of every agent: critics, actor, temperature, target critics, in this order.
    pub fn update(&mut self, batch: &SacBatch, key: Key) -> Result<SacLosses> {
        let spec = NoiseSpec { normals: self.head.dim(), uniforms: 0 };
        let mut noise = std::mem::take(&mut self.noise);
        for (noise, role) in noise.iter_mut().zip(["next", "action"]) {
            noise.fill(spec, batch.agents() * batch.rows(), key.child(role));
        }
        let [next, action] = noise.each_ref().map(|noise| noise.view().normals.as_slice());
        let done = self.update_by(batch, next, action);
        self.noise = noise;
        done
    }

    /// The update that the standard normal numbers `next` and `action` make, `[agents, rows, act]` each.
    pub(super) fn update_by(&mut self, batch: &SacBatch, next: &[f32], action: &[f32]) -> Result<SacLosses> {
        if batch.agents() != self.agents() || batch.rows() == 0 {
            return Err(Error::invalid(format_args!(
                "rows for {} agents, {} each, in an update of {} agents: give some to each",
                batch.agents(),
                batch.rows(),
                self.agents()
            )));
        }
        self.make_room(batch.rows());
        let temperature = self.log_temperature.iter().map(|log| f64::from(log.exp())).sum::<f64>();
        let critic = self.learn_critics(batch, next)?;
        let (value, entropy) = self.learn_actor(batch, action)?;
        self.learn_temperature(batch.rows())?;
        self.updates += 1;
        if self.updates.is_multiple_of(self.config.follow_every) {
            polyak(&mut self.targets, &self.critics, self.config.tau)?;
        }
        Ok(SacLosses { critic, value, entropy, temperature: temperature / self.agents() as f64 })
    }

    /// Towards the reward, and what the target critics think of what the actor would do next.
    fn learn_critics(&mut self, batch: &SacBatch, noise: &[f32]) -> Result<f64> {
        let (rows, count) = (batch.rows(), self.config.critics);
        let SacLearner { policy, head, critic, critics, targets, work: w, .. } = self;
        policy.net.forward(&policy.theta, &batch.next_obs, rows, &mut w.y)?;
        head.sample(&w.y, noise, &mut w.act, Some(&mut w.log_prob));
        join(&batch.next_obs, &w.act, head.dim(), &mut w.both);
        critic.forward(targets, &w.both, rows, &mut w.q)?;
        for (agent, log) in self.log_temperature.iter().enumerate() {
            let (temperature, q) = (log.exp(), &w.q[agent * count * rows..][..count * rows]);
            for i in 0..rows {
                let j = agent * rows + i;
                let value = smallest(q, rows, i).1 - temperature * w.log_prob[j];
                w.target[j] = batch.reward[j] + batch.discount[j] * value;
            }
        }
        critic.forward_saved(critics, &batch.both, rows, &mut w.critic_tapes, &mut w.q)?;
        let mut loss = 0.0;
        for (member, (q, dq)) in w.q.chunks_exact(rows).zip(w.dq.chunks_exact_mut(rows)).enumerate() {
            let target = &w.target[member / count * rows..][..rows];
            for i in 0..rows {
                let error = q[i] - target[i];
                loss += 0.5 * f64::from(error) * f64::from(error);
                dq[i] = error / rows as f32;
            }
        }
        let loss = loss / w.q.len() as f64;
        if !loss.is_finite() {
            return Err(self.diverged(batch));
        }
        let gradients = Gradients { theta: Some(&mut w.dcritics), x: None };
        critic.backward(critics, &batch.both, &mut w.critic_tapes, &w.dq, gradients)?;
        self.adams.critic.step(&self.config.critic, critics, &w.dcritics, critic.params(), &[])?;
        Ok(loss)
    }

    /// Up the smallest critic, and towards more entropy. Says what the value and the entropy were.
    fn learn_actor(&mut self, batch: &SacBatch, noise: &[f32]) -> Result<(f64, f64)> {
        let (rows, count) = (batch.rows(), self.config.critics);
        let SacLearner { policy, head, critic, critics, anchor, work: w, .. } = self;
        let act = head.dim();
        policy.net.forward_saved(&policy.theta, &batch.obs, rows, &mut w.actor_tapes, &mut w.y)?;
        head.sample(&w.y, noise, &mut w.act, Some(&mut w.log_prob));
        join(&batch.obs, &w.act, act, &mut w.both);
        critic.forward_saved(critics, &w.both, rows, &mut w.critic_tapes, &mut w.q)?;
        let (mut values, scale) = (0.0, 1.0 / rows as f32);
        w.dq.fill(0.0);
        for (agent, log) in self.log_temperature.iter().enumerate() {
            let q = &w.q[agent * count * rows..][..count * rows];
            for i in 0..rows {
                let (which, value) = smallest(q, rows, i);
                values += f64::from(value);
                w.dq[(agent * count + which) * rows + i] = -scale;
            }
            w.dlog_prob[agent * rows..][..rows].fill(log.exp() * scale);
        }
        let gradients = Gradients { theta: None, x: Some(&mut w.dboth) };
        critic.backward(critics, &w.both, &mut w.critic_tapes, &w.dq, gradients)?;
        let wide = critic.input();
        for (dact, dboth) in w.dact.chunks_exact_mut(act).zip(w.dboth.chunks_exact(wide)) {
            dact.copy_from_slice(&dboth[wide - act..]);
        }
        head.backward(&w.y, noise, &w.dact, &w.dlog_prob, &mut w.dy);
        if anchor.weight > 0.0 {
            anchor.pull(&policy.net, head, &batch.obs, &w.y, &mut w.dy)?;
        }
        let gradients = Gradients { theta: Some(&mut w.dtheta), x: None };
        policy.net.backward(&policy.theta, &batch.obs, &mut w.actor_tapes, &w.dy, gradients)?;
        let params = policy.net.params();
        let actor = AdamConfig { lr: self.config.actor.lr * self.actor_pace, ..self.config.actor };
        self.adams.actor.step(&actor, &mut policy.theta, &w.dtheta, params, &[])?;
        let total = w.log_prob.len() as f64;
        let entropy = -w.log_prob.iter().map(|log_prob| f64::from(*log_prob)).sum::<f64>();
        Ok((values / total, entropy / total))
    }

    /// Up where there is less entropy than wanted, down where there is more.
    fn learn_temperature(&mut self, rows: usize) -> Result<()> {
        let Temperature::Learnt { target, adam, .. } = self.config.temperature else {
            return Ok(());
        };
        let target = f64::from(target.nats(self.head.dim()));
        let w = &mut self.work;
        for (slope, log_prob) in w.dtemperature.iter_mut().zip(w.log_prob.chunks_exact(rows)) {
            let mean = log_prob.iter().map(|log_prob| f64::from(*log_prob)).sum::<f64>() / rows as f64;
            *slope = -(mean + target) as f32;
        }
        let agents = self.log_temperature.len();
        self.adams.temperature.step(&adam, &mut self.log_temperature, &w.dtemperature, agents, &[])
    }

    /// Names the first number that is not finite.
    #[cold]
    fn diverged(&self, batch: &SacBatch) -> Error {
        let (rows, count, w) = (batch.rows(), self.config.critics, &self.work);
        let bad = |numbers: &[f32]| numbers.iter().position(|x| !x.is_finite());
        if let Some(j) = bad(&w.target) {
            let (agent, row) = (j / rows, j % rows);
            return Error::non_finite(format_args!(
                "agent {agent}, row {row}: what its critics are to learn is {}: lower the learning rate, or the reward's scale",
                w.target[j]
            ));
        }
        let j = bad(&w.q).unwrap_or(0);
        let (member, row) = (j / rows, j % rows);
        Error::non_finite(format_args!(
            "agent {}, critic {}, row {row}: its value is {}: lower the learning rate, or the reward's scale",
            member / count,
            member % count,
            w.q[j]
        ))
    }

    fn make_room(&mut self, rows: usize) {
        let w = &mut self.work;
        if w.rows == rows {
            return;
        }
        let (agents, count) = (self.log_temperature.len(), self.config.critics);
        let (total, act, wide) = (agents * rows, self.head.dim(), self.critic.input());
        for (buffer, len) in [
            (&mut w.y, total * 2 * act),
            (&mut w.dy, total * 2 * act),
            (&mut w.act, total * act),
            (&mut w.dact, total * act),
            (&mut w.log_prob, total),
            (&mut w.dlog_prob, total),
            (&mut w.both, total * wide),
            (&mut w.dboth, total * wide),
            (&mut w.q, total * count),
            (&mut w.dq, total * count),
            (&mut w.target, total),
            (&mut w.dtheta, self.policy.theta.len()),
            (&mut w.dcritics, self.critics.len()),
            (&mut w.dtemperature, agents),
        ] {
            buffer.resize(len, 0.0);
        }
        w.actor_tapes.resize_with(agents, Tape::default);
        w.critic_tapes.resize_with(agents * count, Tape::default);
        w.rows = rows;
    }
}

/// Which of an agent's critics thinks least of row `i`, and what: the first of equals. Values are `[critics, rows]`.
fn smallest(q: &[f32], rows: usize, i: usize) -> (usize, f32) {
    let mut least = (0, q[i]);
    for (which, q) in q.chunks_exact(rows).enumerate().skip(1) {
        if q[i] < least.1 {
            least = (which, q[i]);
        }
    }
    least
}

/// Observations and actions side by side.
fn join(obs: &[f32], act: &[f32], act_dim: usize, both: &mut [f32]) {
    let rows = act.len() / act_dim;
    let obs_dim = obs.len() / rows;
    let pairs = obs.chunks_exact(obs_dim).zip(act.chunks_exact(act_dim));
    for ((obs, act), both) in pairs.zip(both.chunks_exact_mut(obs_dim + act_dim)) {
        both[..obs_dim].copy_from_slice(obs);
        both[obs_dim..].copy_from_slice(act);
    }
}

impl std::fmt::Debug for SacLearner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (agents, updates) = (self.agents(), self.updates);
        f.debug_struct("SacLearner")
            .field("config", &self.config)
            .field("agents", &agents)
            .field("updates", &updates)
            .finish_non_exhaustive()
    }
}
