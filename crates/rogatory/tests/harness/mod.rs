//! Two States made with the program's own commands: processes, real TLS on loopback, real files.

use serde_json::Value;
use std::{
    fs::{self, File},
    io::Read,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU16, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Anything that both nodes owe each other on loopback comes within this time, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(15);
/// Nobody says anything for so long: both are at rest.
const REST: Duration = Duration::from_millis(300);
const DAY: i64 = 24 * 60 * 60;

pub(crate) const CASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/case");

/// What a command left: its exit code, its data and what it said on the error stream.
#[derive(Debug)]
pub(crate) struct Told {
    /// `None` when the process was killed.
    pub(crate) code: Option<i32>,
    pub(crate) data: Value,
    pub(crate) report: Value,
    pub(crate) errors: String,
}

impl Told {
    /// The stable code of a failure, or nothing.
    pub(crate) fn failure(&self) -> &str {
        self.report["code"].as_str().unwrap_or_default()
    }
}

/// A command that runs; it can be killed.
pub(crate) struct Started {
    child: Child,
    out: JoinHandle<Vec<u8>>,
    err: JoinHandle<Vec<u8>>,
    words: String,
}

impl Started {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let words = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{words}: {error}"));
        let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
        Self { child, out, err, words }
    }

    /// Kills the process with SIGKILL if it still runs; true when it did.
    pub(crate) fn kill(&mut self) -> bool {
        let runs = self.child.try_wait().unwrap().is_none();
        if runs {
            self.child.kill().unwrap();
        }
        runs
    }

    pub(crate) fn end(mut self) -> Told {
        let status = self.status();
        let (out, err) = (self.out.join().unwrap(), self.err.join().unwrap());
        let errors = String::from_utf8_lossy(&err).into_owned();
        let report = errors.lines().rev().find_map(|line| serde_json::from_str(line).ok());
        Told {
            code: status.code(),
            data: serde_json::from_slice(&out)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&out).into_owned())),
            report: report.unwrap_or_default(),
            errors,
        }
    }

    fn status(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if began.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("{} does not end", self.words);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn drain(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

pub(crate) fn program() -> Command {
    program_after(&[])
}

fn program_after(before: &[String]) -> Command {
    let mut words = before.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_rogatory")]);
    let mut command = Command::new(words.next().expect("the program at least"));
    command.args(words);
    for name in [
        "ROGATORY_NODE",
        "ROGATORY_OFFICER",
        "ROGATORY_TOKEN_FILE",
        "ROGATORY_LOG",
        "ROGATORY_PASSPHRASE_FILE",
        "ROGATORY_ROOT_PASSPHRASE_FILE",
        "CREDENTIALS_DIRECTORY",
    ] {
        command.env_remove(name);
    }
    command
}

/// An officer and where his or her token lies.
#[derive(Debug, Clone)]
pub(crate) struct Officer {
    pub(crate) id: &'static str,
    pub(crate) token: PathBuf,
}

/// One State's node: a folder, its officers and, while it serves, a process.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) folder: PathBuf,
    pub(crate) state: &'static str,
    /// Writes, proposes, executes and opens.
    pub(crate) first: Officer,
    /// Approves and decides.
    pub(crate) second: Officer,
    /// The words before every command of this node, such as those that enter a network of its own.
    before: Vec<String>,
    process: Mutex<Option<Child>>,
}

/// Where a node stands.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// Its folder is made in this one.
    pub(crate) place: PathBuf,
    pub(crate) listen: String,
    /// The host and port that the other State is told.
    pub(crate) endpoint: String,
    pub(crate) before: Vec<String>,
}

impl Site {
    pub(crate) fn on_loopback(place: &Path) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        Self { place: place.to_owned(), endpoint: listen.clone(), listen, before: Vec::new() }
    }
}

