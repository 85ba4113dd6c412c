//! The ring: a fixed number of rows, of which the newest are kept.

use crate::record::{Layout, Tag};
use mbrl_core::{Dataset, Dims, Error, Origin, Result, Transition, TransitionBatch};
use std::fmt;

/// The newest transitions, up to a capacity, in memory that is reserved once.
///
/// Rows are numbered from the oldest (0) to the newest (`len() - 1`); pushing into a full buffer drops the oldest and
/// moves every number down by one. Rows of one episode arrive in order. Several episodes side by side are
/// [lanes](ReplayBuffer::with_lanes), and rows that continue nothing are
/// [unordered](ReplayBuffer::unordered).
///
/// ```
/// use mbrl_buffer::{Dims, End, Origin, ReplayBuffer, Transition};
///
/// let mut buffer = ReplayBuffer::new(Dims { obs: 1, act: 1 }, 2)?;
/// for t in 0..3 {
///     let t = t as f32;
///     buffer.push(Transition {
///         obs: &[t], act: &[0.5], next_obs: &[t + 1.0], reward: 1.0, end: End::Running, origin: Origin::World,
///     })?;
/// }
/// assert_eq!(buffer.iter().map(|row| row.obs[0]).collect::<Vec<_>>(), [1.0, 2.0]);
/// # Ok::<(), mbrl_buffer::Error>(())
/// ```
///
/// Two buffers are equal where they will behave equally from now on: same rows in the same order, same capacity, same
/// lanes, or unordered both.
pub struct ReplayBuffer {
    pub(crate) layout: Layout,
    /// Whether every row begins an episode; there is one lane then.
    pub(crate) unordered: bool,
    pub(crate) lanes: usize,
    pub(crate) capacity: usize,
    pub(crate) len: usize,
    /// The slot of the oldest row; other than 0 only where the buffer is full.
    pub(crate) head: usize,
    /// How many of the rows to come begin an episode whatever stands before them.
    pub(crate) cut: usize,
    /// The records by slot, one after the other.
    pub(crate) data: Vec<f32>,
}

impl ReplayBuffer {
    /// An empty buffer for `capacity` rows of these widths, of one episode after the other.
    ///
    /// The memory is reserved here and touched only as rows arrive.
    pub fn new(dims: Dims, capacity: usize) -> Result<Self> {
        ReplayBuffer::with_lanes(dims, capacity, 1)
    }

    /// An empty buffer for the rows of `lanes` episodes side by side, which arrive in lane order: lane 0, 1, …, 0, 1, …
    ///
    /// The row that continues row `i` is then row `i + lanes`. The capacity is a multiple of the lanes.
    pub fn with_lanes(dims: Dims, capacity: usize, lanes: usize) -> Result<Self> {
        if lanes == 0 {
            return Err(Error::invalid("a replay buffer of 0 lanes: rows arrive in at least one"));
        }
        ReplayBuffer::build(dims, capacity, lanes, false)
    }

    /// An empty buffer for rows that continue nothing, such as imagined ones or those that are left of a dataset.
    ///
    /// Each row is an episode of its own, however it ended: a window holds one row, an n-step return has one step and
    /// then relies on the value of the successor, and a split by episode is one by row.
    ///
    /// ```
    /// use mbrl_buffer::{Dims, End, Key, NStepBatch, Origin, ReplayBuffer, Transition, WindowBatch};
    ///
    /// let mut imagined = ReplayBuffer::unordered(Dims { obs: 1, act: 1 }, 400_000)?;
    /// # for t in 0..10 {
    /// #     imagined.push(Transition {
    /// #         obs: &[t as f32], act: &[0.0], next_obs: &[0.0], reward: 2.0, end: End::Running, origin: Origin::World,
    /// #     })?;
    /// # }
    /// let mut returns = NStepBatch::default();
    /// imagined.sample_n_step(32, 3, 0.5, Key::root(1), &mut returns)?;
    /// assert!(returns.rows.reward.iter().all(|&r| r == 2.0) && returns.discount.iter().all(|&d| d == 0.5));
    /// assert!(imagined.sample_windows(1, 2, Key::root(1), &mut WindowBatch::default()).is_err());
    /// # Ok::<(), mbrl_buffer::Error>(())
    /// ```
    pub fn unordered(dims: Dims, capacity: usize) -> Result<Self> {
        ReplayBuffer::build(dims, capacity, 1, true)
    }

