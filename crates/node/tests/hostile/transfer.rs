//! A package in parts that is cut, killed, served wrongly, limited, carried on a disk, or not fetched in time.

use crate::{
    fixture::{DAY, Node, World, new_file, until},
    package::announce,
    receipt::serve,
};
use axum::{
    Router,
    body::Body,
    extract::{Path as Asked, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use exchange::{Announcement, PackageFile, PartsSummary};
use futures_util::StreamExt as _;
use node::{Home, NodeError, Pace, Road};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use treaty::Kind;
use vocabulary::{Digest, Failure as _, FileId, PackageId};

const MIB: usize = 1 << 20;
const PARTS: usize = 4;
const PART_BYTES: usize = 3 * MIB + 4097;
/// What may have to come again of every part after a kill: one block that was not written yet.
const REDONE_MAX: usize = MIB;

fn part(number: usize) -> String {
    format!("data/payload.age.{number:06}")
}

/// How parts are served.
#[derive(Debug, Clone, Default)]
enum Fault {
    #[default]
    None,
    /// Every part breaks off after so many bytes.
    Cut(usize),
    /// Every part stops after so many bytes, and the connection stays.
    Stall(usize),
    /// One byte of this file is wrong, so many times.
    Wrong(String, usize),
}

/// A package without any seal, the faults with which it is served, and where each request began.
#[derive(Debug, Default)]
struct Package {
    files: BTreeMap<String, Vec<u8>>,
    fault: Fault,
    asked: Vec<(String, usize)>,
    served: usize,
}

type Shared = Arc<Mutex<Package>>;

async fn part_of(
    State(package): State<Shared>,
    Asked((_, name)): Asked<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let mut package = package.lock().unwrap();
    let Some(mut bytes) = package.files.get(&name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let range = headers["range"].to_str().unwrap().strip_prefix("bytes=").unwrap();
    let from: usize = range.split('-').next().unwrap().parse().unwrap();
    package.asked.push((name.clone(), from));
    let most = match &mut package.fault {
        Fault::Wrong(wrong, times) if *wrong == name && *times > 0 => {
            *times -= 1;
            *bytes.last_mut().unwrap() ^= 1;
            bytes.len()
        }
        Fault::Cut(most) | Fault::Stall(most) if name.starts_with("data/") => (*most).max(from),
        _ => bytes.len(),
    };
    let stalls = matches!(package.fault, Fault::Stall(_));
    let whole = most >= bytes.len();
    let rest = bytes[from..most.min(bytes.len())].to_vec();
    package.served += rest.len();
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = rest.chunks(50_000).map(|c| Ok(c.to_vec())).collect();
    let end = async move {
        if stalls {
            std::future::pending::<()>().await;
        }
        // What was written goes out before the connection breaks.
        tokio::time::sleep(Duration::from_millis(200)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    let pieces = futures_util::stream::iter(pieces);
    let body = if whole {
        Body::from_stream(pieces)
    } else {
        Body::from_stream(pieces.chain(futures_util::stream::once(Box::pin(end))))
    };
    (StatusCode::PARTIAL_CONTENT, body).into_response()
}

/// A with an announced package of several parts that a false B serves.
struct Scene {
    world: World,
    file: FileId,
    package: PackageId,
    shared: Shared,
    handle: axum_server::Handle<std::net::SocketAddr>,
    files: Vec<PackageFile>,
}

impl Scene {
    async fn set() -> Self {
        Self::announced(|files| (files, None)).await
    }

    async fn announced(list: impl Fn(Vec<PackageFile>) -> (Vec<PackageFile>, Option<PartsSummary>)) -> Self {
        let world = World::new().await;
        let file = world.a.ask(&world.b, Kind::STORED_DATA).await;
        world.a.pouch(&world.b).await;
        let content =
            |seed: usize| (0..PART_BYTES).map(|n| (n * 31 + n / 251 + seed) as u8).collect::<Vec<u8>>();
        let mut all: BTreeMap<String, Vec<u8>> = (0..PARTS).map(|n| (part(n), content(n))).collect();
        let lines = all.iter().map(|(name, bytes)| format!("{}  {name}\n", Digest::of(bytes)));
        let manifest = lines.collect::<String>().replace("sha256:", "").into_bytes();
        all.insert("manifest-sha256.txt".to_owned(), manifest);
        let files: Vec<PackageFile> = all
            .iter()
            .map(|(name, bytes)| PackageFile {
                name: name.clone(),
                size: bytes.len() as u64,
                digest: Digest::of(bytes),
            })
            .collect();
        let package = PackageId::from_uuid(*new_file().as_uuid());
        let bytes = files.iter().map(|file| file.size).sum();
        let (listed, parts) = list(files.clone());
        let announcement = Announcement {
            package,
            tag_manifest: Digest::of(b"a manifest"),
            files: listed,
            parts,
            bytes,
            exhibits: Vec::new(),
            sent: Vec::new(),
            available_until: Some(world.a.flow.now().plus(DAY * 90)),
        };
        announce(&world, file, announcement).await;
        world.a.flow.record_stored().await.unwrap();
        let shared: Shared = Arc::new(Mutex::new(Package { files: all, ..Package::default() }));
        let route = axum::routing::get(part_of);
        let router =
            Router::new().route("/v1/packages/{package}/{*name}", route).with_state(Arc::clone(&shared));
        let handle = serve(&world.b, router);
        Self { world, file, package, shared, handle, files }
    }

    fn fault(&self, fault: Fault) {
        let mut package = self.shared.lock().unwrap();
        (package.fault, package.served) = (fault, 0);
        package.asked.clear();
    }

    fn served(&self) -> usize {
        self.shared.lock().unwrap().served
    }

    /// How often each file was asked for.
    fn asked(&self, name: &str) -> Vec<usize> {
        let package = self.shared.lock().unwrap();
        package.asked.iter().filter(|(asked, _)| asked == name).map(|(_, from)| *from).collect()
    }

    /// The code and words with which a fetch ended: nothing here is sealed, so none succeeds.
    async fn fetch(&self) -> (&'static str, String) {
        let (flow, road) = (&self.world.a.flow, Road::new(self.world.a.flow.clone()));
        let ended = node::fetch_package(flow, &road, "", self.file, self.package, &mut |_| {}).await;
        let error = ended.unwrap_err();
        (error.code(), error.to_string())
    }

    fn arriving(&self) -> PathBuf {
        self.world.a.folder().arriving(self.file, self.package)
    }

    /// Every file is here as it was announced, and nothing else.
    fn all_here(&self) {
        for file in &self.files {
            let bytes = fs::read(self.arriving().join(&file.name)).unwrap();
            assert_eq!(Digest::of(&bytes), file.digest, "{}", file.name);
        }
        assert_eq!(fs::read_dir(self.arriving().join("data")).unwrap().count(), PARTS);
    }

    fn total(&self) -> usize {
        self.files.iter().map(|file| file.size as usize).sum()
    }

    /// Bytes of parts that are on the disk.
    fn here(&self) -> usize {
        let Ok(entries) = fs::read_dir(self.arriving().join("data")) else { return 0 };
        let sizes = entries.flatten().filter(|e| !e.file_name().to_string_lossy().ends_with(".state"));
        sizes.map(|entry| entry.metadata().map_or(0, |about| about.len() as usize)).sum()
    }
}

/// Every file came, and only the seal is missing.
fn came(ended: &(&'static str, String)) {
    assert!(ended.0.starts_with("F-404") || ended.0.starts_with("P-5"), "{ended:?}");
    assert!(!["P-580", "P-581"].contains(&ended.0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_parts_cut_at_once_go_on_where_each_of_them_stopped() {
    let scene = Scene::set().await;
    scene.fault(Fault::Cut(2 * MIB + 12_345));
    let mut began = Vec::new();
    // Each attempt brings the parts that were begun before it was cut.
    while scene.here() < PARTS * (2 * MIB + 12_345) {
        let (code, words) = scene.fetch().await;
        assert_eq!(code, "F-706", "{words}");
        began.push(scene.here());
        assert!(began.len() < 20, "{began:?}");
    }
    let here = scene.here();
    scene.fault(Fault::None);
    came(&scene.fetch().await);
    assert_eq!(scene.served(), scene.total() - here, "not a byte came twice");
    for number in 0..PARTS {
        assert_eq!(scene.asked(&part(number)), [2 * MIB + 12_345]);
    }
    scene.all_here();
    scene.handle.shutdown();
}

/// What the killed side does; only the test below runs it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the other half of a test"]
async fn fetch_until_killed() {
    let Ok(told) = std::env::var("FETCH_UNTIL_KILLED") else { return };
    let told: Vec<&str> = told.split('|').collect();
    let flow = Home::open(Path::new(told[0])).unwrap().flow().await.unwrap();
    let (file, package) = (told[1].parse().unwrap(), told[2].parse().unwrap());
    let road = Road::new(flow.clone());
    let _ = node::fetch_package(&flow, &road, "", file, package, &mut |_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_fetch_costs_no_more_than_a_block_of_every_part() {
    let scene = Scene::set().await;
    scene.fault(Fault::Stall(2 * MIB + 500_000));
    let home = scene.world.a.folder().path().display();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "transfer::fetch_until_killed", "--ignored"])
        .env("FETCH_UNTIL_KILLED", format!("{home}|{}|{}", scene.file, scene.package))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Two whole blocks of each part lie on the disk.
    until("the parts", async || (scene.here() >= PARTS * 2 * MIB).then_some(())).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let came_before = scene.served();
    scene.fault(Fault::None);
    came(&scene.fetch().await);
    let redone = (came_before + scene.served()).checked_sub(scene.total()).unwrap();
    assert!(redone <= PARTS * REDONE_MAX, "{redone} bytes came twice");
    for number in 0..PARTS {
        assert_eq!(scene.asked(&part(number)).len(), 1);
        assert!(scene.asked(&part(number))[0] >= 2 * MIB);
    }
    scene.all_here();
    scene.handle.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_with_a_wrong_byte_is_fetched_again_alone_and_then_named() {
    let scene = Scene::set().await;
    scene.fault(Fault::Wrong(part(1), 1));
    came(&scene.fetch().await);
    for number in 0..PARTS {
        assert_eq!(scene.asked(&part(number)).len(), if number == 1 { 2 } else { 1 });
    }
    scene.all_here();

    fs::remove_dir_all(scene.arriving()).unwrap();
    scene.fault(Fault::Wrong(part(2), usize::MAX));
    let (code, words) = scene.fetch().await;
    assert_eq!(code, "P-580");
    assert!(words.contains(&part(2)), "{words}");
    for number in 0..PARTS {
        assert_eq!(scene.asked(&part(number)).len(), if number == 2 { 3 } else { 1 });
        let here = scene.arriving().join(part(number)).exists();
        assert_eq!(here, number != 2, "the others came");
    }
    // The peer mended its copy: this part alone comes.
    scene.fault(Fault::None);
    came(&scene.fetch().await);
    assert_eq!(scene.served(), PART_BYTES);
    scene.all_here();
    scene.handle.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_only_counted_are_fetched_by_the_manifest() {
    let counted = |files: Vec<PackageFile>| {
        let small = files.into_iter().filter(|file| !file.name.starts_with("data/")).collect();
        let (count, part_bytes) = (PARTS as u64, PART_BYTES as u64);
        (small, Some(PartsSummary { count, part_bytes, last_bytes: part_bytes }))
    };
    let scene = Scene::announced(counted).await;
    came(&scene.fetch().await);
    assert_eq!(scene.asked("manifest-sha256.txt").len(), 1);
    scene.all_here();
    scene.handle.shutdown();

    // As many bytes in other parts: the manifest names too few.
    let other = |files: Vec<PackageFile>| {
        let (small, parts) = counted(files);
        let whole = parts.unwrap();
        let last_bytes = whole.part_bytes / 2;
        let first = whole.part_bytes * whole.count - last_bytes;
        (small, Some(PartsSummary { count: 2, part_bytes: first, last_bytes }))
    };
    let scene = Scene::announced(other).await;
    assert_eq!(scene.fetch().await.0, "P-581");
    assert_eq!(scene.here(), 0, "no part was asked for");
    scene.handle.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_holds_over_all_parts_together() {
    let scene = Scene::set().await;
    let flow = &scene.world.a.flow;
    let road = Road::new(flow.clone()).at(Pace::new(Some(4), Some("8MiB/s".parse().unwrap())));
    let began = Instant::now();
    let ended = node::fetch_package(flow, &road, "", scene.file, scene.package, &mut |_| {}).await;
    assert!(!matches!(ended, Err(NodeError::Road { .. })));
    let least = scene.total() as f64 / (8 * MIB) as f64 - 0.2;
    assert!(began.elapsed() >= Duration::from_secs_f64(least), "{:?}", began.elapsed());
    scene.all_here();
    scene.handle.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_reminded_of_a_package_that_nobody_fetched() {
    let scene = Scene::set().await;
    let a = &scene.world.a;
    let reminders = async || {
        a.flow.discharge_due().await.unwrap();
        let findings = a.flow.findings().await.unwrap();
        findings.iter().filter(|f| f.file == Some(scene.file) && f.report.code == "R-633").count()
    };
    assert_eq!(reminders().await, 0);
    let mut passed = 0;
    for (days, expected) in [(59, 0), (61, 1), (82, 1), (84, 2), (90, 3), (120, 3)] {
        // Each reminder is due within the day that begins here.
        a.clock.forward(DAY * (days - passed) - if passed == 0 { DAY / 2 } else { Duration::ZERO });
        passed = days;
        assert_eq!(reminders().await, expected, "after {days} days");
    }
    scene.handle.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_our_own_that_changed_is_not_given_away() {
    let (world, file, package) = carried().await;
    let payload = world.b.folder().sealed(file).join(package.to_string()).join(part(0));
    let mut bytes = fs::read(&payload).unwrap();
    bytes[7] ^= 1;
    fs::write(&payload, bytes).unwrap();
    let disk = world.place.join("disk");
    let exported = node::export_package(&world.b.flow, file, &disk, &mut |_| {}).await;
    assert_eq!(exported.unwrap_err().code(), "F-581");
    assert!(!disk.join(package.to_string()).join(part(0)).exists());
}

/// B holds a sealed and announced package for A; B serves nothing.
async fn carried() -> (World, FileId, PackageId) {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let file = a.ask(b, Kind::STORED_DATA).await;
    a.pouch(b).await;
    b.grant(file).await;
    let content = world.place.join("logs.bin");
    fs::write(&content, (0..10 * MIB).map(|n| (n * 31 + n / 255) as u8).collect::<Vec<u8>>()).unwrap();
    let package = b.seal_evidence(file, &content).await;
    b.send_evidence(file, package).await;
    until("the announcement", async || {
        b.pouch(a).await;
        a.flow.outgoing(file).await.unwrap().evidence
    })
    .await;
    (world, file, package)
}

async fn import(
    node: &Node,
    file: FileId,
    package: PackageId,
    from: &Path,
) -> Result<node::Fetched, NodeError> {
    let duty = node.flow.fetch_duty(file, package).await.unwrap();
    let imported = node::import_package(&node.flow, &duty, file, package, from, &mut |_| {}).await;
    imported.map(Option::unwrap)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_on_a_disk_is_taken_in_as_if_it_had_been_fetched() {
    let (world, file, package) = carried().await;
    let (a, b, disk) = (&world.a, &world.b, world.place.join("disk"));
    let exported = node::export_package(&b.flow, file, &disk, &mut |_| {}).await.unwrap().unwrap();
    assert_eq!(exported.folder, disk.join(package.to_string()));

    // The disk was copied badly: the part is named, and what is right stays.
    let payload = exported.folder.join(part(0));
    let right = fs::read(&payload).unwrap();
    let mut wrong = right.clone();
    wrong[5 * MIB] ^= 1;
    fs::write(&payload, &wrong).unwrap();
    assert_eq!(import(a, file, package, &disk).await.unwrap_err().code(), "P-580");
    fs::write(&payload, &right[..9 * MIB]).unwrap();
    assert_eq!(import(a, file, package, &disk).await.unwrap_err().code(), "R-631");
    fs::write(&payload, &right).unwrap();
    let fetched = import(a, file, package, &disk).await.unwrap();
    assert_eq!(fetched.cost.resumed, 9 * MIB as u64, "it went on inside the part");
    assert_eq!(fetched.cost.rehashed, 0, "with the hash as it stood");

    let steps = a.flow.timeline(file).await.unwrap().steps;
    for what in ["fetched", "evidence-verified"] {
        assert_eq!(steps.iter().filter(|step| step.what == what).count(), 1, "{what}");
    }
    assert!(a.flow.verify_evidence(file).await.unwrap().1.is_valid());
    assert!(a.flow.fetch_duty(file, package).await.unwrap().is_empty());
    a.audit().await;
    b.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_package_on_a_disk_is_refused_before_a_byte_is_copied() {
    let (world, file, package) = carried().await;
    let (a, b) = (&world.a, &world.b);
    let other = a.ask(b, Kind::STORED_DATA).await;
    a.pouch(b).await;
    b.grant(other).await;
    b.seal_evidence(other, &world.place.join("logs.bin")).await;
    let disk = world.place.join("disk");
    let exported = node::export_package(&b.flow, other, &disk, &mut |_| {}).await.unwrap().unwrap();
    for from in [&disk, &exported.folder, &world.place, &world.place.join("nowhere")] {
        assert_eq!(import(a, file, package, from).await.unwrap_err().code(), "R-632", "{}", from.display());
    }
    assert!(!a.folder().arriving(file, package).exists());
    // A link on the disk leads nowhere.
    let right = node::export_package(&b.flow, file, &disk, &mut |_| {}).await.unwrap().unwrap();
    fs::remove_file(right.folder.join(part(0))).unwrap();
    std::os::unix::fs::symlink("/dev/zero", right.folder.join(part(0))).unwrap();
    assert_eq!(import(a, file, package, &disk).await.unwrap_err().code(), "F-701");
    assert!(a.flow.outgoing(file).await.unwrap().evidence.unwrap().verified.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_sees_how_much_was_fetched_and_until_when_it_promised_the_rest() {
    let (mut world, file, package) = carried().await;
    world.b.start().await;
    let (a, b) = (&world.a, &world.b);
    assert_eq!(b.flow.served_so_far(package).await.unwrap(), None);
    let (duty, road) = (a.flow.fetch_duty(file, package).await.unwrap(), Road::new(a.flow.clone()));
    let fetched = node::fetch_package(&a.flow, &road, &duty, file, package, &mut |_| {}).await.unwrap();
    assert_eq!(fetched.unwrap().cost, node::FetchCost::default());
    let total = a.flow.outgoing(file).await.unwrap().evidence.unwrap().bytes;
    until("the count", async || {
        b.flow.served_so_far(package).await.unwrap().filter(|served| served.bytes == total)
    })
    .await;
    let promised = b.flow.promised_until(package).await.unwrap();
    assert!(promised.is_some());
    assert_eq!(a.flow.announcement(file, package).await.unwrap().available_until, promised);
    b.audit().await;
}
