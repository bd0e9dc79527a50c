//! The sentences under "What would have to be forged": by whom, with which keys.

use super::join;
use crate::examine::{Entry, Examined, Letter};
use std::collections::BTreeSet;

pub(super) fn sentences(examined: &Examined) -> Vec<String> {
    let mut all = BTreeSet::new();
    for letter in &examined.letters {
        all.extend(letter.statement.as_ref().map(|statement| {
            format!(
                "To pretend that {} made a statement of this bundle which it did not make: the secret key of {}, and the \
                 key of the log of {}.",
                statement.by,
                statement.by,
                letter.sender()
            )
        }));
        all.extend(letter.receipt.as_ref().map(|receipt| received(letter, &receipt.by)));
        all.extend(letter.step("opened").map(|step| {
            format!(
                "To pretend that an envelope of this bundle was opened which was not: the secret key of {}.",
                step.by
            )
        }));
    }
    let mut all: Vec<String> = all.into_iter().collect();
    all.extend(rewriting(examined));
    for stamp in examined.stamped.iter().filter(|stamp| !stamp.demonstration) {
        all.push(format!(
            "To move the time of a time-stamp: the secret key of the authority \"{}\".",
            stamp.authority
        ));
    }
    if all.is_empty() {
        all.push("Nothing: nothing is proven.".to_owned());
    } else {
        all.extend((examined.states.len() == 2).then(|| together(examined)));
        all.push(
            "To find other bytes with the same digest (SHA-256), or a signature without its key: nobody is known to be \
             able to."
                .to_owned(),
        );
    }
    all
}

fn received(letter: &Letter, by: &str) -> String {
    format!(
        "To pretend that {} received an envelope of this bundle which it did not: the secret key of {by} and the key of \
         the log of {}.",
        letter.receiver(),
        letter.receiver()
    )
}

/// What both States can do when they agree.
fn together(examined: &Examined) -> String {
    let codes: Vec<String> = examined.states.iter().map(|state| state.code.clone()).collect();
    let entries =
        examined.letters.iter().flat_map(|letter| [&letter.sent_entry, &letter.received_entry]).flatten();
    let outside = entries.flat_map(|entry| &entry.witnessed).any(|one| one.by.starts_with("the witness"));
    let stamped = examined.stamped.iter().any(|stamp| stamp.trusted && !stamp.demonstration);
    let limit = match (outside, stamped) {
        (true, true) => "except against the witnesses and before the times of the time-stamps named above",
        (true, false) => "except against the witnesses named above",
        (false, true) => "though not with a time before that of the time-stamps named above",
        (false, false) => "and nothing in this bundle would show it",
    };
    format!(
        "{} together, with all their keys, could make another bundle about the same matter, {limit}.",
        join(&codes)
    )
}

/// Who must help to take something out of a log, or to put it in with an older date.
fn rewriting(examined: &Examined) -> Vec<String> {
    let mut all = Vec::new();
    for state in &examined.states {
        let name = format!("{}.log.rogatory", state.code.to_lowercase());
        let entries = examined.letters.iter().flat_map(|letter| [&letter.sent_entry, &letter.received_entry]);
        let mine: Vec<&Entry> = entries.flatten().filter(|entry| entry.log == name).collect();
        let helpers: BTreeSet<String> =
            mine.iter().flat_map(|entry| entry.witnessed.iter().map(|one| one.by.clone())).collect();
        let helpers: Vec<String> = helpers.into_iter().collect();
        if mine.is_empty() {
            continue;
        }
        let alone = mine.iter().filter(|entry| entry.witnessed.is_empty()).count();
        if !helpers.is_empty() {
            all.push(format!(
                "To take a confirmed entry out of the log of {}, or to show two different pasts of it: the key of that \
                 log together with the key of {} ({} parties in all).",
                state.code,
                join(&helpers),
                helpers.len() + 1
            ));
        }
        if alone > 0 {
            all.push(format!(
                "{alone} of the entries shown in the log of {} are confirmed by nobody else: for them the key of that \
                 log is enough, until somebody who saw another state of it comes forward.",
                state.code
            ));
        }
    }
    all
}
