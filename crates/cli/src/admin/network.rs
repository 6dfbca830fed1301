//! Owns which callers count as one party.
//!
//! Must not know how many connections a party may have.

use std::net::{IpAddr, Ipv4Addr};

/// What one party controls: an IPv4 address, or all IPv6 addresses with the same first 64 bits,
/// since a client that has one of these often has the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// Also if IPv4 arrives on an IPv6 socket, as `::ffff:192.0.2.1`.
    V4(Ipv4Addr),
    /// The first 64 bits.
    V6(u128),
    /// This machine, by a Unix socket, which only its owner can open.
    Machine,
}

impl Network {
    /// The network of an address.
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address.to_bits() >> 64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_is_a_network_and_so_are_64_bits_of_ipv6() {
        for (one, other, same) in [
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("192.0.2.7", "::ffff:192.0.2.7", true),
            ("::ffff:192.0.2.7", "::ffff:192.0.2.8", false),
            ("2001:db8::1", "2001:db8::ffff:0:0:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::1", "127.0.0.1", false),
        ] {
            let network = |text: &str| Network::of(text.parse().unwrap());

            assert_eq!(network(one) == network(other), same, "{one} {other}");
        }
    }
}
