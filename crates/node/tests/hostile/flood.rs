//! Too much and too slow: cut off early, with little memory, while others are served.

use crate::fixture::{Answer, Node, World, client, post, tls_to};
use futures_util::StreamExt as _;
use node::Limits;
use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::{JoinSet, spawn_blocking};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
/// What the node may need for all of it, with the client of the test in the same process.
const MEMORY: u64 = 64 * MIB;

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// The resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Connections of one node to another, for those who do not speak HTTP well.
pub(crate) struct Rude {
    address: String,
    config: Arc<rustls::ClientConfig>,
}

impl Rude {
    fn new(world: &World) -> Self {
        Self::from_to(&world.b, &world.a)
    }

    pub(crate) fn from_to(from: &Node, to: &Node) -> Self {
        let mut config = tls_to(to, Some(from.identity()));
        config.alpn_protocols.clear();
        Self { address: to.address().to_owned(), config: Arc::new(config) }
    }

    pub(crate) fn connect(&self) -> Stream {
        let host = ServerName::try_from(self.address.split(':').next().unwrap().to_owned()).unwrap();
        let socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        socket.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut stream =
            StreamOwned::new(ClientConnection::new(Arc::clone(&self.config), host).unwrap(), socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream
    }
}

/// Writes `piece` every `pause` until the node cuts or answers; returns how long that took and the answer.
fn drip(stream: &mut Stream, piece: &[u8], pause: Duration) -> (Duration, Vec<u8>) {
    let began = Instant::now();
    stream.sock.set_read_timeout(Some(pause)).unwrap();
    let mut answer = Vec::new();
    loop {
        assert!(began.elapsed() < Duration::from_secs(20), "never cut");
        let written = stream.write_all(piece).and_then(|()| stream.flush());
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(0) => return (began.elapsed(), answer),
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                if written.is_err() {
                    return (began.elapsed(), answer);
                }
            }
            Err(_) => return (began.elapsed(), answer),
        }
    }
}

/// Sends blocks until the node has had enough; returns the bytes that went out and the answer.
fn pour(stream: &mut Stream, head: &str, chunked: bool) -> (u64, Vec<u8>) {
    let block = vec![b'['; 64 << 10];
    let mut sent = 0;
    stream.write_all(head.as_bytes()).unwrap();
    while sent < 10 * GIB {
        let written = if chunked {
            write!(stream, "{:x}\r\n", block.len())
                .and_then(|()| stream.write_all(&block))
                .and_then(|()| stream.write_all(b"\r\n"))
        } else {
            stream.write_all(&block)
        };
        if written.and_then(|()| stream.flush()).is_err() {
            break;
        }
        sent += block.len() as u64;
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (sent, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_gigabytes_are_cut_off_early_with_little_memory_while_others_are_served() {
    let mut world = World::alone().await;
    world.a.start().await;
    world.still_works().await;
    let before = (world.a.mark().await, resident());
    let rude = Arc::new(Rude::new(&world));
    let mut floods = JoinSet::new();
    for number in 0..8 {
        let rude = Arc::clone(&rude);
        floods.spawn(spawn_blocking(move || {
            let chunked = number % 2 == 1;
            let length = if chunked {
                "transfer-encoding: chunked".to_owned()
            } else {
                format!("content-length: {}", 10 * GIB)
            };
            let head = format!("POST /v1/inbox HTTP/1.1\r\nhost: node\r\n{length}\r\n\r\n");
            pour(&mut rude.connect(), &head, chunked)
        }));
    }
    let served = Instant::now();
    let honest = world.c.plant_words(&world.a).await;
    world.c.deliver(&world.a, honest).await;
    assert!(served.elapsed() < Duration::from_secs(5), "{:?}", served.elapsed());
    let mut peak = resident();
    while let Some(done) = floods.join_next().await {
        let (sent, _) = done.unwrap().unwrap();
        assert!(sent < 64 * MIB, "{sent} bytes were taken");
        peak = peak.max(resident());
    }

    // The same over HTTP/2, where the length may be left out or said.
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'['; 64 << 10]));
    let body = reqwest::Body::wrap_stream(endless.take((10 * GIB / (64 << 10)) as usize));
    let request = world.b.client(&world.a).post(world.a.url("/v1/inbox")).body(body).send();
    match request.await {
        Ok(response) => {
            let answer = crate::fixture::answer(response).await;
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "P-510"));
        }
        // The node may close the stream before the answer is read.
        Err(error) => assert!(!error.is_timeout(), "{error:?}"),
    }
    peak = peak.max(resident());
    let grown = peak.saturating_sub(before.1);
    println!("resident memory grew by {} KiB", grown >> 10);
    assert!(grown < MEMORY, "{} MiB", grown / MIB);

    let mark = world.a.mark().await;
    crate::fixture::at_rest(&world.a).await;
    assert_eq!(world.a.audit().await.received, 2, "the honest two: {mark:?}");
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_it_is_too_long_is_refused_before_it_is_read() {
    let mut world = World::new().await;
    world.a.start().await;
    let before = world.a.mark().await;
    let rude = Rude::new(&world);
    let answer = spawn_blocking(move || {
        let mut stream = rude.connect();
        let head = format!("POST /v1/inbox HTTP/1.1\r\nhost: node\r\ncontent-length: {}\r\n\r\n", 10 * GIB);
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await
    .unwrap();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("P-510"), "{answer}");
    assert_eq!(world.a.mark().await, before);

    // One byte more than the longest envelope, and exactly the longest.
    for (length, status, code) in
        [(exchange::MAX_ENVELOPE_BYTES + 1, 413, "P-510"), (exchange::MAX_ENVELOPE_BYTES, 422, "P-511")]
    {
        let answer: Answer = post(&world.b.client(&world.a), &world.a, vec![b' '; length]).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code));
    }
    assert_eq!(world.a.mark().await, before);
    world.still_works().await;
}

