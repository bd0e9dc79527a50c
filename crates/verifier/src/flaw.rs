//! What can be wrong with a bundle: one stable code for each kind, and the thing it is about.

use std::fmt;

/// The kinds of wrong, in the order in which a reader would look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    Container,
    Missing,
    Manifest,
    Document,
    Encoding,
    Signature,
    Certificate,
    Root,
    Descriptor,
    Note,
    Commitment,
    Inclusion,
    Cosignature,
    SplitView,
    Receipt,
    Step,
    Contradiction,
    History,
    Index,
    TimeStamp,
}

impl Flaw {
    pub const ALL: [Self; 20] = [
        Self::Container,
        Self::Missing,
        Self::Manifest,
        Self::Document,
        Self::Encoding,
        Self::Signature,
        Self::Certificate,
        Self::Root,
        Self::Descriptor,
        Self::Note,
        Self::Commitment,
        Self::Inclusion,
        Self::Cosignature,
        Self::SplitView,
        Self::Receipt,
        Self::Step,
        Self::Contradiction,
        Self::History,
        Self::Index,
        Self::TimeStamp,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::Container => "P-970",
            Self::Missing => "P-971",
            Self::Manifest => "P-972",
            Self::Document => "P-973",
            Self::Encoding => "P-974",
            Self::Signature => "P-975",
            Self::Certificate => "P-976",
            Self::Root => "P-977",
            Self::Descriptor => "P-978",
            Self::Note => "P-979",
            Self::Commitment => "P-980",
            Self::Inclusion => "P-981",
            Self::Cosignature => "P-982",
            Self::SplitView => "P-983",
            Self::Receipt => "P-984",
            Self::Step => "P-985",
            Self::Contradiction => "P-986",
            Self::History => "P-987",
            Self::Index => "P-988",
            Self::TimeStamp => "P-989",
        }
    }

    /// One plain sentence for a reader who knows none of the formats.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Container => "the bundle cannot be read as one set of files",
            Self::Missing => "a file that must be there is not, or a file is there that is not listed",
            Self::Manifest => "a file is not the one that was packed",
            Self::Document => "a document does not have the form that the specification gives it",
            Self::Encoding => "a signed document or a certificate cannot be read",
            Self::Signature => "a signature does not fit what it is said to sign",
            Self::Certificate => "a signer is not who the bundle says",
            Self::Root => "a State's root certificate is not the expected one",
            Self::Descriptor => "a State's signed description of itself does not stand",
            Self::Note => "the signed head of a log cannot be read, or its log did not sign it",
            Self::Commitment => "a log entry is not about the document beside it",
            Self::Inclusion => "a document is not in the log under the head that is shown",
            Self::Cosignature => "a confirmation of a log's head by somebody else does not verify",
            Self::SplitView => "one log shows two different pasts",
            Self::Receipt => "a receipt is for something else",
            Self::Step => "a proof of a step is for something else, or by somebody else",
            Self::Contradiction => "two signed statements contradict each other",
            Self::History => "the record of the file has a gap or was altered",
            Self::Index => "the index of the bundle says something else than its files",
            Self::TimeStamp => "a time-stamp is not over what it should be, or not by a believed authority",
        }
    }

    pub fn clause(self) -> &'static str {
        match self {
            Self::Container | Self::Missing | Self::Manifest | Self::Index => "spec/07-proofs.md, 7.5",
            Self::Document => "spec/README.md, Conventions",
            Self::Encoding | Self::Signature => "spec/02-exchange.md, 2.1; RFC 5652, 5",
            Self::Certificate => "spec/01-descriptor.md, 1.2; RFC 5280, 6.1",
            Self::Root | Self::Descriptor => "spec/01-descriptor.md",
            Self::Note => "spec/03-ledger.md, 3.4",
            Self::Commitment => "spec/03-ledger.md, 3.1",
            Self::Inclusion => "spec/03-ledger.md, 3.6; RFC 9162, 2.1.3",
            Self::Cosignature => "spec/03-ledger.md, 3.5",
            Self::SplitView => "spec/03-ledger.md, 3.7",
            Self::Receipt => "spec/02-exchange.md, 2.9",
            Self::Step | Self::Contradiction => "spec/07-proofs.md, 7.2",
            Self::History => "spec/03-ledger.md",
            Self::TimeStamp => "spec/06-seals.md, 6.4; RFC 3161",
        }
    }

    pub fn remedy(self) -> &'static str {
        match self {
            Self::SplitView | Self::Contradiction => {
                "keep the bundle as evidence and put both documents to the State that signed them"
            }
            Self::Root => {
                "obtain the fingerprint of the root again, from the State itself and by another channel"
            }
            Self::TimeStamp => {
                "obtain the authority's root from the authority, and ask the State for the bundle again"
            }
            _ => "keep the bundle as evidence of what was handed over, and ask the State for it again",
        }
    }
}

/// One thing that is wrong: which kind, which file or fact of the bundle, what was expected and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub flaw: Flaw,
    /// The path in the bundle, or the fact.
    pub thing: String,
    pub what: String,
}

impl Complaint {
    pub fn new(flaw: Flaw, thing: impl Into<String>, what: impl Into<String>) -> Self {
        Self { flaw, thing: thing.into(), what: what.into() }
    }

    pub fn code(&self) -> &'static str {
        self.flaw.code()
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {} [{}]", self.thing, self.what, self.code())
    }
}

impl std::error::Error for Complaint {}

/// What is wrong before it is known in which file it stands.
pub(crate) type Wrong = (Flaw, String);

pub(crate) fn wrong(flaw: Flaw, what: impl Into<String>) -> Wrong {
    (flaw, what.into())
}

/// Names the thing.
pub(crate) trait In<T> {
    fn of(self, thing: &str) -> Result<T, Complaint>;
}

impl<T> In<T> for Result<T, Wrong> {
    fn of(self, thing: &str) -> Result<T, Complaint> {
        self.map_err(|(flaw, what)| Complaint::new(flaw, thing, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_wrong_has_its_own_code() {
        let mut codes: Vec<_> = Flaw::ALL.iter().map(|flaw| flaw.code()).collect();
        codes.dedup();
        assert_eq!((codes.len(), codes.first(), codes.last()), (20, Some(&"P-970"), Some(&"P-989")));
    }
}
