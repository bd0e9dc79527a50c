//! A full disk: refused without a receipt, nothing half-written, and everything is delivered once there is room.

use crate::{
    fixture::{HOUR, World, new_file, until},
    receipt::{deliveries, sent},
};
use exchange::Message;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};
use treaty::Kind;
use vocabulary::OfficeFunction;

/// A small file system in memory; unmounted when dropped, before the folder around it goes.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this user may not mount.
    pub(crate) fn mount(at: &Path, mebibytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(at.to_owned())),
            Ok(output) => {
                println!("skipped: no disk of its own: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(error) => {
                println!("skipped: no disk of its own: {error}");
                None
            }
        }
    }

    fn grow(&self, mebibytes: u32) {
        let size = format!("remount,size={mebibytes}m");
        assert!(Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap().success());
    }

    /// Leaves not a byte.
    pub(crate) fn fill(&self) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.0.join("fill")).unwrap();
        for block in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![7; block]).is_ok() {}
        }
    }

    pub(crate) fn free(&self) {
        fs::remove_file(self.0.join("fill")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_with_a_full_disk_gives_no_receipt_and_the_sender_keeps_the_envelope() {
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(place.path(), 8) else { return };
    let mut world = World::with_b_in(place.path()).await;
    world.b.start().await;
    let (a, b) = (&world.a, &world.b);
    a.ask_and_wait(b, Kind::PRESERVATION).await;
    disk.fill();
    // The log of the database may have room for a while.
    let contact = OfficeFunction::ContactPoint;
    let refused = until("a full disk", async || {
        let text = "w".repeat(60_000);
        let key = a.key(contact);
        let id = a.plant(b, new_file(), contact, key, Message::Consultation { text }).await;
        let answer = a.hand_over(b, a.envelope(id).await).await;
        if answer.status == 200 {
            assert!(a.flow.settle(id, &answer.body).await.unwrap().first);
            return None;
        }
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (507, "F-002"));
        let words = String::from_utf8(answer.body).unwrap();
        assert!(!words.contains(&b.folder().path().display().to_string()), "{words}");
        Some(id)
    })
    .await;
    let received = b.audit().await.received;
    assert!(b.inbox(a, refused).await.is_none());

    world.a.start().await;
    let (a, b) = (&world.a, &world.b);
    let file = a.ask(b, Kind::PRESERVATION).await;
    let id = sent(a, file).await;
    until("the second attempt", async || {
        let row = a.outbox(id).await;
        (row.attempts > 1 && row.trouble.unwrap_or_default().contains("507 (F-002)")).then_some(())
    })
    .await;
    assert_eq!(deliveries(a, file).await, 0);
    assert_eq!(b.audit().await.received, received);

    disk.free();
    until("the receipt", async || a.flow.outgoing(file).await.unwrap().delivered).await;
    assert_eq!(deliveries(a, file).await, 1);
    a.deliver(b, refused).await;
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_larger_than_the_disk_puts_the_fetch_off_until_there_is_room() {
    let mut world = World::new().await;
    let packages = world.a.folder().path().join("packages");
    let Some(disk) = SmallDisk::mount(&packages, 1) else { return };
    world.a.start().await;
    world.b.start().await;
    let (a, b) = (&world.a, &world.b);
    let file = a.ask_and_wait(b, Kind::STORED_DATA).await;
    b.grant(file).await;
    let content = world.place.join("logs.bin");
    fs::write(&content, vec![0x5a; 3 << 20]).unwrap();
    let package = b.seal_evidence(file, &content).await;
    b.send_evidence(file, package).await;
    let trouble = until("the fetch put off", async || {
        let mut read = a.flow.store().read().await.unwrap();
        let duties = read.queries().duties_open().await.unwrap();
        duties.into_iter().find(|duty| duty.file == file && duty.attempts > 0).and_then(|duty| duty.trouble)
    })
    .await;
    assert!(trouble.starts_with("F-580"), "{trouble}");
    assert_eq!(fs::read_dir(a.folder().arriving(file, package)).map_or(0, Iterator::count), 0, "not a byte");
    let findings = a.flow.findings().await.unwrap();
    assert!(findings.iter().any(|f| f.file == Some(file) && f.report.code == "F-580"), "people are told");
    assert!(!a.folder().received(file, package).exists());
    assert!(a.flow.outgoing(file).await.unwrap().evidence.unwrap().verified.is_none());
    // The part that did not fit does not keep the disk full.
    fs::write(packages.join("room"), vec![1; 128 << 10]).unwrap();
    a.audit().await;

    disk.grow(32);
    until("the package", async || {
        a.clock.forward(HOUR / 60);
        a.flow.outgoing(file).await.unwrap().evidence.and_then(|evidence| evidence.verified)
    })
    .await;
    a.clock.right();
    assert!(a.flow.verify_evidence(file).await.unwrap().1.is_valid());
    world.still_works().await;
}
