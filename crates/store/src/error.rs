//! What can go wrong with the database: always our machine's fault.

use vocabulary::{Failure, Family};

#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    #[error("the database at `{path}` cannot be opened: {source}")]
    Open { path: String, source: sqlx::Error },
    #[error("the disk under the database is full")]
    DiskFull,
    #[error("the database is busy: another program holds its write lock")]
    Busy,
    #[error("the record `{table}` of `{key}` was written by somebody else at the same time")]
    Conflict { table: &'static str, key: String },
    #[error("the database failed: {0}")]
    Database(sqlx::Error),
    #[error("the database was stopped and must be opened again")]
    Stopped,
    #[error("the column `{column}` of `{table}` holds a value that this version cannot read")]
    Column { table: &'static str, column: &'static str },
}

impl From<sqlx::Error> for StoreFault {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Busy;
        }
        let code = error.as_database_error().and_then(|e| e.code().map(|c| c.into_owned()));
        match code.as_deref() {
            // SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_SHMSIZE
            Some("13" | "778" | "1034" | "4874") => Self::DiskFull,
            // SQLITE_BUSY with its extensions, SQLITE_LOCKED
            Some("5" | "261" | "517" | "6") => Self::Busy,
            _ => Self::Database(error),
        }
    }
}

impl Failure for StoreFault {
    fn family(&self) -> Family {
        Family::Fault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "F-001",
            Self::DiskFull => "F-002",
            Self::Busy => "F-003",
            Self::Conflict { .. } => "F-004",
            Self::Database(_) => "F-005",
            Self::Column { .. } => "F-006",
            Self::Stopped => "F-990",
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::Open { .. } => "check that the folder exists, belongs to this user and is a node (`rogatory node doctor`)",
            Self::DiskFull => "free space on the disk of the node's folder; nothing was half-written, the same command can be given again",
            Self::Busy => "try again; if it lasts, look for a program that keeps the database locked",
            Self::Conflict { .. } => "load the file again and repeat the command",
            Self::Database(_) => "run `rogatory node doctor`; restore the folder from a copy if the database is damaged",
            Self::Stopped => "start the node again; what was committed is there",
            Self::Column { .. } => "use the version of the program that wrote the folder, or restore the folder from a copy",
        }
        .to_owned()
    }
}
