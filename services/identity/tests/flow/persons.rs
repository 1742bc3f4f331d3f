//! Somebody with everything that can be kept about a person, and their way to it.

use crate::browser::{Browser, Page};
use crate::common::{Place, Service, country};
use crate::post::Post;
use identity::alerts::{self, Wish};
use identity::passkeys::challenges;
use identity::rights::contacts;
use identity::{Options, accounts, audit, keys};
use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use std::path::PathBuf;

/// The service with a mail server.
pub(crate) async fn with_post(pool: &PgPool, code: &str) -> (Service, Post) {
    with_list(pool, code, None).await
}

/// The same with a list of erasures.
pub(crate) async fn with_list(pool: &PgPool, code: &str, erasures: Option<PathBuf>) -> (Service, Post) {
    let post = Post::open();
    let options = Options { mail: post.options(), erasures, ..Options::default() };
    (Service::with(Place::find().await, pool, country(code), options).await, post)
}

/// Opens the rights of whoever reads the mail of `email`.
pub(crate) async fn by_mail(service: &Service, post: &mut Post, email: &str) -> (Browser, Page) {
    let mut browser = service.browser();
    let page = browser.send("/account/rights/link", &[("email", email), ("lang", "en")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let letter = post.next().await;
    assert_eq!(letter.to, [email.to_lowercase()]);
    let link = letter.link(&service.origin);
    let asks = browser.get(&link).await;
    assert_eq!(asks.status, StatusCode::OK, "{}", asks.body);
    let token = token(&link);
    let page = browser.send("/account/rights/open", &[("token", &token)]).await;
    (browser, page)
}

/// The token of a link.
pub(crate) fn token(link: &str) -> String {
    link.rsplit_once("token=").unwrap().1.to_owned()
}

/// What is planted of somebody.
pub(crate) struct Planted {
    pub(crate) account: String,
    pub(crate) contact: String,
    pub(crate) email: &'static str,
    pub(crate) subject: String,
    pub(crate) pseudonyms: Vec<String>,
    /// A passkey, recovery codes, an API key: what opened something.
    pub(crate) secrets: Vec<String>,
    pub(crate) browser: Browser,
}

impl Planted {
    /// All that leads to them, in all forms.
    pub(crate) fn canaries(&self) -> Vec<String> {
        let ids = [self.account.as_str(), &self.contact, self.email, &self.subject];
        let pseudonyms = self.pseudonyms.iter().map(String::as_str);
        crate::scan::canaries(&ids.into_iter().chain(pseudonyms).collect::<Vec<_>>())
    }
}

/// Somebody with an account, roles, sessions, an address, alerts, consents, links under way, requests and an audit.
pub(crate) async fn planted(service: &Service, name: &str, email: &'static str) -> Planted {
    let subject = format!("subject-of-{name}");
    let (account, mut browser) = service.somebody(&subject).await;
    let now = service.time.now();
    let mut conn = service.pool.acquire().await.unwrap();
    accounts::grant(&mut conn, &account, "auditor", "command", now, None).await.unwrap();
    assert!(contacts::of_this_account(&mut conn, &account, email, "en", now).await.unwrap());
    let contact = contacts::of_account(&mut conn, &account).await.unwrap().unwrap();
    let main = service.profile.main_signal.to_string();
    let wish = Wish { signal: main, place: service.profile.nation.to_string(), threshold: 12.5 };
    alerts::keep(&mut conn, &contact, &wish, ("en", "a text"), now).await.unwrap().unwrap();
    let key = sqlx::query(
        "insert into passkey (id, account_id, credential_id, credential, counter, name, created_at)
         values ($1 || '-key', $1, convert_to($3, 'UTF8'), jsonb_build_object('cred', $3::text), 0, 'Desk of ' || $1, $2)",
    );
    let credential = format!("passkey-of-{name}-{}", &account[..8]);
    key.bind(&account).bind(now).bind(&credential).execute(&mut *conn).await.unwrap();
    let codes = identity::passkeys::recovery::make(&mut conn, &account, now).await.unwrap();
    let session: String = sqlx::query_scalar("select id from session where account_id = $1")
        .bind(&account)
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    challenges::keep(&mut conn, &session, challenges::Purpose::Register, &json!({}), now).await.unwrap();
    let whole = accounts::named(&mut conn, &account).await.unwrap().unwrap();
    let scopes = ["figures:read".to_owned()];
    let expires_at = now + chrono::TimeDelta::days(1);
    let new = keys::New { country: "us", name: "a program", scopes: &scopes, expires_at };
    let mut tx = service.pool.begin().await.unwrap();
    let (_, api_key) = keys::create((&mut tx, None), &whole, &new, 20, now).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let mut tx = service.pool.begin().await.unwrap();
    let who = whole.pseudonym();
    audit::append(&mut tx, now, &who, "role.use", &who, json!({})).await.unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    let page = browser.send("/account/rights/address/new", &[("email", "another@vigie.test")]).await;
    assert!(page.body.contains("A link is on its way to the new address"), "{}", page.body);
    browser.send("/account/rights/question", &[]).await;
    let page =
        browser.send("/account/rights/language", &[("language", &service.profile.languages[0].code)]).await;
    assert!(page.body.contains("The language was changed") || page.status.is_success(), "{}", page.body);
    Planted {
        account,
        contact: contact.id.clone(),
        email,
        subject,
        pseudonyms: vec![who, contact.key.pseudonym()],
        secrets: codes.iter().map(|c| c.replace('-', "")).chain([credential, api_key]).collect(),
        browser,
    }
}
