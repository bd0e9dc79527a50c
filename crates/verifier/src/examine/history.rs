//! The record of the file at the exporting State: events that name each other, and what they say of envelopes.

use super::{Check, Examination, Index, Letter, index};
use crate::{
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
    instant::Instant,
    json::Json,
};

const LABEL: &str = "rogatory/event/1";
const VERSION: u64 = 1;
const MEMBERS: [&str; 8] = ["version", "file", "sequence", "previous", "at", "actor", "ladder", "event"];

/// An event of transport, as far as it can be compared with the envelopes.
struct Told {
    place: String,
    at: Instant,
    proof: String,
    event: Json,
}

impl Examination<'_> {
    pub(super) fn history(&mut self, index: &Index) {
        let paths = self.files.keys().filter(|path| path.starts_with("events/"));
        let events = paths.filter(|path| path.ends_with(".json") && !path.ends_with(".commitment.json"));
        let mut previous = None;
        let mut told = Vec::new();
        for (sequence, path) in (0_u64..).zip(events.cloned().collect::<Vec<_>>()) {
            let Some(bytes) = self.file(&path) else { continue };
            let outcome = event(bytes, &path, index, sequence, previous);
            previous = Some(Digest::of(bytes));
            self.found.events += 1;
            told.extend(self.note(Check::History, &path, outcome).flatten());
            let stem = path.trim_end_matches(".json").to_owned();
            if self.entry(&stem, LABEL, &Digest::of(bytes), &index.exporter).is_none() {
                let path = format!("{stem}.tlog-proof");
                let absent = !self.files.contains_key(&path);
                let outcome = if absent {
                    Err(wrong(Flaw::Missing, "the event has no entry in the log"))
                } else {
                    Ok(())
                };
                if absent {
                    self.note::<()>(Check::Entries, &path, outcome);
                }
            }
        }
        if index.events != self.found.events as u64 {
            let what = format!("the index promises {} events, there are {}", index.events, self.found.events);
            self.note::<()>(Check::History, "events", Err(wrong(Flaw::History, what)));
        }
        for one in &told {
            let outcome = self.compare(one, index);
            self.note(Check::Agreement, &one.place, outcome);
        }
        self.after_the_fact(&told, index);
    }

    /// What an event says of an envelope must be what the envelope's documents say.
    fn compare(&self, told: &Told, index: &Index) -> Result<(), Wrong> {
        let Some(id) = told.event.member("envelope") else { return Ok(()) };
        let Json::Text(id) = id else { return Err(wrong(Flaw::History, "an event names no envelope")) };
        let id = index::identifier(id)?;
        let sent = told.proof != "received";
        let letter = self
            .found
            .letters
            .iter()
            .find(|one| one.envelope == id && (one.sender() == index.exporter) == sent);
        let Some(letter) = letter else { return self.unknown(told, &id, index) };
        let named = |name: &str, have: Option<Digest>, what: &str| -> Result<(), Wrong> {
            let expected = told.event.digest(name)?;
            if have == Some(expected) {
                Ok(())
            } else {
                Err(wrong(
                    Flaw::History,
                    format!("the event names {what} `{expected}`, which is not in `{}`", letter.dir),
                ))
            }
        };
        let receipt = letter.receipt.as_ref().map(|receipt| receipt.digest);
        match told.proof.as_str() {
            "submitted" => named("sealed", Some(letter.digest), "sealed bytes"),
            "delivered" | "received" => {
                named("sealed", Some(letter.digest), "sealed bytes")?;
                named("receipt", receipt, "a receipt")
            }
            "opened" => named("signed", letter.step("opened").map(|step| step.signed), "a proof of opening"),
            "step-missing" => {
                let word = format!("not-{}", told.event.text("step")?);
                named(
                    "signed",
                    negative(letter, &word, told.event.text("level")?),
                    "a proof of a missing step",
                )
            }
            "receipt-missing" if letter.step("submitted").is_some() => {
                let level = told.event.text("level")?;
                negative(letter, "not-delivered", level).map(|_| ()).ok_or_else(|| {
                    wrong(Flaw::History, format!("the event says that a receipt was missing (`{level}`), and the signed proof of it is not in `{}`", letter.dir))
                })
            }
            _ => Ok(()),
        }
    }

    /// An envelope that the record knows and the bundle does not hold.
    fn unknown(&self, told: &Told, id: &str, index: &Index) -> Result<(), Wrong> {
        let listed = index.envelopes.iter().any(|line| line.envelope == id);
        let rejection = told.event.optional_text("statement")? == Some("rejection");
        if listed || rejection || !matches!(told.proof.as_str(), "submitted" | "received") {
            return Ok(());
        }
        Err(wrong(Flaw::Missing, format!("the event is about envelope `{id}`, which is not in the bundle")))
    }

    /// The exporter cannot sign that a step is missing after it recorded the step.
    fn after_the_fact(&mut self, told: &[Told], index: &Index) {
        let mut bad = Vec::new();
        for letter in self.found.letters.iter().filter(|letter| letter.sender() == index.exporter) {
            for negative in &letter.negatives {
                let step = negative.word.trim_start_matches("not-");
                let done = told.iter().filter(|one| one.proof == step && one.at < negative.at);
                let same = |one: &&Told| matches!(one.event.member("envelope"), Some(Json::Text(id)) if id.to_lowercase() == letter.envelope);
                if let Some(one) = done.into_iter().find(same) {
                    let what = format!(
                        "`{}` signed at {} that a step was missing (`{}`) which it had recorded at {}",
                        negative.by, negative.at, negative.word, one.at
                    );
                    bad.push((format!("envelopes/{}", letter.dir), what));
                }
            }
        }
        for (place, what) in bad {
            self.note::<()>(Check::Agreement, &place, Err(wrong(Flaw::Contradiction, what)));
        }
    }
}

fn negative(letter: &Letter, word: &str, level: &str) -> Option<Digest> {
    letter.negatives.iter().find(|one| one.word == word && one.level == level).map(|one| one.signed)
}

/// Checks an event's place in the chain; gives what it tells of transport.
fn event(
    bytes: &[u8],
    path: &str,
    index: &Index,
    sequence: u64,
    previous: Option<Digest>,
) -> Result<Option<Told>, Wrong> {
    let json = Json::parse(bytes)?;
    json.exactly(&MEMBERS)?;
    if json.count("version")? != VERSION {
        return Err(wrong(Flaw::Document, "the event is of another version"));
    }
    if path != format!("events/{sequence:04}.json") || json.count("sequence")? != sequence {
        return Err(wrong(
            Flaw::History,
            format!("event {sequence} is expected here: one was removed or moved"),
        ));
    }
    if index::identifier(json.text("file")?)? != index.file {
        return Err(wrong(Flaw::History, "the event is of another file"));
    }
    let named = json.optional_text("previous")?.map(Digest::parse);
    if named != previous.map(Some) {
        return Err(wrong(Flaw::History, "the event does not follow from the one before it"));
    }
    let at = json.instant("at")?;
    if json.text("ladder")? != "transport" {
        return Ok(None);
    }
    let event = json.get("event")?.clone();
    let proof = event.text("proof")?.to_owned();
    Ok(Some(Told { place: path.to_owned(), at, proof, event }))
}
