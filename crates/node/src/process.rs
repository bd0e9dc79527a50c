//! `node serve`: one process for one folder, until it is told to stop.

use crate::{
    Home, Limits, NodeError, Road,
    error::disk,
    head_stamp,
    served::{ServedCounts, keep_counts},
    server::{Endpoint, router},
    serving::Turns,
    tls, work,
};
use axum_server::{Handle, tls_rustls::RustlsConfig};
use flow::Flow;
use std::{
    fs::{File, TryLockError},
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};
use vocabulary::Failure as _;

/// How soon a newly enrolled peer is let in.
const ENROLMENT: Duration = Duration::from_millis(500);

/// A node that serves; dropped, it goes on until the process ends.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    handle: Handle<SocketAddr>,
    server: JoinHandle<std::io::Result<()>>,
    workers: Vec<JoinHandle<()>>,
    flow: Flow,
    grace: Duration,
    /// Held for as long as the node serves.
    _lock: File,
}

/// Starts the peer endpoint and the workers of the node in `home`.
pub async fn serve(home: &Home) -> Result<Running, NodeError> {
    serve_with(home, home.flow().await?, Limits::default()).await
}

/// As `serve`, with the given clock and store inside `flow`, and other times for peers.
pub async fn serve_with(home: &Home, flow: Flow, limits: Limits) -> Result<Running, NodeError> {
    let lock = lock(home)?;
    let listen = &home.configuration.listen;
    let fault = |source| NodeError::Listen { address: listen.clone(), source };
    let listener = TcpListener::bind(listen).map_err(fault)?;
    listener.set_nonblocking(true).map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    let config = RustlsConfig::from_config(tls::server_config(&flow).await?);
    let (arrived, ready) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let served = ServedCounts::default();
    let endpoint = Endpoint {
        flow: flow.clone(),
        served: served.clone(),
        turns: Turns::default(),
        arrived: Arc::clone(&arrived),
        descriptor: Arc::new(std::fs::read(home.folder.path().join("descriptor.p7m")).ok()),
    };
    let handle = Handle::new();
    let server = axum_server::from_tcp_rustls(listener, config.clone()).map_err(fault)?;
    let mut server = server
        .map(|acceptor| acceptor.handshake_timeout(limits.handshake))
        .first_request_timeout(limits.head)
        .handle(handle.clone());
    server
        .http_builder()
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(limits.head)
        .http2()
        .timer(hyper_util::rt::TokioTimer::new())
        .max_concurrent_streams(64)
        .keep_alive_interval(Some(Duration::from_secs(20)));
    let service = router(endpoint, limits).into_make_service();
    let server = tokio::spawn(async move { server.serve(service).await });

    let (stop, stopped) = watch::channel(false);
    let road = Road::new(flow.clone()).at(home.configuration.transfer.pace());
    let workers = vec![
        tokio::spawn(work::watch_store(
            flow.clone(),
            Arc::clone(&arrived),
            Arc::clone(&ready),
            stopped.clone(),
        )),
        tokio::spawn(work::desk(flow.clone(), road.clone(), arrived, Arc::clone(&ready), stopped.clone())),
        tokio::spawn(work::post(flow.clone(), road, ready, stopped.clone())),
        tokio::spawn(work::watch_receipts(flow.clone(), stopped.clone())),
        tokio::spawn(head_stamp::stamp_heads(
            flow.clone(),
            home.clone(),
            home.configuration.time_stamp.clone(),
            stopped.clone(),
        )),
        tokio::spawn(keep_counts(flow.clone(), served, stopped.clone())),
        tokio::spawn(let_in(flow.clone(), config, stopped)),
    ];
    tracing::info!(%address, state = %flow.us(), "serving");
    Ok(Running { address, stop, handle, server, workers, flow, grace: limits.grace, _lock: lock })
}

impl Running {
    /// Stops taking connections, lets the workers end their round and closes the database.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        self.handle.graceful_shutdown(Some(self.grace));
        let _ = self.server.await;
        for worker in self.workers {
            let _ = worker.await;
        }
        self.flow.store().close().await;
    }
}

/// One process serves a folder.
fn lock(home: &Home) -> Result<File, NodeError> {
    let path = home.folder.path().join("serve.lock");
    let file = File::create(&path).map_err(|source| disk(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(NodeError::Locked { path: home.folder.path().display().to_string() })
        }
        Err(TryLockError::Error(source)) => Err(disk(&path, source)),
    }
}

/// Gives the endpoint the roots of newly enrolled peers.
async fn let_in(flow: Flow, config: RustlsConfig, mut stop: watch::Receiver<bool>) {
    let mut known = roots(&flow).await;
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(ENROLMENT) => {}
            _ = stop.changed() => {}
        }
        let now = roots(&flow).await;
        if now.is_some() && now != known {
            match tls::server_config(&flow).await {
                Ok(new) => {
                    config.reload_from_config(new);
                    known = now;
                }
                Err(error) => tracing::error!(code = error.code(), "peers could not be let in: {error}"),
            }
        }
    }
}

async fn roots(flow: &Flow) -> Option<Vec<String>> {
    let peers = flow.peers().await.ok()?;
    Some(peers.iter().map(|peer| peer.fingerprint().to_string()).collect())
}
