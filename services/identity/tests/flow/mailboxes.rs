//! What a mailbox is, and what it alone opens: not the account that its address belongs to, and nothing of who else named it.

use crate::common::countries;
use crate::persons::{by_mail, planted, token, with_post};
use crate::scan::scan;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

/// What an export in JSON has of one table.
fn of<'a>(export: &'a Value, table: &str) -> &'a [Value] {
    export["rows"][table].as_array().unwrap()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_mailbox_alone_shows_no_number_of_an_account_and_nobody_elses_address(pool: PgPool) {
    const EMAIL: &str = "ada@canary.test";
    let (service, mut post) = with_post(&pool, "us").await;
    // She has an account with this address, and asked for `another@vigie.test` in its place.
    let mut ada = planted(&service, "ada", EMAIL).await;
    drop(post.next().await);
    let request: String = sqlx::query_scalar("select request_id from proof").fetch_one(&pool).await.unwrap();
    for email in [EMAIL, "another@vigie.test"] {
        let (mut browser, page) = by_mail(&service, &mut post, email).await;
        let linked = page.body.contains("This address belongs to an account");
        assert_eq!(linked, email == EMAIL, "{}", page.body);
        for format in ["json", "csv"] {
            let file = browser.send("/account/rights/export", &[("format", format)]).await;
            assert_eq!(file.status, StatusCode::OK, "{}", file.body);
            for hers in [ada.account.as_str(), &ada.subject, &ada.pseudonyms[0], &request] {
                assert!(!file.body.contains(hers), "{email}: {hers}: {}", file.body);
            }
            let others = if email == EMAIL { "another@vigie.test" } else { EMAIL };
            assert!(!file.body.contains(others), "{email}: {}", file.body);
            assert!(file.body.contains(email) && file.body.contains("linked"), "{email}: {}", file.body);
            if format == "csv" {
                continue;
            }
            let export: Value = serde_json::from_str(&file.body).unwrap();
            let contact: Vec<&Value> = of(&export, "contact").iter().map(|row| &row["account_id"]).collect();
            assert_eq!(contact, vec!["linked"; usize::from(linked)], "that there is an account is said");
        }
    }
    // By the login of the account it is all there.
    let file = ada.browser.send("/account/rights/export", &[("format", "json")]).await;
    let export: Value = serde_json::from_str(&file.body).unwrap();
    assert_eq!(of(&export, "contact")[0]["account_id"], json!(ada.account));
    let asked = |row: &&Value| row["purpose"] == "address";
    let proof = of(&export, "proof").iter().find(asked).unwrap();
    assert_eq!((&proof["account_id"], &proof["request_id"]), (&json!(ada.account), &json!(request)));
    assert_eq!(proof["wish"], json!({ "old": EMAIL }));
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_change_of_address_under_way_is_shown_to_who_asked_and_not_to_the_new_mailbox(pool: PgPool) {
    const EMAIL: &str = "carl@canary.test";
    const NEW: &str = "carla@vigie.test";
    let (service, mut post) = with_post(&pool, "us").await;
    let mut conn = pool.acquire().await.unwrap();
    identity::rights::contacts::keep(&mut conn, EMAIL, "en", service.time.now()).await.unwrap();
    let (mut carl, _) = by_mail(&service, &mut post, EMAIL).await;
    let page = carl.send("/account/rights/address/new", &[("email", NEW)]).await;
    assert!(page.body.contains("on its way to the new address"), "{}", page.body);
    let link = post.next().await.link(&service.origin);
    let found = scan(&pool, &crate::scan::canaries(&[EMAIL])).await;
    assert_eq!((found.get("proof.email"), found.get("proof.wish")), (Some(&1), Some(&1)), "{found:?}");
    let export = carl.send("/account/rights/export", &[("format", "json")]).await;
    let export: Value = serde_json::from_str(&export.body).unwrap();
    assert_eq!(of(&export, "proof").len(), 2, "each row in which a scan finds the address");
    assert!(of(&export, "proof").iter().any(|row| row["wish"] == json!({ "old": EMAIL })));
    // Whoever has the other mailbox, by a slip of the pen say, is told of the link and not of who asked.
    let (mut other, _) = by_mail(&service, &mut post, NEW).await;
    let export = other.send("/account/rights/export", &[("format", "json")]).await;
    assert!(!export.body.contains(EMAIL), "{}", export.body);
    let export: Value = serde_json::from_str(&export.body).unwrap();
    let wishes: Vec<&Value> = of(&export, "proof").iter().map(|row| &row["wish"]).collect();
    assert!(wishes.len() == 2 && wishes.contains(&&json!({})), "{wishes:?}");
    let page = carl.send("/account/rights/address", &[("token", &token(&link))]).await;
    assert!(page.body.contains(NEW) && page.body.contains("counts from now on"), "{}", page.body);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_address_with_what_nobody_sees_is_refused_with_a_sentence_in_each_language(pool: PgPool) {
    for profile in countries() {
        let code = profile.country.to_string();
        let (service, mut post) = with_post(&pool, &code).await;
        let (_, mut ada) = service.somebody(&format!("ada-{code}")).await;
        let signal = profile.signals.iter().find(|s| s.forecast.is_some()).unwrap().id.to_string();
        for language in &profile.languages {
            let text = std::fs::read_to_string(
                crate::common::root().join(format!("services/identity/locales/{}.toml", language.code)),
            );
            let words: toml::Table = text.unwrap().parse().unwrap();
            let sentence = words["rights"]["done"]["unseen"].as_str().unwrap();
            ada.language = language.tag.clone();
            for path in ["/account/rights/link", "/account/rights/address/new", "/account/alerts"] {
                let form = [
                    ("email", "ad\u{200b}a@canary.test"),
                    ("lang", language.code.as_str()),
                    ("signal", signal.as_str()),
                    ("place", "X"),
                    ("threshold", "1"),
                ];
                let page = ada.send(path, &form).await;
                assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
                let html = page.body.contains(&format!("<html lang=\"{}\">", language.tag));
                assert!(html && page.body.contains(sentence), "{path} {sentence}: {}", page.body);
            }
        }
        assert!(post.is_empty(), "nothing was sent");
        let kept: i64 = sqlx::query_scalar("select count(*) from proof").fetch_one(&pool).await.unwrap();
        let asked: i64 = sqlx::query_scalar("select count(*) from request").fetch_one(&pool).await.unwrap();
        assert_eq!((kept, asked), (0, 0), "and nothing begun");
    }
}
