//! What each command does: ask the node, show the answer. One file per noun.

mod backup;
mod bundle;
mod config;
mod detach;
mod device;
mod files;
mod group;
mod import;
mod link;
mod member;
mod node;
mod note;
mod progress;
mod roadmap;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use super::args::{Cli, ColorChoice, Global, Verb};
use super::lang::{self, Texts};
use super::out::Out;
use super::paint::Paint;
use super::secret::Asker;
use super::show::View;
use super::{demo, failure, pages};
use crate::api::{Code, Command, Error, Reply, Request};
use crate::config::{self as settings, Flags, Home, Settings};
use crate::node::core::now_ms;
use crate::node::{Unlock, call_with};

/// The exit status of a command that did what it should.
pub const OK: u8 = 0;

/// How a command ends: with its exit status, or with an error that has one.
pub type Status = Result<u8, Error>;

/// Asks a node.
type Call = Box<dyn Fn(&Settings, &Request) -> Reply>;

/// Tells people something beside the data.
type Tell = Box<dyn Fn(&str)>;

/// One command under way.
pub struct Session {
    /// The node's directory.
    pub home: Home,
    /// The settings as far as they are known; the default ones before [`Session::load`].
    pub settings: Settings,
    /// The options that every command takes.
    pub global: Global,
    /// How people see things.
    pub view: View,
    /// Where data goes.
    pub out: Out,
    unlock: Unlock,
    call: Call,
    tell: Tell,
}

/// Runs a parsed command line to its exit status.
pub fn run(cli: Cli) -> ExitCode {
    let Cli { global, verb } = cli;
    let texts = Texts::new(lang::choose(global.lang, &|name| std::env::var(name).ok()));
    let json = global.json;
    let complain = Paint { on: has_colour(global.color, std::io::stderr().is_terminal()) };
    let done = Session::open(global, texts).and_then(|mut session| {
        let status = session.dispatch(&verb)?;
        session.out.finish()?;
        Ok(status)
    });
    match done {
        Ok(status) => ExitCode::from(status),
        Err(error) => failure::tell(&error, json, texts, complain),
    }
}

