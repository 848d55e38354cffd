//! Which value counts: flag over environment over file over default.

use std::ffi::OsString;

use super::{Error, Home, Key, Place, Settings, Shape, check, file};

/// Looks a variable of the environment up.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// What the command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--name`.
    pub name: Option<String>,
    /// `--listen`, each one; when there are any, they take the place of all other addresses.
    pub listen: Vec<String>,
    /// `--bootstrap`, each one; as `listen`.
    pub bootstrap: Vec<String>,
    /// `--no-mdns`.
    pub no_mdns: bool,
    /// `--role`, each one.
    pub role: Vec<String>,
    /// `--external-address`, each one.
    pub external_address: Vec<String>,
    /// `--relay`, each one.
    pub relay: Vec<String>,
    /// `--no-upnp`.
    pub no_upnp: bool,
    /// `--web`.
    pub web: Option<String>,
    /// The limits that are given.
    pub numbers: Vec<(Key, u64)>,
}

/// Which of the places a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// The environment.
    Env,
    /// `config.toml`.
    File,
    /// Nobody said anything.
    Default,
}

impl Source {
    /// The name in `config show`: never translated.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Env => "env",
            Self::File => "file",
            Self::Default => "default",
        }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The kind of place.
    pub source: Source,
    /// The place itself; none for a default.
    pub place: Option<Place>,
}

/// Settings with the origin of each value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The values that count.
    pub settings: Settings,
    /// By the order of [`Key::ALL`].
    origins: [Origin; Key::ALL.len()],
}

impl Loaded {
    /// Where a setting's value comes from.
    #[must_use]
    pub fn origin(&self, key: Key) -> &Origin {
        &self.origins[key as usize]
    }

    fn new() -> Self {
        let default = Origin { source: Source::Default, place: None };
        Self { settings: Settings::default(), origins: std::array::from_fn(|_| default.clone()) }
    }

    /// Takes a value over, unless it can not be used.
    fn take(&mut self, key: Key, place: Place, value: Value) -> Result<(), Error> {
        let settings = &mut self.settings;
        match (key.shape(), value) {
            (Shape::Text, Value::Text(text)) => {
                check::name(&place, &text)?;
                settings.name = text;
            }
            (Shape::Addresses, Value::List(list)) => {
                check::addresses(&place, key, &list)?;
                *match key {
                    Key::Listen => &mut settings.listen,
                    Key::ExternalAddress => &mut settings.external,
                    Key::Relay => &mut settings.relays,
                    _ => &mut settings.bootstrap,
                } = list;
            }
            (Shape::Roles, Value::List(list)) => settings.roles = check::roles(&place, key, &list)?,
            (Shape::Flag, Value::Flag(flag)) if key == Key::Upnp => settings.upnp = flag,
            (Shape::Flag, Value::Flag(flag)) => settings.mdns = flag,
            (Shape::Number(least, most), Value::Number(number)) => {
                check::number(&place, key, number, least, most)?;
                if let Some(slot) = settings.number(key) {
                    *slot = number;
                }
            }
            (Shape::Socket, Value::Text(text)) => settings.web = check::socket(&place, key, &text)?,
            (shape, _) => return Err(Error::Type { place, key: key.as_str(), expected: expected(shape) }),
        }
        let source = match place {
            Place::File(..) => Source::File,
            Place::Variable(_) => Source::Env,
            Place::Flag(_) | Place::New => Source::Flag,
        };
        self.origins[key as usize] = Origin { source, place: Some(place) };
        Ok(())
    }
}

/// A value as it came, before it is checked against its setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
    Flag(bool),
    Number(u64),
    /// Something that no setting takes.
    Other,
}

