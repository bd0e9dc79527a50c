//! Who may take part in the Convention: the depositary's names, ISO codes, and which of them are organizations.

use serde::Serialize;
use std::{collections::HashMap, sync::LazyLock};
use vocabulary::StateCode;

/// A State or a regional economic integration organization, Art. 64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Participant {
    pub code: StateCode,
    /// ISO 3166-1 alpha-3; organizations have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha3: Option<String>,
    pub name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Its instrument is not counted, Art. 65(1).
    pub organization: bool,
}

struct Table {
    all: Vec<Participant>,
    by_code: HashMap<StateCode, usize>,
    by_name: HashMap<String, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { all: Vec::new(), by_code: HashMap::new(), by_name: HashMap::new() };
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_reader(include_bytes!("../../data/participants.csv").as_slice());
    for row in reader.records().flatten() {
        let field = |at: usize| row.get(at).unwrap_or("");
        let Ok(code) = field(0).parse::<StateCode>() else { continue };
        let participant = Participant {
            code,
            alpha3: Some(field(1)).filter(|text| !text.is_empty()).map(ToOwned::to_owned),
            name: field(3).to_owned(),
            aliases: field(4).split('|').filter(|text| !text.is_empty()).map(ToOwned::to_owned).collect(),
            organization: field(2) == "organization",
        };
        let at = table.all.len();
        for name in participant.aliases.iter().chain([&participant.name]) {
            table.by_name.insert(folded(name), at);
        }
        table.by_code.insert(code, at);
        table.all.push(participant);
    }
    table
});

/// All of them, by name.
pub fn participants() -> &'static [Participant] {
    &TABLE.all
}

pub fn participant(code: StateCode) -> Option<&'static Participant> {
    TABLE.all.get(*TABLE.by_code.get(&code)?)
}

pub fn participant_by_alpha3(alpha3: &str) -> Option<&'static Participant> {
    participants().iter().find(|participant| participant.alpha3.as_deref() == Some(alpha3))
}

/// Compared without case, accents, punctuation, spaces and the digits of footnotes.
pub fn participant_by_name(name: &str) -> Option<&'static Participant> {
    TABLE.all.get(*TABLE.by_name.get(&folded(name))?)
}

/// Whether the code is of an organization, whose instrument is not counted.
pub(super) fn is_organization(code: StateCode) -> bool {
    participant(code).is_some_and(|participant| participant.organization)
}

/// The name of the table, else the code itself.
pub(super) fn name_of(code: StateCode) -> String {
    participant(code).map_or_else(|| code.to_string(), |participant| participant.name.clone())
}

/// Letters only, in lower case, Latin letters without their accents; `the` and `of` stay.
fn folded(name: &str) -> String {
    name.chars().filter_map(letter).flat_map(char::to_lowercase).collect()
}

fn letter(letter: char) -> Option<char> {
    Some(match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'À' | 'Á' | 'Â' | 'Ã' | 'Ä' | 'Å' => 'a',
        'ç' | 'Ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' | 'È' | 'É' | 'Ê' | 'Ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'İ' | 'ı' => 'i',
        'ñ' | 'Ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' | 'Ù' | 'Ú' | 'Û' | 'Ü' => 'u',
        other if other.is_alphabetic() => other,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn code(name: &str) -> Option<String> {
        participant_by_name(name).map(|found| found.code.to_string())
    }

    #[test]
    fn every_row_has_its_own_codes_and_names() {
        let all = participants();
        assert_eq!(all.len(), 198, "193 members of the United Nations, 4 other States, 1 organization");
        let codes: BTreeSet<_> = all.iter().map(|row| row.code).collect();
        let names: BTreeSet<_> = all
            .iter()
            .flat_map(|row| row.aliases.iter().chain([&row.name]))
            .map(|name| folded(name))
            .collect();
        let written = all.iter().map(|row| 1 + row.aliases.len()).sum::<usize>();
        assert_eq!(codes.len(), all.len());
        // `The Bahamas` and `Bahamas (The)` differ; an alias that only differs in accents would be idle.
        assert_eq!(names.len(), written);
        assert!(all.iter().all(|row| row.organization || row.alpha3.as_ref().is_some_and(|a| a.len() == 3)));
        assert!(codes.iter().all(|code| !code.is_exercise()));
        assert_eq!(all.iter().filter(|row| row.organization).count(), 1);
    }

    #[test]
    fn the_spellings_of_the_united_nations_are_found_with_footnote_marks_and_without() {
        for (name, expected) in [
            ("Türkiye", "TR"),
            ("Turkey", "TR"),
            ("Viet Nam", "VN"),
            ("Democratic People's Republic of Korea", "KP"),
            ("Democratic People’s Republic of Korea", "KP"),
            ("Republic of Korea", "KR"),
            ("Côte d'Ivoire", "CI"),
            ("Cote d’Ivoire", "CI"),
            ("Netherlands (Kingdom of the) 3, 4", "NL"),
            ("Venezuela (Bolivarian Republic of)", "VE"),
            ("European Union 1", "EU"),
            ("Iran (Islamic Republic of)", "IR"),
            ("Lao People's Democratic Republic", "LA"),
            ("CHINA", "CN"),
        ] {
            assert_eq!(code(name).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(code("Atlantis"), None);
        assert_eq!(code(""), None);
    }

    #[test]
    fn three_letters_lead_to_two() {
        let found = |alpha3| participant_by_alpha3(alpha3).map(|row| row.code.to_string());
        assert_eq!(found("VNM").as_deref(), Some("VN"));
        assert_eq!(found("PSE").as_deref(), Some("PS"));
        assert_eq!(found("EUR"), None);
    }
}
