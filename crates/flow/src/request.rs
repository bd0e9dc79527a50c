//! Drafting, checking, submitting and approving a request.

use crate::{Credential, Flow, FlowError, InForce, Performed, perform::history};
use casefile::{
    Outcome,
    outgoing::{Command, Outgoing},
};
use register::Peer;
use store::Session;
use treaty::{Checked, Context, Draft, Kind, PreservationFacts, Severity, Side};
use uuid::Uuid;
use vocabulary::{Digest, FileId, Instant};

/// A draft with what the rules say of it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct CheckedDraft {
    pub digest: Digest,
    #[serde(flatten)]
    pub checked: Checked,
    /// Whether the Convention is in force between the two States; `None` where the other one is unknown.
    pub convention: Option<InForce>,
}

impl CheckedDraft {
    pub fn count(&self, severity: Severity) -> u32 {
        let count = self.checked.findings.iter().filter(|finding| finding.severity == severity).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

impl Flow {
    /// All findings on a draft, with what this node knows of the other State and of a linked preservation.
    pub async fn check(&self, draft: &Draft) -> Result<CheckedDraft, FlowError> {
        let mut convention = None;
        let profile = match draft.to {
            Some(to) => match self.peer(to).await {
                Ok(peer) => {
                    let known = self.in_force_with(&mut self.store.read().await?, &peer, self.now()).await?;
                    let profile = known.seen_in(peer.profile());
                    convention = Some(known);
                    Some(profile)
                }
                Err(FlowError::UnknownPeer { .. }) => None,
                Err(error) => return Err(error),
            },
            None => None,
        };
        let preservation = self.preservation_facts(draft).await?;
        let context = Context {
            side: Side::Requesting,
            now: self.now(),
            requesting: self.us(),
            requested: profile.as_ref(),
            preservation,
        };
        Ok(CheckedDraft { digest: Digest::of(&draft.to_json()), checked: draft.check(&context), convention })
    }

    /// The linked preservation file, or the one between the same States that a draft should link to.
    async fn preservation_facts(&self, draft: &Draft) -> Result<Option<PreservationFacts>, FlowError> {
        let mut read = self.store.read().await?;
        let facts = |file: &Outgoing| PreservationFacts {
            file: file.file,
            to: file.to,
            until: file.preserved.as_ref().filter(|_| !file.lapsed).map(|p| p.until()),
            state: file.preservation_state(),
        };
        if let Some(id) = draft.preservation_file {
            return Ok(match history::<Outgoing>(&mut read, id).await {
                Ok(history) => {
                    history.state.filter(|file| file.kind == Kind::PRESERVATION).as_ref().map(facts)
                }
                Err(FlowError::NoFile { .. }) => None,
                Err(error) => return Err(error),
            });
        }
        if draft.kind == Kind::PRESERVATION {
            return Ok(None);
        }
        for row in read.queries().views("outgoing").await? {
            let file: Outgoing = read_view(&row.body)?;
            if file.kind == Kind::PRESERVATION && Some(file.to) == draft.to && file.clock_runs() {
                return Ok(Some(facts(&file)));
            }
        }
        Ok(None)
    }

    /// Opens a file with a draft, whatever its findings: a draft may be unfinished.
    pub async fn draft(
        &self,
        credential: &Credential,
        draft: &Draft,
    ) -> Result<Performed<Outgoing>, FlowError> {
        let to = draft.to.ok_or_else(|| missing_state(draft))?;
        let bytes = draft.to_json();
        let file = FileId::from_uuid(self.new_uuid()?);
        let command = Command::Draft {
            file,
            kind: draft.kind,
            to,
            draft: Digest::of(&bytes),
            preservation: draft.preservation_file,
        };
        let command = self.authorize(credential, command).await?;
        self.perform::<Outgoing>(file, &command, &[bytes]).await
    }

    /// Replaces the draft of a file that nobody approved yet.
    pub async fn redraft(
        &self,
        credential: &Credential,
        file: FileId,
        draft: &Draft,
    ) -> Result<Performed<Outgoing>, FlowError> {
        let known = self.outgoing(file).await?;
        if draft.to != Some(known.to)
            || draft.kind != known.kind
            || draft.preservation_file != known.preservation
        {
            return Err(casefile::Refused::Rule {
                code: "R-214",
                what: "a revised draft keeps its kind, the State it goes to and its preservation file"
                    .to_owned(),
                clause: known.kind.form().rule().citation().to_string(),
                remedy: "open a new file with `rogatory request new`".to_owned(),
            }
            .into());
        }
        let bytes = draft.to_json();
        let command = self.authorize(credential, Command::Redraft { draft: Digest::of(&bytes) }).await?;
        self.perform::<Outgoing>(file, &command, &[bytes]).await
    }

    /// Submits the draft for approval; refused while a `must` finding stands.
    pub async fn submit(
        &self,
        credential: &Credential,
        file: FileId,
    ) -> Result<(CheckedDraft, Performed<Outgoing>), FlowError> {
        let known = self.outgoing(file).await?;
        let checked = self.check(&self.draft_of(known.draft).await?).await?;
        let command = Command::Submit {
            draft: checked.digest,
            must: checked.count(Severity::Must),
            should: checked.count(Severity::Should),
            note: checked.count(Severity::Note),
        };
        let command = self.authorize(credential, command).await?;
        let performed = self.perform::<Outgoing>(file, &command, &[]).await?;
        Ok((checked, performed))
    }

    /// The second officer's approval of what was submitted; from here the request is on its way.
    pub async fn approve(
        &self,
        credential: &Credential,
        file: FileId,
    ) -> Result<Performed<Outgoing>, FlowError> {
        let draft = self.outgoing(file).await?.draft;
        let command = self.authorize(credential, Command::Approve { draft }).await?;
        self.perform::<Outgoing>(file, &command, &[]).await
    }

    pub async fn withdraw(
        &self,
        credential: &Credential,
        file: FileId,
        reason: &str,
    ) -> Result<Performed<Outgoing>, FlowError> {
        let reason = limited(reason)?;
        let command = self.authorize(credential, Command::Withdraw { reason: Digest::of(&reason) }).await?;
        self.perform::<Outgoing>(file, &command, &[reason]).await
    }

    pub async fn ask_extension(
        &self,
        credential: &Credential,
        file: FileId,
        days: u32,
        reason: &str,
    ) -> Result<Performed<Outgoing>, FlowError> {
        let reason = limited(reason)?;
        let command = Command::AskExtension { days, reason: Digest::of(&reason) };
        let command = self.authorize(credential, command).await?;
        self.perform::<Outgoing>(file, &command, &[reason]).await
    }

    pub async fn close_request(
        &self,
        credential: &Credential,
        file: FileId,
        outcome: Outcome,
    ) -> Result<Performed<Outgoing>, FlowError> {
        let command = self.authorize(credential, Command::Close { outcome }).await?;
        self.perform::<Outgoing>(file, &command, &[]).await
    }

    /// The draft kept under `digest`.
    pub async fn draft_of(&self, digest: Digest) -> Result<Draft, FlowError> {
        Ok(Draft::from_json(&self.object(digest, "a draft").await?)?)
    }

    pub(crate) async fn object(&self, digest: Digest, what: &str) -> Result<Vec<u8>, FlowError> {
        let mut read = self.store.read().await?;
        read.queries().object(digest).await?.ok_or_else(|| FlowError::ObjectGone { what: what.to_owned() })
    }

    pub(crate) async fn text(&self, digest: Digest, what: &str) -> Result<String, FlowError> {
        String::from_utf8(self.object(digest, what).await?)
            .map_err(|_| FlowError::Record { what: "a text that is not UTF-8" })
    }

    /// A version 7 UUID (RFC 9562) from our clock and our randomness.
    pub(crate) fn new_uuid(&self) -> Result<Uuid, FlowError> {
        let millis = u64::try_from(self.now().micros() / 1000).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &self.random::<10>()?).into_uuid())
    }

