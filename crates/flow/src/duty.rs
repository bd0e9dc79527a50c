//! Discharging what is due: every duty reports back with a command that a second time is refused.

use crate::{Flow, FlowError, Level};
use casefile::{
    Duty, Refused,
    incoming::{self, Incoming},
    outgoing::{self, Outgoing},
};
use exchange::next_attempt;
use mandate::Authorized;
use std::time::Duration;
use store::DutyRow;
use treaty::rule;
use vocabulary::{Failure, Family, FileId, Instant, PackageId, Report};

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
            if let Duty::Fetch { package } = duty {
                round.fetches.push((row.id, row.file, package));
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
    async fn other_state(&self, file: FileId) -> Result<Option<(String, vocabulary::StateCode)>, FlowError> {
        let mut read = self.store.read().await?;
        let Some(view) = read.queries().view(file).await? else { return Ok(None) };
        let state = if view.side == "outgoing" {
            crate::request::read_view::<Outgoing>(&view.body)?.to
        } else {
            crate::request::read_view::<Incoming>(&view.body)?.from
        };
        Ok(Some((view.side, state)))
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
            Some("incoming") => self
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
        let view = write.queries().view(row.file).await?;
        let running_until = match view {
            Some(view) if view.side == "outgoing" => {
                let file: Outgoing = crate::request::read_view(&view.body)?;
                file.clock_runs().then(|| file.preserved.map(|p| p.until())).flatten()
            }
            Some(view) => {
                let file: Incoming = crate::request::read_view(&view.body)?;
                file.clock_runs().then(|| file.preserved.map(|p| p.until())).flatten()
            }
            None => None,
        };
        // A rung that passed while the clock stood says nothing now; the next one will.
        let current = self.now().since(row.due) < DAY;
        if running_until == Some(until) && current {
            let report = lapse_report(until, days_before);
            let level = if days_before <= 3 { Level::Fail } else { Level::Warn };
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
        if row.attempts + 1 >= SHOWN_ATTEMPTS {
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
        // Alarms and lapses are due far ahead by right, and are never attempted before.
        for row in duties.into_iter().filter(|row| row.attempts > 0 && row.due > longest) {
            let mut write = self.store.write().await?;
            write.postpone_duty(&row.id, now, row.trouble.as_deref().unwrap_or(CLOCK_SET)).await?;
            write.commit().await?;
        }
        Ok(())
    }

    /// Puts a duty off after a failed fetch.
    pub async fn fetch_failed(&self, duty: &str, trouble: &str) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        let open = write.queries().duties_open().await?;
        let attempts = open.iter().find(|row| row.id == duty).map_or(0, |row| row.attempts);
        write.postpone_duty(duty, next_attempt(self.now(), attempts), trouble).await?;
        Ok(write.commit().await?)
    }
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
