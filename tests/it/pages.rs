//! The pages for links, search, settings, the network, one's own year and the feed, as a browser without scripts meets them.

use serde_json::json;

use crate::browser::Client;
use crate::harness::{Home, converge, eventually};

/// What stands in a page between two marks.
#[track_caller]
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let rest = text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} behind {from}")).0
}

#[test]
fn a_link_is_added_voted_read_changed_removed_and_brought_back_by_forms_alone() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let made = home.json(&["group", "create", "G", "--open", "--roadmap", "cloud-native-path"]);
    let group = made["group_id"].as_str().unwrap();
    let browser = Client::browser(&node);
    let base = format!("/groups/{group}/links");
    assert!(browser.get(&base).text().contains("Add the first one"), "an empty library says what to do");

    let added = browser.form(
        &base,
        &[("url", "https://go.dev/doc/"), ("title", "Go 文档"), ("tags", "go, 入门"), ("topic", "docker")],
    );
    assert_eq!((added.status, added.header("location")), (303, Some(base.as_str())), "{}", added.text());
    let page = browser.get(&base).text();
    assert!(page.contains("Go 文档") && page.contains("#入门") && page.contains("added by Ada"), "{page}");
    let link = home.json(&["link", "list"])["items"][0]["link_id"].as_str().unwrap().to_owned();
    let here = format!("{base}/{link}");

    // Another spelling of the same address is the same link, and what was given is merged.
    let again = browser.form(&base, &[("url", "HTTPS://GO.dev:443/doc/"), ("title", ""), ("tags", "docs")]);
    let merged = again.header("location").unwrap().to_owned();
    assert_eq!(merged, format!("{here}?already=1"));
    assert!(browser.get(&merged).text().contains("it stays one"));
    assert_eq!(home.json(&["link", "list"])["items"][0]["tags"], json!(["go", "入门", "docs"]));

    let act = |what: &str| {
        let answer = browser.form(&here, &[("do", what), ("back", &base)]);
        assert_eq!((answer.status, answer.header("location")), (303, Some(base.as_str())), "{what}");
        home.json(&["link", "list"])["items"].clone()
    };
    assert_eq!(act("vote")[0]["votes"], 1);
    assert!(browser.get(&base).text().contains("value=\"unvote\" aria-pressed=\"true\""));
    assert_eq!(act("unvote")[0]["votes"], 0);
    assert_eq!(act("read")[0]["read"], true);
    assert!(browser.get(&format!("{base}?view=unread")).text().contains("No link fits"));
    let set = [
        ("do", "set"),
        ("title", "Docs"),
        ("tags_before", "go, 入门, docs"),
        ("tags", "go,新"),
        ("topic", ""),
        ("back", &here),
    ];
    assert_eq!(browser.form(&here, &set).status, 303);
    let item = home.json(&["link", "list"])["items"][0].clone();
    assert_eq!((&item["title"], &item["tags"]), (&json!("Docs"), &json!(["go", "新"])));
    assert_eq!(act("remove"), json!([]));
    assert!(browser.get(&format!("{base}?view=removed")).text().contains("Docs"));
    assert_eq!(act("restore")[0]["title"], "Docs");
    assert_eq!(browser.form(&here, &[("do", "explode")]).status, 400);
    assert_eq!(browser.get(&format!("{base}/{}", "0".repeat(64))).status, 404);

    // Filters find by words and tags; a long list comes in pages.
    for n in 0..45 {
        home.json(&[
            "link",
            "add",
            &format!("https://a.example/{n}"),
            "--title",
            &format!("Page {n}"),
            "--tag",
            "many",
        ]);
    }
    let count = |query: &str| browser.get(&format!("{base}?{query}")).text().matches("class=\"votes\"").count();
    assert_eq!((count("q=docs"), count("q=page+44"), count("tag=many"), count("tag=many&page=2")), (1, 1, 40, 5));
    assert_eq!(count("q=nothing"), 0);
}

