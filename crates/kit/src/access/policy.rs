//! Roles and what they may do, as data.

use super::{PERMISSIONS, Who};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The role that everybody has.
const PUBLIC: &str = "public";

/// Which role may do what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    roles: BTreeMap<String, BTreeSet<String>>,
    #[serde(default)]
    passkey: Passkey,
    /// What a service may ask another one, by its name. No person has such a role.
    #[serde(default)]
    services: BTreeMap<String, BTreeSet<String>>,
}

/// What wants a passkey.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Passkey {
    permissions: BTreeSet<String>,
}

/// Why a policy is refused.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is no TOML of this form.
    #[error("access.toml cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// It names what no handler asks for, or lacks the role of everybody.
    #[error("access.toml: {0}")]
    Content(String),
}

impl Policy {
    /// Reads and checks a policy: a misspelt permission is refused, since it would silently allow nothing.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = toml::from_str(text)?;
        if !policy.roles.contains_key(PUBLIC) {
            return Err(PolicyError::Content("the role public is missing".to_owned()));
        }
        for (role, permissions) in policy.roles.iter().chain(&policy.services) {
            if let Some(unknown) = permissions.iter().find(|p| !PERMISSIONS.contains(&p.as_str())) {
                return Err(PolicyError::Content(format!(
                    "{role} may `{unknown}`, which is no permission: known are {}",
                    PERMISSIONS.join(", ")
                )));
            }
        }
        if let Some(unknown) = policy.passkey.permissions.iter().find(|p| !PERMISSIONS.contains(&p.as_str()))
        {
            return Err(PolicyError::Content(format!(
                "a passkey is wanted for `{unknown}`, which is no permission: known are {}",
                PERMISSIONS.join(", ")
            )));
        }
        Ok(policy)
    }

    /// The policy of the repository.
    ///
    /// # Errors
    /// [`PolicyError`], which a test excludes.
    pub fn of_the_platform() -> Result<Self, PolicyError> {
        Self::parse(include_str!("../../access.toml"))
    }

    /// The same for services that ask: their names are the roles, and nobody else has one.
    ///
    /// # Errors
    /// [`PolicyError`], which a test excludes.
    pub fn of_services() -> Result<Self, PolicyError> {
        let mut roles = Self::of_the_platform()?.services;
        roles.insert(PUBLIC.to_owned(), BTreeSet::new());
        Ok(Self { roles, services: BTreeMap::new(), passkey: Passkey::default() })
    }

    /// May somebody do it? Without anybody: may everybody?
    #[must_use]
    pub fn may(&self, who: Option<&Who>, permission: &str) -> bool {
        let of = |role: &str| self.roles.get(role).is_some_and(|p| p.contains(permission));
        of(PUBLIC) || who.is_some_and(|w| w.roles.iter().any(|r| of(r)))
    }

    /// Does it want a passkey beside a role?
    #[must_use]
    pub fn wants_passkey(&self, permission: &str) -> bool {
        self.passkey.permissions.contains(permission)
    }

    /// Does one of these roles allow something that wants a passkey?
    #[must_use]
    pub fn operates<'a>(&self, mut roles: impl Iterator<Item = &'a str>) -> bool {
        roles.any(|r| self.roles.get(r).is_some_and(|p| !p.is_disjoint(&self.passkey.permissions)))
    }

    /// Is this a role that somebody can be given?
    #[must_use]
    pub fn can_be_given(&self, role: &str) -> bool {
        role != PUBLIC && self.roles.contains_key(role)
    }

    /// The roles that may do it, beside everybody's, in order of their names.
    #[must_use]
    pub fn roles_for(&self, permission: &str) -> Vec<String> {
        let may = self.roles.iter().filter(|(r, p)| *r != PUBLIC && p.contains(permission));
        may.map(|(role, _)| role.clone()).collect()
    }

    /// The roles, in order of their names.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_platform_gives_every_permission_to_somebody_and_none_to_everybody() {
        let policy = Policy::of_the_platform().unwrap();
        let services = Policy::of_services().unwrap();
        let roles: Vec<&str> = policy.roles().collect();
        assert_eq!(roles, ["auditor", "dpo", "operator", "public", "specialist"]);
        for permission in PERMISSIONS {
            assert!(!policy.may(None, permission), "{permission}");
            let with = |role: &&str| {
                let who = Who { subject: "s".into(), roles: vec![(*role).to_owned()], passkey: false };
                policy.may(Some(&who), permission)
            };
            let (people, programs) = (roles.iter().any(with), !services.roles_for(permission).is_empty());
            assert!(people != programs, "{permission}: people {people}, services {programs}");
            assert_eq!(people, !policy.roles_for(permission).is_empty(), "{permission}");
            assert!(!services.may(None, permission), "{permission}");
            // What one does with one's own keys, and what programs ask, wants none.
            assert_eq!(policy.wants_passkey(permission), people && *permission != "keys:own", "{permission}");
        }
        assert!(services.can_be_given("data-api") && !services.can_be_given("operator"));
        assert!(
            policy.can_be_given("auditor") && !policy.can_be_given("public") && !policy.can_be_given("root")
        );
        assert!(!policy.can_be_given("data-api"), "no person is a service");
    }

    #[test]
    fn a_misspelt_permission_is_refused_by_name() {
        let error =
            Policy::parse("[roles]\npublic = []\noperator = [\"acounts:manage\"]").unwrap_err().to_string();
        assert!(error.contains("operator may `acounts:manage`"), "{error}");
        let text = "[roles]\npublic = []\n[passkey]\npermissions = [\"audit:raed\"]";
        let error = Policy::parse(text).unwrap_err().to_string();
        assert!(error.contains("a passkey is wanted for `audit:raed`"), "{error}");
        assert!(Policy::parse("[roles]\noperator = []").is_err());
        assert!(Policy::parse("[roles]\npublic = []\n[role]\n").is_err());
    }
}
