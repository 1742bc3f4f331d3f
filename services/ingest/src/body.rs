//! Before any parser: is this a data file at all? And the packing of bytes, always the same way.

pub mod zip;

use crate::Refusal;
use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::io::Read as _;

/// The largest payload that is unpacked: far above any known table, far below what would hurt the machine.
const LIMIT: u64 = 256 << 20;

/// Refuses what is known not to be data, whatever its status code and its name said.
///
/// # Errors
/// [`Refusal::Empty`] or [`Refusal::NotData`] with what it is instead.
pub fn sniff(bytes: &[u8]) -> Result<(), Refusal> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii();
    if text.is_empty() {
        return Err(Refusal::Empty);
    }
    let starts = |with: &[u8]| text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    if starts(b"<") {
        return Err(Refusal::NotData("a web page"));
    }
    if starts(b"version https://git-lfs.github.com/spec/") {
        return Err(Refusal::NotData("a pointer to a file in Git LFS"));
    }
    if starts(b"404: not found") || starts(b"{\"error") || starts(b"{\"message") {
        return Err(Refusal::NotData("an error message"));
    }
    // An export that breaks off says so in its last line, after a status 200.
    let tail = &text[text.len().saturating_sub(400)..];
    if String::from_utf8_lossy(tail).contains("Streaming interrupted due to the following error") {
        return Err(Refusal::NotData("an export that broke off with an error"));
    }
    Ok(())
}

/// The text of a payload: UTF-8, UTF-16 that says so, or Latin-1, the other encodings in use.
///
/// # Errors
/// [`Refusal::Unreadable`] for bytes that no text has.
pub fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    let bad = |why: &str| Refusal::Unreadable { format: "text", why: why.to_owned() };
    let units = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
        let whole = bytes.len().is_multiple_of(2);
        String::from_utf16(&units).ok().filter(|_| whole).ok_or_else(|| bad("it is broken UTF-16"))
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(units(rest, u16::from_le_bytes)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(units(rest, u16::from_be_bytes)?),
        _ => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                // Every byte of Latin-1 is the character of that number.
                Err(_) => Cow::Owned(bytes.iter().map(|b| char::from(*b)).collect()),
            }
        }
    };
    if text.trim_start_matches('\u{feff}').contains('\u{feff}') {
        return Err(bad("a byte-order mark stands in its middle: two files were put together"));
    }
    if text.contains('\0') {
        return Err(bad("it holds NUL bytes: it is binary, or in an encoding that it does not declare"));
    }
    Ok(text)
}

/// Unpacks gzip, also of several members one after the other; other bytes are returned as they are.
///
/// # Errors
/// [`Refusal::Unreadable`] when the packing is broken or the content is larger than 256 MiB.
pub fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.to_vec());
    }
    let bad = |why: String| Refusal::Unreadable { format: "gzip", why };
    let mut out = Vec::new();
    MultiGzDecoder::new(bytes).take(LIMIT + 1).read_to_end(&mut out).map_err(|e| bad(e.to_string()))?;
    if out.len() as u64 > LIMIT {
        return Err(bad("it unpacks to more than 256 MiB".to_owned()));
    }
    Ok(out)
}

/// Packs with gzip so that the same content is always the same bytes: no time, no name, and a packer that does not
/// depend on how the rest of the program was built.
#[must_use]
pub fn pack(content: &[u8]) -> Vec<u8> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff];
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let mut out = HEADER.to_vec();
    out.extend(miniz_oxide::deflate::compress_to_vec(content, 9));
    out.extend(crc.sum().to_le_bytes());
    // The length modulo 2^32, as the format wants it.
    out.extend(crc.amount().to_le_bytes());
    out
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_data_is_named() {
        assert_eq!(sniff(b""), Err(Refusal::Empty));
        assert_eq!(sniff(b"\xEF\xBB\xBF \r\n"), Err(Refusal::Empty));
        for (bytes, what) in [
            (&b"<!DOCTYPE html><html>"[..], "a web page"),
            (b"\n<?xml version='1.0'?>", "a web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer to a file in Git LFS"),
            (b"404: Not Found", "an error message"),
            (
                b"a,b\n1,2\nStreaming interrupted due to the following error: x",
                "an export that broke off with an error",
            ),
        ] {
            assert_eq!(sniff(bytes), Err(Refusal::NotData(what)));
        }
        assert_eq!(sniff(b"a,b\n1,2\n"), Ok(()));
    }

    #[test]
    fn packing_is_deterministic_and_unpacks() {
        let content = b"place,reference_date\nFR,2025-01-05\n".repeat(100);
        let packed = pack(&content);
        assert_eq!(packed, pack(&content));
        // Known bytes: whoever changes the packer changes every file of the extract, and shall know it.
        assert_eq!(sha256(&packed), "8a6a22bcb66f203219fc4b545884a7401463fb7ac2d1eae7f9ee1c2badd63ca9");
        assert_eq!(unpack(&packed).unwrap(), content);
        assert_eq!(unpack(b"plain").unwrap(), b"plain");
        assert!(unpack(&packed[..packed.len() / 2]).is_err());
    }
}
