//! Owns listen addresses as Go writes them: `:6060`, `0.0.0.0:6060`, `[::1]:6060`,
//! `localhost:6060`.
//!
//! Must not know what is served there. Invariant: a host is an address or a valid host name, and an
//! absent host means every address of the machine, IPv6 and IPv4.

use std::fmt;
use std::net::Ipv6Addr;

use svid_core::names::check_subdomain;

use super::problem::Wrong;

/// Where one of our servers listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress {
    /// Address or name; `None`: every address of the machine.
    pub(crate) host: Option<String>,
    /// TCP port; 0: one that the kernel chooses.
    pub(crate) port: u16,
}

impl ListenAddress {
    /// Reads an address; empty and `0` mean that nothing is served.
    ///
    /// # Errors
    /// Not `[HOST]:PORT`.
    pub(crate) fn parse_optional(text: &str) -> Result<Option<Self>, Wrong> {
        match text {
            "" | "0" => Ok(None),
            _ => Self::parse(text).map(Some),
        }
    }

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |what: &str| {
            Wrong::new(
                what,
                "HOST:PORT or :PORT, such as :9402 or [::1]:9402; empty or 0 for off",
            )
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong("has no port"))?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = match port.parse::<u16>() {
            Ok(port) if digits => port,
            _ => return Err(wrong("has a port that is not a number from 0 to 65535")),
        };
        if host.is_empty() {
            return Ok(Self { host: None, port });
        }
        if let Some(inner) = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            return match inner.parse::<Ipv6Addr>() {
                Ok(_) => Ok(Self {
                    host: Some(inner.to_owned()),
                    port,
                }),
                Err(_) => Err(wrong(
                    "has something other than an IPv6 address in brackets",
                )),
            };
        }
        if host.contains(':') {
            return Err(wrong(
                "has an IPv6 address without brackets, or too many colons",
            ));
        }
        match check_subdomain(&host.to_ascii_lowercase()) {
            Ok(host) => Ok(Self {
                host: Some(host),
                port,
            }),
            Err(_) => Err(wrong("has a host that is neither an address nor a name")),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_go_reads_them() {
        type HostAndPort = (Option<&'static str>, u16);
        let table: &[(&str, Option<HostAndPort>)] = &[
            ("", None),
            ("0", None),
            (":6060", Some((None, 6060))),
            (":0", Some((None, 0))),
            ("0.0.0.0:6060", Some((Some("0.0.0.0"), 6060))),
            ("[::1]:6060", Some((Some("::1"), 6060))),
            ("[::]:65535", Some((Some("::"), 65535))),
            ("localhost:6060", Some((Some("localhost"), 6060))),
            ("Node-1.example:80", Some((Some("node-1.example"), 80))),
        ];
        for (text, expected) in table {
            let address = ListenAddress::parse_optional(text).unwrap();
            let expected = expected.map(|(host, port)| ListenAddress {
                host: host.map(str::to_owned),
                port,
            });
            assert_eq!(address, expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "6060",
            "1",
            ":",
            "localhost",
            "localhost:",
            ":65536",
            ":-1",
            ":+1",
            ":http",
            "::1:6060",
            "[::1]",
            "[localhost]:1",
            "[::1:6060",
            "a b:1",
            "http://x:1",
            "a/b:1",
            ":6060 ",
            "[fe80::1%lo]:1",
        ] {
            assert!(ListenAddress::parse_optional(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_shown_as_it_is_written() {
        for text in [":6060", "[::1]:1", "localhost:2"] {
            let address = ListenAddress::parse_optional(text).unwrap().unwrap();
            assert_eq!(address.to_string(), text);
        }
    }
}
