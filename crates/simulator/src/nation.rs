//! One State: its node without sockets, its two officers, its clock, and what strikes its database.

use crate::{
    dice::StepRandomness,
    peril::Peril,
    time::{StateClock, TrueTime},
};
use anyhow::{Context as _, Result};
use flow::{Clock, Credential, Flow, NewOfficer, NodeFolder};
use keys::{KeyRole, Names, NodeKeys};
use mandate::Role;
use register::{Declarations, Descriptor, MAX_RETIRED_KEYS, OfficeEntry, Peer, RetiredKey};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::{Hazard, Store};
use treaty::RequestedProfile;
use vocabulary::{OfficeFunction, OfficerId, StateCode};

/// Zones with half hours, summer time and both ends of the day.
const ZONES: [&str; 7] = [
    "Europe/Paris",
    "Asia/Ho_Chi_Minh",
    "America/New_York",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Africa/Nairobi",
];
/// How long a descriptor is valid.
const VALID: Duration = Duration::from_secs(700 * 24 * 3600);

/// What every node of a run shares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Common {
    pub time: Arc<TrueTime>,
    pub randomness: Arc<StepRandomness>,
}

#[derive(Debug)]
pub(crate) struct Nation {
    pub code: StateCode,
    pub first: Credential,
    pub second: Credential,
    pub clock: Arc<StateClock>,
    pub peril: Arc<Peril>,
    /// How often it was started.
    pub life: u32,
    /// False once it went on from an old copy of its database.
    pub honest: bool,
    /// Its signed descriptors, oldest first.
    pub descriptors: Vec<Vec<u8>>,
    /// Its newest descriptor, verified.
    pub peer: Arc<Peer>,
    common: Common,
    folder: PathBuf,
    flow: Flow,
}

/// The State with this number: exercise codes first.
pub(crate) fn code_of(number: usize) -> Result<StateCode> {
    let letter = |number: usize| u8::try_from(number).ok().and_then(|n| b'A'.checked_add(n)).map(char::from);
    let others: Vec<usize> = (0..26).filter(|first| *first != 23).collect();
    let (first, second) = match number.checked_sub(26) {
        None => (23, number),
        Some(rest) => (*others.get(rest / 26).context("too many States")?, rest % 26),
    };
    let text: String = [letter(first), letter(second)].into_iter().flatten().collect();
    Ok(text.parse()?)
}

impl Nation {
    pub(crate) async fn found(place: &Path, number: usize, common: &Common) -> Result<Self> {
        let code = code_of(number)?;
        let folder = place.join(code.lower());
        fs::create_dir_all(&folder)?;
        let clock = Arc::new(StateClock::new(Arc::clone(&common.time)));
        NodeKeys::create(&folder, &names(code), clock.now())?;
        let zone = ZONES.get(number % ZONES.len()).context("a zone")?;
        let peril = Arc::new(Peril::default());
        let flow = open(&folder, 1, code, zone, &clock, &peril, common).await?;
        let first = officer(&flow, "first.officer", &Role::ALL).await?;
        let second = officer(&flow, "second.officer", &[Role::DecidingOfficer, Role::CaseOfficer]).await?;
        let descriptor = describe(&flow, 1)?;
        let peer = Arc::new(Peer::verify(&descriptor, flow.now())?);
        Ok(Self {
            code,
            first,
            second,
            clock,
            peril,
            life: 1,
            honest: true,
            descriptors: vec![descriptor],
            peer,
            common: common.clone(),
            folder,
            flow,
        })
    }

    /// The node, unless its process is dead.
    pub(crate) fn flow(&self) -> Option<&Flow> {
        (!self.peril.is_down()).then_some(&self.flow)
    }

    /// The node, dead or alive.
    pub(crate) fn disk_flow(&self) -> &Flow {
        &self.flow
    }

    /// The node's keys, which outlive its process.
    pub(crate) fn keys(&self) -> &NodeKeys {
        self.flow.keys()
    }

    /// The last process's store, for an examiner who reads the disk.
    pub(crate) fn disk(&self) -> &Store {
        self.flow.store()
    }

    /// Starts the node from what a crash left: the database as it lies on the disk, with its write-ahead log.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.start_from(&self.folder.clone(), &database(self.life)).await
    }

    /// A copy of the database, as operators make one.
    pub(crate) fn copy(&self) -> Result<()> {
        copy_database(&self.folder.join(database(self.life)), &self.folder.join("copy.sqlite3"))
    }

    /// Goes on from the copy; false when there is none.
    pub(crate) async fn restore(&mut self) -> Result<bool> {
        if !self.folder.join("copy.sqlite3").exists() {
            return Ok(false);
        }
        self.start_from(&self.folder.clone(), "copy.sqlite3").await?;
        self.honest = false;
        Ok(true)
    }

    async fn start_from(&mut self, folder: &Path, name: &str) -> Result<()> {
        let next = self.life + 1;
        copy_database(&folder.join(name), &folder.join(database(next)))?;
        self.flow.store().close().await;
        remove_database(&folder.join(database(self.life)))?;
        self.life = next;
        self.peril.rise();
        let zone = self.flow.zone().to_owned();
        self.flow = open(folder, next, self.code, &zone, &self.clock, &self.peril, &self.common).await?;
        Ok(())
    }

    /// Replaces a key as operators do: record it, start the node again, issue the next descriptor.
    pub(crate) async fn rotate(&mut self, role: KeyRole) -> Result<()> {
        let now = self.flow.now();
        let until = now.plus(flow::key_overlap());
        let rotation = self.keys().fresh()?.rotate(role, &names(self.code), now, until)?;
        self.flow.record_rotation(OfficerId::system(), &rotation, until).await?;
        self.restart().await?;
        self.renew()
    }

    /// Issues the next descriptor.
    pub(crate) fn renew(&mut self) -> Result<()> {
        let sequence = self.descriptors.len() as u64 + 1;
        let descriptor = describe(&self.flow, sequence)?;
        self.peer = Arc::new(Peer::read(&descriptor, self.flow.now())?);
        self.descriptors.push(descriptor);
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.flow.store().close().await;
    }
}

