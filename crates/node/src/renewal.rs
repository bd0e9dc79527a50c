//! Fetching the newer descriptor of a peer: once a day, and when something shows that there is one.

use crate::Road;
use flow::{Flow, FlowError};
use std::{collections::HashMap, time::Duration};
use tokio::{sync::watch, time::Instant};
use vocabulary::{Failure as _, StateCode};

/// How soon what was noted is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// A peer that always hints at a newer descriptor is asked no more often.
const PAUSE: Duration = Duration::from_secs(10);
/// When every peer is asked for the first time after the start, and then how often.
const FIRST: Duration = Duration::from_secs(10 * 60);
const DAILY: Duration = Duration::from_secs(24 * 60 * 60);

/// Notes that a peer speaks of a descriptor that we do not have; it is verified when it is here.
pub(crate) async fn look_at_number(
    flow: &Flow,
    state: StateCode,
    number: Option<&str>,
) -> Result<(), FlowError> {
    let Some(number) = number.and_then(|text| text.parse::<u64>().ok()) else { return Ok(()) };
    match flow.peer(state).await {
        Ok(peer) if number > peer.descriptor().sequence => flow.want_descriptor(state),
        Ok(_) | Err(FlowError::UnknownPeer { .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Fetches descriptors until `stop`.
pub(crate) async fn renew(flow: Flow, road: Road, mut stop: watch::Receiver<bool>) {
    let mut asked: HashMap<StateCode, Instant> = HashMap::new();
    let mut everybody = Instant::now() + FIRST;
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => break,
        }
        let mut wanted = flow.wanted_descriptors();
        if Instant::now() >= everybody {
            everybody = Instant::now() + DAILY;
            wanted.extend(flow.peers().await.into_iter().flatten().map(|peer| peer.state()));
        }
        for state in wanted {
            if asked.get(&state).is_some_and(|last| last.elapsed() < PAUSE) {
                flow.want_descriptor(state);
                continue;
            }
            asked.insert(state, Instant::now());
            tokio::select! {
                () = fetch(&flow, &road, state) => {}
                _ = stop.changed() => break,
            }
        }
    }
}

async fn fetch(flow: &Flow, road: &Road, state: StateCode) {
    let peer = match flow.peer(state).await {
        Ok(peer) => peer,
        Err(error) => {
            return tracing::error!(code = error.code(), "a descriptor could not be fetched: {error}");
        }
    };
    let signed = match road.descriptor(&peer).await {
        Ok(signed) => signed,
        Err(trouble) => return tracing::info!(peer = %state, "no descriptor was fetched: {trouble:?}"),
    };
    match flow.renew_peer(state, &signed).await {
        Ok(true) => tracing::info!(peer = %state, "the peer's newer descriptor was taken"),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(code = error.code(), peer = %state, "its descriptor was not taken: {error}")
        }
    }
}
