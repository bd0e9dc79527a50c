//! A package on its way between two nodes: what there must be room for, what is still missing, and whom it is told.

use crate::{Flow, FlowError, Level};
use exchange::next_attempt;
use std::path::Path;
use vocabulary::{FileId, Report};

/// Policy: this share of a disk stays free, so that the database of the node can always be written.
const RESERVE_SHARE: u64 = 100;
/// Policy: and no more than this, 1 GiB.
const RESERVE_MAX: u64 = 1 << 30;

/// Refuses when `folder` has no room for so many bytes; it need not exist yet.
pub fn ensure_space(folder: &Path, bytes: u64) -> Result<(), FlowError> {
    let mut place = folder;
    let about = loop {
        match rustix::fs::statvfs(place) {
            Ok(about) => break about,
            Err(rustix::io::Errno::NOENT) if place.parent().is_some_and(|up| !up.as_os_str().is_empty()) => {
                place = place.parent().unwrap_or(place);
            }
            Err(error) => {
                return Err(FlowError::Disk { path: place.display().to_string(), source: error.into() });
            }
        }
    };
    let reserve = (about.f_blocks.saturating_mul(about.f_frsize) / RESERVE_SHARE).min(RESERVE_MAX);
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let needed = bytes.saturating_add(reserve);
    if bytes == 0 || needed <= free {
        Ok(())
    } else {
        Err(FlowError::NoSpace { path: place.display().to_string(), needed, free })
    }
}

impl Flow {
    /// Puts a duty off after a failed fetch; what people can mend, they are told once a duty.
    pub async fn fetch_put_off(
        &self,
        duty: &str,
        file: FileId,
        trouble: &str,
        shown: Option<Report>,
    ) -> Result<(), FlowError> {
        let mut write = self.store().write().await?;
        let open = write.queries().duties_open().await?;
        let attempts = open.iter().find(|row| row.id == duty).map_or(0, |row| row.attempts);
        write.postpone_duty(duty, next_attempt(self.now(), attempts), trouble).await?;
        if let Some(report) = shown {
            let id = format!("fetch/{duty}/{}", report.message);
            self.find(&mut write, id, Level::Fail, Some(file), None, report).await?;
        }
        Ok(write.commit().await?)
    }
}
