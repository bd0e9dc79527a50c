//! Which commands the requesting State's file allows, and the event each becomes.

use super::{Command, Direction, Event, Outgoing, Stage};
use crate::{Disposition, Outcome, Refused, holding::Packing};
use mandate::{Authorized, FourEyes};
use treaty::{AnswerForm, Opening, Party};
use vocabulary::{Digest, Instant, PackageId};

pub(super) fn decide(
    file: Option<&Outgoing>,
    command: &Authorized<Command>,
    now: Instant,
) -> Result<Event, Refused> {
    if let Command::Draft { file: id, kind, to, draft, preservation } = command.command() {
        return match file {
            Some(_) => Err(Refused::Exists),
            None => Ok(Event::Drafted {
                file: *id,
                kind: *kind,
                to: *to,
                draft: *draft,
                preservation: *preservation,
            }),
        };
    }
    let file = file.ok_or(Refused::NoFile)?;
    match command.command() {
        Command::Draft { .. } => Err(Refused::Exists),
        Command::Redraft { draft } => file.redraft(*draft),
        Command::Submit { draft, must, should, note } => {
            file.submit(command.actor(), *draft, *must, *should, *note)
        }
        Command::Approve { draft } => file.approve(command, *draft),
        Command::Consult { text } => {
            file.sent("consult")?;
            Ok(Event::Consulted { direction: Direction::Sent, text: *text })
        }
        Command::AskExtension { days, reason } => file.ask_extension(*days, *reason, now),
        Command::Withdraw { reason } => {
            file.open("withdraw")?;
            Ok(Event::Withdrawn { reason: *reason })
        }
        Command::OpenEvidence { package, exhibits, files } => file.open_evidence(*package, *exhibits, *files),
        Command::Custody(custody) => {
            Ok(Event::Custody(file.custody.decide(custody, command.actor(), file.to, Packing::Sealed)?))
        }
        Command::Matter(matter) => {
            if file.eyes.is_none() {
                return Err(file.wrong_stage("matter", "approved or later"));
            }
            Ok(Event::Matter(file.matters.decide(matter, command.actor(), Party::Requesting)?))
        }
        Command::Close { outcome } => file.close(*outcome),
        report => file.report(report, now),
    }
}

impl Outgoing {
    fn redraft(&self, draft: Digest) -> Result<Event, Refused> {
        match self.stage {
            Stage::Drafting | Stage::AwaitingApproval => Ok(Event::Redrafted { draft }),
            _ => Err(self.wrong_stage("revise", "drafting or awaiting-approval")),
        }
    }

    fn submit(
        &self,
        by: &vocabulary::OfficerId,
        draft: Digest,
        must: u32,
        should: u32,
        note: u32,
    ) -> Result<Event, Refused> {
        if self.stage != Stage::Drafting {
            return Err(self.wrong_stage("submit", "drafting"));
        }
        self.same_draft(draft)?;
        if must > 0 {
            return Err(Refused::Rule {
                code: "R-210",
                what: format!(
                    "the draft has {must} finding(s) that must be answered before it can be submitted"
                ),
                clause: self.kind.form().rule().citation().to_string(),
                remedy:
                    "run `rogatory request check`, correct the request file, then `rogatory request revise`"
                        .to_owned(),
            });
        }
        Ok(Event::Submitted { by: by.clone(), draft, should, note })
    }

    fn approve(&self, command: &Authorized<Command>, draft: Digest) -> Result<Event, Refused> {
        if self.eyes.is_some() {
            return Err(Refused::Already { what: "the request was approved" });
        }
        let (Stage::AwaitingApproval, Some(first)) = (self.stage, &self.submitted_by) else {
            return Err(self.wrong_stage("approve", "awaiting-approval"));
        };
        self.same_draft(draft)?;
        Ok(Event::Approved { eyes: FourEyes::confirm(first, command.actor())?, draft })
    }

    fn ask_extension(&self, days: u32, reason: Digest, now: Instant) -> Result<Event, Refused> {
        let refuse = |what: &str, remedy: &str| {
            Err(Refused::Rule {
                code: "R-211",
                what: what.to_owned(),
                clause: rule_text("preservation.extension"),
                remedy: remedy.to_owned(),
            })
        };
        match &self.preserved {
            Some(_) if days == 0 => refuse("an extension of no days", "give the days that are needed"),
            Some(preserved) if self.clock_runs() && now < preserved.until() => {
                Ok(Event::ExtensionAsked { days, reason })
            }
            Some(_) => refuse(
                "the preservation no longer runs; an extension is asked for before it ends",
                "send a new preservation request",
            ),
            None => Err(self.wrong_stage("extend", "answered, with data preserved")),
        }
    }

