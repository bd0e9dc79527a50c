//! One envelope of the bundle: what was signed, what travelled, what the receiver signed for it.

use super::{Check, Examination, Index, IndexLine, Negative, StampedHead, State, Step, Witnessed, index};
use crate::{
    certificate::{Certificate, is_office},
    encoding::unbase64,
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
    instant::Instant,
    json::Json,
    log_proof::{self, Logged, Opening},
    note::{Head, Line, NoteKey, confirmation, hash},
    signed::Signed,
};

const MAX_ENVELOPE_BYTES: usize = 3 << 20;
const ENVELOPE: &str = "rogatory/envelope/1";
const STATEMENT: &str = "rogatory/statement/1";
/// A word of opening needs a reader of version 2 (spec/02, 2.2).
const WITH_OPENED: &str = "rogatory/statement/2";
/// Executions and matters need a reader of version 3.
const WITH_MATTERS: &str = "rogatory/statement/3";
const RECEIVED: &str = "rogatory/received/1";
const RECEIPT: &str = "rogatory/receipt/1";

/// What is established of one envelope.
#[derive(Debug, Clone)]
pub struct Letter {
    pub dir: String,
    pub envelope: String,
    pub from: String,
    pub to: String,
    pub kind: String,
    pub digest: Digest,
    pub statement: Option<Statement>,
    pub receipt: Option<Receipt>,
    pub steps: Vec<Step>,
    pub negatives: Vec<Negative>,
    /// The sender's entry: under which head, and who else confirmed that head.
    pub sent_entry: Option<Entry>,
    /// The receiver's entry.
    pub received_entry: Option<Entry>,
}

/// A signed statement.
#[derive(Debug, Clone)]
pub struct Statement {
    pub digest: Digest,
    pub by: String,
    /// When it was made, as the office says.
    pub at: Instant,
    certificate: Certificate,
}

/// A signed receipt.
#[derive(Debug, Clone)]
pub struct Receipt {
    pub digest: Digest,
    pub by: String,
    /// When it was received, by the receiver's clock.
    pub at: Instant,
}

/// A document in a log.
#[derive(Debug, Clone)]
pub struct Entry {
    pub log: String,
    pub index: u64,
    pub size: u64,
    pub witnessed: Vec<Witnessed>,
    pub stamped: Option<StampedHead>,
}

/// What the outside of an envelope says.
struct Outside {
    from: String,
    to: String,
    committed: Digest,
    salt: [u8; 32],
}

impl Letter {
    /// True when the addressed office signed that this very statement was in the sealed bytes.
    pub fn content_is_tied(&self) -> bool {
        let opened = self.steps.iter().find(|step| step.word == "opened");
        matches!((opened, &self.statement), (Some(step), Some(statement)) if step.statement == Some(statement.digest))
    }

    pub fn step(&self, word: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.word == word)
    }

    fn state_of(office: &str) -> &str {
        office.split('/').next().unwrap_or_default()
    }

    pub fn sender(&self) -> &str {
        Self::state_of(&self.from)
    }

    pub fn receiver(&self) -> &str {
        Self::state_of(&self.to)
    }
}

