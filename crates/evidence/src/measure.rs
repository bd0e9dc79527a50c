//! Hashes an exhibit when it is taken in: the digest of each file and one of the whole.

use crate::{
    bag::manifest_line,
    chunk::workers,
    content::Content,
    hash::Hasher,
    listing::{Item, Listing, ScanError},
    progress::{Progress, Watch, ticks},
};
use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};
use vocabulary::Digest;

/// Bytes read at a time.
pub(crate) const READ_BYTES: usize = 256 * 1024;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    pub files: u64,
    pub bytes: u64,
    /// SHA-256 of the manifest text, which is the name of the exhibit's content.
    pub tree: Digest,
}

/// Hashes every file once, several at a time, and writes the manifest text of the exhibit: for every file
/// `<hex>  <relative>\n` in ascending byte order of the relative path. With coreutils, inside the folder:
/// `find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum`.
pub fn measure(
    listing: &Listing,
    manifest: &mut dyn Write,
    progress: &mut Watch<'_>,
) -> Result<Measured, MeasureError> {
    let shared = Shared {
        items: Mutex::new(listing.items().enumerate()),
        found: Mutex::new(BTreeMap::new()),
        done: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        fault: Mutex::new(None),
    };
    let threads = workers();
    let total = listing.bytes();
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| shared.work(listing))).collect();
        ticks(|| {
            let done = shared.done.load(Ordering::Relaxed);
            if progress(Progress { done, total, what: "hashing" }).is_break() {
                shared.give_up(ScanError::Cancelled);
            }
            running.iter().all(thread::ScopedJoinHandle::is_finished)
        });
    });
    if let Some(fault) = shared.fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(fault.into());
    }
    let found = shared.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut tree = Hasher::default();
    for (item, digest) in listing.items().zip(found.values()) {
        let line = manifest_line(digest, &item.relative);
        tree.update(line.as_bytes());
        manifest.write_all(line.as_bytes()).map_err(MeasureError::Manifest)?;
    }
    manifest.flush().map_err(MeasureError::Manifest)?;
    let progressed = progress(Progress { done: total, total, what: "hashing" });
    match progressed.is_break() {
        true => Err(ScanError::Cancelled.into()),
        false => Ok(Measured { files: listing.files(), bytes: total, tree: tree.finish() }),
    }
}

struct Shared<I> {
    items: Mutex<I>,
    found: Mutex<BTreeMap<usize, Digest>>,
    done: AtomicU64,
    stop: AtomicBool,
    fault: Mutex<Option<ScanError>>,
}

impl<I: Iterator<Item = (usize, Item)>> Shared<I> {
    fn work(&self, listing: &Listing) {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let next = self.items.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, item)) = next.filter(|_| !self.stop.load(Ordering::Relaxed)) else { return };
            match self.hash(listing, &item, &mut buffer) {
                Ok(digest) => {
                    self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(number, digest);
                }
                Err(fault) => return self.give_up(fault),
            }
        }
    }

    fn hash(&self, listing: &Listing, item: &Item, buffer: &mut [u8]) -> Result<Digest, ScanError> {
        let mut content = Content::open(listing, item)?;
        let mut hasher = Hasher::default();
        loop {
            let read = content.read(buffer)?;
            if read == 0 {
                return Ok(hasher.finish());
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
            self.done.fetch_add(u64::try_from(read).unwrap_or(u64::MAX), Ordering::Relaxed);
            if self.stop.load(Ordering::Relaxed) {
                return Err(ScanError::Cancelled);
            }
        }
    }

    /// The first fault counts.
    fn give_up(&self, fault: ScanError) {
        self.stop.store(true, Ordering::Relaxed);
        let mut kept = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert(fault);
    }
}

/// Why an exhibit could not be hashed.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error("the list of the exhibit's files could not be written")]
    Manifest(#[source] io::Error),
}

impl vocabulary::Failure for MeasureError {
    fn family(&self) -> vocabulary::Family {
        match self {
            Self::Scan(error) => error.family(),
            Self::Manifest(_) => vocabulary::Family::Fault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Scan(error) => error.code(),
            Self::Manifest(_) => "F-304",
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::Scan(error) => error.clause(),
            Self::Manifest(_) => None,
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Scan(error) => error.remedy(),
            Self::Manifest(_) => "check the space of the node's disk and try again".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{Bench, carry_on, has_tool, noise, shell},
        listing::{Carry, survey},
    };
    use std::ops::ControlFlow;
    use vocabulary::Failure as _;

    #[test]
    fn coreutils_gives_the_same_tree_digest() {
        if !has_tool("sha256sum", "--version") {
            return;
        }
        let bench = Bench::new(&[("b/two", noise(70_000)), ("a", vec![]), ("b.c", noise(3))]);
        let listing = survey(&bench.path("case"), Carry::Files).unwrap();
        let mut manifest = Vec::new();
        let measured = measure(&listing, &mut manifest, &mut carry_on).unwrap();
        let printed = shell(
            &bench.path("case"),
            "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum",
        );
        assert_eq!(printed.split(' ').next(), Some(measured.tree.hex().as_str()));
        assert_eq!(Digest::of(&manifest), measured.tree);
        assert_eq!((measured.files, measured.bytes), (3, 70_003));
    }

    #[test]
    fn hashing_stops_when_it_is_told_to() {
        let bench = Bench::new(&[("big", noise(100_000))]);
        let listing = survey(&bench.path("case"), Carry::Files).unwrap();
        let error = measure(&listing, &mut Vec::new(), &mut |_| ControlFlow::Break(())).unwrap_err();
        assert_eq!(error.code(), "R-309");
    }
}
