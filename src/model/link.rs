//! Links: one canonical spelling per web address, so that two members who share the same page share one link.
//!
//! The canonical URL *is* the identity of a link ([`id`] is its hash), so [`canonical`] must be idempotent, the same on
//! every machine, and must never depend on fetching anything.
//!
//! ```
//! use studymesh::model::link;
//! let a = link::canonical("HTTPS://Kubernetes.io:443/docs/home/?utm_source=chat#start").unwrap();
//! assert_eq!(a, "https://kubernetes.io/docs/home/");
//! assert_eq!(link::id(&a), link::id(&link::canonical(&a).unwrap()));
//! ```
//!
//! # What is deliberately left alone
//! Query parameters keep their order and their repetition: a server may read `a=1&a=2` as a list, and `?b&a` as a path
//! or a signature over the text. Sorting would merge few links and break some. A trailing slash of a non-empty path,
//! `www.`, and `http` against `https` stay too: they are different resources until a server says otherwise.

use std::borrow::Cow;

use url::Url;

use super::id::LinkId;

/// Bytes of the longest canonical URL.
pub const MAX_BYTES: usize = 2_048;

/// Bytes of the longest text that [`canonical`] looks at: room for the tracking parameters that it takes away.
pub const MAX_INPUT_BYTES: usize = 4 * MAX_BYTES;

const _: () = assert!(MAX_INPUT_BYTES >= MAX_BYTES);

/// Names of query parameters that only say where a click came from, on every site; lower case.
///
/// Names that also carry meaning somewhere (`from`, `ref`, `source`, `id`, `share`) are absent on purpose: a link that
/// is shared twice is a smaller harm than a link that leads elsewhere.
pub const TRACKING: &[&str] = &[
    "_hsenc",
    "_hsmi",
    "dclid",
    "fbclid",
    "gbraid",
    "gclid",
    "gclsrc",
    "igsh",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "msclkid",
    "scm",
    "share_medium",
    "share_source",
    "spm",
    "spm_id_from",
    "ttclid",
    "twclid",
    "vd_source",
    "vero_id",
    "wbraid",
    "yclid",
];

/// Prefixes of names of tracking parameters, on every site; lower case.
pub const TRACKING_PREFIXES: &[&str] = &["utm_"];

/// Tracking parameters whose names mean something elsewhere: (host, which also covers its subdomains; name).
pub const TRACKING_AT: &[(&str, &str)] = &[
    ("bilibili.com", "from_source"),
    ("mp.weixin.qq.com", "chksm"),
    ("mp.weixin.qq.com", "scene"),
    ("mp.weixin.qq.com", "sharer_shareinfo"),
    ("mp.weixin.qq.com", "sharer_shareinfo_first"),
    ("twitter.com", "ref_src"),
    ("youtu.be", "si"),
    ("youtube.com", "si"),
];

/// Context of the key derivation that makes a [`LinkId`]; part of the protocol, never changed.
const ID_CONTEXT: &str = "studymesh 2026 link id v1";

/// Why a text is not a link that a group can share. Each message has cause and remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nothing but white space.
    #[error("the link is empty; give a whole web address, such as https://kubernetes.io/docs/")]
    Empty,
    /// The text or its canonical form is too long.
    #[error("the link has {bytes} bytes, more than {max}; share the page's short or permanent address instead")]
    TooLong {
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed: [`MAX_BYTES`] or [`MAX_INPUT_BYTES`].
        max: usize,
    },
    /// Not an absolute URL.
    #[error("the link is not a web address ({cause}); copy it whole from the browser, starting with https://")]
    NotAUrl {
        /// What the URL parser found.
        cause: url::ParseError,
    },
    /// A scheme other than http and https.
    #[error("a link must start with https:// or http://, and this starts with {scheme}:; share the page's web address")]
    Scheme {
        /// The scheme found, lower case.
        scheme: String,
    },
    /// A user name or a password in the address.
    #[error(
        "the link carries a user name or a password before '@', which the whole group would read; take that part out, \
         and change the password if it was shared before"
    )]
    Credentials,
}

