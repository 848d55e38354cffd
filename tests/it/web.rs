//! The web page and its API, as a browser and a program meet them: over a real socket, at a real node.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::browser::Client;
use crate::harness::{Home, PATIENCE, eventually};

const API: &str = "/api/v1";

#[test]
fn the_printed_address_lets_a_browser_in_once_and_the_token_leaves_the_address() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let browser = Client::browser(&node);
    assert_eq!(browser.get("/").status, 200);
    let path = node.web.as_deref().unwrap().split_once("/login").unwrap().1;
    let again = Client::stranger(&node).get(&format!("/login{path}"));
    assert_eq!((again.status, again.header("set-cookie")), (401, None), "a token is good once");
    assert!(again.text().contains("studymesh web"));

    // A fresh one without asking the node for a secret; the cookie can not be read by scripts, nor sent from elsewhere.
    let fresh = home.json(&["web"])["url"].as_str().unwrap().to_owned();
    let answer = Client::stranger(&node).get(&fresh[fresh.find("/login").unwrap()..]);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/"), "{cookie}");
    assert!(!answer.header("location").unwrap().contains("token"));
    let from_a_link = home.json(&["web"])["url"].as_str().unwrap().to_owned();
    let linked = Client::stranger(&node).with("sec-fetch-site", "cross-site").with("sec-fetch-mode", "navigate");
    let linked = linked.with("sec-fetch-dest", "document").get(&from_a_link[from_a_link.find("/login").unwrap()..]);
    assert!(linked.status == 200 && linked.text().contains("http-equiv=\"refresh\""), "{}", linked.status);

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(home.path().join("web.token")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn the_port_and_the_cookie_outlive_a_restart_and_off_means_off() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let browser = Client::browser(&node);
    assert_eq!(home.json(&["status"])["web"], format!("http://{}", browser.host));
    assert_eq!(node.terminate(), Some(0));
    assert_eq!(home.error(&["web"]).1["code"], "not_running");
    let node = home.up(&[]);
    assert_eq!(Client::stranger(&node).host, browser.host);
    assert_eq!(browser.get("/").status, 200, "the cookie is still good");
    assert_eq!(node.terminate(), Some(0));
    let node = home.up(&["--web", "off"]);
    assert_eq!((&node.web, &home.json(&["status"])["web"]), (&None, &Value::Null));
    assert!(TcpStream::connect(&browser.host).is_err());
    assert_eq!(home.error(&["web"]).0, 1);
}

