//! A package from node to node, and the same bytes by the tools of others, all on loopback.

use crate::{
    cast::{Cast, State},
    drive,
    evidence::{
        child::{Clock, Cost, Names, TICKS, busy, installed},
        figures::Figures,
        place::{Places, Target, clear, size_of, warm},
        subject::{Data, Job},
    },
};
use anyhow::{Context as _, bail};
use casefile::incoming::Proposal;
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use vocabulary::FileId;

pub(crate) const OURS: &str = "rogatory, node to node";
/// How often A's store is looked at; the figures cannot be finer.
const LOOK: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(1800);
/// The time for a server to listen, or to reap what it started.
const PAUSE: Duration = Duration::from_millis(100);

/// Two nodes, and a file of which B has sealed the input for A.
pub(crate) struct Scene {
    pub(crate) cast: Cast,
    pub(crate) file: FileId,
    token: PathBuf,
    program: PathBuf,
}

impl Scene {
    pub(crate) async fn sealed(place: &Path, program: &Path, input: &Path) -> anyhow::Result<Self> {
        let cast = Cast::assemble(place, program).await?;
        let file = granted(&cast).await?;
        let token = place.join("token");
        fs::write(&token, &cast.b.first.token)?;
        let scene = Self { cast, file, token, program: program.to_owned() };
        scene.at_b(&["add", "--name", "exhibit"], Some(input)).await?;
        scene.at_b(&["seal"], None).await?;
        Ok(scene)
    }

    pub(crate) async fn send(&self) -> anyhow::Result<()> {
        self.at_b(&["send"], None).await
    }

    /// `rogatory evidence …` as B's officer types it.
    async fn at_b(&self, words: &[&str], path: Option<&Path>) -> anyhow::Result<()> {
        let (first, rest) = words.split_first().context("a command")?;
        let b = &self.cast.b;
        let mut command = tokio::process::Command::new(&self.program);
        command.arg("--node").arg(b.flow.folder().path()).args(["--json", "--officer"]);
        command.arg(b.first.id.to_string()).arg("--token-file").arg(&self.token);
        command.args(["evidence", first]).arg(self.file.to_string()).args(path).args(rest);
        let out = command.stdin(Stdio::null()).output().await?;
        if out.status.success() {
            return Ok(());
        }
        bail!("`evidence {first}` failed: {}", String::from_utf8_lossy(&out.stderr).trim())
    }

    /// Where the package arrives at A, and what of it is there.
    pub(crate) fn arrived(&self) -> u64 {
        size_of(&self.cast.a.flow.folder().path().join("packages/arriving"))
    }

    pub(crate) fn package_bytes(&self) -> u64 {
        size_of(&self.cast.b.flow.folder().path().join("packages/sealed"))
    }

    /// True when A has the whole package and has verified it.
    pub(crate) async fn verified(&self) -> anyhow::Result<bool> {
        let known = self.cast.a.flow.outgoing(self.file).await?;
        Ok(known.evidence.is_some_and(|evidence| evidence.verified.is_some()))
    }

