//! A State's offline root, and the certificates it issues to its offices and its node.

use crate::{
    algorithm::{Curve, KeyKind},
    anchor::TrustAnchor,
    certificate::{Certificate, CertificateError},
    key::{KeyError, OfficeKey, SigningKey},
    limit::{MAX_HOSTS, MAX_NAME_CHARS},
    randomness,
    sign::{SigningError, sign_cms},
};
use aws_lc_rs::error::Unspecified;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
};
use rustls_pki_types::{CertificateDer, DnsName};
use std::{fmt, net::IpAddr, time::Duration};
use vocabulary::{Failure, Family, Instant, OfficeFunction, OfficeId, StateCode};
use zeroize::Zeroizing;

/// The end of the year 9999, the last instant that a certificate can name (RFC 5280, 4.1.2.5.2).
const LAST_SECOND: u64 = 253_402_300_799;

/// A State's root: the certificate that peers enrol and the key that stays offline.
pub struct Root {
    state: StateCode,
    state_name: String,
    certificate: Certificate,
    anchor: TrustAnchor,
    key: SigningKey,
    key_pem: Zeroizing<String>,
}

/// A certificate just issued, and its private key.
pub struct Issued {
    certificate: Certificate,
    key_pem: Zeroizing<String>,
}

impl Root {
    /// A fresh P-256 root that certifies offices only (path length 0).
    pub fn generate(
        state: StateCode,
        state_name: &str,
        valid_from: Instant,
        valid_until: Instant,
    ) -> Result<Self, AuthorityError> {
        let (key, key_pem) = SigningKey::generate()?;
        let name = distinguished_name(
            state,
            state_name,
            &format!("{state} root for the Convention against Cybercrime"),
        )?;
        let mut params = params(name, valid_from, valid_until)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let issued = params.self_signed(&Lent(&key))?;
        Self::assemble(Certificate::from_der(issued.der())?, key, key_pem)
    }

