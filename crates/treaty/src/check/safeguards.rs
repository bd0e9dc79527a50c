//! The safeguards of Art. 24 for intrusive measures.

use super::{Check, text};
use crate::finding::{Fault, Severity};
use crate::form::SafeguardsForm;
use crate::item::DataClass;
use crate::safeguard::SafeguardRecord;
use crate::table;

impl Check<'_> {
    pub(super) fn safeguards(&mut self) {
        let Some(weight) = self.safeguard_weight() else { return };
        match &self.draft.safeguards {
            None => self.found.add(
                weight,
                Fault {
                    rule: &table::SAFEGUARDS,
                    word: "safeguards",
                    field: "safeguards",
                    message: "no safeguards are recorded for the measure",
                    remedy: "add `[safeguards]`: who reviewed it, on which grounds, why it is proportionate, scope and validity",
                },
            ),
            Some(record) => {
                self.safeguard_texts(record, weight.min(Severity::Should));
                self.safeguard_validity(record, weight.min(Severity::Should));
            }
        }
    }

    /// Disclosure of traffic, content or other stored data is intrusive: the record is a must. Keeping data
    /// where they are discloses nothing: the record comes with the request for legal assistance.
    fn safeguard_weight(&self) -> Option<Severity> {
        let is_intrusive = self
            .draft
            .items
            .iter()
            .any(|item| item.data_class.is_none_or(|class| class > DataClass::Subscriber));
        Some(match self.form.safeguards {
            SafeguardsForm::ByClass if is_intrusive => Severity::Must,
            SafeguardsForm::Must => Severity::Must,
            SafeguardsForm::ByClass | SafeguardsForm::Should => Severity::Should,
            SafeguardsForm::Note => Severity::Note,
            SafeguardsForm::NotAsked => return None,
        })
    }

    fn safeguard_texts(&mut self, record: &SafeguardRecord, weight: Severity) {
        let wanted = [
            (
                &record.review_body,
                &table::SAFEGUARDS,
                weight,
                [
                    "review",
                    "safeguards.review_body",
                    "the body that reviewed the measure is missing",
                    "name the court or other independent body",
                ],
            ),
            (
                &record.review_ref,
                &table::SAFEGUARDS,
                weight,
                [
                    "review-reference",
                    "safeguards.review_ref",
                    "the decision of the reviewing body is not cited",
                    "write its number and date",
                ],
            ),
            (
                &record.grounds,
                &table::SAFEGUARDS,
                weight,
                [
                    "grounds",
                    "safeguards.grounds",
                    "the grounds that justify the measure are missing",
                    "say which facts justify it",
                ],
            ),
            (
                &record.scope,
                &table::SAFEGUARDS,
                weight,
                [
                    "scope",
                    "safeguards.scope",
                    "the scope of the authorization is missing",
                    "say which data of whom it covers",
                ],
            ),
            (
                &record.proportionality_note,
                &table::PROPORTIONALITY,
                weight,
                [
                    "proportionality",
                    "safeguards.proportionality_note",
                    "it is not said why the measure is proportionate",
                    "say why less would not do",
                ],
            ),
            (
                &record.third_party_note,
                &table::THIRD_PARTIES,
                Severity::Should,
                [
                    "third-parties",
                    "safeguards.third_party_note",
                    "nothing is said of third parties",
                    "say whose data are touched besides and how they are protected, or that there are none",
                ],
            ),
        ];
        for (value, rule, severity, [word, field, message, remedy]) in wanted {
            if text(value.as_ref()).is_none() {
                self.found.add(severity, Fault { rule, word, field, message, remedy });
            }
        }
        if record.remedy_available != Some(true) {
            self.found.should(Fault {
                rule: &table::SAFEGUARDS,
                word: "remedy",
                field: "safeguards.remedy_available",
                message: "no effective remedy for the person concerned is recorded",
                remedy: "write `remedy_available = true` where your law gives one",
            });
        }
    }

    fn safeguard_validity(&mut self, record: &SafeguardRecord, weight: Severity) {
        let rule = &table::SAFEGUARDS;
        let (Some(from), Some(until)) = (record.valid_from, record.valid_until) else {
            self.found.add(
                weight,
                Fault {
                    rule,
                    word: "validity",
                    field: "safeguards.valid_until",
                    message: "the authorization has no beginning or no end",
                    remedy: "write `valid_from` and `valid_until` with their zone",
                },
            );
            return;
        };
        if from >= until {
            self.found.add(
                weight,
                Fault {
                    rule,
                    word: "validity-order",
                    field: "safeguards.valid_until",
                    message: "the authorization ends before it begins",
                    remedy: "exchange or correct the two ends",
                },
            );
        } else if self.context.now < from {
            self.found.add(
                weight.max(self.passed()),
                Fault {
                    rule,
                    word: "not-yet-valid",
                    field: "safeguards.valid_from",
                    message: "the authorization is not yet valid",
                    remedy: "wait until it is, or correct its beginning",
                },
            );
        } else if until <= self.context.now {
            self.found.add(
                weight.max(self.passed()),
                Fault {
                    rule,
                    word: "expired",
                    field: "safeguards.valid_until",
                    message: "the authorization has expired",
                    remedy: "have it renewed and write the new end",
                },
            );
        }
    }
}
