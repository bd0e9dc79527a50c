//! One file that arrives: hashed as it is written in aligned blocks, and taken up again where it stopped.

use sha2::{
    Digest as _, Sha256,
    digest::common::hazmat::{SerializableState, SerializedState},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use vocabulary::Digest;

/// What is written at once.
const BLOCK_BYTES: usize = 1 << 20;
/// Larger than any sector: what `O_DIRECT` asks of addresses, offsets and lengths.
const ALIGNMENT: usize = 4096;
/// How much may be hashed again after a kill.
const KEEP_BYTES: u64 = 64 << 20;
/// Below this a file goes through the cache and keeps no state.
const SMALL_BYTES: u64 = 8 << 20;

/// What became of a file that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Landed {
    AsAnnounced,
    /// Removed: it has the size but not the digest.
    Wrong,
}

/// A file on its way into `target`; until it is whole it lies beside it as `.partial`.
pub(crate) struct Landing {
    target: PathBuf,
    size: u64,
    have: u64,
    hash: Sha256,
    out: Blocks,
    /// Bytes that were here before.
    pub(crate) resumed: u64,
    /// Bytes of these that had to be read and hashed again.
    pub(crate) rehashed: u64,
}

impl Landing {
    /// Goes on behind what is here; a missing or unfitting state costs reading it again.
    pub(crate) fn open(target: &Path, size: u64) -> io::Result<Self> {
        let partial = partial(target);
        let mut out = Blocks::open(&partial, size)?;
        let here = out.plain.metadata()?.len();
        if here > size {
            out.plain.set_len(0)?;
        }
        let have = if here > size { 0 } else { here };
        let (from, mut hash) = State::read(&state(target))
            .filter(|state| state.offset <= have)
            .map_or_else(|| (0, Sha256::new()), |state| (state.offset, state.hash));
        out.hash_again(from, have, &mut hash)?;
        out.go_on_at(have)?;
        let (resumed, rehashed) = (have, have - from);
        Ok(Self { target: target.to_owned(), size, have, hash, out, resumed, rehashed })
    }

    pub(crate) fn have(&self) -> u64 {
        self.have
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.have == self.size
    }

