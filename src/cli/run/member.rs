//! `member`, `requests`, `keeper`.

use super::group::confirmed;
use super::{OK, Session, Status};
use crate::api::{Code, Command, Error, Role};
use crate::cli::args::member::{Accept, Keeper, Member, Remove, Requests};
use crate::cli::args::value::Expiry;
use crate::cli::show;
use crate::cli::show::peek::Peek as _;

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
pub fn requests(session: &mut Session, args: &Requests) -> Status {
    match args {
        Requests::List => {
            let answer = session.call(Command::Requests)?;
            session.answer(&answer, show::member::requests);
            Ok(OK)
        }
        Requests::Accept(args) => accept(session, args),
        Requests::Refuse { person } => {
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
            let expires_hours = match args.expires {
                None => None,
                Some(Expiry::Never) => Some(0),
                Some(Expiry::Hours(hours)) => Some(hours),
            };
            let (role, addresses) = (Some(Role::Keeper), !args.no_addresses);
            let answer =
                session.call(Command::Invite { expires_hours, addresses, role, uses: Some(1), approve: false })?;
            session.made(&answer, "ticket", session.view.texts.keeper_how());
        }
        Keeper::List => {
            let mut answer = session.call(Command::MemberList)?;
            if let Some(items) = answer["items"].as_array_mut() {
                items.retain(|item| item["role"] == "keeper");
            }
            session.answer(&answer, show::member::list);
        }
        Keeper::Remove(args) => return remove(session, args),
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

fn remove(session: &mut Session, args: &Remove) -> Status {
    if !args.yes {
        if !session.can_ask() {
            let cause = "removing somebody changes the keys for everybody, and nobody can be asked here";
            return Err(Error::new(Code::Usage, cause, "repeat the command with --yes"));
        }
        if !confirmed(session, &session.view.texts.confirm_remove(&args.member)) {
            session.say(session.view.texts.cancelled());
            return Ok(Code::Failed.exit_status());
        }
    }
    let answer = session.call(Command::MemberRemove { member: args.member.clone() })?;
    session.changed(&answer, &session.view.texts.member_removed(answer.at("person")));
    Ok(OK)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fake;
    use super::*;

    #[test]
    fn a_removal_without_a_terminal_needs_a_yes() {
        let ran = fake::run(&["member", "remove", "Bo", "--no-input"], |_| panic!("nothing may happen"));
        assert_eq!(ran.status.unwrap_err().code, Code::Usage);
        let ran = fake::run(&["member", "remove", "Bo", "--yes"], |_| Ok(json!({"person": "Bo"})));
        assert_eq!(ran.status, Ok(0));
        assert_eq!(ran.asked[0].command, Command::MemberRemove { member: "Bo".into() });
    }

    #[test]
    fn a_keeper_is_invited_by_a_ticket_that_stands_alone_on_standard_output() {
        let ran = fake::run(&["keeper", "add"], |_| Ok(json!({"ticket": "studymeshx"})));
        assert_eq!(ran.stdout, "studymeshx\n");
        let wanted = Command::Invite {
            expires_hours: None,
            addresses: true,
            role: Some(Role::Keeper),
            uses: Some(1),
            approve: false,
        };
        assert_eq!(ran.asked[0].command, wanted);
        let both = |_: &crate::api::Request| Ok(json!({"v": 1, "items": [{"role": "keeper"}, {"role": "owner"}]}));
        let ran = fake::run(&["keeper", "list", "--json"], both);
        assert!(ran.stdout.contains("keeper") && !ran.stdout.contains("owner"), "{}", ran.stdout);
    }

    #[test]
    fn accepting_is_adding() {
        for line in [["requests", "accept", "Bo"], ["member", "add", "Bo"]] {
            let ran = fake::run(&line, |_| Ok(json!({"person": "Bo", "role": "member"})));
            assert_eq!(ran.asked[0].command, Command::MemberAdd { member: "Bo".into(), role: None });
        }
    }
}
