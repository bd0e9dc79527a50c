//! The status of the Convention and of each participant on any day, folded from the log.

use super::{
    Depositary, DepositaryEvent, EventKind,
    participant::{is_organization, name_of},
};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeSet;
use treaty::{denunciation_effect, party_entry_into_force, table, treaty_entry_into_force};
use vocabulary::StateCode;

/// How far a participant went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    None,
    Signatory,
    /// Bound by its instrument, while the Convention is not yet in force for it.
    Contracting,
    Party,
    /// Its denunciation took effect.
    FormerParty,
}

impl Stage {
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::None => "did nothing that is known here",
            Self::Signatory => "signed",
            Self::Contracting => "deposited its instrument; the Convention is not in force for it",
            Self::Party => "Party",
            Self::FormerParty => "denounced the Convention",
        }
    }
}

/// One participant on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    pub participant: StateCode,
    pub name: String,
    pub organization: bool,
    pub stage: Stage,
    pub signed: Option<DepositaryEvent>,
    /// The instrument that binds it, neither withdrawn nor denounced.
    pub instrument: Option<DepositaryEvent>,
    /// For it; known once the fortieth instrument is there.
    pub entry_into_force: Option<Date>,
    /// When its denunciation takes or took effect, Art. 67(1).
    pub denounced_from: Option<Date>,
}

/// Why the Convention is not in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Missing {
    Instruments {
        counted: u32,
        needed: u32,
        missing: u32,
    },
    /// Enough instruments are there and the days run.
    Days {
        enters_into_force: Date,
    },
}

/// The Convention on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    pub on: Date,
    pub signatories: Vec<StateCode>,
    /// Whose instrument is deposited, in force or not.
    pub contracting: Vec<StateCode>,
    /// For which the Convention is in force.
    pub parties: Vec<StateCode>,
    /// Instruments that count, Art. 65(1): of States, not withdrawn.
    pub counted: u32,
    /// Instruments of regional organizations.
    pub not_counted: u32,
    pub needed: u32,
    pub entry_into_force: Option<Date>,
    pub in_force: bool,
    pub missing: Option<Missing>,
    /// False where a counted deposit is not known to the day.
    pub exact: bool,
}

/// An instrument and when it was taken back.
#[derive(Clone, Copy)]
pub(super) struct Deposit<'a> {
    pub(super) row: &'a DepositaryEvent,
    pub(super) withdrawn: Option<&'a DepositaryEvent>,
}

impl Depositary {
    /// The Convention on `date`, from what counts until then.
    pub fn status_on(&self, date: Date) -> Status {
        let mut status = Status {
            on: date,
            signatories: Vec::new(),
            contracting: Vec::new(),
            parties: Vec::new(),
            counted: 0,
            not_counted: 0,
            needed: table::INSTRUMENTS.number().unwrap_or(0),
            entry_into_force: self.treaty_entry_into_force(date),
            in_force: false,
            missing: None,
            exact: true,
        };
        for participant in self.participants_until(date) {
            self.count(&mut status, participant, date);
        }
        status.in_force = status.entry_into_force.is_some_and(|day| day <= date);
        let counted = status.counted.min(status.needed);
        status.missing = match status.entry_into_force {
            Some(day) if day <= date => None,
            Some(enters_into_force) => Some(Missing::Days { enters_into_force }),
            None => Some(Missing::Instruments {
                counted: status.counted,
                needed: status.needed,
                missing: status.needed - counted,
            }),
        };
        status
    }

    fn count(&self, status: &mut Status, participant: StateCode, date: Date) {
        let standing = self.standing(participant, date);
        if standing.signed.is_some() {
            status.signatories.push(participant);
        }
        if let Some(instrument) = &standing.instrument {
            status.contracting.push(participant);
            match standing.organization {
                true => status.not_counted += 1,
                false => {
                    status.counted += 1;
                    status.exact &= instrument.date.is_exact();
                }
            }
        }
        if standing.stage == Stage::Party {
            status.parties.push(participant);
        }
    }

    /// Whoever did anything until `date`, by code.
    pub fn participants_until(&self, date: Date) -> BTreeSet<StateCode> {
        self.until(date).map(|row| row.participant).collect()
    }

