//! Our own descriptor: what we tell the other States about our offices and keys, signed by the root.

use crate::{Configuration, Home, NodeError};
use flow::Flow;
use register::{Descriptor, MAX_DESCRIPTOR_BYTES, MAX_RETIRED_KEYS, OfficeEntry, Peer, RetiredKey};
use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use vocabulary::{Failure as _, Instant};

/// Where the descriptor that was exported last is kept, in the node's folder.
pub(crate) const FILE: &str = "descriptor.p7m";
/// The header in which nodes tell each other the number of their newest descriptor.
pub(crate) const NUMBER_HEADER: &str = "rogatory-descriptor";
/// How long a descriptor stands before a newer one is due.
const VALID: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The descriptor as it would be signed now.
pub fn export(home: &Home, flow: &Flow, now: Instant) -> Result<Descriptor, NodeError> {
    let configuration = &home.configuration;
    let keys = flow.keys();
    Ok(Descriptor {
        format: Descriptor::format(),
        state: configuration.state,
        names: configuration.names.clone(),
        sequence: next_number(home, now),
        issued: now,
        valid_until: now.plus(VALID),
        languages: configuration.languages.clone(),
        zone: configuration.zone.clone(),
        endpoint: configuration.endpoint.clone(),
        offices: offices(configuration, flow)?,
        declarations: configuration.declared(),
        root: keys.root_certificate_pem()?,
        log: keys.log().vkey(),
        cosigner: keys.cosigner().vkey(),
        retired: retired(flow),
    })
}

/// Signs the descriptor with the root, which must be in the folder for it.
pub fn sign(descriptor: &Descriptor, flow: &Flow, now: Instant) -> Result<Vec<u8>, NodeError> {
    let root = flow.keys().root()?;
    root.sign(&descriptor.to_json()?, now)
        .map_err(|error| NodeError::Sign { reason: error.report().to_string() })
}

/// The second of the signature, and in any case more than the descriptor that was exported before.
fn next_number(home: &Home, now: Instant) -> u64 {
    let before = exported(home, now).map_or(0, |peer| peer.descriptor().sequence);
    u64::try_from(now.seconds()).unwrap_or(0).max(before + 1)
}

/// The keys that were replaced, newest first.
fn retired(flow: &Flow) -> Vec<RetiredKey> {
    let old = flow.keys().retired().iter();
    old.take(MAX_RETIRED_KEYS)
        .map(|old| RetiredKey { key: old.fingerprint, until: old.until, vkey: old.vkey.clone() })
        .collect()
}

fn read_signed(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_DESCRIPTOR_BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
    (!bytes.is_empty() && bytes.len() <= MAX_DESCRIPTOR_BYTES).then_some(bytes)
}

/// The descriptor that was exported last, when there is one that stands.
pub fn exported(home: &Home, now: Instant) -> Option<Peer> {
    read_signed(&home.folder.path().join(FILE)).and_then(|signed| Peer::read(&signed, now).ok())
}

/// The exported descriptor as it is on the disk, read again when it changes.
#[derive(Debug, Clone)]
pub(crate) struct Exported {
    path: PathBuf,
    read: Arc<Mutex<Option<(SystemTime, Shown)>>>,
}

/// What we hand out, and its number.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) signed: Arc<Vec<u8>>,
    pub(crate) sequence: u64,
}

impl Exported {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { path: folder.join(FILE), read: Arc::default() }
    }

    /// `None` until it was exported.
    pub(crate) fn now(&self, at: Instant) -> Option<Shown> {
        let changed = fs::metadata(&self.path).and_then(|found| found.modified()).ok()?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, shown)) = read.as_ref()
            && *known == changed
        {
            return Some(shown.clone());
        }
        let signed = read_signed(&self.path)?;
        let sequence = Peer::read(&signed, at).ok()?.descriptor().sequence;
        let shown = Shown { signed: Arc::new(signed), sequence };
        *read = Some((changed, shown.clone()));
        Some(shown)
    }
}

fn offices(configuration: &Configuration, flow: &Flow) -> Result<Vec<OfficeEntry>, NodeError> {
    configuration
        .offices
        .iter()
        .map(|(function, office)| {
            Ok(OfficeEntry {
                office: *function,
                name: office.name.clone(),
                article: function.article().to_owned(),
                contact: office.contact.clone(),
                certificate: flow.keys().office(*function)?.certificate().to_pem(),
            })
        })
        .collect()
}
