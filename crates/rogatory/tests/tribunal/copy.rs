//! A copy of an honest package and what a forger can do to it with stock tools.

use super::{
    scene::{ADDRESSEES, Scene, Suite},
    tar,
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use vocabulary::Digest;

pub(crate) const MANIFEST: &str = "manifest-sha256.txt";
pub(crate) const TAGS: &str = "tagmanifest-sha256.txt";
pub(crate) const INFO: &str = "bag-info.txt";
pub(crate) const ENVELOPE: &str = "data/package-key.p7m";
pub(crate) const TIME_STAMP: &str = "seal/timestamp.tsr";
pub(crate) const SIGNATURE: &str = "seal/signature.p7s";
pub(crate) const INNER_SIGNATURE: &str = "plain/inner-signature.p7s";
const PART_BYTES: usize = 64 * 1024;

/// Which byte of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    First,
    Middle,
    Last,
}

impl Place {
    pub(crate) const ALL: [Self; 3] = [Self::First, Self::Middle, Self::Last];
}

/// `folder/PKG`, which may be changed.
pub(crate) struct Copy<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) suite: Suite,
    folder: &'a Path,
}

impl<'a> Copy<'a> {
    pub(crate) fn new(scene: &'a Scene, suite: Suite, folder: &'a Path) -> Self {
        let copy = Self { scene, suite, folder };
        copy.must("cp -r $KEYS/$SUITE PKG", &[]);
        copy
    }

    fn must(&self, script: &str, words: &[(&str, &str)]) {
        let words: Vec<_> = words.iter().copied().chain([("SUITE", self.suite.name())]).collect();
        self.scene.must(self.folder, script, &words);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join("PKG").join(name)
    }

    /// A time-stamp of this package's tag manifest, or of the other's, by one of the authorities.
    pub(crate) fn time_stamp(&self, other: bool, authority: &str) -> Vec<u8> {
        let other = if other { "-other" } else { "" };
        fs::read(self.scene.path(&format!("{}{other}.{authority}.tsr", self.suite.name()))).unwrap()
    }

