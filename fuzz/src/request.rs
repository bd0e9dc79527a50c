//! Request files in TOML and JSON: what is read is written to the same draft, and only a draft without a `Must` is a request.

use crate::{input::way, scene};
use treaty::{Checked, Context, Draft, PreservationFacts, PreservationState, RequestedProfile, Side};

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 2) else { return };
    let read = match way {
        0 => std::str::from_utf8(rest).ok().and_then(|text| Draft::from_toml(text).ok()),
        _ => Draft::from_json(rest).ok(),
    };
    let Some(draft) = read else { return };
    match Draft::from_json(&draft.to_json()) {
        Ok(again) => assert_eq!(again, draft),
        // What fits the limit as TOML may not fit as JSON.
        Err(_) => assert!(draft.to_json().len() > treaty::MAX_DRAFT_BYTES),
    }
    for side in [Side::Requesting, Side::Requested] {
        judged(&draft, side);
    }
}

fn judged(draft: &Draft, side: Side) {
    let profile = RequestedProfile {
        state: scene::xb(),
        languages: vec!["en".parse().expect("a language")],
        preservation_needs_dual_criminality: true,
        convention_in_force: true,
        offices: vocabulary::OfficeFunction::ALL.to_vec(),
    };
    let preservation = draft.preservation_file.map(|file| PreservationFacts {
        file,
        to: scene::xb(),
        until: None,
        state: PreservationState::Running,
    });
    let context =
        Context { side, now: scene::now(), requesting: scene::xa(), requested: Some(&profile), preservation };
    let checked: Checked = draft.check(&context);
    assert_eq!(checked, draft.check(&context));
    let Some(request) = &checked.request else {
        assert!(checked.has_must());
        return;
    };
    assert!(!checked.has_must());
    assert_eq!(request.draft(), draft);
    assert_eq!(Draft::from_json(&request.to_json()).as_ref(), Ok(draft));
    assert!(request.order_days() <= 90);
}
