//! How officers on duty are called: a command of the operator's, and a letter by SMTP that says nothing of the case.

use crate::{NodeError, error::disk};
use flow::{CallOutcome, DeskTimes, MEANS_HOOK, MEANS_MAIL, Summoned, Summons};
use futures_util::future::join_all;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};
use vocabulary::Instant;

const HOOK_TIME: Duration = Duration::from_secs(20);
const HOOK_TIME_MAX: u64 = 300;
const MAIL_TIME: Duration = Duration::from_secs(20);
/// The longest pause between calls that can be set, in seconds.
const PAUSE_MAX: u64 = 24 * 60 * 60;
/// The longest time between two questions to a contact point that can be set, in seconds.
const PING_MAX: u64 = 7 * 24 * 60 * 60;
const FORMAT: &str = "rogatory/ring/1";

/// How the desk calls, in `node.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskConfiguration {
    /// A program and its arguments; it runs without a shell and reads the ring as JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hook: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook_seconds: Option<u64>,
    /// Instead of the rows `desk.…` of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_emergency_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_preservation_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_urgent_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailConfiguration>,
}

/// The mail server of the house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfiguration {
    pub server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    pub security: MailSecurity,
    /// The address that the letters come from.
    pub from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase_file: Option<PathBuf>,
    /// The root of the server's certificate in PEM; the machine's own roots when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailSecurity {
    /// Plain first and then TLS, which must come (RFC 3207).
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// Only to a server on this machine.
    None,
}

impl DeskConfiguration {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What cannot work, in words.
    pub(crate) fn wrong(&self) -> Option<&'static str> {
        let pauses = [
            self.escalate_emergency_seconds,
            self.escalate_preservation_seconds,
            self.escalate_urgent_seconds,
            self.repeat_seconds,
        ];
        if !pauses.into_iter().flatten().all(|seconds| (1..=PAUSE_MAX).contains(&seconds)) {
            return Some("pauses between calls are 1 to 86400 seconds");
        }
        if self.hook.first().is_some_and(|program| !Path::new(program).is_absolute()) {
            return Some("`hook` begins with the whole path of a program");
        }
        if !self.hook_seconds.is_none_or(|seconds| (1..=HOOK_TIME_MAX).contains(&seconds)) {
            return Some("`hook_seconds` is 1 to 300");
        }
        if !self.ping_seconds.is_none_or(|seconds| (1..=PING_MAX).contains(&seconds)) {
            return Some("`ping_seconds` is 1 to 604800");
        }
        self.mail.as_ref().and_then(MailConfiguration::wrong)
    }

    /// The policy of the table, or what is set instead.
    pub fn times(&self) -> DeskTimes {
        let policy = DeskTimes::default();
        let or = |set: Option<u64>, policy: Duration| set.map_or(policy, Duration::from_secs);
        DeskTimes {
            emergency: or(self.escalate_emergency_seconds, policy.emergency),
            preservation: or(self.escalate_preservation_seconds, policy.preservation),
            urgent: or(self.escalate_urgent_seconds, policy.urgent),
            repeat: or(self.repeat_seconds, policy.repeat),
        }
    }

    /// How often contact points are asked.
    pub fn ping_interval(&self) -> Duration {
        self.ping_seconds.map_or_else(|| flow::span_of(&treaty::table::DESK_PING), Duration::from_secs)
    }
}

