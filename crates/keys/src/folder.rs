//! The key files of one node: `keys/` for the offices, the node and the log, `root/` for the offline root.

use crate::{
    KeyFault, random_bytes,
    secret_file::{make_folder, read_public, read_secret, write_new},
};
use ledger::{CosignerKey, KeyName, LogKey};
use seal::{OfficeKey, Root};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};
use vocabulary::{Digest, Instant, OfficeFunction, OfficeId, StateCode};
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
    state: StateCode,
    offices: BTreeMap<OfficeFunction, OfficeKey>,
    log: LogKey,
    cosigner: CosignerKey,
    folder: PathBuf,
}

impl NodeKeys {
    /// Makes the root and every certificate and key, in a node's folder that has none.
    pub fn create(folder: &Path, names: &Names, now: Instant) -> Result<(), KeyFault> {
        let (keys, root_folder) = (folder.join("keys"), folder.join("root"));
        make_folder(&keys)?;
        make_folder(&root_folder)?;
        let from = now.minus(BEFORE);
        let root = Root::generate(names.state, &names.state_name, from, now.plus(YEAR * ROOT_YEARS))
            .map_err(make)?;
        let until = now.plus(YEAR * OFFICE_YEARS);
        for (function, name) in &names.offices {
            let office = OfficeId::new(names.state, *function);
            let issued = root.issue_office(&office, name, from, until).map_err(make)?;
            write_pair(&keys, function.as_str(), &issued)?;
        }
        let hosts: Vec<&str> = names.hosts.iter().map(String::as_str).collect();
        let node = OfficeId::new(names.state, OfficeFunction::Node);
        write_pair(&keys, "tls", &root.issue_tls(&node, &hosts, from, until).map_err(make)?)?;
        for seed in ["log", "cosigner"] {
            let bytes = Zeroizing::new(random_bytes::<32>()?);
            write_new(&keys.join(format!("{seed}.seed")), hex::encode(bytes.as_slice()).as_bytes(), 0o600)?;
        }
        write_new(&root_folder.join("root.key.pem"), root.key_pem().as_bytes(), 0o600)?;
        write_new(&keys.join("root.cert.pem"), root.certificate_pem().as_bytes(), 0o644)
    }

    pub fn load(folder: &Path, state: StateCode) -> Result<Self, KeyFault> {
        let keys = folder.join("keys");
        let offices = OfficeFunction::ALL
            .into_iter()
            .map(|function| Ok((function, office_key(&keys, OfficeId::new(state, function))?)))
            .collect::<Result<_, KeyFault>>()?;
        Ok(Self {
            state,
            offices,
            log: LogKey::from_seed(KeyName::of_log(state), &seed(&keys.join("log.seed"))?),
            cosigner: CosignerKey::from_seed(
                KeyName::of_cosigner(state),
                &seed(&keys.join("cosigner.seed"))?,
            ),
            folder: folder.to_owned(),
        })
    }

    pub fn state(&self) -> StateCode {
        self.state
    }

    /// The key of an office; every node has all of them.
    pub fn office(&self, function: OfficeFunction) -> Result<&OfficeKey, KeyFault> {
        self.offices.get(&function).ok_or_else(|| KeyFault::Content {
            path: self.folder.join("keys").join(function.as_str()).display().to_string(),
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
        let path = self.folder.join("root/root.key.pem");
        if !path.exists() {
            return Err(KeyFault::RootAway { path: path.display().to_string() });
        }
        Root::from_pem(&self.root_certificate_pem()?, &read_secret(&path)?).map_err(|error| {
            KeyFault::Content { path: path.display().to_string(), reason: error.to_string() }
        })
    }

    /// The TLS certificate and private key of the node, in PEM.
    pub fn tls_pem(&self) -> Result<(String, Zeroizing<String>), KeyFault> {
        let keys = self.folder.join("keys");
        Ok((read_public(&keys.join("tls.cert.pem"))?, read_secret(&keys.join("tls.key.pem"))?))
    }
}

impl fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeKeys").field("state", &self.state).finish_non_exhaustive()
    }
}

fn make(error: impl std::error::Error) -> KeyFault {
    KeyFault::Make { reason: error.to_string() }
}

fn write_pair(keys: &Path, name: &str, issued: &seal::Issued) -> Result<(), KeyFault> {
    write_new(&keys.join(format!("{name}.key.pem")), issued.key_pem().as_bytes(), 0o600)?;
    write_new(&keys.join(format!("{name}.cert.pem")), issued.certificate_pem().as_bytes(), 0o644)
}

fn office_key(keys: &Path, office: OfficeId) -> Result<OfficeKey, KeyFault> {
    let path = keys.join(format!("{}.cert.pem", office.function));
    let wrong = |reason: String| KeyFault::Content { path: path.display().to_string(), reason };
    let key = OfficeKey::from_pem(
        &read_public(&path)?,
        &read_secret(&keys.join(format!("{}.key.pem", office.function)))?,
    )
    .map_err(|error| wrong(error.to_string()))?;
    match key.certificate().office() {
        Some(found) if found == office => Ok(key),
        _ => Err(wrong(format!("the certificate is not for `{office}`"))),
    }
}

pub(crate) fn seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyFault> {
    let text = read_secret(path)?;
    let digest = Digest::from_hex(text.trim()).map_err(|_| KeyFault::Content {
        path: path.display().to_string(),
        reason: "a seed is 64 hex digits".to_owned(),
    })?;
    Ok(Zeroizing::new(*digest.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn names() -> Names {
        Names {
            state: "XA".parse().unwrap(),
            state_name: "Aldonia".to_owned(),
            offices: OfficeFunction::ALL.into_iter().map(|f| (f, format!("The {f}"))).collect(),
            hosts: vec!["127.0.0.1".to_owned()],
        }
    }

    fn now() -> Instant {
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
