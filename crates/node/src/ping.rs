//! Asking the contact points of other States whether they are there, again and again.

use crate::Road;
use flow::{Flow, FlowError, PingKnown};
use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use vocabulary::{Failure as _, StateCode};

/// How soon a newly enrolled State is seen.
const LOOK: Duration = Duration::from_secs(1);
/// A State that was never asked is asked within so long.
const FIRST: Duration = Duration::from_secs(5 * 60);

/// Asks one contact point now and keeps what came of it.
pub async fn ping(flow: &Flow, road: &Road, state: StateCode) -> Result<PingKnown, FlowError> {
    let peer = flow.peer(state).await?;
    let question = flow.ping_question(state).await?;
    let began = Instant::now();
    match road.ping(&peer, question.signed.clone()).await {
        Ok(answer) => flow.ping_answered(&question, &answer, began.elapsed()).await,
        Err(trouble) => flow.ping_missed(&question, &trouble).await,
    }
}

/// Asks every contact point at its time until `stop`.
pub(crate) async fn ask(flow: Flow, road: Road, interval: Duration, mut stop: watch::Receiver<bool>) {
    let mut next: HashMap<StateCode, Instant> = HashMap::new();
    while !*stop.borrow() {
        match flow.peers().await {
            Ok(peers) => {
                for state in peers.iter().map(|peer| peer.state()) {
                    if let Entry::Vacant(vacant) = next.entry(state) {
                        vacant.insert(first(&flow, state, interval).await);
                    }
                }
            }
            Err(error) => tracing::error!(code = error.code(), "peers could not be read: {error}"),
        }
        let due: Vec<StateCode> =
            next.iter().filter(|(_, at)| **at <= Instant::now()).map(|(state, _)| *state).collect();
        for state in due {
            next.insert(state, Instant::now() + about(&flow, interval));
            let (flow, road) = (flow.clone(), road.clone());
            // A State that keeps silent does not delay the question to another.
            tokio::spawn(async move {
                match ping(&flow, &road, state).await {
                    Ok(known) => {
                        tracing::debug!(peer = %state, on_duty = known.on_duty, "asked the contact point");
                    }
                    // Nothing is asked of a State with which the exchange is stopped.
                    Err(FlowError::Halted { .. }) => {}
                    Err(error) => tracing::warn!(code = error.code(), peer = %state, "not asked: {error}"),
                }
            });
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => {}
        }
    }
}

/// After a restart a State is asked when it would have been asked, and soon when it never was.
async fn first(flow: &Flow, state: StateCode, interval: Duration) -> Instant {
    let pause = match flow.last_asked(state).await {
        Ok(Some(asked)) => about(flow, interval).saturating_sub(flow.now().since(asked)),
        _ => about(flow, interval.min(FIRST)) / 2,
    };
    Instant::now() + pause
}

/// A tenth more or less, so that States do not ask in step.
fn about(flow: &Flow, pause: Duration) -> Duration {
    pause.mul_f64(0.9 + 0.2 * flow.jitter().unwrap_or(0.5))
}
