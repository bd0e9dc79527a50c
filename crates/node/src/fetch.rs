//! Fetching an announced package: several files at once with HTTP Range, each hashed as it arrives and taken up
//! again where it stopped.

use crate::{
    NodeError, Pace, Road,
    client::plain,
    error::disk,
    landing::{Landed, Landing},
};
use bytes::Bytes;
use exchange::PackageFile;
use flow::{Fetch, Flow};
use reqwest::{StatusCode, header::RANGE};
use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinSet, spawn_blocking},
};
use vocabulary::{Digest, Failure as _, FileId, PackageId};

/// No byte for so long ends an attempt.
const SILENCE: Duration = Duration::from_secs(30);
/// What is handed to the hashing thread at once; the network gives less.
const BATCH_BYTES: usize = 256 << 10;
/// Batches that wait for the hashing thread.
const BATCHES_WAITING: usize = 4;
/// How often one file is fetched that is not what was announced, before people are told.
pub(crate) const PART_TRIES: u32 = 3;
/// How often progress is told.
const TELL: Duration = Duration::from_millis(100);

/// Bytes of the package that are here.
#[derive(Debug, Clone, Copy)]
pub struct FetchProgress {
    pub done: u64,
    pub total: u64,
}

/// What a fetch cost beyond the bytes of the package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct FetchCost {
    /// Bytes that were here from an earlier attempt.
    pub resumed: u64,
    /// Bytes of these that were read and hashed again.
    pub rehashed: u64,
    /// Bytes that were not what was announced, and came again.
    pub fetched_again: u64,
}

/// A package that is here and verified.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Fetched {
    #[serde(flatten)]
    pub report: evidence::VerifyReport,
    pub cost: FetchCost,
}

/// Fetches and verifies a package and records both; what is here already is not fetched again.
///
/// Returns `None` when another program of this node fetches the same package now.
pub async fn fetch_package(
    flow: &Flow,
    road: &Road,
    duty: &str,
    file: FileId,
    package: PackageId,
    progress: &mut (dyn FnMut(FetchProgress) + Send),
) -> Result<Option<Fetched>, NodeError> {
    bring(flow, Source::Road(Box::new(road.clone())), duty, file, package, progress).await
}

/// Where the files of a package come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Road(Box<Road>),
    /// The package in a folder, such as a disk that was carried here.
    Folder(PathBuf),
}

/// The one way in for a package, whatever road it came by.
pub(crate) async fn bring(
    flow: &Flow,
    source: Source,
    duty: &str,
    file: FileId,
    package: PackageId,
    progress: &mut (dyn FnMut(FetchProgress) + Send),
) -> Result<Option<Fetched>, NodeError> {
    let mut fetch = flow.fetch_plan(file, package).await?;
    let lock_path = fetch.arriving.with_extension("lock");
    let folder = lock_path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|source| disk(folder, source))?;
    let lock = File::create(&lock_path).map_err(|source| disk(&lock_path, source))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(source)) => return Err(disk(&lock_path, source)),
    }
    fetch = flow.fetch_plan(file, package).await?;
    let mut cost = FetchCost::default();
    if !fetch.complete {
        (cost, fetch.arrived) = bring_files(source, flow, &fetch, progress).await?;
    }
    let (worker, duty, runtime) = (flow.clone(), duty.to_owned(), tokio::runtime::Handle::current());
    // Hashing a package takes its time: not on a thread that answers peers.
    let verified = spawn_blocking(move || runtime.block_on(worker.fetched(&duty, &fetch))).await;
    let report = verified.map_err(|_| trouble("the verification was stopped"))??;
    drop(lock);
    Ok(Some(Fetched { report, cost }))
}

/// Counts for all files of one fetch.
#[derive(Debug, Default)]
struct Tally {
    done: AtomicU64,
    resumed: AtomicU64,
    rehashed: AtomicU64,
    again: AtomicU64,
    arrived: Mutex<BTreeMap<String, Digest>>,
}

