//! Two sealing States and the addressed one, made by `openssl`, and the packages that the program seals for them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// A key pair that an office holds: stem, State, office, and how `openssl genpkey` makes it.
struct Holder(&'static str, &'static str, &'static str, &'static str);

const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
const P384: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-384";
const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:3072";
const STATES: [&str; 3] = ["XA", "XB", "XC"];
const HOLDERS: [Holder; 7] = [
    Holder("lab", "XB", "evidence-office", P256),
    Holder("clerk", "XB", "contact-point", P256),
    Holder("spy", "XC", "evidence-office", P256),
    Holder("one", "XA", "evidence-office", P256),
    Holder("two", "XA", "central-authority", P384),
    Holder("three", "XA", "central-authority", RSA),
    Holder("other", "XA", "contact-point", P256),
];
/// To whom the packages are sealed; another kind of key is one more line here and in `HOLDERS`.
pub(crate) const ADDRESSEES: [&str; 3] = ["one", "two", "three"];
const PART_SIZE: &str = "64KiB";

/// How the content of a package is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    Age,
    Cobblestone,
}

impl Suite {
    pub(crate) const BOTH: [Self; 2] = [Self::Age, Self::Cobblestone];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Age => "age-v1",
            Self::Cobblestone => "cobblestone-256",
        }
    }

    /// The path of a part without its number.
    pub(crate) fn stem(self) -> &'static str {
        match self {
            Self::Age => "data/payload.age.",
            Self::Cobblestone => "data/payload.cob.",
        }
    }
}

/// One scratch folder with keys, exhibits and honest packages.
pub(crate) struct Scene {
    folder: TempDir,
    path: std::ffi::OsString,
}

