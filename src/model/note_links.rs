//! `[[links]]` between notes: by title, with other words behind a bar.

/// Most links of one note that are followed.
pub const MAX_LINKS: usize = 200;

/// The titles that a text links to, in their order, each once, at most [`MAX_LINKS`].
///
/// ```
/// use studymesh::model::note_links::titles;
/// assert_eq!(titles("see [[Plan]] and [[容器|the other]], [[Plan]]"), ["Plan", "容器"]);
/// ```
#[must_use]
pub fn titles(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = vec![];
    let mut rest = text;
    while let Some(at) = rest.find("[[") {
        let inner = &rest[at + 2..];
        // The innermost brackets count, and a link stands on one line.
        let Some(end) = inner.find(['[', ']', '\n']) else { break };
        if !inner[end..].starts_with("]]") {
            rest = &rest[at + 1..];
            continue;
        }
        let title = inner[..end].split('|').next().unwrap_or_default().trim();
        rest = &inner[end + 2..];
        if !title.is_empty() && !found.contains(&title) {
            found.push(title);
            if found.len() == MAX_LINKS {
                break;
            }
        }
    }
    found
}

/// Whether a text links to a title, in any case.
#[must_use]
pub fn links_to(text: &str, title: &str) -> bool {
    let wanted = title.trim().to_lowercase();
    titles(text).iter().any(|found| found.to_lowercase() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stand_in_two_pairs_of_brackets_on_one_line() {
        assert_eq!(titles("[[a]] [[b|c]] [[ d ]] [[]] [[|x]]"), ["a", "b", "d"]);
        assert_eq!(titles("[[a\nb]] [[[c]]] [[d] [[e]]"), ["c", "e"]);
        assert!(titles("[[").is_empty() && titles("[[[[[[").is_empty());
        assert!(links_to("see [[计划 A]]", "计划 a") && !links_to("see 计划 A", "计划 A"));
        assert_eq!(titles(&(0..500).map(|n| format!("[[{n}]]")).collect::<String>()).len(), MAX_LINKS);
    }
}
