//! Who is on duty when: the roster of a contact point that never closes, Art. 41(1).

use jiff::{
    ToSpan as _,
    civil::{Date, Time},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use vocabulary::{Failure, Family, Instant, OfficerId};

/// The largest roster that is read, in bytes.
pub const MAX_ROSTER_BYTES: usize = 256 * 1024;
const MAX_SHIFTS: usize = 100;
const MAX_CALLED: usize = 20;
const MAX_EXCEPTIONS: usize = 2_000;
const MAX_NAME_BYTES: usize = 64;
const MAX_MAIL_BYTES: usize = 254;
/// The longest stretch that is looked at, in days.
const MAX_DAYS: i64 = 800;
const END_OF_DAY: &str = "24:00";

/// A day of the week, as a roster writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Weekday {
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    fn of(date: Date) -> Self {
        match date.weekday() {
            jiff::civil::Weekday::Monday => Self::Mon,
            jiff::civil::Weekday::Tuesday => Self::Tue,
            jiff::civil::Weekday::Wednesday => Self::Wed,
            jiff::civil::Weekday::Thursday => Self::Thu,
            jiff::civil::Weekday::Friday => Self::Fri,
            jiff::civil::Weekday::Saturday => Self::Sat,
            jiff::civil::Weekday::Sunday => Self::Sun,
        }
    }
}

/// A roster as a person wrote it; only `Roster::new` makes one that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterDraft {
    /// The IANA zone of every shift that names none.
    pub zone: String,
    #[serde(default, rename = "officer", skip_serializing_if = "Vec::is_empty")]
    pub officers: Vec<Called>,
    #[serde(default, rename = "shift")]
    pub shifts: Vec<Shift>,
    #[serde(default, rename = "swap", skip_serializing_if = "Vec::is_empty")]
    pub swaps: Vec<Swap>,
    #[serde(default, rename = "leave", skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<Leave>,
}

/// How an officer is reached; who has no address is called by the other means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Called {
    pub id: OfficerId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
}

/// One stretch of duty that comes again every week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The days on which it begins; every day when not given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Weekday>,
    /// Local time, such as `08:00`.
    pub from: String,
    /// Local time; not later than `from` is on the next day; `24:00` is the end of the day.
    pub until: String,
    /// In the order in which they are called.
    pub officers: Vec<OfficerId>,
}

/// Other officers for a shift that begins on a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    pub date: Date,
    pub shift: String,
    pub officers: Vec<OfficerId>,
}

/// Days on which an officer takes no shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    pub officer: OfficerId,
    pub from: Date,
    /// The last day.
    pub until: Date,
    /// Who stands in the same place meanwhile; nobody when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<OfficerId>,
}

/// One shift on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    pub from: Instant,
    /// The first instant after it.
    pub until: Instant,
    pub shift: String,
    /// In the order in which they are called; empty when all are on leave.
    pub officers: Vec<OfficerId>,
}

/// A time in which nobody is on duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hole {
    pub from: Instant,
    pub until: Instant,
}

/// A roster whose zones, times and names stand.
#[derive(Debug, Clone)]
pub struct Roster {
    draft: RosterDraft,
    shifts: Vec<Timed>,
}

/// A shift whose words were read.
#[derive(Debug, Clone)]
struct Timed {
    shift: Shift,
    zone: TimeZone,
    from: Time,
    until: Time,
    /// It ends on the day after the one on which it begins.
    over_midnight: bool,
}

impl Roster {
    /// Reads the words of a draft; `known` are the officers who may be named.
    pub fn new(draft: RosterDraft, known: &BTreeSet<OfficerId>) -> Result<Self, RosterError> {
        check_lengths(&draft)?;
        zone_named(&draft.zone)?;
        let shifts = draft.shifts.iter().map(|shift| timed(&draft, shift)).collect::<Result<Vec<_>, _>>()?;
        check_names(&draft)?;
        if let Some(officer) = named_officers(&draft).find(|officer| !known.contains(officer)) {
            return Err(RosterError::UnknownOfficer { officer: officer.clone() });
        }
        Ok(Self { draft, shifts })
    }

