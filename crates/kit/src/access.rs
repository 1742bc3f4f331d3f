//! Who may do what: roles are data (`access.toml`), a permission is a type in a handler's signature ([`Allowed`]), and a
//! short-lived signed token of `identity` says which roles somebody has. Denied is the default: without the layer, without a
//! token, with one that does not stand the checks.

mod fetch;
mod gate;
mod policy;
mod token;

pub use fetch::{Fetch, keys_at};
pub use gate::Gate;
pub use policy::{Policy, PolicyError};
pub use token::{Claims, Jwk, Jwks, TYPE, compact};

use crate::Problem;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use std::marker::PhantomData;
use std::sync::Arc;

/// Something that not everybody may do.
pub trait Permission: Send + Sync + 'static {
    /// Its name in `access.toml`.
    const NAME: &'static str;
}

macro_rules! permissions {
    ($($(#[$doc:meta])+ $name:ident = $text:literal;)+) => {
        $($(#[$doc])+
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Permission for $name {
            const NAME: &'static str = $text;
        })+
        /// Every permission that there is, in order of declaration.
        pub const PERMISSIONS: &[&str] = &[$($text),+];
    };
}

permissions! {
    /// Disable and enable accounts, give and take roles.
    ManageAccounts = "accounts:manage";
    /// Read what was done by whom.
    ReadAudit = "audit:read";
    /// Have API keys.
    OwnKeys = "keys:own";
    /// Ask whether an API key stands.
    IntrospectKeys = "keys:introspect";
}

/// Whoever a token speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// A pseudonym: the same as in the audit.
    pub subject: String,
    /// Roles that this version knows; `public` is not among them, everybody has it.
    pub roles: Vec<String>,
    /// Whether a passkey was used a short while ago.
    pub passkey: bool,
}

/// Proof that whoever asks may do `P`. First in a handler's signature: nobody learns what there is before that.
#[derive(Debug, Clone)]
pub struct Allowed<P> {
    /// Who asks; `None`: everybody may.
    pub who: Option<Arc<Who>>,
    permission: PhantomData<P>,
}

impl<S: Send + Sync, P: Permission> FromRequestParts<S> for Allowed<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let denied = Problem::Forbidden("nothing says who may do this");
        let gate = parts.extensions.get::<Arc<Gate>>().cloned().ok_or(denied)?;
        let bearer = parts.headers.get(AUTHORIZATION).map(|v| v.to_str().unwrap_or(""));
        let who = match bearer {
            None => None,
            Some(text) => {
                let token = text.strip_prefix("Bearer ").ok_or(Problem::Token("a Bearer token is wanted"))?;
                let who = gate.who(token).await?;
                crate::security::known(&who.subject);
                Some(who)
            }
        };
        match (gate.may(who.as_deref(), P::NAME), &who) {
            (true, _) if gate.wants_passkey(P::NAME) && !who.as_ref().is_some_and(|w| w.passkey) => {
                Err(Problem::StepUp)
            }
            (true, _) => Ok(Self { who, permission: PhantomData }),
            (false, None) => Err(Problem::Unauthorized("no token was sent")),
            (false, Some(_)) => Err(Problem::Forbidden("none of your roles may do this")),
        }
    }
}
