//! What a request can fail with: `application/problem+json` (RFC 9457).

use crate::security::{self, Event, Outcome};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A closed list at the edge. `store` and `domain` have their own errors; only HTTP knows this one.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is no such thing here.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// There is no such thing here, and somewhere is a list of those that there are.
    #[error("no such {what}: {list} lists those that there are")]
    Absent {
        /// What was asked for.
        what: &'static str,
        /// The address of the list.
        list: String,
    },
    /// A parameter cannot be used.
    #[error("`{field}` {reason}")]
    Invalid {
        /// The parameter.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A parameter that is well written and does not fit: to another one, to the country or to its clock.
    #[error("`{field}` {reason}")]
    Conflict {
        /// The parameter.
        field: &'static str,
        /// What it does not fit to.
        reason: String,
    },
    /// Nobody is logged in, or the token is not good.
    #[error("this needs a login: {0}")]
    Unauthorized(&'static str),
    /// A signed token that does not stand the checks.
    #[error("this needs a login: {0}")]
    Token(&'static str),
    /// Whoever asks may do this when they use their passkey first.
    #[error(
        "this needs your passkey, used a short while ago: /account/passkeys asks for it, or registers one"
    )]
    StepUp,
    /// Whoever asks may not do this.
    #[error("not allowed: {0}")]
    Forbidden(&'static str),
    /// What was sent as the answer of a passkey is none.
    #[error("not allowed: {0}")]
    Passkey(&'static str),
    /// The form of another site's page.
    #[error("not allowed: this form was not sent from a page of this site")]
    Elsewhere,
    /// The API key that was sent opens nothing.
    #[error("the API key is not accepted: {0}")]
    Key(&'static str),
    /// The API key that was sent is not made for this.
    #[error(
        "this API key is not made for this: it needs `{0}`. What is public is answered without a key too"
    )]
    Scope(&'static str),
    /// An API key stands in the address.
    #[error(
        "an API key stands in the address, where logs and histories keep it: revoke it at {0}, and send a new one in the \
         header `Authorization: Bearer`"
    )]
    Exposed(String),
    /// Whether a key stands cannot be asked now.
    #[error("API keys cannot be checked now: ask again in {seconds} s, or without a key")]
    Unchecked {
        /// When to come back; said in `Retry-After` too.
        seconds: u64,
    },
    /// The path exists and does not take this method.
    #[error("this address does not take this method")]
    MethodNotAllowed,
    /// Asked too often.
    #[error("too many requests: ask again in {seconds} s")]
    TooMany {
        /// When to come back; said in `Retry-After` too.
        seconds: u64,
    },
    /// What was asked for is still being made.
    #[error("this is being made and not finished yet: ask again in {seconds} s")]
    NotReady {
        /// When to come back; said in `Retry-After` too.
        seconds: u64,
    },
    /// Ours. Logged in `into_response` and nowhere else; the client reads "internal error".
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl Problem {
    /// A parameter that cannot be used.
    pub fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }

    /// A parameter that does not fit.
    pub fn conflict(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Conflict { field, reason: reason.into() }
    }

    /// Stable for clients and for locale files (`problem.<code>`): the text may change, this may not.
    #[must_use]
    pub fn code(&self) -> (&'static str, StatusCode) {
        match self {
            Self::NotFound(_) | Self::Absent { .. } => ("not_found", StatusCode::NOT_FOUND),
            Self::Invalid { .. } => ("invalid", StatusCode::BAD_REQUEST),
            Self::Conflict { .. } => ("invalid", StatusCode::CONFLICT),
            Self::Unauthorized(_) | Self::Token(_) | Self::Key(_) => {
                ("unauthorized", StatusCode::UNAUTHORIZED)
            }
            Self::StepUp => ("step_up", StatusCode::UNAUTHORIZED),
            Self::Forbidden(_) | Self::Passkey(_) | Self::Elsewhere | Self::Scope(_) => {
                ("forbidden", StatusCode::FORBIDDEN)
            }
            Self::Exposed(_) => ("key_in_address", StatusCode::BAD_REQUEST),
            Self::Unchecked { .. } => ("keys_unchecked", StatusCode::SERVICE_UNAVAILABLE),
            Self::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED),
            Self::TooMany { .. } => ("too_many_requests", StatusCode::TOO_MANY_REQUESTS),
            Self::NotReady { .. } => ("not_ready", StatusCode::SERVICE_UNAVAILABLE),
            Self::Internal(_) => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// How to come in, by RFC 6750, section 3; with a passkey, by RFC 9470.
    fn challenge(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::Unauthorized(_) | Self::Token(_) => "Bearer".to_owned(),
            Self::StepUp => "Bearer error=\"insufficient_user_authentication\"".to_owned(),
            Self::Key(_) => "Bearer realm=\"vigie\", error=\"invalid_token\"".to_owned(),
            Self::Scope(scope) => {
                format!("Bearer realm=\"vigie\", error=\"insufficient_scope\", scope=\"{scope}\"")
            }
            Self::Exposed(_) => "Bearer realm=\"vigie\", error=\"invalid_request\"".to_owned(),
            _ => return None,
        };
        HeaderValue::from_str(&text).ok()
    }

    /// The event that this is, and why: every refusal of somebody's request becomes one here.
    fn event(&self) -> Option<(Event, &str)> {
        Some(match self {
            Self::Unauthorized(why) | Self::Forbidden(why) => (Event::Access, why),
            Self::StepUp => (Event::Access, "a passkey is wanted first"),
            Self::Token(why) => (Event::Token, why),
            Self::Passkey(why) => (Event::Passkey, why),
            Self::Elsewhere => (Event::Form, "it was not sent from a page of this site"),
            Self::Key(why) => (Event::Key, why),
            Self::Scope(_) => (Event::Key, "it is not made for this"),
            Self::Exposed(_) => (Event::Key, "it stands in an address"),
            Self::TooMany { .. } => (Event::Rate, "too many requests"),
            _ => return None,
        })
    }

    /// What the client may read.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Internal(_) => "internal error".to_owned(),
            other => other.to_string(),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// Unknown paths and methods of an API answer with a problem, as everything else there does.
pub fn problem_fallbacks<S: Clone + Send + Sync + 'static>(router: axum::Router<S>) -> axum::Router<S> {
    router
        .fallback(|| async { Problem::NotFound("address") })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (code, status) = self.code();
        if let Self::Internal(error) = &self {
            tracing::error!(request = security::request(), error = format!("{error:#}"), "request failed");
        }
        if let Some((event, why)) = self.event() {
            security::event(event, Outcome::Refused, why);
        }
        let mut body = json!({
            "type": format!("about:blank#{code}"),
            "title": status.canonical_reason().unwrap_or("error"),
            "status": status.as_u16(),
            "code": code,
            "detail": self.detail(),
        });
        if let Self::Invalid { field, .. } | Self::Conflict { field, .. } = &self {
            body["field"] = json!(field);
        }
        let mut response = (status, Json(body)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = self.challenge() {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Self::TooMany { seconds } | Self::NotReady { seconds } | Self::Unchecked { seconds } = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
