//! What a sender checks before it believes a receipt.

use crate::{CosignedHead, RECEIVED_LABEL, Receipt, receipt::FORMAT};
use ledger::{Checkpoint, KeyName, SignedCheckpoint};
use register::{Peer, Unbelieved};
use seal::SignatureError;
use vocabulary::{Digest, EnvelopeId, Failure, Family, Instant, OfficeFunction, OfficeId, StateCode};

/// A receipt that stands: signed by the peer's node for this very envelope.
#[derive(Debug, Clone)]
pub struct Settled {
    pub receipt: Receipt,
    /// The head of the receiver's log in which the receipt is committed.
    pub receiver_head: SignedCheckpoint,
    /// The head of our log that the peer cosigned; the caller compares its root with its own tree.
    pub cosigned: Option<CosignedHead>,
    /// When the peer cosigned it, in seconds since 1970-01-01T00:00:00Z.
    pub cosigned_at: Option<u64>,
}

/// Checks the signed bytes of a receipt for the envelope that we sent, which we first saw at `now`.
pub fn settle(
    signed: &[u8],
    us: StateCode,
    peer: &Peer,
    envelope: EnvelopeId,
    digest: Digest,
    now: Instant,
) -> Result<Settled, SettleFault> {
    let verified = seal::verify_cms_attached(signed, peer.anchor(), now)?;
    let node = OfficeId::new(peer.state(), OfficeFunction::Node);
    if verified.signer() != node {
        return Err(SettleFault::Signer { expected: node, found: verified.signer() });
    }
    // The same bytes are given out for ever, so the log's key may have been retired since; the office vouches.
    peer.believes(&verified.certificate(), now)?;
    let receipt: Receipt = serde_json::from_slice(verified.value())
        .map_err(|error| SettleFault::Json { line: error.line(), column: error.column() })?;
    if receipt.format != FORMAT || receipt.from != node || receipt.to.state != us {
        return Err(SettleFault::Addresses);
    }
    if receipt.envelope != envelope || receipt.digest != digest {
        return Err(SettleFault::OtherEnvelope { expected: digest, found: receipt.digest });
    }
    let receiver_head =
        peer.open_vouched_head(&receipt.log.checkpoint).map_err(|error| key_or(error, SettleFault::Log))?;
    let commitment = receipt.log.commitment(RECEIVED_LABEL, &digest).ok_or(SettleFault::Log)?;
    receipt.log.inclusion.verify(&commitment, receiver_head.checkpoint()).map_err(|_| SettleFault::Log)?;
    let cosigned = receipt.head.clone();
    let mut cosigned_at = None;
    if let Some(head) = &cosigned {
        let body = Checkpoint::new(KeyName::of_log(us), head.size, head.root).to_string();
        let at = peer.verify_vouched_cosignature(&body, &head.cosignature);
        cosigned_at = Some(at.map_err(|error| key_or(error, SettleFault::Cosignature))?);
    }
    Ok(Settled { receipt, receiver_head, cosigned, cosigned_at })
}

/// A key that is unknown or retired is named as such; anything else is a receipt that does not stand.
fn key_or(error: Unbelieved, otherwise: SettleFault) -> SettleFault {
    if error.may_be_newer() || matches!(error, Unbelieved::Retired { .. }) {
        return SettleFault::Key(error);
    }
    otherwise
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettleFault {
    #[error("the receipt does not stand: {0}")]
    Signature(#[from] SignatureError),
    #[error("the receipt is signed by `{found}`, expected `{expected}`")]
    Signer { expected: OfficeId, found: OfficeId },
    #[error("the signed content is not a receipt (line {line} column {column})")]
    Json { line: usize, column: usize },
    #[error("the receipt has another format or other addresses")]
    Addresses,
    #[error("the receipt is for another envelope: expected `{expected}`, found `{found}`")]
    OtherEnvelope { expected: Digest, found: Digest },
    #[error("the receipt is not committed in its node's log")]
    Log,
    #[error("the cosignature in the receipt does not verify")]
    Cosignature,
    #[error("the receipt is not believed: {0}")]
    Key(#[from] Unbelieved),
    #[error("the peer cosigned a head of {size} leaves that is not ours")]
    ForeignHead { size: u64 },
}

impl Failure for SettleFault {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Signature(error) => error.code(),
            Self::Signer { .. } => "P-531",
            Self::Json { .. } => "P-532",
            Self::Addresses => "P-533",
            Self::OtherEnvelope { .. } => "P-534",
            Self::Log | Self::Key(Unbelieved::Unknown { what: "log" }) => "P-535",
            Self::Cosignature | Self::Key(Unbelieved::Unknown { .. }) => "P-536",
            Self::Key(error) => error.code(),
            Self::ForeignHead { .. } => "P-537",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("spec/02-exchange.md, receipt".to_owned())
    }
    fn remedy(&self) -> String {
        "the envelope stays undelivered and is tried again; tell the other State's operators".to_owned()
    }
}