    /// Reads a roster that was accepted before; an officer who left since may be named in it.
    pub fn accepted(draft: RosterDraft) -> Result<Self, RosterError> {
        let named = named_officers(&draft).cloned().collect();
        Self::new(draft, &named)
    }

    pub fn draft(&self) -> &RosterDraft {
        &self.draft
    }

    /// The address of an officer, when the roster gives one.
    pub fn mail(&self, officer: &OfficerId) -> Option<&str> {
        self.draft.officers.iter().find(|called| called.id == *officer)?.mail.as_deref()
    }

    /// The officers on duty at `at`, in the order in which they are called; empty is a hole.
    pub fn on_duty(&self, at: Instant) -> Vec<OfficerId> {
        let next = at.plus(std::time::Duration::from_micros(1));
        let mut seen = BTreeSet::new();
        let spans = self.spans(at, next).into_iter().flat_map(|span| span.officers);
        spans.filter(|officer| seen.insert(officer.clone())).collect()
    }

    /// Every shift that touches the time from `from` to `until`, the earliest first.
    pub fn spans(&self, from: Instant, until: Instant) -> Vec<Span> {
        let mut spans: Vec<Span> =
            self.shifts.iter().flat_map(|timed| self.spans_of(timed, from, until)).collect();
        spans.sort_by(|a, b| (a.from, a.until, &a.shift).cmp(&(b.from, b.until, &b.shift)));
        spans
    }

    /// Every time between `from` and `until` in which nobody is on duty: Art. 41(1) leaves none.
    pub fn holes(&self, from: Instant, until: Instant) -> Vec<Hole> {
        let mut holes = Vec::new();
        let mut covered = from;
        for span in self.spans(from, until).into_iter().filter(|span| !span.officers.is_empty()) {
            if span.from > covered {
                holes.push(Hole { from: covered, until: span.from.min(until) });
            }
            covered = covered.max(span.until);
        }
        if covered < until {
            holes.push(Hole { from: covered, until });
        }
        holes
    }

    /// Refuses a roster in which two shifts are at the same time between `from` and `until`.
    pub fn apart(&self, from: Instant, until: Instant) -> Result<(), RosterError> {
        let spans = self.spans(from, until);
        for (span, next) in spans.iter().zip(spans.iter().skip(1)) {
            if next.from < span.until {
                let (shift, other, at) = (span.shift.clone(), next.shift.clone(), next.from);
                return Err(RosterError::Overlap { shift, other, at });
            }
        }
        Ok(())
    }

    fn spans_of(&self, timed: &Timed, from: Instant, until: Instant) -> Vec<Span> {
        let first = from.date_in(&timed.zone).saturating_sub(2.days());
        let last = until.date_in(&timed.zone).min(first.saturating_add(MAX_DAYS.days()));
        let mut spans = Vec::new();
        for day in first.series(1.days()).take_while(|day| *day <= last) {
            if timed.begins_on(day)
                && let Some((begin, end)) = timed.on(day)
                && begin < until
                && end > from
            {
                let officers = self.officers_of(&timed.shift, day);
                spans.push(Span { from: begin, until: end, shift: timed.shift.name.clone(), officers });
            }
        }
        spans
    }

    /// Who takes a shift that begins on `day`, after swaps and leaves.
    fn officers_of(&self, shift: &Shift, day: Date) -> Vec<OfficerId> {
        let swap = self.draft.swaps.iter().find(|swap| swap.date == day && swap.shift == shift.name);
        let planned = swap.map_or(&shift.officers, |swap| &swap.officers);
        let mut officers: Vec<OfficerId> = Vec::new();
        for officer in planned.iter().filter_map(|officer| self.stands_in(officer, day)) {
            if !officers.contains(officer) {
                officers.push(officer.clone());
            }
        }
        officers
    }

    /// The officer, or who takes the place; a substitute who is on leave too takes none.
    fn stands_in<'a>(&'a self, officer: &'a OfficerId, day: Date) -> Option<&'a OfficerId> {
        let away = |who: &OfficerId| {
            self.draft
                .leaves
                .iter()
                .find(|leave| leave.officer == *who && (leave.from..=leave.until).contains(&day))
        };
        match away(officer) {
            None => Some(officer),
            Some(leave) => leave.substitute.as_ref().filter(|substitute| away(substitute).is_none()),
        }
    }
}