/// Whether colour is used on a stream.
fn has_colour(choice: ColorChoice, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

impl Session {
    fn open(global: Global, texts: Texts) -> Result<Self, Error> {
        let home = home(&global)?;
        let is_terminal = std::io::stdout().is_terminal();
        let paint = Paint { on: has_colour(global.color, is_terminal) };
        let view = View { texts, paint, now: now_ms(), cut: is_terminal };
        let at = home.clone();
        let unlock = asker(&global, texts).unlock();
        let by_call = unlock.clone();
        Ok(Self {
            home,
            settings: Settings::default(),
            global,
            view,
            out: Out::new(Box::new(std::io::stdout())),
            unlock,
            call: Box::new(move |settings, request| call_with(&at, settings, &by_call, request)),
            // Nobody may be left to read it.
            tell: Box::new(|message| drop(writeln!(std::io::stderr(), "{message}"))),
        })
    }

    fn dispatch(&mut self, verb: &Verb) -> Status {
        // These must work when the settings are broken: they mend them, or do without.
        match verb {
            Verb::Config(args) => return config::run(self, args),
            Verb::Completions(args) => return pages::completions(self, args),
            Verb::Man(args) => return pages::man(self, args),
            Verb::Demo(args) => return demo::run(self, args),
            Verb::Backup(args) => return backup::run(self, args),
            Verb::Key(args) => return backup::key(self, args),
            Verb::Stop => return node::stop(self),
            Verb::Doctor => return node::doctor(self),
            Verb::Up(args) => return node::up(self, args),
            _ => self.load(&Flags::default())?,
        }
        match verb {
            Verb::Status => node::status(self),
            Verb::Web => node::web(self),
            Verb::Name(args) => node::name(self, args),
            Verb::Group(args) => group::run(self, args),
            Verb::Invite(args) => group::invite(self, args),
            Verb::Join(args) => group::join(self, args),
            Verb::Ticket(args) => group::ticket(self, args),
            Verb::Member(args) => member::run(self, args),
            Verb::Requests { what } => member::requests(self, what.as_ref()),
            Verb::Keeper(args) => member::keeper(self, args),
            Verb::Device(args) => device::run(self, args),
            Verb::Note(args) => note::run(self, args),
            Verb::Link(args) => link::run(self, args),
            Verb::Roadmap(args) => roadmap::run(self, args),
            Verb::Progress(args) => progress::run(self, args),
            Verb::Search(args) => node::search(self, args),
            Verb::Peers(args) => node::peers(self, args),
            Verb::Ping(args) => node::ping(self, args),
            Verb::Sync(args) => node::sync(self, args),
            Verb::Db(args) => node::db(self, args),
            Verb::Events(args) => node::events(self, args),
            Verb::Export(args) => files::export(self, args),
            Verb::Import(args) => import::run(self, args),
            Verb::Bundle(args) => bundle::run(self, args),
            _ => unreachable!("handled before the settings were loaded"),
        }
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// When a value can not be used.
    fn load(&mut self, flags: &Flags) -> Result<(), Error> {
        self.settings =
            settings::load(&self.home, flags, &|name| std::env::var_os(name)).map_err(bad_settings)?.settings;
        Ok(())
    }

    /// Asks the node, in the group that `-g` names.
    ///
    /// # Errors
    /// As the command says.
    pub fn call(&self, command: Command) -> Reply {
        self.call_in(self.global.group.clone(), command)
    }

    /// Asks the node, in one group.
    ///
    /// # Errors
    /// As the command says.
    pub fn call_in(&self, group: Option<String>, command: Command) -> Reply {
        (self.call)(&self.settings, &Request::new(command).in_group(group))
    }

    /// Puts an answer out: as JSON, or as people see it.
    pub fn answer(&mut self, answer: &Value, show: impl FnOnce(&View, &Value) -> String) {
        if self.global.json { self.json(answer) } else { self.out.text(&show(&self.view, answer)) }
    }

    /// Puts out what was made: as JSON, or its id alone, so that a script can take it; people read the message beside it.
    /// What is kept until it can be sent has no id yet.
    pub fn made(&mut self, answer: &Value, id: &str, message: &str) {
        if self.global.json {
            self.json(answer);
        } else {
            self.say(self.told(answer, message));
            self.warn(answer);
            if let Some(id) = answer.get(id).and_then(Value::as_str) {
                self.out.line(id);
            }
        }
    }

    /// Puts out what was changed: as JSON, or as a message alone.
    pub fn changed(&mut self, answer: &Value, message: &str) {
        if self.global.json {
            self.json(answer);
        } else {
            self.say(self.told(answer, message));
            self.warn(answer);
        }
    }

    /// Says after a write that earlier ones have not reached anybody for long.
    fn warn(&self, answer: &Value) {
        use super::show::peek::Peek as _;
        let Some(found) = answer.get("only_here_long") else { return };
        let since = found.number("since_ms").map_or(0, |since| self.view.now.saturating_sub(since));
        let texts = self.view.texts;
        self.say(&texts.only_here(found.count("entries"), super::time::span(texts, since)));
    }

    /// The message, unless the write waits to be sent: then that is what people have to know.
    fn told<'m>(&self, answer: &Value, message: &'m str) -> &'m str {
        if answer.get("kept").is_some() { self.view.texts.kept_here() } else { message }
    }

    /// One JSON object on one line.
    pub fn json(&mut self, answer: &Value) {
        self.out.line(&answer.to_string());
    }

    /// Tells a person something on standard error; a script hears nothing.
    pub fn say(&self, message: &str) {
        if !self.global.json && !self.global.quiet && !message.is_empty() {
            (self.tell)(&super::paint::clean_lines(message));
        }
    }

    /// Gives the passphrase of the device key.
    pub fn unlock(&self) -> Unlock {
        self.unlock.clone()
    }

    /// Where passphrases come from.
    pub fn asker(&self) -> Asker {
        asker(&self.global, self.view.texts)
    }

    /// Whether a person can be asked: there is a terminal, and nobody forbade it.
    pub fn can_ask(&self) -> bool {
        can_ask(&self.global)
    }
}

