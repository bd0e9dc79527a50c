//! Decrypts the parts of a package: several threads, one pass, constant memory; each part is checked as it is read.
//!
//! The reader thread hashes every part and stops at the first that is not what the manifest says; workers open the
//! chunks in place; the caller reads plain bytes in their order.

use crate::{
    age::AgeError,
    bag::{BagFault, ManifestEntry, length},
    chunk::{AHEAD, BATCH_BYTES, ChunkCipher, TAG_BYTES, workers as worker_count},
    hash::Hasher,
    package::PackageFolder,
};
use std::{
    fs::File,
    io::{self, BufRead, Read},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

/// The parts one after the other, each hashed and compared with the manifest when its last byte was read.
pub(crate) struct Parts {
    folder: PackageFolder,
    entries: std::vec::IntoIter<ManifestEntry>,
    current: Option<(File, ManifestEntry, Hasher)>,
    read: u64,
    total: u64,
}

impl Parts {
    pub(crate) fn new(folder: &PackageFolder, manifest: &[ManifestEntry]) -> Result<Self, BagFault> {
        let entries: Vec<ManifestEntry> = manifest.iter().skip(1).cloned().collect();
        let mut total: u64 = 0;
        for entry in &entries {
            total = total.saturating_add(folder.size(&entry.path)?);
        }
        let folder = PackageFolder::new(folder.root());
        Ok(Self { folder, entries: entries.into_iter(), current: None, read: 0, total })
    }

    /// Encrypted bytes of all parts.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The part from which the next byte comes, or came when it was the last.
    pub(crate) fn part(&self) -> String {
        let next = || self.entries.as_slice().first().map(|entry| entry.path.clone());
        let current = self.current.as_ref().map(|(_, entry, _)| entry.path.clone());
        current.or_else(next).unwrap_or_default()
    }

    fn close(&mut self) -> io::Result<()> {
        let Some((_, entry, hasher)) = self.current.take() else { return Ok(()) };
        let (expected, found) = (entry.digest, hasher.finish());
        match expected == found {
            true => Ok(()),
            false => Err(wrap(BagFault::Altered { file: entry.path, expected, found })),
        }
    }

    fn fill(&mut self, mut room: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0_usize;
        while !room.is_empty() {
            match self.read(room)? {
                0 => break,
                read => {
                    filled = filled.saturating_add(read);
                    room = room.get_mut(read..).unwrap_or_default();
                }
            }
        }
        Ok(filled)
    }
}

fn wrap(fault: BagFault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

impl Read for Parts {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some((file, entry, hasher)) = &mut self.current {
                let read = match file.read(out) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(wrap(BagFault::from_read(&entry.path, error))),
                    Ok(read) => read,
                };
                if read > 0 {
                    let bytes = out.get(..read).unwrap_or_default();
                    hasher.update(bytes);
                    self.read = self.read.saturating_add(length(bytes));
                    return Ok(read);
                }
                self.close()?;
            }
            let Some(entry) = self.entries.next() else { return Ok(0) };
            let (file, _) = self.folder.part(&entry.path).map_err(wrap)?;
            self.current = Some((file, entry, Hasher::default()));
        }
    }
}

struct Batch {
    bytes: Vec<u8>,
    /// Encrypted bytes in it.
    filled: usize,
    first: u64,
    last: bool,
    /// The part that its first byte came from.
    part: String,
}

struct Plain {
    bytes: Vec<u8>,
    /// Where plain bytes lie, chunk after chunk.
    pieces: Vec<Range<usize>>,
    last: bool,
}

/// Plain bytes of the encrypted stream; every byte is authentic, the end shows only at the end.
pub(crate) struct OpenStream {
    opened: Vec<Receiver<Result<Plain, StreamFault>>>,
    give_back: SyncSender<Vec<u8>>,
    current: Option<Plain>,
    piece: usize,
    within: usize,
    next: usize,
    ended: bool,
    done: Arc<AtomicU64>,
    reader: Option<JoinHandle<io::Result<()>>>,
    workers: Vec<JoinHandle<()>>,
}

/// What is wrong with the stream, and in which part it shows.
#[derive(Debug, thiserror::Error)]
#[error("in `{part}` or at the end of the part before it: {error}")]
pub(crate) struct StreamFault {
    pub(crate) part: String,
    pub(crate) error: AgeError,
}

