//! `group`, `invite`, `join`, `ticket`.

use std::io::{BufRead as _, Write as _};

use serde_json::Value;

use super::{OK, Session, Status};
use crate::api::{Code, Command, Error, GroupKind};
use crate::cli::args::group::{Create, Group, Invite, Join, Leave, Ticket, Which};
use crate::cli::args::value::Expiry;
use crate::cli::paint::clean;
use crate::cli::show::peek::{self, Peek as _};
use crate::cli::{input, show, time};
use crate::model::ticket::MAX_CHARS;

/// How long a join waits by itself, in milliseconds: long enough to say "joined" when a member is near.
const DEFAULT_WAIT_MS: u64 = 5_000;
/// Most bytes of a ticket on standard input: a longest one, broken into lines.
const MAX_TICKET_BYTES: usize = 4 * MAX_CHARS;
/// Most bytes of an answer to a question.
const MAX_REPLY_BYTES: u64 = 64;

/// Founds, lists, shows, renames or leaves groups.
pub fn run(session: &mut Session, args: &Group) -> Status {
    match args {
        Group::Create(args) => return create(session, args),
        Group::List => {
            let answer = session.call(Command::GroupList)?;
            session.answer(&answer, |view, answer| show::group::list(view, answer.items()));
        }
        Group::Show(which) => {
            let answer = session.call_in(named(session, which), Command::GroupShow)?;
            session.answer(&answer, show::group::show);
        }
        Group::Rename { name } => {
            let answer = session.call(Command::GroupRename { name: name.clone() })?;
            session.changed(&answer, &session.view.texts.group_renamed(answer.at("name")));
        }
        Group::Leave(args) => return leave(session, args),
    }
    Ok(OK)
}

fn create(session: &mut Session, args: &Create) -> Status {
    let kind = if args.closed { GroupKind::Closed } else { GroupKind::Open };
    let command = Command::GroupCreate { name: args.name.clone(), kind, roadmap: args.roadmap.clone() };
    let answer = session.call(command)?;
    let texts = session.view.texts;
    let mut message = texts.group_created(answer.at("name"));
    if !args.open && !args.closed {
        message = format!("{message}\n{}", texts.open_by_default());
    }
    session.made(&answer, "group_id", &message);
    Ok(OK)
}

fn named(session: &Session, which: &Which) -> Option<String> {
    which.name.clone().or_else(|| session.global.group.clone())
}

fn leave(session: &mut Session, args: &Leave) -> Status {
    let mut group = named(session, &args.which);
    let mut name = String::new();
    if !args.yes {
        if !session.can_ask() {
            let cause = "leaving a group deletes its entries on this node, and nobody can be asked here";
            return Err(Error::new(Code::Usage, cause, "repeat the command with --yes"));
        }
        let shown = session.call_in(group, Command::GroupShow)?;
        name = clean(shown.at("name"));
        // What was shown is what goes, whatever happens meanwhile.
        group = Some(shown.at("group_id").to_owned());
        if !confirmed(session, &session.view.texts.confirm_leave(&name, shown.count("entries"))) {
            session.say(session.view.texts.cancelled());
            return Ok(Code::Failed.exit_status());
        }
    }
    let answer = session.call_in(group, Command::GroupLeave)?;
    if name.is_empty() {
        name = peek::short(answer.at("group_id"));
    }
    session.changed(&answer, &session.view.texts.group_left(&name));
    Ok(OK)
}

/// Asks a person; only a clear yes counts.
fn confirmed(session: &Session, question: &str) -> bool {
    use std::io::Read as _;
    let mut stderr = std::io::stderr();
    if stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).is_err() {
        return false;
    }
    let mut reply = String::new();
    if std::io::stdin().lock().take(MAX_REPLY_BYTES).read_line(&mut reply).is_err() {
        return false;
    }
    let reply = reply.trim().to_lowercase();
    reply == "yes" || reply == session.view.texts.answer_yes()
}