    fn open_evidence(&self, package: PackageId, exhibits: u32, files: u64) -> Result<Event, Refused> {
        if self.custody.is_empty_here() {
            return Err(Refused::Rule {
                code: "R-570",
                what: "the package was returned or destroyed and is not held here".to_owned(),
                clause: "spec/04-custody.md, 4.3".to_owned(),
                remedy: "look at its chain with `rogatory custody show FILE`".to_owned(),
            });
        }
        match &self.evidence {
            Some(e) if e.package == package && e.verified.is_some() => {
                Ok(Event::EvidenceOpened { package, exhibits, files })
            }
            _ => Err(Refused::Rule {
                code: "R-212",
                what: "the evidence is not verified yet".to_owned(),
                clause: "spec/05-evidence-package.md".to_owned(),
                remedy: "wait for the transfer, then `rogatory evidence verify`".to_owned(),
            }),
        }
    }

    fn close(&self, outcome: Outcome) -> Result<Event, Refused> {
        self.open("close")?;
        let refuse = |what: &str, remedy: &str| {
            Err(Refused::Rule {
                code: "R-213",
                what: what.to_owned(),
                clause: rule_text("assistance.execution-time"),
                remedy: remedy.to_owned(),
            })
        };
        if self.eyes.is_none() {
            return refuse("nothing was sent; there is nothing to close", "withdraw the draft instead");
        }
        let granted = self.decision.as_ref().map(Disposition::is_grant);
        if outcome == Outcome::Fulfilled && granted == Some(false) {
            return refuse("the other State did not grant the request", "close it as `not-granted`");
        }
        if outcome == Outcome::NotGranted && granted != Some(false) {
            return refuse(
                "the other State neither refused nor postponed the request",
                "close it as `fulfilled` or `no-longer-needed`",
            );
        }
        let is_notice = self.kind.form().opening == Opening::Notice;
        if outcome == Outcome::Fulfilled && is_notice && self.stage == Stage::Delivered {
            return Ok(Event::Closed { outcome });
        }
        if outcome == Outcome::Fulfilled && self.stage != Stage::Answered {
            return refuse(
                "the request has no answer yet",
                "close it as `no-longer-needed` or wait for the answer",
            );
        }
        if outcome == Outcome::Fulfilled && self.evidence.as_ref().is_some_and(|e| e.verified.is_none()) {
            return refuse("the evidence is not verified", "wait until the package is fetched and verified");
        }
        let undecided = self.hold.as_ref().is_some_and(|hold| !hold.decided);
        if undecided && outcome != Outcome::NoLongerNeeded {
            return refuse(
                "the request for assistance that holds the data is not decided, and closing releases them",
                "close that request first, or close this one as `no-longer-needed`",
            );
        }
        Ok(Event::Closed { outcome })
    }

