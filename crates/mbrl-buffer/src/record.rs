//! How a transition lies in memory: one record of 32-bit words.

use mbrl_core::{Dims, End, Origin, Transition};

/// Where the parts of a record are: `obs | act | next_obs | reward | tag | origin`.
///
/// The last two words are bit patterns, not numbers; they are only ever moved, never computed with, so they keep their
/// bits as `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) dims: Dims,
}

/// Words of a record beside observations and action.
const EXTRA: usize = 3;

impl Layout {
    /// Words in a record, where that is a number that a file can hold.
    pub(crate) fn checked_width(dims: Dims) -> Option<usize> {
        let width = dims.obs.checked_mul(2)?.checked_add(dims.act)?.checked_add(EXTRA)?;
        u32::try_from(width).is_ok().then_some(width)
    }

    pub(crate) fn width(self) -> usize {
        2 * self.dims.obs + self.dims.act + EXTRA
    }

    pub(crate) fn reward(self) -> usize {
        self.width() - EXTRA
    }

    pub(crate) fn tag(self) -> usize {
        self.width() - 2
    }

    pub(crate) fn next_obs(self) -> std::ops::Range<usize> {
        self.dims.obs + self.dims.act..self.reward()
    }

    pub(crate) fn write(self, record: &mut [f32], transition: Transition<'_>, run: u32) {
        let (obs, rest) = record.split_at_mut(self.dims.obs);
        let (act, rest) = rest.split_at_mut(self.dims.act);
        let (next_obs, rest) = rest.split_at_mut(self.dims.obs);
        obs.copy_from_slice(transition.obs);
        act.copy_from_slice(transition.act);
        next_obs.copy_from_slice(transition.next_obs);
        rest[0] = transition.reward;
        rest[1] = Tag::new(transition.end, run).to_word();
        rest[2] = f32::from_bits(transition.origin.to_bits());
    }

    pub(crate) fn read(self, record: &[f32]) -> Transition<'_> {
        let (obs, rest) = record.split_at(self.dims.obs);
        let (act, rest) = rest.split_at(self.dims.act);
        let (next_obs, rest) = rest.split_at(self.dims.obs);
        Transition {
            obs,
            act,
            next_obs,
            reward: rest[0],
            end: Tag::of(rest[1]).end(),
            origin: Origin::from_bits(rest[2].to_bits()),
        }
    }
}

/// How a row left its episode, and how many rows of that episode stand in a row up to and including it.
///
/// The count is what makes "does a window of L rows end here?" a question to one word. It says how many rows there were
/// when this one came; the oldest of them may have been overwritten since, which who asks must mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(u32);

impl Tag {
    /// Counts stop here: 30 bits.
    pub(crate) const MAX_RUN: u32 = u32::MAX >> 2;

    pub(crate) fn new(end: End, run: u32) -> Self {
        Tag(run.min(Tag::MAX_RUN) << 2 | end as u32)
    }

    #[inline(always)]
    pub(crate) fn of(word: f32) -> Self {
        Tag(word.to_bits())
    }

    pub(crate) fn to_word(self) -> f32 {
        f32::from_bits(self.0)
    }

    #[inline(always)]
    pub(crate) fn end(self) -> End {
        match self.0 & 3 {
            1 => End::Terminated,
            2 => End::Truncated,
            _ => End::Running,
        }
    }

    #[inline(always)]
    pub(crate) fn run(self) -> u32 {
        self.0 >> 2
    }

    /// Whether a record may carry this word: files are written by others too.
    pub(crate) fn is_sound(self) -> bool {
        self.0 & 3 != 3 && self.run() > 0
    }

    /// The count of a row that follows this one in its lane.
    pub(crate) fn next_run(self) -> u32 {
        if self.end().is_end() { 1 } else { (self.run() + 1).min(Tag::MAX_RUN) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_keep_both_parts_and_counts_stop() {
        for end in [End::Running, End::Terminated, End::Truncated] {
            for run in [1, 2, 1000, Tag::MAX_RUN] {
                let tag = Tag::of(Tag::new(end, run).to_word());
                assert!(tag.end() == end && tag.run() == run && tag.is_sound());
            }
            assert_eq!(Tag::new(end, u32::MAX).run(), Tag::MAX_RUN);
        }
        assert_eq!(Tag::new(End::Running, Tag::MAX_RUN).next_run(), Tag::MAX_RUN);
        assert_eq!(Tag::new(End::Truncated, 7).next_run(), 1);
        assert!(!Tag(3 | 1 << 2).is_sound() && !Tag(0).is_sound());
    }

    #[test]
    fn records_round_trip_at_every_width() {
        for (obs, act) in [(0, 0), (1, 0), (0, 2), (3, 2), (17, 6)] {
            let layout = Layout { dims: Dims { obs, act } };
            let (a, b, c) = (vec![1.5; obs], vec![-2.0; act], vec![0.25; obs]);
            let transition = Transition {
                obs: &a,
                act: &b,
                next_obs: &c,
                reward: 3.0,
                end: End::Truncated,
                origin: Origin::Model { member: 3, policy: 9 },
            };
            let mut record = vec![f32::NAN; layout.width()];
            layout.write(&mut record, transition, 5);
            assert_eq!(layout.read(&record), transition);
            assert_eq!(Tag::of(record[layout.tag()]).run(), 5);
            assert_eq!(record[layout.next_obs()], c);
            assert_eq!(Layout::checked_width(layout.dims), Some(layout.width()));
        }
        assert_eq!(Layout::checked_width(Dims { obs: usize::MAX, act: 1 }), None);
    }
}
