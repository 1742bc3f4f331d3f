//! Whoever has a role that wants a passkey, and what may be done with theirs now. Denied is the default.

use crate::accounts;
use crate::here::Site;
use crate::mailer::Letter;
use crate::passkeys::{self, Passkey};
use crate::rights::contacts;
use crate::routes::Me;
use crate::routes::sessions::mine;
use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use kit::Problem;
use serde_json::Value;
use sqlx::PgConnection;

/// For so long after a login, or after a recovery code, a passkey may be registered.
const WINDOW: TimeDelta = TimeDelta::minutes(10);

/// Somebody with such a role.
pub(super) struct Operator {
    pub(super) me: Me,
    pub(super) keys: Vec<Passkey>,
    pub(super) now: DateTime<Utc>,
    confirmed: bool,
    strong: bool,
}

impl Operator {
    /// Whoever is logged in, if they have such a role and may use it.
    ///
    /// # Errors
    /// 401 and 403.
    pub(super) async fn of(site: &Site, headers: &HeaderMap) -> Result<Self, Problem> {
        let me = mine(site, headers).await?;
        Self::who(site, me).await?.ok_or(Problem::Forbidden("passkeys are for those who run this site"))
    }

    async fn who(site: &Site, me: Me) -> Result<Option<Self>, Problem> {
        let now = site.time.now();
        let mut conn = site.app.db.acquire().await?;
        let roles = accounts::roles(&mut conn, &me.account.id, now).await?;
        if !site.policy.operates(roles.iter().map(String::as_str)) || !me.account.is_usable() {
            return Ok(None);
        }
        let keys = passkeys::of_account(&mut conn, &me.account.id).await?;
        let provider = site.providers.iter().find(|e| e.declared.id == me.account.provider);
        let strong = provider.is_some_and(|e| e.declared.acr_values.contains(&me.session.acr));
        let confirmed = me.session.confirmed_after(now - site.passkey_age);
        Ok(Some(Self { me, keys, now, confirmed, strong }))
    }

    /// Was a passkey used in this session a short while ago?
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed && self.keys.iter().any(|k| k.refused_at.is_none())
    }

    /// A first passkey right after a login that is strong enough; a further one with a passkey, or with a recovery code.
    pub(super) fn may_register(&self) -> bool {
        let since = self.now - WINDOW;
        if self.keys.is_empty() {
            return self.strong && self.me.session.created_at > since;
        }
        self.is_confirmed() || self.me.session.recovered_at.is_some_and(|at| at > since)
    }

    /// # Errors
    /// [`Problem::StepUp`].
    pub(super) fn confirmed(&self) -> Result<(), Problem> {
        if self.is_confirmed() { Ok(()) } else { Err(Problem::StepUp) }
    }

    /// Writes down what was done with their own passkeys.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn audit(
        &self,
        site: &Site,
        conn: &mut PgConnection,
        action: &str,
        detail: Value,
    ) -> sqlx::Result<()> {
        let who = self.me.account.pseudonym();
        site.write(conn, &who, action, &who, detail).await
    }
}

/// What the owner of an account is told of their passkeys, where an address is known: `what` is a word of the locale
/// files. It is posted when what it tells is in the database.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn letter(
    site: &Site,
    conn: &mut PgConnection,
    account: &str,
    what: &str,
) -> sqlx::Result<Option<Letter>> {
    let Some(contact) = contacts::of_account(conn, account).await? else { return Ok(None) };
    let Some(lang) = site.by_code(&contact.language).or_else(|| site.langs.first()) else { return Ok(None) };
    let happened = lang.f(format!("mail.passkeys.{what}"), "when", &lang.formats.moment(site.time.now()));
    let end = lang.f("mail.passkeys.end", "link", &site.link("/account/passkeys"));
    let subject = lang.t("mail.passkeys.subject");
    Ok(Some(Letter { to: contact.email, subject, text: happened + &end, stop: None }))
}
