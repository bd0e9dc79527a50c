//! Discharging what is due: every duty reports back with a command that a second time is refused.

use crate::{Flow, FlowError, Level, View, transfer::window_report};
use casefile::{
    Duty, Refused, Side,
    incoming::{self, Incoming},
    outgoing::{self, Outgoing},
};
use exchange::next_attempt;
use mandate::Authorized;
use std::time::Duration;
use store::DutyRow;
use treaty::rule;
use vocabulary::{Failure, Family, FileId, Instant, PackageId, Report, StateCode};

/// With the pauses between attempts, about eight hours.
const LINK_ATTEMPTS: u32 = 100;
/// From here on people are told that a duty fails.
const SHOWN_ATTEMPTS: u32 = 5;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Why something without a trouble of its own is tried earlier than it was put off to.
const CLOCK_SET: &str = "the clock was set back";
/// Duties tried in one round.
const ROUND: u32 = 128;

/// What a round did, and what is left to somebody with a network.
#[derive(Debug, Clone, Default)]
pub struct Discharged {
    pub discharged: usize,
    pub postponed: usize,
    /// Packages to fetch; the node does it and calls `fetched`.
    pub fetches: Vec<(String, FileId, PackageId)>,
}

impl Flow {
    /// Discharges the duties that are due now.
    pub async fn discharge_due(&self) -> Result<Discharged, FlowError> {
        let rows = {
            let mut read = self.store.read().await?;
            read.queries().duties_due(self.now(), ROUND).await?
        };
        let mut round = Discharged::default();
        for row in rows {
            let duty: Duty =
                serde_json::from_slice(&row.body).map_err(|_| FlowError::Record { what: "a duty" })?;
            if matches!(duty, Duty::Dispatch { .. }) && self.follows_another(&row).await? {
                continue;
            }
            if let Duty::Fetch { package } = duty {
                match self.fetch_may_go(row.file).await {
                    Ok(()) => round.fetches.push((row.id, row.file, package)),
                    Err(error) => {
                        self.put_off(&row, &error).await?;
                        round.postponed += 1;
                    }
                }
                continue;
            }
            match self.discharge(&row, &duty).await {
                Ok(()) => round.discharged += 1,
                Err(error) if error.is_already_done() => {
                    self.finish(&row.id).await?;
                    round.discharged += 1;
                }
                Err(error) => {
                    self.put_off(&row, &error).await?;
                    round.postponed += 1;
                }
            }
        }
        Ok(round)
    }

    /// Nothing is fetched from a peer with which the exchange is stopped.
    async fn fetch_may_go(&self, file: FileId) -> Result<(), FlowError> {
        let Some((_, peer)) = self.other_state(file).await? else { return Ok(()) };
        self.not_halted(&mut self.store.read().await?, peer).await
    }

    /// True while an earlier statement of the same file is still to be made: words leave in the order of their events.
    async fn follows_another(&self, row: &DutyRow) -> Result<bool, FlowError> {
        let Some(place) = place_in_file(&row.id) else { return Ok(false) };
        let mut read = self.store.read().await?;
        let open = read.queries().duties_open_of(row.file).await?;
        Ok(open.iter().any(|other| {
            place_in_file(&other.id).is_some_and(|earlier| earlier < place)
                && matches!(serde_json::from_slice(&other.body), Ok(Duty::Dispatch { .. }))
        }))
    }

    async fn discharge(&self, row: &DutyRow, duty: &Duty) -> Result<(), FlowError> {
        match duty {
            Duty::Dispatch { parcel } => self.dispatch(row, parcel).await,
            Duty::Fetch { .. } => Ok(()),
            Duty::Alarm { until, days_before, .. } => self.alarm(row, *until, *days_before).await,
            Duty::Lapse { until } => {
                let incoming = incoming::Command::ReportLapsed { until: *until };
                let outgoing = outgoing::Command::ReportLapsed { until: *until };
                self.report_on(row, row.file, incoming, outgoing).await
            }
            Duty::HoldPreservation { preservation, since } => {
                let incoming = incoming::Command::ReportHeld { by: row.file, since: *since };
                let outgoing = outgoing::Command::ReportHeld { by: row.file, since: *since };
                self.report_linked(row, *preservation, incoming, outgoing).await
            }
            Duty::EndHold { preservation } => {
                let incoming = incoming::Command::ReportHoldEnded { by: row.file };
                let outgoing = outgoing::Command::ReportHoldEnded { by: row.file };
                self.report_linked(row, *preservation, incoming, outgoing).await
            }
        }
    }

