//! The items: named one by one, of one class each, within a window of time; nothing in bulk.

use super::{Check, Side, text};
use crate::finding::{Fault, Severity};
use crate::form::{ItemsForm, WindowForm};
use crate::identifier::{is_hidden, is_public, is_well_formed, names_many, well_formed_remedy};
use crate::item::{DataClass, IdentifierKind, Item};
use crate::rule::Rule;
use crate::table;
use std::{collections::BTreeSet, time::Duration};
use vocabulary::Instant;

const MAXIMUM: u32 = table::ITEM_MAXIMUM.number().expect("the row holds a count");
const LONG_WINDOW: Duration = hours(24 * table::ITEM_WINDOW_LONG.number().expect("the row holds days"));
const ADDRESS_WINDOW: Duration = hours(table::ITEM_WINDOW_ADDRESS.number().expect("the row holds hours"));
const SKEW: Duration = hours(table::CLOCK_SKEW.number().expect("the row holds hours"));

const fn hours(n: u32) -> Duration {
    Duration::from_secs(n as u64 * 60 * 60)
}

impl Check<'_> {
    pub(super) fn items(&mut self) {
        let items = &self.draft.items;
        let Some(form) = self.form.items else {
            if !items.is_empty() {
                self.found.must(Fault {
                    rule: self.form.rule(),
                    word: "items-none",
                    field: "items",
                    message: "a request of this kind asks for no items",
                    remedy: "remove `[[items]]`, or ask for data in a request for stored data",
                });
            }
            return;
        };
        if items.is_empty() {
            self.found.add(
                form.need,
                Fault {
                    rule: self.items_rule(),
                    word: "items",
                    field: "items",
                    message: match form.window {
                        WindowForm::Open => "no property or other thing is named",
                        WindowForm::Past | WindowForm::Coming => "no item of data is named",
                    },
                    remedy: "add `[[items]]` for each account, address or other thing",
                },
            );
        }
        if items.len() > usize::try_from(MAXIMUM).unwrap_or(usize::MAX) {
            self.found.must(Fault {
                rule: &table::ITEM_MAXIMUM,
                word: "many",
                field: "items",
                message: &format!("{} items are named, at most {MAXIMUM} are taken", items.len()),
                remedy: "ask for what the specific case needs, in several requests if it must be",
            });
            return;
        }
        for (index, item) in items.iter().enumerate() {
            ItemCheck { check: self, form, item, path: format!("items[{index}]") }.run();
        }
        self.repeated_items();
        self.least_intrusive_first();
    }

    fn items_rule(&self) -> &'static Rule {
        self.form.items.map_or(self.form.rule(), |items| items.rule.rule())
    }

    fn repeated_items(&mut self) {
        let mut seen = BTreeSet::new();
        for (index, item) in self.draft.items.iter().enumerate() {
            let key = (item.identifier, item.value.as_deref(), item.data_class, item.from, item.until);
            if item.value.is_some() && !seen.insert(key) {
                self.found.should(Fault {
                    rule: self.items_rule(),
                    word: "repeated",
                    field: &format!("items[{index}]"),
                    message: "the same item is named twice",
                    remedy: "remove one of the two",
                });
            }
        }
    }

    /// Content is asked for although nothing less intrusive is asked for about the same thing.
    fn least_intrusive_first(&mut self) {
        let items = &self.draft.items;
        let is_less = |item: &Item| item.data_class.is_some_and(|class| class < DataClass::Content);
        let less: BTreeSet<_> =
            items.iter().filter(|item| is_less(item)).map(|item| item.value.as_deref()).collect();
        for (index, item) in items.iter().enumerate() {
            if item.data_class.is_some_and(|class| class >= DataClass::Content)
                && !less.contains(&item.value.as_deref())
            {
                self.found.note(Fault {
                    rule: &table::PROPORTIONALITY,
                    word: "least-intrusive",
                    field: &format!("items[{index}].data_class"),
                    message: "an intrusive class of data is asked for and no lesser one for the same thing",
                    remedy: "ask first for subscriber or traffic data if they may be enough",
                });
            }
        }
    }
}

/// The check of one item.
struct ItemCheck<'c, 'a> {
    check: &'c mut Check<'a>,
    form: ItemsForm,
    item: &'a Item,
    path: String,
}

impl ItemCheck<'_, '_> {
    fn run(mut self) {
        self.name();
        self.class();
        self.breadth();
        self.window();
        self.relation();
    }

    fn report(
        &mut self,
        severity: Severity,
        rule: &Rule,
        word: &str,
        field: &str,
        message: &str,
        remedy: &str,
    ) {
        let field = format!("{}.{field}", self.path);
        self.check.found.add(severity, Fault { rule, word, field: &field, message, remedy });
    }

