//! The maximum penalty of a provision, and whether it makes a serious crime.

use serde::{Deserialize, Serialize};
use std::fmt;
use treaty::table::SERIOUS_CRIME;

/// Months in a year.
const YEAR: i64 = 12;
/// In months; Art. 2(h).
const THRESHOLD: i64 = SERIOUS_CRIME.number().expect("the row holds years") as i64 * YEAR;

/// The maximum deprivation of liberty. As a State wrote it: the check says what cannot be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Penalty {
    /// For life, or heavier.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub life: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub years: Option<i64>,
    /// Beside the years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub months: Option<i64>,
}

impl Penalty {
    /// `None` for life, and for a penalty that cannot be.
    pub fn in_months(&self) -> Option<i64> {
        let (years, months) = (self.years.unwrap_or(0), self.months.unwrap_or(0));
        let said = self.years.is_some() || self.months.is_some();
        if self.life || !said || years < 0 || months < 0 {
            return None;
        }
        years.checked_mul(YEAR)?.checked_add(months)
    }

    /// Whether it reaches the threshold of a serious crime, row `serious-crime.threshold`; `None` when it cannot be said.
    pub fn is_serious(&self) -> Option<bool> {
        match (self.life, self.years, self.months) {
            (true, None, None) => Some(true),
            (true, ..) => None,
            _ => self.in_months().map(|months| months >= THRESHOLD),
        }
    }
}

impl fmt::Display for Penalty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: i64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        let mut said: Vec<String> = Vec::new();
        if self.life {
            said.push("life".to_owned());
        }
        said.extend(self.years.map(|years| count(years, "year")));
        said.extend(self.months.map(|months| count(months, "month")));
        f.write_str(&said.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn penalty(life: bool, years: Option<i64>, months: Option<i64>) -> Penalty {
        Penalty { life, years, months }
    }

    #[test]
    fn four_years_are_serious_and_a_month_less_is_not() {
        assert_eq!(penalty(false, Some(4), None).is_serious(), Some(true));
        assert_eq!(penalty(false, Some(3), Some(12)).is_serious(), Some(true));
        assert_eq!(penalty(false, None, Some(48)).is_serious(), Some(true));
        assert_eq!(penalty(false, Some(3), Some(11)).is_serious(), Some(false));
        assert_eq!(penalty(false, Some(0), None).is_serious(), Some(false), "a fine only");
        assert_eq!(penalty(true, None, None).is_serious(), Some(true));
    }

    #[test]
    fn what_cannot_be_a_penalty_is_neither_serious_nor_not() {
        for odd in [
            penalty(false, None, None),
            penalty(true, Some(3), None),
            penalty(false, Some(-1), None),
            penalty(false, Some(5), Some(-1)),
            penalty(false, Some(i64::MAX), Some(1)),
        ] {
            assert_eq!(odd.is_serious(), None, "{odd:?}");
        }
    }

    #[test]
    fn a_penalty_is_written_in_words() {
        assert_eq!(penalty(false, Some(1), Some(6)).to_string(), "1 year 6 months");
        assert_eq!(penalty(true, None, None).to_string(), "life");
    }
}
