//! Offline first: late joiners, absent authors, concurrent edits.

use crate::harness::{Home, converge, eventually};

#[test]
fn a_late_joiner_gets_everything_from_a_member_who_is_not_the_author_while_the_author_is_down() {
    let (author, keeper, late) = (Home::new(), Home::new(), Home::new());
    let a = author.up(&["--name", "Author"]);
    author.create("云原生");
    for n in 0..30 {
        author.note(&format!("note {n:02}"), &format!("text of note {n}, 第 {n} 篇"));
    }
    let k = keeper.up(&["--name", "Keeper"]);
    keeper.json(&["join", &author.ticket(), "--wait", "60"]);
    converge(&[&author, &keeper]);
    a.kill();

    let _late = late.up(&["--name", "Late"]);
    late.json(&["join", &keeper.ticket(), "--wait", "60"]);
    converge(&[&keeper, &late]);
    assert_eq!(late.titles().len(), 30);
    assert_eq!(late.body("note 17"), "text of note 17, 第 17 篇");
    let status = late.json(&["sync", "wait", "--timeout", "60"]);
    assert_eq!(status["complete"], true, "{status}");
    assert_eq!(status["missing"], 0);
    drop(k);
}

#[test]
fn two_people_edit_one_note_offline_and_both_keep_every_word() {
    let (ada, bo) = (Home::new(), Home::new());
    let a = ada.up(&["--name", "Ada"]);
    let b = bo.up(&["--name", "Bo"]);
    ada.create("group");
    let note = ada.note("plan", "第一行 first line\nlast line\n");
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    converge(&[&ada, &bo]);
    a.kill();
    b.kill();

    // Nobody is running: both write on the store itself.
    ada.json_with(
        &["note", "edit", &note, "--file", "-"],
        "第一行 first line\nAda 写了这一句话 completely\nlast line\n",
    );
    bo.json_with(
        &["note", "edit", &note, "--file", "-"],
        "第一行 first line\nBo adds 另一句 as well\nlast line (edited)\n",
    );

    let _a = ada.up(&[]);
    let b = bo.up(&["--bootstrap", &_a.address()]);
    converge(&[&ada, &bo]);
    let text = ada.body(&note);
    assert_eq!(text, bo.body(&note));
    assert!(text.contains("Ada 写了这一句话 completely"), "{text}");
    assert!(text.contains("Bo adds 另一句 as well"), "{text}");
    assert!(text.contains("last line (edited)"), "{text}");
    let history = ada.json(&["note", "history", &note]);
    assert_eq!(history["items"].as_array().unwrap().len(), 3, "{history}");
    drop(b);
}

#[test]
fn what_is_written_while_everybody_is_online_arrives_by_itself() {
    let (ada, bo) = (Home::new(), Home::new());
    let _a = ada.up(&["--name", "Ada"]);
    let _b = bo.up(&["--name", "Bo"]);
    ada.create("group");
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    let note = bo.note("live", "written by Bo");
    eventually("the note is there", || ada.titles().contains(&"live".to_owned()).then_some(()));
    ada.json_with(&["note", "edit", &note, "--file", "-"], "written by Bo and Ada");
    eventually("the edit is there", || (bo.body(&note) == "written by Bo and Ada").then_some(()));
    converge(&[&ada, &bo]);
}
