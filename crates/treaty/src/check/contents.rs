//! The contents that the form of a kind asks for, and the times, days and urgency that go with them.

use super::{Check, text};
use crate::draft::{Authority, Custodian, Draft, Person, UrgencyLevel};
use crate::finding::{Fault, Severity};
use crate::form::{Content, SpecialCheck};
use crate::offence::OffenceBasis;
use crate::table;
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};

const MINIMUM_DAYS: u32 = table::PRESERVATION_MINIMUM.number().expect("the row holds days");
const ORDER_DAYS: u32 = table::ORDER_MAXIMUM.number().expect("the row holds days");
const MAXIMUM_PERSONS: u32 = table::PERSON_MAXIMUM.number().expect("the row holds a count");
const DEFAULT_DAYS: u32 = table::PRESERVATION_DEFAULT.number().expect("the row holds days");

impl Check<'_> {
    pub(super) fn contents(&mut self) {
        self.requesting_authority();
        for content in &self.form.contents {
            if content.detail().is_none() && self.is_asked(content) && !has(self.draft, &content.field) {
                self.found.add(content.need, missing(content));
            }
        }
        if self.form.checks.contains(&SpecialCheck::PreservationTerm) {
            self.intention();
            self.days();
        }
        if self.form.checks.contains(&SpecialCheck::Emergency) {
            self.emergency();
        }
        self.persons();
        self.custodian();
        self.urgency();
        self.deadline();
    }

    /// False for a field that other offences or other data call for.
    pub(super) fn is_asked(&self, content: &Content) -> bool {
        let Some(when) = content.when else { return true };
        let article = match self.draft.offence.as_ref().and_then(|offence| offence.basis) {
            Some(OffenceBasis::ConventionOffence(article)) => article,
            _ => return false,
        };
        let is_met = |least| self.draft.items.iter().any(|item| item.data_class.is_none_or(|c| c >= least));
        when.offences.articles().contains(&article) && when.class.is_none_or(is_met)
    }

    /// A text without which the request is not complete.
    fn required(&mut self, value: Option<&String>, fault: Fault<'_>) {
        if text(value).is_none() {
            self.found.must(fault);
        }
    }

    fn requesting_authority(&mut self) {
        let rule = self.form.authority.rule();
        let authority = self.draft.requesting_authority.as_ref();
        self.required(
            authority.and_then(|a| a.name.as_ref()),
            Fault {
                rule,
                word: "authority",
                field: "requesting_authority.name",
                message: "the requesting authority is not named",
                remedy: "write its full official name",
            },
        );
        let contact = |a: &Authority| text(a.contact.as_ref()).is_some();
        if !authority.is_some_and(contact) {
            self.found.should(Fault {
                rule,
                word: "contact",
                field: "requesting_authority.contact",
                message: "nobody is named who can answer questions",
                remedy: "write a person, a telephone with country code, an e-mail, hours and time zone",
            });
        }
    }

    fn intention(&mut self) {
        match self.draft.intends_mla {
            Some(true) => self.expected_date(),
            Some(false) => self.found.must(Fault {
                rule: &table::PRESERVATION_CONTENTS_F,
                word: "no-intention",
                field: "intends_mla",
                message: "preservation is asked for without intending a request for legal assistance",
                remedy: "do not ask for preservation if nothing will follow",
            }),
            None => self.found.must(Fault {
                rule: &table::PRESERVATION_CONTENTS_F,
                word: "intention",
                field: "intends_mla",
                message: "the intention to submit a request for legal assistance is not stated",
                remedy: "write `intends_mla = true`",
            }),
        }
    }

    fn expected_date(&mut self) {
        let today = self.context.now.date_in(&TimeZone::UTC);
        let days = self.draft.requested_days.unwrap_or(DEFAULT_DAYS);
        match self.draft.expected_mla_date {
            None => self.found.note(Fault {
                rule: &table::PRESERVATION_MINIMUM,
                word: "mla-date",
                field: "expected_mla_date",
                message: "it is not said when the request for legal assistance is expected",
                remedy: "write a date, so that both States can plan",
            }),
            Some(expected) if expected < today => self.found.add(
                self.passed(),
                Fault {
                    rule: &table::PRESERVATION_MINIMUM,
                    word: "mla-past",
                    field: "expected_mla_date",
                    message: "the date expected for the request for legal assistance has passed",
                    remedy: "write a date to come",
                },
            ),
            Some(expected) if expected > days_after(today, days) => self.found.should(Fault {
                rule: &table::PRESERVATION_MINIMUM,
                word: "mla-late",
                field: "expected_mla_date",
                message: "the request for legal assistance is expected after the preservation ends",
                remedy: "send it earlier, or plan to ask for an extension before the end",
            }),
            Some(_) => {}
        }
    }

    fn days(&mut self) {
        match self.draft.requested_days {
            None => self.found.note(Fault {
                rule: &table::PRESERVATION_DEFAULT,
                word: "days-default",
                field: "requested_days",
                message: &format!("no days are named: {DEFAULT_DAYS} are asked for"),
                remedy: &format!(
                    "write `requested_days` if you need another number, at least {MINIMUM_DAYS}"
                ),
            }),
            Some(days) if days < MINIMUM_DAYS => self.found.must(Fault {
                rule: &table::PRESERVATION_MINIMUM,
                word: "days",
                field: "requested_days",
                message: &format!(
                    "{days} days are fewer than the {MINIMUM_DAYS} that preservation lasts at least"
                ),
                remedy: &format!("ask for {MINIMUM_DAYS} days or more; release the data earlier if you can"),
            }),
            Some(days) if days > ORDER_DAYS => self.found.should(Fault {
                rule: &table::ORDER_MAXIMUM,
                word: "days-long",
                field: "requested_days",
                message: &format!("one domestic order lasts at most {ORDER_DAYS} days"),
                remedy: &format!("ask for {ORDER_DAYS} days now and for an extension before they end"),
            }),
            Some(_) => {}
        }
    }

    fn persons(&mut self) {
        let rule = self.form.persons.map_or(&table::ASSISTANCE_CONTENTS_E, |persons| persons.rule.rule());
        if let Some(persons) = self.form.persons.filter(|_| self.draft.persons.is_empty()) {
            let remedy = match persons.need {
                Severity::Must => "add `[[persons]]` with identity, location and nationality",
                _ => "where possible and appropriate add identity, location and nationality",
            };
            self.found.add(
                persons.need,
                Fault { rule, word: "persons", field: "persons", message: "no person is named", remedy },
            );
        }
        if self.draft.persons.len() > usize::try_from(MAXIMUM_PERSONS).unwrap_or(usize::MAX) {
            self.found.must(Fault {
                rule: &table::PERSON_MAXIMUM,
                word: "many-persons",
                field: "persons",
                message: &format!("more than {MAXIMUM_PERSONS} persons are named"),
                remedy: "name the persons whom the specific case concerns",
            });
            return;
        }
        let is_empty = |p: &Person| {
            [&p.identity, &p.location, &p.nationality].into_iter().all(|f| text(f.as_ref()).is_none())
        };
        for (index, _) in self.draft.persons.iter().enumerate().filter(|(_, person)| is_empty(person)) {
            self.found.should(Fault {
                rule,
                word: "person-empty",
                field: &format!("persons[{index}]"),
                message: "the person is not described",
                remedy: "add identity, location or nationality, or remove the entry",
            });
        }
    }

    fn custodian(&mut self) {
        let says_something =
            |c: &Custodian| [&c.name, &c.location].into_iter().any(|f| text(f.as_ref()).is_some());
        let Some(rule) = self.form.custodian else { return };
        if !self.draft.custodian.as_ref().is_some_and(says_something) {
            self.found.should(Fault {
                rule: rule.rule(),
                word: "custodian",
                field: "custodian",
                message: "nothing is said of who holds the data or where the system is",
                remedy: "write what is known, or that it is not known and was looked for",
            });
        }
    }

    fn urgency(&mut self) {
        let Some(urgency) = &self.draft.urgency else { return };
        let danger = text(urgency.danger.as_ref());
        match urgency.level {
            UrgencyLevel::Emergency if danger.is_none() => self.found.must(Fault {
                rule: &table::EMERGENCY,
                word: "danger",
                field: "urgency.danger",
                message: "an emergency is claimed without the danger to life or safety",
                remedy: "state the significant and imminent danger and to whom, or write `urgent`",
            }),
            UrgencyLevel::Urgent if danger.is_some() => self.found.should(Fault {
                rule: &table::EMERGENCY,
                word: "not-emergency",
                field: "urgency.level",
                message: "a danger to life or safety is stated, and the level is only `urgent`",
                remedy: "write `emergency`, or remove the danger",
            }),
            UrgencyLevel::Urgent if text(urgency.reason.as_ref()).is_none() => self.found.should(Fault {
                rule: &table::EXECUTION_TIME,
                word: "urgency",
                field: "urgency.reason",
                message: "urgency is claimed without a reason",
                remedy: "say what will be lost by waiting",
            }),
            _ => {}
        }
    }

    fn emergency(&mut self) {
        if self.draft.urgency.as_ref().is_none_or(|urgency| urgency.level != UrgencyLevel::Emergency) {
            self.found.must(Fault {
                rule: &table::EMERGENCY,
                word: "emergency",
                field: "urgency.level",
                message: "only an emergency carries this request, and none is stated",
                remedy: "write `level = \"emergency\"` with the danger, or ask for preservation or legal assistance",
            });
        }
    }

    fn deadline(&mut self) {
        let Some(deadline) = &self.draft.deadline else { return };
        let rule = &table::EXECUTION_TIME;
        match deadline.wished {
            None => self.found.should(Fault {
                rule,
                word: "deadline-date",
                field: "deadline.wished",
                message: "a deadline is given without its date",
                remedy: "write the date and time with its zone, or remove the deadline",
            }),
            Some(wished) if wished <= self.context.now => self.found.should(Fault {
                rule,
                word: "deadline-past",
                field: "deadline.wished",
                message: "the deadline wished has passed",
                remedy: "write a deadline to come",
            }),
            Some(_) => {}
        }
        if text(deadline.reason.as_ref()).is_none() {
            self.found.should(Fault {
                rule,
                word: "deadline-reason",
                field: "deadline.reason",
                message: "a deadline without reasons need not be taken into account",
                remedy: "give the reason, such as the date of a hearing",
            });
        }
    }
}

