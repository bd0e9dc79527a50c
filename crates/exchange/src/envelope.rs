//! The sealed envelope as it travels by any road: addresses, digest, the sealed bytes and the sender's log proof.

use crate::{CosignedHead, LogEvidence, MAX_ENVELOPE_BYTES};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use vocabulary::{Digest, EnvelopeId, Failure, Family, Instant, OfficeId};

const FORMAT: &str = "rogatory/envelope/1";

/// Nothing in it is personal: the statement is sealed to the addressee's office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    pub format: String,
    pub envelope: EnvelopeId,
    pub from: OfficeId,
    pub to: OfficeId,
    /// The digest of the sealed bytes: what receipts name.
    pub digest: Digest,
    /// When it was put on this road, by the sender's clock; a later attempt says a later time.
    pub sent_at: Instant,
    pub log: LogEvidence,
    /// The largest linked head of the addressee's log that the sender knows, with its cosignature on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<CosignedHead>,
    /// The sealed statement: CMS AuthEnvelopedData (RFC 5083) in base64.
    pub sealed: String,
}

impl Envelope {
    pub fn new(
        envelope: EnvelopeId,
        from: OfficeId,
        to: OfficeId,
        sealed: &[u8],
        sent_at: Instant,
        log: LogEvidence,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            envelope,
            from,
            to,
            digest: Digest::of(sealed),
            sent_at,
            log,
            seen: None,
            sealed: STANDARD.encode(sealed),
        }
    }

    /// The same envelope with what the sender saw of the addressee's log.
    pub fn with_seen(self, seen: Option<CosignedHead>) -> Self {
        Self { seen, ..self }
    }

    /// What stands in the sender's log for this envelope.
    pub fn committed(&self) -> Digest {
        addressed_digest(self.envelope, self.from, self.to, &self.digest)
    }

    pub fn to_json(&self) -> Result<Vec<u8>, EnvelopeFault> {
        serde_json::to_vec(self).map_err(|_| EnvelopeFault::Unwritable)
    }

    /// Reads a peer's bytes and checks that the digest is that of the sealed bytes, which it returns beside.
    pub fn from_json(bytes: &[u8]) -> Result<(Self, Vec<u8>), EnvelopeFault> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(EnvelopeFault::TooLarge { found: bytes.len() });
        }
        let envelope: Self = serde_json::from_slice(bytes)
            .map_err(|error| EnvelopeFault::Json { line: error.line(), column: error.column() })?;
        if envelope.format != FORMAT {
            return Err(EnvelopeFault::Format { found: envelope.format.chars().take(64).collect() });
        }
        let sealed = STANDARD.decode(&envelope.sealed).map_err(|_| EnvelopeFault::Base64)?;
        let found = Digest::of(&sealed);
        if found != envelope.digest {
            return Err(EnvelopeFault::Digest { expected: envelope.digest, found });
        }
        Ok((envelope, sealed))
    }
}

/// The digest that a sender commits to its log: the sealed bytes and the addresses under which they travel, so
/// that an envelope with other addresses is not in the log.
pub fn addressed_digest(envelope: EnvelopeId, from: OfficeId, to: OfficeId, sealed: &Digest) -> Digest {
    Digest::of(format!("{FORMAT}\n{envelope}\n{from}\n{to}\n{sealed}\n").as_bytes())
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    #[error("the envelope cannot be written as JSON")]
    Unwritable,
    #[error("the envelope has {found} bytes, more than {MAX_ENVELOPE_BYTES}")]
    TooLarge { found: usize },
    #[error("the bytes are not an envelope, or it was cut short (line {line} column {column})")]
    Json { line: usize, column: usize },
    #[error("the envelope has the format `{found}`, expected `{FORMAT}`")]
    Format { found: String },
    #[error("the sealed statement is not base64")]
    Base64,
    #[error("the sealed statement was altered: expected `{expected}`, found `{found}`")]
    Digest { expected: Digest, found: Digest },
}

impl Failure for EnvelopeFault {
    fn family(&self) -> Family {
        match self {
            Self::Unwritable => Family::Fault,
            _ => Family::PeerFault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Unwritable => "F-502",
            Self::TooLarge { .. } => "P-510",
            Self::Json { .. } => "P-511",
            Self::Format { .. } => "P-512",
            Self::Base64 => "P-513",
            Self::Digest { .. } => "P-514",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("spec/02-exchange.md, envelope".to_owned())
    }
    fn remedy(&self) -> String {
        match self {
            Self::TooLarge { .. } => "send texts of ordinary length; evidence travels as a package",
            _ => "send the envelope again as it was exported; nothing of it was stored",
        }
        .to_owned()
    }
}
