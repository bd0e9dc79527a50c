//! What a node answers when it does not take an envelope in, and what the sender makes of that answer.

use crate::CosignedHead;
use serde::{Deserialize, Serialize};
use vocabulary::{Family, Report};

/// What came of an attempt that brought no receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoadTrouble {
    /// Try again later; the text holds no payload.
    Later(String),
    /// As `Later`, and the peer's endpoint took the whole request: it answered.
    Taken(String),
    /// The peer's node will not take this envelope.
    Refused(Report),
    /// The peer's node stopped the exchange with us; the envelope can be tried again later.
    Halted,
    /// The peer's node takes it only with a proof that our log follows from this head of it.
    ProveFrom(CosignedHead),
}

impl RoadTrouble {
    /// True when the peer's endpoint took the whole request: the envelope was given to a road.
    pub fn was_taken(&self) -> bool {
        !matches!(self, Self::Later(_))
    }
}

/// The answer to an envelope whose log is not proven to follow from the head that was seen.
#[derive(Debug, Serialize, Deserialize)]
pub struct Challenge {
    #[serde(flatten)]
    pub report: Report,
    pub head: CosignedHead,
}

/// The HTTP status (RFC 9110) under which a report goes to the sender, spec/02-exchange.md 2.8.
pub fn status(report: &Report) -> u16 {
    match (report.family, report.code.as_str()) {
        (_, "F-002") => 507,
        (_, "P-510") => 413,
        (_, "R-551") => 403,
        // Our view of the sender may be old: it keeps the envelope and tries again.
        (_, code) if code.starts_with("P-4") || matches!(code, "P-920" | "P-921") => 409,
        // It waits until people have spoken, or comes again with another proof.
        (_, "R-901" | "P-524" | "P-525" | "P-528" | "P-529" | "P-900") => 409,
        (Family::Refusal | Family::PeerFault, _) => 422,
        (Family::Fault, _) => 503,
    }
}

/// What a peer may know: of our own faults only that there is one.
pub fn shown(report: &Report) -> Report {
    if report.family != Family::Fault {
        return report.clone();
    }
    Report {
        family: Family::Fault,
        code: report.code.clone(),
        message: "this node cannot store the envelope now".to_owned(),
        clause: None,
        remedy: "try again later; nothing was stored and no receipt was given".to_owned(),
    }
}

/// What the sender does after an answer with this status and body that is no receipt.
pub fn trouble(status: u16, body: &[u8]) -> RoadTrouble {
    let Ok(report) = serde_json::from_slice::<Report>(body) else {
        return RoadTrouble::Taken(format!("the peer answered {status}"));
    };
    let code: String = report.code.chars().take(8).collect();
    match (status, code.as_str()) {
        (413 | 422, _) => RoadTrouble::Refused(report),
        (409, "R-901") => RoadTrouble::Halted,
        (409, "P-528") => match serde_json::from_slice::<Challenge>(body) {
            Ok(challenge) => RoadTrouble::ProveFrom(challenge.head),
            Err(_) => RoadTrouble::Taken("the peer answered 409 (P-528)".to_owned()),
        },
        _ => RoadTrouble::Taken(format!("the peer answered {status} ({code})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(family: Family, code: &str) -> Report {
        Report {
            family,
            code: code.to_owned(),
            message: "m".to_owned(),
            clause: None,
            remedy: "r".to_owned(),
        }
    }

    #[test]
    fn only_a_judged_envelope_ends_the_attempts() {
        for (family, code, expected, last) in [
            (Family::PeerFault, "P-514", 422, true),
            (Family::PeerFault, "P-510", 413, true),
            (Family::PeerFault, "P-411", 409, false),
            (Family::Refusal, "R-551", 403, false),
            (Family::Refusal, "R-901", 409, false),
            (Family::PeerFault, "P-525", 409, false),
            (Family::PeerFault, "P-528", 409, false),
            (Family::Fault, "F-002", 507, false),
            (Family::Fault, "F-005", 503, false),
        ] {
            let report = report(family, code);
            assert_eq!(status(&report), expected, "{code}");
            let made = trouble(expected, &serde_json::to_vec(&shown(&report)).unwrap());
            assert_eq!(matches!(made, RoadTrouble::Refused(_)), last, "{code}");
        }
        assert_eq!(trouble(422, b"no"), RoadTrouble::Taken("the peer answered 422".to_owned()));
    }
}