impl Node {
    pub(crate) fn make(
        site: Site,
        name: &str,
        state: &'static str,
        zone: &str,
        officers: [&'static str; 2],
    ) -> Self {
        let Site { place, listen, endpoint, before } = site;
        let folder = place.join(name);
        let officer = |id| Officer { id, token: place.join(format!("{id}.token")) };
        let [first, second] = officers.map(officer);
        let node = Self { folder, state, first, second, before, process: Mutex::new(None) };
        let endpoint = format!("https://{endpoint}");
        node.done(&[
            "node",
            "init",
            "--state",
            state,
            "--name",
            name,
            "--endpoint",
            &endpoint,
            "--listen",
            &listen,
            "--zone",
            zone,
            "--language",
            "en",
            "--language",
            "fr",
        ]);
        // The operator declares that the Convention is in force for the State.
        node.configure("convention_in_force = false", "convention_in_force = true");
        // A small State: the first officer holds every role, and still cannot act alone.
        node.enrol(&node.first, &["case-officer", "deciding-officer", "examiner"]);
        node.enrol(&node.second, &["deciding-officer"]);
        node
    }

    pub(crate) fn enrol(&self, officer: &Officer, roles: &[&str]) {
        let token = officer.token.display().to_string();
        let mut words = vec!["officer", "add", officer.id, "--name", officer.id, "--token-out", &token];
        roles.iter().for_each(|role| words.extend(["--role", role]));
        self.done(&words);
    }

    /// The same node, reached by another path to its folder or made from a copy of it.
    pub(crate) fn at(&self, folder: PathBuf) -> Self {
        let (first, second) = (self.first.clone(), self.second.clone());
        let before = self.before.clone();
        Self { folder, state: self.state, first, second, before, process: Mutex::new(None) }
    }

    /// Changes a value of `node.toml`, as an operator does.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let path = self.folder.join("node.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{}: `{from}` is not in node.toml", self.state);
        fs::write(&path, text.replace(from, to)).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = program_after(&self.before);
        command.arg("--json").arg("--node").arg(&self.folder).args(words);
        command
    }

    fn command_by(&self, officer: &Officer, words: &[&str]) -> Command {
        let mut command = self.command(words);
        command.args(["--officer", officer.id]).arg("--token-file").arg(&officer.token);
        command
    }

    /// Starts a command of an officer and does not wait for it.
    pub(crate) fn begin(&self, officer: &Officer, words: &[&str]) -> Started {
        Started::spawn(&mut self.command_by(officer, words))
    }

    /// Runs a command that needs no officer.
    pub(crate) fn run(&self, words: &[&str]) -> Told {
        Started::spawn(&mut self.command(words)).end()
    }

    /// Runs a command that needs no officer and must end well.
    pub(crate) fn done(&self, words: &[&str]) -> Value {
        let told = self.run(words);
        assert_eq!(told.code, Some(0), "{} {words:?}: {}", self.state, told.errors);
        told.data
    }

    /// Runs a command that needs no officer and must fail with `code`; gives the report.
    pub(crate) fn fails(&self, words: &[&str], code: &str) -> Value {
        let told = self.run(words);
        failed(&told, words, code);
        told.report
    }

    /// Runs an officer's command that must end well.
    pub(crate) fn by(&self, officer: &Officer, words: &[&str]) -> Value {
        let told = self.begin(officer, words).end();
        assert_eq!(told.code, Some(0), "{} {words:?}: {}", self.state, told.errors);
        told.data
    }

    /// Runs an officer's command that must be refused with `code`; gives the report.
    pub(crate) fn refused(&self, officer: &Officer, words: &[&str], code: &str) -> Value {
        let told = self.begin(officer, words).end();
        failed(&told, words, code);
        told.report
    }

    /// Starts `node serve` and waits until it says that it serves.
    pub(crate) fn serve(&self) {
        self.serve_with_log(&self.folder.join("serve.log"));
    }

