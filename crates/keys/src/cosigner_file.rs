//! The key of a witness that is no node: one file.

use crate::{KeyFault, folder::seed, random_bytes, secret_file::write_new};
use ledger::{CosignerKey, KeyName};
use std::path::Path;
use zeroize::Zeroizing;

/// Makes a key in a file that is not there yet.
pub fn create_cosigner(path: &Path) -> Result<(), KeyFault> {
    let bytes = Zeroizing::new(random_bytes::<32>()?);
    let text = Zeroizing::new(hex::encode(bytes.as_slice()));
    write_new(path, text.as_bytes(), 0o600)
}

/// Reads the key under the name of its witness.
pub fn load_cosigner(path: &Path, name: KeyName) -> Result<CosignerKey, KeyFault> {
    Ok(CosignerKey::from_seed(name, &seed(path)?))
}
