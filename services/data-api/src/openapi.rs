//! `openapi.json`: generated from the handlers; the committed copy is compared by a test.

use axum::Json;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

/// RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    r#type: String,
    title: String,
    status: u16,
    /// Stable: `not_found`, `invalid`, `method_not_allowed`, `too_many_requests`, `internal`.
    code: String,
    /// A sentence.
    detail: String,
    /// The parameter that cannot be used, for `invalid`.
    field: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vigie data API",
        description = "Official surveillance figures with their revisions: what was known, when, and from whom. \
                       Vigie is built to a specification; it is not operated or endorsed by WHO or any public authority.",
        contact(),
        license(name = "EUPL-1.2", identifier = "EUPL-1.2")
    ),
    paths(
        crate::catalogue::signals,
        crate::catalogue::places,
        crate::catalogue::sources,
        crate::observations::list,
        crate::why::why,
        crate::bulk::list,
        crate::bulk::file,
        crate::vintage::file,
        openapi,
    ),
    components(schemas(ProblemBody, crate::wide::WidePage)),
    tags(
        (name = "catalogue", description = "What there is to ask for"),
        (name = "figures", description = "Values and where they come from"),
        (name = "bulk", description = "Whole signals as files at addresses that stay")
    )
)]
struct Api;

/// The description of this API.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// This description.
#[utoipa::path(get, path = "/api/data/v1/openapi.json", operation_id = "openapi", tag = "catalogue",
    responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
