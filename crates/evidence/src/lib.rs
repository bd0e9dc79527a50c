//! The evidence package: manifest, exhibits, custody; build, verify, open.
//!
//! Not here: keys, signing and random bytes (handed in as closures and traits), the chain of custody
//! itself (`custody`), and how a package travels (`exchange`, `node`).

mod age;
mod archive;
mod bag;
mod block;
mod case;
mod chunk;
mod cobblestone;
mod compact;
mod content;
#[cfg(test)]
mod fixture;
mod hash;
mod journal;
mod label;
mod listing;
mod measure;
mod open;
mod open_stream;
mod pack;
mod package;
mod progress;
mod scratch;
mod seal_stream;
mod suite;
mod supplement;
mod unpacked;
mod verify;

pub use age::{
    AgeError, AgeIdentity, AgeReader, AgeRecipient, AgeWriter, CHUNK_BYTES, HybridIdentity, HybridRecipient,
    decrypt_hybrid, encrypt_hybrid,
};
pub use archive::ArchiveFault;
pub use bag::{BagFault, MAX_MANIFEST_LINES, MAX_PATH_BYTES, ManifestEntry, PartInfo, read_manifest};
pub use case::{CaseExhibit, case_document};
pub use label::{ExhibitLabel, PackageLabel};
pub use listing::{Carry, Listing, MAX_FILES, MAX_RELATIVE_PATH, ScanError, survey};
pub use measure::{MeasureError, Measured, measure};
pub use open::{OpenError, Opened, OpenedExhibit, Unwrap, inspect, open};
pub use pack::{
    DEFAULT_PART_BYTES, InnerRecord, KeyEnvelope, MAX_CUSTODY_BYTES, PackError, PackExhibit, PackKeys,
    PackRequest, PackageSummary, SealedExhibit, forget, pack, package_size, unfinished,
};
pub use package::{MAX_PARTS, list_package};
pub use progress::{Progress, Watch};
pub use suite::BulkSuite;
pub use supplement::{
    AddresseeRequest, AddresseeStatement, FurtherAddressee, MAX_SUPPLEMENTS, Supplement, SupplementFault,
    Transform, VerifyAttached, add_addressee, prepare_addressee, read_key_envelope, read_supplements,
};
pub use verify::{
    CountRecipients, Judges, Layer, Outcome, SignerInfo, StampInfo, VerifyFault, VerifyReport,
    VerifySignature, VerifyTimeStamp, verify_outer, verify_outer_watched,
};
