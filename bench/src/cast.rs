//! Two States on loopback, each with its own folder, keys, database and process.

use crate::memory::Resident;
use anyhow::{Context as _, bail};
use flow::{Credential, Flow, NewOfficer};
use mandate::Role;
use node::{Configuration, Home, InitRequest, OfficeConfiguration};
use std::{net::TcpListener, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};
use vocabulary::OfficeFunction;

const START_TIME: Duration = Duration::from_secs(30);
const STOP_TIME: Duration = Duration::from_secs(10);

/// One State: its process, and its store opened from here as a command line would.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) flow: Flow,
    pub(crate) first: Credential,
    pub(crate) second: Credential,
    process: Child,
}

impl State {
    pub(crate) fn process(&self) -> anyhow::Result<u32> {
        self.process.id().context("the node ended")
    }

    /// Ends the process as a power failure does, and starts it again.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }

    pub(crate) async fn start_again(&mut self, program: &Path) -> anyhow::Result<()> {
        self.process = serve(self.flow.folder().path(), program).await?;
        Ok(())
    }

    pub(crate) fn resident(&self) -> anyhow::Result<Resident> {
        Resident::of(self.process()?)
    }
}

#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) a: State,
    pub(crate) b: State,
}

impl Cast {
    pub(crate) async fn assemble(place: &Path, program: &Path) -> anyhow::Result<Self> {
        let (a, b) = (make(place, "a", "XA").await?, make(place, "b", "XB").await?);
        let (of_a, of_b) = (descriptor(&a)?, descriptor(&b)?);
        a.flow.enrol(&of_b).await?;
        b.flow.enrol(&of_a).await?;
        Ok(Self { a: start(a, program).await?, b: start(b, program).await? })
    }

    pub(crate) async fn dismiss(self) {
        for mut state in [self.a, self.b] {
            if let Some(id) = state.process.id() {
                // The standard library has no signal but KILL; `kill` is in every base system.
                let _ = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
            }
            if timeout(STOP_TIME, state.process.wait()).await.is_err() {
                let _ = state.process.kill().await;
            }
        }
    }
}

/// A State before its process runs.
struct Made {
    home: Home,
    flow: Flow,
    first: Credential,
    second: Credential,
}

async fn make(place: &Path, folder: &str, state: &str) -> anyhow::Result<Made> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let offices = OfficeFunction::ALL
        .into_iter()
        .map(|f| (f, OfficeConfiguration { name: f.to_string(), contact: "office@example.net".to_owned() }))
        .collect();
    let mut configuration = Configuration {
        state: state.parse()?,
        names: [("en".parse()?, format!("State {state}"))].into(),
        zone: "UTC".to_owned(),
        languages: vec!["en".parse()?],
        listen: format!("127.0.0.1:{port}"),
        endpoint: format!("https://127.0.0.1:{port}"),
        declarations: Default::default(),
        transfer: Default::default(),
        log: Default::default(),
        time_stamp: None,
        desk: node::DeskConfiguration::default(),
        offices,
    };
    configuration.declarations.convention_in_force = true;
    let request = InitRequest { configuration, hosts: Vec::new() };
    let home = Home::init(&place.join(folder), request).await?;
    let flow = home.flow().await?;
    let first = add(&flow, "first", &Role::ALL).await?;
    let second = add(&flow, "second", &[Role::DecidingOfficer]).await?;
    Ok(Made { home, flow, first, second })
}

async fn add(flow: &Flow, id: &str, roles: &[Role]) -> anyhow::Result<Credential> {
    let new = NewOfficer { id: id.parse()?, name: id.to_owned(), roles: roles.iter().copied().collect() };
    Ok(Credential { id: id.parse()?, token: flow.add_officer(new).await? })
}

fn descriptor(made: &Made) -> anyhow::Result<Vec<u8>> {
    let now = made.flow.now();
    Ok(node::sign(&node::export(&made.home, &made.flow, now)?, &made.flow, now)?)
}

async fn start(made: Made, program: &Path) -> anyhow::Result<State> {
    let process = serve(made.home.folder.path(), program).await?;
    Ok(State { flow: made.flow, first: made.first, second: made.second, process })
}

async fn serve(folder: &Path, program: &Path) -> anyhow::Result<Child> {
    let log = std::fs::File::create(folder.join("serve.log"))?;
    let mut process = Command::new(program)
        .arg("--node")
        .arg(folder)
        .args(["--json", "node", "serve"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .context("the node process")?;
    let out = process.stdout.take().context("the node's output")?;
    match timeout(START_TIME, BufReader::new(out).lines().next_line()).await {
        Ok(Ok(Some(_))) => Ok(process),
        _ => bail!("the node in `{}` does not serve: {}", folder.display(), last_words(folder)),
    }
}

fn last_words(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("serve.log")).unwrap_or_default();
    log.lines().last().unwrap_or("it said nothing").to_owned()
}
