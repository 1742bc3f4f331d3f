//! `private_key_jwt`: an assertion that proves who we are (RFC 7523), signed by `ring`.
//!
//! Not by the library's own RSA, which leaks the private key through its timing (RUSTSEC-2023-0071).

use super::Failure;
use crate::options::Registration;
use crate::random;
use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;

/// How long an assertion is good for.
const LIFE: TimeDelta = TimeDelta::minutes(2);

/// A private key of ours.
pub(super) enum Key {
    /// ES256.
    P256(Box<EcdsaKeyPair>),
    /// RS256: the only one that Login.gov takes.
    Rsa(Box<RsaKeyPair>),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::P256(_) => "Key(P-256)",
            Self::Rsa(_) => "Key(RSA)",
        })
    }
}

impl Key {
    /// Reads PKCS#8 in PEM.
    ///
    /// # Errors
    /// When it is none, or of another kind.
    pub(super) fn read(pem: &str) -> anyhow::Result<Self> {
        let body: String = pem.lines().filter(|l| !l.starts_with("-----")).map(str::trim).collect();
        let der = STANDARD.decode(body).context("is no PEM")?;
        if let Ok(pair) =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new())
        {
            return Ok(Self::P256(Box::new(pair)));
        }
        match RsaKeyPair::from_pkcs8(&der) {
            Ok(pair) => Ok(Self::Rsa(Box::new(pair))),
            Err(_) => bail!("is neither a P-256 nor an RSA key (2048 bits or more) in PKCS#8"),
        }
    }

    fn sign(&self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::P256(pair) => {
                let made =
                    pair.sign(&random, message).map_err(|_| anyhow!("the assertion cannot be signed"))?;
                Ok(made.as_ref().to_vec())
            }
            Self::Rsa(pair) => {
                let mut made = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut made)
                    .map_err(|_| anyhow!("the assertion cannot be signed"))?;
                Ok(made)
            }
        }
    }

    /// The two parameters of the token request.
    ///
    /// # Errors
    /// [`Failure::Provider`] when nothing can be signed.
    pub(super) fn assertion(
        &self,
        registration: &Registration,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Result<[(&'static str, String); 2], Failure> {
        let algorithm = match self {
            Self::P256(_) => "ES256",
            Self::Rsa(_) => "RS256",
        };
        let mut header = json!({ "alg": algorithm, "typ": "JWT" });
        if let Some(kid) = &registration.key_id {
            header["kid"] = json!(kid);
        }
        let id = &registration.client_id;
        let word = random::word::<16>().map_err(Failure::Provider)?;
        let claims = json!({
            "iss": id, "sub": id, "aud": audience, "jti": word,
            "iat": now.timestamp(), "exp": (now + LIFE).timestamp(),
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = self.sign(message.as_bytes()).map_err(Failure::Provider)?;
        Ok([
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
            ("client_assertion", format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))),
        ])
    }
}
