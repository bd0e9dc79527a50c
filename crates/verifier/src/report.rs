//! The report for a reader who knows none of the formats: what is proven, what is not, what would have to be forged.

mod data;
mod forgery;
mod hand;
mod paper;
mod pdf;
mod proven;
mod text;
mod unproven;

use crate::{
    examine::{Examined, Letter, Tally, Vouched},
    flaw::Complaint,
    hash::Digest,
    instant::Instant,
};

/// The version of the program that made the report.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was given to be examined.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What the reader called it.
    pub name: String,
    /// Of the bundle's file; of a folder, that of its packing list.
    pub digest: Option<Digest>,
    pub folder: bool,
    pub bytes: u64,
}

/// Whether the bundle holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    /// It holds, and the identity of a State rests on the bundle alone.
    HoldsWithin,
    Fails,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::HoldsWithin => "holds-within",
            Self::Fails => "does-not-hold",
        }
    }

    /// For people, in capitals.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Holds => "THE BUNDLE HOLDS",
            Self::HoldsWithin => "THE BUNDLE HOLDS WITHIN ITSELF: WHO THE STATES ARE WAS NOT COMPARED",
            Self::Fails => "THE BUNDLE DOES NOT HOLD",
        }
    }
}

/// One line of the table of envelopes; times in UTC.
#[derive(Debug, Clone)]
pub struct Row {
    pub number: String,
    pub envelope: String,
    pub kind: String,
    pub from: String,
    pub to: String,
    pub digest: Digest,
    pub signed: Option<Instant>,
    pub submitted: Option<Instant>,
    pub relayed: Option<Instant>,
    pub received: Option<Instant>,
    pub opened: Option<Instant>,
    pub missing: Vec<String>,
}

/// A command of a third party and what it shows.
#[derive(Debug, Clone)]
pub struct Step {
    pub shows: String,
    pub command: String,
}

/// Everything that is printed, in plain sentences.
#[derive(Debug, Clone)]
pub struct Report {
    pub subject: Subject,
    pub at: Instant,
    pub verdict: Verdict,
    /// Label and value.
    pub facts: Vec<(String, String)>,
    pub summary: String,
    pub complaints: Vec<Complaint>,
    pub unlisted: usize,
    pub proven: Vec<String>,
    pub unproven: Vec<String>,
    pub forgery: Vec<String>,
    pub by_hand: Vec<Step>,
    pub checks: Vec<Tally>,
    pub rows: Vec<Row>,
    pub notes: Vec<String>,
}

impl Report {
    /// Writes up what was found; `at` is when the examination took place.
    pub fn new(subject: Subject, at: Instant, examined: &Examined) -> Self {
        let verdict = verdict(examined);
        Self {
            at,
            verdict,
            facts: facts(&subject, at, examined),
            summary: summary(verdict, examined),
            complaints: examined.complaints.clone(),
            unlisted: examined.unlisted,
            proven: proven::sentences(examined),
            unproven: unproven::sentences(examined),
            forgery: forgery::sentences(examined),
            by_hand: hand::steps(examined),
            checks: examined.tallies.clone(),
            rows: examined.letters.iter().map(row).collect(),
            notes: notes(examined),
            subject,
        }
    }

    /// The report on bytes that could not even be read as a bundle.
    pub fn unreadable(subject: Subject, at: Instant, complaint: Complaint) -> Self {
        let complaints = vec![complaint];
        Self::new(subject, at, &Examined { complaints, ..Examined::nothing() })
    }

    pub fn to_text(&self) -> String {
        text::write(self)
    }

    pub fn to_json(&self) -> String {
        data::write(self).to_string()
    }

    /// A4 pages with selectable text.
    pub fn to_pdf(&self) -> Vec<u8> {
        paper::write(self)
    }
}

fn verdict(examined: &Examined) -> Verdict {
    if !examined.complaints.is_empty() || examined.index.is_none() {
        Verdict::Fails
    } else if examined.states.iter().all(|state| state.vouched == Vouched::ByReader) {
        Verdict::Holds
    } else {
        Verdict::HoldsWithin
    }
}