impl Tally {
    /// Counts what is here of a file already.
    fn begin(&self, landing: &Landing) {
        self.done.fetch_add(landing.have(), Ordering::Relaxed);
        self.resumed.fetch_add(landing.resumed, Ordering::Relaxed);
        self.rehashed.fetch_add(landing.rehashed, Ordering::Relaxed);
    }

    fn arrived(&self) -> MutexGuard<'_, BTreeMap<String, Digest>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cost(&self) -> FetchCost {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        FetchCost {
            resumed: read(&self.resumed),
            rehashed: read(&self.rehashed),
            fetched_again: read(&self.again),
        }
    }
}

/// What every file of one package needs on its way.
#[derive(Clone)]
struct Carrier {
    from: From,
    tally: Arc<Tally>,
}

#[derive(Clone)]
enum From {
    Peer { road: Box<Road>, peer: Arc<register::Peer>, package: PackageId },
    Folder(PathBuf),
}

async fn bring_files(
    source: Source,
    flow: &Flow,
    fetch: &Fetch,
    progress: &mut (dyn FnMut(FetchProgress) + Send),
) -> Result<(FetchCost, BTreeMap<String, Digest>), NodeError> {
    let from = match source {
        Source::Road(road) => From::Peer { road, peer: Arc::clone(&fetch.peer), package: fetch.package },
        Source::Folder(folder) => From::Folder(folder),
    };
    let carrier = Carrier { from, tally: Arc::default() };
    let (to, total) = (&fetch.arriving, fetch.bytes);
    let begun = arrived(to);
    flow::ensure_space(to, total.saturating_sub(begun))?;
    bring_all(&carrier, to, &fetch.files, total, progress).await?;
    if fetch.parts.is_some() {
        // The manifest is here now, with the digest that was announced.
        let announcement = flow.announcement(fetch.file, fetch.package).await?;
        let parts = fetch.counted_parts(&announcement)?;
        bring_all(&carrier, to, &parts, total, progress).await?;
    }
    let arrived = std::mem::take(&mut *carrier.tally.arrived());
    Ok((carrier.tally.cost(), arrived))
}

/// Copies files of our own from folder to folder, each checked as it goes.
pub(crate) async fn copy_files(
    from: &Path,
    to: &Path,
    files: &[PackageFile],
    total: u64,
    progress: &mut (dyn FnMut(FetchProgress) + Send),
) -> Result<(), NodeError> {
    flow::ensure_space(to, total.saturating_sub(arrived(to)))?;
    let carrier = Carrier { from: From::Folder(from.to_owned()), tally: Arc::default() };
    match bring_all(&carrier, to, files, total, progress).await {
        Err(NodeError::Part { name, .. } | NodeError::Cut { name }) => Err(NodeError::OwnPart { name }),
        other => other,
    }
}