#[test]
fn nobody_else_is_let_in() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let (stranger, browser, program) = (Client::stranger(&node), Client::browser(&node), Client::program(&home, &node));
    let status = format!("{API}/status");

    // Missing and wrong tokens.
    assert_eq!((stranger.get(&status).status, stranger.get(&status).code()), (401, "unauthorized".into()));
    assert_eq!(stranger.get(&status).header("www-authenticate"), Some("Bearer"));
    assert_eq!(stranger.with("authorization", &format!("Bearer {}", "0".repeat(64))).get(&status).status, 401);
    assert_eq!(
        browser.with("authorization", "Bearer x").get(&status).status,
        401,
        "a wrong secret is not helped by a cookie"
    );
    assert_eq!(stranger.with("cookie", "studymesh_1=x").get("/").status, 401);
    assert!(stranger.get("/").text().contains("studymesh web"));
    for path in ["/", "/groups/x", "/api/v1/openapi.json", "/api/v1/docs", "/api/v1/events"] {
        assert_eq!(stranger.get(path).status, 401, "{path}");
    }
    assert_eq!((browser.get(&status).status, program.get(&status).status), (200, 200));

    // Rebinding: the name is another machine's, whoever asks.
    let port = browser.host.split(':').nth(1).unwrap();
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "127.0.0.1",
        "127.0.0.1:1",
        &format!("127.0.0.1.evil.example:{port}"),
        "",
    ] {
        for client in [&browser, &program, &stranger] {
            let answer = client.with("host", host).get(&status);
            assert!(answer.status == 421 || (host.is_empty() && answer.status == 400), "{host}: {}", answer.status);
        }
    }
    for host in [format!("localhost:{port}"), format!("LOCALHOST:{port}"), format!("[::1]:{port}")] {
        assert_eq!(program.with("host", &host).get(&status).status, 200, "{host}");
    }

    // Other sites, by everything that browsers say of them; a program on another port is another site too.
    let name = json!({ "name": "Eve" });
    let write = |client: &Client| client.json("PUT", &format!("{API}/name"), &name);
    let other_port = format!("http://127.0.0.1:{}", port.parse::<u16>().unwrap() ^ 1);
    for (site, origin) in [
        ("cross-site", None),
        ("same-site", None),
        ("none", None),
        ("same-origin", Some("https://evil.example")),
        ("same-origin", Some(other_port.as_str())),
        ("cross-site", Some("null")),
    ] {
        let mut client = browser.with("sec-fetch-site", site);
        if let Some(origin) = origin {
            client = client.with("origin", origin);
        }
        let answer = write(&client);
        assert_eq!((answer.status, answer.code()), (403, "cross_site".into()), "{site} {origin:?}");
    }
    let silent = browser.without("sec-fetch-site");
    assert_eq!(write(&silent).code(), "cross_site", "a browser that says nothing is too old to be safe");
    assert_eq!(write(&silent.with("origin", "null")).status, 403);
    assert_eq!(browser.with("sec-fetch-site", "cross-site").get(&status).status, 403, "reads by scripts of others");
    assert_eq!(home.json(&["status"])["person"], "Ada", "nothing was written");
    assert_eq!(write(&browser.with("origin", "null")).status, 200, "the page's own forms under no-referrer");
    assert_eq!(write(&silent.with("origin", &format!("http://{}", browser.host))).status, 200);
    assert_eq!(write(&program).status, 200);
    // A form of another site without any preflight.
    let form = browser.with("sec-fetch-site", "cross-site").form("/name", &[("name", "Eve")]);
    assert_eq!(form.status, 403);

    // No answer tells others that they may read it.
    for answer in
        [browser.with("origin", "https://evil.example").send("OPTIONS", &status, &[], b""), browser.get(&status)]
    {
        assert!(answer.headers.iter().all(|(key, _)| !key.starts_with("access-control")), "{:?}", answer.headers);
    }
}

#[test]
fn every_answer_carries_the_headers_that_keep_the_page_to_itself() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    home.create("G");
    let browser = Client::browser(&node);
    let style = {
        let html = browser.get("/").text();
        let at = html.find("/assets/").unwrap();
        html[at..].split('"').next().unwrap().to_owned()
    };
    for path in ["/", "/nothing", "/login?token=x", "/api/v1/status", "/api/v1/nothing", "/livez", &style] {
        let answer = browser.get(path);
        let csp = answer.header("content-security-policy").unwrap();
        assert!(
            csp.contains("default-src 'none'") && csp.contains("script-src 'self'") && !csp.contains("unsafe"),
            "{csp}"
        );
        assert!(
            csp.contains("frame-ancestors 'none'")
                && csp.contains("base-uri 'none'")
                && csp.contains("form-action 'self'")
        );
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        assert!(answer.header("cache-control").is_some(), "{path}");
    }
    assert!(browser.get(&style).header("cache-control").unwrap().contains("immutable"));
    // The policy holds only when nothing stands inline.
    let group = home.json(&["group", "list"])["items"][0]["group_id"].as_str().unwrap().to_owned();
    for path in ["/", "/new", "/api/v1/docs", &format!("/groups/{group}"), &format!("/groups/{group}/roadmaps")] {
        let html = browser.get(path).text();
        assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick="), "{path}");
        for script in html.split("<script").skip(1) {
            assert!(script.split('>').next().unwrap().contains("src=\"/assets/"), "{path}");
        }
    }
}

