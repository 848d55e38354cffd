//! Every page: no sideways scroll, no complaint, no request to elsewhere, nothing serious that axe-core finds; and what hostile
//! members publish runs nowhere.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Home, converge, eventually};
use crate::world::{Person, World, pictures, say, turn};

/// A page: its name in pictures, and its path with `{group}`, `{note}`, `{roadmap}` and `{topic}` in it.
type Row = (&'static str, &'static str);

/// The pages. A new one is one line here.
const PAGES: &[Row] = &[
    ("start", "/"),
    ("new-group", "/new"),
    ("group", "/groups/{group}"),
    ("roadmaps", "/groups/{group}/roadmaps"),
    ("roadmap", "/groups/{group}/roadmaps/{roadmap}"),
    ("topic", "/groups/{group}/roadmaps/{roadmap}/topics/{topic}"),
    ("notes", "/groups/{group}/notes"),
    ("notes-search", "/groups/{group}/notes?q=kubernetes"),
    ("notes-deleted", "/groups/{group}/notes?deleted=true"),
    ("note-new", "/groups/{group}/notes/new"),
    ("note", "/groups/{group}/notes/{note}"),
    ("note-edit", "/groups/{group}/notes/{note}/edit"),
    ("note-history", "/groups/{group}/notes/{note}/history"),
    ("links", "/groups/{group}/links"),
    ("settings", "/groups/{group}/settings"),
    ("search", "/search?q=kubernetes"),
    ("feed", "/feed"),
    ("me", "/me"),
    ("network", "/network"),
    ("api", "/api/v1/docs"),
    ("nothing-here", "/groups/{group}/nothing"),
];
/// Pages that are answered with an error on purpose: the console says so.
const ERRORS: &[&str] = &["nothing-here"];
/// Widths of a telephone, a tablet and a screen.
const WIDTHS: [u32; 3] = [360, 768, 1440];
const ROADMAP: &str = "cloud-native-path";

