//! What the two States raise and answer inside a file: conditions, consents, questions, notices. The same on both sides.

use crate::{Duty, HistoryBroken, Parcel, Refused};
use mandate::{FourEyes, Permission};
use serde::{Deserialize, Serialize};
use treaty::{Matter, Party};
use vocabulary::{Digest, Instant, OfficerId};

/// Raised in one file by one State; more is no conversation any more.
pub const MAX_RAISED: u32 = 1_000;

/// A matter is named by who raised it and its number there, such as `requested-1`.
#[derive(Debug, Clone)]
pub enum MatterCommand {
    Raise {
        matter: Matter,
        text: Digest,
    },
    /// Where a second officer must confirm, this only proposes.
    Answer {
        number: u32,
        word: String,
        text: Digest,
    },
    /// By a second officer, who saw the answer `text`.
    Confirm {
        number: u32,
        text: Digest,
    },
    ReportRaised {
        number: u32,
        matter: Matter,
        text: Digest,
        statement: Digest,
    },
    ReportAnswered {
        number: u32,
        word: String,
        text: Digest,
        statement: Digest,
    },
}

impl MatterCommand {
    /// `saying` is what the officers of this side hold, `confirming` what its second officers hold.
    pub(crate) fn permission(&self, saying: Permission, confirming: Permission) -> Option<Permission> {
        match self {
            Self::Raise { .. } | Self::Answer { .. } => Some(saying),
            Self::Confirm { .. } => Some(confirming),
            Self::ReportRaised { .. } | Self::ReportAnswered { .. } => None,
        }
    }
}

/// `by` is the State that raised the matter, whoever acts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum MatterEvent {
    Raised {
        by: Party,
        number: u32,
        matter: Matter,
        text: Digest,
        /// What the other State signed, when it raised the matter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        statement: Option<Digest>,
    },
    AnswerProposed {
        by: Party,
        number: u32,
        officer: OfficerId,
        word: String,
        text: Digest,
    },
    Answered {
        by: Party,
        number: u32,
        word: String,
        text: Digest,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eyes: Option<FourEyes>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        statement: Option<Digest>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    pub by: Party,
    pub number: u32,
    pub matter: Matter,
    pub text: Digest,
    pub at: Instant,
    /// Proposed here and not yet confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<ProposedAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answered>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedAnswer {
    pub officer: OfficerId,
    pub word: String,
    pub text: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    pub word: String,
    pub text: Digest,
    pub at: Instant,
}

/// The matters of a file, in the order in which this State met them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Matters(Vec<Raised>);

impl Matters {
    pub fn iter(&self) -> impl Iterator<Item = &Raised> {
        self.0.iter()
    }

    pub fn find(&self, by: Party, number: u32) -> Option<&Raised> {
        self.0.iter().find(|raised| raised.by == by && raised.number == number)
    }

    /// What either State raised and nobody answered.
    pub fn open(&self) -> impl Iterator<Item = &Raised> {
        self.0.iter().filter(|raised| raised.answer.is_none())
    }

    fn highest(&self, by: Party) -> u32 {
        self.0.iter().filter(|raised| raised.by == by).map(|raised| raised.number).max().unwrap_or(0)
    }

