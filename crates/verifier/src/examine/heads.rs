//! Every signed head of a log that the bundle shows: compared with each other, confirmed by others, time-stamped.

use super::{Check, Examination};
use crate::{
    certificate::Certificate,
    flaw::{Flaw, Wrong, wrong},
    instant::Instant,
    log_proof::Logged,
    note::{Head, NoteKey, SignedHead},
    stamp,
    tree::{self, Hash},
};
use std::collections::{BTreeMap, BTreeSet};

/// Who confirmed a head, and when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Witnessed {
    pub by: String,
    pub at: Instant,
}

/// A head with a time-stamp.
#[derive(Debug, Clone)]
pub struct StampedHead {
    /// The State whose log it is.
    pub state: String,
    pub size: u64,
    pub at: Instant,
    pub authority: String,
    pub demonstration: bool,
    pub trusted: bool,
    root: Hash,
    log: String,
}

/// A proof of growth between two heads of one log.
struct Growth {
    place: String,
    log: String,
    from: u64,
    to: u64,
    root: Hash,
    path: Vec<Hash>,
}

/// What was seen of each log, by its origin.
#[derive(Default)]
pub(super) struct Heads {
    roots: BTreeMap<(String, u64), (Hash, String)>,
    complete: BTreeMap<(String, u32, u64), (Hash, String)>,
    growths: Vec<Growth>,
    /// Heads that somebody else confirmed, or that a proof of growth ties to another one.
    tied: BTreeSet<(String, u64)>,
    /// Pairs of places that show two pasts of one log.
    splits: Vec<(String, String)>,
}

impl Heads {
    pub(super) fn see(&mut self, log: &str, head: &Head, place: &str) {
        let key = (log.to_owned(), head.size);
        let (root, before) = self.roots.entry(key).or_insert_with(|| (head.root, place.to_owned()));
        if *root != head.root {
            self.splits.push((before.clone(), place.to_owned()));
        }
    }

    pub(super) fn see_logged(&mut self, logged: &Logged, place: &str) {
        let log = &logged.head.log;
        self.see(log, &logged.head.head, place);
        for (height, at, hash) in &logged.complete {
            let key = (log.clone(), *height, *at);
            let (known, before) = self.complete.entry(key).or_insert_with(|| (*hash, place.to_owned()));
            if known != hash {
                self.splits.push((before.clone(), place.to_owned()));
            }
        }
    }

    pub(super) fn tie(&mut self, log: &str, size: u64) {
        self.tied.insert((log.to_owned(), size));
    }

    pub(super) fn see_growth(&mut self, logged: &Logged, growth: &(u64, Vec<Hash>), place: &str) {
        let (log, to, root) = (logged.head.log.clone(), logged.head.head.size, logged.head.head.root);
        let (from, path) = (growth.0, growth.1.clone());
        self.growths.push(Growth { place: place.to_owned(), log, from, to, root, path });
    }
}

