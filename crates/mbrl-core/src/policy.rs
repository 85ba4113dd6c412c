//! A way to act, as a pure function.

use crate::{Error, Mode, Noise, NoiseSpec, Result, Rows, RowsMut, Scratch, Space, Spec};

/// A way to act, with one or more members: a pure function of observations.
///
/// The contract, which `mbrl_testkit::check_policy` runs: actions are in the space of the spec and in its units, rows do
/// not see each other, and nothing is allocated once the scratch has grown.
pub trait Policy: Send + Sync {
    /// Where it acts.
    fn spec(&self) -> &Spec;

    /// How many members there are; each is a complete policy.
    fn members(&self) -> usize {
        1
    }

    /// The random numbers that a row uses.
    fn noise_spec(&self) -> NoiseSpec;

    /// Writes what member `who[i]` does where row `i` was observed: `[rows, obs]`, `[rows]`, to `[rows, act]`.
    fn act(
        &self,
        obs: Rows<'_>,
        who: &[u16],
        noise: Noise<'_>,
        mode: Mode,
        act: RowsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()>;
}

/// Acts uniformly at random; in [`Mode::Mean`], in the middle of the box (the first choice, of a discrete space).
#[derive(Clone, Debug, PartialEq)]
pub struct UniformPolicy {
    spec: Spec,
}

impl UniformPolicy {
    /// The uniform policy of a spec, whose actions must be bounded.
    pub fn new(spec: &Spec) -> Result<Self> {
        if let Space::Box(space) = &spec.act
            && !space.is_bounded()
        {
            return Err(Error::invalid(
                "no uniform distribution over unbounded actions: give the action space bounds",
            ));
        }
        Ok(UniformPolicy { spec: spec.clone() })
    }
}

impl Policy for UniformPolicy {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: 0, uniforms: self.spec.act.dim() }
    }

    fn act(
        &self,
        obs: Rows<'_>,
        who: &[u16],
        noise: Noise<'_>,
        mode: Mode,
        mut act: RowsMut<'_>,
        _: &mut Scratch,
    ) -> Result<()> {
        if [obs.len(), who.len()] != [act.len(); 2] {
            let (seen, rows) = (obs.len(), act.len());
            return Err(Error::invalid(format_args!(
                "{seen} observations and {} members for {rows} actions",
                who.len()
            )));
        }
        if mode == Mode::Sample && (noise.spec() != self.noise_spec() || noise.uniforms.len() != act.len()) {
            let (got, rows) = (noise.spec(), noise.uniforms.len());
            return Err(Error::invalid(format_args!(
                "noise {got:?} for {rows} rows: expected {:?} for {}",
                self.noise_spec(),
                act.len()
            )));
        }
        if let Some(member) = who.iter().find(|&&member| member != 0) {
            return Err(Error::invalid(format_args!("policy member {member} of 1")));
        }
        for i in 0..act.len() {
            match mode {
                Mode::Sample => self.spec.act.from_uniforms(noise.uniforms.row(i), act.row_mut(i)),
                Mode::Mean => match &self.spec.act {
                    Space::Discrete { .. } => act.row_mut(i)[0] = 0.0,
                    Space::Box(space) => {
                        for (a, (low, high)) in
                            act.row_mut(i).iter_mut().zip(space.low().iter().zip(space.high()))
                        {
                            *a = 0.5 * low + 0.5 * high;
                        }
                    }
                },
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_that_is_not_enough_is_refused() {
        let spec = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(2, 1.0).unwrap());
        let policy = UniformPolicy::new(&spec).unwrap();
        let mut act = [0.0; 2];
        let mut ask = |noise, mode| {
            policy.act(
                Rows::single(&[0.0]),
                &[0],
                noise,
                mode,
                RowsMut::single(&mut act),
                &mut Scratch::default(),
            )
        };
        assert!(ask(Noise::none(1), Mode::Sample).unwrap_err().is_invalid());
        assert!(ask(Noise::none(1), Mode::Mean).is_ok());
        let mut noise = crate::NoiseBuf::default();
        noise.fill(policy.noise_spec(), 2, crate::Key::root(0));
        assert!(ask(noise.view(), Mode::Sample).unwrap_err().is_invalid());
        assert!(ask(noise.view().slice(1..2), Mode::Sample).is_ok());
    }

    #[test]
    fn unbounded_actions_have_no_uniform_policy() {
        let spec = Spec::new(Space::unbounded(1).unwrap(), Space::unbounded(1).unwrap());
        assert!(UniformPolicy::new(&spec).unwrap_err().is_invalid());
    }
}
