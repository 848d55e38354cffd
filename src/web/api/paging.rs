//! Lists in pages: a cursor names the last item that the client has, and where it stood in case that is gone meanwhile.

use serde_json::{Value, json};

use super::operation::{MAX_PAGE, Operation, PAGE};
use crate::web::form::Form;
use crate::web::problem::Problem;

/// Longest cursor.
const MAX_CURSOR: usize = 1_024;

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    key: &'static str,
    limit: usize,
    after: Option<(usize, String)>,
}

impl Page {
    /// What a query asks for; none when the operation gives no pages.
    ///
    /// # Errors
    /// When the limit or the cursor is none.
    pub fn of(operation: &Operation, query: &Form) -> Result<Option<Self>, Problem> {
        let Some(key) = operation.pages else { return Ok(None) };
        let limit: u64 = match query.get("limit") {
            None => PAGE,
            Some(text) => text.parse().ok().filter(|n| (1..=MAX_PAGE).contains(n)).ok_or_else(|| {
                let cause = format!("\"limit\" must be a whole number from 1 to {MAX_PAGE}");
                Problem::http("bad_parameter", cause, "see /api/v1/docs")
            })?,
        };
        let after = query.get("cursor").map(|text| {
            parse(text).ok_or_else(|| {
                let cause = "\"cursor\" is none that this node gave";
                Problem::http("bad_parameter", cause, "take it from `next` of the page before, or begin without one")
            })
        });
        Ok(Some(Self { key, limit: usize::try_from(limit).unwrap_or(usize::MAX), after: after.transpose()? }))
    }

    /// Leaves this page of a whole list.
    ///
    /// # Errors
    /// Never now; a list that pages itself may.
    pub fn cut(&self, value: &mut Value) -> Result<(), Problem> {
        let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) else { return Ok(()) };
        let id = |item: &Value| item.get(self.key).and_then(Value::as_str).map(str::to_owned);
        let from = self.after.as_ref().map_or(0, |(place, last)| {
            // New items move the rest along; the id finds the place again.
            items.iter().position(|item| id(item).as_deref() == Some(last)).map_or(*place, |at| at + 1)
        });
        let to = items.len().min(from.saturating_add(self.limit));
        let next = (to < items.len()).then(|| items.get(to - 1).and_then(id)).flatten().map(|last| write(to, &last));
        *items = items.drain(from.min(to)..to).collect();
        value["next"] = json!(next);
        Ok(())
    }
}

fn write(place: usize, last: &str) -> String {
    data_encoding::BASE64URL_NOPAD.encode(format!("{place} {last}").as_bytes())
}

fn parse(text: &str) -> Option<(usize, String)> {
    let bytes = data_encoding::BASE64URL_NOPAD.decode(Some(text).filter(|t| t.len() <= MAX_CURSOR)?.as_bytes()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (place, last) = text.split_once(' ')?;
    Some((place.parse().ok()?, last.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::api::table;

    fn page(query: &str) -> Result<Page, Problem> {
        let notes = table::all().find(|o| o.id() == "note-list").unwrap();
        Page::of(&notes, &Form::parse(query.as_bytes()).unwrap()).map(Option::unwrap)
    }

    fn list(ids: impl Iterator<Item = usize>) -> Value {
        json!({ "v": 1, "items": ids.map(|n| json!({ "note_id": n.to_string() })).collect::<Vec<_>>(), "next": null })
    }

    #[test]
    fn pages_put_together_are_the_list_whatever_comes_in_front_meanwhile() {
        let (mut seen, mut cursor, mut first) = (vec![], String::new(), 0);
        loop {
            let mut value = list((0..first).map(|n| 1_000 + n).rev().chain(0..25));
            page(&format!("limit=10{cursor}")).unwrap().cut(&mut value).unwrap();
            seen.extend(value["items"].as_array().unwrap().iter().map(|i| i["note_id"].as_str().unwrap().to_owned()));
            let Some(next) = value["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
            first += 1;
        }
        assert_eq!(seen, (0..25).map(|n| n.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn when_the_last_item_is_gone_the_place_counts_and_the_end_is_the_end() {
        let mut value = list(0..30);
        page("limit=10").unwrap().cut(&mut value).unwrap();
        let next = value["next"].as_str().unwrap().to_owned();
        let mut fewer = list((0..30).filter(|n| *n != 9));
        page(&format!("limit=10&cursor={next}")).unwrap().cut(&mut fewer).unwrap();
        assert_eq!(fewer["items"][0]["note_id"], "11", "one item moved up and is not seen; none is seen twice");
        let mut empty = list(0..3);
        page(&format!("cursor={next}")).unwrap().cut(&mut empty).unwrap();
        assert_eq!((empty["items"].as_array().unwrap().len(), &empty["next"]), (0, &Value::Null));
    }

    #[test]
    fn limits_and_cursors_are_checked() {
        for query in
            ["limit=0", "limit=501", "limit=x", "cursor=!", "cursor=AAAA", &format!("cursor={}", "A".repeat(2_000))]
        {
            assert_eq!(page(query).unwrap_err().code, "bad_parameter", "{query}");
        }
    }
}