fn facts(subject: &Subject, at: Instant, examined: &Examined) -> Vec<(String, String)> {
    let mut facts = vec![("Examined".to_owned(), format!("{} ({} bytes)", subject.name, subject.bytes))];
    let whose = if subject.folder { "SHA-256 of its packing list" } else { "SHA-256 of it" };
    facts.extend(subject.digest.map(|digest| (whose.to_owned(), digest.hex())));
    facts.push((
        "Examined at".to_owned(),
        format!("{at} (UTC), by the clock of the machine that examined it"),
    ));
    facts.push(("Examined by".to_owned(), format!("rogatory-verify {VERSION}")));
    if let Some(index) = &examined.index {
        facts.push(("File".to_owned(), format!("{} ({})", index.file, index.kind)));
    }
    for state in &examined.states {
        let compared = match state.vouched {
            Vouched::ByReader => "compared with what the reader gave",
            Vouched::ByBundle => "NOT COMPARED with anything outside the bundle",
        };
        let fingerprint = state.root.fingerprint();
        facts.push((
            format!("State {}", state.code),
            format!("{}; root {fingerprint}, {compared}", state.name),
        ));
    }
    if let Some((office, at)) = &examined.packed_by {
        facts.push(("Packed by".to_owned(), format!("{office}, at {at} by its clock")));
    }
    facts
}

fn summary(verdict: Verdict, examined: &Examined) -> String {
    let done: usize = examined.tallies.iter().map(|tally| tally.done).sum();
    let failed = examined.complaints.len() + examined.unlisted;
    let letters = examined.letters.len();
    let receipts = examined.letters.iter().filter(|letter| letter.receipt.is_some()).count();
    let counts = format!(
        "The bundle holds {letters} envelopes with {receipts} receipts and {} events of the file.",
        examined.events
    );
    match verdict {
        Verdict::Holds => format!(
            "All {done} checks hold. {counts} Every signature was made with a key that the States named stand for, and \
             no two documents contradict each other."
        ),
        Verdict::HoldsWithin => format!(
            "All {done} checks hold within the bundle. {counts} But nobody outside the bundle confirmed that the root \
             certificates are those of the States: whoever made the bundle could have made them too. Obtain the \
             fingerprints from the States by another channel and check again with them."
        ),
        Verdict::Fails if done == 0 => {
            "It cannot be read as a bundle at all. Nothing can be said about what is in it.".to_owned()
        }
        Verdict::Fails => format!(
            "{failed} of {done} checks do not hold; they are listed under \"What is wrong\". Do not rely on the parts \
             that are named there. {counts} What is said below of other parts was checked and holds for them alone."
        ),
    }
}

fn row(letter: &Letter) -> Row {
    let at = |word: &str| letter.step(word).map(|step| step.at);
    let missing = letter.negatives.iter().map(|one| format!("{} ({}) at {}", one.word, one.level, one.at));
    let rejected = at("rejected").map(|at| format!("rejected at {at}"));
    Row {
        number: letter.dir.split('-').next().unwrap_or_default().to_owned(),
        envelope: letter.envelope.clone(),
        kind: letter.kind.clone(),
        from: letter.from.clone(),
        to: letter.to.clone(),
        digest: letter.digest,
        signed: letter.statement.as_ref().map(|statement| statement.at),
        submitted: at("submitted"),
        relayed: at("relayed"),
        received: letter.receipt.as_ref().map(|receipt| receipt.at),
        opened: at("opened"),
        missing: missing.chain(rejected).collect(),
    }
}

fn notes(examined: &Examined) -> Vec<String> {
    let mut notes = examined.notes.clone();
    if !examined.unknown.is_empty() {
        let shown: Vec<&str> = examined.unknown.iter().take(10).map(String::as_str).collect();
        notes.push(format!(
            "{} files are on the packing list and were not looked into, because their names are not known: {}.",
            examined.unknown.len(),
            shown.join(", ")
        ));
    }
    notes
}

/// `a`, `a and b`, `a, b and c`.
fn join(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
