//! Times as people say them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How long ago something was; empty if that cannot be told.
pub(crate) fn age(at: &str, now: Timestamp) -> String {
    let Ok(at) = at.parse::<Timestamp>() else {
        return String::new();
    };
    let seconds = now.as_second().saturating_sub(at.as_second());
    match seconds {
        // Clocks jump.
        ..0 => String::new(),
        0..60 => "now".to_owned(),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A point in time as the clock on the wall shows it; as it is written if it is none.
pub(crate) fn local(at: &str, zone: &TimeZone) -> String {
    match at.parse::<Timestamp>() {
        Ok(at) => at
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => crate::shown::brief(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let check = |at: &str, expected: &str| assert_eq!(age(at, now), expected, "{at}");
        check("2026-11-21T11:59:30.123Z", "now");
        check("2026-11-21T11:15:00Z", "45 min");
        check("2026-11-20T14:00:00Z", "22 h");
        check("2026-11-11T14:00:00Z", "9 d");
        check("2026-11-21T12:00:01Z", "");
        check("yesterday", "");
    }

    #[test]
    fn times_are_those_of_the_wall() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(
            local("2026-11-21T23:30:11.123Z", &zone),
            "2026-11-22 01:30:11"
        );
        assert_eq!(local("x\u{1b}", &zone), "x<U+001B>");
    }
}