impl Examination<'_> {
    pub(super) fn letters(&mut self, index: &Index) {
        for line in &index.envelopes {
            if let Some(letter) = self.letter(index, line) {
                self.found.letters.push(letter);
            }
        }
        let listed =
            |path: &str| index.envelopes.iter().any(|line| path.split('/').nth(1) == Some(&line.dir));
        let foreign = self.files.keys().find(|path| path.starts_with("envelopes/") && !listed(path)).cloned();
        if let Some(path) = foreign {
            let outcome = Err(wrong(Flaw::Index, "the index does not list this envelope"));
            self.note::<()>(Check::Agreement, &path, outcome);
        }
        self.compare_letters();
    }

    fn letter(&mut self, index: &Index, line: &IndexLine) -> Option<Letter> {
        let place = format!("envelopes/{}", line.dir);
        let path = format!("{place}/envelope.json");
        let missing = || wrong(Flaw::Missing, "the envelope is not there");
        let outcome =
            self.file(&path).ok_or_else(missing).and_then(|bytes| self.outside(bytes, index, line, &path));
        let outside = self.note(Check::Statements, &path, outcome)?;
        let mut letter = Letter {
            dir: line.dir.clone(),
            envelope: line.envelope.clone(),
            from: outside.from.clone(),
            to: outside.to.clone(),
            kind: line.statement.clone(),
            digest: line.digest,
            statement: None,
            receipt: None,
            steps: Vec::new(),
            negatives: Vec::new(),
            sent_entry: None,
            received_entry: None,
        };
        letter.statement = self.statement(&place, index, &letter);
        let sender = letter.sender().to_owned();
        let entry = self.entry(&format!("{place}/statement"), STATEMENT, &outside.committed, &sender);
        letter.sent_entry = entry.map(|(entry, salt)| self.same_salt(&place, entry, salt, outside.salt));
        self.receipt(&place, &mut letter);
        self.steps(&place, index, &mut letter);
        self.rejection(&place, &letter);
        self.agree_with_index(&place, line, &letter);
        Some(letter)
    }

    /// The two openings of one entry must be one.
    fn same_salt(&mut self, place: &str, entry: Entry, salt: [u8; 32], other: [u8; 32]) -> Entry {
        if salt != other {
            let outcome = Err(wrong(Flaw::Commitment, "its salt is not the one of the envelope"));
            self.note::<()>(Check::Entries, &format!("{place}/statement.commitment.json"), outcome);
        }
        entry
    }

    /// The envelope as it travelled (spec/02, 2.6), with the sender's log evidence in it.
    fn outside(
        &mut self,
        bytes: &[u8],
        index: &Index,
        line: &IndexLine,
        path: &str,
    ) -> Result<Outside, Wrong> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(wrong(Flaw::Document, "it is longer than 3145728 bytes"));
        }
        let json = Json::parse(bytes)?;
        json.format(ENVELOPE)?;
        json.exactly(&["format", "envelope", "from", "to", "digest", "sent_at", "log", "sealed"])?;
        json.instant("sent_at")?;
        let id = index::identifier(json.text("envelope")?)?;
        let (from, to, digest) = (office(&json, "from")?, office(&json, "to")?, json.digest("digest")?);
        let sealed =
            unbase64(json.text("sealed")?).ok_or_else(|| wrong(Flaw::Document, "`sealed` is not base64"))?;
        if Digest::of(&sealed) != digest {
            return Err(wrong(Flaw::Signature, "the sealed bytes are not those that the envelope names"));
        }
        if id != line.envelope || digest != line.digest {
            return Err(wrong(Flaw::Index, "the index names another envelope"));
        }
        let (one, two) =
            if line.sent { (&index.exporter, &index.other) } else { (&index.other, &index.exporter) };
        if Letter::state_of(&from) != one || Letter::state_of(&to) != two {
            return Err(wrong(
                Flaw::Index,
                "it went between other States, or the other way, than the index says",
            ));
        }
        let committed = Digest::of(format!("{ENVELOPE}\n{id}\n{from}\n{to}\n{digest}\n").as_bytes());
        let logs = self.logs_of(one)?;
        let inside = log_proof::inside(json.get("log")?, STATEMENT, &committed, &logs)?;
        self.heads.see_logged(&inside.logged, path);
        if let Some(growth) = &inside.growth {
            self.heads.see_growth(&inside.logged, growth, path);
        }
        Ok(Outside { from, to, committed, salt: inside.salt })
    }

    pub(super) fn logs_of(&self, code: &str) -> Result<Vec<NoteKey>, Wrong> {
        let state = self.state(code);
        state
            .map(|state| state.logs.clone())
            .ok_or_else(|| wrong(Flaw::Root, format!("`{code}` is not established")))
    }

    /// The statement, signed by the office of the envelope (spec/02, 2.2).
    fn statement(&mut self, place: &str, index: &Index, letter: &Letter) -> Option<Statement> {
        let path = format!("{place}/statement.p7m");
        let bytes = self.file(&path)?;
        let outcome = self.read_statement(bytes, index, letter);
        self.note(Check::Statements, &path, outcome)
    }

    fn read_statement(&mut self, bytes: &[u8], index: &Index, letter: &Letter) -> Result<Statement, Wrong> {
        let (signed, by) = self.signed_by(bytes, letter.sender())?;
        if by != letter.from {
            return Err(wrong(Flaw::Certificate, format!("`{by}` signed it, expected `{}`", letter.from)));
        }
        let json = statement_json(&signed.content)?;
        let same = index::identifier(json.text("envelope")?)? == letter.envelope
            && office(&json, "from")? == letter.from
            && office(&json, "to")? == letter.to;
        if !same {
            return Err(wrong(Flaw::Step, "the statement is for another envelope or between other offices"));
        }
        let kind = json.get("message")?.text("type")?;
        if kind != letter.kind {
            return Err(wrong(Flaw::Index, format!("the index calls a `{kind}` something else")));
        }
        if kind != "rejection" && index::identifier(json.text("file")?)? != index.file {
            return Err(wrong(Flaw::Index, "the statement is of another file"));
        }
        Ok(Statement {
            digest: Digest::of(bytes),
            by,
            at: json.instant("at")?,
            certificate: signed.certificate,
        })
    }

    /// Reads a signed message of an office of `code`; one that no description names is noted.
    pub(super) fn signed_by(&mut self, bytes: &[u8], code: &str) -> Result<(Signed, String), Wrong> {
        let signed = Signed::attached(bytes)?;
        let state =
            self.state(code).ok_or_else(|| wrong(Flaw::Root, format!("`{code}` is not established")))?;
        let by = signed.by(code, &state.root)?;
        if let Some(until) = state.withdrawn(&signed.certificate) {
            let at = signed.at.unwrap_or(until);
            if at > until {
                return Err(wrong(
                    Flaw::Certificate,
                    format!("`{by}` signed at {at} with a key withdrawn at {until}"),
                ));
            }
            let note = format!(
                "A key of `{by}` was withdrawn by {code} and is to be believed for what others saw until {until}. What it \
                 signed says an earlier time; only time-stamps and confirmed logs show that it is so."
            );
            if !self.found.notes.contains(&note) {
                self.found.notes.push(note);
            }
        } else if !state.names(&signed.certificate) {
            let note = format!(
                "A certificate of `{by}` stands under the root of {code}, and no description in the bundle names it: \
                 it was replaced, or never announced."
            );
            if !self.found.notes.contains(&note) {
                self.found.notes.push(note);
            }
        }
        Ok((signed, by))
    }

    /// A document's entry in the log of a State: the opening, the proof, and the proof under a stamped head.
    pub(super) fn entry(
        &mut self,
        stem: &str,
        label: &str,
        digest: &Digest,
        owner: &str,
    ) -> Option<(Entry, [u8; 32])> {
        let opening_path = format!("{stem}.commitment.json");
        let path = format!("{stem}.tlog-proof");
        let Some(opening) = self.file(&opening_path) else {
            if self.file(&path).is_some() {
                let outcome = Err(wrong(Flaw::Missing, "the proof is there without what it is about"));
                self.note::<()>(Check::Entries, &opening_path, outcome);
            }
            return None;
        };
        let outcome = Opening::read(opening).and_then(|one| Ok((one.commitment(label, digest)?, one)));
        let (commitment, opening) = self.note(Check::Entries, &opening_path, outcome)?;
        let logged = self.logged(&path, &commitment, &opening, owner)?;
        let witnessed = self.witnessed(owner, &logged.head, &path);
        let stamped_path = format!("{stem}.stamped.tlog-proof");
        let mut stamped = self.stamp_of(&logged);
        if self.files.contains_key(&stamped_path)
            && let Some(under) = self.logged(&stamped_path, &commitment, &opening, owner)
        {
            stamped = stamped.or_else(|| self.stamp_of(&under));
        }
        let log = format!("{}.log.rogatory", owner.to_lowercase());
        let (index, size) = (logged.index, logged.head.head.size);
        Some((Entry { log, index, size, witnessed, stamped }, opening.salt))
    }

    fn logged(
        &mut self,
        path: &str,
        commitment: &[u8; 32],
        opening: &Opening,
        owner: &str,
    ) -> Option<Logged> {
        let missing = || wrong(Flaw::Missing, "the proof is not there");
        let logs = self.logs_of(owner);
        let outcome = self.file(path).ok_or_else(missing).and_then(|bytes| {
            let logged = log_proof::read(bytes, commitment, &logs?)?;
            opening.is_at(&logged).map(|()| logged)
        });
        let logged = self.note(Check::Entries, path, outcome)?;
        self.heads.see_logged(&logged, path);
        Some(logged)
    }

    fn receipt(&mut self, place: &str, letter: &mut Letter) {
        let path = format!("{place}/receipt.p7m");
        let Some(bytes) = self.file(&path) else { return };
        let outcome = self.read_receipt(bytes, letter, &path);
        letter.receipt = self.note(Check::Receipts, &path, outcome);
        self.seen_in_time(place, letter);
        let receiver = letter.receiver().to_owned();
        let entry = self.entry(&format!("{place}/receipt"), RECEIVED, &letter.digest, &receiver);
        letter.received_entry = entry.map(|(entry, _)| entry);
    }

    /// A key that its State withdrew is believed for what the receiver saw until then (spec/01, 1.6).
    fn seen_in_time(&mut self, place: &str, letter: &Letter) {
        let (Some(statement), Some(receipt)) = (&letter.statement, &letter.receipt) else { return };
        let until = self.state(letter.sender()).and_then(|state| state.withdrawn(&statement.certificate));
        if let Some(until) = until.filter(|until| receipt.at > *until) {
            let what = format!(
                "`{}` signed it with a key withdrawn at {until}, and it was received after",
                statement.by
            );
            self.note::<()>(
                Check::Statements,
                &format!("{place}/statement.p7m"),
                Err(wrong(Flaw::Certificate, what)),
            );
        }
    }

    /// spec/02, 2.9 and 2.10.
    fn read_receipt(&mut self, bytes: &[u8], letter: &Letter, path: &str) -> Result<Receipt, Wrong> {
        let receiver = letter.receiver().to_owned();
        let (signed, by) = self.signed_by(bytes, &receiver)?;
        let json = Json::parse(&signed.content)?;
        json.format(RECEIPT)?;
        json.exactly(&[
            "format",
            "envelope",
            "digest",
            "from",
            "to",
            "received_at",
            "sent_at",
            "head",
            "log",
        ])?;
        if by != format!("{receiver}/node") || office(&json, "from")? != by {
            return Err(wrong(Flaw::Certificate, format!("`{by}` signed it, expected `{receiver}/node`")));
        }
        let named = index::identifier(json.text("envelope")?)?;
        if named != letter.envelope || json.digest("digest")? != letter.digest {
            return Err(wrong(
                Flaw::Receipt,
                format!("it is the receipt of envelope `{named}` and its sealed bytes, not of these"),
            ));
        }
        if office(&json, "to")? != letter.from {
            return Err(wrong(Flaw::Receipt, "it is for another office than the one that sent"));
        }
        json.instant("sent_at")?;
        let at = json.instant("received_at")?;
        let logs = self.logs_of(&receiver)?;
        let inside = log_proof::inside(json.get("log")?, RECEIVED, &letter.digest, &logs)?;
        self.heads.see_logged(&inside.logged, path);
        self.cosigned(json.get("head")?, letter, path)?;
        Ok(Receipt { digest: Digest::of(bytes), by, at })
    }

    /// The head of the sender's log that the receiver confirmed in its receipt.
    fn cosigned(&mut self, json: &Json, letter: &Letter, path: &str) -> Result<(), Wrong> {
        if *json == Json::Null {
            return Ok(());
        }
        json.exactly(&["size", "root", "cosignature"])?;
        let root = hash(json.text("root")?).ok_or_else(|| wrong(Flaw::Document, "a root is malformed"))?;
        let origin = format!("{}.log.rogatory", letter.sender().to_lowercase());
        let head = Head { origin, size: json.count("size")?, root };
        let line = Line::parse(json.text("cosignature")?)?;
        let receiver =
            self.state(letter.receiver()).map(|state: &State| state.cosigners.clone()).unwrap_or_default();
        let key = receiver.iter().find(|key| line.is_by(key));
        let key =
            key.ok_or_else(|| wrong(Flaw::Cosignature, "the receiver's node did not confirm the head"))?;
        confirmation(&head.text(), &line, key)?;
        self.heads.see(&head.origin, &head, path);
        self.heads.tie(&head.origin, head.size);
        Ok(())
    }

    /// The other State's own word that it rejected, which the sender's proof `rejected` names (spec/02, 2.11).
    fn rejection(&mut self, place: &str, letter: &Letter) {
        let path = format!("{place}/rejection.p7m");
        let Some(bytes) = self.file(&path) else { return };
        let outcome = self.read_rejection(bytes, letter);
        self.note(Check::Steps, &path, outcome);
    }

    fn read_rejection(&mut self, bytes: &[u8], letter: &Letter) -> Result<(), Wrong> {
        let (signed, by) = self.signed_by(bytes, letter.receiver())?;
        if by != format!("{}/node", letter.receiver()) {
            return Err(wrong(
                Flaw::Certificate,
                format!("`{by}` signed it, expected `{}/node`", letter.receiver()),
            ));
        }
        let json = statement_json(&signed.content)?;
        let message = json.get("message")?;
        let about = message.text("type")? == "rejection"
            && index::identifier(message.text("envelope")?)? == letter.envelope
            && message.digest("sealed")? == letter.digest
            && office(&json, "from")? == by;
        if !about {
            return Err(wrong(Flaw::Step, "it is not the rejection of this envelope and its sealed bytes"));
        }
        let named = letter.step("rejected").and_then(|step| step.statement);
        if named == Some(Digest::of(bytes)) {
            Ok(())
        } else {
            Err(wrong(Flaw::Step, "the proof `rejected` names another rejection, or is not there"))
        }
    }

    fn agree_with_index(&mut self, place: &str, line: &IndexLine, letter: &Letter) {
        let mut there: Vec<&str> = letter.steps.iter().map(|step| step.word.as_str()).collect();
        there.extend(letter.negatives.iter().map(|negative| negative.word.as_str()));
        if letter.receipt.is_some() {
            there.push("delivered");
        }
        for step in &line.steps {
            let known = there.contains(&step.as_str());
            let what = format!("the index promises the proof `{step}`, and there is none that holds");
            self.note(Check::Agreement, place, if known { Ok(()) } else { Err(wrong(Flaw::Index, what)) });
        }
        for step in there.iter().filter(|step| !line.steps.iter().any(|known| known == *step)) {
            let what = format!("there is a proof `{step}` that the index does not list");
            self.note::<()>(Check::Agreement, place, Err(wrong(Flaw::Index, what)));
        }
    }

    /// No two envelopes share an id, sealed bytes or a receipt.
    fn compare_letters(&mut self) {
        let mut twice = Vec::new();
        for (at, one) in self.found.letters.iter().enumerate() {
            for other in self.found.letters.iter().skip(at + 1) {
                let receipts =
                    (one.receipt.as_ref().map(|r| r.digest), other.receipt.as_ref().map(|r| r.digest));
                let shared = if one.envelope == other.envelope && one.sender() == other.sender() {
                    Some("one id")
                } else if one.digest == other.digest {
                    Some("the same sealed bytes")
                } else if matches!(receipts, (Some(a), Some(b)) if a == b) {
                    Some("one receipt")
                } else {
                    None
                };
                twice.extend(
                    shared.map(|what| (other.dir.clone(), format!("it shares {what} with `{}`", one.dir))),
                );
            }
        }
        if twice.is_empty() {
            self.tally(Check::Agreement, true);
        }
        for (dir, what) in twice {
            self.note::<()>(
                Check::Agreement,
                &format!("envelopes/{dir}"),
                Err(wrong(Flaw::Contradiction, what)),
            );
        }
    }
}

/// The members of a statement, in the version that its message needs.
fn statement_json(content: &[u8]) -> Result<Json, Wrong> {
    let json = Json::parse(content)?;
    json.format(match json.get("message")?.text("type")? {
        "opened" => WITH_OPENED,
        "execution" | "matter" | "matter-answer" => WITH_MATTERS,
        _ => STATEMENT,
    })?;
    json.exactly(&["format", "envelope", "file", "from", "to", "at", "message"])?;
    Ok(json)
}

pub(super) fn office(json: &Json, name: &str) -> Result<String, Wrong> {
    let text = json.text(name)?;
    if is_office(text) {
        Ok(text.to_owned())
    } else {
        Err(wrong(Flaw::Document, format!("`{name}` is not an office")))
    }
}
