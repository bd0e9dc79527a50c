//! The form of one kind of request, as its file in `kinds/` describes it.

use crate::finding::Severity;
use crate::item::DataClass;
use crate::measure::Measure;
use crate::rule::Rule;
use crate::table;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{collections::BTreeSet, fmt, ops::Deref};
use vocabulary::OfficeFunction;

/// A row of the table, written by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row(&'static Rule);

impl Deref for Row {
    type Target = Rule;
    fn deref(&self) -> &Rule {
        self.0
    }
}

impl Row {
    pub const fn rule(self) -> &'static Rule {
        self.0
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.0.id)
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let id = String::deserialize(input)?;
        table::rule(&id).map(Self).ok_or_else(|| de::Error::custom(format!("no row has the id `{id}`")))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Form {
    pub title: String,
    /// The row that opens this kind of request.
    rule: Row,
    /// The place among kinds of one article.
    #[serde(default)]
    pub order: u8,
    pub measure: Measure,
    /// The function of the office that sends and of the one that receives.
    pub channel: OfficeFunction,
    /// The row that makes States publish that office.
    pub directory: Row,
    #[serde(default)]
    pub opening: Opening,
    /// May follow a preservation, whose clock then stops, Art. 42(8).
    #[serde(default)]
    pub follows_preservation: bool,
    pub authority: Row,
    /// The row that asks for the offence; none where no offence is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offence: Option<Row>,
    pub dual_criminality: DualCriminality,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<ItemsForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custodian: Option<Row>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<PersonsForm>,
    pub secrecy: Row,
    pub safeguards: SafeguardsForm,
    /// Rules that need more than a text to be there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub checks: BTreeSet<SpecialCheck>,
    pub grounds: GroundsForm,
    /// The row that lets the answer be postponed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postponement: Option<Row>,
    pub contents: Vec<Content>,
    #[serde(default)]
    pub answers: Vec<Answer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ClockForm>,
    /// The test that walks a request of this kind from its draft to its end.
    pub story: String,
    /// The commented form with an example in every field.
    pub template: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Opening {
    /// The other State decides.
    #[default]
    Request,
    /// The other State is told; nobody decides, Arts 40(4) and 51.
    Notice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DualCriminality {
    /// The requested State may ask for it, Art. 40(8).
    Optional,
    /// Granted only where the conduct is a crime in both States, Art. 37(1).
    Required,
    /// Not asked for unless the State reserved it, Art. 42(4) and (5).
    UnlessReserved,
    NotAsked,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ItemsForm {
    pub rule: Row,
    /// `must` where a request of this kind has at least one.
    pub need: Severity,
    pub window: WindowForm,
    pub window_rule: Row,
    pub relation: Severity,
}

/// Where the window of an item lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowForm {
    /// Data that are stored already.
    Past,
    /// Data still to come, within a period that is justified.
    Coming,
    /// A thing, such as property: no window is asked for.
    Open,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PersonsForm {
    pub rule: Row,
    pub need: Severity,
}

/// How much weight the record of Art. 24 has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SafeguardsForm {
    /// `must` for anything beyond subscriber data, else `should`.
    ByClass,
    Must,
    Should,
    Note,
    /// No power of chapter IV is used.
    NotAsked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpecialCheck {
    /// Intention, date and days of a preservation, Arts 42(3)(f) and 42(8).
    PreservationTerm,
    /// Carried only by a stated emergency, Art. 2(o).
    Emergency,
}

/// The grounds on which a request of this kind may be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroundsForm {
    /// All of Art. 40(8), (21), (22) and 36(1).
    Assistance,
    /// Only those that the text names here, such as `40(21)(b)`; and want of dual criminality where it was reserved.
    Only(Row),
    /// Nobody decides.
    Nothing,
}

/// One thing that the request must, should or may say.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Content {
    pub rule: Row,
    /// A field of every draft, such as `facts`, or one of this kind alone, such as `details.sentence`.
    pub field: String,
    pub word: String,
    pub need: Severity,
    pub missing: String,
    pub remedy: String,
    /// The field is asked for only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// Of a field in `details`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueForm>,
}

impl Content {
    /// The name inside `details`.
    pub fn detail(&self) -> Option<&str> {
        self.field.strip_prefix(DETAILS)
    }
}

/// What makes a field necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct When {
    /// A row of articles: the offence is established by one of them.
    pub offences: Row,
    /// Some item is of this class or a more intrusive one, or of no class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<DataClass>,
}

const DETAILS: &str = "details.";

/// What a field in `details` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueForm {
    Text,
    /// A calendar day, `2026-12-15`.
    Date,
    /// With its zone.
    Instant,
    YesNo,
    /// Must be answered with yes, such as a consent.
    Yes,
    /// A whole number between two bounds.
    Number {
        least: u32,
        most: u32,
    },
    OneOf(Vec<String>),
}

