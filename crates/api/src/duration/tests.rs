//! Compared with tables that Go produced; `testdata/durations.go` is the program.

use serde_json::Value;

use super::*;

fn rows(table: &str) -> Vec<Vec<Value>> {
    serde_json::from_str(table).unwrap()
}

#[test]
fn reads_every_text_as_go_does() {
    let rows = rows(include_str!("../../testdata/durations-parse.json"));
    assert!(rows.len() > 200, "the table is cut short");
    for row in rows {
        let text = row[0].as_str().unwrap();
        let read = text.parse::<GoDuration>();
        match (row[1].as_i64(), read) {
            (Some(nanoseconds), read) => {
                assert_eq!(
                    read,
                    Ok(GoDuration::from_nanoseconds(nanoseconds)),
                    "{text:?}"
                );
            }
            (None, Err(error)) => assert_eq!(row[1], in_go(error), "{text:?}"),
            (None, Ok(duration)) => panic!("{text:?} was read as {duration}"),
        }
    }
}

/// Go does not distinguish an overflow from a malformed text.
fn in_go(error: GoDurationError) -> &'static str {
    match error {
        GoDurationError::Malformed | GoDurationError::TooLong => "invalid",
        GoDurationError::MissingUnit => "missing unit",
        GoDurationError::UnknownUnit => "unknown unit",
    }
}

#[test]
fn writes_every_value_as_go_does() {
    let rows = rows(include_str!("../../testdata/durations-format.json"));
    assert!(rows.len() > 90, "the table is cut short");
    for row in rows {
        let duration = GoDuration::from_nanoseconds(row[0].as_i64().unwrap());
        assert_eq!(duration.to_string(), row[1].as_str().unwrap());
    }
}

#[test]
fn what_is_written_is_read_back() {
    let mut value = 1_i64;
    for _ in 0..2_000 {
        // A linear congruential generator (Knuth's MMIX), shifted so that all sizes occur.
        value = value
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let duration = GoDuration::from_nanoseconds(value >> (value & 63));
        assert_eq!(duration.to_string().parse(), Ok(duration));
    }
}

#[test]
fn survives_a_lifetime_that_is_too_long_for_any_clock() {
    for text in [
        "99999999999999999999h",
        "-99999999999999999999h",
        &"9".repeat(100_000),
    ] {
        assert_eq!(text.parse::<GoDuration>(), Err(GoDurationError::TooLong));
    }
}

#[test]
fn standard_durations_go_there_and_back() {
    for (standard, text) in [
        (Duration::ZERO, "0s"),
        (Duration::from_secs(3_600), "1h0m0s"),
        (Duration::from_millis(1_500), "1.5s"),
        (
            Duration::from_nanos(u64::MAX / 2),
            "2562047h47m16.854775807s",
        ),
    ] {
        let duration = GoDuration::try_from(standard).unwrap();
        assert_eq!(duration.to_string(), text);
        assert_eq!(Duration::try_from(duration), Ok(standard));
    }
    assert_eq!(
        GoDuration::try_from(Duration::from_nanos(1 << 63)),
        Err(OutOfRange)
    );
    assert_eq!(GoDuration::try_from(Duration::MAX), Err(OutOfRange));
    assert_eq!(
        Duration::try_from(GoDuration::from_nanoseconds(-1)),
        Err(OutOfRange)
    );
}
