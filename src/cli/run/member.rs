//! `member`, `requests`, `keeper`.

use super::group::{confirmed, make_ticket};
use super::{OK, Session, Status};
use crate::api::{Code, Command, Error, Role};
use crate::cli::args::member::{Accept, Keeper, Member, Remove, Requests};
use crate::cli::args::value::Expiry;
use crate::cli::paint::clean;
use crate::cli::show;
use crate::cli::show::peek::{self, Peek as _};
use crate::node::pick;

/// Who belongs.
pub fn run(session: &mut Session, args: &Member) -> Status {
    match args {
        Member::List => {
            let answer = session.call(Command::MemberList)?;
            session.answer(&answer, show::member::list);
        }
        Member::Add(args) => return accept(session, args),
        Member::Remove(args) => return remove(session, args),
        Member::Role { member, role } => {
            let answer = session.call(Command::MemberRole { member: member.clone(), role: role.role() })?;
            let texts = session.view.texts;
            session.changed(&answer, &texts.role_given(answer.at("person"), texts.word(answer.at("role"))));
        }
        Member::Mute { member, undo } => {
            let answer = session.call(Command::MemberMute { member: member.clone(), muted: !undo })?;
            let (texts, name) = (session.view.texts, answer.at("person"));
            session.changed(&answer, &if *undo { texts.unmuted(name) } else { texts.muted(name) });
        }
    }
    Ok(OK)
}

/// Who asks to be let in.
pub fn requests(session: &mut Session, args: Option<&Requests>) -> Status {
    match args {
        None | Some(Requests::List) => {
            let answer = session.call(Command::Requests)?;
            session.answer(&answer, show::member::requests);
            Ok(OK)
        }
        Some(Requests::Accept(args)) => accept(session, args),
        Some(Requests::Refuse { person }) => {
            let answer = session.call(Command::RequestRefuse { person: person.clone() })?;
            session.changed(&answer, &session.view.texts.request_refused(person));
            Ok(OK)
        }
    }
}

/// Who keeps what it can not read.
pub fn keeper(session: &mut Session, args: &Keeper) -> Status {
    match args {
        Keeper::Add(args) => {
            let command = Command::Invite {
                expires_hours: args.expires.map(Expiry::hours),
                addresses: !args.no_addresses,
                role: Some(Role::Keeper),
                uses: args.uses,
                approve: false,
            };
            return make_ticket(session, command, session.view.texts.keeper_how());
        }
        Keeper::List => {
            let mut answer = session.call(Command::MemberList)?;
            if let Some(items) = answer["items"].as_array_mut() {
                items.retain(|item| item["role"] == "keeper");
            }
            session.answer(&answer, show::member::keepers);
        }
        Keeper::Remove(args) => return remove_keeper(session, args),
    }
    Ok(OK)
}

fn accept(session: &mut Session, args: &Accept) -> Status {
    let role = args.role.map(|role| role.role());
    let answer = session.call(Command::MemberAdd { member: args.person.clone(), role })?;
    let texts = session.view.texts;
    let name = match answer.at("person") {
        "" => answer.short("person_id"),
        name => name.to_owned(),
    };
    session.changed(&answer, &texts.let_in(name, texts.word(answer.at("role"))));
    Ok(OK)
}

/// Somebody of the members list: who is named to the person that has to say yes is who goes, whatever happens meanwhile.
struct Meant {
    id: String,
    name: String,
    you: bool,
}

/// Finds who is meant, among the keepers or among all.
fn meant(session: &Session, given: &str, keepers: bool) -> Result<Meant, Error> {
    let list = session.call(Command::MemberList)?;
    let fits = |item: &&serde_json::Value| !keepers || item.at("role") == "keeper";
    let items: Vec<&serde_json::Value> = list.items().iter().filter(fits).collect();
    let candidates: Vec<(usize, String, String)> = items
        .iter()
        .enumerate()
        .map(|(at, item)| (at, item.at("person_id").to_owned(), item.at("person").to_owned()))
        .collect();
    let (what, remedy) = if keepers {
        ("keeper", "list them with `studymesh keeper list`")
    } else {
        ("member", "list them with `studymesh member list`")
    };
    let item = items[pick(what, given, &candidates, remedy)?];
    Ok(Meant { id: item.at("person_id").to_owned(), name: item.at("person").to_owned(), you: item.is("you") })
}

