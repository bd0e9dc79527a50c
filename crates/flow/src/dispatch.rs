//! The duty to say something: build the statement, sign it, seal it to the office, put it in the outbox.

use crate::{
    Flow, FlowError,
    duty::place_in_file,
    perform::{as_of, history},
    transfer::RETRIEVAL_WINDOW,
};
use casefile::{
    Disposition, Parcel, TransportEvent,
    incoming::{self, Incoming},
    outgoing::Outgoing,
};
use exchange::{Announcement, Decision, Message, ProofStep, STATEMENT_LABEL, Statement, addressed_digest};
use mandate::{Authorized, FourEyes};
use store::{CopyRow, Direction, DutyRow, OutboxRow};
use vocabulary::{Digest, EnvelopeId, OfficeFunction, OfficeId, OfficerId};

/// A statement ready to be signed, and whether it is the answer that a file gives once.
struct Built {
    from: OfficeId,
    to: OfficeId,
    message: Message,
    answers: bool,
}

impl Flow {
    /// Discharges one duty to dispatch; everything durable happens in one transaction.
    pub(crate) async fn dispatch(&self, duty: &DutyRow, parcel: &Parcel) -> Result<(), FlowError> {
        let built = self.build(duty, parcel).await?;
        let now = self.now();
        let envelope = EnvelopeId::from_uuid(self.new_uuid()?);
        let kind = built.message.word().to_owned();
        let statement = Statement::new(envelope, duty.file, built.from, built.to, now, built.message);
        let peer = self.peer(built.to.state).await?;
        let recipient = peer.office(built.to.function)?;
        let key = self.keys.office(built.from.function)?;
        let signed = seal::sign_cms(&statement.to_json()?, true, key.signing(), key.certificate(), now)?;
        let sealed = seal::encrypt_cms(&signed, std::slice::from_ref(recipient))
            .map_err(seal::SealError::Encryption)?;
        let sealed_digest = Digest::of(&sealed);
        let submitted = self.own_proof(ProofStep::Submitted, envelope, sealed_digest, built.to);
        let submitted_word = self.sign_own(&submitted)?;

        let mut write = self.store.write().await?;
        if !write.queries().duty_open(&duty.id).await? {
            return Ok(());
        }
        if let Message::Evidence(announcement) = &statement.message {
            self.promise(&mut write, announcement).await?;
        }
        let committed = addressed_digest(envelope, built.from, built.to, &sealed_digest);
        let (salt, leaf) = self.append(&mut write, STATEMENT_LABEL, &committed).await?;
        let row = OutboxRow {
            envelope,
            peer: built.to.state,
            sender: built.from,
            addressee: built.to,
            file: duty.file,
            kind: kind.clone(),
            sealed_digest,
            sealed,
            salt: salt.to_vec(),
            leaf,
            queued_at: now,
            next_attempt: now,
            attempts: 0,
            trouble: None,
            thresholds: 0,
            delivered_at: None,
            refused_at: None,
            receipt: None,
        };
        write.add_outbox(&row).await?;
        // A rejection is about an envelope and belongs to no file.
        if !matches!(parcel, Parcel::Rejection { .. }) {
            write
                .add_copy(&CopyRow {
                    direction: Direction::Sent,
                    peer: row.peer,
                    envelope,
                    sender: row.sender,
                    sent_at: now,
                    log: None,
                    signed: Some(signed),
                })
                .await?;
            if let Some(word) = submitted_word {
                self.keep_proof(&mut write, Direction::Sent, row.peer, &submitted, 0, word).await?;
            }
            if !matches!(parcel, Parcel::Opened { .. }) {
                write.await_opening(envelope, now).await?;
            }
            let proof = TransportEvent::Submitted { envelope, statement: kind, sealed: row.sealed_digest };
            self.record_proof(&mut write, duty.file, proof).await?;
        }
        if built.answers {
            let command = Authorized::reported(incoming::Command::ReportAnswered { envelope })?;
            match self.perform_in::<Incoming>(&mut write, duty.file, &command, &[]).await {
                Err(error) if error.is_already_done() => {}
                other => {
                    other?;
                }
            }
        }
        write.discharge_duty(&duty.id, now).await?;
        Ok(write.commit().await?)
    }

    async fn build(&self, duty: &DutyRow, parcel: &Parcel) -> Result<Built, FlowError> {
        let file = duty.file;
        if let Parcel::Rejection { peer, envelope, sealed, report } = parcel {
            let (envelope, sealed, report) = (*envelope, *sealed, report.clone());
            let message = Message::Rejection { envelope, sealed, report };
            let node = |state| OfficeId::new(state, OfficeFunction::Node);
            return Ok(Built { from: node(self.us()), to: node(*peer), message, answers: false });
        }
        if let Parcel::Opened { peer, envelope, from, to } = parcel {
            let message = self.opened_message(*peer, *envelope).await?;
            return Ok(Built { from: *from, to: *to, message, answers: false });
        }
        let mut read = self.store.read().await?;
        match history::<Outgoing>(&mut read, file).await {
            Ok(history) => {
                drop(read);
                self.build_outgoing(&history.state.ok_or(FlowError::NoFile { file })?, parcel).await
            }
            Err(FlowError::NoFile { .. }) => {
                let state = match (parcel, place_in_file(&duty.id)) {
                    // Its links say where the exhibits are now.
                    (Parcel::Evidence { .. }, _) | (_, None) => {
                        history::<Incoming>(&mut read, file).await?.state
                    }
                    // What the event said, whatever was decided since.
                    (_, Some((sequence, _))) => as_of::<Incoming>(&mut read, file, sequence).await?,
                };
                drop(read);
                self.build_incoming(&state.ok_or(FlowError::NoFile { file })?, parcel).await
            }
            Err(error) => Err(error),
        }
    }

