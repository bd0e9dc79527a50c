//! Whether the contact points of other States are there: asked, answered, kept as their availability.

use crate::{Flow, FlowError, Level};
use exchange::{Ping, Pong};
use register::Peer;
use serde::Serialize;
use std::time::Duration;
use store::{PingAnswer, PingRow};
use treaty::table;
use vocabulary::{Failure as _, Family, Instant, OfficeFunction, Report, StateCode};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SHORT: u32 = 7;
const LONG: u32 = 30;
/// The longest trouble that is kept, in characters.
const MAX_TROUBLE: usize = 200;

/// A signed question that is on its way.
#[derive(Debug, Clone)]
pub struct PingQuestion {
    pub peer: StateCode,
    pub signed: Vec<u8>,
    ping: Ping,
}

/// What is known of one question.
#[derive(Debug, Clone, Serialize)]
pub struct PingKnown {
    pub asked_at: Instant,
    pub answered_at: Option<Instant>,
    pub round_trip_micros: Option<u64>,
    /// Whether an officer was on duty there.
    pub on_duty: Option<bool>,
    pub trouble: Option<String>,
}

/// How well a contact point can be reached.
#[derive(Debug, Clone, Serialize)]
pub struct Availability {
    pub peer: StateCode,
    /// Of the questions of the last 7 days: asked and answered.
    pub week: (usize, usize),
    /// Of the last 30 days.
    pub month: (usize, usize),
    /// Answers of the last 30 days that said that nobody was on duty.
    pub off_duty: usize,
    pub last: Option<PingKnown>,
    pub last_answered: Option<PingKnown>,
    /// Questions without an answer since the last one.
    pub missed: usize,
}

impl Flow {
    /// A question to the contact point of `state`, signed by ours; nothing is asked of a peer that is stopped.
    pub async fn ping_question(&self, state: StateCode) -> Result<PingQuestion, FlowError> {
        self.peer(state).await?;
        self.not_halted(&mut self.store.read().await?, state).await?;
        let now = self.now();
        let ping = Ping::new(self.us(), state, self.random::<32>()?, now);
        let signed = self.sign_as_contact_point(&ping.to_json()?, now)?;
        Ok(PingQuestion { peer: state, signed, ping })
    }

    /// The signed answer to what the contact point of `from` asks.
    pub async fn ping_answer(&self, from: StateCode, signed: &[u8]) -> Result<Vec<u8>, FlowError> {
        let peer = self.peer(from).await?;
        self.not_halted(&mut self.store.read().await?, from).await?;
        let now = self.now();
        let question = Ping::verify(signed, from, peer.anchor(), self.us(), now)?;
        self.believed(&peer, &question.certificate(), now)?;
        let on_duty = !self.on_duty(now).await?.hole;
        let pong = Pong::to(question.value(), signed, now, on_duty);
        self.sign_as_contact_point(&pong.to_json()?, now)
    }