    /// The same file of another package of the same sender.
    pub(crate) fn of_other(&self, name: &str) -> Vec<u8> {
        fs::read(self.scene.path(&format!("{}-other", self.suite.name())).join(name)).unwrap()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub(crate) fn flip(&self, name: &str, place: Place) {
        let mut bytes = self.read(name);
        let at = match place {
            Place::First => 0,
            Place::Middle => bytes.len() / 2,
            Place::Last => bytes.len() - 1,
        };
        bytes[at] ^= 1;
        self.write(name, bytes);
    }

    /// The paths of the parts, in order.
    pub(crate) fn parts(&self) -> Vec<String> {
        let parts = (0..).map(|index| format!("{}{index:06}", self.suite.stem()));
        parts.take_while(|name| self.path(name).exists()).collect()
    }

    pub(crate) fn replace_in(&self, name: &str, from: &str, to: &str) {
        let text = String::from_utf8(self.read(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, text.replace(from, to));
    }

    /// Makes both manifests and the count of bytes right again.
    pub(crate) fn list_again(&self) {
        let names = [vec![ENVELOPE.to_owned()], self.parts()].concat();
        let bytes: usize = names.iter().map(|name| self.read(name).len()).sum();
        let info = String::from_utf8(self.read(INFO)).unwrap();
        let oxum = info.lines().find(|line| line.starts_with("Payload-Oxum: ")).unwrap();
        self.write(INFO, info.replace(oxum, &format!("Payload-Oxum: {bytes}.{}", names.len())));
        let listed =
            |names: &[String]| -> String { names.iter().map(|name| line(&self.read(name), name)).collect() };
        self.write(MANIFEST, listed(&names));
        self.write(TAGS, listed(&[INFO, "bagit.txt", MANIFEST].map(str::to_owned)));
    }

    /// The signature of `stem` over `bytes`, by `openssl`.
    pub(crate) fn signed(&self, stem: &str, bytes: &[u8]) -> Vec<u8> {
        fs::write(self.folder.join("to-sign"), bytes).unwrap();
        let sign = "openssl cms -sign -cades -binary -nosmimecap -md sha256 -signer $KEYS/$STEM.pem \
            -inkey $KEYS/$STEM.key -outform DER -in to-sign -out signed; rm to-sign";
        self.must(sign, &[("STEM", stem)]);
        self.take("signed")
    }

    fn take(&self, name: &str) -> Vec<u8> {
        let bytes = fs::read(self.folder.join(name)).unwrap();
        fs::remove_file(self.folder.join(name)).unwrap();
        bytes
    }

    /// Lists everything again and seals it as `stem`.
    pub(crate) fn seal_again(&self, stem: &str) {
        self.list_again();
        self.write(SIGNATURE, self.signed(stem, &self.read(TAGS)));
    }

    /// Puts the package key in an envelope for others, by `openssl`.
    pub(crate) fn wrap_again(&self, stems: &[&str]) {
        let how = |stem: &str| match stem {
            "three" => "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256",
            _ => "-keyopt ecdh_kdf_md:sha256",
        };
        let to: String = stems.iter().map(|stem| format!("-recip $KEYS/{stem}.pem {} ", how(stem))).collect();
        self.unwrap_key();
        let script = format!(
            "openssl cms -encrypt -binary -aes-256-gcm -in key.txt {to} -outform DER -out PKG/{ENVELOPE}; rm key.txt"
        );
        self.must(&script, &[]);
    }

    pub(crate) fn wrap_for_all(&self) {
        self.wrap_again(&ADDRESSEES);
    }

    fn unwrap_key(&self) {
        let script = "openssl cms -decrypt -inform DER -in $KEYS/$SUITE/data/package-key.p7m -recip $KEYS/one.pem \
            -inkey $KEYS/one.key -out key.txt";
        self.must(script, &[]);
    }

    /// The archive inside the honest package, or inside the other one.
    pub(crate) fn archive(&self, of: &str) -> Vec<u8> {
        let open = match self.suite {
            Suite::Age => "cat $KEYS/$SUITE$OF/data/payload.age.* | age -d -i key.txt > plain.tar",
            Suite::Cobblestone => {
                "cat $KEYS/$SUITE$OF/data/payload.cob.* | python3 $KEYS/cobblestone.py open key.txt > plain.tar"
            }
        };
        let script = format!(
            "openssl cms -decrypt -inform DER -in $KEYS/$SUITE$OF/data/package-key.p7m -recip $KEYS/one.pem \
             -inkey $KEYS/one.key -out key.txt; {open}; rm key.txt"
        );
        self.must(&script, &[("OF", of)]);
        self.take("plain.tar")
    }

    /// Encrypts an archive under the package's own key and cuts it into parts again.
    pub(crate) fn fill(&self, archive: &[u8]) {
        fs::write(self.folder.join("plain.tar"), archive).unwrap();
        self.unwrap_key();
        let close = match self.suite {
            Suite::Age => "age -r $(age-keygen -y key.txt) plain.tar > sealed",
            Suite::Cobblestone => "python3 $KEYS/cobblestone.py seal key.txt < plain.tar > sealed",
        };
        self.must(&format!("{close}; rm key.txt plain.tar"), &[]);
        self.parts().iter().for_each(|part| self.remove(part));
        for (index, part) in self.take("sealed").chunks(PART_BYTES).enumerate() {
            self.write(&format!("{}{index:06}", self.suite.stem()), part);
        }
    }
}

fn line(bytes: &[u8], name: &str) -> String {
    format!("{}  {name}\n", Digest::of(bytes).hex())
}

/// Makes the manifests inside an archive right again after `member` was changed.
pub(crate) fn list_again_inside(archive: &[u8], member: &str) -> Vec<u8> {
    let inner = |name: &str| format!("plain/{name}");
    let listed = |archive: &[u8], list: &str, name: &str| {
        let text = String::from_utf8(tar::read(archive, &inner(list))).unwrap();
        let fresh = line(&tar::read(archive, &inner(name)), name);
        let lines = text.split_inclusive('\n');
        let text: String =
            lines.map(|old| if old.get(66..) == fresh.get(66..) { fresh.as_str() } else { old }).collect();
        tar::replace(archive, &inner(list), text.as_bytes())
    };
    match member.starts_with("data/") {
        true => listed(&listed(archive, MANIFEST, member), TAGS, MANIFEST),
        false => listed(archive, TAGS, member),
    }
}