    /// A link in a request can name any file: only one between the same two States is touched.
    async fn report_linked(
        &self,
        row: &DutyRow,
        linked: FileId,
        incoming: incoming::Command,
        outgoing: outgoing::Command,
    ) -> Result<(), FlowError> {
        let same = match (self.other_state(row.file).await?, self.other_state(linked).await?) {
            (Some(this), Some(that)) => this == that,
            // The linked file may still be on its way; a link to nothing is given up after some hours.
            (Some(_), None) if row.attempts < LINK_ATTEMPTS => {
                return Err(FlowError::NoFile { file: linked });
            }
            _ => false,
        };
        if same { self.report_on(row, linked, incoming, outgoing).await } else { self.finish(&row.id).await }
    }

    /// The side and the other State of a file, if it is here.
    async fn other_state(&self, file: FileId) -> Result<Option<(Side, StateCode)>, FlowError> {
        let mut read = self.store.read().await?;
        let Some(row) = read.queries().view(file).await? else { return Ok(None) };
        let view = View::of(&row)?;
        Ok(Some((view.side(), view.other())))
    }

    /// Gives the command of the file's side and discharges the duty in the same transaction.
    async fn report_on(
        &self,
        row: &DutyRow,
        file: FileId,
        incoming: incoming::Command,
        outgoing: outgoing::Command,
    ) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        let side = write.queries().view(file).await?.map(|view| view.side);
        let outcome = match side.as_deref() {
            Some(side) if side == Side::Incoming.as_str() => self
                .perform_in::<Incoming>(&mut write, file, &Authorized::reported(incoming)?, &[])
                .await
                .map(|_| ()),
            Some(_) => self
                .perform_in::<Outgoing>(&mut write, file, &Authorized::reported(outgoing)?, &[])
                .await
                .map(|_| ()),
            None => Ok(()),
        };
        match outcome {
            // The state moved on (held, extended, closed): nothing is owed any more.
            Ok(()) | Err(FlowError::Refused(Refused::Already { .. } | Refused::Stage { .. })) => {}
            Err(error) => return Err(error),
        }
        write.discharge_duty(&row.id, self.now()).await?;
        Ok(write.commit().await?)
    }

    async fn alarm(&self, row: &DutyRow, until: Instant, days_before: u32) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        let view = write.queries().view(row.file).await?.as_ref().map(View::of).transpose()?;
        let running_until = view.as_ref().and_then(View::runs_until);
        // A rung that passed while the clock stood says nothing now; the next one will.
        let current = self.now().since(row.due) < DAY;
        if running_until == Some(until) && current {
            let report = lapse_report(until, days_before);
            let level = if days_before <= 3 { Level::Fail } else { Level::Warn };
            self.find(&mut write, format!("alarm/{}", row.id), level, Some(row.file), None, report).await?;
        } else if current && let Some(report) = view.and_then(|view| window_report(&view, until, days_before))
        {
            let level = if days_before <= 1 { Level::Fail } else { Level::Warn };
            self.find(&mut write, format!("alarm/{}", row.id), level, Some(row.file), None, report).await?;
        }
        write.discharge_duty(&row.id, self.now()).await?;
        Ok(write.commit().await?)
    }

    pub(crate) async fn finish(&self, duty: &str) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        write.discharge_duty(duty, self.now()).await?;
        Ok(write.commit().await?)
    }

    async fn put_off(&self, row: &DutyRow, error: &FlowError) -> Result<(), FlowError> {
        tracing::warn!(code = error.code(), duty = row.id, "duty put off");
        let mut write = self.store.write().await?;
        let due = next_attempt(self.now(), row.attempts);
        write.postpone_duty(&row.id, due, &format!("{}: {error}", error.code())).await?;
        // A halt has its own finding.
        if row.attempts + 1 >= SHOWN_ATTEMPTS && !matches!(error, FlowError::Halted { .. }) {
            let file = write.queries().view(row.file).await?.map(|view| view.file);
            self.find(&mut write, format!("duty/{}", row.id), Level::Fail, file, None, error.report())
                .await?;
        }
        Ok(write.commit().await?)
    }

    /// Gives a fetch up: what arrived is not what was announced, and only people can mend that.
    pub async fn fetch_refused(&self, duty: &str, file: FileId, report: Report) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        write.discharge_duty(duty, self.now()).await?;
        self.find(&mut write, format!("fetch/{duty}"), Level::Fail, Some(file), None, report).await?;
        Ok(write.commit().await?)
    }

    /// Brings forward what was put off farther than any pause: our clock was ahead and was set right.
    pub async fn bring_forward(&self) -> Result<(), FlowError> {
        let now = self.now();
        let longest = next_attempt(now, u32::MAX);
        let mut read = self.store.read().await?;
        let envelopes = read.queries().outbox_waiting().await?;
        let duties = read.queries().duties_open().await?;
        drop(read);
        for row in envelopes.into_iter().filter(|row| row.next_attempt > longest) {
            let mut write = self.store.write().await?;
            write.retry_outbox(row.envelope, now, row.trouble.as_deref().unwrap_or(CLOCK_SET)).await?;
            write.commit().await?;
        }
        // Alarms and lapses are due far ahead by right, and are never attempted before; what is due at once is not.
        for row in duties.into_iter().filter(|row| {
            row.due > longest && row.attempts > 0 || row.due > now && row.attempts == 0 && at_once(row)
        }) {
            let mut write = self.store.write().await?;
            write.postpone_duty(&row.id, now, row.trouble.as_deref().unwrap_or(CLOCK_SET)).await?;
            write.commit().await?;
        }
        Ok(())
    }
}

