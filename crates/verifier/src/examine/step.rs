//! The signed proofs of each step of an envelope, and of steps that were missing at a threshold (spec/07).

use super::{Check, Examination, Index, Letter, index};
use crate::{
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
    instant::Instant,
    json::Json,
};

const FORMAT: &str = "rogatory/proof/1";
const MAX_PROOF_BYTES: usize = 32 << 10;
const MEMBERS: [&str; 13] = [
    "format",
    "step",
    "envelope",
    "digest",
    "from",
    "to",
    "at",
    "road?",
    "receipt?",
    "statement?",
    "level?",
    "rule?",
    "code?",
];
/// Each step and the members that it has beside those of all.
const STEPS: [(&str, &[&str]); 7] = [
    ("submitted", &[]),
    ("relayed", &["road"]),
    ("opened", &["receipt", "statement"]),
    ("rejected", &["statement", "code"]),
    ("not-relayed", &["level", "rule"]),
    ("not-delivered", &["level", "rule"]),
    ("not-opened", &["level", "rule"]),
];

/// A signed step.
#[derive(Debug, Clone)]
pub struct Step {
    pub word: String,
    pub by: String,
    pub at: Instant,
    pub signed: Digest,
    pub statement: Option<Digest>,
    pub receipt: Option<Digest>,
}

/// A signed word that a step was missing at a threshold.
#[derive(Debug, Clone)]
pub struct Negative {
    pub word: String,
    pub by: String,
    pub at: Instant,
    pub signed: Digest,
    /// `warn` or `fail`.
    pub level: String,
    pub rule: String,
}

