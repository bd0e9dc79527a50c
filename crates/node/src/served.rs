//! What goes out of each package: counted as it goes, and kept every few seconds for people to see.

use flow::{Flow, Served};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use vocabulary::{Failure as _, Instant, PackageId};

/// How often counts are kept.
const KEEP: Duration = Duration::from_secs(3);

/// The counts of one process; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServedCounts(Arc<Mutex<HashMap<PackageId, Count>>>);

#[derive(Debug, Default)]
struct Count {
    /// By file, up to where it went out: what is asked for again counts once.
    marks: HashMap<String, u64>,
    /// Not kept yet.
    new: u64,
    at: Option<Instant>,
}

impl ServedCounts {
    /// Bytes of a file that went out, from `at` on.
    pub(crate) fn add(&self, package: PackageId, name: &str, from: u64, bytes: u64, now: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(package).or_default();
        let end = from + bytes;
        let mark = match count.marks.get_mut(name) {
            Some(mark) => mark,
            None => count.marks.entry(name.to_owned()).or_insert(from),
        };
        count.new += end.saturating_sub(from.max(*mark));
        *mark = end.max(*mark);
        count.at = Some(now);
    }

    fn take_new(&self) -> Vec<(PackageId, u64, Instant)> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = counts.iter_mut().filter_map(|(package, count)| {
            let at = count.at.take()?;
            Some((*package, std::mem::take(&mut count.new), at))
        });
        new.collect()
    }

    /// Adds what went out since the last time to what is kept.
    async fn keep(&self, flow: &Flow) {
        for (package, new, at) in self.take_new() {
            let kept = async {
                let before = flow.served_so_far(package).await?.map_or(0, |served| served.bytes);
                flow.keep_served(package, Served { bytes: before.saturating_add(new), at }).await
            };
            if let Err(error) = kept.await {
                tracing::warn!(code = error.code(), %package, "what went out was not kept: {error}");
            }
        }
    }
}

/// Keeps the counts until `stop`, and once more then.
pub(crate) async fn keep_counts(flow: Flow, counts: ServedCounts, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(KEEP) => {}
            _ = stop.changed() => {}
        }
        counts.keep(&flow).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_go_out_twice_count_once() {
        let (counts, package, now) =
            (ServedCounts::default(), PackageId::from_uuid(uuid::Uuid::nil()), Instant::from_micros(7));
        counts.add(package, "a", 0, 100, now);
        counts.add(package, "a", 0, 50, now);
        counts.add(package, "a", 90, 20, now);
        counts.add(package, "b", 40, 10, now);
        assert_eq!(counts.take_new(), [(package, 120, now)]);
        assert_eq!(counts.take_new(), []);
        counts.add(package, "a", 0, 111, now);
        assert_eq!(counts.take_new(), [(package, 1, now)]);
    }
}
