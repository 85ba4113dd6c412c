//! The policies of a population of soft actor-critics.

use super::SacConfig;
use mbrl_core::{
    BoxSpace, Error, Key, Lent, Mode, Noise, NoiseSpec, Policy, Result, RowBuf, Rows, RowsMut, Scratch,
    ScratchSpec, Space, Spec,
};
use mbrl_nn::{ActionUnits, Loaded, LogStd, Mlp, SquashedHead, Store};
use serde::de::DeserializeOwned;
use std::io::{Read, Write};

/// Tanh-Gaussian policies of one shape, a member each.
#[derive(Clone, Debug, PartialEq)]
pub struct SacPolicy {
    spec: Spec,
    pub(super) net: Mlp,
    /// Actions in the units of the environment.
    pub(super) head: SquashedHead,
    log_std: LogStd,
    /// `[agents, params]`
    pub(super) theta: Vec<f32>,
}

impl SacPolicy {
    pub(super) fn new(config: &SacConfig, spec: &Spec, agents: usize, key: Key) -> Result<Self> {
        let (obs, act) = (spec.obs.dim(), spec.act.dim());
        let head = head(spec, config.log_std)?;
        let net = Mlp::new(obs, &config.hidden, 2 * act, config.activation)?;
        let theta = config.init.parameters(&net, agents, key);
        Ok(SacPolicy { spec: spec.clone(), net, head, log_std: config.log_std, theta })
    }

    /// Writes the policies and what they act in, so that [`load`](SacPolicy::load) needs nothing else.
    pub fn save(&self, out: &mut dyn Write) -> Result<()> {
        let json = |what: &dyn Fn() -> serde_json::Result<String>| what().map_err(Error::backend);
        let mut store = Store::default();
        store.put_network("actor", &self.net, &self.theta)?;
        store.note("members", self.members())?;
        store.note("spec", json(&|| serde_json::to_string(&self.spec))?)?;
        store.note("log_std", json(&|| serde_json::to_string(&self.log_std))?)?;
        store.write(out)
    }

    /// Reads to the end what [`save`](SacPolicy::save) wrote.
    pub fn load(from: &mut dyn Read) -> Result<Self> {
        fn note<T: DeserializeOwned>(loaded: &Loaded, name: &str) -> Result<T> {
            serde_json::from_str(loaded.note(name)?)
                .map_err(|error| Error::corrupt(format_args!("the note `{name}`: {error}")))
        }
        let mut loaded = Loaded::read(from)?;
        let (spec, log_std): (Spec, LogStd) = (note(&loaded, "spec")?, note(&loaded, "log_std")?);
        let (net, members) = (loaded.network("actor")?, note(&loaded, "members")?);
        let theta = loaded.take_network("actor", &net, members)?;
        let head = head(&spec, log_std)?;
        head.check(&net)?;
        if net.input() != spec.obs.dim() {
            let (sees, there) = (net.input(), spec.obs.dim());
            return Err(Error::corrupt(format_args!("an actor that sees {sees} numbers of {there}")));
        }
        Ok(SacPolicy { spec, net, head, log_std, theta })
    }

    /// The network of one policy.
    pub fn net(&self) -> &Mlp {
        &self.net
    }

    /// The parameters of all, `[agents, params]`.
    pub fn theta(&self) -> &[f32] {
        &self.theta
    }

    /// One of them, by itself.
    pub fn only(&self, member: u16) -> Result<SacPolicy> {
        let theta = self.member(member)?.to_vec();
        let (spec, net, head) = (self.spec.clone(), self.net.clone(), self.head.clone());
        Ok(SacPolicy { spec, net, head, log_std: self.log_std, theta })
    }

    /// The normal distributions before the tangent of a policy of this shape with the parameters `theta`: means and
    /// deviations, `[rows, act]` each.
    pub(crate) fn normals(
        &self,
        theta: &[f32],
        obs: Rows<'_>,
        [mean, deviation]: [&mut RowBuf; 2],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let (rows, dim) = (obs.len(), self.head.dim());
        let Lent { floats: y, .. } =
            scratch.lend(ScratchSpec { floats: rows * self.net.output(), ..ScratchSpec::default() });
        self.net.forward(theta, obs.as_slice(), rows, y)?;
        mean.reshape(rows, dim);
        deviation.reshape(rows, dim);
        self.head.normals(y, mean.as_mut_slice(), deviation.as_mut_slice());
        Ok(())
    }

    /// The space of actions.
    pub(super) fn space(&self) -> &BoxSpace {
        match &self.spec.act {
            Space::Box(space) => space,
            // `new` has refused it.
            Space::Discrete { .. } => unreachable!("a policy over numbers"),
        }
    }

    fn member(&self, member: u16) -> Result<&[f32]> {
        let params = self.net.params();
        let at = usize::from(member) * params;
        self.theta.get(at..at + params).ok_or_else(|| {
            Error::invalid(format_args!("policy member {member} of {}", self.theta.len() / params))
        })
    }
}

/// Actions in the units of the environment.
fn head(spec: &Spec, log_std: LogStd) -> Result<SquashedHead> {
    match &spec.act {
        Space::Box(space) => SquashedHead::new(space, log_std, ActionUnits::Tanh),
        Space::Discrete { .. } => {
            Err(Error::invalid("soft actor-critic needs numbers as actions, not a choice"))
        }
    }
}

impl Policy for SacPolicy {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn members(&self) -> usize {
        self.theta.len() / self.net.params()
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: self.head.dim(), uniforms: 0 }
    }

    fn act(
        &self,
        obs: Rows<'_>,
        who: &[u16],
        noise: Noise<'_>,
        mode: Mode,
        mut act: RowsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let rows = act.len();
        if [obs.len(), who.len()] != [rows; 2] {
            let (seen, members) = (obs.len(), who.len());
            return Err(Error::invalid(format_args!(
                "{seen} observations and {members} members for {rows} actions"
            )));
        }
        if mode == Mode::Sample && (noise.spec() != self.noise_spec() || noise.normals.len() != rows) {
            let (got, given) = (noise.spec(), noise.normals.len());
            return Err(Error::invalid(format_args!(
                "noise {got:?} for {given} rows: expected {:?} for {rows}",
                self.noise_spec()
            )));
        }
        let (wide, out, dim) = (self.net.input(), self.net.output(), self.head.dim());
        let Lent { floats: y, .. } =
            scratch.lend(ScratchSpec { floats: rows * out, ..ScratchSpec::default() });
        let mut at = 0;
        // Rows of one member lie side by side wherever there are many of them.
        for run in who.chunk_by(|a, b| a == b) {
            let (first, last) = (at, at + run.len());
            let x = &obs.as_slice()[first * wide..last * wide];
            let y = &mut y[first * out..last * out];
            self.net.forward(self.member(run[0])?, x, run.len(), y)?;
            let act = &mut act.as_mut_slice()[first * dim..last * dim];
            match mode {
                Mode::Sample => {
                    let noise = &noise.normals.as_slice()[first * dim..last * dim];
                    self.head.sample(y, noise, act, None);
                }
                Mode::Mean => self.head.mean(y, act),
            }
            at = last;
        }
        let act = act.view();
        match act.find_non_finite() {
            None => Ok(()),
            Some((row, i)) => Err(Error::non_finite(format_args!(
                "policy member {}, row {row}: action[{i}] is {}",
                who[row],
                act.row(row)[i]
            ))),
        }
    }
}
