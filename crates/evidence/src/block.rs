//! Writing without the page cache: aligned blocks, handed to one thread that does nothing but write them.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::JoinHandle,
};

/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 1 << 20;
/// What every disk accepts for direct writes.
const ALIGN: usize = 4096;
/// Blocks in flight.
const BLOCKS: usize = 6;

/// A buffer whose bytes begin where direct writes want them.
pub(crate) struct Block {
    store: Vec<u8>,
    start: usize,
    filled: usize,
}

impl Block {
    fn new() -> Self {
        let store = vec![0; BLOCK_BYTES + ALIGN];
        let start = store.as_ptr().align_offset(ALIGN);
        Self { start: if start < ALIGN { start } else { 0 }, store, filled: 0 }
    }

    pub(crate) fn filled(&self) -> &[u8] {
        self.store.get(self.start..self.start.saturating_add(self.filled)).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.filled
    }

    pub(crate) fn is_full(&self) -> bool {
        self.filled == BLOCK_BYTES
    }

    /// Takes what fits, and says how much that was.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> usize {
        let from = self.start.saturating_add(self.filled);
        let count = bytes.len().min(BLOCK_BYTES.saturating_sub(self.filled));
        if let (Some(to), Some(bytes)) =
            (self.store.get_mut(from..from.saturating_add(count)), bytes.get(..count))
        {
            to.copy_from_slice(bytes);
        }
        self.filled = self.filled.saturating_add(count);
        count
    }
}

/// One file open twice: without the page cache where the file system allows it, and as usual for what is not aligned.
pub(crate) struct OutFile {
    usual: File,
    direct: Option<File>,
}

impl OutFile {
    /// A new file.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let usual = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Self { usual, direct: direct(path) })
    }

    /// A file that an interrupted attempt wrote; what lies after `length` is cut off.
    pub(crate) fn reopen(path: &Path, length: u64) -> io::Result<Self> {
        let usual = OpenOptions::new().write(true).open(path)?;
        if usual.metadata()?.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        usual.set_len(length)?;
        Ok(Self { usual, direct: direct(path) })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let aligned = bytes.len().checked_div(ALIGN).unwrap_or(0).saturating_mul(ALIGN);
        let on_grid = offset.is_multiple_of(4096) && bytes.as_ptr().align_offset(ALIGN) == 0;
        let (Some(direct), true, Some((front, rest))) =
            (&self.direct, on_grid && aligned > 0, bytes.split_at_checked(aligned))
        else {
            return self.usual.write_all_at(bytes, offset);
        };
        match direct.write_all_at(front, offset) {
            // A file system may take the flag and refuse the write.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.usual.write_all_at(front, offset)?;
            }
            other => other?,
        }
        let after = offset.saturating_add(u64::try_from(aligned).unwrap_or(0));
        if rest.is_empty() { Ok(()) } else { self.usual.write_all_at(rest, after) }
    }

    pub(crate) fn set_len(&self, length: u64) -> io::Result<()> {
        self.usual.set_len(length)
    }

    pub(crate) fn set_modified(&self, time: std::time::SystemTime) -> io::Result<()> {
        self.usual.set_modified(time)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.usual.sync_all()
    }
}

#[cfg(target_os = "linux")]
fn direct(path: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flag = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).ok()?;
    OpenOptions::new().write(true).custom_flags(flag).open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn direct(_: &Path) -> Option<File> {
    None
}

enum Job {
    Write { file: Arc<OutFile>, offset: u64, block: Block },
    Then(Box<dyn FnOnce() -> io::Result<()> + Send>),
}

/// The writing thread; its jobs are done in the order in which they are given.
pub(crate) struct BlockWriter {
    unused: Mutex<Vec<Block>>,
    jobs: Option<SyncSender<Job>>,
    free: Receiver<Block>,
    fault: Arc<Mutex<Option<io::Error>>>,
    thread: Option<JoinHandle<()>>,
}

impl BlockWriter {
    pub(crate) fn start() -> Self {
        let (jobs, todo) = sync_channel(BLOCKS * 2);
        let (give_back, free) = channel();
        for _ in 0..BLOCKS {
            // The receiver is alive: it is returned below.
            let _ = give_back.send(Block::new());
        }
        let fault = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&fault);
        let thread = std::thread::spawn(move || {
            if let Err(error) = work(&todo, &give_back) {
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        Self { unused: Mutex::default(), jobs: Some(jobs), free, fault, thread: Some(thread) }
    }

    /// An empty block; waits until one was written.
    pub(crate) fn block(&self) -> io::Result<Block> {
        match self.unused.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            Some(block) => Ok(block),
            None => self.free.recv().map_err(|_| self.failed()),
        }
    }

    pub(crate) fn write(&self, file: &Arc<OutFile>, offset: u64, block: Block) -> io::Result<()> {
        self.give(Job::Write { file: Arc::clone(file), offset, block })
    }

    /// A block that is not needed after all.
    pub(crate) fn give_back(&self, mut block: Block) {
        block.filled = 0;
        self.unused.lock().unwrap_or_else(PoisonError::into_inner).push(block);
    }

    /// Something to do when all before it is written.
    pub(crate) fn then(&self, work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
        self.give(Job::Then(Box::new(work)))
    }

    fn give(&self, job: Job) -> io::Result<()> {
        match self.jobs.as_ref().map(|jobs| jobs.send(job)) {
            Some(Ok(())) => Ok(()),
            _ => Err(self.failed()),
        }
    }

    fn failed(&self) -> io::Error {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner).take();
        fault.unwrap_or_else(|| io::Error::other("the writing thread has ended"))
    }

    /// Waits until everything is written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.end();
        match self.fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn end(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread is a fault already: its channel closed.
            let _ = thread.join();
        }
    }
}

impl Drop for BlockWriter {
    fn drop(&mut self) {
        self.end();
    }
}

fn work(todo: &Receiver<Job>, give_back: &Sender<Block>) -> io::Result<()> {
    while let Ok(job) = todo.recv() {
        match job {
            Job::Write { file, offset, mut block } => {
                file.write_at(block.filled(), offset)?;
                block.filled = 0;
                // Nobody waits for blocks any more: the rest is still written.
                let _ = give_back.send(block);
            }
            Job::Then(work) => work()?,
        }
    }
    Ok(())
}

/// Writes a small new file.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::noise;
    use std::fs;

    #[test]
    fn blocks_of_any_length_land_where_they_belong() {
        let folder = tempfile::tempdir_in(".").unwrap();
        for length in [0, 1, 4095, 4096, 4097, BLOCK_BYTES, 3 * BLOCK_BYTES + 777] {
            let path = folder.path().join(length.to_string());
            let file = Arc::new(OutFile::create(&path).unwrap());
            let bytes = noise(length);
            let writer = BlockWriter::start();
            let (mut offset, mut rest) = (0_u64, bytes.as_slice());
            while !rest.is_empty() {
                let mut block = writer.block().unwrap();
                let taken = block.append(rest);
                rest = &rest[taken..];
                writer.write(&file, offset, block).unwrap();
                offset += u64::try_from(taken).unwrap();
            }
            writer.finish().unwrap();
            assert!(fs::read(&path).unwrap() == bytes, "{length}");
        }
    }

    #[test]
    fn a_failed_job_is_told_and_stops_the_rest() {
        let writer = BlockWriter::start();
        writer.then(|| Err(io::Error::from(io::ErrorKind::StorageFull))).unwrap();
        let told = std::iter::repeat_with(|| writer.then(|| Ok(()))).find_map(Result::err).unwrap();
        assert_eq!(told.kind(), io::ErrorKind::StorageFull);
    }
}
