//! The process: configuration, peer endpoint, workers, shutdown; the road to a time-stamp authority.
//!
//! The handlers here store and answer; what a message does to a file is `flow`'s. Not here: the command
//! line (`rogatory`), pages for officers.

mod carried;
mod client;
mod configuration;
mod descriptor;
mod error;
mod fetch;
mod head_stamp;
mod home;
mod landing;
mod limits;
mod pace;
mod process;
mod served;
mod server;
mod serving;
mod time_stamp;
mod tls;
mod work;

pub use carried::{Exported, export_package, import_package};
pub use client::{Road, RoadTrouble};
pub use configuration::{Configuration, OfficeConfiguration, TimeStampConfiguration, TransferConfiguration};
pub use descriptor::{export, sign};
pub use error::NodeError;
pub use fetch::{FetchCost, FetchProgress, Fetched, fetch_package};
pub use home::{Home, InitRequest};
pub use limits::Limits;
pub use pace::{MAX_PARTS_AT_ONCE, Pace, Rate};
pub use process::{Running, serve, serve_with};
pub use time_stamp::{TimeStampServer, request_time_stamp, serve_time_stamps};
