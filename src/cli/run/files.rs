//! `export`: the group as files that people can read, edit and bring back, or as one JSON object.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{OK, Session, Status};
use crate::api::{Code, Command, Error, MAX_NOTE_BYTES};
use crate::cli::args::files::Export;
use crate::cli::input::{self, unwritable};
use crate::cli::markdown::{self, NoteFile, Read};
use crate::cli::show;
use crate::cli::show::peek::Peek as _;
use crate::model::limits::is_slug;
use crate::roadmap_file::MAX_BYTES;

/// Digits of a note's id in its file's name.
const ID_DIGITS: usize = 12;
/// How the first line of an exported roadmap begins; the digest of the rest follows.
const ROADMAP_MARK: &str = "# studymesh roadmap 1 ";

/// Writes the group out.
pub fn export(session: &mut Session, args: &Export) -> Status {
    let whole = session.call(Command::Export)?;
    let Some(out) = &args.out else {
        session.answer(&whole, |_, whole| format!("{whole:#}\n"));
        return Ok(OK);
    };
    let group = whole.at("group_id").to_owned();
    let (notes, roadmaps) = (out.join("notes"), out.join("roadmaps"));
    for dir in [&notes, &roadmaps] {
        fs::create_dir_all(dir).map_err(|error| unwritable(dir, &error))?;
    }
    let mut files = vec![];
    let names = Names::of(&notes)?;
    let mut used = BTreeSet::new();
    for item in whole.list("notes") {
        let note = note(session, &group, item.at("note_id"))?;
        let name = names.choose(&note, &mut used);
        files.push(put_note(&notes.join(name), &note)?);
    }
    // A roadmap's id is a slug; anything else is no name for a file.
    for roadmap in whole.list("roadmaps").iter().filter(|roadmap| is_slug(roadmap.at("roadmap_id"))) {
        let path = roadmaps.join(format!("{}.toml", roadmap.at("roadmap_id")));
        files.push(put_roadmap(&path, roadmap.at("toml"))?);
    }
    let path = out.join("group.json");
    let action = put(&path, &format!("{whole:#}\n"), |_| true)?;
    files.push(report(&path, action, None));
    let kept = files.iter().filter(|file| file.at("action") == "kept").count();
    let shown_at = out.display().to_string();
    let answer = json!({ "v": 1, "group_id": group, "out": shown_at, "kept": kept, "files": files });
    session.answer(&answer, |view, answer| show::files::list(view, answer.list("files")));
    let texts = session.view.texts;
    session.say(&texts.exported(files.len(), &shown_at));
    if kept > 0 {
        session.say(&texts.export_kept(kept));
    }
    Ok(OK)
}

/// One note with the version that its text shows.
fn note(session: &Session, group: &str, id: &str) -> Result<NoteFile, Error> {
    let shown = session.call_in(Some(group.to_owned()), Command::NoteShow { note: id.to_owned(), version: None })?;
    let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    Ok(NoteFile {
        group: group.to_owned(),
        note: shown.at("note_id").to_owned(),
        title: shown.at("title").to_owned(),
        topic: shown.at("topic").to_owned(),
        tags: owned(shown.texts("tags")),
        base: owned(shown.texts("heads")),
        body: shown.at("body").to_owned(),
    })
}

/// The names that earlier exports gave, so that a note with a new title keeps its file.
struct Names {
    present: Vec<String>,
}

impl Names {
    fn of(dir: &Path) -> Result<Self, Error> {
        let entries = fs::read_dir(dir).map_err(|error| input::unreadable(&dir.display().to_string(), &error))?;
        let mut present: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        present.sort();
        Ok(Self { present })
    }

    fn choose(&self, note: &NoteFile, used: &mut BTreeSet<String>) -> String {
        let short: String = note.note.chars().filter(char::is_ascii_alphanumeric).take(ID_DIGITS).collect();
        let is_this = |name: &&String| name.ends_with(&format!("-{short}.md")) || **name == format!("{short}.md");
        let name =
            self.present.iter().find(is_this).cloned().unwrap_or_else(|| markdown::file_name(&note.title, &short));
        // Two ids that begin alike do not happen by chance, but somebody may make them.
        let name = if used.contains(&name) { markdown::file_name(&note.title, &note.note) } else { name };
        used.insert(name.clone());
        name
    }
}

fn put_note(path: &Path, note: &NoteFile) -> Result<Value, Error> {
    let ours = |old: &str| matches!(markdown::read(old, ""), Read::Exported { file, text_changed: false, rest_changed: false } if file.note == note.note);
    Ok(report(path, put(path, &markdown::write(note), ours)?, Some(&note.note)))
}

