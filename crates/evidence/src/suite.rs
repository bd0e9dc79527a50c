//! The bulk suites: which cipher carries the content, under which key, behind which header.

use crate::{
    age::{self, AgeError, AgeIdentity},
    chunk::{ChunkCipher, Length},
    cobblestone::{Cobblestone, HEADER_BYTES},
};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use std::{cell::Cell, io::Read, str::FromStr, sync::Arc};
use zeroize::Zeroizing;

/// How the content of a package is encrypted; everything else is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BulkSuite {
    /// age v1: ChaCha20-Poly1305 under X25519 (C2SP age v1.1.0).
    #[default]
    AgeV1,
    /// AES-256-GCM under a key of its own (C2SP chunked-encryption).
    #[serde(rename = "cobblestone-256")]
    Cobblestone256,
}

impl BulkSuite {
    pub const ALL: [Self; 2] = [Self::AgeV1, Self::Cobblestone256];

    /// As the label and the command line write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AgeV1 => "age-v1",
            Self::Cobblestone256 => "cobblestone-256",
        }
    }

    /// Which suite has a first part of this name.
    pub(crate) fn of_first_part(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.part_name(0) == name)
    }

    /// Parts are numbered from 0 without a gap.
    pub(crate) fn part_name(self, index: u64) -> String {
        match self {
            Self::AgeV1 => format!("data/payload.age.{index:06}"),
            Self::Cobblestone256 => format!("data/payload.cob.{index:06}"),
        }
    }
}

impl FromStr for BulkSuite {
    type Err = vocabulary::WordError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|suite| suite.as_str() == text);
        found.ok_or_else(|| vocabulary::WordError::new("a bulk suite, `age-v1` or `cobblestone-256`", text))
    }
}

/// All randomness of one package, grown from one seed, so that an interrupted seal goes on with the same keys.
pub(crate) struct Seed(Prk);

impl Seed {
    pub(crate) fn new(bytes: &[u8; 32]) -> Self {
        Self(Salt::new(HKDF_SHA256, b"rogatory package seed v1").extract(bytes))
    }

    /// A source that gives the same bytes for the same seed, 32 at a time.
    fn source(&self) -> impl Fn(&mut [u8]) + '_ {
        let counter = Cell::new(0_u64);
        move |bytes| {
            for piece in bytes.chunks_mut(32) {
                let mut block = Zeroizing::new([0; 32]);
                let info = counter.get().to_be_bytes();
                counter.set(counter.get().wrapping_add(1));
                let expanded = self.0.expand(&[&info], Length(32)).and_then(|okm| okm.fill(&mut block[..]));
                expanded.expect("HKDF gives 32 bytes");
                piece.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

/// The encrypted stream of a new package.
pub(crate) struct Bulk {
    /// What the key envelope holds.
    pub(crate) key_file: Zeroizing<Vec<u8>>,
    /// What comes before the first chunk.
    pub(crate) header: Vec<u8>,
    pub(crate) cipher: Arc<dyn ChunkCipher>,
}

impl Bulk {
    pub(crate) fn begin(suite: BulkSuite, seed: &Seed) -> Result<Self, AgeError> {
        let random = seed.source();
        match suite {
            BulkSuite::AgeV1 => {
                let mut secret = Zeroizing::new([0; 32]);
                random(&mut secret[..]);
                let identity = AgeIdentity::from_secret(&secret)?;
                let mut key_file = Zeroizing::new(identity.to_text().as_bytes().to_vec());
                key_file.push(b'\n');
                let (header, cipher) = age::begin(&identity.recipient(), &random)?;
                Ok(Self { key_file, header, cipher: Arc::new(cipher) })
            }
            BulkSuite::Cobblestone256 => {
                let mut key = Zeroizing::new([0; 32]);
                random(&mut key[..]);
                let text = Zeroizing::new(hex::encode(&key[..]));
                let mut key_file = Zeroizing::new(text.as_bytes().to_vec());
                key_file.push(b'\n');
                let (header, cipher) = Cobblestone::seal_header(&key, &random)?;
                Ok(Self { key_file, header: header.to_vec(), cipher: Arc::new(cipher) })
            }
        }
    }
}

/// Reads the header of the encrypted stream and not one byte further.
pub(crate) fn unlock(
    suite: BulkSuite,
    key_file: &[u8],
    input: &mut impl Read,
) -> Result<Arc<dyn ChunkCipher>, AgeError> {
    let line = std::str::from_utf8(key_file).ok().and_then(|text| text.strip_suffix('\n'));
    match suite {
        BulkSuite::AgeV1 => {
            let wrong = AgeError::Key { expected: "one line with an age identity" };
            let (cipher, stanzas) = age::unlock(input, &line.ok_or(wrong)?.parse::<AgeIdentity>()?)?;
            match stanzas {
                1 => Ok(Arc::new(cipher)),
                found => Err(AgeError::Stanzas { found }),
            }
        }
        BulkSuite::Cobblestone256 => {
            let wrong = || AgeError::Key { expected: "one line with 64 hex digits" };
            let line = line.filter(|line| !line.bytes().any(|byte| byte.is_ascii_uppercase()));
            let mut key = Zeroizing::new([0; 32]);
            hex::decode_to_slice(line.ok_or_else(wrong)?, &mut key[..]).map_err(|_| wrong())?;
            let mut header = [0; HEADER_BYTES];
            input.read_exact(&mut header).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => AgeError::Truncated { chunks: 0 },
                _ => AgeError::Read(error),
            })?;
            Cobblestone::open_header(&key, &header).map(|cipher| Arc::new(cipher) as Arc<dyn ChunkCipher>)
        }
    }
}
