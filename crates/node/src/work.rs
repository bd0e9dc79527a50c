//! The workers: open what arrived, discharge duties, hand envelopes over, fetch packages, watch the clocks.

use crate::{Road, RoadTrouble, fetch};
use exchange::ProofRoad;
use flow::{Attempt, Flow};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{Changes, StoreFault};
use tokio::sync::{Notify, watch};
use vocabulary::{Failure as _, Family, FileId, PackageId, StateCode};

/// How soon work that has come due is seen.
const PAUSE: Duration = Duration::from_millis(100);
/// How soon work that another program of this node left is seen; a look costs a few microseconds.
const LOOK: Duration = Duration::from_millis(5);
/// Packages fetched at the same time.
const FETCHES_MAX: usize = 2;
/// How often missing receipts are looked for.
const RECEIPTS: Duration = Duration::from_secs(30);

/// Opens the inbox and discharges duties until `stop`.
pub(crate) async fn desk(
    flow: Flow,
    road: Road,
    arrived: Arc<Notify>,
    ready: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    let fetching: Arc<Mutex<HashSet<PackageId>>> = Arc::default();
    while !*stop.borrow() {
        let busy = round(&flow, &road, &fetching, &ready).await;
        if busy {
            continue;
        }
        tokio::select! {
            () = arrived.notified() => {}
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.changed() => {}
        }
    }
}

/// One round; true when there may be more to do at once.
async fn round(
    flow: &Flow,
    road: &Road,
    fetching: &Arc<Mutex<HashSet<PackageId>>>,
    ready: &Arc<Notify>,
) -> bool {
    let mut busy = false;
    match flow.record_stored().await {
        Ok(count) => busy |= count > 0,
        Err(error) => tracing::error!(code = error.code(), "the inbox could not be opened: {error}"),
    }
    match flow.discharge_due().await {
        Ok(round) => {
            if round.discharged > 0 {
                ready.notify_one();
                busy = true;
            }
            for (duty, file, package) in round.fetches {
                begin_fetch(flow, road, fetching, duty, file, package);
            }
        }
        Err(error) => tracing::error!(code = error.code(), "duties could not be discharged: {error}"),
    }
    busy
}

fn begin_fetch(
    flow: &Flow,
    road: &Road,
    fetching: &Arc<Mutex<HashSet<PackageId>>>,
    duty: String,
    file: FileId,
    package: PackageId,
) {
    {
        let mut running = fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if running.len() >= FETCHES_MAX || !running.insert(package) {
            return;
        }
    }
    let (flow, road, fetching) = (flow.clone(), road.clone(), Arc::clone(fetching));
    tokio::spawn(async move {
        match fetch::fetch_package(&flow, &road, &duty, file, package, &mut |_| {}).await {
            Ok(Some(_)) => tracing::info!(%package, "package fetched and verified"),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(code = error.code(), %package, "package not fetched: {error}");
                // What does not verify will not verify the next time; what did not arrive may.
                let shown = || error.is_for_people().then(|| error.report());
                let kept = if error.family() == Family::PeerFault && !error.is_for_people() {
                    flow.fetch_refused(&duty, file, error.report()).await
                } else {
                    flow.fetch_put_off(&duty, file, &fetch::line(&error), shown()).await
                };
                if let Err(error) = kept {
                    tracing::error!(code = error.code(), "{error}");
                }
            }
        }
        fetching.lock().unwrap_or_else(PoisonError::into_inner).remove(&package);
    });
}

