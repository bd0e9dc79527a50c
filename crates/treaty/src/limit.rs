//! Clocks of the Convention: every computed date keeps its rule, its inputs and its result, so that both States get the same instant.
//!
//! Days are calendar days in a named zone: the end is at the same local time, that many dates later. A
//! count of 24-hour days would move the end by an hour over a change of clocks, and "end of the local day"
//! would give two States with two zones two answers; the same local time in one stated zone gives one.
//! Where that local time does not exist or exists twice, RFC 5545's rule is used (after the gap, the first
//! of two). Zone data are those built into this program, so that the machine's own copy makes no difference.

use crate::rule::Rule;
use crate::table::{self, TABLE_VERSION};
use jiff::{
    Span, ToSpan as _,
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, time::Duration};
use vocabulary::{Failure, Family, Instant};

const MINIMUM_DAYS: u32 = table::PRESERVATION_MINIMUM.number().expect("the row holds days");
const ORDER_DAYS: u32 = table::ORDER_MAXIMUM.number().expect("the row holds days");
const INSTRUMENTS: u32 = table::INSTRUMENTS.number().expect("the row holds a count");
const ENTRY_DAYS: u32 = table::ENTRY_INTO_FORCE.number().expect("the row holds days");
const LATER_DAYS: u32 = table::ENTRY_FOR_LATER.number().expect("the row holds days");
const DENUNCIATION_YEARS: u32 = table::DENUNCIATION.number().expect("the row holds years");

/// No IANA name is longer.
const MAX_ZONE_BYTES: usize = 64;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A date with all that is needed to compute it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Computed {
    pub rule_id: String,
    /// The version of the table of rules.
    pub rule_version: u32,
    pub inputs: BTreeMap<String, String>,
    pub result: Instant,
}

impl Computed {
    /// Computes the same rule from the same inputs with this program's table.
    pub fn recompute(&self) -> Result<Self, LimitError> {
        if self.rule_version != TABLE_VERSION {
            return Err(LimitError::OtherTable { found: self.rule_version });
        }
        match table::rule(&self.rule_id) {
            Some(rule) if *rule == table::PRESERVATION_MINIMUM => {
                preservation_minimum(self.instant("effected")?, self.input("zone")?)
            }
            Some(rule) if *rule == table::ORDER_MAXIMUM => {
                order_end(self.instant("effected")?, self.days()?, self.input("zone")?)
            }
            Some(rule) if *rule == table::PRESERVATION_EXTENSION => {
                extension(self.instant("previous_until")?, self.days()?, self.input("zone")?)
            }
            _ => Err(LimitError::UnknownRule),
        }
    }

    /// What a State does with a date that the other computed.
    pub fn verify(&self) -> Result<(), LimitError> {
        let own = self.recompute()?;
        if own == *self {
            Ok(())
        } else {
            Err(LimitError::Mismatch { stated: self.result, computed: own.result })
        }
    }

    fn input(&self, name: &'static str) -> Result<&str, LimitError> {
        self.inputs.get(name).map(String::as_str).ok_or(LimitError::MissingInput { name })
    }

    fn instant(&self, name: &'static str) -> Result<Instant, LimitError> {
        self.input(name)?.parse().map_err(|_| LimitError::MissingInput { name })
    }

    fn days(&self) -> Result<u32, LimitError> {
        self.input("days")?.parse().map_err(|_| LimitError::MissingInput { name: "days" })
    }
}

/// The earliest instant at which preservation on a foreign request may end, Art. 42(8).
pub fn preservation_minimum(effected: Instant, zone: &str) -> Result<Computed, LimitError> {
    computed(&table::PRESERVATION_MINIMUM, ("effected", effected), MINIMUM_DAYS, zone)
}

/// The end of the first domestic order on a foreign request: never under Art. 42(8), never over Art. 25(2).
pub fn order_end(effected: Instant, days: u32, zone: &str) -> Result<Computed, LimitError> {
    if days < MINIMUM_DAYS {
        return Err(LimitError::TooShort { days });
    }
    refuse_long(days)?;
    computed(&table::ORDER_MAXIMUM, ("effected", effected), days, zone)
}

