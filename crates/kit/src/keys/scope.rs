//! What a key lets a program do: a type in a handler's signature, as a permission is one for people.

use super::ask::Grant;
use crate::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::marker::PhantomData;
use std::sync::Arc;

/// Something that a key is made for.
pub trait Scope: Send + Sync + 'static {
    /// Its name in the profile and on the key.
    const NAME: &'static str;
}

/// Values, where they come from, and what there is to ask for.
#[derive(Debug, Clone, Copy)]
pub struct ReadFigures;
impl Scope for ReadFigures {
    const NAME: &'static str = "figures:read";
}

/// Whole signals as files.
#[derive(Debug, Clone, Copy)]
pub struct ReadBulk;
impl Scope for ReadBulk {
    const NAME: &'static str = "bulk:read";
}

/// Every scope that there is.
pub const SCOPES: &[&str] = &[ReadFigures::NAME, ReadBulk::NAME];

/// Proof that whoever asks came without a key, as everybody may, or with one that is made for `S`. What is public stays so;
/// a key does what it was made for and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Scoped<S>(PhantomData<S>);

impl<T: Send + Sync, S: Scope> FromRequestParts<T> for Scoped<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &T) -> Result<Self, Problem> {
        match parts.extensions.get::<Arc<Grant>>() {
            Some(grant) if !grant.scopes.iter().any(|s| s == S::NAME) => Err(Problem::Scope(S::NAME)),
            _ => Ok(Self(PhantomData)),
        }
    }
}
