//! A bad line: a TCP relay that delays, throttles, splits, cuts, resets, swallows and remembers nothing.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What the line does to a connection from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    Clean,
    /// Every piece comes late.
    Delayed(Duration),
    /// So many bytes in a tenth of a second.
    Throttled(usize),
    /// Pieces of so many bytes, each in a segment of its own.
    Split(usize),
    /// Both directions end after so many bytes of the request.
    RequestCut(usize),
    /// Both directions end after so many bytes of the answer.
    AnswerCut(usize),
    /// The requests arrive, nothing comes back, and the line stays open until the fault is over.
    AnswersLost,
    /// Taken and never spoken to, until the fault is over.
    BlackHole,
    /// Taken and reset: the bytes of the caller are never read.
    Reset,
}

impl Fault {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Delayed(_) => "delayed",
            Self::Throttled(_) => "throttled",
            Self::Split(_) => "split",
            Self::RequestCut(_) => "request_cut",
            Self::AnswerCut(_) => "answer_cut",
            Self::AnswersLost => "answers_lost",
            Self::BlackHole => "black_hole",
            Self::Reset => "reset",
        }
    }
}

#[derive(Debug)]
struct Line {
    /// With the number of changes, so that a fault that is over is noticed.
    fault: (Fault, u64),
    hit: BTreeMap<&'static str, usize>,
    open: Vec<TcpStream>,
}

/// A relay from one address to another; dropped, it ends all its connections.
#[derive(Debug)]
pub(crate) struct Proxy {
    line: Arc<Mutex<Line>>,
    ended: Arc<AtomicBool>,
    address: String,
}

impl Proxy {
    pub(crate) fn start(address: &str, to: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let line = Line { fault: (Fault::Clean, 0), hit: BTreeMap::new(), open: Vec::new() };
        let (line, ended) = (Arc::new(Mutex::new(line)), Arc::new(AtomicBool::new(false)));
        let (shared, over, to) = (Arc::clone(&line), Arc::clone(&ended), to.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let (shared, to) = (Arc::clone(&shared), to.clone());
                // A line that breaks is what this is for.
                thread::spawn(move || drop(relay(client, &to, &shared)));
            }
        });
        Self { line, ended, address: address.to_owned() }
    }

    /// The fault of every connection from now on; those that are open end, unless the line only becomes slower.
    pub(crate) fn set(&self, fault: Fault) {
        let mut line = self.line.lock().unwrap();
        line.fault = (fault, line.fault.1 + 1);
        for stream in line.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How many connections each fault has hit.
    pub(crate) fn hit(&self) -> BTreeMap<&'static str, usize> {
        self.line.lock().unwrap().hit.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        self.set(Fault::Clean);
        let _ = TcpStream::connect(&self.address);
    }
}

fn relay(client: TcpStream, to: &str, line: &Arc<Mutex<Line>>) -> io::Result<()> {
    let (fault, turn) = {
        let mut line = line.lock().unwrap();
        line.open.push(client.try_clone()?);
        let fault = line.fault.0;
        *line.hit.entry(fault.name()).or_default() += 1;
        line.fault
    };
    client.set_nodelay(true)?;
    match fault {
        // Unread bytes make the system answer with a reset.
        Fault::Reset => {
            let mut first = [0];
            client.peek(&mut first)?;
            return Ok(());
        }
        Fault::BlackHole => {
            until_over(line, turn);
            return client.shutdown(Shutdown::Both);
        }
        _ => {}
    }
    let server = TcpStream::connect(to)?;
    server.set_nodelay(true)?;
    line.lock().unwrap().open.push(server.try_clone()?);
    if fault == Fault::AnswersLost {
        return lose_answers(&client, &server, line, turn);
    }
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let requests = thread::spawn(move || {
        let most = if let Fault::RequestCut(most) = fault { most } else { usize::MAX };
        carry(from_client, to_server, fault, most)
    });
    let most = match fault {
        Fault::AnswerCut(most) => most,
        _ => usize::MAX,
    };
    let _ = carry(server.try_clone()?, client.try_clone()?, fault, most);
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    let _ = requests.join();
    Ok(())
}

fn until_over(line: &Mutex<Line>, turn: u64) {
    let began = Instant::now();
    while line.lock().unwrap().fault.1 == turn && began.elapsed() < Duration::from_secs(600) {
        thread::sleep(Duration::from_millis(10));
    }
}

/// The handshake and the requests go through; what the server says after the handshake is swallowed.
fn lose_answers(client: &TcpStream, server: &TcpStream, line: &Mutex<Line>, turn: u64) -> io::Result<()> {
    let asked = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| carry_handshake(server, client, &asked));
        scope.spawn(|| carry_requests(client, server, &asked));
        until_over(line, turn);
        // Both threads end with their streams.
        let _ = client.shutdown(Shutdown::Both);
        server.shutdown(Shutdown::Both)
    })
}

/// The server's first flight is what the client needs to send its own ciphered flight (RFC 8446, 2): what comes until
/// then goes through, in however many pieces; what comes later is swallowed.
fn carry_handshake(mut from: &TcpStream, mut to: &TcpStream, asked: &AtomicBool) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        if !asked.load(Ordering::SeqCst) {
            to.write_all(&buffer[..length])?;
        }
    }
}

/// Carries what the client says, and notes when it sent its first ciphered record.
fn carry_requests(mut from: &TcpStream, mut to: &TcpStream, asked: &AtomicBool) -> io::Result<()> {
    const APPLICATION_DATA: u8 = 23;
    let mut head = [0; 5];
    loop {
        from.read_exact(&mut head)?;
        let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        from.read_exact(&mut record)?;
        if head[0] == APPLICATION_DATA {
            asked.store(true, Ordering::SeqCst);
        }
        to.write_all(&[&head[..], &record].concat())?;
    }
}

/// Carries bytes until one side ends or `most` have gone; then both ends are shut.
fn carry(mut from: TcpStream, mut to: TcpStream, fault: Fault, most: usize) -> io::Result<()> {
    let (mut buffer, mut gone) = (vec![0; 1 << 16], 0);
    let done = loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(length) => length.min(most - gone),
            Err(error) => break Err(error),
        };
        gone += length;
        if let Err(error) = forward(&mut to, &buffer[..length], fault) {
            break Err(error);
        }
        if gone == most {
            let _ = from.shutdown(Shutdown::Both);
            break Ok(());
        }
    };
    let _ = to.shutdown(if gone == most { Shutdown::Both } else { Shutdown::Write });
    done
}

fn forward(to: &mut TcpStream, bytes: &[u8], fault: Fault) -> io::Result<()> {
    match fault {
        Fault::Delayed(pause) => {
            thread::sleep(pause);
            to.write_all(bytes)
        }
        Fault::Throttled(most) => bytes.chunks(most).try_for_each(|piece| {
            thread::sleep(Duration::from_millis(100));
            to.write_all(piece)
        }),
        Fault::Split(most) => bytes.chunks(most).try_for_each(|piece| {
            thread::sleep(Duration::from_micros(200));
            to.write_all(piece)
        }),
        _ => to.write_all(bytes),
    }
}
