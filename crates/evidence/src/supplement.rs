//! Further addressees of a sealed package: an envelope and a signed statement in `seal/`, and the bulk untouched.

use crate::{
    KeyEnvelope,
    bag::BagFault,
    package::{MAX_ENVELOPE_BYTES, PackageFolder},
    verify::SignerInfo,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};
use vocabulary::{Digest, Failure, Family, Instant, OfficeId, OfficerId, PackageId, Report};

const FORMAT: &str = "rogatory/addressee/1";
/// Further addressees that are read of one package.
pub const MAX_SUPPLEMENTS: usize = 1000;
const MAX_STATEMENT_BYTES: u64 = 1024 * 1024;
/// Hex digits of the certificate's digest in the names of the two files.
const NAME_DIGITS: usize = 16;

/// What the office that adds an addressee signs; field order is the order in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddresseeStatement {
    pub format: String,
    pub package: PackageId,
    /// The name of the package for ever: SHA-256 of its tag manifest.
    pub tag_manifest: Digest,
    /// SHA-256 of the `.p7m` file.
    pub envelope: Digest,
    /// SHA-256 of the DER of the new addressee's certificate.
    pub addressee: Digest,
    /// Who adds.
    pub office: OfficeId,
    pub officer: OfficerId,
    pub at: Instant,
    pub zone: String,
    /// In words of the office, never a person's name.
    pub why: String,
}

/// What the caller says of the addition.
#[derive(Debug, Clone)]
pub struct AddresseeRequest {
    /// SHA-256 of the DER of the certificate to which `wrap` wraps.
    pub addressee: Digest,
    pub office: OfficeId,
    pub officer: OfficerId,
    pub at: Instant,
    pub zone: String,
    pub why: String,
}

/// An addressee ready to be written into a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supplement {
    pub statement: AddresseeStatement,
    /// The attached signature over the statement.
    pub signed: Vec<u8>,
    /// The CMS envelope with the package key.
    pub envelope: Vec<u8>,
}

/// An addressee found in a package, of which everything holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FurtherAddressee {
    pub statement: AddresseeStatement,
    pub signer: SignerInfo,
}

/// Verifies a message that carries its content, and gives the content and the signer.
pub type VerifyAttached<'a> = dyn Fn(&[u8]) -> Result<(Vec<u8>, SignerInfo), Report> + 'a;
/// Wraps or signs bytes.
pub type Transform<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, Report> + 'a;

/// The key envelope as the manifest lists it, which the caller unwraps with its own key.
pub fn read_key_envelope(package: &Path) -> Result<KeyEnvelope, SupplementFault> {
    let folder = PackageFolder::new(package);
    Ok(folder.checked_envelope(&folder.manifest()?)?)
}

/// Wraps the package key once more and signs what was done; nothing is written yet.
///
/// `key_file` is the content of the key envelope, already unwrapped.
pub fn prepare_addressee(
    package: &Path,
    request: AddresseeRequest,
    key_file: &[u8],
    wrap: &Transform<'_>,
    sign: &Transform<'_>,
) -> Result<Supplement, SupplementFault> {
    let folder = PackageFolder::new(package);
    let label = folder.info()?.label;
    let (tags, _) = folder.tag_manifest()?;
    let (name, _) = names(request.addressee);
    if label.addressees.contains(&request.addressee) {
        return Err(SupplementFault::Addressed { addressee: request.addressee });
    }
    if statement_exists(package, request.addressee) {
        return Err(SupplementFault::Exists { name });
    }
    let envelope = wrap(key_file).map_err(SupplementFault::Wrap)?;
    let statement = AddresseeStatement {
        format: FORMAT.to_owned(),
        package: label.package_id,
        tag_manifest: Digest::of(&tags),
        envelope: Digest::of(&envelope),
        addressee: request.addressee,
        office: request.office,
        officer: request.officer,
        at: request.at,
        zone: request.zone,
        why: request.why,
    };
    let bytes = serde_json::to_vec(&statement).map_err(|_| SupplementFault::Unwritable)?;
    let signed = sign(&bytes).map_err(SupplementFault::Sign)?;
    Ok(Supplement { statement, signed, envelope })
}

