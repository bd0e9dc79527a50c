//! Why a file of depositary events, or a log made of them, cannot be read.

use super::{MAX_FILE_BYTES, MAX_ROWS};
use vocabulary::{Failure, Family};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DepositaryError {
    #[error("the file has {found} bytes, more than {MAX_FILE_BYTES}")]
    TooLarge { found: usize },
    #[error("the file is neither the XML of the UN Treaty Collection nor a CSV of depositary events")]
    Unrecognized,
    #[error("the file is a web page, not data; the site answers so during maintenance")]
    WebPage,
    #[error("the XML is not well-formed at byte {at}")]
    Xml { at: u64 },
    #[error("the XML declares or uses an entity that is not one of the five of XML, at byte {at}")]
    Entity { at: u64 },
    #[error("the XML is nested deeper than {most} elements")]
    Deep { most: usize },
    #[error("the XML is not about the Convention: its title is `{found}`")]
    OtherTreaty { found: String },
    #[error("the XML has no table of participants with the columns participant and signature")]
    NoTable,
    #[error("line {line} of the CSV is not well-formed")]
    Csv { line: u64 },
    #[error("the CSV has the columns `{found}`, expected `{expected}`")]
    Columns { found: String, expected: String },
    #[error("line {line} of the CSV: `{found}` in the column `{column}` is not {expected}")]
    Field { line: u64, column: &'static str, found: String, expected: &'static str },
    #[error("the CSV does not say to which day it is true; its first lines lack `# as-of: YYYY-MM-DD`")]
    NoDay,
    #[error("the log would have {found} rows, more than {MAX_ROWS}")]
    TooMany { found: usize },
    #[error("two rows have the id `{id}`")]
    SameId { id: String },
    #[error("the row `{id}` supersedes `{other}`, which is not a row of the same participant before it")]
    Supersedes { id: String, other: String },
    #[error("two rows, `{id}` and `{other}`, supersede the same row")]
    SupersededTwice { id: String, other: String },
    #[error("`{found}` is not a participant that the table of States and organizations knows")]
    Unknown { found: String },
    #[error("the rows are true to {found}, the register already to {known}")]
    Older { known: String, found: String },
    #[error("the rows are true to {found}, which is after today, {today}")]
    Future { found: String, today: String },
}

impl DepositaryError {
    /// Keeps at most 64 characters of what was found.
    pub(super) fn short(text: &str) -> String {
        text.chars().take(64).collect()
    }
}

impl Failure for DepositaryError {
    fn family(&self) -> Family {
        Family::Refusal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "R-600",
            Self::Unrecognized => "R-601",
            Self::WebPage => "R-602",
            Self::Xml { .. } => "R-603",
            Self::Entity { .. } => "R-604",
            Self::Deep { .. } => "R-605",
            Self::OtherTreaty { .. } => "R-606",
            Self::NoTable => "R-607",
            Self::Csv { .. } => "R-608",
            Self::Columns { .. } => "R-609",
            Self::Field { .. } => "R-610",
            Self::NoDay => "R-618",
            Self::TooMany { .. } => "R-619",
            Self::SameId { .. } => "R-620",
            Self::Supersedes { .. } => "R-622",
            Self::SupersededTwice { .. } => "R-623",
            Self::Unknown { .. } => "R-624",
            Self::Older { .. } => "R-625",
            Self::Future { .. } => "R-626",
        }
    }

    fn clause(&self) -> Option<String> {
        Some("spec/10-depositary.md".to_owned())
    }

    fn remedy(&self) -> String {
        match self {
            Self::TooLarge { .. } | Self::Unrecognized | Self::OtherTreaty { .. } => {
                "take the XML of chapter XVIII, number 16 from the UN Treaty Collection, or a CSV as `rogatory register export --csv` writes it"
            }
            Self::WebPage => "fetch the file again later, and look at it before importing",
            Self::Xml { .. } | Self::Entity { .. } | Self::Deep { .. } | Self::NoTable => {
                "fetch the file again; if it is the same, write the rows as CSV (`rogatory register export --csv` shows the columns)"
            }
            Self::Csv { .. } | Self::Columns { .. } | Self::Field { .. } => {
                "put the line right; `rogatory register export --csv` shows the columns"
            }
            Self::NoDay => "write the day to which the source was read, or give `--as-of YYYY-MM-DD`",
            Self::TooMany { .. } => "leave out rows that are no depositary events",
            Self::SameId { .. } => "give each row its own id; a correction has a new one and names the old in `supersedes`",
            Self::Supersedes { .. } | Self::SupersededTwice { .. } => {
                "name in `supersedes` the newest row about the same fact"
            }
            Self::Unknown { .. } => "write a code of two letters, of three, or the name as the depositary spells it",
            Self::Older { .. } => "take a newer copy of the source; what is here is kept",
            Self::Future { .. } => "write the day to which the source was read",
        }
        .to_owned()
    }
}
