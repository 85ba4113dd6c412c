//! Who serves an imagined row: which member of the model carries it on, and which member of the policy acts for it.

use mbrl_core::{Error, Key, NoiseBuf, NoiseSpec, Result};

/// Which member of the model, and which of the policy, serves each row of a rollout, and when that is drawn anew.
///
/// A rollout imagines each of its plans (or each of its starts, where a policy acts) in a number of *replicas*: particles,
/// branches, or pairs of a model and a policy. Row *i* is replica *i* / period of plan *i* mod period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignment<'a> {
    /// One member of each serves every row.
    Fixed {
        /// Of the model.
        member: u16,
        /// Of the policy.
        policy: u16,
    },
    /// TS∞ of PETS: the replicas are dealt out to these *n* members and stay with them: replica *g* of *G* is served by member
    /// ⌊*g·n* / *G*⌋. The parts are equal where *G* is a multiple of *n*; with fewer replicas than members some never serve.
    TsInfinity(&'a [u16]),
    /// TS1 of PETS: every step the replicas are dealt out to these members in equal parts anew.
    ///
    /// For each plan that is a uniformly random permutation, as in handful-of-trials. All plans share it, so that rows of one
    /// member lie side by side.
    Ts1(&'a [u16]),
    /// MBPO: every step each row draws one of these members by itself.
    RandomEachStep(&'a [u16]),
    /// PS-MBPO: replica *n·M + m* is policy member *n·M + m* in the world of `members[n]`, for good.
    Grid {
        /// The worlds.
        members: &'a [u16],
        /// *M*: how many policies each of them has.
        policies: u16,
    },
}

impl Assignment<'_> {
    fn members(&self) -> &[u16] {
        match self {
            Assignment::Fixed { member, .. } => std::slice::from_ref(member),
            Assignment::TsInfinity(members)
            | Assignment::Ts1(members)
            | Assignment::RandomEachStep(members)
            | Assignment::Grid { members, .. } => members,
        }
    }

    /// Refuses members that a model or a policy does not have, and a grid of another size than the replicas.
    pub(crate) fn check(&self, model_members: usize, policy_members: usize, replicas: usize) -> Result<()> {
        let members = self.members();
        if members.is_empty() {
            return Err(Error::invalid("no member is to serve the rows: name at least one"));
        }
        if let Some(member) = members.iter().find(|&&member| usize::from(member) >= model_members) {
            return Err(Error::invalid(format_args!("model member {member} of {model_members}")));
        }
        let last_policy = match self {
            Assignment::Fixed { policy, .. } => usize::from(*policy),
            Assignment::Grid { members, policies } => {
                let pairs = members.len() * usize::from(*policies);
                if replicas != pairs {
                    return Err(Error::invalid(format_args!(
                        "{replicas} replicas for a grid of {} models with {policies} policies each: give {pairs}",
                        members.len()
                    )));
                }
                // No policies make no pairs, and no replicas are refused elsewhere.
                pairs.saturating_sub(1)
            }
            _ => 0,
        };
        if last_policy >= policy_members {
            return Err(Error::invalid(format_args!("policy member {last_policy} of {policy_members}")));
        }
        Ok(())
    }
}

/// Writes who serves the rows of one chunk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dealer {
    /// The member of each replica, in this step.
    dealt: Vec<u16>,
    draws: NoiseBuf,
}

/// The rows of a rollout: how many replicas of how many plans.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) period: usize,
    pub(crate) replicas: usize,
}

impl Dealer {
    /// Writes the members that serve `rows` at step `t`. What all chunks share is drawn from `shared`, what belongs to this
    /// one from `own`. At later steps `member` and `policy` hold what they held, for the rows that are left.
    pub(crate) fn deal(
        &mut self,
        assignment: Assignment<'_>,
        layout: Layout,
        t: usize,
        rows: &[u32],
        (shared, own): (Key, Key),
        (member, policy): (&mut [u16], &mut [u16]),
    ) {
        let replica = |row: u32| row as usize / layout.period;
        if t == 0 {
            policy.fill(match assignment {
                Assignment::Fixed { policy, .. } => policy,
                _ => 0,
            });
        }
        match assignment {
            Assignment::Fixed { member: one, .. } if t == 0 => member.fill(one),
            Assignment::TsInfinity(members) if t == 0 => {
                for (member, &row) in member.iter_mut().zip(rows) {
                    *member = members[replica(row) * members.len() / layout.replicas];
                }
            }
            Assignment::Grid { members, policies } if t == 0 => {
                for ((member, policy), &row) in member.iter_mut().zip(policy).zip(rows) {
                    *member = members[replica(row) / usize::from(policies)];
                    *policy = replica(row) as u16;
                }
            }
            Assignment::Ts1(members) => {
                let n = layout.replicas;
                self.dealt.clear();
                // Where the members do not go into the replicas, whose turn it is to serve one more is drawn too.
                self.draws.fill(NoiseSpec { normals: 0, uniforms: 1 }, n + 1, shared);
                let uniforms = self.draws.view().uniforms;
                let below = |i: usize, n: usize| ((uniforms.row(i)[0] * n as f32) as usize).min(n - 1);
                let first = below(n, members.len());
                self.dealt.extend((0..n).map(|i| members[(i + first) % members.len()]));
                for i in (1..n).rev() {
                    self.dealt.swap(i, below(i, i + 1));
                }
                member.iter_mut().zip(rows).for_each(|(member, &row)| *member = self.dealt[replica(row)]);
            }
            Assignment::RandomEachStep(members) => {
                self.draws.fill(NoiseSpec { normals: 0, uniforms: 1 }, rows.len(), own);
                let n = members.len();
                for (member, draw) in member.iter_mut().zip(self.draws.view().uniforms.as_slice()) {
                    *member = members[((draw * n as f32) as usize).min(n - 1)];
                }
            }
            // Those that stay have been dealt at the first step.
            Assignment::Fixed { .. } | Assignment::TsInfinity(_) | Assignment::Grid { .. } => {}
        }
    }
}