    pub(crate) async fn wait_verified(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        while !self.verified().await? {
            if began.elapsed() > PATIENCE {
                bail!("the package did not arrive within {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

/// A request for stored data that B has granted.
async fn granted(cast: &Cast) -> anyhow::Result<FileId> {
    let (a, b) = (&cast.a, &cast.b);
    let draft = drive::draft(a, include_str!("../../../examples/stored-data.toml"))?;
    let file = a.flow.draft(&a.first, &draft).await?.file.file;
    a.flow.submit(&a.first, file).await?;
    a.flow.approve(&a.second, file).await?;
    let began = Instant::now();
    while b.flow.incoming(file).await.is_err() {
        if began.elapsed() > PATIENCE {
            bail!("the request did not arrive");
        }
        tokio::time::sleep(LOOK).await;
    }
    b.flow.triage(&b.first, file, false, None).await?;
    b.flow.propose(&b.first, file, Proposal::Grant { conditions: None }).await?;
    b.flow.decide(&b.second, file).await?;
    drive::at_rest(cast).await?;
    Ok(file)
}

/// Ours once: from the officer's `send` until A has verified the whole package.
pub(crate) async fn ours(
    places: &Places,
    target: Target,
    program: &Path,
    input: &Path,
) -> anyhow::Result<Cost> {
    let place = places.fresh(target, "nodes")?;
    let scene = Scene::sealed(&place, program, input).await?;
    let done = sent(places, &scene).await;
    scene.cast.dismiss().await;
    clear(&place)?;
    done
}

async fn sent(places: &Places, scene: &Scene) -> anyhow::Result<Cost> {
    warm(&scene.cast.b.flow.folder().path().join("packages/sealed"))?;
    places.settle()?;
    let (a, b) = (&scene.cast.a, &scene.cast.b);
    for state in [a, b] {
        // From here on the peak is that of the transfer (proc(5), clear_refs).
        fs::write(format!("/proc/{}/clear_refs", state.process()?), "5")?;
    }
    let (before, before_all) = (spent(a)? + spent(b)?, busy());
    let began = Instant::now();
    scene.send().await?;
    scene.wait_verified().await?;
    let wall_s = began.elapsed().as_secs_f64();
    let cpu_s = spent(a)? + spent(b)? - before;
    let others_s = (busy() - before_all - cpu_s).max(0.0);
    let peak = a.resident()?.peak_kib.max(b.resident()?.peak_kib);
    Ok(Cost { wall_s, cpu_s, peak_mib: peak as f64 / 1024.0, others_s })
}

fn spent(state: &State) -> anyhow::Result<f64> {
    processor_seconds(state.process()?)
}

/// User and system time of a process and of its children that have ended.
fn processor_seconds(process: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    ticks(&text).map(|ticks| ticks / TICKS).with_context(|| format!("/proc/{process}/stat"))
}

/// The fields 14 to 17 (proc(5)); the name of the program, which may hold anything, ends at the last bracket.
fn ticks(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<f64> = rest.split_whitespace().skip(11).take(4).map_while(|f| f.parse().ok()).collect();
    (fields.len() == 4).then(|| fields.iter().sum())
}

/// A server of others that ends with this value.
struct Server(Child, u16);

impl Server {
    fn start(command: impl FnOnce(u16) -> Command) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = command(port);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let server = Self(child, port);
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(server);
            }
            thread::sleep(PAUSE);
        }
        bail!("the server does not listen")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The tools of others that are here, each with its server over one folder.
pub(crate) struct Others {
    rsync: Option<Server>,
    rclone: Option<Server>,
    pub(crate) missing: Vec<String>,
}

/// One file is synced by itself; of many, one sync for all is the quickest way.
const RSYNC_ONE: &str =
    "rsync -aW --fsync \"rsync://127.0.0.1:$PORT/src/$NAME\" \"$OUT/\"; test -e \"$OUT/$NAME\"; ";
const RSYNC_MANY: &str = "rsync -aW \"rsync://127.0.0.1:$PORT/src/$NAME\" \"$OUT/\"; sync -f \"$OUT\"; ";
const RCLONE: &str = "rclone --config /dev/null copy --http-url \"http://127.0.0.1:$PORT/\" \":http:$NAME\" \
                      \"$OUT/\"; sync \"$OUT/$NAME\"";
const DIGEST: &str =
    "find \"$OUT\" -type f -print0 | xargs -0 openssl dgst -sha256 > \"$OUT.digests\"; rm \"$OUT.digests\"";

impl Others {
    pub(crate) fn serve(folder: &Path) -> Self {
        let mut others = Self { rsync: None, rclone: None, missing: Vec::new() };
        for (tool, start) in [("rsync", rsync as fn(&Path) -> anyhow::Result<Server>), ("rclone", rclone)] {
            let server = if installed(tool) { start(folder) } else { Err(anyhow::anyhow!("not installed")) };
            match (server, tool) {
                (Ok(server), "rsync") => others.rsync = Some(server),
                (Ok(server), _) => others.rclone = Some(server),
                (Err(error), _) => others.missing.push(format!("{tool}: {error:#}")),
            }
        }
        others
    }

    /// One round of each tool.
    pub(crate) fn round(
        &self,
        (places, clock): (&Places, &Clock),
        (data, input): (Data, &Path),
        target: Target,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        let alone = if data == Data::OneFile { RSYNC_ONE } else { RSYNC_MANY };
        let then_digest = format!("{alone}{DIGEST}");
        let rsync = [("rsync -W", alone), ("rsync -W, openssl dgst", then_digest.as_str())];
        let mut subjects: Vec<(&Server, &str, &str)> = Vec::new();
        subjects
            .extend(self.rsync.iter().flat_map(|server| rsync.map(|(name, script)| (server, name, script))));
        if data == Data::OneFile {
            subjects.extend(self.rclone.iter().map(|server| (server, "rclone copy over HTTP", RCLONE)));
        }
        let name = input.file_name().context("the input has a name")?;
        for (server, subject, script) in subjects {
            warm(input)?;
            let out = places.fresh(target, "out")?;
            places.settle()?;
            let names = Names::default().and("OUT", &out).and("NAME", name).and("PORT", server.1.to_string());
            let before = processor_seconds(server.0.id())?;
            match clock.run(script, &names) {
                Ok(mut cost) => {
                    // The daemon must have reaped the process that served.
                    thread::sleep(PAUSE);
                    let served = processor_seconds(server.0.id())? - before;
                    cost.cpu_s += served;
                    cost.others_s = (cost.others_s - served).max(0.0);
                    figures.record(data, Job::Transfer, target, subject, cost);
                }
                Err(error) => figures.left_out(&format!("{subject}{}: {error:#}", target.words())),
            }
            clear(&out)?;
        }
        Ok(())
    }
}

fn rsync(folder: &Path) -> anyhow::Result<Server> {
    let own = |flag: &str| -> anyhow::Result<String> {
        Ok(String::from_utf8(Command::new("id").arg(flag).output()?.stdout)?.trim().to_owned())
    };
    let file = folder.with_extension("rsyncd");
    let text = format!(
        "use chroot = no\nuid = {}\ngid = {}\n[src]\npath = {}\nread only = yes\n",
        own("-un")?,
        own("-gn")?,
        folder.display()
    );
    fs::write(&file, text)?;
    Server::start(|port| {
        let mut command = Command::new("rsync");
        command.args(["--daemon", "--no-detach", "--address=127.0.0.1"]);
        command.arg(format!("--port={port}")).arg("--config").arg(&file);
        command
    })
}

fn rclone(folder: &Path) -> anyhow::Result<Server> {
    Server::start(|port| {
        let mut command = Command::new("rclone");
        command.args(["--config", "/dev/null", "serve", "http", "--read-only", "--addr"]);
        command.arg(format!("127.0.0.1:{port}")).arg(folder);
        command
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_times_of_a_process_are_added_up() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 9 9 0 0 10 20 30 40 20 0 1 0";
        assert_eq!(ticks(stat), Some(100.0));
        assert_eq!(ticks("7 (a) S 1"), None);
    }
}
