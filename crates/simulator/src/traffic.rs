//! What an officer does next in a file: mostly what is due, now and then what must be refused.

use crate::{
    dice::Dice,
    step::{Act, Who},
};
use casefile::{Outcome, incoming, outgoing};
use flow::View;
use treaty::Kind;

/// What comes of a look at a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Act(Who, Act),
    /// Somebody else is to act.
    Wait,
    /// Nothing more happens in this file.
    Ended,
}

/// Acts that are tried out of turn; whatever comes of them, no invariant may break.
const OUT_OF_TURN: [(Who, Act); 10] = [
    (Who::First, Act::Approve),
    (Who::First, Act::Decide),
    (Who::Second, Act::Submit),
    (Who::Second, Act::Decide),
    (Who::First, Act::Triage),
    (Who::First, Act::Consult),
    (Who::First, Act::Preserve { days: 70 }),
    (Who::First, Act::Extend { days: 20 }),
    (Who::First, Act::CloseIncoming),
    (Who::First, Act::Close { outcome: Outcome::Fulfilled }),
];

/// What the officers of the side to which `view` belongs do next.
pub(crate) fn next(view: &View, dice: &mut Dice) -> Next {
    if dice.chance(50)
        && let Some((who, act)) = dice.pick(&OUT_OF_TURN)
    {
        return Next::Act(*who, *act);
    }
    match view {
        View::Outgoing(file) => outgoing_next(file, dice),
        View::Incoming(file) => incoming_next(file, dice),
    }
}

fn outgoing_next(file: &outgoing::Outgoing, dice: &mut Dice) -> Next {
    use outgoing::Stage;
    match file.stage {
        Stage::Drafting => Next::Act(Who::First, Act::Submit),
        Stage::AwaitingApproval => Next::Act(Who::Second, Act::Approve),
        Stage::Approved | Stage::Delivered if dice.chance(60) => Next::Act(Who::Second, Act::Withdraw),
        Stage::Approved | Stage::Delivered if dice.chance(120) => Next::Act(Who::First, Act::Consult),
        Stage::Approved | Stage::Delivered => {
            let granted = file.decision.as_ref().map(casefile::Disposition::is_grant);
            match (file.kind, granted) {
                // The simulator carries no packages: what was granted is given up in the end.
                (Kind::STORED_DATA, Some(true)) if dice.chance(500) => close(Outcome::NoLongerNeeded),
                (_, Some(false)) if dice.chance(500) => close(Outcome::NotGranted),
                _ => Next::Wait,
            }
        }
        Stage::Answered if file.clock_runs() && dice.chance(250) => {
            Next::Act(Who::First, Act::AskExtension { days: 30 })
        }
        Stage::Answered if dice.chance(150) => Next::Act(Who::First, Act::Consult),
        Stage::Answered if dice.chance(400) => match &file.decision {
            Some(decision) if decision.is_grant() => close(Outcome::Fulfilled),
            Some(_) => close(Outcome::NotGranted),
            None => close(Outcome::NoLongerNeeded),
        },
        Stage::Answered => Next::Wait,
        Stage::Closed | Stage::Withdrawn => Next::Ended,
    }
}

fn close(outcome: Outcome) -> Next {
    Next::Act(Who::First, Act::Close { outcome })
}

fn incoming_next(file: &incoming::Incoming, dice: &mut Dice) -> Next {
    use incoming::Stage;
    match file.stage {
        Stage::Received => Next::Act(Who::First, Act::Triage),
        Stage::Triaged | Stage::Consulting if !file.consulted && dice.chance(350) => {
            Next::Act(Who::First, Act::Consult)
        }
        Stage::Triaged | Stage::Consulting if file.consulted && dice.chance(600) => {
            let postpone = file.kind == Kind::STORED_DATA && dice.chance(300);
            Next::Act(Who::First, if postpone { Act::Postpone } else { Act::Refuse })
        }
        Stage::Triaged | Stage::Consulting => Next::Act(Who::First, Act::Grant),
        Stage::Proposed => Next::Act(Who::Second, Act::Decide),
        _ if file.outcome.is_some() && file.stage != Stage::Closed => {
            Next::Act(Who::First, Act::CloseIncoming)
        }
        Stage::Decided | Stage::Executing
            if file.kind == Kind::PRESERVATION && file.preserved.is_none() && granted(file) =>
        {
            Next::Act(Who::First, Act::Preserve { days: 60 + u32::try_from(dice.below(30)).unwrap_or(0) })
        }
        _ if file.extension_asked.is_some() && dice.chance(700) => {
            Next::Act(Who::First, Act::Extend { days: 20 })
        }
        Stage::Closed | Stage::Withdrawn => Next::Ended,
        _ => Next::Wait,
    }
}

fn granted(file: &incoming::Incoming) -> bool {
    file.decided.as_ref().is_some_and(|(_, disposition)| disposition.is_grant())
}
