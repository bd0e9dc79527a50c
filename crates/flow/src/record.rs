//! Opening what was taken in: decrypt, verify, and record it in its file.

use crate::{Flow, FlowError, Level, View, perform::json};
use casefile::{
    Disposition, Duty, MatterCommand, Parcel, Preserved, Refused, Side, TransportEvent,
    incoming::{self, Incoming},
    outgoing::{self, Outgoing},
};
use exchange::{Decision, Message, Statement};
use keys::NodeKeys;
use mandate::{Authorized, FourEyes};
use seal::{EnvelopeError, OfficeKey, OpenError};
use store::{InboxRow, InboxState, Write};
use treaty::{Draft, Party, Severity};
use vocabulary::{Digest, EnvelopeId, Failure, Family, FileId, OfficeFunction, OfficerId, Report};

/// Envelopes opened in one round.
const ROUND: u32 = 64;

impl Flow {
    /// Opens and records what waits in the inbox; returns how many envelopes were settled.
    pub async fn record_stored(&self) -> Result<usize, FlowError> {
        let rows = {
            let mut read = self.store.read().await?;
            read.queries().inbox_stored(ROUND).await?
        };
        let (mut settled, mut fault) = (0, None);
        for row in &rows {
            match self.record_one(row).await {
                Ok(()) => settled += 1,
                // Our own trouble with one envelope does not hold up the others.
                Err(error) if error.family() == Family::Fault => fault = Some(error),
                Err(error) => {
                    self.quarantine(row, &error).await?;
                    settled += 1;
                }
            }
        }
        match fault {
            Some(error) if settled == 0 => Err(error),
            _ => Ok(settled),
        }
    }

    async fn record_one(&self, row: &InboxRow) -> Result<(), FlowError> {
        let (statement, signed) = self.open_statement(row).await?;
        let opening = self.word_of_opening(row, &statement, &signed)?;
        let mut write = self.store.write().await?;
        if !waits(&mut write, row).await? {
            return Ok(());
        }
        match self.record(&mut write, row, &statement, Digest::of(&signed)).await {
            Err(error) if crossed(&error) => self.note_crossing(&mut write, row, &statement).await?,
            other => {
                other?;
                self.ring_for(&mut write, row, &statement).await?;
            }
        }
        let receipt = Digest::of(&row.receipt);
        let proof = TransportEvent::Received {
            envelope: row.envelope,
            statement: statement.message.word().to_owned(),
            sealed: row.sealed_digest,
            receipt,
        };
        self.record_proof(&mut write, statement.file, proof).await?;
        write.open_copy(row.peer, row.envelope, &signed).await?;
        if let Some(opening) = opening {
            self.owe_opening(&mut write, row, &statement, opening).await?;
        }
        write.settle_inbox(row.peer, row.envelope, InboxState::Recorded, Some(statement.file), None).await?;
        Ok(write.commit().await?)
    }

    /// Decrypts with the addressed office's key and verifies the sender's signature at the time of receipt.
    async fn open_statement(&self, row: &InboxRow) -> Result<(Statement, Vec<u8>), FlowError> {
        let peer = self.peer(row.peer).await?;
        let signed = self.unseal(row)?;
        let verified = seal::verify_cms_attached(&signed, peer.anchor(), row.received_at)
            .map_err(OpenError::Signature)?;
        peer.believes(&verified.certificate(), row.received_at)?;
        Ok((Statement::of_envelope(&verified, row.envelope, row.peer, row.addressee)?, signed))
    }

    /// Tries the office's key, then those that it had before, then one that was made while this process ran.
    fn unseal(&self, row: &InboxRow) -> Result<Vec<u8>, FlowError> {
        let function = row.addressee.function;
        let office = self.keys.office(function)?;
        if let Some(opened) = unseal_with(&self.keys, function, row) {
            return Ok(opened?);
        }
        let fresh = self.keys.fresh()?;
        match unseal_with(&fresh, function, row) {
            Some(opened) => Ok(opened?),
            None => Ok(unseal_by(office, row)?),
        }
    }

    /// Words that met the end of the file on the way are kept and shown; the legal state does not change.
    async fn note_crossing(
        &self,
        write: &mut Write,
        row: &InboxRow,
        statement: &Statement,
    ) -> Result<(), FlowError> {
        let word = statement.message.word();
        write.put_object(&statement.to_json()?, self.now()).await?;
        let report = Report {
            family: Family::Refusal,
            code: "R-231".to_owned(),
            message: format!("the `{word}` of `{}` came when the file had ended here", row.peer),
            clause: Some("spec/02-exchange.md, messages".to_owned()),
            remedy: "look at the file; nothing changed in it, and the statement is kept".to_owned(),
        };
        let id = format!("crossed/{}", row.envelope);
        self.find(write, id, Level::Warn, Some(statement.file), Some(row.peer), report).await?;
        Ok(())
    }

