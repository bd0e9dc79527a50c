//! Writing a bundle where it was asked for: complete or not at all, and never over something else.

use crate::{
    output::refuse,
    zip::{self, TooLarge},
};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// A bundle that is durable under a temporary name; dropped without `publish`, it is removed.
#[derive(Debug)]
pub(crate) struct Written {
    temporary: PathBuf,
    out: PathBuf,
    done: bool,
}

/// Writes the files as a ZIP file when `out` ends with `.zip`, else as a folder.
pub(crate) fn write(files: &BTreeMap<String, Vec<u8>>, out: &Path) -> anyhow::Result<Written> {
    vacant(out)?;
    let mut name = out.file_name().map_or_else(|| OsString::from("bundle"), OsString::from);
    name.push(format!(".{}.partial", std::process::id()));
    let temporary = out.with_file_name(name);
    let written = Written { temporary: temporary.clone(), out: out.to_owned(), done: false };
    if is_zip(out) {
        let bytes = zip::stored(files).map_err(|TooLarge| {
            refuse("R-941", "the bundle is too large for a ZIP file", "name a folder instead: `--out DIR`")
        })?;
        one(&temporary, &bytes)?;
    } else {
        for (path, bytes) in files {
            let to = temporary.join(path);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(|error| unwritable(parent, &error))?;
            }
            one(&to, bytes)?;
        }
    }
    Ok(written)
}

impl Written {
    /// Gives the bundle its name.
    pub(crate) fn publish(mut self) -> anyhow::Result<()> {
        vacant(&self.out)?;
        fs::rename(&self.temporary, &self.out).map_err(|error| unwritable(&self.out, &error))?;
        self.done = true;
        if let Some(parent) = self.out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::File::open(parent)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.temporary);
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

fn is_zip(out: &Path) -> bool {
    out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

fn vacant(out: &Path) -> anyhow::Result<()> {
    if fs::symlink_metadata(out).is_ok() {
        let there = format!("`{}` is there already", out.display());
        return Err(refuse("R-940", there, "name a new file or folder; a bundle is never overwritten"));
    }
    Ok(())
}

fn one(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    refuse(
        "R-942",
        format!("`{}` cannot be written: {error}", path.display()),
        "check the path, its owner and the space on the disk",
    )
}
