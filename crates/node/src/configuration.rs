//! `node.toml`: one file, one structure; unknown names are refused.

use crate::{DeskConfiguration, MAX_PARTS_AT_ONCE, NodeError, Pace, Rate, error::disk};
use register::Declarations;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use treaty::RequestedProfile;
use vocabulary::{Language, OfficeFunction, StateCode};

/// What a State says of itself and of its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    pub state: StateCode,
    /// The State's name by language.
    pub names: BTreeMap<Language, String>,
    /// The IANA zone in which this State counts its days, such as `Asia/Ho_Chi_Minh`.
    pub zone: String,
    /// Languages accepted for requests, Art. 40(13).
    pub languages: Vec<Language>,
    /// Where the node listens, such as `0.0.0.0:8443`.
    pub listen: String,
    /// The address that peers use, such as `https://node.example:8443`.
    pub endpoint: String,
    pub declarations: DeclarationsConfiguration,
    #[serde(default, skip_serializing_if = "TransferConfiguration::is_default")]
    pub transfer: TransferConfiguration,
    #[serde(default, skip_serializing_if = "LogConfiguration::is_default")]
    pub log: LogConfiguration,
    /// Who stamps the heads of our log; nobody when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_stamp: Option<TimeStampConfiguration>,
    /// How officers on duty are called, and how often contact points are asked.
    #[serde(default, skip_serializing_if = "DeskConfiguration::is_default")]
    pub desk: DeskConfiguration,
    pub offices: BTreeMap<OfficeFunction, OfficeConfiguration>,
}

/// A time-stamp authority (RFC 3161) for the heads of our log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeStampConfiguration {
    /// Such as `http://tsa.example/`; plain `http` is usual, the answer is signed.
    pub authority: String,
    /// Files with the root certificates of the authority in PEM, in the node's folder or elsewhere.
    pub roots: Vec<PathBuf>,
    /// At most one stamp in so many seconds, and only when the log grew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<u64>,
}

/// Declarations and reservations that change what a request needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclarationsConfiguration {
    /// The reservation of Art. 42(5).
    #[serde(default)]
    pub preservation_needs_dual_criminality: bool,
    /// True overrides the depositary register, for demonstrations; false leaves the answer to it, Art. 65.
    #[serde(default)]
    pub convention_in_force: bool,
}

/// How packages are fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferConfiguration {
    /// Parts fetched at the same time, each on its own connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts_at_once: Option<usize>,
    /// The most that all fetches together take of the line, such as `20MiB/s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Rate>,
}

impl TransferConfiguration {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub fn pace(&self) -> Pace {
        Pace::new(self.parts_at_once, self.limit)
    }
}

/// Our log as strangers see it, and who cosigns it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfiguration {
    /// Where the log is served to anybody, such as `0.0.0.0:8444`; nowhere when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// Witnesses that are asked to cosign, C2SP tlog-witness.
    #[serde(default, rename = "witness", skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<WitnessConfiguration>,
}

/// One witness of our log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfiguration {
    /// The submission prefix, such as `https://witness.example`.
    pub url: String,
    /// Its verifier key.
    pub vkey: String,
    /// The root of its TLS certificate in PEM; for a peer's node its State's root is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
}

impl LogConfiguration {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    fn wrong(&self) -> Option<&'static str> {
        let listens = |listen: &String| listen.parse::<std::net::SocketAddr>().is_ok();
        if !self.listen.as_ref().is_none_or(listens) {
            return Some("`listen` is an address and port such as `0.0.0.0:8444`");
        }
        let stands = |witness: &WitnessConfiguration| {
            (witness.url.starts_with("https://") || witness.url.starts_with("http://"))
                && ledger::CosignerVerifier::parse(&witness.vkey).is_ok()
        };
        (!self.witnesses.iter().all(stands))
            .then_some("a witness has a `url` that begins with `https://` and the `vkey` of a cosigner")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeConfiguration {
    pub name: String,
    /// An e-mail address or telephone number of the office, for people.
    pub contact: String,
}

impl Configuration {
    pub fn read(path: &Path) -> Result<Self, NodeError> {
        let text = std::fs::read_to_string(path).map_err(|source| disk(path, source))?;
        let configuration: Self = toml::from_str(&text).map_err(|error| NodeError::Configuration {
            path: path.display().to_string(),
            reason: error.message().to_owned(),
        })?;
        configuration.check()?;
        Ok(configuration)
    }

