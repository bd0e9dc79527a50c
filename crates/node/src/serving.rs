//! Serving one file of a package: a single range of it, read in large blocks beside the network.

use axum::{
    body::Body,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinHandle, spawn_blocking},
};
use vocabulary::StateCode;

/// What is read at once.
const READ_BYTES: u64 = 256 << 10;

/// Files that one State can take at the same time: each holds some blocks in memory, however slowly it is taken.
const AT_ONCE: usize = 64;

/// Who takes files now; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<StateCode, Arc<Semaphore>>>>);

impl Turns {
    /// A turn for as long as it is held, or `None` when the State has too many.
    pub(crate) fn take(&self, state: StateCode) -> Option<OwnedSemaphorePermit> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.entry(state).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
        Arc::clone(turn).try_acquire_owned().ok()
    }
}

/// Told of bytes as they go out: from where in the file, and how many.
pub(crate) type Told = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Answers `GET` and `HEAD` for the whole file or one range of it (RFC 9110, 14).
pub(crate) async fn serve_file(path: &Path, method: &Method, headers: &HeaderMap, told: Told) -> Response {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let path = path.to_owned();
    let opened = spawn_blocking(move || {
        let file = File::open(path)?;
        let about = file.metadata()?;
        if about.is_file() { Ok((file, about.len())) } else { Err(io::Error::from(io::ErrorKind::NotFound)) }
    });
    let (file, size) = match opened.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            return StatusCode::NOT_FOUND.into_response();
        }
        _ => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    // RFC 9110, 14.2: a range means something in a `GET` only.
    let asked = if *method == Method::GET { wanted(headers, size) } else { Ok(None) };
    let range = match asked {
        Ok(range) => range,
        Err(Unsatisfiable) => {
            let all = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, all).into_response();
        }
    };
    let (from, to) = range.unwrap_or((0, size));
    let body = if *method == Method::GET { stream(file, from, to, told) } else { Body::empty() };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, "bytes".parse().expect("a word is a header value"));
    headers.insert(
        header::CONTENT_TYPE,
        "application/octet-stream".parse().expect("a media type is a header value"),
    );
    headers.insert(header::CONTENT_LENGTH, (to - from).into());
    if range.is_some() {
        let shown = format!("bytes {from}-{}/{size}", to.saturating_sub(1));
        headers.insert(header::CONTENT_RANGE, shown.parse().expect("digits are a header value"));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// No byte of the file is in the range, or it is not one range.
#[derive(Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// The half-open range that is asked for; `None` is the whole file.
fn wanted(headers: &HeaderMap, size: u64) -> Result<Option<(u64, u64)>, Unsatisfiable> {
    // We give no validator, so a range under a condition is never the one that was meant.
    if headers.contains_key(header::IF_RANGE) {
        return Ok(None);
    }
    let Some(value) = headers.get(header::RANGE) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Unsatisfiable)?;
    // RFC 9110, 14.2: a unit that is not known is ignored.
    let Some(set) = text.strip_prefix("bytes=") else { return Ok(None) };
    let number = |text: &str| text.parse::<u64>().map_err(|_| Unsatisfiable);
    let range = match set.trim().split_once('-').ok_or(Unsatisfiable)? {
        ("", last) => (size.saturating_sub(number(last)?), size),
        (first, "") => (number(first)?, size),
        (first, last) => (number(first)?, number(last)?.saturating_add(1).min(size)),
    };
    if range.0 < range.1 { Ok(Some(range)) } else { Err(Unsatisfiable) }
}

/// Buffers that went out come back: large ones are dear to make.
type Pool = Arc<Mutex<Vec<Vec<u8>>>>;

struct Lent {
    buffer: Vec<u8>,
    pool: Pool,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

type Read = JoinHandle<io::Result<Bytes>>;

/// One block goes out while the next one is read; no thread waits for a slow peer.
fn stream(file: File, from: u64, to: u64, told: Told) -> Body {
    let (file, pool) = (Arc::new(file), Pool::default());
    let read = move |at: u64| -> Option<Read> {
        let length = READ_BYTES.min(to.saturating_sub(at));
        (length > 0).then(|| {
            let (file, pool) = (Arc::clone(&file), Arc::clone(&pool));
            spawn_blocking(move || block(&file, at, length, pool))
        })
    };
    let first = read(from);
    let blocks = futures_util::stream::unfold((from, first, read), move |(at, running, read)| {
        let told = Arc::clone(&told);
        async move {
            let done = running?.await.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()));
            let length = done.as_ref().map_or(0, |bytes| bytes.len() as u64);
            let next = if length > 0 { read(at + length) } else { None };
            told(at, length);
            Some((done, (at + length, next, read)))
        }
    });
    Body::from_stream(blocks)
}

fn block(file: &File, at: u64, length: u64, pool: Pool) -> io::Result<Bytes> {
    let mut buffer = pool.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
    buffer.resize(usize::try_from(length).unwrap_or(0), 0);
    file.read_exact_at(&mut buffer, at)?;
    Ok(Bytes::from_owner(Lent { buffer, pool }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_state_has_so_many_turns_and_takes_none_from_another() {
        let (turns, a, b) = (Turns::default(), "XA".parse().unwrap(), "XB".parse().unwrap());
        let mut held: Vec<_> = (0..AT_ONCE).map(|_| turns.take(a).unwrap()).collect();
        assert!(turns.take(a).is_none());
        assert!(turns.take(b).is_some());
        held.pop();
        assert!(turns.take(a).is_some());
    }

    #[test]
    fn one_range_is_read_and_what_lies_outside_is_refused() {
        let ask = |range: &str| {
            let headers = [(header::RANGE, range.parse().unwrap())].into_iter().collect();
            wanted(&headers, 100)
        };
        assert_eq!(wanted(&HeaderMap::new(), 100), Ok(None));
        assert_eq!(ask("bytes=0-3"), Ok(Some((0, 4))));
        assert_eq!(ask("bytes=90-"), Ok(Some((90, 100))));
        assert_eq!(ask("bytes=-5"), Ok(Some((95, 100))));
        assert_eq!(ask("bytes=-500"), Ok(Some((0, 100))));
        assert_eq!(ask("bytes=99-99999999"), Ok(Some((99, 100))));
        assert_eq!(ask("lines=1-2"), Ok(None));
        for bad in [
            "bytes=100-",
            "bytes=5-2",
            "bytes=-0",
            "bytes=0-1,3-4",
            "bytes=a-b",
            "bytes=",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(ask(bad), Err(Unsatisfiable), "{bad}");
        }
    }
}
