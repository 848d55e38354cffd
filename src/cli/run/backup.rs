//! `backup` and `key`: what concerns the directory itself. A running node is not asked; it goes on.

use std::path::PathBuf;

use serde_json::json;

use super::{OK, Session, Status};
use crate::cli::args::backup::{Backup, Create, Export, Import, Inspect, Key, KeyPassphrase, Restore, Set};
use crate::cli::show;
use crate::cli::show::peek::Peek as _;
use crate::node::backup::{self, Content, PeerId};
use crate::node::{self, Unlock};
use crate::vault::Passphrase;

/// Runs `backup`.
pub fn run(session: &mut Session, args: &Backup) -> Status {
    match args {
        Backup::Create(args) => create(session, args),
        Backup::Restore(args) => restore(session, args),
        Backup::Inspect(Inspect { file }) => {
            let answer = backup::inspect(file, &passphrase_of(session, file))?;
            session.answer(&answer, show::backup::contents);
            Ok(OK)
        }
    }
}

fn create(session: &mut Session, args: &Create) -> Status {
    let content = if args.keys_only { Content::KeysOnly } else { Content::Everything };
    let asker = session.asker();
    let what = args.file.display().to_string();
    let answer = backup::create(&session.home, &args.file, content, args.force, &|| asker.fresh(&what, None))?;
    let texts = session.view.texts;
    let (groups, kib) = (answer.list("groups").len(), answer.count("bytes").div_ceil(1024));
    let mut message = texts.backup_created(groups, answer.count("entries"), kib, args.file.display());
    if args.keys_only {
        message = format!("{}\n{}", texts.backup_of_keys(groups, args.file.display()), texts.backup_without_entries());
    }
    session.changed(&answer, &format!("{message}\n{}", texts.backup_keep_passphrase()));
    Ok(OK)
}

fn restore(session: &mut Session, args: &Restore) -> Status {
    let peer = if args.keep_peer_id { PeerId::Same } else { PeerId::Fresh };
    let passphrase = passphrase_of(session, &args.file);
    let answer = backup::restore(&session.home, &args.file, peer, &passphrase)?;
    let texts = session.view.texts;
    let mut message = texts.backup_restored(answer.list("groups").len(), answer.count("entries"), answer.at("home"));
    message.push('\n');
    message.push_str(if args.keep_peer_id { texts.restored_same_peer() } else { texts.restored_fresh() });
    session.changed(&answer, &message);
    Ok(OK)
}

fn passphrase_of(
    session: &Session,
    file: &std::path::Path,
) -> impl Fn() -> Result<Passphrase, crate::api::Error> + use<> {
    let (asker, what) = (session.asker(), file.display().to_string());
    move || asker.present(&what)
}

/// Runs `key`.
pub fn key(session: &mut Session, args: &Key) -> Status {
    match args {
        Key::Export(args) => export(session, args),
        Key::Import(args) => import(session, args),
        Key::Passphrase(KeyPassphrase::Show) => {
            let protected = node::is_key_protected(&session.home)?;
            let texts = session.view.texts;
            let shown = if protected { texts.key_is_protected() } else { texts.key_is_plain() }.to_owned() + "\n";
            session.answer(&json!({ "v": 1, "protected": protected }), |_, _| shown);
            Ok(OK)
        }
        Key::Passphrase(KeyPassphrase::Set(args)) => set(session, args),
        Key::Passphrase(KeyPassphrase::Remove) => {
            let answer = node::unprotect_key(&session.home, &session.unlock())?;
            session.changed(&answer, session.view.texts.key_now_plain());
            Ok(OK)
        }
    }
}

fn export(session: &mut Session, args: &Export) -> Status {
    let (unlock, new) = (session.unlock(), fresh(session, args.file.display().to_string(), None));
    let answer = node::export_key(&session.home, &args.file, args.force, &unlock, &new)?;
    let texts = session.view.texts;
    let message = format!("{}\n{}", texts.key_exported(args.file.display()), texts.key_once());
    session.changed(&answer, &message);
    Ok(OK)
}

fn import(session: &mut Session, args: &Import) -> Status {
    let (asker, what) = (session.asker(), args.file.display().to_string());
    let passphrase: Unlock = std::sync::Arc::new(move || asker.present(&what));
    let answer = node::import_key(&session.home, &args.file, &passphrase)?;
    let texts = session.view.texts;
    let message = format!("{}\n{}", texts.key_imported(answer.at("peer_id")), texts.key_once());
    session.changed(&answer, &message);
    Ok(OK)
}

