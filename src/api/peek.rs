//! Looking into an answer. What is missing or of another type reads as nothing: a newer node may say more, an older one less.

use serde_json::Value;

use crate::model::roadmap::{Lang, Localized};

/// Digits of an id that people see.
const SHORT: usize = 8;

/// Looks into a JSON object.
pub trait Peek {
    /// A text, or an empty one.
    fn at(&self, key: &str) -> &str;
    /// The first digits of an id.
    fn short(&self, key: &str) -> String;
    /// A number, or 0.
    fn count(&self, key: &str) -> u64;
    /// A number where there is one.
    fn number(&self, key: &str) -> Option<u64>;
    /// A flag, or false.
    fn is(&self, key: &str) -> bool;
    /// The items of a list.
    fn list(&self, key: &str) -> &[Value];
    /// The texts of a list.
    fn texts(&self, key: &str) -> Vec<&str>;
    /// A text in two languages, or in one.
    fn localized(&self, key: &str, lang: Lang) -> String;
    /// The items of an answer that is a list.
    fn items(&self) -> &[Value] {
        self.list("items")
    }
}

impl Peek for Value {
    fn at(&self, key: &str) -> &str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn short(&self, key: &str) -> String {
        short(self.at(key))
    }

    fn count(&self, key: &str) -> u64 {
        self.number(key).unwrap_or_default()
    }

    fn number(&self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        // Milliseconds may have a fraction; people see whole ones, and never none for what was measured.
        value.as_u64().or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(|n| n.ceil() as u64))
    }

    fn is(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    fn list(&self, key: &str) -> &[Value] {
        self.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn texts(&self, key: &str) -> Vec<&str> {
        self.list(key).iter().filter_map(Value::as_str).collect()
    }

    fn localized(&self, key: &str, lang: Lang) -> String {
        match self.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ Value::Object(_)) => {
                let side = |name| value.at(name).to_owned();
                Localized { en: side("en"), zh: side("zh") }.pick(lang).to_owned()
            }
            _ => String::new(),
        }
    }
}

/// The first digits of an id, for people.
pub fn short(id: &str) -> String {
    id.chars().take(SHORT).collect()
}