/// The settings of a directory. A file that does not exist says nothing.
///
/// # Errors
/// When the file can not be read, or any value can not be used; also one that another place overrides, so that a mistake in
/// the file is found before it matters.
pub fn load(home: &Home, flags: &Flags, env: Env<'_>) -> Result<Loaded, Error> {
    let text = file::read(&home.config())?;
    let mut loaded = from_text(home, &text.unwrap_or_default())?;
    for key in Key::ALL {
        if let Some(value) = variable(key, env)? {
            loaded.take(key, Place::Variable(key.variable()), value)?;
        }
    }
    for (key, value) in given(flags) {
        loaded.take(key, Place::Flag(key.flag()), value)?;
    }
    Ok(loaded)
}

/// Checks a value before it is put into the file.
pub(super) fn check_new(key: Key, value: Value) -> Result<(), Error> {
    Loaded::new().take(key, Place::New, value)
}

/// The settings that a file of this text alone would give.
pub(super) fn from_text(home: &Home, text: &str) -> Result<Loaded, Error> {
    let mut loaded = Loaded::new();
    for (key, line, value) in file::entries(&home.config(), text)? {
        loaded.take(key, Place::File(home.config(), line), value)?;
    }
    Ok(loaded)
}

/// What a variable says; an empty one says nothing.
fn variable(key: Key, env: Env<'_>) -> Result<Option<Value>, Error> {
    let place = Place::Variable(key.variable());
    let Some(text) = env(key.variable()).filter(|text| !text.is_empty()) else { return Ok(None) };
    let text = text.into_string().map_err(|_| Error::NotText { place: place.clone() })?;
    match from_words(key, std::slice::from_ref(&text)) {
        Value::Text(_) if !matches!(key.shape(), Shape::Text | Shape::Socket) => {
            let expected = match key.shape() {
                Shape::Flag => "one of 1, true, yes, on, 0, false, no, off",
                shape => expected(shape),
            };
            Err(Error::Type { place, key: key.as_str(), expected })
        }
        value => Ok(Some(value)),
    }
}

/// A value as people write it on the command line or in the environment: several, or commas, make a list. What does not
/// have the setting's shape stays a text.
pub(super) fn from_words(key: Key, words: &[String]) -> Value {
    let text = || Value::Text(words.join(" "));
    match (key.shape(), words) {
        (Shape::Text | Shape::Socket, _) => text(),
        (Shape::Addresses | Shape::Roles, _) => Value::List(words.iter().flat_map(|word| split(word)).collect()),
        (Shape::Flag, [one]) => switch(one).map_or_else(text, Value::Flag),
        (Shape::Number(..), [one]) => one.trim().parse().map_or_else(|_| text(), Value::Number),
        _ => text(),
    }
}

fn expected(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "a text",
        Shape::Addresses => "a list of addresses",
        Shape::Roles => "a list of learner, relay, bootstrap and keeper",
        Shape::Flag => "true or false",
        Shape::Number(..) => "a whole number",
        Shape::Socket => "an address such as \"127.0.0.1:8080\", or \"off\"",
    }
}

