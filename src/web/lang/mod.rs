//! Everything that the page says, in English and Chinese: one function per text, so that a missing one does not compile.
//!
//! One file per noun: add yours beside [`frame`], with the macros `words!` and `sentences!`.

use axum::http::{HeaderMap, header};

use super::guard::cookie;
use crate::model::roadmap::Lang;

/// The cookie that holds the language a person chose.
pub const COOKIE: &str = "studymesh_lang";

/// The texts in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts {
    /// The language.
    pub lang: Lang,
}

/// Words: `name, English, Chinese;`.
macro_rules! words {
    ($($name:ident, $en:literal, $zh:literal;)*) => {
        impl $crate::web::lang::Texts {
            $(
                pub fn $name(self) -> &'static str {
                    match self.lang {
                        $crate::model::roadmap::Lang::En => $en,
                        $crate::model::roadmap::Lang::Zh => $zh,
                    }
                }
            )*
        }
    };
}

/// Sentences with values in them: `name(values), English, Chinese;`.
macro_rules! sentences {
    ($($name:ident($($value:ident),+), $en:literal, $zh:literal;)*) => {
        impl $crate::web::lang::Texts {
            $(
                pub fn $name(self, $($value: impl Display),+) -> String {
                    match self.lang {
                        $crate::model::roadmap::Lang::En => format!($en),
                        $crate::model::roadmap::Lang::Zh => format!($zh),
                    }
                }
            )*
        }
    };
}

mod feed;
mod frame;
mod group;
mod link;
mod me;
mod network;
mod notes;
mod roadmap;
mod search;
mod settings;
mod welcome;

impl Texts {
    /// The language that a browser asks for, unless its person chose one.
    pub fn of(headers: &HeaderMap) -> Self {
        let chosen = match cookie(headers, COOKIE) {
            Some("en") => Some(Lang::En),
            Some("zh") => Some(Lang::Zh),
            _ => None,
        };
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Self { lang: chosen.unwrap_or_else(|| accepts(accepted)) }
    }

    /// As HTML says it.
    pub fn code(self) -> &'static str {
        match self.lang {
            Lang::En => "en",
            Lang::Zh => "zh-Hans",
        }
    }
}

/// The one of our languages that stands first in `Accept-Language`, by weight.
fn accepts(header: &str) -> Lang {
    let mut best = (0.0, Lang::En);
    for part in header.split(',').take(16) {
        let (tag, rest) = part.trim().split_once(';').unwrap_or((part.trim(), ""));
        let weight = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse::<f32>().ok()).unwrap_or(0.0);
        let lang = match tag.split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "zh" => Lang::Zh,
            "en" | "*" => Lang::En,
            _ => continue,
        };
        if weight > best.0 {
            best = (weight, lang);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_chosen_one_or_the_first_that_the_browser_accepts() {
        for (header, lang) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Lang::Zh),
            ("de, zh;q=0.2, en;q=0.7", Lang::En),
            ("de,fr;q=0.5", Lang::En),
            ("", Lang::En),
            ("en;q=0.1, ZH-Hant;q=0.2", Lang::Zh),
            ("zh;q=nonsense", Lang::En),
        ] {
            assert_eq!(accepts(header), lang, "{header}");
        }
        let headers = |cookie: &'static str| {
            let pairs = [(header::COOKIE, cookie), (header::ACCEPT_LANGUAGE, "en")];
            HeaderMap::from_iter(pairs.map(|(k, v)| (k, v.parse().unwrap())))
        };
        assert_eq!(Texts::of(&headers("a=b; studymesh_lang=zh")).lang, Lang::Zh);
        assert_eq!(Texts::of(&headers("studymesh_lang=fr")).lang, Lang::En);
    }
}
