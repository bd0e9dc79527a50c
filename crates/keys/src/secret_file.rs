//! Files that only the node's user may read.

use crate::KeyFault;
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};
use zeroize::Zeroizing;

/// Writes a file that must not exist yet, and waits until it is durable.
pub(crate) fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), KeyFault> {
    let fault = |source| KeyFault::Write { path: path.display().to_string(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(fault)?;
    file.write_all(content).map_err(fault)?;
    file.sync_all().map_err(fault)
}

pub(crate) fn make_folder(path: &Path) -> Result<(), KeyFault> {
    let fault = |source| KeyFault::Write { path: path.display().to_string(), source };
    fs::create_dir_all(path).map_err(fault)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(fault)
}

/// Reads a secret; a file that others may read is refused.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyFault> {
    let fault = |source| KeyFault::Read { path: path.display().to_string(), source };
    let mode = fs::metadata(path).map_err(fault)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFault::Mode { path: path.display().to_string(), mode });
    }
    Ok(Zeroizing::new(fs::read_to_string(path).map_err(fault)?))
}

pub(crate) fn read_public(path: &Path) -> Result<String, KeyFault> {
    fs::read_to_string(path).map_err(|source| KeyFault::Read { path: path.display().to_string(), source })
}
