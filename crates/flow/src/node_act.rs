//! What people do at this node that belongs to no file: committed to the ledger like every event.

use crate::{Flow, FlowError, perform::json};
use serde::{Deserialize, Serialize};
use store::{ActRow, Write};
use vocabulary::{Digest, FileId, Instant, OfficerId, StateCode};

/// The label of a commitment to such an act.
pub const ACT_LABEL: &str = "rogatory/act/1";
const FORMAT: &str = "rogatory/act/1";

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum NodeAct {
    /// An officer can give no command any more; the reason is an object, named by its digest.
    OfficerDeactivated { officer: OfficerId, reason: Digest },
    /// The token that an officer had counts no more.
    TokenRenewed { officer: OfficerId },
    /// A key was replaced by another.
    KeyRotated { role: String, old: Digest, new: Digest, until: Instant },
    /// A law profile was signed here, or taken from the State that signed it.
    LawKept { state: StateCode, sequence: u64, profile: Digest },
    /// Another roster counts from here on; its text is an object, named by its digest.
    RosterReplaced { roster: Digest },
    /// An officer looked at a file, and the calls because of it ended.
    RingOpened { ring: String, file: FileId },
}

/// An act with its time and who gave the command; `system` is whoever works at the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActRecord {
    pub format: String,
    pub actor: OfficerId,
    pub at: Instant,
    #[serde(flatten)]
    pub act: NodeAct,
}

impl Flow {
    /// Commits an act in the transaction of what it did.
    pub(crate) async fn record_act(
        &self,
        write: &mut Write,
        actor: OfficerId,
        act: NodeAct,
    ) -> Result<(), FlowError> {
        let at = self.now();
        let body = json(&ActRecord { format: FORMAT.to_owned(), actor, at, act })?;
        let (salt, leaf) = self.append(write, ACT_LABEL, &Digest::of(&body)).await?;
        write.add_act(&ActRow { leaf, label: ACT_LABEL.to_owned(), body, salt: salt.to_vec(), at }).await?;
        Ok(())
    }

    /// Records that a key was replaced.
    pub async fn record_rotation(
        &self,
        actor: OfficerId,
        rotation: &keys::Rotation,
        until: Instant,
    ) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        let (role, old, new) = (rotation.role.to_string(), rotation.old, rotation.new);
        self.record_act(&mut write, actor, NodeAct::KeyRotated { role, old, new, until }).await?;
        Ok(write.commit().await?)
    }

    /// The acts that belong to no file, oldest first.
    pub async fn acts(&self) -> Result<Vec<ActRecord>, FlowError> {
        let mut read = self.store.read().await?;
        let rows = read.queries().acts().await?;
        rows.iter()
            .filter(|row| row.label == ACT_LABEL)
            .map(|row| serde_json::from_slice(&row.body).map_err(|_| FlowError::Record { what: "an act" }))
            .collect()
    }
}
