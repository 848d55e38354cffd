//! The node and its network: `up`, `status`, `stop`, `doctor`, `name`, `search`, `peers`, `ping`, `sync`, `db`, `events`.

use serde_json::{Value, json};

use super::detach;
use super::{OK, Session, Status, bad_settings};
use crate::api::{Code, Command, Error};
use crate::cli::args::net::{Db, Events, Name, Peers, Ping, Search, Sync, Up};
use crate::cli::show;
use crate::cli::show::peek::Peek as _;
use crate::config::{self as settings, Flags, Key};
use crate::node::{self, Node, Ready};
use crate::web;

/// Runs the node until it is told to stop.
pub fn up(session: &mut Session, args: &Up) -> Status {
    settings::create_default(&session.home).map_err(bad_settings)?;
    session.load(&args.settings.flags())?;
    if args.detach {
        return detach::run(session);
    }
    let (home, values) = (session.home.clone(), session.settings.clone());
    let next = session.view.texts.up_next();
    let unlock = session.unlock();
    node::run(&home, &values, &unlock, &mut async |node: &Node| {
        let server = match values.web {
            Some(at) => match web::Server::start(node.handle().clone(), &home, at).await {
                Ok(server) => Some(server),
                // Nobody asked for this address: the node does without.
                Err(error) if at.port() == 0 => {
                    tracing::warn!(%error, "the web page is not served");
                    None
                }
                Err(error) => return Err(error),
            },
            None => None,
        };
        announce(session, node.ready(), server.as_ref().map(web::Server::login).as_deref(), next);
        Ok(server)
    })?;
    if session.global.json {
        session.json(&json!({ "v": 1, "event": "stopped" }));
    } else {
        session.say(session.view.texts.up_ended());
    }
    Ok(OK)
}

/// The first line of `up`, written through at once: whoever started the node waits for it.
pub(super) fn announce(session: &mut Session, ready: &Ready, web: Option<&str>, next: &str) {
    if session.global.json {
        let home = session.home.dir().display().to_string();
        session.json(&json!({
            "v": 1, "event": "ready", "peer_id": ready.peer_id, "listen": ready.listen, "pid": ready.pid, "home": home, "web": web,
        }));
        return;
    }
    let texts = session.view.texts;
    session.say(texts.up_ready());
    let shown =
        show::status::ready(&session.view, &session.home.dir().display().to_string(), &ready.peer_id, &ready.listen);
    session.out.text(&shown);
    if let Some(web) = web {
        session.say(&session.view.texts.web_at(web));
    }
    session.say(next);
}

/// Prints an address that opens the web page of the running node.
pub fn web(session: &mut Session) -> Status {
    let status = session.call(Command::Status)?;
    let address = match status.get("web").and_then(Value::as_str) {
        Some(address) => address.to_owned(),
        None if !status.is("running") => return Err(node::needs_node()),
        None => {
            let cause = "the web page is switched off in this directory";
            let remedy = "remove `web` from the settings, or start the node with `studymesh up --web 127.0.0.1:0`";
            return Err(Error::new(Code::NotRunning, cause, remedy));
        }
    };
    let url = web::login(&session.home, &address)?;
    session.made(&json!({ "v": 1, "url": url, "address": address }), "url", session.view.texts.web_once());
    Ok(OK)
}

/// Says how the node is.
pub fn status(session: &mut Session) -> Status {
    let answer = session.call(Command::Status)?;
    session.answer(&answer, show::status::status);
    Ok(OK)
}

/// Stops the running node. Broken settings do not keep it alive.
pub fn stop(session: &mut Session) -> Status {
    let _ = session.load(&Flags::default());
    let answer = session.call(Command::Stop)?;
    let was_running = answer.get("was_running").and_then(Value::as_bool).unwrap_or(true);
    let texts = session.view.texts;
    session.changed(&answer, if was_running { texts.stopped() } else { texts.was_not_running() });
    Ok(OK)
}

