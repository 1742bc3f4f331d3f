//! The one table of a zip archive, read with suspicion: nothing is written anywhere, and nothing unpacks without end.

use super::LIMIT;
use crate::Refusal;
use flate2::read::DeflateDecoder;
use std::borrow::Cow;
use std::io::Read as _;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
/// More members than any publisher packs.
const MOST_MEMBERS: usize = 100;

fn bad(why: impl Into<String>) -> Refusal {
    Refusal::Unreadable { format: "zip", why: why.into() }
}

fn number(bytes: &[u8], at: usize, length: usize) -> Result<usize, Refusal> {
    let field = at.checked_add(length).and_then(|end| bytes.get(at..end));
    let field = field.ok_or_else(|| bad("it ends too early"))?;
    Ok(field.iter().rev().fold(0, |n, b| (n << 8) | usize::from(*b)))
}

/// The member named `name`; bytes that are no zip archive are returned as they are.
///
/// # Errors
/// [`Refusal::Unreadable`] when the archive is broken, encrypted, packed in a way other than deflate, names a path that
/// leaves its folder, lacks the member, or unpacks to more than 256 MiB.
pub fn member<'b>(bytes: &'b [u8], name: &str) -> Result<Cow<'b, [u8]>, Refusal> {
    if !bytes.starts_with(LOCAL) && !bytes.starts_with(END) {
        return Ok(Cow::Borrowed(bytes));
    }
    // The comment after the end record is at most 64 KiB long.
    let tail = bytes.len().saturating_sub(22 + 0xffff);
    let end = bytes[tail..].windows(4).rposition(|w| w == END).map(|at| tail + at);
    let end = end.ok_or_else(|| bad("its directory is missing: it is truncated"))?;
    if end + 22 + number(bytes, end + 20, 2)? != bytes.len() {
        return Err(bad("it ends too early, or something follows it"));
    }
    let (members, mut at) = (number(bytes, end + 10, 2)?, number(bytes, end + 16, 4)?);
    if members > MOST_MEMBERS {
        return Err(bad(format!("it has {members} members")));
    }
    let mut names = Vec::new();
    for _ in 0..members {
        if bytes.get(at..).is_none_or(|rest| !rest.starts_with(CENTRAL)) {
            return Err(bad("its directory is broken"));
        }
        let length = number(bytes, at + 28, 2)?;
        let raw = bytes.get(at + 46..at + 46 + length).ok_or_else(|| bad("it ends too early"))?;
        let path = String::from_utf8_lossy(raw).into_owned();
        if path.starts_with('/') || path.contains("..") || path.contains('\\') || path.contains(':') {
            return Err(bad(format!("its member `{path}` names a path outside the archive")));
        }
        if path == name {
            return unpacked(bytes, at).map(Cow::Owned);
        }
        names.push(path);
        at += 46 + length + number(bytes, at + 30, 2)? + number(bytes, at + 32, 2)?;
    }
    Err(bad(format!("it has no member `{name}` but: {}", names.join(", "))))
}

/// The content of the member whose directory entry is at `entry`.
fn unpacked(bytes: &[u8], entry: usize) -> Result<Vec<u8>, Refusal> {
    let (flags, method) = (number(bytes, entry + 8, 2)?, number(bytes, entry + 10, 2)?);
    let (crc, packed) = (number(bytes, entry + 16, 4)?, number(bytes, entry + 20, 4)?);
    let local = number(bytes, entry + 42, 4)?;
    if flags & 1 == 1 || bytes.get(local..).is_none_or(|rest| !rest.starts_with(LOCAL)) {
        return Err(bad("its member is encrypted or not where the directory says"));
    }
    let start = local + 30 + number(bytes, local + 26, 2)? + number(bytes, local + 28, 2)?;
    let content = bytes.get(start..start + packed).ok_or_else(|| bad("it ends too early"))?;
    let mut out = Vec::new();
    let read = match method {
        0 => content.take(LIMIT + 1).read_to_end(&mut out),
        8 => DeflateDecoder::new(content).take(LIMIT + 1).read_to_end(&mut out),
        _ => return Err(bad(format!("its member is packed by method {method}, which is not read"))),
    };
    read.map_err(|e| bad(e.to_string()))?;
    if out.len() as u64 > LIMIT {
        return Err(bad("it unpacks to more than 256 MiB"));
    }
    let mut sum = flate2::Crc::new();
    sum.update(&out);
    if sum.sum() as usize != crc {
        return Err(bad("its member does not have the checksum that the directory states"));
    }
    Ok(out)
}