    fn name(&mut self) {
        let rule = self.check.items_rule();
        let value = text(self.item.value.as_ref());
        let names_all = self.item.value.as_deref().is_some_and(|raw| names_many(self.item.identifier, raw));
        if self.item.identifier.is_none() {
            self.report(
                Severity::Must,
                rule,
                "identifier",
                "identifier",
                "it is not said what kind of name this is",
                "write `email`, `account`, `phone`, `ip`, `domain`, `url`, `device`, `wallet`, `file` or `other`",
            );
        }
        if names_all {
            self.report(
                Severity::Must,
                &table::SPECIFIC_INVESTIGATION,
                "bulk",
                "value",
                "the item names many at once: wildcards, ranges and lists are not taken",
                "name one thing an item",
            );
            return;
        }
        if value.is_some_and(|value| value.contains(is_hidden)) {
            self.report(
                Severity::Must,
                rule,
                "hidden",
                "value",
                "the value holds characters that cannot be seen",
                "type it anew",
            );
            return;
        }
        match (value, self.item.identifier) {
            (None, _) => self.report(
                Severity::Must,
                rule,
                "value",
                "value",
                "the item is not named",
                "write the address, number or name exactly as the custodian knows it",
            ),
            (Some(value), Some(kind)) if !is_well_formed(kind, value) => self.report(
                Severity::Must,
                rule,
                "malformed",
                "value",
                "the value is not what its identifier says",
                well_formed_remedy(kind),
            ),
            (Some(value), Some(IdentifierKind::Ip)) if !is_public(value) => self.report(
                Severity::Should,
                rule,
                "private",
                "value",
                "the address is private or reserved: nobody can say whose it was",
                "find the public address, and the port where addresses are shared",
            ),
            _ => {}
        }
    }

    fn class(&mut self) {
        if self.item.data_class.is_none() && self.form.window != WindowForm::Open {
            self.report(
                Severity::Must,
                &table::DATA_CLASS,
                "class",
                "data_class",
                "the class of data is missing",
                "write one of `subscriber`, `traffic`, `content`, `other-stored`; one item for each class",
            );
        }
    }

    /// More than the names of those who registered it: everything of everybody under the domain.
    fn breadth(&mut self) {
        let is_broad = self.item.identifier == Some(IdentifierKind::Domain)
            && self.item.data_class.is_some_and(|class| class > DataClass::Subscriber);
        if is_broad {
            self.report(
                Severity::Should,
                &table::SPECIFIC_INVESTIGATION,
                "domain-wide",
                "value",
                "all data under a domain are asked for",
                "name the mailbox, the account or the page; for a whole domain ask for subscriber data",
            );
        }
    }

    fn window(&mut self) {
        if self.form.window == WindowForm::Open {
            return;
        }
        let rule = self.form.window_rule.rule();
        for (word, field, bound) in [("from", "from", self.item.from), ("until", "until", self.item.until)] {
            if bound.is_none() {
                self.report(
                    Severity::Must,
                    rule,
                    word,
                    field,
                    "the window of time is not closed",
                    "write both ends as date and time with a zone, such as `2026-10-01T00:00:00+07:00`",
                );
            }
        }
        if let (Some(from), Some(until)) = (self.item.from, self.item.until) {
            self.window_order(from, until);
        }
    }

    fn window_order(&mut self, from: Instant, until: Instant) {
        let rule = self.form.window_rule.rule();
        let latest = match self.check.context.side {
            Side::Requesting => self.check.context.now,
            Side::Requested => self.check.context.now.plus(SKEW),
        };
        if from >= until {
            self.report(
                Severity::Must,
                rule,
                "order",
                "until",
                "the window ends before it begins",
                "exchange or correct the two ends",
            );
            return;
        }
        if self.form.window == WindowForm::Coming {
            self.window_to_come(until);
        } else if until > latest {
            self.report(
                Severity::Must,
                rule,
                "future",
                "until",
                "the window reaches into the future: data not yet stored cannot be asked for",
                "end the window at the time of writing, and ask again later",
            );
        }
        self.window_length(until.since(from));
    }

    fn window_to_come(&mut self, until: Instant) {
        if until <= self.check.context.now {
            let severity = self.check.passed();
            self.report(
                severity,
                self.form.window_rule.rule(),
                "over",
                "until",
                "the period ends in the past: only data still to come can be collected",
                "name a period to come, or ask for stored data",
            );
        }
    }

    fn window_length(&mut self, length: Duration) {
        if self.item.identifier == Some(IdentifierKind::Ip) && length > ADDRESS_WINDOW {
            self.report(
                Severity::Should,
                &table::ITEM_WINDOW_ADDRESS,
                "address-window",
                "until",
                "addresses change hands within a day",
                "name the exact times at which the address was used, one item for each",
            );
        } else if length > LONG_WINDOW {
            self.report(
                Severity::Should,
                &table::ITEM_WINDOW_LONG,
                "long",
                "until",
                "the window is longer than a year",
                "shorten it to the time of the facts, or say in the relation why it must be so long",
            );
        }
    }

    fn relation(&mut self) {
        if text(self.item.relation.as_ref()).is_some() {
            return;
        }
        let severity = self.form.relation;
        let rule = self.check.items_rule();
        self.report(
            severity,
            rule,
            "relation",
            "relation",
            "the relation of the item to the offence is missing",
            "say how this item is known and what it has to do with the facts",
        );
    }
}
