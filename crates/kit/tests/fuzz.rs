//! Whatever is sent: no token, key, policy or header makes a service fall over, and nothing is believed that was not signed.
#![expect(clippy::unwrap_used, reason = "a test may fail; clippy sees no test in a helper")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::CountryProfile;
use kit::access::{Claims, Fetch, Gate, Jwk, Jwks, PERMISSIONS, Policy, TYPE};
use kit::keys::format;
use kit::{App, Clock};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use tokio::runtime::{Builder, Runtime};

const NOW: i64 = 1_767_225_600;
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());
static PAIR: LazyLock<Ed25519KeyPair> = LazyLock::new(|| {
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap()
});

fn gate(keys: Jwks) -> Gate {
    let fetch: Fetch = Arc::new(move || {
        let keys = keys.clone();
        Box::pin(async move { Ok(keys) })
    });
    let now = Arc::new(|| chrono::DateTime::from_timestamp(NOW, 0).unwrap());
    Gate::new(Policy::of_the_platform().unwrap(), "https://vigie.test", "vigie:fr", fetch, now)
}

fn ours() -> Jwks {
    Jwks { keys: vec![Jwk::new("one", PAIR.public_key().as_ref())] }
}

fn believed(gate: &Gate, token: &str) -> bool {
    RUNTIME.block_on(gate.who(token)).is_ok()
}

