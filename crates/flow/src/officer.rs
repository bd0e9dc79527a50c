//! Officers of this node and how they show who they are.

use crate::{Flow, FlowError, NodeAct, perform::json};
use exchange::MAX_TEXT_BYTES;
use mandate::{Authorized, Officer, Permitted, Role};
use std::collections::BTreeSet;
use store::{OfficerRow, StoreFault};
use vocabulary::{Digest, OfficerId};
use zeroize::Zeroize as _;

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

/// The token is wiped from memory.
impl Drop for Credential {
    fn drop(&mut self) {
        self.token.zeroize();
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Flow {
    fn new_token(&self) -> Result<String, FlowError> {
        Ok(format!("rogatory-{}", hex::encode(self.random::<32>()?)))
    }

    /// Adds an officer and returns the token, which is kept here only as a digest.
    pub async fn add_officer(&self, new: NewOfficer) -> Result<String, FlowError> {
        if new.id.is_system() {
            return Err(FlowError::OfficerReserved);
        }
        let token = self.new_token()?;
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

    /// Ends an officer's permissions at once; the token counts no more, the name stays taken.
    pub async fn deactivate_officer(
        &self,
        id: &OfficerId,
        by: OfficerId,
        reason: &str,
    ) -> Result<(), FlowError> {
        if reason.trim().is_empty() || reason.len() > MAX_TEXT_BYTES {
            return Err(FlowError::Text { found: reason.len() });
        }
        let mut write = self.store.write().await?;
        let mut row = write.queries().officer(id).await?.ok_or_else(|| unknown(id))?;
        let officer = read_officer(&row)?;
        if !officer.active {
            return Err(FlowError::OfficerInactive { id: id.to_string() });
        }
        row.body = json(&Officer { active: false, ..officer })?;
        row.token_digest = Digest::of(&keys::random_bytes::<32>()?);
        write.put_officer(&row).await?;
        let reason = write.put_object(reason.as_bytes(), self.now()).await?;
        let act = NodeAct::OfficerDeactivated { officer: id.clone(), reason };
        self.record_act(&mut write, by, act).await?;
        Ok(write.commit().await?)
    }

    /// Gives an officer a new token; the one before counts no more. An officer who was deactivated gets none.
    pub async fn renew_token(&self, id: &OfficerId, by: OfficerId) -> Result<String, FlowError> {
        let mut write = self.store.write().await?;
        let mut row = write.queries().officer(id).await?.ok_or_else(|| unknown(id))?;
        if !read_officer(&row)?.active {
            return Err(FlowError::OfficerInactive { id: id.to_string() });
        }
        let token = self.new_token()?;
        row.token_digest = Digest::of(token.as_bytes());
        write.put_officer(&row).await?;
        self.record_act(&mut write, by, NodeAct::TokenRenewed { officer: id.clone() }).await?;
        write.commit().await?;
        Ok(token)
    }

    pub async fn officers(&self) -> Result<Vec<Officer>, FlowError> {
        let mut read = self.store.read().await?;
        read.queries().officers().await?.iter().map(read_officer).collect()
    }

    /// The officer whose credential this is. A wrong name and a wrong token give the same answer.
    pub async fn authenticate(&self, credential: &Credential) -> Result<Officer, FlowError> {
        let unknown = || unknown(&credential.id);
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

fn unknown(id: &OfficerId) -> FlowError {
    FlowError::UnknownOfficer { id: id.to_string() }
}

pub(crate) fn read_officer(row: &OfficerRow) -> Result<Officer, FlowError> {
    serde_json::from_slice(&row.body).map_err(|_| FlowError::Record { what: "an officer" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Pair, officer};
    use casefile::incoming::Command;
    use vocabulary::Failure as _;

    async fn refused(flow: &Flow, id: &str, token: &str) -> FlowError {
        let credential = Credential { id: id.parse().unwrap(), token: token.to_owned() };
        flow.authenticate(&credential).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_wrong_token_and_an_unknown_officer_get_the_same_answer() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let known = pair.a.first.id.as_str();
        for (id, token) in
            [(known, "rogatory-0000"), (known, ""), ("nobody.here", pair.a.first.token.as_str())]
        {
            let error = refused(flow, id, token).await;
            assert_eq!(error.code(), "R-155");
            assert_eq!(error.to_string(), format!("the officer `{id}` or the token is not known here"));
            assert_eq!(error.remedy(), refused(flow, "somebody.else", "x").await.remedy());
        }
        // The token of a colleague is nobody else's.
        assert_eq!(refused(flow, known, &pair.a.second.token).await.code(), "R-155");
        assert!(flow.authenticate(&pair.a.first).await.is_ok());
    }

    #[tokio::test]
    async fn a_token_counts_with_the_line_end_of_its_file_and_is_not_stored() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let token = format!("{}\n", pair.a.first.token);
        assert!(flow.authenticate(&Credential { id: pair.a.first.id.clone(), token }).await.is_ok());
        let mut read = flow.store().read().await.unwrap();
        let row = read.queries().officer(&pair.a.first.id).await.unwrap().unwrap();
        assert!(!String::from_utf8(row.body).unwrap().contains("rogatory-"));
        assert!(!format!("{:?}", pair.a.first).contains("rogatory-"));
    }

    #[tokio::test]
    async fn an_officer_who_is_not_active_can_do_nothing() {
        let pair = Pair::new().await;
        let flow = &pair.b.flow;
        let officer = Officer {
            id: "left.service".parse().unwrap(),
            name: "Left Service".to_owned(),
            roles: Role::ALL.into(),
            active: false,
        };
        let row = OfficerRow {
            id: officer.id.clone(),
            body: json(&officer).unwrap(),
            token_digest: Digest::of(b"rogatory-1"),
        };
        let mut write = flow.store().write().await.unwrap();
        write.add_officer(&row).await.unwrap();
        write.commit().await.unwrap();
        let left = Credential { id: officer.id, token: "rogatory-1".to_owned() };
        assert_eq!(flow.authorize(&left, Command::Decide).await.unwrap_err().code(), "R-152");
        // Without the token nobody learns that there was such an officer.
        assert_eq!(refused(flow, "left.service", "rogatory-2").await.code(), "R-155");
    }

    #[tokio::test]
    async fn a_name_is_given_once_and_never_the_nodes_own() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let taken = flow.add_officer(officer("first.officer", &Role::ALL)).await.unwrap_err();
        assert_eq!(taken.code(), "R-156");
        assert!(flow.authenticate(&pair.a.first).await.is_ok(), "the first token still counts");
        let mut system = officer("first.officer", &Role::ALL);
        system.id = OfficerId::system();
        assert_eq!(flow.add_officer(system).await.unwrap_err().code(), "R-157");
        assert_eq!(flow.officers().await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_deactivated_officer_stops_at_once_and_the_ledger_knows_why() {
        let pair = Pair::new().await;
        let (flow, gone) = (&pair.b.flow, &pair.b.first);
        let before = flow.audit().await.unwrap().leaves;
        flow.deactivate_officer(&gone.id, OfficerId::system(), "left the service").await.unwrap();
        assert_eq!(refused(flow, gone.id.as_str(), &gone.token).await.code(), "R-155");
        assert!(
            !flow.officers().await.unwrap().iter().any(|officer| officer.id == gone.id && officer.active)
        );
        let again = flow.deactivate_officer(&gone.id, OfficerId::system(), "again").await.unwrap_err();
        assert_eq!(again.code(), "R-927");
        assert_eq!(flow.renew_token(&gone.id, OfficerId::system()).await.unwrap_err().code(), "R-927");
        let audit = flow.audit().await.unwrap();
        assert_eq!((audit.leaves, audit.troubles.len()), (before + 1, 0));
        let acts = flow.acts().await.unwrap();
        let reason = Digest::of(b"left the service");
        assert_eq!(acts[0].act, NodeAct::OfficerDeactivated { officer: gone.id.clone(), reason });
        assert!(flow.authenticate(&pair.b.second).await.is_ok());
    }

    #[tokio::test]
    async fn a_renewed_token_replaces_the_one_before() {
        let pair = Pair::new().await;
        let (flow, known) = (&pair.a.flow, &pair.a.first);
        let token = flow.renew_token(&known.id, OfficerId::system()).await.unwrap();
        assert_eq!(refused(flow, known.id.as_str(), &known.token).await.code(), "R-155");
        assert!(flow.authenticate(&Credential { id: known.id.clone(), token }).await.is_ok());
        let nobody = "nobody.here".parse().unwrap();
        assert_eq!(flow.renew_token(&nobody, OfficerId::system()).await.unwrap_err().code(), "R-155");
        assert_eq!(
            flow.deactivate_officer(&known.id, OfficerId::system(), " ").await.unwrap_err().code(),
            "R-161"
        );
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_role_gives_its_own_permissions_and_no_others() {
        let pair = Pair::new().await;
        let flow = &pair.b.flow;
        let triage = Command::Triage { urgent: false, note: None };
        assert_eq!(flow.authorize(&pair.b.second, triage).await.unwrap_err().code(), "R-151");
        let report = Command::ReportLapsed { until: flow.now() };
        assert_eq!(flow.authorize(&pair.b.first, report).await.unwrap_err().code(), "R-153");
    }
}
