//! The transparency log: tree, proofs, checkpoints, cosignatures; knows only 32-byte commitments.
//!
//! The formats are those of C2SP (signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof, tlog-tiles,
//! tlog-witness) over
//! the Merkle tree of RFC 6962 and RFC 9162, so that a stranger's verifier can check a log of ours.
//!
//! Not here: any event or message (only their commitments), any store (the caller loads the nodes
//! that the `needed_*` functions name, then calls the pure function), any
//! key file, clock or randomness, and any policy about how many cosigners are enough.

pub mod checkpoint;
mod commitment;
pub mod cosignature;
mod hash;
mod key;
mod note;
mod proof;
pub mod tile;
pub mod tree;
pub mod witness;

pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint, origin};
pub use commitment::{Commitment, Salt};
pub use cosignature::CosignatureError;
pub use hash::{Hash, HashTextError};
pub use key::{CosignerKey, CosignerVerifier, KeyError, KeyId, KeyName, LogKey, LogVerifier, MAX_NAME_BYTES};
pub use note::{MAX_NOTE_BYTES, MAX_SIGNATURES, MAX_TEXT_BYTES, Note, NoteError, SignatureLine};
pub use proof::{
    ConsistencyProof, InclusionProof, MAX_EXTRA_BYTES, MAX_TLOG_PROOF_BYTES, TlogProof, TlogProofError,
};
pub use tile::{Tile, TileError, TileKind};
pub use tree::{NewNode, NodeReader, ProofError, TreeError};
pub use witness::{AddCheckpoint, WitnessRefusal};
