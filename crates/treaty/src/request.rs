//! A request that passed the check: the only way to have one is `Draft::check`.

use crate::draft::Draft;
use crate::item::{DataClass, Item};
use crate::kind::Kind;
use crate::table;
use serde::Serialize;
use std::collections::BTreeSet;
use vocabulary::{FileId, OfficeId, StateCode};

const ORDER_DAYS: u32 = table::ORDER_MAXIMUM.number().expect("the row holds days");
const DEFAULT_DAYS: u32 = table::PRESERVATION_DEFAULT.number().expect("the row holds days");

/// A draft without a finding of severity `Must`, on the side that checked it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Request {
    draft: Draft,
    #[serde(skip)]
    to: StateCode,
}

impl Request {
    /// `check` alone calls this, when it found no `Must`.
    pub(crate) fn from_checked(draft: Draft, to: StateCode) -> Self {
        Self { draft, to }
    }

    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    pub fn into_draft(self) -> Draft {
        self.draft
    }

    pub fn kind(&self) -> Kind {
        self.draft.kind
    }

    pub fn to(&self) -> StateCode {
        self.to
    }

    /// The office of the other State that receives it.
    pub fn addressee(&self) -> OfficeId {
        self.kind().addressee_of(self.to)
    }

    pub fn items(&self) -> &[Item] {
        &self.draft.items
    }

    pub fn data_classes(&self) -> BTreeSet<DataClass> {
        self.draft.items.iter().filter_map(|item| item.data_class).collect()
    }

    /// The preservation file that a request for stored data follows.
    pub fn preservation_file(&self) -> Option<FileId> {
        self.draft.preservation_file
    }

    /// Days of preservation asked for; the policy default where the request names none.
    pub fn requested_days(&self) -> u32 {
        self.draft.requested_days.unwrap_or(DEFAULT_DAYS)
    }

    /// Days of the first domestic order that serves it: what was asked, within Art. 25(2).
    pub fn order_days(&self) -> u32 {
        self.requested_days().min(ORDER_DAYS)
    }

    pub fn to_json(&self) -> Vec<u8> {
        self.draft.to_json()
    }
}
