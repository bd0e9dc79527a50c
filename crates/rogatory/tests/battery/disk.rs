//! Full disks under load: nothing is half-written, nothing that is not durable is receipted, and work goes on with room.

use crate::{
    harness::{Scene, Site},
    load::Load,
    random::{Random, seed, span},
    tally::{say, settle},
};
use serde_json::json;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Instant,
};

/// Room for what two nodes write between two fillings, however fast the machine is.
const MEBIBYTES: u32 = 128;

/// A small file system in memory; unmounted when dropped, also when the test fails.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let size = format!("size={MEBIBYTES}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            say("skipped: no disk of its own for this user");
            return None;
        }
        Some(Self(at))
    }

    fn file(&self) -> PathBuf {
        self.0.join("fill")
    }

    /// Leaves not a byte.
    fn fill(&self) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.file()).unwrap();
        for block in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![7; block]).is_ok() {}
        }
    }

    fn free(&self) {
        let _ = fs::remove_file(self.file());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn site(disk: &SmallDisk) -> Site {
    Site::on_loopback(&disk.0)
}

/// Bytes of a folder that a crash may not leave behind: parts of files that never became one.
fn half_written(folder: &Path) -> Vec<PathBuf> {
    let kept = crate::harness::tree(folder).into_keys();
    kept.filter(|path| path.to_string_lossy().contains(".partial")).collect()
}

#[test]
fn full_disks_under_load_lose_double_and_falsely_receipt_nothing() {
    let place = Scene::place();
    let path = place.path().to_owned();
    let disks = [SmallDisk::mount(path.join("a")), SmallDisk::mount(path.join("b"))];
    let [Some(of_a), Some(of_b)] = disks else { return };
    let scene = Scene::at(place, site(&of_a), site(&of_b));
    scene.a.serve();
    scene.b.serve();
    let load = Load::open(&scene, 2);
    let (seed, span) = (seed(), span(15));
    let mut random = Random(seed);
    let (mut full, mut kills) = (0, 0);
    load.during(|| {
        let began = Instant::now();
        while began.elapsed() < span || full < 4 {
            let (disk, node) = if full % 2 == 0 { (&of_b, &scene.b) } else { (&of_a, &scene.a) };
            disk.fill();
            let failed = load.failed();
            // Until somebody noticed: the database has room in its own log for a while.
            let since = Instant::now();
            while load.failed() == failed && since.elapsed().as_secs() < 20 {
                disk.fill();
                thread::sleep(random.between(50, 150));
            }
            thread::sleep(random.between(200, 900));
            full += 1;
            let killed = full % 4 > 1;
            if killed {
                node.kill();
                kills += 1;
            }
            disk.free();
            if killed {
                node.serve();
            }
            thread::sleep(random.between(300, 1200));
        }
    });
    let faults = json!({ "seed": seed, "seconds": span.as_secs(), "full": full, "kills": kills,
        "refused_commands": load.failed() });
    settle("disk", &load, faults);
    assert!(load.failed() > 0, "no officer was told that the disk is full");
    for node in [&scene.a, &scene.b] {
        assert_eq!(half_written(&node.folder), Vec::<PathBuf>::new());
    }
}

/// The log of a service may lie on the disk that is full: whoever writes a line must survive that it cannot be written.
#[test]
fn a_node_whose_log_cannot_be_written_works_on() {
    let scene = Scene::new();
    let full = Path::new("/dev/full");
    scene.a.serve_with_log(full);
    scene.b.serve_with_log(full);
    let load = Load::open(&scene, 1);
    for by_a in [true, false, true, false] {
        load.speak(by_a, 0).unwrap();
    }
    settle("log", &load, json!({}));
}
