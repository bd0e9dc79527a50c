//! The key files of one node: `keys/` for the offices, the node and the log, `root/` for the offline root.

use crate::{
    KeyFault, KeyRole, Passphrase, Retired, Unlock, protect, random_bytes, rotate,
    secret_file::{make_folder, read_public, read_secret, write_new},
};
use ledger::{CosignerKey, LogKey};
use seal::{OfficeKey, Root};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};
use vocabulary::{Instant, OfficeFunction, OfficeId, StateCode};
use zeroize::Zeroizing;

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// The root outlives the certificates it issues.
const ROOT_YEARS: u32 = 20;
const OFFICE_YEARS: u32 = 2;
/// Certificates are valid a little before they are made, for clocks that are behind.
const BEFORE: Duration = Duration::from_secs(24 * 60 * 60);

/// The names that go into certificates.
#[derive(Debug, Clone)]
pub struct Names {
    pub state: StateCode,
    pub state_name: String,
    pub offices: BTreeMap<OfficeFunction, String>,
    /// Host names and addresses at which the node answers.
    pub hosts: Vec<String>,
}

/// The private keys of one node.
pub struct NodeKeys {
    pub(crate) state: StateCode,
    offices: BTreeMap<OfficeFunction, OfficeKey>,
    log: LogKey,
    cosigner: CosignerKey,
    pub(crate) folder: PathBuf,
    pub(crate) unlock: Unlock,
    pub(crate) retired: Vec<Retired>,
}

impl NodeKeys {
    /// Makes the root and every certificate and key, in a node's folder that has none; nothing is encrypted.
    pub fn create(folder: &Path, names: &Names, now: Instant) -> Result<(), KeyFault> {
        Self::make(folder, names, now, None)
    }

    /// The same, with every private key under its passphrase from the first byte on the disk.
    pub fn create_protected(
        folder: &Path,
        names: &Names,
        now: Instant,
        unlock: &Unlock,
    ) -> Result<(), KeyFault> {
        Self::make(folder, names, now, Some((unlock.keys()?, unlock.root()?)))
    }

    fn make(
        folder: &Path,
        names: &Names,
        now: Instant,
        protection: Option<(&Passphrase, &Passphrase)>,
    ) -> Result<(), KeyFault> {
        let (keys, root_folder) = (folder.join("keys"), folder.join("root"));
        make_folder(&keys)?;
        make_folder(&root_folder)?;
        let root =
            Root::generate(names.state, &names.state_name, now.minus(BEFORE), now.plus(YEAR * ROOT_YEARS))
                .map_err(make)?;
        let salt = protect::new_salt()?;
        let guarded = |made: MadeKey, passphrase: Option<&Passphrase>| match passphrase {
            Some(passphrase) => made.locked(passphrase, &salt),
            None => Ok(made),
        };
        let (office_lock, root_lock) = (protection.map(|(keys, _)| keys), protection.map(|(_, root)| root));
        for role in KeyRole::ALL {
            let made = match role {
                KeyRole::Office(function) if !names.offices.contains_key(&function) => continue,
                KeyRole::Office(function) => issue_office(&root, names, function, now)?,
                KeyRole::Tls => issue_tls(&root, names, now)?,
                KeyRole::Log | KeyRole::Cosigner => MadeKey::seed(random_bytes::<32>()?)?,
            };
            guarded(made, office_lock)?.write(&keys, role)?;
        }
        let made = guarded(MadeKey { key: root.key_pem().clone(), certificate: None }, root_lock)?;
        write_new(&root_folder.join("root.key.pem"), made.key.as_bytes(), 0o600)?;
        write_new(&keys.join("root.cert.pem"), root.certificate_pem().as_bytes(), 0o644)
    }

    /// Reads keys that are not protected.
    pub fn load(folder: &Path, state: StateCode) -> Result<Self, KeyFault> {
        Self::load_with(folder, state, &Unlock::default())
    }

