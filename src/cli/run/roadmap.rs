//! `roadmap`.

use std::path::Path;

use super::{OK, Session, Status};
use crate::api::{Command, Error, RoadmapFile};
use crate::cli::args::roadmap::{Edit, Roadmap};
use crate::cli::show::peek::Peek as _;
use crate::cli::{input, show};
use crate::roadmap_file::{self, Format, MAX_BYTES};

/// Shows and edits what the group studies.
pub fn run(session: &mut Session, args: &Roadmap) -> Status {
    let texts = session.view.texts;
    match args {
        Roadmap::List => {
            let answer = session.call(Command::RoadmapList)?;
            session.answer(&answer, show::roadmap::list);
        }
        Roadmap::Show { roadmap } => {
            let answer = session.call(Command::RoadmapShow { roadmap: roadmap.clone() })?;
            session.answer(&answer, show::roadmap::show);
        }
        Roadmap::Add { roadmap } => {
            let answer = session.call(Command::RoadmapAdd { roadmap: roadmap.clone() })?;
            let message = texts.roadmap_added(answer.at("roadmap_id"), answer.count("topics"));
            session.made(&answer, "roadmap_id", &message);
        }
        Roadmap::Import { file } => return import(session, file),
        Roadmap::Edit(args) => return edit(session, args),
        Roadmap::Export { roadmap, format } => {
            let (roadmap, format) = (roadmap.clone(), format.as_str().to_owned());
            let answer = session.call(Command::RoadmapExport { roadmap, format })?;
            session.answer(&answer, |_, answer| answer.at("text").to_owned());
        }
        Roadmap::Remove { roadmap } => {
            let answer = session.call(Command::RoadmapRemove { roadmap: roadmap.clone() })?;
            let message = texts.roadmap_removed(answer.at("roadmap_id"));
            session.changed(&answer, &format!("{message} {}", texts.progress_stays()));
        }
    }
    Ok(OK)
}

fn import(session: &mut Session, file: &str) -> Status {
    let RoadmapFile { name, text } = read(file)?;
    // The node says what is wrong with a file that is none of ours; here only the licence matters.
    let is_others = matches!(roadmap_file::detect(&name, text.as_bytes()), Ok(Format::ReactFlow));
    let answer = session.call(Command::RoadmapImport { name, text })?;
    let texts = session.view.texts;
    let mut message = texts.roadmap_added(answer.at("roadmap_id"), answer.count("topics"));
    if is_others {
        message = format!("{message}\n{}", texts.warn_licence());
    }
    session.made(&answer, "roadmap_id", &message);
    Ok(OK)
}

fn edit(session: &mut Session, args: &Edit) -> Status {
    let file = args.file.as_deref().map(read).transpose()?;
    let command = Command::RoadmapEdit {
        roadmap: args.roadmap.clone(),
        file,
        remove: args.remove.clone(),
        rename: args.rename.clone(),
    };
    let answer = session.call(command)?;
    let texts = session.view.texts;
    let changed = answer.get("changed").and_then(serde_json::Value::as_bool).unwrap_or(true);
    let message =
        if changed { texts.roadmap_edited(answer.at("roadmap_id")) } else { texts.text_unchanged().to_owned() };
    session.changed(&answer, &message);
    Ok(OK)
}

/// A roadmap file with its name, which hints at its format.
fn read(file: &str) -> Result<RoadmapFile, Error> {
    let text = input::text(file, MAX_BYTES)?;
    let name = if file == input::STDIN { None } else { Path::new(file).file_name() };
    let name = name.map_or_else(|| "roadmap".to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(RoadmapFile { name, text })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fake;
    use super::*;

    #[test]
    fn a_file_goes_to_the_node_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("go path.md");
        std::fs::write(&path, "# Go\n- Channels\n").unwrap();
        let ran =
            fake::run(&["roadmap", "import", path.to_str().unwrap()], |_| Ok(json!({"roadmap_id": "go", "topics": 1})));
        assert_eq!(ran.stdout, "go\n");
        assert_eq!(
            ran.asked[0].command,
            Command::RoadmapImport { name: "go path.md".into(), text: "# Go\n- Channels\n".into() }
        );
    }

    #[test]
    fn topics_are_removed_and_renamed_in_one_command() {
        let args = ["roadmap", "edit", "go", "--remove", "a", "--remove", "b", "--rename", "c=通道"];
        let ran = fake::run(&args, |_| Ok(json!({"roadmap_id": "go", "changed": true})));
        assert_eq!(
            ran.asked[0].command,
            Command::RoadmapEdit {
                roadmap: "go".into(),
                file: None,
                remove: vec!["a".into(), "b".into()],
                rename: vec![("c".into(), "通道".into())]
            }
        );
    }

    #[test]
    fn an_export_prints_the_file_alone() {
        let ran = fake::run(&["roadmap", "export", "go"], |_| {
            Ok(json!({"roadmap_id": "go", "format": "toml", "text": "id = \"go\"\n"}))
        });
        assert_eq!(ran.stdout, "id = \"go\"\n");
    }
}
