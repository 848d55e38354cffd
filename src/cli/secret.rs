//! Passphrases: from a file, the environment, or a terminal that does not show them. Never from an argument, which others can see.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::input::{STDIN, unreadable};
use super::lang::Texts;
use crate::api::{Code, Error};
use crate::node::Unlock;
use crate::vault::{MAX_PASSPHRASE_BYTES, MIN_PASSPHRASE_CHARS, Passphrase};

/// The variable that a passphrase may stand in.
pub const VARIABLE: &str = "STUDYMESH_PASSPHRASE";

/// Where passphrases come from in this process.
#[derive(Debug, Clone)]
pub struct Asker {
    /// `--passphrase-file`.
    pub file: Option<PathBuf>,
    /// Whether a person can be asked.
    pub can_ask: bool,
    /// The language to ask in.
    pub texts: Texts,
}

impl Asker {
    /// The passphrase of something that is sealed already.
    ///
    /// # Errors
    /// When there is none, or nobody can be asked.
    pub fn present(&self, what: &str) -> Result<Passphrase, Error> {
        if let Some(given) = self.given()? {
            return Ok(given);
        }
        self.check_terminal()?;
        terminal::ask(&self.texts.ask_passphrase(what))
    }

    /// A passphrase for something new: asked twice on a terminal.
    ///
    /// # Errors
    /// When there is none, it is too short, or the two are not the same.
    pub fn fresh(&self, what: &str, file: Option<&Path>) -> Result<Passphrase, Error> {
        let given = match file {
            Some(file) => Some(from_file(file)?),
            None => self.given()?,
        };
        given.map_or_else(|| self.fresh_from_person(what), long_enough)
    }

    /// The same from a person alone.
    ///
    /// # Errors
    /// As [`Asker::fresh`].
    pub fn fresh_from_person(&self, what: &str) -> Result<Passphrase, Error> {
        self.check_terminal()?;
        let first = long_enough(terminal::ask(&self.texts.ask_new_passphrase(what, MIN_PASSPHRASE_CHARS))?)?;
        if terminal::ask(self.texts.ask_again())? == first {
            return Ok(first);
        }
        Err(Error::new(Code::BadInput, "the two passphrases are not the same", "type it again, more slowly"))
    }

    /// Gives the passphrase of the device key; a person is asked once.
    pub fn unlock(self) -> Unlock {
        let known: Mutex<Option<Passphrase>> = Mutex::default();
        Arc::new(move || {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = &*known {
                return Ok(known.clone());
            }
            let passphrase = self.present(self.texts.the_device_key())?;
            *known = Some(passphrase.clone());
            Ok(passphrase)
        })
    }

    fn given(&self) -> Result<Option<Passphrase>, Error> {
        if let Some(file) = &self.file {
            return from_file(file).map(Some);
        }
        let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else { return Ok(None) };
        let value = value.into_string().map_err(|_| {
            Error::new(
                Code::BadInput,
                format!("{VARIABLE} is not UTF-8 text"),
                "set it to a text, or use --passphrase-file",
            )
        })?;
        Ok(Some(Passphrase::new(value)))
    }

    fn check_terminal(&self) -> Result<(), Error> {
        if self.can_ask {
            return Ok(());
        }
        let remedy = format!("give it with --passphrase-file FILE (- is standard input) or in {VARIABLE}");
        Err(Error::new(Code::NotPermitted, "a passphrase is needed, and nobody can be asked here", remedy))
    }
}

fn long_enough(passphrase: Passphrase) -> Result<Passphrase, Error> {
    if passphrase.is_long_enough() {
        return Ok(passphrase);
    }
    let cause = format!("a new passphrase needs {MIN_PASSPHRASE_CHARS} characters at least");
    Err(Error::new(Code::BadInput, cause, "take several words that nobody would guess"))
}

/// The first line of a file, without its end.
fn from_file(path: &Path) -> Result<Passphrase, Error> {
    let shown = path.display().to_string();
    let mut bytes = Zeroizing::new(vec![]);
    let most = MAX_PASSPHRASE_BYTES as u64 + 2;
    let read = if path.as_os_str() == STDIN {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| unreadable(&shown, &error))?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line).ok().filter(|text| !text.is_empty() && text.len() <= MAX_PASSPHRASE_BYTES);
    text.map(Passphrase::new).ok_or_else(|| {
        let cause = format!("{shown} has no passphrase of 1 to {MAX_PASSPHRASE_BYTES} bytes in its first line");
        Error::new(Code::BadInput, cause, "write the passphrase into the first line of the file, as UTF-8")
    })
}

#[cfg(unix)]
mod terminal {
    //! A line from the terminal that is not shown. The terminal gives every key at once, Ctrl-C too, so that it is never left mute.

    use std::io::{Read as _, Write as _};

    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    use super::{Code, Error, MAX_PASSPHRASE_BYTES, Passphrase};

    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const CTRL_U: u8 = 21;
    const BACKSPACE: u8 = 8;
    const DELETE: u8 = 127;

