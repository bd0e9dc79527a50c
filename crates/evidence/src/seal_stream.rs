//! Encrypts what is written to it and cuts it into parts: several threads, one pass, constant memory.
//!
//! The caller fills batches of whole chunks; workers seal the chunks in place; the collector takes the batches in
//! their order, cuts parts, hashes them and hands blocks to the writing thread.

use crate::{
    bag::{PartInfo, length},
    block::{Block, BlockWriter, OutFile},
    chunk::{AHEAD, BATCH_BYTES, ChunkCipher, TAG_BYTES, workers as worker_count},
    hash::Hasher,
    journal::{Checkpoint, Journal},
    pack::PackError,
    package::MAX_PARTS,
    suite::BulkSuite,
};
use std::{
    io::{self, Write},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

/// Encrypted bytes after which the journal says again how far everything is.
const CHECKPOINT_BYTES: u64 = 64 * 1024 * 1024;

/// Where the plain stream stands: enough to begin again at any byte of the member that is being written.
#[derive(Clone, Default)]
pub(crate) struct Cursor {
    /// Files whose digest is known.
    pub(crate) files: u64,
    /// Where in the stream the member begins.
    pub(crate) member: u64,
    /// The digest of the file so far, once its content has begun.
    pub(crate) plain: Option<Hasher>,
}

struct Batch {
    /// Chunk after chunk, each followed by the room for its tag.
    bytes: Vec<u8>,
    /// Plain bytes in it.
    plain: usize,
    number: u64,
    last: bool,
    /// Where the stream stood when the batch began; `None` when nothing can go on from here.
    cursor: Option<Cursor>,
}

/// How chunks lie in a batch.
#[derive(Clone, Copy)]
struct Grid {
    chunk: usize,
    chunks: usize,
    last_is_short: bool,
}

impl Grid {
    fn of(cipher: &dyn ChunkCipher) -> Self {
        let chunk = cipher.chunk_bytes();
        let chunks = BATCH_BYTES.checked_div(chunk).unwrap_or(1).max(1);
        Self { chunk, chunks, last_is_short: cipher.last_is_short() }
    }

    fn plain(self) -> usize {
        self.chunk.saturating_mul(self.chunks)
    }

    fn sealed_chunk(self) -> usize {
        self.chunk.saturating_add(TAG_BYTES)
    }

    fn sealed(self) -> usize {
        self.sealed_chunk().saturating_mul(self.chunks)
    }
}

/// What the stream needs to begin.
pub(crate) struct Setup {
    pub(crate) folder: PathBuf,
    pub(crate) suite: BulkSuite,
    pub(crate) part_bytes: u64,
    pub(crate) header: Vec<u8>,
    pub(crate) cipher: Arc<dyn ChunkCipher>,
    pub(crate) journal: Option<Arc<Journal>>,
    /// Parts that an earlier attempt finished, and where it was.
    pub(crate) earlier: Option<(Vec<PartInfo>, Checkpoint)>,
}

pub(crate) struct SealStream {
    grid: Grid,
    workers: Vec<SyncSender<Batch>>,
    free: Receiver<Vec<u8>>,
    batch: Option<Batch>,
    next: u64,
    position: u64,
    /// Bytes to let go, because they are sealed already.
    skip: u64,
    /// The place of what is written next.
    cursor: Option<Cursor>,
    threads: Vec<JoinHandle<()>>,
    collector: Option<JoinHandle<io::Result<Vec<PartInfo>>>>,
}

impl SealStream {
    /// With an earlier checkpoint the plain stream must be written again from `Checkpoint::member` on.
    pub(crate) fn start(setup: Setup) -> io::Result<Self> {
        let grid = Grid::of(&*setup.cipher);
        let count = worker_count();
        let (next, member) = setup.earlier.as_ref().map_or((0, 0), |(_, at)| (at.batch, at.member));
        let position = next.saturating_mul(number(grid.plain()));
        let cipher = Arc::clone(&setup.cipher);
        let parts = PartsOut::new(setup, grid)?;
        let (mut workers, mut done, mut threads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let (to_worker, todo) = sync_channel::<Batch>(AHEAD);
            let (finished, from_worker) = sync_channel::<Sealed>(AHEAD);
            let cipher = Arc::clone(&cipher);
            threads.push(thread::spawn(move || {
                while let Ok(batch) = todo.recv() {
                    if finished.send(seal(batch, grid, &*cipher)).is_err() {
                        return;
                    }
                }
            }));
            workers.push(to_worker);
            done.push(from_worker);
        }
        let buffers = count.saturating_mul(AHEAD * 2).saturating_add(2);
        let (give_back, free) = sync_channel(buffers);
        for _ in 0..buffers {
            // The receiver is alive: it is returned below.
            let _ = give_back.send(vec![0; grid.sealed()]);
        }
        let collector = thread::spawn(move || collect(parts, &done, next, &give_back));
        Ok(Self {
            grid,
            workers,
            free,
            batch: None,
            next,
            position,
            skip: position.saturating_sub(member),
            cursor: Some(Cursor::default()),
            threads,
            collector: Some(collector),
        })
    }

    /// Bytes of the plain stream so far, those that were let go included.
    pub(crate) fn position(&self) -> u64 {
        self.position.saturating_sub(self.skip)
    }

    /// `None`: from here on nothing can go on after a kill but at the last checkpoint.
    pub(crate) fn at(&mut self, cursor: Option<Cursor>) {
        self.cursor = cursor;
    }

    /// Plain bytes of a batch.
    pub(crate) fn batch_bytes(&self) -> u64 {
        number(self.grid.plain())
    }

    /// The digest of the content so far, for a batch that begins with the next byte.
    pub(crate) fn remember(&mut self, hasher: &Hasher) {
        if let Some(cursor) = &mut self.cursor {
            cursor.plain = Some(hasher.clone());
        }
    }

    /// True when the next byte begins a new batch, for which the cursor must be right.
    pub(crate) fn begins_batch(&self) -> bool {
        self.batch.as_ref().is_none_or(|batch| batch.plain >= self.grid.plain())
    }

    /// Takes at most `most` off what is still to be let go.
    pub(crate) fn let_go(&mut self, most: u64) -> u64 {
        let taken = self.skip.min(most);
        self.skip -= taken;
        taken
    }

    /// Room for plain bytes; call `advance` with what was filled.
    pub(crate) fn room(&mut self) -> io::Result<&mut [u8]> {
        if self.begins_batch() {
            self.send(false)?;
            let bytes = self.free.recv().map_err(|_| stopped())?;
            let (number, cursor) = (self.next, self.cursor.clone());
            self.batch = Some(Batch { bytes, plain: 0, number, last: false, cursor });
            self.next = self.next.saturating_add(1);
        }
        let grid = self.grid;
        let batch = self.batch.as_mut().ok_or_else(stopped)?;
        let chunk = batch.plain.checked_div(grid.chunk).unwrap_or(0);
        let within = batch.plain.checked_rem(grid.chunk).unwrap_or(0);
        let start = chunk.saturating_mul(grid.sealed_chunk());
        let (from, to) = (start.saturating_add(within), start.saturating_add(grid.chunk));
        batch.bytes.get_mut(from..to).ok_or_else(stopped)
    }

    pub(crate) fn advance(&mut self, count: usize) {
        if let Some(batch) = &mut self.batch {
            batch.plain = batch.plain.saturating_add(count);
        }
        self.position = self.position.saturating_add(number(count));
    }

    fn send(&mut self, last: bool) -> io::Result<()> {
        let Some(mut batch) = self.batch.take() else { return Ok(()) };
        batch.last = last;
        let count = number(self.workers.len()).max(1);
        let worker = usize::try_from(batch.number.checked_rem(count).unwrap_or(0)).unwrap_or(0);
        match self.workers.get(worker).is_some_and(|worker| worker.send(batch).is_ok()) {
            true => Ok(()),
            false => Err(stopped()),
        }
    }

    /// Seals the last chunk, waits until everything is written, and gives the parts.
    pub(crate) fn finish(mut self) -> io::Result<Vec<PartInfo>> {
        // At least one chunk, perhaps an empty one.
        let empty = self.batch.is_none() || (self.grid.last_is_short && self.begins_batch());
        let begun = if empty { self.room().map(drop) } else { Ok(()) };
        let sent = begun.and_then(|()| self.send(true));
        self.end(sent.err())
    }

    /// Why the threads stopped, which says more than the channel that closed.
    pub(crate) fn fault(mut self, error: io::Error) -> io::Error {
        match self.end(Some(error)) {
            Err(error) => error,
            Ok(_) => stopped(),
        }
    }

    fn end(&mut self, error: Option<io::Error>) -> io::Result<Vec<PartInfo>> {
        self.workers.clear();
        let collected = self.collector.take().map(JoinHandle::join);
        for thread in self.threads.drain(..) {
            // A worker that panicked has closed its channel, which the collector reports.
            let _ = thread.join();
        }
        match (collected, error) {
            (Some(Ok(Err(cause))), Some(told)) if is_stopped(&cause) => Err(told),
            (Some(Ok(Err(cause))), _) => Err(cause),
            (_, Some(told)) => Err(told),
            (Some(Ok(Ok(parts))), None) => Ok(parts),
            (_, None) => Err(stopped()),
        }
    }
}

impl Drop for SealStream {
    fn drop(&mut self) {
        if self.collector.is_some() {
            // Nothing may be written after this; the error was told already.
            let _ = self.end(None);
        }
    }
}

impl Write for SealStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let gone = usize::try_from(self.let_go(number(data.len()))).unwrap_or(0);
        if gone > 0 || data.is_empty() {
            return Ok(gone);
        }
        let mut room = self.room()?;
        let count = room.write(data)?;
        self.advance(count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a thread of the seal has stopped")]
struct Stopped;

fn stopped() -> io::Error {
    io::Error::other(Stopped)
}

fn is_stopped(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Stopped>())
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

struct Sealed {
    batch: Batch,
    /// Bytes of it that are ciphertext now.
    sealed: io::Result<usize>,
}

fn seal(mut batch: Batch, grid: Grid, cipher: &dyn ChunkCipher) -> Sealed {
    let sealed = seal_chunks(&mut batch, grid, cipher);
    Sealed { batch, sealed }
}

fn seal_chunks(batch: &mut Batch, grid: Grid, cipher: &dyn ChunkCipher) -> io::Result<usize> {
    let mut left = batch.plain;
    let first = batch.number.saturating_mul(number(grid.chunks));
    let mut sealed = 0_usize;
    for (at, slot) in batch.bytes.chunks_mut(grid.sealed_chunk()).enumerate() {
        let length = left.min(grid.chunk);
        left = left.saturating_sub(length);
        let short = !grid.last_is_short || length < grid.chunk;
        let last = batch.last && left == 0 && short;
        let (plain, after) = slot.split_at_mut_checked(length).ok_or_else(stopped)?;
        let tag = cipher.seal(first.saturating_add(number(at)), last, plain).map_err(io::Error::other)?;
        after.get_mut(..TAG_BYTES).ok_or_else(stopped)?.copy_from_slice(&tag);
        sealed = sealed.saturating_add(length).saturating_add(TAG_BYTES);
        if left == 0 && (last || !batch.last) {
            break;
        }
    }
    Ok(sealed)
}

fn collect(
    mut parts: PartsOut,
    done: &[Receiver<Sealed>],
    first: u64,
    give_back: &SyncSender<Vec<u8>>,
) -> io::Result<Vec<PartInfo>> {
    for next in first.. {
        let worker = usize::try_from(next.checked_rem(number(done.len())).unwrap_or(0)).unwrap_or(0);
        let sealed = done.get(worker).and_then(|worker| worker.recv().ok()).ok_or_else(stopped)?;
        let (batch, count) = (sealed.batch, sealed.sealed?);
        let bytes = batch.bytes.get(..count).unwrap_or_default();
        parts.take(bytes, batch.number, batch.cursor.as_ref())?;
        if batch.last {
            break;
        }
        // Nobody waits for buffers any more: the rest is still taken.
        let _ = give_back.send(batch.bytes);
    }
    parts.finish()
}

/// Cuts the encrypted stream into files of equal size, each hashed and made durable.
struct PartsOut {
    setup: Setup,
    grid: Grid,
    writer: BlockWriter,
    file: Option<Arc<OutFile>>,
    block: Option<Block>,
    hasher: Hasher,
    part: u64,
    /// Bytes of the part that were handed to the writing thread.
    offset: u64,
    /// Encrypted bytes of the whole stream that were handed to it.
    handed: u64,
    checkpoint_at: u64,
    skip: u64,
    parts: Arc<Mutex<Vec<PartInfo>>>,
}

impl PartsOut {
    fn new(mut setup: Setup, grid: Grid) -> io::Result<Self> {
        let earlier = setup.earlier.take();
        let header = std::mem::take(&mut setup.header);
        let mut out = Self {
            grid,
            writer: BlockWriter::start(),
            file: None,
            block: None,
            hasher: Hasher::default(),
            part: 0,
            offset: 0,
            handed: 0,
            checkpoint_at: CHECKPOINT_BYTES,
            skip: 0,
            parts: Arc::default(),
            setup,
        };
        out.setup.header = header;
        match earlier {
            None => {
                let header = out.setup.header.clone();
                out.add(&header, None)?;
            }
            Some((parts, at)) => out.go_on(parts, &at)?,
        }
        Ok(out)
    }

    fn go_on(&mut self, parts: Vec<PartInfo>, at: &Checkpoint) -> io::Result<()> {
        let lost = || io::Error::new(io::ErrorKind::InvalidData, "the journal cannot be read");
        self.hasher = Hasher::restore(&at.cipher).ok_or_else(lost)?;
        (self.part, self.offset, self.skip) = (at.part, at.offset, at.within);
        self.handed = self.batch_start(at.batch).saturating_add(at.within);
        self.checkpoint_at = self.handed.saturating_add(CHECKPOINT_BYTES);
        if at.offset > 0 {
            self.file = Some(Arc::new(OutFile::reopen(&self.path(at.part), at.offset)?));
        }
        *self.parts.lock().unwrap_or_else(PoisonError::into_inner) = parts;
        // What was written after the checkpoint is written again.
        let first = if at.offset > 0 { at.part.saturating_add(1) } else { at.part };
        for part in first.. {
            match std::fs::remove_file(self.path(part)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn path(&self, part: u64) -> PathBuf {
        self.setup.folder.join(self.setup.suite.part_name(part))
    }

    /// Where a batch begins in the encrypted stream.
    fn batch_start(&self, batch: u64) -> u64 {
        number(self.setup.header.len()).saturating_add(batch.saturating_mul(number(self.grid.sealed())))
    }

    fn take(&mut self, bytes: &[u8], batch: u64, cursor: Option<&Cursor>) -> io::Result<()> {
        let gone = usize::try_from(self.skip.min(length(bytes))).unwrap_or(0);
        self.skip = self.skip.saturating_sub(number(gone));
        let start = self.batch_start(batch);
        self.add(bytes.get(gone..).unwrap_or_default(), cursor.map(|cursor| (batch, start, cursor)))
    }

    fn add(&mut self, mut bytes: &[u8], place: Option<(u64, u64, &Cursor)>) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut block = match self.block.take() {
                Some(block) => block,
                None => self.writer.block()?,
            };
            let held = self.offset.saturating_add(number(block.len()));
            let room = usize::try_from(self.setup.part_bytes.saturating_sub(held)).unwrap_or(usize::MAX);
            let taken = block.append(bytes.get(..room).unwrap_or(bytes));
            bytes = bytes.get(taken..).unwrap_or_default();
            let part_full = held.saturating_add(number(taken)) >= self.setup.part_bytes;
            if !block.is_full() && !part_full {
                self.block = Some(block);
                continue;
            }
            self.hand_over(block)?;
            if part_full {
                self.close()?;
            }
            if let Some((batch, start, cursor)) = place
                && (part_full || self.handed >= self.checkpoint_at)
            {
                self.checkpoint(batch, self.handed.saturating_sub(start), cursor)?;
            }
        }
        Ok(())
    }

    fn hand_over(&mut self, block: Block) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None if self.part >= MAX_PARTS => {
                return Err(io::Error::other(PackError::TooManyParts { limit: MAX_PARTS }));
            }
            None => Arc::new(OutFile::create(&self.path(self.part))?),
        };
        self.hasher.update(block.filled());
        let count = number(block.len());
        self.writer.write(&file, self.offset, block)?;
        self.offset = self.offset.saturating_add(count);
        self.handed = self.handed.saturating_add(count);
        self.file = Some(file);
        Ok(())
    }

    /// The part is whole: made durable, then listed.
    fn close(&mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let name = self.setup.suite.part_name(self.part);
        let digest = std::mem::take(&mut self.hasher).finish();
        let info = PartInfo { name, size: self.offset, digest };
        (self.part, self.offset) = (self.part.saturating_add(1), 0);
        let (parts, journal) = (Arc::clone(&self.parts), self.setup.journal.clone());
        self.writer.then(move || {
            file.sync()?;
            if let Some(journal) = journal {
                journal.part(&info)?;
            }
            parts.lock().unwrap_or_else(PoisonError::into_inner).push(info);
            Ok(())
        })
    }

    fn checkpoint(&mut self, batch: u64, within: u64, cursor: &Cursor) -> io::Result<()> {
        self.checkpoint_at = self.handed.saturating_add(CHECKPOINT_BYTES);
        let Some(journal) = self.setup.journal.clone() else { return Ok(()) };
        let at = Checkpoint {
            part: self.part,
            offset: self.offset,
            cipher: self.hasher.save(),
            batch,
            within,
            files: cursor.files,
            member: cursor.member,
            plain: cursor.plain.as_ref().map(Hasher::save),
        };
        let file = self.file.clone();
        self.writer.then(move || {
            file.map_or(Ok(()), |file| file.sync())?;
            journal.checkpoint(at)
        })
    }

    fn finish(mut self) -> io::Result<Vec<PartInfo>> {
        if let Some(block) = self.block.take().filter(|block| block.len() > 0) {
            self.hand_over(block)?;
        }
        self.close()?;
        self.writer.finish()?;
        Ok(std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