    /// The file with a comment above each value.
    pub fn to_toml(&self) -> Result<String, NodeError> {
        let value = |text: Result<String, toml::ser::Error>| {
            text.map_err(|error| NodeError::Value { name: "node.toml", reason: error.to_string() })
        };
        let body = value(toml::to_string_pretty(self))?;
        Ok(format!("{HEADER}{body}"))
    }

    pub fn check(&self) -> Result<(), NodeError> {
        let wrong = |name, reason: &str| Err(NodeError::Value { name, reason: reason.to_owned() });
        if self.host().is_none() {
            return wrong("endpoint", "an address such as `https://node.example:8443` is needed");
        }
        if self.listen.parse::<std::net::SocketAddr>().is_err() {
            return wrong("listen", "an address and port such as `0.0.0.0:8443` is needed");
        }
        if treaty::preservation_minimum(vocabulary::Instant::from_micros(0), &self.zone).is_err() {
            return wrong("zone", "an IANA zone such as `Asia/Ho_Chi_Minh` is needed");
        }
        if self.languages.is_empty() {
            return wrong("languages", "at least one language is needed, Art. 40(13)");
        }
        if self.transfer.parts_at_once.is_some_and(|parts| !(1..=MAX_PARTS_AT_ONCE).contains(&parts)) {
            return wrong("transfer.parts_at_once", "1 to 4 parts can come at once");
        }
        if let Some(reason) = self.log.wrong() {
            return wrong("log", reason);
        }
        if self.time_stamp.as_ref().is_some_and(|time_stamp| time_stamp.roots.is_empty()) {
            return wrong("time_stamp.roots", "at least one file with a root certificate is needed");
        }
        if let Some(reason) = self.desk.wrong() {
            return wrong("desk", reason);
        }
        match OfficeFunction::ALL
            .into_iter()
            .find(|office| office.is_needed() && !self.offices.contains_key(office))
        {
            Some(office) => wrong("offices", &format!("the office `{office}` is missing")),
            None => Ok(()),
        }
    }

    /// The host name or address in the endpoint.
    pub fn host(&self) -> Option<String> {
        let rest = self.endpoint.strip_prefix("https://")?.trim_end_matches('/');
        let host = if let Some(bracketed) = rest.strip_prefix('[') {
            bracketed.split(']').next()?
        } else {
            rest.split(':').next()?
        };
        (!host.is_empty() && !host.contains('/')).then(|| host.to_owned())
    }

    /// The English name, else any.
    pub fn state_name(&self) -> &str {
        self.names
            .iter()
            .find(|(language, _)| language.primary() == "en")
            .or_else(|| self.names.iter().next())
            .map_or("", |(_, name)| name.as_str())
    }

    pub fn profile(&self) -> RequestedProfile {
        RequestedProfile {
            state: self.state,
            languages: self.languages.clone(),
            preservation_needs_dual_criminality: self.declarations.preservation_needs_dual_criminality,
            convention_in_force: self.declarations.convention_in_force,
            offices: self.offices.keys().copied().collect(),
        }
    }

