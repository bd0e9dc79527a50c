//! Which commands the requested State's file allows, and the event each becomes.

use super::{Command, Event, Incoming, Proposal, Stage};
use crate::{
    Disposition, MatterCommand, Preserved, Refused,
    holding::Packing,
    outgoing::{Direction, rule_text},
};
use mandate::{Authorized, FourEyes};
use std::time::Duration;
use treaty::{AnswerForm, MAX_REASONS_BYTES, OffenceBasis, Opening, Party, RefusalGrounds, RequestedProfile};
use vocabulary::{Digest, Instant, OfficerId, PackageId};

/// Policy: a contact point may have been called, and have acted, before the written request arrived.
const EARLIEST_BEFORE_RECEIPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(super) fn decide(
    file: Option<&Incoming>,
    command: &Authorized<Command>,
    now: Instant,
) -> Result<Event, Refused> {
    if let Command::ReportReceived { .. } = command.command() {
        return match file {
            Some(_) => Err(Refused::Exists),
            None => Ok(received(command.command())),
        };
    }
    let file = file.ok_or(Refused::NoFile)?;
    match command.command() {
        Command::Triage { urgent, note } => match file.stage {
            Stage::Received => Ok(Event::Triaged { urgent: *urgent, note: *note }),
            _ => Err(file.wrong_stage("triage", "received")),
        },
        Command::Consult { text } => match file.stage {
            Stage::Received | Stage::Closed | Stage::Withdrawn => {
                Err(file.wrong_stage("consult", "triaged or later"))
            }
            _ => Ok(Event::Consulted { direction: Direction::Sent, text: *text }),
        },
        Command::Propose { proposal, basis, profile } => {
            file.propose(command.actor(), proposal, *basis, profile)
        }
        Command::Decide => file.confirm(command.actor()),
        Command::EffectPreservation { preserved, order } => file.effect(preserved, *order, now),
        Command::Extend { order_end } => file.extend(order_end, now),
        Command::TakeExhibit { exhibit, record, files, bytes, tree } => {
            if file.sealed.is_some() {
                return Err(Refused::Already { what: "the evidence was sealed" });
            }
            file.executing("add evidence")?;
            file.is_answered_by(
                AnswerForm::Evidence,
                "add evidence",
                "a request that is answered by evidence",
            )?;
            Ok(Event::ExhibitTaken {
                exhibit: *exhibit,
                record: *record,
                files: *files,
                bytes: *bytes,
                tree: *tree,
            })
        }
        Command::SealEvidence { package, tag_manifest, bytes, announcement } => {
            file.seal(*package, *tag_manifest, *bytes, *announcement)
        }
        Command::SendEvidence { package } => match &file.sealed {
            Some(sealed) if sealed.sent => Err(Refused::Already { what: "the evidence was sent" }),
            Some(sealed) if sealed.package == *package && file.stage == Stage::Executed => {
                Ok(Event::EvidenceSent { package: *package })
            }
            _ => Err(file.wrong_stage("send evidence", "executed, with a sealed package")),
        },
        Command::RecordExecution { answer, text, complete } => file.record(answer, *text, *complete),
        Command::Matter(matter) => {
            let ours =
                !matches!(matter, MatterCommand::ReportRaised { .. } | MatterCommand::ReportAnswered { .. });
            if ours && file.stage == Stage::Received {
                return Err(file.wrong_stage("matter", "triaged or later"));
            }
            Ok(Event::Matter(file.matters.decide(matter, command.actor(), Party::Requested)?))
        }
        Command::Custody(custody) => {
            let package = match file.sealed {
                Some(_) => Packing::Sealed,
                None if file.may_execute() => Packing::Awaited,
                None => Packing::Never,
            };
            Ok(Event::Custody(file.custody.decide(custody, command.actor(), file.from, package)?))
        }
        Command::Close => file.close(),
        report => file.report(report, now),
    }
}

fn received(command: &Command) -> Event {
    let Command::ReportReceived {
        file,
        kind,
        from,
        draft,
        envelope,
        received_at,
        preservation,
        must,
        should,
        note,
    } = command
    else {
        return Event::Closed;
    };
    Event::Received {
        file: *file,
        kind: *kind,
        from: *from,
        draft: *draft,
        envelope: *envelope,
        received_at: *received_at,
        preservation: *preservation,
        must: *must,
        should: *should,
        note: *note,
    }
}

/// A text that travels is no longer than reasons may be.
fn short(text: &str, name: &str, clause: &str) -> Result<(), Refused> {
    if text.len() <= MAX_REASONS_BYTES {
        return Ok(());
    }
    Err(Refused::Rule {
        code: "R-226",
        what: format!("the {name} are {} bytes long, at most {MAX_REASONS_BYTES} are kept", text.len()),
        clause: rule_text(clause),
        remedy: format!("shorten the {name}"),
    })
}

