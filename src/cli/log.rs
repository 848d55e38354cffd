//! The log: to stderr, warnings by default.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use super::args::Global;

/// Variables that hold a filter, the first one that is set counts.
const VARIABLES: [&str; 2] = ["STUDYMESH_LOG", "RUST_LOG"];

/// Begins to log. A flag wins over the environment.
pub fn init(global: &Global) {
    let (filter, complaint) = filter(global, &|name| std::env::var(name).ok());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // Somebody who embeds this may log already; then theirs stays.
    let _ = if global.log_json { log.json().try_init() } else { log.with_ansi(ansi).try_init() };
    if let Some(complaint) = complaint {
        tracing::warn!("{complaint}");
    }
}

/// Warnings; but not of the DHT, which warns at every start that it knows nobody yet.
const DEFAULT: &str = "warn,libp2p_kad=error";

fn filter(global: &Global, env: &dyn Fn(&str) -> Option<String>) -> (EnvFilter, Option<String>) {
    match (global.quiet, global.verbose) {
        (true, _) => return (EnvFilter::new("error"), None),
        (_, 1) => return (EnvFilter::new("warn,studymesh=info"), None),
        (_, 2) => return (EnvFilter::new("info,studymesh=debug"), None),
        (_, 3..) => return (EnvFilter::new("debug,studymesh=trace"), None),
        _ => {}
    }
    let given = VARIABLES.iter().find_map(|name| env(name).filter(|text| !text.is_empty()).map(|text| (name, text)));
    match given {
        None => (EnvFilter::new(DEFAULT), None),
        Some((name, text)) => match EnvFilter::try_new(&text) {
            Ok(filter) => (filter, None),
            Err(error) => (EnvFilter::new("warn"), Some(format!("{name} is no filter ({error}); logging warnings"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_environment_and_a_bad_filter_is_told() {
        let env = |name: &str| (name == "RUST_LOG").then(|| "debug".to_owned());
        let shown = |global: &Global| filter(global, &env).0.to_string();
        assert_eq!(shown(&Global::default()), "debug");
        assert_eq!(shown(&Global { quiet: true, ..Global::default() }), "error");
        assert!(shown(&Global { verbose: 1, ..Global::default() }).contains("studymesh=info"));
        let bad = |name: &str| (name == "STUDYMESH_LOG").then(|| "a=b=c".to_owned());
        let (chosen, complaint) = filter(&Global::default(), &bad);
        assert_eq!(chosen.to_string(), "warn");
        assert!(complaint.unwrap().contains("STUDYMESH_LOG"));
    }
}