    fn build(dims: Dims, capacity: usize, lanes: usize, unordered: bool) -> Result<Self> {
        if Layout::checked_width(dims).is_none() {
            return Err(Error::invalid(format_args!(
                "rows of {} + {} numbers are too wide for a replay buffer",
                dims.obs, dims.act
            )));
        }
        let mut buffer = ReplayBuffer {
            layout: Layout { dims },
            unordered,
            lanes,
            capacity: 0,
            len: 0,
            head: 0,
            cut: 0,
            data: Vec::new(),
        };
        buffer.resize(capacity)?;
        Ok(buffer)
    }

    /// Appends a row; where the buffer is full the oldest goes.
    ///
    /// Refused, with nothing changed, are rows of other widths, numbers that are not finite, and the one origin that
    /// would not come back as it was: member and policy 65,535.
    pub fn push(&mut self, transition: Transition<'_>) -> Result<()> {
        let dims = self.dims();
        check_width("obs", transition.obs.len(), dims.obs)?;
        check_width("act", transition.act.len(), dims.act)?;
        check_width("next_obs", transition.next_obs.len(), dims.obs)?;
        for (field, numbers) in [
            ("obs", transition.obs),
            ("act", transition.act),
            ("next_obs", transition.next_obs),
            ("reward", &[transition.reward]),
        ] {
            if let Some(column) = first_non_finite(numbers) {
                return Err(not_finite(field, None, column, numbers[column]));
            }
        }
        if !is_kept(transition.origin) {
            return Err(lost_origin(None));
        }
        self.append(transition);
        Ok(())
    }

    /// Appends the rows of a batch in order: all of them or, where one is refused, none.
    pub fn extend(&mut self, batch: &TransitionBatch) -> Result<()> {
        let dims = self.dims();
        let rows = batch.len();
        let lengths = [
            ("obs", batch.obs.len()),
            ("act", batch.act.len()),
            ("next_obs", batch.next_obs.len()),
            ("end", batch.end.len()),
            ("origin", batch.origin.len()),
        ];
        if let Some((field, len)) = lengths.into_iter().find(|&(_, len)| len != rows) {
            return Err(Error::invalid(format_args!(
                "the batch has {len} rows of {field} and {rows} of reward: a batch has as many of each"
            )));
        }
        check_width("obs", batch.obs.dim(), dims.obs)?;
        check_width("act", batch.act.dim(), dims.act)?;
        check_width("next_obs", batch.next_obs.dim(), dims.obs)?;
        for (field, width, numbers) in [
            ("obs", dims.obs, batch.obs.as_slice()),
            ("act", dims.act, batch.act.as_slice()),
            ("next_obs", dims.obs, batch.next_obs.as_slice()),
            ("reward", 1, &batch.reward),
        ] {
            if let Some(at) = first_non_finite(numbers) {
                return Err(not_finite(field, Some(at / width), at % width, numbers[at]));
            }
        }
        if let Some(row) = batch.origin.iter().position(|&origin| !is_kept(origin)) {
            return Err(lost_origin(Some(row)));
        }
        for transition in batch.iter() {
            self.append(transition);
        }
        Ok(())
    }

    /// Says that the next row of each lane begins an episode, although the last one did not end.
    ///
    /// For episodes that are given up half-way: no window and no n-step return joins what was pushed before to what
    /// comes after; a return that reaches the cut relies on the value of the last successor, as at a truncation. The rows
    /// after the next one of each lane continue one another again: where no row continues another, the buffer is
    /// [unordered](ReplayBuffer::unordered), and there this does nothing.
    pub fn cut_episodes(&mut self) {
        self.cut = if self.unordered { 0 } else { self.lanes };
    }

