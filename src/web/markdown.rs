//! Notes as HTML: what peers wrote becomes text, lists and links, never markup of theirs.
//!
//! The parser makes a tree; what may stand in a page is decided on the tree, and only then it is rendered: raw HTML is shown as it was
//! typed, a link leads to `http`, `https` or `mailto` and nowhere else, an image is a link to it (loading it would tell its host who
//! reads), `[[title]]` leads to the note of that title. The page's content security policy would stop a script all the same.

use comrak::nodes::{AstNode, NodeLink, NodeValue};
use comrak::{Arena, Options, format_html, parse_document};
use maud::{Markup, PreEscaped, html};
use url::Url;

/// Longest text that is rendered, bytes; a longer one is shown as it was typed.
const MAX_RENDERED_BYTES: usize = 1024 * 1024;
/// Deepest nesting that is rendered; a deeper tree is shown as it was typed.
const MAX_DEPTH: usize = 100;
/// Where a link may lead.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// Markdown as HTML. `note` finds the path of the note of a title, or of what stands for one.
pub fn render(text: &str, note: &dyn Fn(&str) -> Option<String>) -> Markup {
    let rendered = if text.len() <= MAX_RENDERED_BYTES { tree(text, note) } else { None };
    match rendered {
        Some(html) => html! { div.prose { (PreEscaped(html)) } },
        None => html! { pre.prose { (text) } },
    }
}

fn tree(text: &str, note: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.wikilinks_title_after_pipe = true;
    options.extension.cjk_friendly_emphasis = true;
    options.render.escape = true;
    options.render.r#unsafe = false;
    let arena = Arena::new();
    let root = parse_document(&arena, text, &options);
    if !is_shallow(root) {
        return None;
    }
    let nodes: Vec<&AstNode<'_>> = root.descendants().collect();
    for node in nodes {
        mend(node, note);
    }
    let mut html = String::with_capacity(text.len() * 2);
    format_html(root, &options, &mut html).ok()?;
    Some(reachable(html))
}

/// What scrolls sideways can be reached by keyboard, and a task's box says what it is. Only what the renderer writes looks like this:
/// `<` and `>` of a text are escaped.
fn reachable(html: String) -> String {
    let mut html = html;
    for (from, to) in [
        ("<pre><code", "<pre tabindex=\"0\"><code"),
        ("<table>", "<table tabindex=\"0\">"),
        ("<input type=\"checkbox\" checked", "<input type=\"checkbox\" aria-label=\"☑\" checked"),
        ("<input type=\"checkbox\" disabled", "<input type=\"checkbox\" aria-label=\"☐\" disabled"),
    ] {
        if html.contains(from) {
            html = html.replace(from, to);
        }
    }
    html
}

fn is_shallow<'a>(root: &'a AstNode<'a>) -> bool {
    // Walks along the edges: no recursion, whatever the depth.
    let mut depth = 0;
    for edge in root.traverse() {
        match edge {
            comrak::arena_tree::NodeEdge::Start(_) => depth += 1,
            comrak::arena_tree::NodeEdge::End(_) => depth -= 1,
        }
        if depth > MAX_DEPTH {
            return false;
        }
    }
    true
}

/// Decides what a link or an image becomes.
fn mend<'a>(node: &'a AstNode<'a>, note: &dyn Fn(&str) -> Option<String>) {
    let target = match &node.data.borrow().value {
        NodeValue::Link(link) | NodeValue::Image(link) => allowed(&link.url).map(|url| (url, link.title.clone())),
        NodeValue::WikiLink(link) => note(&link.url).map(|path| (path, String::new())),
        _ => return,
    };
    match target {
        // A link without words can be neither seen nor heard.
        Some(_) if node.first_child().is_none() => node.detach(),
        Some((url, title)) => node.data.borrow_mut().value = NodeValue::Link(Box::new(NodeLink { url, title })),
        // The words stay, the link goes.
        None => {
            let words: Vec<_> = node.children().collect();
            for word in words {
                node.insert_before(word);
            }
            node.detach();
        }
    }
}

