//! A statement: the JSON whose exact bytes an office signs, and that is kept.

use crate::{MAX_FILES_ANNOUNCED, MAX_TEXT_BYTES, Message, message::Decision};
use seal::Verified;
use serde::{Deserialize, Serialize};
use vocabulary::{EnvelopeId, Failure, Family, FileId, Instant, OfficeId, StateCode};

const FORMAT: &str = "rogatory/statement/1";
/// Version 2 is version 1 with the message `opened`; a statement names the lowest version that knows its message.
const FORMAT_WITH_OPENED: &str = "rogatory/statement/2";
/// Version 3 adds `execution`, `matter` and `matter-answer`.
const FORMAT_WITH_MATTERS: &str = "rogatory/statement/3";

/// Who says what to whom about which file. It names its envelope, so that it cannot be put into another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    pub format: String,
    pub envelope: EnvelopeId,
    pub file: FileId,
    pub from: OfficeId,
    pub to: OfficeId,
    pub at: Instant,
    pub message: Message,
}

impl Statement {
    pub fn new(
        envelope: EnvelopeId,
        file: FileId,
        from: OfficeId,
        to: OfficeId,
        at: Instant,
        message: Message,
    ) -> Self {
        Self { format: format_of(&message).to_owned(), envelope, file, from, to, at, message }
    }

    pub fn to_json(&self) -> Result<Vec<u8>, StatementFault> {
        serde_json::to_vec(self).map_err(|_| StatementFault::Unwritable)
    }

    /// Reads a statement that was verified; the size was limited when it was opened.
    pub fn from_json(bytes: &[u8]) -> Result<Self, StatementFault> {
        let statement: Self = serde_json::from_slice(bytes)
            .map_err(|error| StatementFault::Json { line: error.line(), column: error.column() })?;
        if statement.format != format_of(&statement.message) {
            return Err(StatementFault::Format { found: statement.format.chars().take(64).collect() });
        }
        statement.check_lengths()?;
        Ok(statement)
    }

    /// Reads what `signer` signed and checks that it is the statement of the envelope in which it came.
    pub fn of_envelope(
        signed: &Verified<Vec<u8>>,
        envelope: EnvelopeId,
        sender: StateCode,
        addressee: OfficeId,
    ) -> Result<Self, StatementFault> {
        let statement = Self::from_json(signed.value())?;
        if statement.from != signed.signer() {
            return Err(StatementFault::OtherSigner { expected: statement.from, found: signed.signer() });
        }
        if statement.envelope != envelope {
            return Err(StatementFault::OtherEnvelope { expected: envelope, found: statement.envelope });
        }
        if statement.from.state != sender || statement.to != addressee {
            return Err(StatementFault::OtherAddress {
                from: OfficeId::new(sender, statement.from.function),
                to: addressee,
                found_from: statement.from,
                found_to: statement.to,
            });
        }
        Ok(statement)
    }

    fn check_lengths(&self) -> Result<(), StatementFault> {
        let texts: Vec<&str> = match &self.message {
            Message::Decision { decision, .. } => match decision {
                Decision::Granted { conditions } => conditions.iter().map(String::as_str).collect(),
                Decision::Postponed { reasons } | Decision::Refused { reasons, .. } => vec![reasons],
            },
            Message::Consultation { text } | Message::Matter { text, .. } => vec![text],
            Message::Execution { answer, text, .. } | Message::MatterAnswer { answer, text, .. } => {
                vec![answer, text]
            }
            Message::ExtensionRequest { reason, .. } | Message::Withdrawal { reason } => vec![reason],
            Message::Preserved { zone, .. } => vec![zone],
            Message::Evidence(announcement) => {
                announcement.check()?;
                let names = announcement.exhibits.iter().map(|exhibit| exhibit.name.as_str());
                let links = announcement.sent.iter().flat_map(|link| {
                    let alteration = link.alteration.as_deref().unwrap_or_default();
                    [link.place.as_str(), &link.why, &link.tool, alteration]
                });
                names.chain(links).collect()
            }
            Message::Rejection { report, .. } => {
                let clause = report.clause.iter().map(String::as_str);
                clause.chain([report.code.as_str(), &report.message, &report.remedy]).collect()
            }
            Message::Opened { proof, .. } => vec![proof],
            Message::Request { .. } | Message::Extended { .. } | Message::Closing { .. } => Vec::new(),
        };
        match texts.into_iter().map(str::len).find(|length| *length > MAX_TEXT_BYTES) {
            Some(found) => Err(StatementFault::TextTooLong { found }),
            None => Ok(()),
        }
    }
}

