//! The tokens between services: a JWS in compact form (RFC 7515) with one algorithm, Ed25519 (RFC 8037), checked by `ring`.
//!
//! Written here because the one library for it that keeps up either brings the `rsa` crate (RUSTSEC-2023-0071) into every
//! service or a C toolchain into every build; and with one algorithm there is nothing to negotiate, which is where such
//! libraries were attacked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

/// `typ` of these tokens: no other JWT of anybody has it (RFC 8725, section 3.11).
pub const TYPE: &str = "vigie-access+jwt";
/// The longest token that is looked at.
const LONGEST: usize = 4096;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// What a token says. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The origin of the installation whose `identity` made it.
    pub iss: String,
    /// The country that it is good in: `vigie:fr`.
    pub aud: String,
    /// A pseudonym.
    pub sub: String,
    /// Roles.
    pub roles: Vec<String>,
    /// When it was made.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// Whether a passkey was used a short while before it was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passkey: bool,
    /// Its name, where it is good once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}

/// A public key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// Its name.
    pub kid: String,
    /// 32 bytes, base64url.
    pub x: String,
}

/// The keys of `identity`, as it serves them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwks {
    /// Each key that may have signed a token that is still good.
    pub keys: Vec<Jwk>,
}

impl Jwk {
    /// A key of 32 bytes.
    #[must_use]
    pub fn new(kid: &str, public: &[u8]) -> Self {
        let x = URL_SAFE_NO_PAD.encode(public);
        Self { kty: "OKP".into(), crv: "Ed25519".into(), kid: kid.into(), x }
    }

    /// Its bytes; `None` for a key of another kind.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let ours = self.kty == "OKP" && self.crv == "Ed25519";
        URL_SAFE_NO_PAD.decode(&self.x).ok().filter(|b| ours && b.len() == 32)
    }
}

/// Writes a token; `sign` is given the message and returns 64 bytes of Ed25519.
///
/// # Errors
/// When JSON cannot carry the claims.
pub fn compact(
    kid: &str,
    claims: &Claims,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> serde_json::Result<String> {
    let header = Header { alg: "EdDSA".into(), typ: TYPE.into(), kid: kid.into() };
    let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?));
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(message.as_bytes()))))
}

/// A token taken apart and not believed yet.
pub(super) struct Parts<'a> {
    message: &'a [u8],
    signature: Vec<u8>,
    payload: &'a str,
    pub(super) kid: String,
}

/// Takes a token apart; `None` for whatever is none of ours.
pub(super) fn parts(token: &str) -> Option<Parts<'_>> {
    let (message, signature) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST)?;
    let (header, payload) = message.split_once('.')?;
    let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let ours = header.alg == "EdDSA" && header.typ == TYPE;
    ours.then_some(Parts { message: message.as_bytes(), signature, payload, kid: header.kid })
}

impl Parts<'_> {
    /// What it says, if `key` signed it.
    pub(super) fn claims(&self, key: &[u8]) -> Option<Claims> {
        UnparsedPublicKey::new(&ED25519, key).verify(self.message, &self.signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(self.payload).ok()?).ok()
    }
}