/// Looks for troubles; broken settings are one of them.
pub fn doctor(session: &mut Session) -> Status {
    let broken = session.load(&Flags::default()).err();
    let mut answer = session.call(Command::Doctor)?;
    let finding = match &broken {
        None => {
            json!({ "check": "config", "ok": true, "level": "ok", "detail": session.home.config().display().to_string(), "remedy": "" })
        }
        Some(error) => {
            json!({ "check": "config", "ok": false, "level": "error", "detail": error.message, "remedy": error.remedy })
        }
    };
    if let Some(items) = answer.get_mut("items").and_then(Value::as_array_mut) {
        items.insert(0, finding);
    }
    session.answer(&answer, show::status::doctor);
    let is_bad = answer.items().iter().any(|item| item.at("level") == "error");
    Ok(if is_bad { Code::Failed.exit_status() } else { OK })
}

/// Shows or sets the person's name. A name in the file is changed along, since the next start would bring it back.
pub fn name(session: &mut Session, args: &Name) -> Status {
    let Some(name) = &args.name else {
        let status = session.call(Command::Status)?;
        session.made(&json!({ "v": 1, "name": status.at("person") }), "name", "");
        return Ok(OK);
    };
    let answer = session.call(Command::SetName { name: name.clone() })?;
    let loaded = settings::load(&session.home, &Flags::default(), &|_| None).map_err(bad_settings)?;
    if loaded.origin(Key::Name).source == settings::Source::File {
        settings::set(&session.home, Key::Name, std::slice::from_ref(name)).map_err(bad_settings)?;
    }
    let texts = session.view.texts;
    let mut message = texts.named(answer.at("name"));
    let variable = Key::Name.variable();
    if std::env::var(variable).is_ok_and(|other| !other.is_empty() && other != *name) {
        message.push_str(&format!("\n{}", texts.name_shadowed(variable)));
    }
    if answer.get("kept").is_some() {
        // The name is set here all the same.
        session.say(&message);
    }
    session.changed(&answer, &message);
    Ok(OK)
}

/// Searches, in all groups unless one is named.
pub fn search(session: &mut Session, args: &Search) -> Status {
    let query = args.query.join(" ");
    let answer = session.call(Command::Search { query, limit: usize::from(args.limit) })?;
    session.answer(&answer, show::search::results);
    if let Some(pending) = answer.get("pending").and_then(Value::as_u64).filter(|n| *n > 0) {
        session.say(&session.view.texts.search_pending(pending));
    }
    Ok(OK)
}

/// Lists peers.
pub fn peers(session: &mut Session, args: &Peers) -> Status {
    let answer = session.call(Command::Peers { all: args.all })?;
    session.answer(&answer, show::status::peers);
    Ok(OK)
}

/// Measures the way to a peer.
pub fn ping(session: &mut Session, args: &Ping) -> Status {
    let answer = session.call(Command::Ping {
        peer: args.peer.clone(),
        timeout_ms: args.timeout,
        until_direct: args.until_direct,
    })?;
    session.answer(&answer, show::status::ping);
    Ok(OK)
}

/// Says what is held and missing, or waits until nothing is; what is not complete in time has its own exit status.
pub fn sync(session: &mut Session, args: &Sync) -> Status {
    let command = match args {
        Sync::OnlyHere => {
            let answer = session.call(Command::OnlyHere)?;
            session.answer(&answer, show::sync::only_here);
            return Ok(OK);
        }
        Sync::Status => Command::SyncStatus,
        Sync::Wait(wait) => {
            Command::SyncWait { peers: wait.peers, fingerprint: wait.fingerprint.clone(), timeout_ms: wait.timeout }
        }
    };
    let answer = session.call(command)?;
    session.answer(&answer, show::sync::status);
    let complete = answer.get("complete").and_then(Value::as_bool).unwrap_or(true);
    Ok(if complete { OK } else { Code::Incomplete.exit_status() })
}

