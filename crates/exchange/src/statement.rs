//! A statement: the JSON whose exact bytes an office signs, and that is kept.

use crate::{MAX_FILES_ANNOUNCED, MAX_TEXT_BYTES, Message, message::Decision};
use seal::Verified;
use serde::{Deserialize, Serialize};
use vocabulary::{EnvelopeId, Failure, Family, FileId, Instant, OfficeId, StateCode};

const FORMAT: &str = "rogatory/statement/1";

/// Who says what to whom about which file. It names its envelope, so that it cannot be put into another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    pub format: String,
    pub envelope: EnvelopeId,
    pub file: FileId,
    pub from: OfficeId,
    pub to: OfficeId,
    pub at: Instant,
    pub message: Message,
}

impl Statement {
    pub fn new(
        envelope: EnvelopeId,
        file: FileId,
        from: OfficeId,
        to: OfficeId,
        at: Instant,
        message: Message,
    ) -> Self {
        Self { format: FORMAT.to_owned(), envelope, file, from, to, at, message }
    }

    pub fn to_json(&self) -> Result<Vec<u8>, StatementFault> {
        serde_json::to_vec(self).map_err(|_| StatementFault::Unwritable)
    }

    /// Reads a statement that was verified; the size was limited when it was opened.
    pub fn from_json(bytes: &[u8]) -> Result<Self, StatementFault> {
        let statement: Self = serde_json::from_slice(bytes)
            .map_err(|error| StatementFault::Json { line: error.line(), column: error.column() })?;
        if statement.format != FORMAT {
            return Err(StatementFault::Format { found: statement.format.chars().take(64).collect() });
        }
        statement.check_lengths()?;
        Ok(statement)
    }

    /// Reads what `signer` signed and checks that it is the statement of the envelope in which it came.
    pub fn of_envelope(
        signed: &Verified<Vec<u8>>,
        envelope: EnvelopeId,
        sender: StateCode,
        addressee: OfficeId,
    ) -> Result<Self, StatementFault> {
        let statement = Self::from_json(signed.value())?;
        if statement.from != signed.signer() {
            return Err(StatementFault::OtherSigner { expected: statement.from, found: signed.signer() });
        }
        if statement.envelope != envelope {
            return Err(StatementFault::OtherEnvelope { expected: envelope, found: statement.envelope });
        }
        if statement.from.state != sender || statement.to != addressee {
            return Err(StatementFault::OtherAddress {
                from: OfficeId::new(sender, statement.from.function),
                to: addressee,
                found_from: statement.from,
                found_to: statement.to,
            });
        }
        Ok(statement)
    }

    fn check_lengths(&self) -> Result<(), StatementFault> {
        let texts: Vec<&str> = match &self.message {
            Message::Decision { decision, .. } => match decision {
                Decision::Granted { conditions } => conditions.iter().map(String::as_str).collect(),
                Decision::Postponed { reasons } | Decision::Refused { reasons, .. } => vec![reasons],
            },
            Message::Consultation { text } => vec![text],
            Message::ExtensionRequest { reason, .. } | Message::Withdrawal { reason } => vec![reason],
            Message::Preserved { zone, .. } => vec![zone],
            Message::Evidence(announcement) => {
                announcement.check()?;
                announcement.exhibits.iter().map(|exhibit| exhibit.name.as_str()).collect()
            }
            Message::Rejection { report, .. } => {
                let clause = report.clause.iter().map(String::as_str);
                clause.chain([report.code.as_str(), &report.message, &report.remedy]).collect()
            }
            Message::Request { .. } | Message::Extended { .. } | Message::Closing { .. } => Vec::new(),
        };
        match texts.into_iter().map(str::len).find(|length| *length > MAX_TEXT_BYTES) {
            Some(found) => Err(StatementFault::TextTooLong { found }),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    #[error("the statement cannot be written as JSON")]
    Unwritable,
    #[error("the signed content is not a statement (line {line} column {column})")]
    Json { line: usize, column: usize },
    #[error("the statement has the format `{found}`, expected `{FORMAT}`")]
    Format { found: String },
    #[error("a text in the statement has {found} bytes, more than {MAX_TEXT_BYTES}")]
    TextTooLong { found: usize },
    #[error("the announcement lists {found} files, more than {MAX_FILES_ANNOUNCED}")]
    TooManyFiles { found: usize },
    #[error("the announcement does not stand: {what}")]
    Announcement { what: &'static str },
    #[error("the statement is for the envelope `{found}` and came in `{expected}`")]
    OtherEnvelope { expected: EnvelopeId, found: EnvelopeId },
    #[error(
        "the statement is addressed from `{found_from}` to `{found_to}`, its envelope from `{from}` to `{to}`"
    )]
    OtherAddress { from: OfficeId, to: OfficeId, found_from: OfficeId, found_to: OfficeId },
    #[error("the statement is signed by `{found}` and speaks for `{expected}`")]
    OtherSigner { expected: OfficeId, found: OfficeId },
}

impl Failure for StatementFault {
    fn family(&self) -> Family {
        match self {
            Self::Unwritable => Family::Fault,
            _ => Family::PeerFault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Unwritable => "F-501",
            Self::Json { .. } => "P-501",
            Self::Format { .. } => "P-502",
            Self::TextTooLong { .. } => "P-503",
            Self::TooManyFiles { .. } => "P-504",
            Self::Announcement { .. } => "P-508",
            Self::OtherEnvelope { .. } => "P-505",
            Self::OtherAddress { .. } => "P-506",
            Self::OtherSigner { .. } => "P-507",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("spec/02-exchange.md, statement".to_owned())
    }
    fn remedy(&self) -> String {
        "tell the other State's operators; the envelope is kept as it came".to_owned()
    }
}
