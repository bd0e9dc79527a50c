//! One thing that happens in a run: enough to do it again, alone or with others left out.

use crate::peril::Blow;
use casefile::Outcome;
use keys::KeyRole;
use serde::{Deserialize, Serialize};
use treaty::Kind;
use vocabulary::OfficeFunction;

/// The step that drafted a file names it for ever, whatever id it got.
pub(crate) type FileStep = u64;
/// The step that sent a message and its place there.
pub(crate) type MessageId = u64;

/// Messages that one step may send.
pub(crate) const MESSAGES_MAX: u64 = 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub id: u64,
    /// True time in microseconds since 1970.
    pub at: i64,
    #[serde(flatten)]
    pub what: What,
}

/// States are named by their number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum What {
    /// An officer acts in a file.
    Act {
        state: usize,
        officer: Who,
        file: FileStep,
        act: Act,
    },
    /// The node opens its inbox and discharges what is due.
    Desk {
        state: usize,
    },
    /// The node puts on the road what is due, one envelope at a time to each peer.
    Post {
        state: usize,
    },
    /// The node looks for missing receipts and for what a wrong clock put off.
    Watch {
        state: usize,
    },
    /// Operators put every envelope that a peer refused for good into the pouch.
    Export {
        state: usize,
    },
    /// An officer puts the oldest waiting envelope of a file into the pouch beside the network.
    Pouch {
        state: usize,
        file: FileStep,
    },
    /// The message reaches its addressee.
    Arrive {
        message: MessageId,
        harm: Option<Harm>,
    },
    /// The same bytes reach the addressee once more.
    Repeat {
        message: MessageId,
    },
    /// What the addressee answered reaches the sender.
    Answer {
        message: MessageId,
        harm: Option<Harm>,
    },
    /// The message or its answer is gone.
    Lose {
        message: MessageId,
    },
    /// The sender waits no longer.
    TimeOut {
        message: MessageId,
    },
    /// Somebody lies with this message in hand.
    Lie {
        message: MessageId,
        lie: Lie,
    },
    /// A blow is prepared for the point after `after` others.
    Arm {
        state: usize,
        after: u32,
        blow: Blow,
    },
    /// The process is killed between two writes of nothing.
    Kill {
        state: usize,
    },
    Restart {
        state: usize,
    },
    FreeSpace {
        state: usize,
    },
    /// The network between these States and all others is cut.
    Cut {
        states: Vec<usize>,
    },
    Mend,
    /// The clock of a State is off by so many microseconds from now on.
    Clock {
        state: usize,
        off: i64,
    },
    /// A State issues a newer descriptor.
    Renew {
        state: usize,
    },
    /// A State replaces a key, starts its node again and issues a newer descriptor.
    Rotate {
        state: usize,
        key: Key,
    },
    /// A State enrols the newest descriptor of another.
    Learn {
        state: usize,
        of: usize,
    },
    /// A copy of the database is made, as operators do.
    Copy {
        state: usize,
    },
    /// The State goes on from the copy: its log has two continuations from here.
    Restore {
        state: usize,
    },
    /// An officer looked at the finding about a peer and lets the exchange go on.
    Resume {
        state: usize,
        peer: usize,
    },
    Audit {
        state: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    First,
    Second,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    Draft { to: usize, kind: Kind, follows: Option<FileStep> },
    Submit,
    Approve,
    Withdraw,
    Consult,
    AskExtension { days: u32 },
    Close { outcome: Outcome },
    Triage,
    Grant,
    Refuse,
    Postpone,
    Decide,
    Preserve { days: u32 },
    Extend { days: u32 },
    CloseIncoming,
}

/// The keys that speak in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    CentralAuthority,
    ContactPoint,
    Node,
    Log,
    Cosigner,
}

impl Key {
    pub const ALL: [Self; 5] =
        [Self::CentralAuthority, Self::ContactPoint, Self::Node, Self::Log, Self::Cosigner];

    pub fn role(self) -> KeyRole {
        match self {
            Self::CentralAuthority => KeyRole::Office(OfficeFunction::CentralAuthority),
            Self::ContactPoint => KeyRole::Office(OfficeFunction::ContactPoint),
            Self::Node => KeyRole::Office(OfficeFunction::Node),
            Self::Log => KeyRole::Log,
            Self::Cosigner => KeyRole::Cosigner,
        }
    }
}

/// Bytes that arrive as other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "harm", rename_all = "kebab-case")]
pub enum Harm {
    /// Only so many thousandths of the bytes arrive.
    Truncated { keep: u32 },
    /// One bit is another: of the part with this number, at so many thousandths of it.
    Corrupted { part: u32, place: u32, bit: u8 },
}

/// What a lying peer, or a thief of its keys, tries; none may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "lie", rename_all = "kebab-case")]
pub enum Lie {
    /// The envelope with a log that was rewritten, signed with the sender's own log key.
    RewrittenLog,
    /// The envelope under another id.
    OtherId,
    /// Another statement under the id of the envelope.
    OtherContent { like: MessageId },
    /// The envelope at the node of a State to which it is not addressed.
    WrongAddressee { at: usize },
    /// The envelope handed over by a State that did not send it.
    WrongSender { by: usize },
    /// A receipt of the addressee for other bytes.
    ReceiptForOtherDigest,
    /// The addressee's receipt for another envelope.
    ReceiptForOtherEnvelope { like: MessageId },
    /// A receipt signed by another office of the addressee.
    ReceiptOfOtherOffice,
    /// A receipt signed by another State.
    ReceiptOfOtherState { by: usize },
    /// A receipt that is not in the addressee's log.
    ReceiptOutsideLog,
    /// A receipt with a cosignature on a head that the sender never had.
    ReceiptWithForeignHead,
}

impl Lie {
    pub fn word(&self) -> &'static str {
        match self {
            Self::RewrittenLog => "rewritten-log",
            Self::OtherId => "replayed-under-other-id",
            Self::OtherContent { .. } => "same-id-other-content",
            Self::WrongAddressee { .. } => "wrong-addressee",
            Self::WrongSender { .. } => "wrong-sender",
            Self::ReceiptForOtherDigest => "receipt-for-other-digest",
            Self::ReceiptForOtherEnvelope { .. } => "receipt-for-other-envelope",
            Self::ReceiptOfOtherOffice => "receipt-of-other-office",
            Self::ReceiptOfOtherState { .. } => "receipt-of-other-state",
            Self::ReceiptOutsideLog => "receipt-outside-log",
            Self::ReceiptWithForeignHead => "receipt-with-foreign-head",
        }
    }
}

impl What {
    /// The State that the step happens at, when it names one.
    pub fn state(&self) -> Option<usize> {
        match self {
            Self::Act { state, .. }
            | Self::Desk { state }
            | Self::Post { state }
            | Self::Watch { state }
            | Self::Export { state }
            | Self::Pouch { state, .. }
            | Self::Arm { state, .. }
            | Self::Kill { state }
            | Self::Restart { state }
            | Self::FreeSpace { state }
            | Self::Clock { state, .. }
            | Self::Renew { state }
            | Self::Rotate { state, .. }
            | Self::Learn { state, .. }
            | Self::Copy { state }
            | Self::Restore { state }
            | Self::Resume { state, .. }
            | Self::Audit { state } => Some(*state),
            _ => None,
        }
    }
}