    /// `us` is the State whose file this is.
    pub(crate) fn decide(
        &self,
        command: &MatterCommand,
        actor: &OfficerId,
        us: Party,
    ) -> Result<MatterEvent, Refused> {
        let them = us.other();
        match command {
            MatterCommand::Raise { matter, text } => {
                may_raise(*matter, us)?;
                let number = self.highest(us) + 1;
                if number > MAX_RAISED {
                    return Err(rule(
                        "R-241",
                        *matter,
                        "too many matters were raised in this file",
                        "speak to the other State",
                    ));
                }
                Ok(MatterEvent::Raised { by: us, number, matter: *matter, text: *text, statement: None })
            }
            MatterCommand::Answer { number, word, text } => {
                let raised = self.unanswered(them, *number)?;
                may_answer(raised.matter, word)?;
                let (by, number, word, text) = (them, *number, word.clone(), *text);
                Ok(if raised.matter.form().four_eyes {
                    MatterEvent::AnswerProposed { by, number, officer: actor.clone(), word, text }
                } else {
                    MatterEvent::Answered { by, number, word, text, eyes: None, statement: None }
                })
            }
            MatterCommand::Confirm { number, text } => {
                let raised = self.unanswered(them, *number)?;
                let Some(proposed) = &raised.proposed else {
                    return Err(rule(
                        "R-242",
                        raised.matter,
                        "no answer is proposed",
                        "the first officer gives it: `rogatory matter answer`",
                    ));
                };
                if proposed.text != *text {
                    return Err(rule(
                        "R-243",
                        raised.matter,
                        "another answer was proposed meanwhile",
                        "look at it again: `rogatory matter list FILE`",
                    ));
                }
                let eyes = FourEyes::confirm(&proposed.officer, actor)?;
                Ok(MatterEvent::Answered {
                    by: them,
                    number: *number,
                    word: proposed.word.clone(),
                    text: proposed.text,
                    eyes: Some(eyes),
                    statement: None,
                })
            }
            MatterCommand::ReportRaised { number, matter, text, statement } => {
                may_raise(*matter, them)?;
                if self.find(them, *number).is_some() {
                    return Err(Refused::Already { what: "the matter was raised" });
                }
                if *number == 0 || *number > MAX_RAISED {
                    return Err(rule(
                        "R-241",
                        *matter,
                        "the number of the matter is out of range",
                        "speak to the other State",
                    ));
                }
                let statement = Some(*statement);
                Ok(MatterEvent::Raised { by: them, number: *number, matter: *matter, text: *text, statement })
            }
            MatterCommand::ReportAnswered { number, word, text, statement } => {
                let raised = self.unanswered(us, *number)?;
                may_answer(raised.matter, word)?;
                Ok(MatterEvent::Answered {
                    by: us,
                    number: *number,
                    word: word.clone(),
                    text: *text,
                    eyes: None,
                    statement: Some(*statement),
                })
            }
        }
    }

    fn unanswered(&self, by: Party, number: u32) -> Result<&Raised, Refused> {
        match self.find(by, number) {
            Some(raised) if raised.answer.is_some() => {
                Err(Refused::Already { what: "the matter was answered" })
            }
            Some(raised) => Ok(raised),
            None => Err(Refused::Rule {
                code: "R-244",
                what: format!("no matter `{}-{number}` is raised in this file", by.as_str()),
                clause: "spec/02-exchange.md, matter".to_owned(),
                remedy: "look at the matters of the file: `rogatory matter list FILE`".to_owned(),
            }),
        }
    }

    pub(crate) fn admits(&self, event: &MatterEvent) -> bool {
        match event {
            MatterEvent::Raised { by, number, matter, .. } => {
                self.find(*by, *number).is_none() && matter.form().by.allows(*by)
            }
            MatterEvent::AnswerProposed { by, number, word, .. } => {
                self.unanswered(*by, *number).is_ok_and(|raised| may_answer(raised.matter, word).is_ok())
            }
            MatterEvent::Answered { by, number, word, text, eyes, statement } => {
                self.unanswered(*by, *number).is_ok_and(|raised| {
                    let confirmed = eyes.as_ref().is_none_or(|eyes| {
                        let same = |p: &ProposedAnswer| {
                            p.officer == *eyes.first() && p.text == *text && p.word == *word
                        };
                        raised.proposed.as_ref().is_some_and(same)
                    });
                    // What the other State answered was checked for its officers when it came.
                    let enough = eyes.is_some() || statement.is_some() || !raised.matter.form().four_eyes;
                    enough && confirmed && may_answer(raised.matter, word).is_ok()
                })
            }
        }
    }