    /// Reads the keys; `unlock` is asked when one is protected.
    pub fn load_with(folder: &Path, state: StateCode, unlock: &Unlock) -> Result<Self, KeyFault> {
        // Another command may put a new key in its place between two reads.
        match Self::load_once(folder, state, unlock) {
            Err(KeyFault::Content { .. } | KeyFault::Read { .. }) => Self::load_once(folder, state, unlock),
            other => other,
        }
    }

    fn load_once(folder: &Path, state: StateCode, unlock: &Unlock) -> Result<Self, KeyFault> {
        let keys = folder.join("keys");
        let offices = OfficeFunction::ALL
            .into_iter()
            .filter(|function| function.is_needed() || has_office(&keys, *function))
            .map(|function| Ok((function, office_key(&keys, OfficeId::new(state, function), unlock)?)))
            .collect::<Result<_, KeyFault>>()?;
        let (log, cosigner) = rotate::note_keys(
            state,
            &seed(&keys, KeyRole::Log, unlock)?,
            &seed(&keys, KeyRole::Cosigner, unlock)?,
        );
        let mut loaded = Self {
            state,
            offices,
            log,
            cosigner,
            folder: folder.to_owned(),
            unlock: unlock.clone(),
            retired: Vec::new(),
        };
        loaded.retired = rotate::load_retired(&loaded)?;
        Ok(loaded)
    }

    pub fn state(&self) -> StateCode {
        self.state
    }

    /// The key of an office; every node has those that are needed.
    pub fn office(&self, function: OfficeFunction) -> Result<&OfficeKey, KeyFault> {
        self.offices.get(&function).ok_or_else(|| KeyFault::Content {
            path: self.keys_folder().join(function.as_str()).display().to_string(),
            reason: "the office has no key".to_owned(),
        })
    }

    pub fn log(&self) -> &LogKey {
        &self.log
    }

    pub fn cosigner(&self) -> &CosignerKey {
        &self.cosigner
    }

    pub fn root_certificate_pem(&self) -> Result<String, KeyFault> {
        read_public(&self.folder.join("keys/root.cert.pem"))
    }

    /// The root itself, when its folder is here.
    pub fn root(&self) -> Result<Root, KeyFault> {
        let path = self.root_file();
        if !path.exists() {
            return Err(KeyFault::RootAway { path: path.display().to_string() });
        }
        let key = private_pem(&path, || self.unlock.root())?;
        Root::from_pem(&self.root_certificate_pem()?, &key).map_err(|error| KeyFault::Content {
            path: path.display().to_string(),
            reason: error.to_string(),
        })
    }

    /// Whether the root's key lies in the node's folder.
    pub fn root_is_here(&self) -> bool {
        self.root_file().exists()
    }

    /// The TLS certificate alone, as it is on the disk now.
    pub fn tls_certificate_pem(&self) -> Result<String, KeyFault> {
        read_public(&rotate::newest(&self.keys_folder(), KeyRole::Tls, "tls.cert.pem"))
    }

    /// The TLS certificate and private key of the node, in PEM, as they are on the disk now.
    pub fn tls_pem(&self) -> Result<(String, Zeroizing<String>), KeyFault> {
        let keys = self.keys_folder();
        let certificate = rotate::newest(&keys, KeyRole::Tls, "tls.cert.pem");
        let key = rotate::newest(&keys, KeyRole::Tls, "tls.key.pem");
        Ok((read_public(&certificate)?, self.private_pem(&key)?))
    }

    pub(crate) fn keys_folder(&self) -> PathBuf {
        self.folder.join("keys")
    }

    pub(crate) fn root_file(&self) -> PathBuf {
        self.folder.join("root/root.key.pem")
    }

    pub(crate) fn private_pem(&self, path: &Path) -> Result<Zeroizing<String>, KeyFault> {
        private_pem(path, || self.unlock.keys())
    }
}