/// Bytes that lie in a folder already.
fn arrived(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => arrived(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// Brings every file that is not here, several at once; one that is wrong does not stop the others.
async fn bring_all(
    carrier: &Carrier,
    to: &Path,
    files: &[PackageFile],
    total: u64,
    progress: &mut (dyn FnMut(FetchProgress) + Send),
) -> Result<(), NodeError> {
    let mut missing = missing(carrier, to, files)?;
    let at_once = match &carrier.from {
        From::Peer { road, .. } => road.pace().at_once,
        // A disk gives most when it is read at one place.
        From::Folder(_) => 1,
    };
    let (mut running, mut failed) = (JoinSet::new(), None);
    let mut tick = tokio::time::interval(TELL);
    loop {
        while running.len() < at_once
            && matches!(failed, None | Some(NodeError::Part { .. }))
            && let Some((file, target)) = missing.pop_front()
        {
            let carrier = carrier.clone();
            running.spawn(async move { bring_file(&carrier, &file, &target).await });
        }
        progress(FetchProgress { done: carrier.tally.done.load(Ordering::Relaxed), total });
        tokio::select! {
            ended = running.join_next() => match ended {
                None => return failed.map_or(Ok(()), Err),
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => failed = failed.or(Some(error)),
                Some(Err(_)) => failed = failed.or(Some(trouble("the fetch of a part was stopped"))),
            },
            _ = tick.tick() => {}
        }
    }
}

/// The files that are not whole here, with their places.
fn missing(
    carrier: &Carrier,
    to: &Path,
    files: &[PackageFile],
) -> Result<VecDeque<(PackageFile, PathBuf)>, NodeError> {
    let mut missing = VecDeque::new();
    for file in files {
        let target = to.join(&file.name);
        // A file has its name only since its digest was right.
        if fs::symlink_metadata(&target).is_ok_and(|about| about.is_file() && about.len() == file.size) {
            carrier.tally.done.fetch_add(file.size, Ordering::Relaxed);
            continue;
        }
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(|source| disk(folder, source))?;
        }
        missing.push_back((file.clone(), target));
    }
    Ok(missing)
}

async fn bring_file(carrier: &Carrier, file: &PackageFile, target: &Path) -> Result<(), NodeError> {
    for _ in 0..PART_TRIES {
        let landed = match &carrier.from {
            From::Peer { road, peer, package } => {
                let url = format!("{}/v1/packages/{package}/{}", peer.endpoint(), file.name);
                pull(carrier, road, peer, &url, file, target).await?
            }
            From::Folder(folder) => copy(carrier, &folder.join(&file.name), file, target).await?,
        };
        if landed == Landed::AsAnnounced {
            carrier.tally.arrived().insert(file.name.clone(), file.digest);
            return Ok(());
        }
        carrier.tally.done.fetch_sub(file.size, Ordering::Relaxed);
        carrier.tally.again.fetch_add(file.size, Ordering::Relaxed);
    }
    Err(NodeError::Part { name: file.name.clone(), tries: PART_TRIES })
}

/// What the hashing thread is told.
enum Told {
    Bytes(Vec<Bytes>),
    /// The whole file comes, although a part was asked for.
    FromTheBeginning,
}

/// One attempt over HTTPS; what came of a cut one stays.
async fn pull(
    carrier: &Carrier,
    road: &Road,
    peer: &register::Peer,
    url: &str,
    file: &PackageFile,
    target: &Path,
) -> Result<Landed, NodeError> {
    let (begin, begun) = oneshot::channel();
    let (send, receive) = mpsc::channel(BATCHES_WAITING);
    let (path, size, digest) = (target.to_owned(), file.size, file.digest);
    let tally = Arc::clone(&carrier.tally);
    let writer = spawn_blocking(move || land(&path, size, digest, &tally, begin, receive));
    let came = match begun.await {
        Ok(have) if have < size => {
            let range = format!("bytes={have}-{}", size - 1);
            let request = road.client(peer)?.get(url).header(RANGE, range);
            receive_from(carrier, road.pace(), request, size, have, send).await
        }
        // Whole already, or the thread says itself why it ended.
        _ => {
            drop(send);
            Ok(())
        }
    };
    let landed = writer.await.map_err(|_| trouble("the writing of a part was stopped"))?;
    match landed.map_err(|source| disk(target, source))? {
        Some(landed) => Ok(landed),
        None => {
            came?;
            Err(trouble("the transfer was cut; it goes on where it stopped"))
        }
    }
}

/// The thread of one file: hashes and writes until the file is whole or nothing comes any more.
fn land(
    target: &Path,
    size: u64,
    digest: Digest,
    tally: &Tally,
    begin: oneshot::Sender<u64>,
    mut receive: mpsc::Receiver<Told>,
) -> io::Result<Option<Landed>> {
    let mut landing = Landing::open(target, size)?;
    tally.begin(&landing);
    // Who asked is gone only when the whole fetch was stopped; then nothing comes.
    let _ = begin.send(landing.have());
    let mut taken = || -> io::Result<()> {
        while let Some(told) = receive.blocking_recv() {
            match told {
                Told::Bytes(batch) => batch.iter().try_for_each(|bytes| landing.take(bytes))?,
                Told::FromTheBeginning => {
                    tally.done.fetch_sub(landing.have(), Ordering::Relaxed);
                    landing.restart()?;
                }
            }
        }
        Ok(())
    };
    let outcome = taken();
    settle(landing, outcome, digest)
}

/// Ends a file as what came of it asks for.
fn settle(landing: Landing, taken: io::Result<()>, digest: Digest) -> io::Result<Option<Landed>> {
    match taken {
        Ok(()) if landing.is_whole() => landing.finish(digest).map(Some),
        Ok(()) => landing.pause().map(|()| None),
        Err(error) if error.kind() == ErrorKind::StorageFull => landing.remove().and(Err(error)),
        Err(error) => Err(error),
    }
}

/// Asks for what is missing and hands it to the thread of the file.
async fn receive_from(
    carrier: &Carrier,
    pace: &Pace,
    request: reqwest::RequestBuilder,
    size: u64,
    have: u64,
    send: mpsc::Sender<Told>,
) -> Result<(), NodeError> {
    let mut answer = request.send().await.map_err(|error| trouble(&plain(&error)))?;
    let mut left = size - have;
    match answer.status() {
        StatusCode::PARTIAL_CONTENT => {}
        StatusCode::OK => {
            left = size;
            if send.send(Told::FromTheBeginning).await.is_err() {
                return Ok(());
            }
        }
        status => return Err(trouble(&format!("the peer answered {}", status.as_u16()))),
    }
    let (mut batch, mut waiting) = (Vec::new(), 0);
    let came = loop {
        let chunk = match tokio::time::timeout(SILENCE, answer.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => break Ok(()),
            Ok(Err(error)) => break Err(trouble(&plain(&error))),
            Err(_) => break Err(trouble("the peer fell silent")),
        };
        let length = (chunk.len() as u64).min(left);
        left -= length;
        waiting += chunk.len();
        carrier.tally.done.fetch_add(length, Ordering::Relaxed);
        pace.take(chunk.len()).await;
        batch.push(chunk);
        if waiting >= BATCH_BYTES || left == 0 {
            waiting = 0;
            // A thread that is gone says itself why.
            if send.send(Told::Bytes(std::mem::take(&mut batch))).await.is_err() || left == 0 {
                return Ok(());
            }
        }
    };
    // What came before a cut is kept.
    let _ = send.send(Told::Bytes(batch)).await;
    came
}

/// One attempt from a folder.
async fn copy(
    carrier: &Carrier,
    from: &Path,
    file: &PackageFile,
    target: &Path,
) -> Result<Landed, NodeError> {
    let (from, to, tally) = (from.to_owned(), target.to_owned(), Arc::clone(&carrier.tally));
    let (size, digest) = (file.size, file.digest);
    let copied = spawn_blocking(move || copy_file(&from, &to, size, digest, &tally)).await;
    match copied.map_err(|_| trouble("the copying of a part was stopped"))? {
        Ok(Some(landed)) => Ok(landed),
        Ok(None) => Err(NodeError::Cut { name: file.name.clone() }),
        Err(source) => Err(disk(target, source)),
    }
}

fn copy_file(from: &Path, to: &Path, size: u64, digest: Digest, tally: &Tally) -> io::Result<Option<Landed>> {
    let mut landing = Landing::open(to, size)?;
    tally.begin(&landing);
    let mut copied = || -> io::Result<()> {
        if !fs::symlink_metadata(from)?.is_file() {
            return Err(ErrorKind::InvalidInput.into());
        }
        let mut source = File::open(from)?;
        source.seek(SeekFrom::Start(landing.have()))?;
        let mut buffer = vec![0; BATCH_BYTES];
        while !landing.is_whole() {
            let read = source.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            let before = landing.have();
            landing.take(bytes)?;
            tally.done.fetch_add(landing.have() - before, Ordering::Relaxed);
        }
        Ok(())
    };
    let outcome = copied();
    settle(landing, outcome, digest)
}

fn trouble(reason: &str) -> NodeError {
    NodeError::Road { reason: reason.to_owned() }
}

/// One line about a failed fetch for the duty that is put off.
pub(crate) fn line(error: &NodeError) -> String {
    format!("{}: {error}", error.code())
}