    async fn record(
        &self,
        write: &mut Write,
        row: &InboxRow,
        statement: &Statement,
        signed_digest: Digest,
    ) -> Result<(), FlowError> {
        let out_of_place =
            || FlowError::OutOfPlace { message: statement.message.word(), from: statement.from.to_string() };
        let signed = row.sealed_digest;
        match &statement.message {
            Message::Request { draft, officers } => {
                self.record_request(write, row, statement, draft, officers).await
            }
            Message::Decision { decision, officers } => {
                two_officers(officers)?;
                let (disposition, texts) = disposition(decision);
                let command = outgoing::Command::ReportDecided { disposition, statement: signed };
                self.answer(write, statement, command, &texts).await
            }
            Message::Preserved { effected, zone, minimum, order_end } => {
                minimum.verify()?;
                order_end.verify()?;
                let preserved = Preserved {
                    effected: *effected,
                    zone: zone.clone(),
                    minimum: minimum.clone(),
                    order_end: order_end.clone(),
                };
                let command = outgoing::Command::ReportPreserved { preserved, statement: signed };
                self.answer(write, statement, command, &[]).await
            }
            Message::Extended { order_end } => {
                order_end.verify()?;
                let command =
                    outgoing::Command::ReportExtended { order_end: order_end.clone(), statement: signed };
                self.answer(write, statement, command, &[]).await
            }
            Message::Evidence(announcement) => {
                let object = json(announcement)?;
                let command = outgoing::Command::ReportAnnounced {
                    package: announcement.package,
                    tag_manifest: announcement.tag_manifest,
                    bytes: announcement.bytes,
                    statement: Digest::of(&object),
                };
                self.answer(write, statement, command, &[object]).await?;
                self.remind(write, statement.file, announcement).await
            }
            Message::Consultation { text } => {
                let text = text.as_bytes().to_vec();
                let digest = Digest::of(&text);
                match self.side(write, statement).await? {
                    Some(Side::Outgoing) => {
                        let command = outgoing::Command::ReportConsulted { text: digest };
                        self.answer(write, statement, command, &[text]).await
                    }
                    Some(Side::Incoming) => {
                        let command = incoming::Command::ReportConsulted { text: digest };
                        self.follow(write, statement, command, &[text]).await
                    }
                    None => Err(out_of_place()),
                }
            }
            Message::Execution { answer, text, complete } => {
                let text = text.as_bytes().to_vec();
                let command = outgoing::Command::ReportExecution {
                    answer: answer.clone(),
                    text: Digest::of(&text),
                    complete: *complete,
                    statement: signed,
                };
                self.answer(write, statement, command, &[text]).await
            }
            Message::Matter { number, matter, text } => {
                let object = text.as_bytes().to_vec();
                let command = MatterCommand::ReportRaised {
                    number: *number,
                    matter: *matter,
                    text: Digest::of(&object),
                    statement: signed,
                };
                self.discuss(write, statement, command, &[object]).await
            }
            Message::MatterAnswer { number, answer, text, officers } => {
                if let Some(officers) = officers {
                    two_officers(officers)?;
                }
                let object = text.as_bytes().to_vec();
                self.answered_by_two(write, statement, *number, officers.is_some()).await?;
                let command = MatterCommand::ReportAnswered {
                    number: *number,
                    word: answer.clone(),
                    text: Digest::of(&object),
                    statement: signed,
                };
                self.discuss(write, statement, command, &[object]).await
            }
            Message::ExtensionRequest { days, reason } => {
                let reason = reason.as_bytes().to_vec();
                let command =
                    incoming::Command::ReportExtensionAsked { days: *days, reason: Digest::of(&reason) };
                self.follow(write, statement, command, &[reason]).await
            }
            Message::Withdrawal { reason } => {
                let reason = reason.as_bytes().to_vec();
                let command = incoming::Command::ReportWithdrawn { reason: Digest::of(&reason) };
                self.follow(write, statement, command, &[reason]).await
            }
            Message::Closing { outcome } => {
                let command =
                    incoming::Command::ReportClosedByRequester { outcome: *outcome, statement: signed };
                self.follow(write, statement, command, &[]).await
            }
            Message::Rejection { envelope, report, .. } => {
                self.record_rejection(write, row, *envelope, report, signed_digest).await
            }
            Message::Opened { envelope, proof } => {
                self.record_opened(write, row, statement, *envelope, proof).await
            }
        }
    }

