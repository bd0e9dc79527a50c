//! The index of the bundle, `bundle.json`.

use super::{Check, Examination};
use crate::{
    certificate::is_state,
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
    instant::Instant,
    json::Json,
};

const PATH: &str = "bundle.json";
const FORMAT: &str = "rogatory/bundle/1";
const MEMBERS: [&str; 11] = [
    "format",
    "file",
    "exporter",
    "other",
    "side",
    "kind",
    "made_at",
    "content",
    "envelopes",
    "events",
    "demonstration_stamps",
];

/// What the exporting State says is in the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub file: String,
    pub exporter: String,
    pub other: String,
    /// `outgoing` or `incoming`, from the exporter's side.
    pub side: String,
    pub kind: String,
    pub made_at: Instant,
    pub content: bool,
    pub envelopes: Vec<IndexLine>,
    pub events: u64,
    pub demonstration_stamps: bool,
}

/// One envelope in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexLine {
    pub dir: String,
    pub envelope: String,
    /// From the exporter's side.
    pub sent: bool,
    pub statement: String,
    pub digest: Digest,
    pub steps: Vec<String>,
}

impl Examination<'_> {
    pub(super) fn index(&mut self) -> Option<Index> {
        let missing = || wrong(Flaw::Missing, "the index is not there");
        let outcome = self.file(PATH).ok_or_else(missing).and_then(read);
        let index = self.note(Check::Agreement, PATH, outcome)?;
        self.found.index = Some(index.clone());
        Some(index)
    }
}

fn read(bytes: &[u8]) -> Result<Index, Wrong> {
    let json = Json::parse(bytes)?;
    json.format(FORMAT)?;
    json.exactly(&MEMBERS)?;
    let state = |name: &str| -> Result<String, Wrong> {
        let text = json.text(name)?;
        if is_state(text) {
            Ok(text.to_owned())
        } else {
            Err(wrong(Flaw::Document, format!("`{name}` is not a State")))
        }
    };
    let index = Index {
        file: identifier(json.text("file")?)?,
        exporter: state("exporter")?,
        other: state("other")?,
        side: word(json.text("side")?)?,
        kind: word(json.text("kind")?)?,
        made_at: json.instant("made_at")?,
        content: json.flag("content")?,
        envelopes: json.list("envelopes")?.iter().map(line).collect::<Result<_, _>>()?,
        events: json.count("events")?,
        demonstration_stamps: json.flag("demonstration_stamps")?,
    };
    if index.exporter == index.other || !matches!(index.side.as_str(), "outgoing" | "incoming") {
        return Err(wrong(Flaw::Document, "the index names one State twice, or no side"));
    }
    Ok(index)
}

fn line(json: &Json) -> Result<IndexLine, Wrong> {
    json.exactly(&["dir", "envelope", "direction", "statement", "digest", "steps"])?;
    let sent = match json.text("direction")? {
        "sent" => true,
        "received" => false,
        _ => return Err(wrong(Flaw::Document, "a direction is neither `sent` nor `received`")),
    };
    let steps = json.list("steps")?.iter().map(|step| match step {
        Json::Text(text) => word(text),
        _ => Err(wrong(Flaw::Document, "a step is not a text")),
    });
    let line = IndexLine {
        dir: json.text("dir")?.to_owned(),
        envelope: identifier(json.text("envelope")?)?,
        sent,
        statement: word(json.text("statement")?)?,
        digest: json.digest("digest")?,
        steps: steps.collect::<Result<_, _>>()?,
    };
    if line.dir.ends_with(&format!("-{}", line.envelope)) {
        Ok(line)
    } else {
        Err(wrong(Flaw::Index, "the folder of an envelope is not called by its number and id"))
    }
}

/// A UUID in small letters.
pub(super) fn identifier(text: &str) -> Result<String, Wrong> {
    let shape = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if shape { Ok(text.to_lowercase()) } else { Err(wrong(Flaw::Document, "an id is not a UUID")) }
}

/// A word of the formats: small letters, digits and dashes.
pub(super) fn word(text: &str) -> Result<String, Wrong> {
    let sign = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = (1..=64).contains(&text.len()) && text.bytes().all(sign);
    if good { Ok(text.to_owned()) } else { Err(wrong(Flaw::Document, "a word is malformed")) }
}
