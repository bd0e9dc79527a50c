//! Writes the first corpus of every target from the vectors of the specification and from the exercise.
//!
//! Run it from the folder `fuzz`: `cargo run --example seeds`. A seed that is there already stays.

use fuzz::{age, package, scene, stamp};
use seal::{TimeStampAuthority, TimeStampQuery};
use std::{error::Error, fs, io, path::Path};
use vocabulary::Digest;

fn main() -> Result<(), Box<dyn Error>> {
    authority()?;
    words()?;
    requests()?;
    exchange()?;
    laws()?;
    statements()?;
    log()?;
    seals()?;
    stamps()?;
    files()?;
    bundles()?;
    Ok(())
}

#[path = "../../crates/verifier/tests/bundle/mod.rs"]
#[expect(dead_code, reason = "parts of the scene are for the tests of the verifier")]
mod bundle;

/// A good bundle, one of its signed messages, a time-stamp and a proof.
fn bundles() -> io::Result<()> {
    let scene = bundle::World::new();
    seed("bundle", 0, &scene.zip())?;
    for (path, body) in &scene.files {
        if path.ends_with("receipt.p7m") {
            seed("bundle", 1, body)?;
        }
    }
    seed("bundle", 2, &scene.token(b"stamped"))?;
    let proof = r#"{"format":"rogatory/proof/1","step":"not-delivered","envelope":"0193a8f0-0000-7000-8000-0000000000e1","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","from":"XB/node","to":"XA/contact-point","at":"2026-11-24T06:10:00Z","level":"warn","rule":"receipt.delivery.warn"}"#;
    seed("bundle", 3, proof.as_bytes())?;
    seed("log", 5, b"tile/entries/000.p/1\n")?;
    seed("log", 5, b"tile/0/x001/x234/067\n")?;
    let note = include_str!("../../spec/vectors/exchange/envelope.json");
    let note: serde_json::Value = serde_json::from_str(note).unwrap_or_default();
    let note = note.pointer("/log/checkpoint").and_then(|note| note.as_str()).unwrap_or_default();
    seed("log", 6, format!("old 0\n\n{note}").as_bytes())
}

/// One seed: the way, then the bytes; its name is its digest.
fn seed(target: &str, way: u8, bytes: &[u8]) -> io::Result<()> {
    let bytes = [&[way], bytes].concat();
    let folder = Path::new("corpus").join(target);
    fs::create_dir_all(&folder)?;
    let name: String = Digest::of(&bytes).hex().chars().take(16).collect();
    fs::write(folder.join(name), bytes)
}

/// The keys of the authority that stamps: made once, so that its stamps stay good.
fn authority() -> Result<(), Box<dyn Error>> {
    let path = Path::new("scene/TEST-ONLY-authority.key.pem");
    if fs::metadata(path)?.len() > 0 {
        return Ok(());
    }
    let (from, until) = ("2026-01-01T00:00:00Z".parse()?, "2046-01-01T00:00:00Z".parse()?);
    let authority = TimeStampAuthority::generate("Authority of an exercise", from, until)?;
    fs::write("scene/TEST-ONLY-authority-root.pem", authority.root().to_pem())?;
    fs::write("scene/TEST-ONLY-authority.cert.pem", authority.certificate().to_pem())?;
    fs::write(path, authority.key_pem().as_bytes())?;
    Err("the authority was made; run this once more".into())
}

fn words() -> io::Result<()> {
    for text in [
        "XA",
        "XB/contact-point",
        "urn:rogatory:office:XB:contact-point",
        "0193a8f0-0000-7000-8000-0000000000e1",
        "2026-11-24T06:10:00Z",
        "-009999-01-02T01:59:59Z",
        "2026-11-24T06:10:00.123456+05:45",
        "en",
        "zh-Hant",
        "preservation",
        "stored-data",
        "essential-interests",
        "age-v1",
        "cobblestone-256",
        "Africa/Nairobi",
        "xa.log.rogatory",
        "a.clerk",
        "node",
        "py45lhg7SXzg0elilmaxfstU7P5jJ3gREui9/oB7ppQ=",
        "sha256:953c9dd7ec4aea21e45d1767c6557c64380e686902fc2acc811e97276c50e471",
    ] {
        seed("words", 0, text.as_bytes())?;
    }
    for (micros, days, zone) in [
        (1_795_500_600_000_000_i64, 60_u32, "Africa/Nairobi"),
        (i64::MAX, u32::MAX, "UTC"),
        (i64::MIN, 90, "Pacific/Apia"),
        (253_402_207_200_000_000, 1, "Asia/Kathmandu"),
    ] {
        let bytes = [micros.to_le_bytes().as_slice(), &days.to_le_bytes(), zone.as_bytes()].concat();
        seed("words", 1, &bytes)?;
    }
    for date in [
        treaty::preservation_minimum(scene::now(), "Africa/Nairobi"),
        treaty::order_end(scene::now(), 90, "Europe/Paris"),
        treaty::extension(scene::now(), 30, "America/Sao_Paulo"),
    ] {
        seed("words", 2, &serde_json::to_vec(&date.expect("a date"))?)?;
    }
    Ok(())
}

