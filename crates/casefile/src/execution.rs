//! What was done on a request, in one of the words with which its kind is answered.

use crate::Refused;
use serde::{Deserialize, Serialize};
use treaty::{AnswerForm, Kind};
use vocabulary::Digest;

/// One signed record of execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    pub answer: String,
    pub text: Digest,
    /// False for a partial answer: more follows.
    pub complete: bool,
}

/// True when a request of this kind may be answered by a record with this word.
pub(crate) fn is_answer(kind: Kind, word: &str) -> bool {
    kind.form().answer(word).is_some_and(|answer| answer.form == AnswerForm::Record)
}

pub(crate) fn check_answer(kind: Kind, word: &str) -> Result<(), Refused> {
    if is_answer(kind, word) {
        return Ok(());
    }
    let words: Vec<&str> = kind
        .form()
        .answers
        .iter()
        .filter(|answer| answer.form == AnswerForm::Record)
        .map(|answer| answer.word.as_str())
        .collect();
    let remedy = match words.as_slice() {
        [] => "this kind is answered otherwise: `rogatory treaty kinds` shows how".to_owned(),
        words => format!("answer with one of: {}", words.join(", ")),
    };
    Err(Refused::Rule {
        code: "R-248",
        what: format!("a `{kind}` request is not answered by a record with this word"),
        clause: kind.form().rule().citation().to_string(),
        remedy,
    })
}