impl MailConfiguration {
    fn wrong(&self) -> Option<&'static str> {
        if self.security == MailSecurity::None && !self.is_here() {
            return Some("`mail.security` may be `none` only for a server on this machine");
        }
        if self.from.parse::<lettre::Address>().is_err() {
            return Some("`mail.from` is an address such as `desk@ministry.example`");
        }
        (self.user.is_some() != self.passphrase_file.is_some())
            .then_some("`mail.user` and `mail.passphrase_file` go together")
    }

    fn is_here(&self) -> bool {
        self.server == "localhost" || self.server.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// What a call says: ids and clocks, and nothing of the case or of people in it.
#[derive(Debug, Clone, Serialize)]
pub struct Notice {
    pub format: &'static str,
    pub ring: String,
    pub file: String,
    /// The State that wrote.
    pub peer: String,
    pub statement: String,
    pub reason: String,
    pub article: String,
    pub started_at: Instant,
    /// When it goes on to the next officer.
    pub escalates_at: Option<Instant>,
    pub escalations: u32,
    /// What to do.
    pub command: String,
}

impl Notice {
    pub(crate) fn of(summons: &Summons, times: &DeskTimes, now: Instant) -> Self {
        Self {
            format: FORMAT,
            ring: summons.ring.clone(),
            file: summons.file.to_string(),
            peer: summons.peer.to_string(),
            statement: summons.statement.clone(),
            reason: summons.reason.as_str().to_owned(),
            article: summons.reason.rule().citation().to_string(),
            started_at: summons.started_at,
            escalates_at: Some(summons.escalates_at(times, now)),
            escalations: summons.escalations,
            command: format!("rogatory desk open {}", summons.file),
        }
    }

    /// A call that an officer tries out.
    pub fn trial(us: vocabulary::StateCode, now: Instant) -> Self {
        Self {
            format: FORMAT,
            ring: "trial".to_owned(),
            file: "trial".to_owned(),
            peer: us.to_string(),
            statement: "trial".to_owned(),
            reason: "trial".to_owned(),
            article: "Art. 41(1)".to_owned(),
            started_at: now,
            escalates_at: None,
            escalations: 0,
            command: "rogatory desk list".to_owned(),
        }
    }

    fn subject(&self) -> String {
        format!("[rogatory] {}: {} from {}", self.reason, self.statement, self.peer)
    }

    fn letter(&self, zone: &str) -> String {
        let shown = |at: Instant| {
            let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
            at.timestamp().to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
        };
        let mut text = format!(
            "This cannot wait: {} ({})\n\nfrom     {}\nfile     {}\ncame     {}\n",
            self.reason,
            self.article,
            self.peer,
            self.file,
            shown(self.started_at)
        );
        if let Some(at) = self.escalates_at {
            text.push_str(&format!("next     the next officer is called {}\n", shown(at)));
        }
        text.push_str(&format!("\nOpen it with:\n  {}\n", self.command));
        text.push_str("\nThis letter says nothing of the case. Do not answer it.\n");
        text
    }
}

/// The means by which this node calls.
#[derive(Debug, Clone)]
pub struct Caller {
    hook: Vec<String>,
    hook_time: Duration,
    mail: Option<MailConfiguration>,
    folder: PathBuf,
    zone: String,
}

impl Caller {
    /// `folder` is where paths of the configuration begin.
    pub fn new(configuration: &DeskConfiguration, folder: &Path, zone: &str) -> Self {
        Self {
            hook: configuration.hook.clone(),
            hook_time: configuration.hook_seconds.map_or(HOOK_TIME, Duration::from_secs),
            mail: configuration.mail.clone(),
            folder: folder.to_owned(),
            zone: zone.to_owned(),
        }
    }

    /// Calls every officer by every means at the same time; one that fails holds up no other.
    pub async fn call(&self, notice: &Notice, officers: &[Summoned], now: Instant) -> Vec<CallOutcome> {
        let calls = officers.iter().map(|called| async {
            let hook = async {
                if self.hook.is_empty() {
                    return None;
                }
                Some(self.run_hook(notice, called).await)
            };
            let mail = async {
                let (mail, to) = (self.mail.as_ref()?, called.mail.as_deref()?);
                Some(self.send(mail, notice, to).await)
            };
            let (hook, mail) = tokio::join!(hook, mail);
            [(MEANS_HOOK, hook), (MEANS_MAIL, mail)].map(|(means, done)| {
                let officer = called.officer.clone();
                done.map(|done| CallOutcome { officer, means, at: now, trouble: done.err() })
            })
        });
        join_all(calls).await.into_iter().flatten().flatten().collect()
    }

    async fn run_hook(&self, notice: &Notice, called: &Summoned) -> Result<(), String> {
        #[derive(Serialize)]
        struct ForHook<'a> {
            #[serde(flatten)]
            notice: &'a Notice,
            officer: &'a vocabulary::OfficerId,
        }
        let json = serde_json::to_vec(&ForHook { notice, officer: &called.officer })
            .map_err(|error| error.to_string())?;
        let Some((program, words)) = self.hook.split_first() else { return Ok(()) };
        // No secret of the node's environment reaches a program of the operator's.
        let mut child = Command::new(program)
            .args(words)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("the program does not start: {}", error.kind()))?;
        let stdin = child.stdin.take();
        let done = async {
            if let Some(mut stdin) = stdin {
                // A program that reads nothing has its reasons; its exit status counts.
                let _ = stdin.write_all(&json).await;
            }
            child.wait().await
        };
        match timeout(self.hook_time, done).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(status.to_string()),
            Ok(Err(error)) => Err(error.kind().to_string()),
            Err(_) => Err(format!("it did not end within {} s", self.hook_time.as_secs())),
        }
    }

    async fn send(&self, mail: &MailConfiguration, notice: &Notice, to: &str) -> Result<(), String> {
        let address =
            |text: &str| text.parse::<lettre::Address>().map_err(|_| "an address is none".to_owned());
        let message = Message::builder()
            .from(Mailbox::new(None, address(&mail.from)?))
            .to(Mailbox::new(None, address(to)?))
            .subject(notice.subject())
            .header(ContentType::TEXT_PLAIN)
            .body(notice.letter(&self.zone))
            .map_err(|error| error.to_string())?;
        let transport = self.transport(mail).map_err(|error| error.to_string())?;
        match timeout(MAIL_TIME * 2, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(smtp_trouble(&error)),
            Err(_) => Err("the mail server did not answer in time".to_owned()),
        }
    }

    fn transport(&self, mail: &MailConfiguration) -> Result<AsyncSmtpTransport<Tokio1Executor>, NodeError> {
        let (tls, usual) = match mail.security {
            MailSecurity::Starttls => (Tls::Required(self.tls(mail)?), 587),
            MailSecurity::Tls => (Tls::Wrapper(self.tls(mail)?), 465),
            MailSecurity::None => (Tls::None, 25),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.server)
            .port(mail.port.unwrap_or(usual))
            .hello_name(ClientId::default())
            .tls(tls)
            .timeout(Some(MAIL_TIME));
        if let (Some(user), Some(file)) = (&mail.user, &mail.passphrase_file) {
            let path = self.folder.join(file);
            let password = std::fs::read_to_string(&path).map_err(|source| disk(&path, source))?;
            builder = builder.credentials(Credentials::new(user.clone(), password.trim_end().to_owned()));
        }
        Ok(builder.build())
    }

    fn tls(&self, mail: &MailConfiguration) -> Result<TlsParameters, NodeError> {
        let wrong = |error: lettre::transport::smtp::Error| NodeError::Tls { reason: error.to_string() };
        let mut builder = TlsParameters::builder(mail.server.clone());
        if let Some(root) = &mail.root {
            let path = self.folder.join(root);
            let pem = std::fs::read(&path).map_err(|source| disk(&path, source))?;
            builder = builder
                .certificate_store(CertificateStore::None)
                .add_root_certificate(Certificate::from_pem(&pem).map_err(wrong)?);
        }
        builder.build().map_err(wrong)
    }
}

