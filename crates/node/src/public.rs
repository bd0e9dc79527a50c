//! The log for strangers: signed head, tiles and entries without content, and the door for witness requests.

use crate::Limits;
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use flow::{Flow, FlowError};
use futures_util::StreamExt as _;
use ledger::{
    Tile, WitnessRefusal,
    tile::MAX_TILE_PATH_BYTES,
    witness::{MAX_ADD_CHECKPOINT_BYTES, SIZE_MEDIA_TYPE},
};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use vocabulary::Failure as _;

/// Requests of strangers that are here at the same time; more are told to come again.
const WAITING_MAX: usize = 64;
/// Of these, how many use the database at the same time: the exchange with peers has its own connections left.
const WORKING_MAX: usize = 2;
/// A head is new every moment; a tile with its width never changes.
const HEAD_CACHE: &str = "public, max-age=2";
const TILE_CACHE: &str = "public, max-age=31536000, immutable";
const TEXT: &str = "text/plain; charset=utf-8";

/// Who decides on witness requests.
pub(crate) trait Witness: Clone + Send + Sync + 'static {
    /// The lines with cosignatures, given only once they are durable.
    fn add_checkpoint(&self, body: Vec<u8>) -> impl Future<Output = Result<String, FlowError>> + Send;
}

impl Witness for Flow {
    async fn add_checkpoint(&self, body: Vec<u8>) -> Result<String, FlowError> {
        self.witness(&body).await
    }
}

/// Turns for strangers: some wait, few work, and the rest goes away.
#[derive(Debug, Clone)]
struct Door {
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            working: Arc::new(Semaphore::new(WORKING_MAX)),
        }
    }
}

impl Door {
    async fn enter(&self) -> Option<[OwnedSemaphorePermit; 2]> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().ok()?;
        let working = Arc::clone(&self.working).acquire_owned().await.ok()?;
        Some([waiting, working])
    }
}

#[derive(Clone)]
struct Log {
    flow: Flow,
    door: Door,
    /// The size of the largest head that was shown: no smaller one is shown after it.
    shown: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Witnessing<W> {
    witness: W,
    door: Door,
}

/// The public log of a node, which is a witness of its peers' logs too.
pub(crate) fn log_router(flow: Flow, limits: Limits) -> Router {
    let door = Door::default();
    let log = Log { flow: flow.clone(), door: door.clone(), shown: Arc::default() };
    Router::new()
        .route("/checkpoint", get(head))
        .route("/tile/{*path}", get(tile))
        .with_state(log)
        .merge(witness_routes(flow, door))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.inbox))
        .layer(CatchPanicLayer::new())
}

/// A witness without a log of its own.
pub(crate) fn witness_router(witness: impl Witness, limits: Limits) -> Router {
    witness_routes(witness, Door::default())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.inbox))
        .layer(CatchPanicLayer::new())
}

fn witness_routes<W: Witness>(witness: W, door: Door) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint::<W>))
        .with_state(Witnessing { witness, door })
        .fallback(|| async { StatusCode::NOT_FOUND })
}

async fn head(State(log): State<Log>) -> Response {
    let Some(_turn) = log.door.enter().await else { return busy() };
    match log.flow.published(log.shown.load(Ordering::SeqCst)).await {
        Ok((size, note)) => {
            log.shown.fetch_max(size, Ordering::SeqCst);
            public(TEXT, HEAD_CACHE, note.into_bytes())
        }
        Err(error) => fault(&error),
    }
}

async fn tile(State(log): State<Log>, Path(path): Path<String>) -> Response {
    if path.len() > MAX_TILE_PATH_BYTES {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(tile) = format!("tile/{path}").parse::<Tile>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(_turn) = log.door.enter().await else { return busy() };
    match log.flow.tile(tile).await {
        Ok(Some(bytes)) => public("application/octet-stream", TILE_CACHE, bytes),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => fault(&error),
    }
}

async fn add_checkpoint<W: Witness>(State(state): State<Witnessing<W>>, body: Body) -> Response {
    let Some(body) = read(body).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let Some(_turn) = state.door.enter().await else { return busy() };
    match state.witness.add_checkpoint(body).await {
        Ok(lines) => ([(header::CONTENT_TYPE, TEXT)], lines).into_response(),
        Err(FlowError::Witness(refusal)) => refused(&refusal),
        // Nothing is cosigned for a State with which the exchange is stopped.
        Err(FlowError::Halted { .. }) => StatusCode::FORBIDDEN.into_response(),
        Err(error) => fault(&error),
    }
}

fn refused(refusal: &WitnessRefusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    tracing::info!(code = refusal.code(), status = status.as_u16(), "not cosigned");
    match refusal {
        WitnessRefusal::Stale { size } => {
            (status, [(header::CONTENT_TYPE, SIZE_MEDIA_TYPE)], format!("{size}\n")).into_response()
        }
        _ => (status, [(header::CONTENT_TYPE, TEXT)], format!("{}: {refusal}\n", refusal.code()))
            .into_response(),
    }
}

/// Reads what may be a request to a witness and stops where none can go on.
async fn read(body: Body) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.ok()?;
        if bytes.len() + chunk.len() > MAX_ADD_CHECKPOINT_BYTES {
            return None;
        }
        bytes.extend_from_slice(&chunk);
    }
    Some(bytes)
}

fn public(kind: &'static str, cache: &'static str, body: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, body).into_response()
}

fn busy() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response()
}

/// Strangers learn nothing of what is wrong here.
fn fault(error: &FlowError) -> Response {
    tracing::error!(code = error.code(), "the public log cannot answer: {error}");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