/// The end of one renewal of the order, counted from the previous end, Arts 25(2) and 42(9).
pub fn extension(previous_until: Instant, days: u32, zone: &str) -> Result<Computed, LimitError> {
    if days == 0 {
        return Err(LimitError::NoDays);
    }
    refuse_long(days)?;
    computed(&table::PRESERVATION_EXTENSION, ("previous_until", previous_until), days, zone)
}

fn refuse_long(days: u32) -> Result<(), LimitError> {
    if days > ORDER_DAYS { Err(LimitError::TooLong { days }) } else { Ok(()) }
}

fn computed(rule: &Rule, start: (&str, Instant), days: u32, zone: &str) -> Result<Computed, LimitError> {
    let time_zone = named_zone(zone)?;
    let result = days_later(start.1, days, &time_zone)?;
    let inputs = [
        (start.0.to_owned(), start.1.to_string()),
        ("days".to_owned(), days.to_string()),
        ("zone".to_owned(), zone.to_owned()),
    ];
    Ok(Computed {
        rule_id: rule.id.to_owned(),
        rule_version: TABLE_VERSION,
        inputs: BTreeMap::from(inputs),
        result,
    })
}

fn named_zone(zone: &str) -> Result<TimeZone, LimitError> {
    let known = if zone.len() <= MAX_ZONE_BYTES { TimeZoneDatabase::bundled().get(zone).ok() } else { None };
    known
        .filter(|found| found.iana_name() == Some(zone))
        .ok_or_else(|| LimitError::UnknownZone { zone: zone.chars().take(MAX_ZONE_BYTES).collect() })
}

/// Same local time, `days` dates later.
fn days_later(start: Instant, days: u32, zone: &TimeZone) -> Result<Instant, LimitError> {
    let span = Span::new().try_days(days).map_err(|_| LimitError::TooLong { days })?;
    let end = start
        .timestamp()
        .to_zoned_datetime(zone.clone())
        .checked_add(span)
        .map_err(|_| LimitError::TooLong { days })?;
    Ok(Instant::from_timestamp(end.timestamp()))
}

/// A reminder before preservation lapses; a choice of policy, not of the treaty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alarm {
    pub at: Instant,
    pub days_before: u32,
    pub rule_id: Cow<'static, str>,
    pub policy: bool,
}

/// The ladder of alarms before `until`, earliest first, in days of 24 hours; both States compute the same.
pub fn alarms(until: Instant) -> Vec<Alarm> {
    let rule = table::PRESERVATION_ALARMS;
    let at = |&days_before: &u32| Alarm {
        at: until.minus(DAY * days_before),
        days_before,
        rule_id: Cow::Borrowed(rule.id),
        policy: rule.policy,
    };
    rule.ladder().iter().map(at).collect()
}

/// The day the Convention enters into force, Art. 65(1); `None` until enough instruments are there.
///
/// `deposits` are the days of the counted instruments: those of regional organizations are not counted.
pub fn treaty_entry_into_force(deposits: &[Date]) -> Option<Date> {
    let mut sorted = deposits.to_vec();
    sorted.sort_unstable();
    let last_needed = sorted.get(usize::try_from(INSTRUMENTS).ok()?.checked_sub(1)?)?;
    Some(last_needed.saturating_add(i64::from(ENTRY_DAYS).days()))
}

/// The day the Convention enters into force for one Party, Art. 65(2), given the day of `treaty_entry_into_force`.
///
/// The later of the two days also holds for the first Parties: their thirtieth day is always the earlier.
pub fn party_entry_into_force(deposit: Date, treaty: Date) -> Date {
    deposit.saturating_add(i64::from(LATER_DAYS).days()).max(treaty)
}

