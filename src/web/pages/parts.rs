//! Pieces that several pages show.

use maud::{Markup, html};

use crate::web::lang::Texts;

/// The states of a topic, in the order in which people go through them.
pub const STATES: [&str; 4] = ["todo", "doing", "done", "skip"];

/// The sign of a state: never the colour alone.
pub fn sign(state: &str) -> &'static str {
    match state {
        "done" => "✓",
        "doing" => "◐",
        "skip" => "–",
        _ => "○",
    }
}

/// The word for a state.
pub fn word(texts: Texts, state: &str) -> &'static str {
    match state {
        "done" => texts.done(),
        "doing" => texts.doing(),
        "skip" => texts.skip(),
        _ => texts.todo(),
    }
}

/// The class of a state; what a newer version says shows as to do.
pub fn class(state: &str) -> &'static str {
    match state {
        "done" => "s-done",
        "doing" => "s-doing",
        "skip" => "s-skip",
        _ => "s-todo",
    }
}

/// A state as a mark with its word.
pub fn state(texts: Texts, state: &str) -> Markup {
    html! { span class={ "mark " (class(state)) } { span aria-hidden="true" { (sign(state)) } " " (word(texts, state)) } }
}

/// Up to two letters that stand for a name: the first of each word, or one Han character.
pub fn initials(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric());
    match first {
        None => "?".to_owned(),
        Some(c) if !c.is_ascii() && !c.is_lowercase() && !c.is_uppercase() => c.to_string(),
        Some(_) => {
            let letters = name.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.chars().next());
            letters.take(2).flat_map(char::to_uppercase).take(2).collect()
        }
    }
}

/// Which of the colours of faces a person has, by the id.
pub fn tint(person: &str) -> usize {
    person.bytes().fold(7_usize, |sum, b| (sum * 31 + usize::from(b)) % 6) % 6
}

/// A person as a small face.
pub fn face(person: &str, name: &str) -> Markup {
    html! { span class={ "face t" (tint(person)) } title=(name) { (initials(name)) } }
}

/// How much of something is done, as a bar that also says it.
pub fn bar(done: usize, all: usize, label: &str) -> Markup {
    html! { progress max=(all.max(1)) value=(done) aria-label=(label) { (done) "/" (all) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_script_have_initials() {
        for (name, wanted) in [
            ("Ada Lovelace", "AL"),
            ("bo", "B"),
            ("爱达", "爱"),
            ("李 明", "李"),
            ("  ", "?"),
            ("🙂", "?"),
            ("Émile", "É"),
            ("a-b c", "AB"),
        ] {
            assert_eq!(initials(name), wanted, "{name}");
        }
    }
}
