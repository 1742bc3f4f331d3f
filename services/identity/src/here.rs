//! What every page shares: the country, its languages, its providers.

use crate::alerts::source::Source;
use crate::assets::styles;
use crate::audit;
use crate::mailer::{Letter, Mailer};
use crate::options::Options;
use crate::passkeys::{RelyingParty, challenges};
use crate::provider::Provider;
use crate::redirects::{in_language, local};
use crate::rights::list::{self, Mark};
use crate::rights::receipts;
use crate::throttle::Throttle;
use crate::time::Time;
use crate::tokens::Signer;
use anyhow::{Context as _, bail};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, REFERER};
use chrono::TimeDelta;
use domain::profile::Language;
use domain::profile::identity::Provider as Declared;
use kit::App;
use kit::access::Policy;
use kit::locale::Formats;
use kit::style::Styles;
use rust_i18n::t;
use serde_json::Value;
use sqlx::PgConnection;
use std::path::PathBuf;
use std::sync::Arc;
use url::{Host, Url};

/// A provider of the country, and our client there where this installation is registered.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) declared: Declared,
    pub(crate) client: Option<Arc<Provider>>,
}

/// The country's pages. Made once at the start.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) langs: Vec<Lang>,
    pub(crate) assets: Styles,
    pub(crate) providers: Vec<Entry>,
    pub(crate) throttle: Throttle,
    pub(crate) time: Time,
    pub(crate) missing: Option<String>,
    /// Whether a browser keeps a `Secure` cookie of this origin: https, or this machine.
    pub(crate) secure: bool,
    pub(crate) origin: Url,
    pub(crate) signer: Signer,
    pub(crate) receipts: receipts::Signer,
    pub(crate) mailer: Option<Mailer>,
    /// What alerts read.
    pub(crate) source: Source,
    /// The list of erasures outside the database.
    pub(crate) erasures: Option<PathBuf>,
    /// The audit's own credential.
    pub(crate) audit: Option<audit::Own>,
    pub(crate) policy: Policy,
    /// Who this is to an authenticator; `None` where the origin has no name.
    pub(crate) passkeys: Option<RelyingParty>,
    /// How long the use of a passkey counts.
    pub(crate) passkey_age: TimeDelta,
    /// The public key of the service that asks about API keys.
    pub(crate) service_key: Option<String>,
}

impl Site {
    /// # Errors
    /// When a registration is of no provider of the country or lacks something; when a language has no formats.
    pub(crate) fn new(app: App, options: Options, time: Time) -> anyhow::Result<Self> {
        let p = &app.profile;
        let lang = |language: &Language| {
            let formats = Formats::new(&language.tag, p.time_zone, p.week_system)?;
            Ok(Lang { language: language.clone(), formats })
        };
        let langs = p.languages.iter().map(lang).collect::<anyhow::Result<Vec<_>>>()?;
        let known = |id: &String| p.identity.providers.iter().any(|d| d.id == *id);
        if let Some(id) = options.registrations.keys().find(|id| !known(id)) {
            bail!("VIGIE_REGISTRATIONS names {id}, which is no provider of the country's profile");
        }
        let scopes = p.identity.keys.iter().flat_map(|k| &k.scopes);
        if let Some(scope) = scopes.into_iter().find(|s| !kit::keys::SCOPES.contains(&s.as_str())) {
            bail!(
                "identity.keys of the profile names the scope {scope}: known are {}",
                kit::keys::SCOPES.join(", ")
            );
        }
        let entry = |declared: &Declared| {
            let client = options.registrations.get(&declared.id).map(|registration| {
                Provider::new(declared.clone(), registration.clone(), &app.public_url, time.clone())
                    .map(Arc::new)
            });
            Ok(Entry { declared: declared.clone(), client: client.transpose()? })
        };
        let providers = p.identity.providers.iter().map(entry).collect::<anyhow::Result<Vec<_>>>()?;
        let origin: Url = app.public_url.parse()?;
        let secure = origin.scheme() == "https"
            || match origin.host() {
                Some(Host::Domain(name)) => name == "localhost",
                Some(Host::Ipv4(ip)) => ip.is_loopback(),
                Some(Host::Ipv6(ip)) => ip.is_loopback(),
                None => false,
            };
        let assets = styles(&p.theme);
        let patience = challenges::LIFE.to_std()?;
        let passkeys = RelyingParty::new(&origin, patience).context("passkeys for VIGIE_PUBLIC_URL")?;
        let source = Source::new(options.forecast.unwrap_or_else(|| origin.clone()))?;
        Ok(Self {
            langs,
            assets,
            providers,
            throttle: Throttle::default(),
            time,
            missing: options.missing,
            secure,
            origin,
            signer: Signer::default(),
            receipts: receipts::Signer::default(),
            mailer: Mailer::new(&options.mail)?,
            source,
            erasures: options.erasures,
            audit: options.audit,
            policy: Policy::of_the_platform()?,
            passkeys,
            passkey_age: TimeDelta::minutes(options.passkey_minutes.get().into()),
            service_key: options.data_api_key,
            app,
        })
    }