fn requests() -> Result<(), Box<dyn Error>> {
    for kind in [treaty::Kind::PRESERVATION, treaty::Kind::STORED_DATA] {
        let text = treaty::template(kind);
        seed("request", 0, text.as_bytes())?;
        let draft = treaty::Draft::from_toml(text)?;
        seed("request", 1, &draft.to_json())?;
        seed("request", 1, &treaty::Draft::empty(kind).to_json())?;
    }
    for entry in fs::read_dir("../examples")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            seed("request", 0, &fs::read(path)?)?;
        }
    }
    Ok(())
}

fn exchange() -> Result<(), Box<dyn Error>> {
    for bytes in scene::ENVELOPES.iter().filter(|bytes| bytes.len() < 8192) {
        seed("envelope", 0, bytes)?;
        seed("envelope", 1, bytes)?;
    }
    for bytes in scene::RECEIPTS {
        seed("receipt", 0, bytes)?;
        seed("cms", 0, bytes)?;
    }
    let receipt = scene::receipt_json();
    seed("receipt", 1, &receipt)?;
    seed("receipt", 2, &receipt)?;
    for bytes in scene::DESCRIPTORS {
        seed("descriptor", 0, bytes)?;
        let (json, _) = seal::verify_self_signed(bytes)?;
        seed("descriptor", 2, &json)?;
    }
    seed("descriptor", 1, &scene::descriptor_json())?;
    Ok(())
}

/// The law profiles of the specification, signed and bare, and the form for a law.
fn laws() -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir("../spec/vectors/law")? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "p7m") {
            let bytes = fs::read(path)?;
            if bytes.len() >= 8192 {
                continue;
            }
            seed("law", 0, &bytes)?;
            if let Ok((json, _)) = seal::verify_self_signed(&bytes) {
                seed("law", 1, &json)?;
                seed("law", 2, &json)?;
            }
        }
    }
    seed("law", 3, register::law::template(scene::xb()).as_bytes())?;
    Ok(())
}

fn statements() -> Result<(), Box<dyn Error>> {
    seed("statement", 0, scene::STATEMENT)?;
    for message in scene::messages() {
        seed("statement", 0, message.as_bytes())?;
    }
    let vectors: serde_json::Value =
        serde_json::from_slice(&fs::read("../spec/vectors/custody/chain.json")?)?;
    let mut chains = Vec::new();
    collect(&vectors, &mut chains);
    for chain in chains.iter().filter(|chain| chain.len() < 3500) {
        seed("statement", 1, chain.as_bytes())?;
        seed("statement", 2, chain.as_bytes())?;
        seed("statement", 3, format!("[{chain}]").as_bytes())?;
    }
    Ok(())
}

/// Every array of links in the vectors of custody.
fn collect(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(items) => {
            if items.first().is_some_and(|item| item.get("sequence").is_some()) {
                found.push(value.to_string());
            }
            items.iter().for_each(|item| collect(item, found));
        }
        serde_json::Value::Object(members) => members.values().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn log() -> Result<(), Box<dyn Error>> {
    for name in ["checkpoint", "cosignature", "key", "tlog-proof"] {
        let text = fs::read(format!("../spec/vectors/ledger/{name}.json"))?;
        let mut texts = Vec::new();
        strings(&serde_json::from_slice(&text)?, &mut texts);
        for text in texts.iter().filter(|text| text.len() > 20) {
            seed("log", 0, text.as_bytes())?;
        }
    }
    for body in [
        "xb.log.rogatory\n5\npy45lhg7SXzg0elilmaxfstU7P5jJ3gREui9/oB7ppQ=\n",
        &scene::VECTORS.last.to_string(),
    ] {
        seed("log", 1, body.as_bytes())?;
        seed("log", 1, format!("{body}more\n").as_bytes())?;
    }
    for numbers in
        [[1_u8, 0, 0, 0, 0, 1], [7, 3, 4, 1, 5, 128], [64, 63, 32, 2, 31, 1], [79, 40, 79, 3, 7, 2]]
    {
        seed("log", 2, &numbers)?;
        seed("log", 2, &[numbers.as_slice(), b"leaves of a tree"].concat())?;
    }
    for (old, new, hashes) in [(0_u64, 1_u64, 2), (5, 9, 6), (3, u64::MAX, 66), (1 << 62, (1 << 63) - 1, 65)]
    {
        let bytes = [old.to_le_bytes().as_slice(), &new.to_le_bytes(), &vec![7; hashes * 32]].concat();
        seed("log", 3, &bytes)?;
    }
    let linked: serde_json::Value = serde_json::from_slice(scene::ENVELOPES[1])?;
    for member in ["inclusion", "consistency"] {
        seed("log", 4, linked["log"][member].to_string().as_bytes())?;
    }
    Ok(())
}

fn strings(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        serde_json::Value::Object(members) => members.values().for_each(|item| strings(item, found)),
        _ => {}
    }
}

