//! Files, identities and recipients of age: what was encrypted is read back, and an altered byte is refused.

use crate::input::{altered, way};
use evidence::{
    AgeIdentity, AgeReader, AgeRecipient, AgeWriter, HybridIdentity, HybridRecipient, decrypt_hybrid,
    encrypt_hybrid,
};
use std::{
    cell::Cell,
    io::{Read as _, Write as _},
    sync::LazyLock,
};

/// More than the plain bytes of any input that the engine makes.
const MOST_PLAIN: u64 = 4 * 1024 * 1024;

pub fn identity() -> AgeIdentity {
    AgeIdentity::from_secret(&[5; 32]).expect("a secret")
}

/// With its recipient, which costs more to compute than most inputs to read.
static HYBRID: LazyLock<(HybridIdentity, HybridRecipient)> = LazyLock::new(|| {
    let identity = HybridIdentity::from_secret(&[6; 32]);
    let recipient = identity.recipient().expect("our own identity");
    (identity, recipient)
});

pub fn hybrid() -> &'static HybridIdentity {
    &HYBRID.0
}

/// The same bytes at every start.
pub fn counted(counter: &Cell<u64>) -> impl Fn(&mut [u8]) + '_ {
    |bytes| {
        for byte in bytes {
            counter.set(counter.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            *byte = counter.get().to_be_bytes()[0];
        }
    }
}

pub fn encrypted(plain: &[u8]) -> Vec<u8> {
    let counter = Cell::new(1);
    let mut writer =
        AgeWriter::new(Vec::new(), &identity().recipient(), &counted(&counter)).expect("a header");
    writer.write_all(plain).expect("into memory");
    writer.finish().expect("into memory")
}

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 5) else { return };
    match way {
        0 => drop(read(rest)),
        1 => drop(decrypt_hybrid(rest, hybrid())),
        2 => texts(rest),
        3 => drop(ours(rest)),
        _ => drop(ours_hybrid(rest)),
    }
}

fn read(file: &[u8]) -> Option<Vec<u8>> {
    let mut reader = AgeReader::new(file, &identity()).ok()?;
    assert!(reader.stanza_count() > 0);
    let mut plain = Vec::new();
    reader.by_ref().take(MOST_PLAIN).read_to_end(&mut plain).ok()?;
    assert!(plain.len() < file.len());
    Some(plain)
}

fn texts(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(identity) = text.parse::<AgeIdentity>() {
        assert_eq!(*identity.to_text(), text.to_ascii_uppercase());
        assert_eq!(identity.recipient().to_string().parse::<AgeRecipient>().ok(), Some(identity.recipient()));
    }
    if let Ok(recipient) = text.parse::<AgeRecipient>() {
        assert_eq!(recipient.to_string(), text.to_ascii_lowercase());
    }
    if let Ok(recipient) = text.parse::<HybridRecipient>() {
        assert_eq!(recipient.to_string(), text.to_ascii_lowercase());
    }
    if let Ok(identity) = text.parse::<HybridIdentity>() {
        assert_eq!(*identity.to_text(), text.to_ascii_uppercase());
    }
}

fn ours(data: &[u8]) -> Option<()> {
    let (how, plain) = data.split_first_chunk::<3>()?;
    let file = encrypted(plain);
    assert_eq!(read(&file).as_deref(), Some(plain));
    assert_eq!(read(&altered(&file, how)?), None, "an altered file opens");
    let (cut, _) = crate::input::position(how, file.len())?;
    assert_eq!(read(file.get(..cut)?), None, "a file cut short opens");
    Some(())
}

fn ours_hybrid(data: &[u8]) -> Option<()> {
    let (how, plain) = data.split_first_chunk::<3>()?;
    let counter = Cell::new(1);
    let recipient = HYBRID.1.clone();
    let file = encrypt_hybrid(plain, &[recipient], &counted(&counter)).ok()?;
    assert_eq!(decrypt_hybrid(&file, hybrid()).ok().as_deref(), Some(plain));
    assert!(decrypt_hybrid(&altered(&file, how)?, hybrid()).is_err(), "an altered file opens");
    Some(())
}
