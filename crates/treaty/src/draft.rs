//! A draft: an untrusted request as a person wrote it, or as another State sent it.

use crate::basis::LegalBasis;
use crate::detail::Detail;
use crate::item::Item;
use crate::kind::Kind;
use crate::offence::Offence;
use crate::safeguard::SafeguardRecord;
use crate::written;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vocabulary::{Failure, Family, FileId, Instant, Language, StateCode};

/// A larger draft is refused unread.
pub const MAX_DRAFT_BYTES: usize = 1024 * 1024;

/// Nearly every field is optional, so that `check` can report all that is missing at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    pub kind: Kind,
    /// The requested State.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<StateCode>,
    /// The requesting authority's own reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<LegalBasis>,
    /// The language this request is written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<String>,
    /// Why the data must be preserved now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub necessity: Option<String>,
    /// What the requested State is asked to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistance: Option<String>,
    /// A particular procedure wished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Preservation: a request for legal assistance will follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intends_mla: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::date")]
    pub expected_mla_date: Option<Date>,
    /// Preservation: calendar days asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_days: Option<u32>,
    /// Stored data: the preservation file that this request follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preservation_file: Option<FileId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requesting_authority: Option<Authority>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conducting_authority: Option<ConductingAuthority>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proceeding: Option<Proceeding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offence: Option<Offence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custodian: Option<Custodian>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidentiality: Option<Confidentiality>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safeguards: Option<SafeguardRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub persons: Vec<Person>,
    /// What only this kind of request says, by the names in its form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, Detail>,
    /// The request in further languages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub translations: Vec<Translation>,
}

/// The authority that asks, Arts 40(15)(a) and 42(3)(a).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The unit inside the authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// Person, telephone with country code, e-mail, hours and time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functions: Option<String>,
}

/// The authority that conducts the case, Art. 40(15)(b).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConductingAuthority {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functions: Option<String>,
    /// The case number at that authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proceeding_reference: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proceeding {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nature: Option<Nature>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// The nature of the proceeding, Art. 40(15)(b).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nature {
    Investigation,
    Prosecution,
    JudicialProceeding,
}

/// What is known of who holds the data and where, Arts 40(15)(e) and 42(3)(d).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custodian {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// A deadline wished, Art. 40(26); only one with reasons counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::instant")]
    pub wished: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Urgency {
    pub level: UrgencyLevel,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Emergency: the danger to life or safety, Art. 2(o).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub danger: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UrgencyLevel {
    Urgent,
    /// Art. 2(o).
    Emergency,
}

/// Secrecy asked for, Arts 40(20) and 42(3)(g); never without a reason and an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confidentiality {
    pub required: bool,
    #[serde(default)]
    pub do_not_notify_user: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::instant")]
    pub until: Option<Instant>,
}

/// A person concerned, where possible and appropriate, Art. 40(15)(e).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nationality: Option<String>,
    /// Suspect, victim, witness or other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// The whole request in another language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Translation {
    pub language: Language,
    pub text: String,
}

impl Draft {
    /// An empty draft of one kind: `check` then lists all it needs.
    pub fn empty(kind: Kind) -> Self {
        Self {
            kind,
            to: None,
            reference: None,
            legal_basis: None,
            language: None,
            facts: None,
            necessity: None,
            assistance: None,
            procedure: None,
            purpose: None,
            intends_mla: None,
            expected_mla_date: None,
            requested_days: None,
            preservation_file: None,
            requesting_authority: None,
            conducting_authority: None,
            proceeding: None,
            offence: None,
            custodian: None,
            deadline: None,
            urgency: None,
            confidentiality: None,
            safeguards: None,
            items: Vec::new(),
            persons: Vec::new(),
            details: BTreeMap::new(),
            translations: Vec::new(),
        }
    }

    pub fn from_toml(text: &str) -> Result<Self, DraftError> {
        refuse_large(text.len())?;
        let reader = toml::Deserializer::parse(text).map_err(|error| unreadable_toml(text, "", &error))?;
        serde_path_to_error::deserialize(reader)
            .map_err(|error| unreadable_toml(text, &error.path().to_string(), error.inner()))
    }

