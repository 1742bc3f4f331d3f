//! Whose network a request comes from, without keeping an address: a SHA-256 with a salt that lives a day, in memory only.

use axum::http::HeaderMap;
use sha2::{Digest as _, Sha256};
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of a network: the same within a day, and nothing that leads back to an address.
pub type Key = [u8; 32];

/// Networks as keys.
#[derive(Debug)]
pub struct Networks(Mutex<Salt>);

#[derive(Debug)]
struct Salt {
    bytes: [u8; 32],
    born: Instant,
}

impl Default for Networks {
    fn default() -> Self {
        Self(Mutex::new(Salt { bytes: fresh(), born: Instant::now() }))
    }
}

impl Networks {
    /// The key of the network that a request of `peer` with `headers` comes from.
    #[must_use]
    pub fn key(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Key {
        let now = Instant::now();
        let mut salt = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(salt.born) > DAY {
            *salt = Salt { bytes: fresh(), born: now };
        }
        let mut hash = Sha256::new();
        hash.update(salt.bytes);
        hash.update(network(peer, headers).map_or_else(String::new, |n| n.to_string()).as_bytes());
        hash.finalize().into()
    }
}

/// 256 bits from the keys of the standard library's hash maps, which come from the operating system.
fn fresh() -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in 0..8_u64 {
        hash.update(RandomState::new().hash_one(part).to_le_bytes());
    }
    hash.finalize().into()
}

/// An IPv4 address, or the /64 in which an IPv6 client has all its addresses. Behind a front door, which has an address
/// of this machine or of a private network, it is the last address that the door names.
fn network(peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
    let private = |ip: IpAddr| match ip.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    let named = || headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?.rsplit(',').next();
    let client = match peer {
        Some(ip) if !private(ip) => Some(ip),
        peer => named().and_then(|ip| ip.trim().parse().ok()).or(peer),
    }?;
    Some(match client.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_choose_its_network() {
        let of = |peer: &str, forwarded: &str| {
            let mut headers = HeaderMap::new();
            if let Ok(value) = forwarded.parse() {
                headers.insert("x-forwarded-for", value);
            }
            network(peer.parse().ok(), &headers).map(|n| n.to_string()).unwrap_or_default()
        };
        for (peer, forwarded, wanted) in [
            ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("10.1.2.3", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
            ("203.0.113.1", "198.51.100.7", "203.0.113.1"),
            ("127.0.0.1", "not an address", "127.0.0.1"),
            ("127.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("", "", ""),
        ] {
            assert_eq!(of(peer, forwarded), wanted, "{peer} {forwarded}");
        }
    }
}
