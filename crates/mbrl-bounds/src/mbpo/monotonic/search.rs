//! The distance from π_D at which most is certified, where what is subtracted depends on that distance.

use super::Certified;
use super::ball::best_within;
use super::certificate::ByShift;
use crate::ModelledMdp;
use crate::mbpo::policy_shift;
use mbrl_core::Result;
use mbrl_plan::TabularPolicy;

/// So many distances are looked at, and no more.
const MOST: usize = 256;

/// What may be missed, as a share of the widest gap.
const TOLERANCE: f64 = 1e-9;

/// A distance that was looked at.
#[derive(Clone, Copy)]
struct Point {
    eps: f64,
    /// max η̂ within that distance.
    earned: f64,
    /// C of that distance.
    amount: f64,
}

/// Two distances that were looked at, and how much may be certified between them.
#[derive(Clone, Copy)]
struct Interval {
    ends: [Point; 2],
    ceiling: f64,
}

struct Search<'a> {
    worlds: &'a ModelledMdp,
    data_policy: &'a TabularPolicy,
    by_shift: ByShift,
    /// 2 r_max / (1 − γ)²: how fast max η̂ can rise with the distance. A policy at distance ε is ε − ε′ away from one at
    /// distance ε′ that mixes it with π_D.
    steepest: f64,
    best: Certified,
}

/// The policy of the largest η̂(π) − C(ε_π(π)).
pub(super) fn over_shifts(
    worlds: &ModelledMdp,
    data_policy: &TabularPolicy,
    by_shift: ByShift,
) -> Result<Certified> {
    let returns = by_shift.returns;
    let steepest = returns.widest_gap() * returns.horizon();
    let best = Certified { policy: data_policy.clone(), bound: f64::NEG_INFINITY, missed: 0.0 };
    let mut search = Search { worlds, data_policy, by_shift, steepest, best };
    // The nearest first: of policies of which equally much is certified, the first stays.
    let ends = [search.look(0.0)?, search.look(1.0)?];
    let mut intervals = vec![search.between(ends)?];
    for _ in 2..MOST {
        let widest =
            (0..intervals.len()).max_by(|&a, &b| intervals[a].ceiling.total_cmp(&intervals[b].ceiling));
        let Some(widest) = widest.filter(|&i| search.missed(intervals[i]) > TOLERANCE * returns.widest_gap())
        else {
            break;
        };
        let [low, high] = intervals.swap_remove(widest).ends;
        let middle = search.look(0.5 * (low.eps + high.eps))?;
        intervals.extend([search.between([low, middle])?, search.between([middle, high])?]);
    }
    let missed = intervals.iter().map(|interval| search.missed(*interval)).fold(0.0, f64::max);
    Ok(Certified { missed, ..search.best })
}

impl Search<'_> {
    fn look(&mut self, eps: f64) -> Result<Point> {
        let gamma = self.by_shift.returns.gamma();
        let (policy, earned) = best_within(self.worlds.model(), self.data_policy, eps, gamma)?;
        // The best may be nearer than it might.
        let shift = policy_shift(self.worlds, &policy, self.data_policy)?;
        let bound = earned - self.by_shift.amount(shift)?;
        if bound > self.best.bound {
            self.best = Certified { policy, bound, missed: 0.0 };
        }
        Ok(Point { eps, earned, amount: self.by_shift.amount(eps)? })
    }

    /// Between two distances max η̂ is at most a line from the nearer that rises as fast as it can, and at most what it is at
    /// the further. C grows, so beyond the corner of the two nothing is won; before it the difference of a line and a
    /// concave function is convex, and so largest at an end.
    fn between(&self, ends: [Point; 2]) -> Result<Interval> {
        let [low, high] = ends;
        let rise = (high.earned - low.earned).max(0.0);
        let corner =
            if self.steepest > 0.0 { (low.eps + rise / self.steepest).min(high.eps) } else { low.eps };
        let beyond = high.earned.max(low.earned) - self.by_shift.amount(corner)?;
        Ok(Interval { ends, ceiling: beyond.max(low.earned - low.amount) })
    }

    fn missed(&self, interval: Interval) -> f64 {
        (interval.ceiling - self.best.bound).max(0.0)
    }
}
