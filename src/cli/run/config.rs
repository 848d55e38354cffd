//! `config`.

use serde_json::{Value, json};

use super::{OK, Session, Status, bad_settings};
use crate::api::{Code, Error};
use crate::cli::args::config::{Config, Set};
use crate::cli::args::net;
use crate::cli::show;
use crate::config::{self as settings, Key, Source};

/// Shows or changes the settings; asks no node.
pub fn run(session: &mut Session, args: &Config) -> Status {
    match args {
        Config::Show(flags) => show_all(session, flags),
        Config::Set(args) => set(session, args),
        Config::Path => {
            let path = session.home.config();
            let answer = json!({ "v": 1, "path": path.display().to_string(), "exists": path.exists() });
            session.answer(&answer, |_, _| format!("{}\n", path.display()));
            Ok(OK)
        }
    }
}

fn show_all(session: &mut Session, flags: &net::Settings) -> Status {
    let loaded = settings::load(&session.home, &flags.flags(), &|name| std::env::var_os(name)).map_err(bad_settings)?;
    let values = &loaded.settings;
    let (source, from) = match (&session.global.home, std::env::var_os("STUDYMESH_HOME").filter(|dir| !dir.is_empty()))
    {
        (Some(_), _) => (Source::Flag, Some("--home")),
        (None, Some(_)) => (Source::Env, Some("STUDYMESH_HOME")),
        (None, None) => (Source::Default, None),
    };
    let home = json!({ "key": "home", "value": session.home.dir().display().to_string(), "source": source.as_str(), "from": from });
    let item = |key: Key| {
        let value = values.value(key);
        let origin = loaded.origin(key);
        let from = origin.place.as_ref().map(ToString::to_string);
        json!({ "key": key.as_str(), "value": value, "source": origin.source.as_str(), "from": from })
    };
    let items: Vec<Value> = std::iter::once(home).chain(Key::ALL.into_iter().map(item)).collect();
    session.answer(&json!({ "v": 1, "items": items, "next": null }), show::config::show);
    Ok(OK)
}

fn set(session: &mut Session, args: &Set) -> Status {
    let key = Key::find(&args.key).ok_or_else(|| {
        Error::new(Code::Usage, format!("there is no setting {}", args.key), "`studymesh config show` lists them")
    })?;
    let home = &session.home;
    if args.default { settings::unset(home, key) } else { settings::set(home, key, &args.value) }
        .map_err(bad_settings)?;
    let path = home.config().display().to_string();
    let texts = session.view.texts;
    let message = if args.default { texts.config_unset(&args.key, &path) } else { texts.config_set(&args.key, &path) };
    let shadowed = std::env::var_os(key.variable()).is_some_and(|value| !value.is_empty());
    let hint = if shadowed { texts.config_shadowed() } else { texts.restart_needed() };
    let answer = json!({ "v": 1, "key": key.as_str(), "set": !args.default, "path": path, "overridden": shadowed });
    session.changed(&answer, &format!("{message}\n{hint}"));
    Ok(OK)
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;

    fn never(_: &crate::api::Request) -> crate::api::Reply {
        panic!("the settings are no business of the node")
    }

    #[test]
    fn a_value_is_shown_with_the_line_that_it_comes_from() {
        let dir = tempfile::tempdir().unwrap();
        fake::run_at(dir.path(), &["config", "set", "name", "爱达", "L", "--json"], never).status.unwrap();
        let ran = fake::run_at(dir.path(), &["config", "show", "--no-mdns", "--json"], never);
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        let item =
            |key: &str| answer["items"].as_array().unwrap().iter().find(|item| item["key"] == key).unwrap().clone();
        assert_eq!((&item("name")["value"], &item("name")["source"]), (&json!("爱达 L"), &json!("file")));
        assert!(item("name")["from"].as_str().unwrap().contains("config.toml:"), "{answer}");
        assert_eq!(item("mdns"), json!({"key": "mdns", "value": false, "source": "flag", "from": "--no-mdns"}));
        assert_eq!(item("bootstrap")["source"], "default");
    }

    #[test]
    fn a_bad_address_is_refused_with_status_four() {
        let dir = tempfile::tempdir().unwrap();
        let ran = fake::run_at(dir.path(), &["config", "set", "listen", "localhost:80"], never);
        let error = ran.status.unwrap_err();
        assert_eq!((error.code, error.code.exit_status()), (Code::BadInput, 4));
        assert!(error.message.contains("begins with '/'") && error.remedy.contains("/ip4/"), "{error:?}");
    }
}
