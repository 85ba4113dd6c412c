//! Independent work on every core, each piece on one thread of its own.

use mbrl_core::{Error, Result};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Does `work` for 0 to `n`, as many at a time as there are cores, and returns what each gave in order. Of several errors,
/// the first piece's.
pub(crate) fn each<T: Send>(n: u64, work: impl Fn(u64) -> Result<T> + Sync) -> Result<Vec<T>> {
    let (next, done) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    std::thread::scope(|scope| {
        for _ in 0..cores.min(n) {
            scope.spawn(|| {
                // What a piece does in parallel would only stand in the way of the others.
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(Error::backend);
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= n {
                        break;
                    }
                    let piece = match &pool {
                        Ok(pool) => pool.install(|| work(i)),
                        Err(error) => Err(Error::unsupported(error)),
                    };
                    // A piece that panicked ends the scope with its panic, so nobody reads what it poisoned.
                    done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((i, piece));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, piece)| piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_errors_from_the_first() {
        assert_eq!(each(20, |i| Ok(i * i)).unwrap(), (0..20).map(|i| i * i).collect::<Vec<_>>());
        assert!(each(0, |_| Ok(())).unwrap().is_empty());
        let error = each(9, |i| if i > 3 { Err(Error::invalid(i)) } else { Ok(i) }).unwrap_err();
        assert_eq!(error.to_string(), "4");
    }
}
