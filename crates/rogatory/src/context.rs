//! What every command shares: the node's folder and the officer who speaks.

use crate::named;
use flow::{Credential, Flow};
use keys::Unlock;
use node::Home;
use std::path::PathBuf;
use vocabulary::OfficerId;

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) node: PathBuf,
    pub(crate) officer: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) passphrase_file: Option<PathBuf>,
    pub(crate) root_passphrase_file: Option<PathBuf>,
    pub(crate) json: bool,
}

impl Context {
    pub(crate) fn home(&self) -> anyhow::Result<Home> {
        Ok(Home::open(&self.node)?.unlocked(self.unlock()))
    }

    /// Where the passphrases are: the options, else what systemd laid into `$CREDENTIALS_DIRECTORY`.
    pub(crate) fn unlock(&self) -> Unlock {
        let unlock = Unlock::new(self.passphrase_file.clone(), self.root_passphrase_file.clone());
        match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(folder) => unlock.or_credential(PathBuf::from(folder).join("rogatory-passphrase")),
            None => unlock,
        }
    }

    /// The officer who is named, else whoever works at the machine.
    pub(crate) async fn actor(&self, flow: &Flow) -> anyhow::Result<OfficerId> {
        if self.officer.is_none() && self.token_file.is_none() {
            return Ok(OfficerId::system());
        }
        Ok(flow.authenticate(&self.credential()?).await?.id)
    }

    pub(crate) async fn flow(&self) -> anyhow::Result<Flow> {
        Ok(self.home()?.flow().await?)
    }

    /// The officer's name and token; both must be given.
    pub(crate) fn credential(&self) -> anyhow::Result<Credential> {
        let (Some(officer), Some(file)) = (&self.officer, &self.token_file) else {
            return Err(NoOfficer.into());
        };
        let not_text = |_| named::refused(file, "read", std::io::ErrorKind::InvalidData.into());
        let token = String::from_utf8(named::read(file)?).map_err(not_text)?;
        Ok(Credential { id: officer.parse()?, token })
    }
}

/// A command that a person must give was given by nobody.
#[derive(Debug, thiserror::Error)]
#[error("this command is given by an officer, and none is named")]
pub(crate) struct NoOfficer;

impl vocabulary::Failure for NoOfficer {
    fn family(&self) -> vocabulary::Family {
        vocabulary::Family::Refusal
    }
    fn code(&self) -> &'static str {
        "R-801"
    }
    fn remedy(&self) -> String {
        "give `--officer NAME --token-file FILE`, or set ROGATORY_OFFICER and ROGATORY_TOKEN_FILE".to_owned()
    }
}