impl Incoming {
    fn propose(
        &self,
        by: &OfficerId,
        proposal: &Proposal,
        basis: Option<OffenceBasis>,
        profile: &RequestedProfile,
    ) -> Result<Event, Refused> {
        if !matches!(self.stage, Stage::Triaged | Stage::Consulting | Stage::Proposed) {
            return Err(self.wrong_stage("propose", "triaged"));
        }
        if self.kind.form().opening == Opening::Notice {
            return Err(Refused::Rule {
                code: "R-247",
                what: "a notice asks for nothing: there is nothing to decide".to_owned(),
                clause: self.kind.form().rule().citation().to_string(),
                remedy: "close the file with `rogatory incoming close`, or raise a matter in it".to_owned(),
            });
        }
        let disposition = match proposal {
            Proposal::Grant { conditions } => {
                short(conditions.as_deref().unwrap_or(""), "conditions", "refusal.consultation")?;
                Disposition::Grant { conditions: conditions.as_ref().map(|text| Digest::of(text.as_bytes())) }
            }
            Proposal::Postpone { reasons } => self.postpone(reasons)?,
            Proposal::Refuse { grounds, reasons } => {
                let refusal = RefusalGrounds::new(
                    self.kind,
                    basis,
                    grounds.clone(),
                    reasons.clone(),
                    self.consulted,
                    profile,
                )?;
                Disposition::Refuse {
                    grounds: refusal.grounds().to_vec(),
                    reasons: Digest::of(refusal.reasons().as_bytes()),
                }
            }
        };
        Ok(Event::Proposed { by: by.clone(), disposition })
    }

    fn postpone(&self, reasons: &str) -> Result<Disposition, Refused> {
        let rule = |what: &str, clause: &str, remedy: &str| Refused::Rule {
            code: "R-220",
            what: what.to_owned(),
            clause: rule_text(clause),
            remedy: remedy.to_owned(),
        };
        if self.kind.form().postponement.is_none() {
            return Err(rule(
                "a request of this kind cannot be postponed",
                self.kind.form().rule().id,
                "grant it, or refuse it on a ground that its article allows",
            ));
        }
        if !self.consulted {
            return Err(rule(
                "no consultation with the requesting State is recorded before postponing",
                "refusal.consultation",
                "run `rogatory incoming consult` first",
            ));
        }
        if reasons.trim().is_empty() {
            return Err(rule("a postponement needs reasons", "assistance.postponement", "give `--reasons`"));
        }
        short(reasons, "reasons", "assistance.postponement")?;
        Ok(Disposition::Postpone { reasons: Digest::of(reasons.as_bytes()) })
    }

    fn confirm(&self, by: &OfficerId) -> Result<Event, Refused> {
        if self.is_decided() {
            return Err(Refused::Already { what: "the request was decided" });
        }
        match (&self.proposed, self.stage) {
            (Some((first, disposition)), Stage::Proposed) => {
                Ok(Event::Decided { eyes: FourEyes::confirm(first, by)?, disposition: disposition.clone() })
            }
            _ => Err(self.wrong_stage("decide", "proposed")),
        }
    }

    /// Art. 25(2) and 42(8): the order's end lies between the minimum for a foreign request and the longest order.
    fn effect(&self, preserved: &Preserved, order: Digest, now: Instant) -> Result<Event, Refused> {
        self.is_answered_by(AnswerForm::Preservation, "execute a preservation", "a preservation request")?;
        if self.preserved.is_some() {
            return Err(Refused::Already { what: "the data were preserved" });
        }
        self.executing("execute")?;
        preserved.check()?;
        self.plausible(preserved.effected, now)?;
        Ok(Event::Preserved { preserved: preserved.clone(), order })
    }

    /// Data are preserved before anybody records it, and not long before the request came.
    fn plausible(&self, effected: Instant, now: Instant) -> Result<(), Refused> {
        if effected <= now && effected >= self.received_at.minus(EARLIEST_BEFORE_RECEIPT) {
            return Ok(());
        }
        Err(Refused::Rule {
            code: "R-227",
            what: format!("the data cannot have been preserved for this request at {effected}"),
            clause: rule_text("preservation.minimum"),
            remedy: "give the instant at which the order took effect, with its zone".to_owned(),
        })
    }