/// Prepares an addressee and writes both files.
pub fn add_addressee(
    package: &Path,
    request: AddresseeRequest,
    key_file: &[u8],
    wrap: &Transform<'_>,
    sign: &Transform<'_>,
) -> Result<Supplement, SupplementFault> {
    let supplement = prepare_addressee(package, request, key_file, wrap, sign)?;
    supplement.write(package)?;
    Ok(supplement)
}

impl Supplement {
    /// Writes the envelope and then the statement: a statement is never there without its envelope.
    pub fn write(&self, package: &Path) -> Result<(), SupplementFault> {
        let (envelope, statement) = names(self.statement.addressee);
        write_whole(package, &envelope, &self.envelope)?;
        write_whole(package, &statement, &self.signed)
    }
}

/// Every further addressee in `seal/`, ascending by name; the first that does not hold is a fault with a name.
///
/// Bytes that stand in no pair are found too: an envelope without a statement says nothing about who added it.
pub fn read_supplements(
    package: &Path,
    verify: &VerifyAttached<'_>,
) -> Result<Vec<FurtherAddressee>, SupplementFault> {
    let folder = PackageFolder::new(package);
    let label = folder.info()?.label;
    let (tags, _) = folder.tag_manifest()?;
    let tag_manifest = Digest::of(&tags);
    let files = folder.contents()?;
    let stems: BTreeSet<&str> =
        files.keys().filter_map(|name| stem(name, ".p7m").or_else(|| stem(name, ".p7s"))).collect();
    if stems.len() > MAX_SUPPLEMENTS {
        return Err(SupplementFault::TooMany { found: stems.len() });
    }
    let mut found = Vec::with_capacity(stems.len());
    for stem in stems {
        let (envelope, signed) = (format!("{stem}.p7m"), format!("{stem}.p7s"));
        if !files.contains_key(&signed) {
            return Err(SupplementFault::NoStatement { name: envelope });
        }
        if !files.contains_key(&envelope) {
            return Err(SupplementFault::NoEnvelope { name: signed });
        }
        let (content, signer) =
            verify(&folder.small(&signed, MAX_STATEMENT_BYTES, "1 MiB")?).map_err(|report| {
                SupplementFault::Signature { name: signed.clone(), report: Box::new(report) }
            })?;
        let statement: AddresseeStatement = serde_json::from_slice(&content)
            .map_err(|_| SupplementFault::Statement { name: signed.clone() })?;
        if statement.format != FORMAT || names(statement.addressee).1 != signed {
            return Err(SupplementFault::Statement { name: signed });
        }
        if statement.package != label.package_id || statement.tag_manifest != tag_manifest {
            return Err(SupplementFault::OtherPackage {
                name: signed,
                expected: tag_manifest,
                found: statement.tag_manifest,
            });
        }
        let digest = Digest::of(&folder.small(&envelope, MAX_ENVELOPE_BYTES, "16 MiB")?);
        if statement.envelope != digest {
            let expected = statement.envelope;
            return Err(SupplementFault::OtherEnvelope { name: envelope, expected, found: digest });
        }
        if statement.office != signer.office {
            let (said, signed_by) = (statement.office, signer.office);
            return Err(SupplementFault::Signer { name: signed, said, signed_by });
        }
        found.push(FurtherAddressee { statement, signer });
    }
    Ok(found)
}

/// `seal/addressee-<16 hex digits>` of a file with this ending.
fn stem<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let stem = name.strip_suffix(ending)?;
    let digits = stem.strip_prefix("seal/addressee-")?;
    let hex = digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (digits.len() == NAME_DIGITS && hex).then_some(stem)
}

/// The names of the envelope and of the statement.
fn names(addressee: Digest) -> (String, String) {
    let digits: String = addressee.hex().chars().take(NAME_DIGITS).collect();
    (format!("seal/addressee-{digits}.p7m"), format!("seal/addressee-{digits}.p7s"))
}

fn statement_exists(package: &Path, addressee: Digest) -> bool {
    fs::symlink_metadata(package.join(names(addressee).1)).is_ok()
}

