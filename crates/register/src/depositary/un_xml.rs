//! The UN Treaty Collection's XML of chapter XVIII, number 16, read as a stream: no entity is expanded, every size is limited.
//!
//! Written to the shape that importers of other chapters read (spec/10-depositary.md); hostile until compared.

mod article_of;
mod cell;
mod declared;
mod decode;

use super::{
    Coverage, DepositaryError, DepositaryEvent, EventKind, Import, compare::rule_of, participant_by_name,
};
use declared::{Section, Spoken};
use jiff::civil::Date;
use quick_xml::{Reader, events::Event};
use treaty::{Confidence, Finding, Severity, table};
use vocabulary::StateCode;

/// The largest file of depositary events that is read.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;
/// Elements inside each other; the real ones are nested to about ten.
const MAX_DEPTH: usize = 32;
const MAX_PARTICIPANTS: usize = 1000;
const MAX_FINDINGS: usize = 500;
/// Of one statement; the longest declarations of other treaties have some pages.
const MAX_TEXT_BYTES: usize = 64 * 1024;
const SOURCE: &str = "UN Treaty Collection, MTDSG XVIII-16, XML";

/// Reads the file as of the day on which it was fetched.
pub fn read_un_xml(bytes: &[u8], as_of: Date) -> Result<Import, DepositaryError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(DepositaryError::TooLarge { found: bytes.len() });
    }
    let text = decode::decoded(bytes);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if !start.starts_with('<') {
        return Err(DepositaryError::Unrecognized);
    }
    if is_web_page(start) {
        return Err(DepositaryError::WebPage);
    }
    let mut page = Page::new(as_of);
    page.read(start)?;
    page.finish()
}

/// Maintenance pages come with the status of success.
fn is_web_page(text: &str) -> bool {
    let head: String = text.chars().take(1024).flat_map(char::to_lowercase).collect();
    head.contains("<!doctype html") || head.contains("<html")
}

/// What was gathered while the file goes by.
struct Page {
    as_of: Date,
    /// Names of the open elements, in lower case.
    open: Vec<String>,
    title: String,
    entry_into_force: String,
    signatories: String,
    parties: String,
    /// Column numbers of participant, signature and instrument.
    columns: Option<[usize; 3]>,
    header: Vec<String>,
    row: Vec<String>,
    rows: Vec<Vec<String>>,
    spoken: Vec<Spoken>,
    /// Sections in which text stood before any participant was named.
    unread: Vec<Section>,
}

impl Page {
    fn new(as_of: Date) -> Self {
        Self {
            as_of,
            open: Vec::new(),
            title: String::new(),
            entry_into_force: String::new(),
            signatories: String::new(),
            parties: String::new(),
            columns: None,
            header: Vec::new(),
            row: Vec::new(),
            rows: Vec::new(),
            spoken: Vec::new(),
            unread: Vec::new(),
        }
    }