/// The day a denunciation takes effect, Art. 67(1).
pub fn denunciation_effect(receipt: Date) -> Date {
    receipt.saturating_add(i64::from(DENUNCIATION_YEARS).years())
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("an order of {days} days is shorter than the {MINIMUM_DAYS} days owed to a foreign request")]
    TooShort { days: u32 },
    #[error("an order of {days} days is longer than the {ORDER_DAYS} days one domestic order may last")]
    TooLong { days: u32 },
    #[error("an extension of no days")]
    NoDays,
    #[error("`{zone}` is not a time zone of the IANA database")]
    UnknownZone { zone: String },
    #[error("the date was computed under table {found}, this program has table {TABLE_VERSION}")]
    OtherTable { found: u32 },
    #[error("the date names a rule that computes no date")]
    UnknownRule,
    #[error("the date lacks a readable input `{name}`")]
    MissingInput { name: &'static str },
    #[error("the stated date is {stated}, the same rule and inputs give {computed}")]
    Mismatch { stated: Instant, computed: Instant },
}

impl Failure for LimitError {
    fn family(&self) -> Family {
        match self {
            Self::TooShort { .. } | Self::TooLong { .. } | Self::NoDays | Self::UnknownZone { .. } => {
                Family::Refusal
            }
            _ => Family::PeerFault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "R-121",
            Self::TooLong { .. } => "R-122",
            Self::NoDays => "R-123",
            Self::UnknownZone { .. } => "R-124",
            Self::OtherTable { .. } => "P-121",
            Self::UnknownRule => "P-122",
            Self::MissingInput { .. } => "P-123",
            Self::Mismatch { .. } => "P-124",
        }
    }

    fn clause(&self) -> Option<String> {
        let rule = match self {
            Self::TooShort { .. } => table::PRESERVATION_MINIMUM,
            Self::TooLong { .. } => table::ORDER_MAXIMUM,
            Self::NoDays => table::PRESERVATION_EXTENSION,
            _ => return None,
        };
        Some(rule.citation().to_string())
    }