impl fmt::Display for ValueForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a text"),
            Self::Date => f.write_str("a date such as `2026-12-15`"),
            Self::Instant => {
                f.write_str("a date and time with its zone, such as `2026-12-15T08:00:00+07:00`")
            }
            Self::YesNo => f.write_str("`true` or `false`"),
            Self::Yes => f.write_str("`true`"),
            Self::Number { least, most } => write!(f, "a whole number from {least} to {most}"),
            Self::OneOf(words) => write!(f, "one of: {}", words.join(", ")),
        }
    }
}

/// One way in which a request of this kind is answered once it was granted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Answer {
    pub word: String,
    pub form: AnswerForm,
    pub says: String,
    pub rule: Row,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerForm {
    /// Data are preserved until a date.
    Preservation,
    /// A sealed package.
    Evidence,
    /// A signed record of what was done.
    Record,
}

/// A time that both States see running.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClockForm {
    pub word: String,
    /// The row with the number, or the one that says that there is none.
    pub rule: Row,
    /// What starts it, in words.
    pub runs: String,
}

impl Form {
    /// `fault` says what is wrong with the text, for whoever wrote the file.
    pub fn read(text: &str) -> Result<Self, String> {
        let form: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        form.check()?;
        Ok(form)
    }

    /// The row that opens this kind of request.
    pub const fn rule(&self) -> &'static Rule {
        self.rule.rule()
    }

    /// True where an answer may have this form.
    pub fn gives(&self, form: AnswerForm) -> bool {
        self.answers.iter().any(|answer| answer.form == form)
    }

    /// The way of answering with this word.
    pub fn answer(&self, word: &str) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.word == word)
    }

    /// The field in `details` with this name.
    pub fn detail(&self, name: &str) -> Option<&Content> {
        self.contents.iter().find(|content| content.detail() == Some(name))
    }

    fn check(&self) -> Result<(), String> {
        for content in &self.contents {
            let known = match content.detail() {
                Some(_) => content.value.is_some(),
                None => content.value.is_none() && FIELDS.contains(&content.field.as_str()),
            };
            if !known {
                return Err(format!("`{}` is no field, or lacks or has a value of its own", content.field));
            }
        }
        let words: BTreeSet<&str> = self.answers.iter().map(|answer| answer.word.as_str()).collect();
        if words.len() != self.answers.len() {
            return Err("two answers have the same word".to_owned());
        }
        if self.answers.is_empty() != (self.opening == Opening::Notice) {
            return Err("a request has answers, and a notice has none".to_owned());
        }
        Ok(())
    }
}

/// The fields of every draft whose presence a form may ask for.
pub(crate) const FIELDS: &[&str] = &[
    "facts",
    "necessity",
    "assistance",
    "procedure",
    "purpose",
    "proceeding.nature",
    "proceeding.subject",
    "conducting_authority.name",
    "conducting_authority.functions",
    "conducting_authority.proceeding_reference",
    "custodian.name",
    "custodian.location",
    "deadline.wished",
    "urgency.danger",
];

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENTS: &str = include_str!("../kinds/statements.toml");
    const NOTICE: &str = include_str!("../kinds/spontaneous-information.toml");

    fn fault(text: &str) -> String {
        Form::read(text).unwrap_err()
    }

    fn changed(text: &str, from: &str, to: &str) -> String {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    }

    #[test]
    fn a_form_with_an_unknown_row_or_field_is_refused() {
        assert!(Form::read(STATEMENTS).is_ok() && Form::read(NOTICE).is_ok());
        let row = changed(STATEMENTS, "rule = \"assistance.contents.b\"", "rule = \"assistance.contents.z\"");
        assert!(fault(&row).contains("no row has the id `assistance.contents.z`"));
        let key = changed(STATEMENTS, "story = ", "colour = \"red\"\nstory = ");
        assert!(fault(&key).contains("colour"));
        let field = changed(STATEMENTS, "field = \"facts\"", "field = \"fact\"");
        assert!(fault(&field).contains("`fact` is no field"));
        let value = changed(STATEMENTS, "value = \"text\"\n", "");
        assert!(fault(&value).contains("lacks or has a value"));
    }

    #[test]
    fn a_form_with_two_answers_of_one_word_is_refused() {
        let twice = changed(STATEMENTS, "word = \"not-found\"", "word = \"heard\"");
        assert_eq!(fault(&twice), "two answers have the same word");
    }

    #[test]
    fn a_notice_has_no_answers_and_a_request_has_some() {
        let expected = "a request has answers, and a notice has none";
        let asked = changed(NOTICE, "opening = \"notice\"\n", "");
        assert_eq!(fault(&asked), expected);
        let answered = changed(STATEMENTS, "order = 10", "opening = \"notice\"");
        assert_eq!(fault(&answered), expected);
    }

    #[test]
    fn every_field_that_a_form_may_ask_for_is_read_somewhere() {
        for field in FIELDS {
            let form = changed(STATEMENTS, "field = \"facts\"", &format!("field = \"{field}\""));
            assert!(Form::read(&form).is_ok(), "{field}");
        }
    }
}
