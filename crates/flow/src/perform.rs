//! The one write path: a command becomes an event, a commitment, duties and a view in one transaction.

use crate::{Flow, FlowError, log::EVENT_LABEL};
use casefile::{
    Body, Casefile, HistoryBroken, Recorded, TransportEvent, incoming::Incoming, outgoing::Outgoing, replay,
};
use ledger::{Commitment, Salt};
use mandate::Authorized;
use store::{EventRow, Ladder, NewEvent, Session, ViewRow, Write};
use vocabulary::{Digest, FileId, OfficerId};

/// What a command did.
#[derive(Debug, Clone)]
pub struct Performed<C: Casefile> {
    pub file: C,
    pub event: C::Event,
    pub sequence: u64,
}

impl Flow {
    /// The only way a file changes. `objects` are contents that the event names by digest.
    pub async fn perform<C: Casefile>(
        &self,
        file: FileId,
        command: &Authorized<C::Command>,
        objects: &[Vec<u8>],
    ) -> Result<Performed<C>, FlowError> {
        let mut write = self.store.write().await?;
        let performed = self.perform_in::<C>(&mut write, file, command, objects).await?;
        write.commit().await?;
        Ok(performed)
    }

    /// As `perform`, inside a transaction that does something else too.
    pub(crate) async fn perform_in<C: Casefile>(
        &self,
        write: &mut Write,
        file: FileId,
        command: &Authorized<C::Command>,
        objects: &[Vec<u8>],
    ) -> Result<Performed<C>, FlowError> {
        let now = self.now();
        let history = history::<C>(write, file).await?;
        let event = C::decide(history.state.as_ref(), command, now)?;
        let sequence = history.length;
        for object in objects {
            write.put_object(object, now).await?;
        }
        let recorded = Recorded::new(
            file,
            sequence,
            history.last,
            now,
            command.actor().clone(),
            Body::Legal(event.clone()),
        );
        self.append_event(write, Ladder::Legal, &recorded).await?;
        let state = C::apply(history.state, &event, now)?;
        for (number, duty) in state.duties(&event).iter().enumerate() {
            let id = format!("{file}/{sequence}/{number}");
            write.add_duty(&id, file, &json(duty)?, duty.due().unwrap_or(now)).await?;
        }
        let view = ViewRow { file, side: C::SIDE.as_str().to_owned(), body: json(&state)?, changed_at: now };
        write.put_view(&view).await?;
        // Who works in a file has seen it.
        if !command.actor().is_system() {
            write.open_ring(file, command.actor(), now).await?;
        }
        Ok(Performed { file: state, event, sequence })
    }

    /// Records a proof of transport in a file's history; without such a file nothing is recorded.
    pub(crate) async fn record_proof(
        &self,
        write: &mut Write,
        file: FileId,
        proof: TransportEvent,
    ) -> Result<(), FlowError> {
        self.record_proof_by(write, file, proof, OfficerId::system()).await
    }

    /// As `record_proof`, of what a person did.
    pub(crate) async fn record_proof_by(
        &self,
        write: &mut Write,
        file: FileId,
        proof: TransportEvent,
        actor: OfficerId,
    ) -> Result<(), FlowError> {
        let Some(last) = write.queries().last_event(file).await? else { return Ok(()) };
        let body: Body<serde_json::Value> = Body::Transport(proof);
        let recorded =
            Recorded::new(file, last.sequence + 1, Some(Digest::of(&last.body)), self.now(), actor, body);
        self.append_event(write, Ladder::Transport, &recorded).await
    }

    async fn append_event<E: serde::Serialize + serde::de::DeserializeOwned>(
        &self,
        write: &mut Write,
        ladder: Ladder,
        recorded: &Recorded<E>,
    ) -> Result<(), FlowError> {
        let body = recorded.to_bytes()?;
        let (salt, leaf) = self.append(write, EVENT_LABEL, &Digest::of(&body)).await?;
        let event = NewEvent {
            file: recorded.file,
            ladder,
            actor: recorded.actor.clone(),
            at: recorded.at,
            body,
            salt,
            leaf,
        };
        Ok(write.append_event(recorded.sequence, &event).await?)
    }

    /// The requesting State's file, from its history.
    pub async fn outgoing(&self, file: FileId) -> Result<Outgoing, FlowError> {
        self.load::<Outgoing>(file).await
    }

    /// The requested State's file, from its history.
    pub async fn incoming(&self, file: FileId) -> Result<Incoming, FlowError> {
        self.load::<Incoming>(file).await
    }

    async fn load<C: Casefile>(&self, file: FileId) -> Result<C, FlowError> {
        let mut read = self.store.read().await?;
        history::<C>(&mut read, file).await?.state.ok_or(FlowError::NoFile { file })
    }
}

/// A file as its stored events make it.
pub(crate) struct History<C> {
    pub(crate) state: Option<C>,
    pub(crate) length: u64,
    pub(crate) last: Option<Digest>,
}

/// Replays a file; one of the other side is no file of this kind.
pub(crate) async fn history<C: Casefile>(
    session: &mut impl Session,
    file: FileId,
) -> Result<History<C>, FlowError> {
    if let Some(view) = session.queries().view(file).await?
        && view.side != C::SIDE.as_str()
    {
        return Err(FlowError::NoFile { file });
    }
    let rows = session.queries().events(file).await?;
    if let Some(newest) = rows.last() {
        check_commitment(session, newest).await?;
    }
    let bodies: Vec<Vec<u8>> = rows.into_iter().map(|row| row.body).collect();
    let (state, _) = replay::<C>(&bodies)?;
    Ok(History { state, length: bodies.len() as u64, last: bodies.last().map(|body| Digest::of(body)) })
}

/// The file as it was after the event with number `sequence`.
pub(crate) async fn as_of<C: Casefile>(
    session: &mut impl Session,
    file: FileId,
    sequence: u64,
) -> Result<Option<C>, FlowError> {
    // The whole history stands, not only the part that is asked for.
    history::<C>(session, file).await?;
    let rows = session.queries().events(file).await?;
    let until = rows.into_iter().filter(|row| row.sequence <= sequence);
    Ok(replay::<C>(&until.map(|row| row.body).collect::<Vec<_>>())?.0)
}

/// The chain protects every event but the newest: that one is compared with its leaf.
async fn check_commitment(session: &mut impl Session, newest: &EventRow) -> Result<(), FlowError> {
    let leaf = session.queries().ledger_leaves(newest.leaf, 1).await?;
    let salt: Option<[u8; 32]> = newest.salt.as_slice().try_into().ok();
    let stands = match (leaf.first(), salt) {
        (Some(leaf), Some(salt)) => Commitment::from_bytes(*leaf).opens_to(
            EVENT_LABEL,
            &Salt::from_bytes(salt),
            &Digest::of(&newest.body),
        ),
        _ => false,
    };
    if stands { Ok(()) } else { Err(HistoryBroken::NotCommitted { sequence: newest.sequence }.into()) }
}

pub(crate) fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, FlowError> {
    serde_json::to_vec(value).map_err(|_| FlowError::Record { what: "a value that JSON cannot hold" })
}