    fn remedy(&self) -> String {
        match self {
            Self::TooShort { .. } => "order more days".to_owned(),
            Self::TooLong { .. } => {
                format!("order at most {ORDER_DAYS} days and renew the order before it ends")
            }
            Self::NoDays => "name the days of the extension".to_owned(),
            Self::UnknownZone { .. } => "write a name such as `Asia/Ho_Chi_Minh` or `UTC`".to_owned(),
            Self::OtherTable { .. } => {
                "compare the versions of both programs; until then keep the later date".to_owned()
            }
            Self::UnknownRule | Self::MissingInput { .. } | Self::Mismatch { .. } => {
                "keep the statement as proof and ask the other State to compute the date again".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn preservation_effected_on_15_november_2026_lasts_until_14_january_and_an_order_until_13_february() {
        let effected = at("2026-11-15T09:30:00+07:00");
        let zone = "Asia/Ho_Chi_Minh";
        let minimum = preservation_minimum(effected, zone).unwrap();
        assert_eq!(minimum.result, at("2027-01-14T09:30:00+07:00"));
        let order = order_end(effected, 90, zone).unwrap();
        assert_eq!(order.result, at("2027-02-13T09:30:00+07:00"));
        assert_eq!(minimum.rule_id, "preservation.minimum");
    }

    #[test]
    fn the_end_keeps_its_local_time_over_a_change_of_clocks() {
        let end = |effected, zone| preservation_minimum(at(effected), zone).unwrap().result;
        // Paris: summer time ends on 25 October 2026, so the end is an hour later in UTC.
        assert_eq!(end("2026-09-01T12:00:00+02:00", "Europe/Paris"), at("2026-10-31T12:00:00+01:00"));
        // New York: 02:30 on 14 March 2027 does not exist; the end is after the gap.
        assert_eq!(end("2027-01-13T02:30:00-05:00", "America/New_York"), at("2027-03-14T03:30:00-04:00"));
        // Paris: 02:30 on 25 October 2026 exists twice; the end is the first.
        assert_eq!(end("2026-08-26T02:30:00+02:00", "Europe/Paris"), at("2026-10-25T02:30:00+02:00"));
    }

    #[test]
    fn one_order_lasts_60_to_90_days_and_a_renewal_1_to_90() {
        let effected = at("2026-11-15T00:00:00Z");
        assert_eq!(order_end(effected, 59, "UTC"), Err(LimitError::TooShort { days: 59 }));
        assert!(order_end(effected, 60, "UTC").is_ok());
        assert_eq!(order_end(effected, 91, "UTC"), Err(LimitError::TooLong { days: 91 }));
        assert_eq!(extension(effected, 0, "UTC"), Err(LimitError::NoDays));
        assert_eq!(extension(effected, 91, "UTC"), Err(LimitError::TooLong { days: 91 }));
        assert_eq!(extension(effected, 30, "UTC").unwrap().result, at("2026-12-15T00:00:00Z"));
        assert_eq!(LimitError::TooShort { days: 59 }.clause().unwrap(), "Art. 42(8) [B]");
    }

    #[test]
    fn a_zone_is_an_exact_iana_name() {
        for zone in ["Mars/Olympus", "", "utc", "+07:00", "../etc/passwd", &"x".repeat(10_000)] {
            let error = preservation_minimum(at("2026-11-15T00:00:00Z"), zone).unwrap_err();
            assert!(matches!(error, LimitError::UnknownZone { .. }), "{zone}");
            assert!(error.to_string().len() < 200);
        }
    }

    #[test]
    fn the_other_state_computes_the_same_instant_from_the_inputs() {
        let effected = at("2026-11-15T09:30:00+07:00");
        let order = order_end(effected, 90, "Asia/Ho_Chi_Minh").unwrap();
        let renewed = extension(order.result, 45, "Asia/Ho_Chi_Minh").unwrap();
        for own in [preservation_minimum(effected, "Africa/Cairo").unwrap(), order, renewed] {
            let json = serde_json::to_string(&own).unwrap();
            let received: Computed = serde_json::from_str(&json).unwrap();
            assert_eq!(received.verify(), Ok(()));
        }
    }

    #[test]
    fn a_date_that_was_altered_does_not_verify() {
        let own = order_end(at("2026-11-15T00:00:00Z"), 90, "UTC").unwrap();
        let altered = |change: fn(&mut Computed)| {
            let mut computed = own.clone();
            change(&mut computed);
            computed.verify().unwrap_err().code()
        };
        assert_eq!(altered(|c| c.result = c.result.minus(DAY)), "P-124");
        assert_eq!(altered(|c| c.rule_version = 0), "P-121");
        assert_eq!(altered(|c| c.rule_id = "child.age".to_owned()), "P-122");
        assert_eq!(altered(|c| c.rule_id = "nothing".to_owned()), "P-122");
        assert_eq!(altered(|c| drop(c.inputs.remove("effected"))), "P-123");
        assert_eq!(altered(|c| drop(c.inputs.insert("days".to_owned(), "9x".to_owned()))), "P-123");
        assert_eq!(altered(|c| drop(c.inputs.insert("days".to_owned(), "60".to_owned()))), "P-124");
        assert_eq!(altered(|c| drop(c.inputs.insert("more".to_owned(), "1".to_owned()))), "P-124");
        assert_eq!(altered(|c| drop(c.inputs.insert("days".to_owned(), "4294967295".to_owned()))), "R-122");
    }

    #[test]
    fn a_date_at_the_end_of_time_is_an_error_and_no_panic() {
        let last = Instant::from_micros(i64::MAX);
        assert!(matches!(preservation_minimum(last, "UTC"), Err(LimitError::TooLong { .. })));
        assert_eq!(treaty_entry_into_force(&[Date::MAX; 40]), Some(Date::MAX));
        assert_eq!(alarms(Instant::from_micros(i64::MIN)).len(), 5);
    }

    #[test]
    fn alarms_climb_to_the_end_and_are_policy() {
        let ladder = alarms(at("2027-02-13T00:00:00Z"));
        let days: Vec<u32> = ladder.iter().map(|a| a.days_before).collect();
        assert_eq!(days, [30, 14, 7, 3, 1]);
        assert_eq!(ladder[0].at, at("2027-01-14T00:00:00Z"));
        assert_eq!(ladder[4].at, at("2027-02-12T00:00:00Z"));
        assert!(ladder.is_sorted() && ladder.iter().all(|a| a.policy));
    }

    #[test]
    fn entry_into_force_follows_the_practice_of_the_depositary() {
        let days_after_last = |last: Date| {
            let mut deposits = vec![last];
            deposits.extend((0..39).map(|n| last.saturating_sub((n * 7).days())));
            treaty_entry_into_force(&deposits)
        };
        assert_eq!(days_after_last(date(2003, 7, 1)), Some(date(2003, 9, 29)));
        assert_eq!(days_after_last(date(2005, 9, 15)), Some(date(2005, 12, 14)));
        assert_eq!(days_after_last(date(2027, 3, 2)), Some(date(2027, 5, 31)));
        assert_eq!(treaty_entry_into_force(&[date(2027, 3, 2); 39]), None);
        assert_eq!(party_entry_into_force(date(2006, 10, 30), date(2005, 12, 14)), date(2006, 11, 29));
        assert_eq!(party_entry_into_force(date(2027, 3, 10), date(2027, 5, 31)), date(2027, 5, 31));
        assert_eq!(party_entry_into_force(date(2027, 5, 20), date(2027, 5, 31)), date(2027, 6, 19));
    }

    #[test]
    fn a_denunciation_takes_effect_one_calendar_year_later() {
        assert_eq!(denunciation_effect(date(2027, 3, 2)), date(2028, 3, 2));
        assert_eq!(denunciation_effect(date(2028, 2, 29)), date(2029, 2, 28));
    }

    const ZONES: [&str; 6] =
        ["UTC", "Africa/Nairobi", "Europe/Paris", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe"];

    fn dates() -> impl Strategy<Value = (Instant, u32, &'static str)> {
        // From the adoption of the Convention on, for a century.
        let micros = 1_735_000_000_000_000_i64..4_900_000_000_000_000;
        (micros.prop_map(Instant::from_micros), 60_u32..=90, prop::sample::select(&ZONES[..]))
    }

    proptest! {
        #[test]
        fn an_end_is_that_many_dates_later_at_the_same_local_time_or_just_after_a_gap(
            (effected, days, zone) in dates()
        ) {
            let end = order_end(effected, days, zone).unwrap();
            prop_assert_eq!(end.verify(), Ok(()));
            let zone = named_zone(zone).unwrap();
            let local = |at: Instant| at.timestamp().to_zoned_datetime(zone.clone()).datetime();
            let wanted = local(effected).checked_add(Span::new().days(days)).unwrap();
            let ahead = local(end.result).duration_since(wanted);
            // The largest gap in the zones named here and in these years is an hour.
            prop_assert!((0..=3600).contains(&ahead.as_secs()), "{ahead:?}");
        }

        #[test]
        fn an_order_never_ends_before_the_minimum_nor_after_the_maximum_and_more_days_end_later(
            (effected, days, zone) in dates()
        ) {
            let end = |days| order_end(effected, days, zone).unwrap().result;
            prop_assert!(preservation_minimum(effected, zone).unwrap().result <= end(days));
            prop_assert!(end(days) <= end(90) && end(60) <= end(days));
            if days < 90 {
                prop_assert!(end(days) < end(days + 1));
            }
            prop_assert!(order_end(effected, days - 60, zone).is_err() || days - 60 >= 60);
            prop_assert!(order_end(effected, days + 31, zone).is_err());
            let extended = extension(end(days), days, zone).unwrap();
            prop_assert!(extended.result > end(days));
        }

        #[test]
        fn a_stated_date_with_anything_altered_is_refused(
            (effected, days, zone) in dates(), change in 0..6, micros in 1_i64..1_000_000_000
        ) {
            let good = order_end(effected, days, zone).unwrap();
            let mut altered = good.clone();
            match change {
                0 => altered.result = Instant::from_micros(good.result.micros() + micros),
                1 => altered.rule_version += 1,
                2 => altered.rule_id = "preservation.extension".to_owned(),
                3 => drop(altered.inputs.insert("more".to_owned(), "1".to_owned())),
                4 => drop(altered.inputs.insert("days".to_owned(), format!("+{days}"))),
                _ => drop(altered.inputs.remove("zone")),
            }
            prop_assert!(altered.verify().is_err());
        }

        #[test]
        fn alarms_come_in_order_and_before_the_end((effected, days, zone) in dates()) {
            let until = order_end(effected, days, zone).unwrap().result;
            let alarms = alarms(until);
            prop_assert!(alarms.is_sorted() && alarms.iter().all(|alarm| alarm.at <= until));
        }
    }
}
