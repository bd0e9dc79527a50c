//! What happened in a run, in numbers.

use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Counts {
    pub steps: u64,
    /// Statements delivered, with the receipt on both sides.
    pub exchanges: u64,
    pub receipts: u64,
    pub files: u64,
    pub faults: BTreeMap<String, u64>,
    pub statements: BTreeMap<String, u64>,
    pub refusals: BTreeMap<String, u64>,
}

impl Counts {
    pub(crate) fn fault(&mut self, kind: &str) {
        *self.faults.entry(kind.to_owned()).or_default() += 1;
    }

    pub(crate) fn statement(&mut self, kind: &str) {
        *self.statements.entry(kind.to_owned()).or_default() += 1;
    }

    pub(crate) fn refusal(&mut self, code: &str) {
        *self.refusals.entry(code.to_owned()).or_default() += 1;
    }

    pub(crate) fn faults_in_all(&self) -> u64 {
        self.faults.values().sum()
    }
}
