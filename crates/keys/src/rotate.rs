//! A new key in the place of an old one, and the old ones that are kept.
//!
//! The old key is copied to `keys/retired/`, the new files are made in `keys/<role>.next/`, and the rename
//! that gives this folder its name is the moment of the change: readers look there first. What a killed
//! command left is finished by the next one.

use crate::{
    KeyFault, KeyRole, Names, NodeKeys,
    folder::{self, MadeKey},
    protect, random_bytes,
    secret_file::{forget, make_folder, read_public, read_secret, rename, sync_folder, write_new},
};
use ledger::{CosignerKey, KeyName, LogKey};
use seal::{Certificate, OfficeKey};
use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};
use vocabulary::{Digest, Instant, OfficeFunction};
use zeroize::Zeroizing;

/// The most retired keys that are read.
pub const MAX_RETIRED: usize = 1024;

/// A key that was replaced.
#[derive(Debug)]
pub struct Retired {
    pub role: KeyRole,
    /// Of the certificate in DER, or of the vkey.
    pub fingerprint: Digest,
    /// Until when others are asked to believe what it signed.
    pub until: Instant,
    /// For the log and the cosigner: the key with which their signatures are verified.
    pub vkey: Option<String>,
    office: Option<OfficeKey>,
}

/// What a rotation did.
#[derive(Debug, Clone)]
pub struct Rotation {
    pub role: KeyRole,
    pub old: Digest,
    pub new: Digest,
    /// Where the old key is now.
    pub retired: PathBuf,
}

impl NodeKeys {
    /// Replaces the key of `role`; what the old one signs is to be believed until `until`.
    pub fn rotate(
        &self,
        role: KeyRole,
        names: &Names,
        now: Instant,
        until: Instant,
    ) -> Result<Rotation, KeyFault> {
        let keys = self.keys_folder();
        let _held = hold(&keys)?;
        for role in KeyRole::ALL {
            finish(&keys, role)?;
        }
        let current = self.fresh()?;
        let old = public_of(&current, role)?;
        let made = current.made(role, names, now)?;
        let retired = retire(&keys, role, &old, now, until)?;
        begin(&keys, role, &made)?;
        finish(&keys, role)?;
        Ok(Rotation { role, old: old.0, new: public_of(&self.fresh()?, role)?.0, retired })
    }

    /// The keys that were replaced, newest first.
    pub fn retired(&self) -> &[Retired] {
        &self.retired
    }

    /// The key of the office and those that it had before, newest first: what was sealed to them still opens.
    pub fn openers(&self, function: OfficeFunction) -> impl Iterator<Item = &OfficeKey> {
        let earlier = self.retired.iter().filter(move |key| key.role == KeyRole::Office(function));
        self.office(function).ok().into_iter().chain(earlier.filter_map(|key| key.office.as_ref()))
    }

    /// The same keys as they are on the disk now.
    pub fn fresh(&self) -> Result<Self, KeyFault> {
        Self::load_with(&self.folder, self.state, &self.unlock)
    }

    /// The new certificate stands for every host of the old one.
    fn tls_names(&self, names: &Names) -> Result<Names, KeyFault> {
        let mut names = names.clone();
        let before = Certificate::from_pem(&self.tls_certificate_pem()?);
        for host in before.map(|certificate| certificate.hosts()).unwrap_or_default() {
            if !names.hosts.contains(&host) {
                names.hosts.push(host);
            }
        }
        Ok(names)
    }

    fn made(&self, role: KeyRole, names: &Names, now: Instant) -> Result<MadeKey, KeyFault> {
        let made = match role {
            KeyRole::Log | KeyRole::Cosigner => MadeKey::seed(random_bytes::<32>()?)?,
            KeyRole::Office(function) => folder::issue_office(&self.root()?, names, function, now)?,
            KeyRole::Tls => folder::issue_tls(&self.root()?, &self.tls_names(names)?, now)?,
        };
        let before = read_secret(&self.keys_folder().join(role.key_file()))?;
        if !protect::is_protected(&before) {
            return Ok(made);
        }
        // The same salt again: opening all keys of a node costs one derivation.
        let salt = protect::salt_of(&before).map_or_else(protect::new_salt, Ok)?;
        made.locked(self.unlock.keys()?, &salt)
    }
}

