//! Where private keys live: files in the node's folder, readable by the node's user alone, or a token.
//!
//! Key files may be protected with a passphrase ([`Unlock`]) and replaced by new ones; the old ones are kept
//! for what was sealed to them. The root is in a folder of its own, so that it can be moved to an offline medium and brought back for
//! a new descriptor. An office's key may be in a PKCS #11 token ([`Token`]), whose module is loaded when
//! it is asked for. Not here: offline signers, RSA keys in tokens, what keys sign (`seal`).

mod cosigner_file;
mod error;
mod folder;
mod guard;
mod passphrase;
mod protect;
mod random;
mod role;
mod rotate;
mod secret_file;
mod token;
mod token_key;
mod token_request;

pub use cosigner_file::{create_cosigner, load_cosigner};
pub use error::KeyFault;
pub use folder::{Names, NodeKeys};
pub use guard::Converted;
pub use passphrase::{MIN_PASSPHRASE_BYTES, Passphrase, Unlock};
pub use random::{fill_random, random_bytes};
pub use role::KeyRole;
pub use rotate::{MAX_RETIRED, Retired, Rotation};
pub use token::Token;
