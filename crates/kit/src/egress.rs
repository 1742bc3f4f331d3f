//! The way out: a name is asked only where it lies on the public internet. Who can write a publisher's or a provider's DNS entry
//! must not make a service ask its neighbours in the cluster, or the machine's own metadata, for them.

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why a name is not asked.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{name} leads to {address}, which is no public address: nothing is asked there")]
    Private { name: String, address: IpAddr },
    #[error("{name} has no address: {cause}")]
    Unknown { name: String, cause: std::io::Error },
}

/// Resolves names as the machine does, and refuses one with any address that is not public: of several a client would take
/// whichever answers. The addresses that were looked at are the ones that are connected to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            // The client puts the port of the address in place of this one.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let all: Vec<SocketAddr> =
                found.map_err(|cause| Refused::Unknown { name: name.clone(), cause })?.collect();
            if let Some(address) = all.iter().map(SocketAddr::ip).find(|ip| !public(*ip)) {
                return Err(Refused::Private { name, address }.into());
            }
            let addresses: Addrs = Box::new(all.into_iter());
            Ok(addresses)
        })
    }
}

/// An address that may be asked: `https`, and a name. An IP address in an address would pass by [`Public`].
#[must_use]
pub fn named(url: &Url) -> bool {
    url.scheme() == "https" && url.domain().is_some()
}

/// Is it an address of the public internet? By the registries of special addresses (RFC 6890, RFC 5156); of an IPv6 address
/// that stands for an IPv4 one, that one counts.
#[must_use]
pub fn public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => public_v4(v4),
        IpAddr::V6(v6) => public_v6(v6),
    }
}

fn public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special = v4.is_unspecified()
        || v4.is_loopback()
        || v4.is_private()
        || v4.is_link_local()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        // Carriers' networks, the addresses of protocols, benchmarks, what is reserved.
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !special
}

fn public_v6(v6: Ipv6Addr) -> bool {
    if let Some(v4) = v6.to_ipv4_mapped() {
        return public_v4(v4);
    }
    let bits = v6.to_bits();
    let starts = |prefix: u128, length: u32| bits >> (128 - length) == prefix;
    let v4_at = |shift: u32| Ipv4Addr::from_bits(u32::try_from((bits >> shift) & 0xffff_ffff).unwrap_or(0));
    // 64:ff9b::/96 and 2002::/16 lead to an IPv4 address.
    if starts(0x0064_ff9b_0000_0000_0000_0000, 96) {
        return public_v4(v4_at(0));
    }
    if starts(0x2002, 16) {
        return public_v4(v4_at(80));
    }
    // Global unicast is 2000::/3; 2001::/23 is for protocols, 2001:db8::/32 and 3fff::/20 for documents.
    starts(0b001, 3) && !starts(0x2001_0000 >> 9, 23) && !starts(0x2001_0db8, 32) && !starts(0x3fff0, 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr as _;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for ip in [
            "9.9.9.9",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "2620:fe::fe",
            "2a00:1450::1",
            "::ffff:9.9.9.9",
            "64:ff9b::909:909",
            "2002:909:909::1",
            "2001:200::1",
        ] {
            assert!(public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
            "::7f00:1",
        ] {
            assert!(!public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn an_address_without_a_name_or_without_tls_is_none() {
        let may = |text: &str| named(&Url::from_str(text).unwrap());
        assert!(may("https://data.example.org/x.csv"));
        for other in [
            "http://data.example.org/",
            "https://10.0.0.1/",
            "https://0x7f000001/",
            "https://[::1]/",
            "ftp://data.example.org/",
        ] {
            assert!(!may(other), "{other}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_into_the_machine_is_refused_and_says_where_it_leads() {
        let refused = Public.resolve(Name::from_str("localhost").unwrap()).await.err().unwrap().to_string();
        assert!(
            refused.starts_with("localhost leads to ") && refused.contains("no public address"),
            "{refused}"
        );
        let unknown =
            Public.resolve(Name::from_str("nowhere.invalid").unwrap()).await.err().unwrap().to_string();
        assert!(unknown.starts_with("nowhere.invalid has no address"), "{unknown}");
    }
}