    /// Changes the capacity and keeps the newest rows, in order.
    ///
    /// Rows are moved within their memory, and then the allocator is asked for more or given back the rest. It may have to
    /// copy the rows that are kept to another place, and until it has there are both; Linux moves large memory without
    /// copying. Copies aside, the larger of the two capacities is all it takes.
    pub fn resize(&mut self, capacity: usize) -> Result<()> {
        let words = self.checked_words(capacity)?;
        let missing = words.saturating_sub(self.data.len());
        self.data.try_reserve_exact(missing).map_err(|_| {
            Error::invalid(format_args!(
                "no memory for a replay buffer of {capacity} rows ({} bytes): lower its capacity",
                words.saturating_mul(size_of::<f32>())
            ))
        })?;
        let kept = self.len.min(capacity);
        if kept > 0 {
            let oldest = self.slot(self.len - kept);
            self.data.rotate_left(oldest * self.layout.width());
        }
        self.data.truncate(kept * self.layout.width());
        self.data.shrink_to(words);
        (self.capacity, self.len, self.head) = (capacity, kept, 0);
        Ok(())
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.data.clear();
        (self.len, self.head, self.cut) = (0, 0, 0);
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of rows there is room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How wide observations and actions are.
    pub fn dims(&self) -> Dims {
        self.layout.dims
    }

    /// How many episodes run side by side; 1 where rows continue nothing.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Whether rows continue nothing: whether this buffer was made by [`unordered`](ReplayBuffer::unordered).
    pub fn is_unordered(&self) -> bool {
        self.unordered
    }

    /// Whether nothing before row `i` belongs to its episode: it is the first, or those before it were overwritten.
    ///
    /// Where it is not, row `i - lanes()` is the step before. So whoever writes the rows elsewhere can keep the cuts,
    /// which [`End`](mbrl_core::End) does not tell.
    ///
    /// # Panics
    ///
    /// Where `i` is not below [`len`](ReplayBuffer::len).
    pub fn starts_episode(&self, i: usize) -> bool {
        assert!(i < self.len, "row {i} of {}", self.len);
        i < self.lanes || self.tag(i).run() == 1
    }

    /// The memory that a row takes; a buffer takes this times its capacity.
    ///
    /// Priorities come on top: the tree of a [`PrioritizedBuffer`](crate::PrioritizedBuffer) takes 16 bytes times the
    /// next power of two from its capacity on, which is 16 to 32 bytes a row.
    pub fn bytes_per_row(&self) -> usize {
        self.layout.width() * size_of::<f32>()
    }

    /// Row `i`, counted from the oldest.
    ///
    /// # Panics
    ///
    /// Where `i` is not below [`len`](ReplayBuffer::len).
    pub fn get(&self, i: usize) -> Transition<'_> {
        assert!(i < self.len, "row {i} of {}", self.len);
        self.layout.read(self.record(i))
    }