/// Compares, rebuilds or checks the store.
pub fn db(session: &mut Session, args: &Db) -> Status {
    match args {
        Db::Digest => {
            let answer = session.call(Command::DbDigest)?;
            session.answer(&answer, show::status::digest);
        }
        Db::Rebuild => {
            let answer = session.call(Command::DbRebuild)?;
            let texts = session.view.texts;
            let counts = texts.entries_of(answer.count("entries"), answer.count("groups"));
            session.changed(&answer, &format!("{} {counts}", texts.db_rebuilt()));
        }
        Db::Check => {
            let answer = session.call(Command::DbCheck)?;
            session.answer(&answer, show::status::check);
            if !answer.is("ok") {
                return Ok(Code::StoreDamaged.exit_status());
            }
        }
    }
    Ok(OK)
}

/// Lists what happened, or follows what happens until the node or the reader goes.
pub fn events(session: &mut Session, args: &Events) -> Status {
    if args.follow {
        let home = session.home.clone();
        node::follow(&home, args.since, &mut |event| {
            session.answer(event, show::status::event);
            !session.out.is_closed()
        })?;
        return Ok(OK);
    }
    let answer = session.call(Command::Events { since: args.since, limit: usize::from(args.limit) })?;
    session.answer(&answer, show::status::events);
    if let Some(next) = answer.number("next") {
        session.say(&session.view.texts.more_events(next));
    }
    Ok(OK)
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;

    #[test]
    fn what_is_not_complete_in_time_is_printed_and_has_status_six() {
        let ran = fake::run(&["sync", "wait", "--timeout", "0.5", "--peers", "2", "--json"], |_| {
            Ok(json!({"v": 1, "complete": false, "missing": 3}))
        });
        assert_eq!(ran.status, Ok(6));
        assert_eq!(ran.stdout, "{\"complete\":false,\"missing\":3,\"v\":1}\n");
        assert_eq!(ran.asked[0].command, Command::SyncWait { peers: Some(2), fingerprint: None, timeout_ms: 500 });
        let ran = fake::run(&["sync", "wait"], |_| Ok(json!({"complete": true})));
        assert_eq!(ran.status, Ok(0));
    }

    #[test]
    fn a_damaged_store_and_an_error_of_the_doctor_are_seen_by_scripts() {
        let ran = fake::run(&["db", "check"], |_| Ok(json!({"ok": false, "problems": ["entry 3 is gone"]})));
        assert_eq!(ran.status, Ok(8));
        assert!(ran.stdout.contains("entry 3 is gone"));
        let ran = fake::run(&["doctor", "--json"], |_| Ok(json!({"items": [{"check": "net", "level": "error"}]})));
        assert_eq!(ran.status, Ok(1));
    }

    #[test]
    fn the_doctor_finds_broken_settings_and_stop_does_not_mind_them() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("home")).unwrap();
        std::fs::write(dir.path().join("home/config.toml"), "nick = 'x'").unwrap();
        let ran = fake::run_at(dir.path(), &["doctor", "--json"], |_| Ok(json!({"items": []})));
        assert_eq!(ran.status, Ok(1));
        assert!(ran.stdout.contains("config.toml:1"), "{}", ran.stdout);
        let ran = fake::run_at(dir.path(), &["stop"], |_| Ok(json!({"stopped": true})));
        assert_eq!(ran.status, Ok(0));
        let ran = fake::run_at(dir.path(), &["status"], |_| Ok(json!({})));
        assert_eq!(ran.status.unwrap_err().code.exit_status(), 4);
    }

    #[test]
    fn a_new_name_takes_the_place_of_the_one_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        fake::run_at(dir.path(), &["config", "set", "name", "Old"], |_| Ok(Value::Null)).status.unwrap();
        fake::run_at(dir.path(), &["name", "New"], |_| Ok(json!({"v": 1, "name": "New"}))).status.unwrap();
        let text = std::fs::read_to_string(dir.path().join("home/config.toml")).unwrap();
        assert!(text.contains("\nname = \"New\"\n"), "{text}");
        // Where the file says nothing, it goes on saying nothing.
        let dir = tempfile::tempdir().unwrap();
        fake::run_at(dir.path(), &["name", "New"], |_| Ok(json!({"v": 1, "name": "New"}))).status.unwrap();
        assert!(!dir.path().join("home/config.toml").exists());
        let ran = fake::run(&["name"], |_| Ok(json!({"person": "Ada"})));
        assert_eq!(ran.stdout, "Ada\n");
    }
}