/// The keys of a node while one command changes them.
#[derive(Debug)]
pub(crate) struct Held(File);

impl Drop for Held {
    /// In words: a child of this process that has not yet begun its program has the file open too.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// One command at a time changes the keys of a node.
pub(crate) fn hold(keys: &Path) -> Result<Held, KeyFault> {
    let path = keys.join("lock");
    let fault = |source| KeyFault::Write { path: path.display().to_string(), source };
    let file = File::create(&path).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(Held(file)),
        Err(TryLockError::WouldBlock) => Err(KeyFault::Busy { path: keys.display().to_string() }),
        Err(TryLockError::Error(source)) => Err(fault(source)),
    }
}

/// Where the newest version of a key's file is; while a change is being finished there are two.
pub(crate) fn newest(keys: &Path, role: KeyRole, file: &str) -> PathBuf {
    let next = next(keys, role).join(file);
    if next.exists() { next } else { keys.join(file) }
}

fn next(keys: &Path, role: KeyRole) -> PathBuf {
    keys.join(format!("{role}.next"))
}

/// Makes the new files; the last rename is the change.
fn begin(keys: &Path, role: KeyRole, made: &MadeKey) -> Result<(), KeyFault> {
    let place = keys.join(format!(".{role}.next"));
    forget(&place)?;
    make_folder(&place)?;
    made.write(&place, role)?;
    sync_folder(&place)?;
    rename(&place, &next(keys, role))
}

/// Moves the new files over the old ones.
pub(crate) fn finish(keys: &Path, role: KeyRole) -> Result<(), KeyFault> {
    let next = next(keys, role);
    if !next.exists() {
        return Ok(());
    }
    for file in [Some(role.key_file()), role.certificate_file()].into_iter().flatten() {
        if next.join(&file).exists() {
            rename(&next.join(&file), &keys.join(&file))?;
        }
    }
    sync_folder(keys)?;
    forget(&next)
}

/// Copies the old key to `retired/`; a key that only signs leaves its public half alone.
fn retire(
    keys: &Path,
    role: KeyRole,
    (fingerprint, public): &(Digest, String),
    now: Instant,
    until: Instant,
) -> Result<PathBuf, KeyFault> {
    let retired = keys.join("retired");
    make_folder(&retired)?;
    let name = format!("{}-{role}-{}", now.seconds(), fingerprint.hex().get(..8).unwrap_or("0"));
    let (place, done) = (retired.join(format!(".{name}")), retired.join(&name));
    forget(&place)?;
    make_folder(&place)?;
    write_new(&place.join("role"), role.as_str().as_bytes(), 0o644)?;
    write_new(&place.join("believed-until"), until.to_string().as_bytes(), 0o644)?;
    match role {
        KeyRole::Log | KeyRole::Cosigner => write_new(&place.join("vkey"), public.as_bytes(), 0o644)?,
        KeyRole::Office(_) | KeyRole::Tls => write_new(&place.join("cert.pem"), public.as_bytes(), 0o644)?,
    }
    if role.receives() {
        let key = read_secret(&keys.join(role.key_file()))?;
        write_new(&place.join("key.pem"), key.as_bytes(), 0o600)?;
    }
    sync_folder(&place)?;
    // A command that was killed before the change left the same copy.
    forget(&done)?;
    rename(&place, &done)?;
    Ok(done)
}

/// Digest and text of the public half of the key that is in use.
fn public_of(keys: &NodeKeys, role: KeyRole) -> Result<(Digest, String), KeyFault> {
    let certificate = |pem: String| {
        let read = Certificate::from_pem(&pem).map_err(|error| KeyFault::Content {
            path: keys.keys_folder().join(role.as_str()).display().to_string(),
            reason: error.to_string(),
        })?;
        Ok((read.fingerprint(), pem))
    };
    match role {
        KeyRole::Office(function) => certificate(keys.office(function)?.certificate().to_pem()),
        KeyRole::Tls => certificate(keys.tls_pem()?.0),
        KeyRole::Log => Ok(of_vkey(keys.log().vkey())),
        KeyRole::Cosigner => Ok(of_vkey(keys.cosigner().vkey())),
    }
}

fn of_vkey(vkey: String) -> (Digest, String) {
    (Digest::of(vkey.as_bytes()), vkey)
}

