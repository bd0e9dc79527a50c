//! What one State says to another inside a file.

use casefile::Outcome;
use serde::{Deserialize, Serialize};
use treaty::{Computed, Draft, Ground, Matter};
use vocabulary::{Digest, EnvelopeId, Instant, OfficerId, PackageId, Report};

/// The content of a statement. A request travels as a draft: each side checks it with its own rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Message {
    /// A request, with the two officers who stand behind it.
    Request {
        draft: Box<Draft>,
        officers: [OfficerId; 2],
    },
    /// The decision on a request, with the two officers who took it, Art. 40(25).
    Decision {
        decision: Decision,
        officers: [OfficerId; 2],
    },
    /// Data are preserved, Art. 42(8); both sides can compute the instants again.
    Preserved {
        effected: Instant,
        zone: String,
        minimum: Computed,
        order_end: Computed,
    },
    /// The preservation lasts longer, Art. 42(9).
    Extended {
        order_end: Computed,
    },
    /// Sealed evidence can be fetched.
    Evidence(Announcement),
    Consultation {
        text: String,
    },
    /// What the requested State did, in a word with which requests of this kind are answered.
    Execution {
        answer: String,
        text: String,
        /// False for a partial answer: more follows.
        complete: bool,
    },
    /// Something raised inside the file; `number` counts what this State raised in it, from 1.
    Matter {
        number: u32,
        matter: Matter,
        text: String,
    },
    /// The answer to a matter that the other State raised.
    MatterAnswer {
        number: u32,
        answer: String,
        text: String,
        /// The two officers behind an answer that binds the State.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        officers: Option<[OfficerId; 2]>,
    },
    ExtensionRequest {
        days: u32,
        reason: String,
    },
    Withdrawal {
        reason: String,
    },
    /// The requesting State closed its file, Art. 40(26).
    Closing {
        outcome: Outcome,
    },
    /// A signed negative: what came in `envelope` could not be opened or recorded.
    Rejection {
        envelope: EnvelopeId,
        sealed: Digest,
        report: Report,
    },
    /// The addressed office's word that it opened `envelope`.
    Opened {
        envelope: EnvelopeId,
        /// A signed `Proof` in base64, so that it stands without the statement around it.
        proof: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decision {
    Granted { conditions: Option<String> },
    Postponed { reasons: String },
    Refused { grounds: Vec<Ground>, reasons: String },
}

/// What can be fetched: every file of the package with its digest, so that each is checked as it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    pub package: PackageId,
    /// The digest of `tagmanifest-sha256.txt`, which the evidence office signed.
    pub tag_manifest: Digest,
    pub files: Vec<PackageFile>,
    /// Present when the encrypted parts are too many to be listed: their names and digests are in the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartsSummary>,
    /// The sum of the sizes, in bytes.
    pub bytes: u64,
    pub exhibits: Vec<ExhibitSummary>,
    /// The `sent` link of each exhibit, which goes on from the chain inside the package.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<custody::Link>,
    /// Until when the sender keeps the package for the receiver; the sender's policy, not the Convention's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_until: Option<Instant>,
}

/// All parts but the last have the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartsSummary {
    pub count: u64,
    pub part_bytes: u64,
    pub last_bytes: u64,
}

impl PartsSummary {
    /// The size of a part, counted from 0.
    pub fn size(&self, index: u64) -> u64 {
        if self.count.checked_sub(1) == Some(index) { self.last_bytes } else { self.part_bytes }
    }
}

/// One file of the package; `name` is its path in the bag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageFile {
    pub name: String,
    pub size: u64,
    pub digest: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExhibitSummary {
    pub exhibit: vocabulary::ExhibitId,
    pub name: String,
    pub files: u64,
    pub bytes: u64,
    /// The digest of the exhibit's sorted manifest.
    pub tree: Digest,
}

impl Message {
    /// The word by which people and the timeline call it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Request { .. } => "request",
            Self::Decision { .. } => "decision",
            Self::Preserved { .. } => "preserved",
            Self::Extended { .. } => "extended",
            Self::Evidence(_) => "evidence",
            Self::Consultation { .. } => "consultation",
            Self::Execution { .. } => "execution",
            Self::Matter { .. } => "matter",
            Self::MatterAnswer { .. } => "matter-answer",
            Self::ExtensionRequest { .. } => "extension-request",
            Self::Withdrawal { .. } => "withdrawal",
            Self::Closing { .. } => "closing",
            Self::Rejection { .. } => "rejection",
            Self::Opened { .. } => "opened",
        }
    }
}
