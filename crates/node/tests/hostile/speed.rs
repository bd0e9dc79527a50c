//! A fetch measured beside `rsync`; not a test of anything, so it only runs when it is asked for.

use crate::fixture::World;
use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};
use treaty::Kind;

/// `rsync` serving one folder on loopback.
struct Daemon(Child, u16);

impl Daemon {
    fn start(place: &Path, folder: &Path) -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let configuration = place.join("rsyncd.conf");
        let text =
            format!("use chroot = no\nuid = root\ngid = root\n[package]\npath = {}\n", folder.display());
        fs::write(&configuration, text).unwrap();
        let child = Command::new("rsync")
            .args(["--daemon", "--no-detach", "--address=127.0.0.1"])
            .arg(format!("--port={port}"))
            .arg(format!("--config={}", configuration.display()))
            .spawn()
            .ok()?;
        std::thread::sleep(Duration::from_millis(300));
        Some(Self(child, port))
    }

    /// Whole files, as nothing is there to compare with.
    fn copy(&self, to: &Path) -> Duration {
        let began = Instant::now();
        let from = format!("rsync://127.0.0.1:{}/package/", self.1);
        assert!(Command::new("rsync").args(["-aW", "--fsync"]).arg(from).arg(to).status().unwrap().success());
        began.elapsed()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Seconds of processor that this process took, and those children of it that ended.
fn processor() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .skip(11)
        .take(4)
        .map(|f| f.parse().unwrap())
        .collect();
    ((fields[0] + fields[1]) / 100.0, (fields[2] + fields[3]) / 100.0)
}

/// `TMPDIR` says on which disk; `MEBIBYTES` and `ROUNDS` how much and how often.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; run it with --release"]
async fn a_fetch_beside_rsync() {
    let mut world = World::alone().await;
    world.b.start().await;
    let bytes = number("MEBIBYTES", 2048) << 20;
    let content = world.place.join("content.bin");
    let mut out = fs::File::create(&content).unwrap();
    let block: Vec<u8> = (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for _ in 0..bytes >> 20 {
        out.write_all(&block).unwrap();
    }
    let rate = |bytes: u64, time: Duration| bytes as f64 / 1_048_576.0 / time.as_secs_f64();
    for round in 0..number("ROUNDS", 3) {
        let (a, b) = (&world.a, &world.b);
        let file = a.ask_and_wait(b, Kind::StoredData).await;
        b.grant(file).await;
        let began = Instant::now();
        let package = b.seal_evidence(file, &content).await;
        let sealed = began.elapsed();
        b.send_evidence(file, package).await;
        let announced = crate::fixture::until("the announcement", async || {
            b.pouch(a).await;
            a.flow.outgoing(file).await.unwrap().evidence
        })
        .await;
        let road = node::Road::new(a.flow.clone());
        let before = processor().0;
        let (began, mut arrived) = (Instant::now(), None);
        node::fetch_package(&a.flow, &road, "", file, package, &mut |progress| {
            if progress.done == progress.total {
                arrived.get_or_insert_with(|| (began.elapsed(), processor().0 - before));
            }
        })
        .await
        .unwrap();
        let whole = began.elapsed();
        let (arrived, ours) = arrived.unwrap();
        let before = processor().1;
        let folder = b.folder().sealed(file).join(package.to_string());
        let copied =
            Daemon::start(&world.place, &folder).map(|daemon| daemon.copy(&world.place.join("copy")));
        let beside = copied.map_or(0.0, |time| rate(announced.bytes, time));
        let theirs = processor().1 - before;
        println!(
            "round {round}: sealed in {sealed:.1?}; fetch {arrived:.2?} = {:.0} MiB/s hashed as it came, {ours:.2} s of processor; with the verification after it {whole:.2?}; rsync -W {beside:.0} MiB/s, {theirs:.2} s of processor",
            rate(announced.bytes, arrived),
        );
        fs::remove_dir_all(world.place.join("copy")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        fs::remove_dir_all(a.folder().received(file, package)).unwrap();
    }
}