impl fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeKeys").field("state", &self.state).finish_non_exhaustive()
    }
}

/// A key that was just made, in PEM; what is written is wiped from memory.
pub(crate) struct MadeKey {
    pub(crate) key: Zeroizing<String>,
    pub(crate) certificate: Option<String>,
}

impl MadeKey {
    pub(crate) fn seed(seed: [u8; 32]) -> Result<Self, KeyFault> {
        let seed = Zeroizing::new(seed);
        Ok(Self { key: protect::plain_pem(&protect::ed25519(&seed))?, certificate: None })
    }

    pub(crate) fn locked(self, passphrase: &Passphrase, salt: &[u8; 16]) -> Result<Self, KeyFault> {
        let der = protect::decode(&self.key)
            .ok_or_else(|| KeyFault::Make { reason: "the key that was made is not PEM".to_owned() })?;
        Ok(Self { key: protect::lock(&der, passphrase, salt)?, certificate: self.certificate })
    }

    /// Writes the pair into a folder that has none of this role.
    pub(crate) fn write(&self, place: &Path, role: KeyRole) -> Result<(), KeyFault> {
        write_new(&place.join(role.key_file()), self.key.as_bytes(), 0o600)?;
        match (&self.certificate, role.certificate_file()) {
            (Some(certificate), Some(name)) => write_new(&place.join(name), certificate.as_bytes(), 0o644),
            _ => Ok(()),
        }
    }
}

/// A fresh key of an office under the root.
pub(crate) fn issue_office(
    root: &Root,
    names: &Names,
    function: OfficeFunction,
    now: Instant,
) -> Result<MadeKey, KeyFault> {
    let name = names.offices.get(&function).map_or(function.as_str(), String::as_str);
    let office = OfficeId::new(names.state, function);
    let (from, until) = validity(root, now);
    Ok(made(&root.issue_office(&office, name, from, until).map_err(make)?))
}

/// A fresh TLS key of the node under the root.
pub(crate) fn issue_tls(root: &Root, names: &Names, now: Instant) -> Result<MadeKey, KeyFault> {
    let hosts: Vec<&str> = names.hosts.iter().map(String::as_str).collect();
    let node = OfficeId::new(names.state, OfficeFunction::Node);
    let (from, until) = validity(root, now);
    Ok(made(&root.issue_tls(&node, &hosts, from, until).map_err(make)?))
}

/// A certificate does not outlive its root.
fn validity(root: &Root, now: Instant) -> (Instant, Instant) {
    let (root_from, root_until) = (root.certificate().valid_from(), root.certificate().valid_until());
    (now.minus(BEFORE).max(root_from), now.plus(YEAR * OFFICE_YEARS).min(root_until))
}

fn made(issued: &seal::Issued) -> MadeKey {
    MadeKey { key: issued.key_pem().clone(), certificate: Some(issued.certificate_pem()) }
}

fn make(error: impl std::error::Error) -> KeyFault {
    KeyFault::Make { reason: error.to_string() }
}

/// A private key in PEM, in the clear; the passphrase is asked for only when the file is protected.
fn private_pem<'a>(
    path: &Path,
    passphrase: impl FnOnce() -> Result<&'a Passphrase, KeyFault>,
) -> Result<Zeroizing<String>, KeyFault> {
    let text = read_secret(path)?;
    if !protect::is_protected(&text) {
        return Ok(text);
    }
    protect::plain_pem(&protect::unlock(&text, passphrase()?, &path.display().to_string())?)
}

/// True where some file of the key is there: half a key is a fault and no missing office.
fn has_office(keys: &Path, function: OfficeFunction) -> bool {
    let role = KeyRole::Office(function);
    [role.key_file(), format!("{role}.cert.pem")].iter().any(|file| rotate::newest(keys, role, file).exists())
}