    /// Reads a root back, and checks that key and certificate belong together.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let key = SigningKey::from_pkcs8_pem(key_pem)?;
        Self::assemble(Certificate::from_pem(certificate_pem)?, key, Zeroizing::new(key_pem.to_owned()))
    }

    fn assemble(
        certificate: Certificate,
        key: SigningKey,
        key_pem: Zeroizing<String>,
    ) -> Result<Self, AuthorityError> {
        if !key.belongs_to(&certificate) {
            return Err(KeyError::NotOfThisCertificate.into());
        }
        if key.kind() == KeyKind::Rsa {
            return Err(KeyError::RsaRoot.into());
        }
        let state = certificate.country().ok_or(AuthorityError::RootWithoutState)?;
        let state_name = certificate.organization().ok_or(AuthorityError::RootWithoutState)?;
        let anchor = TrustAnchor::new(state, certificate.clone())?;
        Ok(Self { state, state_name, certificate, anchor, key, key_pem })
    }

    /// Issues the certificate under which an office signs and receives.
    ///
    /// One P-256 key does both, so that an office keeps one file and peers one fingerprint. ECDSA and
    /// ECDH on one key do not help each other's attacker here: the signature is over a hash of
    /// attributes that we choose, and the agreed secret only ever enters a key derivation.
    pub fn issue_office(
        &self,
        office: &OfficeId,
        office_name: &str,
        valid_from: Instant,
        valid_until: Instant,
    ) -> Result<Issued, AuthorityError> {
        let mut params = self.params(office, office_name, valid_from, valid_until)?;
        // Signs statements by which the State is bound (contentCommitment), and receives.
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::ContentCommitment,
            KeyUsagePurpose::KeyAgreement,
        ];
        // What `openssl cms -verify` asks for when it is not told another purpose.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        let issued = self.issue(&params)?;
        self.anchor.verify(&issued.certificate, valid_from)?;
        Ok(issued)
    }

    /// Issues the TLS certificate of the State's node, for both ends of a connection.
    pub fn issue_tls(
        &self,
        node: &OfficeId,
        hosts: &[&str],
        valid_from: Instant,
        valid_until: Instant,
    ) -> Result<Issued, AuthorityError> {
        if node.function != OfficeFunction::Node {
            return Err(AuthorityError::NotANode { found: *node });
        }
        if hosts.is_empty() || hosts.len() > MAX_HOSTS {
            return Err(AuthorityError::Hosts { found: hosts.len(), limit: MAX_HOSTS });
        }
        let mut params = self.params(node, &node.to_string(), valid_from, valid_until)?;
        for host in hosts {
            params.subject_alt_names.push(host_name(host)?);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let issued = self.issue(&params)?;
        self.anchor.verify_tls(&issued.certificate, valid_from)?;
        Ok(issued)
    }

    /// Signs a State descriptor or a law profile; nothing else is signed by a root itself.
    pub fn sign(&self, content: &[u8], signing_time: Instant) -> Result<Vec<u8>, SigningError> {
        sign_cms(content, true, &self.key, &self.certificate, signing_time)
    }

    pub fn state(&self) -> StateCode {
        self.state
    }

    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What a peer enrols.
    pub fn anchor(&self) -> &TrustAnchor {
        &self.anchor
    }

    pub fn certificate_pem(&self) -> String {
        self.certificate.to_pem()
    }

    /// PKCS #8 in PEM, not encrypted: write it only where the root is kept offline.
    pub fn key_pem(&self) -> &Zeroizing<String> {
        &self.key_pem
    }

    pub(crate) fn params(
        &self,
        office: &OfficeId,
        common_name: &str,
        valid_from: Instant,
        valid_until: Instant,
    ) -> Result<CertificateParams, AuthorityError> {
        if office.state != self.state {
            return Err(AuthorityError::AnotherState { office: *office, root: self.state });
        }
        let (root_from, root_until) = (self.certificate.valid_from(), self.certificate.valid_until());
        if valid_from < root_from || valid_until > root_until {
            return Err(AuthorityError::OutlivesRoot { root_from, root_until });
        }
        let name = distinguished_name(self.state, &self.state_name, common_name)?;
        let mut params = params(name, valid_from, valid_until)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.subject_alt_names = vec![SanType::URI(office.uri().try_into()?)];
        Ok(params)
    }

    fn issue(&self, params: &CertificateParams) -> Result<Issued, AuthorityError> {
        let (key, key_pem) = SigningKey::generate()?;
        Ok(Issued { certificate: self.issue_for(params, &Lent(&key))?, key_pem })
    }

    pub(crate) fn issue_for(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<Certificate, AuthorityError> {
        let root = CertificateDer::from(self.certificate.der());
        let issuer = Issuer::from_ca_cert_der(&root, Lent(&self.key))?;
        Ok(Certificate::from_der(params.signed_by(key, &issuer)?.der())?)
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Issued {
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub fn certificate_pem(&self) -> String {
        self.certificate.to_pem()
    }

    /// PKCS #8 in PEM, not encrypted.
    pub fn key_pem(&self) -> &Zeroizing<String> {
        &self.key_pem
    }

    /// The pair, ready to sign and to open.
    pub fn office_key(&self) -> Result<OfficeKey, KeyError> {
        OfficeKey::from_pem(&self.certificate.to_pem(), &self.key_pem)
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// Lends one of our keys to `rcgen`.
pub(crate) struct Lent<'a>(pub(crate) &'a SigningKey);

impl PublicKeyData for Lent<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.0.kind() {
            KeyKind::Ec(Curve::P384) => &rcgen::PKCS_ECDSA_P384_SHA384,
            // A root with an RSA key is not made and not read: `assemble` refuses it.
            KeyKind::Ec(Curve::P256) | KeyKind::Rsa => &rcgen::PKCS_ECDSA_P256_SHA256,
        }
    }
}

impl rcgen::SigningKey for Lent<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

pub(crate) fn params(
    name: DistinguishedName,
    valid_from: Instant,
    valid_until: Instant,
) -> Result<CertificateParams, AuthorityError> {
    let wrong = AuthorityError::Validity { from: valid_from, until: valid_until };
    if valid_from >= valid_until {
        return Err(wrong);
    }
    let (Some(from), Some(until)) = (since_epoch(valid_from), since_epoch(valid_until)) else {
        return Err(wrong);
    };
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.not_before = epoch + from;
    params.not_after = epoch + until;
    params.serial_number = Some(serial_number()?);
    Ok(params)
}

fn since_epoch(instant: Instant) -> Option<Duration> {
    let seconds = u64::try_from(instant.seconds()).ok()?;
    (seconds <= LAST_SECOND).then(|| Duration::from_secs(seconds))
}

/// 126 random bits, positive and of fixed length (RFC 5280, 4.1.2.2).
fn serial_number() -> Result<SerialNumber, Unspecified> {
    let mut bytes = randomness::bytes::<16>()?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}

fn distinguished_name(
    state: StateCode,
    state_name: &str,
    common_name: &str,
) -> Result<DistinguishedName, AuthorityError> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, DnValue::PrintableString(state.as_str().try_into()?));
    name.push(DnType::OrganizationName, checked_name("State", state_name)?);
    name.push(DnType::CommonName, checked_name("office", common_name)?);
    Ok(name)
}

