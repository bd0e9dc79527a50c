//! The worker that calls the officers on duty: every ring by itself, so that none waits for another.

use crate::{Caller, Notice};
use flow::{DeskTimes, Flow, Summons};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use vocabulary::Failure as _;

/// How soon a ring that began is called.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a ring is left alone of which the outcome could not be kept.
const TROUBLE: Duration = Duration::from_secs(5);
/// How often the roster is searched for holes.
const ROSTER: Duration = Duration::from_secs(60 * 60);

/// Calls until `stop`. What was called and not yet kept is called again after a failure: silence is worse.
pub(crate) async fn ring(flow: Flow, caller: Caller, times: DeskTimes, mut stop: watch::Receiver<bool>) {
    let under_way: Arc<Mutex<HashSet<String>>> = Arc::default();
    let mut look = Instant::now();
    while !*stop.borrow() {
        match flow.summonses_due().await {
            Ok(due) => due.into_iter().for_each(|summons| begin(&flow, &caller, times, &under_way, summons)),
            Err(error) => tracing::error!(code = error.code(), "rings could not be read: {error}"),
        }
        if Instant::now() >= look {
            look = Instant::now() + ROSTER;
            if let Err(error) = flow.look_at_roster().await {
                tracing::error!(code = error.code(), "the roster could not be looked at: {error}");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.changed() => {}
        }
    }
}

fn begin(
    flow: &Flow,
    caller: &Caller,
    times: DeskTimes,
    under_way: &Arc<Mutex<HashSet<String>>>,
    summons: Summons,
) {
    let known = |set: &Mutex<HashSet<String>>, ring: &str| {
        set.lock().unwrap_or_else(PoisonError::into_inner).insert(ring.to_owned())
    };
    if !known(under_way, &summons.ring) {
        return;
    }
    let (flow, caller, under_way) = (flow.clone(), caller.clone(), Arc::clone(under_way));
    tokio::spawn(async move {
        let now = flow.now();
        let notice = Notice::of(&summons, &times, now);
        tracing::info!(ring = summons.ring, officers = summons.officers.len(), "calling");
        let outcomes = caller.call(&notice, &summons.officers, now).await;
        if let Err(error) = flow.called(&summons, &outcomes, &times).await {
            tracing::error!(code = error.code(), "what came of a call could not be kept: {error}");
            tokio::time::sleep(TROUBLE).await;
        }
        under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&summons.ring);
    });
}
