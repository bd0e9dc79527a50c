//! The folder of a node: made once by `init`, opened by everything else.

use crate::{Configuration, NodeError, error::disk};
use flow::{Clock, Flow, NodeFolder, SystemClock};
use keys::{KeyRole, Names, NodeKeys, Rotation, Unlock};
use std::{fs, io::Write as _, path::Path, sync::Arc};
use store::Store;
use vocabulary::Instant;

/// What `node init` needs.
#[derive(Debug, Clone)]
pub struct InitRequest {
    pub configuration: Configuration,
    /// Further host names and addresses for the TLS certificate.
    pub hosts: Vec<String>,
}

/// A node's folder and its configuration.
#[derive(Debug, Clone)]
pub struct Home {
    pub folder: NodeFolder,
    pub configuration: Configuration,
    /// Where the passphrases of protected keys are.
    pub unlock: Unlock,
}

impl Home {
    /// Makes the keys, the configuration and the database in a folder that is not a node yet.
    pub async fn init(path: &Path, request: InitRequest) -> Result<Self, NodeError> {
        Self::make(path, request, None).await
    }

    /// The same, with every private key protected by its passphrase.
    pub async fn init_protected(
        path: &Path,
        request: InitRequest,
        unlock: &Unlock,
    ) -> Result<Self, NodeError> {
        Self::make(path, request, Some(unlock)).await
    }

    async fn make(path: &Path, request: InitRequest, unlock: Option<&Unlock>) -> Result<Self, NodeError> {
        let folder = NodeFolder::new(path);
        request.configuration.check()?;
        if folder.configuration().exists() {
            return Err(NodeError::NodeExists { path: path.display().to_string() });
        }
        fs::create_dir_all(path).map_err(|source| disk(path, source))?;
        let configuration = request.configuration;
        let names = names(&configuration, request.hosts);
        let now = SystemClock.now();
        match unlock {
            Some(unlock) => NodeKeys::create_protected(path, &names, now, unlock)?,
            None => NodeKeys::create(path, &names, now)?,
        }
        Store::open(&folder.database()).await?.close().await;
        // Last, because a folder with this file counts as a node.
        write_durably(&folder.configuration(), configuration.to_toml()?.as_bytes())?;
        Ok(Self { folder, configuration, unlock: unlock.cloned().unwrap_or_default() })
    }

    pub fn open(path: &Path) -> Result<Self, NodeError> {
        let folder = NodeFolder::new(path);
        if !folder.configuration().exists() {
            return Err(NodeError::NoNode { path: path.display().to_string() });
        }
        let configuration = Configuration::read(&folder.configuration())?;
        Ok(Self { folder, configuration, unlock: Unlock::default() })
    }

    /// The same folder, whose protected keys are opened so.
    #[must_use]
    pub fn unlocked(self, unlock: Unlock) -> Self {
        Self { unlock, ..self }
    }

    pub fn keys(&self) -> Result<NodeKeys, NodeError> {
        Ok(NodeKeys::load_with(self.folder.path(), self.configuration.state, &self.unlock)?)
    }

    /// Replaces a key; `hosts` are further names in a TLS certificate.
    pub fn rotate(
        &self,
        role: KeyRole,
        hosts: Vec<String>,
        now: Instant,
        until: Instant,
    ) -> Result<Rotation, NodeError> {
        Ok(self.keys()?.rotate(role, &names(&self.configuration, hosts), now, until)?)
    }

    /// The root certificates of the time-stamp authority, in PEM, one text a file.
    pub fn authorities(&self) -> Result<Vec<String>, NodeError> {
        let Some(time_stamp) = &self.configuration.time_stamp else { return Ok(Vec::new()) };
        let read = |path: &std::path::PathBuf| {
            // A relative path is one in the node's folder.
            let path = self.folder.path().join(path);
            fs::read_to_string(&path).map_err(|source| disk(&path, source))
        };
        time_stamp.roots.iter().map(read).collect()
    }

    /// The node's keys, database and clock, ready to work.
    pub async fn flow(&self) -> Result<Flow, NodeError> {
        self.flow_at(Arc::new(SystemClock)).await
    }

    /// As `flow`, with the time from `clock`.
    pub async fn flow_at(&self, clock: Arc<dyn Clock>) -> Result<Flow, NodeError> {
        let keys = self.keys()?;
        let store = Store::open(&self.folder.database()).await?;
        Ok(Flow::new(
            store,
            keys,
            clock,
            self.folder.clone(),
            self.configuration.profile(),
            self.configuration.zone.clone(),
        ))
    }
}

/// What certificates say; the host of the endpoint comes first.
fn names(configuration: &Configuration, hosts: Vec<String>) -> Names {
    let mut hosts: Vec<String> = configuration.host().into_iter().chain(hosts).collect();
    hosts.dedup();
    Names {
        state: configuration.state,
        state_name: configuration.state_name().to_owned(),
        offices: configuration.offices.iter().map(|(f, o)| (*f, o.name.clone())).collect(),
        hosts,
    }
}

fn write_durably(path: &Path, content: &[u8]) -> Result<(), NodeError> {
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|source| disk(path, source))
}
