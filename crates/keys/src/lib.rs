//! Where private keys live: files in the node's folder, readable by the node's user alone.
//!
//! The root is in a folder of its own, so that it can be moved to an offline medium and brought back for
//! a new descriptor. Not here: tokens (PKCS#11) and offline signers, which come later; what keys sign.

mod error;
mod folder;
mod random;
mod secret_file;
mod token;
mod token_key;
mod token_request;

pub use error::KeyFault;
pub use folder::{Names, NodeKeys};
pub use random::{fill_random, random_bytes};
pub use token::Token;