/// The folders of retired keys, newest first.
pub(crate) fn retired_folders(keys: &Path) -> Result<Vec<PathBuf>, KeyFault> {
    let place = keys.join("retired");
    let fault = |source| KeyFault::Read { path: place.display().to_string(), source };
    if !place.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&place).map_err(fault)?.take(MAX_RETIRED) {
        let entry = entry.map_err(fault)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.path().join("role").exists() {
            found.push(entry.path());
        }
    }
    found.sort();
    found.reverse();
    Ok(found)
}

/// Reads what was retired, without a key that is still in use because its change was cut off.
pub(crate) fn load_retired(keys: &NodeKeys) -> Result<Vec<Retired>, KeyFault> {
    let mut all: Vec<Retired> = Vec::new();
    for place in retired_folders(&keys.keys_folder())? {
        let retired = read_retired(keys, &place)?;
        let known = all.iter().any(|key| key.fingerprint == retired.fingerprint);
        if !known && public_of(keys, retired.role)?.0 != retired.fingerprint {
            all.push(retired);
        }
    }
    Ok(all)
}

fn read_retired(keys: &NodeKeys, place: &Path) -> Result<Retired, KeyFault> {
    let wrong = |reason: String| KeyFault::Content { path: place.display().to_string(), reason };
    let role: KeyRole = read_public(&place.join("role"))?.trim().parse()?;
    let until = read_public(&place.join("believed-until"))?;
    let until = until.trim().parse().map_err(|_| wrong("`believed-until` is not an instant".to_owned()))?;
    if let KeyRole::Log | KeyRole::Cosigner = role {
        let (fingerprint, vkey) = of_vkey(read_public(&place.join("vkey"))?.trim().to_owned());
        return Ok(Retired { role, fingerprint, until, vkey: Some(vkey), office: None });
    }
    let pem = read_public(&place.join("cert.pem"))?;
    let certificate = Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
    let office = if role.receives() {
        let key = keys.private_pem(&place.join("key.pem"))?;
        Some(OfficeKey::from_pem(&pem, &key).map_err(|error| wrong(error.to_string()))?)
    } else {
        None
    };
    Ok(Retired { role, fingerprint: certificate.fingerprint(), until, vkey: None, office })
}

