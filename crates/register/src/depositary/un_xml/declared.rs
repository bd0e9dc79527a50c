//! What participants said beside signing: sections of free text, parted by participant and by occasion.

use super::super::{EventKind, participants};
use super::{article_of::provisions, cell};
use jiff::civil::Date;

/// A part of the file with free text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Declarations,
    DeclarationsUnderArticle,
    Objections,
    Notifications,
    TerritorialApplications,
    /// Footnotes and their texts: nothing is taken of them.
    EndNotes,
}

impl Section {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "declarations" => Self::Declarations,
            "declarationsunderarticle" => Self::DeclarationsUnderArticle,
            "objections" => Self::Objections,
            "notifications" => Self::Notifications,
            "territorialapplications" => Self::TerritorialApplications,
            "endnotes" => Self::EndNotes,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Declarations => "Declarations",
            Self::DeclarationsUnderArticle => "DeclarationsUnderArticle",
            Self::Objections => "Objections",
            Self::Notifications => "Notifications",
            Self::TerritorialApplications => "TerritorialApplications",
            Self::EndNotes => "EndNotes",
        }
    }

    pub(super) fn kind(self) -> EventKind {
        match self {
            Self::Declarations | Self::DeclarationsUnderArticle | Self::EndNotes => EventKind::Declaration,
            Self::Objections => EventKind::Objection,
            Self::Notifications => EventKind::Notification,
            Self::TerritorialApplications => EventKind::TerritorialApplication,
        }
    }
}

/// All that one participant said in one section.
#[derive(Debug)]
pub(super) struct Spoken {
    pub(super) section: Section,
    pub(super) name: String,
    pub(super) text: String,
}

impl Spoken {
    pub(super) fn new(section: Section) -> Self {
        Self { section, name: String::new(), text: String::new() }
    }
}

/// When the participant signed and when it was bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dates {
    pub(super) signed: Option<Date>,
    pub(super) bound: Option<Date>,
}

/// One statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: EventKind,
    pub(super) date: Option<Date>,
    pub(super) articles: Vec<String>,
    pub(super) relates_to: Option<String>,
    pub(super) text: String,
}

/// The statements, parted at the headings `Upon signature:` and `Upon ratification:` of the depositary.
pub(super) fn parts(spoken: &Spoken, dates: Dates) -> Vec<Part> {
    let mut occasion = dates.bound.or(dates.signed);
    let mut parts = Vec::new();
    for line in lines(&spoken.text) {
        if let Some(heading) = heading(&line) {
            occasion = if heading.contains("signature") { dates.signed } else { dates.bound };
            continue;
        }
        parts.push((occasion, line));
    }
    let mut joined: Vec<(Option<Date>, String)> = Vec::new();
    for (date, line) in parts {
        match joined.last_mut().filter(|(known, _)| *known == date) {
            Some((_, text)) => {
                text.push('\n');
                text.push_str(&line);
            }
            None => joined.push((date, line)),
        }
    }
    joined.into_iter().map(|(date, text)| part(spoken, date, text)).collect()
}

fn part(spoken: &Spoken, occasion: Option<Date>, text: String) -> Part {
    let own = matches!(spoken.section, Section::Declarations | Section::DeclarationsUnderArticle);
    let kind = match spoken.section {
        Section::Declarations if text.to_lowercase().contains("reserv") => EventKind::Reservation,
        section => section.kind(),
    };
    Part {
        kind,
        // A declaration belongs to its occasion; the others are made on a day of their own.
        date: if own { occasion } else { first_date(&text).or(occasion) },
        articles: provisions(&text),
        relates_to: (kind == EventKind::Objection).then(|| objected(spoken, &text)).flatten(),
        text,
    }
}

/// Lines without tags; a line is what the file broke, not what the screen would.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(cell::plain).filter(|line| !line.is_empty()).collect()
}

/// `Upon ratification:`, `Made upon signature`: a short line of its own.
fn heading(line: &str) -> Option<String> {
    let lower = line.to_lowercase();
    let short = lower.trim_end_matches([':', '.']).split_whitespace().count() <= 4;
    (short && lower.contains("upon ")).then_some(lower)
}

fn first_date(text: &str) -> Option<Date> {
    let words: Vec<&str> =
        text.split_whitespace().map(|word| word.trim_end_matches([',', '.', ';', ':'])).collect();
    words.windows(3).find_map(|three| match three {
        [day, month, year] => cell::date(day.trim_start_matches('('), month, year.trim_end_matches(')')),
        _ => None,
    })
}

/// The one other participant whose full name is in the text.
fn objected(spoken: &Spoken, text: &str) -> Option<String> {
    let own = super::participant_by_name(&cell::plain(&spoken.name)).map(|found| found.code);
    let mut named: Vec<_> =
        participants().iter().filter(|other| Some(other.code) != own && text.contains(&other.name)).collect();
    // `Niger` is in `Nigeria`: a name inside another that was found does not count.
    let names: Vec<&str> = named.iter().map(|other| other.name.as_str()).collect();
    named.retain(|other| !names.iter().any(|name| *name != other.name && name.contains(&other.name)));
    match named.as_slice() {
        [one] => Some(one.code.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<Date> {
        Some(text.parse().unwrap())
    }

    fn said(section: Section, name: &str, text: &str) -> Vec<Part> {
        let spoken = Spoken { section, name: name.to_owned(), text: text.to_owned() };
        parts(&spoken, Dates { signed: day("2025-10-25"), bound: day("2026-02-12") })
    }

    #[test]
    fn statements_are_parted_by_the_occasion_on_which_they_were_made() {
        let found = said(
            Section::Declarations,
            "Qatar",
            "Upon signature:\nA declaration on article 40, paragraph 13.\n<i>Upon ratification:</i>\nThe State makes a reservation\nto articles 14 to 16.",
        );
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].kind, found[0].date), (EventKind::Declaration, day("2025-10-25")));
        assert_eq!((found[1].kind, found[1].date), (EventKind::Reservation, day("2026-02-12")));
        assert_eq!(found[1].articles, ["14", "15", "16"]);
    }

    #[test]
    fn an_objection_names_its_own_day_and_the_state_whose_reservation_it_meets() {
        let found = said(
            Section::Objections,
            "France",
            "5 March 2026:\nFrance objects to the reservation made by Qatar to article 14.",
        );
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].date, found[0].relates_to.as_deref()), (day("2026-03-05"), Some("QA")));
        assert_eq!(
            said(Section::Objections, "France", "against Nigeria")[0].relates_to.as_deref(),
            Some("NG")
        );
        assert_eq!(said(Section::Objections, "France", "against Qatar and Peru")[0].relates_to, None);
    }
}
