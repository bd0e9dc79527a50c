//! The sentences under "What is proven".

use super::join;
use crate::examine::{Entry, Examined, Letter, StampedHead, Vouched};

pub(super) fn sentences(examined: &Examined) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let unvouched = examined.states.iter().filter(|state| state.vouched == Vouched::ByBundle);
    let unvouched: Vec<String> = unvouched.map(|state| state.code.clone()).collect();
    if !unvouched.is_empty() && !examined.letters.is_empty() {
        all.push(format!(
            "What is said here of {} is proven of whoever holds the root key shown above. Whether that is the State was not \
             compared.",
            join(&unvouched)
        ));
    }
    for letter in &examined.letters {
        if examined.complains_of(&format!("envelopes/{}", letter.dir)) {
            let number = letter.dir.split('-').next().unwrap_or_default();
            all.push(format!(
                "Envelope {number}: a part of it does not hold, see \"What is wrong\". Of the rest:"
            ));
        }
        all.extend(of_letter(letter));
    }
    let whole = examined.events > 0 && !examined.complains_of("events");
    if let Some(index) = examined.index.as_ref().filter(|_| whole) {
        all.push(format!(
            "The record of the file at {} has {} events. Each names the one before it, and each stands in the log of \
             {} (a list to which entries can only be added).",
            index.exporter, examined.events, index.exporter
        ));
    }
    all.extend(examined.stamped.iter().map(stamp));
    all
}

fn of_letter(letter: &Letter) -> Vec<String> {
    let number = letter.dir.split('-').next().unwrap_or_default();
    let mut all = Vec::new();
    if let Some(statement) = &letter.statement {
        all.push(format!(
            "Envelope {number}: the office {} signed the statement \"{}\", addressed to {}, and says that it did so \
             at {}.",
            statement.by, letter.kind, letter.to, statement.at
        ));
    }
    if let Some(entry) = &letter.sent_entry {
        let (who, place) = (letter.sender(), place(entry));
        all.push(format!(
            "Envelope {number}: {who} committed these sealed bytes, from {} to {}, to its log {place}{}",
            letter.from,
            letter.to,
            confirmed(entry)
        ));
    }
    if let Some(receipt) = &letter.receipt {
        let held = format!(
            "{} signed that it held exactly these sealed bytes at {} by its clock.",
            receipt.by, receipt.at
        );
        let logged = letter.received_entry.as_ref().map_or_else(String::new, |entry| {
            format!(
                " {} committed this to its own log {}{}",
                letter.receiver(),
                place(entry),
                confirmed(entry)
            )
        });
        all.push(format!("Envelope {number}: {held}{logged}"));
    }
    if let Some(opened) = letter.step("opened") {
        let inside = if letter.content_is_tied() {
            " and that the statement inside is the one in this bundle"
        } else {
            " and names the statement that was inside, which is not in this bundle"
        };
        all.push(format!(
            "Envelope {number}: the addressed office {} signed that it opened it at {}{inside}.",
            opened.by, opened.at
        ));
    }
    all.extend(own_words(letter, number));
    all
}

/// What the sender's own node says: it proves that it was said, not that it was so.
fn own_words(letter: &Letter, number: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (word, said) in [
        ("submitted", "was ready to be sent"),
        ("relayed", "was handed over for transport"),
        ("rejected", "was rejected by the other State"),
    ] {
        if let Some(step) = letter.step(word) {
            all.push(format!("Envelope {number}: {} signed that it {said} at {}.", step.by, step.at));
        }
    }
    for negative in &letter.negatives {
        let missing = match negative.word.as_str() {
            "not-relayed" => "no road had taken it",
            "not-delivered" => "no receipt had reached the sender",
            _ => "no word that it was opened had reached the sender",
        };
        let both = letter.receipt.as_ref().filter(|_| negative.word == "not-delivered").map_or("", |_| {
            " (A receipt that is in the bundle too does not contradict this: it may have been on its way.)"
        });
        all.push(format!(
            "Envelope {number}: {} signed that at {} {missing}.{both}",
            negative.by, negative.at
        ));
    }
    all
}

fn place(entry: &Entry) -> String {
    format!("(entry {} of {})", entry.index, entry.size)
}

fn confirmed(entry: &Entry) -> String {
    let by: Vec<String> = entry.witnessed.iter().map(|one| format!("{} at {}", one.by, one.at)).collect();
    let time = entry.stamped.as_ref().map_or_else(String::new, |stamp| {
        format!(
            " The time-stamp of {} shows that the entry existed at {}{}.",
            stamp.authority,
            stamp.at,
            worth(stamp)
        )
    });
    if by.is_empty() {
        format!(". Nobody else confirmed this state of the log.{time}")
    } else {
        format!(
            ", whose state was confirmed by {}: it cannot be taken out without their help.{time}",
            join(&by)
        )
    }
}

fn worth(stamp: &StampedHead) -> &'static str {
    match (stamp.demonstration, stamp.trusted) {
        (true, _) => " (a demonstration: worth nothing to a court)",
        (false, true) => "",
        (false, false) => " (the authority was not compared with anything outside the bundle)",
    }
}

fn stamp(stamp: &StampedHead) -> String {
    format!(
        "The log of {} had the shown state of {} entries at {}, as the authority \"{}\" confirms{}.",
        stamp.state,
        stamp.size,
        stamp.at,
        stamp.authority,
        worth(stamp)
    )
}