fn put_roadmap(path: &Path, toml: &str) -> Result<Value, Error> {
    let digest = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    let ours = |old: &str| {
        let parts = old.strip_prefix(ROADMAP_MARK).and_then(|rest| rest.split_once('\n'));
        parts.is_some_and(|(before, rest)| before == digest(rest))
    };
    let text = format!("{ROADMAP_MARK}{}\n{toml}", digest(toml));
    Ok(report(path, put(path, &text, ours)?, None))
}

fn report(path: &Path, action: &str, note: Option<&str>) -> Value {
    json!({ "path": path.display().to_string(), "action": action, "note_id": note })
}

/// Writes a file in one step, unless what is there was changed by a person: `ours` says whether a text may go.
fn put(path: &Path, text: &str, ours: impl Fn(&str) -> bool) -> Result<&'static str, Error> {
    const _: () = assert!(MAX_NOTE_BYTES >= MAX_BYTES);
    match input::file(path, 2 * MAX_NOTE_BYTES) {
        Ok(old) if old == text => return Ok("unchanged"),
        Ok(old) if !ours(&old) => return Ok("kept"),
        Ok(_) => {}
        Err(error) if error.code == Code::NotFound => {}
        // What can not be read was not written by us.
        Err(_) => return Ok("kept"),
    }
    let beside = beside(path);
    let written = fs::File::create(&beside).and_then(|mut file| file.write_all(text.as_bytes()));
    written.and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        let _ = fs::remove_file(&beside);
        unwritable(path, &error)
    })?;
    Ok("written")
}

/// A name in the same directory that no import reads.
fn beside(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;
    use crate::api::{Reply, Request};

    fn node(body: &'static str, title: &'static str) -> impl Fn(&Request) -> Reply + 'static {
        move |request| {
            let id = "ab".repeat(32);
            Ok(match &request.command {
                Command::Export => json!({
                    "v": 1, "group_id": "cd".repeat(32), "name": "G", "notes": [{"note_id": id, "title": title, "body": body}], "links": [],
                    "roadmaps": [{"roadmap_id": "go", "toml": "id = \"go\"\n"}, {"roadmap_id": "../x", "toml": ""}],
                }),
                Command::NoteShow { note, .. } => {
                    assert_eq!(request.group.as_deref(), Some("cd".repeat(32).as_str()));
                    json!({"note_id": note, "title": title, "body": body, "tags": ["t"], "topic": null, "heads": ["ee"]})
                }
                other => panic!("{other:?}"),
            })
        }
    }

    fn actions(ran: &fake::Ran) -> Vec<String> {
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        answer.list("files").iter().map(|file| file.at("action").to_owned()).collect()
    }

    #[test]
    fn an_export_can_be_repeated_and_never_overwrites_what_a_person_changed() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let export = |body, title| {
            let ran = fake::run(&["export", "--out", out.to_str().unwrap(), "--json"], node(body, title));
            assert_eq!(ran.status, Ok(0));
            actions(&ran)
        };
        assert_eq!(export("one", "标题"), ["written", "written", "written"]);
        assert_eq!(export("one", "标题"), ["unchanged", "unchanged", "unchanged"]);
        let note = out.join("notes/标题-abababababab.md");
        assert!(fs::read_to_string(&note).unwrap().ends_with("---\none"));
        // The group went on: the files follow, under the name that they have.
        assert_eq!(export("two", "Title"), ["written", "unchanged", "written"]);
        assert!(fs::read_to_string(&note).unwrap().ends_with("---\ntwo"));
        // A person changed the files: they stay.
        fs::write(&note, fs::read_to_string(&note).unwrap() + " by hand").unwrap();
        let roadmap = out.join("roadmaps/go.toml");
        fs::write(&roadmap, fs::read_to_string(&roadmap).unwrap() + "title = 'x'\n").unwrap();
        assert_eq!(export("three", "Title"), ["kept", "kept", "written"]);
        assert!(fs::read_to_string(&note).unwrap().ends_with("two by hand"));
        assert_eq!(fs::read_dir(&out).unwrap().count(), 3, "nothing was written outside");
    }

    #[test]
    fn without_a_directory_the_group_is_one_object() {
        let ran = fake::run(&["export", "--json"], node("x", "T"));
        assert_eq!(ran.stdout.lines().count(), 1);
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(answer["notes"][0]["body"], "x");
        assert_eq!(ran.asked.len(), 1);
    }
}
