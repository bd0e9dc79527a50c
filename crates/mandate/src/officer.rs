//! An officer of one State's node and the roles that give permissions.

use crate::{Authorized, NotPermitted, Permission, Permitted};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};
use vocabulary::{OfficerId, WordError};

/// A named set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Writes requests and proposes decisions.
    CaseOfficer,
    /// Approves requests and takes decisions as the second officer; looks at findings and stops or resumes peers.
    DecidingOfficer,
    /// Executes decisions, seals and opens evidence.
    Examiner,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::CaseOfficer, Self::DecidingOfficer, Self::Examiner];

    pub fn permissions(self) -> &'static [Permission] {
        match self {
            Self::CaseOfficer => &[Permission::Draft, Permission::Propose],
            Self::DecidingOfficer => &[Permission::Approve, Permission::Decide, Permission::Oversee],
            Self::Examiner => &[Permission::Execute, Permission::Open],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CaseOfficer => "case-officer",
            Self::DecidingOfficer => "deciding-officer",
            Self::Examiner => "examiner",
        })
    }
}

impl FromStr for Role {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        Self::ALL
            .into_iter()
            .find(|role| role.to_string() == text)
            .ok_or_else(|| WordError::new("a role: `case-officer`, `deciding-officer` or `examiner`", text))
    }
}

/// One person who works at this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    pub id: OfficerId,
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub active: bool,
}

impl Officer {
    pub fn may(&self, permission: Permission) -> bool {
        self.active && self.roles.iter().any(|role| role.permissions().contains(&permission))
    }

    /// The only way for a person's command to become `Authorized`.
    pub fn authorize<C: Permitted>(&self, command: C) -> Result<Authorized<C>, NotPermitted> {
        let Some(needed) = command.permission() else {
            return Err(NotPermitted::MachineOnly { officer: self.id.clone() });
        };
        if !self.active {
            return Err(NotPermitted::Inactive { officer: self.id.clone() });
        }
        if !self.may(needed) {
            return Err(NotPermitted::Missing { officer: self.id.clone(), needed });
        }
        Ok(Authorized::by(self.id.clone(), command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_goes_round_and_another_word_is_none() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse::<Role>(), Ok(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
        assert!("judge".parse::<Role>().is_err());
    }

    #[test]
    fn every_permission_belongs_to_exactly_one_role() {
        let all: Vec<Permission> = Role::ALL.iter().flat_map(|role| role.permissions()).copied().collect();
        let different: BTreeSet<Permission> = all.iter().copied().collect();
        assert_eq!((all.len(), different.len()), (7, 7));
        for permission in different {
            assert_eq!(serde_json::to_string(&permission).unwrap(), format!("\"{permission}\""));
        }
    }

    #[test]
    fn an_officer_may_what_any_of_the_roles_gives() {
        let mut officer = Officer {
            id: "a.person".parse().unwrap(),
            name: "A. Person".to_owned(),
            roles: [Role::CaseOfficer, Role::Examiner].into(),
            active: true,
        };
        assert!(officer.may(Permission::Draft) && officer.may(Permission::Open));
        assert!(!officer.may(Permission::Decide));
        officer.active = false;
        assert!(!officer.may(Permission::Draft));
    }
}
