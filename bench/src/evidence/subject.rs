//! Who does the same job: our program, the hand with today's tools, and the tools of others.
//!
//! Scripts find `$P` the program, `$K` the keys, `$IN` the input, `$OUT` a new folder, `$KEPT` what the group sealed.

use crate::evidence::{child::installed, place::Target};
use serde::Serialize;
use std::process::Command;

/// What the subjects work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Data {
    OneFile,
    ManyFiles,
}

impl Data {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::OneFile => "one file",
            Self::ManyFiles => "many files of 4 KiB",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Job {
    Limit,
    Seal,
    Verify,
    VerifyWithKey,
    Open,
    Transfer,
}

impl Job {
    pub(crate) const ALL: [Self; 6] =
        [Self::Limit, Self::Seal, Self::Verify, Self::VerifyWithKey, Self::Open, Self::Transfer];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Seal => "seal",
            Self::Verify => "verify without key",
            Self::VerifyWithKey => "verify with key",
            Self::Open => "open",
            Self::Transfer => "transfer",
        }
    }

    /// Whom the others are compared with: the better one first.
    pub(crate) fn references(self) -> [&'static str; 2] {
        match self {
            Self::Transfer => ["rsync -W", "rsync -W, openssl dgst"],
            _ => [HAND_OPENSSL, HAND_COREUTILS],
        }
    }
}

pub(crate) const HAND_OPENSSL: &str = "by hand: openssl dgst, age";
pub(crate) const HAND_COREUTILS: &str = "by hand: sha256sum, age";
const HAND_RAGE: &str = "by hand: openssl dgst, rage";
const CMS: &str = "by hand: openssl dgst, openssl cms";
/// Both bulk ciphers, as the command line names them.
pub(crate) const AGE: &str = "age-v1";
pub(crate) const COBBLESTONE: &str = "cobblestone-256";

/// One job of one subject.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) job: Job,
    pub(crate) target: Target,
    pub(crate) script: String,
    /// What it writes goes to `$KEPT`, for those after it in its group.
    pub(crate) keep: bool,
}

/// What belongs together and leaves nothing behind for others.
pub(crate) type Group = Vec<Step>;

/// The tools of others that are here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tools {
    pub(crate) age: bool,
    rage: Option<String>,
    /// An interpreter and the script, so that no launcher is timed.
    bagit: Option<(String, String)>,
    pub(crate) missing: Vec<String>,
}

impl Tools {
    pub(crate) fn find(rage: Option<String>) -> Self {
        let mut tools = Self { age: installed("age") && installed("age-keygen"), rage, ..Self::default() };
        if !tools.age {
            tools.missing.push("the hand: age (Debian: age)".to_owned());
        }
        tools.bagit = bagit();
        if tools.bagit.is_none() {
            tools.missing.push("bagit.py: python3 finds no module `bagit` (pip install bagit)".to_owned());
        }
        tools
    }
}

fn bagit() -> Option<(String, String)> {
    let ask = "import bagit, sys; print(sys.executable); print(bagit.__file__)";
    let out = Command::new("python3").args(["-c", ask]).output().ok().filter(|out| out.status.success())?;
    let text = String::from_utf8(out.stdout).ok()?;
    let (python, script) = text.trim().split_once('\n')?;
    Some((python.to_owned(), script.to_owned()))
}

/// All groups of one round, in the order in which they take turns.
pub(crate) fn groups(data: Data, suites: &[&str], targets: &[Target], tools: &Tools) -> Vec<Group> {
    let mut groups: Vec<Group> = suites.iter().map(|suite| ours(suite, "", targets, tools)).collect();
    if data == Data::ManyFiles {
        groups.extend(suites.iter().map(|suite| ours(suite, " --as-archive", targets, tools)));
    }
    let digests = match data {
        Data::OneFile => [ONE_BY_COREUTILS, ONE_BY_OPENSSL],
        Data::ManyFiles => [MANY_BY_COREUTILS, MANY_BY_OPENSSL],
    };
    let [by_coreutils, by_openssl] = digests;
    if tools.age {
        groups.push(hand(data, HAND_COREUTILS, by_coreutils, "age", targets));
        groups.push(hand(data, HAND_OPENSSL, by_openssl, "age", targets));
    }
    if let (Some(rage), true) = (&tools.rage, tools.age) {
        groups.push(hand(data, HAND_RAGE, by_openssl, rage, targets));
    }
    groups.push(cms(data, by_openssl, targets));
    groups
}

