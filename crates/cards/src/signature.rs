//! An operator's signature under a card: an Ed25519 signature of a short text, named in the country's profile and
//! verified at the start of every service that shows cards. Without one a card is shown as unsigned.

use crate::{Card, library};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use domain::CountryProfile;
use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What stands before the 32 bytes of an Ed25519 key in its DER form (RFC 8410).
const DER: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A signature that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who, as the profile names them.
    pub by: String,
    /// The day that the signed text states.
    pub on: NaiveDate,
    /// SHA-256 of the key's DER form, in hex: what a reader compares with what the signer tells elsewhere.
    pub key: String,
}

/// Verified signatures of a country, by id of the card.
pub type Signers = BTreeMap<String, Signed>;

/// Why a service does not start: a signature in the profile that is none.
#[derive(Debug, thiserror::Error)]
#[error("model_cards.signatures of `{model}` in the profile: {why}")]
pub struct SignatureError {
    /// The card that it is for.
    pub model: String,
    /// What is wrong, and what to do.
    pub why: String,
}

/// The text that is signed. It names the country, since an operator answers for their own installation.
#[must_use]
pub fn statement(country: &str, card: &Card, by: &str, on: NaiveDate) -> String {
    format!(
        "vigie model card\ncountry: {country}\nmodel: {}\nversion: {}\nby: {by}\non: {on}\nsha256: {}\n",
        card.id,
        card.version,
        card.digest()
    )
}

/// Verifies every signature of a profile.
///
/// # Errors
/// The first one that does not hold: an unknown model or signer, a key or a signature that cannot be read, or one that
/// was made for another text, which is what a changed card is.
pub fn verify(profile: &CountryProfile) -> Result<Signers, SignatureError> {
    let mut all = Signers::new();
    for one in &profile.model_cards.signatures {
        let wrong = |why: String| SignatureError { model: one.model.clone(), why };
        let card = library().card(&one.model).ok_or_else(|| wrong("there is no such model".into()))?;
        let signer = profile.model_cards.signers.iter().find(|s| s.name == one.by);
        let signer = signer.ok_or_else(|| wrong(format!("`{}` is not among model_cards.signers", one.by)))?;
        let text = statement(&profile.country.to_string(), card, &one.by, one.on);
        let key = verify_text(&signer.key, &text, &one.signature).map_err(|why| wrong(why.to_owned()))?;
        if all.insert(card.id.clone(), Signed { by: one.by.clone(), on: one.on, key }).is_some() {
            return Err(wrong("is there twice: one card has one signature".into()));
        }
    }
    Ok(all)
}

/// Verifies a signature of `text`, both in base64, and returns the fingerprint of the key.
///
/// # Errors
/// A key that is no Ed25519 key, or a signature that is not one of this text by this key.
fn verify_text(key: &str, text: &str, signature: &str) -> Result<String, &'static str> {
    let key = STANDARD.decode(key.trim()).unwrap_or_default();
    let bytes = key.strip_prefix(&DER).filter(|bytes| bytes.len() == 32).ok_or(
        "the signer's key is no Ed25519 public key: give the line that `openssl pkey -pubout` prints between its \
         first and its last",
    )?;
    let signature = STANDARD.decode(signature.trim()).unwrap_or_default();
    UnparsedPublicKey::new(&ED25519, bytes).verify(text.as_bytes(), &signature).map_err(|_| {
        "does not verify: the card, the name or the day is another than what was signed, or the key is; sign what \
         `vigie cards statement` prints, or remove the signature"
    })?;
    Ok(hex::encode(Sha256::digest(&key)))
}

#[cfg(test)]
mod tests {
    use super::verify_text;

    /// Made by openssl 3.0 with the commands of `docs/forecast/README.md`; the private key was thrown away.
    const KEY: &str = "MCowBQYDK2VwAyEAtoyH8PhvRLoUvPLnZpTS/foNQVG7jzQaxiaD/hnMMWk=";
    const SIGNATURE: &str =
        "T7LXZd+vtejgDf0UoB4Z2GAuFfDFt7WGba8GnuZ/aRwVvPY7NVqCbIxM+I2bVLnoA6Yrfrq5LE481lJKJKixAA==";
    const TEXT: &str = "vigie model card\ncountry: ch\nmodel: vigie-rt\nversion: 1\nby: A. Person\non: 2026-11-29\nsha256: 00\n";

    #[test]
    fn what_openssl_signs_verifies_and_another_text_does_not() {
        assert_eq!(verify_text(KEY, TEXT, SIGNATURE).unwrap().len(), 64);
        assert!(verify_text(KEY, &TEXT.replace("00\n", "01\n"), SIGNATURE).is_err());
    }
}