/// The canonical form of a link: the one spelling under which a group knows a page.
///
/// `http` or `https` only, lower-case host in Punycode, no default port, no credentials (an error, because they would be
/// shared), no tracking parameter, no plain anchor, no empty query, upper-case percent escapes and none where a plain
/// character means the same. A fragment stays only where it routes: `#!...`, or a text with a `/` such as `#/guide`.
///
/// Idempotent: `canonical(canonical(x)) == canonical(x)`.
///
/// # Errors
/// [`LinkError`] when the text is not such a link.
pub fn canonical(input: &str) -> Result<String, LinkError> {
    if input.len() > MAX_INPUT_BYTES {
        return Err(LinkError::TooLong { bytes: input.len(), max: MAX_INPUT_BYTES });
    }
    if input.trim().is_empty() {
        return Err(LinkError::Empty);
    }
    let mut url = Url::parse(input.trim()).map_err(|cause| LinkError::NotAUrl { cause })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(LinkError::Scheme { scheme: url.scheme().chars().take(32).collect() });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LinkError::Credentials);
    }

    let path = plain_escapes(url.path());
    url.set_path(&path);
    let query = url.query().map(plain_escapes).map(|q| kept_parameters(url.host_str().unwrap_or_default(), &q));
    url.set_query(query.as_deref().filter(|q| !q.is_empty()));
    let fragment = url.fragment().map(plain_escapes).and_then(|f| routing_fragment(&f).map(str::to_owned));
    url.set_fragment(fragment.as_deref());

    let text = String::from(url);
    if text.len() > MAX_BYTES {
        return Err(LinkError::TooLong { bytes: text.len(), max: MAX_BYTES });
    }
    Ok(text)
}

/// The identity of a link. `canonical` must come from [`canonical`]; another spelling gives another id.
#[must_use]
pub fn id(canonical: &str) -> LinkId {
    LinkId(blake3::derive_key(ID_CONTEXT, canonical.as_bytes()))
}

/// The parameters of a query that are not tracking, in their order, byte for byte; empty ones are dropped.
fn kept_parameters(host: &str, query: &str) -> String {
    let kept = query.split('&').filter(|piece| !piece.is_empty() && !is_tracking(host, piece));
    kept.collect::<Vec<_>>().join("&")
}

fn is_tracking(host: &str, piece: &str) -> bool {
    let Some((name, _)) = url::form_urlencoded::parse(piece.as_bytes()).next() else {
        return false;
    };
    let name: Cow<'_, str> = name.to_ascii_lowercase().into();
    TRACKING.contains(&&*name)
        || TRACKING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || TRACKING_AT.iter().any(|(site, tracking)| *tracking == name && is_host_of(host, site))
}

