//! What strikes one State's database: a crash at the next point but some, or a full disk.

use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use store::{Hazard, Point, StoreFault};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blow {
    /// The process dies; what was committed stays.
    Crash,
    /// Nothing can be written until there is space again.
    DiskFull,
}

/// Where a blow fell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Struck {
    BetweenWrites,
    BeforeCommit,
    AfterCommit,
    DiskFull,
}

#[derive(Debug, Default)]
struct Fate {
    armed: Option<(u32, Blow)>,
    full: bool,
    down: bool,
    struck: Option<Struck>,
}

/// The hazard of one State's store.
#[derive(Debug, Default)]
pub(crate) struct Peril(Mutex<Fate>);

impl Peril {
    fn fate<T>(&self, act: impl FnOnce(&mut Fate) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The blow falls at the point after `after` others.
    pub(crate) fn arm(&self, after: u32, blow: Blow) {
        self.fate(|fate| fate.armed = Some((after, blow)));
    }

    pub(crate) fn kill(&self) {
        self.fate(|fate| fate.down = true);
    }

    pub(crate) fn is_down(&self) -> bool {
        self.fate(|fate| fate.down)
    }

    pub(crate) fn disarm(&self) {
        self.fate(|fate| fate.armed = None);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.fate(|fate| fate.full)
    }

    pub(crate) fn free_space(&self) {
        self.fate(|fate| {
            fate.full = false;
            fate.armed = fate.armed.filter(|(_, blow)| *blow == Blow::Crash);
        });
    }

    /// The process starts again; a full disk stays full.
    pub(crate) fn rise(&self) {
        self.fate(|fate| *fate = Fate { full: fate.full, ..Fate::default() });
    }

    /// Nothing more will strike.
    pub(crate) fn calm(&self) {
        self.fate(|fate| {
            fate.full = false;
            fate.armed = None;
        });
    }

    /// The blow that fell since the last look.
    pub(crate) fn take_struck(&self) -> Option<Struck> {
        self.fate(|fate| fate.struck.take())
    }
}

impl Hazard for Peril {
    fn at(&self, point: Point) -> Result<(), StoreFault> {
        self.fate(|fate| {
            if fate.down {
                return Err(StoreFault::Stopped);
            }
            if matches!(point, Point::Read | Point::Begin) {
                return Ok(());
            }
            if let Some((after, blow)) = fate.armed {
                match (after.checked_sub(1), blow, point) {
                    (Some(left), ..) => fate.armed = Some((left, blow)),
                    (None, Blow::Crash, _) => {
                        fate.armed = None;
                        fate.down = true;
                        fate.struck = Some(match point {
                            Point::Commit => Struck::BeforeCommit,
                            Point::Committed => Struck::AfterCommit,
                            _ => Struck::BetweenWrites,
                        });
                        return Err(StoreFault::Stopped);
                    }
                    // What is durable needs no space any more.
                    (None, Blow::DiskFull, Point::Committed) => {}
                    (None, Blow::DiskFull, _) => {
                        fate.armed = None;
                        fate.full = true;
                        fate.struck = Some(Struck::DiskFull);
                    }
                }
            }
            if fate.full && point != Point::Committed { Err(StoreFault::DiskFull) } else { Ok(()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blow_falls_once_at_its_point_and_a_dead_process_does_nothing_more() {
        let peril = Peril::default();
        peril.arm(1, Blow::Crash);
        assert!(peril.at(Point::Row("events")).is_ok());
        assert!(matches!(peril.at(Point::Commit), Err(StoreFault::Stopped)));
        assert_eq!(peril.take_struck(), Some(Struck::BeforeCommit));
        assert!(peril.at(Point::Read).is_err());
        peril.rise();
        assert!(peril.at(Point::Commit).is_ok());
    }

    #[test]
    fn a_full_disk_stays_full_until_there_is_space() {
        let peril = Peril::default();
        peril.arm(0, Blow::DiskFull);
        assert!(matches!(peril.at(Point::Row("inbox")), Err(StoreFault::DiskFull)));
        assert!(peril.at(Point::Read).is_ok());
        assert!(matches!(peril.at(Point::Commit), Err(StoreFault::DiskFull)));
        peril.free_space();
        assert!(peril.at(Point::Commit).is_ok());
    }
}
