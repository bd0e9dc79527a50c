//! An office's key in a token (PKCS #11): the token signs and agrees, the key never leaves it.

use crate::{
    KeyFault, random_bytes,
    token_key::{InToken, TokenCurve, uncompressed},
    token_request::request,
};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};
use seal::{Certificate, OfficeKey};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The modules in use: a module is initialized once in a process and stays loaded.
static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// One token, opened with its PIN.
pub struct Token {
    label: String,
    session: Arc<Mutex<Session>>,
}

impl Token {
    /// Loads the PKCS #11 module, finds the token by its label and logs in; a wrong PIN is tried once only.
    pub fn open(module: &Path, label: &str, pin: &str) -> Result<Self, KeyFault> {
        let modules = module_at(module)?;
        let wrong = |error: Error| KeyFault::Module { path: shown(module), reason: reason(&error) };
        let mut slots = Vec::new();
        for slot in modules.get_slots_with_token().map_err(wrong)? {
            if modules.get_token_info(slot).is_ok_and(|info| info.label() == label) {
                slots.push(slot);
            }
        }
        let [slot] = slots.as_slice() else {
            return Err(KeyFault::NoToken { label: label.to_owned(), found: slots.len() });
        };
        let login = |error: Error| KeyFault::Login { label: label.to_owned(), reason: reason(&error) };
        let session = modules.open_rw_session(*slot).map_err(login)?;
        match session.login(UserType::User, Some(&AuthPin::from(pin.to_owned()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(login(error)),
        }
        Ok(Self { label: label.to_owned(), session: Arc::new(Mutex::new(session)) })
    }

    /// The office of `certificate`, whose key is in the token; the key signs once to show that it is the one.
    pub fn office_key(&self, key_label: &str, certificate: Certificate) -> Result<OfficeKey, KeyFault> {
        let key = Arc::new(self.key(key_label)?);
        OfficeKey::elsewhere(certificate, key)
            .map_err(|error| KeyFault::TokenKey { label: key_label.to_owned(), reason: error.to_string() })
    }

    /// Makes a P-256 key in the token that signs and agrees and cannot be taken out.
    pub fn generate_key(&self, key_label: &str) -> Result<(), KeyFault> {
        self.generate(key_label, TokenCurve::P256)
    }

    fn generate(&self, key_label: &str, curve: TokenCurve) -> Result<(), KeyFault> {
        let taken = self.find(ObjectClass::PRIVATE_KEY, key_label)?;
        if !taken.is_empty() {
            return Err(wrong(key_label, "there is one already; a key is never overwritten"));
        }
        let (label, id) = (key_label.as_bytes().to_vec(), random_bytes::<16>()?.to_vec());
        let public = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::EcParams(curve.parameters().to_vec()),
            Attribute::Verify(true),
            Attribute::Label(label.clone()),
            Attribute::Id(id.clone()),
        ];
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Derive(true),
            Attribute::Label(label),
            Attribute::Id(id),
        ];
        self.locked(|session| session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private))
            .map(|_| ())
            .map_err(|error| wrong(key_label, &reason(&error)))
    }

    /// A certificate request in PEM (PKCS #10) for a key of the token, for the State's root to certify.
    ///
    /// It names nobody: the root decides which office the key is for.
    pub fn certificate_request(&self, key_label: &str) -> Result<String, KeyFault> {
        let key = self.key(key_label)?;
        let point = self.public_point(key_label)?;
        request(&key, &point).map_err(|reason| wrong(key_label, &reason))
    }

    fn key(&self, label: &str) -> Result<InToken, KeyFault> {
        let found = self.find(ObjectClass::PRIVATE_KEY, label)?;
        let [handle] = found.as_slice() else {
            return Err(wrong(label, &format!("{} EC private keys have this label", found.len())));
        };
        let curve = match self.attribute(*handle, AttributeType::EcParams, label)? {
            Attribute::EcParams(parameters) => TokenCurve::of(&parameters),
            _ => None,
        };
        let curve = curve.ok_or_else(|| wrong(label, "it is not on P-256 or P-384"))?;
        Ok(InToken::new(Arc::clone(&self.session), *handle, curve))
    }

    /// The point of the public key that lies beside the private one under the same label.
    fn public_point(&self, label: &str) -> Result<Vec<u8>, KeyFault> {
        let found = self.find(ObjectClass::PUBLIC_KEY, label)?;
        let [handle] = found.as_slice() else {
            return Err(wrong(label, &format!("{} EC public keys have this label", found.len())));
        };
        match self.attribute(*handle, AttributeType::EcPoint, label)? {
            Attribute::EcPoint(point) => {
                uncompressed(&point).ok_or_else(|| wrong(label, "its public point cannot be read"))
            }
            _ => Err(wrong(label, "it has no public point")),
        }
    }

    fn find(&self, class: ObjectClass, label: &str) -> Result<Vec<ObjectHandle>, KeyFault> {
        let template = [
            Attribute::Class(class),
            Attribute::KeyType(KeyType::EC),
            Attribute::Label(label.as_bytes().to_vec()),
        ];
        self.locked(|session| session.find_objects(&template)).map_err(|error| wrong(label, &reason(&error)))
    }

    fn attribute(
        &self,
        handle: ObjectHandle,
        kind: AttributeType,
        label: &str,
    ) -> Result<Attribute, KeyFault> {
        self.locked(|session| session.get_attributes(handle, &[kind]))
            .map_err(|error| wrong(label, &reason(&error)))?
            .into_iter()
            .next()
            .ok_or_else(|| wrong(label, &format!("it has no {kind}")))
    }

    fn locked<T>(&self, work: impl FnOnce(&Session) -> T) -> T {
        work(&self.session.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("label", &self.label).finish_non_exhaustive()
    }
}