fn is_host_of(host: &str, site: &str) -> bool {
    host.strip_suffix(site).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The part of a fragment that selects a page rather than a place in it. Text directives (`:~:text=`) never do.
fn routing_fragment(fragment: &str) -> Option<&str> {
    let fragment = fragment.split_once(":~:").map_or(fragment, |(route, _)| route);
    let routes = fragment.starts_with('!') || fragment.contains('/');
    (routes && !matches!(fragment, "!" | "/")).then_some(fragment)
}

/// Percent escapes in upper case, and unreserved characters (RFC 3986, 2.3) unescaped, until nothing changes: `%%37e`
/// takes two rounds. Every round but the last shortens the text or only changes case, so this ends.
fn plain_escapes(text: &str) -> String {
    let mut text = text.to_owned();
    loop {
        let next = plain_escapes_once(&text);
        if next == text {
            return text;
        }
        text = next;
    }
}

fn plain_escapes_once(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let escaped = rest.get(1..3).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(byte) = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
            out.push('%');
            rest = &rest[1..];
            continue;
        };
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&rest[..3].to_ascii_uppercase());
        }
        rest = &rest[3..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ok(input: &str) -> String {
        canonical(input).unwrap()
    }

    #[test]
    fn spellings_of_one_page_become_one_link() {
        let page = "https://example.com/a?x=1";
        for spelling in [
            "https://EXAMPLE.com:443/a?x=1",
            "  https://example.com/a?x=1#top ",
            "https://example.com/a?utm_source=w&x=1&fbclid=9",
            "https://example.com/a?UTM_Medium=w&x=1&spm=a.b",
            "https://example.com/%61?x=1",
            "https://example.com/b/../a?x=1#:~:text=word/word",
            "https://example.com/a?&x=1&",
        ] {
            assert_eq!(ok(spelling), page, "{spelling}");
        }
    }

    #[test]
    fn a_chinese_host_is_written_in_punycode_and_a_chinese_path_in_upper_case_escapes() {
        assert_eq!(ok("https://例子.测试/文"), "https://xn--fsqu00a.xn--0zwm56d/%E6%96%87");
        assert_eq!(ok("https://a.cn/%e6%96%87"), ok("https://a.cn/文"));
    }

    #[test]
    fn parameters_with_meaning_keep_their_order_and_ambiguous_names_stay() {
        assert_eq!(ok("https://a.com/?b=2&a=1&b=3"), "https://a.com/?b=2&a=1&b=3");
        assert_eq!(ok("https://a.com/list?from=20&ref=main"), "https://a.com/list?from=20&ref=main");
        assert_eq!(ok("https://www.youtube.com/watch?v=x&si=y"), "https://www.youtube.com/watch?v=x");
        assert_eq!(ok("https://notyoutube.com/?si=y"), "https://notyoutube.com/?si=y");
    }

    #[test]
    fn only_the_empty_path_and_the_empty_query_are_normalised() {
        assert_eq!(ok("https://a.com"), "https://a.com/");
        assert_eq!(ok("https://a.com/x/"), "https://a.com/x/");
        assert_eq!(ok("https://a.com/x"), "https://a.com/x");
        assert_eq!(ok("https://a.com/x?"), "https://a.com/x");
        assert_eq!(ok("https://a.com/x?utm_id=1"), "https://a.com/x");
    }

    #[test]
    fn a_fragment_stays_when_it_routes_and_goes_when_it_is_an_anchor() {
        assert_eq!(ok("https://a.com/#!page"), "https://a.com/#!page");
        assert_eq!(ok("https://a.com/#/guide"), "https://a.com/#/guide");
        assert_eq!(ok("https://a.com/#docs/guide"), "https://a.com/#docs/guide");
        assert_eq!(ok("https://a.com/#install"), "https://a.com/");
        assert_eq!(ok("https://a.com/#/"), "https://a.com/");
        assert_eq!(ok("https://a.com/#"), "https://a.com/");
    }

    #[test]
    fn what_is_no_shareable_link_is_refused_with_its_reason() {
        assert_eq!(canonical("https://me:secret@a.com/"), Err(LinkError::Credentials));
        assert_eq!(canonical("https://me@a.com/"), Err(LinkError::Credentials));
        assert_eq!(canonical(" \n"), Err(LinkError::Empty));
        assert!(matches!(canonical("kubernetes.io/docs"), Err(LinkError::NotAUrl { .. })));
        for other in ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "localhost:8080/x"] {
            assert!(matches!(canonical(other), Err(LinkError::Scheme { .. })), "{other}");
        }
        let long = format!("https://a.com/{}", "x".repeat(MAX_BYTES));
        assert!(matches!(canonical(&long), Err(LinkError::TooLong { max: MAX_BYTES, .. })));
        let huge = format!("https://a.com/?utm_x={}", "x".repeat(MAX_INPUT_BYTES));
        assert!(matches!(canonical(&huge), Err(LinkError::TooLong { max: MAX_INPUT_BYTES, .. })));
    }

    #[test]
    fn the_id_is_a_function_of_the_canonical_text_alone() {
        assert_eq!(id("https://a.com/"), id("https://a.com/"));
        assert_ne!(id("https://a.com/"), id("https://a.com/x"));
        assert_ne!(id("https://a.com/").0, *blake3::hash(b"https://a.com/").as_bytes());
    }

    proptest! {
        #[test]
        fn canonical_is_idempotent_on_addresses(
            host in "[a-zA-Z0-9例.-]{1,12}", rest in "[/?#&=%!:~.a-f0-9文 +;utm_{}\\\\'\"<>|^`@-]{0,40}",
        ) {
            if let Ok(once) = canonical(&format!("https://{host}/{rest}")) {
                prop_assert_eq!(canonical(&once), Ok(once.clone()));
                prop_assert!(once.len() <= MAX_BYTES && once.is_ascii());
            }
        }

        #[test]
        fn canonical_is_idempotent_on_escapes(rest in "(%|2|5|3|7|e|E|\\.|/|\\?|#|&){0,24}") {
            if let Ok(once) = canonical(&format!("http://h/{rest}")) {
                prop_assert_eq!(canonical(&once), Ok(once.clone()));
            }
        }

        #[test]
        fn canonical_never_panics(text in any::<String>()) {
            if let Ok(once) = canonical(&text) {
                prop_assert_eq!(canonical(&once), Ok(once.clone()));
            }
        }
    }
}
