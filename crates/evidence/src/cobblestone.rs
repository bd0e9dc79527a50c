//! Cobblestone-256, the second bulk suite: AES-256-GCM in chunks of 16 KiB under HKDF-SHA-512 (C2SP chunked-encryption,
//! version 1), for States that may use AES only.
//!
//! The last chunk is always shorter than 16 KiB, and empty after a whole one. The context is empty.

use crate::{
    age::AgeError,
    chunk::{ChunkCipher, Length, TAG_BYTES},
};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    constant_time,
    hkdf::{HKDF_SHA512, Prk},
};
use zeroize::Zeroizing;

const CHUNK_BYTES: usize = 16 * 1024;
const SALT_BYTES: usize = 24;
const COMMITMENT_BYTES: usize = 32;
/// Salt and commitment.
pub(crate) const HEADER_BYTES: usize = SALT_BYTES + COMMITMENT_BYTES;
const INFO: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00";
/// The format ends below 4 PiB.
const MAX_CHUNKS: u64 = 1 << 38;

/// The cipher of one message.
pub(crate) struct Cobblestone {
    key: LessSafeKey,
    base: [u8; 12],
}

impl Cobblestone {
    /// A new message under `key`: its header and its cipher.
    pub(crate) fn seal_header(
        key: &[u8; 32],
        random: &dyn Fn(&mut [u8]),
    ) -> Result<([u8; HEADER_BYTES], Self), AgeError> {
        let mut salt = [0; SALT_BYTES];
        random(&mut salt);
        let (cipher, commitment) = derive(key, &salt)?;
        let mut header = [0; HEADER_BYTES];
        header.iter_mut().zip(salt.iter().chain(&commitment)).for_each(|(to, from)| *to = *from);
        Ok((header, cipher))
    }

    /// Refuses a header that was not made under `key`.
    pub(crate) fn open_header(key: &[u8; 32], header: &[u8; HEADER_BYTES]) -> Result<Self, AgeError> {
        let (salt, commitment) = header.split_first_chunk::<SALT_BYTES>().ok_or(AgeError::HeaderMac)?;
        let (cipher, expected) = derive(key, salt)?;
        match constant_time::verify_slices_are_equal(commitment, &expected) {
            Ok(()) => Ok(cipher),
            Err(_) => Err(AgeError::NotForThisKey),
        }
    }

    /// The number of the chunk, big-endian, over the last five bytes of the base.
    fn nonce(&self, index: u64) -> Result<Nonce, AgeError> {
        if index >= MAX_CHUNKS {
            return Err(AgeError::Library { what: "encrypt 4 PiB or more" });
        }
        let mut nonce = self.base;
        nonce.iter_mut().rev().zip(index.to_le_bytes()).for_each(|(byte, count)| *byte ^= count);
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

/// Key, base nonce and commitment, expanded from the message key, which is itself the pseudorandom key.
fn derive(
    key: &[u8; 32],
    salt: &[u8; SALT_BYTES],
) -> Result<(Cobblestone, [u8; COMMITMENT_BYTES]), AgeError> {
    let refused = || AgeError::Library { what: "derive a key" };
    let mut out = Zeroizing::new([0; 32 + 12 + COMMITMENT_BYTES]);
    Prk::new_less_safe(HKDF_SHA512, key)
        .expand(&[INFO, salt], Length(out.len()))
        .and_then(|okm| okm.fill(&mut out[..]))
        .map_err(|_| refused())?;
    let (key, rest) = out.split_first_chunk::<32>().ok_or_else(refused)?;
    let (base, commitment) = rest.split_first_chunk::<12>().ok_or_else(refused)?;
    let key = UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| refused())?;
    let commitment = commitment.try_into().map_err(|_| refused())?;
    Ok((Cobblestone { key, base: *base }, commitment))
}

impl ChunkCipher for Cobblestone {
    fn chunk_bytes(&self) -> usize {
        CHUNK_BYTES
    }

    fn last_is_short(&self) -> bool {
        true
    }

    /// Only the length marks the last chunk, so one of another length would cut the stream for every reader.
    fn seal(&self, index: u64, last: bool, chunk: &mut [u8]) -> Result<[u8; TAG_BYTES], AgeError> {
        if chunk.len() > CHUNK_BYTES || last == (chunk.len() == CHUNK_BYTES) {
            return Err(AgeError::Library { what: "seal a chunk that is not as long as its place asks" });
        }
        let refused = AgeError::Library { what: "seal a chunk" };
        match self.key.seal_in_place_separate_tag(self.nonce(index)?, Aad::empty(), chunk) {
            Ok(tag) => tag.as_ref().try_into().map_err(|_| refused),
            Err(_) => Err(refused),
        }
    }