impl Examination<'_> {
    pub(super) fn steps(&mut self, place: &str, index: &Index, letter: &mut Letter) {
        let prefix = format!("{place}/proof-");
        let paths = self.files.keys().filter(|path| path.starts_with(&prefix) && path.ends_with(".p7m"));
        for path in paths.cloned().collect::<Vec<_>>() {
            let Some(bytes) = self.file(&path) else { continue };
            let name =
                path.strip_prefix(&prefix).and_then(|name| name.strip_suffix(".p7m")).unwrap_or_default();
            let outcome = self.read_step(bytes, name, letter);
            let Some(read) = self.note(Check::Steps, &path, outcome) else { continue };
            let stem = path.trim_end_matches(".p7m").to_owned();
            // Whoever keeps a proof commits it: the exporter, also to the other State's words.
            self.entry(&stem, FORMAT, &Digest::of(bytes), &index.exporter);
            match read {
                Read::Step(step) => letter.steps.push(step),
                Read::Negative(negative) => letter.negatives.push(negative),
            }
        }
        self.agree_among_steps(place, letter);
    }

    fn read_step(&mut self, bytes: &[u8], name: &str, letter: &Letter) -> Result<Read, Wrong> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(wrong(Flaw::Step, "it is longer than 32768 bytes"));
        }
        let speaker = if name.starts_with("opened") { letter.receiver() } else { letter.sender() }.to_owned();
        let (signed, by) = self.signed_by(bytes, &speaker)?;
        let json = Json::parse(&signed.content)?;
        json.format(FORMAT)?;
        json.exactly(&MEMBERS)?;
        let word = json.text("step")?;
        let (_, own) = STEPS
            .iter()
            .find(|(step, _)| *step == word)
            .ok_or_else(|| wrong(Flaw::Step, "it is a proof of no known step"))?;
        let optional = ["road", "receipt", "statement", "level", "rule", "code"];
        if let Some(member) = optional.iter().find(|name| own.contains(*name) != json.member(name).is_some())
        {
            return Err(wrong(
                Flaw::Step,
                format!("a proof `{word}` lacks `{member}`, or has it without need"),
            ));
        }
        let number = name.strip_prefix(word).unwrap_or("?");
        if !(number.is_empty()
            || number.strip_prefix('-').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())))
        {
            return Err(wrong(Flaw::Step, format!("the file is called another step than `{word}`")));
        }
        self.names_this(&json, word, &by, letter)?;
        read(&json, word, by, bytes)
    }

    /// The envelope, its sealed bytes and the offices are those of the letter, and the right office says it.
    fn names_this(&self, json: &Json, word: &str, by: &str, letter: &Letter) -> Result<(), Wrong> {
        let id = index::identifier(json.text("envelope")?)?;
        if id != letter.envelope || json.digest("digest")? != letter.digest {
            return Err(wrong(
                Flaw::Step,
                format!("the proof `{word}` is about envelope `{id}`, not about this one"),
            ));
        }
        let speaker = match word {
            "opened" => letter.to.clone(),
            _ => format!("{}/node", letter.sender()),
        };
        let from = super::letter::office(json, "from")?;
        if by != speaker || from != by {
            return Err(wrong(Flaw::Step, format!("`{by}` signed the proof `{word}`, expected `{speaker}`")));
        }
        let to = super::letter::office(json, "to")?;
        let heard = if word == "opened" { letter.sender() } else { letter.receiver() };
        if to.split('/').next() == Some(heard) {
            Ok(())
        } else {
            Err(wrong(Flaw::Step, format!("the proof `{word}` is about an office of another State")))
        }
    }

    /// What the proofs of one envelope say of each other.
    fn agree_among_steps(&mut self, place: &str, letter: &Letter) {
        let mut bad: Vec<String> = Vec::new();
        let receipt = letter.receipt.as_ref().map(|receipt| receipt.digest);
        for (at, step) in letter.steps.iter().enumerate() {
            if letter.steps.iter().skip(at + 1).any(|other| other.word == step.word) {
                bad.push(format!("there are two proofs `{}`", step.word));
            }
            if matches!((step.receipt, receipt), (Some(named), Some(have)) if named != have) {
                bad.push(format!(
                    "the proof `{}` names another receipt than the one that is here",
                    step.word
                ));
            }
            let statement = letter.statement.as_ref().map(|statement| statement.digest);
            let opened = step.word == "opened";
            if opened && matches!((step.statement, statement), (Some(named), Some(have)) if named != have) {
                bad.push(
                    "the addressed office opened another statement than the one that is here".to_owned(),
                );
            }
        }
        for (at, negative) in letter.negatives.iter().enumerate() {
            let again = letter.negatives.iter().skip(at + 1);
            if again.into_iter().any(|other| other.word == negative.word && other.level == negative.level) {
                bad.push(format!("there are two proofs `{}` at `{}`", negative.word, negative.level));
            }
            // One speaker: it cannot say at a time that it did not do what it says it did before.
            let done =
                letter.step("relayed").filter(|step| negative.word == "not-relayed" && step.at < negative.at);
            bad.extend(done.map(|step| {
                format!(
                    "`{}` signed that it was relayed at {} and that at {} it was not",
                    step.by, step.at, negative.at
                )
            }));
        }
        if bad.is_empty() {
            self.tally(Check::Agreement, true);
        }
        for what in bad {
            self.note::<()>(Check::Agreement, place, Err(wrong(Flaw::Contradiction, what)));
        }
    }
}

enum Read {
    Step(Step),
    Negative(Negative),
}

fn read(json: &Json, word: &str, by: String, bytes: &[u8]) -> Result<Read, Wrong> {
    let (at, signed) = (json.instant("at")?, Digest::of(bytes));
    let digest = |name: &str| json.member(name).map(|_| json.digest(name)).transpose();
    if json.member("level").is_none() {
        let (statement, receipt) = (digest("statement")?, digest("receipt")?);
        return Ok(Read::Step(Step { word: word.to_owned(), by, at, signed, statement, receipt }));
    }
    let level = json.text("level")?.to_owned();
    if !matches!(level.as_str(), "warn" | "fail") {
        return Err(wrong(Flaw::Step, "the threshold is neither `warn` nor `fail`"));
    }
    let rule: String = json.text("rule")?.chars().filter(|c| !c.is_control()).take(64).collect();
    Ok(Read::Negative(Negative { word: word.to_owned(), by, at, signed, level, rule }))
}