/// The present passphrase and the new one can not both be the one that is given for all.
fn set(session: &mut Session, args: &Set) -> Status {
    let is_protected = node::is_key_protected(&session.home)?;
    let what = session.view.texts.the_device_key().to_owned();
    let new = if is_protected && args.new_passphrase_file.is_none() {
        let asker = crate::cli::secret::Asker { file: None, ..session.asker() };
        let asked = move || asker.fresh_from_person(&what);
        std::sync::Arc::new(asked) as Unlock
    } else {
        fresh(session, what, args.new_passphrase_file.clone())
    };
    let answer = node::protect_key(&session.home, &session.unlock(), &new)?;
    session.changed(&answer, session.view.texts.key_now_protected());
    Ok(OK)
}

fn fresh(session: &Session, what: String, file: Option<PathBuf>) -> Unlock {
    let asker = session.asker();
    std::sync::Arc::new(move || asker.fresh(&what, file.as_deref()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fake;
    use crate::api::Code;

    #[test]
    fn a_passphrase_is_taken_from_its_file_and_the_directory_is_made_ready_and_back() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, words: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, words).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (first, second) = (write("1", "the first one"), write("2", "the second one"));
        let run = |line: &[&str]| {
            let line: Vec<&str> = line.iter().copied().chain(["--no-input", "--json"]).collect();
            let ran = fake::run_at(dir.path(), &line, |_| panic!("the node is not asked"));
            ran.status.map(|_| serde_json::from_str::<Value>(&ran.stdout).unwrap())
        };
        assert_eq!(run(&["key", "passphrase", "show"]).unwrap()["protected"], false);
        assert_eq!(run(&["key", "passphrase", "set"]).unwrap_err().code, Code::NotPermitted, "nobody can be asked");
        let set = run(&["key", "passphrase", "set", "--passphrase-file", &first]).unwrap();
        assert_eq!(run(&["key", "passphrase", "show"]).unwrap()["protected"], true);
        // What opens it now is never taken for what is to open it from now on.
        assert_eq!(
            run(&["key", "passphrase", "set", "--passphrase-file", &first]).unwrap_err().code,
            Code::NotPermitted
        );
        let change = ["key", "passphrase", "set", "--new-passphrase-file", &second, "--passphrase-file"];
        assert_eq!(run(&[&change[..], &[&second]].concat()).unwrap_err().code, Code::NotPermitted);
        assert_eq!(run(&[&change[..], &[&first]].concat()).unwrap()["peer_id"], set["peer_id"]);
        let text = dir.path().join("key.txt");
        let text = text.to_str().unwrap();
        assert!(run(&["key", "export", text, "--passphrase-file", &first]).is_err());
        run(&["key", "export", text, "--passphrase-file", &second]).unwrap();
        run(&["key", "passphrase", "remove", "--passphrase-file", &second]).unwrap();
        assert_eq!(run(&["key", "import", text, "--passphrase-file", &second]).unwrap_err().code, Code::BadInput);
        assert_eq!(run(&["key", "passphrase", "show"]).unwrap()["protected"], false);
    }

    #[test]
    fn whoever_writes_is_told_what_has_reached_nobody_for_long() {
        let line = ["note", "new", "--title", "x", "--text", "y"];
        let long = |_: &crate::api::Request| {
            Ok(json!({"v": 1, "note_id": "ab", "only_here_long": {"entries": 3, "since_ms": 0}}))
        };
        let ran = fake::run(&line, long);
        assert!(
            ran.said.contains("3 entries are known to be on this node only") && ran.stdout == "ab\n",
            "{}",
            ran.said
        );
        let ran = fake::run(&[&line[..], &["--lang", "zh"]].concat(), long);
        assert!(ran.said.contains("有 3 个条目已知仅存在于本机"), "{}", ran.said);
        assert_eq!(fake::run(&[&line[..], &["--json"]].concat(), long).said, "");
        let ran = fake::run(&line, |_| Ok(json!({"v": 1, "note_id": "ab"})));
        assert!(!ran.said.contains("only"), "{}", ran.said);
    }
}