#[test]
fn bodies_heads_and_streams_are_bounded_and_the_node_stays_well() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let group = home.create("G");
    let program = Client::program(&home, &node);
    let notes = format!("{API}/groups/{group}/notes");
    let large = [("content-type", "application/json"), ("content-length", "13000000")];
    assert_eq!(program.send("POST", &notes, &large, b"").code(), "too_large", "before anything of it was read");
    let long = json!({ "title": "t", "text": "x".repeat(4 * 1024 * 1024 + 1) });
    assert_eq!(program.json("POST", &notes, &long).status, 422);
    let mut long = TcpStream::connect(&program.host).unwrap();
    // The node may be gone before it was all sent.
    let _ = long.write_all(
        format!("GET /livez HTTP/1.1\r\nhost: {}\r\nx: {}\r\n\r\n", program.host, "x".repeat(100_000)).as_bytes(),
    );
    let mut answer = vec![];
    let _ = long.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    assert_eq!(program.get(&format!("{API}/status?{}", "a=1&".repeat(600))).code(), "bad_parameter");

    // More streams than there are places: the rest is told, and places come free again.
    let open: Vec<TcpStream> = (0..32).map(|_| {
        let mut stream = TcpStream::connect(&program.host).unwrap();
        let secret = std::fs::read_to_string(home.path().join("web.token")).unwrap();
        let head = format!(
            "GET {API}/events HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\nauthorization: Bearer {}\r\n\r\n",
            program.host, secret.trim()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        stream
    }).collect();
    let events = |client: &Client| client.with("accept", "text/event-stream").get(&format!("{API}/events"));
    assert_eq!(events(&program).code(), "too_many");
    drop(open);
    // A place comes free when the next heartbeat or event finds nobody there.
    home.note("something happens", "x");
    eventually("a stream has its place", || {
        home.note("again", "x");
        let mut stream = TcpStream::connect(&program.host).unwrap();
        let secret = std::fs::read_to_string(home.path().join("web.token")).unwrap();
        let head = format!(
            "GET {API}/events HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\nauthorization: Bearer {}\r\n\r\n",
            program.host,
            secret.trim()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        (&first == b"HTTP/1.1 200").then_some(())
    });
    assert_eq!(program.get("/livez").status, 200);
}

#[test]
fn the_api_does_what_the_command_line_does_and_says_the_same() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let program = Client::program(&home, &node);
    let made = program.json(
        "POST",
        &format!("{API}/groups"),
        &json!({ "name": "云原生", "kind": "open", "roadmap": "cloud-native-path" }),
    );
    assert_eq!(made.status, 201, "{}", made.text());
    let group = made.json()["group_id"].as_str().unwrap().to_owned();
    let base = format!("{API}/groups/{group}");
    let same = |path: &str, args: &[&str]| {
        let (api, cli) = (program.get(&format!("{base}{path}")).json(), home.json(args));
        assert_eq!(api, cli, "{path}");
    };
    let note = program.json(
        "POST",
        &format!("{base}/notes"),
        &json!({ "title": "容器", "text": "# Docker\n\n你好", "tags": ["k8s"], "topic": "docker" }),
    );
    assert_eq!((note.status, &note.json()["durable"]), (201, &json!(true)));
    let note = note.json()["note_id"].as_str().unwrap().to_owned();
    same(&format!("/notes/{note}"), &["note", "show", &note]);
    same("/notes", &["note", "list"]);
    same("/notes?topic=docker", &["note", "list", "--topic", "docker"]);

    // Restored, deleted, edited upon a version.
    let heads = program.get(&format!("{base}/notes/{note}")).json()["heads"].clone();
    let edit = program.json(
        "PUT",
        &format!("{base}/notes/{note}"),
        &json!({ "base": heads, "text": "# Docker\n\n你好，世界" }),
    );
    assert_eq!((edit.status, &edit.json()["changed"]), (200, &json!(true)), "{}", edit.text());
    same(&format!("/notes/{note}/history"), &["note", "history", &note]);
    assert_eq!(program.send("DELETE", &format!("{base}/notes/{note}"), &[], b"").status, 200);
    assert_eq!(program.get(&format!("{base}/notes")).json()["items"], json!([]));
    assert_eq!(program.json("POST", &format!("{base}/notes/{note}/restore"), &json!({})).status, 200);
    let tags =
        program.json("PATCH", &format!("{base}/notes/{note}"), &json!({ "add_tags": ["go"], "remove_tags": ["k8s"] }));
    assert_eq!(tags.status, 200, "{}", tags.text());
    assert_eq!(home.json(&["note", "show", &note])["tags"], json!(["go"]));

    let link =
        program.json("POST", &format!("{base}/links"), &json!({ "url": "https://go.dev/doc", "title": "Go" })).json();
    let link = link["link_id"].as_str().unwrap();
    assert_eq!(program.json("PUT", &format!("{base}/links/{link}/vote"), &json!({ "up": true })).json()["votes"], 1);
    assert_eq!(program.json("PUT", &format!("{base}/links/{link}/read"), &json!({})).status, 200);
    same("/links", &["link", "list"]);
    assert_eq!(program.send("DELETE", &format!("{base}/links/{link}"), &[], b"").status, 200);
    assert_eq!(program.json("POST", &format!("{base}/links/{link}/restore"), &json!({})).status, 200);

    let mark =
        program.json("PUT", &format!("{base}/topics/docker/progress"), &json!({ "state": "doing", "minutes": 25 }));
    assert_eq!(mark.status, 200, "{}", mark.text());
    same("/progress", &["progress", "group"]);
    same("/progress/person", &["progress", "show"]);
    same("/progress/history?topic=docker", &["progress", "history", "docker"]);
    same("/roadmaps", &["roadmap", "list"]);
    same("/roadmaps/cloud-native-path", &["roadmap", "show", "cloud-native-path"]);
    let outline = "# Reading\n\n- First\n- Second\n";
    let imported =
        program.json("POST", &format!("{base}/roadmap-files"), &json!({ "name": "reading.md", "text": outline }));
    assert_eq!(imported.status, 201, "{}", imported.text());

    same("/members", &["member", "list"]);
    same("/invites", &["invite", "list"]);
    same("/digest", &["db", "digest"]);
    let found = program.get(&format!("{API}/search?query=%E4%B8%96%E7%95%8C")).json();
    assert_eq!(found["items"][0]["id"], note, "{found}");
    let ticket = program.json("POST", &format!("{base}/invites"), &json!({}));
    assert_eq!(ticket.status, 201);
    let inside = program.json("POST", &format!("{API}/tickets/inspect"), &json!({ "ticket": ticket.json()["ticket"] }));
    assert_eq!(inside.json()["group_id"], group);
    let settings = program.json("PUT", &format!("{API}/settings/mdns"), &json!({ "values": ["off"] }));
    assert_eq!(settings.status, 200);
    assert!(std::fs::read_to_string(home.path().join("config.toml")).unwrap().contains("\nmdns = false\n"));
    assert_eq!(program.send("DELETE", &format!("{API}/settings/mdns"), &[], b"").status, 200);
    assert_eq!(program.get(&format!("{API}/settings")).json()["items"].as_array().unwrap().len(), 14);

    // Errors have the command line's code, and a status.
    for (answer, status, code) in [
        (program.get(&format!("{base}/notes/0123456789")), 404, "not_found"),
        (program.get(&format!("{API}/groups/nope")), 404, "not_found"),
        (program.get(&format!("{API}/nothing")), 404, "no_such_path"),
        (program.json("POST", &format!("{API}/status"), &json!({})), 405, "bad_method"),
        (program.json("POST", &format!("{API}/join"), &json!({ "ticket": "x" })), 422, "bad_ticket"),
        (program.json("POST", &format!("{base}/links"), &json!({ "url": "javascript:alert(1)" })), 422, "bad_input"),
        (program.json("POST", &format!("{base}/notes"), &json!({ "title": "t" })), 400, "bad_parameter"),
        (program.json("POST", &format!("{base}/notes"), &json!([])), 400, "bad_body"),
        (
            program.send("POST", &format!("{base}/notes"), &[("content-type", "application/json")], b"{"),
            400,
            "bad_body",
        ),
        (
            program.send("POST", &format!("{base}/notes"), &[("content-type", "text/plain")], b"{}"),
            415,
            "bad_media_type",
        ),
        (program.get(&format!("{base}/notes?deleted=2")), 400, "bad_parameter"),
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
    }
}

