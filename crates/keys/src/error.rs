//! What can be wrong with key files: for the operator to mend.

use crate::MIN_PASSPHRASE_BYTES;
use vocabulary::{Failure, Family};

#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    #[error("the key file `{path}` cannot be read: {source}")]
    Read { path: String, source: std::io::Error },
    #[error("the key file `{path}` cannot be written: {source}")]
    Write { path: String, source: std::io::Error },
    #[error("the key file `{path}` is readable by others (mode {mode:o})")]
    Mode { path: String, mode: u32 },
    #[error("the key file `{path}` does not stand: {reason}")]
    Content { path: String, reason: String },
    #[error("the root is not in the node's folder (`{path}`)")]
    RootAway { path: String },
    #[error("keys could not be made: {reason}")]
    Make { reason: String },
    #[error("the machine gave no random bytes")]
    Random,
    #[error("the PKCS #11 module `{path}` cannot be used: {reason}")]
    Module { path: String, reason: String },
    #[error("{found} tokens are labelled `{label}`, exactly one is expected")]
    NoToken { label: String, found: usize },
    #[error("the token `{label}` did not let us in: {reason}")]
    Login { label: String, reason: String },
    #[error("the key `{label}` in the token cannot be used: {reason}")]
    TokenKey { label: String, reason: String },
    #[error("a passphrase is needed, and none was given with `{option}`")]
    NoPassphrase { option: &'static str },
    #[error("the passphrase does not open the key file `{path}`")]
    WrongPassphrase { path: String },
    #[error("the passphrase in `{path}` has {found} bytes, at least {MIN_PASSPHRASE_BYTES} are expected")]
    PassphraseShort { path: String, found: usize },
    #[error("the key file `{path}` is protected in a way that is not read here")]
    Scheme { path: String },
    #[error("`{found}` is no key of a node")]
    Role { found: String },
    #[error("another command changes the keys in `{path}`")]
    Busy { path: String },
}

impl Failure for KeyFault {
    fn family(&self) -> Family {
        match self {
            Self::NoPassphrase { .. }
            | Self::WrongPassphrase { .. }
            | Self::PassphraseShort { .. }
            | Self::Scheme { .. }
            | Self::Role { .. }
            | Self::Busy { .. } => Family::Refusal,
            _ => Family::Fault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "F-201",
            Self::Write { .. } => "F-202",
            Self::Mode { .. } => "F-203",
            Self::Content { .. } => "F-204",
            Self::RootAway { .. } => "F-205",
            Self::Make { .. } => "F-206",
            Self::Random => "F-207",
            Self::Module { .. } => "F-680",
            Self::NoToken { .. } => "F-681",
            Self::Login { .. } => "F-682",
            Self::TokenKey { .. } => "F-683",
            Self::NoPassphrase { .. } => "R-920",
            Self::WrongPassphrase { .. } => "R-921",
            Self::PassphraseShort { .. } => "R-922",
            Self::Scheme { .. } => "R-923",
            Self::Role { .. } => "R-924",
            Self::Busy { .. } => "R-925",
        }
    }
    fn clause(&self) -> Option<String> {
        matches!(self, Self::Scheme { .. }).then(|| "RFC 8018, 6.2".to_owned())
    }
    fn remedy(&self) -> String {
        match self {
            Self::NoPassphrase { option } => {
                return format!("give `{option}` (docs/operate/keys.md says where else it can stand)");
            }
            Self::WrongPassphrase { .. } => {
                "give the passphrase with which the file was protected; without it the key is lost and has to be replaced"
            }
            Self::PassphraseShort { .. } => "choose a longer one, such as six words drawn by lot",
            Self::Scheme { .. } => {
                "convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256`"
            }
            Self::Role { .. } => {
                "name `central-authority`, `contact-point`, `extradition-authority`, `law-enforcement`, `evidence-office`, `node`, `tls`, `log` or `cosigner`"
            }
            Self::Busy { .. } => "wait until it has ended, then try again",
            Self::Read { .. } | Self::Content { .. } => "restore the `keys` folder from a copy",
            Self::Write { .. } => "make room and check who owns the folder, then try again",
            Self::Mode { .. } => "run `chmod 600` on the file, and ask who could have read it",
            Self::RootAway { .. } => "bring the offline medium with the `root` folder, then try again",
            Self::Module { .. } => {
                "name the module that came with the token, a file `….so`, by its full path"
            }
            Self::NoToken { .. } => "plug in the token and name it by its own label",
            Self::Login { .. } => {
                "check the PIN before another try: after a few wrong ones a token locks itself"
            }
            Self::TokenKey { .. } => {
                "name one EC key on P-256 or P-384 by its own label, and the certificate made for it"
            }
            Self::Make { .. } | Self::Random => "try again; tell the makers of the program if it lasts",
        }
        .to_owned()
    }
}
