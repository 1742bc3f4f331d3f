//! Signed receipts: what was done for somebody, when; without who they are. A compact JWS (RFC 7515) with Ed25519.

use super::list;
use crate::random;
use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use kit::access::{Jwk, Jwks};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use std::iter;
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The installation that gave it: its origin.
    pub iss: String,
    /// The request's number.
    pub request: String,
    /// What was asked for: `access`, `erasure`.
    pub kind: String,
    /// When it was asked for.
    pub made_at: DateTime<Utc>,
    /// When it was done.
    pub done_at: DateTime<Utc>,
    /// More: how many rows, the SHA-256 of what was handed out.
    pub detail: Value,
}

/// Has the key of this process, and makes it when it is first wanted.
#[derive(Default)]
pub(crate) struct Signer(OnceCell<Key>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("receipts::Signer")
    }
}

impl Signer {
    /// The key, published and kept beside the `list` of erasures. To be asked for before a transaction is begun: whoever holds a
    /// connection of `db` and waits for another one waits for others who do the same.
    ///
    /// # Errors
    /// When the database does not answer, the key cannot be kept beside the list, or the system has no randomness.
    pub(crate) async fn key(
        &self,
        db: &PgPool,
        list: Option<&Path>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<&Key> {
        self.0.get_or_try_init(|| fresh(db, list, now)).await
    }
}

/// Signs. The private key lives in this process only; its public half is published for good.
pub(crate) struct Key {
    pair: Ed25519KeyPair,
    kid: String,
}

impl Key {
    /// Signs a receipt.
    ///
    /// # Errors
    /// None that is known: what a receipt says can be written as JSON.
    pub(crate) fn sign(&self, receipt: &Receipt) -> anyhow::Result<String> {
        let encode = |value: &Value| serde_json::to_vec(value).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let header = encode(&json!({ "alg": "EdDSA", "typ": TYPE, "kid": self.kid }))?;
        let message = format!("{header}.{}", encode(&serde_json::to_value(receipt)?)?);
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()))))
    }
}

const TYPE: &str = "vigie-receipt+jws";

async fn fresh(db: &PgPool, list: Option<&Path>, now: DateTime<Utc>) -> anyhow::Result<Key> {
    let no = |_| anyhow!("no key could be made");
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(no)?;
    let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).map_err(|_| anyhow!("no key could be made"))?;
    let kid = random::word::<16>()?;
    let public = Public { jwk: Jwk::new(&kid, pair.public_key().as_ref()), made_at: now };
    if let Some(list) = list {
        let (list, line) = (list.to_owned(), serde_json::to_string(&public)?);
        tokio::task::spawn_blocking(move || {
            // Both files are there, or none: a restore that finds the list finds the keys.
            list::append(&list, iter::empty()).and_then(|()| list::append(&beside(&list), iter::once(line)))
        })
        .await??;
    }
    publish(&mut *db.acquire().await?, &public).await?;
    Ok(Key { pair, kid })
}

/// The public half of a key, as it is kept beside the list of erasures: one a line.
#[derive(Serialize, Deserialize)]
struct Public {
    #[serde(flatten)]
    jwk: Jwk,
    made_at: DateTime<Utc>,
}

/// Beside the list of erasures: a backup from before a key was made does not have it, and whoever was erased since has nothing
/// but the receipt that it signed.
fn beside(list: &Path) -> PathBuf {
    list.with_added_extension("receipt-keys")
}

/// `false`: it is published already.
async fn publish(conn: &mut PgConnection, key: &Public) -> anyhow::Result<bool> {
    let bytes = URL_SAFE_NO_PAD.decode(&key.jwk.x).context("a key of receipts cannot be read")?;
    let query =
        "insert into receipt_key (kid, public_key, made_at) values ($1, $2, $3) on conflict (kid) do nothing";
    let done = sqlx::query(query).bind(&key.jwk.kid).bind(bytes).bind(key.made_at).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}

/// Publishes again the keys that stand beside the list of erasures, after a backup from before was restored. Returns how many.
///
/// # Errors
/// When the file cannot be read or the database does not answer.
pub async fn again(conn: &mut PgConnection, list: &Path) -> anyhow::Result<usize> {
    let path = beside(list);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        read => read.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    let mut published = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        // Half a line is of a key that signed nothing: it is written first.
        let Ok(key) = serde_json::from_str::<Public>(line) else { continue };
        published += usize::from(publish(&mut *conn, &key).await?);
    }
    Ok(published)
}

/// All the public keys that ever signed a receipt here.
///
/// # Errors
/// When the database does not answer.
pub async fn keys(db: &PgPool) -> sqlx::Result<Jwks> {
    let rows: Vec<(String, Vec<u8>)> =
        sqlx::query_as("select kid, public_key from receipt_key order by made_at, kid").fetch_all(db).await?;
    Ok(Jwks { keys: rows.iter().map(|(kid, key)| Jwk::new(kid, key)).collect() })
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// What a receipt says, if one of `keys` signed it.
///
/// # Errors
/// With what is wrong with it.
pub fn verify(text: &str, keys: &Jwks) -> anyhow::Result<Receipt> {
    let text = text.trim();
    let broken = "this is no receipt: a receipt is three words joined by points";
    let (message, signature) = text.rsplit_once('.').context(broken)?;
    let (header, payload) = message.split_once('.').context(broken)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).context(broken);
    let header: Header = serde_json::from_slice(&decode(header)?).context(broken)?;
    if header.alg != "EdDSA" || header.typ != TYPE {
        bail!("this is signed, and no receipt of Vigie");
    }
    let key = keys.keys.iter().find(|k| k.kid == header.kid && k.kty == "OKP" && k.crv == "Ed25519");
    let Some(key) = key else {
        bail!("no published key is named {}: it is of another installation", header.kid)
    };
    let public = decode(&key.x).context("the published key cannot be read")?;
    UnparsedPublicKey::new(&ED25519, public)
        .verify(message.as_bytes(), &decode(signature)?)
        .map_err(|_| anyhow!("the signature does not fit: the receipt was changed"))?;
    serde_json::from_slice(&decode(payload)?).context("what was signed is no receipt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_that_was_not_signed_is_a_receipt(
            text in ".*", header in "[ -~]{0,60}", rest in "[ -~]{0,60}", x in ".{0,50}", public: [u8; 32],
        ) {
            let part = |v: &str| URL_SAFE_NO_PAD.encode(v);
            let ours = part(&format!("{{\"alg\":\"EdDSA\",\"typ\":\"{TYPE}\",\"kid\":\"k\"}}"));
            let mut keys = Jwks { keys: vec![Jwk::new("k", &public)] };
            for key in [x, keys.keys[0].x.clone()] {
                keys.keys[0].x = key;
                for text in [
                    text.clone(),
                    format!("{}.{}.{}", part(&header), part(&rest), part(&rest)),
                    format!("{ours}.{}.{}", part(&rest), part(&rest)),
                    format!("{ours}.{rest}.{text}"),
                ] {
                    prop_assert!(verify(&text, &keys).is_err(), "{text}");
                }
            }
        }
    }
}
