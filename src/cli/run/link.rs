//! `link`.

use serde_json::Value;

use super::{OK, Session, Status};
use crate::api::Command;
use crate::cli::args::link::{Add, Link};
use crate::cli::show;
use crate::cli::show::peek::Peek as _;

/// Collects links.
pub fn run(session: &mut Session, args: &Link) -> Status {
    let texts = session.view.texts;
    match args {
        Link::Add(args) => return add(session, args),
        Link::List { tag, topic, unread, removed } => {
            let (tag, topic) = (tag.clone(), topic.clone());
            let answer = session.call(Command::LinkList { tag, topic, unread: *unread, removed: *removed })?;
            session.answer(&answer, show::link::list);
        }
        Link::Tag(args) => {
            let (add_tags, remove_tags) = args.change();
            set(
                session,
                Command::LinkSet { link: args.link.clone(), title: None, topic: None, add_tags, remove_tags },
            )?;
        }
        Link::Edit(args) => {
            let (add_tags, remove_tags) = args.tags.change();
            let (link, title, topic) = (args.link.clone(), args.title.clone(), args.topic.clone());
            set(session, Command::LinkSet { link, title, topic, add_tags, remove_tags })?;
        }
        Link::Vote(args) => {
            let answer = session.call(Command::LinkVote { link: args.link.clone(), up: !args.undo })?;
            session.changed(&answer, &texts.link_votes(answer.short("link_id"), answer.count("votes")));
        }
        Link::Read(args) => {
            let answer = session.call(Command::LinkRead { link: args.link.clone(), read: !args.undo })?;
            let id = answer.short("link_id");
            session.changed(&answer, &if args.undo { texts.link_unread(id) } else { texts.link_read(id) });
        }
        Link::Remove(args) => {
            let answer = session.call(Command::LinkRemove { link: args.link.clone(), removed: !args.undo })?;
            let id = answer.short("link_id");
            let message = if args.undo {
                texts.link_back(id)
            } else {
                format!("{} {}", texts.link_removed(id), texts.undo_hint())
            };
            session.changed(&answer, &message);
        }
    }
    Ok(OK)
}

fn add(session: &mut Session, args: &Add) -> Status {
    let command = Command::LinkAdd {
        url: args.url.clone(),
        title: args.title.clone(),
        tags: args.tags.clone(),
        topic: args.topic.clone(),
    };
    let answer: Value = session.call(command)?;
    let texts = session.view.texts;
    let mut message = texts.link_added(answer.at("url"));
    if answer.is("already") {
        message = format!("{message} {}", texts.already_there());
    }
    session.made(&answer, "link_id", &message);
    Ok(OK)
}

fn set(session: &mut Session, command: Command) -> Status {
    let answer = session.call(command)?;
    session.changed(&answer, &session.view.texts.link_changed(answer.short("link_id")));
    Ok(OK)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fake;
    use super::*;

    #[test]
    fn tags_are_added_and_taken_away_by_their_signs() {
        let ran = fake::run(&["link", "tag", "https://helm.sh", "+x", "y", "-go", "--json"], |_| {
            Ok(json!({"link_id": "ab"}))
        });
        let (add_tags, remove_tags) = (vec!["x".to_owned(), "y".to_owned()], vec!["go".to_owned()]);
        assert_eq!(
            ran.asked[0].command,
            Command::LinkSet { link: "https://helm.sh".into(), title: None, topic: None, add_tags, remove_tags }
        );
    }

    #[test]
    fn undo_takes_a_vote_a_mark_and_a_removal_back() {
        let asked =
            |args: &[&str]| fake::run(args, |_| Ok(json!({"link_id": "ab", "votes": 1}))).asked.remove(0).command;
        assert_eq!(asked(&["link", "vote", "L"]), Command::LinkVote { link: "L".into(), up: true });
        assert_eq!(asked(&["link", "vote", "L", "--undo"]), Command::LinkVote { link: "L".into(), up: false });
        assert_eq!(asked(&["link", "read", "L", "--undo"]), Command::LinkRead { link: "L".into(), read: false });
        assert_eq!(asked(&["link", "remove", "L"]), Command::LinkRemove { link: "L".into(), removed: true });
    }
}