    pub fn from_json(bytes: &[u8]) -> Result<Self, DraftError> {
        refuse_large(bytes.len())?;
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let draft = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| unreadable_json(&error.path().to_string(), error.inner()))?;
        reader.end().map_err(|error| unreadable_json("", &error))?;
        Ok(draft)
    }

    /// The same draft always gives the same bytes: fields in declared order, absent ones left out.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a draft holds only text, numbers and lists: no map key can fail")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    #[error("the request is {found} bytes long, at most {MAX_DRAFT_BYTES} are read")]
    TooLarge { found: usize },
    #[error("line {line}, field `{field}`: {problem}")]
    Unreadable { line: usize, field: String, problem: String },
}

impl Failure for DraftError {
    fn family(&self) -> Family {
        Family::Refusal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "R-101",
            Self::Unreadable { .. } => "R-102",
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::TooLarge { .. } => "shorten the texts and send attachments as evidence".to_owned(),
            Self::Unreadable { .. } => {
                "compare with `rogatory request template KIND`; `rogatory treaty kinds` lists the kinds"
                    .to_owned()
            }
        }
    }
}

fn refuse_large(found: usize) -> Result<(), DraftError> {
    if found > MAX_DRAFT_BYTES { Err(DraftError::TooLarge { found }) } else { Ok(()) }
}

fn unreadable_toml(text: &str, path: &str, error: &toml::de::Error) -> DraftError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
    DraftError::Unreadable {
        line: before.matches('\n').count() + 1,
        field: field_name(path),
        problem: without_values(error.message()),
    }
}

fn unreadable_json(path: &str, error: &serde_json::Error) -> DraftError {
    let message = error.to_string();
    let problem = message.rsplit_once(" at line ").map_or(message.as_str(), |(problem, _)| problem);
    DraftError::Unreadable { line: error.line(), field: field_name(path), problem: without_values(problem) }
}

/// The path with at most 64 characters: a hostile file may choose its own field names.
fn field_name(path: &str) -> String {
    if path.is_empty() || path == "." { "(file)".to_owned() } else { path.chars().take(64).collect() }
}

