//! `openapi.json`: generated from the handlers; the committed copy is compared by a test.

use axum::Json;
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi, ToSchema};

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
        title = "Vigie forecast API",
        description = "Transmission, mortality, spread and the weeks ahead, each with its band and with what it was \
                       made from; or \"not estimated\" with its reason. Vigie is built to a specification; it is \
                       not operated or endorsed by WHO or any public authority.",
        contact(),
        license(name = "EUPL-1.2", identifier = "EUPL-1.2")
    ),
    paths(
        crate::api::transmission::transmission,
        crate::api::mortality::mortality,
        crate::api::spread::spread,
        crate::api::forecasts::forecasts,
        crate::api::scores::scores,
        crate::api::models::models,
        openapi,
    ),
    modifiers(&Limited),
    components(schemas(ProblemBody)),
    tags(
        (name = "questions", description = "What is happening, and what is likely to come"),
        (name = "models", description = "What answers, and how good it was")
    )
)]
struct Api;

/// What every operation answers to who asks too often.
struct Limited;

impl Modify for Limited {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        for operation in api.paths.paths.values_mut().filter_map(|item| item.get.as_mut()) {
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
            let response = ResponseBuilder::new()
                .description("Asked too often: `Retry-After` says when to come back")
                .content("application/problem+json", problem);
            operation.responses.responses.insert("429".to_owned(), response.build().into());
        }
    }
}

/// The description of this API.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// This description.
#[utoipa::path(get, path = "/api/forecast/v1/openapi.json", operation_id = "openapi", tag = "models",
    responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