/// The parts of a list that is written with commas.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The usual words for yes and no.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn given(flags: &Flags) -> impl Iterator<Item = (Key, Value)> {
    let list = |key, list: &Vec<String>| (!list.is_empty()).then(|| (key, Value::List(list.clone())));
    [
        flags.name.clone().map(|name| (Key::Name, Value::Text(name))),
        list(Key::Listen, &flags.listen),
        list(Key::Bootstrap, &flags.bootstrap),
        flags.no_mdns.then_some((Key::Mdns, Value::Flag(false))),
        list(Key::Role, &flags.role),
        list(Key::ExternalAddress, &flags.external_address),
        list(Key::Relay, &flags.relay),
        flags.no_upnp.then_some((Key::Upnp, Value::Flag(false))),
        flags.web.clone().map(|web| (Key::Web, Value::Text(web))),
    ]
    .into_iter()
    .flatten()
    .chain(flags.numbers.iter().map(|(key, number)| (*key, Value::Number(*number))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    fn home(text: &str) -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().to_owned());
        std::fs::write(home.config(), text).unwrap();
        (dir, home)
    }

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }

    #[test]
    fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
        let text = "name = 'File'\nmdns = false\nlisten = ['/ip4/127.0.0.1/tcp/1']\n";
        let (_dir, home) = home(text);
        let loaded = load(&home, &Flags::default(), &env(&[])).unwrap();
        assert_eq!((loaded.settings.name.as_str(), loaded.settings.mdns), ("File", false));
        assert_eq!(loaded.origin(Key::Listen).place, Some(Place::File(home.config(), 3)));
        assert_eq!(loaded.origin(Key::Bootstrap).source, Source::Default);

        let boot = format!("/ip4/192.0.2.1/tcp/1{PEER}, /ip4/192.0.2.2/tcp/1{PEER}");
        let pairs = [
            ("STUDYMESH_NAME", "Env"),
            ("STUDYMESH_BOOTSTRAP", &boot),
            ("STUDYMESH_MDNS", "on"),
            ("STUDYMESH_LISTEN", ""),
        ];
        let loaded = load(&home, &Flags::default(), &env(&pairs)).unwrap();
        assert_eq!((loaded.settings.name.as_str(), loaded.settings.mdns), ("Env", true));
        assert_eq!(loaded.settings.bootstrap.len(), 2);
        assert_eq!(loaded.origin(Key::Listen).source, Source::File, "an empty variable says nothing");

        let flags = Flags {
            name: Some("Flag".into()),
            listen: vec!["/ip6/::1/tcp/0".into()],
            no_mdns: true,
            ..Flags::default()
        };
        let loaded = load(&home, &flags, &env(&pairs)).unwrap();
        assert_eq!((loaded.settings.name.as_str(), loaded.settings.mdns), ("Flag", false));
        assert_eq!(loaded.settings.listen, ["/ip6/::1/tcp/0"]);
        assert_eq!(loaded.origin(Key::Mdns), &Origin { source: Source::Flag, place: Some(Place::Flag("--no-mdns")) });
        assert_eq!(loaded.origin(Key::Bootstrap).source, Source::Env);
    }

    #[test]
    fn mistakes_name_their_place_and_a_remedy() {
        let fail = |text: &str, pairs: &[(&str, &str)]| {
            let (_dir, home) = home(text);
            let error = load(&home, &Flags::default(), &env(pairs)).unwrap_err();
            assert!(!error.remedy().is_empty());
            error.to_string().replace(home.dir().to_str().unwrap(), "")
        };
        assert_eq!(fail("\nnick = 'x'", &[]), "/config.toml:2: there is no setting \"nick\"");
        assert_eq!(fail("name = 'a'\n[net]\nmdns = true", &[]), "/config.toml:2: there is no setting \"net\"");
        assert_eq!(fail("name = 3", &[]), "/config.toml:1: name must be a text");
        assert_eq!(fail("mdns = 'yes'", &[]), "/config.toml:1: mdns must be true or false");
        assert_eq!(fail("bootstrap = [1]", &[]), "/config.toml:1: bootstrap must be a list of addresses");
        assert!(fail("\n\nname = 'a", &[]).starts_with("/config.toml:3: "));
        assert!(fail("listen = ['/ip4/1']", &[]).starts_with("/config.toml:1: listen \"/ip4/1\": "));
        assert!(fail("", &[("STUDYMESH_LISTEN", "x")]).starts_with("STUDYMESH_LISTEN: listen \"x\": "));
        assert!(fail("", &[("STUDYMESH_MDNS", "maybe")]).starts_with("STUDYMESH_MDNS: mdns must be one of"));
        assert!(fail(&format!("name = '{}'", "名".repeat(65)), &[]).contains("64 characters"));
        // A bad value in the file is told even when another place overrides it.
        assert!(fail("name = 3", &[("STUDYMESH_NAME", "Ada")]).contains("must be a text"));
    }
}
