//! The key of a witness that is no node: one file.

use crate::{
    KeyFault, Unlock,
    folder::{MadeKey, seed_at},
    random_bytes,
    secret_file::write_new,
};
use ledger::{CosignerKey, KeyName};
use std::path::Path;

/// Makes a key in a file that is not there yet.
pub fn create_cosigner(path: &Path) -> Result<(), KeyFault> {
    let made = MadeKey::seed(random_bytes::<32>()?)?;
    write_new(path, made.key.as_bytes(), 0o600)
}

/// Reads the key under the name of its witness; `unlock` opens one that a passphrase protects.
pub fn load_cosigner(path: &Path, name: KeyName, unlock: &Unlock) -> Result<CosignerKey, KeyFault> {
    Ok(CosignerKey::from_seed(name, &seed_at(path, unlock)?))
}
