//! Every kind of request from its draft to its end, by every way in which it may be answered, between two nodes.

use crate::fixture::Pair;
use casefile::{
    Outcome,
    incoming::{self, Proposal},
    outgoing,
};
use std::ops::ControlFlow;
use treaty::{AnswerForm, Ground, Kind, Matter, OffenceBasis, Opening, Party};
use vocabulary::{Failure as _, FileId};

impl Pair {
    /// B takes the request to hand; nothing is decided yet.
    async fn asked_and_triaged(&self, kind: Kind) -> FileId {
        let file = self.ask(kind, None).await;
        self.b.flow.triage(&self.b.first, file, false, None).await.unwrap();
        file
    }

    /// A closes its file, B follows, and both show the same end.
    async fn ended(&self, file: FileId, outcome: Outcome) {
        self.a.flow.close_request(&self.a.first, file, outcome).await.unwrap();
        self.settle().await;
        let theirs = self.b.flow.close_incoming(&self.b.first, file).await.unwrap().file;
        assert_eq!(theirs.stage, incoming::Stage::Closed);
        assert_eq!(theirs.outcome, Some(outcome));
        let ours = self.a.flow.outgoing(file).await.unwrap();
        assert_eq!((ours.stage, ours.outcome), (outgoing::Stage::Closed, Some(outcome)));
    }

    /// B answers a granted request in one of the ways of its kind.
    async fn answer(&self, file: FileId, answer: &treaty::Answer) {
        let b = &self.b;
        match answer.form {
            AnswerForm::Preservation => {
                b.flow.effect_preservation(&b.first, file, b.flow.now(), 90, "Order 12/2026").await.unwrap();
                self.settle().await;
                assert!(self.a.flow.outgoing(file).await.unwrap().preserved.is_some());
            }
            AnswerForm::Evidence => {
                self.take(file, &format!("case-{file}")).await;
                let package = self.seal(file, &mut |_| ControlFlow::Continue(())).await;
                self.sent(file, package, true).await;
                self.settle().await;
                let evidence = self.a.flow.outgoing(file).await.unwrap().evidence.unwrap();
                assert!(evidence.verified.is_some(), "{}", answer.word);
            }
            AnswerForm::Record => {
                for complete in [false, true] {
                    let words = "What was done, where and by whom.";
                    b.flow.record_execution(&b.first, file, &answer.word, words, complete).await.unwrap();
                    self.settle().await;
                    let ours = self.a.flow.outgoing(file).await.unwrap();
                    let last = ours.executions.last().unwrap();
                    assert_eq!((last.answer.as_str(), last.complete), (answer.word.as_str(), complete));
                    assert_eq!(self.a.flow.read_text(last.text).await.unwrap(), words);
                    assert_eq!(ours.stage == outgoing::Stage::Answered, complete, "{}", answer.word);
                }
                let again = b.flow.record_execution(&b.first, file, &answer.word, "More.", true).await;
                assert_eq!(again.unwrap_err().code(), "R-204");
            }
        }
    }
}

#[tokio::test]
async fn every_kind_walks_from_draft_to_close_by_each_of_its_answers() {
    let pair = Pair::new().await;
    for &kind in Kind::all() {
        for answer in &kind.form().answers {
            let file = pair.asked_and_triaged(kind).await;
            let b = &pair.b;
            b.flow.propose(&b.first, file, Proposal::Grant { conditions: None }).await.unwrap();
            b.flow.decide(&b.second, file).await.unwrap();
            pair.settle().await;
            pair.answer(file, answer).await;
            pair.ended(file, Outcome::Fulfilled).await;
        }
    }
    pair.audit().await;
}

#[tokio::test]
async fn a_notice_is_noted_and_decided_by_nobody() {
    let pair = Pair::new().await;
    for &kind in Kind::all().iter().filter(|kind| kind.form().opening == Opening::Notice) {
        let file = pair.asked_and_triaged(kind).await;
        let b = &pair.b;
        let grant = b.flow.propose(&b.first, file, Proposal::Grant { conditions: None }).await;
        assert_eq!(grant.unwrap_err().code(), "R-247", "{kind}");
        pair.ended(file, Outcome::Fulfilled).await;
    }
    pair.audit().await;
}

#[tokio::test]
async fn every_kind_is_refused_on_each_of_its_grounds_and_on_no_other() {
    let pair = Pair::new().await;
    let b = &pair.b;
    for &kind in Kind::all().iter().filter(|kind| kind.form().opening == Opening::Request) {
        let file = pair.asked_and_triaged(kind).await;
        b.flow.consult(&b.first, file, "Would less serve?").await.unwrap();
        let refuse = |ground| Proposal::Refuse { grounds: vec![ground], reasons: "Why.".to_owned() };
        let basis = Some(OffenceBasis::ConventionOffence(7));
        let permitted: Vec<Ground> = Ground::permitted(kind, basis, b.flow.profile()).collect();
        assert!(!permitted.is_empty(), "{kind} can be refused on no ground");
        for ground in Ground::ALL {
            let proposed = b.flow.propose(&b.first, file, refuse(ground)).await;
            assert_eq!(proposed.is_ok(), permitted.contains(&ground), "{kind}, {ground}: {proposed:?}");
        }
        b.flow.propose(&b.first, file, refuse(permitted[0])).await.unwrap();
        b.flow.decide(&b.second, file).await.unwrap();
        pair.settle().await;
        pair.ended(file, Outcome::NotGranted).await;
    }
    pair.audit().await;
}

#[tokio::test]
async fn every_matter_is_raised_answered_and_kept_on_both_sides() {
    let pair = Pair::new().await;
    let file = pair.asked_and_triaged(Kind::STORED_DATA).await;
    for matter in Matter::all() {
        let by =
            if matter.form().by.allows(Party::Requesting) { Party::Requesting } else { Party::Requested };
        let (asks, answers) = match by {
            Party::Requesting => (&pair.a, &pair.b),
            Party::Requested => (&pair.b, &pair.a),
        };
        asks.flow.raise_matter(&asks.first, file, matter, "Why we ask.").await.unwrap();
        pair.settle().await;
        let number = asks.flow.matters(file).await.unwrap().1.iter().filter(|raised| raised.by == by).count();
        let number = u32::try_from(number).unwrap();
        let word = &matter.form().answers[0];
        answers.flow.answer_matter(&answers.first, file, number, word, "So it is.").await.unwrap();
        if matter.form().four_eyes {
            pair.settle().await;
            let (_, seen) = asks.flow.matters(file).await.unwrap();
            assert!(seen.find(by, number).unwrap().answer.is_none(), "{matter}: one officer answered");
            answers.flow.confirm_matter(&answers.second, file, number).await.unwrap();
        }
        pair.settle().await;
        for side in [&pair.a, &pair.b] {
            let (_, matters) = side.flow.matters(file).await.unwrap();
            let raised = matters.find(by, number).unwrap();
            assert_eq!(raised.answer.as_ref().map(|answer| &answer.word), Some(word), "{matter}");
            assert_eq!(side.flow.read_text(raised.text).await.unwrap(), "Why we ask.");
        }
    }
    // After the end a consent may still be asked for.
    pair.a.flow.withdraw(&pair.a.second, file, "No longer needed.").await.unwrap();
    pair.settle().await;
    let late = "exculpatory-notice".parse().unwrap();
    pair.a.flow.raise_matter(&pair.a.first, file, late, "The court asks.").await.unwrap();
    pair.settle().await;
    assert_eq!(pair.b.flow.matters(file).await.unwrap().1.open().count(), 1);
    pair.audit().await;
}
