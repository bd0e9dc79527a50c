//! The transparency log: tree, proofs, checkpoints, cosignatures; knows only 32-byte commitments.
