//! `group`, `invite`, `join`, `ticket`.

use std::io::{BufRead as _, Write as _};

use serde_json::Value;

use super::{OK, Session, Status};
use crate::api::{Code, Command, Error, GroupKind};
use crate::cli::args::group::{Create, Group, Invite, Invites, Join, Leave, Quarantine, Ticket, Which};
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
        Group::Quarantine { what } => return quarantine(session, what.as_ref()),
        Group::Rotate => {
            let answer = session.call(Command::GroupRotate)?;
            let texts = session.view.texts;
            let message = if answer.at("epoch").is_empty() { texts.no_keys_in_open() } else { texts.keys_renewed() };
            session.changed(&answer, message);
        }
        Group::Hide { what, undo } => {
            let answer = session.call(Command::Hide { what: what.clone(), hidden: !undo })?;
            let texts = session.view.texts;
            session.changed(&answer, &if *undo { texts.shown_for_all(what) } else { texts.hidden_for_all(what) });
        }
        Group::Limits { entries, bytes } => {
            let answer = session.call(Command::Quota { entries: *entries, bytes: *bytes })?;
            session.answer(&answer, |view, a| format!("{}\n", view.texts.limits(a.count("entries"), a.count("bytes"))));
        }
        Group::Leave(args) => return leave(session, args),
    }
    Ok(OK)
}

fn create(session: &mut Session, args: &Create) -> Status {
    let kind = if args.open { GroupKind::Open } else { GroupKind::Closed };
    let command = Command::GroupCreate { name: args.name.clone(), kind, roadmap: args.roadmap.clone() };
    let answer = session.call(command)?;
    let texts = session.view.texts;
    let how = if args.open { texts.open_how() } else { texts.closed_how() };
    let message = format!("{}\n{how}", texts.group_created(answer.at("name")));
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
pub(super) fn confirmed(session: &Session, question: &str) -> bool {
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

fn quarantine(session: &mut Session, what: Option<&Quarantine>) -> Status {
    match what {
        None | Some(Quarantine::List) => {
            let answer = session.call(Command::Quarantine)?;
            session.answer(&answer, show::member::quarantine);
        }
        Some(Quarantine::Admit { entries, all }) => {
            let answer = session.call(Command::QuarantineAdmit { entries: entries.clone(), all: *all })?;
            session.changed(&answer, &session.view.texts.accepted(answer.count("accepted")));
        }
    }
    Ok(OK)
}

/// Makes a ticket, lists invites or takes one back.
pub fn invite(session: &mut Session, args: &Invite) -> Status {
    match &args.what {
        Some(Invites::List) => {
            let answer = session.call(Command::InviteList)?;
            session.answer(&answer, show::member::invites);
            return Ok(OK);
        }
        Some(Invites::Revoke { invite }) => {
            let answer = session.call(Command::InviteRevoke { invite: invite.clone() })?;
            session.changed(&answer, session.view.texts.invite_revoked());
            return Ok(OK);
        }
        None => {}
    }
    let expires_hours = args.expires.map(|expires| match expires {
        Expiry::Never => 0,
        Expiry::Hours(hours) => hours,
    });
    let (addresses, role) = (!args.no_addresses, args.role.map(|role| role.role()));
    let answer =
        session.call(Command::Invite { expires_hours, addresses, role, uses: args.uses, approve: args.approve })?;
    let texts = session.view.texts;
    let mut message = texts.invite_how("TICKET");
    if let Some(at) = answer.number("expires_ms") {
        message = format!("{message}\n{}", texts.invite_expires(format!("{} UTC", time::stamp(at))));
    }
    if !answer.at("role").is_empty() {
        let uses = answer.number("uses").map_or_else(|| "∞".to_owned(), |uses| uses.to_string());
        message = format!("{message}\n{}", texts.invite_for(uses, texts.word(answer.at("role"))));
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
    let standing = answer.at("standing");
    let mut message = match answer.at("state") {
        "joined" => texts.joined_group(&name),
        "syncing" => texts.joining_syncing(&name),
        // Who was heard of has been met.
        _ if !matches!(standing, "" | "in" | "unknown") => String::new(),
        _ => texts.joining_waiting(&name),
    };
    if let (true, Some(why)) = (answer.at("state") == "waiting", texts.why_waiting(standing)) {
        message = format!("{message}\n{why}").trim_start().to_owned();
    }
    session.made(&answer, "group_id", &message);
    if matches!(standing, "refused" | "removed" | "invite-over") && answer.at("state") != "joined" {
        return Ok(Code::NotPermitted.exit_status());
    }
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
