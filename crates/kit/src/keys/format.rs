//! The written form: `vigie_us_` for whoever scans for secrets, 43 characters of 62 (256 bits), 6 of a checksum (CRC-32, as
//! GitHub's tokens have one), so that a mistyped or invented key is known as such without asking anybody.

/// Characters of the random part: 62⁴³ is more than 2²⁵⁶.
const RANDOM: usize = 43;
/// Characters of the checksum: 62⁶ is more than 2³².
const CHECK: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// What every key begins with; the country's code follows.
const BRAND: &str = "vigie_";
/// Brand, two letters of a country, `_`.
const PREFIX: usize = BRAND.len() + 3;
/// The longest key, and every key.
const LENGTH: usize = PREFIX + RANDOM + CHECK;

/// What a scanner for secrets looks for.
pub const PATTERN: &str = r"\bvigie_[a-z]{2}_[0-9A-Za-z]{49}\b";

/// What a country's keys begin with.
#[must_use]
pub fn prefix(country: &str) -> String {
    format!("{BRAND}{country}_")
}

/// Writes a new key of random bytes that `byte` gives.
///
/// # Errors
/// Those of `byte`.
pub fn compose<E>(country: &str, mut byte: impl FnMut() -> Result<u8, E>) -> Result<String, E> {
    let mut text = prefix(country);
    let end = text.len() + RANDOM;
    while text.len() < end {
        let byte = byte()?;
        // 248 is four times 62: with the rest, some characters would be likelier than others.
        if byte < 248 {
            text.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        }
    }
    let sum = checksum(&text);
    text.push_str(&sum);
    Ok(text)
}

/// CRC-32 (IEEE) of what stands before it.
fn checksum(body: &str) -> String {
    let mut left = crc32fast::hash(body.as_bytes()) as usize;
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[left % ALPHABET.len()];
        left /= ALPHABET.len();
    }
    digits.into_iter().map(char::from).collect()
}

/// Is this a whole key of `country`, with its checksum? Whether it stands, only `identity` knows.
#[must_use]
pub fn is_whole(country: &str, text: &str) -> bool {
    text.len() == LENGTH
        && text.starts_with(&prefix(country))
        && text.is_char_boundary(LENGTH - CHECK)
        && checksum(&text[..LENGTH - CHECK]) == text[LENGTH - CHECK..]
}

/// Everything in a text that looks like a key of any country, whole or not: what leaked, what stands in an address.
pub fn found_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(BRAND).filter_map(|(at, _)| {
        let rest = text.get(at..at + LENGTH)?;
        let (head, random) = rest.split_at_checked(PREFIX)?;
        let country = head.strip_prefix(BRAND)?.strip_suffix('_')?;
        let fits = country.bytes().all(|b| b.is_ascii_lowercase())
            && random.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made(seed: u8) -> String {
        let mut next = seed;
        compose("us", || {
            next = next.wrapping_mul(5).wrapping_add(17);
            Ok::<u8, ()>(next)
        })
        .unwrap()
    }

    #[test]
    fn a_key_has_256_bits_a_prefix_and_a_checksum_that_one_changed_character_breaks() {
        assert!((RANDOM as f64) * 62f64.log2() >= 256.0);
        let key = made(3);
        assert_eq!((key.len(), key.starts_with("vigie_us_")), (LENGTH, true), "{key}");
        assert!(is_whole("us", &key) && !is_whole("fr", &key));
        for at in 0..key.len() {
            let mut other = key.clone().into_bytes();
            other[at] = if other[at] == b'a' { b'b' } else { b'a' };
            assert!(!is_whole("us", &String::from_utf8(other).unwrap()), "changed at {at}");
        }
        // Bytes that would make some characters likelier are not used.
        let mut bytes = [255u8, 248, 250].into_iter().chain(std::iter::repeat(61));
        let key = compose("us", || bytes.next().ok_or(())).unwrap();
        assert!(key.starts_with(&format!("vigie_us_{}", "z".repeat(RANDOM))), "{key}");
    }

    #[test]
    fn the_scan_of_the_repository_looks_for_what_is_written_here() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/workflows/gitleaks.toml");
        let text = std::fs::read_to_string(path).unwrap();
        let file: toml::Table = text.parse().unwrap();
        let rules = file["rules"].as_array().unwrap();
        let rule = rules.iter().find(|r| r["id"].as_str() == Some("vigie-api-key")).unwrap();
        assert_eq!(rule["regex"].as_str(), Some(PATTERN));
        assert!(PATTERN.contains(&format!("{{{}}}", RANDOM + CHECK)) && PATTERN.contains(BRAND));
    }

    #[test]
    fn a_key_is_found_wherever_it_leaked() {
        let (one, two) = (made(1), made(2));
        let text = format!("KEY={one}\nhttps://example.org/?key={two}&x=1 vigie_us_short vigie_");
        assert_eq!(found_in(&text).collect::<Vec<_>>(), [one.as_str(), two.as_str()]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*", tail in "[0-9A-Za-zé_]{0,60}") {
            let whole = format!("{text}vigie_us_{tail}");
            let _ = (found_in(&whole).count(), is_whole("us", &whole), is_whole("us", &whole[text.len()..]));
        }
    }
}