fn names(code: StateCode) -> Names {
    Names {
        state: code,
        state_name: format!("Republic of {code}"),
        offices: OfficeFunction::ALL.into_iter().map(|f| (f, format!("The {f}"))).collect(),
        hosts: vec![format!("{}.example", code.lower())],
    }
}

fn database(life: u32) -> String {
    format!("life-{life}.sqlite3")
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The file and its write-ahead log; the shared memory dies with the process.
fn copy_database(from: &Path, to: &Path) -> Result<()> {
    remove_database(to)?;
    fs::copy(from, to).with_context(|| format!("copy of {}", from.display()))?;
    let log = with(from, "-wal");
    if log.exists() {
        fs::copy(log, with(to, "-wal"))?;
    }
    Ok(())
}

fn remove_database(path: &Path) -> Result<()> {
    for ending in ["", "-wal", "-shm"] {
        let path = with(path, ending);
        if path.exists() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

async fn open(
    folder: &Path,
    life: u32,
    code: StateCode,
    zone: &str,
    clock: &Arc<StateClock>,
    peril: &Arc<Peril>,
    common: &Common,
) -> Result<Flow> {
    let store = Store::open(&folder.join(database(life))).await?;
    let profile = RequestedProfile {
        state: code,
        languages: vec!["en".parse()?],
        preservation_needs_dual_criminality: false,
        convention_in_force: true,
        offices: vocabulary::OfficeFunction::ALL.to_vec(),
    };
    let flow = Flow::new(
        store.with_hazard(Arc::clone(peril) as Arc<dyn Hazard>),
        NodeKeys::load(folder, code)?,
        Arc::clone(clock) as Arc<dyn Clock>,
        NodeFolder::new(folder),
        profile,
        zone.to_owned(),
    );
    Ok(flow.with_randomness(Arc::clone(&common.randomness) as Arc<dyn flow::Randomness>))
}

async fn officer(flow: &Flow, id: &str, roles: &[Role]) -> Result<Credential> {
    let new = NewOfficer { id: id.parse()?, name: id.to_owned(), roles: roles.iter().copied().collect() };
    let token = flow.add_officer(new).await?;
    Ok(Credential { id: id.parse()?, token })
}

fn describe(flow: &Flow, sequence: u64) -> Result<Vec<u8>> {
    let (keys, now) = (flow.keys(), flow.now());
    let mut offices = Vec::new();
    for function in OfficeFunction::ALL {
        offices.push(OfficeEntry {
            office: function,
            name: format!("The {function}"),
            article: "41".to_owned(),
            contact: "office@exercise.example".to_owned(),
            certificate: keys.office(function)?.certificate().to_pem(),
        });
    }
    let descriptor = Descriptor {
        format: Descriptor::format(),
        state: flow.us(),
        names: [("en".parse()?, format!("Republic of {}", flow.us()))].into(),
        sequence,
        // A clock that is behind must not make the newer descriptor look older than the certificates.
        issued: now.max(vocabulary::Instant::from_micros(crate::time::BEGIN)),
        valid_until: now.plus(VALID),
        languages: flow.profile().languages.clone(),
        zone: flow.zone().to_owned(),
        endpoint: format!("https://{}.example", flow.us().lower()),
        offices,
        declarations: Declarations { convention_in_force: true, ..Declarations::default() },
        root: keys.root_certificate_pem()?,
        log: keys.log().vkey(),
        cosigner: keys.cosigner().vkey(),
        retired: retired(keys),
    };
    Ok(keys.root()?.sign(&descriptor.to_json()?, now)?)
}

fn retired(keys: &NodeKeys) -> Vec<RetiredKey> {
    let old = keys.retired().iter().filter(|old| old.role != KeyRole::Tls);
    old.take(MAX_RETIRED_KEYS)
        .map(|old| RetiredKey { key: old.fingerprint, until: old.until, vkey: old.vkey.clone() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_state_has_a_code_of_its_own() {
        let codes: BTreeSet<String> = (0..193).map(|n| code_of(n).unwrap().to_string()).collect();
        assert_eq!(codes.len(), 193);
        assert_eq!(code_of(0).unwrap().to_string(), "XA");
    }
}