/// True when the field says something.
fn has(draft: &Draft, field: &str) -> bool {
    let conducting = draft.conducting_authority.as_ref();
    let proceeding = draft.proceeding.as_ref();
    let custodian = draft.custodian.as_ref();
    let written = match field {
        "proceeding.nature" => return proceeding.is_some_and(|p| p.nature.is_some()),
        "deadline.wished" => return draft.deadline.as_ref().is_some_and(|d| d.wished.is_some()),
        "facts" => draft.facts.as_ref(),
        "necessity" => draft.necessity.as_ref(),
        "assistance" => draft.assistance.as_ref(),
        "procedure" => draft.procedure.as_ref(),
        "purpose" => draft.purpose.as_ref(),
        "proceeding.subject" => proceeding.and_then(|p| p.subject.as_ref()),
        "conducting_authority.name" => conducting.and_then(|c| c.name.as_ref()),
        "conducting_authority.functions" => conducting.and_then(|c| c.functions.as_ref()),
        "conducting_authority.proceeding_reference" => {
            conducting.and_then(|c| c.proceeding_reference.as_ref())
        }
        "custodian.name" => custodian.and_then(|c| c.name.as_ref()),
        "custodian.location" => custodian.and_then(|c| c.location.as_ref()),
        "urgency.danger" => draft.urgency.as_ref().and_then(|u| u.danger.as_ref()),
        _ => None,
    };
    text(written).is_some()
}

/// What the form says of a content that is not there.
pub(super) fn missing(content: &Content) -> Fault<'_> {
    Fault {
        rule: content.rule.rule(),
        word: &content.word,
        field: &content.field,
        message: &content.missing,
        remedy: &content.remedy,
    }
}

fn days_after(day: Date, days: u32) -> Date {
    day.saturating_add(i64::from(days.min(ORDER_DAYS.saturating_mul(100))).days())
}
