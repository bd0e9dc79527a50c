//! `rogatory node`: make, run and examine a node.

use crate::{
    context::Context,
    output::{Output, refuse},
    show::{left, local},
};
use clap::{Args, Subcommand};
use flow::{Clock as _, SystemClock};
use node::{Configuration, Home, InitRequest, NodeError, OfficeConfiguration};
use serde::Serialize;
use serde_json::json;
use std::{io::Write as _, net::IpAddr, path::Path};
use vocabulary::{Family, Instant, Language, OfficeFunction, StateCode};

#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Make a node: its folder, root, keys, certificates and database.
    #[command(
        after_help = "Example:\n  rogatory --node ./xa node init --state XA --name Aldonia --endpoint https://node.example:8443 --zone Europe/Paris --language en --language fr"
    )]
    Init(InitArguments),
    /// Run the node until it is stopped with Ctrl-C or a TERM signal.
    #[command(after_help = "Example:\n  rogatory --node ./xa node serve")]
    Serve(ServeArguments),
    /// Examine the whole node: configuration, keys, peers, history, ledger, receipts, duties.
    #[command(after_help = "Example:\n  rogatory --node ./xa node doctor --json")]
    Doctor,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Two capital letters (ISO 3166-1); XA to XZ are for exercises.
    #[arg(long)]
    pub(crate) state: StateCode,
    /// The State's name in English.
    #[arg(long)]
    pub(crate) name: String,
    /// The address that peers use, such as `https://node.example:8443`.
    #[arg(long)]
    pub(crate) endpoint: String,
    /// Where to listen on this machine.
    #[arg(long, default_value = "0.0.0.0:8443")]
    pub(crate) listen: String,
    /// The IANA zone in which the State counts its days.
    #[arg(long, default_value = "UTC")]
    pub(crate) zone: String,
    /// A language accepted for requests, Art. 40(13); can be given several times.
    #[arg(long = "language", default_value = "en")]
    pub(crate) languages: Vec<Language>,
    /// A further host name or address for the TLS certificate; can be given several times.
    #[arg(long = "host")]
    pub(crate) hosts: Vec<String>,
    /// An e-mail address or telephone number under which people reach the offices.
    #[arg(long, default_value = "not stated")]
    pub(crate) contact: String,
    /// Protect the keys and the root from the beginning, with the passphrases in `--passphrase-file` and
    /// `--root-passphrase-file`.
    #[arg(long)]
    pub(crate) protect: bool,
}

impl InitArguments {
    pub(crate) fn request(self) -> anyhow::Result<InitRequest> {
        let name = |function: OfficeFunction| match function {
            OfficeFunction::CentralAuthority => format!("Central Authority of {}", self.name),
            OfficeFunction::ContactPoint => format!("24/7 Contact Point of {}", self.name),
            OfficeFunction::ExtraditionAuthority => format!("Extradition Authority of {}", self.name),
            OfficeFunction::LawEnforcement => format!("Law Enforcement Authority of {}", self.name),
            OfficeFunction::EvidenceOffice => format!("Evidence Office of {}", self.name),
            OfficeFunction::Node => format!("Node of {}", self.name),
        };
        let offices = OfficeFunction::ALL
            .into_iter()
            .map(|f| (f, OfficeConfiguration { name: name(f), contact: self.contact.clone() }))
            .collect();
        let configuration = Configuration {
            state: self.state,
            names: [("en".parse()?, self.name.clone())].into(),
            zone: self.zone,
            languages: self.languages,
            listen: self.listen,
            endpoint: self.endpoint,
            declarations: Default::default(),
            transfer: Default::default(),
            log: Default::default(),
            time_stamp: None,
            desk: node::DeskConfiguration::default(),
            offices,
        };
        Ok(InitRequest { configuration, hosts: self.hosts })
    }
}

impl NodeCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        match self {
            Self::Init(arguments) => {
                let protect = arguments.protect;
                let request = arguments.request()?;
                check_options(&request)?;
                whole_or_nothing(&context.node)?;
                let home = if protect {
                    Home::init_protected(&context.node, request, &context.unlock()).await?
                } else {
                    Home::init(&context.node, request).await?
                };
                let place = home.folder.path().display();
                Ok(Output::new(
                    format!(
                        "node of {} made in {place}\nMove {place}/root to an offline medium; it is needed only to sign descriptors.\nnext: rogatory --node {place} officer add, then descriptor export",
                        home.configuration.state
                    ),
                    &json!({ "state": home.configuration.state, "folder": home.folder.path() }),
                ))
            }
            Self::Serve(_) => serve(context).await,
            Self::Doctor => doctor(context).await,
        }
    }
}

