//! The request to a witness and its decision (C2SP tlog-witness); the caller keeps the last head, durably.

use crate::{
    Checkpoint, CheckpointError, Hash, LogVerifier, MAX_NOTE_BYTES, ProofError, SignedCheckpoint, checkpoint,
    checkpoint::read_decimal, tree::verify_consistency,
};
use std::{fmt, str::FromStr};
use vocabulary::{Failure, Family};

/// C2SP tlog-witness: no more proof lines than this.
pub const MAX_WITNESS_PROOF_LINES: usize = 63;
/// The largest request that is read: a note, a line of size, the proof lines and an empty line.
pub const MAX_ADD_CHECKPOINT_BYTES: usize = MAX_NOTE_BYTES + 45 * MAX_WITNESS_PROOF_LINES + 32;
/// The media type of the size in an answer 409.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// The body of a request `add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the client believes the witness cosigned last.
    pub old: u64,
    /// The consistency proof from that size.
    pub proof: Vec<Hash>,
    /// The signed checkpoint, as text.
    pub note: String,
}

impl AddCheckpoint {
    pub fn parse(body: &[u8]) -> Result<Self, WitnessRefusal> {
        if body.len() > MAX_ADD_CHECKPOINT_BYTES {
            return Err(WitnessRefusal::Malformed);
        }
        std::str::from_utf8(body).map_err(|_| WitnessRefusal::Malformed)?.parse()
    }

    /// The origin that the checkpoint names; its signature is not looked at.
    pub fn origin(&self) -> &str {
        self.note.split('\n').next().unwrap_or("")
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}

impl FromStr for AddCheckpoint {
    type Err = WitnessRefusal;
    fn from_str(body: &str) -> Result<Self, WitnessRefusal> {
        let (head, note) = body.split_once("\n\n").ok_or(WitnessRefusal::Malformed)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(read_decimal);
        let proof: Vec<Hash> = lines
            .take(MAX_WITNESS_PROOF_LINES + 1)
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| WitnessRefusal::Malformed)?;
        match old {
            Some(old) if proof.len() <= MAX_WITNESS_PROOF_LINES => {
                Ok(Self { old, proof, note: note.to_owned() })
            }
            _ => Err(WitnessRefusal::Malformed),
        }
    }
}

/// Decides whether a witness may cosign, in the order of C2SP tlog-witness. `last` is the largest head that it
/// cosigned of this log. Before the cosignature leaves, the caller makes the returned head its new last one.
pub fn consider(
    request: &AddCheckpoint,
    log: &LogVerifier,
    last: Option<&Checkpoint>,
) -> Result<SignedCheckpoint, WitnessRefusal> {
    if request.origin() != log.name().as_str() {
        return Err(WitnessRefusal::UnknownOrigin);
    }
    let head = checkpoint::open(&request.note, log).map_err(WitnessRefusal::NotSigned)?;
    let (size, root) = (head.checkpoint().size(), head.checkpoint().root());
    if request.old > size {
        return Err(WitnessRefusal::OldSize { old: request.old, size });
    }
    let last_size = last.map_or(0, Checkpoint::size);
    if request.old != last_size {
        return Err(WitnessRefusal::Stale { size: last_size });
    }
    let empty = Hash::empty_root();
    let last_root = last.map_or(&empty, Checkpoint::root);
    if size == last_size && root != last_root {
        return Err(WitnessRefusal::OtherRoot { size });
    }
    verify_consistency(last_size, last_root, size, root, &request.proof).map_err(WitnessRefusal::Unproven)?;
    Ok(head)
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    #[error("the bytes are not a request to a witness")]
    Malformed,
    #[error("the witness does not know the log that the checkpoint names")]
    UnknownOrigin,
    #[error("the checkpoint does not stand: {0}")]
    NotSigned(CheckpointError),
    #[error("the old size {old} is larger than the checkpoint of {size} leaves")]
    OldSize { old: u64, size: u64 },
    #[error("the witness cosigned a head of {size} leaves last")]
    Stale { size: u64 },
    #[error("the witness cosigned another head of {size} leaves")]
    OtherRoot { size: u64 },
    #[error("the checkpoint is not proven to follow from the last one: {0}")]
    Unproven(ProofError),
}

impl WitnessRefusal {
    /// The HTTP status that C2SP tlog-witness asks for.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed | Self::OldSize { .. } => 400,
            Self::NotSigned(_) => 403,
            Self::UnknownOrigin => 404,
            Self::Stale { .. } | Self::OtherRoot { .. } => 409,
            Self::Unproven(_) => 422,
        }
    }
}