    async fn record_request(
        &self,
        write: &mut Write,
        row: &InboxRow,
        statement: &Statement,
        draft: &Draft,
        officers: &[OfficerId; 2],
    ) -> Result<(), FlowError> {
        let kind = draft.kind;
        let fits = statement.from == kind.sender_of(row.peer)
            && statement.to == kind.addressee_of(self.us())
            && draft.to == Some(self.us());
        if !fits {
            return Err(FlowError::OutOfPlace { message: "request", from: statement.from.to_string() });
        }
        if write.queries().view(statement.file).await?.is_some() {
            return Err(FlowError::ForeignFile { file: statement.file });
        }
        let peer = self.peer(row.peer).await?;
        two_officers(officers)?;
        let checked = self.check_received(write, &peer, draft, row.received_at).await?;
        let count = |severity: Severity| {
            u32::try_from(checked.findings.iter().filter(|f| f.severity == severity).count())
                .unwrap_or(u32::MAX)
        };
        let bytes = draft.to_json();
        let command = incoming::Command::ReportReceived {
            file: statement.file,
            kind,
            from: row.peer,
            draft: Digest::of(&bytes),
            envelope: row.envelope,
            received_at: row.received_at,
            preservation: draft.preservation_file,
            must: count(Severity::Must),
            should: count(Severity::Should),
            note: count(Severity::Note),
        };
        self.perform_in::<Incoming>(write, statement.file, &Authorized::reported(command)?, &[bytes]).await?;
        Ok(())
    }

    /// What either State raises or answers in a file.
    async fn discuss(
        &self,
        write: &mut Write,
        statement: &Statement,
        command: MatterCommand,
        objects: &[Vec<u8>],
    ) -> Result<(), FlowError> {
        match self.side(write, statement).await? {
            Some(Side::Outgoing) => self.answer(write, statement, command.into(), objects).await,
            Some(Side::Incoming) => self.follow(write, statement, command.into(), objects).await,
            None => Err(FlowError::ForeignFile { file: statement.file }),
        }
    }

    /// An answer that binds a State has two officers behind it.
    async fn answered_by_two(
        &self,
        write: &mut Write,
        statement: &Statement,
        number: u32,
        two: bool,
    ) -> Result<(), FlowError> {
        let Some(row) = write.queries().view(statement.file).await? else { return Ok(()) };
        let (matters, us) = match View::of(&row)? {
            View::Outgoing(file) => (file.matters, Party::Requesting),
            View::Incoming(file) => (file.matters, Party::Requested),
        };
        match matters.find(us, number) {
            Some(raised) if raised.matter.form().four_eyes && !two => Err(FlowError::OneOfficer),
            _ => Ok(()),
        }
    }

    /// What the requested State says in our outgoing file.
    async fn answer(
        &self,
        write: &mut Write,
        statement: &Statement,
        command: outgoing::Command,
        objects: &[Vec<u8>],
    ) -> Result<(), FlowError> {
        if self.side(write, statement).await? != Some(Side::Outgoing) {
            return Err(FlowError::ForeignFile { file: statement.file });
        }
        self.perform_in::<Outgoing>(write, statement.file, &Authorized::reported(command)?, objects).await?;
        Ok(())
    }

    /// What the requesting State says in our incoming file.
    async fn follow(
        &self,
        write: &mut Write,
        statement: &Statement,
        command: incoming::Command,
        objects: &[Vec<u8>],
    ) -> Result<(), FlowError> {
        if self.side(write, statement).await? != Some(Side::Incoming) {
            return Err(FlowError::ForeignFile { file: statement.file });
        }
        self.perform_in::<Incoming>(write, statement.file, &Authorized::reported(command)?, objects).await?;
        Ok(())
    }

    /// Which of our files the statement is about, if that file is one with its State and between its offices.
    async fn side(&self, write: &mut Write, statement: &Statement) -> Result<Option<Side>, FlowError> {
        let Some(row) = write.queries().view(statement.file).await? else { return Ok(None) };
        let view = View::of(&row)?;
        let fits = statement.from == view.kind().sender_of(view.other())
            && statement.to == view.kind().addressee_of(self.us());
        Ok(fits.then_some(view.side()))
    }

