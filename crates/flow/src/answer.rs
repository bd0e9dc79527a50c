//! Triage, consultation, proposal, decision and execution by officers of the requested State, and consultation by both.

use crate::{Credential, Flow, FlowError, Performed, View, request::limited};
use casefile::{
    Preserved,
    incoming::{Command, Incoming, Proposal},
    outgoing::{self, Outgoing},
};
use treaty::{extension, order_end, preservation_minimum};
use vocabulary::{Digest, FileId, Instant};

impl Flow {
    /// Takes a received request to hand.
    pub async fn triage(
        &self,
        credential: &Credential,
        file: FileId,
        urgent: bool,
        note: Option<&str>,
    ) -> Result<Performed<Incoming>, FlowError> {
        let object = note.map(limited).transpose()?;
        let note = object.as_deref().map(Digest::of);
        let command = self.authorize(credential, Command::Triage { urgent, note }).await?;
        self.perform::<Incoming>(file, &command, object.as_slice()).await
    }

    /// Sends words to the other State inside the file, whichever side we are.
    pub async fn consult(
        &self,
        credential: &Credential,
        file: FileId,
        text: &str,
    ) -> Result<View, FlowError> {
        let object = limited(text)?;
        let text = Digest::of(&object);
        match self.view(file).await? {
            View::Outgoing(_) => {
                let command = self.authorize(credential, outgoing::Command::Consult { text }).await?;
                self.perform::<Outgoing>(file, &command, &[object]).await?;
            }
            View::Incoming(_) => {
                let command = self.authorize(credential, Command::Consult { text }).await?;
                self.perform::<Incoming>(file, &command, &[object]).await?;
            }
        }
        self.view(file).await
    }

    /// Proposes a decision; a second officer takes it with `decide`.
    pub async fn propose(
        &self,
        credential: &Credential,
        file: FileId,
        proposal: Proposal,
    ) -> Result<Performed<Incoming>, FlowError> {
        let known = self.incoming(file).await?;
        let basis = self.draft_of(known.draft).await?.offence.and_then(|offence| offence.basis);
        let text = match &proposal {
            Proposal::Grant { conditions } => conditions.clone(),
            Proposal::Postpone { reasons } | Proposal::Refuse { reasons, .. } => Some(reasons.clone()),
        };
        let objects: Vec<Vec<u8>> = text.into_iter().map(String::into_bytes).collect();
        let command = Command::Propose { proposal, basis, profile: self.profile.clone() };
        let command = self.authorize(credential, command).await?;
        self.perform::<Incoming>(file, &command, &objects).await
    }

    /// The second officer takes the proposed decision; the other State is told.
    pub async fn decide(
        &self,
        credential: &Credential,
        file: FileId,
    ) -> Result<Performed<Incoming>, FlowError> {
        let command = self.authorize(credential, Command::Decide).await?;
        self.perform::<Incoming>(file, &command, &[]).await
    }

    /// Records that data are preserved since `effected` under the domestic order `order`, for `days` days.
    pub async fn effect_preservation(
        &self,
        credential: &Credential,
        file: FileId,
        effected: Instant,
        days: u32,
        order: &str,
    ) -> Result<Performed<Incoming>, FlowError> {
        let preserved = Preserved {
            effected,
            zone: self.zone.clone(),
            minimum: preservation_minimum(effected, &self.zone)?,
            order_end: order_end(effected, days, &self.zone)?,
        };
        let object = limited(order)?;
        let command = Command::EffectPreservation { preserved, order: Digest::of(&object) };
        let command = self.authorize(credential, command).await?;
        self.perform::<Incoming>(file, &command, &[object]).await
    }

    /// Renews the order for `days` more days before it ends.
    pub async fn extend_preservation(
        &self,
        credential: &Credential,
        file: FileId,
        days: u32,
    ) -> Result<Performed<Incoming>, FlowError> {
        let known = self.incoming(file).await?;
        let preserved = known.preserved.as_ref();
        let until = preserved.map_or_else(|| self.now(), |preserved| preserved.until());
        let zone = preserved.map_or(self.zone.as_str(), |preserved| preserved.zone.as_str());
        let command = Command::Extend { order_end: extension(until, days, zone)? };
        let command = self.authorize(credential, command).await?;
        self.perform::<Incoming>(file, &command, &[]).await
    }

    /// Records what was done on a granted request, in a word of its kind; the other State is told.
    pub async fn record_execution(
        &self,
        credential: &Credential,
        file: FileId,
        answer: &str,
        text: &str,
        complete: bool,
    ) -> Result<Performed<Incoming>, FlowError> {
        let object = limited(text)?;
        let command =
            Command::RecordExecution { answer: answer.to_owned(), text: Digest::of(&object), complete };
        let command = self.authorize(credential, command).await?;
        self.perform::<Incoming>(file, &command, &[object]).await
    }

    pub async fn close_incoming(
        &self,
        credential: &Credential,
        file: FileId,
    ) -> Result<Performed<Incoming>, FlowError> {
        let command = self.authorize(credential, Command::Close).await?;
        self.perform::<Incoming>(file, &command, &[]).await
    }

    /// The text kept under `digest`, for an officer to read.
    pub async fn read_text(&self, digest: Digest) -> Result<String, FlowError> {
        self.text(digest, "a text of the file").await
    }

    /// The findings of our own rules on a request that we received.
    pub async fn findings_on_received(&self, file: &Incoming) -> Result<treaty::Checked, FlowError> {
        let draft = self.draft_of(file.draft).await?;
        let peer = self.peer(file.from).await?;
        let mut read = self.store.read().await?;
        self.check_received(&mut read, &peer, &draft, file.received_at).await
    }
}
