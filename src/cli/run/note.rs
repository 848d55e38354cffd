//! `note`.

use std::io::IsTerminal as _;

use serde_json::{Value, json};

use super::{OK, Session, Status};
use crate::api::{Code, Command, Error, MAX_NOTE_BYTES};
use crate::cli::args::note::{Edit, New, Note, Text};
use crate::cli::editor::{self, Draft};
use crate::cli::paint::clean_lines;
use crate::cli::show::peek::{self, Peek as _};
use crate::cli::{input, show};

/// Writes, edits, lists and restores notes.
pub fn run(session: &mut Session, args: &Note) -> Status {
    match args {
        Note::New(args) => return new(session, args),
        Note::Edit(args) => return edit(session, args),
        Note::Show { note, version } => {
            let answer = session.call(Command::NoteShow { note: note.clone(), version: version.clone() })?;
            // Byte for byte, but a terminal is not to be steered by what somebody else wrote.
            session.answer(&answer, |view, answer| {
                if view.cut { clean_lines(answer.at("body")) } else { answer.at("body").to_owned() }
            });
        }
        Note::List { topic, tag, deleted } => {
            let answer =
                session.call(Command::NoteList { topic: topic.clone(), tag: tag.clone(), deleted: *deleted })?;
            session.answer(&answer, show::note::list);
        }
        Note::History { note } => {
            let answer = session.call(Command::NoteHistory { note: note.clone() })?;
            session.answer(&answer, show::note::history);
        }
        Note::Restore { note, version } => {
            let answer = session.call(Command::NoteRestore { note: note.clone(), version: version.clone() })?;
            session.changed(&answer, &session.view.texts.note_restored(answer.short("note_id")));
        }
        Note::Delete { note } => {
            let answer = session.call(Command::NoteDelete { note: note.clone() })?;
            let texts = session.view.texts;
            session
                .changed(&answer, &format!("{} {}", texts.note_deleted(answer.short("note_id")), texts.deleted_hint()));
        }
    }
    Ok(OK)
}

fn new(session: &mut Session, args: &New) -> Status {
    let (text, draft) = match given(&args.text)? {
        Some(text) => (text, None),
        None if can_edit(session) => {
            let draft = editor::edit(&editor(), "new", "")?;
            (draft.text.clone(), Some(draft))
        }
        None => (String::new(), None),
    };
    let command =
        Command::NoteNew { title: args.title.clone(), topic: args.topic.clone(), tags: args.tags.clone(), text };
    let answer = finish(draft, session.call(command), "studymesh note new --title TITLE")?;
    session.made(&answer, "note_id", &session.view.texts.note_created(&args.title));
    Ok(OK)
}

fn edit(session: &mut Session, args: &Edit) -> Status {
    let (mut entries, mut kept): (Vec<Value>, u64) = (vec![], 0);
    let mut note_id = args.note.clone();
    let text = given(&args.text)?;
    if text.is_some() || !args.sets_something() {
        let answer = match text {
            Some(text) => {
                let base = (!args.base.is_empty()).then(|| args.base.clone());
                session.call(Command::NoteEdit { note: args.note.clone(), base, text })?
            }
            None => edit_by_hand(session, args)?,
        };
        entries.extend(answer.list("entry_ids").iter().cloned());
        kept += answer.count("kept");
        // What is kept has no id yet: the note is named as before.
        if !answer.at("note_id").is_empty() {
            answer.at("note_id").clone_into(&mut note_id);
        }
    }
    if args.sets_something() {
        let (add_tags, remove_tags) = args.tags.change();
        let (title, topic) = (args.title.clone(), args.topic.clone());
        let answer = session.call(Command::NoteSet { note: note_id.clone(), title, topic, add_tags, remove_tags })?;
        entries.extend(answer.get("entry_id").filter(|id| id.is_string()).cloned());
        kept += answer.count("kept");
        // What is kept has no id yet: the note is named as before.
        if !answer.at("note_id").is_empty() {
            answer.at("note_id").clone_into(&mut note_id);
        }
    }
    let changed = kept > 0 || !entries.is_empty();
    let mut answer = json!({ "v": 1, "note_id": note_id, "entry_ids": entries, "changed": changed, "durable": true });
    if kept > 0 {
        // As the node says it of one write.
        (answer["note_id"], answer["entry_ids"], answer["kept"]) = (Value::Null, Value::Null, json!(kept));
    }
    let texts = session.view.texts;
    let message = if changed { texts.note_edited(peek::short(&note_id)) } else { texts.text_unchanged().to_owned() };
    session.changed(&answer, &message);
    Ok(OK)
}

/// Lets a person edit the present text; the version that was shown goes along, so that edits that came meanwhile are merged.
fn edit_by_hand(session: &Session, args: &Edit) -> Result<Value, Error> {
    if !can_edit(session) {
        let cause = "there is no text, and no terminal to edit one on";
        return Err(Error::new(Code::Usage, cause, "give the text with --file FILE, --file -, or --text TEXT"));
    }
    let shown = session.call(Command::NoteShow { note: args.note.clone(), version: None })?;
    let note = shown.at("note_id").to_owned();
    let base: Vec<String> = shown.texts("heads").into_iter().map(str::to_owned).collect();
    let draft = editor::edit(&editor(), &peek::short(&note), shown.at("body"))?;
    let again = format!("studymesh note edit {note} --base {}", base.join(","));
    let command = Command::NoteEdit { note, base: Some(base), text: draft.text.clone() };
    finish(Some(draft), session.call(command), &again)
}

