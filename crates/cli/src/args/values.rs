//! Owns the values that more than one flag takes: booleans, durations, Kubernetes names.
//!
//! Must not know which flag a value belongs to. Invariant: accepts what Go's `strconv.ParseBool` and
//! `time.ParseDuration` accept, and for names what the API server accepts.

use std::time::Duration;

use svid_api::duration::GoDuration;

use super::problem::Wrong;

/// A boolean as pflag takes it.
///
/// # Errors
/// Any other text.
pub(crate) fn boolean(text: &str) -> Result<bool, Wrong> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Wrong::new("is not a boolean", "true or false")),
    }
}

/// A SELinux context that the kernel's mount option can hold; empty for none.
///
/// # Errors
/// It has a quote, a backslash or a control character.
pub(crate) fn selinux_context(text: &str) -> Result<Option<String>, Wrong> {
    if text.contains(|char: char| char.is_control() || matches!(char, '"' | '\\')) {
        return Err(Wrong::new(
            "has a quote, a backslash or a control character",
            "a context such as system_u:object_r:container_file_t:s0; empty for none",
        ));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// A Go duration that is not negative.
///
/// # Errors
/// Not a Go duration, or a negative one.
pub(crate) fn duration(text: &str) -> Result<Duration, Wrong> {
    let allowed = "a duration such as 90s, 30m or 1h";
    let parsed = text
        .parse::<GoDuration>()
        .map_err(|error| Wrong::new(error.to_string(), allowed))?;
    Duration::try_from(parsed).map_err(|_negative| Wrong::new("is negative", allowed))
}

/// An RFC 1123 subdomain, at most `longest` bytes.
///
/// # Errors
/// Empty, too long, or with other characters than the API server allows.
pub(crate) fn dns_subdomain(text: &str, longest: usize) -> Result<String, Wrong> {
    let allowed = || {
        format!(
            "a DNS name of at most {longest} bytes: lower case letters, digits, - and ., each part \
             beginning and ending with a letter or digit"
        )
    };
    if text.is_empty() {
        return Err(Wrong::new("is empty", allowed()));
    }
    if text.len() > longest {
        return Err(Wrong::new(
            format!("is {} bytes long", text.len()),
            allowed(),
        ));
    }
    if text.split('.').all(is_dns_label_of_any_length) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new("is not a DNS name", allowed()))
}

/// A namespace: an RFC 1123 label.
///
/// # Errors
/// Empty, longer than 63 bytes, or with other characters than the API server allows.
pub(crate) fn namespace(text: &str) -> Result<String, Wrong> {
    if text.len() <= 63 && is_dns_label_of_any_length(text) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        "is not the name of a namespace",
        "1 to 63 lower case letters, digits and -, beginning and ending with a letter or digit",
    ))
}

fn is_dns_label_of_any_length(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(legal) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_those_of_go() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "yes", "no", "tRUE", " true", "2", "on"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_those_of_go_and_not_negative() {
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for text in [
            "",
            "1",
            "1d",
            "-1s",
            "h",
            "99999999999999999999h",
            "1 h",
            "٣s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_those_of_kubernetes() {
        let longest = "a".repeat(63);
        for text in ["a", "a.b", "0", "a-b.c-d", &longest] {
            assert_eq!(dns_subdomain(text, 63), Ok(text.to_owned()), "{text}");
        }
        let too_long = "a".repeat(64);
        for text in [
            "", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "A", "a_b", "ä", &too_long, "a/b",
        ] {
            assert!(dns_subdomain(text, 63).is_err(), "{text}");
        }
        assert!(namespace("cert-manager").is_ok());
        for text in ["", "a.b", "A", "-", &too_long] {
            assert!(namespace(text).is_err(), "{text}");
        }
    }
}
