//! Access and portability: everything that is kept, as a file.

use super::desk::Desk;
use super::{Fields, Sent, just_proven, proven};
use crate::here::Site;
use crate::random;
use crate::respond;
use crate::rights::export;
use crate::routes::sessions::ANEW;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use kit::Problem;
use serde_json::json;
use std::sync::Arc;

/// `POST /account/rights/export` with `format` json or csv. The receipt carries the SHA-256 of the rows: in the JSON it is
/// that of `rows`, written without spaces.
pub(crate) async fn export(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    let person = proven(&site, &headers).await?;
    let fields = Fields::of(sent)?;
    let as_csv = match fields.get("format")? {
        "json" => false,
        "csv" => true,
        _ => return Err(Problem::invalid("format", "is neither json nor csv")),
    };
    // It discloses everything at once. An objection and a withdrawal disclose nothing, and are to be as easy as the consent was.
    if !just_proven(&site, &headers).await? {
        return respond::see_other(ANEW);
    }
    let desk = Desk::open(&site, &person, "access").await?;
    let mut tx = site.app.db.begin().await?;
    let rows = export::rows(&mut tx, &person).await?;
    let hashed =
        if as_csv { export::csv(&rows)? } else { serde_json::to_vec(&rows).map_err(anyhow::Error::from)? };
    let hash = store::chain::hex(&random::hash_bytes(&hashed));
    let format = if as_csv { "csv" } else { "json" };
    let detail = json!({ "rows": export::count(&rows), "format": format, "sha256": hash });
    let receipt = desk.close(tx, detail).await?;
    let (body, kind) = if as_csv {
        (hashed, "text/csv; charset=utf-8")
    } else {
        let whole = json!({
            "installation": site.issuer(),
            "made_at": site.time.now(),
            "explained_at": site.link("/account/rights/kept"),
            "receipt": receipt,
            "rows": rows,
        });
        (serde_json::to_vec(&whole).map_err(anyhow::Error::from)?, "application/json")
    };
    let mut response = body.into_response();
    let into = response.headers_mut();
    into.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    into.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = respond::value(&format!("attachment; filename=\"vigie.{format}\""))?;
    into.insert(CONTENT_DISPOSITION, name);
    into.insert("vigie-receipt", respond::value(&receipt)?);
    Ok(response)
}