pub(crate) fn checked_name<'a>(of: &'static str, name: &'a str) -> Result<&'a str, AuthorityError> {
    let chars = name.chars().count();
    if (1..=MAX_NAME_CHARS).contains(&chars) && !name.chars().any(char::is_control) {
        Ok(name)
    } else {
        Err(AuthorityError::Name { of, chars, limit: MAX_NAME_CHARS })
    }
}

fn host_name(host: &str) -> Result<SanType, AuthorityError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let wrong = || AuthorityError::Host { found: host.chars().take(64).collect() };
    let name = DnsName::try_from(host).map_err(|_| wrong())?;
    Ok(SanType::DnsName(name.as_ref().try_into().map_err(|_| wrong())?))
}

/// Why the root could not be made, read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    #[error("the {of}'s name has {chars} characters, 1 to {limit} without control characters are expected")]
    Name { of: &'static str, chars: usize, limit: usize },
    #[error("a certificate cannot be valid from `{from}` until `{until}`")]
    Validity { from: Instant, until: Instant },
    #[error("the certificate would be valid outside the root's own time, `{root_from}` until `{root_until}`")]
    OutlivesRoot { root_from: Instant, root_until: Instant },
    #[error("the office `{office}` is not of the root's State, `{root}`")]
    AnotherState { office: OfficeId, root: StateCode },
    #[error("a TLS certificate is for the node, not for `{found}`")]
    NotANode { found: OfficeId },
    #[error("there are {found} host names, 1 to {limit} are expected")]
    Hosts { found: usize, limit: usize },
    #[error("`{found}` is not a host name or an address")]
    Host { found: String },
    #[error("the certificate request cannot be read as one PEM block of strict DER")]
    RequestMalformed,
    #[error("the certificate request holds {found}, P-256, P-384 or RSA of 3072 to 8192 bits is expected")]
    RequestKey { found: String },
    #[error(
        "the certificate request is not signed by its own key with an accepted algorithm (it names `{found}`)"
    )]
    RequestSignature { found: String },
    #[error("the root's certificate does not name its State in `C` and `O`")]
    RootWithoutState,
    #[error("the root's key cannot be used: {0}")]
    Key(#[from] KeyError),
    #[error("the certificate cannot be used: {0}")]
    Certificate(#[from] CertificateError),
    #[error("the certificate could not be made: {reason}")]
    Issue { reason: String },
    #[error("the cryptographic library refused to make a key")]
    Crypto,
}

impl From<Unspecified> for AuthorityError {
    fn from(_: Unspecified) -> Self {
        Self::Crypto
    }
}

impl From<rcgen::Error> for AuthorityError {
    fn from(error: rcgen::Error) -> Self {
        Self::Issue { reason: error.to_string() }
    }
}

impl Failure for AuthorityError {
    fn family(&self) -> Family {
        match self {
            Self::RootWithoutState
            | Self::Key(_)
            | Self::Certificate(_)
            | Self::Issue { .. }
            | Self::Crypto => Family::Fault,
            _ => Family::Refusal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "R-611",
            Self::Validity { .. } => "R-612",
            Self::OutlivesRoot { .. } => "R-613",
            Self::AnotherState { .. } => "R-614",
            Self::NotANode { .. } => "R-615",
            Self::Hosts { .. } => "R-616",
            Self::Host { .. } => "R-617",
            Self::RequestMalformed => "R-665",
            Self::RequestKey { .. } => "R-666",
            Self::RequestSignature { .. } => "R-667",
            Self::RootWithoutState => "F-611",
            Self::Key(error) => error.code(),
            Self::Certificate(_) => "F-612",
            Self::Issue { .. } => "F-613",
            Self::Crypto => "F-614",
        }
    }

    fn clause(&self) -> Option<String> {
        let clause = match self {
            Self::Name { .. } => "RFC 5280, appendix A.1",
            Self::Validity { .. } | Self::OutlivesRoot { .. } => "RFC 5280, 4.1.2.5",
            Self::AnotherState { .. } | Self::NotANode { .. } | Self::Hosts { .. } | Self::Host { .. } => {
                "RFC 5280, 4.2.1.6"
            }
            Self::RequestMalformed | Self::RequestKey { .. } => "RFC 2986, 4.1",
            Self::RequestSignature { .. } => "RFC 2986, 4.2",
            Self::RootWithoutState => "RFC 5280, 4.1.2.6",
            Self::Key(error) => return error.clause(),
            Self::Certificate(error) => return error.clause(),
            Self::Issue { .. } | Self::Crypto => return None,
        };
        Some(clause.to_owned())
    }

    fn remedy(&self) -> String {
        match self {
            Self::Name { .. } => "give a shorter name; the full one belongs in the State descriptor",
            Self::Validity { .. } => "give a first and a later last day between 1970 and 9999",
            Self::OutlivesRoot { .. } => "choose dates inside the root's validity, or make a new root first",
            Self::AnotherState { .. } => "use the root of the office's own State",
            Self::NotANode { .. } => "issue an office certificate instead",
            Self::Hosts { .. } | Self::Host { .. } => "name the hosts of the node as peers will reach them",
            Self::RequestMalformed => "ask for the file that `openssl req -new` or the token made",
            Self::RequestKey { .. } => "ask the office to make such a key and a new request",
            Self::RequestSignature { .. } => "do not certify it; ask the office to make the request again",
            Self::RootWithoutState => "use a root certificate whose subject has `C` and `O`",
            Self::Key(error) => return error.remedy(),
            Self::Certificate(_) => "use a root certificate made by this program, or one like it",
            Self::Issue { .. } | Self::Crypto => "try again, then report the fault with the log",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{FROM, Judge, ROOT_UNTIL, UNTIL, at, now, office, root, state};
    use vocabulary::OfficeFunction::{CentralAuthority, ContactPoint, Node};

    #[test]
    fn a_root_signs_a_descriptor_and_its_own_certificate_verifies_it() {
        let from: Instant = "2026-01-01T00:00:00Z".parse().unwrap();
        let root =
            Root::generate("XA".parse().unwrap(), "Aldonia", from, "2040-01-01T00:00:00Z".parse().unwrap())
                .unwrap();
        let signed = root.sign(b"descriptor", from).unwrap();
        let (content, certificate) = crate::verify_self_signed(&signed).unwrap();
        assert_eq!(content, b"descriptor");
        assert_eq!(certificate.fingerprint(), root.certificate().fingerprint());
        for position in 0..signed.len() {
            let mut altered = signed.clone();
            altered[position] ^= 1;
            let same_root = crate::verify_self_signed(&altered)
                .is_ok_and(|(_, c)| c.fingerprint() == root.certificate().fingerprint());
            assert!(!same_root, "byte {position}");
        }
    }

    #[test]
    fn openssl_believes_the_office_and_the_node_under_the_root() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let office = office(&root, CentralAuthority);
        let node = OfficeId::new(root.state(), Node);
        let tls =
            root.issue_tls(&node, &["node.xa.example", "192.0.2.7", "::1"], at(FROM), at(UNTIL)).unwrap();
        judge.put("root.pem", root.certificate_pem());
        judge.put("office.pem", office.certificate_pem());
        judge.put("tls.pem", tls.certificate_pem());
        judge.must("verify -x509_strict -attime {now} -CAfile root.pem -purpose smimesign office.pem");
        judge.must("verify -x509_strict -attime {now} -CAfile root.pem -purpose sslserver -verify_hostname node.xa.example tls.pem");
        judge.must("verify -x509_strict -attime {now} -CAfile root.pem -purpose sslclient -verify_ip 192.0.2.7 tls.pem");
        assert!(!judge.run("verify -attime {now} -CAfile root.pem -purpose sslserver office.pem").ok);
        let shown = judge.must("x509 -in office.pem -noout -subject -ext subjectAltName,keyUsage");
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(
            shown.contains(
                "C = XA, O = Republic of Exercise, CN = \"Central Authority, Ministry of Justice\""
            )
        );
        assert!(shown.contains("URI:urn:rogatory:office:XA:central-authority"));
        assert!(shown.contains("Digital Signature, Non Repudiation, Key Agreement"));
    }

    #[test]
    fn the_keys_are_pkcs8_that_openssl_reads() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        judge.put("root.key", root.key_pem().as_str());
        let shown = judge.must("pkey -in root.key -check -noout -text");
        assert!(String::from_utf8_lossy(&shown.stdout).contains("prime256v1"));
    }

    #[test]
    fn a_root_read_back_from_its_files_issues_under_the_same_anchor() {
        let first = root("XA");
        let again = Root::from_pem(&first.certificate_pem(), first.key_pem()).unwrap();
        let office = office(&again, ContactPoint);
        let verified = first.anchor().verify(office.certificate(), now()).unwrap();
        assert_eq!(verified.office().to_string(), "XA/contact-point");
        assert_eq!(again.state(), state("XA"));
    }

    #[test]
    fn a_root_made_by_openssl_issues_offices() {
        let Some(judge) = Judge::call() else { return };
        judge.must(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -sha384 -keyout r.key -out r.pem -days 4000 \
             -subj /C=XB/O=Elsewhere/CN=Root -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
             -addext keyUsage=critical,keyCertSign",
        );
        let root = Root::from_pem(&judge.text("r.pem"), &judge.text("r.key")).unwrap();
        let from = root.certificate().valid_from();
        let id = OfficeId::new(root.state(), CentralAuthority);
        let office = root.issue_office(&id, "Bureau", from, from.plus(Duration::from_secs(86_400))).unwrap();
        judge.put("o.pem", office.certificate_pem());
        judge.must("verify -x509_strict -CAfile r.pem -purpose smimesign o.pem");
    }

    #[test]
    fn a_root_with_another_roots_key_is_refused() {
        let (one, two) = (root("XA"), root("XA"));
        let refused = Root::from_pem(&one.certificate_pem(), two.key_pem()).unwrap_err();
        assert_eq!(refused, AuthorityError::Key(KeyError::NotOfThisCertificate));
    }

    #[test]
    fn a_root_does_not_certify_another_states_office() {
        let id = OfficeId::new(state("XB"), CentralAuthority);
        let refused = root("XA").issue_office(&id, "Bureau", at(FROM), at(UNTIL)).unwrap_err();
        assert_eq!(refused.code(), "R-614");
    }

    #[test]
    fn a_certificate_does_not_outlive_its_root_nor_end_before_it_begins() {
        let root = root("XA");
        let id = OfficeId::new(root.state(), CentralAuthority);
        let later = at(ROOT_UNTIL).plus(Duration::from_secs(1));
        assert_eq!(root.issue_office(&id, "Bureau", at(FROM), later).unwrap_err().code(), "R-613");
        assert_eq!(root.issue_office(&id, "Bureau", at(UNTIL), at(FROM)).unwrap_err().code(), "R-612");
    }

    #[test]
    fn names_that_do_not_fit_a_certificate_are_refused() {
        let root = root("XA");
        let id = OfficeId::new(root.state(), CentralAuthority);
        for name in ["", "two\nlines", &"x".repeat(65)] {
            assert_eq!(root.issue_office(&id, name, at(FROM), at(UNTIL)).unwrap_err().code(), "R-611");
        }
        let name = "機関".repeat(32);
        let issued = root.issue_office(&id, &name, at(FROM), at(UNTIL)).unwrap();
        assert_eq!(issued.certificate().common_name(), Some(name));
    }

    #[test]
    fn a_tls_certificate_is_for_the_node_and_for_hosts_that_can_be_reached() {
        let root = root("XA");
        let authority = OfficeId::new(root.state(), CentralAuthority);
        let node = OfficeId::new(root.state(), Node);
        let code = |id, hosts: &[&str]| root.issue_tls(id, hosts, at(FROM), at(UNTIL)).unwrap_err().code();
        assert_eq!(code(&authority, &["a.example"]), "R-615");
        assert_eq!(code(&node, &[]), "R-616");
        assert_eq!(code(&node, &["not a host"]), "R-617");
    }

    #[test]
    fn serial_numbers_and_keys_are_never_the_same() {
        let root = root("XA");
        let (one, two) = (office(&root, CentralAuthority), office(&root, CentralAuthority));
        let serial = |issued: &Issued| issued.certificate().x509().tbs_certificate.serial_number.clone();
        assert_ne!(serial(&one), serial(&two));
        assert_eq!(serial(&one).as_bytes().len(), 16);
        assert_ne!(one.key_pem(), two.key_pem());
    }

    #[test]
    fn dates_beyond_2049_are_written_as_rfc_5280_asks() {
        let until = at("2071-01-01T00:00:00Z");
        let root = Root::generate(state("XA"), "Republic", at(FROM), until).unwrap();
        assert_eq!(root.certificate().valid_until(), until);
    }

    #[test]
    fn nothing_printed_shows_a_key() {
        let root = root("XA");
        let office = office(&root, CentralAuthority);
        let shown = format!("{root:?} {office:?} {:?}", office.office_key().unwrap());
        assert!(!shown.contains("PRIVATE") && !shown.contains("MI"));
    }
}
