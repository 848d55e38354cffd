//! What the page loads: embedded in the program, under a path that names its content, so that browsers keep it for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// One file.
struct Asset {
    name: &'static str,
    media: &'static str,
    bytes: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Every file. Modules import each other by `./name.js`: they all live under one hash.
const ASSETS: &[Asset] = &[
    Asset { name: "style.css", media: CSS, bytes: include_bytes!("assets/style.css") },
    Asset { name: "app.js", media: JS, bytes: include_bytes!("assets/app.js") },
    Asset { name: "live.js", media: JS, bytes: include_bytes!("assets/live.js") },
    Asset { name: "forms.js", media: JS, bytes: include_bytes!("assets/forms.js") },
    Asset { name: "swap.js", media: JS, bytes: include_bytes!("assets/swap.js") },
    Asset { name: "note.js", media: JS, bytes: include_bytes!("assets/note.js") },
    Asset { name: "changes.js", media: JS, bytes: include_bytes!("assets/changes.js") },
    Asset { name: "undo.js", media: JS, bytes: include_bytes!("assets/undo.js") },
    Asset { name: "carets.js", media: JS, bytes: include_bytes!("assets/carets.js") },
    Asset { name: "search.js", media: JS, bytes: include_bytes!("assets/search.js") },
    Asset { name: "palette.js", media: JS, bytes: include_bytes!("assets/palette.js") },
    Asset { name: "zone.js", media: JS, bytes: include_bytes!("assets/zone.js") },
    Asset { name: "mark.svg", media: SVG, bytes: include_bytes!("assets/mark.svg") },
];

/// Digits of the hash in the path.
const DIGITS: usize = 16;

/// The hash of all files and their names.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = blake3::Hasher::new();
    for asset in ASSETS {
        hasher.update(asset.name.as_bytes()).update(&[0]).update(&asset.bytes.len().to_le_bytes()).update(asset.bytes);
    }
    hasher.finalize().to_hex()[..DIGITS].to_owned()
});

/// The path of a file.
///
/// # Panics
/// When there is none of that name: a mistake of this program, which the tests find.
pub fn path(name: &str) -> String {
    assert!(ASSETS.iter().any(|asset| asset.name == name), "there is an asset {name}");
    format!("/assets/{}/{name}", *HASH)
}

/// Serves one.
pub async fn serve(Path((hash, name)): Path<(String, String)>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name && *HASH == hash) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    send(asset, "public, max-age=31536000, immutable")
}

/// Browsers ask for it by this name.
pub async fn favicon() -> Response {
    let asset = ASSETS.iter().find(|asset| asset.name == "mark.svg").expect("the mark is an asset");
    send(asset, "public, max-age=86400")
}

fn send(asset: &Asset, cache: &'static str) -> Response {
    let mut response = asset.bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_import_only_what_is_there_and_nothing_from_elsewhere() {
        for asset in ASSETS {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            for (_, rest) in text.match_indices("from '").map(|(at, found)| (at, &text[at + found.len()..])) {
                let name = rest.split('\'').next().unwrap().strip_prefix("./").unwrap();
                assert!(ASSETS.iter().any(|other| other.name == name), "{} imports {name}", asset.name);
            }
            let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"), "{}", asset.name);
            assert!(!text.contains("innerHTML") && !text.contains("eval("), "{}", asset.name);
        }
        let all: usize = ASSETS.iter().map(|asset| asset.bytes.len()).sum();
        assert!(all < 100_000, "{all} bytes");
    }
}