fn format_of(message: &Message) -> &'static str {
    match message {
        Message::Opened { .. } => FORMAT_WITH_OPENED,
        Message::Execution { .. } | Message::Matter { .. } | Message::MatterAnswer { .. } => {
            FORMAT_WITH_MATTERS
        }
        _ => FORMAT,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    #[error("the statement cannot be written as JSON")]
    Unwritable,
    #[error("the signed content is not a statement (line {line} column {column})")]
    Json { line: usize, column: usize },
    #[error(
        "the statement has the format `{found}`, expected the one of its message: `{FORMAT}`, `{FORMAT_WITH_OPENED}` or `{FORMAT_WITH_MATTERS}`"
    )]
    Format { found: String },
    #[error("a text in the statement has {found} bytes, more than {MAX_TEXT_BYTES}")]
    TextTooLong { found: usize },
    #[error("the announcement lists {found} files, more than {MAX_FILES_ANNOUNCED}")]
    TooManyFiles { found: usize },
    #[error("the announcement does not stand: {what}")]
    Announcement { what: &'static str },
    #[error("the statement is for the envelope `{found}` and came in `{expected}`")]
    OtherEnvelope { expected: EnvelopeId, found: EnvelopeId },
    #[error(
        "the statement is addressed from `{found_from}` to `{found_to}`, its envelope from `{from}` to `{to}`"
    )]
    OtherAddress { from: OfficeId, to: OfficeId, found_from: OfficeId, found_to: OfficeId },
    #[error("the statement is signed by `{found}` and speaks for `{expected}`")]
    OtherSigner { expected: OfficeId, found: OfficeId },
}

