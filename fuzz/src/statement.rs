//! Statements as they come out of a signature, the announcements in them, and chains of custody.

use crate::input::way;
use custody::{Action, Chain, CustodyRecord, Link};
use exchange::{Announcement, Message, Statement};
use std::collections::BTreeSet;

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 4) else { return };
    match way {
        0 => statement(rest),
        1 => chain(rest, false),
        2 => chain(rest, true),
        _ => record(rest),
    }
}

fn statement(bytes: &[u8]) {
    let Ok(statement) = Statement::from_json(bytes) else { return };
    assert!(!statement.message.word().is_empty());
    let again = Statement::from_json(&statement.to_json().expect("a statement becomes JSON"));
    assert_eq!(again.as_ref(), Ok(&statement));
    if let Message::Evidence(announcement) = &statement.message {
        announced(announcement);
    }
}

/// Names become paths and sizes become free space: none climbs out, none comes twice, and they add up.
fn announced(announcement: &Announcement) {
    let mut names = BTreeSet::new();
    for file in &announcement.files {
        assert!(names.insert(&file.name));
        assert!(file.name.split('/').all(|part| !part.is_empty() && !part.starts_with('.')));
        assert!(file.name.len() <= exchange::MAX_FILE_NAME_BYTES);
    }
    let listed: u128 = announcement.files.iter().map(|file| u128::from(file.size)).sum();
    let counted = announcement.parts.as_ref().map_or(0, |parts| {
        let _ = parts.size(0);
        let _ = parts.size(u64::MAX);
        u128::from(parts.count.saturating_sub(1)) * u128::from(parts.part_bytes)
            + u128::from(parts.last_bytes)
    });
    assert_eq!(listed + counted, u128::from(announcement.bytes));
}

/// `mended` makes sequence and digests right again, so that the rules behind them are reached.
fn chain(bytes: &[u8], mended: bool) {
    let Ok(mut links) = serde_json::from_slice::<Vec<Link>>(bytes) else { return };
    if mended {
        let mut previous = None;
        for (at, link) in (0_u32..).zip(&mut links) {
            (link.sequence, link.previous) = (at, previous);
            previous = Some(link.digest());
        }
    }
    let Ok(chain) = Chain::verify(&links) else { return };
    assert_eq!(chain.links(), links);
    let json = serde_json::to_vec(&chain).expect("a chain becomes JSON");
    assert_eq!(serde_json::from_slice::<Chain>(&json).expect("our own JSON"), chain);
    let one_exhibit = links.iter().all(|link| link.exhibit == chain.exhibit());
    assert!(one_exhibit && links.last().is_some_and(|last| last.digest() == chain.head()));
    // Without its last link it is a chain, and without its first it is none.
    if let [_, rest @ ..] = links.as_slice() {
        assert!(Chain::verify(rest).is_err());
    }
    if let [first @ .., _] = links.as_slice() {
        assert!(first.is_empty() || Chain::verify(first).is_ok_and(|earlier| chain.extends(&earlier)));
    }
}

/// A chain that arrived goes on with the announced link, and is on its way to us.
fn record(bytes: &[u8]) {
    let Ok(record) = CustodyRecord::read(bytes) else { return };
    let Ok(sent) = serde_json::from_slice::<Vec<Vec<Link>>>(bytes) else { return };
    let to = "XA/evidence-office".parse().expect("an office");
    for links in sent {
        let Ok(chain) = Chain::verify(&links) else { continue };
        let Some(last) = links.last() else { continue };
        let link = Link {
            action: Action::Sent,
            sequence: chain.next_sequence(),
            previous: Some(chain.head()),
            to: Some(to),
            related: None,
            ..last.clone()
        };
        if let Ok(arrived) = record.arrived(link.exhibit, Some(&link), to) {
            assert!(arrived.extends(&chain) && arrived.head() == link.digest());
            assert_eq!(last.action, Action::Sealed);
        }
        assert!(record.arrived(link.exhibit, None, to).is_err());
    }
}
