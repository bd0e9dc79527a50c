//! What can stop the walk: each cause keeps its own code, clause and remedy.

use vocabulary::{Failure, Family, FileId, Report, StateCode};

#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    #[error(transparent)]
    Store(#[from] store::StoreFault),
    #[error(transparent)]
    Key(#[from] keys::KeyFault),
    #[error(transparent)]
    History(#[from] casefile::HistoryBroken),
    #[error(transparent)]
    Refused(#[from] casefile::Refused),
    #[error(transparent)]
    NotPermitted(#[from] mandate::NotPermitted),
    #[error(transparent)]
    Envelope(#[from] exchange::EnvelopeFault),
    #[error(transparent)]
    Statement(#[from] exchange::StatementFault),
    #[error(transparent)]
    Admit(#[from] exchange::AdmitFault),
    #[error(transparent)]
    Proof(#[from] exchange::ProofFault),
    #[error(transparent)]
    Settle(#[from] exchange::SettleFault),
    #[error(transparent)]
    Descriptor(#[from] register::DescriptorError),
    #[error(transparent)]
    Law(#[from] register::law::LawError),
    #[error(transparent)]
    Depositary(#[from] register::DepositaryError),
    #[error(transparent)]
    Unbelieved(#[from] register::Unbelieved),
    #[error(transparent)]
    Open(#[from] seal::OpenError),
    #[error(transparent)]
    Seal(#[from] seal::SealError),
    #[error(transparent)]
    Sign(#[from] seal::SigningError),
    #[error(transparent)]
    Draft(#[from] treaty::DraftError),
    #[error(transparent)]
    Limit(#[from] treaty::LimitError),
    #[error(transparent)]
    Tree(#[from] ledger::TreeError),
    #[error(transparent)]
    Checkpoint(#[from] ledger::CheckpointError),
    #[error(transparent)]
    Cosignature(#[from] ledger::CosignatureError),
    #[error(transparent)]
    Witness(#[from] ledger::WitnessRefusal),
    #[error(transparent)]
    Roster(#[from] mandate::RosterError),
    #[error(transparent)]
    Ping(#[from] exchange::PingFault),
    #[error("there is no ring and no file `{id}` here")]
    NoRing { id: String },
    #[error("{0}")]
    Evidence(Report),
    #[error("the officer `{id}` or the token is not known here")]
    UnknownOfficer { id: String },
    #[error("the short name `{id}` is taken")]
    OfficerExists { id: String },
    #[error("the officer `{id}` was deactivated")]
    OfficerInactive { id: String },
    #[error("the officer name `system` is the node's own")]
    OfficerReserved,
    #[error(
        "a text of {found} bytes; at least one character and at most {} bytes are needed",
        exchange::MAX_TEXT_BYTES
    )]
    Text { found: usize },
    #[error("there is no file `{file}` here that this command is for")]
    NoFile { file: FileId },
    #[error("the State `{state}` is not enrolled here")]
    UnknownPeer { state: StateCode },
    #[error("the exchange with the State `{peer}` is stopped here until an officer lets it go on")]
    Halted { peer: StateCode },
    #[error("the exchange with the State `{peer}` is not stopped")]
    NotHalted { peer: StateCode },
    #[error("there is no finding `{id}`")]
    NoFinding { id: String },
    #[error("the object `{what}` is not in the store; it may have been destroyed")]
    ObjectGone { what: String },
    #[error("the statement speaks about the file `{file}`, which is not one with its State")]
    ForeignFile { file: FileId },
    #[error("the statement is a `{message}`, which `{from}` cannot say in this file")]
    OutOfPlace { message: &'static str, from: String },
    #[error("the statement does not name two different officers")]
    OneOfficer,
    #[error("`{path}`: {source}")]
    Disk { path: String, source: std::io::Error },
    #[error("the manifest of the package `{package}` does not name the parts that were announced")]
    Parts { package: vocabulary::PackageId },
    #[error("the disk of `{path}` has {free} bytes free; {needed} are needed, with what must stay free")]
    NoSpace { path: String, needed: u64, free: u64 },
    #[error("a record in the store cannot be read: {what}")]
    Record { what: &'static str },
}

impl Failure for FlowError {
    fn family(&self) -> Family {
        match self {
            Self::UnknownOfficer { .. }
            | Self::OfficerExists { .. }
            | Self::OfficerReserved
            | Self::OfficerInactive { .. }
            | Self::NoFile { .. }
            | Self::Text { .. }
            | Self::Halted { .. }
            | Self::NotHalted { .. }
            | Self::NoFinding { .. }
            | Self::NoRing { .. }
            | Self::UnknownPeer { .. } => Family::Refusal,
            Self::ForeignFile { .. } | Self::OutOfPlace { .. } | Self::OneOfficer | Self::Parts { .. } => {
                Family::PeerFault
            }
            Self::ObjectGone { .. } | Self::Disk { .. } | Self::NoSpace { .. } | Self::Record { .. } => {
                Family::Fault
            }
            Self::Evidence(report) => report.family,
            other => other.inner().map_or(Family::Fault, Failure::family),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::UnknownOfficer { .. } => "R-155",
            Self::OfficerExists { .. } => "R-156",
            Self::OfficerReserved => "R-157",
            Self::OfficerInactive { .. } => "R-927",
            Self::NoFile { .. } => "R-158",
            Self::Text { .. } => "R-161",
            Self::UnknownPeer { .. } => "R-159",
            Self::Halted { .. } => "R-901",
            Self::NotHalted { .. } => "R-902",
            Self::NoFinding { .. } => "R-903",
            Self::NoRing { .. } => "R-646",
            Self::ForeignFile { .. } => "P-541",
            Self::OutOfPlace { .. } => "P-542",
            Self::OneOfficer => "P-548",
            Self::ObjectGone { .. } => "F-401",
            Self::Disk { .. } => "F-402",
            Self::Parts { .. } => "P-581",
            Self::NoSpace { .. } => "F-580",
            Self::Record { .. } => "F-403",
            Self::Evidence(_) => "F-404",
            other => other.inner().map_or("F-400", Failure::code),
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::ForeignFile { .. } | Self::OutOfPlace { .. } | Self::OneOfficer => {
                Some("spec/02-exchange.md, messages".to_owned())
            }
            Self::Halted { .. } => Some("spec/03-ledger.md, halts".to_owned()),
            Self::Parts { .. } => Some("spec/05-evidence-package.md, in the announcement".to_owned()),
            Self::Evidence(report) => report.clause.clone(),
            other => other.inner().and_then(Failure::clause),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::UnknownOfficer { .. } => {
                "give `--officer` and `--token-file` as they were handed out by `rogatory officer add`"
                    .to_owned()
            }
            Self::OfficerExists { .. } | Self::OfficerReserved => "choose another short name".to_owned(),
            Self::OfficerInactive { .. } => "add the person again under another short name".to_owned(),
            Self::Text { .. } => {
                "write what the other State should read; longer documents travel as evidence".to_owned()
            }
            Self::NoFile { .. } => {
                "check the id with `rogatory request list` or `rogatory incoming list`".to_owned()
            }
            Self::UnknownPeer { .. } => "enrol the State first: `rogatory peer add DESCRIPTOR`".to_owned(),
            Self::Halted { .. } => {
                "look at `rogatory peer halted` and its finding, speak to the other State, then `rogatory peer resume`"
                    .to_owned()
            }
            Self::NotHalted { .. } => {
                "see `rogatory peer halted`; to let its log begin anew, halt it first (`rogatory peer halt`)"
                    .to_owned()
            }
            Self::NoFinding { .. } => "take the id from `rogatory finding list`".to_owned(),
            Self::NoRing { .. } => "take the id from `rogatory desk list`".to_owned(),
            Self::ForeignFile { .. } | Self::OutOfPlace { .. } | Self::OneOfficer => {
                "tell the other State's operators; the envelope is kept as it came".to_owned()
            }
            Self::ObjectGone { .. } => {
                "restore the folder from a copy, if the object was not destroyed on purpose".to_owned()
            }
            Self::Disk { .. } => {
                "check the path, its owner and the space on the disk, then try again".to_owned()
            }
            Self::Parts { .. } => {
                "keep what arrived, and ask the other State to seal and announce it again".to_owned()
            }
            Self::NoSpace { .. } => {
                "free space on this disk, or move the folder of the node to a larger one, then try again"
                    .to_owned()
            }
            Self::Record { .. } => "run `rogatory node doctor`".to_owned(),
            Self::Evidence(report) => report.remedy.clone(),
            other => other.inner().map_or_else(|| "run `rogatory node doctor`".to_owned(), Failure::remedy),
        }
    }

    fn report(&self) -> Report {
        if let Self::Evidence(report) = self {
            return report.clone();
        }
        Report {
            family: self.family(),
            code: self.code().to_owned(),
            message: self.to_string(),
            clause: self.clause(),
            remedy: self.remedy(),
        }
    }
}

impl FlowError {
    fn inner(&self) -> Option<&dyn Failure> {
        Some(match self {
            Self::Store(e) => e,
            Self::Key(e) => e,
            Self::History(e) => e,
            Self::Refused(e) => e,
            Self::NotPermitted(e) => e,
            Self::Envelope(e) => e,
            Self::Statement(e) => e,
            Self::Admit(e) => e,
            Self::Proof(e) => e,
            Self::Settle(e) => e,
            Self::Descriptor(e) => e,
            Self::Law(e) => e,
            Self::Depositary(e) => e,
            Self::Unbelieved(e) => e,
            Self::Open(e) => e,
            Self::Seal(e) => e,
            Self::Sign(e) => e,
            Self::Draft(e) => e,
            Self::Limit(e) => e,
            Self::Tree(e) => e,
            Self::Checkpoint(e) => e,
            Self::Cosignature(e) => e,
            Self::Witness(e) => e,
            Self::Roster(e) => e,
            Self::Ping(e) => e,
            _ => return None,
        })
    }

    /// True when the command was refused only because it was done before: a repeated duty is then discharged.
    pub(crate) fn is_already_done(&self) -> bool {
        matches!(self, Self::Refused(casefile::Refused::Already { .. } | casefile::Refused::Exists))
    }
}
