//! What the real program writes down of events that concern security: each with its outcome, its request, its person's pseudonym.

use crate::browser::{Browser, client};
use crate::common::root;
use crate::false_provider::{False, param};
use identity::accounts;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// One line of the log.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) event: String,
    pub(crate) outcome: String,
    pub(crate) why: String,
    pub(crate) who: Option<String>,
    request: Option<String>,
}

impl Line {
    pub(crate) fn is(&self, event: &str, outcome: &str) -> bool {
        self.event == event && self.outcome == outcome
    }
}

/// The events of a log. Each has a time, and is this service's.
pub(crate) fn read(log: &str) -> Vec<Line> {
    let all = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut lines = Vec::new();
    for line in all.filter(|line| line["target"] == "security") {
        let text = |name: &str| line["fields"][name].as_str().map(str::to_owned);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        assert_eq!(text("service").as_deref(), Some("identity"), "{line}");
        lines.push(Line {
            event: text("event").unwrap(),
            outcome: text("outcome").unwrap(),
            why: text("why").unwrap(),
            who: text("who"),
            request: text("request"),
        });
    }
    lines
}

struct Program {
    child: Child,
    origin: String,
    admin: String,
    folder: std::path::PathBuf,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Program {
    /// Identity of Switzerland, registered as `told` says.
    async fn start(pool: &PgPool, told: &str) -> Self {
        let name = pool.connect_options().get_database().unwrap().to_owned();
        let folder = std::env::temp_dir().join(format!("vigie-events-{name}"));
        // A run that failed may have left one.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let profile = std::fs::read_to_string(root().join("clusters/ch/profile/profile.toml")).unwrap();
        let profile = profile.replace("userinfo = \"json\"", "userinfo = \"none\"");
        std::fs::write(folder.join("profile.toml"), profile).unwrap();
        std::fs::write(folder.join("registrations.toml"), told).unwrap();
        let out = File::create(folder.join("log")).unwrap();
        let (database, trail) = crate::roles::addresses(pool).await;
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let (here, admin) = (free(), free());
        let child = Command::new(env!("CARGO_BIN_EXE_identity"))
            .env("DATABASE_URL", database.as_str())
            .env("VIGIE_AUDIT_DATABASE_URL", trail.as_str())
            .env("VIGIE_PROFILE", folder.join("profile.toml"))
            .env("VIGIE_REGISTRATIONS", folder.join("registrations.toml"))
            .env("VIGIE_ADDR", &here)
            .env("VIGIE_PUBLIC_URL", format!("http://{here}"))
            .env("VIGIE_ADMIN_ADDR", &admin)
            .env_remove("RUST_LOG")
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let program = Self { child, origin: format!("http://{here}"), admin, folder };
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&here).is_err() {
            assert!(Instant::now() < until, "it does not start: {}", program.log());
            std::thread::yield_now();
        }
        program
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap()
    }

    /// A login of `browser` at the provider as `subject`, by the class `acr`.
    async fn log_in(&self, browser: &mut Browser, provider: &False, subject: &str, acr: &str) {
        let to = browser.get_once("/account/login/agov").await;
        assert_eq!(to.status, StatusCode::SEE_OTHER, "{}", to.body);
        let address = to.header("location").to_owned();
        let mut claims = provider.claims(&param(&address, "nonce"), kit::wall().timestamp());
        claims["sub"] = json!(subject);
        claims["acr"] = json!(acr);
        provider.says.lock().unwrap().token = provider.sign(&provider.header(), &claims);
        let state = param(&address, "state");
        browser.get(&format!("/oidc/callback/agov?code=code-canary&state={state}")).await;
    }