    fn extend(&self, order_end: &treaty::Computed, now: Instant) -> Result<Event, Refused> {
        match &self.preserved {
            Some(preserved) if !self.clock_runs() || now >= preserved.until() => {
                Err(Refused::Already { what: "the preservation is held, released or has lapsed" })
            }
            Some(preserved) => {
                preserved.renewed_by(order_end)?;
                if now < preserved.order_begins() {
                    return Err(Refused::Rule {
                        code: "R-228",
                        what: format!("the last renewal begins only {}", preserved.order_begins()),
                        clause: rule_text("preservation.order.maximum"),
                        remedy: "renew the order again once the renewal runs".to_owned(),
                    });
                }
                Ok(Event::Extended { order_end: order_end.clone() })
            }
            None => Err(self.wrong_stage("extend", "executed, with data preserved")),
        }
    }

    fn record(&self, answer: &str, text: Digest, complete: bool) -> Result<Event, Refused> {
        crate::execution::check_answer(self.kind, answer)?;
        if self.executions.iter().any(|execution| execution.complete) {
            return Err(Refused::Already { what: "the execution was recorded as complete" });
        }
        if !self.may_record() {
            return Err(self.wrong_stage("record the execution", "decided, and granted"));
        }
        Ok(Event::ExecutionRecorded { answer: answer.to_owned(), text, complete })
    }

    fn seal(
        &self,
        package: PackageId,
        tag_manifest: Digest,
        bytes: u64,
        announcement: Digest,
    ) -> Result<Event, Refused> {
        if self.sealed.is_some() {
            return Err(Refused::Already { what: "the evidence was sealed" });
        }
        self.executing("seal evidence")?;
        if self.exhibits.is_empty() {
            return Err(Refused::Rule {
                code: "R-223",
                what: "there is no exhibit to seal".to_owned(),
                clause: "spec/05-evidence-package.md".to_owned(),
                remedy: "take exhibits in with `rogatory evidence add`".to_owned(),
            });
        }
        Ok(Event::EvidenceSealed { package, tag_manifest, bytes, announcement })
    }

    fn close(&self) -> Result<Event, Refused> {
        match self.stage {
            Stage::Closed => Err(Refused::Already { what: "the file is closed" }),
            _ if self.is_noted_notice() => Ok(Event::Closed),
            _ if self.outcome.is_some() => Ok(Event::Closed),
            Stage::Answered if !self.granted() || self.lapsed => Ok(Event::Closed),
            Stage::Withdrawn => Ok(Event::Closed),
            Stage::Answered => Err(Refused::Rule {
                code: "R-224",
                what: "the requesting State has not closed its file".to_owned(),
                clause: rule_text("assistance.execution-time"),
                remedy: "wait for its closing message, or ask with `rogatory incoming consult`".to_owned(),
            }),
            _ => Err(self.wrong_stage("close", "answered")),
        }
    }

    /// What the node reports; the second time it is refused, so that a duty can be repeated.
    fn report(&self, command: &Command, now: Instant) -> Result<Event, Refused> {
        match command {
            Command::ReportConsulted { text } => {
                Ok(Event::Consulted { direction: Direction::Received, text: *text })
            }
            Command::ReportExtensionAsked { days, reason } => match &self.preserved {
                Some(_) => Ok(Event::ExtensionAsked { days: *days, reason: *reason }),
                None => Err(self.wrong_stage("report-extension-asked", "executed, with data preserved")),
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
            Command::ReportAnswered { envelope } => match self.answered {
                Some(_) => Err(Refused::Already { what: "the request was answered" }),
                None if !self.is_decided() => Err(self.wrong_stage("report-answered", "decided")),
                None => Ok(Event::Answered { envelope: *envelope }),
            },
            Command::ReportWithdrawn { reason } => match self.stage {
                Stage::Withdrawn | Stage::Closed => Err(Refused::Already { what: "the file ended" }),
                _ => Ok(Event::Withdrawn { reason: *reason }),
            },
            Command::ReportClosedByRequester { outcome, statement } => match self.outcome {
                Some(_) => Err(Refused::Already { what: "the requesting State closed its file" }),
                None => Ok(Event::ClosedByRequester { outcome: *outcome, statement: *statement }),
            },
            _ => Err(self.wrong_stage("this command", "in another state")),
        }
    }

    fn nothing_preserved(&self, command: &'static str) -> Refused {
        self.wrong_stage(command, "executed, with data preserved")
    }

    fn executing(&self, command: &'static str) -> Result<(), Refused> {
        if self.may_execute() { Ok(()) } else { Err(self.wrong_stage(command, "decided, and granted")) }
    }

    fn is_answered_by(
        &self,
        form: AnswerForm,
        command: &'static str,
        needed: &'static str,
    ) -> Result<(), Refused> {
        if self.kind.form().gives(form) { Ok(()) } else { Err(self.wrong_stage(command, needed)) }
    }

    fn wrong_stage(&self, command: &'static str, needed: &'static str) -> Refused {
        Refused::Stage { command, stage: self.stage.as_str(), needed }
    }
}
