//! Receipts: one's own, and the keys with which anybody checks one.

use super::proven;
use crate::here::Site;
use crate::rights::{receipts, requests};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use kit::Problem;
use std::sync::Arc;

/// `GET /account/receipts/keys.json`: every key that ever signed a receipt here, as a JWK set.
pub(crate) async fn keys(State(site): State<Arc<Site>>) -> Result<Response, Problem> {
    let keys = receipts::keys(&site.app.db).await?;
    Ok(([(CACHE_CONTROL, "no-cache")], Json(keys)).into_response())
}

/// `GET /account/rights/receipts/{id}`: the receipt of one of one's requests, as a file.
pub(crate) async fn one(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let person = proven(&site, &headers).await?;
    let mut conn = site.app.db.acquire().await?;
    let mine = requests::of(&mut conn, &person.pseudonyms()).await?;
    let receipt = mine.into_iter().find(|r| r.id == id).and_then(|r| r.receipt);
    let receipt = receipt.ok_or(Problem::NotFound("receipt"))?;
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=us-ascii"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_DISPOSITION, "attachment; filename=\"vigie-receipt.txt\""),
    ];
    Ok((headers, receipt).into_response())
}
