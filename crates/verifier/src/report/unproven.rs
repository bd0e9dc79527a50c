//! The sentences under "What is not proven".

use super::join;
use crate::examine::{Examined, Letter, Vouched};

pub(super) fn sentences(examined: &Examined) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let unvouched = examined.states.iter().filter(|state| state.vouched == Vouched::ByBundle);
    for state in unvouched {
        all.push(format!(
            "That the root certificate is that of {}. Only the bundle says so. Ask {} by another channel whether its \
             fingerprint is {}, and check again with --fingerprint {}=...",
            state.code,
            state.code,
            state.root.fingerprint(),
            state.code
        ));
    }
    all.push(
        "That what the statements say is true. A signature shows who said something, not that it is so."
            .to_owned(),
    );
    all.push(
        "That a key was used by its owner. Somebody who stole an office's key signs as that office."
            .to_owned(),
    );
    if let Some(index) = &examined.index {
        let middle = if examined.complains_of("events") {
            "Its record itself does not hold, see \"What is wrong\"."
        } else {
            "Nothing was removed from the middle of its record, but what came after the last event shown may have been \
             left out."
        };
        all.push(format!("That {} put everything into the bundle. {middle}", index.exporter));
        if !index.content {
            all.push("What the statements say: the bundle was made without content.".to_owned());
        }
    }
    all.push(times(examined));
    for state in &examined.states {
        let sizes = examined.loose.iter().filter(|(code, _)| *code == state.code);
        let sizes: Vec<String> = sizes.map(|(_, size)| size.to_string()).collect();
        if !sizes.is_empty() {
            all.push(format!(
                "That the log of {} showed one past at its sizes {}: nobody else confirmed these states of it, and no \
                 proof of growth ties them to the others. None of them contradicts another.",
                state.code,
                join(&sizes)
            ));
        }
    }
    all.extend(letters(&examined.letters));
    if examined.stamped.iter().any(|stamp| stamp.demonstration) {
        all.push("The times of time-stamps that call themselves a demonstration: they are worth nothing to a court.".to_owned());
    }
    all
}

fn times(examined: &Examined) -> String {
    let good = examined.stamped.iter().any(|stamp| stamp.trusted && !stamp.demonstration);
    if good {
        "That other times than those of the time-stamps are right: they are what the clocks of the States said.".to_owned()
    } else {
        "That the times are right: they are what the clocks of the States said. No time-stamp by an authority that the \
         reader named is in the bundle."
            .to_owned()
    }
}

fn letters(letters: &[Letter]) -> Vec<String> {
    let those = |wanted: &dyn Fn(&Letter) -> bool| -> Vec<String> {
        let found = letters.iter().filter(|letter| wanted(letter));
        found.map(|letter| letter.dir.split('-').next().unwrap_or_default().to_owned()).collect()
    };
    let mut all = Vec::new();
    let mut say = |numbers: Vec<String>, what: &str| {
        if !numbers.is_empty() {
            all.push(format!("{what}: envelope {}.", join(&numbers)));
        }
    };
    say(those(&|letter| letter.receipt.is_none()), "That it was received (there is no receipt)");
    say(
        those(&|letter| {
            letter.receipt.is_some() && letter.step("opened").is_none() && letter.kind != "opened"
        }),
        "That the addressed office opened it (there is no signed word of it)",
    );
    say(
        those(&|letter| letter.statement.is_some() && !letter.content_is_tied()),
        "That the sealed bytes held the statement beside them (only the addressed office can open them, and its signed \
         word is not there)",
    );
    say(
        those(&|letter| letter.sent_entry.as_ref().is_none_or(|entry| entry.witnessed.is_empty())),
        "That the sender's log shows everybody what it shows here (nobody else confirmed that state of it)",
    );
    all
}
