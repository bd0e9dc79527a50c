//! Where the bytes lie: the input on the disk and in the page cache, the output in memory or on the disk.

use anyhow::{Context as _, bail};
use serde::Serialize;
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Files in one folder of the many.
const FILES_IN_A_FOLDER: usize = 1000;
/// The size of each of the many files.
pub(crate) const SMALL_BYTES: usize = 4096;
/// What must stay free beside what a run writes.
const RESERVE: u64 = 1 << 30;

/// Where a subject writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    Nowhere,
    Ram,
    Disk,
}

impl Target {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Nowhere => "",
            Self::Ram => " to RAM",
            Self::Disk => " to disk",
        }
    }
}

/// Both folders of a run; they are removed with it.
#[derive(Debug)]
pub(crate) struct Places {
    ram: TempDir,
    disk: TempDir,
}

impl Places {
    pub(crate) fn new(ram: &Path, disk: &Path) -> anyhow::Result<Self> {
        let below = |folder: &Path| -> anyhow::Result<TempDir> {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            let made = tempfile::Builder::new().prefix("rogatory-bench-").tempdir_in(folder);
            made.with_context(|| folder.display().to_string())
        };
        Ok(Self { ram: below(ram)?, disk: below(disk)? })
    }

    pub(crate) fn disk(&self) -> &Path {
        self.disk.path()
    }

    pub(crate) fn of(&self, target: Target) -> &Path {
        if target == Target::Ram { self.ram.path() } else { self.disk.path() }
    }

    /// The targets with room for so many bytes; a run without the disk is none.
    pub(crate) fn with_room(&self, on_disk: u64, in_memory: u64) -> anyhow::Result<Vec<Target>> {
        let (disk, needed) = (free(self.disk())?, on_disk.saturating_add(RESERVE));
        if disk < needed {
            bail!("`{}` has {} MiB free; {} are needed", self.disk().display(), disk >> 20, needed >> 20);
        }
        // A RAM disk promises more than the memory holds.
        let memory = free(self.ram.path())?.min(available_memory());
        let ram = (memory >= in_memory.saturating_add(RESERVE)).then_some(Target::Ram);
        Ok(ram.into_iter().chain([Target::Disk]).collect())
    }

    /// A new empty folder.
    pub(crate) fn fresh(&self, target: Target, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.of(target).join(name);
        clear(&folder)?;
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(folder)
    }

    /// Waits until the disk has what was written before, so that nobody pays for another.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        let done = Command::new("sync").arg("-f").arg(self.disk()).status().context("sync")?;
        if done.success() { Ok(()) } else { bail!("`sync -f {}` failed", self.disk().display()) }
    }
}

pub(crate) fn clear(path: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
    }
}

fn free(folder: &Path) -> anyhow::Result<u64> {
    let about = rustix::fs::statvfs(folder).with_context(|| folder.display().to_string())?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

fn available_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    line.and_then(|rest| rest.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0).saturating_mul(1024)
}

/// One file of random bytes, which nothing can compress or guess.
pub(crate) fn random_file(path: &Path, bytes: u64) -> anyhow::Result<()> {
    let mut source = File::open("/dev/urandom")?.take(bytes);
    let mut file = File::create(path).with_context(|| path.display().to_string())?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = source.read(&mut buffer)?;
        let Some(read) = buffer.get(..read).filter(|read| !read.is_empty()) else { break };
        file.write_all(read)?;
    }
    Ok(file.sync_all()?)
}

/// `count` files of 4 KiB of random bytes, a thousand in each folder.
pub(crate) fn random_folder(folder: &Path, count: usize) -> anyhow::Result<()> {
    let mut source = File::open("/dev/urandom")?;
    let mut bytes = [0; SMALL_BYTES];
    for number in 0..count {
        let below = folder.join(format!("{:04}", number / FILES_IN_A_FOLDER));
        if number % FILES_IN_A_FOLDER == 0 {
            fs::create_dir_all(&below)?;
        }
        source.read_exact(&mut bytes)?;
        fs::write(below.join(format!("{number:07}.bin")), bytes)?;
    }
    Ok(())
}

/// Reads everything once, so that it comes from the page cache.
pub(crate) fn warm(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            warm(&entry?.path())?;
        }
        return Ok(());
    }
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}

/// Bytes of all files in a folder that may change meanwhile.
pub(crate) fn size_of(path: &Path) -> u64 {
    let Ok(about) = fs::symlink_metadata(path) else { return 0 };
    if !about.is_dir() {
        return about.len();
    }
    fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size_of(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_have_the_size_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        random_folder(&folder.path().join("many"), 3).unwrap();
        assert_eq!(size_of(folder.path()), 3 * SMALL_BYTES as u64);
        random_file(&folder.path().join("one"), 10_000).unwrap();
        assert_eq!(size_of(folder.path()), 3 * SMALL_BYTES as u64 + 10_000);
        warm(folder.path()).unwrap();
    }
}
