//! The kinds of fault that a run may inject.

use anyhow::{Result, bail};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Lost,
    Repeated,
    Delayed,
    Truncated,
    Corrupted,
    Partition,
    Crash,
    DiskFull,
    Clock,
    Descriptor,
    Rotation,
    Pouch,
    Lie,
    Rewrite,
}

pub(crate) const ALL: [(Fault, &str); 14] = [
    (Fault::Lost, "lost"),
    (Fault::Repeated, "repeated"),
    (Fault::Delayed, "delayed"),
    (Fault::Truncated, "truncated"),
    (Fault::Corrupted, "corrupted"),
    (Fault::Partition, "partition"),
    (Fault::Crash, "crash"),
    (Fault::DiskFull, "disk-full"),
    (Fault::Clock, "clock"),
    (Fault::Descriptor, "descriptor"),
    (Fault::Rotation, "rotation"),
    (Fault::Pouch, "pouch"),
    (Fault::Lie, "lie"),
    (Fault::Rewrite, "rewrite"),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(BTreeSet<Fault>);

impl Faults {
    pub fn all() -> Self {
        Self(ALL.into_iter().map(|(fault, _)| fault).collect())
    }

    /// A list divided by commas, `all` or `none`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "all" => return Ok(Self::all()),
            "none" => return Ok(Self(BTreeSet::new())),
            _ => {}
        }
        let mut chosen = BTreeSet::new();
        for word in text.split(',') {
            let Some((fault, _)) = ALL.into_iter().find(|(_, name)| *name == word.trim()) else {
                let known: Vec<&str> = ALL.into_iter().map(|(_, name)| name).collect();
                bail!("`{word}` is no kind of fault; there are `all`, `none` and {}", known.join(", "));
            };
            chosen.insert(fault);
        }
        Ok(Self(chosen))
    }

    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}