#[test]
fn bundles_go_down_and_up() {
    let (ada, bo) = (Home::new(), Home::new());
    let (ada_node, bo_node) = (ada.up(&["--name", "Ada"]), bo.up(&["--name", "Bo"]));
    let group = ada.create("G");
    ada.note("carried", "by hand");
    bo.json(&["join", ada.json(&["invite", "--no-addresses"])["ticket"].as_str().unwrap()]);
    let (from, to) = (Client::program(&ada, &ada_node), Client::program(&bo, &bo_node));
    let have = to.get(&format!("{API}/groups/{group}/bundle/have"));
    assert_eq!((have.status, have.header("content-type")), (200, Some("application/octet-stream")), "{}", have.text());
    let file = [("content-type", "application/octet-stream")];
    let bundle = from.send("POST", &format!("{API}/groups/{group}/bundle"), &file, &have.body);
    assert!(bundle.status == 200 && bundle.header("content-disposition").unwrap().contains("studymesh.bundle"));
    let taken = to.send("POST", &format!("{API}/bundles"), &file, &bundle.body);
    assert_eq!(taken.status, 200, "{}", taken.text());
    assert!(taken.json()["new"].as_u64().unwrap() > 0);
    assert_eq!(bo.titles(), ["carried"]);
    assert_eq!(to.send("POST", &format!("{API}/bundles"), &file, b"nonsense").status, 422);
    assert_eq!(std::fs::read_dir(bo.path().join("web")).unwrap().count(), 0, "nothing is left behind");
    assert_eq!(from.get(&format!("{API}/groups/{group}/bundle")).status, 200);
}

