//! `openapi.json`: generated from the handlers; the committed copy is compared by a test.

use axum::Json;
use serde::Serialize;
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, Schema};
use utoipa::{Modify, OpenApi, PartialSchema, ToSchema};

/// RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    r#type: String,
    title: String,
    status: u16,
    /// Stable: `not_found`, `invalid`, `method_not_allowed`, `too_many_requests`, `not_ready`, `internal`;
    /// of API keys `unauthorized`, `forbidden`, `key_in_address`, `keys_unchecked`.
    code: String,
    /// A sentence.
    detail: String,
    /// The parameter that cannot be used, for `invalid`.
    field: Option<String>,
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn written_as(format: KnownFormat) -> Object {
    text().format(Some(SchemaFormat::KnownFormat(format))).build()
}

macro_rules! parameter {
    ($(#[$doc:meta])* $name:ident, $schema:expr) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    };
}

parameter!(
    /// A text with something in it.
    Filled,
    text().min_length(Some(1))
);
parameter!(
    /// A date, or a time.
    Moment,
    AnyOfBuilder::new().item(written_as(KnownFormat::Date)).item(written_as(KnownFormat::DateTime))
);
parameter!(
    /// The permanent id of a value.
    Id,
    text()
        .pattern(Some(crate::select::ID))
        .examples(["flu_hosp_admissions~cdc-flusight~US-NY~2025-01-04~20250108T182656Z"])
);
parameter!(
    /// What a page begins after.
    After,
    AnyOfBuilder::new().item(text().pattern(Some(crate::select::ID))).item(written_as(KnownFormat::Date))
);

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
    external_docs(url = "/api/data/v1/docs", description = "This description as a page, with examples"),
    modifiers(&Everywhere),
    components(schemas(ProblemBody, crate::wide::WidePage, Filled, Moment, Id, After)),
    tags(
        (name = "catalogue", description = "What there is to ask for"),
        (name = "figures", description = "Values and where they come from"),
        (name = "bulk", description = "Whole signals as files at addresses that stay")
    )
)]
struct Api;

/// What a key is good for.
const KEYS: &str = "Everything here is answered without a key. With one the limit is that of the key and not of the network: \
                    `RateLimit-Policy` and `RateLimit` say how much is left of which, as `client` (a network) or `key`. A key \
                    does what it was made for: `figures:read` (values, where they come from, the catalogue), `bulk:read` (files). \
                    Whoever has the role makes keys at `/account/keys`. In an address a key is refused.";

/// What every operation may answer.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let answers = [
            ("400", "A parameter cannot be used or is not known, or an API key stands in the address"),
            ("401", "The API key that was sent is not accepted: `WWW-Authenticate` says how one is sent"),
            ("403", "The API key that was sent is not made for this"),
            ("429", "Asked too often: `Retry-After` says when to come back"),
            ("500", "A fault of this service"),
            (
                "503",
                "API keys cannot be checked now: `Retry-After` says when to ask again, or ask without one",
            ),
        ];
        let key = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("vigie_us_ and 49 letters and digits")
            .description(Some(KEYS))
            .build();
        let parts = api.components.get_or_insert_default();
        parts.add_security_scheme("key", SecurityScheme::Http(key));
        // Either nothing, or a key.
        api.security = Some(vec![SecurityRequirement::default(), SecurityRequirement::new("key", [""; 0])]);
        for operation in api.paths.paths.values_mut().filter_map(|item| item.get.as_mut()) {
            for (status, description) in answers {
                let problem = Ref::from_schema_name("ProblemBody");
                let content = ContentBuilder::new().schema(Some(problem)).build();
                let response = ResponseBuilder::new()
                    .description(description)
                    .content("application/problem+json", content);
                let responses = &mut operation.responses.responses;
                responses.entry(status.to_owned()).or_insert_with(|| response.build().into());
            }
        }
    }
}

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