impl OpenStream {
    /// `parts` stands behind the header.
    pub(crate) fn start(parts: Parts, cipher: &Arc<dyn ChunkCipher>) -> Self {
        let chunk = cipher.chunk_bytes();
        let chunks = BATCH_BYTES.checked_div(chunk).unwrap_or(1).max(1);
        let sealed_chunk = chunk.saturating_add(TAG_BYTES);
        let sealed = sealed_chunk.saturating_mul(chunks);
        let count = worker_count();
        let (mut todo, mut opened, mut workers) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let (to_worker, batches) = sync_channel::<Batch>(AHEAD);
            let (finished, from_worker) = sync_channel(AHEAD);
            let cipher = Arc::clone(cipher);
            workers.push(thread::spawn(move || {
                while let Ok(batch) = batches.recv() {
                    if finished.send(open_batch(batch, sealed_chunk, &*cipher)).is_err() {
                        return;
                    }
                }
            }));
            todo.push(to_worker);
            opened.push(from_worker);
        }
        let buffers = count.saturating_mul(AHEAD * 2).saturating_add(2);
        let (give_back, free) = sync_channel(buffers);
        for _ in 0..buffers {
            // The receiver is alive: the reader thread gets it.
            let _ = give_back.send(vec![0; sealed]);
        }
        let done = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&done);
        let chunks = u64::try_from(chunks).unwrap_or(u64::MAX);
        let reader = thread::spawn(move || read_batches(parts, &todo, &free, chunks, &counted));
        Self {
            opened,
            give_back,
            current: None,
            piece: 0,
            within: 0,
            next: 0,
            ended: false,
            done,
            reader: Some(reader),
            workers,
        }
    }

    /// Encrypted bytes read so far.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    fn next_batch(&mut self) -> io::Result<()> {
        if let Some(used) = self.current.take() {
            // The reader has ended: nobody needs the buffer.
            let _ = self.give_back.send(used.bytes);
        }
        let worker = self.opened.get(self.next.checked_rem(self.opened.len()).unwrap_or(0));
        self.next = self.next.wrapping_add(1);
        match worker.map(Receiver::recv) {
            Some(Ok(Ok(plain))) => {
                self.ended = plain.last;
                (self.current, self.piece, self.within) = (Some(plain), 0, 0);
                Ok(())
            }
            // A part that is not what the manifest says explains a chunk that does not open.
            Some(Ok(Err(fault))) => {
                self.opened.clear();
                self.join().and_then(|()| Err(io::Error::new(io::ErrorKind::InvalidData, fault)))
            }
            _ => self.join().and_then(|()| Err(io::Error::other("a thread of the opening has stopped"))),
        }
    }

    /// Waits for the reader and gives its error.
    fn join(&mut self) -> io::Result<()> {
        let result = self.reader.take().map(JoinHandle::join);
        for worker in self.workers.drain(..) {
            // A worker that panicked closed its channel, which was noticed.
            let _ = worker.join();
        }
        match result {
            Some(Ok(result)) => result,
            _ => Ok(()),
        }
    }

    /// After the last plain byte: the last part is compared with the manifest too.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.join()
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.opened.clear();
        let (closed, _) = sync_channel(0);
        self.give_back = closed;
        // Whatever was wrong was told already.
        let _ = self.join();
    }
}

impl BufRead for OpenStream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            let (piece, within) = (self.piece, self.within);
            match self.current.as_ref().map(|plain| plain.pieces.get(piece).map(|range| range.len())) {
                Some(Some(length)) if length > within => break,
                Some(Some(_)) => (self.piece, self.within) = (self.piece.saturating_add(1), 0),
                Some(None) | None if self.ended => return Ok(&[]),
                Some(None) | None => self.next_batch()?,
            }
        }
        let Some(plain) = &self.current else { return Ok(&[]) };
        let range = plain.pieces.get(self.piece).cloned().unwrap_or(0..0);
        let bytes = plain.bytes.get(range).unwrap_or_default();
        Ok(bytes.get(self.within..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.within = self.within.saturating_add(count);
    }
}

impl Read for OpenStream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let read = bytes.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

fn read_batches(
    mut parts: Parts,
    workers: &[SyncSender<Batch>],
    free: &Receiver<Vec<u8>>,
    chunks: u64,
    done: &AtomicU64,
) -> io::Result<()> {
    for number in 0_u64.. {
        let Ok(mut bytes) = free.recv() else { return Ok(()) };
        let part = parts.part();
        let filled = parts.fill(&mut bytes)?;
        done.store(parts.read, Ordering::Relaxed);
        let last = parts.read >= parts.total;
        let batch = Batch { bytes, filled, first: number.saturating_mul(chunks), last, part };
        let count = u64::try_from(workers.len()).unwrap_or(1).max(1);
        let worker = usize::try_from(number.checked_rem(count).unwrap_or(0)).unwrap_or(0);
        if workers.get(worker).is_none_or(|worker| worker.send(batch).is_err()) {
            // The caller gave up, or a chunk did not open: is a part to blame?
            return blame(parts);
        }
        if last {
            // The end of the last part is reached only by reading once more.
            return match parts.read(&mut [0])? {
                0 => Ok(()),
                _ => {
                    Err(wrap(BagFault::Unexpected { manifest: crate::package::MANIFEST, path: parts.part() }))
                }
            };
        }
    }
    Ok(())
}

/// Reads the part at hand to its end, so that its digest can be compared.
pub(crate) fn blame(mut parts: Parts) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let part = parts.part();
    while parts.part() == part && parts.read(&mut buffer)? > 0 {}
    Ok(())
}

fn open_batch(mut batch: Batch, sealed_chunk: usize, cipher: &dyn ChunkCipher) -> Result<Plain, StreamFault> {
    let mut pieces = Vec::with_capacity(batch.bytes.len().checked_div(sealed_chunk).unwrap_or(1));
    let filled = batch.filled;
    let fault = |error| StreamFault { part: batch.part.clone(), error };
    if filled == 0 {
        return Err(fault(AgeError::Truncated { chunks: batch.first }));
    }
    let bytes = batch.bytes.get_mut(..filled).unwrap_or_default();
    let mut start = 0_usize;
    for (index, chunk) in (batch.first..).zip(bytes.chunks_mut(sealed_chunk)) {
        let end = start.saturating_add(chunk.len());
        let last = batch.last && end == filled;
        let plain = cipher.open(index, last, chunk).map_err(fault)?;
        pieces.push(start..start.saturating_add(plain));
        start = end;
    }
    Ok(Plain { bytes: batch.bytes, pieces, last: batch.last })
}
