//! What stops a node, for the operator.

use vocabulary::{Failure, Family, Report};

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    Flow(#[from] flow::FlowError),
    #[error(transparent)]
    Key(#[from] keys::KeyFault),
    #[error(transparent)]
    Store(#[from] store::StoreFault),
    #[error(transparent)]
    Descriptor(#[from] register::DescriptorError),
    #[error("the folder `{path}` is not a node: `node.toml` is missing")]
    NoNode { path: String },
    #[error("the folder `{path}` already holds a node")]
    NodeExists { path: String },
    #[error("`{path}` is not a configuration of a node: {reason}")]
    Configuration { path: String, reason: String },
    #[error("the configuration value `{name}` cannot be used: {reason}")]
    Value { name: &'static str, reason: String },
    #[error("`{path}`: {source}")]
    Disk { path: String, source: std::io::Error },
    #[error("another program serves the folder `{path}`")]
    Locked { path: String },
    #[error("the address `{address}` cannot be listened on: {source}")]
    Listen { address: String, source: std::io::Error },
    #[error("TLS cannot be set up: {reason}")]
    Tls { reason: String },
    #[error("the descriptor cannot be signed: {reason}")]
    Sign { reason: String },
    #[error("the package did not arrive: {reason}")]
    Road { reason: String },
    #[error("the part `{name}` is not what was announced, {tries} times")]
    Part { name: String, tries: u32 },
    #[error("the part `{name}` of our own package is not what was sealed")]
    OwnPart { name: String },
    #[error("the package in the folder ends inside `{name}`")]
    Cut { name: String },
    #[error("the folder `{path}` does not hold the package `{package}`, as it was announced")]
    OtherPackage { path: String, package: vocabulary::PackageId },
    #[error("the folder `{path}` holds another log than ours, or a longer one")]
    OtherLog { path: String },
    #[error("the file `{name}` of the log does not stand: {reason}")]
    LogFile { name: String, reason: String },
    #[error("`{url}` is not the address of a time-stamp authority: {reason}")]
    TimeStampUrl { url: String, reason: String },
    #[error("the time-stamp authority gave no answer that can be used: {reason}")]
    TimeStamp { reason: String },
}

impl NodeError {
    /// A fetch that is tried again, and that people can help along meanwhile.
    pub(crate) fn is_for_people(&self) -> bool {
        matches!(self, Self::Part { .. } | Self::Flow(flow::FlowError::NoSpace { .. }))
    }

    fn inner(&self) -> Option<&dyn Failure> {
        Some(match self {
            Self::Flow(e) => e,
            Self::Key(e) => e,
            Self::Store(e) => e,
            Self::Descriptor(e) => e,
            _ => return None,
        })
    }
}

impl Failure for NodeError {
    fn family(&self) -> Family {
        match self {
            Self::NoNode { .. }
            | Self::NodeExists { .. }
            | Self::Configuration { .. }
            | Self::Value { .. }
            | Self::Cut { .. }
            | Self::OtherPackage { .. }
            | Self::OtherLog { .. }
            | Self::TimeStampUrl { .. } => Family::Refusal,
            Self::Part { .. } | Self::LogFile { .. } => Family::PeerFault,
            other => other.inner().map_or(Family::Fault, Failure::family),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoNode { .. } => "R-701",
            Self::NodeExists { .. } => "R-702",
            Self::Configuration { .. } => "R-703",
            Self::Value { .. } => "R-704",
            Self::Disk { .. } => "F-701",
            Self::Locked { .. } => "F-702",
            Self::Listen { .. } => "F-703",
            Self::Tls { .. } => "F-704",
            Self::Sign { .. } => "F-705",
            Self::Road { .. } => "F-706",
            Self::Part { .. } => "P-580",
            Self::OwnPart { .. } => "F-581",
            Self::Cut { .. } => "R-631",
            Self::OtherPackage { .. } => "R-632",
            Self::OtherLog { .. } => "R-905",
            Self::LogFile { .. } => "P-911",
            Self::TimeStampUrl { .. } => "R-690",
            Self::TimeStamp { .. } => "F-690",
            other => other.inner().map_or("F-700", Failure::code),
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::Part { .. } | Self::OtherPackage { .. } => {
                Some("spec/05-evidence-package.md, in the announcement".to_owned())
            }
            Self::LogFile { .. } => Some("C2SP tlog-tiles".to_owned()),
            other => other.inner().and_then(Failure::clause),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::NoNode { .. } => {
                "make one with `rogatory node init`, or name its folder with `--node`".to_owned()
            }
            Self::NodeExists { .. } => "choose another folder; a node is never overwritten".to_owned(),
            Self::Configuration { .. } | Self::Value { .. } => {
                "correct `node.toml`; its comments say what each value means".to_owned()
            }
            Self::Disk { .. } => {
                "check the path, its owner and the space on the disk, then try again".to_owned()
            }
            Self::Locked { .. } => "stop the other `rogatory node serve` of this folder first".to_owned(),
            Self::Listen { .. } => {
                "choose a free address in `listen`, or stop the program that holds it".to_owned()
            }
            Self::Tls { .. } => "check the files `keys/tls.*`; `rogatory node doctor` says more".to_owned(),
            Self::Sign { .. } => "run `rogatory node doctor`".to_owned(),
            Self::Road { .. } => {
                "nothing is lost; the node goes on by itself, or run `rogatory evidence fetch`".to_owned()
            }
            Self::Part { .. } => {
                "ask the other State to check this part on its disk; the node goes on with the others and tries it again"
                    .to_owned()
            }
            Self::OwnPart { .. } => {
                "check the disk, and restore the package from a copy, or seal and announce it again".to_owned()
            }
            Self::Cut { .. } => "copy the package to the disk again; what came over is kept".to_owned(),
            Self::OtherPackage { .. } => {
                "name the folder with `tagmanifest-sha256.txt` of this package, or ask for another copy".to_owned()
            }
            Self::OtherLog { .. } => {
                "name another folder; if this node was restored from a copy, tell the peers before anything else"
                    .to_owned()
            }
            Self::LogFile { .. } => {
                "fetch the file again; if it stays so, keep the signed head and tell the State of the log"
                    .to_owned()
            }
            Self::TimeStampUrl { .. } => "give the full address, such as `http://tsa.example/`".to_owned(),
            Self::TimeStamp { .. } => {
                "try again or name another authority; what was signed stays valid without a time-stamp"
                    .to_owned()
            }
            other => other.inner().map_or_else(String::new, Failure::remedy),
        }
    }

    fn report(&self) -> Report {
        if let Self::Flow(error) = self {
            return error.report();
        }
        Report {
            family: self.family(),
            code: self.code().to_owned(),
            message: self.to_string(),
            clause: self.clause(),
            remedy: self.remedy(),
        }
    }
}

pub(crate) fn disk(path: &std::path::Path, source: std::io::Error) -> NodeError {
    NodeError::Disk { path: path.display().to_string(), source }
}