fn step(name: &str, job: Job, target: Target, script: String) -> Step {
    Step { name: name.to_owned(), job, target, script, keep: false }
}

/// The job once for each target; what the first one wrote is kept when `keep` says so.
fn on_each(targets: &[Target], keep: bool, one: impl Fn(Target) -> Step) -> Vec<Step> {
    let each = targets.iter().enumerate();
    each.map(|(at, target)| Step { keep: keep && at == 0, ..one(*target) }).collect()
}

fn ours(suite: &str, archive: &str, targets: &[Target], tools: &Tools) -> Group {
    let name = format!("rogatory {suite}{}", if archive.is_empty() { "" } else { ", as archive" });
    let seal = format!(
        "\"$P\" --json evidence seal \"$IN\" --to \"$K/office.pem\" --sign-key \"$K/office.key\" \
         --sign-cert \"$K/office.pem\" --suite {suite}{archive} --out \"$OUT/package\" --state \"$OUT/state\""
    );
    let key = "--trust \"$K/roots\" --key \"$K/office.key\" --cert \"$K/office.pem\"";
    let verify = "\"$P\" --json evidence verify \"$KEPT/package\" --trust \"$K/roots\"";
    let verify_with_key = format!("\"$P\" --json evidence verify \"$KEPT/package\" {key}");
    let open = format!("\"$P\" --json evidence open \"$KEPT/package\" {key} --out \"$OUT/opened\"");
    let mut group = on_each(targets, true, |target| step(&name, Job::Seal, target, seal.clone()));
    group.push(step(&name, Job::Verify, Target::Nowhere, verify.to_owned()));
    if let (Some((python, script)), AGE, "") = (&tools.bagit, suite, archive) {
        for (name, flag) in [("bagit.py", ""), ("bagit.py, 2 processes", " --processes 2")] {
            let validate = format!("'{python}' '{script}' --quiet --validate{flag} \"$KEPT/package\"");
            group.push(step(name, Job::Verify, Target::Nowhere, validate));
        }
    }
    group.push(step(&name, Job::VerifyWithKey, Target::Nowhere, verify_with_key));
    group.extend(on_each(targets, false, |target| step(&name, Job::Open, target, open.clone())));
    group
}

/// `digest FILE` prints the digest; `list FOLDER` those of all its files; `piped` that of what it reads.
const ONE_BY_COREUTILS: &str =
    "digest() { sha256sum \"$1\" | cut -c1-64; }; piped() { sha256sum | cut -c1-64; }; ";
const ONE_BY_OPENSSL: &str = "digest() { openssl dgst -sha256 -r \"$1\" | cut -c1-64; }; piped() { openssl dgst -sha256 -r | cut -c1-64; }; ";
const MANY_BY_COREUTILS: &str = "digest() { sha256sum \"$1\" | cut -c1-64; }; \
     list() { (cd \"$1\" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }; ";
const MANY_BY_OPENSSL: &str = "digest() { openssl dgst -sha256 -r \"$1\" | cut -c1-64; }; \
     list() { (cd \"$1\" && find . -type f -print0 | sort -z | xargs -0 openssl dgst -sha256 -r); }; ";

