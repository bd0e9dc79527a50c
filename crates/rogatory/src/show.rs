//! Words and tables for people, made from the same data that `--json` prints.

use casefile::{Custody, Disposition, Execution, Matters, incoming::Incoming, outgoing::Outgoing};
use evidence::{Progress, Watch};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use std::{
    fmt::Write as _,
    ops::ControlFlow,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use treaty::{Finding, PreservationState, Severity};
use vocabulary::Instant;

/// Columns padded to their widest cell.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String]| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut text = line(&head);
    for row in rows {
        text.push('\n');
        text.push_str(&line(row));
    }
    text
}

/// `2026-11-24 13:05:00 +07:00`, in the zone of the node.
pub(crate) fn local(at: Instant, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.timestamp().to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// The time left, in the largest two units.
pub(crate) fn left(until: Instant, now: Instant) -> String {
    if until <= now {
        return "past".to_owned();
    }
    let seconds = until.since(now).as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 { format!("{days} d {hours} h left") } else { format!("{hours} h {minutes} min left") }
}

pub(crate) fn bytes(count: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or("B");
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {name}") }
}

/// Every finding with its article and remedy, the worst first.
pub(crate) fn findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let word = match finding.severity {
            Severity::Must => "MUST  ",
            Severity::Should => "should",
            Severity::Note => "note  ",
        };
        let _ = writeln!(
            text,
            "{word} {} [{}] {}: {}\n         remedy: {}",
            finding.citation, finding.code, finding.field, finding.message, finding.remedy
        );
    }
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let _ = write!(
        text,
        "{} must, {} should, {} note",
        count(Severity::Must),
        count(Severity::Should),
        count(Severity::Note)
    );
    text
}

pub(crate) fn disposition(disposition: &Disposition) -> String {
    match disposition {
        Disposition::Grant { conditions: None } => "granted".to_owned(),
        Disposition::Grant { conditions: Some(_) } => {
            "granted with conditions, Art. 36(1), 40(28)".to_owned()
        }
        Disposition::Postpone { .. } => "postponed, Art. 40(27)".to_owned(),
        Disposition::Refuse { grounds, .. } => {
            let grounds: Vec<String> =
                grounds.iter().map(|ground| format!("{ground} ({})", ground.citation())).collect();
            format!("refused: {}", grounds.join(", "))
        }
    }
}

/// Where a preservation stands, on either side.
pub(crate) fn clock(
    state: PreservationState,
    preserved: Option<&casefile::Preserved>,
    hold: Option<&casefile::Hold>,
    zone: &str,
    now: Instant,
) -> Option<String> {
    let preserved = preserved?;
    let until = local(preserved.until(), zone);
    Some(match (state, hold) {
        (PreservationState::Lapsed, _) => format!("lapsed {until}"),
        (PreservationState::Released, _) => "released".to_owned(),
        (PreservationState::HeldUntilDecision, Some(hold)) => format!("held for {}, Art. 42(8)", hold.by),
        _ => format!("until {until} ({})", left(preserved.until(), now)),
    })
}

pub(crate) fn outgoing(file: &Outgoing, zone: &str, now: Instant) -> String {
    let mut text = format!(
        "file       {}\nrequest    {} to {} ({})\nstate      {}\n",
        file.file,
        file.kind,
        file.to,
        file.kind.form().rule().citation(),
        file.stage.as_str()
    );
    let _ = writeln!(text, "draft      {}", file.draft);
    if let Some(eyes) = &file.eyes {
        let _ = writeln!(text, "officers   {} and {}", eyes.first(), eyes.second());
    }
    if let Some((_, at)) = &file.delivered {
        let _ = writeln!(text, "delivered  {} by the other State's clock", local(*at, zone));
    }
    if let Some(decision) = &file.decision {
        let _ = writeln!(text, "decision   {}", disposition(decision));
    }
    if let Some(clock) =
        clock(file.preservation_state(), file.preserved.as_ref(), file.hold.as_ref(), zone, now)
    {
        let _ = writeln!(text, "preserved  {clock}");
    }
    if let Some(evidence) = &file.evidence {
        let state = match (evidence.verified, evidence.opened) {
            (None, _) => "not here yet",
            (Some(_), false) => "verified",
            (Some(_), true) => "verified and opened",
        };
        let _ = writeln!(text, "evidence   package {}, {}, {state}", evidence.package, bytes(evidence.bytes));
    }
    executions(&mut text, &file.executions);
    matters(&mut text, &file.matters);
    custody(&mut text, &file.custody);
    if let Some(preservation) = file.preservation {
        let _ = writeln!(text, "follows    preservation file {preservation}");
    }
    if let Some(outcome) = file.outcome {
        let _ = writeln!(text, "outcome    {outcome}");
    }
    text
}