fn module_at(path: &Path) -> Result<Pkcs11, KeyFault> {
    let fault = |error: &Error| KeyFault::Module { path: shown(path), reason: reason(error) };
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(path).map_err(|error| fault(&error))?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(fault(&error)),
    }
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn wrong(label: &str, reason: &str) -> KeyFault {
    KeyFault::TokenKey { label: label.to_owned(), reason: reason.to_owned() }
}

/// The token's own code for what is wrong, in one short line.
pub(crate) fn reason(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("{function:?} answered {code:?}"),
        other => other.to_string().chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, process::Command};
    use tempfile::TempDir;
    use vocabulary::{Failure as _, Instant};

    const PIN: &str = "271828";
    const CONTENT: &[u8] = b"tag manifest";
    const MODULES: [&str; 4] = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    ];

    /// In the child process: where the module, its token and the scratch folder are.
    const CHILD: &str = "ROGATORY_TEST_TOKEN";

    fn run(folder: &Path, program: &str, words: &str) {
        let output =
            Command::new(program).args(words.split_whitespace()).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{program} {words}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// SoftHSM reads where its tokens are from the environment, which a test cannot set for itself:
    /// the test runs itself again in a child process that has it.
    #[test]
    fn an_office_key_in_a_token_signs_and_opens() {
        if let Some(folder) = std::env::var_os(CHILD) {
            return in_the_child(Path::new(&folder));
        }
        let tools =
            ["softhsm2-util", "openssl"].iter().all(|p| Command::new(p).arg("version").output().is_ok());
        if !tools || module().is_none() {
            eprintln!("skipped: SoftHSM (Debian package `softhsm2`) or openssl is not installed");
            return;
        }
        let folder = TempDir::new().unwrap();
        let (tokens, config) = (folder.path().join("tokens"), folder.path().join("softhsm2.conf"));
        fs::create_dir(&tokens).unwrap();
        fs::write(&config, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "token::tests::an_office_key_in_a_token_signs_and_opens", "--nocapture"])
            .env("SOFTHSM2_CONF", &config)
            .env(CHILD, folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{}{said}", String::from_utf8_lossy(&child.stdout));
        assert!(!said.contains(PIN));
    }

    fn module() -> Option<PathBuf> {
        MODULES.iter().map(PathBuf::from).find(|module| module.exists())
    }

    fn in_the_child(folder: &Path) {
        let module = module().unwrap();
        let code = |result: Result<Token, KeyFault>| result.map(|_| ()).unwrap_err().code();
        assert_eq!(code(Token::open(Path::new("/no/such/module.so"), "office", PIN)), "F-680");
        run(
            folder,
            "softhsm2-util",
            &format!("--init-token --free --label office --so-pin 0000 --pin {PIN}"),
        );
        assert_eq!(code(Token::open(&module, "another", PIN)), "F-681");
        let refused = Token::open(&module, "office", "000000").unwrap_err();
        assert_eq!(refused.code(), "F-682");
        assert!(!format!("{refused} {refused:?}").contains("000000"));

        let token = Token::open(&module, "office", PIN).unwrap();
        assert!(!format!("{token:?}").contains(PIN));
        token.generate_key("signing").unwrap();
        assert_eq!(token.generate_key("signing").unwrap_err().code(), "F-683");
        assert_eq!(token.certificate_request("missing").unwrap_err().code(), "F-683");
        token.generate_key("other").unwrap();

        let certificate = certified(&token, folder, "signing");
        let stranger = certified(&token, folder, "other");
        assert_eq!(token.office_key("signing", stranger).unwrap_err().code(), "F-683");
        let office = token.office_key("signing", certificate.clone()).unwrap();
        signs_what_openssl_verifies(&office, folder);
        opens_what_is_encrypted_to_it(&office, folder, "signing");

        token.generate("longer", TokenCurve::P384).unwrap();
        let again = Token::open(&module, "office", PIN).unwrap();
        let office = again.office_key("longer", certified(&again, folder, "longer")).unwrap();
        drop((token, again));
        signs_what_openssl_verifies(&office, folder);
        opens_what_is_encrypted_to_it(&office, folder, "longer");
    }

    /// The root is `openssl`; it sees the request only.
    fn certified(token: &Token, folder: &Path, key: &str) -> Certificate {
        fs::write(folder.join(format!("{key}.csr")), token.certificate_request(key).unwrap()).unwrap();
        let extensions = "keyUsage=critical,digitalSignature,nonRepudiation,keyAgreement\n\
            subjectAltName=URI:urn:rogatory:office:XA:contact-point\n";
        fs::write(folder.join("extensions"), extensions).unwrap();
        run(folder, "openssl", &format!("req -verify -noout -in {key}.csr"));
        if !folder.join("ca.pem").exists() {
            run(
                folder,
                "openssl",
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
                 -days 400 -subj /C=XA/O=Exercise/CN=Root -addext keyUsage=keyCertSign",
            );
        }
        run(
            folder,
            "openssl",
            &format!(
                "x509 -req -in {key}.csr -CA ca.pem -CAkey ca.key -days 300 -extfile extensions -out {key}.pem"
            ),
        );
        Certificate::from_pem(&fs::read_to_string(folder.join(format!("{key}.pem"))).unwrap()).unwrap()
    }

    fn signs_what_openssl_verifies(office: &OfficeKey, folder: &Path) {
        let certificate = office.certificate();
        let at: Instant = certificate.valid_from().plus(std::time::Duration::from_secs(5));
        let signed = seal::sign_cms(CONTENT, false, office.signing(), certificate, at).unwrap();
        fs::write(folder.join("s.p7s"), signed).unwrap();
        fs::write(folder.join("content"), CONTENT).unwrap();
        run(
            folder,
            "openssl",
            "cms -verify -cades -binary -inform DER -in s.p7s -content content -CAfile ca.pem -purpose any -out out",
        );
    }

    fn opens_what_is_encrypted_to_it(office: &OfficeKey, folder: &Path, key: &str) {
        let open = |der: &[u8]| seal::decrypt_cms(der, office.decryption(), office.certificate());
        let ours = seal::encrypt_cms(CONTENT, std::slice::from_ref(office.certificate())).unwrap();
        assert_eq!(open(&ours).unwrap(), CONTENT);
        run(
            folder,
            "openssl",
            &format!(
                "cms -encrypt -binary -aes-256-gcm -in content -recip {key}.pem -keyopt ecdh_kdf_md:sha256 \
                 -outform DER -out e.p7m"
            ),
        );
        assert_eq!(open(&fs::read(folder.join("e.p7m")).unwrap()).unwrap(), CONTENT);
    }
}