#[test]
fn search_finds_chinese_across_groups_and_marks_what_fits() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let (one, two) = (home.create("One"), home.create("Two"));
    let browser = Client::browser(&node);
    home.json_with(
        &["note", "new", "-g", &one, "--title", "学习笔记", "--file", "-"],
        "今天学习容器和镜像 <b>bold</b>",
    );
    home.json(&["link", "add", "-g", &two, "https://docker.com/", "--title", "容器入门"]);
    let empty = browser.get("/search").text();
    assert!(empty.contains("nothing is sent anywhere"));
    let page = eventually("both are found", || {
        let page = browser.get("/search?q=%E5%AE%B9%E5%99%A8").text();
        (page.matches("class=\"hit\"").count() == 2).then_some(page)
    });
    assert!(page.contains("<mark>容器</mark>") && page.contains(&format!("/groups/{one}/notes/")), "{page}");
    assert!(page.contains(&format!("/groups/{two}/links/")) && !page.contains("<b>bold"));
    let only = browser.get(&format!("/search?q=%E5%AE%B9%E5%99%A8&group={two}")).text();
    assert_eq!(only.matches("class=\"hit\"").count(), 1);
    assert!(browser.get("/search?q=zzzz").text().contains("Nothing has these words"));
    assert!(browser.get("/search?q=%22%29+OR+*").status == 200, "what people type is never an error");
    assert!(browser.get("/search?q=%3Cscript%3E").text().contains("value=\"&lt;script&gt;\""));
}

#[test]
fn a_closed_group_is_run_from_its_settings() {
    let (ada, bo) = (Home::new(), Home::new());
    let (ada_node, bo_node) = (ada.up(&["--name", "Ada"]), bo.up(&["--name", "Bo"]));
    let made = ada.json(&["group", "create", "Closed", "--closed"]);
    let group = made["group_id"].as_str().unwrap();
    let browser = Client::browser(&ada_node);
    let base = format!("/groups/{group}/settings");
    assert!(browser.get(&base).text().contains("No invite was made yet"));

    // The ticket is shown once, with its picture; the other one joins by it and is let in by a click.
    let invite = [("hours", "24"), ("uses", "1"), ("role", "member"), ("approve", "yes"), ("addresses", "yes")];
    let shown = browser.form(&format!("{base}/invite"), &invite).text();
    let ticket = between(&shown, "spellcheck=\"false\">", "</textarea>").to_owned();
    assert!(ticket.starts_with("studymesh") && shown.contains("<svg class=\"qr\""), "{shown}");
    let page = browser.get(&base).text();
    assert!(page.contains("0 of 1 used") && !page.contains(&ticket));
    bo.json(&["join", &ticket]);
    let request = eventually("Bo asks", || {
        let page = browser.get(&base).text();
        let (_, rest) = page.split_once("name=\"person\" value=\"")?;
        page.contains("value=\"accept\"").then(|| rest.split('"').next().unwrap().to_owned())
    });
    assert_eq!(browser.form(&base, &[("do", "accept"), ("person", &request)]).status, 303);
    eventually("Bo is in", || (bo.json(&["group", "list"])["items"][0]["state"] == "joined").then_some(()));
    converge(&[&ada, &bo]);

    let role = browser.form(&base, &[("do", "role"), ("person", "Bo"), ("role", "reader")]);
    assert_eq!(role.header("location"), Some(format!("{base}#members").as_str()), "{}", role.text());
    assert!(browser.get(&base).text().contains("Reader: reads only"));
    // The other one sees why nothing can be changed there.
    let other = Client::browser(&bo_node);
    let seen = eventually("Bo sees it", || {
        let page = other.get(&base).text();
        page.contains("Reader: reads only").then_some(page)
    });
    assert!(!seen.contains("value=\"role\"") && !seen.contains("value=\"rotate\""));

    assert_eq!(browser.form(&base, &[("do", "mute"), ("person", "Bo")]).status, 303);
    assert!(browser.get(&base).text().contains("muted here"));
    assert_eq!(browser.form(&base, &[("do", "limits"), ("entries", "1000"), ("bytes", "0")]).status, 303);
    assert_eq!(browser.form(&base, &[("do", "rename"), ("name", "Renamed")]).status, 303);
    assert_eq!(browser.form(&base, &[("do", "rotate")]).status, 303);
    assert_eq!(ada.json(&["group", "list"])["items"][0]["name"], "Renamed");
    let unsure = browser.form(&base, &[("do", "remove"), ("person", "Bo"), ("ask", "")]);
    assert_eq!(unsure.status, 400, "what can not be undone is asked for twice");
    assert_eq!(browser.form(&base, &[("do", "remove"), ("person", "Bo"), ("ask", ""), ("sure", "yes")]).status, 303);
    assert!(browser.get(&base).text().contains("removed"));

    // Devices: renamed here, and a code for another one.
    let device = ada.json(&["device", "list"])["items"][0]["device_id"].as_str().unwrap().to_owned();
    let renamed = browser.form(&base, &[("do", "device-rename"), ("device", &device), ("name", "书房")]);
    assert_eq!(renamed.status, 303, "{}", renamed.text());
    assert!(browser.get(&base).text().contains("书房"));
    let code = browser.form(&format!("{base}/device"), &[]).text();
    assert!(code.contains("studymesh device join "), "{code}");

    // A ticket for a keeper, and an invite taken back.
    let keeper = browser.form(&format!("{base}/invite"), &[("role", "keeper"), ("uses", "1"), ("addresses", "yes")]);
    assert!(keeper.status == 200 && keeper.text().contains("Keeper"), "{}", keeper.text());
    let open =
        ada.json(&["invite", "list"])["items"].as_array().unwrap().iter().find(|i| i["open"] == true).cloned().unwrap();
    let invite = open["invite_id"].as_str().unwrap();
    assert_eq!(browser.form(&base, &[("do", "revoke"), ("invite", invite)]).status, 303);
    assert!(browser.get(&base).text().contains("taken back"));
}

