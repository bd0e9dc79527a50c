//! The process: configuration, peer endpoint, workers, shutdown; the road to a time-stamp authority.
//!
//! The handlers here store and answer; what a message does to a file is `flow`'s. Not here: the command
//! line (`rogatory`), pages for officers.

mod caller;
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
mod listener;
mod log_files;
mod pace;
mod ping;
mod process;
mod public;
mod renewal;
mod ringing;
mod served;
mod server;
mod serving;
mod time_stamp;
mod tls;
mod witness_home;
mod witnesses;
mod work;

pub use caller::{Caller, DeskConfiguration, MailConfiguration, MailSecurity, Notice};
pub use carried::{Exported, export_package, import_package};
pub use client::Road;
pub use configuration::{
    Configuration, LogConfiguration, OfficeConfiguration, TimeStampConfiguration, TransferConfiguration,
    WitnessConfiguration,
};
pub use descriptor::{export, exported, sign};
pub use error::NodeError;
pub use fetch::{FetchCost, FetchProgress, Fetched, fetch_package};
pub use home::{Home, InitRequest};
pub use limits::Limits;
pub use log_files::{LogChecked, LogExport, check_log, export_log};
pub use pace::{MAX_PARTS_AT_ONCE, Pace, Rate};
pub use ping::ping;
pub use process::{Running, serve, serve_with};
pub use time_stamp::{TimeStampServer, request_time_stamp, serve_time_stamps};
pub use witness_home::{Contradiction, RunningWitness, WitnessHome, WitnessHomeConfiguration, WitnessedHead};
