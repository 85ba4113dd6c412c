//! Room for a block of rows. It belongs to the thread, so that whoever computes has it at hand, and in its cache.

use std::cell::RefCell;

thread_local! {
    static ROOM: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Lends so many numbers, whatever they hold. What is done with them may not ask for room again.
pub(crate) fn with<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    ROOM.with_borrow_mut(|room| {
        if room.len() < len {
            room.resize(len, 0.0);
        }
        work(&mut room[..len])
    })
}
