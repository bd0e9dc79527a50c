//! What the tests need beside Rust: Debian packages, Python and Node programs, installed once and pinned.

use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// A program, the words that show it works, and the Debian package that brings it.
struct Tool {
    program: &'static str,
    probe: &'static [&'static str],
    package: &'static str,
}

const TOOLS: [Tool; 11] = [
    Tool { program: "age", probe: &["--version"], package: "age" },
    Tool { program: "chromium", probe: &["--version"], package: "chromium" },
    Tool { program: "ewfverify", probe: &["-V"], package: "ewf-tools" },
    Tool { program: "g++", probe: &["--version"], package: "g++" },
    Tool { program: "node", probe: &["--version"], package: "nodejs" },
    Tool { program: "npm", probe: &["--version"], package: "npm" },
    Tool { program: "openssl", probe: &["version"], package: "openssl" },
    Tool { program: "pdftotext", probe: &["-v"], package: "poppler-utils" },
    Tool { program: "python3", probe: &["-c", "import ensurepip, venv"], package: "python3-venv" },
    Tool { program: "qpdf", probe: &["--version"], package: "qpdf" },
    Tool { program: "softhsm2-util", probe: &["--version"], package: "softhsm2" },
];
/// What `age-encryption` and its parts ask for.
const NODE_MAJOR: u32 = 20;
/// The one that is taken where the system's is older.
const NODE_PACKAGE: &str = "20.19.5";
/// `openssl cms` opens AuthEnvelopedData from this version on.
const OPENSSL_MAJOR: u32 = 3;
const REQUIREMENTS: &str = "xtask/requirements.txt";
/// What requirements.txt is for: each of them starts.
const PYTHON_PROGRAMS: [(&str, &str); 3] =
    [("bagit.py", "--version"), ("pyhanko", "--version"), ("case_validate", "--help")];
/// The Node programs with everything they need, pinned, and the script that unpacks the published vectors.
const NODE_FILES: [&str; 3] = ["package.json", "package-lock.json", "vectors.mjs"];

/// The `bin` folder of the Python environment for the tests.
pub fn programs(root: &Path) -> PathBuf {
    environment(root).join("bin")
}

fn environment(root: &Path) -> PathBuf {
    root.join("target/tools/venv")
}

/// Where `npm` put its programs; `ROGATORY_NODE_MODULES` names it to the tests.
pub fn node_modules(root: &Path) -> PathBuf {
    node_folder(root).join("node_modules")
}

/// The published test vectors of age, one file each; `ROGATORY_AGE_VECTORS` names them to the tests.
pub fn age_vectors(root: &Path) -> PathBuf {
    root.join("target/tools/vectors")
}

fn node_folder(root: &Path) -> PathBuf {
    root.join("target/tools/node")
}

/// Installs what is missing; what is there already is left alone.
pub fn install(root: &Path) -> Result<()> {
    install_packages()?;
    check_openssl()?;
    install_python_programs(root)?;
    install_node_programs(root)
}

