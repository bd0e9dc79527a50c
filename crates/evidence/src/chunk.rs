//! One chunk of an encrypted stream: what both bulk suites do, in place, in any order, from several threads.

use crate::AgeError;
use aws_lc_rs::hkdf::KeyType;
use std::thread;

/// Bytes of the tag after every chunk, in both suites.
pub(crate) const TAG_BYTES: usize = 16;
/// Plain bytes that are sealed or opened at a time: 8 chunks of age.
pub(crate) const BATCH_BYTES: usize = 512 * 1024;
/// Batches in flight for each worker.
pub(crate) const AHEAD: usize = 4;
const MAX_WORKERS: usize = 8;

/// Threads that hash, seal or open at the same time.
pub(crate) fn workers() -> usize {
    thread::available_parallelism().map_or(1, |count| count.get().min(MAX_WORKERS))
}

/// So many bytes of HKDF's output.
pub(crate) struct Length(pub(crate) usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Seals and opens single chunks in place, in any order, from several threads.
pub(crate) trait ChunkCipher: Send + Sync {
    /// Plain bytes of every chunk but the last.
    fn chunk_bytes(&self) -> usize;
    /// True when the last chunk is never whole: after a whole one comes an empty one (Cobblestone). False when it may be
    /// whole and is never empty after data (age), so that each rule's stream is an error under the other.
    fn last_is_short(&self) -> bool {
        false
    }
    fn seal(&self, index: u64, last: bool, chunk: &mut [u8]) -> Result<[u8; TAG_BYTES], AgeError>;
    /// `chunk` is ciphertext and tag; gives the length of the plain text, which is at its front.
    fn open(&self, index: u64, last: bool, chunk: &mut [u8]) -> Result<usize, AgeError>;
}