/// What officers do today: digest, encrypt, digest of the result; and back, each digest compared.
fn hand(data: Data, name: &str, digests: &str, age: &str, targets: &[Target]) -> Group {
    let sealed = "sync \"$OUT/x\"; digest \"$OUT/x\" > \"$OUT/cipher\"";
    let check = "test \"$(digest \"$KEPT/x\")\" = \"$(cat \"$KEPT/cipher\")\"";
    let encrypt = format!("'{age}' -R \"$K/age.pub\" -o \"$OUT/x\"");
    let decrypt = format!("'{age}' -d -i \"$K/age.key\"");
    let (seal, open, verify_with_key) = match data {
        Data::OneFile => (
            format!("digest \"$IN\" > \"$OUT/plain\"; {encrypt} \"$IN\"; {sealed}"),
            format!(
                "{check}; {decrypt} -o \"$OUT/y\" \"$KEPT/x\"; sync \"$OUT/y\"; \
                 test \"$(digest \"$OUT/y\")\" = \"$(cat \"$KEPT/plain\")\""
            ),
            Some(format!("{check}; test \"$({decrypt} \"$KEPT/x\" | piped)\" = \"$(cat \"$KEPT/plain\")\"")),
        ),
        Data::ManyFiles => (
            format!("list \"$IN\" > \"$OUT/plain\"; tar -C \"$IN\" -cf - . | {encrypt}; {sealed}"),
            format!(
                "{check}; mkdir \"$OUT/y\"; {decrypt} \"$KEPT/x\" | tar -C \"$OUT/y\" -xf -; sync -f \"$OUT/y\"; \
                 list \"$OUT/y\" | cmp - \"$KEPT/plain\""
            ),
            None,
        ),
    };
    let script = |text: &str| format!("{digests}{text}");
    let mut group = on_each(targets, true, |target| step(name, Job::Seal, target, script(&seal)));
    group.push(step(name, Job::Verify, Target::Nowhere, script(check)));
    let with_key = verify_with_key.iter();
    group.extend(with_key.map(|text| step(name, Job::VerifyWithKey, Target::Nowhere, script(text))));
    group.extend(on_each(targets, false, |target| step(name, Job::Open, target, script(&open))));
    group
}

/// Sealing only: OpenSSL 3.0 holds the whole message in memory to open it, and fails from 2 GiB.
fn cms(data: Data, digests: &str, targets: &[Target]) -> Group {
    let encrypt = "openssl cms -encrypt -stream -binary -outform DER -aes-256-gcm -out \"$OUT/x\"";
    let sealed = "sync \"$OUT/x\"; digest \"$OUT/x\" > \"$OUT/cipher\"";
    let script = match data {
        Data::OneFile => {
            format!("digest \"$IN\" > \"$OUT/plain\"; {encrypt} -in \"$IN\" \"$K/office.pem\"; {sealed}")
        }
        Data::ManyFiles => format!(
            "list \"$IN\" > \"$OUT/plain\"; tar -C \"$IN\" -cf - . | {encrypt} \"$K/office.pem\"; {sealed}"
        ),
    };
    on_each(targets, false, |target| step(CMS, Job::Seal, target, format!("{digests}{script}")))
}

pub(crate) const READ: &str = "read the cached input (dd)";
pub(crate) const WRITE: &str = "write (dd from /dev/zero)";

/// What the disk, the memory and the page cache can do, with nothing computed.
pub(crate) fn limits(mib: u64, targets: &[Target]) -> Group {
    let read = "dd if=\"$IN\" of=/dev/null bs=1M status=none";
    let mut group = vec![step(READ, Job::Limit, Target::Nowhere, read.to_owned())];
    group.extend(on_each(targets, false, |target| {
        let direct = if target == Target::Disk { " oflag=direct" } else { "" };
        let write = format!("dd if=/dev/zero of=\"$OUT/x\" bs=1M count={mib}{direct} conv=fsync status=none");
        step(WRITE, Job::Limit, target, write)
    }));
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_of_the_hand_has_ours_beside_it() {
        let tools = Tools { age: true, ..Tools::default() };
        let targets = [Target::Ram, Target::Disk];
        for data in [Data::OneFile, Data::ManyFiles] {
            let steps: Vec<Step> = groups(data, &[AGE], &targets, &tools).concat();
            let of = |name: &str| -> Vec<(Job, Target)> {
                steps.iter().filter(|step| step.name == name).map(|step| (step.job, step.target)).collect()
            };
            let ours = of("rogatory age-v1");
            assert_eq!(ours.len(), 6);
            for hand in [of(HAND_OPENSSL), of(HAND_COREUTILS)] {
                assert!(!hand.is_empty() && hand.iter().all(|job| ours.contains(job)), "{hand:?}");
            }
        }
    }

    #[test]
    fn only_the_first_target_is_kept() {
        let steps = ours(AGE, "", &[Target::Ram, Target::Disk], &Tools::default());
        assert_eq!(steps.iter().filter(|step| step.keep).count(), 1);
        assert!(steps.first().is_some_and(|step| step.keep && step.job == Job::Seal));
    }
}
