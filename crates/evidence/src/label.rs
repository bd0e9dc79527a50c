//! `bag-info.txt`: what a package says about itself outside and inside the encryption.

use crate::{bag::BagFault, suite::BulkSuite};
use vocabulary::{Digest, ExhibitId, FileId, Instant, OfficeId, PackageId};

/// Bytes of one `bag-info.txt`.
pub(crate) const MAX_INFO_BYTES: u64 = 1024 * 1024;
const AGENT: &str = concat!("rogatory/", env!("CARGO_PKG_VERSION"));
const FILE: &str = "bag-info.txt";

/// The bytes and files under `data/`, written `bytes.files` (RFC 8493, 2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Oxum {
    pub(crate) bytes: u64,
    pub(crate) files: u64,
}

impl Oxum {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.files = self.files.saturating_add(1);
    }

    fn parse(text: &str) -> Option<Self> {
        let (bytes, files) = text.split_once('.')?;
        let oxum = Self { bytes: bytes.parse().ok()?, files: files.parse().ok()? };
        (oxum.to_string() == text).then_some(oxum)
    }

    pub(crate) fn check(self, found: Self) -> Result<(), BagFault> {
        match self == found {
            true => Ok(()),
            false => Err(BagFault::Oxum { expected: self.to_string(), found: found.to_string() }),
        }
    }
}

impl std::fmt::Display for Oxum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.bytes, self.files)
    }
}

/// Which package this is, of which file, from whom, to whom: the same in the outer and the inner bag.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PackageLabel {
    pub package_id: PackageId,
    pub file_id: FileId,
    pub from: OfficeId,
    /// The addressed office, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<OfficeId>,
    /// SHA-256 of the DER of every certificate to which the package key is wrapped, ascending.
    pub addressees: Vec<Digest>,
    /// SHA-256 of the text of every post-quantum recipient (`age1pq1…`) around that envelope, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hybrid_addressees: Vec<Digest>,
    pub suite: BulkSuite,
    /// The day of sealing in UTC, `2026-11-15`.
    pub bagging_date: String,
}

/// One exhibit as the inner bag names it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExhibitLabel {
    pub exhibit_id: ExhibitId,
    /// The folder under `data/`.
    pub name: String,
}

/// A whole `bag-info.txt`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BagInfo {
    pub(crate) label: PackageLabel,
    pub(crate) oxum: Oxum,
    /// Inner bag only, in ascending order of name.
    pub(crate) exhibits: Vec<ExhibitLabel>,
}

/// Which of the two bags: only the inner names the exhibits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Outer,
    Inner,
}

pub(crate) fn day_of(instant: Instant) -> String {
    instant.to_string().split('T').next().unwrap_or_default().to_owned()
}

impl BagInfo {
    pub(crate) fn write(&self, side: Side) -> String {
        let label = &self.label;
        let mut text = format!(
            "Bagging-Date: {}\nPayload-Oxum: {}\nBag-Software-Agent: {AGENT}\nExternal-Identifier: {}\n\
             Rogatory-File: {}\nRogatory-From: {}\n",
            label.bagging_date, self.oxum, label.package_id, label.file_id, label.from
        );
        if let Some(to) = label.to {
            text.push_str(&format!("Rogatory-To: {to}\n"));
        }
        for addressee in &label.addressees {
            text.push_str(&format!("Rogatory-Addressee-Certificate: {addressee}\n"));
        }
        for addressee in &label.hybrid_addressees {
            text.push_str(&format!("Rogatory-Addressee-Hybrid: {addressee}\n"));
        }
        text.push_str(&format!("Rogatory-Bulk-Suite: {}\n", label.suite.as_str()));
        if side == Side::Inner {
            for exhibit in &self.exhibits {
                text.push_str(&format!("Rogatory-Exhibit: {} {}\n", exhibit.exhibit_id, exhibit.name));
            }
        }
        text
    }

    /// Strict: one label a line, no continuation lines, unknown labels ignored.
    pub(crate) fn parse(bytes: &[u8], side: Side) -> Result<Self, BagFault> {
        let fields = Fields::parse(bytes)?;
        let addressees = digests(&fields, "Rogatory-Addressee-Certificate")?;
        let hybrid_addressees = digests(&fields, "Rogatory-Addressee-Hybrid")?;
        let exhibits = match side {
            Side::Outer => Vec::new(),
            Side::Inner => exhibits(&fields)?,
        };
        let date = fields.one("Bagging-Date", DATE)?;
        if !is_date(date) {
            return Err(BagFault::Label { file: FILE, label: "Bagging-Date", expected: DATE });
        }
        let oxum = fields.one("Payload-Oxum", OXUM)?;
        let oxum =
            Oxum::parse(oxum).ok_or(BagFault::Label { file: FILE, label: "Payload-Oxum", expected: OXUM })?;
        let label = PackageLabel {
            package_id: fields.word("External-Identifier", "a package id (a UUID)")?,
            file_id: fields.word("Rogatory-File", "a file id (a UUID)")?,
            from: fields.word("Rogatory-From", "an office")?,
            to: fields.at_most_one("Rogatory-To", "an office")?,
            addressees,
            hybrid_addressees,
            suite: fields.word("Rogatory-Bulk-Suite", "`age-v1` or `cobblestone-256`")?,
            bagging_date: date.to_owned(),
        };
        Ok(Self { label, oxum, exhibits })
    }
}

const DATE: &str = "a date such as `2026-11-15`";
const OXUM: &str = "the payload's bytes, a full stop, and its number of files";

fn is_date(text: &str) -> bool {
    let shape = text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    text.len() == 10 && shape
}

