//! What every command shares: the node's folder and the officer who speaks.

use crate::named;
use flow::{Credential, Flow};
use node::Home;
use std::path::PathBuf;

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) node: PathBuf,
    pub(crate) officer: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) json: bool,
}

impl Context {
    pub(crate) fn home(&self) -> anyhow::Result<Home> {
        Ok(Home::open(&self.node)?)
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
