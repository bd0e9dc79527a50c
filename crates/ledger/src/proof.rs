//! Proofs as they travel: JSON with base64 hashes, and the C2SP tlog-proof text a court keeps.

use crate::{
    Checkpoint, CheckpointError, Commitment, Hash, HashTextError, LogVerifier, ProofError, SignedCheckpoint,
    checkpoint,
    checkpoint::read_decimal,
    note::MAX_NOTE_BYTES,
    tree::rebuilt,
    tree::{MAX_PROOF_HASHES, verify_consistency, verify_inclusion},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, SeqAccess, Visitor},
};
use std::{fmt, str::FromStr};
use vocabulary::{Failure, Family};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The most extra data that a tlog-proof may carry.
pub const MAX_EXTRA_BYTES: usize = 4 * 1024;
/// The longest tlog-proof text that is read.
pub const MAX_TLOG_PROOF_BYTES: usize = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES + 45 * MAX_PROOF_HASHES + 256;

/// Leaf `index` is in the tree of `size` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    pub index: u64,
    pub size: u64,
    #[serde(deserialize_with = "few_hashes")]
    pub hashes: Vec<Hash>,
}

impl InclusionProof {
    /// Checks that the leaf is in the tree of this checkpoint, whose signature the caller has verified.
    pub fn verify(&self, leaf: &Commitment, head: &Checkpoint) -> Result<(), ProofError> {
        check_size(head.size(), self.size)?;
        verify_inclusion(self.index, self.size, &leaf.leaf_hash(), &self.hashes, head.root())
    }
}

/// The tree of `to` leaves begins with the `from` leaves of the older tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    pub from: u64,
    pub to: u64,
    #[serde(deserialize_with = "few_hashes")]
    pub hashes: Vec<Hash>,
}

impl ConsistencyProof {
    /// Checks that `new` only added to `old`; both are heads of the same log with verified signatures.
    pub fn verify(&self, old: &Checkpoint, new: &Checkpoint) -> Result<(), ProofError> {
        check_size(old.size(), self.from)?;
        check_size(new.size(), self.to)?;
        verify_consistency(self.from, old.root(), self.to, new.root(), &self.hashes)
    }

    /// True when the proof itself shows that `new` does not begin with `old`: it rebuilds the newer root, and
    /// another older one. A proof that was altered on its way shows nothing.
    pub fn contradicts(&self, old: &Checkpoint, new: &Checkpoint) -> bool {
        (self.from, self.to) == (old.size(), new.size())
            && old.size() < new.size()
            && rebuilt(self.from, old.root(), self.to, &self.hashes)
                .is_some_and(|(before, after)| before != *old.root() && after == *new.root())
    }
}

fn check_size(expected: u64, found: u64) -> Result<(), ProofError> {
    if expected == found { Ok(()) } else { Err(ProofError::OtherSize { expected, found }) }
}

/// Stops reading after [`MAX_PROOF_HASHES`].
fn few_hashes<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Hash>, D::Error> {
    struct Few;
    impl<'de> Visitor<'de> for Few {
        type Value = Vec<Hash>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MAX_PROOF_HASHES} hashes")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Hash>, A::Error> {
            let mut hashes = Vec::new();
            while let Some(hash) = items.next_element()? {
                if hashes.len() == MAX_PROOF_HASHES {
                    return Err(A::Error::custom(ProofError::TooLong { found: MAX_PROOF_HASHES + 1 }));
                }
                hashes.push(hash);
            }
            Ok(hashes)
        }
    }
    input.deserialize_seq(Few)
}

/// A self-contained proof that a leaf is in a log; well-formed, not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: String,
}

impl TlogProof {
    /// Joins a proof and the checkpoint it leads to; cosignatures in the checkpoint's note travel along.
    pub fn new(proof: &InclusionProof, head: &SignedCheckpoint) -> Result<Self, ProofError> {
        check_size(head.checkpoint().size(), proof.size)?;
        let (index, hashes) = (proof.index, proof.hashes.clone());
        Ok(Self { extra: None, index, hashes, checkpoint: head.to_string() })
    }