    /// Keeps the answer to a question as proof that the contact point was there.
    pub async fn ping_answered(
        &self,
        question: &PingQuestion,
        signed: &[u8],
        round_trip: Duration,
    ) -> Result<PingKnown, FlowError> {
        let peer = self.peer(question.peer).await?;
        let now = self.now();
        let read = Pong::verify(signed, &question.ping, &question.signed, peer.anchor(), now)
            .map_err(FlowError::from)
            .and_then(|answer| self.believed(&peer, &answer.certificate(), now).map(|()| answer));
        let answer = match read {
            Ok(answer) => answer,
            Err(error) => {
                self.ping_missed(question, &format!("{}: {error}", error.code())).await?;
                return Err(error);
            }
        };
        let answered = PingAnswer {
            at: now,
            round_trip_micros: u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX),
            on_duty: answer.value().on_duty,
            signed: signed.to_vec(),
        };
        let row = PingRow { answered: Some(answered), ..row_of(question) };
        let mut write = self.store.write().await?;
        write.add_ping(&row).await?;
        write.commit().await?;
        Ok(known(row))
    }

    /// Keeps that no answer came; several in a row are a finding.
    pub async fn ping_missed(&self, question: &PingQuestion, trouble: &str) -> Result<PingKnown, FlowError> {
        let trouble: String = trouble.chars().take(MAX_TROUBLE).collect();
        let row = PingRow { trouble: Some(trouble), ..row_of(question) };
        let peer = question.peer;
        let mut write = self.store.write().await?;
        write.add_ping(&row).await?;
        let rows = write.queries().pings(peer, self.now().minus(DAY * LONG)).await?;
        let missed = missed(&rows);
        if let Some(first) = missed.first()
            && Some(missed.len()) >= table::DESK_PING_MISSED.number().and_then(|n| usize::try_from(n).ok())
        {
            let id = format!("ping/{peer}/{}", first.asked_at.micros());
            let report = missed_report(peer, missed.len(), first.asked_at);
            self.find(&mut write, id, Level::Warn, None, Some(peer), report).await?;
        }
        write.commit().await?;
        Ok(known(row))
    }

    /// When the contact point of `peer` was asked last.
    pub async fn last_asked(&self, peer: StateCode) -> Result<Option<Instant>, FlowError> {
        let mut read = self.store.read().await?;
        Ok(read.queries().last_ping(peer, false).await?.map(|row| row.asked_at))
    }

    /// A part between 0 and 1 by which a pause is made longer or shorter, so that States do not ask in step.
    pub fn jitter(&self) -> Result<f64, FlowError> {
        let [byte] = self.random::<1>()?;
        Ok(f64::from(byte) / f64::from(u8::MAX))
    }

    /// The questions of the last 30 days, the oldest first.
    pub async fn pings(&self, peer: StateCode) -> Result<Vec<PingKnown>, FlowError> {
        self.peer(peer).await?;
        let mut read = self.store.read().await?;
        let rows = read.queries().pings(peer, self.now().minus(DAY * LONG)).await?;
        Ok(rows.into_iter().map(known).collect())
    }

    /// How well the contact point of a State can be reached.
    pub async fn availability(&self, peer: StateCode) -> Result<Availability, FlowError> {
        self.peer(peer).await?;
        let now = self.now();
        let mut read = self.store.read().await?;
        let rows = read.queries().pings(peer, now.minus(DAY * LONG)).await?;
        let last = read.queries().last_ping(peer, false).await?.map(known);
        let last_answered = read.queries().last_ping(peer, true).await?.map(known);
        let off_duty =
            rows.iter().filter(|row| row.answered.as_ref().is_some_and(|answer| !answer.on_duty)).count();
        let count = |days: u32| {
            let since = now.minus(DAY * days);
            let asked = rows.iter().filter(|row| row.asked_at >= since);
            let answered = asked.clone().filter(|row| row.answered.is_some()).count();
            (asked.count(), answered)
        };
        let (week, month, missed) = (count(SHORT), count(LONG), missed(&rows).len());
        Ok(Availability { peer, week, month, off_duty, last, last_answered, missed })
    }

    fn sign_as_contact_point(&self, json: &[u8], now: Instant) -> Result<Vec<u8>, FlowError> {
        let key = self.keys.office(OfficeFunction::ContactPoint)?;
        Ok(seal::sign_cms(json, true, key.signing(), key.certificate(), now)?)
    }

    /// A key that no descriptor names may stand in a newer one: that one is fetched.
    fn believed(&self, peer: &Peer, certificate: &vocabulary::Digest, now: Instant) -> Result<(), FlowError> {
        peer.believes(certificate, now).map_err(|unbelieved| {
            if unbelieved.may_be_newer() {
                self.want_descriptor(peer.state());
            }
            unbelieved.into()
        })
    }
}

/// The questions without an answer since the last one that had one, the oldest first.
fn missed(rows: &[PingRow]) -> &[PingRow] {
    let answered = rows.iter().rposition(|row| row.answered.is_some()).map_or(0, |last| last + 1);
    rows.get(answered..).unwrap_or_default()
}

fn row_of(question: &PingQuestion) -> PingRow {
    PingRow {
        peer: question.peer,
        nonce: question.ping.nonce.clone(),
        asked_at: question.ping.at,
        answered: None,
        trouble: None,
    }
}

fn known(row: PingRow) -> PingKnown {
    let answered = row.answered.as_ref();
    PingKnown {
        asked_at: row.asked_at,
        answered_at: answered.map(|answer| answer.at),
        round_trip_micros: answered.map(|answer| answer.round_trip_micros),
        on_duty: answered.map(|answer| answer.on_duty),
        trouble: row.trouble,
    }
}