/// Makes a ticket.
pub fn invite(session: &mut Session, args: &Invite) -> Status {
    let expires_hours = match args.expires {
        Expiry::Never => Some(0),
        Expiry::Hours(hours) => Some(hours),
    };
    let answer = session.call(Command::Invite {
        expires_hours,
        addresses: !args.no_addresses,
        role: None,
        uses: None,
        approve: false,
    })?;
    let texts = session.view.texts;
    let mut message = texts.invite_how("TICKET");
    if let Some(at) = answer.number("expires_ms") {
        message = format!("{message}\n{}", texts.invite_expires(format!("{} UTC", time::stamp(at))));
    }
    session.made(&answer, "ticket", &message);
    Ok(OK)
}

/// Joins a group. Who asked to wait and waited in vain is told by the exit status; the group is joined all the same.
pub fn join(session: &mut Session, args: &Join) -> Status {
    let ticket = ticket_text(&args.ticket)?;
    let answer = session.call(Command::Join { ticket, wait_ms: args.wait.unwrap_or(DEFAULT_WAIT_MS) })?;
    let texts = session.view.texts;
    let name = match answer.at("name") {
        "" => peek::short(answer.at("group_id")),
        name => name.to_owned(),
    };
    let message = match answer.at("state") {
        "joined" => texts.joined_group(&name),
        "syncing" => texts.joining_syncing(&name),
        _ => texts.joining_waiting(&name),
    };
    session.made(&answer, "group_id", &message);
    let waited_in_vain = args.wait.is_some_and(|wait| wait > 0) && answer.at("state") != "joined";
    Ok(if waited_in_vain { Code::Incomplete.exit_status() } else { OK })
}

/// Looks into a ticket.
pub fn ticket(session: &mut Session, args: &Ticket) -> Status {
    let Ticket::Inspect { ticket } = args;
    let answer: Value = session.call(Command::TicketInspect { ticket: ticket_text(ticket)? })?;
    session.answer(&answer, show::group::ticket);
    Ok(OK)
}

/// The ticket itself, or what standard input holds.
fn ticket_text(given: &str) -> Result<String, Error> {
    if given == input::STDIN {
        Ok(input::text(given, MAX_TICKET_BYTES)?.trim().to_owned())
    } else {
        Ok(given.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fake;
    use super::*;

    #[test]
    fn leaving_without_a_terminal_needs_a_yes() {
        let ran = fake::run(&["group", "leave", "--no-input"], |_| panic!("nothing may happen"));
        assert_eq!(ran.status.unwrap_err().code, Code::Usage);
        let ran = fake::run(&["group", "leave", "old", "--yes"], |_| Ok(json!({"group_id": "ab", "left": true})));
        assert_eq!(ran.status, Ok(0));
        assert_eq!((ran.asked[0].group.as_deref(), &ran.asked[0].command), (Some("old"), &Command::GroupLeave));
    }

    #[test]
    fn a_join_that_was_waited_for_in_vain_has_status_six_and_one_that_was_not_is_fine() {
        let waiting = |_: &crate::api::Request| Ok(json!({"v": 1, "group_id": "ab", "state": "waiting"}));
        assert_eq!(fake::run(&["join", "T", "--json"], waiting).status, Ok(0));
        assert_eq!(fake::run(&["join", "T", "--wait", "0"], waiting).status, Ok(0));
        let ran = fake::run(&["join", "T", "--wait", "3", "--json"], waiting);
        assert_eq!(ran.status, Ok(6));
        assert!(ran.stdout.contains("\"state\":\"waiting\""), "the answer is there all the same: {}", ran.stdout);
        assert_eq!(ran.asked[0].command, Command::Join { ticket: "T".into(), wait_ms: 3000 });
    }

    #[test]
    fn a_ticket_and_an_id_stand_alone_on_standard_output() {
        let ran = fake::run(&["invite", "--expires", "24", "--no-addresses"], |_| {
            Ok(json!({"ticket": "studymeshx", "expires_ms": 1}))
        });
        assert_eq!(ran.stdout, "studymeshx\n");
        assert_eq!(
            ran.asked[0].command,
            Command::Invite { expires_hours: Some(24), addresses: false, role: None, uses: None, approve: false }
        );
        let ran = fake::run(&["group", "create", "N", "--closed"], |_| Ok(json!({"group_id": "ab", "name": "N"})));
        assert_eq!(ran.stdout, "ab\n");
        assert_eq!(
            ran.asked[0].command,
            Command::GroupCreate { name: "N".into(), kind: GroupKind::Closed, roadmap: None }
        );
    }
}