impl Examination<'_> {
    /// Who else confirmed a head: cosigners of the States but the log's own, and witnesses that the reader gave.
    pub(super) fn witnessed(&mut self, owner: &str, head: &SignedHead, place: &str) -> Vec<Witnessed> {
        let others = self.found.states.iter().filter(|state| state.code != owner);
        let mut keys: Vec<(String, NoteKey)> = others
            .flat_map(|state| {
                state.cosigners.iter().map(|key| (format!("the node of {}", state.code), key.clone()))
            })
            .collect();
        keys.extend(
            self.trust.witnesses.iter().map(|key| (format!("the witness {}", key.name), key.clone())),
        );
        let mut found: Vec<Witnessed> = Vec::new();
        for (by, key) in keys {
            match head.confirmed_by(&key) {
                Ok(Some(at)) if !found.iter().any(|one| one.by == by) => found.push(Witnessed { by, at }),
                Ok(_) => {}
                Err(wrong) => {
                    self.note::<()>(Check::Heads, place, Err(wrong));
                }
            }
        }
        if !found.is_empty() {
            self.heads.tie(&head.log, head.head.size);
        }
        found
    }

    /// `heads/XA/<size>.checkpoint`, `.text` and `.tsr`.
    pub(super) fn stamped_heads(&mut self) {
        let states: Vec<(String, Vec<NoteKey>)> =
            self.found.states.iter().map(|state| (state.code.clone(), state.logs.clone())).collect();
        for (code, logs) in states {
            let prefix = format!("heads/{code}/");
            let paths = self.files.keys().filter(|path| path.starts_with(&prefix));
            let stems = paths.filter_map(|path| path.strip_suffix(".checkpoint")).map(str::to_owned);
            for stem in stems.collect::<Vec<_>>() {
                let place = format!("{stem}.checkpoint");
                let outcome = self.head_file(&stem, &logs);
                if let Some(head) = self.note(Check::Heads, &place, outcome) {
                    self.witnessed(&code, &head, &place);
                    self.heads.see(&head.log, &head.head, &place);
                    self.time_stamp(&stem, &code, &head);
                }
            }
        }
    }

    fn head_file(&mut self, stem: &str, logs: &[NoteKey]) -> Result<SignedHead, Wrong> {
        let note = self.file(&format!("{stem}.checkpoint")).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let head = SignedHead::open(note.ok_or_else(|| wrong(Flaw::Note, "it is not a text"))?, logs)?;
        if stem.rsplit('/').next() != Some(head.head.size.to_string().as_str()) {
            return Err(wrong(Flaw::Index, format!("it is the head of size {}", head.head.size)));
        }
        match self.file(&format!("{stem}.text")) {
            Some(text) if text != head.text.as_bytes() => {
                Err(wrong(Flaw::Note, "the text beside it is not the one that the log signed"))
            }
            _ => Ok(head),
        }
    }

    fn time_stamp(&mut self, stem: &str, code: &str, head: &SignedHead) {
        let path = format!("{stem}.tsr");
        let roots: &[Certificate] = &self.trust.authorities;
        let Some(token) = self.file(&path) else {
            let outcome = Err(wrong(Flaw::Missing, "the time-stamp of this head is not there"));
            self.note::<()>(Check::TimeStamps, &path, outcome);
            return;
        };
        let outcome = stamp::check(token, head.text.as_bytes(), roots);
        if let Some(stamp) = self.note(Check::TimeStamps, &path, outcome) {
            self.found.stamped.push(StampedHead {
                state: code.to_owned(),
                size: head.head.size,
                at: stamp.at,
                authority: stamp.authority,
                demonstration: stamp.demonstration,
                trusted: stamp.trusted,
                root: head.head.root,
                log: head.log.clone(),
            });
        }
    }

    /// The time-stamp on the very head under which a document is proven.
    pub(super) fn stamp_of(&self, logged: &Logged) -> Option<StampedHead> {
        let head = &logged.head;
        let same = |one: &&StampedHead| {
            one.log == head.log && one.size == head.head.size && one.root == head.head.root
        };
        self.found.stamped.iter().filter(same).min_by_key(|one| one.at).cloned()
    }

    /// One log must show one past, wherever in the bundle it is shown.
    pub(super) fn compare_heads(&mut self) {
        let splits = std::mem::take(&mut self.heads.splits);
        for (before, place) in &splits {
            let what = format!("the log shows another past than in `{before}`");
            self.note::<()>(Check::Heads, place, Err(wrong(Flaw::SplitView, what)));
        }
        let growths = std::mem::take(&mut self.heads.growths);
        for growth in growths {
            let key = (growth.log.clone(), growth.from);
            // Without the older head nothing can be compared.
            let Some((old, _)) = self.heads.roots.get(&key).cloned() else { continue };
            let outcome = tree::grew(growth.from, &old, growth.to, &growth.root, &growth.path);
            if self.note(Check::Heads, &growth.place, outcome).is_some() {
                self.heads.tie(&growth.log, growth.from);
                self.heads.tie(&growth.log, growth.to);
            }
        }
        self.loose_heads();
        if splits.is_empty() {
            self.tally(Check::Heads, true);
        }
    }

    /// Heads of one log of which nothing shows that they belong to one past.
    fn loose_heads(&mut self) {
        let mut shown: BTreeMap<String, u64> = BTreeMap::new();
        for (log, _) in self.heads.roots.keys() {
            *shown.entry(log.clone()).or_default() += 1;
        }
        let loose = self.heads.roots.keys().filter(|key| !self.heads.tied.contains(*key));
        for (log, size) in loose {
            let owner = self.found.states.iter().find(|state| state.log_name() == *log);
            let many = shown.get(log).is_some_and(|count| *count > 1);
            self.found.loose.extend(owner.filter(|_| many).map(|state| (state.code.clone(), *size)));
        }
    }
}