    /// What the node reports; the second time it is refused, so that a duty can be repeated.
    fn report(&self, command: &Command, now: Instant) -> Result<Event, Refused> {
        match command {
            Command::ReportDelivered { envelope, receipt, received_at } => {
                if self.delivered.is_some() {
                    return Err(Refused::Already { what: "the request was delivered" });
                }
                // An answer may come before the receipt: roads differ in speed.
                if !matches!(self.stage, Stage::Approved | Stage::Answered) {
                    return Err(self.wrong_stage("report-delivered", "approved"));
                }
                Ok(Event::Delivered { envelope: *envelope, receipt: *receipt, received_at: *received_at })
            }
            Command::ReportDecided { disposition, statement } => {
                self.answerable("report-decided")?;
                if self.is_decided() {
                    return Err(Refused::Already { what: "the other State decided" });
                }
                Ok(Event::Decided { disposition: disposition.clone(), statement: *statement })
            }
            Command::ReportPreserved { preserved, statement } => {
                self.answerable("report-preserved")?;
                self.is_answered_by(AnswerForm::Preservation, "report-preserved", "a preservation request")?;
                if self.preserved.is_some() {
                    return Err(Refused::Already { what: "the data were preserved" });
                }
                preserved.check()?;
                Ok(Event::Preserved { preserved: preserved.clone(), statement: *statement })
            }
            Command::ReportExtended { order_end, statement } => match &self.preserved {
                Some(preserved) if preserved.order_end == *order_end => {
                    Err(Refused::Already { what: "the preservation was extended" })
                }
                // It may be recorded after the old end: the other State renewed the order in time.
                Some(preserved) => {
                    preserved.renewed_by(order_end)?;
                    Ok(Event::Extended { order_end: order_end.clone(), statement: *statement })
                }
                None => Err(self.wrong_stage("report-extended", "answered, with data preserved")),
            },
            Command::ReportHeld { by, since } => {
                self.clock().may_hold(*since)?;
                Ok(Event::Held { by: *by, since: *since })
            }
            Command::ReportHoldEnded { by } => {
                self.clock().may_end_hold(*by)?;
                Ok(Event::HoldEnded { by: *by })
            }
            Command::ReportLapsed { until } => {
                self.clock().may_lapse(*until, now, self.nothing_preserved("report-lapsed"))?;
                Ok(Event::Lapsed { until: *until })
            }
            Command::ReportAnnounced { package, tag_manifest, bytes, statement } => {
                self.answerable("report-announced")?;
                self.is_answered_by(
                    AnswerForm::Evidence,
                    "report-announced",
                    "a request that is answered by evidence",
                )?;
                if self.evidence.is_some() {
                    return Err(Refused::Already { what: "the evidence was announced" });
                }
                Ok(Event::EvidenceAnnounced {
                    package: *package,
                    tag_manifest: *tag_manifest,
                    bytes: *bytes,
                    statement: *statement,
                })
            }
            Command::ReportExecution { answer, text, complete, statement } => {
                self.answerable("report-execution")?;
                crate::execution::check_answer(self.kind, answer)?;
                if self.executions.iter().any(|execution| execution.complete) {
                    return Err(Refused::Already { what: "the execution was recorded as complete" });
                }
                Ok(Event::ExecutionRecorded {
                    answer: answer.clone(),
                    text: *text,
                    complete: *complete,
                    statement: *statement,
                })
            }
            Command::ReportVerified { package, report } => match &self.evidence {
                Some(e) if e.package == *package && e.verified.is_none() => {
                    Ok(Event::EvidenceVerified { package: *package, report: *report })
                }
                _ => Err(Refused::Already { what: "the package was verified or is unknown" }),
            },
            Command::ReportConsulted { text } => {
                if self.eyes.is_none() {
                    return Err(self.wrong_stage("report-consulted", "approved or later"));
                }
                Ok(Event::Consulted { direction: Direction::Received, text: *text })
            }
            _ => Err(self.wrong_stage("this command", "in another state")),
        }
    }

    fn nothing_preserved(&self, command: &'static str) -> Refused {
        self.wrong_stage(command, "answered, with data preserved")
    }

    fn answerable(&self, command: &'static str) -> Result<(), Refused> {
        match self.stage {
            Stage::Approved | Stage::Delivered | Stage::Answered => Ok(()),
            _ => Err(self.wrong_stage(command, "delivered")),
        }
    }

    fn is_answered_by(
        &self,
        form: AnswerForm,
        command: &'static str,
        needed: &'static str,
    ) -> Result<(), Refused> {
        if self.kind.form().gives(form) { Ok(()) } else { Err(self.wrong_stage(command, needed)) }
    }

    fn sent(&self, command: &'static str) -> Result<(), Refused> {
        self.answerable(command)
    }

    fn open(&self, command: &'static str) -> Result<(), Refused> {
        if self.stage.is_open() { Ok(()) } else { Err(self.wrong_stage(command, "open")) }
    }

    fn same_draft(&self, draft: Digest) -> Result<(), Refused> {
        if self.draft == draft {
            return Ok(());
        }
        Err(Refused::DraftChanged { expected: self.draft.to_string(), found: draft.to_string() })
    }

    fn wrong_stage(&self, command: &'static str, needed: &'static str) -> Refused {
        Refused::Stage { command, stage: self.stage.as_str(), needed }
    }
}

/// The citation of a rule of the table.
pub(crate) fn rule_text(id: &str) -> String {
    treaty::rule(id).map_or_else(|| id.to_owned(), |rule| rule.citation().to_string())
}