    fn open(&self, index: u64, last: bool, chunk: &mut [u8]) -> Result<usize, AgeError> {
        if chunk.len() < TAG_BYTES {
            return Err(AgeError::Truncated { chunks: index });
        }
        match self.key.open_in_place(self.nonce(index)?, Aad::empty(), chunk) {
            Err(_) => Err(AgeError::Chunk { index }),
            Ok(plain) if last == (plain.len() == CHUNK_BYTES) => Err(AgeError::Truncated { chunks: index }),
            Ok(plain) => Ok(plain.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{has_tool, noise, random, shell};
    use std::{cell::Cell, fs};

    const KEY: [u8; 32] = [9; 32];

    fn ours(plain: &[u8]) -> Vec<u8> {
        let counter = Cell::new(3);
        let (header, cipher) = Cobblestone::seal_header(&KEY, &random(&counter)).unwrap();
        let mut out = header.to_vec();
        let whole = plain.len() / CHUNK_BYTES;
        for index in 0..=whole {
            let from = index * CHUNK_BYTES;
            let mut chunk = plain[from..plain.len().min(from + CHUNK_BYTES)].to_vec();
            let tag = cipher.seal(u64::try_from(index).unwrap(), index == whole, &mut chunk).unwrap();
            out.extend_from_slice(&chunk);
            out.extend_from_slice(&tag);
        }
        out
    }

    fn open(sealed: &[u8]) -> Result<Vec<u8>, AgeError> {
        let (header, rest) = sealed.split_first_chunk::<HEADER_BYTES>().unwrap();
        let cipher = Cobblestone::open_header(&KEY, header)?;
        let mut plain = Vec::new();
        let chunks: Vec<_> = rest.chunks(CHUNK_BYTES + TAG_BYTES).collect();
        for (index, chunk) in chunks.iter().enumerate() {
            let mut chunk = chunk.to_vec();
            let last = index + 1 == chunks.len();
            let length = cipher.open(u64::try_from(index).unwrap(), last, &mut chunk)?;
            plain.extend_from_slice(&chunk[..length]);
        }
        Ok(plain)
    }

    #[test]
    fn another_author_opens_what_we_seal_and_we_open_theirs() {
        let key = cobblestone::Key256::from(KEY);
        for size in [0, 1, 16_383, 16_384, 16_385, 32_768, 100_000] {
            let plain = noise(size);
            assert!(cobblestone::decrypt(&key, b"", &ours(&plain)).unwrap() == plain, "{size}");
            assert!(open(&cobblestone::encrypt(&key, b"", &plain).unwrap()).unwrap() == plain, "{size}");
        }
    }

    #[test]
    fn the_cryptography_of_python_opens_what_we_seal_and_we_open_its() {
        if !has_tool("python3", "-cfrom cryptography.cobblestone import Cobblestone256Decryptor") {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let script = "
import sys
from cryptography.cobblestone import Cobblestone256Decryptor as D, Cobblestone256Encryptor as E
from cryptography.exceptions import InvalidTag
key, ours = bytes([9] * 32), open('ours', 'rb').read()
def opened(sealed):
    d = D(key, b'')
    return d.update(sealed) + d.finalize()
plain = opened(ours)
assert plain == open('plain', 'rb').read()
try: opened(ours[:-1]); sys.exit('a cut stream was opened')
except InvalidTag: pass
e = E(key, b'')
open('theirs', 'wb').write(e.update(plain) + e.finalize())
";
        fs::write(folder.path().join("judge.py"), script).unwrap();
        for size in [0, 1, 16_383, 16_384, 16_385, 32_768, 100_000] {
            let plain = noise(size);
            fs::write(folder.path().join("plain"), &plain).unwrap();
            fs::write(folder.path().join("ours"), ours(&plain)).unwrap();
            shell(folder.path(), "python3 judge.py");
            let theirs = fs::read(folder.path().join("theirs")).unwrap();
            assert!(open(&theirs).unwrap() == plain, "{size}");
        }
    }

    #[test]
    fn a_chunk_of_another_length_and_one_beyond_the_format_are_not_sealed() {
        let (_, cipher) = Cobblestone::seal_header(&KEY, &|_| ()).unwrap();
        let seal = |index, last, length| cipher.seal(index, last, &mut vec![1; length]).is_ok();
        assert!(seal(0, false, CHUNK_BYTES) && seal(0, true, 0) && seal(0, true, CHUNK_BYTES - 1));
        assert!(!seal(0, true, CHUNK_BYTES) && !seal(0, false, 5) && !seal(0, false, 0));
        assert!(!seal(0, true, CHUNK_BYTES + 1) && !seal(0, false, CHUNK_BYTES + 1));
        assert!(seal(MAX_CHUNKS - 1, true, 5) && !seal(MAX_CHUNKS, true, 5));
        assert!(matches!(cipher.open(MAX_CHUNKS, true, &mut [0; 20]), Err(AgeError::Library { .. })));
    }

    #[test]
    fn a_cut_a_changed_byte_swapped_chunks_and_another_key_are_refused() {
        let sealed = ours(&noise(40_000));
        assert!(open(&sealed).is_ok());
        for at in [0, 23, 24, 55, 56, 20_000, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&changed).is_err(), "{at}");
        }
        let chunk = CHUNK_BYTES + TAG_BYTES;
        for cut in [sealed.len() - 1, HEADER_BYTES + 2 * chunk, HEADER_BYTES + chunk, HEADER_BYTES + 5] {
            assert!(open(&sealed[..cut]).is_err(), "{cut}");
        }
        let mut swapped = sealed[..HEADER_BYTES].to_vec();
        swapped.extend_from_slice(&sealed[HEADER_BYTES + chunk..HEADER_BYTES + 2 * chunk]);
        swapped.extend_from_slice(&sealed[HEADER_BYTES..HEADER_BYTES + chunk]);
        swapped.extend_from_slice(&sealed[HEADER_BYTES + 2 * chunk..]);
        assert!(open(&swapped).is_err());
        let header = sealed.first_chunk::<HEADER_BYTES>().unwrap();
        assert!(matches!(Cobblestone::open_header(&[8; 32], header), Err(AgeError::NotForThisKey)));
    }
}