impl Timed {
    fn begins_on(&self, day: Date) -> bool {
        self.shift.days.is_empty() || self.shift.days.contains(&Weekday::of(day))
    }

    /// `None` on a day on which the clock jumps over the whole shift.
    fn on(&self, day: Date) -> Option<(Instant, Instant)> {
        let last = if self.over_midnight { day.checked_add(1.days()).ok()? } else { day };
        let begin = instant_of(&self.zone, day, self.from)?;
        let end = instant_of(&self.zone, last, self.until)?;
        (begin < end).then_some((begin, end))
    }
}

/// A local time that comes twice is the first one; one that the clock jumps over is the instant of the jump.
/// So shifts that meet on the wall clock meet on every day.
fn instant_of(zone: &TimeZone, day: Date, time: Time) -> Option<Instant> {
    let ambiguous = zone.to_ambiguous_timestamp(day.to_datetime(time));
    let gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let earlier = ambiguous.earlier().ok()?;
    let timestamp = if gap { zone.following(earlier).next()?.timestamp() } else { earlier };
    Some(Instant::from_timestamp(timestamp))
}

fn timed(draft: &RosterDraft, shift: &Shift) -> Result<Timed, RosterError> {
    let zone = zone_named(shift.zone.as_deref().unwrap_or(&draft.zone))?;
    let wrong = |found: &str| RosterError::Time { shift: short(&shift.name), found: short(found) };
    let from = time_of_day(&shift.from).ok_or_else(|| wrong(&shift.from))?;
    let whole = shift.until == END_OF_DAY;
    let until = if whole {
        Time::midnight()
    } else {
        time_of_day(&shift.until).ok_or_else(|| wrong(&shift.until))?
    };
    if from == until && !(whole && from == Time::midnight()) {
        return Err(RosterError::NoLength { shift: short(&shift.name) });
    }
    Ok(Timed { shift: shift.clone(), zone, from, until, over_midnight: whole || until <= from })
}

/// `HH:MM` and nothing else.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |part: &str| {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<i8>().ok())?
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

fn zone_named(name: &str) -> Result<TimeZone, RosterError> {
    let known = if name.len() <= MAX_NAME_BYTES { TimeZoneDatabase::bundled().get(name).ok() } else { None };
    known.ok_or_else(|| RosterError::UnknownZone { zone: short(name) })
}

fn check_lengths(draft: &RosterDraft) -> Result<(), RosterError> {
    let most = |what: &'static str, found: usize, most: usize| {
        if found > most { Err(RosterError::TooMany { what, found, most }) } else { Ok(()) }
    };
    most("shifts", draft.shifts.len(), MAX_SHIFTS)?;
    most("officers", draft.officers.len(), MAX_EXCEPTIONS)?;
    most("swaps and leaves", draft.swaps.len().saturating_add(draft.leaves.len()), MAX_EXCEPTIONS)?;
    let lists = draft.shifts.iter().map(|shift| &shift.officers);
    for officers in lists.chain(draft.swaps.iter().map(|swap| &swap.officers)) {
        most("officers of one shift", officers.len(), MAX_CALLED)?;
    }
    Ok(())
}

fn check_names(draft: &RosterDraft) -> Result<(), RosterError> {
    let mut names = BTreeSet::new();
    for shift in &draft.shifts {
        let fits = !shift.name.is_empty() && shift.name.len() <= MAX_NAME_BYTES;
        if !fits || shift.officers.is_empty() || !names.insert(shift.name.as_str()) {
            return Err(RosterError::Shift { shift: short(&shift.name) });
        }
    }
    if let Some(swap) = draft.swaps.iter().find(|swap| !names.contains(swap.shift.as_str())) {
        return Err(RosterError::UnknownShift { shift: short(&swap.shift) });
    }
    if let Some(leave) = draft.leaves.iter().find(|leave| leave.until < leave.from) {
        return Err(RosterError::Leave {
            officer: leave.officer.clone(),
            from: leave.from,
            until: leave.until,
        });
    }
    let mails = draft.officers.iter().filter_map(|called| Some((called, called.mail.as_deref()?)));
    match mails.into_iter().find(|(_, mail)| !is_address(mail)) {
        Some((called, _)) => Err(RosterError::Mail { officer: called.id.clone() }),
        None => Ok(()),
    }
}