fn short() -> Limits {
    let second = Duration::from_secs(1);
    Limits { handshake: second, head: second, inbox: second * 2, ..Limits::default() }
}

#[test]
fn the_times_of_a_real_node_are_not_shorter_than_a_slow_line_needs_nor_without_end() {
    let limits = Limits::default();
    assert_eq!(limits.handshake, Duration::from_secs(10));
    assert_eq!(limits.head, Duration::from_secs(10));
    assert_eq!(limits.inbox, Duration::from_secs(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_one_byte_at_a_time_is_cut_off() {
    let mut world = World::new().await;
    world.a.limits = short();
    world.a.start().await;
    let before = world.a.mark().await;
    let get = b"GET /nothing HTTP/1.1\r\nhost: node\r\n\r\n";
    let post = b"POST /v1/inbox HTTP/1.1\r\nhost: node\r\ncontent-length: 5000\r\n\r\n";
    let tick = Duration::from_millis(100);
    // What is sent at once, what then comes again and again, and how the connection ends.
    let cases: [(&str, &[u8], &[u8], &str); 7] = [
        ("silence after the handshake", b"", b"", ""),
        ("a head", b"POST /v1/inbox HTTP/1.1\r\nx: ", b"x", ""),
        ("a head without end", b"GET / HTTP/1.1\r\n", b"a: b\r\n", ""),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\n", b"", ""),
        ("a second head", get, b"", "404"),
        ("a body", post, b"[", "408"),
        ("silence instead of a body", post, b"", "408"),
    ];
    let mut drips = JoinSet::new();
    for (what, first, then, status) in cases {
        let rude = Rude::new(&world);
        drips.spawn(spawn_blocking(move || {
            let mut stream = rude.connect();
            stream.write_all(first).unwrap();
            let (took, answer) = drip(&mut stream, then, tick);
            (what, took, String::from_utf8_lossy(&answer).into_owned(), status)
        }));
    }
    // Before TLS: nobody shakes hands for ever.
    let address = world.a.address().to_owned();
    drips.spawn(spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let began = Instant::now();
        let ended = socket.read(&mut [0; 64]);
        assert!(matches!(ended, Ok(0) | Err(_)));
        ("silence instead of a handshake", began.elapsed(), String::new(), "")
    }));
    let honest = world.c.plant_words(&world.a).await;
    world.c.deliver(&world.a, honest).await;
    while let Some(done) = drips.join_next().await {
        let (what, took, answer, status) = done.unwrap().unwrap();
        println!("{what}: {took:?} {}", answer.lines().next().unwrap_or_default());
        assert!(took < Duration::from_secs(6), "{what} was cut after {took:?}: {answer}");
        assert!(status.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {answer}");
    }
    assert_ne!(world.a.mark().await, before, "the honest one came through");
    assert_eq!(world.a.audit().await.received, 1);
    world.still_works().await;
}

/// HTTP/2 has its own ways of being slow.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_over_http_2_is_cut_off() {
    let mut world = World::new().await;
    world.a.limits = short();
    world.a.start().await;
    let slow = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some((Ok::<_, std::io::Error>(vec![b'[']), ()))
    });
    let began = Instant::now();
    let body = reqwest::Body::wrap_stream(slow.take(500));
    let answer = post(&world.b.client(&world.a), &world.a, body).await;
    assert_eq!(answer.status.as_u16(), 408);
    assert!(began.elapsed() < Duration::from_secs(6));
    assert_eq!(world.a.audit().await.received, 0);
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_idle_connections_do_not_stop_honest_ones() {
    let mut world = World::new().await;
    world.a.start().await;
    let address = world.a.address().to_owned();
    let rude = Rude::new(&world);
    let idle = spawn_blocking(move || {
        let bare: Vec<TcpStream> = (0..150).map(|_| TcpStream::connect(&address).unwrap()).collect();
        let through: Vec<Stream> = (0..50).map(|_| rude.connect()).collect();
        (bare, through)
    })
    .await
    .unwrap();
    let began = Instant::now();
    let fresh = client(tls_to(&world.a, Some(world.c.identity())));
    let honest = world.c.plant_words(&world.a).await;
    let answer = post(&fresh, &world.a, world.c.envelope(honest).await).await;
    assert!(world.c.flow.settle(honest, &answer.receipt()).await.unwrap().first);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(idle);
    world.still_works().await;
}