fn missed_report(peer: StateCode, count: usize, since: Instant) -> Report {
    let (hours, row) = (&table::CONTACT_POINT_HOURS, &table::DESK_PING_MISSED);
    Report {
        family: Family::PeerFault,
        code: "P-639".to_owned(),
        message: format!(
            "the contact point of `{peer}` did not answer {count} questions in a row, since {since}"
        ),
        clause: Some(format!("{}; rows {} and {}", hours.citation(), hours.id, row.id)),
        remedy: "telephone it; its descriptor names the number (`rogatory peer list --json`)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Pair;
    use mandate::{RosterDraft, Shift};
    use vocabulary::OfficerId;

    async fn on_duty(pair: &Pair) {
        let shift = Shift {
            name: "always".to_owned(),
            zone: None,
            days: Vec::new(),
            from: "00:00".to_owned(),
            until: "24:00".to_owned(),
            officers: vec![pair.b.first.id.clone()],
        };
        let roster = RosterDraft {
            zone: "Asia/Ho_Chi_Minh".to_owned(),
            officers: Vec::new(),
            shifts: vec![shift],
            swaps: Vec::new(),
            leaves: Vec::new(),
        };
        pair.b.flow.replace_roster(&roster, OfficerId::system()).await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_says_whether_somebody_is_on_duty_and_is_kept_with_its_signature() {
        let pair = Pair::new().await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        for expected in [false, true] {
            let question = a.ping_question(b.us()).await.unwrap();
            let answer = b.ping_answer(a.us(), &question.signed).await.unwrap();
            let known = a.ping_answered(&question, &answer, Duration::from_millis(12)).await.unwrap();
            assert_eq!((known.on_duty, known.round_trip_micros), (Some(expected), Some(12_000)));
            on_duty(&pair).await;
            pair.clock.forward(DAY);
        }
        let known = a.availability(b.us()).await.unwrap();
        assert_eq!((known.week, known.month, known.off_duty, known.missed), ((2, 2), (2, 2), 1, 0));
        pair.clock.forward(DAY * 7);
        let known = a.availability(b.us()).await.unwrap();
        assert_eq!((known.week, known.month), ((0, 0), (2, 2)));
        assert!(b.availability(a.us()).await.unwrap().last.is_none());
        assert_eq!(a.availability("XC".parse().unwrap()).await.unwrap_err().code(), "R-159");
    }

    #[tokio::test]
    async fn questions_without_an_answer_in_a_row_are_one_finding_until_an_answer_comes() {
        let pair = Pair::new().await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        let miss = async || {
            let question = a.ping_question(b.us()).await.unwrap();
            pair.clock.forward(Duration::from_secs(60));
            a.ping_missed(&question, "no route").await.unwrap();
            a.findings().await.unwrap().len()
        };
        let counts = [miss().await, miss().await, miss().await, miss().await];
        assert_eq!(counts, [0, 0, 1, 1]);
        assert_eq!(a.findings().await.unwrap()[0].report.code, "P-639");
        let question = a.ping_question(b.us()).await.unwrap();
        let answer = b.ping_answer(a.us(), &question.signed).await.unwrap();
        a.ping_answered(&question, &answer, Duration::ZERO).await.unwrap();
        pair.clock.forward(Duration::from_secs(60));
        let counts = [miss().await, miss().await, miss().await];
        assert_eq!(counts, [1, 1, 2]);
        assert_eq!(a.availability(b.us()).await.unwrap().missed, 3);
    }

    #[tokio::test]
    async fn an_old_answer_is_a_missed_one_and_a_stopped_peer_is_not_asked_and_not_answered() {
        let pair = Pair::new().await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        let old = a.ping_question(b.us()).await.unwrap();
        let answer = b.ping_answer(a.us(), &old.signed).await.unwrap();
        let question = a.ping_question(b.us()).await.unwrap();
        let refused = a.ping_answered(&question, &answer, Duration::ZERO).await.unwrap_err();
        assert_eq!(refused.code(), "P-638");
        let known = a.pings(b.us()).await.unwrap();
        assert!(known[0].trouble.as_deref().unwrap().starts_with("P-638"), "{known:?}");
        // A question of ours that comes back to us is none of the other State.
        assert!(a.ping_answer(b.us(), &question.signed).await.is_err());
        a.halt(&pair.a.second, b.us(), "we look first").await.unwrap();
        assert_eq!(a.ping_question(b.us()).await.unwrap_err().code(), "R-901");
        let theirs = b.ping_question(a.us()).await.unwrap();
        assert_eq!(a.ping_answer(b.us(), &theirs.signed).await.unwrap_err().code(), "R-901");
    }
}