/// What the server said, without addresses: those stand only in what it quotes.
fn smtp_trouble(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server refused: {code}"),
        None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
        None if error.is_tls() => "TLS with the mail server failed".to_owned(),
        None => "the mail server cannot be reached".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(text: &str) -> DeskConfiguration {
        toml::from_str(text).unwrap()
    }

    fn caller(configuration: &DeskConfiguration) -> Caller {
        Caller::new(configuration, Path::new("/"), "Asia/Ho_Chi_Minh")
    }

    fn notice() -> Notice {
        Notice::trial("XB".parse().unwrap(), "2026-11-24T06:00:00Z".parse().unwrap())
    }

    fn officer(mail: Option<&str>) -> Summoned {
        Summoned { officer: "ana.cruz".parse().unwrap(), mail: mail.map(str::to_owned) }
    }

    async fn trouble(text: &str, mail: Option<&str>) -> Vec<Option<String>> {
        let (caller, now) = (caller(&desk(text)), notice().started_at);
        let outcomes = caller.call(&notice(), &[officer(mail)], now).await;
        outcomes.into_iter().map(|outcome| outcome.trouble).collect()
    }

    #[test]
    fn what_cannot_work_is_named() {
        assert_eq!(desk("hook = [\"/bin/true\"]\nping_seconds = 60").wrong(), None);
        let mail = "[mail]\nserver = \"mail.example\"\nsecurity = \"tls\"\nfrom = \"desk@xb.example\"\n";
        assert_eq!(desk(mail).wrong(), None);
        for (text, word) in [
            ("hook = [\"true\"]".to_owned(), "hook"),
            ("hook_seconds = 0".to_owned(), "hook_seconds"),
            ("repeat_seconds = 0".to_owned(), "pauses"),
            ("escalate_emergency_seconds = 86401".to_owned(), "pauses"),
            ("ping_seconds = 0".to_owned(), "ping_seconds"),
            (mail.replace("\"tls\"", "\"none\""), "mail.security"),
            (mail.replace("desk@", "desk"), "mail.from"),
            (format!("{mail}user = \"desk\"\n"), "passphrase_file"),
        ] {
            assert!(desk(&text).wrong().unwrap().contains(word), "{text}");
        }
        let local = mail.replace("mail.example", "127.0.0.1").replace("\"tls\"", "\"none\"");
        assert_eq!(desk(&local).wrong(), None);
        assert!(toml::from_str::<DeskConfiguration>("colour = 1").is_err());
    }

    #[test]
    fn the_times_are_those_of_the_table_until_others_are_set() {
        assert_eq!(DeskConfiguration::default().times(), DeskTimes::default());
        assert_eq!(DeskTimes::default().emergency, Duration::from_secs(600));
        assert_eq!(DeskConfiguration::default().ping_interval(), Duration::from_secs(6 * 3_600));
        let set = desk("escalate_emergency_seconds = 4\nping_seconds = 9");
        assert_eq!(
            (set.times().emergency, set.ping_interval()),
            (Duration::from_secs(4), Duration::from_secs(9))
        );
        assert_eq!(set.times().repeat, DeskTimes::default().repeat);
    }

    #[tokio::test]
    async fn a_program_that_fails_hangs_or_is_not_there_is_said_in_one_line() {
        assert_eq!(trouble("hook = [\"/bin/true\"]", None).await, [None]);
        assert_eq!(trouble("hook = [\"/bin/false\"]", None).await, [Some("exit status: 1".to_owned())]);
        let missing = trouble("hook = [\"/no/such\"]", None).await.remove(0).unwrap();
        assert!(missing.contains("does not start"), "{missing}");
        let slow = trouble("hook = [\"/bin/sleep\", \"60\"]\nhook_seconds = 1", None).await;
        assert_eq!(slow, [Some("it did not end within 1 s".to_owned())]);
        assert!(trouble("", Some("ana@x.example")).await.is_empty());
    }

    #[tokio::test]
    async fn no_secret_of_the_environment_reaches_the_program_and_no_word_is_read_by_a_shell() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let script = format!("env > {}; echo \"$1\" >> {}", out.display(), out.display());
        let hook =
            vec!["/bin/sh".to_owned(), "-c".to_owned(), script, "sh".to_owned(), "$(id); ;".to_owned()];
        let configuration = DeskConfiguration { hook, ..DeskConfiguration::default() };
        let outcomes = caller(&configuration).call(&notice(), &[officer(None)], notice().started_at).await;
        assert_eq!(outcomes[0].trouble, None);
        let said = std::fs::read_to_string(out).unwrap();
        assert!(said.contains("$(id); ;") && !said.contains("HOME=") && !said.contains("ROGATORY"), "{said}");
    }

    #[tokio::test]
    async fn a_mail_server_without_the_tls_that_is_asked_for_gets_no_letter() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // A server that speaks plainly and offers no STARTTLS.
        let heard = tokio::spawn(async move {
            use tokio::io::AsyncReadExt as _;
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(b"220 plain\r\n").await.unwrap();
            let (mut all, mut bytes) = (Vec::new(), [0; 512]);
            while let Ok(count) = socket.read(&mut bytes).await
                && count > 0
            {
                all.extend_from_slice(&bytes[..count]);
                let _ = socket.write_all(b"250 plain\r\n").await;
            }
            String::from_utf8(all).unwrap()
        });
        let text = format!(
            "[mail]\nserver = \"127.0.0.1\"\nport = {port}\nsecurity = \"starttls\"\nfrom = \"desk@xb.example\""
        );
        let said = trouble(&text, Some("ana@x.example")).await;
        assert!(said[0].is_some(), "{said:?}");
        let heard = heard.await.unwrap();
        assert!(!heard.contains("DATA") && !heard.contains("ana@"), "{heard}");
    }

    #[test]
    fn the_letter_names_the_clock_in_the_zone_of_the_node() {
        let letter = notice().letter("Asia/Ho_Chi_Minh");
        assert!(letter.contains("2026-11-24 13:00:00 +07:00"), "{letter}");
    }
}
