//! Words, ids, instants and computed dates: what parses prints to the same value, and no error keeps more than 64 characters.

use crate::input::way;
use ledger::{Hash, KeyName};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Display, str::FromStr, time::Duration};
use treaty::{Computed, Ground, Kind};
use vocabulary::{
    Digest, EnvelopeId, ExhibitId, FileId, Instant, Language, OfficeFunction, OfficeId, OfficerId, PackageId,
    StateCode, WordError,
};

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 3) else { return };
    match way {
        0 => words(rest),
        1 => dates(rest),
        _ => computed(rest),
    }
}

fn words(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    word::<StateCode>(text);
    word::<OfficeFunction>(text);
    word::<OfficeId>(text);
    word::<OfficerId>(text);
    word::<EnvelopeId>(text);
    word::<FileId>(text);
    word::<PackageId>(text);
    word::<ExhibitId>(text);
    word::<Digest>(text);
    word::<Language>(text);
    word::<Instant>(text);
    word::<Kind>(text);
    goes_round::<custody::ZoneName>(text);
    if let Ok(suite) = text.parse::<evidence::BulkSuite>() {
        assert_eq!(suite.as_str(), text);
    }
    goes_round::<Hash>(text);
    goes_round::<KeyName>(text);
    if let Ok(ground) = text.parse::<Ground>() {
        assert_eq!(ground.as_str(), text);
    }
    if let Ok(office) = OfficeId::from_uri(text) {
        assert_eq!(OfficeId::from_uri(&office.uri()), Ok(office));
    }
    if let Ok(digest) = Digest::from_hex(text) {
        assert_eq!(Digest::from_hex(&digest.hex()), Ok(digest));
    }
}

/// A word of the vocabulary: also in JSON, and with an error that is short.
fn word<T>(text: &str)
where
    T: FromStr<Err = WordError>
        + Display
        + PartialEq
        + Clone
        + std::fmt::Debug
        + Serialize
        + DeserializeOwned,
{
    match text.parse::<T>() {
        Ok(word) => {
            assert_eq!(word.to_string().parse::<T>().as_ref(), Ok(&word));
            let json = serde_json::to_vec(&word).expect("a word becomes JSON");
            assert_eq!(serde_json::from_slice::<T>(&json).expect("our own JSON"), word);
        }
        Err(error) => assert!(error.found.chars().count() <= 64),
    }
}

fn goes_round<T: FromStr + Display + PartialEq + std::fmt::Debug>(text: &str) {
    if let Ok(word) = text.parse::<T>() {
        assert!(word.to_string().parse::<T>().is_ok_and(|again| again == word), "{word:?}");
    }
}

/// Instants at both ends of time, any number of days, any zone: never a panic, and the same date when computed again.
fn dates(data: &[u8]) {
    let Some((numbers, zone)) = data.split_first_chunk::<12>() else { return };
    let [a, b, c, d, e, f, g, h, days @ ..] = *numbers;
    let instant = Instant::from_micros(i64::from_le_bytes([a, b, c, d, e, f, g, h]));
    let days = u32::from_le_bytes(days);
    let Ok(zone) = std::str::from_utf8(zone) else { return };
    let span = Duration::from_secs(u64::from(days));
    assert!(instant.minus(span) <= instant.plus(span));
    let _ = instant.since(instant.minus(span));
    word::<Instant>(&instant.to_string());
    let _ = treaty::alarms(instant);
    let dates = [
        treaty::preservation_minimum(instant, zone),
        treaty::order_end(instant, days, zone),
        treaty::extension(instant, days, zone),
    ];
    for date in dates.into_iter().flatten() {
        assert_eq!(date.verify(), Ok(()));
        let json = serde_json::to_vec(&date).expect("a date becomes JSON");
        assert_eq!(serde_json::from_slice::<Computed>(&json).expect("our own JSON"), date);
    }
}

/// A date that a peer computed: what is accepted is what we compute.
fn computed(data: &[u8]) {
    let Ok(date) = serde_json::from_slice::<Computed>(data) else { return };
    if date.verify().is_ok() {
        assert_eq!(date.recompute().expect("it was computed before").result, date.result);
    }
}
