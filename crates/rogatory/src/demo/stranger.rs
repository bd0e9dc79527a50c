//! What a stranger needs: the package, the trust anchors, and the commands that check it without us.

use crate::demo::{
    cast::Cast,
    narrator::{Narrator, Told},
    walk::Walked,
};
use anyhow::Context as _;
use serde::Serialize;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use vocabulary::{Digest, FileId, PackageId};

/// What `summary.json` says.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) seconds: f64,
    pub(crate) steps: Vec<Told>,
    pub(crate) preservation_file: FileId,
    pub(crate) assistance_file: FileId,
    pub(crate) package: PackageId,
    pub(crate) digests: Digests,
    pub(crate) exhibits: usize,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) folders: Folders,
}

/// What a stranger can compute again.
#[derive(Debug, Serialize)]
pub(crate) struct Digests {
    /// Of `tagmanifest-sha256.txt` of the package, which B's evidence office signed.
    pub(crate) tag_manifest: Option<Digest>,
    /// Of the sorted manifest of the exhibit, as it was taken in.
    pub(crate) exhibit: Digest,
    /// Of every receipt of the walk, as both States keep it.
    pub(crate) receipts: Vec<Digest>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Folders {
    pub(crate) a: PathBuf,
    pub(crate) b: PathBuf,
    pub(crate) package: PathBuf,
    pub(crate) trust: PathBuf,
    pub(crate) opened: PathBuf,
    pub(crate) verify: PathBuf,
}

/// The fictional case that is built into the program.
const CASE: [(&str, &str); 4] = [
    ("mailbox.mbox", include_str!("../../../../examples/case/mailbox.mbox")),
    ("server-logs/access.log", include_str!("../../../../examples/case/server-logs/access.log")),
    ("server-logs/auth.log", include_str!("../../../../examples/case/server-logs/auth.log")),
    ("subscriber-record.json", include_str!("../../../../examples/case/subscriber-record.json")),
];

/// From here on a part is linked rather than copied.
const LINKED_BYTES: u64 = 64 << 20;

/// Writes the fictional case, so that the demonstration needs no files of its own.
pub(crate) fn write_case(place: &Path) -> anyhow::Result<PathBuf> {
    let case = place.join("case");
    for (name, content) in CASE {
        let path = case.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, content).with_context(|| format!("`{}`", path.display()))?;
    }
    Ok(case)
}

/// Leaves the package, the trust folder, `verify.sh` and `summary.json`.
pub(crate) fn leave(
    cast: &Cast,
    walked: &Walked,
    narrator: &Narrator,
    time: Duration,
) -> anyhow::Result<Summary> {
    let folders = Folders {
        a: cast.place.join("a"),
        b: cast.place.join("b"),
        package: cast.place.join("package"),
        trust: cast.place.join("trust"),
        opened: walked.opened.clone(),
        verify: cast.place.join("verify.sh"),
    };
    copy(&walked.received, &folders.package)?;
    trust(cast, &folders.trust)?;
    fs::write(&folders.verify, include_str!("verify.sh"))?;
    fs::set_permissions(&folders.verify, fs::Permissions::from_mode(0o755))?;
    let summary = Summary {
        seconds: (time.as_secs_f64() * 1000.0).round() / 1000.0,
        steps: narrator.steps().to_vec(),
        preservation_file: walked.preservation,
        assistance_file: walked.assistance,
        package: walked.package,
        digests: Digests {
            tag_manifest: walked.report.tagmanifest_digest,
            exhibit: walked.exhibit,
            receipts: walked.receipts.clone(),
        },
        exhibits: walked.exhibits,
        files: walked.files,
        bytes: walked.bytes,
        folders,
    };
    fs::write(cast.place.join("summary.json"), serde_json::to_vec_pretty(&summary)?)?;
    Ok(summary)
}

/// The roots and log keys of both States, which a stranger must get by another channel.
fn trust(cast: &Cast, trust: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(trust)?;
    let mut roots = String::new();
    for state in [&cast.a, &cast.b] {
        let name = state.flow.us().lower();
        let keys = state.flow.keys();
        let root = keys.root_certificate_pem()?;
        roots.push_str(&root);
        fs::write(trust.join(format!("{name}.root.pem")), root)?;
        fs::write(trust.join(format!("{name}.log.vkey")), format!("{}\n", keys.log().vkey()))?;
        fs::write(trust.join(format!("{name}.cosigner.vkey")), format!("{}\n", keys.cosigner().vkey()))?;
    }
    Ok(fs::write(trust.join("roots.pem"), roots)?)
}

/// Copies; large parts are linked where the disk allows it, so that terabytes are not written twice.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.metadata()?.len() < LINKED_BYTES || fs::hard_link(entry.path(), &target).is_err() {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Where everything is, and the commands with which a stranger verifies the package without us.
pub(crate) fn farewell(cast: &Cast, summary: &Summary) -> String {
    let place = cast.place.display();
    format!(
        "
Done in {:.1} s. Everything is in {place}
  a/ b/          the two nodes' folders
  package/       the sealed evidence as A received it
  trust/         roots and log keys, which a stranger gets by another channel
  opened/        what A's examiner opened
  summary.json   steps, times, digests, file ids

A stranger verifies the package without us (all of it: {place}/verify.sh):
  cd {place}/package && sha256sum --quiet -c manifest-sha256.txt tagmanifest-sha256.txt
  bagit.py --validate {place}/package
  openssl cms -verify -cades -binary -inform DER -in {place}/package/seal/signature.p7s \\
    -content {place}/package/tagmanifest-sha256.txt -CAfile {place}/trust/xb.root.pem -purpose any -out /dev/null
and with the key of A's evidence office:
  openssl cms -decrypt -inform DER -in {place}/package/data/package-key.p7m -recip {place}/a/keys/evidence-office.cert.pem \\
    -inkey {place}/a/keys/evidence-office.key.pem -out identity.txt
  cat {place}/package/data/payload.age.* | age -d -i identity.txt | tar -x",
        summary.seconds
    )
}
