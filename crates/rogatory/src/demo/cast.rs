//! Two States, two node processes, four officers.

use crate::{command::node::InitArguments, demo::narrator::Narrator};
use anyhow::{Context as _, bail};
use flow::{Credential, Enrolled, Flow, NewOfficer};
use mandate::Role;
use node::Home;
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// How long a node may take to say that it serves.
const START_TIME: Duration = Duration::from_secs(30);
const STOP_TIME: Duration = Duration::from_secs(10);

/// One State of the demonstration.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) home: Home,
    pub(crate) flow: Flow,
    /// Writes, proposes, executes and opens.
    pub(crate) first: Credential,
    /// Approves and decides.
    pub(crate) second: Credential,
    process: Child,
}

#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) place: PathBuf,
    pub(crate) a: State,
    pub(crate) b: State,
}

impl Cast {
    pub(crate) async fn assemble(place: &Path, narrator: &mut Narrator) -> anyhow::Result<Self> {
        let a = make(place, "a", ("XA", "Aldonia", "Europe/Paris"), ["ana.cruz", "li.wei"]).await?;
        let b = make(place, "b", ("XB", "Beremia", "Asia/Ho_Chi_Minh"), ["minh.tran", "sara.noor"]).await?;
        narrator.step(
            "A B",
            "Art. 40(12), 41(1)",
            "two States: keys, certificates, databases, offices, four officers",
        );
        let (of_a, of_b) = (descriptor(&a.0)?, descriptor(&b.0)?);
        let known = enrol(&a.0.flow, &of_b).await? && enrol(&b.0.flow, &of_a).await?;
        if !known {
            bail!("a State was enrolled before the demonstration began");
        }
        narrator.step(
            "A B",
            "Art. 40(14)",
            format!(
                "descriptors exchanged; by telephone: XA {}, XB {}",
                fingerprint(&a.0)?,
                fingerprint(&b.0)?
            ),
        );
        let (a, b) = (start(a.0, a.1).await?, start(b.0, b.1).await?);
        narrator.step(
            "A B",
            "Art. 40(14)",
            format!(
                "two node processes serve on {} and {}: mutual TLS 1.3, X25519MLKEM768",
                a.home.configuration.listen, b.home.configuration.listen
            ),
        );
        Ok(Self { place: place.to_owned(), a, b })
    }

    /// Stops both processes; each gets time to end its round.
    pub(crate) async fn dismiss(mut self) {
        for state in [&mut self.a, &mut self.b] {
            if let Some(id) = state.process.id() {
                // The standard library has no signal but KILL; `kill` is in every base system.
                let _ = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
            }
            if timeout(STOP_TIME, state.process.wait()).await.is_err() {
                let _ = state.process.kill().await;
            }
        }
    }

    pub(crate) fn hints(&self) -> String {
        format!(
            "look around: rogatory --node {place}/a request list; rogatory --node {place}/b incoming list; rogatory --node {place}/a node doctor",
            place = self.place.display()
        )
    }
}

/// A State before its process runs.
struct Made {
    home: Home,
    flow: Flow,
}

async fn make(
    place: &Path,
    folder: &str,
    (state, name, zone): (&str, &str, &str),
    officers: [&str; 2],
) -> anyhow::Result<(Made, [Credential; 2])> {
    let path = place.join(folder);
    let port = free_port()?;
    let init = InitArguments {
        state: state.parse()?,
        name: name.to_owned(),
        endpoint: format!("https://127.0.0.1:{port}"),
        listen: format!("127.0.0.1:{port}"),
        zone: zone.to_owned(),
        languages: vec!["en".parse()?, "fr".parse()?],
        hosts: Vec::new(),
        contact: format!("contact-point@{}.example.net", name.to_lowercase()),
        protect: false,
    };
    let mut request = init.request()?;
    // The demonstration shows the Convention as the legal basis, which is in force between these two States only.
    request.configuration.declarations.convention_in_force = true;
    let home = Home::init(&path, request).await?;
    let flow = home.flow().await?;
    let tokens = path.join("tokens");
    fs::create_dir_all(&tokens)?;
    let [first, second] = officers;
    // A small State: the first officer holds every role, and still cannot act alone.
    let first = add(&flow, &tokens, first, &Role::ALL).await?;
    let second = add(&flow, &tokens, second, &[Role::DecidingOfficer]).await?;
    Ok((Made { home, flow }, [first, second]))
}

async fn add(flow: &Flow, tokens: &Path, id: &str, roles: &[Role]) -> anyhow::Result<Credential> {
    let new =
        NewOfficer { id: id.parse()?, name: id.replace('.', " "), roles: roles.iter().copied().collect() };
    let token = flow.add_officer(new).await?;
    let path = tokens.join(format!("{id}.token"));
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
    std::io::Write::write_all(&mut file, token.as_bytes())?;
    Ok(Credential { id: id.parse()?, token })
}

fn descriptor(made: &Made) -> anyhow::Result<Vec<u8>> {
    let now = made.flow.now();
    let signed = node::sign(&node::export(&made.home, &made.flow, now)?, &made.flow, now)?;
    fs::write(made.home.folder.path().join("descriptor.p7m"), &signed)?;
    Ok(signed)
}

fn fingerprint(made: &Made) -> anyhow::Result<String> {
    let signed = fs::read(made.home.folder.path().join("descriptor.p7m"))?;
    Ok(register::Peer::verify(&signed, made.flow.now())?.fingerprint().to_string())
}

async fn enrol(flow: &Flow, signed: &[u8]) -> anyhow::Result<bool> {
    Ok(matches!(flow.enrol(signed).await?, Enrolled::New(_)))
}

async fn start(made: Made, [first, second]: [Credential; 2]) -> anyhow::Result<State> {
    let program = std::env::current_exe().context("the path of this program")?;
    let log = fs::File::create(made.home.folder.path().join("serve.log"))?;
    let mut process = Command::new(program)
        .arg("--node")
        .arg(made.home.folder.path())
        .args(["--json", "node", "serve"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .context("the node process")?;
    let out = process.stdout.take().context("the node's output")?;
    let mut lines = BufReader::new(out).lines();
    match timeout(START_TIME, lines.next_line()).await {
        Ok(Ok(Some(_))) => Ok(State { home: made.home, flow: made.flow, first, second, process }),
        _ => bail!("the node in `{}` does not serve; see its serve.log", made.home.folder.path().display()),
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