    /// What either side may say.
    async fn build_matter(&self, parcel: &Parcel) -> Result<Option<Message>, FlowError> {
        Ok(Some(match parcel {
            Parcel::Consultation { text } => {
                Message::Consultation { text: self.text(*text, "a consultation").await? }
            }
            Parcel::Matter { number, matter, text } => Message::Matter {
                number: *number,
                matter: *matter,
                text: self.text(*text, "a matter").await?,
            },
            Parcel::MatterAnswer { number, word, text, eyes } => Message::MatterAnswer {
                number: *number,
                answer: word.clone(),
                text: self.text(*text, "an answer").await?,
                officers: eyes.as_ref().map(|eyes| officers(Some(eyes))).transpose()?,
            },
            _ => return Ok(None),
        }))
    }

    async fn build_outgoing(&self, file: &Outgoing, parcel: &Parcel) -> Result<Built, FlowError> {
        let message = match parcel {
            Parcel::Request => Message::Request {
                draft: Box::new(self.draft_of(file.draft).await?),
                officers: officers(file.eyes.as_ref())?,
            },
            Parcel::Withdrawal { reason } => {
                Message::Withdrawal { reason: self.text(*reason, "a reason").await? }
            }
            Parcel::ExtensionRequest { days, reason } => {
                Message::ExtensionRequest { days: *days, reason: self.text(*reason, "a reason").await? }
            }
            Parcel::Closing { outcome } => Message::Closing { outcome: *outcome },
            other => self
                .build_matter(other)
                .await?
                .ok_or(FlowError::Record { what: "a duty that the requesting State cannot have" })?,
        };
        let (from, to) = (file.kind.sender_of(self.us()), file.kind.addressee_of(file.to));
        Ok(Built { from, to, message, answers: false })
    }

    async fn build_incoming(&self, file: &Incoming, parcel: &Parcel) -> Result<Built, FlowError> {
        let (mut answers, preserved) = (false, || {
            file.preserved.as_ref().ok_or(FlowError::Record { what: "a preservation that was announced" })
        });
        let message = match parcel {
            Parcel::Decision => {
                let (eyes, disposition) =
                    file.decided.as_ref().ok_or(FlowError::Record { what: "a decision" })?;
                answers = disposition.is_final() && !disposition.is_grant();
                Message::Decision {
                    decision: self.decision(disposition).await?,
                    officers: officers(Some(eyes))?,
                }
            }
            Parcel::Preserved => {
                answers = true;
                let preserved = preserved()?;
                Message::Preserved {
                    effected: preserved.effected,
                    zone: preserved.zone.clone(),
                    minimum: preserved.minimum.clone(),
                    order_end: preserved.order_end.clone(),
                }
            }
            Parcel::Extended => Message::Extended { order_end: preserved()?.order_end.clone() },
            Parcel::Evidence { .. } => {
                answers = true;
                let sealed = file.sealed.as_ref().ok_or(FlowError::Record { what: "a sealed package" })?;
                let object = self.object(sealed.announcement, "an announcement").await?;
                let mut announcement: Announcement = serde_json::from_slice(&object)
                    .map_err(|_| FlowError::Record { what: "an announcement" })?;
                announcement.available_until = Some(self.now().plus(RETRIEVAL_WINDOW));
                announcement.sent = self.sent_links(file, object.len()).await?;
                Message::Evidence(announcement)
            }
            Parcel::Execution { answer, text, complete } => {
                answers = *complete;
                Message::Execution {
                    answer: answer.clone(),
                    text: self.text(*text, "a record of execution").await?,
                    complete: *complete,
                }
            }
            other => self
                .build_matter(other)
                .await?
                .ok_or(FlowError::Record { what: "a duty that the requested State cannot have" })?,
        };
        let (from, to) = (file.kind.addressee_of(self.us()), file.kind.sender_of(file.from));
        Ok(Built { from, to, message, answers })
    }

    async fn decision(&self, disposition: &Disposition) -> Result<Decision, FlowError> {
        Ok(match disposition {
            Disposition::Grant { conditions: None } => Decision::Granted { conditions: None },
            Disposition::Grant { conditions: Some(text) } => {
                Decision::Granted { conditions: Some(self.text(*text, "conditions").await?) }
            }
            Disposition::Postpone { reasons } => {
                Decision::Postponed { reasons: self.text(*reasons, "reasons").await? }
            }
            Disposition::Refuse { grounds, reasons } => {
                Decision::Refused { grounds: grounds.clone(), reasons: self.text(*reasons, "reasons").await? }
            }
        })
    }
}

fn officers(eyes: Option<&FourEyes>) -> Result<[OfficerId; 2], FlowError> {
    let eyes = eyes.ok_or(FlowError::Record { what: "the two officers behind a statement" })?;
    Ok([eyes.first().clone(), eyes.second().clone()])
}