    /// As `serve`, with its error stream elsewhere.
    pub(crate) fn serve_with_log(&self, log: &Path) {
        let mut process = self.process.lock().unwrap();
        assert!(process.is_none(), "{} serves already", self.state);
        let said = self.folder.join("serve.out");
        let out = File::create(&said).unwrap();
        let err = File::options().create(true).append(true).open(log).unwrap();
        let mut child = self
            .command(&["node", "serve"])
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|error| panic!("node serve: {error}"));
        let began = Instant::now();
        while !fs::read_to_string(&said).unwrap().contains('\n') {
            let ended = child.try_wait().unwrap();
            if ended.is_some() || began.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("{} does not serve:\n{}", self.state, self.last_words());
            }
            thread::sleep(Duration::from_millis(2));
        }
        *process = Some(child);
    }

    /// The id of the serving process.
    pub(crate) fn id(&self) -> u32 {
        self.process.lock().unwrap().as_ref().expect("the node serves").id()
    }

    /// Stops the serving process as it stands (SIGSTOP); it notices nothing until `thaw`.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets a frozen process go on (SIGCONT).
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Ends the serving process with SIGKILL at once, as a failing machine would.
    pub(crate) fn kill(&self) {
        let mut child = self.process.lock().unwrap().take().expect("the node serves");
        assert!(child.try_wait().unwrap().is_none(), "{} ended by itself", self.state);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks the serving process to stop, as an operator does; it must end well.
    pub(crate) fn stop(&self) {
        let mut child = self.process.lock().unwrap().take().expect("the node serves");
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "{} stopped badly: {status}", self.state);
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{} does not stop", self.state);
            thread::sleep(PAUSE);
        }
    }

    /// The timeline of a file with both ladders.
    pub(crate) fn file(&self, file: &str) -> Value {
        self.done(&["file", "show", file])
    }

    /// The report of `node doctor`, which must find nothing wrong.
    pub(crate) fn well(&self) -> Value {
        let told = self.run(&["node", "doctor"]);
        assert_eq!(told.code, Some(0), "{}: {:#} {}", self.state, told.data, told.errors);
        assert_eq!(told.data["well"], true);
        assert_eq!(told.data["audit"]["troubles"].as_array().unwrap().len(), 0, "{:#}", told.data);
        told.data
    }

    /// Waits until nothing is owed or under way, and examines the node.
    pub(crate) fn settled(&self) -> Value {
        let began = Instant::now();
        loop {
            let found = self.well();
            let audit = &found["audit"];
            if audit["waiting"] == 0 && audit["owed"] == 0 {
                return found;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{} still owes: {audit:#}\n{}",
                self.state,
                self.last_words()
            );
            thread::sleep(PAUSE);
        }
    }

    /// The end of what the serving process logged.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.join("serve.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(30).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.lock().ok().and_then(|mut process| process.take()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[track_caller]
fn failed(told: &Told, words: &[&str], code: &str) {
    assert_eq!(told.failure(), code, "{words:?}: {} {}", told.errors, told.data);
    let family = match code.chars().next() {
        Some('R') => 3,
        Some('P') => 4,
        _ => 5,
    };
    assert_eq!(told.code, Some(family), "{words:?}: the exit code is that of the family");
    assert!(!told.report["remedy"].as_str().unwrap().is_empty(), "{words:?}: no remedy");
}

/// Two States that have enrolled each other; neither serves yet.
#[derive(Debug)]
pub(crate) struct Scene {
    // Before the folder, so that no process writes in it when it is removed.
    pub(crate) a: Node,
    pub(crate) b: Node,
    pub(crate) place: tempfile::TempDir,
}

impl Scene {
    /// Waits until both nodes are at rest at the same time: the last word of one may be the first of the other.
    pub(crate) fn settled(&self) -> (Value, Value) {
        let leaves =
            |found: &(Value, Value)| [&found.0, &found.1].map(|side| side["audit"]["leaves"].clone());
        let began = Instant::now();
        let mut last = (self.a.settled(), self.b.settled());
        loop {
            thread::sleep(REST);
            let now = (self.a.settled(), self.b.settled());
            if leaves(&now) == leaves(&last) {
                return now;
            }
            assert!(began.elapsed() < PATIENCE, "the two nodes do not come to rest");
            last = now;
        }
    }

    pub(crate) fn new() -> Self {
        let place = Self::place();
        let (a, b) = (Site::on_loopback(place.path()), Site::on_loopback(place.path()));
        Self::at(place, a, b)
    }

    pub(crate) fn place() -> tempfile::TempDir {
        tempfile::Builder::new().prefix("rogatory-test-").tempdir().unwrap()
    }

    /// As `new`, with the nodes where they are told to stand.
    pub(crate) fn at(place: tempfile::TempDir, a: Site, b: Site) -> Self {
        let a = Node::make(a, "aldonia", "XA", "Europe/Paris", ["ana.cruz", "li.wei"]);
        let b = Node::make(b, "beremia", "XB", "Asia/Ho_Chi_Minh", ["minh.tran", "sara.noor"]);
        let scene = Self { a, b, place };
        scene.introduce(&scene.a, &scene.b);
        scene
    }

    /// Two States enrol each other.
    pub(crate) fn introduce(&self, one: &Node, other: &Node) {
        for (from, to) in [(one, other), (other, one)] {
            let file = self.path(&format!("{}-to-{}.p7m", from.state, to.state));
            let exported = from.done(&["descriptor", "export", "--out", &file]);
            // As it is read over the telephone.
            let fingerprint = exported["fingerprint"].as_str().unwrap();
            to.done(&["peer", "add", &file, "--fingerprint", fingerprint]);
        }
    }

    pub(crate) fn serving() -> Self {
        let scene = Self::new();
        scene.a.serve();
        scene.b.serve();
        scene
    }

    /// A path in the folder of the scene, as text for a command.
    pub(crate) fn path(&self, name: &str) -> String {
        self.place.path().join(name).display().to_string()
    }

    /// A request file made from the program's own template, with the dates moved to today.
    pub(crate) fn draft(&self, kind: &str, preservation: Option<&str>) -> String {
        let text = self.a.done(&["request", "template", kind]);
        let mut draft: toml::Table = text["template"].as_str().unwrap().parse().unwrap();
        move_dates(&mut draft);
        if let Some(file) = preservation {
            draft.insert("preservation_file".to_owned(), file.into());
        }
        let path = self.path(&format!("{kind}.toml"));
        fs::write(&path, toml::to_string(&draft).unwrap()).unwrap();
        path
    }

    /// Drafts and submits a request at A; gives the file's id.
    pub(crate) fn submitted(&self, kind: &str, preservation: Option<&str>) -> String {
        let (a, draft) = (&self.a, self.draft(kind, preservation));
        let file = a.by(&a.first, &["request", "new", &draft])["file"].as_str().unwrap().to_owned();
        a.by(&a.first, &["request", "submit", &file]);
        file
    }

    /// Drafts, submits and approves a request at A; gives the file's id.
    pub(crate) fn approved(&self, kind: &str, preservation: Option<&str>) -> String {
        let file = self.submitted(kind, preservation);
        self.a.by(&self.a.second, &["request", "approve", &file]);
        file
    }

    /// Sends a request and waits until B has opened it.
    pub(crate) fn sent(&self, kind: &str, preservation: Option<&str>) -> String {
        let file = self.approved(kind, preservation);
        self.wait_outgoing(&file, "the receipt", |known| !known["delivered"].is_null());
        self.wait_incoming(&file, "the request", |_| true);
        file
    }

    /// Waits until A's file is as `until` wants it.
    pub(crate) fn wait_outgoing(&self, file: &str, what: &str, until: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || view(&self.a, file).filter(&until))
    }

    /// Waits until B's file is as `until` wants it.
    pub(crate) fn wait_incoming(&self, file: &str, what: &str, until: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, || view(&self.b, file).filter(&until))
    }

    /// Sends a preservation request that B grants and executes, and waits until A knows.
    pub(crate) fn preserved(&self) -> String {
        let b = &self.b;
        let file = self.sent("preservation", None);
        b.by(&b.first, &["incoming", "triage", &file, "--urgent"]);
        b.by(&b.first, &["incoming", "propose", &file, "--grant"]);
        b.by(&b.second, &["incoming", "decide", &file]);
        b.by(&b.first, &["incoming", "execute", &file, "--order", "Order 12/2026", "--days", "90"]);
        self.wait_outgoing(&file, "the preservation", |known| {
            !known["preserved"].is_null() && !known["decision"].is_null()
        });
        file
    }
}