#[test]
fn a_write_is_done_once_however_often_it_is_sent() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let group = home.create("G");
    let program = Client::program(&home, &node);
    let notes = format!("{API}/groups/{group}/notes");
    let keyed = program.with("idempotency-key", "k-1");
    let first = keyed.json("POST", &notes, &json!({ "title": "once", "text": "x" }));
    let again = keyed.json("POST", &notes, &json!({ "title": "once", "text": "x" }));
    assert_eq!((first.status, again.status, first.body), (201, 201, again.body.clone()));
    assert_eq!(
        (first.headers.iter().any(|(k, _)| k == "idempotency-replayed"), again.header("idempotency-replayed")),
        (false, Some("true"))
    );
    assert_eq!(home.titles(), ["once"]);
    let other = keyed.json("POST", &notes, &json!({ "title": "twice", "text": "x" }));
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency_mismatch"));
    assert_eq!(
        program.with("idempotency-key", &"k".repeat(200)).json("POST", &notes, &json!({})).code(),
        "bad_parameter"
    );
}

#[test]
fn lists_come_in_pages_and_reads_have_tags() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let group = home.create("G");
    let program = Client::program(&home, &node);
    let base = format!("{API}/groups/{group}/notes");
    for n in 0..7 {
        assert_eq!(program.json("POST", &base, &json!({ "title": format!("n{n}"), "text": "x" })).status, 201);
    }
    let (mut titles, mut cursor) = (vec![], String::new());
    loop {
        let page = program.get(&format!("{base}?limit=3{cursor}")).json();
        titles.extend(page["items"].as_array().unwrap().iter().map(|n| n["title"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    titles.sort();
    assert_eq!(titles, home.titles());
    assert_eq!(program.get(&format!("{base}?limit=0")).code(), "bad_parameter");

    let first = program.get(&base);
    let tag = first.header("etag").unwrap();
    let unchanged = program.with("if-none-match", tag).get(&base);
    assert_eq!((unchanged.status, unchanged.body.len(), unchanged.header("etag")), (304, 0, Some(tag)));
    let note = first.json()["items"][0]["note_id"].as_str().unwrap().to_owned();
    let seen = program.get(&format!("{base}/{note}"));
    let matching = program.with("if-match", seen.header("etag").unwrap());
    let edit = |text: &str| matching.json("PUT", &format!("{base}/{note}"), &json!({ "text": text }));
    assert_eq!(edit("changed").status, 200);
    let stale = edit("changed again");
    assert_eq!((stale.status, stale.code().as_str()), (412, "stale"));
    assert_eq!(home.body(&note), "changed");
    assert_eq!(program.with("if-none-match", tag).get(&base).status, 200);
}

#[test]
fn a_client_that_was_away_sees_no_gap() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    home.create("G");
    home.note("before", "x");
    let program = Client::program(&home, &node);
    let events = format!("{API}/events");
    let list = program.get(&format!("{events}?limit=1000")).json();
    let ids =
        |lines: &[String]| -> Vec<u64> { lines.iter().filter_map(|l| l.strip_prefix("id: ")?.parse().ok()).collect() };
    let all: Vec<u64> = list["items"].as_array().unwrap().iter().map(|e| e["id"].as_u64().unwrap()).collect();
    assert!(all.len() >= 2, "{list}");

    // Resumed behind the first, the stream gives all others, and what happens from now on.
    let wanted = all.len() - 1;
    let lines = program.follow(&events, Some(&all[0].to_string()), |lines| ids(lines).len() > wanted);
    assert_eq!(ids(&lines)[1..], all[1..], "{lines:?}");
    let last = *all.last().unwrap();
    home.note("after", "x");
    let lines = program
        .follow(&events, Some(&last.to_string()), |lines| lines.iter().any(|l| l.starts_with("data: {\"data\"")));
    let fresh = ids(&lines);
    assert_eq!((fresh[0], fresh[1]), (last, last + 1), "{lines:?}");
    assert!(lines.iter().any(|l| l == "event: happened") && !lines.iter().any(|l| l == "event: reset"));
    let since = program.follow(&format!("{events}?since={last}"), None, |lines| ids(lines).len() >= 2);
    assert_eq!(ids(&since)[1], last + 1);
}

#[test]
fn a_node_alone_is_alive_and_ready_and_the_documents_are_there() {
    let home = Home::new();
    let node = home.up(&["--name", "Ada"]);
    let (stranger, program) = (Client::stranger(&node), Client::program(&home, &node));
    assert_eq!((stranger.get("/livez").status, stranger.get("/livez").json()["alive"].clone()), (200, json!(true)));
    assert_eq!((stranger.get("/readyz").status, stranger.get("/readyz").json()["ready"].clone()), (200, json!(true)));
    let document = program.get(&format!("{API}/openapi.json")).json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 40, "{}", paths.len());
    let page = program.get(&format!("{API}/docs")).text();
    assert!(page.contains("/groups/{group}/notes") && page.contains("idempotency_mismatch"));

    // Every path of the document is served, and nothing that is thrown at it makes the node fail.
    let group = home.create("G");
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys().filter(|m| !path.contains("stop") || *m == "get") {
            let mut filled = path.replace("{group}", &group);
            while let (Some(from), Some(to)) = (filled.find('{'), filled.find('}')) {
                filled.replace_range(from..=to, "%E5%AE%B9%00x");
            }
            for body in ["", "{}", "[1]", "{\"text\":1,\"name\":\"\\u0000\",\"values\":[\"\"],\"ticket\":\"\"}"] {
                if method == "get" && !body.is_empty() {
                    continue;
                }
                let leaves = method == "delete" && path == "/groups/{group}";
                if leaves {
                    continue;
                }
                let answer = program.send(
                    &method.to_uppercase(),
                    &format!("{API}{filled}"),
                    &[("content-type", "application/json")],
                    body.as_bytes(),
                );
                assert!(
                    answer.status < 500 && answer.status != 401,
                    "{method} {path} {body}: {} {}",
                    answer.status,
                    answer.text()
                );
                if answer.status >= 400 {
                    answer.code();
                }
            }
        }
    }
    assert_eq!(stranger.get("/livez").status, 200);
}

