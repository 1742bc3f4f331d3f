//! Whoever has a role that wants a passkey, or passkeys from when they had one, and what may be done with theirs now. Denied is the
//! default.

use crate::accounts;
use crate::here::Site;
use crate::passkeys::{self, Passkey};
use crate::routes::Me;
use crate::routes::sessions::mine;
use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use kit::Problem;
use serde_json::Value;
use sqlx::PgConnection;

/// For so long after a login, or after a recovery code, a passkey may be registered; and removed after a login by whoever has no
/// such role any more.
const WINDOW: TimeDelta = TimeDelta::minutes(10);

const NOT_FOR_YOU: Problem = Problem::Forbidden("passkeys are for those who run this site");

/// Somebody with such a role, or with passkeys.
pub(super) struct Operator {
    pub(super) me: Me,
    pub(super) keys: Vec<Passkey>,
    pub(super) now: DateTime<Utc>,
    /// Has such a role and may use it.
    pub(super) operates: bool,
    confirmed: bool,
    strong: bool,
}

impl Operator {
    /// Whoever is logged in, if they have such a role and may use it.
    ///
    /// # Errors
    /// 401 and 403.
    pub(super) async fn of(site: &Site, headers: &HeaderMap) -> Result<Self, Problem> {
        let one = Self::who(site, mine(site, headers).await?).await?;
        if one.operates { Ok(one) } else { Err(NOT_FOR_YOU) }
    }

    /// The same, or whoever has passkeys: what is kept of somebody they see and remove, whatever became of their role.
    ///
    /// # Errors
    /// 401 and 403.
    pub(super) async fn or_owner(site: &Site, headers: &HeaderMap) -> Result<Self, Problem> {
        let one = Self::who(site, mine(site, headers).await?).await?;
        if one.operates || !one.keys.is_empty() { Ok(one) } else { Err(NOT_FOR_YOU) }
    }

    async fn who(site: &Site, me: Me) -> Result<Self, Problem> {
        let now = site.time.now();
        let mut conn = site.app.db.acquire().await?;
        let roles = accounts::roles(&mut conn, &me.account.id, now).await?;
        let operates = site.policy.operates(roles.iter().map(String::as_str)) && me.account.is_usable();
        let keys = passkeys::of_account(&mut conn, &me.account.id).await?;
        let provider = site.providers.iter().find(|e| e.declared.id == me.account.provider);
        let strong = provider.is_some_and(|e| e.declared.acr_values.contains(&me.session.acr));
        let confirmed = me.session.confirmed_after(now - site.passkey_age);
        Ok(Self { me, keys, now, operates, confirmed, strong })
    }

    /// Is the login of a class that the profile accepts? One from before the profile asked for more may not be.
    pub(super) fn is_strong(&self) -> bool {
        self.strong
    }

    /// The same, a short while ago.
    fn logged_in_now(&self) -> bool {
        self.strong && self.me.session.created_at > self.now - WINDOW
    }

    /// Was a passkey used in this session a short while ago?
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed && self.keys.iter().any(|k| k.refused_at.is_none())
    }

    /// A first passkey right after a login that is strong enough; a further one with a passkey, or with a recovery code.
    pub(super) fn may_register(&self) -> bool {
        if !self.operates {
            return false;
        }
        if self.keys.is_empty() {
            return self.logged_in_now();
        }
        let recovered = self.me.session.recovered_at.is_some_and(|at| at > self.now - WINDOW);
        self.is_confirmed() || (self.strong && recovered)
    }

    /// Rename and remove: with a passkey. Of whoever has no such role any more the passkeys open nothing, and may be lost: a login
    /// of now is enough.
    pub(super) fn may_change(&self) -> bool {
        self.is_confirmed() || (!self.operates && self.logged_in_now())
    }

    /// # Errors
    /// [`Problem::StepUp`].
    pub(super) fn changes(&self) -> Result<(), Problem> {
        if self.may_change() { Ok(()) } else { Err(Problem::StepUp) }
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
