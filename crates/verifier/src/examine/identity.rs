//! The two States: their roots, the descriptions that the roots signed, and the keys that follow.

use super::{Check, Examination, Index};
use crate::{
    certificate::Certificate,
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
    instant::Instant,
    json::Json,
    note::{NoteKey, Use},
    signed::Signed,
};

const MAX_DESCRIPTOR_BYTES: usize = 262_144;
const FORMAT: &str = "rogatory/descriptor/1";

/// What the identity of a State rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// The reader gave the fingerprint of the root, or the root itself.
    ByReader,
    /// Nobody but the bundle says that this root is the State's.
    ByBundle,
}

/// A State whose root and keys are established.
#[derive(Debug, Clone)]
pub struct State {
    pub code: String,
    pub name: String,
    pub root: Certificate,
    pub vouched: Vouched,
    pub descriptors: Vec<Descriptor>,
    pub logs: Vec<NoteKey>,
    pub cosigners: Vec<NoteKey>,
}

/// What is kept of a descriptor.
#[derive(Debug, Clone)]
pub struct Descriptor {
    pub sequence: u64,
    pub issued: Instant,
    /// Certificates of offices.
    certificates: Vec<Digest>,
    log: NoteKey,
    cosigner: NoteKey,
    /// Keys that were withdrawn, by digest, and until when they are believed.
    retired: Vec<(Digest, Instant)>,
}

impl State {
    /// The origin of the State's log.
    pub(super) fn log_name(&self) -> String {
        format!("{}.log.rogatory", self.code.to_lowercase())
    }

    /// Until when a withdrawn certificate is believed, as the newest descriptor that names it says.
    pub(super) fn withdrawn(&self, certificate: &Certificate) -> Option<Instant> {
        let named = self.descriptors.iter().rev().flat_map(|descriptor| &descriptor.retired);
        named.into_iter().find(|(key, _)| *key == certificate.digest).map(|(_, until)| *until)
    }

    /// True when a descriptor of this State names the certificate.
    pub fn names(&self, certificate: &Certificate) -> bool {
        self.descriptors.iter().any(|descriptor| descriptor.certificates.contains(&certificate.digest))
    }
}

impl Examination<'_> {
    pub(super) fn identities(&mut self, index: &Index) {
        for code in [&index.exporter, &index.other] {
            let path = format!("states/{code}/root.pem");
            let outcome = self.root(code, &path);
            let Some((root, vouched)) = self.note(Check::Roots, &path, outcome) else { continue };
            let descriptors = self.descriptors(code, &root);
            let logs = self.given_logs(code, &descriptors);
            let cosigners = descriptors.iter().map(|one| one.cosigner.clone()).collect();
            let name = root.state_name().to_owned();
            self.found.states.push(State {
                code: code.clone(),
                name,
                root,
                vouched,
                descriptors,
                logs,
                cosigners,
            });
            self.key_files(code);
        }
        let known = |path: &str| {
            path.split('/').nth(1).is_some_and(|code| code == index.exporter || code == index.other)
        };
        let foreign = self.files.keys().find(|path| path.starts_with("states/") && !known(path)).cloned();
        if let Some(path) = foreign {
            let outcome = Err(wrong(Flaw::Index, "the bundle is not between this State and another"));
            self.note::<()>(Check::Roots, &path, outcome);
        }
    }

    fn root(&mut self, code: &str, path: &str) -> Result<(Certificate, Vouched), Wrong> {
        let trust = self.trust;
        let given = trust.roots.iter().find(|(state, _)| state == code).map(|(_, root)| root);
        let missing = || wrong(Flaw::Missing, "the root of the State is not there");
        let root = match (self.file(path), given) {
            (Some(pem), _) => Certificate::from_pem(pem)?,
            (None, Some(root)) => root.clone(),
            (None, None) => return Err(missing()),
        };
        if root.country.as_deref() != Some(code) || !root.may_certify() {
            return Err(wrong(Flaw::Root, format!("it is not a root of `{code}`")));
        }
        if given.is_some_and(|given| given.der != root.der) {
            return Err(wrong(Flaw::Root, format!("it is not the root of `{code}` that was given")));
        }
        let own = root.fingerprint();
        let print = trust.fingerprints.iter().find(|(state, _)| state == code).map(|(_, print)| print);
        if let Some(expected) = print.filter(|print| **print != own) {
            return Err(wrong(
                Flaw::Root,
                format!("its fingerprint is `{own}`, the one given is `{expected}`"),
            ));
        }
        let vouched = if given.is_some() || print.is_some() { Vouched::ByReader } else { Vouched::ByBundle };
        Ok((root, vouched))
    }

    fn descriptors(&mut self, code: &str, root: &Certificate) -> Vec<Descriptor> {
        let prefix = format!("states/{code}/descriptor-");
        let paths: Vec<String> =
            self.files.keys().filter(|path| path.starts_with(&prefix)).cloned().collect();
        let mut found: Vec<Descriptor> = Vec::new();
        for path in &paths {
            let outcome = match self.file(path) {
                Some(bytes) => descriptor(bytes, code, root),
                None => continue,
            };
            let outcome = outcome.and_then(|one| {
                let right = *path == format!("{prefix}{}.p7m", one.sequence);
                if right {
                    Ok(one)
                } else {
                    Err(wrong(Flaw::Descriptor, "the file is called by another number"))
                }
            });
            found.extend(self.note(Check::Descriptors, path, outcome));
        }
        if paths.is_empty() {
            let outcome = Err(wrong(Flaw::Missing, "no signed description of the State is there"));
            self.note::<()>(Check::Descriptors, &format!("states/{code}"), outcome);
        }
        found.sort_by_key(|one| one.sequence);
        let rising = found.windows(2).all(|pair| match pair {
            [older, newer] => older.sequence < newer.sequence && older.issued <= newer.issued,
            _ => true,
        });
        if !rising {
            let outcome = Err(wrong(Flaw::Descriptor, "a later description is dated before an earlier one"));
            self.note::<()>(Check::Descriptors, &format!("states/{code}"), outcome);
        }
        found
    }

    /// The keys of the State's logs; one that the reader gave must be among them.
    fn given_logs(&mut self, code: &str, descriptors: &[Descriptor]) -> Vec<NoteKey> {
        let logs: Vec<NoteKey> = descriptors.iter().map(|one| one.log.clone()).collect();
        let trust = self.trust;
        for (_, given) in trust.logs.iter().filter(|(state, _)| state == code) {
            let outcome = if logs.contains(given) {
                Ok(())
            } else {
                Err(wrong(
                    Flaw::Root,
                    format!("the log of `{code}` in the bundle is not the one that was given"),
                ))
            };
            self.note(Check::Descriptors, &format!("states/{code}/log.vkey"), outcome);
        }
        logs
    }

    /// Key files are a convenience: each must be a key that a description names.
    fn key_files(&mut self, code: &str) {
        let prefix = format!("states/{code}/");
        let paths = self.files.keys().filter(|path| path.starts_with(&prefix) && path.ends_with(".vkey"));
        for path in paths.cloned().collect::<Vec<_>>() {
            let text = self
                .file(&path)
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .unwrap_or_default()
                .to_owned();
            let kind = if path.contains("/cosigner") { Use::Cosigner } else { Use::Log };
            let outcome = NoteKey::parse(&text, kind);
            let Some(key) = self.note(Check::Descriptors, &path, outcome) else { continue };
            let named = self
                .state(code)
                .is_some_and(|state| state.logs.contains(&key) || state.cosigners.contains(&key));
            let newest = !path.contains("log-") && !path.contains("cosigner-");
            if named || !newest {
                let unused =
                    format!("`{path}` is a key that no description in the bundle names; it is not used.");
                self.found.notes.extend((!named).then_some(unused));
            } else {
                let outcome = Err(wrong(Flaw::Descriptor, "no description of the State names this key"));
                self.note::<()>(Check::Descriptors, &path, outcome);
            }
        }
    }
}

