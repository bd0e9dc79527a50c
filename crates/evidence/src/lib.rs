//! The evidence package: manifest, exhibits, custody; build, verify, open.
//!
//! Not here: keys, signing and random bytes (handed in as closures and traits), the chain of custody
//! itself (`custody`), and how a package travels (`exchange`, `node`).

mod age;
mod archive;
mod bag;
#[cfg(test)]
mod fixture;
mod folder;
mod label;
mod open;
mod pack;
mod package;
mod progress;
mod scratch;
mod supplement;
mod verify;

pub use age::{AgeError, AgeIdentity, AgeReader, AgeRecipient, AgeWriter, CHUNK_BYTES};
pub use archive::ArchiveFault;
pub use bag::{BagFault, MAX_MANIFEST_LINES, MAX_PATH_BYTES, ManifestEntry, PartInfo, read_manifest};
pub use folder::{
    FileDigest, MAX_FILES, MAX_RELATIVE_PATH, ScanError, SourceFile, measure, scan, tree_digest,
};
pub use label::{ExhibitLabel, PackageLabel};
pub use open::{OpenError, Opened, OpenedExhibit, Unwrap, open};
pub use pack::{
    DEFAULT_PART_BYTES, MAX_CUSTODY_BYTES, PackError, PackExhibit, PackKeys, PackRequest, PackageSummary,
    pack,
};
pub use package::{MAX_PARTS, list_package};
pub use progress::{Progress, Watch};
pub use supplement::{
    AddresseeRequest, AddresseeStatement, FurtherAddressee, MAX_SUPPLEMENTS, Supplement, SupplementFault,
    Transform, VerifyAttached, add_addressee, prepare_addressee, read_key_envelope, read_supplements,
};
pub use verify::{
    Layer, Outcome, SignerInfo, VerifyFault, VerifyReport, VerifySignature, verify_outer,
    verify_outer_watched,
};