/// The address of a link, as a browser will read it, when it may lead there.
pub fn allowed(url: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    SCHEMES.contains(&parsed.scheme()).then(|| parsed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tags with the attributes that they may have.
    const TAGS: &[(&str, &[&str])] = &[
        (
            "a",
            &[
                "href",
                "title",
                "class",
                "id",
                "aria-label",
                "data-footnote-ref",
                "data-footnote-backref",
                "data-footnote-backref-idx",
            ],
        ),
        ("blockquote", &[]),
        ("br", &[]),
        ("code", &["class"]),
        ("del", &[]),
        ("div", &["class"]),
        ("em", &[]),
        ("h1", &[]),
        ("h2", &[]),
        ("h3", &[]),
        ("h4", &[]),
        ("h5", &[]),
        ("h6", &[]),
        ("hr", &[]),
        ("input", &["type", "aria-label", "disabled", "checked"]),
        ("li", &["id", "class"]),
        ("ol", &["start", "class"]),
        ("p", &[]),
        ("pre", &["class", "tabindex"]),
        ("section", &["class", "data-footnotes"]),
        ("strong", &[]),
        ("sup", &["class"]),
        ("table", &["tabindex"]),
        ("tbody", &[]),
        ("td", &["align"]),
        ("th", &["align"]),
        ("thead", &[]),
        ("tr", &[]),
        ("ul", &["class"]),
    ];

    fn shown(text: &str) -> String {
        render(text, &|title| (title == "Plan").then(|| "/groups/g/notes/1".to_owned())).into_string()
    }

    /// Reads HTML as strictly as we write it: what is not on the list, or not quoted, fails.
    fn check(text: &str) -> String {
        let html = shown(text);
        let mut rest = html.as_str();
        while let Some(at) = rest.find('<') {
            let end = at + rest[at..].find('>').unwrap_or_else(|| panic!("{text:?}: a tag without an end: {html}"));
            tag(rest[at + 1..end].trim_start_matches('/').trim_end_matches('/').trim(), text, &html);
            rest = &rest[end + 1..];
        }
        html
    }

    fn tag(inside: &str, text: &str, html: &str) {
        let (name, mut attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        let (_, allowed) =
            TAGS.iter().find(|(tag, _)| *tag == name).unwrap_or_else(|| panic!("{text:?}: <{name}> in {html}"));
        while !attributes.trim().is_empty() {
            attributes = attributes.trim_start();
            let (key, after) = attributes.split_at(attributes.find([' ', '=']).unwrap_or(attributes.len()));
            // One without a value is whole as it is; every value is quoted.
            let (value, after) = match after.strip_prefix("=\"") {
                Some(rest) => rest.split_once('"').unwrap_or_else(|| panic!("{text:?}: {html}")),
                None => ("", after),
            };
            assert!(!after.starts_with('='), "{text:?}: {html}");
            assert!(allowed.contains(&key), "{text:?}: <{name} {key}> in {html}");
            if key == "href" {
                let good =
                    ["http://", "https://", "mailto:", "/groups/g/notes/", "#fn"].iter().any(|s| value.starts_with(s));
                assert!(good, "{text:?}: leads to {value}");
            }
            attributes = after;
        }
    }

    #[test]
    fn a_hostile_corpus_stays_text() {
        for text in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<svg/onload=alert(1)>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](java\u{9}script:alert(1))",
            "[x](&#106;avascript:alert(1))",
            "[x](&Tab;javascript:alert(1))",
            "[x](\u{1}javascript:alert(1))",
            "[x](<java\nscript:alert(1)>)",
            "[x](vbscript:msgbox(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](file:///etc/passwd)",
            "[x](//evil.example/)",
            "[x](/groups/other)",
            "[x](?logout)",
            "[x](blob:https://a/b)",
            "[x](https://a.example/\"onmouseover=\"alert(1))",
            "[x](https://a.example/ \"t\\\" onmouseover=alert(1) \\\"\")",
            "[x](<https://a.example/><script>alert(1)</script>)",
            "![x](javascript:alert(1))",
            "![x\" onerror=\"alert(1)](https://a.example/p.png)",
            "![<img src=x onerror=alert(1)>](https://a.example/p.png)",
            "<javascript:alert(1)>",
            "<https://a.example/\"onclick=alert(1)>",
            "[[Plan|<img src=x onerror=alert(1)>]]",
            "[[javascript:alert(1)]]",
            "[[<script>alert(1)</script>]]",
            "```\"><script>alert(1)</script>\ncode\n```",
            "``` x\" onclick=\"alert(1)\ncode\n```",
            "`<script>alert(1)</script>`",
            "| <script>alert(1)</script> | b |\n|:--|--:|\n| [x](javascript:1) | `<b>` |",
            "- [x] <script>alert(1)</script>",
            "a[^<script>]\n\n[^<script>]: <script>alert(1)</script>",
            "a[^\"onclick=alert(1)]\n\n[^\"onclick=alert(1)]: b",
            "[x]: javascript:alert(1)\n\n[x] [x][x] ![x]",
            "<!-- --><script>alert(1)</script>",
            "<![CDATA[<script>alert(1)</script>]]>",
            "<style>*{display:none}</style>",
            "<iframe srcdoc=\"<script>alert(1)</script>\">",
            "<form action=/groups method=post><button>x",
            "</div></main></body><script>alert(1)</script>",
            "# <script>alert(1)</script>",
            "www.a.example/\"><script>alert(1)</script>",
            "http://a.example/<script>alert(1)</script>",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "\u{202e}<script>\u{0}alert(1)</script>",
        ] {
            let html = check(text);
            assert!(!html.contains("<script") && !html.contains("<img"), "{text:?}: {html}");
        }
    }

    #[test]
    fn what_people_write_is_rendered() {
        for (text, part) in [
            ("**粗体**文字", "<strong>粗体</strong>文字"),
            ("见 <https://go.dev/doc>", "<a href=\"https://go.dev/doc\">"),
            ("https://go.dev", "<a href=\"https://go.dev/\">https://go.dev</a>"),
            ("mail [me](mailto:a@b.example)", "<a href=\"mailto:a@b.example\">me</a>"),
            ("![a picture](https://a.example/p.png)", "<a href=\"https://a.example/p.png\">a picture</a>"),
            ("[[Plan]]", "<a href=\"/groups/g/notes/1\">Plan</a>"),
            ("[[Plan|our plan]]", "<a href=\"/groups/g/notes/1\">our plan</a>"),
            ("[[Nowhere]]", "<p>Nowhere</p>"),
            ("- [x] done", "checked"),
            ("| a | b |\n|--|--|\n| 1 | 2 |", "<td>1</td>"),
            ("~~x~~", "<del>x</del>"),
            ("<b>not bold</b>", "&lt;b&gt;not bold&lt;/b&gt;"),
            ("a[^1]\n\n[^1]: foot", "foot"),
        ] {
            let html = check(text);
            assert!(html.contains(part), "{text}: {html}");
        }
        assert!(!check("[](https://a.example)").contains("<a"), "a link without words is none");
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "it is about real time")]
    fn what_is_meant_to_be_slow_or_deep_is_shown_all_the_same() {
        let begin = std::time::Instant::now();
        for text in [
            "[".repeat(50_000),
            "> ".repeat(20_000),
            "*a_ ".repeat(20_000),
            "- ".repeat(5_000),
            "[a](".repeat(20_000),
            "`".repeat(50_000),
            "<".repeat(50_000),
            "[^a]".repeat(20_000),
        ] {
            check(&text);
        }
        assert!(check(&"x ".repeat(MAX_RENDERED_BYTES)).starts_with("<pre class=\"prose\">x x"));
        assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
    }

    proptest::proptest! {
        #[test]
        fn no_text_at_all_makes_markup_of_its_own(text in "[<>\"'&\\[\\]()!`*_#|\\-:/a-zA-Z0-9 \n\\\\容]{0,200}") {
            check(&text);
        }
    }
}