/// Hands envelopes over until `stop`: in order to one peer, to different peers at the same time.
pub(crate) async fn post(flow: Flow, road: Road, ready: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let due = match flow.attempts_due().await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(code = error.code(), "the outbox could not be read: {error}");
                Vec::new()
            }
        };
        if due.is_empty() {
            tokio::select! {
                () = ready.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
                _ = stop.changed() => {}
            }
            continue;
        }
        let mut by_peer: BTreeMap<StateCode, Vec<Attempt>> = BTreeMap::new();
        for attempt in due {
            by_peer.entry(attempt.peer).or_default().push(attempt);
        }
        let mut rounds = tokio::task::JoinSet::new();
        for (_, attempts) in by_peer {
            let (flow, road, stop) = (flow.clone(), road.clone(), stop.clone());
            rounds.spawn(async move {
                for attempt in attempts {
                    if *stop.borrow() || !hand_over(&flow, &road, &attempt).await {
                        break;
                    }
                }
            });
        }
        while rounds.join_next().await.is_some() {}
    }
}

/// One attempt; false when the peer cannot be reached now.
async fn hand_over(flow: &Flow, road: &Road, attempt: &Attempt) -> bool {
    let done = async {
        let peer = flow.peer(attempt.peer).await?;
        let bytes = flow.envelope_bytes(attempt.envelope).await?;
        match road.hand_over(&peer, bytes).await {
            Ok(receipt) => match flow.settle(attempt.envelope, &receipt).await {
                Ok(delivered) => {
                    tracing::info!(envelope = %attempt.envelope, first = delivered.first, "delivered");
                    Ok(true)
                }
                Err(error) => {
                    flow.attempt_failed(attempt, &format!("{}: {error}", error.code())).await?;
                    Ok(false)
                }
            },
            Err(RoadTrouble::Later(trouble)) => {
                tracing::info!(envelope = %attempt.envelope, "not delivered yet: {trouble}");
                flow.attempt_failed(attempt, &trouble).await?;
                Ok(false)
            }
            Err(RoadTrouble::Taken(trouble)) => {
                tracing::info!(envelope = %attempt.envelope, "not delivered yet: {trouble}");
                flow.relayed(attempt.envelope, ProofRoad::Https).await?;
                flow.attempt_failed(attempt, &trouble).await?;
                Ok(false)
            }
            Err(RoadTrouble::Refused(report)) => {
                flow.relayed(attempt.envelope, ProofRoad::Https).await?;
                flow.attempt_refused(attempt, &report).await?;
                Ok(true)
            }
        }
    };
    match done.await {
        Ok(reached) => reached,
        Err(error) => {
            let error: flow::FlowError = error;
            tracing::error!(code = error.code(), "an envelope could not be handed over: {error}");
            tokio::time::sleep(PAUSE).await;
            false
        }
    }
}

/// Wakes the workers when anything was committed, by this process or another one, until `stop`.
pub(crate) async fn watch_store(
    flow: Flow,
    arrived: Arc<Notify>,
    ready: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    let mut changes = None;
    while !*stop.borrow() {
        match seen(&flow, &mut changes).await {
            Ok(true) => {
                arrived.notify_one();
                ready.notify_one();
            }
            Ok(false) => {}
            Err(error) => {
                // Without the watch the workers still look by themselves.
                tracing::error!(code = error.code(), "the store could not be watched: {error}");
                changes = None;
                tokio::time::sleep(PAUSE).await;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn seen(flow: &Flow, changes: &mut Option<Changes>) -> Result<bool, StoreFault> {
    match changes {
        Some(changes) => changes.seen().await,
        None => changes.insert(flow.store().changes().await?).seen().await,
    }
}

/// Looks for missing receipts, and for what a wrong clock put off, until `stop`.
pub(crate) async fn watch_receipts(flow: Flow, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = flow.look_for_receipts().await {
            tracing::error!(code = error.code(), "receipts could not be looked for: {error}");
        }
        if let Err(error) = flow.look_for_steps().await {
            tracing::error!(code = error.code(), "missing steps could not be looked for: {error}");
        }
        if let Err(error) = flow.bring_forward().await {
            tracing::error!(code = error.code(), "what is put off could not be looked at: {error}");
        }
        tokio::select! {
            () = tokio::time::sleep(RECEIPTS) => {}
            _ = stop.changed() => {}
        }
    }
}