fn office_key(keys: &Path, office: OfficeId, unlock: &Unlock) -> Result<OfficeKey, KeyFault> {
    let role = KeyRole::Office(office.function);
    let path = rotate::newest(keys, role, &format!("{role}.cert.pem"));
    let wrong = |reason: String| KeyFault::Content { path: path.display().to_string(), reason };
    let private = private_pem(&rotate::newest(keys, role, &role.key_file()), || unlock.keys())?;
    let key =
        OfficeKey::from_pem(&read_public(&path)?, &private).map_err(|error| wrong(error.to_string()))?;
    match key.certificate().office() {
        Some(found) if found == office => Ok(key),
        _ => Err(wrong(format!("the certificate is not for `{office}`"))),
    }
}

fn seed(keys: &Path, role: KeyRole, unlock: &Unlock) -> Result<Zeroizing<[u8; 32]>, KeyFault> {
    seed_at(&rotate::newest(keys, role, &role.key_file()), unlock)
}

/// A seed as an Ed25519 key in PEM, or as 64 hex digits as it was written before.
pub(crate) fn seed_at(path: &Path, unlock: &Unlock) -> Result<Zeroizing<[u8; 32]>, KeyFault> {
    let text = private_pem(path, || unlock.keys())?;
    if let Some(seed) = protect::decode(&text).and_then(|der| protect::ed25519_seed(&der)) {
        return Ok(seed);
    }
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), seed.as_mut_slice()).map_err(|_| KeyFault::Content {
        path: path.display().to_string(),
        reason: "a seed is an Ed25519 key in PEM, or 64 hex digits".to_owned(),
    })?;
    Ok(seed)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    pub(crate) fn names() -> Names {
        Names {
            state: "XA".parse().unwrap(),
            state_name: "Aldonia".to_owned(),
            offices: OfficeFunction::ALL.into_iter().map(|f| (f, format!("The {f}"))).collect(),
            hosts: vec!["127.0.0.1".to_owned()],
        }
    }

    pub(crate) fn now() -> Instant {
        "2026-11-24T06:00:00Z".parse().unwrap()
    }

    #[test]
    fn keys_are_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        NodeKeys::create(folder.path(), &names(), now()).unwrap();
        let keys = NodeKeys::load(folder.path(), "XA".parse().unwrap()).unwrap();
        assert!(keys.root().is_ok());
        assert!(keys.tls_pem().is_ok());
        assert!(
            NodeKeys::create(folder.path(), &names(), now()).is_err(),
            "existing keys are never overwritten"
        );
    }

    #[test]
    fn a_state_without_an_extradition_authority_has_no_key_for_it_and_half_a_key_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let mut names = names();
        names.offices.retain(|function, _| function.is_needed());
        NodeKeys::create(folder.path(), &names, now()).unwrap();
        let keys = NodeKeys::load(folder.path(), "XA".parse().unwrap()).unwrap();
        assert!(keys.office(OfficeFunction::ExtraditionAuthority).is_err());
        assert!(keys.office(OfficeFunction::CentralAuthority).is_ok());
        std::fs::write(folder.path().join("keys/law-enforcement.cert.pem"), "half").unwrap();
        assert!(NodeKeys::load(folder.path(), "XA".parse().unwrap()).is_err());
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        NodeKeys::create(folder.path(), &names(), now()).unwrap();
        let key = folder.path().join("keys/contact-point.key.pem");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = NodeKeys::load(folder.path(), "XA".parse().unwrap()).unwrap_err();
        assert!(matches!(error, KeyFault::Mode { .. }), "{error}");
    }

    #[test]
    fn a_root_that_is_away_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        NodeKeys::create(folder.path(), &names(), now()).unwrap();
        std::fs::remove_dir_all(folder.path().join("root")).unwrap();
        let keys = NodeKeys::load(folder.path(), "XA".parse().unwrap()).unwrap();
        assert!(matches!(keys.root(), Err(KeyFault::RootAway { .. })));
    }
}