    /// Data that nobody authenticates; the stock commands for courts expect a proof without it.
    pub fn with_extra(mut self, extra: Vec<u8>) -> Result<Self, TlogProofError> {
        if extra.len() > MAX_EXTRA_BYTES {
            return Err(TlogProofError::TooLarge { found: extra.len(), most: MAX_EXTRA_BYTES });
        }
        self.extra = Some(extra);
        Ok(self)
    }

    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    pub fn index(&self) -> u64 {
        self.index
    }

    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The note of the checkpoint, verbatim.
    pub fn checkpoint_note(&self) -> &str {
        &self.checkpoint
    }

    /// Checks the log's signature and the path from the leaf; cosignatures are on the returned checkpoint.
    pub fn verify(&self, leaf: &Commitment, log: &LogVerifier) -> Result<SignedCheckpoint, TlogProofError> {
        let head = checkpoint::open(&self.checkpoint, log)?;
        let (size, root) = (head.checkpoint().size(), head.checkpoint().root());
        verify_inclusion(self.index, size, &leaf.leaf_hash(), &self.hashes, root)?;
        Ok(head)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = TlogProofError;
    fn from_str(text: &str) -> Result<Self, TlogProofError> {
        if text.len() > MAX_TLOG_PROOF_BYTES {
            return Err(TlogProofError::TooLarge { found: text.len(), most: MAX_TLOG_PROOF_BYTES });
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(TlogProofError::NoCheckpoint)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(TlogProofError::OtherHeader);
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(read_extra).transpose()?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(read_decimal);
        let index = index.ok_or(TlogProofError::BadIndex)?;
        let hashes = read_hashes(lines)?;
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.to_owned() })
    }
}

fn read_extra(line: &str) -> Result<Vec<u8>, TlogProofError> {
    let base64 = line.strip_prefix("extra ").ok_or(TlogProofError::BadExtra)?;
    let extra = STANDARD.decode(base64).map_err(|_| TlogProofError::BadExtra)?;
    if extra.len() > MAX_EXTRA_BYTES {
        return Err(TlogProofError::TooLarge { found: extra.len(), most: MAX_EXTRA_BYTES });
    }
    Ok(extra)
}

fn read_hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Hash>, TlogProofError> {
    let hashes = lines.take(MAX_PROOF_HASHES + 1).map(Hash::from_str).collect::<Result<Vec<_>, _>>()?;
    if hashes.len() > MAX_PROOF_HASHES {
        return Err(ProofError::TooLong { found: hashes.len() }.into());
    }
    Ok(hashes)
}

