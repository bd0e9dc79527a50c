//! Time-stamps of RFC 3161: asked for, given for demonstrations, verified, and carried in a signature.

mod authority;
mod embedded;
mod error;
mod query;
mod structure;
#[cfg(test)]
mod tests;
mod token;

pub use authority::TimeStampAuthority;
pub use embedded::{attach_time_stamp, embedded_time_stamp, signature_value};
pub use error::TimeStampError;
pub use query::TimeStampQuery;
pub use token::{TimeStamp, verify_time_stamp};