fn remove(session: &mut Session, args: &Remove) -> Status {
    let mut member = args.member.clone();
    if !args.yes {
        must_ask(session)?;
        let meant = meant(session, &member, false)?;
        if !agreed(session, &meant) {
            return Ok(Code::Failed.exit_status());
        }
        member = meant.id;
    }
    carry_out(session, member)
}

/// Only a keeper goes: a name that means a member as well must not cost the member.
fn remove_keeper(session: &mut Session, args: &Remove) -> Status {
    if !args.yes {
        must_ask(session)?;
    }
    let meant = meant(session, &args.member, true)?;
    if !args.yes && !agreed(session, &meant) {
        return Ok(Code::Failed.exit_status());
    }
    carry_out(session, meant.id)
}

fn must_ask(session: &Session) -> Result<(), Error> {
    if session.can_ask() {
        return Ok(());
    }
    let cause = "removing somebody has effects for everybody, and nobody can be asked here";
    Err(Error::new(Code::Usage, cause, "repeat the command with --yes"))
}

fn agreed(session: &Session, meant: &Meant) -> bool {
    let texts = session.view.texts;
    let question = if meant.you {
        texts.confirm_leaving().to_owned()
    } else {
        texts.confirm_remove(clean(&meant.name), peek::short(&meant.id))
    };
    let agreed = confirmed(session, &question);
    if !agreed {
        session.say(texts.cancelled());
    }
    agreed
}

