//! Whatever is sent to whatever address: no fault of ours, and nobody gets in.

use crate::browser::client;
use crate::common::{Service, routes};
use crate::false_provider::False;
use crate::passkeys::{Person, person, service, signed};
use identity::Options;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

/// The same values in every run.
pub(crate) fn some<S: Strategy>(strategy: S, n: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..n).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Texts that have made programs fall over.
pub(crate) fn nasty() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "",
        "\0",
        "a\0b",
        "'",
        "\";--",
        "{}",
        "[]",
        "null",
        "-1",
        "99999999999999999999",
        "1e999",
        "NaN",
        "%00",
        "%ff",
        "../../etc/passwd",
        "\u{202e}",
        "\u{feff}",
        "\u{1f600}",
        "<script>",
        "a@b",
        "ada@vigie.test\r\nBcc: x@y.test",
        "yes",
        "en",
        "//evil.test",
        "\\",
    ]);
    prop_oneof![known.prop_map(str::to_owned), ".{0,40}", "[a-zA-Z0-9_-]{22,43}", "[ -~]{0,300}"]
}

const FIELDS: [&str; 22] = [
    "lang",
    "return_to",
    "done",
    "token",
    "email",
    "name",
    "days",
    "figures:read",
    "code",
    "language",
    "on",
    "purpose",
    "format",
    "signal",
    "place",
    "threshold",
    "state",
    "iss",
    "error",
    "logout_token",
    "token_sha256",
    "before",
];

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Each route with arbitrary parts of its path, parameters, cookies and bodies. Gives the statuses that were seen.
async fn storm(service: &Service, provider: &str, session: Option<&str>) -> Vec<(String, StatusCode)> {
    let word = || (nasty(), nasty(), vec((0..FIELDS.len(), nasty()), 0..6), vec(any::<u8>(), 0..80), nasty());
    let (client, mut seen, mut n) = (client(), Vec::new(), 0u32);
    for (method, route) in routes() {
        // Whoever is in stays in.
        if session.is_some() && route == "/account/logout" {
            continue;
        }
        for (id, more, fields, bytes, header) in some(word(), 10) {
            n += 1;
            let path = route
                .replace("{provider}", if n.is_multiple_of(3) { "x" } else { provider })
                .replace("{id}", &encoded(&id))
                .replace("{word}", &encoded(&more))
                .replace("{name}", &encoded(&more));
            let pairs: Vec<(&str, &str)> = fields.iter().map(|(f, v)| (FIELDS[*f], v.as_str())).collect();
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let query = if method == Method::GET { format!("?{form}") } else { String::new() };
            let visible: String = header.chars().filter(|c| c.is_ascii_graphic() && *c != ';').collect();
            let cookie = match session {
                Some(token) => format!("__Host-vigie-session={token}; __Host-vigie-visit={visible}"),
                None => format!("__Host-vigie-session={visible}; __Host-vigie-login={visible}"),
            };
            let kind = match n % 4 {
                0 => "application/json",
                1 => "text/plain",
                _ => "application/x-www-form-urlencoded",
            };
            let body = if n.is_multiple_of(2) { form.into_bytes() } else { bytes };
            let mut request = client
                .request(method.clone(), format!("{}{path}{query}", service.origin))
                .header("cookie", cookie)
                .header("origin", &service.origin)
                .header("accept-language", &visible)
                // A network of its own: nobody waits for another one.
                .header("x-forwarded-for", format!("198.18.{}.{}", n / 250 % 250, n % 250))
                .header("content-type", kind);
            if n.is_multiple_of(5) {
                request = request.bearer_auth(&visible);
            }
            if method != Method::GET {
                request = request.body(body);
            }
            let answer = request.send().await.unwrap();
            let set = answer.headers().get_all("set-cookie").iter().map(|c| c.to_str().unwrap());
            let begun = set.filter(|c| {
                c.starts_with("__Host-vigie-session=") && !c.starts_with("__Host-vigie-session=;")
            });
            assert_eq!(begun.count(), 0, "{method} {path}");
            seen.push((format!("{method} {path}{query}"), answer.status()));
        }
    }
    seen
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn nothing_that_is_sent_falls_over_or_lets_anybody_in_but_the_answer_of_a_provider(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    for (what, status) in storm(&service, "agov", None).await {
        assert!(!status.is_server_error(), "{what}: {status}");
    }
    assert_eq!(service.living_sessions().await, 0, "nobody got in");
    // The one way in that there is.
    let mut browser = service.browser();
    let to = browser.get_once("/account/login/agov").await.header("location").to_owned();
    let nonce = crate::false_provider::param(&to, "nonce");
    let claims = provider.claims(&nonce, service.time.now().timestamp());
    provider.says.lock().unwrap().token = provider.sign(&provider.header(), &claims);
    let state = crate::false_provider::param(&to, "state");
    browser.get(&format!("/oidc/callback/agov?code=c&state={state}")).await;
    assert_eq!((service.living_sessions().await, browser.session().is_some()), (1, true));
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn nothing_that_somebody_with_every_role_sends_falls_over(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, browser) = service.somebody("ada").await;
    let mut conn = pool.acquire().await.unwrap();
    for role in ["operator", "auditor", "dpo", "specialist"] {
        identity::accounts::grant(&mut conn, &account, role, "command", service.time.now(), None)
            .await
            .unwrap();
    }
    drop(conn);
    service.confirmed(&account).await;
    let session = browser.session().unwrap().clone();
    let seen = storm(&service, "login-gov", Some(&session)).await;
    for (what, status) in &seen {
        assert!(!status.is_server_error(), "{what}: {status}");
    }
    let let_in = seen.iter().filter(|(_, s)| s.is_success() || s.is_redirection()).count();
    assert!(let_in > 50, "what is asked for is reached: {let_in} of {}", seen.len());
}

/// A good answer with one of its parts another one.
fn spoilt(good: &Value, part: usize, by: &Value) -> Value {
    let mut value = good.clone();
    match part % 7 {
        0 => value = by.clone(),
        1 => value["id"] = by.clone(),
        2 => value["rawId"] = by.clone(),
        3 => value["response"] = by.clone(),
        4 => value["response"]["clientDataJSON"] = by.clone(),
        5 => value["response"]["authenticatorData"] = by.clone(),
        _ => value["response"]["signature"] = by.clone(),
    }
    value
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn no_answer_of_an_authenticator_is_a_fault_of_ours(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let mut ada: Person = person(&service, "ada", "operator").await;
    assert_eq!(ada.register(&service.origin).await.status, StatusCode::OK);
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        nasty().prop_map(Value::from),
        vec(nasty(), 0..4).prop_map(Value::from),
        nasty().prop_map(|v| json!({ "response": v, "id": [v, {}] })),
        "[A-Za-z0-9_-]{0,200}".prop_map(Value::from),
    ];
    // A network has sixty steps a minute.
    for (n, by) in some(value, 25).into_iter().enumerate() {
        let options = ada.ask("/confirm/options").await;
        let answer = spoilt(&signed(&mut ada.key, &service.origin, &options), n, &by);
        let page = ada.answer(&answer).await;
        // Only by its raw form is a passkey found; the other one is for scripts.
        let taken = n % 7 == 1 && page.status == StatusCode::OK;
        assert!(taken || page.status.is_client_error(), "{answer}: {} {}", page.status, page.body);
        ada.ask("/options").await;
        let body = json!({ "name": by, "credential": answer });
        let page = ada.browser.json("/account/passkeys", &body).await;
        assert!(page.status.is_client_error(), "{body}: {} {}", page.status, page.body);
    }
}
