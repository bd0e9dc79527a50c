//! Why a package was not opened, and what to do about it.

use crate::{
    age::AgeError, archive::ArchiveFault, bag::BagFault, open_stream::StreamFault, verify::VerifyFault,
};
use std::io;
use vocabulary::{Failure, Family, Report};

/// Why a package was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("something is already at the place of the output")]
    OutExists,
    #[error("opening was stopped")]
    Cancelled,
    #[error("the key did not open the package key: {0}")]
    Keys(Report),
    #[error("the inner signature does not hold: {0}")]
    Signature(Report),
    #[error("inside the encryption, {0}")]
    Signer(VerifyFault),
    #[error("the label inside the encryption is not the label outside")]
    Label,
    #[error("in `{part}` or at the end of the part before it: {error}")]
    Stream { part: String, error: AgeError },
    #[error(transparent)]
    Bag(#[from] BagFault),
    #[error(transparent)]
    Age(#[from] AgeError),
    #[error(transparent)]
    Archive(#[from] ArchiveFault),
    #[error("the outer bag does not hold: {0}")]
    Outer(Report),
    #[error("the package could not be read")]
    Read(#[source] io::Error),
    #[error("the output could not be written")]
    Write(#[source] io::Error),
}

impl OpenError {
    pub(crate) fn place(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::OutExists,
            _ => Self::Write(error),
        }
    }

    pub(crate) fn from_age(error: AgeError) -> Self {
        match error {
            AgeError::Read(source) => Self::from_read(source),
            other => Self::Age(other),
        }
    }

    pub(crate) fn from_read(error: io::Error) -> Self {
        let error = match error.downcast::<StreamFault>() {
            Ok(fault) => return Self::Stream { part: fault.part, error: fault.error },
            Err(other) => other,
        };
        let error = match error.downcast::<AgeError>() {
            Ok(age) => return Self::from_age(age),
            Err(other) => other,
        };
        let error = match error.downcast::<ArchiveFault>() {
            Ok(fault) => return Self::Archive(fault),
            Err(other) => other,
        };
        let error = match error.downcast::<BagFault>() {
            Ok(fault) => return Self::Bag(fault),
            Err(other) => other,
        };
        error.downcast::<Self>().unwrap_or_else(Self::Read)
    }

    /// The failure that this one passes on, if any.
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Signer(error) => Some(error),
            Self::Stream { error, .. } | Self::Age(error) => Some(error),
            Self::Bag(error) => Some(error),
            Self::Archive(error) => Some(error),
            _ => None,
        }
    }
}

impl Failure for OpenError {
    fn family(&self) -> Family {
        match self {
            Self::OutExists | Self::Cancelled => Family::Refusal,
            Self::Keys(report) | Self::Signature(report) | Self::Outer(report) => report.family,
            Self::Read(_) | Self::Write(_) => Family::Fault,
            other => other.inner().map_or(Family::PeerFault, Failure::family),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::OutExists => "R-340",
            Self::Cancelled => "R-341",
            Self::Label => "P-340",
            Self::Signature(_) => "P-342",
            Self::Outer(_) => "P-343",
            Self::Keys(_) => "F-342",
            Self::Read(_) => "F-340",
            Self::Write(_) => "F-341",
            other => other.inner().map_or("P-340", Failure::code),
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::Keys(report) | Self::Signature(report) | Self::Outer(report) => report.clause.clone(),
            other => other.inner().and_then(Failure::clause),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::OutExists => "choose a place where nothing is yet".to_owned(),
            Self::Cancelled => "start again when ready".to_owned(),
            Self::Keys(report) | Self::Signature(report) | Self::Outer(report) => report.remedy.clone(),
            Self::Read(_) => "check the disk that holds the package and try again".to_owned(),
            Self::Write(_) => "check the space and the permissions of the disk, and try again".to_owned(),
            other => other.inner().map_or_else(
                || "keep the package as it is and tell the sending office".to_owned(),
                Failure::remedy,
            ),
        }
    }

    /// A report that a key or a signature check made is passed on as it is.
    fn report(&self) -> Report {
        match self {
            Self::Keys(report) | Self::Signature(report) | Self::Outer(report) => report.clone(),
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
