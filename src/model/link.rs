//! stub
use super::id::LinkId;
pub fn id(canonical: &str) -> LinkId {
    LinkId(blake3::derive_key("studymesh 2026 link id v1", canonical.as_bytes()))
}
