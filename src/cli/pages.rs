//! Completion scripts and manual pages, made from the tree of commands.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::args::config::{Completions, Man};
use super::input::unwritable;
use super::run::{OK, Session, Status};
use crate::api::Error;

/// The name that the pages are made for.
const NAME: &str = "studymesh";

/// Prints a completion script.
pub fn completions(session: &mut Session, args: &Completions) -> Status {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut super::command(), NAME, &mut script);
    let text = String::from_utf8_lossy(&script).into_owned();
    let answer = json!({ "v": 1, "shell": args.shell.to_string(), "script": text });
    session.answer(&answer, |_, _| text.clone());
    Ok(OK)
}

/// Prints the main page, or writes all pages into a directory.
pub fn man(session: &mut Session, args: &Man) -> Status {
    let Some(dir) = &args.out else {
        let mut page = vec![];
        // Writing to memory does not fail.
        let _ = clap_mangen::Man::new(super::command()).render(&mut page);
        let text = String::from_utf8_lossy(&page).into_owned();
        session.answer(&json!({ "v": 1, "page": text }), |_, _| text.clone());
        return Ok(OK);
    };
    let files = write_all(dir)?;
    let answer = json!({ "v": 1, "out": dir.display().to_string(), "files": files });
    let count = files.len();
    session.answer(&answer, |view, _| format!("{}\n", view.texts.pages_written(count, dir.display())));
    Ok(OK)
}

/// Writes a page per command; the names of the files, sorted.
fn write_all(dir: &Path) -> Result<Vec<String>, Error> {
    fs::create_dir_all(dir).map_err(|error| unwritable(dir, &error))?;
    let mut command = super::command().disable_help_subcommand(true);
    command.build();
    let mut files = vec![];
    write_tree(&command, dir, &mut files).map_err(|error| unwritable(dir, &error))?;
    files.sort();
    Ok(files)
}

fn write_tree(command: &clap::Command, dir: &Path, files: &mut Vec<String>) -> std::io::Result<()> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        write_tree(sub, dir, files)?;
    }
    let path = clap_mangen::Man::new(command.clone()).generate_to(dir)?;
    files.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let dir = tempfile::tempdir().unwrap();
        let files = write_all(dir.path()).unwrap();
        for name in ["studymesh.1", "studymesh-note.1", "studymesh-note-new.1", "studymesh-sync-wait.1"] {
            assert!(files.iter().any(|file| file == name), "{name} of {files:?}");
        }
        let page = fs::read_to_string(dir.path().join("studymesh-note-new.1")).unwrap();
        assert!(page.contains("\\-\\-title") && page.starts_with(".ie"), "{page}");
    }
}
