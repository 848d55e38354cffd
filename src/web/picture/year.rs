//! A year of days as a heatmap: one column per week, one square per day.

use maud::{Markup, html};

use crate::web::lang::Texts;
use crate::web::when;

/// Weeks of the picture.
pub const WEEKS: u64 = 53;
const CELL: u64 = 14;
const LEFT: u64 = 26;
const TOP: u64 = 18;
/// Minutes from which each shade begins.
const SHADES: [u64; 4] = [1, 30, 60, 120];

/// What was done on a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    /// Minutes studied.
    pub minutes: u64,
    /// How many marks.
    pub marks: u64,
}

/// How dark a day is, 0 to 4: a mark without minutes counts as a little.
pub fn shade(day: Day) -> usize {
    let by_minutes = SHADES.iter().filter(|from| day.minutes >= **from).count();
    by_minutes.max(usize::from(day.marks > 0))
}

/// The day of the week, 0 for Monday.
pub fn weekday(day: u64) -> u64 {
    (day + 3) % 7
}

/// The first day of the picture: the Monday of the first week.
pub fn first(today: u64) -> u64 {
    (today - today.min(weekday(today))).saturating_sub((WEEKS - 1) * 7)
}

/// The picture; `of` says what was done on a day.
pub fn draw(t: Texts, today: u64, description: &str, of: &dyn Fn(u64) -> Day) -> Markup {
    let from = first(today);
    let days: Vec<u64> = (from..=today).collect();
    html! {
        svg.year viewBox={ "0 0 " (LEFT + WEEKS * CELL) " " (TOP + 7 * CELL) } role="img" aria-labelledby="year-title year-desc" {
            title #year-title { (t.your_year()) }
            desc #year-desc { (description) }
            @for day in &days {
                // The name of a month stands over the week of its first day.
                @let date = when::date(*day);
                @if date.ends_with("-01") && (day - from) / 7 < WEEKS - 1 { text.small x=(LEFT + (day - from) / 7 * CELL) y="11" font-size="10" { (date.get(5..7).unwrap_or_default()) } }
            }
            @for day in &days {
                @let what = of(*day);
                rect class={ "d" (shade(what)) } x=(LEFT + (day - from) / 7 * CELL) y=(TOP + weekday(*day) * CELL) width="11" height="11" rx="2" {
                    @if what != Day::default() { title { (t.day_said(when::date(*day), what.minutes, what.marks)) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::roadmap::Lang;

    #[test]
    fn a_year_ends_today_and_begins_on_a_monday() {
        // 1 December 2026 is a Tuesday.
        let today = 20_788;
        assert_eq!((when::date(today).as_str(), weekday(today)), ("2026-12-01", 1));
        assert_eq!((weekday(first(today)), when::date(first(today)).as_str()), (0, "2025-12-01"));
        let svg = draw(Texts { lang: Lang::En }, today, "d", &|day| {
            if day == today { Day { minutes: 45, marks: 2 } } else { Day::default() }
        });
        let svg = svg.into_string();
        assert_eq!(svg.matches("<rect").count() as u64, today - first(today) + 1);
        assert!(svg.contains("class=\"d2\"") && svg.contains("2026-12-01: 45 min, 2 marks"));
        assert_eq!(shade(Day { minutes: 0, marks: 1 }), 1);
        assert_eq!(first(0), 0);
    }
}
