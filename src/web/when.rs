//! Times: how long ago, for people, and the moment itself, for the browser.

use maud::{Markup, html};

use super::lang::Texts;
use crate::model::time::MAX_AHEAD_MS;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A `<time>` that says how long ago a moment is.
pub fn ago(texts: Texts, now: u64, then: u64) -> Markup {
    let stamp = stamp(then);
    html! { time datetime=(stamp) title=(stamp.replace('T', " ").replace('Z', " UTC")) { (text(texts, now, then)) } }
}

/// A moment to the minute.
pub fn moment(ms: u64) -> String {
    format!("{} UTC", stamp(ms).replace('T', " ").chars().take(16).collect::<String>())
}

/// `2026-11-03` of a number of days since 1970.
pub fn date(days: u64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

fn text(texts: Texts, now: u64, then: u64) -> String {
    if then > now.saturating_add(MAX_AHEAD_MS) {
        return texts.in_the_future().to_owned();
    }
    match now.saturating_sub(then) {
        0..MINUTE => texts.just_now().to_owned(),
        passed @ MINUTE..HOUR => texts.ago(texts.minutes(passed / MINUTE)),
        passed @ HOUR..DAY => texts.ago(texts.hours(passed / HOUR)),
        passed => texts.ago(texts.days(passed / DAY)),
    }
}

/// `2026-11-03T14:05:09Z`.
fn stamp(ms: u64) -> String {
    let (days, of_day) = (ms / DAY, ms % DAY);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / HOUR, of_day % HOUR / MINUTE, of_day % MINUTE / 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a number of days since 1970, counted in eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (year + era * 400 + u64::from(month <= 2), month, of_year - (153 * march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn moments_are_told_as_the_calendar_and_people_do() {
        assert_eq!(stamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(stamp(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(stamp(4_102_444_799_999), "2099-12-31T23:59:59Z");
        let (en, zh) = (Texts { lang: Lang::En }, Texts { lang: Lang::Zh });
        assert_eq!(text(en, 10 * DAY, 10 * DAY - 3 * HOUR), "3 h ago");
        assert_eq!(text(zh, 10 * DAY, 8 * DAY), "2 天前");
        assert_eq!(text(en, 0, DAY), "in the future");
        assert!(ago(en, 0, u64::MAX).into_string().contains("in the future"));
    }
}
