//! What `--version` says.

use std::sync::LazyLock;

use crate::api;
use crate::model::ticket;

/// The version with what it speaks, and how and for what it was built.
pub static LONG: LazyLock<String> = LazyLock::new(|| {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!(
        "{}\ncommit {}\nbuilt for {}-{} ({profile})\nAPI version {}, ticket version {}",
        env!("CARGO_PKG_VERSION"),
        // Set by whoever builds a package; a checkout builds without.
        option_env!("STUDYMESH_COMMIT").unwrap_or("unknown"),
        std::env::consts::ARCH,
        std::env::consts::OS,
        api::VERSION,
        ticket::VERSION,
    )
});