    /// Takes the next bytes; what goes beyond the size is left.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = usize::try_from(self.size - self.have).unwrap_or(usize::MAX);
        let mut left = bytes.get(..room).unwrap_or(bytes);
        while !left.is_empty() {
            // Whole blocks lie before each of these ends, so that nothing waits in memory there.
            let end = (self.have / KEEP_BYTES + 1) * KEEP_BYTES;
            let room = usize::try_from(end - self.have).unwrap_or(usize::MAX);
            let (now, later) = left.split_at_checked(room).unwrap_or((left, &[]));
            self.hash.update(now);
            self.out.take(now)?;
            self.have += now.len() as u64;
            if self.have == end && self.have < self.size {
                self.keep()?;
            }
            left = later;
        }
        Ok(())
    }

    /// Begins again.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        self.forget()?;
        self.out.plain.set_len(0)?;
        self.out.go_on_at(0)?;
        self.hash = Sha256::new();
        (self.have, self.resumed, self.rehashed) = (0, 0, 0);
        Ok(())
    }

    /// Puts what is here on the disk, to go on later.
    pub(crate) fn pause(mut self) -> io::Result<()> {
        self.out.flush()?;
        if self.size >= SMALL_BYTES { self.keep() } else { self.out.plain.sync_data() }
    }

    /// Gives the whole file its place when it has the digest, else removes it.
    pub(crate) fn finish(mut self, digest: Digest) -> io::Result<Landed> {
        let landed = Digest::from_bytes(std::mem::take(&mut self.hash).finalize().into()) == digest;
        self.forget()?;
        if !landed {
            fs::remove_file(partial(&self.target))?;
            return Ok(Landed::Wrong);
        }
        self.out.flush()?;
        self.out.plain.sync_all()?;
        fs::rename(partial(&self.target), &self.target)?;
        Ok(Landed::AsAnnounced)
    }

    /// Removes everything: a file that does not fit must not keep the disk full for everything else.
    pub(crate) fn remove(self) -> io::Result<()> {
        self.forget()?;
        fs::remove_file(partial(&self.target))
    }

    fn keep(&mut self) -> io::Result<()> {
        // The state never names a byte that the disk does not have.
        self.out.plain.sync_data()?;
        State { offset: self.have, hash: self.hash.clone() }.write(&state(&self.target))?;
        Ok(())
    }

    fn forget(&self) -> io::Result<()> {
        match fs::remove_file(state(&self.target)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn partial(target: &Path) -> PathBuf {
    beside(target, ".partial")
}

fn state(target: &Path) -> PathBuf {
    beside(target, ".partial.state")
}

fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The hash of the first `offset` bytes, as it stood: with it nobody has to read them again.
struct State {
    offset: u64,
    hash: Sha256,
}

impl State {
    /// Offset (8 bytes, big-endian), state, SHA-256 of both: a torn one is no state.
    fn write(&self, path: &Path) -> io::Result<()> {
        let mut bytes = self.offset.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.hash.serialize());
        let check = Sha256::digest(&bytes);
        bytes.extend_from_slice(&check);
        fs::write(path, bytes)
    }

    fn read(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let (held, check) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if Sha256::digest(held).as_slice() != check {
            return None;
        }
        let (offset, state) = held.split_first_chunk::<8>()?;
        let state = SerializedState::<Sha256>::try_from(state).ok()?;
        let hash = Sha256::deserialize(&state).ok()?;
        Some(Self { offset: u64::from_be_bytes(*offset), hash })
    }
}

/// Writes whole blocks past the cache where the file system can, and the rest through it.
struct Blocks {
    plain: File,
    direct: Option<File>,
    /// One block behind an aligned start.
    memory: Vec<u8>,
    start: usize,
    filled: usize,
    /// Where the block in memory belongs.
    at: u64,
}

impl Blocks {
    fn open(path: &Path, size: u64) -> io::Result<Self> {
        let plain = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let flags = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).unwrap_or(0);
        let direct = (size >= SMALL_BYTES)
            .then(|| OpenOptions::new().write(true).custom_flags(flags).open(path).ok())
            .flatten();
        let block = BLOCK_BYTES.min(usize::try_from(size).unwrap_or(BLOCK_BYTES));
        let memory = vec![0; block + ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Ok(Self { plain, direct, memory, start, filled: 0, at: 0 })
    }

    fn block(&mut self) -> &mut [u8] {
        let end = self.memory.len() - ALIGNMENT + self.start;
        self.memory.get_mut(self.start..end).unwrap_or_default()
    }

    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let filled = self.filled;
            let room = self.block().get_mut(filled..).unwrap_or_default();
            let (now, later) = bytes.split_at_checked(room.len()).unwrap_or((bytes, &[]));
            let (room, rest) = room.split_at_mut_checked(now.len()).unwrap_or_default();
            room.copy_from_slice(now);
            let full = rest.is_empty();
            self.filled += now.len();
            bytes = later;
            if full {
                self.write()?;
                self.at += self.filled as u64;
                self.filled = 0;
            }
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let (at, filled) = (self.at, self.filled);
        if let Some(direct) = self.direct.take_if(|_| filled == BLOCK_BYTES) {
            let bytes = self.block().get(..filled).unwrap_or_default();
            match direct.write_all_at(bytes, at) {
                Ok(()) => {
                    self.direct = Some(direct);
                    return Ok(());
                }
                // Some file systems take the flag and not the write.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {}
                Err(error) => return Err(error),
            }
        }
        let end = self.start + filled;
        self.plain.write_all_at(self.memory.get(self.start..end).unwrap_or_default(), at)
    }

    /// Writes what waits in memory and keeps it there: the block may still grow.
    fn flush(&mut self) -> io::Result<()> {
        if self.filled > 0 { self.write() } else { Ok(()) }
    }

    /// Puts the beginning of the block that holds `offset` back into memory.
    fn go_on_at(&mut self, offset: u64) -> io::Result<()> {
        let block = self.block().len().max(1) as u64;
        self.at = offset - offset % block;
        self.filled = usize::try_from(offset % block).unwrap_or(0);
        let (at, end) = (self.at, self.start + self.filled);
        self.plain.read_exact_at(self.memory.get_mut(self.start..end).unwrap_or_default(), at)
    }

    fn hash_again(&mut self, from: u64, to: u64, hash: &mut Sha256) -> io::Result<()> {
        let mut at = from;
        while at < to {
            let left = usize::try_from(to - at).unwrap_or(usize::MAX);
            let room = self.memory.len().min(left);
            let bytes = self.memory.get_mut(..room).unwrap_or_default();
            self.plain.read_exact_at(bytes, at)?;
            hash.update(&*bytes);
            at += bytes.len() as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 % 251) as u8).collect()
    }

    fn open(target: &Path, bytes: &[u8]) -> Landing {
        Landing::open(target, bytes.len() as u64).unwrap()
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_file_lands_in_pieces_of_any_length_and_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("part");
        for length in [0, 1, 4095, 4096, BLOCK_BYTES - 1, BLOCK_BYTES, 9 * BLOCK_BYTES + 17] {
            let bytes = content(length);
            let mut landing = open(&target, &bytes);
            bytes.chunks(70_001).for_each(|piece| landing.take(piece).unwrap());
            assert!(landing.is_whole() && !target.exists());
            assert_eq!(landing.finish(Digest::of(&bytes)).unwrap(), Landed::AsAnnounced);
            assert!(fs::read(&target).unwrap() == bytes, "{length}");
            assert_eq!(names(folder.path()), 1);
            fs::remove_file(&target).unwrap();
        }
    }

    #[test]
    fn a_paused_file_goes_on_at_the_very_byte_and_a_large_one_without_reading_it() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("part");
        let bytes = content(9 * BLOCK_BYTES + 5000);
        for cut in [0, 1, 4096, BLOCK_BYTES, BLOCK_BYTES + 1, bytes.len() - 1] {
            let mut landing = open(&target, &bytes);
            landing.take(&bytes[..cut]).unwrap();
            landing.pause().unwrap();
            let mut landing = open(&target, &bytes);
            assert_eq!((landing.have(), landing.rehashed), (cut as u64, 0));
            landing.take(&bytes[cut..]).unwrap();
            assert_eq!(landing.finish(Digest::of(&bytes)).unwrap(), Landed::AsAnnounced);
            assert!(fs::read(&target).unwrap() == bytes, "{cut}");
        }
    }

    #[test]
    fn a_kill_costs_the_block_in_memory_and_the_hash_since_it_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("part");
        let bytes = content(KEEP_BYTES as usize + 3 * BLOCK_BYTES);
        let mut landing = open(&target, &bytes);
        landing.take(&bytes[..bytes.len() - 100]).unwrap();
        drop(landing);
        let mut landing = open(&target, &bytes);
        assert_eq!(landing.have(), KEEP_BYTES + 2 * BLOCK_BYTES as u64);
        assert_eq!(landing.rehashed, 2 * BLOCK_BYTES as u64);
        landing.take(&bytes[landing.have() as usize..]).unwrap();
        assert_eq!(landing.finish(Digest::of(&bytes)).unwrap(), Landed::AsAnnounced);
    }

    #[test]
    fn a_state_that_does_not_fit_costs_reading_what_is_here() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("part");
        let bytes = content(9 * BLOCK_BYTES);
        for wrong in [&b""[..], &[0; 31], &[0; 32], &[0xff; 9000]] {
            let mut landing = open(&target, &bytes);
            landing.take(&bytes[..8 * BLOCK_BYTES - 5]).unwrap();
            landing.pause().unwrap();
            let mut torn = fs::read(state(&target)).unwrap();
            if !wrong.is_empty() {
                torn = wrong.to_vec();
            } else {
                torn.truncate(50);
            }
            fs::write(state(&target), torn).unwrap();
            let mut landing = open(&target, &bytes);
            assert_eq!(landing.rehashed, landing.have());
            landing.take(&bytes[landing.have() as usize..]).unwrap();
            assert_eq!(landing.finish(Digest::of(&bytes)).unwrap(), Landed::AsAnnounced);
        }
        // One that speaks of more than is here.
        let mut landing = open(&target, &bytes);
        landing.take(&bytes[..8 * BLOCK_BYTES]).unwrap();
        landing.pause().unwrap();
        OpenOptions::new().write(true).open(partial(&target)).unwrap().set_len(60_000).unwrap();
        let landing = open(&target, &bytes);
        assert_eq!((landing.have(), landing.rehashed), (60_000, 60_000));
    }

    #[test]
    fn a_wrong_file_is_removed_and_what_is_too_long_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("part");
        let bytes = content(5000);
        let mut landing = open(&target, &bytes);
        landing.take(&content(5001)[1..]).unwrap();
        assert_eq!(landing.finish(Digest::of(&bytes)).unwrap(), Landed::Wrong);
        assert_eq!(names(folder.path()), 0);
        let mut landing = open(&target, &bytes);
        landing.take(&bytes[..10]).unwrap();
        landing.restart().unwrap();
        landing.take(&content(9000)).unwrap();
        assert_eq!(landing.finish(Digest::of(&bytes)).unwrap(), Landed::AsAnnounced);
        // More is here than there can be.
        fs::write(partial(&target), content(6000)).unwrap();
        assert_eq!(open(&target, &bytes).have(), 0);
    }
}
