//! The person's own editor on a private file. The file stays until its text is safely in the log.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::input;
use crate::api::{Code, Error, MAX_NOTE_BYTES};

/// The editor when the environment names none.
const FALLBACK: &str = "vi";
/// How many names are tried for the file.
const MAX_NAMES: u32 = 100;

/// What the person wrote.
#[derive(Debug)]
pub struct Draft {
    /// The text as it was saved.
    pub text: String,
    /// Where it is.
    path: PathBuf,
}

impl Draft {
    /// The text is safe: the file goes.
    pub fn done(self) {
        // A file that stays is harmless, and private.
        let _ = fs::remove_file(self.path);
    }

    /// The text is not safe: an error that says where it is.
    pub fn keep(self, error: Error, how: &str) -> Error {
        let kept = format!("your text is kept in {}", self.path.display());
        Error {
            message: format!("{}; {kept}", error.message),
            remedy: format!("{}; then {how} --file {}", error.remedy, quoted(&self.path)),
            ..error
        }
    }
}

/// The editor that the environment names.
pub fn command(env: &dyn Fn(&str) -> Option<String>) -> String {
    let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| env(name).filter(|text| !text.trim().is_empty()));
    named.unwrap_or_else(|| FALLBACK.to_owned())
}

/// Lets the person edit a text. `name` is part of the file's name; `command` may have arguments, as in `code --wait`.
///
/// # Errors
/// When the editor can not be run, fails, or leaves something that is no note's text; the file stays then.
pub fn edit(command: &str, name: &str, text: &str) -> Result<Draft, Error> {
    let (mut file, path) = private_file(name)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| input::unwritable(&path, &error))?;
    drop(file);
    // As other programs do it: the shell splits the command, the path stays one argument.
    let status = Command::new("sh").arg("-c").arg(format!("{command} \"$1\"")).arg("sh").arg(&path).status();
    let kept = || format!("the text is kept in {}", path.display());
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => {
            let cause = format!("the editor `{command}` ended with {status}; {}", kept());
            return Err(Error::new(Code::Failed, cause, "set VISUAL or EDITOR to an editor that waits, or use --file"));
        }
        Err(error) => {
            let cause = format!("the editor `{command}` can not be run: {error}; {}", kept());
            return Err(Error::new(Code::Failed, cause, "set VISUAL or EDITOR, or use --file"));
        }
    }
    let text = input::file(&path, MAX_NOTE_BYTES)
        .map_err(|error| Error { message: format!("{}; {}", error.message, kept()), ..error })?;
    Ok(Draft { text, path })
}

/// A new file that only this person can read.
fn private_file(name: &str) -> Result<(File, PathBuf), Error> {
    let safe: String = name.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    let dir = std::env::temp_dir();
    let process = std::process::id();
    for number in 0..MAX_NAMES {
        let path = dir.join(format!("studymesh-{safe}-{process}-{number}.md"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(input::unwritable(&path, &error)),
        }
    }
    let cause = format!("{} has {MAX_NAMES} texts of this note already", dir.display());
    Err(Error::new(Code::Failed, cause, "delete the ones that you do not need any more"))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_editor_works_on_a_private_file_and_may_have_arguments() {
        let draft = edit("sed -i s/one/two/", "id1", "one 云\n").unwrap();
        assert_eq!(draft.text, "two 云\n");
        let path = draft.path.clone();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.extension().unwrap(), "md");
        draft.done();
        assert!(!path.exists());
    }

    #[test]
    fn a_text_that_could_not_be_written_is_kept_and_named() {
        let draft = edit("true", "id2", "precious").unwrap();
        let path = draft.path.clone();
        let error = draft.keep(Error::new(Code::Locked, "busy", "wait"), "studymesh note edit id2");
        assert!(error.message.contains(path.to_str().unwrap()) && error.remedy.contains("--file '"), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn an_editor_that_fails_changes_nothing_and_says_where_the_text_is() {
        let error = edit("false", "id3", "x").unwrap_err();
        assert_eq!(error.code, Code::Failed);
        let path = error.message.rsplit_once("kept in ").unwrap().1;
        assert_eq!(fs::read_to_string(path).unwrap(), "x");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn the_visual_editor_comes_first() {
        let env = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|p| p.0 == name).map(|p| p.1.to_owned())
        };
        assert_eq!(command(&env(&[("EDITOR", "nano"), ("VISUAL", "code --wait")])), "code --wait");
        assert_eq!(command(&env(&[("EDITOR", "nano"), ("VISUAL", " ")])), "nano");
        assert_eq!(command(&env(&[])), "vi");
    }
}
