//! Times for people: how long ago, and when (UTC, since a node does not know its reader's time zone for sure).

use super::lang::Texts;
use crate::model::time::MAX_AHEAD_MS;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `2026-11-03 14:05`, UTC.
pub fn stamp(ms: u64) -> String {
    let (days, of_day) = (ms / DAY, ms % DAY);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", of_day / HOUR, of_day % HOUR / MINUTE)
}

/// Year, month and day of a number of days since 1970 (Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// How long ago a time is, seen from `now`.
pub fn ago(texts: Texts, now: u64, then: u64) -> String {
    if then > now.saturating_add(MAX_AHEAD_MS) {
        return texts.in_the_future().to_owned();
    }
    match now.saturating_sub(then) {
        0..MINUTE => texts.just_now().to_owned(),
        passed => texts.ago(span(texts, passed)),
    }
}

/// A length of time in its largest whole unit.
pub fn span(texts: Texts, ms: u64) -> String {
    match ms {
        0..MINUTE => texts.seconds(ms / SECOND),
        MINUTE..HOUR => texts.minutes(ms / MINUTE),
        HOUR..DAY => texts.hours(ms / HOUR),
        _ => texts.days(ms / DAY),
    }
}

/// When, and how long ago: `2026-11-03 14:05 UTC (3 days ago)`.
pub fn both(texts: Texts, now: u64, then: u64) -> String {
    format!("{} UTC ({})", stamp(then), ago(texts, now, then))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        assert_eq!(stamp(0), "1970-01-01 00:00");
        assert_eq!(stamp(951_782_400_000), "2000-02-29 00:00");
        assert_eq!(stamp(1_762_178_700_000), "2025-11-03 14:05");
        assert_eq!(stamp(4_102_444_799_999), "2099-12-31 23:59");
        // No time that anybody sends makes this fail.
        assert!(stamp(u64::MAX).starts_with("584556019-"));
    }

    #[test]
    fn the_past_is_told_in_its_largest_unit() {
        let now = 10 * DAY;
        let en = |then| ago(Texts::new(Lang::En), now, then);
        assert_eq!(en(now - 5), "just now");
        assert_eq!(en(now - MINUTE), "1 min ago");
        assert_eq!(en(now - 3 * HOUR), "3 h ago");
        assert_eq!(en(now - 2 * DAY), "2 d ago");
        assert_eq!(en(now + 1), "just now");
        assert_eq!(en(now + DAY), "in the future");
        assert_eq!(ago(Texts::new(Lang::Zh), now, now - 2 * DAY), "2 天前");
    }
}
