//! The report as JSON.

use super::{Report, Row, VERSION};
use crate::{
    examine::Tally,
    flaw::Complaint,
    instant::Instant,
    json::{Json, object},
};

pub(super) fn write(report: &Report) -> Json {
    let subject = object([
        ("name", report.subject.name.as_str().into()),
        ("digest", report.subject.digest.map(|digest| digest.to_string()).into()),
        ("of", if report.subject.folder { "packing-list" } else { "file" }.into()),
        ("bytes", report.subject.bytes.into()),
    ]);
    let facts = report
        .facts
        .iter()
        .map(|(label, value)| object([("label", label.as_str().into()), ("value", value.as_str().into())]));
    let by_hand = report.by_hand.iter().map(|step| {
        object([("shows", step.shows.as_str().into()), ("command", step.command.as_str().into())])
    });
    object([
        ("format", "rogatory/verification/1".into()),
        ("verdict", report.verdict.word().into()),
        ("examined", subject),
        ("at", report.at.to_string().into()),
        ("program", format!("rogatory-verify {VERSION}").into()),
        ("summary", report.summary.as_str().into()),
        ("facts", Json::List(facts.collect())),
        ("wrong", Json::List(report.complaints.iter().map(complaint).collect())),
        ("wrong_unlisted", report.unlisted.into()),
        ("proven", report.proven.clone().into()),
        ("not_proven", report.unproven.clone().into()),
        ("to_forge", report.forgery.clone().into()),
        ("remarks", report.notes.clone().into()),
        ("envelopes", Json::List(report.rows.iter().map(row).collect())),
        ("checks", Json::List(report.checks.iter().map(tally).collect())),
        ("by_hand", Json::List(by_hand.collect())),
    ])
}

fn complaint(complaint: &Complaint) -> Json {
    object([
        ("family", "peer-fault".into()),
        ("code", complaint.code().into()),
        ("thing", complaint.thing.as_str().into()),
        ("message", complaint.what.as_str().into()),
        ("meaning", complaint.flaw.meaning().into()),
        ("clause", complaint.flaw.clause().into()),
        ("remedy", complaint.flaw.remedy().into()),
    ])
}

fn row(row: &Row) -> Json {
    let at = |instant: Option<Instant>| Json::from(instant.map(|at| at.to_string()));
    object([
        ("number", row.number.as_str().into()),
        ("envelope", row.envelope.as_str().into()),
        ("statement", row.kind.as_str().into()),
        ("from", row.from.as_str().into()),
        ("to", row.to.as_str().into()),
        ("digest", row.digest.to_string().into()),
        ("signed", at(row.signed)),
        ("submitted", at(row.submitted)),
        ("relayed", at(row.relayed)),
        ("received", at(row.received)),
        ("opened", at(row.opened)),
        ("missing", row.missing.clone().into()),
    ])
}

fn tally(tally: &Tally) -> Json {
    object([
        ("check", tally.check.title().into()),
        ("shows", tally.check.proves().into()),
        ("done", tally.done.into()),
        ("failed", tally.failed.into()),
    ])
}
