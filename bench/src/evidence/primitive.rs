//! The physical limit: digests and ciphers in memory, on one thread and on all cores.

use anyhow::{Context as _, bail};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    digest,
};
use sha2::{Digest as _, Sha256};
use std::{hint::black_box, thread, time::Instant};

/// Bytes that one thread works through in one measurement.
const WORK: usize = 1 << 30;
/// Fits the second-level cache, so that no memory bus is measured.
const BLOCK: usize = 1 << 20;
const CHUNK: usize = 64 << 10;

/// One of the primitives that a package needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Primitive {
    Sha256,
    Sha256AwsLc,
    ChaCha,
    Gcm,
}

impl Primitive {
    pub(crate) const ALL: [Self; 4] = [Self::Sha256, Self::Sha256AwsLc, Self::ChaCha, Self::Gcm];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256 (sha2)",
            Self::Sha256AwsLc => "SHA-256 (aws-lc)",
            Self::ChaCha => "ChaCha20-Poly1305 (aws-lc)",
            Self::Gcm => "AES-256-GCM (aws-lc)",
        }
    }
}

/// MiB per second of `threads` together.
pub(crate) fn speed(primitive: Primitive, threads: usize) -> anyhow::Result<f64> {
    let began = Instant::now();
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(move || work(primitive))).collect();
        running.into_iter().try_for_each(|thread| match thread.join() {
            Ok(done) => done,
            Err(_) => bail!("a measuring thread ended"),
        })
    })?;
    Ok((WORK >> 20) as f64 * threads as f64 / began.elapsed().as_secs_f64())
}

fn work(primitive: Primitive) -> anyhow::Result<()> {
    match primitive {
        Primitive::Sha256 => {
            let (block, mut state) = (vec![7; BLOCK], Sha256::new());
            (0..WORK / BLOCK).for_each(|_| state.update(black_box(&block)));
            black_box(state.finalize());
        }
        Primitive::Sha256AwsLc => {
            let (block, mut state) = (vec![7; BLOCK], digest::Context::new(&digest::SHA256));
            (0..WORK / BLOCK).for_each(|_| state.update(black_box(&block)));
            black_box(state.finish());
        }
        Primitive::ChaCha => cipher(&CHACHA20_POLY1305)?,
        Primitive::Gcm => cipher(&AES_256_GCM)?,
    }
    Ok(())
}

fn cipher(algorithm: &'static Algorithm) -> anyhow::Result<()> {
    let key = UnboundKey::new(algorithm, &[7; 32]).ok().context("a key of 32 bytes")?;
    let (key, mut chunk) = (LessSafeKey::new(key), vec![7; CHUNK]);
    for number in 0..WORK / CHUNK {
        let mut nonce = [0; 12];
        nonce.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), black_box(&mut chunk));
        let _ = black_box(tag.ok().context("encryption")?);
    }
    Ok(())
}

/// MiB per second when all cores do nothing but two digests and one cipher, and `other_s` core-seconds a GiB.
pub(crate) fn floor(cores: usize, sha_mib_s: f64, cipher_mib_s: f64, other_s: f64) -> f64 {
    let core_seconds = 2.0 * 1024.0 / sha_mib_s + 1024.0 / cipher_mib_s + other_s;
    cores as f64 * 1024.0 / core_seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cores_share_two_digests_and_a_cipher() {
        let mib_s = floor(2, 2048.0, 1024.0, 0.0);
        assert!((mib_s - 1024.0).abs() < 1e-9, "one core-second for each, two cores: {mib_s}");
        assert!((floor(2, 2048.0, 1024.0, 2.0) - 512.0).abs() < 1e-9);
    }
}