/// Checks every value before anything is made, and names its option.
fn check_options(request: &InitRequest) -> anyhow::Result<()> {
    let configuration = &request.configuration;
    if let Err(error) = configuration.check() {
        let NodeError::Value { name, reason } = &error else { return Err(error.into()) };
        return Err(match *name {
            "endpoint" => wrong_option("--endpoint", reason),
            "listen" => wrong_option("--listen", reason),
            "zone" => wrong_option("--zone", reason),
            "languages" => wrong_option("--language", reason),
            _ => error.into(),
        });
    }
    let name = configuration.state_name();
    let longest = configuration.offices.values().map(|office| office.name.chars().count()).max();
    if name.trim().is_empty() || name.chars().any(char::is_control) || longest > Some(seal::MAX_NAME_CHARS) {
        return Err(wrong_option("--name", "a name of 1 to 42 characters is needed; certificates hold it"));
    }
    if !ends_with_host_and_port(&configuration.endpoint, &configuration.host().unwrap_or_default()) {
        return Err(wrong_option(
            "--endpoint",
            "`https://`, a host and a port are needed, and nothing after",
        ));
    }
    match request.hosts.iter().find(|host| !is_host(host)) {
        Some(_) => Err(wrong_option("--host", "a host name or an address is needed")),
        None if request.hosts.len() >= seal::MAX_HOSTS => Err(wrong_option("--host", "there are too many")),
        None => Ok(()),
    }
}

/// Whether peers can connect to the endpoint: a host that a certificate can name, then a port or nothing.
fn ends_with_host_and_port(endpoint: &str, host: &str) -> bool {
    let rest = endpoint.trim_start_matches("https://").trim_end_matches('/');
    let port = rest.strip_prefix(&format!("[{host}]")).or_else(|| rest.strip_prefix(host));
    is_host(host)
        && port.is_some_and(|port| {
            port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
        })
}

/// An address, or a name of labels of letters, digits, hyphens and underscores.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.parse::<IpAddr>().is_ok() || host.len() <= 253 && host.split('.').all(label)
}

fn wrong_option(option: &str, reason: &str) -> anyhow::Error {
    refuse(
        "R-816",
        format!("the value of `{option}` cannot be used: {reason}"),
        format!("give another `{option}`; nothing was made yet"),
    )
}

/// Refuses a folder in which keys were made and the making was cut off.
fn whole_or_nothing(folder: &Path) -> anyhow::Result<()> {
    let made = |name: &str| folder.join(name).exists();
    if made("node.toml") || !(made("keys") || made("root")) {
        return Ok(());
    }
    Err(refuse(
        "R-813",
        format!("the folder `{}` holds keys, but is not a node: `node.toml` is missing", folder.display()),
        "remove the half-made folder, or name a new one",
    ))
}

async fn serve(context: &Context) -> anyhow::Result<Output> {
    let home = context.home()?;
    let running = node::serve(&home).await?;
    let line = json!({ "serving": home.configuration.state, "address": running.address.to_string() });
    let mut out = std::io::stdout().lock();
    if context.json {
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "node of {} serves on {}; Ctrl-C stops it", home.configuration.state, running.address)?;
    }
    out.flush()?;
    drop(out);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(Output::new("", &json!({ "stopped": true })))
}

/// One thing that was examined.
#[derive(Debug, Serialize)]
struct Examined {
    what: String,
    ok: bool,
    found: String,
}

