//! `import`: Markdown files become notes; files that were exported and changed become edits of their notes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{OK, Session, Status};
use crate::api::{Code, Command, Error, MAX_NEW_NOTES, MAX_NOTE_BYTES, NewNote};
use crate::cli::args::files::Import;
use crate::cli::markdown::{self, NoteFile, Read};
use crate::cli::show::peek::Peek as _;
use crate::cli::{input, show};
use crate::model::limits::MAX_TITLE_CHARS;

/// Most files that one command imports.
const MAX_FILES: usize = 10_000;
/// Most directories within each other that are looked into.
const MAX_DEPTH: usize = 32;
/// Most bytes of the texts that are sent together, unless one text alone has more.
const MAX_BATCH_BYTES: usize = 1 << 20;
/// Most bytes of a file: a note with its front matter.
const MAX_FILE_BYTES: usize = MAX_NOTE_BYTES + 64 * 1024;

/// What is to be done with a file.
enum Step {
    /// It is done.
    Done(Done),
    /// A new note is to be made, together with others.
    New(NewNote),
}

/// What was done with a file.
#[derive(Default)]
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

/// Imports files in their order, new notes many at a time; what fails does not keep the others back.
pub fn run(session: &mut Session, args: &Import) -> Status {
    let files = find(&args.paths)?;
    let groups = session.call(Command::GroupList)?;
    let groups = groups.items().iter().map(|group| group.at("group_id").to_owned()).collect();
    let mut importer = Importer { session, groups, titles: None, batch: Batch::default(), done: BTreeMap::new() };
    for (place, path) in files.iter().enumerate() {
        match importer.file(path) {
            Ok(Step::New(note)) => importer.add(place, note),
            Ok(Step::Done(done)) => drop(importer.done.insert(place, Ok(done))),
            Err(error) => drop(importer.done.insert(place, Err(error))),
        }
    }
    importer.send();
    let (mut items, mut kept) = (vec![], 0);
    let mut failures: Vec<(String, Error)> = vec![];
    for (path, done) in files.iter().zip(importer.done.into_values()) {
        let shown = path.display().to_string();
        items.push(match done {
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
    /// What is to be sent.
    batch: Batch,
    /// What came of the files, by their places; every place has something in the end.
    done: BTreeMap<usize, Result<Done, Error>>,
}

/// New notes that are sent together, with the places of their files.
#[derive(Default)]
struct Batch {
    notes: Vec<NewNote>,
    places: Vec<usize>,
    bytes: usize,
}

impl Importer<'_> {
    fn file(&mut self, path: &Path) -> Result<Step, Error> {
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
                self.edit(&file, text_changed, rest_changed).map(Step::Done)
            }
            Read::Exported { file, .. } | Read::Plain(file) => self.create(file).map(Step::New),
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
        Ok(Done { action, note: file.note.clone(), entries, kept, ..Done::default() })
    }

    /// A new note, which is not made if one of this title and text is there already: so that an import can be repeated.
    fn create(&mut self, file: NoteFile) -> Result<NewNote, Error> {
        let title: String = file.title.trim().chars().take(MAX_TITLE_CHARS).collect();
        let topic = Some(file.topic).filter(|topic| !topic.is_empty());
        let unless = self.notes_of(&title)?;
        // A note is worth more than the topic that it hung on in another group.
        Ok(NewNote { title, topic, drop_topic: true, tags: file.tags, text: file.body, unless })
    }

    /// Puts a note to those that are sent next.
    fn add(&mut self, place: usize, mut note: NewNote) {
        let is_full = self.batch.notes.len() >= MAX_NEW_NOTES || self.batch.bytes + note.text.len() > MAX_BATCH_BYTES;
        // Of two files that say the same one makes the note: its id is known only after it was sent.
        let is_twin = |other: &NewNote| other.title == note.title && other.text == note.text;
        if is_full || self.batch.notes.iter().any(is_twin) {
            self.send();
            note.unless = self.titles.as_ref().and_then(|titles| titles.get(&note.title)).cloned().unwrap_or_default();
        }
        self.batch.bytes += note.text.len();
        self.batch.notes.push(note);
        self.batch.places.push(place);
    }

    /// Sends what waits to be sent.
    fn send(&mut self) {
        let Batch { notes, places, .. } = std::mem::take(&mut self.batch);
        if notes.is_empty() {
            return;
        }
        let titles: Vec<String> = notes.iter().map(|note| note.title.clone()).collect();
        match self.session.call(Command::NotesNew { notes }) {
            Ok(answer) => {
                for (n, (place, title)) in places.into_iter().zip(titles).enumerate() {
                    let made = made(&answer["items"][n]);
                    if let (Some(titles), Ok(Done { action: "created", note, .. })) = (&mut self.titles, &made)
                        && !note.is_empty()
                    {
                        titles.entry(title).or_default().push(note.clone());
                    }
                    self.done.insert(place, made);
                }
            }
            Err(error) => self.done.extend(places.into_iter().map(|place| (place, Err(error.clone())))),
        }
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

/// What the node says of one note.
fn made(item: &Value) -> Result<Done, Error> {
    if item["already"].is_null() {
        let unknown =
            |_| Error::new(Code::Failed, item.to_string(), "use the studymesh of the version that runs the node");
        return Err(serde_json::from_value(item["error"].clone()).unwrap_or_else(unknown));
    }
    let action = if item["already"] == true { "unchanged" } else { "created" };
    let entries = item.get("entry_id").filter(|id| id.is_string()).cloned().into_iter().collect();
    let dropped_topic = Some(item.at("dropped_topic")).filter(|topic| !topic.is_empty()).map(str::to_owned);
    Ok(Done { action, note: item.at("note_id").to_owned(), entries, kept: item.count("kept"), dropped_topic })
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
            Command::NotesNew { notes } => {
                let made = |note: &NewNote| match &note.topic {
                    _ if note.unless == ["n0"] && note.text == "text" => json!({"note_id": "n0", "already": true}),
                    Some(_) => {
                        json!({"note_id": "n1", "entry_id": "e1", "already": false, "dropped_topic": note.topic})
                    }
                    None => json!({"note_id": "n1", "entry_id": "e1", "already": false}),
                };
                json!({"items": notes.iter().map(made).collect::<Vec<_>>()})
            }
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
        let sent = sent(&ran);
        let new: Vec<_> = sent.iter().map(|note| (note.title.as_str(), note.text.as_str())).collect();
        assert_eq!(new, [("标题", "# 标题\ntext"), ("Old", "---\ntitle: Old\n---\n"), ("b", "x")]);
        let (_, items) = import(&[("Old.md", "text")], &[]);
        assert_eq!((items[0].at("action"), items[0].at("note_id")), ("unchanged", "n0"));
    }

    /// The notes that the node was asked to make.
    fn sent(ran: &fake::Ran) -> Vec<NewNote> {
        let notes = |r: &Request| if let Command::NotesNew { notes } = &r.command { notes.clone() } else { vec![] };
        ran.asked.iter().flat_map(notes).collect()
    }

    #[test]
    fn two_files_that_say_the_same_are_one_note() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        for name in ["a/x.md", "x.md", "y.md"] {
            fs::write(dir.path().join(name), "same").unwrap();
        }
        let ran = fake::run(&["import", dir.path().to_str().unwrap(), "--json"], node);
        let requests = ran.asked.iter().filter(|r| matches!(r.command, Command::NotesNew { .. })).count();
        assert_eq!(requests, 2, "the second waits for the first's id: {:?}", ran.asked);
        let unless: Vec<_> = sent(&ran).into_iter().map(|note| (note.title, note.unless)).collect();
        let first = ("x".to_owned(), vec![]);
        assert_eq!(unless, [first, ("x".into(), vec!["n1".into()]), ("y".into(), vec![])]);
    }

    #[test]
    fn many_files_are_sent_in_few_requests_and_named_in_their_order() {
        let texts: Vec<(String, String)> = (0..600).map(|n| (format!("{n:03}.md"), format!("text {n}"))).collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let (ran, items) = import(&files, &[]);
        assert!(ran.asked.len() <= 6, "{} requests", ran.asked.len());
        assert!(items.iter().zip(&texts).all(|(item, (name, _))| item.at("path").ends_with(name.as_str())));
        assert_eq!(sent(&ran).len(), 600);
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
        let sent = sent(&ran);
        assert!(
            sent[0].drop_topic && sent[0].topic.as_deref() == Some("nowhere") && sent[0].text == "text",
            "{sent:?}"
        );
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
