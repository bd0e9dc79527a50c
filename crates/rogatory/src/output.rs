//! How results and failures reach the terminal: plain lines, or JSON with `--json`.

use crate::context::NoOfficer;
use serde::Serialize;
use std::{
    io::{ErrorKind, IsTerminal as _, Write as _},
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;
use vocabulary::{Failure, Family, Report};

/// What a command found, for people and for programs.
#[derive(Debug)]
pub(crate) struct Output {
    text: String,
    data: serde_json::Value,
    code: u8,
}

impl Output {
    pub(crate) fn new(text: impl Into<String>, data: &impl Serialize) -> Self {
        let data = serde_json::to_value(data).unwrap_or_default();
        Self { text: text.into(), data, code: 0 }
    }

    /// The same output with an exit code that says that something is wrong.
    pub(crate) fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn print(self, json: bool) -> ExitCode {
        let text =
            if json { serde_json::to_string_pretty(&self.data).unwrap_or_default() } else { self.text };
        let mut out = std::io::stdout().lock();
        let text = text.trim_end();
        match if text.is_empty() { Ok(()) } else { writeln!(out, "{text}") } {
            // A reader that has enough, such as `head`, closes the pipe.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => ExitCode::from(Family::Fault.exit_code()),
            _ => ExitCode::from(self.code),
        }
    }
}

/// Prints a failure to the error stream and gives the exit code of its family.
pub(crate) fn fail(error: &anyhow::Error, json: bool) -> ExitCode {
    let report = report(error);
    let mut out = std::io::stderr().lock();
    let written = if json {
        writeln!(out, "{}", serde_json::to_string(&report).unwrap_or_default())
    } else {
        let clause = report.clause.as_ref().map(|clause| format!(" ({clause})")).unwrap_or_default();
        writeln!(out, "{} {}{clause}\n  remedy: {}", report.code, report.message, report.remedy)
    };
    match written {
        Ok(()) => ExitCode::from(report.family.exit_code()),
        Err(_) => ExitCode::FAILURE,
    }
}

pub(crate) fn report(error: &anyhow::Error) -> Report {
    fn of<E: Failure + Send + Sync + 'static>(error: &anyhow::Error) -> Option<Report> {
        error.downcast_ref::<E>().map(Failure::report)
    }
    of::<node::NodeError>(error)
        .or_else(|| of::<flow::FlowError>(error))
        .or_else(|| of::<treaty::DraftError>(error))
        .or_else(|| of::<register::DescriptorError>(error))
        .or_else(|| of::<vocabulary::WordError>(error))
        .or_else(|| of::<ledger::KeyError>(error))
        .or_else(|| of::<NoOfficer>(error))
        .or_else(|| error.downcast_ref::<Told>().map(|told| told.0.clone()))
        .unwrap_or_else(|| Report {
            family: Family::Fault,
            code: "F-800".to_owned(),
            message: format!("{error:#}"),
            clause: None,
            remedy: "check the path, its owner and the space on the disk, then try again".to_owned(),
        })
}

/// A refusal that a command words itself.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Told(pub(crate) Report);

/// Refuses with a code of the program's own.
pub(crate) fn refuse(code: &str, message: impl Into<String>, remedy: impl Into<String>) -> anyhow::Error {
    Told(Report {
        family: Family::Refusal,
        code: code.to_owned(),
        message: message.into(),
        clause: None,
        remedy: remedy.into(),
    })
    .into()
}

/// Logs go to the error stream: lines on a terminal, JSON for a service that is watched.
pub(crate) fn log_to_stderr(service: bool) {
    let filter = EnvFilter::try_from_env("ROGATORY_LOG")
        .unwrap_or_else(|_| EnvFilter::new(if service { "info" } else { "error" }));
    // Told of a line that cannot be written, the subscriber prints on the same full disk, and that panics.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    let set = if service && !std::io::stderr().is_terminal() {
        builder.json().try_init()
    } else {
        builder.with_target(false).try_init()
    };
    // A second subscriber cannot be set; the first one stands.
    drop(set);
}
