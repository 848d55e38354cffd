//! Versions of dependencies that must not come back: an advisory scan alone misses some of these holes.

use std::path::Path;

/// The least versions of packages, and why.
const LEAST: &[(&str, [u64; 3], &str)] = &[
    ("libp2p-gossipsub", [0, 50, 1], "GHSA-vrx6-jcp8-vm7m: PRUNE backoff"),
    ("yamux", [0, 13, 10], "remote panics before it"),
];

#[test]
fn no_dependency_falls_back_to_a_version_with_a_known_hole() {
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    for (name, least, why) in LEAST {
        let mut seen = 0;
        for package in lock.split("[[package]]") {
            let field =
                |key: &str| package.lines().find_map(|l| l.strip_prefix(&format!("{key} = \""))?.strip_suffix('"'));
            if field("name") != Some(name) {
                continue;
            }
            let version: Vec<u64> =
                field("version").unwrap().split(['.', '-', '+']).filter_map(|p| p.parse().ok()).collect();
            assert!(version.as_slice() >= least.as_slice(), "{name} {version:?} is older than {least:?}: {why}");
            seen += 1;
        }
        assert!(seen > 0, "{name} is in Cargo.lock");
    }
}