    /// What the provider says is over.
    async fn provider_ends(&self, provider: &False, subject: &str) -> StatusCode {
        let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        let now = kit::wall().timestamp();
        let claims = json!({ "iss": provider.issuer, "aud": "vigie", "sub": subject, "iat": now, "exp": now + 60,
                             "jti": "jti", "events": event });
        let mut header = provider.header();
        header["typ"] = json!("logout+jwt");
        let token = provider.sign(&header, &claims);
        let request = client().post(format!("{}/oidc/backchannel/agov", self.origin));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("logout_token={token}")).send().await.unwrap().status()
    }
}

/// The token that whoever is logged in is given, sent to a path.
async fn with_token(browser: &mut Browser, origin: &str, path: &str) -> StatusCode {
    let told: Value = serde_json::from_str(&browser.send("/account/token", &[]).await.body).unwrap();
    let token = told["access_token"].as_str().unwrap();
    client().post(format!("{origin}{path}")).bearer_auth(token).send().await.unwrap().status()
}

async fn named(pool: &PgPool, subject: &str) -> (String, String) {
    let id: String = sqlx::query_scalar("select id from account where subject = $1")
        .bind(subject)
        .fetch_one(pool)
        .await
        .unwrap();
    let account = accounts::named(&mut pool.acquire().await.unwrap(), &id).await.unwrap().unwrap();
    (id, account.pseudonym())
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_concerns_security_is_written_down_once_with_the_pseudonym_and_nothing_else(pool: PgPool) {
    let (provider, told) = False::alone().await;
    let program = Program::start(&pool, &told).await;
    let strong = provider.acr();
    let (mut ada, mut bob) = (Browser::new(&program.origin), Browser::new(&program.origin));
    program.log_in(&mut ada, &provider, "subject-canary-ada", &strong).await;
    let (ada_id, ada_is) = named(&pool, "subject-canary-ada").await;
    let mut secrets = vec![ada_id.clone(), ada.session().unwrap().clone()];
    // The same browser once more, another one, and what ends each.
    program.log_in(&mut ada, &provider, "subject-canary-ada", &strong).await;
    let mut other = Browser::new(&program.origin);
    program.log_in(&mut other, &provider, "subject-canary-ada", &strong).await;
    ada.send("/account/sessions/others/end", &[]).await;
    assert_eq!(other.get("/account").await.status, StatusCode::OK);
    ada.send("/account/logout", &[]).await;
    program.log_in(&mut ada, &provider, "subject-canary-ada", &strong).await;
    assert_eq!(program.provider_ends(&provider, "subject-canary-ada").await, StatusCode::OK);
    assert_eq!(program.provider_ends(&False::alone().await.0, "canary").await, StatusCode::BAD_REQUEST);
    // Nobody is let in.
    program.log_in(&mut Browser::new(&program.origin), &provider, "subject-canary-ada", "urn:weak").await;
    ada.get("/oidc/callback/agov?code=code-canary&state=state-canary").await;
    let to = ada.get_once("/account/login/agov").await;
    let state = param(to.header("location"), "state");
    ada.get(&format!("/oidc/callback/agov?error=error_canary&state={state}")).await;
    // Refused: another site's form, an invented link, no token, an invented one, no role.
    let foreign = client().post(format!("{}/account/logout", program.origin));
    let foreign = foreign.header("origin", "http://elsewhere.test").header("user-agent", "agent-canary");
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    ada.send("/account/rights/open", &[("token", "link-canary")]).await;
    let audit = format!("{}/account/audit?before=query-canary", program.origin);
    assert_eq!(client().get(&audit).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let invented = client().get(&audit).bearer_auth("token.canary.token").send().await.unwrap();
    assert_eq!(invented.status(), StatusCode::UNAUTHORIZED);
    program.log_in(&mut ada, &provider, "subject-canary-ada", &strong).await;
    program.log_in(&mut bob, &provider, "subject-canary-bob", &strong).await;
    let (bob_id, bob_is) = named(&pool, "subject-canary-bob").await;
    let disable = format!("/account/people/{ada_id}/disable");
    assert_eq!(with_token(&mut bob, &program.origin, &disable).await, StatusCode::FORBIDDEN);
    // With the role and a passkey: the other one's sessions end.
    let mut conn = pool.acquire().await.unwrap();
    accounts::grant(&mut conn, &bob_id, "operator", "command", kit::wall(), None).await.unwrap();
    assert_eq!(with_token(&mut bob, &program.origin, &disable).await, StatusCode::UNAUTHORIZED);
    sqlx::query("update session set passkey_at = $1").bind(kit::wall()).execute(&pool).await.unwrap();
    assert_eq!(with_token(&mut bob, &program.origin, &disable).await, StatusCode::NO_CONTENT);
    program.log_in(&mut Browser::new(&program.origin), &provider, "subject-canary-ada", &strong).await;
    secrets.extend([bob_id, bob.session().unwrap().clone(), state]);
    bob.send("/account/rights/erasure", &[("sure", "yes")]).await;
    // One who tries again and again is written down so often and no more, and counted each time.
    let mut throttled = 0;
    for _ in 0..200 {
        let answer = bob.get_once("/account/login/agov").await;
        throttled += u32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    let text = program.log();
    let lines = read(&text);
    let (ada_is, bob_is) = (Some(ada_is.as_str()), Some(bob_is.as_str()));
    for (who, event, outcome, why) in [
        (ada_is, "login", "done", "agov"),
        (bob_is, "login", "done", "agov"),
        (ada_is, "login", "refused", "the account is disabled"),
        (None, "login", "refused", "agov: assurance: authenticated as urn:weak, which is not accepted"),
        (None, "login", "refused", "agov: other"),
        (None, "login", "refused", "this browser began none, or it is over"),
        (ada_is, "session", "done", "the same browser logged in anew"),
        (ada_is, "session", "done", "ended from another one"),
        (ada_is, "session", "done", "logged out"),
        (ada_is, "session", "done", "the provider ended it"),
        (ada_is, "session", "done", "the account was disabled, and all its sessions ended"),
        (bob_is, "session", "done", "whoever it was of was erased, and all their sessions with them"),
        (None, "session", "refused", "it is over, or never was"),
        (None, "token", "refused", "no logout of a provider"),
        (None, "token", "refused", "the token is not accepted"),
        (None, "access", "refused", "no token was sent"),
        (bob_is, "access", "refused", "none of your roles may do this"),
        (bob_is, "access", "refused", "a passkey is wanted first"),
        (None, "form", "refused", "it was not sent from a page of this site"),
        (None, "link", "refused", "it was used, is too old, or never was"),
        (None, "rate", "refused", "too many requests"),
    ] {
        let found = |l: &&Line| l.who.as_deref() == who && l.is(event, outcome) && l.why == why;
        assert!(lines.iter().any(|l| found(&l)), "{event} {outcome} {who:?} {why}: {text}");
    }
    let requests: BTreeSet<&str> = lines.iter().filter_map(|l| l.request.as_deref()).collect();
    assert!(requests.len() + 2 >= lines.len(), "each has its request: {lines:?}");
    assert!(lines.iter().all(|l| l.request.is_some()), "{lines:?}");
    let written = lines.iter().filter(|l| l.event == "rate").count();
    assert!(throttled > 100 && (1..=70).contains(&written), "{written} of {throttled}");
    let metrics = Browser::new(&format!("http://{}", program.admin)).get("/metrics").await.body;
    let counted = format!("security_events_total{{event=\"rate\",outcome=\"refused\"}} {throttled}");
    assert!(metrics.contains(&counted), "{counted}: {metrics}");
    secrets.extend(["canary", "127.0.0.1:", "elsewhere.test"].map(str::to_owned));
    for line in text.lines().filter(|line| line.contains("\"security\"")) {
        let leaked = secrets.iter().find(|secret| line.contains(*secret));
        assert!(leaked.is_none(), "{leaked:?} stands in {line}");
    }
}
