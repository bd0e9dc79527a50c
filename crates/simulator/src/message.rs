//! A message on its way, and how bytes are harmed on the way.

use crate::step::{Harm, MessageId};
use flow::Attempt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Road {
    Network,
    Pouch,
}

/// What the addressee answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Receipt(Vec<u8>),
    NotTaken {
        status: u16,
        body: Vec<u8>,
    },
    /// No connection, or one that broke before an answer came.
    Broken,
}

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub id: MessageId,
    pub from: usize,
    pub to: usize,
    pub attempt: Attempt,
    pub bytes: Vec<u8>,
    /// True time in microseconds.
    pub sent_at: i64,
    pub road: Road,
    /// Which life of the sender waits for the answer.
    pub life: u32,
    pub arrived: bool,
    pub lost: bool,
    pub reply: Option<Reply>,
    /// Sent again at once with the proof that the addressee asked for.
    pub proven: bool,
}

/// The members of an envelope of which one bit may change; their lengths are the same in every run.
const PARTS: [&str; 8] = [
    "\"format\":\"",
    "\"envelope\":\"",
    "\"from\":\"",
    "\"to\":\"",
    "\"digest\":\"",
    "\"salt\":\"",
    "\"checkpoint\":\"",
    "\"sealed\":\"",
];
/// Content of a receipt's signed JSON begins here, whatever the lengths of its signatures.
const RECEIPT_BEGIN: usize = 120;
const RECEIPT_SPAN: usize = 600;

/// The bytes of an envelope as they arrive.
pub(crate) fn harm_envelope(bytes: &[u8], harm: Option<Harm>) -> Vec<u8> {
    match harm {
        None => bytes.to_vec(),
        Some(Harm::Truncated { keep }) => truncated(bytes, keep),
        Some(Harm::Corrupted { part, place, bit }) => {
            let name = PARTS.get(part as usize % PARTS.len()).copied().unwrap_or_default();
            let text = String::from_utf8_lossy(bytes);
            let begin = text.find(name).map_or(0, |at| at + name.len());
            let length = text.get(begin..).and_then(|rest| rest.find('"')).unwrap_or(1).max(1);
            flipped(bytes, begin + scaled(length, place), bit)
        }
    }
}

/// The bytes of a receipt as they arrive.
pub(crate) fn harm_receipt(bytes: &[u8], harm: Option<Harm>) -> Vec<u8> {
    match harm {
        None => bytes.to_vec(),
        Some(Harm::Truncated { keep }) => truncated(bytes, keep),
        Some(Harm::Corrupted { place, bit, .. }) => {
            flipped(bytes, RECEIPT_BEGIN + scaled(RECEIPT_SPAN, place), bit)
        }
    }
}

fn scaled(length: usize, thousandths: u32) -> usize {
    length.saturating_mul(thousandths.min(999) as usize) / 1000
}

fn truncated(bytes: &[u8], keep: u32) -> Vec<u8> {
    bytes.get(..scaled(bytes.len(), keep)).unwrap_or_default().to_vec()
}

fn flipped(bytes: &[u8], at: usize, bit: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << (bit % 8);
    }
    bytes
}