/// The log's and the cosigner's key from their seeds.
pub(crate) fn note_keys(
    state: vocabulary::StateCode,
    log: &Zeroizing<[u8; 32]>,
    cosigner: &Zeroizing<[u8; 32]>,
) -> (LogKey, CosignerKey) {
    (
        LogKey::from_seed(KeyName::of_log(state), log),
        CosignerKey::from_seed(KeyName::of_cosigner(state), cosigner),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::tests::{names, now};
    use std::time::Duration;

    const DAY: Duration = Duration::from_secs(86_400);

    fn node() -> (tempfile::TempDir, NodeKeys) {
        let folder = tempfile::tempdir().unwrap();
        NodeKeys::create(folder.path(), &names(), now()).unwrap();
        let keys = NodeKeys::load(folder.path(), "XA".parse().unwrap()).unwrap();
        (folder, keys)
    }

    #[test]
    fn every_key_can_be_replaced_and_the_old_one_is_remembered() {
        let (_folder, keys) = node();
        let later = now().plus(DAY);
        for role in KeyRole::ALL {
            let done = keys.rotate(role, &names(), later, later.plus(DAY)).unwrap();
            assert_ne!(done.old, done.new, "{role}");
            assert!(done.retired.join("role").exists());
        }
        let fresh = keys.fresh().unwrap();
        assert_eq!(fresh.retired().len(), KeyRole::ALL.len());
        assert_ne!(fresh.log().vkey(), keys.log().vkey());
        let log = fresh.retired().iter().find(|key| key.role == KeyRole::Log).unwrap();
        assert_eq!((log.vkey.as_ref(), log.until), (Some(&keys.log().vkey()), later.plus(DAY)));
        // Who only signs with a key needs its private half no more.
        for role in ["tls", "log", "cosigner"] {
            let place = fresh.retired().iter().position(|key| key.role.as_str() == role);
            assert!(place.is_some());
        }
        for place in retired_folders(&fresh.keys_folder()).unwrap() {
            let role: KeyRole = read_public(&place.join("role")).unwrap().parse().unwrap();
            assert_eq!(place.join("key.pem").exists(), role.receives(), "{role}");
        }
    }

    #[test]
    fn a_new_tls_certificate_stands_for_the_hosts_of_the_old_one() {
        let (_folder, keys) = node();
        let more = Names { hosts: vec!["node.xa.example".to_owned(), "::1".to_owned()], ..names() };
        let other = Names { hosts: vec!["new.xa.example".to_owned()], ..names() };
        for names in [&more, &other] {
            keys.rotate(KeyRole::Tls, names, now(), now()).unwrap();
        }
        let certificate = Certificate::from_pem(&keys.tls_certificate_pem().unwrap()).unwrap();
        assert_eq!(certificate.hosts(), ["new.xa.example", "node.xa.example", "::1", "127.0.0.1"]);
    }

    #[test]
    fn what_was_sealed_to_an_old_key_still_opens() {
        let (_folder, keys) = node();
        let contact = OfficeFunction::ContactPoint;
        let old = keys.office(contact).unwrap().certificate().clone();
        let sealed = seal::encrypt_cms(b"in flight", std::slice::from_ref(&old)).unwrap();
        for round in 1..3 {
            let later = now().plus(DAY * round);
            keys.rotate(KeyRole::Office(contact), &names(), later, later).unwrap();
        }
        let fresh = keys.fresh().unwrap();
        let opened: Vec<_> = fresh
            .openers(contact)
            .filter_map(|key| seal::decrypt_cms(&sealed, key.decryption(), key.certificate()).ok())
            .collect();
        assert_eq!(opened, [b"in flight"]);
        assert_eq!(fresh.openers(contact).count(), 3);
        assert_ne!(fresh.office(contact).unwrap().certificate().fingerprint(), old.fingerprint());
    }

    /// Every state in which a kill can leave the folder loads as the old or the new key, and a new run finishes it.
    #[test]
    fn a_change_that_was_cut_off_is_the_old_key_or_the_new_one() {
        let role = KeyRole::Office(OfficeFunction::ContactPoint);
        for stage in 0..5 {
            let (_folder, keys) = node();
            let place = keys.keys_folder();
            let old = public_of(&keys, role).unwrap();
            let made = keys.made(role, &names(), now()).unwrap();
            if stage >= 1 {
                retire(&place, role, &old, now(), now()).unwrap();
            }
            if stage == 2 {
                let half = place.join(".contact-point.next");
                make_folder(&half).unwrap();
                write_new(&half.join(role.key_file()), b"half", 0o600).unwrap();
            }
            if stage >= 3 {
                begin(&place, role, &made).unwrap();
            }
            if stage >= 4 {
                rename(&next(&place, role).join(role.key_file()), &place.join(role.key_file())).unwrap();
            }
            let found = keys.fresh().unwrap();
            let changed = public_of(&found, role).unwrap().0 != old.0;
            assert_eq!(changed, stage >= 3, "stage {stage}");
            assert_eq!(found.retired().len(), usize::from(changed), "stage {stage}");
            let done = found.rotate(role, &names(), now().plus(DAY), now()).unwrap();
            let fresh = keys.fresh().unwrap();
            assert_eq!(public_of(&fresh, role).unwrap().0, done.new);
            assert!(!next(&place, role).exists());
            assert_eq!(fresh.openers(OfficeFunction::ContactPoint).count(), 2 + usize::from(changed));
        }
    }

    #[test]
    fn without_the_root_an_office_keeps_its_key_and_the_log_may_change() {
        let (folder, keys) = node();
        fs::remove_dir_all(folder.path().join("root")).unwrap();
        let role = KeyRole::Office(OfficeFunction::Node);
        let refused = keys.rotate(role, &names(), now(), now()).unwrap_err();
        assert!(matches!(refused, KeyFault::RootAway { .. }));
        assert!(keys.fresh().unwrap().retired().is_empty());
        assert!(keys.rotate(KeyRole::Log, &names(), now(), now()).is_ok());
    }

    #[test]
    fn two_commands_do_not_change_keys_at_once() {
        let (_folder, keys) = node();
        let _held = hold(&keys.keys_folder()).unwrap();
        let refused = keys.rotate(KeyRole::Log, &names(), now(), now()).unwrap_err();
        assert!(matches!(refused, KeyFault::Busy { .. }));
    }
}
