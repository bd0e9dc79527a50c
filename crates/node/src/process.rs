//! `node serve`: one process for one folder, until it is told to stop.

use crate::{
    Caller, Home, Limits, NodeError, Road,
    descriptor::Exported,
    error::disk,
    head_stamp,
    listener::{Listener, listen},
    ping,
    public::log_router,
    renewal, ringing,
    served::{ServedCounts, keep_counts},
    server::{Endpoint, router},
    serving::Turns,
    tls,
    witnesses::{AskedWitness, keep_witnessed},
    work,
};
use axum_server::tls_rustls::RustlsConfig;
use flow::Flow;
use std::{
    fs::{File, TryLockError},
    net::SocketAddr,
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
    /// Where anybody can follow the log, when it is served.
    pub log_address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    sockets: Vec<Listener>,
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
    let config = RustlsConfig::from_config(tls::server_config(&flow).await?);
    let (arrived, ready) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let served = ServedCounts::default();
    let endpoint = Endpoint {
        flow: flow.clone(),
        served: served.clone(),
        turns: Turns::default(),
        arrived: Arc::clone(&arrived),
        descriptor: Exported::new(home.folder.path()),
    };
    let peers = listen(&home.configuration.listen, Some(config.clone()), router(endpoint, limits), limits)?;
    let public = match &home.configuration.log.listen {
        Some(address) => {
            let config = RustlsConfig::from_config(tls::public_server_config(&flow)?);
            Some(listen(address, Some(config), log_router(flow.clone(), limits), limits)?)
        }
        None => None,
    };

    let desk = &home.configuration.desk;
    let (stop, stopped) = watch::channel(false);
    let road = Road::new(flow.clone()).at(home.configuration.transfer.pace());
    let mut workers = vec![
        tokio::spawn(work::watch_store(
            flow.clone(),
            Arc::clone(&arrived),
            Arc::clone(&ready),
            stopped.clone(),
        )),
        tokio::spawn(work::desk(flow.clone(), road.clone(), arrived, Arc::clone(&ready), stopped.clone())),
        tokio::spawn(work::post(flow.clone(), road.clone(), ready, stopped.clone())),
        tokio::spawn(renewal::renew(flow.clone(), road.clone(), stopped.clone())),
        tokio::spawn(ping::ask(flow.clone(), road, desk.ping_interval(), stopped.clone())),
        tokio::spawn(ringing::ring(
            flow.clone(),
            Caller::new(desk, home.folder.path(), flow.zone()),
            desk.times(),
            stopped.clone(),
        )),
        tokio::spawn(work::watch_receipts(flow.clone(), stopped.clone())),
        tokio::spawn(head_stamp::stamp_heads(
            flow.clone(),
            home.clone(),
            home.configuration.time_stamp.clone(),
            stopped.clone(),
        )),
        tokio::spawn(keep_counts(flow.clone(), served, stopped.clone())),
        tokio::spawn(let_in(flow.clone(), config, stopped.clone())),
    ];
    for witness in &home.configuration.log.witnesses {
        let asked = AskedWitness::of(witness, home.folder.path(), &flow).await?;
        workers.push(tokio::spawn(keep_witnessed(flow.clone(), asked, stopped.clone())));
    }
    let (address, log_address) = (peers.address, public.as_ref().map(|public| public.address));
    tracing::info!(%address, state = %flow.us(), "serving");
    let sockets = std::iter::once(peers).chain(public).collect();
    Ok(Running { address, log_address, stop, sockets, workers, flow, grace: limits.grace, _lock: lock })
}

impl Running {
    /// Stops taking connections, lets the workers end their round and closes the database.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let ends = self.sockets.into_iter().map(|socket| socket.stop(self.grace));
        futures_util::future::join_all(ends).await;
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

/// Gives the endpoint the roots of newly enrolled peers, and its own new certificate.
async fn let_in(flow: Flow, config: RustlsConfig, mut stop: watch::Receiver<bool>) {
    let mut known = shown(&flow).await;
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(ENROLMENT) => {}
            _ = stop.changed() => {}
        }
        let now = shown(&flow).await;
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

/// Of the peers' roots and of the node's own certificate.
async fn shown(flow: &Flow) -> Option<Vec<String>> {
    let peers = flow.peers().await.ok()?;
    let own = flow.keys().tls_certificate_pem().ok()?;
    Some(peers.iter().map(|peer| peer.fingerprint().to_string()).chain([own]).collect())
}