    pub(crate) fn declared(&self) -> Declarations {
        Declarations {
            preservation_needs_dual_criminality: self.declarations.preservation_needs_dual_criminality,
            convention_in_force: self.declarations.convention_in_force,
        }
    }
}

const HEADER: &str = "\
# The configuration of one State's node. After a change: `rogatory descriptor export`, and send it to the peers.
#
# state      two capital letters (ISO 3166-1); XA to XZ are for exercises
# names      the State's name by language
# zone       the IANA zone in which the State counts its days
# languages  languages accepted for requests, Art. 40(13)
# listen     address and port on this machine
# endpoint   the address that peers use; its host is in the TLS certificate
# declarations.preservation_needs_dual_criminality   the reservation of Art. 42(5)
# declarations.convention_in_force                   true says that it is in force whatever the register says, with States whose descriptor
#                                                    says the same: for demonstrations; false asks the register (`rogatory register`)
# transfer.parts_at_once   parts of a package fetched at the same time, 1 to 4; twice the cores when not given
# transfer.limit           the most that all fetches together take of the line, such as `20MiB/s`
# log.listen               address and port at which anybody can follow the log (tiles, no content); not served when not given
# log.witness              `url` and `vkey` of each witness that is asked to cosign the log; `root` of its TLS certificate
# time_stamp.authority      who stamps heads of our log (RFC 3161), such as `http://tsa.example/`; nobody when not given
# time_stamp.roots          files with its root certificates in PEM
# time_stamp.every_seconds  at most one stamp in so many seconds; 3600 when not given
# desk.hook                 the whole path of a program that calls an officer, and its arguments; it reads the ring as JSON
# desk.hook_seconds         how long it may take; 20 when not given
# desk.mail                 `server`, `port`, `security` (starttls, tls; none only on this machine), `from`; see docs/operate/desk.md
# desk.escalate_emergency_seconds, .escalate_preservation_seconds, .escalate_urgent_seconds, .repeat_seconds
#                           when the next officer is called, and when the same ones again; see `rogatory treaty rules`
# desk.ping_seconds         how often other contact points are asked whether they are there; 6 hours when not given
# offices    name and contact of each office, for people

";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example() -> Configuration {
        Configuration {
            state: "XA".parse().unwrap(),
            names: [("en".parse().unwrap(), "Aldonia".to_owned())].into(),
            zone: "Europe/Paris".to_owned(),
            languages: vec!["en".parse().unwrap()],
            listen: "127.0.0.1:8443".to_owned(),
            endpoint: "https://node.example:8443".to_owned(),
            declarations: DeclarationsConfiguration::default(),
            transfer: TransferConfiguration::default(),
            log: LogConfiguration::default(),
            time_stamp: None,
            desk: DeskConfiguration::default(),
            offices: OfficeFunction::ALL
                .into_iter()
                .map(|f| {
                    (f, OfficeConfiguration { name: f.to_string(), contact: "office@example.net".to_owned() })
                })
                .collect(),
        }
    }

    #[test]
    fn a_configuration_goes_round_and_an_unknown_name_is_refused() {
        let text = example().to_toml().unwrap();
        assert_eq!(toml::from_str::<Configuration>(&text).unwrap(), example());
        let mut slow = example();
        slow.transfer.limit = Some("20MiB/s".parse().unwrap());
        assert_eq!(toml::from_str::<Configuration>(&slow.to_toml().unwrap()).unwrap(), slow);
        assert!(
            toml::from_str::<Configuration>(
                &text.replace("[offices", "[transfer]\nlimit = \"fast\"\n[offices")
            )
            .is_err()
        );
        assert!(toml::from_str::<Configuration>(&format!("colour = \"red\"\n{text}")).is_err());
    }

    #[test]
    fn values_that_cannot_work_are_named() {
        let refused = |change: fn(&mut Configuration)| {
            let mut configuration = example();
            change(&mut configuration);
            configuration.check().unwrap_err().to_string()
        };
        assert!(refused(|c| c.endpoint = "http://node.example".to_owned()).contains("endpoint"));
        assert!(refused(|c| c.listen = "8443".to_owned()).contains("listen"));
        assert!(refused(|c| c.zone = "Mars/Olympus".to_owned()).contains("zone"));
        assert!(refused(|c| c.languages.clear()).contains("languages"));
        assert!(refused(|c| c.transfer.parts_at_once = Some(5)).contains("parts_at_once"));
        assert!(
            refused(|c| {
                c.offices.remove(&OfficeFunction::Node);
            })
            .contains("offices")
        );
    }

    #[test]
    fn the_host_of_an_endpoint_is_found() {
        let mut configuration = example();
        assert_eq!(configuration.host().unwrap(), "node.example");
        configuration.endpoint = "https://[::1]:8443".to_owned();
        assert_eq!(configuration.host().unwrap(), "::1");
    }

    proptest! {
        #[test]
        fn a_file_with_bytes_changed_is_refused_or_goes_round(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<bool>()
        ) {
            let mut bytes = example().to_toml().unwrap().into_bytes();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
                if cut {
                    bytes.truncate(at.max(1));
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            if let Ok(read) = toml::from_str::<Configuration>(&text) {
                let _ = (read.host(), read.state_name().len(), read.profile(), read.transfer.pace());
                if read.check().is_ok() {
                    prop_assert_eq!(toml::from_str::<Configuration>(&read.to_toml().unwrap()).unwrap(), read);
                }
            }
        }

        #[test]
        fn any_endpoint_has_a_host_without_a_slash_or_none(endpoint in "(https://)?[\\[\\]:/a-z0-9.]{0,24}") {
            let host = Configuration { endpoint, ..example() }.host();
            prop_assert!(host.is_none_or(|host| !host.is_empty() && !host.contains('/')));
        }
    }
}
