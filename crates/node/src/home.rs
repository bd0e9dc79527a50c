//! The folder of a node: made once by `init`, opened by everything else.

use crate::{Configuration, NodeError, error::disk};
use flow::{Clock, Flow, NodeFolder, SystemClock};
use keys::{Names, NodeKeys};
use std::{fs, io::Write as _, path::Path, sync::Arc};
use store::Store;

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
}

impl Home {
    /// Makes the keys, the configuration and the database in a folder that is not a node yet.
    pub async fn init(path: &Path, request: InitRequest) -> Result<Self, NodeError> {
        let folder = NodeFolder::new(path);
        request.configuration.check()?;
        if folder.configuration().exists() {
            return Err(NodeError::NodeExists { path: path.display().to_string() });
        }
        fs::create_dir_all(path).map_err(|source| disk(path, source))?;
        let configuration = request.configuration;
        let mut hosts: Vec<String> = configuration.host().into_iter().chain(request.hosts).collect();
        hosts.dedup();
        let names = Names {
            state: configuration.state,
            state_name: configuration.state_name().to_owned(),
            offices: configuration.offices.iter().map(|(f, o)| (*f, o.name.clone())).collect(),
            hosts,
        };
        NodeKeys::create(path, &names, SystemClock.now())?;
        Store::open(&folder.database()).await?.close().await;
        // Last, because a folder with this file counts as a node.
        write_durably(&folder.configuration(), configuration.to_toml()?.as_bytes())?;
        Ok(Self { folder, configuration })
    }

    pub fn open(path: &Path) -> Result<Self, NodeError> {
        let folder = NodeFolder::new(path);
        if !folder.configuration().exists() {
            return Err(NodeError::NoNode { path: path.display().to_string() });
        }
        let configuration = Configuration::read(&folder.configuration())?;
        Ok(Self { folder, configuration })
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
        let keys = NodeKeys::load(self.folder.path(), self.configuration.state)?;
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

fn write_durably(path: &Path, content: &[u8]) -> Result<(), NodeError> {
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|source| disk(path, source))
}
