//! Tags to add and tags to take away, as `+x` and `-x`.

use std::ffi::{OsStr, OsString};

/// Global options that take the next argument as their value.
const WITH_VALUE: &[&str] = &["-g", "--group", "--home", "--lang", "--color"];
/// Short options that mean the same everywhere, so `-v` behind `link tag` is no tag.
const SHORT: &[&str] = &["-g", "-v", "-vv", "-vvv", "-q", "-h"];

/// Rewrites `link tag LINK +x -y` to `link tag LINK +x --remove=y`, since a parser would take `-y` for an option (and `-go` for
/// the group `o`). All other command lines stay as they are.
pub fn signs_to_options(args: Vec<OsString>) -> Vec<OsString> {
    let Some(begin) = behind_link_tag(&args) else { return args };
    let mut out = args[..begin].to_vec();
    let mut is_value = false;
    let mut only_values = false;
    for arg in &args[begin..] {
        let text = arg.to_str().unwrap_or_default();
        only_values |= text == "--";
        let is_sign = text.len() > 1 && text.starts_with('-') && !text.starts_with("--") && !SHORT.contains(&text);
        if is_sign && !is_value && !only_values {
            out.push(format!("--remove={}", &text[1..]).into());
        } else {
            out.push(arg.clone());
        }
        is_value = WITH_VALUE.contains(&text) || matches!(text, "--add" | "--remove");
    }
    out
}

/// The index behind `link tag`, when that is the command.
fn behind_link_tag(args: &[OsString]) -> Option<usize> {
    let mut words = vec![];
    let mut at = 1;
    while at < args.len() && words.len() < 2 {
        let text = args[at].to_str()?;
        if WITH_VALUE.contains(&text) {
            at += 1;
        } else if !text.starts_with('-') {
            words.push(OsStr::new(text));
        }
        at += 1;
    }
    (words == ["link", "tag"]).then_some(at)
}

/// Tags that are added, tags that are taken away.
pub type Change = (Vec<String>, Vec<String>);

/// `+x` or `-x`, for clap.
pub fn signed(text: &str) -> Result<String, String> {
    match text.strip_prefix(['+', '-']) {
        Some(tag) if !tag.trim().is_empty() && !tag.starts_with('-') => Ok(text.to_owned()),
        _ => Err("write +tag to add a tag, -tag to take it away".into()),
    }
}

/// Sorts signed tags into the two lists that `add` and `remove` begin. Unsigned ones are added.
pub fn change(signed: &[String], add: &[String], remove: &[String]) -> Change {
    let (mut add, mut remove) = (add.to_vec(), remove.to_vec());
    for text in signed {
        match text.strip_prefix('-') {
            Some(tag) => remove.push(tag.to_owned()),
            None => add.push(text.strip_prefix('+').unwrap_or(text).to_owned()),
        }
    }
    (add, remove)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(line: &str) -> String {
        let args = signs_to_options(line.split(' ').map(Into::into).collect());
        args.iter().map(|arg| arg.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_tag_with_a_minus_is_no_option() {
        assert_eq!(rewritten("s link tag L +x -go -y --json"), "s link tag L +x --remove=go --remove=y --json");
        assert_eq!(
            rewritten("s -g G --json link tag L -k8s -g -x -q"),
            "s -g G --json link tag L --remove=k8s -g -x -q"
        );
        assert_eq!(rewritten("s link tag L --add -x"), "s link tag L --add -x");
        for other in ["s link list -g G", "s search link tag -go", "s -g link tag list", "s", "s link tag L -- -x"] {
            assert_eq!(rewritten(other), other);
        }
    }

    #[test]
    fn signs_are_sorted_into_two_lists() {
        let texts = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let (add, remove) = change(&texts(&["+a", "-b", "c"]), &texts(&["d"]), &texts(&["e"]));
        assert_eq!((add, remove), (texts(&["d", "a", "c"]), texts(&["e", "b"])));
        assert!(signed("x").is_err() && signed("--json").is_err() && signed("+").is_err());
    }
}
