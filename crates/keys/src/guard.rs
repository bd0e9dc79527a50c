//! Protecting key files with a passphrase in place, and taking the protection away.
//!
//! Each file changes by a rename: a killed command leaves some files in the old form and the rest in the new
//! one, all of them readable, and a second run does the rest.

use crate::{
    KeyFault, KeyRole, NodeKeys, Passphrase, Unlock, protect, rotate,
    secret_file::{read_secret, replace},
};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What a conversion did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Converted {
    /// Files that have another form now.
    pub changed: usize,
    /// Files that had it already.
    pub unchanged: usize,
}

impl NodeKeys {
    /// Protects every file in the node's `keys/` folder; `old` opens those that another passphrase protects.
    pub fn protect(folder: &Path, unlock: &Unlock, old: &Unlock) -> Result<Converted, KeyFault> {
        let (new, salt) = (unlock.keys()?, protect::new_salt()?);
        convert(folder, |text, path| lock(text, path, new, || old.keys(), &salt))
    }

    /// Writes every file in the clear again.
    pub fn unprotect(folder: &Path, unlock: &Unlock) -> Result<Converted, KeyFault> {
        convert(folder, |text, path| open(text, path, || unlock.keys()))
    }

    /// Protects the root, which has a passphrase of its own.
    pub fn protect_root(folder: &Path, unlock: &Unlock, old: &Unlock) -> Result<Converted, KeyFault> {
        let (new, salt) = (unlock.root()?, protect::new_salt()?);
        convert_root(folder, |text, path| lock(text, path, new, || old.root(), &salt))
    }

    pub fn unprotect_root(folder: &Path, unlock: &Unlock) -> Result<Converted, KeyFault> {
        convert_root(folder, |text, path| open(text, path, || unlock.root()))
    }

    /// How many of the private keys in `keys/` are protected, and how many there are.
    pub fn protected(&self) -> Result<(usize, usize), KeyFault> {
        let files = private_files(&self.keys_folder())?;
        let mut count = 0;
        for file in &files {
            count += usize::from(protect::is_protected(&read_secret(file)?));
        }
        Ok((count, files.len()))
    }
}

/// The new text of a file; `None` when it stands already.
type Change = Result<Option<Zeroizing<String>>, KeyFault>;

fn lock<'a>(
    text: &str,
    path: &str,
    new: &Passphrase,
    old: impl FnOnce() -> Result<&'a Passphrase, KeyFault>,
    salt: &[u8; 16],
) -> Change {
    if !protect::is_protected(text) {
        return protect::lock(&clear_der(text, path)?, new, salt).map(Some);
    }
    match protect::unlock(text, new, path) {
        Ok(_) => Ok(None),
        Err(wrong) => {
            let Ok(old) = old() else { return Err(wrong) };
            protect::lock(&protect::unlock(text, old, path)?, new, salt).map(Some)
        }
    }
}

fn open<'a>(text: &str, path: &str, passphrase: impl FnOnce() -> Result<&'a Passphrase, KeyFault>) -> Change {
    if !protect::is_protected(text) {
        return Ok(None);
    }
    protect::plain_pem(&protect::unlock(text, passphrase()?, path)?).map(Some)
}

/// A key in the clear as DER; a seed may still be in hex.
fn clear_der(text: &str, path: &str) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    if let Some(der) = protect::decode(text) {
        return Ok(der);
    }
    let mut seed = Zeroizing::new([0; 32]);
    match hex::decode_to_slice(text.trim(), seed.as_mut_slice()) {
        Ok(()) => Ok(protect::ed25519(&seed)),
        Err(_) => {
            Err(KeyFault::Content { path: path.to_owned(), reason: "it is not a key in PEM".to_owned() })
        }
    }
}

fn convert(folder: &Path, change: impl Fn(&str, &str) -> Change) -> Result<Converted, KeyFault> {
    let keys = folder.join("keys");
    let _held = rotate::hold(&keys)?;
    for role in KeyRole::ALL {
        rotate::finish(&keys, role)?;
    }
    convert_files(&private_files(&keys)?, change)
}