    pub(crate) fn apply(
        &mut self,
        event: &MatterEvent,
        at: Instant,
        stage: &'static str,
    ) -> Result<(), HistoryBroken> {
        let broken = || HistoryBroken::Order { event: "matter", stage };
        match event {
            MatterEvent::Raised { by, number, matter, text, .. } => self.0.push(Raised {
                by: *by,
                number: *number,
                matter: *matter,
                text: *text,
                at,
                proposed: None,
                answer: None,
            }),
            MatterEvent::AnswerProposed { by, number, officer, word, text } => {
                let proposed = ProposedAnswer { officer: officer.clone(), word: word.clone(), text: *text };
                self.find_mut(*by, *number).ok_or_else(broken)?.proposed = Some(proposed);
            }
            MatterEvent::Answered { by, number, word, text, .. } => {
                let raised = self.find_mut(*by, *number).ok_or_else(broken)?;
                raised.proposed = None;
                raised.answer = Some(Answered { word: word.clone(), text: *text, at });
            }
        }
        Ok(())
    }

    fn find_mut(&mut self, by: Party, number: u32) -> Option<&mut Raised> {
        self.0.iter_mut().find(|raised| raised.by == by && raised.number == number)
    }

    /// What the other State is told because of `event`.
    pub(crate) fn duties(event: &MatterEvent) -> Vec<Duty> {
        let parcel = match event {
            MatterEvent::Raised { number, matter, text, statement: None, .. } => {
                Parcel::Matter { number: *number, matter: *matter, text: *text }
            }
            MatterEvent::Answered { number, word, text, eyes, statement: None, .. } => {
                Parcel::MatterAnswer { number: *number, word: word.clone(), text: *text, eyes: eyes.clone() }
            }
            _ => return Vec::new(),
        };
        vec![Duty::Dispatch { parcel }]
    }
}

fn may_raise(matter: Matter, by: Party) -> Result<(), Refused> {
    if matter.form().by.allows(by) {
        return Ok(());
    }
    let what = format!("`{matter}` is not raised by the {} State", by.as_str());
    Err(rule("R-245", matter, &what, "choose another matter: `rogatory treaty matters`"))
}

fn may_answer(matter: Matter, word: &str) -> Result<(), Refused> {
    let words = &matter.form().answers;
    if words.iter().any(|known| known == word) {
        return Ok(());
    }
    let what = format!("`{matter}` is not answered with this word");
    Err(rule("R-246", matter, &what, &format!("answer with one of: {}", words.join(", "))))
}

