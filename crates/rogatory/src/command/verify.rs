//! `rogatory verify`: the check of a bundle for a court, by the separate verifier that shares no code with the node.

use crate::output::{Output, Told};
use clap::Args;
use std::{fs::OpenOptions, io::Write as _, path::PathBuf};
use verifier::{
    Verdict,
    inquiry::{Inquiry, Trouble},
};
use vocabulary::{Family, Report};

/// The exit code of a bundle that does not hold.
const DOES_NOT_HOLD: u8 = 4;

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The bundle: a ZIP file, or the same tree as a folder.
    bundle: PathBuf,
    /// The fingerprint of a State's root, obtained from the State by another channel: `XA=4T9KX-...`.
    #[arg(long = "fingerprint", value_name = "STATE=FINGERPRINT")]
    fingerprints: Vec<String>,
    /// The root certificate of a State, obtained by another channel: `XA=root.pem`.
    #[arg(long = "root", value_name = "STATE=FILE")]
    roots: Vec<String>,
    /// The key of a State's log, obtained by another channel.
    #[arg(long = "log", value_name = "STATE=VKEY|FILE")]
    logs: Vec<String>,
    /// The key of a witness that confirms logs.
    #[arg(long = "witness", value_name = "VKEY|FILE")]
    witnesses: Vec<String>,
    /// The root certificate of a time-stamp authority.
    #[arg(long = "tsa", value_name = "FILE")]
    authorities: Vec<PathBuf>,
    /// Write the report as PDF too; the file must not exist.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
}

impl VerifyArguments {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let inquiry = Inquiry {
            bundle: self.bundle,
            fingerprints: self.fingerprints,
            roots: self.roots,
            logs: self.logs,
            witnesses: self.witnesses,
            authorities: self.authorities,
        };
        let now = verifier::Instant::from_seconds(jiff::Timestamp::now().as_second());
        let report = inquiry.run(now).map_err(told)?;
        if let Some(path) = self.pdf {
            let write =
                || OpenOptions::new().write(true).create_new(true).open(&path)?.write_all(&report.to_pdf());
            write().map_err(|error| {
                told(Trouble::Machine(format!("`{}` cannot be written: {error}", path.display())))
            })?;
        }
        let data: serde_json::Value = serde_json::from_str(&report.to_json())?;
        let output = Output::new(report.to_text(), &data);
        Ok(if report.verdict == Verdict::Fails { output.with_code(DOES_NOT_HOLD) } else { output })
    }
}

fn told(trouble: Trouble) -> anyhow::Error {
    let family = match trouble {
        Trouble::Usage(_) => Family::Refusal,
        Trouble::Machine(_) => Family::Fault,
    };
    Told(Report {
        family,
        code: trouble.code().to_owned(),
        message: trouble.to_string(),
        clause: None,
        remedy: trouble.remedy().to_owned(),
    })
    .into()
}