#[test]
fn a_first_run_by_forms_alone_and_a_state_in_one_click() {
    let home = Home::new();
    let node = home.up(&[]);
    let browser = Client::browser(&node);
    let start = browser.get("/").text();
    assert!(start.contains("action=\"/name\"") && !start.contains("action=\"/groups\""), "{start}");
    let named = browser.form("/name", &[("name", "Ada")]);
    assert_eq!((named.status, named.header("location")), (303, Some("/")));
    assert!(browser.get("/").text().contains("action=\"/groups\""));
    let founded =
        browser.form("/groups", &[("name", "K8s 学习组"), ("kind", "open"), ("roadmap", "cloud-native-path")]);
    assert_eq!(founded.status, 303, "{}", founded.text());
    let group = founded.header("location").unwrap().to_owned();
    let overview = browser.get(&group);
    assert!(overview.status == 200 && overview.text().contains("K8s 学习组"));

    let roadmap = browser.get(&format!("{group}/roadmaps/cloud-native-path")).text();
    assert!(roadmap.contains("<svg") && roadmap.contains("<desc") && roadmap.contains("<table"));
    let topic = format!("{group}/roadmaps/cloud-native-path/topics/docker");
    assert!(browser.get(&topic).text().contains("aria-pressed=\"true\""));
    let set = browser.form(&format!("{group}/topics/docker/progress"), &[("state", "doing"), ("back", &topic)]);
    assert_eq!((set.status, set.header("location")), (303, Some(topic.as_str())));
    assert_eq!(home.json(&["progress", "show"])["items"][0]["state"], "doing");
    assert!(browser.get(&group).text().contains("s-doing"), "the matrix shows it");
    let away =
        browser.form(&format!("{group}/topics/docker/progress"), &[("state", "done"), ("back", "//evil.example")]);
    assert_eq!(away.header("location"), Some("/"));

    // Language: the browser's, unless it was chosen.
    let zh = browser.with("accept-language", "zh-CN,zh;q=0.9");
    assert!(zh.get("/").text().contains("lang=\"zh-Hans\"") && zh.get("/").text().contains("你的小组"));
    let look = zh.form("/look", &[("lang", "en"), ("theme", "dark"), ("back", "/")]);
    assert!(look.headers.iter().filter(|(k, _)| k == "set-cookie").count() == 2, "{:?}", look.headers);
    let missing = browser.get(&format!("{group}/roadmaps/cloud-native-path/topics/nothing"));
    assert!(missing.status == 404 && missing.text().contains("nothing"));
}