fn seals() -> Result<(), Box<dyn Error>> {
    let (_, sealed) = exchange::Envelope::from_json(scene::ENVELOPES[0])?;
    seed("cms", 1, &sealed)?;
    let plain =
        seal::decrypt_cms(&sealed, scene::VECTORS.key.decryption(), scene::VECTORS.key.certificate())?;
    seed("cms", 0, &plain)?;
    for way in [2, 3] {
        seed("cms", way, b"\x10\x00\x01\x00content")?;
        seed("cms", way, b"\x90\x01\x80\x01")?;
    }
    for pem in [scene::CERTIFICATE_PEM, scene::ROOT_PEM] {
        seed("certificate", 0, seal::Certificate::from_pem(scene::text(pem))?.der())?;
        seed("certificate", 1, pem)?;
    }
    let csr = fs::read("scene/request.der")?;
    seed("certificate", 2, &csr)?;
    seed("certificate", 3, fuzz::input::pem("CERTIFICATE REQUEST", &csr).as_bytes())?;
    seed("certificate", 4, &fs::read("scene/TEST-ONLY-p384.key.der")?)?;
    seed("certificate", 4, &fs::read("scene/TEST-ONLY-p256.key.der")?)?;
    seed("certificate", 4, &fs::read("scene/TEST-ONLY-rsa.key.der")?)?;
    seed("certificate", 5, scene::KEY_PEM)?;
    Ok(())
}

fn stamps() -> Result<(), Box<dyn Error>> {
    let query = TimeStampQuery::new(Digest::of(stamp::STAMPED), [7; 16]).to_der()?;
    let answer = scene::AUTHORITY.answer(&query, [3; 16], stamp::STAMPED_AT.parse()?)?;
    seed("stamp", 0, &answer)?;
    seed("stamp", 1, &query)?;
    seed("stamp", 3, b"content")?;
    let value = seal::signature_value(scene::RECEIPTS[0])?;
    let query = TimeStampQuery::new(Digest::of(&value), [7; 16]).to_der()?;
    let answer = scene::AUTHORITY.answer(&query, [3; 16], stamp::STAMPED_AT.parse()?)?;
    seed("stamp", 2, &answer)?;
    seed("stamp", 0, &seal::attach_time_stamp(scene::RECEIPTS[0], &answer)?)?;
    Ok(())
}

fn files() -> Result<(), Box<dyn Error>> {
    seed("age", 0, &age::encrypted(b"plain"))?;
    seed("age", 0, &age::encrypted(b""))?;
    let counter = std::cell::Cell::new(1);
    let recipient = age::hybrid().recipient()?;
    seed("age", 1, &evidence::encrypt_hybrid(b"plain", &[recipient.clone()], &age::counted(&counter))?)?;
    let recipients = [age::identity().recipient().to_string(), recipient.to_string()];
    for text in
        [age::identity().to_text().to_string(), age::hybrid().to_text().to_string()].iter().chain(&recipients)
    {
        seed("age", 2, text.as_bytes())?;
    }
    for way in [3, 4] {
        seed("age", way, b"\x90\x00\x01plain")?;
    }
    let good = Path::new("../spec/vectors/package/good-by-other-tools");
    let manifest = fs::read(good.join("manifest-sha256.txt"))?;
    seed("package", 0, &manifest)?;
    for (which, name) in
        (0_u8..).zip(["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"])
    {
        for how in [0, 1] {
            seed("package", 1, &[&[which, how], fs::read(good.join(name))?.as_slice()].concat())?;
        }
    }
    seed("package", 1, &[&[7, 1], age::encrypted(b"no archive").as_slice()].concat())?;
    seed("package", 2, b"a\nfolder/b\nfolder/c d")?;
    seed("package", 2, "../climbs\n/absolute\nа/б".as_bytes())?;
    let archive = package::archive(&[("a".to_owned(), b"content".to_vec())]);
    seed("package", 3, &archive)?;
    for at in [0_u16, 512, 1024, 1536, 2048, 4096] {
        seed("package", 4, &[at.to_le_bytes().as_slice(), b"plain/data/case/a"].concat())?;
    }
    seed("package", 5, &scene::addressee_json())?;
    seed("package", 6, b"{}")?;
    Ok(())
}