/// Text that is not a tlog-proof, or a proof that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    #[error("a proof or its extra data of {found} bytes is longer than {most}")]
    TooLarge { found: usize, most: usize },
    #[error("the first line is not `{HEADER}`")]
    OtherHeader,
    #[error("the extra line is not base64")]
    BadExtra,
    #[error("the index line is not `index` and a decimal number without leading zero")]
    BadIndex,
    #[error("the proof has a wrong hash line: {0}")]
    Hash(#[from] HashTextError),
    #[error("the proof has no checkpoint after an empty line")]
    NoCheckpoint,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl Failure for TlogProofError {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "P-250",
            Self::OtherHeader => "P-251",
            Self::BadExtra => "P-252",
            Self::BadIndex => "P-253",
            Self::Hash(inner) => inner.code(),
            Self::NoCheckpoint => "P-254",
            Self::Checkpoint(inner) => inner.code(),
            Self::Proof(inner) => inner.code(),
        }
    }
    fn clause(&self) -> Option<String> {
        match self {
            Self::Checkpoint(inner) => inner.clause(),
            Self::Proof(inner) => inner.clause(),
            _ => Some("C2SP tlog-proof, Format".to_owned()),
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::Checkpoint(inner) => inner.remedy(),
            Self::Proof(inner) => inner.remedy(),
            _ => "keep the file and ask its sender for the proof again".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CosignatureError, CosignerKey, KeyName, LogKey, Salt, cosignature,
        tree::{self, Coordinate},
    };
    use std::collections::HashMap;
    use vocabulary::Digest;
    use zeroize::Zeroizing;

    fn key() -> LogKey {
        LogKey::from_seed(KeyName::of_log("XA".parse().unwrap()), &Zeroizing::new([1; 32]))
    }

    fn leaf(n: u64) -> Commitment {
        Commitment::new("event", &Salt::from_bytes([n as u8; 32]), &Digest::of(&n.to_be_bytes()))
    }

    fn nodes(size: u64) -> HashMap<Coordinate, Hash> {
        let mut nodes = HashMap::new();
        for n in 0..size {
            let new = tree::append(n, leaf(n).leaf_hash(), &nodes).unwrap();
            nodes.extend(new.into_iter().map(|node| ((node.level, node.index), node.hash)));
        }
        nodes
    }

    fn head(size: u64) -> SignedCheckpoint {
        let root = tree::root(size, &nodes(size)).unwrap();
        let head = Checkpoint::new(key().verifier().name().clone(), size, root);
        checkpoint::open(&checkpoint::sign(&head, &key()).unwrap(), key().verifier()).unwrap()
    }

    fn inclusion(index: u64, size: u64) -> InclusionProof {
        InclusionProof { index, size, hashes: tree::inclusion_proof(index, size, &nodes(size)).unwrap() }
    }

    fn tlog_proof() -> TlogProof {
        TlogProof::new(&inclusion(5, 13), &head(13)).unwrap()
    }

    #[test]
    fn proofs_go_round_as_json_and_verify_against_checkpoints() {
        let proof = inclusion(5, 13);
        let json = serde_json::to_string(&proof).unwrap();
        assert!(json.starts_with(r#"{"index":5,"size":13,"hashes":[""#), "{json}");
        let again: InclusionProof = serde_json::from_str(&json).unwrap();
        assert_eq!(again.verify(&leaf(5), head(13).checkpoint()), Ok(()));
        assert!(again.verify(&leaf(6), head(13).checkpoint()).is_err());
        let other_size = Err(ProofError::OtherSize { expected: 12, found: 13 });
        assert_eq!(again.verify(&leaf(5), head(12).checkpoint()), other_size);

        let hashes = tree::consistency_proof(6, 13, &nodes(13)).unwrap();
        let proof = ConsistencyProof { from: 6, to: 13, hashes };
        let again: ConsistencyProof = serde_json::from_str(&serde_json::to_string(&proof).unwrap()).unwrap();
        assert_eq!(again.verify(head(6).checkpoint(), head(13).checkpoint()), Ok(()));
        assert!(again.verify(head(7).checkpoint(), head(13).checkpoint()).is_err());
    }

    #[test]
    fn json_with_too_many_hashes_an_unknown_field_or_loose_base64_is_refused() {
        let hash = format!("\"{}\"", Hash::leaf(b""));
        let with = |hashes: String| {
            serde_json::from_str::<InclusionProof>(&format!(r#"{{"index":0,"size":1,"hashes":[{hashes}]}}"#))
        };
        assert!(with(vec![hash.as_str(); 64].join(",")).is_ok());
        let error = with(vec![hash.as_str(); 65].join(",")).unwrap_err().to_string();
        assert!(error.contains("longer than 64"), "{error}");
        assert!(with("\"AAAA\"".to_owned()).is_err());
        let unknown = r#"{"index":0,"size":1,"hashes":[],"more":1}"#;
        assert!(serde_json::from_str::<InclusionProof>(unknown).is_err());
    }

    #[test]
    fn a_tlog_proof_goes_round_and_verifies_offline() {
        let text = tlog_proof().to_string();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 5\n"), "{text}");
        let proof: TlogProof = text.parse().unwrap();
        assert_eq!(proof.to_string(), text);
        let head = proof.verify(&leaf(5), key().verifier()).unwrap();
        assert_eq!(head.checkpoint().size(), 13);
        assert!(matches!(proof.verify(&leaf(4), key().verifier()), Err(TlogProofError::Proof(_))));
    }

    #[test]
    fn cosignatures_travel_inside_a_tlog_proof() {
        let name = KeyName::of_cosigner("XB".parse().unwrap());
        let witness = CosignerKey::from_seed(name, &Zeroizing::new([2; 32]));
        let mut head = head(13);
        let line = cosignature::cosign(head.body(), &witness, 100).unwrap();
        head.add_cosignature(&line, witness.verifier()).unwrap();
        let text = TlogProof::new(&inclusion(5, 13), &head).unwrap().to_string();
        let proof: TlogProof = text.parse().unwrap();
        let opened = proof.verify(&leaf(5), key().verifier()).unwrap();
        assert_eq!(opened.cosigned_by(witness.verifier()), Ok(100));

        let forged: TlogProof =
            text.replace(&line, &line.replacen("ogatory ", "ogatory A", 1)).parse().unwrap();
        assert!(forged.verify(&leaf(5), key().verifier()).is_err());
        let without: TlogProof = text.replace(&line, "").parse().unwrap();
        let opened = without.verify(&leaf(5), key().verifier()).unwrap();
        assert!(matches!(opened.cosigned_by(witness.verifier()), Err(CosignatureError::Missing { .. })));
    }

    #[test]
    fn extra_data_is_carried_and_not_trusted() {
        let proof = tlog_proof().with_extra(b"beside".to_vec()).unwrap();
        let again: TlogProof = proof.to_string().parse().unwrap();
        assert_eq!(again.extra(), Some(b"beside".as_slice()));
        assert!(again.verify(&leaf(5), key().verifier()).is_ok());
        assert!(tlog_proof().with_extra(vec![0; MAX_EXTRA_BYTES + 1]).is_err());
    }

    #[test]
    fn any_changed_byte_of_a_tlog_proof_is_refused() {
        let text = tlog_proof().to_string();
        for at in 0..text.len() {
            for bit in [0, 5] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                let Ok(proof) = changed.parse::<TlogProof>() else { continue };
                assert!(proof.verify(&leaf(5), key().verifier()).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn texts_with_one_thing_wrong_are_refused() {
        let text = tlog_proof().to_string();
        let parse = |text: String| text.parse::<TlogProof>();
        assert_eq!(parse(text.replace("@v1", "@v2")), Err(TlogProofError::OtherHeader));
        assert_eq!(parse(text.replace("index 5", "index 05")), Err(TlogProofError::BadIndex));
        assert_eq!(parse(text.replace("index 5\n", "")), Err(TlogProofError::BadIndex));
        assert_eq!(parse(text.replace("index 5", "extra !\nindex 5")), Err(TlogProofError::BadExtra));
        let late = parse(text.replace("index 5", "index 5\nextra AAAA"));
        assert!(matches!(late, Err(TlogProofError::Hash(_))), "{late:?}");
        assert_eq!(parse(text.replace("\n\n", "\n")), Err(TlogProofError::NoCheckpoint));
        let many = format!("index 5\n{}", format!("{}\n", Hash::leaf(b"")).repeat(65));
        let many = parse(text.replace("index 5\n", &many));
        assert!(matches!(many, Err(TlogProofError::Proof(ProofError::TooLong { .. }))), "{many:?}");
        let huge = "x".repeat(MAX_TLOG_PROOF_BYTES + 1);
        assert!(matches!(parse(huge), Err(TlogProofError::TooLarge { .. })));
    }
}
