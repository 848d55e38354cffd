//! The command line: arguments in, tables or JSON out. It knows no group; it asks [`crate::node`] and shows the answers.
//!
//! Data goes to standard output, everything else to standard error. With `--json` an answer is one line, and so is an error.
//! `docs/cli.md` is the contract. One file per noun: `args` parses, `run` asks, `show` renders, `lang` speaks.

mod args;
mod demo;
mod editor;
mod failure;
mod input;
mod lang;
mod log;
mod markdown;
mod out;
mod pages;
mod paint;
mod run;
mod secret;
mod show;
mod table;
mod time;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

/// Runs the program with the arguments, environment and streams of this process.
#[must_use]
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match args::Cli::try_parse_from(args::tags::signs_to_options(args.clone())) {
        Ok(cli) => {
            log::init(&cli.global);
            run::run(cli)
        }
        Err(error) => failure::usage(&error, &args),
    }
}

/// The tree of commands, for manual pages, completions and tests.
#[must_use]
pub fn command() -> clap::Command {
    args::Cli::command()
}

#[cfg(test)]
mod tests {
    /// Every command as it is typed, such as `note new`.
    fn commands(command: &clap::Command, before: &str, out: &mut Vec<String>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let name = format!("{before}{}", sub.get_name());
            commands(sub, &format!("{name} "), out);
            out.push(name);
        }
    }

    #[test]
    fn the_document_names_every_command() {
        let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
        let mut all = vec![];
        commands(&super::command(), "", &mut all);
        assert!(all.len() > 60, "{all:?}");
        let missing: Vec<_> = all.iter().filter(|name| !document.contains(&format!("`{name}"))).collect();
        assert!(missing.is_empty(), "docs/cli.md does not name {missing:?}");
    }
}