    /// Brings the terminal back as it was.
    struct Restore(Termios);

    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
            let _ = writeln!(std::io::stderr());
        }
    }

    /// Asks for a passphrase.
    pub fn ask(prompt: &str) -> Result<Passphrase, Error> {
        let failed = |error: std::io::Error| {
            let cause = format!("the terminal can not be asked for a passphrase: {error}");
            Error::new(Code::Failed, cause, "use --passphrase-file")
        };
        let before = tcgetattr(std::io::stdin()).map_err(|error| failed(error.into()))?;
        let mut mute = before.clone();
        mute.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        mute.special_codes[SpecialCodeIndex::VMIN] = 1;
        mute.special_codes[SpecialCodeIndex::VTIME] = 0;
        let _restore = Restore(before);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &mute).map_err(|error| failed(error.into()))?;
        let mut stderr = std::io::stderr();
        stderr.write_all(prompt.as_bytes()).and_then(|()| stderr.flush()).map_err(failed)?;
        let mut line = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE_BYTES));
        let (mut stdin, mut key) = (std::io::stdin().lock(), [0]);
        loop {
            if stdin.read(&mut key).map_err(failed)? == 0 {
                return Err(given_up());
            }
            match super::Typed::of(key[0]) {
                super::Typed::End => break,
                super::Typed::GiveUp => return Err(given_up()),
                typed => super::edit(&mut line, typed),
            }
        }
        let text = std::str::from_utf8(&line).ok().filter(|text| !text.is_empty());
        text.map(Passphrase::new).ok_or_else(given_up)
    }

    fn given_up() -> Error {
        Error::new(Code::NotPermitted, "no passphrase was typed", "repeat the command")
    }

    impl super::Typed {
        fn of(byte: u8) -> Self {
            match byte {
                b'\r' | b'\n' => Self::End,
                CTRL_C | CTRL_D => Self::GiveUp,
                CTRL_U => Self::Nothing,
                BACKSPACE | DELETE => Self::Back,
                byte => Self::Byte(byte),
            }
        }
    }
}

/// What a key means while a passphrase is typed.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typed {
    /// One byte more.
    Byte(u8),
    /// The last character goes.
    Back,
    /// Everything goes.
    Nothing,
    End,
    GiveUp,
}

/// Changes the line as a key says. A character may have several bytes.
#[cfg(unix)]
fn edit(line: &mut Vec<u8>, typed: Typed) {
    match typed {
        Typed::Byte(byte) if line.len() < MAX_PASSPHRASE_BYTES => line.push(byte),
        Typed::Back => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
        Typed::Nothing => line.clear(),
        _ => {}
    }
}

#[cfg(not(unix))]
mod terminal {
    use super::{Code, Error, Passphrase};

    /// Here a terminal can not be kept from showing what is typed.
    pub fn ask(_prompt: &str) -> Result<Passphrase, Error> {
        let cause = "this system's terminal would show the passphrase";
        Err(Error::new(Code::NotPermitted, cause, "give it with --passphrase-file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::roadmap::Lang;

    fn asker(file: Option<PathBuf>) -> Asker {
        Asker { file, can_ask: false, texts: Texts::new(Lang::En) }
    }

    #[test]
    fn a_passphrase_is_the_first_line_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("words");
        for (content, words) in
            [("云原生 学习 小组\n", "云原生 学习 小组"), ("a b\r\nsecond", "a b"), (" spaced ", " spaced ")]
        {
            std::fs::write(&path, content).unwrap();
            assert_eq!(from_file(&path).unwrap(), Passphrase::new(words));
        }
        for content in [&b"\nsecond"[..], b"", b"\xff\xfe", &[b'x'; 1025]] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(from_file(&path).unwrap_err().code, Code::BadInput);
        }
        assert_eq!(from_file(&dir.path().join("none")).unwrap_err().code, Code::NotFound);
    }

    #[test]
    fn a_new_passphrase_has_a_least_length_and_whoever_can_not_be_asked_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("words");
        std::fs::write(&path, "seven77").unwrap();
        let asker = asker(Some(path.clone()));
        assert_eq!(asker.fresh("x", None).unwrap_err().code, Code::BadInput);
        assert!(asker.present("x").is_ok(), "an old one is what it is");
        std::fs::write(&path, "eight888").unwrap();
        assert!(asker.fresh("x", None).is_ok());
        let nobody = super::tests::asker(None);
        assert_eq!(nobody.check_terminal().unwrap_err().code, Code::NotPermitted);
    }

    #[test]
    #[cfg(unix)]
    fn what_is_typed_can_be_mended() {
        let mut line = vec![];
        "ab云".bytes().for_each(|byte| edit(&mut line, Typed::Byte(byte)));
        edit(&mut line, Typed::Back);
        assert_eq!(line, b"ab");
        edit(&mut line, Typed::Back);
        assert_eq!(line, b"a");
        edit(&mut line, Typed::Nothing);
        edit(&mut line, Typed::Back);
        assert!(line.is_empty());
    }
}