/// A group with something on every page.
struct Filled {
    world: World,
    paths: Vec<(&'static str, String)>,
}

fn filled() -> Filled {
    let world = World::new();
    let (ada, bo) = (&world.ada.home, &world.bo.home);
    let shown = ada.json(&["roadmap", "show", ROADMAP]);
    let topic =
        shown["topics"].as_array().unwrap().iter().find(|t| t["kind"] == "topic").unwrap()["id"].as_str().unwrap();
    let note = |home: &Home, title: &str, tags: &[&str], text: &str| {
        let mut args = vec!["note", "new", "--title", title, "--topic", topic, "--file", "-"];
        tags.iter().for_each(|tag| args.extend(["--tag", tag]));
        home.json_with(&args, text)["note_id"].as_str().unwrap().to_owned()
    };
    let main = note(ada, "Pods and 容器", &["k8s", "网络"], include_str!("note.md"));
    note(
        bo,
        "Services",
        &["k8s"],
        "A service finds its pods by labels: see [[Pods and 容器]]. Kubernetes keeps the list.\n",
    );
    note(
        bo,
        "A very long title that says in one breath what a shorter one could have said as well, about kubernetes",
        &[],
        &format!(
            "{}\n\n| a | b |\n|--|--|\n| {} | 2 |\n\n    {}\n",
            "word".repeat(60),
            "cell".repeat(40),
            "code ".repeat(60)
        ),
    );
    let gone = note(ada, "Gone", &[], "x");
    ada.json(&["note", "delete", &gone]);
    ada.json(&["progress", "set", topic, "doing"]);
    bo.json(&["link", "add", "https://kubernetes.io/docs/concepts/", "--title", "Concepts", "--topic", topic]);
    converge(&[ada, bo]);
    bo.json_with(&["note", "edit", &main, "--file", "-"], &format!("{}\nBo was here too.\n", include_str!("note.md")));
    converge(&[ada, bo]);
    let paths = PAGES.iter().map(|(name, path)| {
        let path = path.replace("{group}", &world.group).replace("{note}", &main);
        (*name, path.replace("{roadmap}", ROADMAP).replace("{topic}", topic))
    });
    let paths = paths.collect();
    Filled { world, paths }
}

/// Waits until nothing is on its way any more.
fn settle(person: &Person) {
    person.browser.wait_for("await new Promise((resolve) => setTimeout(resolve, 150));", &[]);
}

#[test]
fn every_page_fits_every_width_complains_of_nothing_and_asks_nobody_else() {
    let Some(_turn) = turn() else { return };
    let Filled { world, paths } = filled();
    let person = &world.ada;
    person.browser.complaints();
    person.browser.requests();
    let mut bad = vec![];
    for (name, path) in &paths {
        for dark in [false, true] {
            person.browser.dark(dark);
            for width in WIDTHS {
                person.browser.size(width, 900);
                person.go(path);
                settle(person);
                let wide = person.browser.run(
                    "const e = document.documentElement;
                     if (e.scrollWidth <= e.clientWidth) return null;
                     const out = [...document.querySelectorAll('body *')].filter((x) => x.getBoundingClientRect().right > e.clientWidth + 1);
                     return out.slice(0, 5).map((x) => x.outerHTML.slice(0, 120));",
                    &[],
                );
                if !wide.is_null() {
                    bad.push(format!("{name} at {width}: scrolls sideways: {wide}"));
                }
                if let Some(dir) = pictures() {
                    let theme = if dark { "dark" } else { "light" };
                    person.browser.picture(&dir.join(format!("{name}-{width}-{theme}.png")));
                }
            }
        }
        let complaints = person.browser.complaints();
        if !complaints.is_empty() && !ERRORS.contains(name) {
            bad.push(format!("{name}: {complaints:?}"));
        }
        let own = format!("{}/", person.web);
        for url in person.browser.requests() {
            if !url.starts_with(&own) && !url.starts_with("data:") && !url.starts_with("chrome") && url != "about:blank"
            {
                bad.push(format!("{name}: asked for {url}"));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// axe-core, brought by npm into the build directory; `None` when that can not be, said loudly.
fn axe() -> Option<String> {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let file = dir.join("node_modules/axe-core/axe.min.js");
    if !file.exists() {
        std::fs::create_dir_all(&dir).unwrap();
        let args =
            ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", ".", "axe-core@4"];
        let installed = Command::new("npm").args(args).current_dir(&dir).output();
        if !installed.is_ok_and(|output| output.status.success()) {
            say("SKIPPED: npm does not bring axe-core, so nothing was checked for accessibility");
            return None;
        }
    }
    Some(std::fs::read_to_string(file).unwrap())
}

#[test]
fn axe_finds_nothing_serious_on_any_page_in_both_themes() {
    let Some(_turn) = turn() else { return };
    let Some(axe) = axe() else { return };
    let Filled { world, paths } = filled();
    let person = &world.ada;
    let mut bad = vec![];
    for (name, path) in &paths {
        for (dark, width) in [(false, 1440), (true, 1440), (false, 360), (true, 360)] {
            person.browser.dark(dark);
            person.browser.size(width, 900);
            person.go(path);
            settle(person);
            // A title that is cut with an ellipsis in a picture stands whole in its name, which that rule can not tell.
            // The policy of the page lets no script in that is not its own; the driver may.
            person.browser.cdp("Runtime.evaluate", &json!({ "expression": axe }));
            let found = person.browser.wait_for(
                "const result = await axe.run(document, { resultTypes: ['violations'], rules: { 'label-content-name-mismatch': { enabled: false } } });
                 return result.violations.filter((v) => ['serious', 'critical'].includes(v.impact))
                   .map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + ' ' + n.failureSummary).join(' | '));",
                &[],
            );
            for one in found.as_array().unwrap() {
                bad.push(format!("{name} ({width}, {}): {one}", if dark { "dark" } else { "light" }));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// What would run if it were markup, or an address that is followed.
const HOSTILE: &[&str] = &[
    "<script>pwned()</script>",
    "<img src=x onerror=pwned()>",
    "<svg/onload=pwned()>",
    "\"><script>pwned()</script>",
    "' onmouseover='pwned()",
    "</textarea><script>pwned()</script>",
    "</title><script>pwned()</script>",
    "{{constructor.constructor('pwned()')()}}",
    "javascript:pwned()",
    "\u{202e}<script>pwned()</script>",
];
const HOSTILE_TEXT: &str = "<script>pwned()</script>\n\n<img src=x onerror=pwned()>\n\n[a](javascript:pwned()) [b](data:text/html,<script>pwned()</script>) \
    ![c](javascript:pwned()) <javascript:pwned()> [[<img src=x onerror=pwned()>]] [[x|<script>pwned()</script>]]\n\n</textarea><script>pwned()</script>\n\n\
    ```<script>pwned()</script>\n\"><svg onload=pwned()>\n```\n\n[d]: javascript:pwned()\n\n[d][d] <a href=\"javascript:pwned()\">e</a>\n\
    [f](vbscript:pwned()) [g](\tjavascript:pwned()) [h](https://a.example/\"onmouseover=\"pwned()) <details open ontoggle=pwned()>x\n";

#[test]
fn what_hostile_members_write_runs_nowhere() {
    let Some(_turn) = turn() else { return };
    let world = World::new();
    let (ada, bo) = (&world.ada, &world.bo.home);
    let shown = ada.home.json(&["roadmap", "show", ROADMAP]);
    let topic =
        shown["topics"].as_array().unwrap().iter().find(|t| t["kind"] == "topic").unwrap()["id"].as_str().unwrap();
    let mut notes = vec![];
    for (n, one) in HOSTILE.iter().enumerate() {
        let tag: String = one.chars().filter(|c| !c.is_whitespace() && *c != ',').take(40).collect();
        let args = ["note", "new", "--title", one, "--topic", topic, "--tag", &tag, "--file", "-"];
        let made = bo.run_with(&[&args[..], &["--json"]].concat(), &format!("{HOSTILE_TEXT}\n{one}\n"));
        // What the node does not even take can do no harm.
        if let Ok(made) = serde_json::from_slice::<Value>(&made.stdout)
            && let Some(note) = made["note_id"].as_str()
        {
            notes.push(note.to_owned());
        }
        let url = format!("https://a.example/{n}?{}", one.replace(' ', "%20"));
        bo.run(&["link", "add", &url, "--title", one, "--topic", topic, "--json"]);
        bo.run(&["progress", "set", topic, "done", "--evidence", &url, "--json"]);
    }
    assert!(notes.len() >= 6, "{} notes were taken", notes.len());
    bo.run(&["name", HOSTILE[1]]);
    converge(&[&ada.home, bo]);
    let mut paths = vec![
        "/".to_owned(),
        format!("/groups/{}", world.group),
        format!("/groups/{}/notes", world.group),
        format!("/groups/{}/notes?q=pwned", world.group),
        format!("/groups/{}/roadmaps/{ROADMAP}/topics/{topic}", world.group),
    ];
    for note in &notes {
        for part in ["", "/edit", "/history"] {
            paths.push(format!("/groups/{}/notes/{note}{part}", world.group));
        }
    }
    for query in HOSTILE {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        paths.push(format!("/groups/{}/notes?q={query}&tag={query}", world.group));
        paths.push(format!("/groups/{}/notes/new?title={query}&topic={query}", world.group));
    }
    ada.browser.cdp(
        "Page.addScriptToEvaluateOnNewDocument",
        &json!({ "source": "window.pwned = () => { window.wasPwned = true; };" }),
    );
    ada.browser.complaints();
    for path in &paths {
        ada.go(path);
        settle(ada);
        // Everything that can be pointed at is, and every link that is no address of the web is a finding.
        let found = ada.browser.run(
            "for (const e of document.querySelectorAll('main *')) {
               e.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
               e.dispatchEvent(new Event('toggle'));
             }
             const links = [...document.querySelectorAll('a[href]')].map((a) => a.protocol);
             return { ran: !!window.wasPwned, bad: links.filter((p) => !['http:', 'https:', 'mailto:'].includes(p)),
                      inline: [...document.querySelectorAll('*')].flatMap((e) => [...e.attributes]).filter((a) => /^on/.test(a.name)).length };",
            &[],
        );
        assert_eq!(found, json!({ "ran": false, "bad": [], "inline": 0 }), "{path}");
        assert_eq!(ada.browser.dialog(), None, "{path}");
        assert_eq!(ada.browser.complaints(), Vec::<String>::new(), "{path}: the policy had nothing to stop");
    }
    // The preview of the editor is made anew in the page.
    ada.go(&format!("/groups/{}/notes/{}/edit", world.group, notes[0]));
    ada.until("the editor is open", "document.querySelector('#editor[data-ready]')");
    ada.browser.run(
        "const f = document.querySelector('#source'); f.value += arguments[0]; f.dispatchEvent(new InputEvent('input', { bubbles: true }));",
        &[json!(format!("{HOSTILE_TEXT}\nthe end\n"))],
    );
    eventually("the preview follows", || {
        let shown = ada.browser.run("return document.querySelector('#preview').textContent", &[]);
        shown.as_str().unwrap().contains("the end").then_some(())
    });
    assert_eq!(ada.browser.run("return !!window.wasPwned", &[]), false);
    assert_eq!(ada.browser.complaints(), Vec::<String>::new());
}