    async fn record_rejection(
        &self,
        write: &mut Write,
        row: &InboxRow,
        envelope: EnvelopeId,
        report: &Report,
        rejection: Digest,
    ) -> Result<(), FlowError> {
        let Some(sent) = write.queries().outbox(envelope).await?.filter(|sent| sent.peer == row.peer) else {
            return Err(FlowError::OutOfPlace { message: "rejection", from: row.peer.to_string() });
        };
        let code: String = report.code.chars().take(8).collect();
        let shown = Report {
            family: Family::PeerFault,
            code: "P-543".to_owned(),
            message: format!(
                "`{}` could not open or record the `{}` of envelope `{envelope}` ({code})",
                row.peer, sent.kind
            ),
            clause: Some("spec/02-exchange.md, rejection".to_owned()),
            remedy: "speak to the other State's operators; the receipt proves that the envelope is there"
                .to_owned(),
        };
        let id = format!("rejected/{envelope}");
        // A peer that rejects the same envelope again adds nothing to the file.
        if self.find(write, id, Level::Fail, Some(sent.file), Some(row.peer), shown).await? {
            self.note_rejected(write, &sent, rejection, &code).await?;
            self.record_proof(write, sent.file, TransportEvent::Rejected { envelope, code }).await?;
        }
        Ok(())
    }

    /// Keeps the envelope as it came, names the reason, and owes the sender a signed rejection.
    async fn quarantine(&self, row: &InboxRow, error: &FlowError) -> Result<(), FlowError> {
        let report = error.report();
        let file = FileId::from_uuid(*row.envelope.as_uuid());
        let mut write = self.store.write().await?;
        if !waits(&mut write, row).await? {
            return Ok(());
        }
        write.settle_inbox(row.peer, row.envelope, InboxState::Quarantined, None, Some(&report.code)).await?;
        let id = format!("quarantine/{}/{}", row.peer, row.envelope);
        self.find(&mut write, id.clone(), Level::Fail, None, Some(row.peer), report.clone()).await?;
        // Only rejections go to a node: one that cannot be read is never answered with another.
        if row.addressee.function != OfficeFunction::Node {
            let parcel = Parcel::Rejection {
                peer: row.peer,
                envelope: row.envelope,
                sealed: row.sealed_digest,
                report,
            };
            write.add_duty(&id, file, &json(&Duty::Dispatch { parcel })?, self.now()).await?;
        }
        Ok(write.commit().await?)
    }
}

/// `None` when the statement is sealed to none of these keys.
fn unseal_with(
    keys: &NodeKeys,
    function: OfficeFunction,
    row: &InboxRow,
) -> Option<Result<Vec<u8>, OpenError>> {
    keys.openers(function)
        .map(|office| unseal_by(office, row))
        .find(|opened| !matches!(opened, Err(OpenError::Envelope(EnvelopeError::NotARecipient { .. }))))
}

fn unseal_by(office: &OfficeKey, row: &InboxRow) -> Result<Vec<u8>, OpenError> {
    Ok(seal::decrypt_cms(&row.sealed, office.decryption(), office.certificate())?)
}

/// What leaves a State has two officers behind it, there as here.
fn two_officers([first, second]: &[OfficerId; 2]) -> Result<(), FlowError> {
    FourEyes::confirm(first, second).map(|_| ()).map_err(|_| FlowError::OneOfficer)
}

/// True when a file that had ended could not take a statement any more.
fn crossed(error: &FlowError) -> bool {
    matches!(error, FlowError::Refused(Refused::Stage { stage: "withdrawn" | "closed", .. }))
}

/// False when another program of this node settled the envelope in the meantime.
async fn waits(write: &mut Write, row: &InboxRow) -> Result<bool, FlowError> {
    let now = write.queries().inbox(row.peer, row.envelope).await?;
    Ok(now.is_some_and(|now| now.state == InboxState::Stored))
}

/// A decision as the file keeps it, and its texts as objects.
fn disposition(decision: &Decision) -> (Disposition, Vec<Vec<u8>>) {
    let keep = |text: &String| (Digest::of(text.as_bytes()), text.as_bytes().to_vec());
    match decision {
        Decision::Granted { conditions: None } => (Disposition::Grant { conditions: None }, Vec::new()),
        Decision::Granted { conditions: Some(text) } => {
            let (digest, bytes) = keep(text);
            (Disposition::Grant { conditions: Some(digest) }, vec![bytes])
        }
        Decision::Postponed { reasons } => {
            let (reasons, bytes) = keep(reasons);
            (Disposition::Postpone { reasons }, vec![bytes])
        }
        Decision::Refused { grounds, reasons } => {
            let (reasons, bytes) = keep(reasons);
            (Disposition::Refuse { grounds: grounds.clone(), reasons }, vec![bytes])
        }
    }
}
