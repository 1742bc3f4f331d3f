//! The answer as a map takes it: a row or a feature a place, with the place's id to join geometries by.
//!
//! Vigie carries no geometries: whose borders and which licence is the map's choice. The ids are those of ISO 3166, below a
//! region national codes, and stand in public files of borders (`docs/forecast/README.md`, "On a map"). RFC 7946 has `null` for
//! the geometry of a feature that is located by something else.

use super::Spread;
use crate::api::Answer;
use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use kit::{Params, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// What an answer is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
    GeoJson,
}

/// A GeoJSON collection of features without geometries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MapFile {
    /// Always `FeatureCollection`.
    r#type: &'static str,
    features: Vec<Feature>,
}

/// One place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Feature {
    /// Always `Feature`.
    r#type: &'static str,
    /// The place, as in `properties`.
    id: String,
    /// Always `null`: to be joined by `id`.
    #[schema(value_type = Option<Object>)]
    geometry: Option<()>,
    properties: Row,
}

/// What is known of a place, in one line. Empty where it has no meaning: `not_estimated` or `arrives_status` says why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Row {
    place: String,
    level: String,
    signal: String,
    as_of: DateTime<Utc>,
    horizon: Option<i32>,
    target_end_date: Option<NaiveDate>,
    week: Option<String>,
    elapsed: Option<bool>,
    large_decrease: Option<f64>,
    decrease: Option<f64>,
    stable: Option<f64>,
    increase: Option<f64>,
    large_increase: Option<f64>,
    rises: Option<f64>,
    arrives_status: Option<String>,
    arrives: Option<f64>,
    not_estimated: Option<String>,
    run: Option<String>,
    recorded_situation: Option<DateTime<Utc>>,
}

impl Format {
    /// `format`, else the header `Accept`, else JSON.
    ///
    /// # Errors
    /// A format that is not known.
    pub(super) fn read(params: &Params, headers: &HeaderMap) -> Result<Self, Problem> {
        let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let wants =
            |kind: &str| accepted.split(',').any(|one| one.split(';').next().unwrap_or("").trim() == kind);
        match params.one("format")? {
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some("geojson") => Ok(Self::GeoJson),
            Some(other) => {
                Err(Problem::invalid("format", format!("`{other}` is none of json, csv, geojson")))
            }
            None if wants("application/geo+json") => Ok(Self::GeoJson),
            None if wants("text/csv") && !wants("application/json") => Ok(Self::Csv),
            None => Ok(Self::Json),
        }
    }

    /// The answer in this format.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn respond(self, answer: Answer<Spread>) -> Result<Response, Problem> {
        match self {
            Self::Json => Ok(Json(answer).into_response()),
            Self::Csv => {
                let mut table = csv::Writer::from_writer(Vec::new());
                for row in rows(&answer)? {
                    table.serialize(row).map_err(anyhow::Error::from)?;
                }
                let bytes = table.into_inner().map_err(|e| anyhow::anyhow!("{e}"))?;
                Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], bytes).into_response())
            }
            Self::GeoJson => {
                let feature = |row: Row| Feature {
                    r#type: "Feature",
                    id: row.place.clone(),
                    geometry: None,
                    properties: row,
                };
                let features = rows(&answer)?.into_iter().map(feature).collect();
                let file = MapFile { r#type: "FeatureCollection", features };
                let bytes = serde_json::to_vec(&file).map_err(anyhow::Error::from)?;
                Ok(([(CONTENT_TYPE, "application/geo+json")], bytes).into_response())
            }
        }
    }
}

/// One row a place; of a question without an answer one that says why.
fn rows(answer: &Answer<Spread>) -> Result<Vec<Row>, Problem> {
    let asked = match answer {
        Answer::Estimated(found) => &found.asked,
        Answer::NotEstimated(none) => &none.asked,
    };
    let bare = Row {
        place: asked.place.clone(),
        level: asked.level.clone(),
        signal: asked.signal.clone(),
        as_of: asked.as_of,
        horizon: None,
        target_end_date: None,
        week: None,
        elapsed: None,
        large_decrease: None,
        decrease: None,
        stable: None,
        increase: None,
        large_increase: None,
        rises: None,
        arrives_status: None,
        arrives: None,
        not_estimated: None,
        run: None,
        recorded_situation: asked.recorded_situation.as_ref().map(|r| r.as_of),
    };
    let found = match answer {
        Answer::NotEstimated(none) => {
            return Ok(vec![Row { not_estimated: Some(word(none.reason)?), ..bare }]);
        }
        Answer::Estimated(found) => found,
    };
    let Spread { horizon, target, places, .. } = &found.result;
    let of_place = |p: &super::PlaceTrend| {
        let trend = p.trend.as_ref();
        Ok(Row {
            place: p.place.clone(),
            level: p.level.clone(),
            horizon: Some(*horizon),
            target_end_date: Some(target.target_end_date),
            week: Some(target.week.clone()),
            elapsed: Some(target.elapsed),
            large_decrease: trend.map(|t| t.large_decrease),
            decrease: trend.map(|t| t.decrease),
            stable: trend.map(|t| t.stable),
            increase: trend.map(|t| t.increase),
            large_increase: trend.map(|t| t.large_increase),
            rises: trend.map(|t| t.rises),
            arrives_status: p.arrives.as_ref().map(|a| word(a.status)).transpose()?,
            arrives: p.arrives.as_ref().and_then(|a| a.probability),
            not_estimated: p.not_estimated.map(word).transpose()?,
            run: Some(found.run.id.clone()),
            ..bare.clone()
        })
    };
    places.iter().map(of_place).collect()
}

/// A word as JSON has it.
fn word(value: impl Serialize) -> Result<String, Problem> {
    let json = serde_json::to_value(value).map_err(anyhow::Error::from)?;
    Ok(json.as_str().unwrap_or_default().to_owned())
}