fn convert_root(folder: &Path, change: impl Fn(&str, &str) -> Change) -> Result<Converted, KeyFault> {
    let path = folder.join("root/root.key.pem");
    if !path.exists() {
        return Err(KeyFault::RootAway { path: path.display().to_string() });
    }
    convert_files(&[path], change)
}

/// Everything is tried before the first file changes: a wrong passphrase changes nothing.
fn convert_files(files: &[PathBuf], change: impl Fn(&str, &str) -> Change) -> Result<Converted, KeyFault> {
    let mut done = Converted::default();
    let mut changes = Vec::new();
    for file in files {
        match change(&read_secret(file)?, &file.display().to_string())? {
            Some(text) => changes.push((file, text)),
            None => done.unchanged += 1,
        }
    }
    for (file, text) in changes {
        replace(file, text.as_bytes(), 0o600)?;
        done.changed += 1;
    }
    Ok(done)
}

fn private_files(keys: &Path) -> Result<Vec<PathBuf>, KeyFault> {
    let current = KeyRole::ALL
        .into_iter()
        .map(|role| (role, rotate::newest(keys, role, &role.key_file())))
        .filter(|(role, path)| role.is_needed() || path.exists())
        .map(|(_, path)| path);
    let retired = rotate::retired_folders(keys)?.into_iter().map(|place| place.join("key.pem"));
    Ok(current.chain(retired.filter(|path| path.exists())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::tests::{names, now};
    use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};
    use vocabulary::{Failure as _, OfficeFunction};

    struct Scene {
        folder: tempfile::TempDir,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            NodeKeys::create(folder.path(), &names(), now()).unwrap();
            Self { folder }
        }

        fn place(&self) -> &Path {
            self.folder.path()
        }

        fn passphrase(&self, name: &str) -> PathBuf {
            let path = self.place().join(name);
            fs::write(&path, format!("{name} {name} {name} {name}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path
        }

        fn unlock(&self, keys: &str, root: &str) -> Unlock {
            Unlock::new(Some(self.passphrase(keys)), Some(self.passphrase(root)))
        }

        fn load(&self, unlock: &Unlock) -> Result<NodeKeys, KeyFault> {
            NodeKeys::load_with(self.place(), "XA".parse().unwrap(), unlock)
        }
    }

    #[test]
    fn keys_are_protected_in_place_and_opened_only_with_their_passphrase() {
        let scene = Scene::new();
        let plain = scene.load(&Unlock::default()).unwrap();
        plain.rotate(KeyRole::Office(OfficeFunction::ContactPoint), &names(), now(), now()).unwrap();
        let (unlock, none) = (scene.unlock("orchard", "harbour"), Unlock::default());
        let done = NodeKeys::protect(scene.place(), &unlock, &none).unwrap();
        assert_eq!(done, Converted { changed: 10, unchanged: 0 });
        let again = NodeKeys::protect(scene.place(), &unlock, &none).unwrap();
        assert_eq!(again, Converted { changed: 0, unchanged: 10 });
        assert_eq!(scene.load(&none).unwrap_err().code(), "R-920");
        assert_eq!(scene.load(&scene.unlock("meadows", "harbour")).unwrap_err().code(), "R-921");
        let keys = scene.load(&unlock).unwrap();
        assert_eq!(keys.protected().unwrap(), (10, 10));
        assert_eq!(keys.log().vkey(), plain.log().vkey());
        assert!(keys.tls_pem().unwrap().1.contains("BEGIN PRIVATE KEY"));
        assert!(keys.root().is_ok(), "the root is not protected by this");
        // A key that is made now is protected like the one before.
        for role in KeyRole::ALL {
            keys.rotate(role, &names(), now(), now()).unwrap();
        }
        assert_eq!(scene.load(&none).unwrap_err().code(), "R-920");
        let keys = scene.load(&unlock).unwrap();
        assert_eq!(keys.protected().unwrap(), (16, 16));
        assert_eq!(NodeKeys::unprotect(scene.place(), &unlock).unwrap().changed, 16);
        assert_eq!(scene.load(&none).unwrap().log().vkey(), keys.log().vkey());
    }

    #[test]
    fn a_wrong_passphrase_changes_nothing_and_a_new_one_replaces_the_old() {
        let scene = Scene::new();
        let (unlock, none) = (scene.unlock("orchard", "harbour"), Unlock::default());
        NodeKeys::protect(scene.place(), &unlock, &none).unwrap();
        let other = scene.unlock("meadows", "harbour");
        assert_eq!(NodeKeys::protect(scene.place(), &other, &none).unwrap_err().code(), "R-921");
        assert_eq!(NodeKeys::unprotect(scene.place(), &other).unwrap_err().code(), "R-921");
        assert!(scene.load(&unlock).is_ok());
        assert_eq!(NodeKeys::protect(scene.place(), &other, &unlock).unwrap().changed, 9);
        assert!(scene.load(&other).is_ok() && scene.load(&unlock).is_err());
    }

    #[test]
    fn a_half_converted_folder_is_read_and_finished() {
        let scene = Scene::new();
        let (unlock, none) = (scene.unlock("orchard", "harbour"), Unlock::default());
        let log = fs::read(scene.place().join("keys/log.seed")).unwrap();
        NodeKeys::protect(scene.place(), &unlock, &none).unwrap();
        fs::write(scene.place().join("keys/log.seed"), log).unwrap();
        // A leftover of the killed command stands in nobody's way.
        fs::write(scene.place().join("keys/tls.key.pem.new"), "half").unwrap();
        assert_eq!(scene.load(&unlock).unwrap().protected().unwrap(), (8, 9));
        let done = NodeKeys::protect(scene.place(), &unlock, &none).unwrap();
        assert_eq!(done, Converted { changed: 1, unchanged: 8 });
    }

    #[test]
    fn seeds_written_as_hex_are_read_and_protected() {
        let scene = Scene::new();
        let path = scene.place().join("keys/log.seed");
        fs::write(&path, format!("{}\n", hex::encode([3; 32]))).unwrap();
        let vkey = scene.load(&Unlock::default()).unwrap().log().vkey();
        let unlock = scene.unlock("orchard", "harbour");
        NodeKeys::protect(scene.place(), &unlock, &Unlock::default()).unwrap();
        assert_eq!(scene.load(&unlock).unwrap().log().vkey(), vkey);
    }

    #[test]
    fn the_root_has_a_passphrase_of_its_own() {
        let scene = Scene::new();
        let (unlock, none) = (scene.unlock("orchard", "harbour"), Unlock::default());
        assert_eq!(NodeKeys::protect_root(scene.place(), &unlock, &none).unwrap().changed, 1);
        assert_eq!(scene.load(&none).unwrap().root().unwrap_err().code(), "R-920");
        assert!(scene.load(&unlock).unwrap().root().is_ok());
        assert_eq!(NodeKeys::unprotect_root(scene.place(), &unlock).unwrap().changed, 1);
        assert!(scene.load(&none).unwrap().root().is_ok());
        fs::remove_dir_all(scene.place().join("root")).unwrap();
        assert_eq!(NodeKeys::protect_root(scene.place(), &unlock, &none).unwrap_err().code(), "F-205");
    }

    #[test]
    fn openssl_opens_every_protected_key_with_its_passphrase_and_not_without() {
        let folder = tempfile::tempdir().unwrap();
        let scene = Scene { folder };
        let unlock = scene.unlock("orchard", "harbour");
        NodeKeys::create_protected(scene.place(), &names(), now(), &unlock).unwrap();
        let judge = |file: &Path, word: &str| {
            let pass = format!("file:{}", scene.place().join(word).display());
            Command::new("openssl")
                .arg("pkey")
                .arg("-in")
                .arg(file)
                .args(["-noout", "-passin", &pass])
                .output()
        };
        let files = private_files(&scene.place().join("keys")).unwrap();
        assert_eq!(files.len(), 9);
        for file in &files {
            let Ok(output) = judge(file, "orchard") else {
                eprintln!("skipped: openssl is not installed");
                return;
            };
            assert!(output.status.success(), "{}", file.display());
            assert!(!judge(file, "harbour").unwrap().status.success());
        }
        let root = scene.place().join("root/root.key.pem");
        assert!(judge(&root, "harbour").unwrap().status.success());
        assert!(!judge(&root, "orchard").unwrap().status.success());
        assert!(scene.load(&unlock).unwrap().root().is_ok());
    }
}
