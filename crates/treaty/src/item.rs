//! One item of data that a request asks for: named, of one class, within a window of time.

use crate::written;
use serde::{Deserialize, Serialize};
use std::fmt;
use vocabulary::Instant;

/// The class of data, Art. 2(b), (c), (d) and (f); intrusiveness rises in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataClass {
    Subscriber,
    Traffic,
    Content,
    OtherStored,
}

impl DataClass {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subscriber => "subscriber",
            Self::Traffic => "traffic",
            Self::Content => "content",
            Self::OtherStored => "other-stored",
        }
    }
}

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of name the item is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentifierKind {
    Email,
    /// A user name or number at the provider.
    Account,
    /// In international form, `+` and digits.
    Phone,
    Ip,
    Domain,
    Url,
    /// IMEI, MAC or serial number.
    Device,
    /// An address of a virtual asset.
    Wallet,
    /// A stored file or object, by its name or digest at the custodian.
    File,
    Other,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<IdentifierKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_class: Option<DataClass>,
    /// Start of the window, with its zone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::instant")]
    pub from: Option<Instant>,
    /// End of the window, with its zone.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::instant")]
    pub until: Option<Instant>,
    /// How the item relates to the offence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn the_classes_are_those_of_the_table_in_the_same_order() {
        let classes = [DataClass::Subscriber, DataClass::Traffic, DataClass::Content, DataClass::OtherStored];
        assert!(classes.iter().map(|c| c.as_str()).eq(table::DATA_CLASS.list().iter().copied()));
        assert!(classes.is_sorted());
    }
}