fn digests(fields: &Fields<'_>, label: &'static str) -> Result<Vec<Digest>, BagFault> {
    let mut addressees: Vec<Digest> = Vec::new();
    for text in fields.all(label) {
        let found = text.parse().ok().filter(|found| addressees.last().is_none_or(|last| last < found));
        let expected = "a digest written `sha256:` and 64 hex digits, each greater than the last";
        addressees.push(found.ok_or(BagFault::Label { file: FILE, label, expected })?);
    }
    Ok(addressees)
}

fn exhibits(fields: &Fields<'_>) -> Result<Vec<ExhibitLabel>, BagFault> {
    let mut exhibits: Vec<ExhibitLabel> = Vec::new();
    for text in fields.all("Rogatory-Exhibit") {
        let found = exhibit(text)?;
        if exhibits.last().is_some_and(|last| last.name >= found.name) {
            return Err(wrong_exhibit());
        }
        exhibits.push(found);
    }
    Ok(exhibits)
}

fn wrong_exhibit() -> BagFault {
    BagFault::Label {
        file: FILE,
        label: "Rogatory-Exhibit",
        expected: "an exhibit id, a space and the name of a folder, in ascending order of name",
    }
}

fn exhibit(text: &str) -> Result<ExhibitLabel, BagFault> {
    let (id, name) = text.split_once(' ').ok_or_else(wrong_exhibit)?;
    match crate::listing::name_fault(name) {
        Some(_) => Err(wrong_exhibit()),
        None => {
            let exhibit_id = id.parse().map_err(|_| wrong_exhibit())?;
            Ok(ExhibitLabel { exhibit_id, name: name.to_owned() })
        }
    }
}

struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, BagFault> {
        let wrong = |what| BagFault::Info { file: FILE, what };
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
        let body = text.strip_suffix('\n').ok_or_else(|| wrong("it does not end in a line feed"))?;
        body.split('\n')
            .map(|line| {
                let (label, value) =
                    line.split_once(": ").ok_or_else(|| wrong("a line is not `Label: value`"))?;
                match label.is_empty() || line.chars().any(char::is_control) {
                    true => Err(wrong("a label is empty or a line has a control character")),
                    false => Ok((label, value)),
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn all(&self, label: &'static str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| *found == label).map(|(_, value)| *value)
    }

    fn one(&self, label: &'static str, expected: &'static str) -> Result<&'a str, BagFault> {
        let mut values = self.all(label);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(BagFault::Label { file: FILE, label, expected }),
        }
    }

    fn at_most_one<T: std::str::FromStr>(
        &self,
        label: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, BagFault> {
        match self.all(label).next() {
            None => Ok(None),
            Some(_) => self.word(label, expected).map(Some),
        }
    }

    fn word<T: std::str::FromStr>(&self, label: &'static str, expected: &'static str) -> Result<T, BagFault> {
        self.one(label, expected)?.parse().map_err(|_| BagFault::Label { file: FILE, label, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> BagInfo {
        let mut addressees = vec![Digest::of(b"one"), Digest::of(b"two")];
        addressees.sort_unstable();
        let id = "0198c0de-0000-7000-8000-000000000001";
        BagInfo {
            label: PackageLabel {
                package_id: id.parse().unwrap(),
                file_id: id.parse().unwrap(),
                from: "XB/evidence-office".parse().unwrap(),
                to: Some("XA/evidence-office".parse().unwrap()),
                addressees,
                hybrid_addressees: vec![],
                suite: BulkSuite::AgeV1,
                bagging_date: "2026-11-15".into(),
            },
            oxum: Oxum { bytes: 7, files: 2 },
            exhibits: vec![],
        }
    }

    #[test]
    fn both_sides_go_round() {
        let mut info = info();
        assert_eq!(BagInfo::parse(info.write(Side::Outer).as_bytes(), Side::Outer).unwrap(), info);
        let exhibit_id = "0198c0de-0000-7000-8000-000000000002".parse().unwrap();
        info.exhibits.push(ExhibitLabel { exhibit_id, name: "server logs".into() });
        assert_eq!(BagInfo::parse(info.write(Side::Inner).as_bytes(), Side::Inner).unwrap(), info);
    }

    #[test]
    fn a_missing_or_repeated_label_another_suite_and_a_climbing_exhibit_are_refused() {
        let outer = info().write(Side::Outer);
        let cases = [
            outer.replace("Rogatory-From", "X-From"),
            outer.replace("XA/evidence-office", "somewhere"),
            outer.clone() + "Rogatory-To: XA/evidence-office\n",
            outer.replace("age-v1", "rot13"),
            outer.replace("7.2", "07.2"),
            outer.replace("2026-11-15", "15 November"),
            outer.replace("sha256:", "md5:"),
            outer.trim_end().to_owned(),
            outer.clone() + &format!("Rogatory-Addressee-Certificate: {}\n", info().label.addressees[0]),
        ];
        for text in cases {
            assert!(BagInfo::parse(text.as_bytes(), Side::Outer).is_err(), "{text}");
        }
        let climbing =
            info().write(Side::Inner) + "Rogatory-Exhibit: 0198c0de-0000-7000-8000-000000000002 ..\n";
        assert!(BagInfo::parse(climbing.as_bytes(), Side::Inner).is_err());
        let one = "Rogatory-Exhibit: 0198c0de-0000-7000-8000-000000000002 b\n";
        let twice = info().write(Side::Inner) + one + one;
        assert!(BagInfo::parse(twice.as_bytes(), Side::Inner).is_err());
    }
}
