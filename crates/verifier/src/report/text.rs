//! The report as text of at most 100 columns.

use super::{Report, Row, Verdict};
use std::fmt::Write as _;

const WIDTH: usize = 100;

pub(super) fn write(report: &Report) -> String {
    let mut out = String::new();
    let rule = "=".repeat(WIDTH);
    let _ = writeln!(out, "{rule}\n{}\n{rule}\n", report.verdict.heading());
    paragraph(&mut out, &report.summary, "", "");
    out.push('\n');
    for (label, value) in &report.facts {
        paragraph(&mut out, value, &format!("{label:<28}"), &" ".repeat(28));
    }
    if report.verdict == Verdict::Fails {
        heading(&mut out, "What is wrong");
        for complaint in &report.complaints {
            paragraph(&mut out, &format!("{complaint}"), "  ! ", "    ");
            paragraph(&mut out, &format!("In words: {}.", complaint.flaw.meaning()), "    ", "    ");
        }
        if report.unlisted > 0 {
            let _ = writeln!(out, "  ! and {} more", report.unlisted);
        }
    }
    for (title, sentences) in sections(report).into_iter().filter(|(_, sentences)| !sentences.is_empty()) {
        heading(&mut out, title);
        for (number, sentence) in (1..).zip(sentences) {
            paragraph(&mut out, sentence, &format!("{number:>3}. "), "     ");
        }
    }
    heading(&mut out, "The envelopes (times in UTC, by the clocks of those who signed)");
    report.rows.iter().for_each(|row| envelope(&mut out, row));
    heading(&mut out, "What was checked");
    for tally in report.checks.iter().filter(|tally| tally.done > 0) {
        let outcome = if tally.failed == 0 { "holds".to_owned() } else { format!("{} FAILED", tally.failed) };
        let line =
            format!("{} ({}): {outcome}. Shows {}.", tally.check.title(), tally.done, tally.check.proves());
        paragraph(&mut out, &line, "  - ", "    ");
    }
    heading(&mut out, "How to check without this program");
    for (number, step) in (1..).zip(&report.by_hand) {
        paragraph(&mut out, &format!("{}:", step.shows), &format!("{number:>3}. "), "     ");
        let _ = writeln!(out, "       {}", step.command);
    }
    out
}

pub(super) fn sections(report: &Report) -> [(&'static str, &[String]); 4] {
    [
        ("What is proven", &report.proven),
        ("What is not proven", &report.unproven),
        ("What would have to be forged, and with whose keys", &report.forgery),
        ("Remarks", &report.notes),
    ]
}

fn heading(out: &mut String, title: &str) {
    let _ = writeln!(out, "\n{title}\n{}", "-".repeat(title.len()));
}

fn envelope(out: &mut String, row: &Row) {
    let _ = writeln!(out, "  {}  {}  {} -> {}", row.number, row.kind, row.from, row.to);
    let _ = writeln!(out, "       id {}\n       {}", row.envelope, row.digest);
    let steps = [
        ("signed", row.signed),
        ("submitted", row.submitted),
        ("relayed", row.relayed),
        ("received", row.received),
        ("opened", row.opened),
    ];
    let told: Vec<String> =
        steps.iter().filter_map(|(word, at)| at.map(|at| format!("{word} {at}"))).collect();
    paragraph(out, &told.join("; "), "       ", "       ");
    row.missing.iter().for_each(|missing| {
        let _ = writeln!(out, "       {missing}");
    });
}

/// Breaks a text between words.
fn paragraph(out: &mut String, text: &str, first: &str, rest: &str) {
    for (number, line) in wrap(text, WIDTH.saturating_sub(first.len())).iter().enumerate() {
        let _ = writeln!(out, "{}{line}", if number == 0 { first } else { rest });
    }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.extend(word.chars().filter(|c| !c.is_control()));
            used += length;
        }
    }
    lines
}
