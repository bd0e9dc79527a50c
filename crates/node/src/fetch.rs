//! Fetching an announced package: file by file with HTTP Range, checked as it arrives, resumed where it stopped.

use crate::{NodeError, Road, client::plain, error::disk};
use exchange::PackageFile;
use flow::{Fetch, Flow};
use reqwest::{StatusCode, header::RANGE};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};
use vocabulary::{Digest, Failure as _, FileId, PackageId};

/// No byte for so long ends an attempt.
const SILENCE: Duration = Duration::from_secs(30);
const READ_BYTES: usize = 1 << 20;

/// Bytes of the package that are here.
#[derive(Debug, Clone, Copy)]
pub struct FetchProgress {
    pub done: u64,
    pub total: u64,
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
) -> Result<Option<evidence::VerifyReport>, NodeError> {
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
    if !fetch.complete {
        fetch_files(road, &fetch, progress).await?;
    }
    let (worker, duty, runtime) = (flow.clone(), duty.to_owned(), tokio::runtime::Handle::current());
    // Hashing a package takes its time: not on a thread that answers peers.
    let verified = tokio::task::spawn_blocking(move || runtime.block_on(worker.fetched(&duty, &fetch))).await;
    let report = verified.map_err(|_| trouble("the verification was stopped"))??;
    drop(lock);
    Ok(Some(report))
}

async fn fetch_files(
    road: &Road,
    fetch: &Fetch,
    progress: &mut (dyn FnMut(FetchProgress) + Send),
) -> Result<(), NodeError> {
    let mut done = 0;
    for file in &fetch.files {
        let target = fetch.arriving.join(&file.name);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(|source| disk(folder, source))?;
        }
        if fs::metadata(&target).is_ok_and(|about| about.len() == file.size) {
            done += file.size;
        } else {
            fetch_file(road, fetch, file, &target, &mut done, progress).await?;
        }
        progress(FetchProgress { done, total: fetch.bytes });
    }
    Ok(())
}

async fn fetch_file(
    road: &Road,
    fetch: &Fetch,
    file: &PackageFile,
    target: &Path,
    done: &mut u64,
    progress: &mut (dyn FnMut(FetchProgress) + Send),
) -> Result<(), NodeError> {
    let partial = partial(target);
    let (mut have, mut hash) = (0, Sha256::new());
    if let Ok(mut before) = File::open(&partial) {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = before.read(&mut buffer).map_err(|source| disk(&partial, source))?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            hash.update(bytes);
            have += read as u64;
        }
    }
    if have > file.size {
        fs::remove_file(&partial).map_err(|source| disk(&partial, source))?;
        (have, hash) = (0, Sha256::new());
    }
    let mut out = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&partial)
        .map_err(|source| disk(&partial, source))?;
    *done += have;
    if have < file.size {
        let url = format!("{}/v1/packages/{}/{}", fetch.peer.endpoint(), fetch.package, file.name);
        let request = road.client(&fetch.peer)?.get(url).header(RANGE, format!("bytes={have}-"));
        let mut answer = request.send().await.map_err(|error| trouble(&plain(&error)))?;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::OK => {
                // The whole file, although a part was asked for: begin again.
                *done = done.saturating_sub(have);
                (have, hash) = (0, Sha256::new());
                out.set_len(0).map_err(|source| disk(&partial, source))?;
            }
            status => return Err(trouble(&format!("the peer answered {}", status.as_u16()))),
        }
        loop {
            let chunk = tokio::time::timeout(SILENCE, answer.chunk())
                .await
                .map_err(|_| trouble("the peer fell silent"))?
                .map_err(|error| trouble(&plain(&error)))?;
            let Some(chunk) = chunk else { break };
            have += chunk.len() as u64;
            if have > file.size {
                break;
            }
            hash.update(&chunk);
            out.write_all(&chunk).map_err(|source| no_room(&partial, source))?;
            *done += chunk.len() as u64;
            progress(FetchProgress { done: *done, total: fetch.bytes });
        }
    }
    out.sync_all().map_err(|source| no_room(&partial, source))?;
    if have < file.size {
        return Err(trouble("the transfer was cut; it goes on where it stopped"));
    }
    if have != file.size || Digest::from_bytes(hash.finalize().into()) != file.digest {
        *done = done.saturating_sub(have);
        fs::remove_file(&partial).map_err(|source| disk(&partial, source))?;
        return Err(trouble("a file is not what was announced; it is fetched again"));
    }
    fs::rename(&partial, target).map_err(|source| disk(target, source))
}

fn partial(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// A part that does not fit must not keep the disk full for everything else.
fn no_room(partial: &Path, source: std::io::Error) -> NodeError {
    if source.kind() == ErrorKind::StorageFull
        && let Err(left) = fs::remove_file(partial)
    {
        return disk(partial, left);
    }
    disk(partial, source)
}

fn trouble(reason: &str) -> NodeError {
    NodeError::Road { reason: reason.to_owned() }
}

/// One line about a failed fetch for the duty that is put off.
pub(crate) fn line(error: &NodeError) -> String {
    format!("{}: {error}", error.code())
}
