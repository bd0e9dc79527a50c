//! `rogatory-verify`: checks a bundle of proofs and reports in plain words; reads files, writes a report, nothing else.

mod arguments;

use arguments::{Arguments, Order};
use std::{
    io::Write as _,
    path::Path,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};
use verifier::{Instant, Report, Verdict, inquiry::Trouble};

const USAGE: u8 = 2;
const DOES_NOT_HOLD: u8 = 4;
const MACHINE: u8 = 5;

fn main() -> ExitCode {
    match arguments::read(std::env::args_os().skip(1)) {
        Ok(Order::Print(text)) => print(text.as_bytes()),
        Ok(Order::Examine(arguments)) => match examine(&arguments) {
            Ok((report, text)) => finish(&report, &text),
            Err(trouble) => fail(&trouble, arguments.json),
        },
        Err(what) => {
            complain(&format!("rogatory-verify: {what}\n\n{}", arguments::SHORT));
            ExitCode::from(USAGE)
        }
    }
}

fn examine(arguments: &Arguments) -> Result<(Report, String), Trouble> {
    let report = arguments.inquiry.run(now())?;
    if let Some(path) = &arguments.pdf {
        write(path, &report.to_pdf())?;
    }
    let text = if arguments.json { report.to_json() + "\n" } else { report.to_text() };
    Ok((report, text))
}

/// A report is never written over something else.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let unwritten =
        |error: std::io::Error| Trouble::Machine(format!("`{}` cannot be written: {error}", path.display()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(unwritten)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(unwritten)
}

fn finish(report: &Report, text: &str) -> ExitCode {
    let printed = print(text.as_bytes());
    match (report.verdict, printed == ExitCode::SUCCESS) {
        (_, false) => printed,
        (Verdict::Fails, true) => ExitCode::from(DOES_NOT_HOLD),
        (Verdict::Holds | Verdict::HoldsWithin, true) => ExitCode::SUCCESS,
    }
}

fn fail(trouble: &Trouble, json: bool) -> ExitCode {
    complain(&if json {
        verifier::trouble_json(trouble)
    } else {
        format!("rogatory-verify: {trouble} [{}]\n{}", trouble.code(), trouble.remedy())
    });
    match trouble {
        Trouble::Usage(_) => ExitCode::from(USAGE),
        Trouble::Machine(_) => ExitCode::from(MACHINE),
    }
}

fn print(bytes: &[u8]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has enough of it.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(MACHINE),
    }
}

/// There is nobody to tell when standard error is closed.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Instant::from_seconds(i64::try_from(since).unwrap_or(i64::MAX / 1_000_000))
}