/// One address without a display name, RFC 5321, 4.1.2; the mail server judges the rest.
fn is_address(mail: &str) -> bool {
    mail.len() <= MAX_MAIL_BYTES
        && mail.bytes().all(|b| b.is_ascii_graphic() && !b"<>(),;:\\\"[]".contains(&b))
        && mail
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}

fn named_officers(draft: &RosterDraft) -> impl Iterator<Item = &OfficerId> {
    let shifts = draft.shifts.iter().flat_map(|shift| &shift.officers);
    let swaps = draft.swaps.iter().flat_map(|swap| &swap.officers);
    let leaves = draft.leaves.iter().flat_map(|leave| leave.substitute.iter().chain([&leave.officer]));
    shifts.chain(swaps).chain(leaves).chain(draft.officers.iter().map(|called| &called.id))
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Why a roster cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    #[error("the roster names the officer `{officer}`, who is not known here or not active")]
    UnknownOfficer { officer: OfficerId },
    #[error("`{zone}` is not an IANA time zone")]
    UnknownZone { zone: String },
    #[error("the shift `{shift}` has the time `{found}`, which is not `HH:MM`")]
    Time { shift: String, found: String },
    #[error("the shift `{shift}` begins and ends at the same time")]
    NoLength { shift: String },
    #[error("the shifts `{shift}` and `{other}` are both at {at}")]
    Overlap { shift: String, other: String, at: Instant },
    #[error("the shift `{shift}` needs a name of its own and at least one officer")]
    Shift { shift: String },
    #[error("a swap names the shift `{shift}`, which the roster does not have")]
    UnknownShift { shift: String },
    #[error("the leave of `{officer}` ends on {until}, before it begins on {from}")]
    Leave { officer: OfficerId, from: Date, until: Date },
    #[error("the address of `{officer}` is not an e-mail address")]
    Mail { officer: OfficerId },
    #[error("{found} {what}; at most {most} are read")]
    TooMany { what: &'static str, found: usize, most: usize },
}

impl Failure for RosterError {
    fn family(&self) -> Family {
        Family::Refusal
    }
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownOfficer { .. } => "R-630",
            Self::UnknownZone { .. } => "R-634",
            Self::Time { .. } | Self::Shift { .. } | Self::Mail { .. } | Self::TooMany { .. } => "R-635",
            Self::NoLength { .. } => "R-636",
            Self::Overlap { .. } => "R-637",
            Self::UnknownShift { .. } | Self::Leave { .. } => "R-638",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("Art. 41(1); docs/operate/desk.md, roster".to_owned())
    }
    fn remedy(&self) -> String {
        match self {
            Self::UnknownOfficer { .. } => {
                "add the officer (`rogatory officer add`), or correct the name; see `rogatory officer list`"
            }
            Self::UnknownZone { .. } => "write an IANA zone such as `America/Lima`",
            Self::Time { .. } => "write local times such as `08:00`; the end of the day is `24:00`",
            Self::NoLength { .. } => {
                "for a whole day write `from = \"00:00\"` and `until = \"24:00\"`, or two shifts that meet"
            }
            Self::Overlap { .. } => {
                "let each shift end where the next one begins, in one zone; who is called second stands second in `officers`"
            }
            Self::Shift { .. } => "give each shift another name of at most 64 characters, and officers in order",
            Self::UnknownShift { .. } => "take the name of the shift from the roster",
            Self::Leave { .. } => "write the first day in `from` and the last day in `until`",
            Self::Mail { .. } => "write an address such as `duty@ministry.example`, without a name",
            Self::TooMany { .. } => "leave out what is past",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests;
