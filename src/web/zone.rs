//! The time zone of a person: offsets from UTC over the last year, as the browser says them in a cookie, since the day of a mark
//! is a day where its person lives.

use axum::http::HeaderMap;

use super::guard::cookie;

/// The cookie: pairs `FROM.MINUTES`, ascending, with `_` between; `FROM` in seconds since 1970.
pub const COOKIE: &str = "studymesh_zone";
/// Most pairs: a year has two changes of the clock, rarely more.
const MAX_PAIRS: usize = 8;
/// The largest offset there is, minutes.
const MAX_MINUTES: i64 = 14 * 60;
const DAY_MS: i64 = 24 * 3_600_000;

/// Offsets from UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zone {
    /// From when on, in milliseconds, and the offset in minutes.
    offsets: Vec<(u64, i64)>,
}

impl Zone {
    /// What a browser says, or UTC.
    pub fn of(headers: &HeaderMap) -> Self {
        cookie(headers, COOKIE).and_then(Self::parse).unwrap_or_default()
    }

    /// Reads the value of the cookie.
    pub fn parse(text: &str) -> Option<Self> {
        let mut offsets: Vec<(u64, i64)> = vec![];
        for pair in text.split('_') {
            let (from, minutes) = pair.split_once('.')?;
            let from = from.parse::<u64>().ok()?.checked_mul(1_000)?;
            let minutes = minutes.parse::<i64>().ok().filter(|m| m.abs() <= MAX_MINUTES)?;
            if offsets.len() == MAX_PAIRS || offsets.last().is_some_and(|(before, _)| *before >= from) {
                return None;
            }
            offsets.push((from, minutes));
        }
        Some(Self { offsets })
    }

    /// The cookie's value.
    pub fn text(&self) -> String {
        let pairs: Vec<String> =
            self.offsets.iter().map(|(from, minutes)| format!("{}.{minutes}", from / 1_000)).collect();
        pairs.join("_")
    }

    /// The offset at a moment, minutes.
    pub fn minutes(&self, ms: u64) -> i64 {
        let at = self.offsets.iter().rev().find(|(from, _)| *from <= ms).or(self.offsets.first());
        at.map_or(0, |(_, minutes)| *minutes)
    }

    /// The day of a moment: days since 1970 where the person lives.
    pub fn day(&self, ms: u64) -> u64 {
        let local = i64::try_from(ms).unwrap_or(i64::MAX).saturating_add(self.minutes(ms) * 60_000);
        u64::try_from(local.div_euclid(DAY_MS)).unwrap_or_default()
    }
}

/// `UTC+05:30`.
pub fn name(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("UTC{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_day_where_its_person_lives_through_changes_of_the_clock() {
        let noon = 20_000 * 86_400_000 + 12 * 3_600_000;
        assert_eq!(Zone::default().day(noon), 20_000);
        let shanghai = Zone::parse("0.480").unwrap();
        assert_eq!((shanghai.day(noon), shanghai.day(noon + 5 * 3_600_000)), (20_000, 20_001));
        assert_eq!(Zone::parse("0.-720").unwrap().day(20_000 * 86_400_000 + 11 * 3_600_000), 19_999);
        // Half an hour before midnight in winter is half an hour after it in summer.
        let berlin = Zone::parse("0.60_1774746000.120").unwrap();
        assert_eq!((berlin.minutes(1_774_745_999_000), berlin.minutes(1_774_746_000_000)), (60, 120));
        assert_eq!(berlin.text(), "0.60_1774746000.120");
        assert_eq!(Zone::parse("0.60").unwrap().day(0), 0);
        for wrong in ["", "x", "0.9999", "5.0_5.60", "0", "99999999999999999999.0", &"1.0_".repeat(9)] {
            assert_eq!(Zone::parse(wrong), None, "{wrong}");
        }
        assert_eq!((name(330), name(-570)), ("UTC+05:30".into(), "UTC-09:30".into()));
    }
}
