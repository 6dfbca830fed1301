//! Valid bytes in texts that two PEM parsers read differently.

use svid_core::policy::Rule;

use crate::case::Cases;
use crate::craft::extension;

impl Cases<'_> {
    pub(super) fn texts(&mut self) {
        let world = self.world;
        let text = String::from_utf8(world.craft().pem()).unwrap();
        let body_at = text.find("-----\n").unwrap() + 6;
        let table = [
            ("empty", String::new()),
            ("text before", format!("hello\n{text}")),
            ("text after", format!("{text}hello\n")),
            ("two blocks", format!("{text}{text}")),
            (
                "certificate label",
                text.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
            ),
            (
                "NEW label",
                text.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
            ),
            (
                "lower-case label",
                text.replace("CERTIFICATE REQUEST", "certificate request"),
            ),
            (
                "header",
                format!(
                    "{}Proc-Type: 4,CLEAR\n\n{}",
                    &text[..body_at],
                    &text[body_at..]
                ),
            ),
            (
                "comment",
                format!("{}# hi\n{}", &text[..body_at], &text[body_at..]),
            ),
            (
                "blank line",
                format!("{}\n{}", &text[..body_at], &text[body_at..]),
            ),
            (
                "certificate after the request",
                format!(
                    "{text}{}",
                    text.replace("CERTIFICATE REQUEST", "CERTIFICATE")
                ),
            ),
            (
                "certificate before the request",
                format!(
                    "{}{text}",
                    text.replace("CERTIFICATE REQUEST", "CERTIFICATE")
                ),
            ),
            (
                "request in a request",
                format!("{}{text}{}", &text[..body_at], &text[body_at..]),
            ),
            (
                "key label",
                text.replace("CERTIFICATE REQUEST", "PRIVATE KEY"),
            ),
            (
                "trusted label",
                text.replace("CERTIFICATE REQUEST", "X509 CERTIFICATE REQUEST"),
            ),
            ("four dashes", text.replace("-----BEGIN", "----BEGIN")),
            ("six dashes", text.replace("-----BEGIN", "------BEGIN")),
            (
                "space in the begin line",
                text.replace("-----\nM", "----- \nM"),
            ),
            ("byte order mark", format!("\u{feff}{text}")),
            ("vertical tab before", format!("\u{b}{text}")),
            ("lines end in CR", text.replace('\n', "\r")),
            ("space in base64", text.replacen("\nM", "\n M", 1)),
            ("tab in base64", text.replacen("\nM", "\n\tM", 1)),
            (
                "padding too many",
                text.replace("\n-----END", "====\n-----END"),
            ),
            (
                "RFC 4716 header",
                format!("{}Comment: x\n{}", &text[..body_at], &text[body_at..]),
            ),
            (
                "no base64 at all",
                format!(
                    "{}{}",
                    &text[..body_at],
                    "-----END CERTIFICATE REQUEST-----\n"
                ),
            ),
            ("NUL at the end", format!("{text}\0")),
            (
                "no end",
                text.replace("-----END CERTIFICATE REQUEST-----", ""),
            ),
            ("over-long", format!("{text}{}", "\n".repeat(17 * 1024))),
            (
                "bare base64",
                text[body_at..].replace("-----END CERTIFICATE REQUEST-----", ""),
            ),
        ];
        for (what, text) in table {
            self.pem(format!("PEM: {what}"), Rule::Encoding, text.into_bytes());
        }
        self.pem("PEM: DER without PEM", Rule::Encoding, world.craft().der());
        let mut large = world.craft();
        large = large.extensions(&[world.right_san(), extension("1.2.3", false, &[0; 13_000])]);
        self.pem("PEM: 17 KiB", Rule::Encoding, large.pem());
    }
}
