//! Why a machine refuses a command.

use mandate::SameOfficer;
use treaty::GroundError;
use vocabulary::{Failure, Family};

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("`{command}` does not follow `{stage}`; the file must be `{needed}`")]
    Stage { command: &'static str, stage: &'static str, needed: &'static str },
    #[error("the file exists already")]
    Exists,
    #[error("there is no such file")]
    NoFile,
    #[error("this was done already: {what}")]
    Already { what: &'static str },
    #[error(transparent)]
    SameOfficer(#[from] SameOfficer),
    #[error(transparent)]
    Ground(#[from] GroundError),
    #[error("the draft changed after it was submitted: expected `{expected}`, found `{found}`")]
    DraftChanged { expected: String, found: String },
    #[error("{what}")]
    Rule { code: &'static str, what: String, clause: String, remedy: String },
}

impl Failure for Refused {
    fn family(&self) -> Family {
        Family::Refusal
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Stage { .. } => "R-201",
            Self::Exists => "R-202",
            Self::NoFile => "R-203",
            Self::Already { .. } => "R-204",
            Self::SameOfficer(error) => error.code(),
            Self::Ground(error) => error.code(),
            Self::DraftChanged { .. } => "R-205",
            Self::Rule { code, .. } => code,
        }
    }
    fn clause(&self) -> Option<String> {
        match self {
            Self::SameOfficer(error) => error.clause(),
            Self::Ground(error) => error.clause(),
            Self::Rule { clause, .. } => Some(clause.clone()),
            _ => None,
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::Stage { .. } | Self::Already { .. } => {
                "look at the file (`rogatory file show FILE`) and give the command that its state allows"
                    .to_owned()
            }
            Self::Exists => "open the file that exists".to_owned(),
            Self::NoFile => {
                "check the id with `rogatory request list` or `rogatory incoming list`".to_owned()
            }
            Self::SameOfficer(error) => error.remedy(),
            Self::Ground(error) => error.remedy(),
            Self::DraftChanged { .. } => {
                "look at the draft again, then approve what was submitted".to_owned()
            }
            Self::Rule { remedy, .. } => remedy.clone(),
        }
    }
}
