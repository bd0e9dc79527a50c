//! A command with the proof that its actor may give it.

use crate::Permission;
use vocabulary::{Failure, Family, OfficerId};

/// A command that says which permission it needs; `None` means that only a machine reports it.
pub trait Permitted {
    fn permission(&self) -> Option<Permission>;
}

/// A command and the officer who gave it. Made only by `Officer::authorize` and `Authorized::reported`.
#[derive(Debug, Clone)]
pub struct Authorized<C> {
    actor: OfficerId,
    command: C,
}

impl<C> Authorized<C> {
    pub(crate) fn by(actor: OfficerId, command: C) -> Self {
        Self { actor, command }
    }

    pub fn actor(&self) -> &OfficerId {
        &self.actor
    }

    pub fn command(&self) -> &C {
        &self.command
    }
}

impl<C: Permitted> Authorized<C> {
    /// Another command of the same actor that needs the same permission, such as the one with the results.
    pub fn with(self, command: C) -> Result<Self, NotPermitted> {
        match (self.command.permission(), command.permission()) {
            (held, needed) if held == needed => Ok(Self { actor: self.actor, command }),
            (_, Some(needed)) => Err(NotPermitted::Missing { officer: self.actor, needed }),
            (_, None) => Err(NotPermitted::MachineOnly { officer: self.actor }),
        }
    }

    /// The only way for a worker to report what a duty or a peer's message brought; never a person's act.
    pub fn reported(command: C) -> Result<Self, NotPermitted> {
        match command.permission() {
            None => Ok(Self { actor: OfficerId::system(), command }),
            Some(needed) => Err(NotPermitted::NeedsAPerson { needed }),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPermitted {
    #[error("officer `{officer}` does not hold the permission `{needed}`")]
    Missing { officer: OfficerId, needed: Permission },
    #[error("officer `{officer}` is not active")]
    Inactive { officer: OfficerId },
    #[error("officer `{officer}` cannot give a command that only the node reports")]
    MachineOnly { officer: OfficerId },
    #[error("the node cannot do what needs a person with the permission `{needed}`")]
    NeedsAPerson { needed: Permission },
}

impl Failure for NotPermitted {
    fn family(&self) -> Family {
        Family::Refusal
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "R-151",
            Self::Inactive { .. } => "R-152",
            Self::MachineOnly { .. } => "R-153",
            Self::NeedsAPerson { .. } => "R-154",
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::Missing { needed, .. } => {
                format!("ask an officer whose role includes `{needed}` (`rogatory officer list`)")
            }
            Self::Inactive { .. } => "ask the administrator to activate the officer".to_owned(),
            Self::MachineOnly { .. } | Self::NeedsAPerson { .. } => {
                "give the command that belongs to your role (`rogatory --help`)".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Officer, Role};

    #[derive(Debug)]
    struct Needs(Option<Permission>);
    impl Permitted for Needs {
        fn permission(&self) -> Option<Permission> {
            self.0
        }
    }

    fn officer(role: Role) -> Officer {
        Officer {
            id: "a.person".parse().unwrap(),
            name: "A. Person".to_owned(),
            roles: [role].into(),
            active: true,
        }
    }

    #[test]
    fn a_role_gives_its_permissions_and_no_others() {
        let drafter = officer(Role::CaseOfficer);
        assert!(drafter.authorize(Needs(Some(Permission::Draft))).is_ok());
        let refused = drafter.authorize(Needs(Some(Permission::Decide))).unwrap_err();
        assert_eq!(refused.code(), "R-151");
    }

    #[test]
    fn an_inactive_officer_may_do_nothing() {
        let mut gone = officer(Role::Examiner);
        gone.active = false;
        assert!(gone.authorize(Needs(Some(Permission::Open))).is_err());
    }

    #[test]
    fn the_node_cannot_take_a_decision() {
        assert!(Authorized::reported(Needs(Some(Permission::Decide))).is_err());
        assert!(Authorized::reported(Needs(None)).is_ok());
    }

    #[test]
    fn an_authorized_command_becomes_another_only_with_the_same_permission() {
        let draft = || officer(Role::CaseOfficer).authorize(Needs(Some(Permission::Draft))).unwrap();
        let same = draft().with(Needs(Some(Permission::Draft))).unwrap();
        assert_eq!(same.actor(), &"a.person".parse::<OfficerId>().unwrap());
        // Not even to what the same officer might do by another permission.
        let other = draft().with(Needs(Some(Permission::Propose))).unwrap_err();
        assert_eq!((other.code(), other.family()), ("R-151", Family::Refusal));
        assert!(other.to_string().contains("`propose`"), "{other}");
        assert_eq!(draft().with(Needs(None)).unwrap_err().code(), "R-153");
        let report = || Authorized::reported(Needs(None)).unwrap();
        assert!(report().with(Needs(None)).unwrap().actor().is_system());
        assert_eq!(report().with(Needs(Some(Permission::Decide))).unwrap_err().code(), "R-151");
    }

    #[test]
    fn each_refusal_has_its_own_code() {
        let mut gone = officer(Role::Examiner);
        assert_eq!(gone.authorize(Needs(None)).unwrap_err().code(), "R-153");
        gone.active = false;
        assert_eq!(gone.authorize(Needs(Some(Permission::Open))).unwrap_err().code(), "R-152");
        assert!(!gone.may(Permission::Open));
        assert_eq!(Authorized::reported(Needs(Some(Permission::Open))).unwrap_err().code(), "R-154");
    }
}
