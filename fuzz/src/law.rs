//! Law profiles: raw bytes, content signed by the right root, the bare JSON, and the law as people write it.

use crate::{
    input::way,
    scene::{EXERCISE, now},
};
use register::law::{
    LawProfile, Mark, Published, Says, SignedLaw, WrittenLaw, check, compare, compare_outside,
};
use treaty::offence_definitions;

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 4) else { return };
    match way {
        0 => verified(rest),
        1 => drop(EXERCISE.b.root.sign(rest, now()).map(|signed| verified(&signed))),
        2 => plain(rest),
        _ => written(rest),
    }
}

/// What stands is checked and compared with itself: the same reach on every element, and no mark without a provision.
fn verified(signed: &[u8]) {
    let Ok(law) = SignedLaw::read(signed) else { return };
    let ours = SignedLaw::verify(signed, EXERCISE.b.root.anchor(), now());
    assert!(ours.is_err() || law.profile().state == EXERCISE.b.root.state());
    assert_eq!(law.replaces(&law), Ok(false));
    let profile = law.profile();
    let _ = check(profile.state, &profile.offences, &profile.outside);
    let on = now().date_in(&jiff::tz::TimeZone::UTC);
    let side = Published { state: profile.state, law: Some(&law) };
    let nobody = Published { state: profile.state, law: None };
    for offence in offence_definitions() {
        let found =
            compare(offence.article, on, now(), side, side).expect("the article establishes an offence");
        for row in &found.rows {
            assert_eq!(row.first, row.second, "{}", row.id);
            let says = matches!(found.first.says, Says::Provisions | Says::NoProvision);
            assert!(says || row.first.mark == Mark::Unknown, "{}", row.id);
        }
        let _ = compare(offence.article, on, now(), side, nobody);
    }
    let _ = compare_outside(on, now(), side, nobody);
}

fn plain(bytes: &[u8]) {
    let Ok(profile) = LawProfile::from_json(bytes) else { return };
    let again = LawProfile::from_json(&profile.to_json().expect("a profile becomes JSON"));
    assert_eq!(again.ok(), Some(profile));
}

/// What has no `must` becomes a profile that can be read again.
fn written(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(law) = WrittenLaw::from_toml(text) else { return };
    let state = EXERCISE.b.root.state();
    let Ok(profile) = law.profile(state, 1, now(), now()) else { return };
    plain(&profile.to_json().expect("a profile becomes JSON"));
    assert_eq!(LawProfile::from_json(&profile.to_json().expect("a profile becomes JSON")), Ok(profile));
}
