//! The whole check of a bundle, in the order in which one thing rests on another.

mod heads;
mod history;
mod identity;
mod index;
mod letter;
mod manifest;
mod step;

use crate::{
    container::Files,
    flaw::{Complaint, Flaw, In as _, Wrong},
    instant::Instant,
    trust::Trust,
};
use heads::Heads;
pub use heads::{StampedHead, Witnessed};
pub use identity::{State, Vouched};
pub use index::{Index, IndexLine};
pub use letter::{Entry, Letter};
use std::collections::BTreeSet;
pub use step::{Negative, Step};

/// Complaints beyond these are counted and not listed.
const MAX_COMPLAINTS: usize = 200;

/// The checks, as lines of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    Manifest,
    Packer,
    Roots,
    Descriptors,
    Statements,
    Receipts,
    Steps,
    Entries,
    Heads,
    History,
    TimeStamps,
    Agreement,
}

impl Check {
    pub const ALL: [Self; 12] = [
        Self::Manifest,
        Self::Packer,
        Self::Roots,
        Self::Descriptors,
        Self::Statements,
        Self::Receipts,
        Self::Steps,
        Self::Entries,
        Self::Heads,
        Self::History,
        Self::TimeStamps,
        Self::Agreement,
    ];

    /// What was checked.
    pub fn title(self) -> &'static str {
        match self {
            Self::Manifest => "files against the packing list",
            Self::Packer => "signature on the packing list",
            Self::Roots => "root certificates of the States",
            Self::Descriptors => "descriptions of the States, signed by their roots",
            Self::Statements => "statements and their envelopes",
            Self::Receipts => "receipts",
            Self::Steps => "proofs of each step, and of missing steps",
            Self::Entries => "entries in the logs",
            Self::Heads => "signed states of the logs, compared with each other",
            Self::History => "record of the file, event after event",
            Self::TimeStamps => "time-stamps",
            Self::Agreement => "signed documents, compared with each other",
        }
    }

    /// What it shows when it holds.
    pub fn proves(self) -> &'static str {
        match self {
            Self::Manifest => "no file was changed, added or lost since the bundle was packed",
            Self::Packer => "who packed the bundle; nothing about what is in it",
            Self::Roots => "under whose authority the signing offices act",
            Self::Descriptors => "which keys each State said are those of its offices and of its log",
            Self::Statements => "which office signed what, and under which number it travelled",
            Self::Receipts => {
                "that the receiving State held exactly these sealed bytes, and since when by its clock"
            }
            Self::Steps => "who said that a step was done, or was missing at a time",
            Self::Entries => "that the document cannot be taken back or exchanged without changing the log",
            Self::Heads => "that the logs show one past and not two",
            Self::History => "that no event was removed from the middle or altered",
            Self::TimeStamps => "that the log stood as shown at a time which a third party confirms",
            Self::Agreement => "that no signed document contradicts another",
        }
    }
}

/// How often a check was made, and how often it did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub check: Check,
    pub done: usize,
    pub failed: usize,
}

/// What was found in a bundle.
#[derive(Debug, Clone)]
pub struct Examined {
    pub index: Option<Index>,
    pub packed_by: Option<(String, Instant)>,
    pub states: Vec<State>,
    pub letters: Vec<Letter>,
    pub events: usize,
    pub stamped: Vec<StampedHead>,
    pub tallies: Vec<Tally>,
    pub complaints: Vec<Complaint>,
    /// Complaints that are not listed because there are too many.
    pub unlisted: usize,
    pub notes: Vec<String>,
    /// State and size of heads of its log that nothing ties to the other heads shown.
    pub loose: Vec<(String, u64)>,
    /// Files that this program does not know and did not look into, beyond the packing list.
    pub unknown: Vec<String>,
}

/// A check under way.
struct Examination<'a> {
    files: &'a Files,
    trust: &'a Trust,
    found: Examined,
    heads: Heads,
    looked_at: BTreeSet<String>,
}

impl Examined {
    /// True when something is wrong with a thing whose name begins so, or with things that are not listed.
    pub fn complains_of(&self, begins: &str) -> bool {
        self.unlisted > 0 || self.complaints.iter().any(|one| one.thing.starts_with(begins))
    }

    /// Nothing was looked at yet.
    pub(crate) fn nothing() -> Self {
        Self {
            index: None,
            packed_by: None,
            states: Vec::new(),
            letters: Vec::new(),
            events: 0,
            stamped: Vec::new(),
            tallies: Check::ALL.into_iter().map(|check| Tally { check, done: 0, failed: 0 }).collect(),
            complaints: Vec::new(),
            unlisted: 0,
            notes: Vec::new(),
            loose: Vec::new(),
            unknown: Vec::new(),
        }
    }
}

/// Checks the files of a bundle.
pub fn examine(files: &Files, trust: &Trust) -> Examined {
    let (found, heads) = (Examined::nothing(), Heads::default());
    let mut examination = Examination { files, trust, found, heads, looked_at: BTreeSet::new() };
    examination.run();
    examination.found
}

impl<'a> Examination<'a> {
    fn run(&mut self) {
        self.manifest();
        let Some(index) = self.index() else { return };
        self.identities(&index);
        self.packer(&index);
        self.stamped_heads();
        self.letters(&index);
        self.history(&index);
        self.objects();
        self.compare_heads();
        self.leftovers();
    }

    /// Records the outcome of one check about one thing.
    fn note<T>(&mut self, check: Check, thing: &str, outcome: Result<T, Wrong>) -> Option<T> {
        self.tally(check, outcome.is_ok());
        match outcome.of(thing) {
            Ok(value) => Some(value),
            Err(complaint) => {
                self.complain(complaint);
                None
            }
        }
    }

    fn tally(&mut self, check: Check, holds: bool) {
        for tally in self.found.tallies.iter_mut().filter(|tally| tally.check == check) {
            tally.done += 1;
            tally.failed += usize::from(!holds);
        }
    }

    fn complain(&mut self, complaint: Complaint) {
        if self.found.complaints.len() < MAX_COMPLAINTS {
            self.found.complaints.push(complaint);
        } else {
            self.found.unlisted += 1;
        }
    }

    /// The file of this path, which is looked at from now on.
    fn file(&mut self, path: &str) -> Option<&'a [u8]> {
        let files: &'a Files = self.files;
        let (name, content) = files.get_key_value(path)?;
        self.looked_at.insert(name.clone());
        Some(content)
    }

    fn state(&self, code: &str) -> Option<&State> {
        self.found.states.iter().find(|state| state.code == code)
    }

    /// The drafts and texts that events name: each is called by its digest.
    fn objects(&mut self) {
        let paths: Vec<String> =
            self.files.keys().filter(|path| path.starts_with("objects/")).cloned().collect();
        for path in paths {
            let Some(content) = self.file(&path) else { continue };
            let own = crate::hash::Digest::of(content).hex();
            let right = path.strip_prefix("objects/") == Some(own.as_str());
            let outcome =
                if right { Ok(()) } else { Err((Flaw::Manifest, "its name is not its digest".to_owned())) };
            self.note(Check::History, &path, outcome);
        }
    }

    fn leftovers(&mut self) {
        let known = ["README.txt", manifest::LIST, manifest::SIGNATURE];
        let rest = self.files.keys().filter(|path| !self.looked_at.contains(*path));
        self.found.unknown = rest
            .filter(|path| !known.contains(&path.as_str()) && !path.starts_with("heads/authorities/"))
            .cloned()
            .collect();
    }
}