fn carry_out(session: &mut Session, member: String) -> Status {
    let answer = session.call(Command::MemberRemove { member })?;
    let (texts, name) = (session.view.texts, answer.at("person"));
    let message = match (answer.is("you"), answer.at("kind")) {
        (true, _) => texts.you_left().to_owned(),
        (false, "open") => texts.member_removed_open(name),
        (false, _) => texts.member_removed(name),
    };
    session.changed(&answer, &message);
    Ok(OK)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fake;
    use super::*;
    use crate::api::{Reply, Request};

    #[test]
    fn a_removal_without_a_terminal_needs_a_yes() {
        for line in [["member", "remove", "Bo", "--no-input"], ["keeper", "remove", "Bo", "--no-input"]] {
            let ran = fake::run(&line, |_| panic!("nothing may happen"));
            assert_eq!(ran.status.unwrap_err().code, Code::Usage);
        }
        let ran = fake::run(&["member", "remove", "Bo", "--yes"], |_| Ok(json!({"person": "Bo", "kind": "closed"})));
        assert_eq!(ran.status, Ok(0));
        assert_eq!(ran.asked[0].command, Command::MemberRemove { member: "Bo".into() });
        assert!(ran.said.contains("under new keys") && ran.stdout.is_empty(), "{}", ran.said);
    }

    #[test]
    fn what_a_removal_can_not_do_in_an_open_group_is_said() {
        let ran = fake::run(&["member", "remove", "Bo", "-y"], |_| Ok(json!({"person": "Bo", "kind": "open"})));
        assert!(ran.said.contains("still can read") && !ran.said.contains("new keys"), "{}", ran.said);
        let ran = fake::run(&["member", "remove", "Ada", "-y"], |_| {
            Ok(json!({"person": "Ada", "kind": "closed", "you": true}))
        });
        assert!(ran.said.starts_with("You have left"), "{}", ran.said);
    }

    /// Ada the owner, Shelf the keeper, and a member who is called as the keeper is.
    fn three(request: &Request) -> Reply {
        Ok(match &request.command {
            Command::MemberList => json!({"v": 1, "next": null, "items": [
                {"person_id": "aa".repeat(32), "person": "Ada", "role": "owner", "you": true},
                {"person_id": "bb".repeat(32), "person": "Shelf", "role": "keeper"},
                {"person_id": "cc".repeat(32), "person": "Shelf", "role": "member"},
            ]}),
            Command::MemberRemove { .. } => json!({"person": "Shelf", "kind": "closed"}),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_keepers_removal_never_costs_a_member() {
        for given in ["Shelf", "shelf", "bbbb", "She"] {
            let ran = fake::run(&["keeper", "remove", given, "--yes"], three);
            assert_eq!(ran.status, Ok(0));
            assert_eq!(ran.asked[1].command, Command::MemberRemove { member: "bb".repeat(32) });
        }
        for given in ["Ada", "cccc"] {
            let ran = fake::run(&["keeper", "remove", given, "--yes"], three);
            assert_eq!((ran.status.unwrap_err().code, ran.asked.len()), (Code::NotFound, 1));
        }
    }

    #[test]
    fn a_keeper_is_invited_by_a_ticket_that_stands_alone_on_standard_output() {
        let ran = fake::run(&["keeper", "add", "--uses", "2", "--expires", "never", "--no-addresses"], |_| {
            Ok(json!({"ticket": "studymeshx", "role": "keeper", "uses": 2}))
        });
        assert_eq!(ran.stdout, "studymeshx\n");
        let wanted = Command::Invite {
            expires_hours: Some(0),
            addresses: false,
            role: Some(Role::Keeper),
            uses: Some(2),
            approve: false,
        };
        assert_eq!(ran.asked[0].command, wanted);
        assert!(ran.said.contains("up --role keeper") && ran.said.contains("2 people as keeper"), "{}", ran.said);
    }

    #[test]
    fn keepers_are_listed_without_the_others_and_none_says_how_to_get_one() {
        let ran = fake::run(&["keeper", "list", "--json"], three);
        assert!(ran.stdout.contains("keeper") && !ran.stdout.contains("owner"), "{}", ran.stdout);
        let ran = fake::run(&["keeper", "list"], |_| Ok(json!({"v": 1, "items": [{"role": "owner"}]})));
        assert!(ran.stdout.contains("studymesh keeper add"), "{}", ran.stdout);
    }

    #[test]
    fn requests_alone_are_listed_and_accepting_is_adding() {
        for line in [&["requests"][..], &["requests", "list"]] {
            let ran = fake::run(line, |_| Ok(json!({"v": 1, "items": [{"person_id": "dd", "person": "Dee"}]})));
            assert_eq!(ran.asked[0].command, Command::Requests);
            assert!(ran.stdout.contains("Dee"), "{}", ran.stdout);
        }
        for line in [["requests", "accept", "Bo"], ["member", "add", "Bo"]] {
            let ran = fake::run(&line, |_| Ok(json!({"person": "Bo", "role": "member"})));
            assert_eq!(ran.asked[0].command, Command::MemberAdd { member: "Bo".into(), role: None });
            assert_eq!((ran.said.as_str(), ran.stdout.as_str()), ("Bo is in, as member.\n", ""));
        }
        let ran = fake::run(&["requests", "accept", "Bo", "--role", "reader"], |_| Ok(json!({"person": "Bo"})));
        assert_eq!(ran.asked[0].command, Command::MemberAdd { member: "Bo".into(), role: Some(Role::Reader) });
        let ran = fake::run(&["requests", "refuse", "Bo"], |_| Ok(json!({"person_id": "bb"})));
        assert_eq!(ran.asked[0].command, Command::RequestRefuse { person: "Bo".into() });
    }

    #[test]
    fn roles_and_mutes_go_to_the_node_and_are_told() {
        let ran = fake::run(&["member", "role", "Bo", "owner", "--lang", "zh"], |_| {
            Ok(json!({"person": "Bo", "role": "owner"}))
        });
        assert_eq!(ran.asked[0].command, Command::MemberRole { member: "Bo".into(), role: Role::Owner });
        assert_eq!(ran.said, "Bo 现在是所有者。\n");
        for (undo, muted) in [(&["--undo"][..], false), (&[], true)] {
            let line = [&["member", "mute", "Bo"], undo].concat();
            let ran = fake::run(&line, move |_| Ok(json!({"person": "Bo", "muted": muted})));
            assert_eq!(ran.asked[0].command, Command::MemberMute { member: "Bo".into(), muted });
        }
    }

    #[test]
    fn who_may_not_do_it_is_told_so_by_the_exit_status() {
        for line in [&["member", "role", "Bo", "admin"][..], &["invite"], &["keeper", "add"], &["group", "rotate"]] {
            let ran = fake::run(line, |_| Err(Error::new(Code::NotPermitted, "only admins", "ask one")));
            assert_eq!(ran.status.unwrap_err().code.exit_status(), 7, "{line:?}");
        }
    }
}