#[test]
fn a_backup_is_downloaded_and_opens_with_its_passphrase_only() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    home.create("G");
    home.note("kept", "x");
    let browser = Client::browser(&node);
    let ask = |one: &str, two: &str| browser.form("/backup", &[("passphrase", one), ("again", two)]);
    assert_eq!(ask("correct horse battery", "something else").status, 422);
    assert_eq!(ask("short", "short").status, 422);
    let file = ask("correct horse battery", "correct horse battery");
    assert_eq!(file.status, 200, "{}", file.text());
    assert!(file.header("content-disposition").unwrap().contains("studymesh.backup"));
    let dir = tempfile::tempdir().unwrap();
    let (path, secret) = (dir.path().join("b"), dir.path().join("p"));
    std::fs::write(&path, &file.body).unwrap();
    std::fs::write(&secret, "correct horse battery").unwrap();
    let restored = Home::at(dir.path().join("home"));
    let args = ["backup", "restore", path.to_str().unwrap(), "--passphrase-file", secret.to_str().unwrap()];
    assert_eq!(restored.json(&args)["v"], 1);
    assert_eq!(restored.titles(), ["kept"]);
    assert_eq!(std::fs::read_dir(home.path().join("web")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn the_network_is_drawn_with_who_is_there_and_says_when_nobody_is() {
    let (ada, bo) = (Home::new(), Home::new());
    let ada_node = ada.up(&["--name", "Ada"]);
    let group = ada.create("G");
    let browser = Client::browser(&ada_node);
    let alone = browser.get("/network").text();
    assert!(alone.contains("<svg class=\"net\"") && alone.contains("this machine only"), "{alone}");
    let bo_node = bo.up(&["--name", "<i>Bo</i>"]);
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    let page = eventually("Bo is drawn, with a round trip, as holding the same", || {
        let page = browser.get("/network").text();
        let there = page.contains("&lt;i&gt;Bo") && page.contains("facedot") && page.contains(" ms</td>");
        (there && page.contains("the same as here")).then_some(page)
    });
    assert!(!page.contains("not let in yet"), "{page}");
    assert!(page.contains("● direct") && !page.contains("<i>Bo") && page.contains(&group), "{page}");
    eventually("they are neighbours in the mesh", || {
        browser.get("/network").text().contains("wire mesh").then_some(())
    });
    let peers = ada.json(&["peers"]);
    assert_eq!(peers["items"][0]["mesh"], json!([group]));
    assert!(browser.get("/network?check=1").text().contains("every hash chain holds"));
    drop(bo_node);
    eventually("it says that nobody is there", || {
        browser.get("/network").text().contains("No peer is connected").then_some(())
    });
}

#[test]
fn a_year_has_its_days_where_its_person_lives() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let browser = Client::browser(&node);
    assert!(browser.get("/me").text().contains("You have marked nothing yet"));
    let made = home.json(&["group", "create", "G", "--open", "--roadmap", "cloud-native-path"]);
    let group = made["group_id"].as_str().unwrap();
    let topic = format!("/groups/{group}/topics/docker/progress");
    browser.form(&topic, &[("state", "doing"), ("minutes", "75"), ("back", "/me")]);
    let page = browser.get("/me").text();
    assert!(page.contains("1 days") && page.contains("1 h 15 min") && page.contains(" 75 min, 1 marks"), "{page}");
    assert!(page.contains("topics/docker") && page.contains("Go on with"));
    // Half a world apart, the day may be another one; the mark stays one mark.
    let set = browser.form("/zone", &[("minutes", "780")]);
    let cookie = set.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(cookie, "studymesh_zone=0.780");
    let east = browser.with("cookie", &format!("{}; {cookie}", browser.sends("cookie"))).get("/me").text();
    assert!(east.contains("UTC+13:00") && east.contains(" 75 min, 1 marks"));
    assert_eq!(browser.form("/zone", &[("minutes", "99999")]).status, 400);
}

#[test]
fn the_feed_tells_what_others_did_what_is_new_and_who_is_spoken_to() {
    let (ada, bo) = (Home::new(), Home::new());
    let (ada_node, _bo_node) = (ada.up(&["--name", "Ada"]), bo.up(&["--name", "Bo"]));
    let group = ada.create("G");
    let browser = Client::browser(&ada_node);
    assert_eq!(browser.get("/feed").status, 200);
    bo.json(&["join", &ada.ticket(), "--wait", "60"]);
    bo.note("For everybody", "nothing special");
    bo.note("A question", "can @Ada look at this?");
    bo.json(&["link", "add", "https://go.dev/", "--title", "Go"]);
    bo.json(&["roadmap", "add", "cloud-native-path"]);
    converge(&[&ada, &bo]);
    let page = browser.get("/feed").text();
    // The line of a roadmap was a link without a word in it.
    assert!(
        page.contains(&format!("/groups/{group}/roadmaps/cloud-native-path\">")) && !page.contains("\"></a>"),
        "{page}"
    );
    assert!(page.contains("wrote the note") && page.contains("added the link"), "{page}");
    assert_eq!(page.matches("badge mention").count(), 1);
    assert!(page.matches("class=\"unread\"").count() >= 3, "{page}");
    let mentions = browser.get("/feed?view=mentions").text();
    assert!(mentions.contains("A question") && !mentions.contains("For everybody"));
    assert_eq!(browser.form("/feed", &[("do", "seen")]).status, 303);
    assert_eq!(browser.get("/feed").text().matches("class=\"unread\"").count(), 0);
    bo.note("Later", "x");
    eventually("what came later is new", || {
        (browser.get("/feed").text().matches("class=\"unread\"").count() == 1).then_some(())
    });

    // Pages by cursor: every entry once, the latest first.
    let program = Client::program(&ada, &ada_node);
    let (mut seen, mut before) = (vec![], String::new());
    loop {
        let part = program.get(&format!("/api/v1/groups/{group}/feed?limit=2{before}")).json();
        seen.extend(
            part["items"].as_array().unwrap().iter().map(|i| (i["time_ms"].as_u64(), i["entry_id"].to_string())),
        );
        let Some(next) = part["next"].as_str() else { break };
        before = format!("&before={next}");
    }
    let whole = program.get(&format!("/api/v1/groups/{group}/feed?limit=200")).json();
    let all: Vec<_> =
        whole["items"].as_array().unwrap().iter().map(|i| (i["time_ms"].as_u64(), i["entry_id"].to_string())).collect();
    assert_eq!(seen, all);
    assert!(all.len() >= 5 && all.is_sorted_by(|a, b| a.0 >= b.0), "{all:?}");
    assert_eq!(program.get(&format!("/api/v1/groups/{group}/feed?before=x")).code(), "bad_input");
}

#[test]
fn what_a_peer_wrote_is_text_on_these_pages_too() {
    let home = Home::new();
    let node = home.up(&["--name", "<b>Ada</b>\"'><script>alert(1)</script>"]);
    let made =
        home.json(&["group", "create", "<img src=x onerror=alert(1)>", "--closed", "--roadmap", "cloud-native-path"]);
    let group = made["group_id"].as_str().unwrap();
    home.json(&["note", "new", "--title", "<script>alert(1)</script>", "--text", "<script>alert(1)</script> @<b>Ada"]);
    let hostile = "https://a.example/\"><script>alert(1)</script>";
    home.json(&["link", "add", hostile, "--title", "<svg onload=alert(1)>", "--tag", "\"><script>alert(1)</script>"]);
    home.json(&["progress", "set", "docker", "doing", "--note", "<script>alert(1)</script>"]);
    let link = home.json(&["link", "list"])["items"][0]["link_id"].as_str().unwrap().to_owned();
    let browser = Client::browser(&node);
    let device = home.json(&["device", "list"])["items"][0]["device_id"].as_str().unwrap().to_owned();
    let base = format!("/groups/{group}/settings");
    browser.form(&base, &[("do", "device-rename"), ("device", &device), ("name", "<script>alert(1)</script>")]);
    for path in [
        format!("/groups/{group}/links"),
        format!("/groups/{group}/links?q=%3Cscript%3E&tag=%22%3E%3Cscript%3E"),
        format!("/groups/{group}/links/{link}"),
        base,
        "/search?q=alert".into(),
        "/search?q=%3Cscript%3Ealert(1)".into(),
        "/feed".into(),
        format!("/feed?group={group}&before=%3Cscript%3E"),
        "/me".into(),
        "/network".into(),
        "/network?check=1".into(),
    ] {
        for client in [browser.with("accept-language", "en"), browser.with("accept-language", "zh")] {
            let html = client.get(&path).text();
            assert!(html.contains("&lt;"), "{path} shows what was written");
            for bad in ["<script>", "<img src=x", "<svg onload", "<b>Ada", " style=", " onclick=", "javascript:"] {
                assert!(!html.contains(bad), "{path}: {bad}");
            }
        }
    }
}

/// `cargo test --release --test it pages_are_made -- --ignored --nocapture`: how long the HTML of each page takes in a large group, and
/// what the first page weighs with all that it loads.
#[test]
#[ignore = "takes minutes; means something in a release build only"]
#[allow(clippy::disallowed_methods, reason = "it measures real time")]
fn pages_are_made_in_time_in_a_large_group() {
    const NOTES: usize = 10_000;
    const LINKS: usize = 5_000;
    const ROUNDS: usize = 40;
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let made = home.json(&["group", "create", "Large", "--open", "--roadmap", "cloud-native-path"]);
    let group = made["group_id"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for n in 0..NOTES {
        let text = format!("# Note {n}\n\n学习容器第 {n} 天。Some words about pods and services. #tag{}\n", n % 50);
        std::fs::write(folder.path().join(format!("note-{n}.md")), text).unwrap();
    }
    home.json(&["import", folder.path().to_str().unwrap()]);
    let program = Client::program(&home, &node);
    for n in 0..LINKS {
        let link = json!({ "url": format!("https://a.example/{n}"), "title": format!("页面 {n}"), "tags": [format!("t{}", n % 40)] });
        assert_eq!(program.json("POST", &format!("/api/v1/groups/{group}/links"), &link).status, 201);
    }
    let browser = Client::browser(&node);
    eventually("everything can be found", || (home.json(&["status"])["unsearchable"] == 0).then_some(()));
    let roadmap = format!("/groups/{group}/roadmaps/cloud-native-path");
    for path in [
        "/".to_owned(),
        format!("/groups/{group}"),
        format!("/groups/{group}/roadmaps"),
        roadmap.clone(),
        format!("{roadmap}/topics/docker"),
        format!("/groups/{group}/links"),
        format!("/groups/{group}/links?q=4999"),
        format!("/groups/{group}/settings"),
        "/search?q=%E5%AE%B9%E5%99%A8".into(),
        "/feed".into(),
        "/me".into(),
        "/network".into(),
    ] {
        let mut times: Vec<f64> = vec![];
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let begin = std::time::Instant::now();
            let answer = browser.get(&path);
            times.push(begin.elapsed().as_secs_f64() * 1e3);
            assert_eq!(answer.status, 200, "{path}");
            bytes = answer.body.len();
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{path:>48}: p50 {:6.1} ms, p95 {:6.1} ms, {bytes} bytes",
            times[ROUNDS / 2],
            times[ROUNDS * 95 / 100]
        );
    }
    let first = browser.get("/").text();
    let mut weight = first.len();
    let loaded =
        ["style.css", "app.js", "live.js", "forms.js", "swap.js", "search.js", "palette.js", "zone.js", "mark.svg"];
    let hash = between(&first, "/assets/", "/").to_owned();
    for name in loaded {
        weight += browser.get(&format!("/assets/{hash}/{name}")).body.len();
    }
    println!("the first page weighs {weight} bytes with all that it loads");
    assert!(weight < 150_000, "{weight}");
}