async fn doctor(context: &Context) -> anyhow::Result<Output> {
    let home = context.home()?;
    let mut examined = vec![Examined {
        what: "configuration".to_owned(),
        ok: true,
        found: format!("{} at {}", home.configuration.state, home.configuration.endpoint),
    }];
    let now = SystemClock.now();
    let flow = home.flow().await?;
    for &function in home.configuration.offices.keys() {
        let certificate = flow.keys().office(function)?.certificate();
        let until = certificate.valid_until();
        examined.push(Examined {
            what: format!("certificate of {function}"),
            ok: certificate.valid_from() <= now && now < until,
            found: format!("until {} ({})", local(until, flow.zone()), left(until, now)),
        });
    }
    examined.push(Examined {
        what: "root".to_owned(),
        ok: true,
        found: if flow.keys().root_is_here() {
            "in the node's folder; move it to an offline medium".to_owned()
        } else {
            "offline, as it should be".to_owned()
        },
    });
    let (protected, of) = flow.keys().protected().map_err(flow::FlowError::from)?;
    examined.push(Examined {
        what: "private keys".to_owned(),
        ok: true,
        found: format!(
            "{protected} of {of} protected with a passphrase, {} replaced",
            flow.keys().retired().len()
        ),
    });
    if let Some(examination) = exported(&home, &flow, now) {
        examined.push(examination);
    }
    for peer in flow.peers().await? {
        let until = peer.descriptor().valid_until;
        examined.push(Examined {
            what: format!("peer {}", peer.state()),
            ok: now < until,
            found: format!("{}, descriptor until {}", peer.fingerprint(), local(until, flow.zone())),
        });
    }
    let audit = flow.audit().await?;
    let counts = [
        ("history", format!("{} files, {} events replay and stand in the ledger", audit.files, audit.events)),
        ("ledger", format!("{} leaves, root {}", audit.leaves, audit.root)),
        (
            "sent",
            format!(
                "{} envelopes: {} with a verified receipt, {} waiting, {} refused",
                audit.sent, audit.delivered, audit.waiting, audit.refused
            ),
        ),
        (
            "received",
            format!(
                "{} envelopes, each with its receipt, {} in quarantine",
                audit.received, audit.quarantined
            ),
        ),
        (
            "owed",
            format!(
                "{} duties due, {} reminders ahead, {} findings to look at",
                audit.owed, audit.scheduled, audit.findings
            ),
        ),
    ];
    for (what, found) in counts {
        examined.push(Examined { what: what.to_owned(), ok: true, found });
    }
    for trouble in &audit.troubles {
        examined.push(Examined { what: trouble.what.clone(), ok: false, found: trouble.found.clone() });
    }
    let well = examined.iter().all(|e| e.ok);
    let lines: Vec<String> = examined
        .iter()
        .map(|e| format!("{}  {:<28}  {}", if e.ok { "ok  " } else { "FAIL" }, e.what, e.found))
        .collect();
    let code = if well { 0 } else { Family::Fault.exit_code() };
    Ok(Output::new(lines.join("\n"), &json!({ "well": well, "examined": examined, "audit": audit }))
        .with_code(code))
}

/// Whether peers are told the keys that are in use; nothing when no descriptor was exported yet.
fn exported(home: &Home, flow: &flow::Flow, now: Instant) -> Option<Examined> {
    let shown = node::exported(home, now)?;
    let keys = flow.keys();
    let offices = home.configuration.offices.keys().all(|&function| {
        let told = shown.office(function).map(seal::Certificate::fingerprint);
        keys.office(function).is_ok_and(|key| told.is_ok_and(|told| told == key.certificate().fingerprint()))
    });
    let same = offices
        && shown.log().vkey() == keys.log().vkey()
        && shown.cosigner().vkey() == keys.cosigner().vkey();
    let number = shown.descriptor().sequence;
    Some(Examined {
        what: "our descriptor".to_owned(),
        ok: same,
        found: if same {
            format!("number {number}, names the keys in use")
        } else {
            format!("number {number} names keys that were replaced; run `rogatory descriptor export`")
        },
    })
}

#[cfg(test)]
mod tests {
    use super::ends_with_host_and_port as reachable;

    #[test]
    fn an_endpoint_that_no_peer_can_reach_is_found_before_keys_are_made() {
        assert!(reachable("https://node.example:8443", "node.example"));
        assert!(reachable("https://node.example/", "node.example"));
        assert!(reachable("https://[::1]:8443", "::1"));
        assert!(!reachable("https://node.example:port", "node.example"));
        assert!(!reachable("https://node.example:8443/path", "node.example"));
        assert!(!reachable("https://node example:8443", "node example"));
    }
}