pub(crate) fn incoming(file: &Incoming, zone: &str, now: Instant) -> String {
    let mut text = format!(
        "file       {}\nrequest    {} from {} ({}){}\nstate      {}\nreceived   {}\nour check  {} must, {} should, {} note\n",
        file.file,
        file.kind,
        file.from,
        file.kind.form().rule().citation(),
        if file.urgent { ", urgent" } else { "" },
        file.stage.as_str(),
        local(file.received_at, zone),
        file.must,
        file.should,
        file.note
    );
    if let Some((by, proposed)) = &file.proposed {
        let _ = writeln!(text, "proposed   {} by {by}", disposition(proposed));
    }
    if let Some((eyes, decided)) = &file.decided {
        let _ =
            writeln!(text, "decided    {} by {} and {}", disposition(decided), eyes.first(), eyes.second());
    }
    if let Some(clock) =
        clock(file.preservation_state(), file.preserved.as_ref(), file.hold.as_ref(), zone, now)
    {
        let _ = writeln!(text, "preserved  {clock}");
    }
    for exhibit in &file.exhibits {
        let _ = writeln!(
            text,
            "exhibit    {}: {} files, {}",
            exhibit.exhibit,
            exhibit.files,
            bytes(exhibit.bytes)
        );
    }
    if let Some(sealed) = &file.sealed {
        let sent = if sealed.sent { "sent" } else { "sealed" };
        let _ = writeln!(text, "package    {}, {}, {sent}", sealed.package, bytes(sealed.bytes));
    }
    executions(&mut text, &file.executions);
    matters(&mut text, &file.matters);
    custody(&mut text, &file.custody);
    if let Some(outcome) = file.outcome {
        let _ = writeln!(text, "closed by the requesting State: {outcome}");
    }
    text
}

fn executions(text: &mut String, executions: &[Execution]) {
    for execution in executions {
        let part = if execution.complete { "" } else { ", in part" };
        let _ = writeln!(text, "done       {}{part}", execution.answer);
    }
}

fn matters(text: &mut String, matters: &Matters) {
    for raised in matters.iter() {
        let stands = raised.answer.as_ref().map_or("open", |answer| answer.word.as_str());
        let _ = writeln!(
            text,
            "matter     {}-{} {} ({}): {stands}",
            raised.by.as_str(),
            raised.number,
            raised.matter,
            raised.matter.form().rule().citation()
        );
    }
}

/// One line for each exhibit of which the chain is known; a gap is never left out.
fn custody(text: &mut String, custody: &Custody) {
    for held in custody.held.values() {
        let copy = if held.copy_of.is_some() { ", a copy" } else { "" };
        let _ = writeln!(text, "custody    {}{copy}: {} links, last {}", held.exhibit, held.links, held.last);
    }
    for gap in &custody.gaps {
        let _ = writeln!(text, "custody    {}: gap {} in the chain that came", gap.exhibit, gap.code);
    }
}

/// The words of both States, each with the event that carries them.
pub(crate) fn texts(texts: &[flow::Text]) -> String {
    let mut shown = String::new();
    for text in texts {
        let words = text.text.as_deref().unwrap_or("(destroyed)");
        let _ = writeln!(shown, "{:<10} {} of event {} ({})", "words", text.name, text.sequence, text.what);
        for line in words.lines() {
            let _ = writeln!(shown, "             {line}");
        }
    }
    shown
}

/// A bar with bytes, rate and time left; silent when the error stream is not a terminal.
pub(crate) fn bar(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template(
        "  {msg:<10} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// Somebody pressed Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// The first Ctrl-C stops long work in order; the second ends the program.
fn stop_at_interrupt() {
    static ONCE: Once = Once::new();
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    ONCE.call_once(|| {
        runtime.spawn(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if STOP.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
            }
        });
    });
}

/// Runs long work with a bar.
pub(crate) struct Watched {
    bar: ProgressBar,
}

impl Watched {
    pub(crate) fn new(what: &'static str) -> Self {
        stop_at_interrupt();
        Self { bar: bar(what, 0) }
    }

    pub(crate) fn watch(&mut self) -> Box<Watch<'_>> {
        let bar = &self.bar;
        Box::new(move |progress: Progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
            match STOP.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