impl Failure for StatementFault {
    fn family(&self) -> Family {
        match self {
            Self::Unwritable => Family::Fault,
            _ => Family::PeerFault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Unwritable => "F-501",
            Self::Json { .. } => "P-501",
            Self::Format { .. } => "P-502",
            Self::TextTooLong { .. } => "P-503",
            Self::TooManyFiles { .. } => "P-504",
            Self::Announcement { .. } => "P-508",
            Self::OtherEnvelope { .. } => "P-505",
            Self::OtherAddress { .. } => "P-506",
            Self::OtherSigner { .. } => "P-507",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("spec/02-exchange.md, statement".to_owned())
    }
    fn remedy(&self) -> String {
        "tell the other State's operators; the envelope is kept as it came".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Announcement, ExhibitSummary, PackageFile};
    use casefile::Outcome;
    use treaty::{Draft, Ground, Kind};
    use vocabulary::{Digest, OfficerId, Report};

    fn id(last: u8) -> String {
        format!("0193a8f0-0000-7000-8000-0000000000{last:02x}")
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn statement(message: Message) -> Statement {
        let (from, to) = ("XA/contact-point".parse().unwrap(), "XB/contact-point".parse().unwrap());
        let (envelope, file) = (id(1).parse().unwrap(), id(2).parse().unwrap());
        Statement::new(envelope, file, from, to, at("2026-11-24T06:09:58.25Z"), message)
    }

    fn announcement(names: &[&str]) -> Announcement {
        let file =
            |name: &&str| PackageFile { name: (*name).to_owned(), size: 4, digest: Digest::of(b"part") };
        Announcement {
            package: id(3).parse().unwrap(),
            tag_manifest: Digest::of(b"tags"),
            files: names.iter().map(file).collect(),
            parts: None,
            bytes: 4 * names.len() as u64,
            exhibits: vec![ExhibitSummary {
                exhibit: id(4).parse().unwrap(),
                name: "mailbox".to_owned(),
                files: 1,
                bytes: 4,
                tree: Digest::of(b"tree"),
            }],
            available_until: Some(at("2027-02-22T06:09:58Z")),
            sent: Vec::new(),
        }
    }

    fn sent(sequence: u32) -> custody::Link {
        custody::Link {
            exhibit: id(4).parse().unwrap(),
            sequence,
            action: custody::Action::Sent,
            office: "XB/evidence-office".parse().unwrap(),
            officer: "n.okafor".parse().unwrap(),
            at: at("2026-11-24T06:00:00Z"),
            zone: "Africa/Nairobi".parse().unwrap(),
            place: "evidence office".to_owned(),
            why: "sent to the requesting State".to_owned(),
            tool: "rogatory".to_owned(),
            to: Some("XA/evidence-office".parse().unwrap()),
            related: None,
            digest_before: None,
            digest_after: None,
            alteration: None,
            previous: Some(Digest::of(b"sealed")),
        }
    }

    /// One message of every kind.
    fn messages() -> Vec<Message> {
        let officers: [OfficerId; 2] = ["d.asare".parse().unwrap(), "a.mensah".parse().unwrap()];
        let effected = at("2026-11-24T06:00:00Z");
        let zone = "Africa/Nairobi".to_owned();
        let order_end = treaty::order_end(effected, 90, &zone).unwrap();
        let decision = |decision| Message::Decision { decision, officers: officers.clone() };
        let draft = Draft::from_toml(treaty::template(Kind::PRESERVATION)).unwrap();
        let report = Report {
            family: Family::PeerFault,
            code: "P-505".to_owned(),
            message: "the statement is for another envelope".to_owned(),
            clause: None,
            remedy: "tell the other State's operators".to_owned(),
        };
        vec![
            Message::Request { draft: Box::new(draft), officers: officers.clone() },
            decision(Decision::Granted { conditions: None }),
            decision(Decision::Granted { conditions: Some("For this case only.".to_owned()) }),
            decision(Decision::Postponed { reasons: "A case of ours would suffer.".to_owned() }),
            decision(Decision::Refused {
                grounds: vec![Ground::EssentialInterests],
                reasons: "Why.".to_owned(),
            }),
            Message::Preserved {
                effected,
                minimum: treaty::preservation_minimum(effected, &zone).unwrap(),
                order_end: order_end.clone(),
                zone,
            },
            Message::Extended { order_end },
            Message::Evidence(announcement(&["bagit.txt", "data/payload.age.000000"])),
            Message::Evidence(Announcement { sent: vec![sent(2)], ..announcement(&["bagit.txt"]) }),
            Message::Consultation { text: "\u{65e5}\u{672c}\u{8a9e} \"quoted\"\n".to_owned() },
            Message::Execution {
                answer: "served".to_owned(),
                text: "Handed over on 3 December 2026.".to_owned(),
                complete: true,
            },
            Message::Matter {
                number: 1,
                matter: "use-consent".parse().unwrap(),
                text: "For the trial of a second person.".to_owned(),
            },
            Message::MatterAnswer {
                number: 1,
                answer: "consented".to_owned(),
                text: "For that trial only.".to_owned(),
                officers: Some(officers.clone()),
            },
            Message::MatterAnswer {
                number: 2,
                answer: "told".to_owned(),
                text: "The order was served.".to_owned(),
                officers: None,
            },
            Message::ExtensionRequest { days: 30, reason: "The court sits in May.".to_owned() },
            Message::Withdrawal { reason: "The suspect died.".to_owned() },
            Message::Closing { outcome: Outcome::Fulfilled },
            Message::Rejection { envelope: id(5).parse().unwrap(), sealed: Digest::of(b"sealed"), report },
            Message::Opened { envelope: id(6).parse().unwrap(), proof: "AAAA".to_owned() },
        ]
    }

    fn code(message: Message) -> &'static str {
        Statement::from_json(&statement(message).to_json().unwrap()).unwrap_err().code()
    }

    #[test]
    fn every_message_goes_round_as_json_to_the_byte() {
        for message in messages() {
            let word = message.word();
            let statement = statement(message);
            let json = statement.to_json().unwrap();
            let again = Statement::from_json(&json).unwrap();
            assert_eq!(again, statement, "{word}");
            assert_eq!(again.to_json().unwrap(), json, "{word}");
            let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(value["message"]["type"], word);
        }
    }

    #[test]
    fn a_statement_cut_short_or_with_something_behind_it_is_refused() {
        for message in messages() {
            let json = statement(message).to_json().unwrap();
            for length in 0..json.len() {
                assert!(Statement::from_json(&json[..length]).is_err());
            }
            assert!(Statement::from_json(&[json.as_slice(), b"x"].concat()).is_err());
        }
    }

    #[test]
    fn an_unknown_member_word_or_format_is_refused() {
        let json =
            String::from_utf8(statement(Message::Closing { outcome: Outcome::Fulfilled }).to_json().unwrap())
                .unwrap();
        let with = |old: &str, new: &str| {
            assert!(json.contains(old), "{json}");
            Statement::from_json(json.replacen(old, new, 1).as_bytes()).unwrap_err().code()
        };
        assert_eq!(with("{\"format\"", "{\"colour\":1,\"format\""), "P-501");
        assert_eq!(with("{\"format\"", "{\"file\":\"x\",\"format\""), "P-501");
        assert_eq!(with("\"type\"", "\"colour\":1,\"type\""), "P-501");
        assert_eq!(with("closing", "opening"), "P-501");
        assert_eq!(with("statement/1", "statement/2"), "P-502");
        assert_eq!(with("XA/contact-point", "XA/kitchen"), "P-501");
    }

    #[test]
    fn a_text_longer_than_the_limit_is_refused() {
        let long = "x".repeat(MAX_TEXT_BYTES + 1);
        let officers: [OfficerId; 2] = ["d.asare".parse().unwrap(), "a.mensah".parse().unwrap()];
        let decision = |decision| Message::Decision { decision, officers: officers.clone() };
        assert_eq!(code(Message::Consultation { text: long.clone() }), "P-503");
        assert_eq!(code(Message::Withdrawal { reason: long.clone() }), "P-503");
        assert_eq!(code(Message::ExtensionRequest { days: 1, reason: long.clone() }), "P-503");
        assert_eq!(code(decision(Decision::Granted { conditions: Some(long.clone()) })), "P-503");
        assert_eq!(code(decision(Decision::Postponed { reasons: long.clone() })), "P-503");
        let mut evidence = announcement(&["bagit.txt"]);
        evidence.exhibits[0].name = long;
        assert_eq!(code(Message::Evidence(evidence)), "P-503");
        let longest = statement(Message::Consultation { text: "x".repeat(MAX_TEXT_BYTES) });
        assert!(Statement::from_json(&longest.to_json().unwrap()).is_ok());
    }

    #[test]
    fn an_announcement_that_leads_out_of_its_folder_or_does_not_add_up_is_refused() {
        for names in [&["../keys/log.seed"][..], &["/etc/passwd"], &["bagit.txt", "bagit.txt"]] {
            assert_eq!(code(Message::Evidence(announcement(names))), "P-508", "{names:?}");
        }
        let mut wrong_sum = announcement(&["bagit.txt"]);
        wrong_sum.bytes += 1;
        assert_eq!(code(Message::Evidence(wrong_sum)), "P-508");
        let mut endless = announcement(&["bagit.txt", "bag-info.txt"]);
        endless.files[0].size = u64::MAX;
        assert_eq!(code(Message::Evidence(endless)), "P-508");
        let many: Vec<String> = (0..=MAX_FILES_ANNOUNCED).map(|n| format!("data/{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(code(Message::Evidence(announcement(&many))), "P-504");
    }

    #[test]
    fn links_of_custody_are_limited_and_never_refused_for_what_they_say() {
        let with = |sent: Vec<custody::Link>| {
            let message = Message::Evidence(Announcement { sent, ..announcement(&["bagit.txt"]) });
            Statement::from_json(&statement(message).to_json().unwrap())
        };
        assert_eq!(with(vec![sent(2), sent(3)]).unwrap_err().code(), "P-508");
        let long = custody::Link { why: "x".repeat(MAX_TEXT_BYTES + 1), ..sent(2) };
        assert_eq!(with(vec![long]).unwrap_err().code(), "P-503");
        // A gap is named when the package is opened, where an examiner reads it.
        assert!(with(vec![custody::Link { previous: None, ..sent(9) }]).is_ok());
        let json = String::from_utf8(with(Vec::new()).unwrap().to_json().unwrap()).unwrap();
        assert!(!json.contains("sent"), "{json}");
    }

    #[test]
    fn deeply_nested_json_is_refused_and_does_not_exhaust_the_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Statement::from_json(deep.as_bytes()).unwrap_err().code(), "P-501");
        let json =
            String::from_utf8(statement(Message::Closing { outcome: Outcome::Fulfilled }).to_json().unwrap())
                .unwrap();
        let inside = json.replacen("\"fulfilled\"", &deep, 1);
        assert_eq!(Statement::from_json(inside.as_bytes()).unwrap_err().code(), "P-501");
    }
}
