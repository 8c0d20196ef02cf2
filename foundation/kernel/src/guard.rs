//! What servers ask before they answer: is it the secret, and was this machine meant?

use std::net::IpAddr;

/// Compares without telling by its duration where the two differ.
pub fn same_secret(shown: &[u8], secret: &[u8]) -> bool {
    shown.len() == secret.len() && shown.iter().zip(secret).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Whether a `Host` header, with or without a port, means this machine. A name of elsewhere that leads here does not, so
/// that a page from elsewhere can neither read nor act (DNS rebinding).
pub fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["127.0.0.1:8080", "127.0.0.1", "localhost:1", "[::1]:8080", "[::1]", "LOCALHOST"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in ["evil.example", "evil.example:80", "localhost.evil.example", "10.0.0.1:80", ""] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn only_the_whole_secret_is_the_same() {
        assert!(same_secret(b"s3cret", b"s3cret"));
        for shown in [&b""[..], b"s3cre", b"s3crets", b"S3cret"] {
            assert!(!same_secret(shown, b"s3cret"));
        }
    }
}
