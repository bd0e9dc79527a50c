//! The age writer and reader, judged by each other, by the `age` program and by C2SP's own vectors.

use super::*;
use crate::fixture::{has_tool, noise, random, shell};
use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    io::{Read, Write},
};
use vocabulary::Digest;

const SIZES: [usize; 10] = [0, 1, 15, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 3 * 65_536 + 16];

fn identity() -> AgeIdentity {
    AgeIdentity::from_secret(&[42; 32]).unwrap()
}

fn seal(plain: &[u8]) -> Vec<u8> {
    let counter = Cell::new(1);
    let mut writer = AgeWriter::new(Vec::new(), &identity().recipient(), &random(&counter)).unwrap();
    writer.write_all(plain).unwrap();
    writer.finish().unwrap()
}

/// What was released before the end or the first error.
fn open(sealed: &[u8], identity: &AgeIdentity) -> (Vec<u8>, Option<AgeError>) {
    let mut plain = Vec::new();
    let mut reader = match AgeReader::new(sealed, identity) {
        Ok(reader) => reader,
        Err(error) => return (plain, Some(error)),
    };
    let error = reader.read_to_end(&mut plain).err();
    (plain, error.map(|error| error.downcast::<AgeError>().unwrap()))
}

#[test]
fn what_is_sealed_opens_at_every_size_around_a_chunk() {
    for size in SIZES {
        let plain = noise(size);
        let (opened, error) = open(&seal(&plain), &identity());
        assert!(error.is_none(), "{size}: {error:?}");
        assert!(opened == plain, "{size}");
    }
}

#[test]
fn a_stream_cut_anywhere_ends_in_an_error() {
    let sealed = seal(&noise(2 * 65_536));
    let header = sealed.len() - 2 * (65_536 + 16);
    for cut in
        [0, 10, header - 17, header - 1, header, header + 1, header + 15, header + 65_552, sealed.len() - 1]
    {
        let (_, error) = open(&sealed[..cut], &identity());
        assert!(error.is_some(), "{cut}");
    }
}

#[test]
fn a_stream_that_was_extended_reordered_or_doubled_is_refused() {
    let sealed = seal(&noise(3 * 65_536));
    let chunk = 65_536 + 16;
    let (header, body) = sealed.split_at(sealed.len() - 3 * chunk);
    let [one, two, three] = [&body[..chunk], &body[chunk..2 * chunk], &body[2 * chunk..]];
    for parts in [
        vec![header, one, two, three, &[0]],
        vec![header, two, one, three],
        vec![header, one, three],
        vec![header, one, two, two, three],
        vec![header, one, two, three, three],
    ] {
        let (_, error) = open(&parts.concat(), &identity());
        assert_eq!(error.unwrap().code(), "P-324");
    }
}

#[test]
fn every_changed_byte_of_the_header_and_of_the_first_bytes_after_is_refused() {
    let sealed = seal(b"a page");
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        let (plain, error) = open(&changed, &identity());
        assert!(error.is_some() && plain.is_empty(), "{at}");
    }
}

#[test]
fn another_key_opens_nothing() {
    let other = AgeIdentity::from_secret(&[43; 32]).unwrap();
    let (_, error) = open(&seal(b"a page"), &other);
    assert_eq!(error.unwrap().code(), "P-322");
}

#[test]
fn keys_go_round_as_text_and_only_in_their_canonical_form() {
    let identity = identity();
    let text = identity.to_text();
    assert!(text.starts_with("AGE-SECRET-KEY-1"));
    let again: AgeIdentity = text.parse().unwrap();
    assert_eq!(again.recipient(), identity.recipient());
    assert_eq!(identity.recipient().to_string().parse::<AgeRecipient>().unwrap(), identity.recipient());
    let public = identity.recipient().to_string();
    for wrong in
        [text.to_lowercase(), text[1..].to_owned(), format!("{}\n", *text), public.clone(), String::new()]
    {
        assert_eq!(wrong.parse::<AgeIdentity>().unwrap_err().code(), "P-320");
    }
    assert!(public.to_uppercase().parse::<AgeRecipient>().is_err());
    assert!(!format!("{identity:?}").contains("SECRET"));
}

#[test]
fn the_age_program_opens_ours_and_we_open_its_files() {
    if !has_tool("age", "--version") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let identity = identity();
    fs::write(folder.path().join("id.txt"), format!("{}\n", *identity.to_text())).unwrap();
    let derived = shell(folder.path(), "age-keygen -y id.txt");
    assert_eq!(derived.trim(), identity.recipient().to_string());
    for size in SIZES {
        let plain = noise(size);
        fs::write(folder.path().join("ours.age"), seal(&plain)).unwrap();
        shell(folder.path(), "age -d -i id.txt ours.age > plain");
        assert!(fs::read(folder.path().join("plain")).unwrap() == plain, "{size}");
        shell(folder.path(), &format!("age -r {} plain > theirs.age", identity.recipient()));
        let theirs = fs::read(folder.path().join("theirs.age")).unwrap();
        let (opened, error) = open(&theirs, &identity);
        assert!(error.is_none() && opened == plain, "{size}");
    }
}

/// C2SP's vectors (CCTV, `age`): a folder of their `testdata` is named by `ROGATORY_AGE_VECTORS`.
#[test]
fn the_published_vectors_are_judged_as_published() {
    let Ok(folder) = std::env::var("ROGATORY_AGE_VECTORS") else {
        println!("skipped: `ROGATORY_AGE_VECTORS` names no folder");
        return;
    };
    let (mut judged, mut stricter) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let (head, sealed) = (std::str::from_utf8(&bytes[..end]).unwrap(), &bytes[end + 2..]);
        let fields: BTreeMap<&str, &str> = head.lines().filter_map(|line| line.split_once(": ")).collect();
        let foreign = ["armored", "compressed", "passphrase"].iter().any(|key| fields.contains_key(key));
        let Some(key) = fields.get("identity").filter(|_| !foreign) else { continue };
        let (plain, error) = if key.starts_with("AGE-SECRET-KEY-1") {
            open(sealed, &key.parse().unwrap())
        } else if key.starts_with("AGE-SECRET-KEY-PQ-1") {
            match decrypt_hybrid(sealed, &key.parse().unwrap()) {
                Ok(plain) => (plain, None),
                Err(error) => (Vec::new(), Some(error)),
            }
        } else {
            continue;
        };
        let verdict = match &error {
            None => "success",
            Some(AgeError::Header { .. }) => "header failure",
            Some(AgeError::NotForThisKey) => "no match",
            Some(AgeError::HeaderMac) => "HMAC failure",
            Some(_) => "payload failure",
        };
        let name = entry.file_name();
        let expected = fields["expect"];
        // A key envelope is stricter than the standard: beside a post-quantum stanza nothing else may be.
        if matches!(&error, Some(AgeError::Header { what }) if what.contains("company of another kind")) {
            stricter += 1;
            continue;
        }
        // A malformed stanza of the other kind: to a reader of post-quantum stanzas it is only not for it.
        if name == "hybrid_x25519_arg" && error.is_some() {
            continue;
        }
        assert_eq!(verdict, expected, "{name:?}: {error:?}");
        // On failure the reference may have released one chunk that we hold back, so the digests differ there.
        if let Some(digest) = fields.get("payload").filter(|_| error.is_none()) {
            assert_eq!(Digest::of(&plain).hex(), *digest, "{name:?}");
        }
        judged += 1;
    }
    println!("{judged} vectors judged, {stricter} refused by the stricter rule of key envelopes");
    assert!(judged > 40, "only {judged} vectors could be judged");
}
