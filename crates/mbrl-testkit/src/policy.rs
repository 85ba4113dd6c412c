//! The contract of a policy.

use crate::{allocations, broken, named, no_allocations, same_bits};
use mbrl_core::{Context, Key, Mode, Noise, NoiseBuf, Policy, Result, RowBuf, Rows, Scratch};

/// Runs the contract of [`Policy`] on the given observations, `[rows, obs]`, of which there must be at least four, and says
/// what is broken.
///
/// Checked: that actions are in the space of the spec; that a call is a pure function; that rows do not see each other;
/// that [`Mode::Mean`] ignores the noise; that a member that does not exist is refused; and, where
/// [`CountingAlloc`](crate::CountingAlloc) is the global allocator, that a second call allocates nothing.
pub fn check_policy(policy: &dyn Policy, obs: Rows<'_>) -> Result<()> {
    named("check_policy", || {
        let (rows, dim) = (obs.len(), policy.spec().obs.dim());
        if rows < 4 || obs.dim() != dim {
            let wide = obs.dim();
            return Err(broken(format_args!(
                "given observations [{rows}, {wide}]: expected at least 4 rows of {dim}"
            )));
        }
        if policy.members() == 0 {
            return Err(broken("the policy has no member: a single policy is one"));
        }
        let who: Vec<u16> = (0..rows).map(|i| (i % policy.members()) as u16).collect();
        let (mut first, mut second) = (NoiseBuf::default(), NoiseBuf::default());
        first.fill(policy.noise_spec(), rows, Key::root(0).child("check_policy"));
        second.fill(policy.noise_spec(), rows, Key::root(1).child("check_policy"));

        let straight = act(policy, obs, &who, first.view(), Mode::Sample).context("acting")?;
        for (row, action) in straight.view().iter().enumerate() {
            if !policy.spec().act.contains(action) {
                return Err(broken(format_args!(
                    "the action of row {row}, {action:?}, is outside {:?}: scale and clip it to the spec",
                    policy.spec().act
                )));
            }
        }
        let same = |a: &RowBuf, b: &RowBuf| same_bits(a.as_slice(), b.as_slice());
        if !same(&act(policy, obs, &who, first.view(), Mode::Sample)?, &straight) {
            return Err(broken(
                "the same call gave other bits: a policy keeps no state and draws nothing of its own",
            ));
        }
        for row in 0..rows {
            let range = row..row + 1;
            let noise = first.view().slice(range.clone());
            let alone = act(policy, obs.slice(range.clone()), &who[range], noise, Mode::Sample)?;
            if !same_bits(alone.row(0), straight.row(row)) {
                return Err(broken(format_args!(
                    "row {row} alone gave other bits: a row must not see its neighbours"
                )));
            }
        }
        let mean = |noise: &NoiseBuf| act(policy, obs, &who, noise.view(), Mode::Mean);
        if !same(&mean(&first)?, &mean(&second)?) {
            return Err(broken("the mean depends on the noise: ignore it in Mode::Mean"));
        }
        let nobody = vec![policy.members() as u16; rows];
        if act(policy, obs, &nobody, first.view(), Mode::Sample).is_ok() {
            return Err(broken(format_args!("member {} of as many was accepted: refuse it", nobody[0])));
        }
        let (mut actions, mut scratch) = (RowBuf::zeros(rows, policy.spec().act.dim()), Scratch::default());
        let mut ask = || policy.act(obs, &who, first.view(), Mode::Sample, actions.view_mut(), &mut scratch);
        ask()?;
        let (again, made) = allocations(ask);
        again?;
        no_allocations(made)
    })
}

fn act(policy: &dyn Policy, obs: Rows<'_>, who: &[u16], noise: Noise<'_>, mode: Mode) -> Result<RowBuf> {
    let mut actions = RowBuf::zeros(obs.len(), policy.spec().act.dim());
    // Actions start as NaN, so that what is not written is noticed.
    actions.as_mut_slice().fill(f32::NAN);
    policy.act(obs, who, noise, mode, actions.view_mut(), &mut Scratch::default())?;
    Ok(actions)
}