impl Scene {
    /// Everything that every test needs; the packages are sealed by `seal`.
    pub(crate) fn new() -> Self {
        let bin = tools().join("venv/bin");
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([bin].into_iter().chain(env::split_paths(&path))).unwrap();
        let scene = Self { folder: tempfile::tempdir().unwrap(), path };
        scene.make_keys();
        scene
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// A shell in `folder` with `$KEYS` and the tools that `cargo xtask install` brings.
    fn bash(&self, folder: &Path, script: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-c", &format!("set -eo pipefail; {script}")])
            .current_dir(folder)
            .env("PATH", &self.path)
            .env("KEYS", self.folder())
            .env("ROGATORY", env!("CARGO_BIN_EXE_rogatory"))
            .stdin(Stdio::null());
        for name in ["ROGATORY_NODE", "ROGATORY_OFFICER", "ROGATORY_TOKEN_FILE", "ROGATORY_LOG"] {
            command.env_remove(name);
        }
        command
    }

    /// What a script did.
    pub(crate) fn run(&self, folder: &Path, script: &str, words: &[(&str, &str)]) -> Output {
        self.bash(folder, script).envs(words.iter().copied()).output().unwrap()
    }

    /// As [`Self::run`], and the script must be content.
    pub(crate) fn must(&self, folder: &Path, script: &str, words: &[(&str, &str)]) -> String {
        let output = self.run(folder, script, words);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{script}\n{text}");
        text
    }

    fn make_keys(&self) {
        let root = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
            -keyout $STATE-root.key -out $STATE-root.pem -subj /C=$STATE/O=Exercise/CN=Root \
            -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
            -addext keyUsage=critical,keyCertSign,cRLSign; mkdir -p trust; cp $STATE-root.pem trust/";
        for state in STATES {
            self.must(self.folder(), root, &[("STATE", state)]);
        }
        let office = r#"openssl genpkey $KIND -out $STEM.key
            printf "keyUsage=critical,$USAGE\nextendedKeyUsage=emailProtection\n" > $STEM.ext
            echo "subjectAltName=URI:urn:rogatory:office:$STATE:$OFFICE" >> $STEM.ext
            openssl req -new -key $STEM.key -subj /C=$STATE/O=Exercise/CN=$STEM -out $STEM.csr
            openssl x509 -req -in $STEM.csr -CA $STATE-root.pem -CAkey $STATE-root.key -days 400 -sha256 \
                -extfile $STEM.ext -out $STEM.pem"#;
        for Holder(stem, state, function, kind) in &HOLDERS {
            let usage = match kind.contains("RSA") {
                true => "digitalSignature,nonRepudiation,keyEncipherment",
                false => "digitalSignature,nonRepudiation,keyAgreement",
            };
            let words =
                [("STEM", *stem), ("STATE", state), ("OFFICE", function), ("KIND", kind), ("USAGE", usage)];
            self.must(self.folder(), office, &words);
        }
        fs::write(self.path("tsa.cnf"), TIME_STAMPS_BY_OPENSSL).unwrap();
        for authority in ["tsa", "rogue"] {
            self.must(self.folder(), AUTHORITY_BY_OPENSSL, &[("TSA", authority)]);
        }
        self.must(self.folder(), "mkdir -p trust/time; cp tsa-root.pem trust/time/", &[]);
        fs::write(self.path("rfc3161.py"), TIME_STAMP_BY_PYCA).unwrap();
        fs::write(self.path("decrypt.mjs"), DECRYPT_BY_NODE).unwrap();
        fs::write(self.path("cobblestone.py"), COBBLESTONE_BY_PYCA).unwrap();
        if let Some(modules) = node_modules() {
            std::os::unix::fs::symlink(modules, self.path("node_modules")).unwrap();
        }
    }

    /// Seals two packages of one suite, `$SUITE` and `$SUITE-other`, from an E01 image and a folder of odd names.
    pub(crate) fn seal(&self, suite: Suite) {
        if !self.path("exhibits").exists() {
            self.make_exhibits();
        }
        let addressees: String = ADDRESSEES.iter().map(|stem| format!("--to {stem}.pem ")).collect();
        let seal = "$ROGATORY evidence seal $WHAT --sign-key lab.key --sign-cert lab.pem $TO --out $OUT \
            --part-size $PART --suite $SUITE --state state --zone Africa/Nairobi";
        for (out, what) in [
            ("", "exhibits/disk.E01 exhibits/odd exhibits/traffic.pcap"),
            ("-other", "exhibits/odd exhibits/disk.E01"),
        ] {
            let out = format!("{}{out}", suite.name());
            let words = [
                ("WHAT", what),
                ("TO", &addressees),
                ("OUT", &out),
                ("PART", PART_SIZE),
                ("SUITE", suite.name()),
            ];
            self.must(self.folder(), seal, &words);
            for authority in ["tsa", "rogue"] {
                self.must(self.folder(), STAMP_BY_OPENSSL, &[("OUT", &out), ("TSA", authority)]);
            }
        }
    }

    fn make_exhibits(&self) {
        let odd = self.path("exhibits/odd");
        fs::create_dir_all(odd.join("a folder/of deep/ones")).unwrap();
        let long = format!("a folder/{}.bin", "long name ".repeat(20));
        let files: [(&str, Vec<u8>); 7] = [
            ("empty", vec![]),
            (".hidden", b"dot".to_vec()),
            ("-n", b"looks like a switch".to_vec()),
            ("back\\slash $HOME `id` *.txt", noise(3, 100)),
            ("a folder/журнал \"1\" 'x'.log", noise(5, 70_000)),
            ("a folder/of deep/ones/証拠 ; rm.txt", noise(7, 20)),
            (&long, noise(9, 1000)),
        ];
        for (name, bytes) in files {
            fs::write(odd.join(name), bytes).unwrap();
        }
        fs::write(self.path("exhibits/image.raw"), noise(1, 256 * 1024)).unwrap();
        self.must(
            &self.path("exhibits"),
            "ewfacquire -u -q -d sha256 -c fast -t disk image.raw; rm image.raw; ewfverify -q disk.E01",
            &[],
        );
        // The header of a capture file (magic, version 2.4, Ethernet) and one packet.
        let mut pcap =
            vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
        pcap.extend([0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 64, 0, 0, 0]);
        pcap.extend(noise(11, 64));
        fs::write(self.path("exhibits/traffic.pcap"), pcap).unwrap();
    }
}

/// Bytes that do not compress and are the same on every run.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// `target/tools`, where `cargo xtask install` puts what others wrote.
fn tools() -> PathBuf {
    target().join("tools")
}

pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

fn node_modules() -> Option<PathBuf> {
    let given = env::var_os("ROGATORY_NODE_MODULES").map(PathBuf::from);
    given.or_else(|| Some(tools().join("node/node_modules"))).and_then(|path| path.canonicalize().ok())
}

/// An authority of its own root; `$TSA` is its stem.
const AUTHORITY_BY_OPENSSL: &str = r#"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout $TSA-root.key \
    -out $TSA-root.pem -subj "/O=$TSA/CN=time root" -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
    -addext keyUsage=critical,keyCertSign,cRLSign
printf "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n" > $TSA.ext
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $TSA.key -subj "/O=$TSA/CN=time" -out $TSA.csr
openssl x509 -req -in $TSA.csr -CA $TSA-root.pem -CAkey $TSA-root.key -days 400 -sha256 -extfile $TSA.ext -out $TSA.pem"#;

/// `$OUT.$TSA.tsr`, a time-stamp of the tag manifest of the package `$OUT`.
const STAMP_BY_OPENSSL: &str = "openssl ts -query -data $OUT/tagmanifest-sha256.txt -sha256 -cert -out $OUT.tsq; \
    openssl ts -reply -config tsa.cnf -section authority -queryfile $OUT.tsq -signer $TSA.pem -inkey $TSA.key \
    -out $OUT.$TSA.tsr";

const TIME_STAMPS_BY_OPENSSL: &str = "\
[authority]
serial = ./tsa.serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
accuracy = secs:1
";

const TIME_STAMP_BY_PYCA: &str = "
import sys
from cryptography import x509
from rfc3161_client import VerifierBuilder, decode_timestamp_response
root = x509.load_pem_x509_certificate(open(sys.argv[1], 'rb').read())
response = decode_timestamp_response(open(sys.argv[2], 'rb').read())
data = open(sys.argv[3], 'rb').read()
VerifierBuilder().add_root_certificate(root).build().verify_message(response, data)
";

const DECRYPT_BY_NODE: &str = "
import * as age from 'age-encryption';
import { readFileSync, writeFileSync } from 'node:fs';
const decrypter = new age.Decrypter();
decrypter.addIdentity(readFileSync(process.argv[2], 'utf8').trim());
writeFileSync(1, await decrypter.decrypt(readFileSync(0)));
";

const COBBLESTONE_BY_PYCA: &str = "
import sys
from cryptography import cobblestone
key = bytes.fromhex(open(sys.argv[2]).read().strip())
kind = cobblestone.Cobblestone256Decryptor if sys.argv[1] == 'open' else cobblestone.Cobblestone256Encryptor
stream = kind(key, context=b'')
plain = stream.update(sys.stdin.buffer.read()) + stream.finalize()
sys.stdout.buffer.write(plain)
";