impl Failure for WitnessRefusal {
    fn family(&self) -> Family {
        match self {
            Self::UnknownOrigin => Family::Refusal,
            _ => Family::PeerFault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownOrigin => "R-904",
            Self::Malformed => "P-905",
            Self::NotSigned(_) => "P-906",
            Self::OldSize { .. } => "P-907",
            Self::Stale { .. } => "P-908",
            Self::OtherRoot { .. } => "P-909",
            Self::Unproven(_) => "P-910",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("C2SP tlog-witness, add-checkpoint".to_owned())
    }
    fn remedy(&self) -> String {
        match self {
            Self::UnknownOrigin => "give the witness the verifier key of the log",
            Self::Stale { .. } => "prove from the size that the witness names",
            Self::OtherRoot { .. } | Self::Unproven(_) => {
                "look whether the log was restored from a copy; a witness never cosigns two histories"
            }
            Self::Malformed | Self::NotSigned(_) | Self::OldSize { .. } => "send the request as C2SP says",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyName, LogKey, tree};
    use std::collections::HashMap;
    use zeroize::Zeroizing;

    struct Log {
        nodes: HashMap<(u8, u64), Hash>,
        key: LogKey,
    }

    impl Log {
        fn of(leaves: u64, seed: u8) -> Self {
            let mut nodes = HashMap::new();
            for leaf in 0..leaves {
                let hash = Hash::leaf(&[seed, leaf as u8]);
                for node in tree::append(leaf, hash, &nodes).unwrap() {
                    nodes.insert((node.level, node.index), node.hash);
                }
            }
            let name = KeyName::of_log("XA".parse().unwrap());
            Self { nodes, key: LogKey::from_seed(name, &Zeroizing::new([7; 32])) }
        }

        fn head(&self, size: u64) -> Checkpoint {
            let name = self.key.verifier().name().clone();
            Checkpoint::new(name, size, tree::root(size, &self.nodes).unwrap())
        }

        fn asks(&self, old: u64, size: u64) -> AddCheckpoint {
            let proof = match old <= size {
                true => tree::consistency_proof(old, size, &self.nodes).unwrap(),
                false => Vec::new(),
            };
            AddCheckpoint { old, proof, note: checkpoint::sign(&self.head(size), &self.key).unwrap() }
        }

        fn answer(&self, request: &AddCheckpoint, last: Option<&Checkpoint>) -> u16 {
            match consider(request, self.key.verifier(), last) {
                Ok(_) => 200,
                Err(refusal) => refusal.status(),
            }
        }
    }

    #[test]
    fn the_answers_are_those_of_the_specification() {
        let (log, other) = (Log::of(20, 1), Log::of(20, 2));
        let last = log.head(5);
        assert_eq!(log.answer(&log.asks(0, 5), None), 200, "the first head");
        assert_eq!(log.answer(&log.asks(0, 0), None), 200, "an empty log");
        assert_eq!(log.answer(&log.asks(5, 13), Some(&last)), 200);
        assert_eq!(log.answer(&log.asks(5, 5), Some(&last)), 200, "the same head again");
        assert_eq!(log.answer(&log.asks(3, 13), Some(&last)), 409);
        assert_eq!(log.answer(&log.asks(0, 13), Some(&last)), 409);
        assert_eq!(log.answer(&log.asks(13, 5), Some(&last)), 400);
        assert_eq!(log.answer(&other.asks(5, 5), Some(&last)), 409, "two faces");
        assert_eq!(log.answer(&other.asks(5, 13), Some(&last)), 422, "a rewritten log");
        let mut extra = log.asks(0, 5);
        extra.proof.push(Hash::empty_root());
        assert_eq!(log.answer(&extra, None), 422, "no proof belongs to the first head");
        let mut forged = log.asks(5, 13);
        forged.note = forged.note.replacen("\n13\n", "\n14\n", 1);
        assert_eq!(log.answer(&forged, Some(&last)), 403);
        let mut unknown = log.asks(5, 13);
        unknown.note = unknown.note.replacen("xa.", "xq.", 1);
        assert_eq!(log.answer(&unknown, Some(&last)), 404);
    }

    #[test]
    fn a_request_goes_round_and_what_is_none_is_refused() {
        let log = Log::of(20, 1);
        let request = log.asks(5, 13);
        let body = request.to_string();
        assert_eq!(AddCheckpoint::parse(body.as_bytes()), Ok(request.clone()));
        assert!(body.starts_with("old 5\n") && body.contains("\n\nxa.log.rogatory\n13\n"));
        for bad in [
            body.replacen("old 5", "old 05", 1),
            body.replacen("old 5", "old -5", 1),
            body.replacen("old 5", "size 5", 1),
            body.replacen("\n\n", "\n", 9),
            body.replacen("old 5\n", "old 5\nAAAA\n", 1),
            String::new(),
        ] {
            assert_eq!(AddCheckpoint::parse(bad.as_bytes()), Err(WitnessRefusal::Malformed), "{bad}");
        }
        assert!(AddCheckpoint::parse(&[0xff; 9]).is_err());
        assert!(AddCheckpoint::parse(&vec![b'a'; MAX_ADD_CHECKPOINT_BYTES + 1]).is_err());
        let line = format!("{}\n", Hash::empty_root());
        let long = AddCheckpoint { proof: vec![Hash::empty_root(); 64], ..request };
        assert!(long.to_string().matches(&line).count() == 64);
        assert!(AddCheckpoint::parse(long.to_string().as_bytes()).is_err());
    }
}