/// A parser's message without the values it quotes: those may be personal data.
fn without_values(message: &str) -> String {
    let line = message.lines().next().unwrap_or("");
    if let Some((_, expected)) = line.rsplit_once("` is not ") {
        return format!("the value is not {expected}");
    }
    let kept = match (line.find("invalid type"), line.find("invalid value"), line.find("unknown variant")) {
        (Some(_), _, _) => Some("wrong type of value"),
        (_, Some(_), _) => Some("wrong value"),
        (_, _, Some(_)) => Some("unknown word"),
        _ => None,
    };
    match (kept, line.rsplit_once("expected ")) {
        (Some(kept), Some((_, expected))) => format!("{kept}, expected {expected}"),
        (Some(kept), None) => kept.to_owned(),
        (None, _) => line.chars().take(240).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template;

    fn error(toml: &str) -> DraftError {
        Draft::from_toml(toml).unwrap_err()
    }

    #[test]
    fn a_draft_goes_round_as_json_to_the_byte() {
        for &kind in Kind::all() {
            let draft = Draft::from_toml(template(kind)).unwrap();
            let json = draft.to_json();
            let again = Draft::from_json(&json).unwrap();
            assert_eq!(again, draft);
            assert_eq!(again.to_json(), json);
        }
        assert_eq!(Draft::empty(Kind::PRESERVATION).to_json(), br#"{"kind":"preservation"}"#);
    }

    #[test]
    fn toml_and_json_of_the_same_request_are_the_same_draft() {
        let toml =
            Draft::from_toml("kind = \"stored-data\"\nlegal_basis = { bilateral = \"Treaty\" }").unwrap();
        let json =
            Draft::from_json(br#"{"kind":"stored-data","legal_basis":{"bilateral":"Treaty"}}"#).unwrap();
        assert_eq!(toml, json);
        assert_eq!(toml.legal_basis, Some(LegalBasis::Bilateral("Treaty".to_owned())));
    }

    #[test]
    fn an_unreadable_file_names_line_and_field() {
        let cases = [
            ("kind = \"preservation\"\nrequested_days = \"many\"", 2, "requested_days"),
            ("kind = \"extortion\"", 1, "kind"),
            ("kind = \"preservation\"\nto = \"xb\"", 2, "to"),
            (
                "kind = \"preservation\"\n\n[[items]]\nvalue = \"a\"\nfrom = \"2026-11-15T08:00:00\"",
                5,
                "items[0].from",
            ),
            ("kind = \"preservation\"\n[offence]\nbasis = \"murder\"", 3, "offence.basis"),
            ("kind = \"preservation\"\ncolour = \"red\"", 2, "colour"),
            ("kind = \"preservation\"\n[[items]]\nfrom = 2026-11-15T08:00:00", 3, "items[0].from"),
        ];
        for (toml, expected_line, expected_field) in cases {
            match error(toml) {
                DraftError::Unreadable { line, field, .. } => {
                    assert_eq!((line, field.as_str()), (expected_line, expected_field), "{toml}");
                }
                other => panic!("{other}"),
            }
        }
        assert!(error("kind = \"preservation\"\nto = ").to_string().starts_with("line 2"));
        assert!(error("to = \"XB\"").to_string().contains("kind"));
        assert!(error("kind = 1").remedy().contains("rogatory request template"));
    }

    #[test]
    fn an_instant_without_a_zone_says_what_is_missing() {
        let text = "kind = \"preservation\"\n[[items]]\nfrom = \"2026-11-15 08:00\"";
        assert!(error(text).to_string().contains("an instant with a zone"), "{}", error(text));
    }

    #[test]
    fn an_error_holds_no_value_of_the_file() {
        let secret = "Nguyen-Van-Secret";
        let tomls = [
            format!("kind = \"{secret}\""),
            format!("kind = \"preservation\"\nto = \"{secret}\""),
            format!("kind = \"preservation\"\nlanguage = \"{secret} x\""),
            format!("kind = \"preservation\"\nrequested_days = \"{secret}\""),
            format!("kind = \"preservation\"\npreservation_file = \"{secret}\""),
            format!("kind = \"preservation\"\nlegal_basis = \"{secret}\""),
            format!("kind = \"preservation\"\nitems = \"{secret}\""),
            format!("kind = \"preservation\"\n[[items]]\nfrom = \"{secret}\""),
            format!("kind = \"preservation\"\nfacts = \"{secret}\" x"),
            format!("kind = \"preservation\"\nexpected_mla_date = \"{secret}\""),
        ];
        for toml in &tomls {
            assert!(!error(toml).to_string().contains(secret), "{}", error(toml));
        }
        let jsons = [
            format!("{{\"kind\":\"preservation\",\"requested_days\":\"{secret}\"}}"),
            format!("{{\"kind\":\"preservation\",\"offence\":\"{secret}\"}}"),
            format!("{{\"kind\":\"preservation\"}} {secret}"),
        ];
        for json in &jsons {
            assert!(!Draft::from_json(json.as_bytes()).unwrap_err().to_string().contains(secret));
        }
    }

    #[test]
    fn hostile_bytes_are_refused_without_a_panic() {
        let long = vec![b' '; MAX_DRAFT_BYTES + 1];
        assert_eq!(Draft::from_json(&long), Err(DraftError::TooLarge { found: MAX_DRAFT_BYTES + 1 }));
        let deep_json = "[".repeat(100_000);
        let deep_toml = format!("kind = {}", "[".repeat(100_000));
        let deep_tables = format!("{}a = 1", "a.".repeat(100_000));
        assert!(Draft::from_json(deep_json.as_bytes()).is_err());
        assert!(Draft::from_toml(&deep_toml).is_err());
        assert!(Draft::from_toml(&deep_tables).is_err());
        assert!(Draft::from_json(&[0xff, 0xfe, 0x00]).is_err());
        assert!(Draft::from_json(br#"{"kind":"preservation","kind":"stored-data"}"#).is_err());
        assert!(Draft::from_json(br#"{"kind":"preservation"}{}"#).is_err());
        let field = "x".repeat(100_000);
        let json = format!("{{\"kind\":\"preservation\",\"{field}\":1}}");
        assert!(Draft::from_json(json.as_bytes()).unwrap_err().to_string().len() < 400);
    }

    #[test]
    fn every_cut_of_a_sound_draft_is_an_error_and_no_panic() {
        let json = Draft::from_toml(template(Kind::STORED_DATA)).unwrap().to_json();
        for end in 0..json.len() {
            assert!(Draft::from_json(&json[..end]).is_err());
        }
    }
}
