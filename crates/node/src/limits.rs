//! How long a peer may take: the times after which the endpoint cuts a connection or a request.

use std::time::Duration;

/// The times of one endpoint; tests make them shorter, a node uses the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the head of a request, however slowly its bytes come, and for a connection without a request.
    pub head: Duration,
    /// In which an envelope must arrive and be answered, however slowly its bytes come.
    pub inbox: Duration,
    /// How long open connections may finish after the order to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            inbox: Duration::from_secs(30),
            grace: Duration::from_secs(5),
        }
    }
}
