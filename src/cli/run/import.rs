//! `import`: Markdown files become notes; files that were exported and changed become edits of their notes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{OK, Session, Status};
use crate::api::{Code, Command, Error, MAX_NOTE_BYTES};
use crate::cli::args::files::Import;
use crate::cli::markdown::{self, NoteFile, Read};
use crate::cli::show::peek::Peek as _;
use crate::cli::{input, show};
use crate::model::limits::MAX_TITLE_CHARS;

/// Most files that one command imports.
const MAX_FILES: usize = 10_000;
/// Most directories within each other that are looked into.
const MAX_DEPTH: usize = 32;
/// Most bytes of a file: a note with its front matter.
const MAX_FILE_BYTES: usize = MAX_NOTE_BYTES + 64 * 1024;

/// What was done with a file.
struct Done {
    action: &'static str,
    note: String,
    entries: Vec<Value>,
    /// Writes that wait to be sent, and have no id yet.
    kept: u64,
    /// A topic that this group does not have.
    dropped_topic: Option<String>,
}

impl Done {
    fn item(self, path: &str) -> Value {
        let note = Some(self.note).filter(|note| !note.is_empty());
        let mut item = json!({
            "path": path, "action": self.action, "note_id": note, "entry_ids": self.entries,
            "dropped_topic": self.dropped_topic,
        });
        if self.kept > 0 {
            (item["entry_ids"], item["kept"]) = (Value::Null, json!(self.kept));
        }
        item
    }
}

/// Imports files, one after the other; what fails does not keep the others back.
pub fn run(session: &mut Session, args: &Import) -> Status {
    let files = find(&args.paths)?;
    let groups = session.call(Command::GroupList)?;
    let groups = groups.items().iter().map(|group| group.at("group_id").to_owned()).collect();
    let mut importer = Importer { session, groups, titles: None };
    let (mut items, mut kept) = (vec![], 0);
    let mut failures: Vec<(String, Error)> = vec![];
    for path in &files {
        let shown = path.display().to_string();
        items.push(match importer.file(path) {
            Ok(done) => {
                kept += done.kept;
                done.item(&shown)
            }
            Err(error) => {
                let item = json!({ "path": shown, "action": "failed", "error": error });
                failures.push((shown, error));
                item
            }
        });
    }
    session.answer(&json!({ "v": 1, "items": items, "next": null }), |view, answer| {
        show::files::list(view, answer.items())
    });
    if kept > 0 {
        session.say(session.view.texts.kept_here());
    }
    let (count, total) = (failures.len(), files.len());
    match failures.into_iter().next() {
        None => Ok(OK),
        Some((path, error)) => {
            let message = format!("{count} of {total} files could not be imported; {path}: {}", error.message);
            Err(Error { message, ..error })
        }
    }
}

/// The Markdown files that the paths name, each once, in a stable order.
fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = vec![];
    for path in paths {
        let metadata = fs::metadata(path).map_err(|error| input::unreadable(&path.display().to_string(), &error))?;
        if metadata.is_dir() {
            walk(path, 0, &mut files)?
        } else {
            files.push(path.clone())
        }
        if files.len() > MAX_FILES {
            let cause = format!("there are more than {MAX_FILES} files");
            return Err(Error::new(Code::BadInput, cause, "import one directory after the other"));
        }
    }
    if files.is_empty() {
        return Err(Error::new(Code::NotFound, "there is no Markdown file", "name files that end in .md"));
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|path| seen.insert(path.clone()));
    Ok(files)
}