    /// The day the Convention enters into force, Art. 65(1), from what is known on `date`; `None` while instruments lack.
    pub fn treaty_entry_into_force(&self, date: Date) -> Option<Date> {
        let mut live = self.counted_deposits(date);
        loop {
            let day =
                treaty_entry_into_force(&live.iter().map(|deposit| deposit.row.day()).collect::<Vec<_>>());
            // An instrument that was taken back before that day makes no Party and is not counted.
            let before = |at: &Date| day.is_none_or(|day| *at < day);
            let gone = live
                .iter()
                .enumerate()
                .filter_map(|(at, deposit)| {
                    Some((deposit.withdrawn?.day(), at)).filter(|(day, _)| before(day))
                })
                .min();
            match gone {
                Some((_, at)) => drop(live.remove(at)),
                None => return day,
            }
        }
    }

    /// The first deposits of States, by day; a State that comes back after a withdrawal counts with its later one.
    pub(super) fn counted_deposits(&self, date: Date) -> Vec<Deposit<'_>> {
        let mut counted: Vec<Deposit<'_>> = Vec::new();
        for deposit in self.deposits(date) {
            let state = deposit.row.participant;
            let again =
                counted.iter().any(|known| known.row.participant == state && known.withdrawn.is_none());
            if !is_organization(state) && !again {
                counted.push(deposit);
            }
        }
        counted
    }

    /// All instruments until `date`, by day, with the row that took one back.
    pub(super) fn deposits(&self, date: Date) -> Vec<Deposit<'_>> {
        let mut deposits: Vec<Deposit<'_>> = Vec::new();
        for row in self.until(date) {
            if row.kind.is_instrument() {
                deposits.push(Deposit { row, withdrawn: None });
            } else if row.kind == EventKind::WithdrawalOfInstrument
                && let Some(open) = deposits
                    .iter_mut()
                    .rev()
                    .find(|deposit| deposit.row.participant == row.participant && deposit.withdrawn.is_none())
            {
                open.withdrawn = Some(row);
            }
        }
        deposits
    }

    /// The day the Convention enters or entered into force for the participant, Art. 65(2), from what is known on `date`.
    pub fn entry_into_force(&self, participant: StateCode, date: Date) -> Option<Date> {
        self.standing(participant, date).entry_into_force
    }

    /// How far a participant went until `date`.
    pub fn standing(&self, participant: StateCode, date: Date) -> Standing {
        let treaty = self.treaty_entry_into_force(date);
        let mut standing = Standing {
            participant,
            name: name_of(participant),
            organization: is_organization(participant),
            stage: Stage::None,
            signed: None,
            instrument: None,
            entry_into_force: None,
            denounced_from: None,
        };
        for row in self.of(participant, date) {
            standing.follow(row, treaty);
        }
        standing.stage = standing.stage_on(date);
        standing
    }
}

impl Standing {
    fn follow(&mut self, row: &DepositaryEvent, treaty: Option<Date>) {
        match row.kind {
            EventKind::Signature => {
                self.signed.get_or_insert_with(|| row.clone());
            }
            // A second instrument changes nothing, unless the first was denounced.
            kind if kind.is_instrument()
                && (self.instrument.is_none()
                    || self.denounced_from.is_some_and(|ended| ended <= row.day())) =>
            {
                self.entry_into_force = treaty.map(|treaty| party_entry_into_force(row.day(), treaty));
                self.instrument = Some(row.clone());
                self.denounced_from = None;
            }
            EventKind::WithdrawalOfInstrument if !self.is_bound_on(row.day()) => {
                self.instrument = None;
                self.entry_into_force = None;
            }
            EventKind::Denunciation if self.is_bound_on(row.day()) && self.denounced_from.is_none() => {
                self.denounced_from = Some(denunciation_effect(row.day()));
            }
            _ => {}
        }
    }

    /// Whether the Convention is in force for it on `date`, as far as followed.
    pub(super) fn is_bound_on(&self, date: Date) -> bool {
        self.entry_into_force.is_some_and(|day| day <= date)
            && self.denounced_from.is_none_or(|ended| date < ended)
    }

    fn stage_on(&self, date: Date) -> Stage {
        match (&self.instrument, &self.signed) {
            (Some(_), _) if self.is_bound_on(date) => Stage::Party,
            (Some(_), _) if self.denounced_from.is_some_and(|ended| ended <= date) => Stage::FormerParty,
            (Some(_), _) => Stage::Contracting,
            (None, Some(_)) => Stage::Signatory,
            (None, None) => Stage::None,
        }
    }
}
