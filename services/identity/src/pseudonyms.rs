//! What the audit, the requests and the consents call somebody: made from a key that is destroyed with what is kept of the
//! person. Without the key nobody can tell whose it was.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

/// The key of a person. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct PersonKey(Vec<u8>);

impl std::fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonKey")
    }
}

impl PersonKey {
    /// 256 new random bits.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(crate::random::bytes::<32>()?.to_vec()))
    }

    /// The pseudonym: 128 bits as base64url.
    #[must_use]
    pub fn pseudonym(&self) -> String {
        self.word("audit")
    }

    /// A word that only this key makes of `what`: the address that ends an alert needs to be stored nowhere.
    pub(crate) fn word(&self, what: &str) -> String {
        URL_SAFE_NO_PAD.encode(&self.tag(what).as_ref()[..16])
    }

    /// Is `word` that of `what`? Takes as long for a wrong one.
    pub(crate) fn is_word(&self, what: &str, word: &str) -> bool {
        let made = self.word(what);
        // Hashed first: comparing hashes says nothing of how much of a word was right.
        made.len() == word.len() && crate::random::hash(&made) == crate::random::hash(word)
    }

    fn tag(&self, what: &str) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), what.as_bytes())
    }
}
