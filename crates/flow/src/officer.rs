//! Officers of this node and how they show who they are.

use crate::{Flow, FlowError, perform::json};
use mandate::{Authorized, Officer, Permitted, Role};
use std::collections::BTreeSet;
use store::{OfficerRow, StoreFault};
use vocabulary::{Digest, OfficerId};

/// A person to add.
#[derive(Debug, Clone)]
pub struct NewOfficer {
    pub id: OfficerId,
    pub name: String,
    pub roles: BTreeSet<Role>,
}

/// A short name and the token that was handed out for it.
#[derive(Clone)]
pub struct Credential {
    pub id: OfficerId,
    pub token: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Flow {
    /// Adds an officer and returns the token, which is kept here only as a digest.
    pub async fn add_officer(&self, new: NewOfficer) -> Result<String, FlowError> {
        if new.id.is_system() {
            return Err(FlowError::OfficerReserved);
        }
        let token = format!("rogatory-{}", hex::encode(keys::random_bytes::<32>()?));
        let officer = Officer { id: new.id.clone(), name: new.name, roles: new.roles, active: true };
        let row = OfficerRow {
            id: new.id.clone(),
            body: json(&officer)?,
            token_digest: Digest::of(token.as_bytes()),
        };
        let mut write = self.store.write().await?;
        match write.add_officer(&row).await {
            Err(StoreFault::Conflict { .. }) => {
                return Err(FlowError::OfficerExists { id: new.id.to_string() });
            }
            other => other?,
        }
        write.commit().await?;
        Ok(token)
    }

    pub async fn officers(&self) -> Result<Vec<Officer>, FlowError> {
        let mut read = self.store.read().await?;
        read.queries().officers().await?.iter().map(read_officer).collect()
    }

    /// The officer whose credential this is. A wrong name and a wrong token give the same answer.
    pub async fn authenticate(&self, credential: &Credential) -> Result<Officer, FlowError> {
        let unknown = || FlowError::UnknownOfficer { id: credential.id.to_string() };
        let mut read = self.store.read().await?;
        let row = read.queries().officer(&credential.id).await?.ok_or_else(unknown)?;
        if row.token_digest != Digest::of(credential.token.trim().as_bytes()) {
            return Err(unknown());
        }
        read_officer(&row)
    }

    /// A command with the proof that the officer of this credential may give it.
    pub async fn authorize<C: Permitted>(
        &self,
        credential: &Credential,
        command: C,
    ) -> Result<Authorized<C>, FlowError> {
        Ok(self.authenticate(credential).await?.authorize(command)?)
    }
}

fn read_officer(row: &OfficerRow) -> Result<Officer, FlowError> {
    serde_json::from_slice(&row.body).map_err(|_| FlowError::Record { what: "an officer" })
}
