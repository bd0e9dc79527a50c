//! The worker that has the newest head of our log time-stamped, when it grew and the authority is reachable.

use crate::{Home, NodeError, TimeStampConfiguration, request_time_stamp};
use exchange::next_attempt;
use flow::{Flow, HeadToStamp};
use seal::{Certificate, TimeStampQuery};
use std::time::Duration;
use tokio::sync::watch;
use vocabulary::{Digest, Failure as _, Instant};

/// How often the log is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The least time between two time-stamps when the configuration names none.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Stamps heads until `stop`; does nothing when no authority is configured.
pub(crate) async fn stamp_heads(
    flow: Flow,
    home: Home,
    configuration: Option<TimeStampConfiguration>,
    mut stop: watch::Receiver<bool>,
) {
    let Some(configuration) = configuration else { return };
    let every = configuration.every_seconds.map_or(EVERY, Duration::from_secs);
    let (mut failed, mut next) = (0_u32, None::<Instant>);
    while !*stop.borrow() {
        if next.is_none_or(|next| flow.now() >= next) {
            match stamp(&flow, &home, &configuration, every).await {
                Ok(()) => (failed, next) = (0, None),
                Err(error) => {
                    tracing::warn!(code = error.code(), "no time-stamp on the head of the log: {error}");
                    next = Some(next_attempt(flow.now(), failed));
                    failed = failed.saturating_add(1);
                    if let Err(error) = flow.head_stamp_missing().await {
                        tracing::error!(code = error.code(), "{error}");
                    }
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn stamp(
    flow: &Flow,
    home: &Home,
    configuration: &TimeStampConfiguration,
    every: Duration,
) -> Result<(), NodeError> {
    let Some(head) = flow.head_to_stamp(every).await? else { return Ok(()) };
    // Read each time: a root that was replaced counts at once.
    let roots = home
        .authorities()?
        .iter()
        .map(|pem| Certificate::from_pem(pem))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| NodeError::Value { name: "time_stamp.roots", reason: error.to_string() })?;
    let answer = ask(&configuration.authority, &head).await?;
    let stamp = flow.keep_head_stamp(&head, &answer, &roots).await?;
    tracing::info!(
        size = head.size,
        demonstration = stamp.demonstration,
        "the head of the log is time-stamped"
    );
    Ok(())
}

async fn ask(authority: &str, head: &HeadToStamp) -> Result<Vec<u8>, NodeError> {
    let trouble = |reason: String| NodeError::TimeStamp { reason };
    let nonce = keys::random_bytes::<16>()?;
    let query = TimeStampQuery::new(Digest::of(head.text.as_bytes()), nonce);
    let bytes = query.to_der().map_err(|error| trouble(error.report().to_string()))?;
    let answer = request_time_stamp(authority, &bytes).await?;
    query.check_answer(&answer).map_err(|error| trouble(error.report().to_string()))?;
    Ok(answer)
}
