//! A package on its way between two nodes: room for it, parts that only its manifest names, what was taken of it,
//! and until when it can be taken.

use crate::{Fetch, Flow, FlowError, Level, View, perform::json};
use casefile::{Duty, incoming::Incoming};
use exchange::{Announcement, MANIFEST_NAME, MAX_FILES_ANNOUNCED, PackageFile, next_attempt};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    time::Duration,
};
use store::Write;
use vocabulary::{Failure as _, Family, FileId, Instant, PackageId, Report};

/// Policy: this share of a disk stays free, so that the database of the node can always be written.
const RESERVE_SHARE: u64 = 100;
/// Policy: and no more than this, 1 GiB.
const RESERVE_MAX: u64 = 1 << 30;
/// Policy: how long a sender keeps a package that it announced. The Convention has no such time.
pub const RETRIEVAL_WINDOW: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Policy: days before its end on which a package that was not fetched is spoken of.
const REMINDERS: [u32; 3] = [30, 7, 1];
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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

/// What the other State took of a package so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    pub bytes: u64,
    /// When the last of them went out.
    pub at: Instant,
}

/// A package that we sealed, as it lies here.
#[derive(Debug, Clone)]
pub struct SealedPackage {
    pub package: PackageId,
    pub folder: PathBuf,
    /// Every file of it, parts included.
    pub files: Vec<PackageFile>,
    pub bytes: u64,
}

impl Fetch {
    /// The parts that `files` does not list, once the manifest is here.
    pub fn counted_parts(&self, announcement: &Announcement) -> Result<Vec<PackageFile>, FlowError> {
        parts_in(announcement, &self.arriving)
    }
}

impl Flow {
    /// Puts a duty off after a failed fetch; what people can mend, they are told once.
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
            let id = format!("fetch/{duty}/{}", report.code);
            self.find(&mut write, id, Level::Fail, Some(file), None, report).await?;
        }
        Ok(write.commit().await?)
    }

    /// The package that we sealed in a file.
    pub async fn sealed_package(&self, file: FileId) -> Result<Option<SealedPackage>, FlowError> {
        let known: Incoming = self.incoming(file).await?;
        let Some(sealed) = known.sealed else { return Ok(None) };
        let object = self.object(sealed.announcement, "an announcement").await?;
        let announcement: Announcement = serde_json::from_slice(&object).map_err(|_| UNREADABLE)?;
        let folder = self.folder().sealed(file).join(sealed.package.to_string());
        let mut files = announcement.files.clone();
        files.extend(parts_in(&announcement, &folder)?);
        Ok(Some(SealedPackage { package: sealed.package, folder, files, bytes: announcement.bytes }))
    }

    /// Keeps how much of a package went out.
    pub async fn keep_served(&self, package: PackageId, served: Served) -> Result<(), FlowError> {
        let mut write = self.store().write().await?;
        write.put_setting(&format!("served/{package}"), &json(&served)?).await?;
        Ok(write.commit().await?)
    }

    /// How much of a package went out; `None` before the first byte.
    pub async fn served_so_far(&self, package: PackageId) -> Result<Option<Served>, FlowError> {
        let mut read = self.store().read().await?;
        let kept = read.queries().setting(&format!("served/{package}")).await?;
        Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()))
    }

    /// Until when we said that a package can be fetched.
    pub async fn promised_until(&self, package: PackageId) -> Result<Option<Instant>, FlowError> {
        let mut read = self.store().read().await?;
        let kept = read.queries().setting(&promise(package)).await?;
        Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()))
    }

    /// Keeps what a statement that is being sent promises.
    pub(crate) async fn promise(
        &self,
        write: &mut Write,
        announcement: &Announcement,
    ) -> Result<(), FlowError> {
        if let Some(until) = announcement.available_until {
            write.put_setting(&promise(announcement.package), &json(&until)?).await?;
        }
        Ok(())
    }

    /// Owes the reminders for a package that was announced; those whose day has passed are not owed.
    pub(crate) async fn remind(
        &self,
        write: &mut Write,
        file: FileId,
        announcement: &Announcement,
    ) -> Result<(), FlowError> {
        let Some(until) = announcement.available_until else { return Ok(()) };
        for days_before in REMINDERS {
            let at = until.minus(DAY * days_before);
            if at > self.now() {
                let id = format!("{file}/window/{}/{days_before}", announcement.package);
                write.add_duty(&id, file, &json(&Duty::Alarm { at, days_before, until })?, at).await?;
            }
        }
        Ok(())
    }
}

/// What a reminder says, when the file still waits for its package.
pub(crate) fn window_report(view: &View, until: Instant, days_before: u32) -> Option<Report> {
    let View::Outgoing(file) = view else { return None };
    let waits = file.evidence.as_ref().is_some_and(|evidence| evidence.verified.is_none());
    waits.then(|| Report {
        family: Family::Refusal,
        code: "R-633".to_owned(),
        message: format!("the package can be fetched until {until}, for {days_before} day(s) more"),
        clause: Some("spec/02-exchange.md, retrieval (policy of the sending State)".to_owned()),
        remedy:
            "see why it is not here with `rogatory evidence fetch`, or ask for it on a disk or for more time"
                .to_owned(),
    })
}

/// One file of a package, listed or counted; anything else is not there.
pub(crate) fn announced_file(
    announcement: &Announcement,
    folder: &Path,
    name: &str,
) -> Result<Option<PackageFile>, FlowError> {
    let named = |files: &[PackageFile]| files.iter().find(|file| file.name == name).cloned();
    match named(&announcement.files) {
        None if announcement.parts.is_some() => Ok(named(&parts_in(announcement, folder)?)),
        listed => Ok(listed),
    }
}

/// The parts that an announcement only counts, as the manifest in `folder` names them.
fn parts_in(announcement: &Announcement, folder: &Path) -> Result<Vec<PackageFile>, FlowError> {
    let Some(summary) = announcement.parts else { return Ok(Vec::new()) };
    let path = folder.join(MANIFEST_NAME);
    let file =
        File::open(&path).map_err(|source| FlowError::Disk { path: path.display().to_string(), source })?;
    let most = summary.count.saturating_add(MAX_FILES_ANNOUNCED as u64);
    let mut lines = Vec::new();
    evidence::read_manifest(MANIFEST_NAME, BufReader::new(file), &mut |entry| {
        if (lines.len() as u64) < most {
            lines.push(entry);
        }
        Ok(())
    })
    .map_err(|fault| FlowError::Evidence(fault.report()))?;
    announcement
        .parts_of(lines.iter().map(|line| (line.path.as_str(), line.digest)))
        .ok_or(FlowError::Parts { package: announcement.package })
}

fn promise(package: PackageId) -> String {
    format!("available/{package}")
}

const UNREADABLE: FlowError = FlowError::Record { what: "an announcement" };