fn can_ask(global: &Global) -> bool {
    !global.no_input && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn asker(global: &Global, texts: Texts) -> Asker {
    Asker { file: global.passphrase_file.clone(), can_ask: can_ask(global), texts }
}

/// The directory that was named, or the usual one; always the same text for one place, since the node knows it by that.
fn home(global: &Global) -> Result<Home, Error> {
    let given = global.home.clone().or_else(|| std::env::var_os("STUDYMESH_HOME").map(PathBuf::from));
    let given = given.filter(|dir| !dir.as_os_str().is_empty());
    let absolute = given.map(std::path::absolute).transpose().map_err(|error| {
        Error::new(Code::BadInput, format!("the directory can not be found: {error}"), "give --home a full path")
    })?;
    Home::find(absolute).ok_or_else(|| {
        let cause = "this system names no directory for programs' data";
        Error::new(Code::BadInput, cause, "name one with --home or STUDYMESH_HOME")
    })
}

/// Settings that can not be used, as a command's error.
pub fn bad_settings(error: settings::Error) -> Error {
    let remedy = error.remedy();
    let code = if matches!(error, settings::Error::Io { .. }) { Code::Failed } else { Code::BadInput };
    Error::new(code, error.to_string(), remedy)
}

#[cfg(test)]
pub(super) mod fake {
    //! A session on a node that is not there.

    use std::cell::RefCell;
    use std::rc::Rc;

    use clap::Parser as _;

    use super::*;
    use crate::cli::args::tags::signs_to_options;

    #[derive(Clone, Default)]
    struct Buffer(Rc<RefCell<Vec<u8>>>);

    impl std::io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What a command said and how it ended.
    pub struct Ran {
        pub status: Status,
        pub stdout: String,
        /// What people were told beside the data, a line each.
        pub said: String,
        /// What the node was asked.
        pub asked: Vec<Request>,
    }

    /// Runs a command line in an empty directory; `node` answers.
    pub fn run(args: &[&str], node: impl Fn(&Request) -> Reply + 'static) -> Ran {
        let dir = tempfile::tempdir().unwrap();
        run_at(dir.path(), args, node)
    }

    /// The same in a directory.
    pub fn run_at(dir: &std::path::Path, args: &[&str], node: impl Fn(&Request) -> Reply + 'static) -> Ran {
        let args = signs_to_options(std::iter::once(&"studymesh").chain(args).map(Into::into).collect());
        let cli = Cli::try_parse_from(args).unwrap();
        let (buffer, asked) = (Buffer::default(), Rc::new(RefCell::new(vec![])));
        let (log, said) = (asked.clone(), Rc::new(RefCell::new(String::new())));
        let hear = said.clone();
        let view = View { cut: false, ..crate::cli::show::plain(lang::choose(cli.global.lang, &|_| None)) };
        let mut session = Session {
            home: Home::new(dir.join("home")),
            settings: Settings::default(),
            unlock: asker(&cli.global, view.texts).unlock(),
            global: cli.global,
            view,
            out: Out::new(Box::new(buffer.clone())),
            call: Box::new(move |_, request| {
                log.borrow_mut().push(request.clone());
                node(request)
            }),
            tell: Box::new(move |message| hear.borrow_mut().push_str(&format!("{message}\n"))),
        };
        let status = session.dispatch(&cli.verb);
        drop(session);
        let stdout = String::from_utf8(buffer.0.take()).unwrap();
        Ran { status, stdout, said: said.take(), asked: asked.take() }
    }
}