/// The Markdown files in a directory. Hidden ones are left out, and links are not followed.
fn walk(dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    if depth > MAX_DEPTH || files.len() > MAX_FILES {
        return Ok(());
    }
    let unreadable = |error: &std::io::Error| input::unreadable(&dir.display().to_string(), error);
    let mut entries =
        fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(|error| unreadable(&error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type().map_err(|error| unreadable(&error))?;
        if kind.is_dir() {
            walk(&path, depth + 1, files)?;
        } else if kind.is_file() && is_markdown(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("md") || ending.eq_ignore_ascii_case("markdown"))
}

struct Importer<'a> {
    session: &'a Session,
    /// The groups of this node.
    groups: Vec<String>,
    /// Notes of the group by title, once they are known.
    titles: Option<BTreeMap<String, Vec<String>>>,
}

impl Importer<'_> {
    fn file(&mut self, path: &Path) -> Result<Done, Error> {
        if !is_markdown(path) {
            let cause = format!("{} is no Markdown file", path.display());
            return Err(Error::new(
                Code::BadInput,
                cause,
                "import files that end in .md; `roadmap import` takes roadmaps",
            ));
        }
        let text = input::file(path, MAX_FILE_BYTES)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match markdown::read(text, &stem) {
            Read::Exported { file, text_changed, rest_changed } if self.is_here(&file.group)? => {
                self.edit(&file, text_changed, rest_changed)
            }
            Read::Exported { file, .. } | Read::Plain(file) => self.create(file),
        }
    }

    /// Whether a file's group is the one that notes go into: the one that `-g` names, or else any of this node.
    fn is_here(&self, group: &str) -> Result<bool, Error> {
        if !self.groups.iter().any(|own| own == group) {
            return Ok(false);
        }
        if self.session.global.group.is_none() {
            return Ok(true);
        }
        Ok(self.session.call(Command::GroupShow)?.at("group_id") == group)
    }

    /// Makes the changes of a file to its own note. Edits that came since the export are merged.
    fn edit(&self, file: &NoteFile, text_changed: bool, rest_changed: bool) -> Result<Done, Error> {
        let call = |command| self.session.call_in(Some(file.group.clone()), command);
        let (mut entries, mut kept) = (vec![], 0);
        if text_changed {
            let (note, base) = (file.note.clone(), Some(file.base.clone()));
            let answer = call(Command::NoteEdit { note, base, text: file.body.clone() })?;
            entries.extend(answer.list("entry_ids").iter().cloned());
            kept += answer.count("kept");
        }
        if rest_changed {
            let shown = call(Command::NoteShow { note: file.note.clone(), version: None })?;
            let now: Vec<&str> = shown.texts("tags");
            let add_tags: Vec<String> = file.tags.iter().filter(|tag| !now.contains(&tag.as_str())).cloned().collect();
            let remove_tags =
                now.iter().filter(|tag| !file.tags.iter().any(|t| t == *tag)).map(|t| (*t).to_owned()).collect();
            let title = (shown.at("title") != file.title).then(|| file.title.clone());
            let topic = (shown.at("topic") != file.topic).then(|| file.topic.clone());
            let answer = call(Command::NoteSet { note: file.note.clone(), title, topic, add_tags, remove_tags })?;
            entries.extend(answer.get("entry_id").filter(|id| id.is_string()).cloned());
            kept += answer.count("kept");
        }
        let action = if kept == 0 && entries.is_empty() { "unchanged" } else { "edited" };
        Ok(Done { action, note: file.note.clone(), entries, kept, dropped_topic: None })
    }

    /// Makes a new note, unless one of this title and text is there already: so that an import can be repeated.
    fn create(&mut self, file: NoteFile) -> Result<Done, Error> {
        let title: String = file.title.trim().chars().take(MAX_TITLE_CHARS).collect();
        for note in self.notes_of(&title)? {
            let shown = self.session.call(Command::NoteShow { note: note.clone(), version: None })?;
            if shown.at("body") == file.body {
                return Ok(Done { action: "unchanged", note, entries: vec![], kept: 0, dropped_topic: None });
            }
        }
        let new = |topic: Option<String>| Command::NoteNew {
            title: title.clone(),
            topic,
            tags: file.tags.clone(),
            text: file.body.clone(),
        };
        let topic = Some(file.topic.clone()).filter(|topic| !topic.is_empty());
        let (answer, dropped_topic) = match (self.session.call(new(topic.clone())), topic) {
            // A note is worth more than the topic that it hung on in another group.
            (Err(error), Some(topic)) if matches!(error.code, Code::NotFound | Code::Ambiguous) => {
                (self.session.call(new(None))?, Some(topic))
            }
            (reply, _) => (reply?, None),
        };
        let note = answer.at("note_id").to_owned();
        if let (Some(titles), false) = (&mut self.titles, note.is_empty()) {
            titles.entry(title).or_default().push(note.clone());
        }
        let entries = answer.get("entry_id").filter(|id| id.is_string()).cloned().into_iter().collect();
        Ok(Done { action: "created", note, entries, kept: answer.count("kept"), dropped_topic })
    }

    /// The notes of a title.
    fn notes_of(&mut self, title: &str) -> Result<Vec<String>, Error> {
        if self.titles.is_none() {
            let mut titles: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for note in self.session.call(Command::NoteList { topic: None, tag: None, deleted: false })?.items() {
                titles.entry(note.at("title").to_owned()).or_default().push(note.at("note_id").to_owned());
            }
            self.titles = Some(titles);
        }
        Ok(self.titles.as_ref().and_then(|titles| titles.get(title)).cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;
    use crate::api::{Reply, Request};

    const GROUP: &str = "aa";

    /// A node with one note, "Old" with the text "text".
    fn node(request: &Request) -> Reply {
        Ok(match &request.command {
            Command::GroupList => json!({"items": [{"group_id": GROUP}]}),
            Command::GroupShow => json!({"group_id": GROUP}),
            Command::NoteList { .. } => json!({"items": [{"title": "Old", "note_id": "n0"}]}),
            Command::NoteShow { note, .. } => {
                json!({"note_id": note, "title": "Old", "body": "text", "tags": ["a", "b"], "topic": null})
            }
            Command::NoteNew { topic: Some(topic), .. } if topic == "nowhere" => {
                return Err(Error::new(Code::NotFound, "no topic", ""));
            }
            Command::NoteNew { .. } => json!({"note_id": "n1", "entry_id": "e1"}),
            Command::NoteEdit { .. } => json!({"note_id": "n0", "entry_ids": ["e2"], "changed": true}),
            Command::NoteSet { .. } => json!({"note_id": "n0", "entry_id": "e3"}),
            other => panic!("{other:?}"),
        })
    }

    fn import(files: &[(&str, &str)], more: &[&str]) -> (fake::Ran, Vec<Value>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let args = [&["import", dir.path().to_str().unwrap(), "--json"], more].concat();
        let ran = fake::run(&args, node);
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        (ran, answer.items().to_vec())
    }

    fn exported() -> NoteFile {
        let (group, note) = (GROUP.to_owned(), "n0".to_owned());
        let (tags, base) = (vec!["a".to_owned(), "b".to_owned()], vec!["h1".to_owned()]);
        NoteFile { group, note, title: "Old".into(), topic: String::new(), tags, base, body: "text".into() }
    }

    #[test]
    fn markdown_files_become_notes_and_a_second_import_changes_nothing() {
        let files = [
            ("a.md", "# 标题\ntext"),
            ("sub/b.markdown", "x"),
            ("c.txt", "no"),
            (".git/d.md", "no"),
            ("old.md", "---\ntitle: Old\n---\n"),
        ];
        let (ran, items) = import(&files, &[]);
        assert_eq!(ran.status, Ok(0));
        assert_eq!(items.len(), 3, "{items:?}");
        let new: Vec<_> = ran
            .asked
            .iter()
            .filter_map(|r| {
                if let Command::NoteNew { title, text, .. } = &r.command {
                    Some((title.as_str(), text.as_str()))
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(new, [("标题", "# 标题\ntext"), ("Old", "---\ntitle: Old\n---\n"), ("b", "x")]);
        let (ran, items) = import(&[("Old.md", "text")], &[]);
        assert_eq!((items[0].at("action"), items[0].at("note_id")), ("unchanged", "n0"));
        assert!(!ran.asked.iter().any(|r| matches!(r.command, Command::NoteNew { .. })));
    }

    #[test]
    fn an_exported_file_that_changed_becomes_an_edit_of_the_version_that_it_showed() {
        let file = markdown::write(&exported());
        let (ran, items) = import(&[("x.md", &file)], &[]);
        assert_eq!(items[0].at("action"), "unchanged");
        assert_eq!(ran.asked.len(), 1, "{:?}", ran.asked);

        let (ran, items) = import(&[("x.md", &format!("{file} and more"))], &[]);
        assert_eq!(items[0].at("action"), "edited");
        let edit = ran.asked.last().unwrap();
        assert_eq!(edit.group.as_deref(), Some(GROUP));
        assert_eq!(
            edit.command,
            Command::NoteEdit { note: "n0".into(), base: Some(vec!["h1".into()]), text: "text and more".into() }
        );

        let retagged = file.replace("tags: [\"a\",\"b\"]", "tags: [b, c]").replace("title: \"Old\"", "title: New");
        let (ran, _) = import(&[("x.md", &retagged)], &["-g", GROUP]);
        let set = Command::NoteSet {
            note: "n0".into(),
            title: Some("New".into()),
            topic: None,
            add_tags: vec!["c".into()],
            remove_tags: vec!["a".into()],
        };
        assert_eq!(ran.asked.last().unwrap().command, set);
    }

    #[test]
    fn a_file_of_another_group_becomes_a_new_note_without_a_topic_that_is_not_here() {
        let file = NoteFile { group: "other".into(), topic: "nowhere".into(), title: "Foreign".into(), ..exported() };
        let (ran, items) = import(&[("x.md", &markdown::write(&file))], &[]);
        assert_eq!((items[0].at("action"), items[0].at("dropped_topic")), ("created", "nowhere"));
        let last = &ran.asked.last().unwrap().command;
        assert!(matches!(last, Command::NoteNew { topic: None, text, .. } if text == "text"), "{last:?}");
    }

    #[test]
    fn what_fails_is_named_and_does_not_keep_the_others_back() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.md"), b"\xff").unwrap();
        fs::write(dir.path().join("b.md"), "fine").unwrap();
        let ran = fake::run(&["import", dir.path().to_str().unwrap(), "--json"], node);
        let error = ran.status.unwrap_err();
        assert_eq!(error.code.exit_status(), 4);
        assert!(
            error.message.starts_with("1 of 2 files could not be imported; ") && error.message.contains("a.md"),
            "{error:?}"
        );
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((answer.items()[0].at("action"), answer.items()[1].at("action")), ("failed", "created"));
        assert_eq!(answer.items()[0]["error"]["code"], "bad_input");
        let missing = fake::run(&["import", "/no/such/dir"], node);
        assert_eq!(missing.status.unwrap_err().code, Code::NotFound);
    }
}