    fn read(&mut self, text: &str) -> Result<(), DepositaryError> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        loop {
            let event =
                reader.read_event().map_err(|_| DepositaryError::Xml { at: reader.error_position() })?;
            let at = reader.buffer_position();
            match event {
                Event::Start(start) => self.start(start.local_name().into_inner())?,
                Event::End(_) => self.end()?,
                Event::Text(text) => self.text(&text.into_inner()),
                Event::CData(text) => self.text(&text.into_inner()),
                Event::GeneralRef(name) => self.text(&character(&name, at)?),
                Event::DocType(declared) if declared.borrow().into_inner().contains('[') => {
                    return Err(DepositaryError::Entity { at });
                }
                Event::Eof if self.open.is_empty() => return Ok(()),
                Event::Eof => return Err(DepositaryError::Xml { at }),
                _ => {}
            }
        }
    }

    fn start(&mut self, name: &str) -> Result<(), DepositaryError> {
        if self.open.len() == MAX_DEPTH {
            return Err(DepositaryError::Deep { most: MAX_DEPTH });
        }
        self.open.push(name.to_ascii_lowercase());
        match self.section() {
            Some(section) if self.last("participant") => {
                self.spoken.push(Spoken::new(section));
                if self.spoken.len() > MAX_PARTICIPANTS {
                    return Err(DepositaryError::TooMany { found: self.spoken.len() });
                }
            }
            Some(_) => self.text("\n"),
            None if self.within("participants") && self.last("row") => self.row.clear(),
            None if self.within("participants") && self.last("entry") => self.row.push(String::new()),
            None => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), DepositaryError> {
        let in_table = self.section().is_none() && self.within("participants");
        if in_table && self.last("row") {
            let row = std::mem::take(&mut self.row);
            if self.within("thead") {
                self.header = row;
            } else if self.rows.len() == MAX_PARTICIPANTS {
                return Err(DepositaryError::TooMany { found: MAX_PARTICIPANTS + 1 });
            } else {
                self.rows.push(row);
            }
        }
        if self.section().is_some() {
            self.text("\n");
        }
        self.open.pop();
        Ok(())
    }

    /// Text goes to the nearest thing that wants it.
    fn text(&mut self, text: &str) {
        let mark = self.last("superscript") || self.last("sup");
        if let Some(section) = self.section() {
            match self.spoken.last_mut().filter(|spoken| spoken.section == section) {
                Some(_) if mark => {}
                Some(spoken) if self.open.iter().any(|name| name == "participant") => {
                    append(&mut spoken.name, text);
                }
                Some(spoken) => append(&mut spoken.text, text),
                None if text.trim().is_empty() || self.unread.contains(&section) => {}
                None => self.unread.push(section),
            }
        } else if self.within("participants") && self.within("entry") {
            if let Some(cell) = self.row.last_mut() {
                // A footnote mark stays a mark, so that it is seen and taken for no part of a name.
                append(
                    cell,
                    &if mark { format!("<superscript>{text}</superscript>") } else { text.to_owned() },
                );
            }
        } else if self.within("titlesect") || self.within("header") {
            append(&mut self.title, text);
        } else if self.within("eif") {
            append(&mut self.entry_into_force, text);
        } else if self.within("signatories") {
            append(&mut self.signatories, text);
        } else if self.within("status") && self.within("parties") {
            append(&mut self.parties, text);
        }
    }

    fn last(&self, name: &str) -> bool {
        self.open.last().is_some_and(|last| last == name)
    }

    fn within(&self, name: &str) -> bool {
        self.open.iter().any(|open| open == name)
    }

    fn section(&self) -> Option<Section> {
        self.open.iter().find_map(|name| Section::named(name))
    }

    fn finish(mut self) -> Result<Import, DepositaryError> {
        let title = cell::plain(&self.title);
        if !title.to_lowercase().contains("cybercrime") {
            return Err(DepositaryError::OtherTreaty { found: DepositaryError::short(&title) });
        }
        self.columns = columns(&self.header, &self.rows);
        let Some(columns) = self.columns else { return Err(DepositaryError::NoTable) };
        let mut reading = Reading { as_of: self.as_of, rows: Vec::new(), findings: Vec::new() };
        for row in &self.rows {
            reading.participant(row, columns);
        }
        reading.totals(&self.signatories, &self.parties);
        for spoken in &self.spoken {
            reading.spoken(spoken);
        }
        for section in &self.unread {
            reading.find(
                section.kind(),
                "section-unread",
                "participant",
                format!("the section `{}` names no participant in the expected place", section.name()),
                "read it at the depositary and write its rows as CSV",
            );
        }
        reading.findings.truncate(MAX_FINDINGS);
        let said = cell::plain(&self.entry_into_force);
        let notes =
            (!said.is_empty()).then(|| format!("the depositary on entry into force: {}", short(&said)));
        Ok(Import {
            rows: reading.rows,
            as_of: self.as_of,
            coverage: Coverage::Participation,
            notes: notes.into_iter().collect(),
            findings: reading.findings,
        })
    }
}

fn short(text: &str) -> String {
    text.chars().take(300).collect()
}

fn append(to: &mut String, text: &str) {
    if to.len() + text.len() <= MAX_TEXT_BYTES {
        to.push_str(text);
    }
}

/// A character reference, or one of the five entities of XML; `nbsp` is a space.
fn character(name: &quick_xml::events::BytesRef<'_>, at: u64) -> Result<String, DepositaryError> {
    let refused = DepositaryError::Entity { at };
    match name.resolve_char_ref() {
        Ok(Some(character)) => return Ok(character.to_string()),
        Ok(None) => {}
        Err(_) => return Err(refused),
    }
    let text: &str = &name.borrow().into_inner();
    Ok(match text {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => " ",
        _ => return Err(refused),
    }
    .to_owned())
}

/// By the words of the header; without one by the usual order, if the rows have three cells.
fn columns(header: &[String], rows: &[Vec<String>]) -> Option<[usize; 3]> {
    let find = |words: &[&str]| {
        header.iter().position(|cell| {
            let cell = cell::plain(cell).to_lowercase();
            words.iter().any(|word| cell.contains(word))
        })
    };
    if header.is_empty() {
        return rows.first().filter(|row| row.len() >= 3).map(|_| [0, 1, 2]);
    }
    let (participant, signature) = (find(&["participant"])?, find(&["signature"])?);
    Some([participant, signature, find(&["ratification", "accession", "acceptance"])?])
}

/// Rows being made of what was gathered.
struct Reading {
    as_of: Date,
    rows: Vec<DepositaryEvent>,
    findings: Vec<Finding>,
}