fn signed(header: &Value, payload: &[u8]) -> String {
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(PAIR.sign(message.as_bytes())))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    let name = proptest::sample::select(vec![
        "alg", "typ", "kid", "iss", "aud", "sub", "roles", "iat", "exp", "jti", "keys", "x",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(name.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// A time about now, or anywhere.
fn time() -> impl Strategy<Value = i64> {
    prop_oneof![(NOW - 400)..(NOW + 400), any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
}

proptest! {
    #[test]
    fn no_text_is_a_token(text in ".*", parts in vec("[A-Za-z0-9_=.+/-]{0,30}", 0..5), json in any_json()) {
        let gate = gate(ours());
        let json = URL_SAFE_NO_PAD.encode(json.to_string());
        for token in [text, parts.join("."), format!("{json}.{json}.{}", parts.concat()), format!("{json}.{json}.{json}")] {
            prop_assert!(!believed(&gate, &token), "{token}");
        }
    }

    #[test]
    fn what_was_signed_is_believed_when_it_says_all_that_it_must_and_nothing_else(
        bytes in vec(any::<u8>(), 0..100), json in any_json(), iat in time(), exp in time(),
        iss in prop_oneof![Just("https://vigie.test".to_owned()), ".{0,30}"],
        aud in prop_oneof![Just("vigie:fr".to_owned()), ".{0,12}"],
        roles in vec(prop_oneof![Just("auditor".to_owned()), ".{0,9}"], 0..4),
    ) {
        let gate = gate(ours());
        let header = json!({ "alg": "EdDSA", "typ": TYPE, "kid": "one" });
        prop_assert!(!believed(&gate, &signed(&header, &bytes)));
        prop_assert!(!believed(&gate, &signed(&header, json.to_string().as_bytes())));
        prop_assert!(!believed(&gate, &signed(&json, json.to_string().as_bytes())));
        let claims = Claims { iss, aud, sub: "s".into(), roles, iat, exp, passkey: false, jti: None };
        let life = i128::from(exp) - i128::from(iat);
        let good = claims.iss == "https://vigie.test" && claims.aud == "vigie:fr"
            && exp > NOW && iat <= NOW + 5 && (1..=300).contains(&life);
        let token = signed(&header, &serde_json::to_vec(&claims).unwrap());
        // Longer ones are not looked at.
        prop_assert_eq!(believed(&gate, &token), good && token.len() <= 4096);
        if let Ok(who) = RUNTIME.block_on(gate.who(&token)) {
            prop_assert!(who.roles.iter().all(|r| r == "auditor"), "{:?}", who.roles);
        }
    }

    #[test]
    fn no_set_of_keys_falls_over_or_lets_in_what_another_key_signed(
        json in any_json(), bytes in vec(any::<u8>(), 0..60), x in ".{0,50}", kty in "(OKP|EC|.{0,4})", crv in "(Ed25519|P-256|.{0,4})",
    ) {
        let _ = (serde_json::from_slice::<Jwks>(&bytes), serde_json::from_value::<Jwks>(json));
        let other = URL_SAFE_NO_PAD.encode(&bytes);
        let keys = [x, other].map(|x| Jwk { kty: kty.clone(), crv: crv.clone(), kid: "one".into(), x });
        let claims = Claims {
            iss: "https://vigie.test".into(), aud: "vigie:fr".into(), sub: "s".into(), roles: vec![],
            iat: NOW, exp: NOW + 60, passkey: false, jti: None,
        };
        let header = json!({ "alg": "EdDSA", "typ": TYPE, "kid": "one" });
        let token = signed(&header, &serde_json::to_vec(&claims).unwrap());
        let gate = gate(Jwks { keys: keys.to_vec() });
        prop_assert!(!believed(&gate, &token));
    }

    #[test]
    fn a_policy_that_is_read_gives_only_what_there_is(
        text in "(\\[|\\]|=|\"|\n|roles|public|passkey|permissions|accounts:manage|[ -~é]){0,40}",
        roles in btree_map("[a-z]{1,8}", btree_set(prop_oneof![
            proptest::sample::select(PERMISSIONS.to_vec()).prop_map(str::to_owned), "[a-z:]{1,12}",
        ], 0..4), 0..5),
        public: bool,
    ) {
        let _ = Policy::parse(&text);
        let mut roles = roles;
        if public {
            roles.insert("public".into(), Default::default());
        }
        let known = roles.values().flatten().all(|p| PERMISSIONS.contains(&p.as_str()));
        let text = toml::to_string(&json!({ "roles": roles })).unwrap();
        let read = Policy::parse(&text);
        prop_assert_eq!(read.is_ok(), known && roles.contains_key("public"), "{}", text);
        if let Ok(policy) = read {
            for (role, permissions) in &roles {
                prop_assert_eq!(policy.can_be_given(role), role != "public");
                for permission in PERMISSIONS {
                    let has = permissions.contains(*permission) && role != "public";
                    prop_assert_eq!(policy.roles_for(permission).contains(role), has);
                }
            }
        }
    }

    #[test]
    fn an_api_key_is_whole_as_it_was_made_and_found_wherever_it_stands(
        random in vec(any::<u8>(), 43), before in "[^a-z]{0,20}", after in "[^0-9A-Za-z]{0,20}", text in ".*",
    ) {
        let mut bytes = random.into_iter().chain(std::iter::repeat(7));
        let key = format::compose("us", || bytes.next().ok_or(())).unwrap();
        prop_assert!(format::is_whole("us", &key) && !format::is_whole("fr", &key));
        let around = format!("{before}{key}{after}");
        prop_assert_eq!(format::found_in(&around).collect::<Vec<_>>(), vec![key.as_str()]);
        let longer = format!("{key}{text}");
        prop_assert!(!format::is_whole("us", &longer) || text.is_empty());
        prop_assert!(!format::is_whole("us", &text));
    }

    #[test]
    fn every_reader_is_answered_in_a_language_of_the_country(text in ".*", other in "[a-zA-Z0-9;=,. *-]{0,60}", quality in 1u8..=255) {
        for app in apps() {
            for header in [text.as_str(), other.as_str()] {
                let language = app.negotiate(Some(header)).unwrap();
                prop_assert!(app.profile.languages.contains(language));
            }
            for language in &app.profile.languages {
                let header = format!("{},{other}", language.tag);
                prop_assert_eq!(app.negotiate(Some(&header)).unwrap(), language);
                // What is wanted most counts, wherever it stands; what is not wanted does not.
                let languages = &app.profile.languages;
                for other in languages.iter().filter(|l| *l != language) {
                    let header = format!("{};q=0.3, {};q={}", other.tag, language.tag, 0.3 + f32::from(quality) / 400.0);
                    prop_assert_eq!(app.negotiate(Some(&header)).unwrap(), language);
                    let header = format!("{};q=0, {}", language.tag, other.tag);
                    prop_assert_eq!(app.negotiate(Some(&header)).unwrap(), other);
                }
            }
        }
    }
}

/// The countries of the repository.
fn apps() -> &'static [App] {
    static APPS: LazyLock<Vec<App>> = LazyLock::new(|| {
        let _in = RUNTIME.enter();
        let clusters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clusters");
        let read = |folder: std::fs::DirEntry| {
            std::fs::read_to_string(folder.path().join("profile/profile.toml")).ok()
        };
        let texts: Vec<String> =
            std::fs::read_dir(clusters).unwrap().filter_map(|f| read(f.unwrap())).collect();
        assert!(texts.len() >= 3);
        let app = |text: &String| App {
            db: PgPoolOptions::new().connect_lazy("postgres://nobody@localhost/none").unwrap(),
            profile: CountryProfile::parse(text).unwrap().into(),
            clock: Clock::Real,
            public_url: "https://vigie.test".into(),
        };
        texts.iter().map(app).collect()
    });
    &APPS
}
