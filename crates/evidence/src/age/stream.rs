//! The payload of an age file: STREAM over ChaCha20-Poly1305 in chunks of 64 KiB, written and read in constant memory.

use super::{
    AgeError,
    chunk::AgeChunks,
    header::{FileKey, Header, payload_key, write_header},
    identity::{AgeIdentity, AgeRecipient},
};
use crate::chunk::{ChunkCipher as _, TAG_BYTES};
use aws_lc_rs::aead::{LessSafeKey, Nonce};
use std::{
    io::{self, Read, Write},
    ops::Range,
};
use zeroize::Zeroizing;

/// Plaintext bytes of every chunk but the last.
pub const CHUNK_BYTES: usize = 64 * 1024;
const SEALED_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// Eleven bytes of chunk number, big-endian, and one that marks the last chunk.
pub(super) fn chunk_nonce(index: u64, last: bool) -> Nonce {
    let [a, b, c, d, e, f, g, h] = index.to_be_bytes();
    Nonce::assume_unique_for_key([0, 0, 0, a, b, c, d, e, f, g, h, u8::from(last)])
}

fn broken(error: AgeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Header and nonce of a new file, and the key of its payload.
pub(super) fn begin(
    recipient: &AgeRecipient,
    random: &dyn Fn(&mut [u8]),
) -> Result<(Vec<u8>, LessSafeKey), AgeError> {
    let mut file_key: FileKey = Zeroizing::new([0; 16]);
    random(&mut file_key[..]);
    let mut ephemeral = Zeroizing::new([0; 32]);
    random(&mut ephemeral[..]);
    let mut nonce = [0; 16];
    random(&mut nonce);
    let mut header = write_header(recipient, &ephemeral, &file_key)?;
    header.extend_from_slice(&nonce);
    Ok((header, payload_key(&file_key, &nonce)?))
}

/// Reads header and nonce and not one byte further; gives the key of the payload and the number of stanzas.
pub(super) fn unlock(
    inner: &mut impl Read,
    identity: &AgeIdentity,
) -> Result<(LessSafeKey, usize), AgeError> {
    let header = Header::read(inner)?;
    let file_key = header.unlock(identity)?;
    let mut nonce = [0; 16];
    inner.read_exact(&mut nonce).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => AgeError::Header { what: "the nonce after it is missing" },
        _ => AgeError::Read(error),
    })?;
    Ok((payload_key(&file_key, &nonce)?, header.stanza_count()))
}

/// Encrypts what is written to it; `finish` must be called, or the file stays truncated for every reader.
pub struct AgeWriter<W: Write> {
    inner: W,
    chunks: AgeChunks,
    index: u64,
    chunk: Vec<u8>,
}

impl<W: Write> AgeWriter<W> {
    /// `random` fills its argument from a cryptographic source: file key, ephemeral secret, nonce.
    pub fn new(mut inner: W, recipient: &AgeRecipient, random: &dyn Fn(&mut [u8])) -> Result<Self, AgeError> {
        let (header, key) = begin(recipient, random)?;
        inner.write_all(&header).map_err(AgeError::Read)?;
        Ok(Self { inner, chunks: AgeChunks(key), index: 0, chunk: Vec::with_capacity(SEALED_BYTES) })
    }

    /// Seals the last chunk and gives the inner writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        Ok(self.inner)
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let tag = self.chunks.seal(self.index, last, &mut self.chunk).map_err(broken)?;
        self.chunk.extend_from_slice(&tag);
        self.inner.write_all(&self.chunk)?;
        self.chunk.clear();
        self.index = self
            .index
            .checked_add(1)
            .ok_or_else(|| broken(AgeError::Library { what: "count more than 2^64 chunks" }))?;
        Ok(())
    }
}

impl<W: Write> Write for AgeWriter<W> {
    /// A full chunk is sealed only when more follows, so that the last one is marked as last.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        if self.chunk.len() == CHUNK_BYTES {
            self.seal(false)?;
        }
        let room = CHUNK_BYTES.saturating_sub(self.chunk.len());
        let taken = data.get(..room).unwrap_or(data);
        self.chunk.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Decrypts a whole age file; every byte it gives out is authenticated, and a truncated file ends in an error.
pub struct AgeReader<R: Read> {
    inner: R,
    chunks: AgeChunks,
    index: u64,
    stanzas: usize,
    /// One sealed chunk and one byte of the next: only the look ahead tells whether a chunk is the last.
    sealed: Vec<u8>,
    /// The first byte of the next chunk, already read.
    carry: Option<u8>,
    plain: Range<usize>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Broken,
}

impl<R: Read> AgeReader<R> {
    pub fn new(mut inner: R, identity: &AgeIdentity) -> Result<Self, AgeError> {
        let (key, stanzas) = unlock(&mut inner, identity)?;
        Ok(Self {
            chunks: AgeChunks(key),
            inner,
            index: 0,
            stanzas,
            sealed: vec![0; SEALED_BYTES + 1],
            carry: None,
            plain: 0..0,
            state: State::Open,
        })
    }

    /// How many stanzas wrap the file key: a package has exactly one.
    pub fn stanza_count(&self) -> usize {
        self.stanzas
    }

    /// The inner reader, for instance to ask where it stands.
    pub fn inner(&self) -> &R {
        &self.inner
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        self.state = State::Broken;
        let filled = self.fill()?;
        let last = filled <= SEALED_BYTES;
        let length = filled.min(SEALED_BYTES);
        let index = self.index;
        let altered = || broken(AgeError::Chunk { index });
        let sealed = self.sealed.get_mut(..length).ok_or_else(altered)?;
        self.plain = 0..self.chunks.open(index, last, sealed).map_err(broken)?;
        self.index = index.checked_add(1).ok_or_else(altered)?;
        self.carry = if last { None } else { self.sealed.last().copied() };
        self.state = if last { State::Ended } else { State::Open };
        Ok(())
    }

    /// Fills the buffer as far as the input goes and says how far that is.
    fn fill(&mut self) -> io::Result<usize> {
        let mut filled = 0;
        if let (Some(byte), Some(first)) = (self.carry.take(), self.sealed.first_mut()) {
            *first = byte;
            filled = 1;
        }
        while let Some(room) = self.sealed.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.inner.read(room) {
                Ok(0) => break,
                Ok(read) => filled = filled.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

impl<R: Read> Read for AgeReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while self.plain.is_empty() {
            match self.state {
                State::Open => self.next_chunk()?,
                State::Ended => return Ok(0),
                State::Broken => return Err(broken(AgeError::Chunk { index: self.index })),
            }
        }
        let mut rest = self.sealed.get(self.plain.clone()).unwrap_or(&[]);
        let read = rest.read(out)?;
        self.plain.start = self.plain.start.saturating_add(read);
        Ok(read)
    }
}