fn install_packages() -> Result<()> {
    let missing: Vec<_> = TOOLS.iter().filter(|tool| !works(tool)).map(|tool| tool.package).collect();
    let all = TOOLS.map(|tool| tool.package).join(", ");
    if missing.is_empty() {
        eprintln!("install: {all}: there already");
        return Ok(());
    }
    let started = Instant::now();
    let names = missing.join(" ");
    let by_hand = format!("install `{names}` with your system's packages and run this again");
    if !starts("apt-get", &["--version"]) {
        bail!("`{names}` is missing and this machine has no apt-get; {by_hand}");
    }
    eprintln!("install: apt-get install {names} …");
    apt(&["update", "--quiet", "--quiet"]).with_context(|| by_hand.clone())?;
    let mut words = vec!["install", "--quiet", "--quiet", "--yes", "--no-install-recommends"];
    words.extend(&missing);
    apt(&words).with_context(|| by_hand.clone())?;
    if let Some(tool) = TOOLS.iter().find(|tool| !works(tool)) {
        bail!("`{}` still does not run; {by_hand}", tool.program);
    }
    eprintln!("install: {names}: done in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn works(tool: &Tool) -> bool {
    starts(tool.program, tool.probe)
}

fn starts(program: &str, words: &[&str]) -> bool {
    let status = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// As root, or by sudo.
fn apt(words: &[&str]) -> Result<()> {
    let id = Command::new("id").arg("-u").output().context("`id` cannot be started")?;
    let mut command = if id.stdout.trim_ascii() == b"0" {
        Command::new("env")
    } else if starts("sudo", &["--version"]) {
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    } else {
        bail!("this user is not root and there is no sudo")
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(words);
    run(&mut command)
}

fn check_openssl() -> Result<()> {
    let output = Command::new("openssl").arg("version").output().context("`openssl` cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let major = text.split_whitespace().nth(1).and_then(|version| version.split('.').next()?.parse().ok());
    if major.is_none_or(|major: u32| major < OPENSSL_MAJOR) {
        bail!("`{}` is too old: the tests need OpenSSL {OPENSSL_MAJOR} or newer in PATH", text.trim());
    }
    Ok(())
}

/// The stamp holds the requirements that were installed: a changed file makes a new environment.
fn install_python_programs(root: &Path) -> Result<()> {
    let wanted = crate::repository::read(root, REQUIREMENTS)?;
    let (venv, stamp) = (environment(root), environment(root).join("installed.txt"));
    let names = PYTHON_PROGRAMS.map(|(program, _)| program).join(", ");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && broken(root).is_none() {
        eprintln!("install: {names}: there already");
        return Ok(());
    }
    let started = Instant::now();
    eprintln!("install: {REQUIREMENTS} into target/tools/venv …");
    let path = venv.display().to_string();
    run(Command::new("python3").args(["-m", "venv", "--clear", &path]))
        .context("install `python3-venv` and run this again")?;
    let pip = programs(root).join("pip").display().to_string();
    let list = root.join(REQUIREMENTS).display().to_string();
    run(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", "-r", &list]))
        .context("PyPI must be reachable, or PIP_INDEX_URL must name a mirror; then run this again")?;
    if let Some(program) = broken(root) {
        bail!("`{program}` does not run; remove `target/tools/venv` and run this again");
    }
    fs::write(&stamp, wanted).context("cannot write in `target/tools/venv`")?;
    eprintln!("install: {names}: done in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// The first Python program that does not start.
fn broken(root: &Path) -> Option<&'static str> {
    let starts_well = |(program, probe): &(&str, &str)| {
        starts(&programs(root).join(program).display().to_string(), &[probe])
    };
    PYTHON_PROGRAMS.iter().find(|program| !starts_well(program)).map(|(program, _)| *program)
}

/// The stamp holds the lock file and the script: a changed one makes a new folder.
fn install_node_programs(root: &Path) -> Result<()> {
    let texts = NODE_FILES.map(|name| crate::repository::read(root, &format!("xtask/node/{name}")));
    let texts = texts.into_iter().collect::<Result<Vec<_>>>()?;
    let (folder, vectors, wanted) = (node_folder(root), age_vectors(root), texts.concat());
    let stamp = folder.join("installed.txt");
    let there =
        node_modules(root).join("age-encryption").is_dir() && vectors.is_dir() && has_new_enough_node(root);
    if there && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        eprintln!("install: age-encryption, cctv-age, playwright-core: there already");
        return Ok(());
    }
    let started = Instant::now();
    eprintln!("install: xtask/node/package-lock.json into target/tools/node …");
    for old in [&folder, &vectors].into_iter().filter(|old| old.exists()) {
        fs::remove_dir_all(old).with_context(|| format!("cannot remove `{}`", old.display()))?;
    }
    fs::create_dir_all(&folder).context("cannot write in `target/tools`")?;
    for (name, text) in NODE_FILES.iter().zip(&texts) {
        fs::write(folder.join(name), text).context("cannot write in `target/tools/node`")?;
    }
    run(Command::new("npm")
        .args(["ci", "--silent", "--no-audit", "--no-fund"])
        // The browser is the system's.
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .current_dir(&folder))
    .context("the npm registry must be reachable; then run this again")?;
    let node = new_enough_node(root)?;
    run(Command::new(node).arg("vectors.mjs").arg(&vectors).current_dir(&folder))?;
    fs::write(&stamp, wanted).context("cannot write in `target/tools/node`")?;
    eprintln!(
        "install: age-encryption, cctv-age, playwright-core: done in {:.1} s",
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

fn is_new_enough(node: &str) -> bool {
    let probe = format!("process.exitCode = +(parseInt(process.versions.node) < {NODE_MAJOR})");
    starts(node, &["-e", &probe])
}

fn has_new_enough_node(root: &Path) -> bool {
    is_new_enough("node") || is_new_enough(&programs(root).join("node").display().to_string())
}

/// The system's Node.js, or a newer one from npm that the tests find beside the Python programs.
fn new_enough_node(root: &Path) -> Result<PathBuf> {
    if is_new_enough("node") {
        return Ok(PathBuf::from("node"));
    }
    let (folder, link) = (node_folder(root).join("runtime"), programs(root).join("node"));
    fs::create_dir_all(&folder).context("cannot write in `target/tools/node`")?;
    let package = format!("node@{NODE_PACKAGE}");
    run(Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix", ".", &package])
        .current_dir(&folder))
    .context("the npm registry must be reachable; then run this again")?;
    let program = folder.join("node_modules/node/bin/node");
    if link.exists() {
        fs::remove_file(&link).context("cannot write in `target/tools/venv`")?;
    }
    std::os::unix::fs::symlink(&program, &link).context("cannot write in `target/tools/venv`")?;
    if !is_new_enough(&link.display().to_string()) {
        bail!("Node.js {NODE_MAJOR} or newer is needed; install it and run this again");
    }
    Ok(link)
}

fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} failed ({status})");
    }
    Ok(())
}
