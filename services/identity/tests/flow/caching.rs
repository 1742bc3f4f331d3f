//! What no cache keeps: every answer about a person or an account, what is refused and what fails among them.

use crate::browser::client;
use crate::common::{Service, routes};
use chrono::TimeDelta;
use identity::accounts;
use reqwest::header::CACHE_CONTROL;
use reqwest::{Client, Method, Response};
use sqlx::PgPool;
use std::collections::BTreeSet;

/// Answers that say the same to everybody: keys, which are asked for anew each time, and files whose name says what they hold.
const EVERYBODYS: [&str; 2] = ["/oidc/jwks.json", "/account/receipts/keys.json"];

const FORM: &str = "application/x-www-form-urlencoded";
/// What the forms of all routes name.
const FIELDS: &str = "email=ada%40canary.test&lang=en&token=x&format=json&on=yes&language=en&sure=yes&name=x&days=1&code=x\
     &figures%3Aread=yes&signal=flu_hosp_admissions&place=US&threshold=1&logout_token=x&token_sha256=x";

/// Asks, each time as another network, and looks at what the answer says to caches.
struct Asker {
    client: Client,
    origin: String,
    seen: BTreeSet<u16>,
    wrong: Vec<String>,
    n: u32,
}

impl Asker {
    async fn ask(&mut self, method: &Method, path: &str, headers: &[(&str, &str)], body: &str) {
        for accept in ["text/html", "application/json"] {
            self.n += 1;
            let from = format!("198.18.{}.{}", self.n / 250 % 250, self.n % 250);
            let mut request = self
                .client
                .request(method.clone(), format!("{}{path}", self.origin))
                .header("accept", accept)
                .header("x-forwarded-for", from);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if *method != Method::GET && *method != Method::HEAD {
                request = request.body(body.to_owned());
            }
            let answer = request.send().await.unwrap();
            self.look(&format!("{method} {path} {headers:?} {accept}"), path, &answer);
        }
    }

    fn look(&mut self, what: &str, path: &str, answer: &Response) {
        let status = answer.status();
        self.seen.insert(status.as_u16());
        let said: Vec<&str> =
            answer.headers().get_all(CACHE_CONTROL).iter().map(|v| v.to_str().unwrap()).collect();
        let wanted = if status.is_success() && EVERYBODYS.contains(&path) { "no-cache" } else { "no-store" };
        if said != [wanted] {
            self.wrong.push(format!("{what}: {status} {said:?}"));
        }
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn no_cache_keeps_an_answer_about_a_person_or_an_account_whatever_it_says(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let own = service.origin.clone();
    let mut asker =
        Asker { client: client(), origin: own.clone(), seen: BTreeSet::new(), wrong: Vec::new(), n: 0 };
    let mut conn = pool.acquire().await.unwrap();
    let (stale, browser) = service.somebody("stale").await;
    let old = format!("__Host-vigie-session={}", browser.session().unwrap());
    service.pass(TimeDelta::minutes(11));
    let long = "x=".to_owned() + &"x".repeat(70_000);
    for (n, (method, route)) in routes().into_iter().enumerate() {
        let with = |id: &str| {
            let path = route.replace("{provider}", "login-gov").replace("{id}", id);
            path.replace("{word}", "x").replace("{name}", "x")
        };
        let path = with("x");
        // By nobody; from another site's page; with a method, a type, a body, a character that is none here.
        asker.ask(&method, &path, &[("origin", &own), ("content-type", FORM)], FIELDS).await;
        asker.ask(&method, &path, &[("sec-fetch-site", "cross-site"), ("content-type", FORM)], FIELDS).await;
        asker.ask(&Method::DELETE, &path, &[("origin", &own)], "").await;
        asker.ask(&Method::HEAD, &path, &[], "").await;
        asker.ask(&method, &path, &[("origin", &own), ("content-type", "text/plain")], FIELDS).await;
        asker.ask(&method, &path, &[("origin", &own), ("content-type", FORM)], &long).await;
        asker.ask(&method, &format!("{path}%00"), &[("origin", &own)], "").await;
        // By a session without a role that is no fresh one, and by a token that is none.
        let headers = [("origin", own.as_str()), ("content-type", FORM), ("cookie", &old)];
        if route != "/account/logout" {
            asker.ask(&method, &path, &headers, FIELDS).await;
            asker.ask(&method, &path, &headers[..2], "{}").await;
        }
        asker.ask(&method, &path, &[("authorization", "Bearer x"), ("origin", &own)], FIELDS).await;
        // By somebody with every role and a passkey, by session and by token, about somebody else.
        let (account, mut browser) = service.somebody(&format!("of-{n}")).await;
        for role in ["operator", "auditor", "dpo", "specialist"] {
            accounts::grant(&mut conn, &account, role, "command", service.time.now(), None).await.unwrap();
        }
        service.confirmed(&account).await;
        let token = crate::passkeys::read(&browser.send("/account/token", &[]).await);
        let token = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let cookie = format!("__Host-vigie-session={}", browser.session().unwrap());
        let by_token = [("authorization", token.as_str()), ("origin", &own)];
        asker.ask(&method, &with(&stale), &by_token, FIELDS).await;
        for kind in [FORM, "application/json"] {
            let headers = [("origin", own.as_str()), ("content-type", kind), ("cookie", &cookie)];
            asker.ask(&method, &path, &headers, if kind == FORM { FIELDS } else { "{" }).await;
        }
    }
    asker.ask(&Method::GET, "/account/nothing", &[], "").await;
    asker.ask(&Method::GET, "/", &[], "").await;
    // Too often, and with a database that fails.
    for _ in 0..61 {
        let answer = asker.client.get(format!("{own}/oidc/callback/login-gov")).send().await.unwrap();
        asker.look("too often", "", &answer);
    }
    for _ in 0..21 {
        let sent = asker.client.post(format!("{own}/account/rights/link")).header("origin", &own);
        let answer = sent.header("content-type", FORM).body(FIELDS).send().await.unwrap();
        asker.look("too many letters", "", &answer);
    }
    sqlx::query("alter table session rename to gone").execute(&pool).await.unwrap();
    asker.ask(&Method::GET, "/account", &[("cookie", &old)], "").await;
    for status in [200, 204, 303, 400, 401, 403, 404, 405, 429, 500] {
        assert!(asker.seen.contains(&status), "{status} is not among {:?}", asker.seen);
    }
    let some = asker.wrong.iter().take(20).map(|line| line.as_str()).collect::<Vec<_>>().join("\n");
    assert!(asker.wrong.is_empty(), "{} of {}:\n{some}", asker.wrong.len(), asker.n);
    // A file whose name says what it holds is kept by whoever wants.
    sqlx::query("alter table gone rename to session").execute(&pool).await.unwrap();
    let page = service.browser().get("/account").await.body;
    let file = page.split("/account/static/").nth(1).unwrap().split('"').next().unwrap();
    let file = service.browser().get(&format!("/account/static/{file}")).await;
    assert!(file.header("cache-control").contains("immutable"), "{}", file.header("cache-control"));
}
