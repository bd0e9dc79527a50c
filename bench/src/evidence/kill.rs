//! A seal and a transfer that are killed halfway and begun again: how many bytes are worked on twice.

use crate::evidence::{
    child::Names,
    place::{Places, Target, clear, size_of},
    transfer::Scene,
};
use anyhow::{Context as _, bail};
use serde::Serialize;
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const LOOK: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(1800);

/// What a kill cost.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Killed {
    pub(crate) what: &'static str,
    pub(crate) bytes: u64,
    /// On the disk when the process was killed.
    pub(crate) written_at_kill: u64,
    /// Read until the kill, and from the second start to the end.
    pub(crate) read: [u64; 2],
    pub(crate) redone: i64,
    pub(crate) wall_s: [f64; 2],
}

impl Killed {
    fn new(what: &'static str, bytes: u64, written_at_kill: u64, read: [u64; 2], wall_s: [f64; 2]) -> Self {
        let redone = read.iter().sum::<u64>().cast_signed() - bytes.cast_signed();
        Self { what, bytes, written_at_kill, read, redone, wall_s }
    }
}

/// Bytes that a process and its ended children read by system calls (`rchar`, proc(5)), cached or not.
fn bytes_read(process: u32) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/io"))?;
    rchar(&text).with_context(|| format!("/proc/{process}/io"))
}

fn rchar(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("rchar:")?.trim().parse().ok())
}

/// The shell counts what the program read that it waited for.
const SEAL: &str = "\"$P\" --json evidence seal \"$IN\" --to \"$K/office.pem\" --sign-key \"$K/office.key\" \
    --sign-cert \"$K/office.pem\" --out \"$OUT/package\" --state \"$STATE\"";
const COUNTED: &str = "; cat /proc/$$/io";

pub(crate) fn seal(places: &Places, names: &Names, input: &Path) -> anyhow::Result<Killed> {
    let (out, state) = (places.fresh(Target::Disk, "out")?, places.fresh(Target::Disk, "state")?);
    let names = names.and("IN", input).and("OUT", &out).and("STATE", &state);
    let bytes = size_of(input);
    places.settle()?;
    let began = Instant::now();
    let mut child = shell(&format!("exec {SEAL}"), &names).stdout(Stdio::null()).spawn()?;
    let stopped = until_half(&mut child, &out, bytes);
    let _ = child.kill();
    child.wait()?;
    let (written, first) = stopped?;
    let until_kill = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let second = shell(&format!("{SEAL} > /dev/null{COUNTED}"), &names).output()?;
    if !second.status.success() {
        bail!("the second seal failed: {}", String::from_utf8_lossy(&second.stderr).trim());
    }
    let again = rchar(&String::from_utf8_lossy(&second.stdout)).context("the shell's /proc/self/io")?;
    let wall_s = [until_kill, began.elapsed().as_secs_f64()];
    clear(&out)?;
    clear(&state)?;
    Ok(Killed::new("seal to disk", bytes, written, [first, again], wall_s))
}

fn shell(script: &str, names: &Names) -> Command {
    let mut command = Command::new("sh");
    command.args(["-euc", script]).stdin(Stdio::null()).stderr(Stdio::piped());
    names.set(&mut command);
    command
}

/// Stops the process when half is written, so that what it has read can be counted before it is killed.
fn until_half(child: &mut Child, out: &Path, bytes: u64) -> anyhow::Result<(u64, u64)> {
    let began = Instant::now();
    while size_of(out) < bytes / 2 {
        if let Some(status) = child.try_wait()? {
            bail!("the seal ended before it could be killed: {status}");
        }
        if began.elapsed() > PATIENCE {
            bail!("the seal did not come to its half");
        }
        thread::sleep(LOOK);
    }
    Command::new("kill").args(["-STOP", &child.id().to_string()]).status()?;
    Ok((size_of(out), bytes_read(child.id())?))
}

/// What B's node reads is what it serves, and a little of its database.
pub(crate) async fn transfer(places: &Places, program: &Path, input: &Path) -> anyhow::Result<Killed> {
    let place = places.fresh(Target::Disk, "nodes")?;
    let mut scene = Scene::sealed(&place, program, input).await?;
    let done = cut(places, program, &mut scene).await;
    scene.cast.dismiss().await;
    clear(&place)?;
    done
}

async fn cut(places: &Places, program: &Path, scene: &mut Scene) -> anyhow::Result<Killed> {
    let bytes = scene.package_bytes();
    let server = scene.cast.b.process()?;
    places.settle()?;
    let (before, began) = (bytes_read(server)?, Instant::now());
    scene.send().await?;
    while scene.arrived() < bytes / 2 {
        if began.elapsed() > PATIENCE || scene.verified().await? {
            bail!("the transfer could not be killed at its half");
        }
        tokio::time::sleep(LOOK).await;
    }
    scene.cast.a.kill().await?;
    let (until_kill, written) = (began.elapsed().as_secs_f64(), scene.arrived());
    // What is on its way to a dead process is lost, and counts.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (halfway, began) = (bytes_read(server)?, Instant::now());
    scene.cast.a.start_again(program).await?;
    scene.wait_verified().await?;
    let read = [halfway - before, bytes_read(server)? - halfway];
    Ok(Killed::new("transfer to disk", bytes, written, read, [until_kill, began.elapsed().as_secs_f64()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_twice_is_redone() {
        assert_eq!(rchar("rchar: 600\nwchar: 1\n"), Some(600));
        let killed = Killed::new("seal", 1000, 500, [600, 480], [1.0, 1.0]);
        assert_eq!(killed.redone, 80);
    }
}
