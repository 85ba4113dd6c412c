//! An allocator that counts, for tests that hold a hot loop to allocating nothing.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting. Make it the global one of a test:
///
/// ```
/// use mbrl_testkit::{CountingAlloc, allocations};
///
/// #[global_allocator]
/// static ALLOC: CountingAlloc = CountingAlloc;
///
/// # fn main() {
/// let (_, made) = allocations(|| vec![0u8; 100]);
/// assert_eq!((made.count, made.bytes), (1, 100));
/// let mut kept = vec![0u8; 100];
/// let (_, made) = allocations(|| kept.fill(1));
/// assert_eq!(made.count, 0);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAlloc;

/// What was allocated on one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// How often memory was asked for, or more of it.
    pub count: u64,
    /// How many bytes were asked for in all.
    pub bytes: u64,
}

thread_local! {
    // Without a destructor and without lazy initialisation, so that the allocator may touch it at any time.
    static MADE: Cell<Allocations> = const { Cell::new(Allocations { count: 0, bytes: 0 }) };
}

/// Does `work` and counts what it allocates on this thread. Counts nothing unless [`CountingAlloc`] is the global allocator.
pub fn allocations<T>(work: impl FnOnce() -> T) -> (T, Allocations) {
    let before = MADE.get();
    let done = work();
    let after = MADE.get();
    (done, Allocations { count: after.count - before.count, bytes: after.bytes - before.bytes })
}

fn count(bytes: usize) {
    // A thread that is being torn down may have lost its cell; what it allocates then is nobody's hot loop.
    let _ = MADE.try_with(|made| {
        let Allocations { count, bytes: sum } = made.get();
        made.set(Allocations { count: count + 1, bytes: sum + bytes as u64 });
    });
}

// SAFETY: every call is handed on to the system's allocator unchanged; counting touches a thread-local cell only and neither
// allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size.saturating_sub(layout.size()));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }
}
