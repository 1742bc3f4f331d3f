//! A request from the moment it is made to its receipt.

use crate::here::Site;
use crate::rights::receipts::{Key, Receipt};
use crate::rights::requests::{self, Request};
use crate::rights::{Held, Person};
use kit::Problem;
use serde_json::Value;
use sqlx::{Postgres, Transaction};

/// A request under way.
pub(super) struct Desk<'a> {
    site: &'a Site,
    key: &'a Key,
    request: Request,
}

impl<'a> Desk<'a> {
    /// Writes the request down, for good, before anything is done for it: what fails then stays open and is seen.
    pub(super) async fn open(site: &'a Site, person: &Person, kind: &str) -> Result<Self, Problem> {
        let who = person.pseudonyms();
        let name = who.first().map(String::as_str).or(person.email());
        site.throttle.person(name.unwrap_or_default())?;
        let key = site.receipt_key().await?;
        let mut tx = site.app.db.begin().await?;
        if !person.held(&mut tx, Held::Together).await? {
            return Err(Problem::Unauthorized("what was kept of whoever asks is erased"));
        }
        let (law, now) = (site.app.profile.law, site.time.now());
        let request = requests::open(&mut tx, who.first().map(String::as_str), kind, law, now).await?;
        tx.commit().await?;
        Ok(Self { site, key, request })
    }

    /// One that waited for something; `key` as of [`Site::receipt_key`].
    pub(super) fn again(site: &'a Site, key: &'a Key, request: Request) -> Self {
        Self { site, key, request }
    }

    /// Its number.
    pub(super) fn id(&self) -> &str {
        &self.request.id
    }

    /// What was done and its receipt: both, or neither.
    pub(super) async fn close(
        self,
        mut tx: Transaction<'static, Postgres>,
        detail: Value,
    ) -> Result<String, Problem> {
        let now = self.site.time.now();
        let receipt = Receipt {
            iss: self.site.issuer(),
            request: self.request.id.clone(),
            kind: self.request.kind,
            made_at: self.request.made_at,
            done_at: now,
            detail,
        };
        let receipt = self.key.sign(&receipt)?;
        requests::close(&mut tx, &self.request.id, "done", Some(&receipt), now).await?;
        tx.commit().await?;
        Ok(receipt)
    }
}