    /// The rows, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Transition<'_>> {
        (0..self.len).map(|i| self.get(i))
    }

    /// The slot of row `i`, which is below the length.
    #[inline(always)]
    pub(crate) fn slot(&self, i: usize) -> usize {
        let slot = self.head + i;
        if slot < self.capacity { slot } else { slot - self.capacity }
    }

    #[inline(always)]
    pub(crate) fn record(&self, i: usize) -> &[f32] {
        let width = self.layout.width();
        &self.data[self.slot(i) * width..][..width]
    }

    #[inline(always)]
    pub(crate) fn tag(&self, i: usize) -> Tag {
        Tag::of(self.data[self.slot(i) * self.layout.width() + self.layout.tag()])
    }

    /// The words of a buffer of this capacity, where it is one that can be.
    fn checked_words(&self, capacity: usize) -> Result<usize> {
        if capacity == 0 {
            return Err(Error::invalid(
                "the capacity of a replay buffer is 0: give room for at least one row",
            ));
        }
        if !capacity.is_multiple_of(self.lanes) {
            return Err(Error::invalid(format_args!(
                "a capacity of {capacity} rows is no multiple of the {} lanes: round it up",
                self.lanes
            )));
        }
        let words = capacity.checked_mul(self.layout.width()).filter(|_| u32::try_from(capacity).is_ok());
        words.ok_or_else(|| {
            Error::invalid(format_args!(
                "a capacity of {capacity} rows is more than a replay buffer can number: it holds at most {}",
                u32::MAX
            ))
        })
    }

    /// Appends a row that was looked at.
    fn append(&mut self, transition: Transition<'_>) {
        let run = if self.unordered || self.cut > 0 || self.len < self.lanes {
            1
        } else {
            self.tag(self.len - self.lanes).next_run()
        };
        self.cut = self.cut.saturating_sub(1);
        let width = self.layout.width();
        let slot = if self.len < self.capacity {
            // Within what was reserved.
            self.data.resize((self.len + 1) * width, 0.0);
            self.len += 1;
            self.len - 1
        } else {
            let oldest = self.head;
            self.head = if oldest + 1 == self.capacity { 0 } else { oldest + 1 };
            oldest
        };
        self.layout.write(&mut self.data[slot * width..][..width], transition, run);
    }
}

/// A copy with memory of its own for as many rows.
impl Clone for ReplayBuffer {
    fn clone(&self) -> Self {
        // A cloned vector would have room for what is there and no more.
        let mut data = Vec::with_capacity(self.capacity * self.layout.width());
        data.extend_from_slice(&self.data);
        ReplayBuffer { data, ..*self }
    }
}

impl PartialEq for ReplayBuffer {
    fn eq(&self, other: &Self) -> bool {
        let kind = |buffer: &Self| (buffer.layout, buffer.unordered, buffer.lanes);
        let shape = |buffer: &Self| (kind(buffer), buffer.capacity, buffer.len, buffer.cut);
        let same = |i| self.record(i).iter().zip(other.record(i)).all(|(a, b)| a.to_bits() == b.to_bits());
        shape(self) == shape(other) && (0..self.len).all(same)
    }
}

impl Dataset for ReplayBuffer {
    fn dims(&self) -> Dims {
        self.dims()
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn gather(&self, indices: &[u32], batch: &mut TransitionBatch) -> Result<()> {
        self.gather(indices, batch)
    }
}

impl fmt::Debug for ReplayBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBuffer")
            .field("dims", &self.dims())
            .field("lanes", &self.lanes)
            .field("unordered", &self.unordered)
            .field("len", &self.len)
            .field("capacity", &self.capacity)
            .finish()
    }
}

fn check_width(field: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::invalid(format_args!(
        "{field} has {found} columns and the replay buffer holds {expected}: build it with the widths of its rows"
    )))
}

fn first_non_finite(numbers: &[f32]) -> Option<usize> {
    numbers.iter().position(|x| !x.is_finite())
}

#[cold]
fn not_finite(field: &str, row: Option<usize>, column: usize, value: f32) -> Error {
    let row = row.map_or_else(String::new, |row| format!("row {row}, "));
    Error::non_finite(format_args!(
        "{row}{field} column {column} is {value}: a replay buffer holds finite numbers alone, drop the row or mend what made it"
    ))
}

/// Whether an origin comes back from a record as it was.
fn is_kept(origin: Origin) -> bool {
    Origin::from_bits(origin.to_bits()) == origin
}

#[cold]
fn lost_origin(row: Option<usize>) -> Error {
    let row = row.map_or_else(String::new, |row| format!("row {row}, "));
    Error::invalid(format_args!(
        "{row}origin is member 65535 and policy 65535, which a record cannot hold: number one of them lower"
    ))
}
