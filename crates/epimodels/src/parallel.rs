//! Independent jobs over scoped threads; the answers come back in the order of the jobs.

use std::sync::atomic::{AtomicUsize, Ordering};

/// `job(0), …, job(count − 1)` on up to `threads` threads, in order. A job may depend on its index only, so
/// the number of threads cannot change an answer.
pub fn map<T: Send>(count: usize, threads: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if threads <= 1 || count <= 1 {
        return (0..count).map(job).collect();
    }
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let work = || {
            let mut mine = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return mine;
                }
                mine.push((index, job(index)));
            }
        };
        let workers: Vec<_> = (0..threads.min(count)).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(mine) => mine,
                Err(cause) => std::panic::resume_unwind(cause),
            })
            .collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn answers_keep_the_order_of_the_jobs() {
        assert_eq!(super::map(100, 4, |i| i * i), super::map(100, 1, |i| i * i));
    }
}
