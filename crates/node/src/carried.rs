//! A package on a disk that people carry: written by the one node and taken in by the other as if it had been fetched.

use crate::{
    FetchProgress, Fetched, NodeError,
    error::disk,
    fetch::{self, Source},
};
use exchange::TAG_MANIFEST_NAME;
use flow::Flow;
use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};
use vocabulary::{Digest, FileId, PackageId};

/// The largest tag manifest that is read, in bytes.
const MAX_TAG_MANIFEST_BYTES: u64 = 64 << 10;

/// A package as it lies on a disk now.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Exported {
    pub package: PackageId,
    pub folder: PathBuf,
    pub bytes: u64,
}

/// Takes the announced package of a file in from `from`: the folder of the package, or the one in which it lies.
///
/// Returns `None` when another program of this node brings the same package now.
pub async fn import_package(
    flow: &Flow,
    duty: &str,
    file: FileId,
    package: PackageId,
    from: &Path,
    progress: &mut (dyn FnMut(FetchProgress) + Send),
) -> Result<Option<Fetched>, NodeError> {
    let tag_manifest = flow.announcement(file, package).await?.tag_manifest;
    let folder = [from.to_owned(), from.join(package.to_string())]
        .into_iter()
        .find(|folder| named(folder).is_some_and(|found| found == tag_manifest))
        .ok_or_else(|| NodeError::OtherPackage { path: from.display().to_string(), package })?;
    fetch::bring(flow, Source::Folder(folder), duty, file, package, progress).await
}

/// The digest that names the package in a folder.
fn named(folder: &Path) -> Option<Digest> {
    let path = folder.join(TAG_MANIFEST_NAME);
    if !fs::symlink_metadata(&path).is_ok_and(|about| about.is_file()) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_TAG_MANIFEST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(Digest::of(&bytes))
}

/// Copies the sealed package of a file into a folder of its own below `to`, and checks every part as it goes.
pub async fn export_package(
    flow: &Flow,
    file: FileId,
    to: &Path,
    progress: &mut (dyn FnMut(FetchProgress) + Send),
) -> Result<Option<Exported>, NodeError> {
    let Some(sealed) = flow.sealed_package(file).await? else { return Ok(None) };
    let folder = to.join(sealed.package.to_string());
    fs::create_dir_all(&folder).map_err(|source| disk(&folder, source))?;
    fetch::copy_files(&sealed.folder, &folder, &sealed.files, sealed.bytes, progress).await?;
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(|source| disk(&folder, source))?;
    Ok(Some(Exported { package: sealed.package, folder, bytes: sealed.bytes }))
}
