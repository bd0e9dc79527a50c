//! The workers: open what arrived, discharge duties, hand envelopes over, fetch packages, watch the clocks.

use crate::{Road, fetch};
use exchange::{ProofRoad, RoadTrouble};
use flow::{Attempt, Flow, FlowError};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{Changes, StoreFault};
use tokio::{
    sync::{Notify, watch},
    task::{self, JoinSet},
};
use vocabulary::{Failure as _, Family, FileId, PackageId, StateCode};

/// How soon work that has come due is seen.
const PAUSE: Duration = Duration::from_millis(100);
/// How soon work that another program of this node left is seen; a look costs a few microseconds.
const LOOK: Duration = Duration::from_millis(5);
/// Packages fetched at the same time.
const FETCHES_MAX: usize = 2;
/// How long a peer is left alone when our own machine failed.
const TROUBLE: Duration = Duration::from_secs(1);
/// How long attempts under way may take after the order to stop.
const GRACE: Duration = Duration::from_secs(5);
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

/// Hands envelopes over until `stop`: in order to one peer, and no peer waits for another.
pub(crate) async fn post(flow: Flow, road: Road, ready: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    let mut rounds = JoinSet::new();
    // To whom a round is under way, by its task.
    let mut under_way: HashMap<task::Id, StateCode> = HashMap::new();
    while !*stop.borrow() {
        for (peer, attempts) in due_by_peer(&flow).await {
            if !under_way.values().any(|known| *known == peer) {
                let round = hand_over_all(flow.clone(), road.clone(), attempts, stop.clone());
                under_way.insert(rounds.spawn(round).id(), peer);
            }
        }
        // What is committed while envelopes go out is mostly their receipts: that wakes nobody.
        let idle = under_way.is_empty();
        tokio::select! {
            Some(ended) = rounds.join_next_with_id() => {
                under_way.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
            }
            () = ready.notified(), if idle => {}
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.changed() => {}
        }
    }
    // A peer that keeps silent does not keep the node from stopping; what it took is receipted the next time.
    let ended = async { while rounds.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, ended).await;
}

async fn due_by_peer(flow: &Flow) -> BTreeMap<StateCode, Vec<Attempt>> {
    let mut by_peer: BTreeMap<StateCode, Vec<Attempt>> = BTreeMap::new();
    match flow.attempts_due().await {
        Ok(due) => due.into_iter().for_each(|attempt| by_peer.entry(attempt.peer).or_default().push(attempt)),
        Err(error) => tracing::error!(code = error.code(), "the outbox could not be read: {error}"),
    }
    by_peer
}

/// One round to one peer; it ends where the peer cannot be reached.
async fn hand_over_all(flow: Flow, road: Road, attempts: Vec<Attempt>, stop: watch::Receiver<bool>) {
    for attempt in attempts {
        if *stop.borrow() || !hand_over(&flow, &road, &attempt).await {
            break;
        }
    }
}

/// One attempt; false when the peer cannot be reached now.
async fn hand_over(flow: &Flow, road: &Road, attempt: &Attempt) -> bool {
    match attempted(flow, road, attempt).await {
        Ok(reached) => reached,
        Err(error) => {
            tracing::error!(code = error.code(), "an envelope could not be handed over: {error}");
            // What came of the attempt could not be written, so nothing puts the next one off.
            tokio::time::sleep(TROUBLE).await;
            false
        }
    }
}

async fn attempted(flow: &Flow, road: &Road, attempt: &Attempt) -> Result<bool, FlowError> {
    let peer = flow.peer(attempt.peer).await?;
    let mut answer = road.hand_over(&peer, flow.envelope_bytes(attempt.envelope).await?).await;
    if let Err(RoadTrouble::ProveFrom(head)) = &answer {
        // The receipt in which the peer told us was lost: once more, with the proof that it asks for.
        if let Err(error) = flow.challenged(attempt.peer, head).await {
            flow.attempt_failed(attempt, &format!("{}: {error}", error.code())).await?;
            return Ok(false);
        }
        answer = road.hand_over(&peer, flow.envelope_bytes(attempt.envelope).await?).await;
    }
    if answer.as_ref().is_err_and(RoadTrouble::was_taken) {
        flow.relayed(attempt.envelope, ProofRoad::Https).await?;
    }
    match answer {
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
        Err(RoadTrouble::Later(trouble) | RoadTrouble::Taken(trouble)) => {
            tracing::info!(envelope = %attempt.envelope, "not delivered yet: {trouble}");
            flow.attempt_failed(attempt, &trouble).await?;
            Ok(false)
        }
        Err(RoadTrouble::ProveFrom(head)) => {
            flow.attempt_failed(attempt, &format!("P-528: a proof from the head of {} leaves", head.size))
                .await?;
            Ok(false)
        }
        Err(RoadTrouble::Halted) => {
            flow.attempt_halted(attempt).await?;
            Ok(false)
        }
        Err(RoadTrouble::Refused(report)) => {
            flow.attempt_refused(attempt, &report).await?;
            Ok(true)
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