/// Reads a signed descriptor (spec/01, 1.5): by the very root, for this State, with usable keys.
fn descriptor(bytes: &[u8], code: &str, root: &Certificate) -> Result<Descriptor, Wrong> {
    if bytes.len() > MAX_DESCRIPTOR_BYTES {
        return Err(wrong(Flaw::Descriptor, "it is longer than 262144 bytes"));
    }
    let signed = Signed::attached(bytes)?;
    if signed.certificate.der != root.der {
        return Err(wrong(Flaw::Descriptor, "it is not signed by the root of the State"));
    }
    let json = Json::parse(&signed.content)?;
    json.format(FORMAT)?;
    if json.text("state")? != code {
        return Err(wrong(Flaw::Descriptor, "it is of another State"));
    }
    if Certificate::from_pem(json.text("root")?.as_bytes())?.der != root.der {
        return Err(wrong(Flaw::Descriptor, "it names another root"));
    }
    let issued = json.instant("issued")?;
    let small = code.to_lowercase();
    let log = NoteKey::parse(json.text("log")?, Use::Log)?;
    let cosigner = NoteKey::parse(json.text("cosigner")?, Use::Cosigner)?;
    if log.name != format!("{small}.log.rogatory") || cosigner.name != format!("{small}.witness.rogatory") {
        return Err(wrong(Flaw::Descriptor, "its keys have the names of another State"));
    }
    let mut certificates = Vec::new();
    for office in json.list("offices")?.iter().take(16) {
        let certificate = Certificate::from_pem(office.text("certificate")?.as_bytes())?;
        let at = issued.max(certificate.from).max(root.from);
        let found = certificate.office_of(code, root, &[], at)?;
        if found != format!("{code}/{}", office.text("office")?) {
            return Err(wrong(
                Flaw::Descriptor,
                format!("the certificate of `{found}` stands for another office"),
            ));
        }
        certificates.push(certificate.digest);
    }
    let retired = retired(&json)?;
    Ok(Descriptor { sequence: json.count("sequence")?, issued, certificates, log, cosigner, retired })
}

fn retired(json: &Json) -> Result<Vec<(Digest, Instant)>, Wrong> {
    const MAX_RETIRED: usize = 256;
    if json.member("retired").is_none() {
        return Ok(Vec::new());
    }
    let keys = json.list("retired")?;
    if keys.len() > MAX_RETIRED {
        return Err(wrong(Flaw::Descriptor, "it names more than 256 withdrawn keys"));
    }
    keys.iter().map(|key| Ok((key.digest("key")?, key.instant("until")?))).collect()
}
