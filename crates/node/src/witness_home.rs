//! A witness without a node, for an oversight body: its folder, the logs it knows, and its memory.

use crate::{
    Limits, NodeError,
    error::disk,
    listener::{Listener, listen},
    public::{Witness, witness_router},
};
use axum_server::tls_rustls::RustlsConfig;
use flow::{Clock, FlowError, SystemClock};
use ledger::{
    AddCheckpoint, Checkpoint, CosignerKey, Hash, KeyName, LogVerifier, WitnessRefusal, checkpoint,
    cosignature, witness::consider,
};
use rustls::{ServerConfig, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use store::Store;
use vocabulary::Instant;

const FILE: &str = "witness.toml";

/// What a witness is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessHomeConfiguration {
    /// The name of its key, such as `witness.oversight.example`.
    pub name: String,
    /// Where it listens, such as `0.0.0.0:8444`.
    pub listen: String,
    /// Certificate chain and key in PEM; without them it speaks plain HTTP, for a loopback behind a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// The verifier keys of the logs that it cosigns.
    pub logs: Vec<String>,
}

/// The folder of a witness.
#[derive(Debug)]
pub struct WitnessHome {
    folder: PathBuf,
    configuration: WitnessHomeConfiguration,
    key: CosignerKey,
    logs: BTreeMap<String, LogVerifier>,
}

/// The last head of one log that a witness cosigned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WitnessedHead {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
    pub at: Instant,
    /// The whole note of the log.
    pub note: String,
}

/// Two heads of one log that contradict each other; both notes are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Contradiction {
    pub origin: String,
    pub before: String,
    pub request: String,
    pub at: Instant,
}

impl WitnessHome {
    /// Makes the folder and the key of a witness; nothing that exists is overwritten.
    pub fn create(folder: &Path, configuration: &WitnessHomeConfiguration) -> Result<Self, NodeError> {
        parse(configuration)?;
        fs::create_dir(folder).map_err(|source| disk(folder, source))?;
        keys::create_cosigner(&folder.join("cosigner.seed"))?;
        let path = folder.join(FILE);
        let text = toml::to_string_pretty(configuration)
            .map_err(|error| NodeError::Value { name: FILE, reason: error.to_string() })?;
        fs::write(&path, text).map_err(|source| disk(&path, source))?;
        Self::open(folder)
    }

    pub fn open(folder: &Path) -> Result<Self, NodeError> {
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).map_err(|source| disk(&path, source))?;
        let configuration: WitnessHomeConfiguration = toml::from_str(&text).map_err(|error| {
            NodeError::Configuration { path: path.display().to_string(), reason: error.message().to_owned() }
        })?;
        let (name, logs) = parse(&configuration)?;
        let key = keys::load_cosigner(&folder.join("cosigner.seed"), name, &keys::Unlock::default())?;
        Ok(Self { folder: folder.to_owned(), configuration, key, logs })
    }

    pub fn vkey(&self) -> String {
        self.key.vkey()
    }

    pub fn configuration(&self) -> &WitnessHomeConfiguration {
        &self.configuration
    }

    async fn store(&self) -> Result<Store, NodeError> {
        Ok(Store::open(&self.folder.join("witness.sqlite3")).await?)
    }

    /// The last cosigned head of each log, and what contradicted it.
    pub async fn memory(&self) -> Result<(Vec<WitnessedHead>, Vec<Contradiction>), NodeError> {
        let store = self.store().await?;
        let mut read = store.read().await?;
        let (mut heads, mut contradictions) = (Vec::new(), Vec::new());
        for origin in self.logs.keys() {
            heads.extend(kept(read.queries().setting(&head_of(origin)).await?)?);
            contradictions.extend(kept(read.queries().setting(&contradiction_of(origin)).await?)?);
        }
        Ok((heads, contradictions))
    }

    /// Answers until it is stopped.
    pub async fn serve(self, limits: Limits) -> Result<RunningWitness, NodeError> {
        let address = &self.configuration.listen;
        let tls = match (&self.configuration.tls_certificate, &self.configuration.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(tls_of(&self.folder.join(certificate), &self.folder.join(key))?)
            }
            (None, None) => None,
            _ => {
                let reason = "`tls_certificate` and `tls_key` belong together".to_owned();
                return Err(NodeError::Value { name: "tls_key", reason });
            }
        };
        let store = self.store().await?;
        let address = address.clone();
        let desk = Desk { store: store.clone(), clock: Arc::new(SystemClock), home: Arc::new(self) };
        let listener = listen(&address, tls, witness_router(desk, limits), limits)?;
        Ok(RunningWitness { listener, store, grace: limits.grace })
    }
}