fn rule(code: &'static str, matter: Matter, what: &str, remedy: &str) -> Refused {
    Refused::Rule {
        code,
        what: what.to_owned(),
        clause: matter.form().rule().citation().to_string(),
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vocabulary::Failure as _;

    fn officer(name: &str) -> OfficerId {
        name.parse().unwrap()
    }

    fn matter(word: &str) -> Matter {
        word.parse().unwrap()
    }

    fn at() -> Instant {
        "2026-11-24T08:00:00Z".parse().unwrap()
    }

    fn text(words: &str) -> Digest {
        Digest::of(words.as_bytes())
    }

    /// The two States' views of one file.
    #[derive(Default)]
    struct Both {
        requesting: Matters,
        requested: Matters,
    }

    impl Both {
        fn of(&mut self, party: Party) -> &mut Matters {
            match party {
                Party::Requesting => &mut self.requesting,
                Party::Requested => &mut self.requested,
            }
        }

        fn act(&mut self, us: Party, by: &str, command: &MatterCommand) -> Result<MatterEvent, Refused> {
            let matters = self.of(us);
            let event = matters.decide(command, &officer(by), us)?;
            assert!(matters.admits(&event), "{event:?}");
            matters.apply(&event, at(), "delivered").unwrap();
            // What is owed is what the other State is told.
            for duty in Matters::duties(&event) {
                let Duty::Dispatch { parcel } = duty else { panic!("{duty:?}") };
                let statement = text("signed");
                let told = match parcel {
                    Parcel::Matter { number, matter, text } => {
                        MatterCommand::ReportRaised { number, matter, text, statement }
                    }
                    Parcel::MatterAnswer { number, word, text, .. } => {
                        MatterCommand::ReportAnswered { number, word, text, statement }
                    }
                    other => panic!("{other:?}"),
                };
                let theirs = self.of(us.other());
                let heard = theirs.decide(&told, &officer("node"), us.other()).unwrap();
                assert!(Matters::duties(&heard).is_empty());
                theirs.apply(&heard, at(), "delivered").unwrap();
                assert_eq!(theirs.decide(&told, &officer("node"), us.other()).unwrap_err().code(), "R-204");
            }
            Ok(event)
        }
    }

    #[test]
    fn every_matter_is_raised_and_answered_with_each_of_its_words() {
        for matter in Matter::all() {
            for word in &matter.form().answers {
                let mut both = Both::default();
                let us = if matter.form().by.allows(Party::Requesting) {
                    Party::Requesting
                } else {
                    Party::Requested
                };
                both.act(us, "a.first", &MatterCommand::Raise { matter, text: text("why") }).unwrap();
                let answer = MatterCommand::Answer { number: 1, word: word.clone(), text: text("so") };
                both.act(us.other(), "b.first", &answer).unwrap();
                if matter.form().four_eyes {
                    assert!(
                        both.of(us).find(us, 1).unwrap().answer.is_none(),
                        "{matter}: one officer answered"
                    );
                    let confirm = MatterCommand::Confirm { number: 1, text: text("so") };
                    let alone = both.act(us.other(), "b.first", &confirm).unwrap_err();
                    assert_eq!(alone.code(), "R-160", "{matter}");
                    both.act(us.other(), "b.second", &confirm).unwrap();
                }
                for party in [Party::Requesting, Party::Requested] {
                    let known = both.of(party).find(us, 1).unwrap();
                    assert_eq!(known.answer.as_ref().map(|answer| &answer.word), Some(word), "{matter}");
                    assert_eq!(both.of(party).open().count(), 0);
                }
                assert_eq!(both.act(us.other(), "b.first", &answer).unwrap_err().code(), "R-204");
            }
        }
    }

    #[test]
    fn a_matter_is_raised_and_answered_only_by_whom_and_with_what_the_table_says() {
        let mut both = Both::default();
        let raise = |word: &str| MatterCommand::Raise { matter: matter(word), text: text("why") };
        let wrong = both.act(Party::Requesting, "a.first", &raise("conditions")).unwrap_err();
        assert_eq!(wrong.code(), "R-245");
        assert!(wrong.clause().unwrap().contains("40(28)"));
        both.act(Party::Requested, "b.first", &raise("conditions")).unwrap();
        let answer =
            |word: &str| MatterCommand::Answer { number: 1, word: word.to_owned(), text: text("so") };
        assert_eq!(both.act(Party::Requesting, "a.first", &answer("perhaps")).unwrap_err().code(), "R-246");
        assert_eq!(both.act(Party::Requested, "b.first", &answer("accepted")).unwrap_err().code(), "R-244");
        let early = MatterCommand::Confirm { number: 1, text: text("so") };
        assert_eq!(both.act(Party::Requesting, "a.second", &early).unwrap_err().code(), "R-242");
        both.act(Party::Requesting, "a.first", &answer("accepted")).unwrap();
        let other = MatterCommand::Confirm { number: 1, text: text("other") };
        assert_eq!(both.act(Party::Requesting, "a.second", &other).unwrap_err().code(), "R-243");
    }

    #[test]
    fn a_history_in_which_one_officer_bound_the_state_is_broken() {
        let mut both = Both::default();
        let raise = MatterCommand::Raise { matter: matter("conditions"), text: text("why") };
        both.act(Party::Requested, "b.first", &raise).unwrap();
        let answered = |statement| MatterEvent::Answered {
            by: Party::Requested,
            number: 1,
            word: "accepted".to_owned(),
            text: text("so"),
            eyes: None,
            statement,
        };
        assert!(!both.requesting.admits(&answered(None)));
        assert!(both.requested.admits(&answered(Some(text("signed")))));
    }

    #[test]
    fn a_peer_that_numbers_without_end_is_refused() {
        let report = |number| MatterCommand::ReportRaised {
            number,
            matter: matter("progress"),
            text: text("?"),
            statement: text("signed"),
        };
        for number in [0, MAX_RAISED + 1, u32::MAX] {
            let refused = Matters::default().decide(&report(number), &officer("node"), Party::Requested);
            assert_eq!(refused.unwrap_err().code(), "R-241");
        }
    }
}