impl Reading {
    fn participant(&mut self, row: &[String], columns: [usize; 3]) {
        let get = |at: usize| row.get(at).map(String::as_str).unwrap_or_default();
        let [name, signed, bound] = columns.map(get);
        if cell::plain(name).is_empty() && cell::plain(signed).is_empty() {
            return;
        }
        let Some(code) = self.known(name, EventKind::Signature) else { return };
        self.date(code, EventKind::Signature, signed, name);
        self.date(code, EventKind::Ratification, bound, name);
    }

    fn known(&mut self, name: &str, kind: EventKind) -> Option<StateCode> {
        let name = cell::plain(name);
        let found = participant_by_name(&name).map(|found| found.code);
        if found.is_none() {
            let what = format!("`{}` is no participant that is known here", DepositaryError::short(&name));
            let remedy = "compare the spelling with the table of participants, and write its rows as CSV";
            self.find(kind, "unknown-participant", "participant", what, remedy);
        }
        found
    }

    fn date(&mut self, code: StateCode, kind: EventKind, text: &str, name: &str) {
        let plain = cell::plain(text);
        if plain.is_empty() {
            return;
        }
        let read = cell::date_and_mark(&plain).and_then(|(date, mark)| {
            Some((date, if kind.is_instrument() { cell::instrument(mark)? } else { kind }))
        });
        let Some((date, kind)) = read else {
            let what = format!("`{}` of {code} is no date that can be read", DepositaryError::short(&plain));
            let remedy = "read it at the depositary and write the row as CSV; nothing was taken of this cell";
            return self.find(kind, "impossible-date", code.as_str(), what, remedy);
        };
        let mut row = self.row(code, kind, date);
        if cell::has_mark(name) || cell::has_mark(text) {
            row.remark = Some("has a footnote at the depositary, which a person reads".to_owned());
        }
        self.rows.push(row);
    }

    fn row(&self, participant: StateCode, kind: EventKind, date: Date) -> DepositaryEvent {
        let base = format!("{participant}-{kind}");
        let same = self.rows.iter().filter(|row| row.participant == participant && row.kind == kind).count();
        DepositaryEvent {
            id: if same == 0 { base } else { format!("{base}-{}", same + 1) },
            participant,
            kind,
            date: super::Dated::on(date),
            articles: Vec::new(),
            relates_to: None,
            supersedes: None,
            confidence: Confidence::A,
            source: SOURCE.to_owned(),
            reference: None,
            as_of: self.as_of,
            text: None,
            remark: None,
        }
    }

    /// The depositary's own totals against the rows that were read.
    fn totals(&mut self, signatories: &str, parties: &str) {
        let count = |rows: &[DepositaryEvent], instrument: bool| {
            rows.iter().filter(|row| row.kind.is_instrument() == instrument).count()
        };
        for (said, instrument, what) in [(signatories, false, "signatories"), (parties, true, "parties")] {
            let read = count(&self.rows, instrument);
            // `Parties` is missing while there is none.
            let stated = cell::number(said).or((instrument && read == 0).then_some(0));
            if stated.is_some_and(|stated| stated != read) {
                let kind = if instrument { EventKind::Ratification } else { EventKind::Signature };
                let message = format!(
                    "the depositary counts {} {what}, and {read} were read in the table",
                    stated.unwrap_or_default()
                );
                self.find(kind, "total", what, message, "read the table at the depositary");
            }
        }
    }

    fn spoken(&mut self, spoken: &Spoken) {
        if spoken.section == Section::EndNotes {
            return;
        }
        let Some(code) = self.known(&spoken.name, spoken.section.kind()) else { return };
        let dates = declared::Dates {
            signed: self.day_of(code, |kind| kind == EventKind::Signature),
            bound: self.day_of(code, EventKind::is_instrument),
        };
        for part in declared::parts(spoken, dates) {
            let Some(date) = part.date else {
                let what = format!("a statement of {code} in `{}` has no date", spoken.section.name());
                let remedy = "read it at the depositary and write the row as CSV; nothing was taken of it";
                self.find(part.kind, "undated", code.as_str(), what, remedy);
                continue;
            };
            let mut row = self.row(code, part.kind, date);
            row.articles = part.articles;
            row.relates_to = part.relates_to;
            row.text = Some(part.text);
            row.remark =
                Some("kind and articles were read from the text by this program: compare them".to_owned());
            row.confidence = Confidence::B;
            self.rows.push(row);
        }
    }

    fn day_of(&self, code: StateCode, is: impl Fn(EventKind) -> bool) -> Option<Date> {
        self.rows.iter().find(|row| row.participant == code && is(row.kind)).map(DepositaryEvent::day)
    }

    fn find(&mut self, kind: EventKind, word: &str, field: &str, message: String, remedy: &str) {
        let rule = if word == "total" { &table::CONSENT } else { rule_of(kind) };
        self.findings.push(Finding {
            code: format!("{}-{word}", rule.code()),
            citation: rule.citation(),
            severity: Severity::Should,
            field: field.to_owned(),
            message,
            remedy: remedy.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests;