    /// What our rules say of a request that `peer` sent us.
    pub(crate) async fn check_received(
        &self,
        session: &mut impl Session,
        peer: &Peer,
        draft: &Draft,
        received_at: Instant,
    ) -> Result<Checked, FlowError> {
        let from = peer.state();
        let preservation = match draft.preservation_file {
            Some(id) => match history::<casefile::incoming::Incoming>(session, id).await {
                Ok(history) => history.state.filter(|file| file.from == from).map(|file| PreservationFacts {
                    file: file.file,
                    to: self.us(),
                    until: file.preserved.as_ref().filter(|_| !file.lapsed).map(|p| p.until()),
                    state: file.preservation_state(),
                }),
                Err(FlowError::NoFile { .. }) => None,
                Err(error) => return Err(error),
            },
            None => None,
        };
        let own = self.in_force_with(session, peer, received_at).await?.seen_in(self.profile.clone());
        let context = Context {
            side: Side::Requested,
            now: received_at,
            requesting: from,
            requested: Some(&own),
            preservation,
        };
        Ok(draft.check(&context))
    }
}

/// A text that a peer will read; a longer one would be refused there.
pub(crate) fn limited(text: &str) -> Result<Vec<u8>, FlowError> {
    if text.trim().is_empty() || text.len() > exchange::MAX_TEXT_BYTES {
        return Err(FlowError::Text { found: text.len() });
    }
    Ok(text.as_bytes().to_vec())
}

fn missing_state(draft: &Draft) -> casefile::Refused {
    casefile::Refused::Rule {
        code: "R-215",
        what: "the draft names no State in `to`".to_owned(),
        clause: draft.kind.form().rule().citation().to_string(),
        remedy: "write the two-letter code of the requested State in `to`".to_owned(),
    }
}

pub(crate) fn read_view<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, FlowError> {
    serde_json::from_slice(body).map_err(|_| FlowError::Record { what: "the view of a file" })
}
