//! A provider that lies, for what no real one does. It signs with Ed25519 whatever it is told to say.

use crate::common::{Place, Service, country, registrations};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::profile::identity::Userinfo;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use url::Url;

/// What the provider answers.
#[derive(Default)]
pub(crate) struct Says {
    /// The ID token.
    pub(crate) token: String,
    /// Its description, where it is another one than it should be.
    pub(crate) description: Option<Value>,
    /// What it says of the person: the type of the answer, and the answer.
    pub(crate) person: (&'static str, String),
    /// How often its keys were asked for.
    pub(crate) keys_asked: usize,
    /// What the last token request carried.
    pub(crate) request: String,
}

#[derive(Clone)]
pub(crate) struct False {
    pub(crate) issuer: String,
    key: Arc<Mutex<Key>>,
    pub(crate) says: Arc<Mutex<Says>>,
}

pub(crate) struct Key {
    pair: Ed25519KeyPair,
    kid: String,
}

impl Key {
    pub(crate) fn new(kid: &str) -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { pair: Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap(), kid: kid.into() }
    }

    fn public(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": x })
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes())))
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "kid": self.kid })
    }
}

impl False {
    /// The provider, and what an operator who registers there writes down.
    pub(crate) async fn alone() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let one = Self {
            issuer: issuer.clone(),
            key: Arc::new(Mutex::new(Key::new("first"))),
            says: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(description))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(person))
            .with_state(one.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let told =
            format!("[agov]\nissuer = \"{issuer}\"\nclient_id = \"vigie\"\nclient_secret = \"s3cret\"\n");
        (one, told)
    }

    /// A service of Switzerland, registered with a false AGOV that is not asked about the person.
    pub(crate) async fn start(pool: &PgPool) -> (Service, Self) {
        Self::asked(pool, Userinfo::None).await
    }

    /// The same, asked about the person as `userinfo` says.
    pub(crate) async fn asked(pool: &PgPool, userinfo: Userinfo) -> (Service, Self) {
        let (one, told) = Self::alone().await;
        let mut profile = country("ch");
        profile.identity.providers[0].userinfo = userinfo;
        let place = Place::find().await;
        (Service::start(place, pool, profile, registrations(&told)).await, one)
    }

    pub(crate) fn acr(&self) -> String {
        country("ch").identity.providers[0].acr_values[0].clone()
    }

    /// The claims of a good ID token.
    pub(crate) fn claims(&self, nonce: &str, now: i64) -> Value {
        json!({
            "iss": self.issuer, "sub": "somebody", "aud": "vigie", "nonce": nonce, "acr": self.acr(),
            "iat": now, "exp": now + 60, "sid": "session-1",
        })
    }

    pub(crate) fn header(&self) -> Value {
        self.key.lock().unwrap().header()
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.key.lock().unwrap().sign(header, claims)
    }

    /// Its keys are others from now on.
    pub(crate) fn rotate(&self) {
        *self.key.lock().unwrap() = Key::new("second");
    }
}

async fn description(State(one): State<False>) -> impl IntoResponse {
    let at = |path: &str| format!("{}{path}", one.issuer);
    let usual = json!({
        "issuer": one.issuer, "authorization_endpoint": at("/auth"), "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"), "userinfo_endpoint": at("/userinfo"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
    });
    Json(one.says.lock().unwrap().description.clone().unwrap_or(usual))
}

async fn keys(State(one): State<False>) -> impl IntoResponse {
    one.says.lock().unwrap().keys_asked += 1;
    Json(json!({ "keys": [one.key.lock().unwrap().public()] }))
}

async fn token(State(one): State<False>, request: String) -> impl IntoResponse {
    let mut says = one.says.lock().unwrap();
    says.request = request;
    match says.token.as_str() {
        "" => (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))),
        token => {
            let tokens = json!({ "access_token": "a", "token_type": "Bearer", "id_token": token });
            (StatusCode::OK, Json(tokens))
        }
    }
}

async fn person(State(one): State<False>) -> impl IntoResponse {
    let (kind, text) = one.says.lock().unwrap().person.clone();
    ([("content-type", kind)], text)
}

/// A parameter of an address.
pub(crate) fn param(url: &str, name: &str) -> String {
    let url: Url = url.parse().unwrap();
    url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned()).unwrap_or_default()
}
