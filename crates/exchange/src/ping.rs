//! A question between contact points whether they are there, and the signed answer: `rogatory/ping/1`, `rogatory/pong/1`.

use seal::{SignatureError, TrustAnchor, Verified};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::{Digest, Failure, Family, Instant, OfficeFunction, OfficeId, StateCode};

const QUESTION: &str = "rogatory/ping/1";
const ANSWER: &str = "rogatory/pong/1";
/// The largest signed question or answer that is read, in bytes.
pub const MAX_PING_BYTES: usize = 32 << 10;
/// A nonce has 32 bytes, in hexadecimal.
const NONCE_BYTES: usize = 64;

/// JSON, signed by the contact point that asks (CMS SignedData). It belongs to no file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping {
    pub format: String,
    pub from: OfficeId,
    pub to: OfficeId,
    /// 32 random bytes in hexadecimal.
    pub nonce: String,
    /// By the clock of who asks.
    pub at: Instant,
}

/// JSON, signed by the contact point that answers. It says whether somebody is on duty, and never who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pong {
    pub format: String,
    pub from: OfficeId,
    pub to: OfficeId,
    pub nonce: String,
    /// The digest of the signed question.
    pub question: Digest,
    /// By the clock of who answers.
    pub at: Instant,
    pub on_duty: bool,
}

impl Ping {
    /// The contact point of `us` asks that of `peer`.
    pub fn new(us: StateCode, peer: StateCode, nonce: [u8; 32], at: Instant) -> Self {
        let nonce = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { format: QUESTION.to_owned(), from: contact_point(us), to: contact_point(peer), nonce, at }
    }

    pub fn to_json(&self) -> Result<Vec<u8>, PingFault> {
        serde_json::to_vec(self).map_err(|_| PingFault::Unwritable)
    }

    /// Reads what `peer` asks us; the certificate's place in time is judged by its keyring.
    pub fn verify(
        signed: &[u8],
        peer: StateCode,
        anchor: &TrustAnchor,
        us: StateCode,
        now: Instant,
    ) -> Result<Verified<Self>, PingFault> {
        let question = open::<Self>(signed, anchor, now)?;
        let read = question.value();
        check_format(&read.format, QUESTION)?;
        check_signer(question.signer(), contact_point(peer))?;
        check_offices((read.from, read.to), (contact_point(peer), contact_point(us)))?;
        let hexadecimal = read.nonce.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if read.nonce.len() != NONCE_BYTES || !hexadecimal {
            return Err(PingFault::Nonce);
        }
        Ok(question)
    }
}

impl Pong {
    /// What the contact point that was asked says of itself.
    pub fn to(ping: &Ping, signed: &[u8], at: Instant, on_duty: bool) -> Self {
        Self {
            format: ANSWER.to_owned(),
            from: ping.to,
            to: ping.from,
            nonce: ping.nonce.clone(),
            question: Digest::of(signed),
            at,
            on_duty,
        }
    }

    pub fn to_json(&self) -> Result<Vec<u8>, PingFault> {
        serde_json::to_vec(self).map_err(|_| PingFault::Unwritable)
    }

    /// Reads the answer to `ping`, which was sent as `question`: no answer to another question counts.
    pub fn verify(
        signed: &[u8],
        ping: &Ping,
        question: &[u8],
        anchor: &TrustAnchor,
        now: Instant,
    ) -> Result<Verified<Self>, PingFault> {
        let answer = open::<Self>(signed, anchor, now)?;
        let read = answer.value();
        check_format(&read.format, ANSWER)?;
        check_signer(answer.signer(), ping.to)?;
        check_offices((read.from, read.to), (ping.to, ping.from))?;
        if read.nonce != ping.nonce || read.question != Digest::of(question) {
            return Err(PingFault::OtherQuestion);
        }
        Ok(answer)
    }
}

fn contact_point(state: StateCode) -> OfficeId {
    OfficeId::new(state, OfficeFunction::ContactPoint)
}

fn open<T: DeserializeOwned>(
    signed: &[u8],
    anchor: &TrustAnchor,
    now: Instant,
) -> Result<Verified<T>, PingFault> {
    if signed.len() > MAX_PING_BYTES {
        return Err(PingFault::TooLarge { found: signed.len() });
    }
    seal::verify_cms_attached(signed, anchor, now)?.try_map(|bytes| {
        serde_json::from_slice(&bytes)
            .map_err(|error| PingFault::Json { line: error.line(), column: error.column() })
    })
}

fn check_format(found: &str, expected: &'static str) -> Result<(), PingFault> {
    match found == expected {
        true => Ok(()),
        false => Err(PingFault::Format { expected, found: found.chars().take(64).collect() }),
    }
}

fn check_signer(found: OfficeId, expected: OfficeId) -> Result<(), PingFault> {
    if found == expected { Ok(()) } else { Err(PingFault::OtherSigner { expected, found }) }
}

fn check_offices(found: (OfficeId, OfficeId), expected: (OfficeId, OfficeId)) -> Result<(), PingFault> {
    match found == expected {
        true => Ok(()),
        false => Err(PingFault::OtherOffices { from: found.0, to: found.1 }),
    }
}

/// Why a question or an answer does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PingFault {
    #[error("the signed question or answer has {found} bytes, more than {MAX_PING_BYTES}")]
    TooLarge { found: usize },
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("what is signed cannot be read at line {line}, column {column}")]
    Json { line: usize, column: usize },
    #[error("the format is `{found}`, expected `{expected}`")]
    Format { expected: &'static str, found: String },
    #[error("the nonce is not 32 bytes in hexadecimal")]
    Nonce,
    #[error("it is signed by `{found}`, expected `{expected}`")]
    OtherSigner { expected: OfficeId, found: OfficeId },
    #[error("it is from `{from}` to `{to}`, which are not the two contact points")]
    OtherOffices { from: OfficeId, to: OfficeId },
    #[error("the answer is to another question")]
    OtherQuestion,
    #[error("a question or answer could not be written")]
    Unwritable,
}

impl Failure for PingFault {
    fn family(&self) -> Family {
        match self {
            Self::Unwritable => Family::Fault,
            _ => Family::PeerFault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::Json { .. } | Self::Format { .. } | Self::Nonce => "P-637",
            Self::Signature(error) => error.code(),
            Self::OtherSigner { .. } | Self::OtherOffices { .. } | Self::OtherQuestion => "P-638",
            Self::Unwritable => "F-630",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("spec/02-exchange.md, contact points".to_owned())
    }
    fn remedy(&self) -> String {
        "speak to the other State's operators; the descriptor names the telephone of its contact point"
            .to_owned()
    }
}
