//! The payload of an age file chunk by chunk: ChaCha20-Poly1305 under the chunk's number (C2SP age v1.1.0, payload).

use super::{AgeError, stream::chunk_nonce};
use crate::chunk::{ChunkCipher, TAG_BYTES};
use aws_lc_rs::aead::{Aad, LessSafeKey};

pub(crate) struct AgeChunks(pub(crate) LessSafeKey);

impl ChunkCipher for AgeChunks {
    fn chunk_bytes(&self) -> usize {
        super::CHUNK_BYTES
    }

    fn seal(&self, index: u64, last: bool, chunk: &mut [u8]) -> Result<[u8; TAG_BYTES], AgeError> {
        let refused = AgeError::Library { what: "seal a chunk" };
        match self.0.seal_in_place_separate_tag(chunk_nonce(index, last), Aad::empty(), chunk) {
            Ok(tag) => tag.as_ref().try_into().map_err(|_| refused),
            Err(_) => Err(refused),
        }
    }

    fn open(&self, index: u64, last: bool, chunk: &mut [u8]) -> Result<usize, AgeError> {
        if chunk.len() < TAG_BYTES {
            return Err(AgeError::Truncated { chunks: index });
        }
        match self.0.open_in_place(chunk_nonce(index, last), Aad::empty(), chunk) {
            Err(_) => Err(AgeError::Chunk { index }),
            Ok(plain) if last && plain.is_empty() && index > 0 => Err(AgeError::EmptyLastChunk),
            Ok(plain) => Ok(plain.len()),
        }
    }
}
