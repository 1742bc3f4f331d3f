//! `models`: what answers, what it is for, and what was measured.

use super::RecordedSituation;
use super::question;
use crate::batch::{self, Model};
use crate::cards::{self, Card};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use domain::profile::{Event, Signal};
use kit::{App, Params, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// The models in use.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ModelList {
    recorded_situation: Option<RecordedSituation>,
    /// SHA-256 of the source code of all of them.
    source_hash: &'static str,
    /// The newest link of the chain over all forecasts and scores; `null` before the first.
    chain: Option<ChainBody>,
    models: Vec<ModelBody>,
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

/// A model in use.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ModelBody {
    #[serde(flatten)]
    card: Card,
    /// The signals of this country that it answers for.
    signals: Vec<String>,
}

/// The models of this country with their cards: intended use, limits, data, method, measured scores.
#[utoipa::path(get, path = "/api/forecast/v1/models", operation_id = "models", tag = "models",
    responses((status = 200, description = "The answer", body = ModelList)))]
pub(crate) async fn models(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<ModelList>, Problem> {
    Params::parse(query.as_deref(), &[])?;
    let language = question::language(&app, &headers)?;
    let uses = |id: &str, s: &Signal| match &s.forecast {
        _ if id == batch::DEATHS.0 => {
            s.event == Event::Deaths && !s.cumulative && !batch::leads(&app.profile, s).is_empty()
        }
        Some(_) if id == "vigie-rt" => true,
        Some(plan) => Model::named(&plan.model).is_some_and(|m| m.id == id),
        None => false,
    };
    let in_use = |card: Card| {
        let signals = app.profile.signals.iter().filter(|s| uses(&card.id, s)).map(|s| s.id.to_string());
        ModelBody { signals: signals.collect(), card }
    };
    let models = cards::all()?.into_iter().map(in_use).filter(|m| !m.signals.is_empty()).collect();
    Ok(Json(ModelList {
        recorded_situation: question::recorded(&app, language),
        source_hash: batch::SOURCE_HASH,
        chain: store::chain::head(&mut *app.db.acquire().await?).await?.map(ChainBody::from),
        models,
    }))
}