/// A witness that answers.
#[derive(Debug)]
pub struct RunningWitness {
    listener: Listener,
    store: Store,
    grace: std::time::Duration,
}

impl RunningWitness {
    pub fn address(&self) -> SocketAddr {
        self.listener.address
    }

    pub async fn stop(self) {
        self.listener.stop(self.grace).await;
        self.store.close().await;
    }
}

#[derive(Clone)]
struct Desk {
    home: Arc<WitnessHome>,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Witness for Desk {
    async fn add_checkpoint(&self, body: Vec<u8>) -> Result<String, FlowError> {
        let request = AddCheckpoint::parse(&body)?;
        let log = self.home.logs.get(request.origin()).ok_or(WitnessRefusal::UnknownOrigin)?;
        let shown = checkpoint::open(&request.note, log).map_err(WitnessRefusal::NotSigned)?;
        let origin = log.name().as_str();
        let mut write = self.store.write().await?;
        let last: Option<WitnessedHead> = kept(write.queries().setting(&head_of(origin)).await?)?;
        let before = last.as_ref().map(|head| Checkpoint::new(log.name().clone(), head.size, head.root));
        let now = self.clock.now();
        if let Err(refusal) = consider(&request, log, before.as_ref()) {
            if let (Some(last), WitnessRefusal::OtherRoot { .. } | WitnessRefusal::Unproven(_)) =
                (last, &refusal)
            {
                let (before, request) = (last.note, request.to_string());
                let found = Contradiction { origin: origin.to_owned(), before, request, at: now };
                if write.queries().setting(&contradiction_of(origin)).await?.is_none() {
                    write.put_setting(&contradiction_of(origin), &json(&found)?).await?;
                    write.commit().await?;
                }
                tracing::error!(origin, "a head does not follow from the last one; both are kept");
            }
            return Err(refusal.into());
        }
        let head = shown.checkpoint();
        let seconds = u64::try_from(now.seconds()).unwrap_or(0);
        let line = cosignature::cosign(shown.body(), &self.home.key, seconds)?;
        let memory = WitnessedHead {
            origin: origin.to_owned(),
            size: head.size(),
            root: *head.root(),
            at: now,
            note: request.note.clone(),
        };
        write.put_setting(&head_of(origin), &json(&memory)?).await?;
        write.commit().await?;
        Ok(format!("{}\n", line.trim_end()))
    }
}

fn parse(
    configuration: &WitnessHomeConfiguration,
) -> Result<(KeyName, BTreeMap<String, LogVerifier>), NodeError> {
    let wrong = |name, error: ledger::KeyError| NodeError::Value { name, reason: error.to_string() };
    let name = configuration.name.parse().map_err(|error| wrong("name", error))?;
    if configuration.listen.parse::<SocketAddr>().is_err() {
        let reason = "an address and port such as `0.0.0.0:8444` is needed".to_owned();
        return Err(NodeError::Value { name: "listen", reason });
    }
    let mut logs = BTreeMap::new();
    for vkey in &configuration.logs {
        let log = LogVerifier::parse(vkey).map_err(|error| wrong("logs", error))?;
        logs.insert(log.name().to_string(), log);
    }
    Ok((name, logs))
}

fn tls_of(certificate: &Path, key: &Path) -> Result<RustlsConfig, NodeError> {
    let tls = |reason: String| NodeError::Tls { reason };
    let read = |path: &Path| fs::read(path).map_err(|source| disk(path, source));
    let pem = read(certificate)?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| tls(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| tls(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(crate::tls::provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| tls(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| tls(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

fn head_of(origin: &str) -> String {
    format!("head/{origin}")
}

fn contradiction_of(origin: &str) -> String {
    format!("contradiction/{origin}")
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, FlowError> {
    serde_json::to_vec(value).map_err(|_| FlowError::Record { what: "a head to keep" })
}

fn kept<T: serde::de::DeserializeOwned>(bytes: Option<Vec<u8>>) -> Result<Option<T>, FlowError> {
    bytes
        .map(|bytes| serde_json::from_slice(&bytes))
        .transpose()
        .map_err(|_| FlowError::Record { what: "a head that was cosigned" })
}
