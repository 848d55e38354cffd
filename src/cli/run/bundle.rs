//! `bundle`: entries as a file.

use std::path::Path;

use super::{OK, Session, Status};
use crate::api::{Code, Command, Error};
use crate::cli::args::bundle::{Bundle, Export, Have, Import};
use crate::cli::show::peek::Peek as _;

/// Runs `bundle`.
pub fn run(session: &mut Session, args: &Bundle) -> Status {
    match args {
        Bundle::Export(args) => export(session, args),
        Bundle::Import(args) => import(session, args),
        Bundle::Have(args) => have(session, args),
    }
}

fn export(session: &mut Session, args: &Export) -> Status {
    let have = args.have.as_deref().map(absolute).transpose()?;
    let answer = session.call(Command::BundleExport { file: absolute(&args.file)?, have, force: args.force })?;
    let texts = session.view.texts;
    let message = match answer.count("entries") {
        0 => texts.bundle_empty().to_owned(),
        entries => texts.bundle_exported(entries, answer.count("bytes").div_ceil(1024), args.file.display()),
    };
    session.changed(&answer, &message);
    Ok(OK)
}

fn have(session: &mut Session, args: &Have) -> Status {
    let answer = session.call(Command::BundleHave { file: absolute(&args.file)?, force: args.force })?;
    let message = session.view.texts.bundle_have_written(args.file.display());
    session.changed(&answer, &message);
    Ok(OK)
}

/// What was damaged is bad input even when much of it came in; what has no place yet is not complete.
fn import(session: &mut Session, args: &Import) -> Status {
    let answer = session.call(Command::BundleImport { file: absolute(&args.file)? })?;
    let [new, held, missing, refused, invalid] =
        ["new", "held", "missing", "refused", "invalid"].map(|name| answer.count(name));
    let texts = session.view.texts;
    session.changed(&answer, &texts.bundle_imported(new, held));
    if refused > 0 {
        session.say(&texts.bundle_refused(refused));
    }
    let shown = args.file.display();
    if !answer["damage"].is_null() {
        let of = answer.number("expected").map_or(String::new(), |expected| format!(" of about {expected}"));
        let cause = format!(
            "{shown} is not whole: {}; {} entries{of} could be read, {new} of them were new and are stored",
            answer.at("cause"),
            new + held + missing + refused + invalid
        );
        return Err(Error::new(Code::BadInput, cause, "copy it again, or have it written anew, and repeat the import"));
    }
    if invalid > 0 {
        let cause =
            format!("{invalid} entries in {shown} are not authentic and were left out; {new} new ones are stored");
        return Err(Error::new(Code::BadInput, cause, "have somebody else of the group export a bundle"));
    }
    if missing > 0 {
        let cause =
            format!("{missing} entries in {shown} build on entries that are not here; {new} new ones are stored");
        let remedy = "give the other side a have file (`studymesh bundle have FILE`), or have it export everything";
        return Err(Error::new(Code::Incomplete, cause, remedy));
    }
    Ok(OK)
}

/// The running node has a working directory of its own.
fn absolute(path: &Path) -> Result<String, Error> {
    let unusable = |cause: String| Error::new(Code::BadInput, cause, "give the file another name or place");
    let path = std::path::absolute(path).map_err(|e| unusable(format!("the path can not be used: {e}")))?;
    let shown = path.display().to_string();
    path.into_os_string().into_string().map_err(|_| unusable(format!("the path {shown} is not UTF-8 text")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fake;
    use super::*;

    fn imported(changes: Value) -> fake::Ran {
        let mut answer = json!({
            "v": 1, "group_id": "ab", "new": 3, "held": 2, "missing": 0, "refused": 0, "invalid": 0, "expected": 9,
            "damage": null, "cause": null,
        });
        changes.as_object().unwrap().iter().for_each(|(k, v)| answer[k] = v.clone());
        fake::run(&["bundle", "import", "/x", "--json"], move |_| Ok(answer.clone()))
    }

    #[test]
    fn what_an_import_could_not_do_is_its_exit_status_and_what_it_did_is_printed() {
        for (changes, status) in [
            (json!({"missing": 1}), 6),
            (json!({"invalid": 1, "missing": 1}), 4),
            (json!({"damage": "ends-early", "cause": "it ends early", "missing": 1}), 4),
        ] {
            let ran = imported(changes);
            assert_eq!(ran.status.unwrap_err().code.exit_status(), status);
            assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap()["new"], 3);
        }
        assert_eq!(imported(json!({"refused": 4})).status, Ok(0));
        let error = imported(json!({"damage": "changed", "cause": "it is damaged"})).status.unwrap_err();
        assert!(error.message.contains("5 entries of about 9") && error.message.contains("3 of them"), "{error}");
    }

    #[test]
    fn the_node_is_told_whole_paths() {
        let ran = fake::run(&["bundle", "export", "a.bundle", "--have", "sub/h"], |_| Ok(json!({"entries": 1})));
        let here = std::env::current_dir().unwrap();
        let whole = |name: &str| here.join(name).to_str().unwrap().to_owned();
        let (file, have) = (whole("a.bundle"), Some(whole("sub/h")));
        assert_eq!(ran.asked[0].command, Command::BundleExport { file, have, force: false });
        fake::run(&["bundle", "have", "h", "--force"], |_| Ok(json!({}))).status.unwrap();
    }
}
