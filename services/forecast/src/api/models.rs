//! `models`: what answers, what it is for, and what was measured: the model cards, as the page `/models` shows them.

use super::RecordedSituation;
use super::question;
use crate::batch;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use cards::view::Models;
use cards::{Asked, Signers};
use chrono::{DateTime, Utc};
use kit::{App, Build, Params, Problem};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What was verified and told at the start.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) signers: Signers,
    pub(crate) build: Build,
}

/// The models in use.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ModelList {
    /// The moment that runs and records are read as of.
    as_of: chrono::DateTime<chrono::Utc>,
    recorded_situation: Option<RecordedSituation>,
    /// SHA-256 of the source code of all of them, in this program.
    source_hash: &'static str,
    /// The newest link of the chain over all forecasts and scores; `null` before the first.
    chain: Option<ChainBody>,
    #[serde(flatten)]
    cards: Models,
}

/// Every run and every pass of scores is a link: SHA-256 of its rows and of the link before. Who notes `head` can have it
/// checked later (`vigie audit verify --head`): it is in the chain for as long as nothing before it was changed or removed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ChainBody {
    /// How many links there are.
    links: i64,
    /// SHA-256 of the newest one, in hex.
    head: String,
    /// When that was linked, by the machine's clock.
    linked_at: DateTime<Utc>,
}

impl From<store::chain::Head> for ChainBody {
    fn from(head: store::chain::Head) -> Self {
        Self { links: head.seq, head: hex::encode(head.digest), linked_at: head.linked_at }
    }
}

/// The models of this country with their cards: intended use, limits, data, method, measured scores, the record of the
/// stored forecasts, who signed, and how they answer WHO's considerations of 2023 and articles 13 and 50 of the EU AI
/// Act. The texts are in the language that `accept-language` asks for.
#[utoipa::path(get, path = "/api/forecast/v1/models", operation_id = "models", tag = "models",
    params(
        ("as_of" = Option<String>, Query, description = "A date (its end, UTC) or an RFC 3339 time. Default: the platform's clock"),
    ),
    responses(
        (status = 200, description = "The answer", body = ModelList),
        (status = 400, description = "A parameter cannot be used", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn models(
    State(app): State<App>,
    Extension(registry): Extension<Arc<Registry>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<ModelList>, Problem> {
    let params = Params::parse(query.as_deref(), &["as_of"])?;
    let as_of = app.as_of(params.one("as_of")?)?;
    let language = question::language(&app, &headers)?;
    let mut conn = app.db.acquire().await?;
    let asked = Asked {
        profile: &app.profile,
        language: &language.code,
        as_of,
        signers: &registry.signers,
        commit: registry.build.commit.as_deref(),
    };
    Ok(Json(ModelList {
        as_of,
        recorded_situation: question::recorded(&app, language),
        source_hash: batch::SOURCE_HASH,
        chain: store::chain::head(&mut conn).await?.map(ChainBody::from),
        cards: cards::read(&mut conn, asked).await?,
    }))
}

#[cfg(test)]
mod tests {
    use crate::batch::{DEATHS, MODELS, RT};

    #[test]
    fn a_card_and_the_code_name_the_same_version() {
        for (id, version) in MODELS.iter().map(|m| (m.id, m.version)).chain([DEATHS, RT]) {
            let card = cards::library().card(id).unwrap();
            assert_eq!(card.version, version, "{id}: the card is behind the model, or before it");
        }
        for model in MODELS {
            let plans = &cards::library().card(model.id).unwrap().plans;
            assert!(plans.iter().any(|p| p == model.name), "{}", model.id);
        }
        let forecasts = cards::library().cards.iter().filter(|c| c.answers == cards::Answers::Forecast);
        assert_eq!(forecasts.count(), MODELS.len(), "a card of a model that does not exist");
    }
}
