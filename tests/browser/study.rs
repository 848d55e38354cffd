//! The first run, and what arrives while one looks.

use serde_json::{Value, json};

use crate::driver::Driver;
use crate::harness::{converge, eventually};
use crate::world::{Person, World, say, turn};

const ROADMAP: &str = "cloud-native-path";

#[test]
fn two_people_found_and_join_a_group_with_the_page_alone() {
    let Some(_turn) = turn() else { return };
    let driver = Driver::start();
    let (ada, bo) = (Person::new(&driver, None), Person::new(&driver, None));
    for (person, name) in [(&ada, "Ada"), (&bo, "波")] {
        assert!(person.browser.url().ends_with('/'), "the token left the address: {}", person.browser.url());
        person.browser.keys("input[name=name]", name);
        person.browser.click("main button.primary");
        person.until("the name is known", "document.querySelector('form[action=\"/groups\"]')");
    }
    ada.browser.keys("form[action='/groups'] input[name=name]", "夜校 Night school");
    ada.browser.click("form[action='/groups'] input[value=open]");
    ada.browser.choose("form[action='/groups'] select[name=roadmap]", ROADMAP);
    ada.browser.click("form[action='/groups'] button.primary");
    ada.until("the group is there", "/^\\/groups\\/[0-9a-f]{64}/.test(location.pathname)");
    let ticket = ada.home.ticket();
    bo.browser.keys("form[action='/join'] [name=ticket]", &ticket);
    bo.browser.click("form[action='/join'] button.primary");
    bo.until("Bo is in", "/^\\/groups\\/[0-9a-f]{64}/.test(location.pathname)");
    converge(&[&ada.home, &bo.home]);
    bo.go("/");
    bo.until("the name has come", "document.body.textContent.includes('夜校 Night school')");
    for person in [&ada, &bo] {
        assert_eq!(person.browser.complaints(), Vec::<String>::new());
    }
}

/// Remembers when a text comes into the page.
const WATCH: &str = "
const [wanted] = arguments;
window.seenAt = null;
const look = () => {
  if (document.querySelector('main').textContent.includes(wanted)) window.seenAt = Date.now();
  else setTimeout(look, 5);
};
look();";

/// How long something takes from the one page to the other, by the clock of the machine that both browsers run on.
fn arrival(world: &World, path: &str, wanted: &str, write: impl FnOnce() -> Value) -> f64 {
    world.ada.go(path);
    world.ada.until("the page is live", "document.querySelector('#lamp').dataset.state === 'on'");
    world.ada.browser.run(WATCH, &[json!(wanted)]);
    assert_eq!(world.ada.browser.run("return window.seenAt", &[]), Value::Null);
    let written = write();
    let seen = eventually("it arrives", || world.ada.browser.run("return window.seenAt", &[]).as_f64());
    seen - written["at"].as_f64().unwrap()
}

#[test]
fn a_note_a_link_and_a_mark_arrive_while_one_looks() {
    let Some(_turn) = turn() else { return };
    let world = World::new();
    let shown = world.ada.home.json(&["roadmap", "show", ROADMAP]);
    let topic = shown["topics"].as_array().unwrap().iter().find(|t| t["kind"] == "topic").unwrap();
    let (topic, title) = (topic["id"].as_str().unwrap(), topic["title"]["en"].as_str().unwrap());
    let group = format!("/groups/{}", world.group);
    let bo = &world.bo;
    let note = arrival(&world, &format!("{group}/notes"), "Just written", || {
        bo.api("POST", &format!("{group}/notes"), json!({ "title": "Just written", "text": "新笔记" }))
    });
    let link = arrival(&world, &format!("{group}/roadmaps/{ROADMAP}/topics/{topic}"), "Just found", || {
        let link = json!({ "url": "https://a.example/just", "title": "Just found", "topic": topic });
        bo.api("POST", &format!("{group}/links"), link)
    });
    let mark = arrival(&world, &group, title, || {
        bo.api("PUT", &format!("{group}/topics/{topic}/progress"), json!({ "state": "doing" }))
    });
    say(&format!("seen by the other: note after {note} ms, link after {link} ms, mark after {mark} ms"));
}

#[test]
fn a_note_is_written_read_changed_and_restored_without_any_script() {
    let Some(_turn) = turn() else { return };
    let world = World::new();
    let ada = &world.ada;
    ada.browser.cdp("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    ada.go(&format!("/groups/{}/notes/new", world.group));
    ada.browser.keys("input[name=title]", "无脚本");
    ada.browser.keys("input[name=tags]", "plain, 表单");
    ada.browser.keys("textarea[name=text]", "first line");
    ada.browser.click("main button.primary");
    let note = eventually("the note's page is there", || {
        let page = ada.browser.url();
        page.rsplit('/').next().filter(|id| id.len() == 64).map(str::to_owned)
    });
    assert_eq!(ada.home.body(&note), "first line");
    ada.browser.click("main .head a.primary");
    // Meanwhile Bo writes: the form has the older revision.
    converge(&[&ada.home, &world.bo.home]);
    world.bo.home.json_with(&["note", "edit", &note, "--file", "-"], "first line\n\nfrom Bo");
    converge(&[&ada.home, &world.bo.home]);
    ada.browser.keys("textarea[name=text]", "\u{e010}\u{e011}before the ");
    ada.browser.click("form.write button.primary");
    eventually("both are in the text", || {
        let merged = ada.home.body(&note);
        (merged.contains("from Bo") && merged.contains("before the")).then_some(())
    });
    ada.browser.click(".about a[href$=history]");
    // A click does not wait for the page that it leads to, and the way back stands on this one as well.
    ada.browser.click(".steps-list li:last-child a");
    ada.browser.element("main .steps-list li:last-child a[aria-current=true]");
    ada.browser.click("form[action$=restore] button");
    eventually("the first version is back", || (ada.home.body(&note) == "first line").then_some(()));
    ada.browser.cdp("Emulation.setScriptExecutionDisabled", &json!({ "value": false }));
}
