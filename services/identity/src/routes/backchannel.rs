//! `POST /oidc/backchannel/{provider}`: a provider says that somebody logged out there.

use crate::here::Site;
use crate::provider::Failure;
use crate::sessions;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use kit::Problem;
use kit::security::{self, Event, Outcome};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(crate) struct Body {
    logout_token: String,
}

/// Ends what the token says is over; 400 for one that does not stand the checks, as the specification wants.
pub(crate) async fn logout(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    body: Result<Form<Body>, FormRejection>,
) -> Result<Response, Problem> {
    let provider = site.provider(&id).ok_or(Problem::NotFound("provider"))?;
    let Ok(Form(body)) = body else { return Err(Problem::invalid("logout_token", "is missing")) };
    let notice = match provider.notice(&body.logout_token).await {
        Ok(notice) => notice,
        Err(failure @ Failure::Provider(_)) => return Err(Problem::Internal(anyhow::Error::new(failure))),
        Err(failure) => {
            // Anybody may send one: what is wrong with it is said to whoever looks for it.
            tracing::debug!(provider = %id, %failure, "a logout token is refused");
            security::event(Event::Token, Outcome::Refused, "no logout of a provider");
            return Err(Problem::invalid("logout_token", "is not accepted"));
        }
    };
    let mut conn = site.app.db.acquire().await?;
    let ended = sessions::end_by_provider(&mut conn, &notice, site.time.now()).await?;
    for whose in ended {
        security::event_of(Some(&whose.pseudonym()), Event::Session, Outcome::Done, "the provider ended it");
    }
    Ok((StatusCode::OK, [(CACHE_CONTROL, "no-store")]).into_response())
}
