//! Why nothing was sealed, and what to do about it.

use crate::{age::AgeError, listing::ScanError};
use std::io;
use vocabulary::{Digest, Failure, Family, Report};

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("something is already at the place of the package")]
    OutExists,
    #[error("a part of 0 bytes holds nothing")]
    PartBytes,
    #[error("the package would have more than {limit} parts")]
    TooManyParts { limit: u64 },
    #[error("the package has no addressee")]
    NoAddressee,
    #[error("the package has no exhibit")]
    NoExhibit,
    #[error("the exhibit cannot be called `{name}`: {what}")]
    ExhibitName { name: String, what: &'static str },
    #[error("exhibit `{exhibit}` and its record of intake do not agree about `{path}`")]
    NotRecorded { path: String, exhibit: String },
    #[error("`{path}` is in the package twice")]
    Twice { path: String },
    #[error("`{path}` changed since it was taken in: recorded {expected}, found {found}")]
    Changed { path: String, expected: Digest, found: Digest },
    #[error("the custody record is longer than {limit} bytes")]
    Custody { limit: u64 },
    #[error("sealing was stopped")]
    Cancelled,
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error(transparent)]
    Age(#[from] AgeError),
    #[error("the key refused: {0}")]
    Keys(Report),
    #[error("another program is sealing this now")]
    Busy,
    #[error("the list of files that was made when the exhibit was taken in cannot be read")]
    Record(#[source] io::Error),
    #[error("the package could not be written")]
    Write(#[source] io::Error),
}

impl PackError {
    pub(crate) fn place(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::OutExists,
            _ => Self::Write(error),
        }
    }

    /// Gives back the error that a layer of the stream wrapped.
    pub(crate) fn from_write(error: io::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(own) => return own,
            Err(other) => other,
        };
        match error.downcast::<AgeError>() {
            Ok(age) => Self::Age(age),
            Err(other) => Self::Write(other),
        }
    }

    /// True when the same request can go on later with what is sealed already.
    pub(crate) fn can_go_on(&self) -> bool {
        match self {
            Self::Cancelled | Self::Write(_) | Self::Keys(_) => true,
            Self::Scan(error) => error.family() == Family::Fault,
            _ => false,
        }
    }
}

impl Failure for PackError {
    fn family(&self) -> Family {
        match self {
            Self::Scan(error) => error.family(),
            Self::Age(error) => error.family(),
            Self::Keys(report) => report.family,
            Self::Write(_) | Self::Record(_) => Family::Fault,
            _ => Family::Refusal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::OutExists => "R-320",
            Self::PartBytes => "R-321",
            Self::TooManyParts { .. } => "R-322",
            Self::NoAddressee => "R-323",
            Self::NoExhibit => "R-324",
            Self::ExhibitName { .. } => "R-325",
            Self::NotRecorded { .. } => "R-326",
            Self::Twice { .. } => "R-327",
            Self::Changed { .. } => "R-328",
            Self::Custody { .. } => "R-329",
            Self::Cancelled => "R-330",
            Self::Busy => "R-331",
            Self::Scan(error) => error.code(),
            Self::Age(error) => error.code(),
            Self::Keys(_) => "F-331",
            Self::Write(_) => "F-330",
            Self::Record(_) => "F-332",
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::Changed { .. } | Self::NotRecorded { .. } => Some("ISO/IEC 27037".to_owned()),
            Self::Scan(error) => error.clause(),
            Self::Age(error) => error.clause(),
            Self::Keys(report) => report.clause.clone(),
            _ => None,
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::OutExists => "choose a place where nothing is yet",
            Self::PartBytes => "choose parts of at least 1 byte; 256 MiB is usual",
            Self::TooManyParts { .. } => "choose larger parts",
            Self::NoAddressee => "name at least one certificate that may open the package",
            Self::NoExhibit => "name at least one exhibit",
            Self::ExhibitName { .. } => "give the exhibit another name",
            Self::NotRecorded { .. } => "take the exhibit in again",
            Self::Twice { .. } => "name every file once",
            Self::Changed { .. } => {
                "find out who changed the file and why; take it in again as a new exhibit"
            }
            Self::Custody { .. } => "divide the exhibits over several packages",
            Self::Cancelled => "start again when ready",
            Self::Busy => "wait for it, or stop it first",
            Self::Scan(error) => return error.remedy(),
            Self::Age(error) => return error.remedy(),
            Self::Keys(report) => return report.remedy.clone(),
            Self::Record(_) => "check the node's disk; take the exhibit in again if the list is lost",
            Self::Write(_) => "check the space and the permissions of the disk, and try again",
        }
        .to_owned()
    }

    fn report(&self) -> Report {
        match self {
            Self::Keys(report) => report.clone(),
            _ => Report {
                family: self.family(),
                code: self.code().to_owned(),
                message: self.to_string(),
                clause: self.clause(),
                remedy: self.remedy(),
            },
        }
    }
}
