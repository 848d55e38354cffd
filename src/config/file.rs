//! `config.toml`: reading with line numbers, creating with comments, changing one key and leaving the rest as it is.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::load::{Value, check_new, from_text, from_words};
use super::{Error, Home, Key, Place, Settings};

/// Most bytes of the file.
pub const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The text of the file; `None` when there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>, Error> {
    let io = |cause: std::io::Error| Error::Io { path: path.to_owned(), cause: cause.to_string() };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mut bytes = vec![];
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Error::TooLarge { path: path.to_owned() });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Error::NotText { place: Place::File(path.to_owned(), 1 + count_lines(before)) }
    })?;
    Ok(Some(text))
}

/// The settings in a text, with their lines.
pub(super) fn entries(path: &Path, text: &str) -> Result<Vec<(Key, usize, Value)>, Error> {
    let place = |at: usize| Place::File(path.to_owned(), line_of(text, at));
    let table = parse(path, text)?;
    let mut out = vec![];
    for (name, value) in table {
        let Some(key) = Key::find(name.get_ref()) else {
            return Err(Error::UnknownKey { place: place(name.span().start), key: name.get_ref().to_string() });
        };
        out.push((key, line_of(text, name.span().start), plain(value.get_ref())));
    }
    // The parser sorts by name; people read from the top.
    out.sort_by_key(|(_, line, _)| *line);
    Ok(out)
}

fn parse<'t>(path: &Path, text: &'t str) -> Result<DeTable<'t>, Error> {
    DeTable::parse(text).map(toml::Spanned::into_inner).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let cause = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        Error::Syntax { place: Place::File(path.to_owned(), line_of(text, at)), cause }
    })
}

fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Integer(number) => {
            u64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Other, Value::Number)
        }
        DeValue::Array(items) => items
            .iter()
            .map(|item| if let DeValue::String(text) = item.get_ref() { Some(text.to_string()) } else { None })
            .collect::<Option<_>>()
            .map_or(Value::Other, Value::List),
        _ => Value::Other,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + count_lines(text.as_bytes().get(..at).unwrap_or(text.as_bytes()))
}

fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Creates the directory (readable by its owner only) and a file that explains every setting, unless there is one.
///
/// # Errors
/// When they can not be written.
pub fn create_default(home: &Home) -> Result<bool, Error> {
    let path = home.config();
    create_dir(home.dir())?;
    match private_file(&path).and_then(|mut file| file.write_all(default_text().as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::Io { path, cause: error.to_string() }),
    }
}

fn create_dir(dir: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| Error::Io { path: dir.to_owned(), cause: error.to_string() })
}

/// A file that did not exist, and that only its owner can open.
fn private_file(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn default_text() -> String {
    let settings = Settings::default();
    let mut out = String::from(
        "# Settings of this studymesh node. A flag wins over the environment, the environment over this file.\n\
         # `studymesh config show` says where each value comes from, `studymesh config set KEY VALUE` changes one.\n\
         # A running node reads this file when it starts.\n",
    );
    for key in Key::ALL {
        let value = match key {
            Key::Name => "\"Ada\"".to_owned(),
            _ => toml_value(&settings.value(key)),
        };
        let about = about(key);
        let (name, variable, flag) = (key.as_str(), key.variable(), key.flag());
        out.push_str(&format!("\n# {about} Environment: {variable}. Flag: up {flag}.\n# {name} = {value}\n"));
    }
    out
}

fn about(key: Key) -> &'static str {
    match key {
        Key::Name => "Your name, as your groups see it: 1 to 64 characters.",
        Key::Listen => "Addresses to listen on; port 0 lets the system choose.",
        Key::Bootstrap => "Peers to ask first, each with /p2p/PEER at its end.",
        Key::Mdns => "Whether to look for peers on the local network.",
        Key::Role => "What the node does for others: learner, relay, bootstrap, keeper.",
        Key::ExternalAddress => "Addresses at which others reach this node, where it can not find out by itself.",
        Key::Relay => "Relays to use when nobody can reach this node, each with /p2p/PEER at its end.",
        Key::Upnp => "Whether to ask the router for an open port.",
        Key::MaxConnections => "Most connections.",
        Key::RelayReservations => "As a relay: most peers that hold a reservation.",
        Key::RelayCircuits => "As a relay: most circuits at a time.",
        Key::RelayCircuitBytes => "As a relay: most bytes that a circuit carries in each direction.",
        Key::RelayCircuitSeconds => "As a relay: most seconds that a circuit lives.",
        Key::Web => {
            "Where the web page is served, on this machine; port 0 takes the one of last time; \"off\" serves none."
        }
    }
}