#[test]
fn what_a_peer_wrote_is_text_on_every_page() {
    let home = Home::new();
    let node = home.up(&["--name", "<b>Ada</b>\"'><script>alert(1)</script>"]);
    let group =
        home.json(&["group", "create", "<img src=x onerror=alert(1)>", "--open", "--roadmap", "cloud-native-path"]);
    let group = group["group_id"].as_str().unwrap();
    home.json(&[
        "note",
        "new",
        "--title",
        "<script>alert(1)</script>",
        "--topic",
        "docker",
        "--text",
        "<script>alert(1)</script>",
    ]);
    home.json(&[
        "link",
        "add",
        "https://a.example/\"><script>alert(1)</script>",
        "--title",
        "<svg onload=alert(1)>",
        "--topic",
        "docker",
    ]);
    home.json(&["progress", "set", "docker", "doing", "--note", "<script>alert(1)</script>"]);
    let outline =
        "# <script>alert(1)</script>\n\n- <img src=x onerror=alert(1)>\n  - </title><script>alert(1)</script>\n";
    let browser = Client::browser(&node);
    let imported = browser.form(&format!("/groups/{group}/roadmap-files"), &[("name", "x.md"), ("text", outline)]);
    assert_eq!(imported.status, 303, "{}", imported.text());
    let imported = imported.header("location").unwrap().to_owned();
    for path in [
        "/".to_owned(),
        format!("/groups/{group}"),
        format!("/groups/{group}/roadmaps"),
        format!("/groups/{group}/roadmaps/cloud-native-path"),
        format!("/groups/{group}/roadmaps/cloud-native-path/topics/docker"),
        imported,
    ] {
        let html = browser.get(&path).text();
        assert!(html.contains("&lt;"), "{path} shows what was written");
        for bad in ["<script>", "<img src=x", "<svg onload", "<b>Ada"] {
            assert!(!html.contains(bad), "{path}: {bad}");
        }
    }
}