/// The file as its node sees it now, if it is there.
pub(crate) fn view(node: &Node, file: &str) -> Option<Value> {
    let told = node.run(&["file", "show", file]);
    match told.code {
        Some(0) => Some(told.data["file"].clone()),
        _ => {
            assert_eq!(told.failure(), "R-158", "{}", told.errors);
            None
        }
    }
}

/// The words of one ladder of a timeline, in order.
pub(crate) fn steps(timeline: &Value, ladder: &str) -> Vec<String> {
    let steps = timeline["steps"].as_array().unwrap();
    steps
        .iter()
        .filter(|step| step["ladder"] == ladder)
        .map(|step| step["what"].as_str().unwrap().to_owned())
        .collect()
}

/// The steps of a timeline with the word `what`.
pub(crate) fn named<'a>(timeline: &'a Value, ladder: &str, what: &str) -> Vec<&'a Value> {
    let steps = timeline["steps"].as_array().unwrap();
    steps.iter().filter(|step| step["ladder"] == ladder && step["what"] == what).collect()
}

/// Asks again and again until there is an answer; the only way in which these tests wait.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "{what} did not come within {} s", PATIENCE.as_secs());
        thread::sleep(PAUSE);
    }
}

/// A port outside the range from which the system gives ports to clients, so that nobody takes it while a node is down.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id() % 500 * 20;
    loop {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(20_000 + (start + step) % 10_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Sets the dates of a template, which are examples, to days around today.
fn move_dates(draft: &mut toml::Table) {
    let now = jiff::Timestamp::now().as_second();
    let instant = |days: i64| jiff::Timestamp::from_second(now + days * DAY).unwrap().to_string();
    let at = |days: i64| toml::Value::Datetime(instant(days).parse().unwrap());
    let day = |days: i64| toml::Value::Datetime(instant(days)[..10].parse().unwrap());
    let mut set = |path: &[&str], value: toml::Value| {
        let (last, parents) = path.split_last().unwrap();
        let table = parents.iter().try_fold(&mut *draft, |table, name| table.get_mut(*name)?.as_table_mut());
        if let Some(old) = table.and_then(|table| table.get_mut(*last)) {
            *old = value;
        }
    };
    set(&["expected_mla_date"], day(30));
    set(&["confidentiality", "until"], at(180));
    set(&["safeguards", "valid_from"], at(-1));
    set(&["safeguards", "valid_until"], at(120));
    for item in draft.get_mut("items").and_then(toml::Value::as_array_mut).into_iter().flatten() {
        let item = item.as_table_mut().unwrap();
        item.insert("from".to_owned(), at(-40));
        item.insert("until".to_owned(), at(-39));
    }
}

/// Every file below `folder` with its content, by its path there.
pub(crate) fn tree(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut std::collections::BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(root, &path, found);
            } else if let Ok(bytes) = fs::read(&path) {
                // A node at work may have moved it meanwhile; then it is not there.
                found.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
            }
        }
    }
    let mut found = std::collections::BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}
