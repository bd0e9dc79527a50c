//! A signed proof of one step of an envelope's transport, or of its lack: `rogatory/proof/1`.

use seal::{SignatureError, TrustAnchor};
use serde::{Deserialize, Serialize};
use vocabulary::{Digest, EnvelopeId, Failure, Family, Instant, OfficeId};

const FORMAT: &str = "rogatory/proof/1";
/// The label of a commitment to a signed proof.
pub const PROOF_LABEL: &str = "rogatory/proof/1";
/// The largest signed proof that is read, in bytes.
pub const MAX_PROOF_BYTES: usize = 32 << 10;
/// The longest name of a rule or code in a proof, in bytes.
const MAX_WORD_BYTES: usize = 64;

/// One step of the ladder. Delivery is proven by the receipt itself and has no document of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofStep {
    /// Signed, sealed and durable at the sender.
    Submitted,
    /// The bytes were handed to a road: the peer's endpoint took the request, or a person took the file.
    Relayed,
    /// The addressed office opened the envelope and verified the statement inside.
    Opened,
    /// The other State said that it could not open or record the envelope.
    Rejected,
    NotRelayed,
    NotDelivered,
    NotOpened,
}

impl ProofStep {
    pub const ALL: [Self; 7] = [
        Self::Submitted,
        Self::Relayed,
        Self::Opened,
        Self::Rejected,
        Self::NotRelayed,
        Self::NotDelivered,
        Self::NotOpened,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Relayed => "relayed",
            Self::Opened => "opened",
            Self::Rejected => "rejected",
            Self::NotRelayed => "not-relayed",
            Self::NotDelivered => "not-delivered",
            Self::NotOpened => "not-opened",
        }
    }

    /// The step called `word`, if there is one.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == word)
    }

    /// True for the lack of a step, which names a threshold.
    pub fn is_negative(self) -> bool {
        matches!(self, Self::NotRelayed | Self::NotDelivered | Self::NotOpened)
    }
}

/// How an envelope went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofRoad {
    Https,
    Pouch,
}

/// Which threshold was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofLevel {
    Warn,
    Fail,
}

