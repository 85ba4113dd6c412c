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
        assert_eq!(
            (obs.len(), who.len()),
            (act.len(), act.len()),
            "rows of observations, members and actions"
        );
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
                            *a = low + 0.5 * (high - low);
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
    fn unbounded_actions_have_no_uniform_policy() {
        let spec = Spec::new(Space::unbounded(1).unwrap(), Space::unbounded(1).unwrap());
        assert!(UniformPolicy::new(&spec).unwrap_err().is_invalid());
    }
}