/// A setting's value as TOML, which for texts, flags, numbers and lists of texts looks like JSON.
fn toml_value(value: &serde_json::Value) -> String {
    match value.as_array() {
        Some(items) => list(&items.iter().filter_map(|i| i.as_str().map(str::to_owned)).collect::<Vec<_>>()),
        None => value.to_string(),
    }
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| text(item)).collect();
    format!("[{}]", items.join(", "))
}

fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// Sets one key in the file and leaves everything else as it is, comments too. Several values, or commas, make a list.
///
/// # Errors
/// When the value can not be used, the file can not be written, or it holds another mistake; it is then unchanged.
pub fn set(home: &Home, key: Key, values: &[String]) -> Result<(), Error> {
    let value = from_words(key, values);
    let written = match &value {
        Value::Text(value) => text(value),
        Value::List(items) => list(items),
        Value::Flag(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Other => String::new(),
    };
    check_new(key, value)?;
    change(home, key, Some(&written))
}

/// Takes one key out of the file, so that its default counts again.
///
/// # Errors
/// As [`set`].
pub fn unset(home: &Home, key: Key) -> Result<(), Error> {
    change(home, key, None)
}

fn change(home: &Home, key: Key, value: Option<&str>) -> Result<(), Error> {
    let path = home.config();
    create_default(home)?;
    let old = read(&path)?.unwrap_or_default();
    let new = edited(&path, &old, key, value)?;
    from_text(home, &new)?;
    replace(&path, &new).map_err(|error| Error::Io { path, cause: error.to_string() })
}

/// Puts a text in the place of a file, in one step.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension(format!("toml.{}", std::process::id()));
    let _ = fs::remove_file(&beside);
    let mut file = private_file(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// The text with one key set or taken out.
fn edited(path: &Path, old: &str, key: Key, value: Option<&str>) -> Result<String, Error> {
    let table = parse(path, old)?;
    let found = table.iter().find(|(name, _)| name.get_ref() == key.as_str());
    let line = value.map(|value| format!("{} = {value}\n", key.as_str()));
    let (cut, put): (Range<usize>, String) = match (found, value) {
        (Some((_, at)), Some(value)) => (at.span(), value.to_owned()),
        (Some((name, at)), None) => (line_start(old, name.span().start)..line_end(old, at.span().end), String::new()),
        (None, _) => {
            let at = after_comment(old, key);
            let break_first = if at > 0 && !old[..at].ends_with('\n') { "\n" } else { "" };
            (at..at, line.map_or_else(String::new, |line| format!("{break_first}{line}")))
        }
    };
    Ok(format!("{}{put}{}", &old[..cut.start], &old[cut.end..]))
}

/// Where a line for a key belongs: behind the comment that shows it, else at the end.
fn after_comment(text: &str, key: Key) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let shown = line.strip_prefix('#').map(str::trim_start).and_then(|rest| rest.strip_prefix(key.as_str()));
        if shown.is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return at;
        }
    }
    text.len()
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("home"));
        (dir, home)
    }

    #[test]
    fn the_file_that_is_created_says_nothing_and_its_comments_say_the_defaults() {
        let (_dir, home) = home();
        assert_eq!(create_default(&home), Ok(true));
        assert_eq!(create_default(&home), Ok(false), "an existing file is left alone");
        let text = fs::read_to_string(home.config()).unwrap();
        assert_eq!(from_text(&home, &text).unwrap().settings, Settings::default());
        let uncommented: String = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("# ")
                    .filter(|rest| Key::ALL.iter().any(|key| rest.starts_with(&format!("{} =", key.as_str()))))
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let all = from_text(&home, &uncommented).unwrap().settings;
        assert_eq!(all, Settings { name: "Ada".into(), ..Settings::default() });
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_settings() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, home) = home();
        set(&home, Key::Name, &["Ada".into()]).unwrap();
        assert_eq!(fs::metadata(home.config()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(home.dir()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn setting_a_key_keeps_the_comments_and_taking_it_out_restores_the_file() {
        let (_dir, home) = home();
        create_default(&home).unwrap();
        let before = fs::read_to_string(home.config()).unwrap();
        set(&home, Key::Name, &["Ada \"L\" 爱达".into()]).unwrap();
        let listen = ["/ip4/127.0.0.1/tcp/1,/ip6/::1/tcp/2".to_owned(), "/ip4/127.0.0.1/udp/0/quic-v1".to_owned()];
        set(&home, Key::Listen, &listen).unwrap();
        set(&home, Key::Mdns, &["off".into()]).unwrap();
        set(&home, Key::Mdns, &["no".into()]).unwrap();
        let text = fs::read_to_string(home.config()).unwrap();
        let settings = from_text(&home, &text).unwrap().settings;
        assert_eq!((settings.name.as_str(), settings.listen.len(), settings.mdns), ("Ada \"L\" 爱达", 3, false));
        assert!(before.lines().all(|line| text.contains(line)), "{text}");
        assert_eq!(text.lines().count(), before.lines().count() + 3);
        for key in Key::ALL {
            unset(&home, key).unwrap();
        }
        assert_eq!(fs::read_to_string(home.config()).unwrap(), before);
    }

    #[test]
    fn a_value_with_its_comment_is_changed_in_place() {
        let path = Path::new("config.toml");
        let old = "mdns = true # not at work\nlisten = [\n  '/ip4/0.0.0.0/tcp/1', # office\n]\nname = 'a'";
        assert_eq!(edited(path, old, Key::Mdns, Some("false")).unwrap(), old.replace("mdns = true", "mdns = false"));
        assert_eq!(edited(path, old, Key::Listen, None).unwrap(), "mdns = true # not at work\nname = 'a'");
        assert!(edited(path, old, Key::Bootstrap, Some("[]")).unwrap().ends_with("name = 'a'\nbootstrap = []\n"));
    }

    #[test]
    fn a_bad_value_leaves_the_file_alone_and_a_good_one_mends_it() {
        let (_dir, home) = home();
        create_default(&home).unwrap();
        let before = fs::read_to_string(home.config()).unwrap();
        assert!(matches!(set(&home, Key::Listen, &["x".into()]), Err(Error::Value { .. })));
        assert!(matches!(set(&home, Key::Mdns, &["maybe".into()]), Err(Error::Type { .. })));
        assert_eq!(fs::read_to_string(home.config()).unwrap(), before);
        fs::write(home.config(), "mdns = 3\n").unwrap();
        set(&home, Key::Mdns, &["yes".into()]).unwrap();
        assert_eq!(fs::read_to_string(home.config()).unwrap(), "mdns = true\n");
    }

    #[test]
    fn a_file_of_another_kind_is_refused_before_it_is_read_whole() {
        let (_dir, home) = home();
        create_default(&home).unwrap();
        fs::write(home.config(), vec![b'#'; 65 * 1024]).unwrap();
        assert!(matches!(read(&home.config()), Err(Error::TooLarge { .. })));
        fs::write(home.config(), b"name = 'a'\n\xff").unwrap();
        assert!(matches!(read(&home.config()), Err(Error::NotText { place: Place::File(_, 2) })));
        assert_eq!(read(Path::new("/nowhere/at/all")), Ok(None));
    }
}