/// JSON, signed by `from` (CMS SignedData). It names digests and no content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub format: String,
    pub step: ProofStep,
    pub envelope: EnvelopeId,
    /// The digest of the sealed bytes: what the receipt names too.
    pub digest: Digest,
    /// Who says it, and signs.
    pub from: OfficeId,
    /// The other State's office concerned.
    pub to: OfficeId,
    /// By the signer's clock.
    pub at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub road: Option<ProofRoad>,
    /// The digest of the receipt's bytes (opened).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Digest>,
    /// The digest of a signed statement: the one inside (opened), or the one that rejects (rejected).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<ProofLevel>,
    /// The rule whose threshold was passed, such as `receipt.delivery.fail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The code of the other State's reason (rejected).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Proof {
    /// A proof without the members that only some steps have.
    pub fn new(
        step: ProofStep,
        envelope: EnvelopeId,
        digest: Digest,
        from: OfficeId,
        to: OfficeId,
        at: Instant,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            step,
            envelope,
            digest,
            from,
            to,
            at,
            road: None,
            receipt: None,
            statement: None,
            level: None,
            rule: None,
            code: None,
        }
    }

    pub fn to_json(&self) -> Result<Vec<u8>, ProofFault> {
        serde_json::to_vec(self).map_err(|_| ProofFault::Unwritable)
    }

    /// Reads a signed proof and checks that an office under `anchor` signed it at `at` and that it is well formed.
    pub fn read(signed: &[u8], anchor: &TrustAnchor, at: Instant) -> Result<Self, ProofFault> {
        if signed.len() > MAX_PROOF_BYTES {
            return Err(ProofFault::TooLarge { found: signed.len() });
        }
        let verified = seal::verify_cms_attached(signed, anchor, at)?;
        let proof: Self = serde_json::from_slice(verified.value())
            .map_err(|error| ProofFault::Json { line: error.line(), column: error.column() })?;
        proof.check()?;
        if proof.from != verified.signer() {
            return Err(ProofFault::OtherSigner { expected: proof.from, found: verified.signer() });
        }
        Ok(proof)
    }

    /// Each step has its own members, all of them and no others.
    fn check(&self) -> Result<(), ProofFault> {
        if self.format != FORMAT {
            return Err(ProofFault::Format { found: self.format.chars().take(64).collect() });
        }
        let negative = self.step.is_negative();
        let (opened, rejected) = (self.step == ProofStep::Opened, self.step == ProofStep::Rejected);
        let members = [
            ("road", self.road.is_some(), self.step == ProofStep::Relayed),
            ("receipt", self.receipt.is_some(), opened),
            ("statement", self.statement.is_some(), opened || rejected),
            ("level", self.level.is_some(), negative),
            ("rule", self.rule.is_some(), negative),
            ("code", self.code.is_some(), rejected),
        ];
        if let Some((member, ..)) = members.into_iter().find(|(_, found, expected)| found != expected) {
            return Err(ProofFault::Member { step: self.step.as_str(), member });
        }
        match [&self.rule, &self.code].into_iter().flatten().find(|word| word.len() > MAX_WORD_BYTES) {
            Some(word) => Err(ProofFault::WordTooLong { found: word.len() }),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    #[error("the proof cannot be written as JSON")]
    Unwritable,
    #[error("the signed proof has {found} bytes, more than {MAX_PROOF_BYTES}")]
    TooLarge { found: usize },
    #[error("the proof is not base64")]
    Base64,
    #[error("the proof does not stand: {0}")]
    Signature(#[from] SignatureError),
    #[error("the signed content is not a proof (line {line} column {column})")]
    Json { line: usize, column: usize },
    #[error("the proof has the format `{found}`, expected `{FORMAT}`")]
    Format { found: String },
    #[error("the proof is signed by `{found}` and speaks for `{expected}`")]
    OtherSigner { expected: OfficeId, found: OfficeId },
    #[error("the proof `{step}` lacks the member `{member}`, or has it without need")]
    Member { step: &'static str, member: &'static str },
    #[error("a word in the proof has {found} bytes, more than {MAX_WORD_BYTES}")]
    WordTooLong { found: usize },
    #[error("the proof for envelope `{envelope}` names another {what} than the one that is here")]
    Contradiction { envelope: EnvelopeId, what: &'static str },
}

impl Failure for ProofFault {
    fn family(&self) -> Family {
        match self {
            Self::Unwritable => Family::Fault,
            _ => Family::PeerFault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Unwritable => "F-940",
            Self::TooLarge { .. } => "P-940",
            Self::Base64 => "P-941",
            Self::Signature(error) => error.code(),
            Self::Json { .. } => "P-942",
            Self::Format { .. } => "P-943",
            Self::OtherSigner { .. } => "P-944",
            Self::Member { .. } => "P-945",
            Self::WordTooLong { .. } => "P-946",
            Self::Contradiction { .. } => "P-947",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("spec/07-proofs.md".to_owned())
    }
    fn remedy(&self) -> String {
        match self {
            Self::Contradiction { .. } => {
                "keep both signed words as evidence and speak to the other State's operators"
            }
            _ => "tell the other State's operators; the envelope is kept as it came",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(step: ProofStep) -> Proof {
        let envelope = "0193a8f0-0000-7000-8000-000000000001".parse().unwrap();
        let (from, to) = ("XA/node".parse().unwrap(), "XB/contact-point".parse().unwrap());
        let mut proof = Proof::new(step, envelope, Digest::of(b"sealed"), from, to, Instant::from_micros(0));
        match step {
            ProofStep::Submitted => {}
            ProofStep::Relayed => proof.road = Some(ProofRoad::Pouch),
            ProofStep::Opened => {
                proof.receipt = Some(Digest::of(b"receipt"));
                proof.statement = Some(Digest::of(b"statement"));
            }
            ProofStep::Rejected => {
                proof.statement = Some(Digest::of(b"rejection"));
                proof.code = Some("P-505".to_owned());
            }
            ProofStep::NotRelayed | ProofStep::NotDelivered | ProofStep::NotOpened => {
                proof.level = Some(ProofLevel::Fail);
                proof.rule = Some("receipt.delivery.fail".to_owned());
            }
        }
        proof
    }

    #[test]
    fn each_step_is_written_and_read_with_its_own_members() {
        for step in ProofStep::ALL {
            let proof = proof(step);
            assert_eq!(proof.check(), Ok(()), "{step:?}");
            let json = String::from_utf8(proof.to_json().unwrap()).unwrap();
            assert!(json.contains(&format!("\"step\":\"{}\"", step.as_str())), "{json}");
            assert_eq!(serde_json::from_str::<Proof>(&json).unwrap(), proof);
            assert_eq!(ProofStep::of_word(step.as_str()), Some(step));
        }
        assert_eq!(ProofStep::of_word("delivered"), None, "the receipt is the proof");
    }

    #[test]
    fn a_member_too_few_or_too_many_is_refused() {
        for step in ProofStep::ALL {
            let good = serde_json::to_value(proof(step)).unwrap();
            let value = |name: &str| match name {
                "road" => "https".into(),
                "level" => "warn".into(),
                "rule" | "code" => "x".into(),
                _ => serde_json::Value::from(Digest::of(b"x").to_string()),
            };
            for member in ["road", "receipt", "statement", "level", "rule", "code"] {
                let mut altered = good.clone();
                let fields = altered.as_object_mut().unwrap();
                if fields.remove(member).is_none() {
                    fields.insert(member.to_owned(), value(member));
                }
                let altered: Proof = serde_json::from_value(altered).unwrap();
                assert_eq!(altered.check().unwrap_err().code(), "P-945", "{step:?} {member}");
            }
        }
    }

    #[test]
    fn another_format_an_unknown_member_and_long_words_are_refused() {
        let mut other = proof(ProofStep::Submitted);
        other.format = "rogatory/proof/9".to_owned();
        assert_eq!(other.check().unwrap_err().code(), "P-943");
        let mut long = proof(ProofStep::Rejected);
        long.code = Some("P".repeat(MAX_WORD_BYTES + 1));
        assert_eq!(long.check().unwrap_err().code(), "P-946");
        let mut more = serde_json::to_value(proof(ProofStep::Submitted)).unwrap();
        more["content"] = "x".into();
        assert!(serde_json::from_value::<Proof>(more).is_err());
    }
}