    /// What signs receipts, as of [`receipts::Signer::key`]: before a transaction is begun.
    pub(crate) async fn receipt_key(&self) -> anyhow::Result<&receipts::Key> {
        self.receipts.key(&self.app.db, self.erasures.as_deref(), self.time.now()).await
    }

    /// Whose tokens are good here.
    pub(crate) fn issuer(&self) -> String {
        self.origin.origin().ascii_serialization()
    }

    /// Where they are good.
    pub(crate) fn audience(&self) -> String {
        format!("vigie:{}", self.app.profile.country)
    }

    /// Our client at the provider named `id`.
    pub(crate) fn provider(&self, id: &str) -> Option<&Arc<Provider>> {
        self.providers.iter().find(|e| e.declared.id == id)?.client.as_ref()
    }

    /// The language named by a request, else the one [chosen](Self::chosen), else the one that its reader prefers, else the
    /// country's first.
    pub(crate) fn lang(&self, named: Option<&str>, headers: &HeaderMap) -> Option<&Lang> {
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|l| l.to_str().ok());
        named
            .and_then(|code| self.by_code(code))
            .or_else(|| self.chosen(headers))
            .or_else(|| self.by_code(&self.app.negotiate(accepted)?.code))
    }

    /// The language that the reader chose on the page of ours from which the request comes.
    pub(crate) fn chosen(&self, headers: &HeaderMap) -> Option<&Lang> {
        let page: Url = headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
        let (_, code) = page.query_pairs().find(|(name, _)| name == "lang")?;
        self.by_code(&code).filter(|_| page.origin() == self.origin.origin())
    }

    /// `to`, in the language that the reader chose, where the country has several: so the next page, and what is done on it, speaks it.
    pub(crate) fn onward(&self, to: &str, chosen: Option<&Lang>) -> String {
        match chosen.filter(|_| self.langs.len() > 1) {
            Some(lang) => in_language(to, &lang.language.code),
            None => to.to_owned(),
        }
    }

    /// The language that is kept as `code`.
    pub(crate) fn by_code(&self, code: &str) -> Option<&Lang> {
        self.langs.iter().find(|l| l.language.code == code)
    }

    /// An absolute address of this site.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    /// Writes down what is being done, before the transaction of `conn` is committed.
    pub(crate) async fn write(
        &self,
        conn: &mut PgConnection,
        actor: &str,
        action: &str,
        about: &str,
        detail: Value,
    ) -> sqlx::Result<()> {
        audit::write(conn, self.audit.as_ref(), self.time.now(), actor, action, about, detail).await
    }

    /// Sends a letter and does not wait: the answer takes as long for an address that is known here as for another one.
    pub(crate) fn post(&self, letter: impl Into<Option<Letter>>) {
        let (Some(mailer), Some(letter)) = (self.mailer.clone(), letter.into()) else { return };
        tokio::spawn(async move {
            if let Err(error) = mailer.send(&letter).await {
                tracing::warn!(%error, "a letter was not sent");
            }
        });
    }

    /// Writes down outside the database that something ended for good, before the transaction that ends it is committed.
    pub(crate) async fn ended(&self, ids: Vec<String>) -> anyhow::Result<()> {
        let Some(list) = self.erasures.clone().filter(|_| !ids.is_empty()) else { return Ok(()) };
        tokio::task::spawn_blocking(move || list::ended(&list, &ids)).await?
    }

    /// The same of a mark, from now on or no more. One that is set is written down before its transaction is committed, one that is
    /// lifted after: where that fails it stands in the list, and may be lifted once more; the other way round a restore would lift it.
    pub(crate) async fn marked(&self, mark: Mark, on: bool, ids: Vec<String>) -> anyhow::Result<()> {
        let Some(list) = self.erasures.clone() else { return Ok(()) };
        tokio::task::spawn_blocking(move || list::marked(&list, &mark, on, &ids)).await?
    }

    /// A path of this site that may be gone to after a login; anything else becomes the account page.
    pub(crate) fn local(&self, path: Option<&str>) -> String {
        local(&self.origin, path)
    }
}

/// A language: its words and its formats.
#[derive(Debug)]
pub(crate) struct Lang {
    pub(crate) language: Language,
    pub(crate) formats: Formats,
}

impl Lang {
    /// The text named `key`; a test proves that every key exists in every language.
    pub(crate) fn t(&self, key: impl AsRef<str>) -> String {
        t!(key.as_ref(), locale = self.language.code.as_str()).into_owned()
    }

    /// The text named `key` with one placeholder filled in.
    pub(crate) fn f(&self, key: impl AsRef<str>, name: &str, value: &str) -> String {
        rust_i18n::replace_patterns(&self.t(key), &[name], &[value.to_owned()])
    }

    /// The text `key` if there is one, else `other`.
    pub(crate) fn or(&self, key: &str, other: &str) -> String {
        match crate::_rust_i18n_try_translate(&self.language.code, key) {
            Some(text) => text.into_owned(),
            None => self.t(other),
        }
    }
}
