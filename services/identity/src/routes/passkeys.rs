//! `/account/passkeys`: the passkeys of those who run an installation, and the way back in without one.

mod ceremony;
mod change;
mod operator;
mod page;
mod recover;
mod reset;

pub(super) use reset::reset;

use crate::here::Site;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Site>> {
    Router::new()
        .route("/account/passkeys", get(page::show).post(ceremony::add))
        .route("/account/passkeys/options", post(ceremony::options))
        .route("/account/passkeys/confirm", post(ceremony::confirm))
        .route("/account/passkeys/confirm/options", post(ceremony::confirm_options))
        .route("/account/passkeys/codes", post(recover::codes))
        .route("/account/passkeys/recover", post(recover::recover))
        .route("/account/passkeys/{id}/name", post(change::name))
        .route("/account/passkeys/{id}/remove", post(change::remove))
}