/// The draft goes when its text is safe; else it stays and the error says where.
fn finish(draft: Option<Draft>, reply: Result<Value, Error>, again: &str) -> Result<Value, Error> {
    match (draft, reply) {
        (Some(draft), Ok(answer)) => {
            draft.done();
            Ok(answer)
        }
        (Some(draft), Err(error)) => Err(draft.keep(error, again)),
        (None, reply) => reply,
    }
}

/// The text that the command line names.
fn given(text: &Text) -> Result<Option<String>, Error> {
    match (&text.file, &text.text) {
        (Some(file), _) => input::text(file, MAX_NOTE_BYTES).map(Some),
        (None, Some(text)) => Ok(Some(text.clone())),
        (None, None) => Ok(None),
    }
}

/// Whether an editor can be opened: it needs the terminal for itself.
fn can_edit(session: &Session) -> bool {
    session.can_ask() && std::io::stdout().is_terminal()
}

fn editor() -> String {
    editor::command(&|name| std::env::var(name).ok())
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;

    #[test]
    fn a_notes_text_is_printed_byte_for_byte() {
        for body in ["the body\n", "no newline", "", "\x1b[1m\r\n"] {
            let answer = json!({"v": 1, "note_id": "ab", "title": "T", "body": body});
            assert_eq!(fake::run(&["note", "show", "T"], move |_| Ok(answer.clone())).stdout, body);
        }
    }

    #[test]
    fn an_edit_of_text_and_tags_is_one_answer() {
        let ran = fake::run(
            &["note", "edit", "plan", "--text", "new", "--tag", "+a", "--tag", "-b", "--base", "h1,h2", "--json"],
            |request| {
                Ok(match &request.command {
                    Command::NoteEdit { .. } => json!({"v": 1, "note_id": "n1", "entry_ids": ["e1"], "changed": true}),
                    Command::NoteSet { .. } => json!({"v": 1, "note_id": "n1", "entry_id": "e2", "durable": true}),
                    other => panic!("{other:?}"),
                })
            },
        );
        let base = Some(vec!["h1".to_owned(), "h2".to_owned()]);
        assert_eq!(ran.asked[0].command, Command::NoteEdit { note: "plan".into(), base, text: "new".into() });
        let set = Command::NoteSet {
            note: "n1".into(),
            title: None,
            topic: None,
            add_tags: vec!["a".into()],
            remove_tags: vec!["b".into()],
        };
        assert_eq!(ran.asked[1].command, set);
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(
            answer,
            json!({"v": 1, "note_id": "n1", "entry_ids": ["e1", "e2"], "changed": true, "durable": true})
        );
    }

    #[test]
    fn an_edit_that_is_kept_until_one_is_let_in_says_so_and_its_second_part_names_the_note_as_before() {
        let kept = |_: &crate::api::Request| {
            Ok(json!({"v": 1, "note_id": null, "entry_ids": null, "changed": true, "durable": true, "kept": 1}))
        };
        let ran = fake::run(&["note", "edit", "plan", "--text", "new", "--title", "Plan", "--json"], kept);
        assert!(matches!(&ran.asked[1].command, Command::NoteSet { note, .. } if note == "plan"), "{:?}", ran.asked);
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(
            answer,
            json!({"v": 1, "note_id": null, "entry_ids": null, "changed": true, "durable": true, "kept": 2})
        );
    }

    #[test]
    fn what_is_kept_has_no_id_so_nothing_stands_on_standard_output() {
        let ran = fake::run(&["note", "new", "--title", "T", "--text", "x"], |_| {
            Ok(json!({"v": 1, "note_id": null, "entry_id": null, "durable": true, "kept": 1}))
        });
        assert_eq!((ran.status, ran.stdout.as_str()), (Ok(0), ""));
        assert!(ran.said.contains("Kept here; it is sent once you are let in"), "{}", ran.said);
    }

    #[test]
    fn without_a_text_and_a_terminal_an_edit_is_a_usage_error_and_a_new_note_is_empty() {
        let ran = fake::run(&["note", "edit", "n", "--no-input"], |_| panic!("nothing may happen"));
        assert_eq!(ran.status.unwrap_err().code, Code::Usage);
        let ran = fake::run(&["note", "new", "--title", "T", "--no-input"], |_| Ok(json!({"note_id": "ab"})));
        assert_eq!(ran.stdout, "ab\n");
        assert!(matches!(&ran.asked[0].command, Command::NoteNew { text, .. } if text.is_empty()));
    }

    #[test]
    fn a_missing_file_is_not_found_and_nothing_is_asked() {
        let ran =
            fake::run(&["note", "new", "--title", "T", "--file", "/no/such/file"], |_| panic!("nothing may happen"));
        assert_eq!(ran.status.unwrap_err().code.exit_status(), 3);
    }
}