/// The number of the event in its file that made the duty, and which of its duties it is.
pub(crate) fn place_in_file(id: &str) -> Option<(u64, u64)> {
    let mut parts = id.rsplit('/');
    let (number, sequence) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((sequence, number))
}

fn at_once(row: &DutyRow) -> bool {
    serde_json::from_slice::<Duty>(&row.body).is_ok_and(|duty| duty.due().is_none())
}

fn lapse_report(until: Instant, days_before: u32) -> Report {
    Report {
        family: Family::Refusal,
        code: "R-230".to_owned(),
        message: format!("the preservation lapses {until}, in {days_before} day(s)"),
        clause: rule("preservation.minimum").map(|rule| rule.citation().to_string()),
        remedy: "send the request for mutual legal assistance, or ask for an extension before it lapses"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{DAY, Pair, Side};
    use treaty::Kind;

    const LADDER: [u32; 5] = [30, 14, 7, 3, 1];

    /// The alarms that a side shows for `until`: days before, and how loudly.
    async fn alarms(side: &Side, file: FileId, until: Instant) -> Vec<(u32, Level)> {
        let findings = side.flow.findings().await.unwrap();
        let of_this = findings.into_iter().filter(|f| f.report.code == "R-230" && f.file == Some(file));
        let days = |message: &str| {
            let rest = message.strip_prefix(&format!("the preservation lapses {until}, in "))?;
            rest.split(' ').next()?.parse().ok()
        };
        of_this.filter_map(|f| Some((days(&f.report.message)?, f.level))).collect()
    }

    async fn on_both_sides(pair: &Pair, file: FileId, until: Instant) -> Vec<u32> {
        let ours = alarms(&pair.a, file, until).await;
        assert_eq!(ours, alarms(&pair.b, file, until).await);
        assert!(ours.iter().all(|(days, level)| (*level == Level::Fail) == (*days <= 3)), "{ours:?}");
        ours.into_iter().map(|(days, _)| days).collect()
    }

    /// When each side recorded that the preservation lapsed.
    async fn lapses(side: &Side, file: FileId) -> Vec<String> {
        let steps = side.flow.timeline(file).await.unwrap().steps;
        let lapsed = steps.into_iter().filter(|step| step.what == "lapsed");
        lapsed.map(|step| step.detail["until"].as_str().unwrap().to_owned()).collect()
    }

    #[tokio::test]
    async fn alarms_ring_on_both_sides_at_each_rung_and_the_lapse_is_the_same_instant() {
        let pair = Pair::new().await;
        let (file, until) = pair.preserve(90).await;
        let mut rung = Vec::new();
        for days in LADDER {
            pair.clock.set(until.minus(DAY * days).minus(std::time::Duration::from_micros(1)));
            pair.settle().await;
            assert_eq!(on_both_sides(&pair, file, until).await, rung, "not a microsecond early");
            pair.clock.set(until.minus(DAY * days));
            pair.settle().await;
            rung.push(days);
            assert_eq!(on_both_sides(&pair, file, until).await, rung);
            pair.settle().await;
            assert_eq!(on_both_sides(&pair, file, until).await, rung, "once each");
        }
        pair.clock.set(until.minus(std::time::Duration::from_micros(1)));
        pair.settle().await;
        assert!(!pair.a.flow.outgoing(file).await.unwrap().lapsed);
        // The workers of the two sides come by at different times, and name the same instant.
        pair.clock.set(until);
        pair.a.flow.discharge_due().await.unwrap();
        pair.clock.forward(DAY);
        pair.settle().await;
        assert!(pair.a.flow.outgoing(file).await.unwrap().lapsed);
        assert!(pair.b.flow.incoming(file).await.unwrap().lapsed);
        let ours = lapses(&pair.a, file).await;
        assert_eq!(ours, [until.to_string()]);
        assert_eq!(ours, lapses(&pair.b, file).await);
        assert_eq!(on_both_sides(&pair, file, until).await, LADDER);
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_hold_silences_the_alarms_and_nothing_lapses() {
        let pair = Pair::new().await;
        let (file, until) = pair.preserve(90).await;
        pair.clock.set(until.minus(DAY * 30));
        pair.settle().await;
        assert_eq!(on_both_sides(&pair, file, until).await, [30]);
        pair.ask(Kind::STORED_DATA, Some(file)).await;
        let ours = pair.a.flow.outgoing(file).await.unwrap().hold.unwrap();
        assert_eq!(ours, pair.b.flow.incoming(file).await.unwrap().hold.unwrap());
        for days in [14, 7, 3, 1, 0] {
            pair.clock.set(until.minus(DAY * days));
            pair.settle().await;
        }
        pair.clock.forward(DAY * 5);
        pair.settle().await;
        assert_eq!(on_both_sides(&pair, file, until).await, [30]);
        assert!(lapses(&pair.a, file).await.is_empty() && lapses(&pair.b, file).await.is_empty());
        pair.audit().await;
    }

    #[tokio::test]
    async fn an_extension_moves_the_alarms_and_the_lapse_on_both_sides() {
        let pair = Pair::new().await;
        let (file, first) = pair.preserve(60).await;
        pair.clock.set(first.minus(DAY * 14));
        pair.settle().await;
        assert_eq!(on_both_sides(&pair, file, first).await, [14]);
        pair.a.flow.ask_extension(&pair.a.first, file, 60, "the request follows").await.unwrap();
        pair.settle().await;
        pair.b.flow.extend_preservation(&pair.b.first, file, 60).await.unwrap();
        pair.settle().await;
        let until = pair.a.flow.outgoing(file).await.unwrap().preserved.unwrap().until();
        assert_eq!(pair.b.flow.incoming(file).await.unwrap().preserved.unwrap().until(), until);
        assert!(until > first);

        pair.clock.set(first.plus(DAY));
        pair.settle().await;
        assert_eq!(on_both_sides(&pair, file, first).await, [14], "the old end is not spoken of any more");
        assert!(lapses(&pair.a, file).await.is_empty() && lapses(&pair.b, file).await.is_empty());
        for days in LADDER {
            pair.clock.set(until.minus(DAY * days));
            pair.settle().await;
        }
        assert_eq!(on_both_sides(&pair, file, until).await, LADDER);
        pair.clock.set(until);
        pair.settle().await;
        assert_eq!(lapses(&pair.a, file).await, [until.to_string()]);
        assert_eq!(lapses(&pair.b, file).await, [until.to_string()]);
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_node_that_was_down_over_several_rungs_speaks_of_the_one_that_stands() {
        let pair = Pair::new().await;
        let (file, until) = pair.preserve(90).await;
        pair.clock.set(until.minus(DAY * 3));
        pair.settle().await;
        assert_eq!(on_both_sides(&pair, file, until).await, [3]);
    }

    #[tokio::test]
    async fn words_leave_and_are_read_in_their_order_whatever_the_clocks_do() {
        let pair = Pair::new().await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        let begin = a.now();
        let file = pair.approve(Kind::PRESERVATION, None).await;
        pair.clock.set(begin.minus(DAY / 6));
        a.consult(&pair.a.first, file, "words").await.unwrap();
        a.discharge_due().await.unwrap();
        assert!(
            a.attempts_due().await.unwrap().is_empty(),
            "the request is due first, by a clock that was ahead"
        );
        a.bring_forward().await.unwrap();
        a.discharge_due().await.unwrap();
        a.discharge_due().await.unwrap();
        for kind in ["request", "consultation"] {
            let attempt = a.attempts_due().await.unwrap().remove(0);
            assert_eq!(attempt.kind, kind);
            let bytes = a.envelope_bytes(attempt.envelope).await.unwrap();
            let receipt = b.take_in(&bytes, crate::HandedBy::Peer(a.us())).await.unwrap();
            a.settle(attempt.envelope, &receipt).await.unwrap();
            // The receiver's clock goes back too before anybody opens the inbox.
            pair.clock.set(a.now().minus(DAY / 6));
            a.bring_forward().await.unwrap();
        }
        pair.clock.set(begin.plus(DAY));
        pair.settle().await;
        let b_findings = b.findings().await.unwrap();
        assert!(b_findings.iter().all(|finding| finding.report.code == "F-410"), "{b_findings:?}");
        let letters = b.timeline(file).await.unwrap().letters;
        let proofs: Vec<_> = letters
            .iter()
            .filter(|letter| letter.direction == "received")
            .map(|letter| letter.proof)
            .collect();
        assert_eq!(proofs, ["recorded", "recorded"]);
        pair.audit().await;
    }

    #[tokio::test]
    async fn what_a_clock_ahead_put_off_is_brought_forward_and_alarms_are_not() {
        let pair = Pair::new().await;
        let (file, until) = pair.preserve(90).await;
        let right = pair.a.flow.now();
        let waiting = pair.approve(Kind::PRESERVATION, None).await;
        pair.a.flow.discharge_due().await.unwrap();
        pair.clock.forward(DAY * 2);
        let attempt = pair.a.flow.attempts_due().await.unwrap().remove(0);
        pair.a.flow.attempt_failed(&attempt, "the peer was away").await.unwrap();
        pair.clock.set(right);
        assert!(pair.a.flow.attempts_due().await.unwrap().is_empty());
        pair.a.flow.bring_forward().await.unwrap();
        assert_eq!(pair.a.flow.attempts_due().await.unwrap()[0].file, waiting);
        pair.settle().await;
        assert!(pair.a.flow.outgoing(waiting).await.unwrap().delivered.is_some());
        assert!(on_both_sides(&pair, file, until).await.is_empty());
        assert!(!pair.a.flow.outgoing(file).await.unwrap().lapsed);
    }
}
