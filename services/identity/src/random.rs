//! Values that nobody can guess, and their hashes.

use anyhow::anyhow;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};

/// `N` bytes of the operating system's randomness.
///
/// # Errors
/// When the operating system gives none.
pub(crate) fn bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0u8; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow!("the system gives no random bytes"))?;
    Ok(bytes)
}

/// The same as base64url.
///
/// # Errors
/// When the operating system gives none.
pub(crate) fn word<const N: usize>() -> anyhow::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<N>()?))
}

/// A secret of 256 bits.
///
/// # Errors
/// When the operating system gives no randomness.
pub(crate) fn secret() -> anyhow::Result<String> {
    word::<32>()
}

/// What is stored of a secret.
pub(crate) fn hash(secret: &str) -> Vec<u8> {
    hash_bytes(secret.as_bytes())
}

/// SHA-256.
pub(crate) fn hash_bytes(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}
