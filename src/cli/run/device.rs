//! `device`.

use std::io::Write as _;

use serde_json::Value;

use super::group::confirmed;
use super::{OK, Session, Status};
use crate::api::{Code, Command, Device as Ask, Error};
use crate::cli::args::device::{Device, Join, Remove};
use crate::cli::paint::clean;
use crate::cli::show;
use crate::cli::show::peek::{self, Peek as _};
use crate::node;

/// The devices of one person.
pub fn run(session: &mut Session, args: &Device) -> Status {
    match args {
        Device::Link { timeout } => return link(session, *timeout),
        Device::Join(args) => return join(session, args),
        Device::List => {
            let answer = session.call(Command::Device(Ask::List))?;
            session.answer(&answer, show::device::list);
        }
        Device::Rename { name, device } => {
            let ask = Ask::Rename { target: device.clone(), name: name.clone() };
            let answer = session.call(Command::Device(ask))?;
            session.changed(&answer, &session.view.texts.device_named(answer.at("name")));
        }
        Device::Remove(args) => return remove(session, args),
    }
    Ok(OK)
}

/// Shows the code at once, then waits.
fn link(session: &mut Session, timeout_ms: u64) -> Status {
    let home = session.home.clone();
    let answer = node::link_device(&home, timeout_ms, &mut |offer| shown(session, offer))?;
    let texts = session.view.texts;
    session.changed(&answer, &texts.device_linked(clean(answer.at("name")), answer.count("groups")));
    Ok(OK)
}

/// The code is what the command is for: people get it on standard error even when nothing else is said.
fn shown(session: &mut Session, offer: &Value) {
    if session.global.json {
        session.json(offer);
        return;
    }
    let texts = session.view.texts;
    let code = session.view.paint.paint(crate::cli::paint::Style::Bold, &clean(offer.at("code")));
    let mut stderr = std::io::stderr();
    // Nobody may be left to read it.
    let _ = writeln!(stderr, "{}", texts.device_code(code));
    session.say(&texts.device_code_how(offer.at("code")));
}

fn join(session: &mut Session, args: &Join) -> Status {
    let ask = Ask::Join { code: args.code.join(" "), at: args.at.clone(), timeout_ms: args.timeout };
    let answer = session.call(Command::Device(ask))?;
    session.answer(&answer, show::device::joined);
    Ok(OK)
}

fn remove(session: &mut Session, args: &Remove) -> Status {
    if !args.yes {
        if !session.can_ask() {
            let cause = "removing a device changes the keys for everybody, and nobody can be asked here";
            return Err(Error::new(Code::Usage, cause, "repeat the command with --yes"));
        }
        if !confirmed(session, &session.view.texts.confirm_device_remove(&args.device)) {
            session.say(session.view.texts.cancelled());
            return Ok(Code::Failed.exit_status());
        }
    }
    let answer = session.call(Command::Device(Ask::Remove { target: args.device.clone() }))?;
    let texts = session.view.texts;
    let name = match answer.at("name") {
        "" => peek::short(answer.at("device_id")),
        name => clean(name),
    };
    session.changed(&answer, &texts.device_removed(name, answer.list("groups").len()));
    if !answer.at("failed").is_empty() {
        session.say(&texts.device_not_everywhere(clean(answer.at("failed"))));
        return Ok(Code::Incomplete.exit_status());
    }
    Ok(OK)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fake;
    use super::*;

    #[test]
    fn removing_a_device_without_a_terminal_needs_a_yes() {
        let ran = fake::run(&["device", "remove", "phone", "--no-input"], |_| panic!("nothing may happen"));
        assert_eq!(ran.status.unwrap_err().code, Code::Usage);
        let answer = |_: &crate::api::Request| Ok(json!({"name": "phone", "groups": [{}]}));
        let ran = fake::run(&["device", "remove", "phone", "--yes"], answer);
        assert_eq!(ran.status, Ok(0));
        assert_eq!(ran.asked[0].command, Command::Device(Ask::Remove { target: "phone".into() }));
        let part = |_: &crate::api::Request| Ok(json!({"name": "phone", "groups": [{}], "failed": "not yours"}));
        assert_eq!(fake::run(&["device", "remove", "phone", "--yes"], part).status, Ok(6), "not everywhere");
    }

    #[test]
    fn joining_hands_code_and_address_on_and_needs_a_running_node_to_link() {
        let ran =
            fake::run(&["device", "join", "1", "2", "--at", "/ip4/1.2.3.4/tcp/5", "--timeout", "3", "--json"], |_| {
                Ok(json!({"v": 1, "linked": true}))
            });
        assert_eq!(ran.stdout, "{\"linked\":true,\"v\":1}\n");
        let wanted = Ask::Join { code: "1 2".into(), at: Some("/ip4/1.2.3.4/tcp/5".into()), timeout_ms: 3_000 };
        assert_eq!(ran.asked[0].command, Command::Device(wanted));
        let ran = fake::run(&["device", "link"], |_| panic!("this one speaks to the socket itself"));
        assert_eq!(ran.status.unwrap_err().code, Code::NotRunning);
    }
}
