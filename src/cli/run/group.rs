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
            session.answer(&answer, show::member::limits);
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
    let answer = session.call_in(group, Command::GroupLeave { force: args.force })?;
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
    let flags = args.approve || args.no_addresses;
    let is_to_make = flags || args.expires.is_some() || args.role.is_some() || args.uses.is_some();
    if args.what.is_some() && is_to_make {
        let cause = "--role, --uses, --expires, --approve and --no-addresses are for making an invite";
        return Err(Error::new(Code::Usage, cause, "leave them out of `invite list` and `invite revoke`"));
    }
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
    let command = Command::Invite {
        expires_hours: args.expires.map(Expiry::hours),
        addresses: !args.no_addresses,
        role: args.role.map(|role| role.role()),
        uses: args.uses,
        approve: args.approve,
    };
    make_ticket(session, command, &session.view.texts.invite_how("TICKET"))
}

/// Makes a ticket, and says what to do with it, how long it works and for whom.
pub(super) fn make_ticket(session: &mut Session, command: Command, how: &str) -> Status {
    let answer = session.call(command)?;
    let texts = session.view.texts;
    let mut lines = vec![how.to_owned()];
    if let Some(at) = answer.number("expires_ms") {
        lines.push(texts.invite_expires(format!("{} UTC", time::stamp(at))));
    }
    lines.push(match answer.at("role") {
        "" => texts.open_ticket().to_owned(),
        role => texts.invite_for(texts.so_many_people(answer.number("uses")), texts.word(role)),
    });
    if answer.is("approve") {
        lines.push(texts.waits_for_approval().to_owned());
    }
    session.made(&answer, "ticket", &lines.join("\n"));
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
    let message = match (answer.at("state"), standing) {
        ("joined", _) => texts.joined_group(&name),
        ("syncing", _) => texts.joining_syncing(&name),
        (_, "unknown") => texts.joining_closed(&name),
        (_, standing) => texts.why_waiting(standing).map_or_else(|| texts.joining_waiting(&name), ToOwned::to_owned),
    };
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
        assert_eq!(
            (ran.asked[0].group.as_deref(), &ran.asked[0].command),
            (Some("old"), &Command::GroupLeave { force: false })
        );
        let ran = fake::run(&["group", "leave", "--yes", "--force"], |_| Ok(json!({"group_id": "ab", "left": true})));
        assert_eq!(ran.asked[0].command, Command::GroupLeave { force: true });
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
    fn whoever_waits_is_told_why_and_whoever_is_turned_down_has_status_seven() {
        for (standing, status, words) in [
            ("unknown", 6, "waiting for a member who can let you in"),
            ("asked", 6, "Waiting for a member who can let you in"),
            ("needs-approval", 6, "Waiting for an admin"),
            ("invite-over", 7, "used up, expired or taken back"),
            ("refused", 7, "An admin turned you down"),
            ("removed", 7, "You were removed"),
        ] {
            let answer = json!({"v": 1, "group_id": "ab", "name": "G", "state": "waiting", "standing": standing});
            let node = move |_: &crate::api::Request| Ok(answer.clone());
            let ran = fake::run(&["join", "T", "--wait", "3"], node.clone());
            assert_eq!((ran.status, ran.stdout.as_str()), (Ok(status), "ab\n"), "{standing}");
            assert!(ran.said.contains(words) && ran.said.lines().count() == 1, "{standing}: {}", ran.said);
            let ran = fake::run(&["join", "T", "--json"], node);
            assert_eq!(ran.status, Ok(if status == 7 { 7 } else { 0 }), "{standing}");
            assert!(ran.stdout.contains(standing) && ran.said.is_empty(), "the answer is there all the same");
        }
        let open =
            |_: &crate::api::Request| Ok(json!({"group_id": "ab", "name": "G", "state": "waiting", "standing": "in"}));
        let ran = fake::run(&["join", "T"], open);
        assert!(ran.said.contains("no member has been met yet"), "{}", ran.said);
    }

    #[test]
    fn a_ticket_stands_alone_on_standard_output_and_what_it_is_for_beside_it() {
        let ran = fake::run(&["invite", "--expires", "24", "--no-addresses"], |_| {
            Ok(json!({"ticket": "studymeshx", "expires_ms": 1}))
        });
        assert_eq!(ran.stdout, "studymeshx\n");
        assert!(ran.said.contains("1970-01-01") && ran.said.contains("works for everybody"), "{}", ran.said);
        assert_eq!(
            ran.asked[0].command,
            Command::Invite { expires_hours: Some(24), addresses: false, role: None, uses: None, approve: false }
        );
        let line = ["invite", "--role", "admin", "--uses", "unlimited", "--expires", "never", "--approve"];
        let ran = fake::run(&line, |_| {
            Ok(json!({"ticket": "studymeshx", "expires_ms": null, "uses": null, "role": "admin", "approve": true}))
        });
        let role = Some(crate::api::Role::Admin);
        assert_eq!(
            ran.asked[0].command,
            Command::Invite { expires_hours: Some(0), addresses: true, role, uses: Some(0), approve: true }
        );
        assert!(ran.said.contains("any number of people as admin") && ran.said.contains("accept"), "{}", ran.said);
        let ran = fake::run(&["invite"], |_| Ok(json!({"ticket": "t"})));
        assert_eq!(
            ran.asked[0].command,
            Command::Invite { expires_hours: None, addresses: true, role: None, uses: None, approve: false }
        );
    }

    #[test]
    fn invites_are_listed_and_taken_back_with_the_global_options_in_any_place() {
        for line in [&["invite", "list", "-g", "G"][..], &["invite", "-g", "G", "list"], &["-g", "G", "invite", "list"]]
        {
            let ran = fake::run(line, |_| Ok(json!({"items": []})));
            assert_eq!((&ran.asked[0].command, ran.asked[0].group.as_deref()), (&Command::InviteList, Some("G")));
        }
        let ran = fake::run(&["invite", "revoke", "ab12"], |_| Ok(json!({"invite_id": "ab12"})));
        assert_eq!(ran.asked[0].command, Command::InviteRevoke { invite: "ab12".into() });
        let ran = fake::run(&["invite", "--uses", "2", "list"], |_| panic!("nothing may happen"));
        assert_eq!(ran.status.unwrap_err().code, Code::Usage);
    }

    #[test]
    fn a_group_is_closed_unless_told_otherwise_and_its_founder_is_told_which_it_is() {
        let lines: [(&[&str], GroupKind, &str); 3] = [
            (&[], GroupKind::Closed, "It is closed"),
            (&["--closed"], GroupKind::Closed, "It is closed"),
            (&["--open"], GroupKind::Open, "It is open"),
        ];
        for (flags, kind, words) in lines {
            let ran =
                fake::run(&[&["group", "create", "N"], flags].concat(), |_| Ok(json!({"group_id": "ab", "name": "N"})));
            assert_eq!(ran.stdout, "ab\n");
            assert_eq!(ran.asked[0].command, Command::GroupCreate { name: "N".into(), kind, roadmap: None });
            assert!(ran.said.contains(words), "{}", ran.said);
        }
    }

    #[test]
    fn what_does_not_count_is_listed_and_admitted() {
        for line in [&["group", "quarantine"][..], &["group", "quarantine", "list"]] {
            assert_eq!(fake::run(line, |_| Ok(json!({"items": []}))).asked[0].command, Command::Quarantine);
        }
        let ran = fake::run(&["group", "quarantine", "admit", "ab12", "cd34"], |_| Ok(json!({"accepted": 2})));
        let entries = vec!["ab12".to_owned(), "cd34".to_owned()];
        assert_eq!(ran.asked[0].command, Command::QuarantineAdmit { entries, all: false });
        assert_eq!(ran.said, "2 entries count now.\n");
        let ran = fake::run(&["group", "quarantine", "admit", "--all"], |_| Ok(json!({"accepted": 1})));
        assert_eq!(ran.asked[0].command, Command::QuarantineAdmit { entries: vec![], all: true });
    }

    #[test]
    fn keys_limits_and_what_is_hidden() {
        let ran = fake::run(&["group", "rotate"], |_| Ok(json!({"epoch": "ab"})));
        assert_eq!((&ran.asked[0].command, ran.said.contains("under new keys")), (&Command::GroupRotate, true));
        let ran = fake::run(&["group", "rotate"], |_| Ok(json!({"epoch": null})));
        assert!(ran.said.contains("open group"), "{}", ran.said);
        let ran = fake::run(&["group", "limits", "--entries", "100"], |_| Ok(json!({"entries": 100, "bytes": 0})));
        assert_eq!(ran.asked[0].command, Command::Quota { entries: Some(100), bytes: None });
        assert_eq!(ran.stdout, "Each log may hold 100 entries and any number of bytes.\n");
        for (undo, hidden) in [(&[][..], true), (&["--undo"], false)] {
            let ran = fake::run(&[&["group", "hide", "plan"], undo].concat(), |_| Ok(json!({})));
            assert_eq!(ran.asked[0].command, Command::Hide { what: "plan".into(), hidden });
        }
    }
}
