//! `progress`.

use super::{OK, Session, Status};
use crate::api::Command;
use crate::cli::args::progress::{Progress, Set};
use crate::cli::show::peek::Peek as _;
use crate::cli::{input, show};
use crate::roadmap_file::MAX_BYTES;

/// Most topics of an imported file that are named as unknown.
const MAX_NAMED: usize = 20;

/// Says and shows how far people are.
pub fn run(session: &mut Session, args: &Progress) -> Status {
    match args {
        Progress::Set(args) => return set(session, args),
        Progress::Show { person } => {
            let answer = session.call(Command::ProgressShow { person: person.clone() })?;
            session.answer(&answer, show::progress::show);
        }
        Progress::Group => return group(session),
        Progress::History { topic, person } => {
            let answer = session.call(Command::ProgressHistory { topic: topic.clone(), person: person.clone() })?;
            session.answer(&answer, show::progress::history);
        }
        Progress::Import { file } => {
            let text = input::text(file, MAX_BYTES)?;
            let answer = session.call(Command::ProgressImport { text })?;
            let texts = session.view.texts;
            let mut message = texts.progress_imported(answer.count("set"));
            let unknown = answer.texts("unknown");
            if !unknown.is_empty() {
                let named = unknown.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
                let dots = if unknown.len() > MAX_NAMED { ", …" } else { "" };
                message = format!("{message}\n{} {named}{dots}", texts.progress_unknown(unknown.len()));
            }
            session.changed(&answer, &message);
        }
    }
    Ok(OK)
}

fn set(session: &mut Session, args: &Set) -> Status {
    let command = Command::ProgressSet {
        topic: args.topic.clone(),
        state: args.state.into(),
        minutes: args.minutes,
        evidence: args.evidence.clone(),
        remark: args.note.clone(),
    };
    let answer = session.call(command)?;
    let texts = session.view.texts;
    session.changed(&answer, &texts.progress_is(answer.at("topic_id"), texts.word(answer.at("state"))));
    Ok(OK)
}

/// Topics by members; for people with the titles and the order of the group's roadmaps.
fn group(session: &mut Session) -> Status {
    let answer = session.call(Command::ProgressGroup)?;
    let mut roadmaps = vec![];
    if !session.global.json {
        let listed = session.call(Command::RoadmapList)?;
        for roadmap in listed.items().iter().filter(|item| item.is("added") && !item.is("removed")) {
            let roadmap = roadmap.at("roadmap_id").to_owned();
            roadmaps.push(session.call(Command::RoadmapShow { roadmap })?);
        }
    }
    session.answer(&answer, |view, answer| show::progress::group(view, &roadmaps, answer));
    Ok(OK)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fake;
    use super::*;
    use crate::api::TopicState;

    #[test]
    fn a_state_goes_to_the_node_with_its_proof() {
        let args = [
            "progress",
            "set",
            "docker",
            "done",
            "--minutes",
            "60",
            "--evidence",
            "https://example.org/",
            "--note",
            "第一次",
        ];
        let ran = fake::run(&args, |_| Ok(json!({"topic_id": "docker", "state": "done"})));
        assert_eq!(
            ran.asked[0].command,
            Command::ProgressSet {
                topic: "docker".into(),
                state: TopicState::Done,
                minutes: 60,
                evidence: Some("https://example.org/".into()),
                remark: Some("第一次".into())
            }
        );
    }

    #[test]
    fn the_matrix_takes_only_the_groups_own_roadmaps() {
        let node = |request: &crate::api::Request| {
            Ok(match &request.command {
                Command::ProgressGroup => {
                    json!({"v": 1, "items": [{"person": "Ada", "person_id": "1", "topic_id": "t", "state": "done"}]})
                }
                Command::RoadmapList => {
                    json!({"items": [{"roadmap_id": "a", "added": true}, {"roadmap_id": "b", "added": false, "builtin": true}]})
                }
                Command::RoadmapShow { roadmap } => {
                    json!({"roadmap_id": roadmap, "title": "A", "topics": [{"id": "t", "title": "T"}]})
                }
                other => panic!("{other:?}"),
            })
        };
        let ran = fake::run(&["progress", "group"], node);
        assert_eq!(ran.asked.len(), 3);
        assert!(ran.stdout.contains("    T    ✓\n"), "{}", ran.stdout);
        let ran = fake::run(&["progress", "group", "--json"], node);
        assert_eq!(ran.asked.len(), 1);
    }
}