/// A file appears whole or not at all; what a killed attempt left is written over.
///
/// The temporary name begins with a full stop and lies beside the package: inside, it would be one more proof.
fn write_whole(package: &Path, name: &str, bytes: &[u8]) -> Result<(), SupplementFault> {
    let fault = |source| SupplementFault::Write { name: name.to_owned(), source };
    let target = package.join(name);
    let file = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let partial = package.with_file_name(format!(".{folder}.{file}.partial"));
    let write = || -> io::Result<()> {
        let mut out = File::create(&partial)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&partial, &target)?;
        target.parent().map_or(Ok(()), sync_folder)
    };
    write().map_err(fault)
}

/// A renamed file is durable only when its folder is; Windows has no such call.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { File::open(path)?.sync_all() }
}

/// Why an addressee was not added, or one that is there does not hold.
#[derive(Debug, thiserror::Error)]
pub enum SupplementFault {
    #[error("the package is addressed to the certificate `{addressee}` already")]
    Addressed { addressee: Digest },
    #[error("`{name}` is there already")]
    Exists { name: String },
    #[error("the package key could not be wrapped: {0}")]
    Wrap(Report),
    #[error("the statement could not be signed: {0}")]
    Sign(Report),
    #[error("`{name}` has no statement that says who added it")]
    NoStatement { name: String },
    #[error("`{name}` has no envelope beside it")]
    NoEnvelope { name: String },
    #[error("the signature of `{name}` does not hold: {report}")]
    Signature { name: String, report: Box<Report> },
    #[error("`{name}` is not a statement on the addressee of its name")]
    Statement { name: String },
    #[error("`{name}` is about the package `{found}`, this is `{expected}`")]
    OtherPackage { name: String, expected: Digest, found: Digest },
    #[error("`{name}` has the digest `{found}`, its statement says `{expected}`")]
    OtherEnvelope { name: String, expected: Digest, found: Digest },
    #[error("`{name}` speaks for `{said}` and is signed by `{signed_by}`")]
    Signer { name: String, said: OfficeId, signed_by: OfficeId },
    #[error("the package has {found} further addressees, more than {MAX_SUPPLEMENTS}")]
    TooMany { found: usize },
    #[error("`{name}` could not be written")]
    Write {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("the statement cannot be written as JSON")]
    Unwritable,
    #[error(transparent)]
    Bag(#[from] BagFault),
}

impl Failure for SupplementFault {
    fn family(&self) -> Family {
        match self {
            Self::Addressed { .. } | Self::Exists { .. } => Family::Refusal,
            Self::Wrap(report) | Self::Sign(report) => report.family,
            Self::Write { .. } | Self::Unwritable => Family::Fault,
            Self::Bag(fault) => fault.family(),
            _ => Family::PeerFault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Addressed { .. } => "R-560",
            Self::Exists { .. } => "R-561",
            Self::Wrap(_) | Self::Sign(_) => "F-560",
            Self::NoStatement { .. } => "P-560",
            Self::NoEnvelope { .. } => "P-561",
            Self::Signature { .. } => "P-562",
            Self::Statement { .. } => "P-563",
            Self::OtherPackage { .. } => "P-564",
            Self::OtherEnvelope { .. } => "P-565",
            Self::Signer { .. } => "P-566",
            Self::TooMany { .. } => "P-567",
            Self::Write { .. } => "F-561",
            Self::Unwritable => "F-562",
            Self::Bag(fault) => fault.code(),
        }
    }
    fn report(&self) -> Report {
        // What the key said keeps its own code.
        if let Self::Wrap(report) | Self::Sign(report) = self {
            return report.clone();
        }
        Report {
            family: self.family(),
            code: self.code().to_owned(),
            message: self.to_string(),
            clause: self.clause(),
            remedy: self.remedy(),
        }
    }
    fn clause(&self) -> Option<String> {
        Some("spec/04-custody.md, further addressees".to_owned())
    }
    fn remedy(&self) -> String {
        match self {
            Self::Addressed { .. } | Self::Exists { .. } => {
                "nothing is to be done; that addressee can open the package".to_owned()
            }
            Self::Wrap(report) | Self::Sign(report) => report.remedy.clone(),
            Self::Write { .. } | Self::Unwritable => {
                "check the folder, its owner and the space on the disk, then try again".to_owned()
            }
            Self::Bag(fault) => fault.remedy(),
            _ => {
                "do not hand out this package before it is clear who added the file; the seal of the package \
                  itself is judged apart"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{Bench, toy_report},
        package::TAG_MANIFEST,
    };

    const KEY: &[u8] = b"AGE-SECRET-KEY-1TOY\n";

    fn wrap(key: &[u8]) -> Result<Vec<u8>, Report> {
        Ok([b"toy envelope\n", key].concat())
    }

    fn sign(bytes: &[u8]) -> Result<Vec<u8>, Report> {
        Ok([b"XA/evidence-office\n", bytes].concat())
    }

    fn verify(signed: &[u8]) -> Result<(Vec<u8>, SignerInfo), Report> {
        let text = std::str::from_utf8(signed).map_err(|_| toy_report("not a signature"))?;
        let (office, content) = text.split_once('\n').ok_or_else(|| toy_report("not a signature"))?;
        let office = office.parse().map_err(|_| toy_report("no such office"))?;
        let signer = SignerInfo { office, fingerprint: Digest::of(b"certificate"), claimed_at: None };
        Ok((content.as_bytes().to_vec(), signer))
    }

    fn request(name: &str) -> AddresseeRequest {
        AddresseeRequest {
            addressee: Digest::of(name.as_bytes()),
            office: "XA/evidence-office".parse().unwrap(),
            officer: "ana.cruz".parse().unwrap(),
            at: "2026-11-20T08:00:00Z".parse().unwrap(),
            zone: "Europe/Paris".to_owned(),
            why: "disclosure ordered by the court".to_owned(),
        }
    }

    fn packed() -> Bench {
        let bench = Bench::usual();
        bench.pack();
        bench
    }

    fn add(bench: &Bench, name: &str) -> Supplement {
        add_addressee(&bench.path("package"), request(name), KEY, &wrap, &sign).unwrap()
    }

    fn fault(bench: &Bench) -> SupplementFault {
        read_supplements(&bench.path("package"), &verify).unwrap_err()
    }

    /// The path of the file of one addressee.
    fn file(bench: &Bench, name: &str, ending: &str) -> std::path::PathBuf {
        let (envelope, statement) = names(Digest::of(name.as_bytes()));
        bench.path("package").join(if ending == "p7m" { envelope } else { statement })
    }

    #[test]
    fn an_addressee_is_added_and_no_byte_that_was_sealed_changes() {
        let bench = packed();
        let before: Vec<_> = crate::list_package(&bench.path("package")).unwrap();
        let added = add(&bench, "laboratory");
        add(&bench, "defence");
        let found = read_supplements(&bench.path("package"), &verify).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found.iter().any(|one| one.statement == added.statement));
        let after = crate::list_package(&bench.path("package")).unwrap();
        assert!(before.iter().all(|file| after.contains(file)));
        assert_eq!(after.len(), before.len() + 4);
        let report = bench.verify();
        assert!(report.is_valid(), "{report}");
        let wrapped = fs::read(file(&bench, "laboratory", "p7m")).unwrap();
        assert_eq!(crate::fixture::toy_unwrap(&KeyEnvelope::Cms(wrapped.clone())).unwrap(), KEY);
        assert_eq!(bench.left_behind(), ["case", "package"], "no temporary file stays");
    }

    #[test]
    fn an_addressee_is_added_once_and_not_beside_the_label() {
        let bench = packed();
        add(&bench, "laboratory");
        let again = add_addressee(&bench.path("package"), request("laboratory"), KEY, &wrap, &sign);
        assert_eq!(again.unwrap_err().code(), "R-561");
        let labelled = add_addressee(&bench.path("package"), request("counsel"), KEY, &wrap, &sign);
        assert_eq!(labelled.unwrap_err().code(), "R-560");
    }

    #[test]
    fn an_interrupted_addition_is_named_and_can_be_made_again() {
        let bench = packed();
        fs::write(file(&bench, "laboratory", "p7m"), b"half").unwrap();
        assert_eq!(fault(&bench).code(), "P-560");
        add(&bench, "laboratory");
        assert_eq!(read_supplements(&bench.path("package"), &verify).unwrap().len(), 1);
        fs::remove_file(file(&bench, "laboratory", "p7m")).unwrap();
        assert_eq!(fault(&bench).code(), "P-561");
    }

    #[test]
    fn whatever_is_changed_in_a_supplement_is_a_fault_with_a_name() {
        let bench = packed();
        add(&bench, "laboratory");
        let (envelope, statement) = (file(&bench, "laboratory", "p7m"), file(&bench, "laboratory", "p7s"));
        let (good_envelope, good) = (fs::read(&envelope).unwrap(), fs::read_to_string(&statement).unwrap());
        fs::write(&envelope, b"another envelope").unwrap();
        assert_eq!(fault(&bench).code(), "P-565");
        fs::write(&envelope, good_envelope).unwrap();
        let tags = fs::read(bench.path("package").join(TAG_MANIFEST)).unwrap();
        let (tags, other) = (Digest::of(&tags).to_string(), Digest::of(b"another").to_string());
        let cases = [
            ("no signature", "no signature".to_owned(), "P-562"),
            ("format", good.replace("addressee/1", "addressee/2"), "P-563"),
            ("member", good.replacen("\"package\"", "\"colour\":1,\"package\"", 1), "P-563"),
            ("package", good.replace(&tags, &other), "P-564"),
            ("signer", good.replacen("XA/evidence-office\n", "XB/evidence-office\n", 1), "P-566"),
        ];
        for (what, text, code) in cases {
            assert_ne!(text, good, "{what}");
            fs::write(&statement, text).unwrap();
            assert_eq!(fault(&bench).code(), code, "{what}");
        }
        fs::write(&statement, &good).unwrap();
        fs::rename(&envelope, file(&bench, "other", "p7m")).unwrap();
        fs::rename(&statement, file(&bench, "other", "p7s")).unwrap();
        assert_eq!(fault(&bench).code(), "P-563", "the name is that of another certificate");
    }

    #[test]
    fn what_the_key_refuses_keeps_its_own_code() {
        let bench = packed();
        let refuse = |_: &[u8]| Err(toy_report("this certificate cannot decrypt"));
        let error =
            add_addressee(&bench.path("package"), request("laboratory"), KEY, &refuse, &sign).unwrap_err();
        assert_eq!(error.report().code, "P-999");
        assert!(read_supplements(&bench.path("package"), &verify).unwrap().is_empty());
    }

    /// The key of the laboratory opens its own envelope and no other.
    fn laboratory(envelope: &KeyEnvelope) -> Result<Vec<u8>, Report> {
        let (KeyEnvelope::Cms(bytes) | KeyEnvelope::HybridCms(bytes)) = envelope;
        bytes.strip_prefix(b"laboratory\n").map(<[u8]>::to_vec).ok_or_else(|| toy_report("not for this key"))
    }

    fn opens_for_the_laboratory(bench: &Bench) -> Result<crate::Opened, crate::OpenError> {
        let (package, out) = (bench.path("package"), bench.path("out"));
        crate::open(&package, &laboratory, &crate::fixture::toy_verify, &out, &mut crate::fixture::carry_on)
    }

    fn packed_with_laboratory() -> Bench {
        let bench = packed();
        let package = bench.path("package");
        let key = crate::fixture::toy_unwrap(&read_key_envelope(&package).unwrap()).unwrap();
        let wrap = |key: &[u8]| Ok([b"laboratory\n", key].concat());
        add_addressee(&package, request("laboratory"), &key, &wrap, &sign).unwrap();
        bench
    }

    #[test]
    fn a_further_addressee_opens_the_package() {
        opens_for_the_laboratory(&packed_with_laboratory()).unwrap();
    }

    #[test]
    fn a_file_laid_beside_an_envelope_does_not_lock_its_addressee_out() {
        let bench = packed_with_laboratory();
        let file = File::create(bench.path("package/seal/addressee-0000000000000000.p7m")).unwrap();
        file.set_len(MAX_ENVELOPE_BYTES + 1).unwrap();
        opens_for_the_laboratory(&bench).unwrap();
    }
}
