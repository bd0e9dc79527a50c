//! The age v1 file format (C2SP age v1.1.0), for one X25519 identity: our own writer and a strict reader.

mod chunk;
mod header;
mod hybrid;
mod identity;
mod stream;

pub(crate) use chunk::AgeChunks;
pub use hybrid::{HybridIdentity, HybridRecipient, decrypt_hybrid, encrypt_hybrid};
pub use identity::{AgeIdentity, AgeRecipient};
pub use stream::{AgeReader, AgeWriter, CHUNK_BYTES};

use std::io::Read;
use vocabulary::{Failure, Family};

const SPEC: &str = "C2SP age v1.1.0";

/// Why a key or an age file is refused.
#[derive(Debug, thiserror::Error)]
pub enum AgeError {
    #[error("the text is not {expected}")]
    Key { expected: &'static str },
    #[error("the age header is malformed: {what}")]
    Header { what: &'static str },
    #[error("the age file is not encrypted to this key")]
    NotForThisKey,
    #[error("the age header was altered: its MAC does not match")]
    HeaderMac,
    #[error("encrypted chunk {index} is altered, missing or out of order")]
    Chunk { index: u64 },
    #[error("the encrypted stream ends early, after {chunks} whole chunks")]
    Truncated { chunks: u64 },
    #[error("the encrypted stream ends with an empty chunk after data")]
    EmptyLastChunk,
    #[error("the file key is wrapped {found} times, and a package has exactly one recipient: its own key")]
    Stanzas { found: usize },
    #[error("an envelope has 1 to {most} post-quantum recipients, and {found} are given")]
    Recipients { most: usize, found: usize },
    #[error("an envelope holds at most {most} bytes, and {found} are given")]
    TooLong { most: usize, found: usize },
    #[error("the cryptographic library refused to {what}")]
    Library { what: &'static str },
    #[error("the encrypted stream could not be read")]
    Read(#[source] std::io::Error),
}

impl Failure for AgeError {
    fn family(&self) -> Family {
        match self {
            Self::Recipients { .. } | Self::TooLong { .. } => Family::Refusal,
            Self::Library { .. } | Self::Read(_) => Family::Fault,
            _ => Family::PeerFault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Key { .. } => "P-320",
            Self::Header { .. } => "P-321",
            Self::NotForThisKey => "P-322",
            Self::HeaderMac => "P-323",
            Self::Chunk { .. } => "P-324",
            Self::Truncated { .. } => "P-325",
            Self::EmptyLastChunk => "P-326",
            Self::Stanzas { .. } => "P-341",
            Self::Recipients { .. } => "R-350",
            Self::TooLong { .. } => "R-351",
            Self::Library { .. } => "F-320",
            Self::Read(_) => "F-321",
        }
    }

    fn clause(&self) -> Option<String> {
        let section = match self {
            Self::Key { .. } | Self::NotForThisKey => "native recipient types",
            Self::Header { .. } | Self::Stanzas { .. } => "age file header",
            Self::HeaderMac => "header MAC",
            Self::Chunk { .. } | Self::Truncated { .. } | Self::EmptyLastChunk => "payload",
            Self::Recipients { .. } | Self::TooLong { .. } | Self::Library { .. } | Self::Read(_) => {
                return None;
            }
        };
        Some(format!("{SPEC}, {section}"))
    }

    fn remedy(&self) -> String {
        match self {
            Self::Key { expected } => format!("use {expected}"),
            Self::Recipients { .. } => "name fewer post-quantum addressees, or at least one".to_owned(),
            Self::TooLong { .. } => "name fewer addressees, so that the envelope is shorter".to_owned(),
            Self::NotForThisKey => "check that the package key belongs to this package".to_owned(),
            Self::Library { .. } => "check the build of the cryptographic library".to_owned(),
            Self::Read(_) => "check the disk that holds the package and try again".to_owned(),
            _ => "fetch the package again; if it fails again, tell the sending office".to_owned(),
        }
    }
}

/// Header and nonce of a new file to one recipient, and the cipher of its payload.
pub(crate) fn begin(
    recipient: &AgeRecipient,
    random: &dyn Fn(&mut [u8]),
) -> Result<(Vec<u8>, AgeChunks), AgeError> {
    let (header, key) = stream::begin(recipient, random)?;
    Ok((header, AgeChunks(key)))
}

/// Reads header and nonce; gives the cipher of the payload and the number of stanzas.
pub(crate) fn unlock(input: &mut impl Read, identity: &AgeIdentity) -> Result<(AgeChunks, usize), AgeError> {
    let (key, stanzas) = stream::unlock(input, identity)?;
    Ok((AgeChunks(key), stanzas))
}

#[cfg(test)]
mod tests;
