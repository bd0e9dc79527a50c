//! What a node checks before it makes a peer's envelope durable: addresses and the sender's log, no content.

use crate::{Envelope, STATEMENT_LABEL, link};
use ledger::{Checkpoint, KeyName, ProofError, SignedCheckpoint};
use register::{Peer, Unbelieved};
use vocabulary::{Digest, EnvelopeId, Failure, Family, Instant, OfficeId, StateCode};

/// An envelope that may be stored; `linked` says that its head is proven consistent with the last one.
#[derive(Debug, Clone)]
pub struct Admission {
    pub head: SignedCheckpoint,
    pub linked: bool,
    /// When the peer cosigned what it saw of our log, in seconds since 1970-01-01T00:00:00Z.
    pub seen_at: Option<u64>,
}

/// Checks an envelope that `peer` handed over, against the heads of its log that we have seen.
///
/// `last` is the largest linked head, `seen` are others that may contradict: of the size of its head, and of the
/// size from which it proves. The caller compares the head in `seen` of the envelope with its own tree. An envelope
/// whose head is older than `last`, or that comes without a proof from `last` (both happen in the pouch), is admitted
/// unlinked; a contradiction is refused. Keys are judged at `now`: a key that the peer retired is believed for as
/// long as its descriptor says.
pub fn admit(
    envelope: &Envelope,
    us: StateCode,
    peer: &Peer,
    last: Option<&Checkpoint>,
    seen: &[Checkpoint],
    now: Instant,
) -> Result<Admission, AdmitFault> {
    if envelope.to.state != us {
        return Err(AdmitFault::OtherAddressee { us, found: envelope.to });
    }
    if envelope.from.state != peer.state() {
        return Err(AdmitFault::OtherSender { expected: peer.state(), found: envelope.from });
    }
    let head = peer.open_head(&envelope.log.checkpoint, now)?;
    in_log(envelope, head.checkpoint())?;
    if let Some(other) = seen.iter().chain(last).find(|other| other.contradicts(head.checkpoint())) {
        return Err(AdmitFault::SplitView { size: other.size() });
    }
    let linked = link(envelope.log.consistency.as_ref(), last, seen, head.checkpoint())
        .map_err(AdmitFault::Rewritten)?;
    let seen_at = cosigned(envelope, us, peer, now)?;
    Ok(Admission { head, linked, seen_at })
}

/// The statement stands in the sender's log under the addresses that the envelope shows.
fn in_log(envelope: &Envelope, head: &Checkpoint) -> Result<(), AdmitFault> {
    let commitment =
        envelope.log.commitment(STATEMENT_LABEL, &envelope.committed()).ok_or(AdmitFault::Salt)?;
    envelope.log.inclusion.verify(&commitment, head).map_err(AdmitFault::NotInLog)
}

/// What the peer says that it saw of our log is signed by its cosigner.
fn cosigned(
    envelope: &Envelope,
    us: StateCode,
    peer: &Peer,
    now: Instant,
) -> Result<Option<u64>, AdmitFault> {
    let Some(seen) = &envelope.seen else { return Ok(None) };
    let body = Checkpoint::new(KeyName::of_log(us), seen.size, seen.root).to_string();
    let at = peer.verify_cosignature(&body, &seen.cosignature, now);
    at.map(Some)
        .map_err(|error| if error.may_be_newer() { error.into() } else { AdmitFault::SeenCosignature })
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitFault {
    #[error("the envelope is addressed to `{found}`, this is the node of `{us}`")]
    OtherAddressee { us: StateCode, found: OfficeId },
    #[error("the envelope comes from `{found}`, handed over by `{expected}`")]
    OtherSender { expected: StateCode, found: OfficeId },
    #[error("no State `{state}` is enrolled here")]
    UnknownPeer { state: StateCode },
    #[error(transparent)]
    Checkpoint(#[from] Unbelieved),
    #[error("the salt in the envelope is not 32 bytes in hex")]
    Salt,
    #[error("the statement is not in the sender's log: {0}")]
    NotInLog(ProofError),
    #[error("the log of the other State shows two faces: two different heads of size {size}")]
    SplitView { size: u64 },
    #[error("the log of the other State does not follow from the head that it showed before: {0}")]
    Rewritten(ProofError),
    #[error("the sender must prove that its log follows from its head of size {size}, which we saw")]
    NotLinked { size: u64 },
    #[error("the cosignature on a head of our log in the envelope does not verify")]
    SeenCosignature,
    #[error("the sender saw and cosigned a head of {size} leaves of our log that is not ours")]
    ForeignSeen { size: u64 },
    #[error(
        "the envelope id `{envelope}` came before with other content: expected `{expected}`, found `{found}`"
    )]
    IdReused { envelope: EnvelopeId, expected: Digest, found: Digest },
    #[error("the same sealed statement came before as the envelope `{before}`, now as `{envelope}`")]
    Replayed { envelope: EnvelopeId, before: EnvelopeId },
}

impl Failure for AdmitFault {
    fn family(&self) -> Family {
        match self {
            Self::UnknownPeer { .. } => Family::Refusal,
            _ => Family::PeerFault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::OtherAddressee { .. } => "P-520",
            Self::OtherSender { .. } => "P-521",
            Self::UnknownPeer { .. } => "R-551",
            Self::Checkpoint(error) => error.code(),
            Self::Salt => "P-522",
            Self::NotInLog(_) => "P-523",
            Self::SplitView { .. } => "P-524",
            Self::Rewritten(_) => "P-525",
            Self::NotLinked { .. } => "P-528",
            Self::ForeignSeen { .. } => "P-529",
            Self::SeenCosignature => "P-900",
            Self::IdReused { .. } => "P-526",
            Self::Replayed { .. } => "P-527",
        }
    }
    fn clause(&self) -> Option<String> {
        match self {
            Self::Checkpoint(error) => error.clause(),
            Self::SplitView { .. }
            | Self::Rewritten(_)
            | Self::NotInLog(_)
            | Self::NotLinked { .. }
            | Self::ForeignSeen { .. } => Some("spec/03-ledger.md".to_owned()),
            _ => Some("spec/02-exchange.md, admission".to_owned()),
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::OtherAddressee { .. } => "send it to the node of the State it is addressed to",
            Self::OtherSender { .. } => "hand it over through the node of the State that sent it",
            Self::UnknownPeer { .. } => "enrol the State first: `rogatory peer add DESCRIPTOR`",
            Self::SplitView { .. } | Self::Rewritten(_) => {
                "keep both signed heads as evidence and speak to the other State before any further exchange"
            }
            Self::NotLinked { .. } | Self::SeenCosignature => {
                "nothing was stored; the sender's node tries again with the proof by itself"
            }
            Self::ForeignSeen { .. } => {
                "look whether this node was restored from a copy: then its log forked, and both States begin it anew (`rogatory peer resume`)"
            }
            Self::IdReused { .. } | Self::Replayed { .. } => {
                "look for a replay; the first delivery and its receipt stand"
            }
            Self::Checkpoint(error) => return error.remedy(),
            Self::Salt | Self::NotInLog(_) => {
                "send the envelope again as it was exported; nothing of it was stored"
            }
        }
        .to_owned()
    }
}
