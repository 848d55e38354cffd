//! Several devices of one person: linking, following, losing one.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use studymesh::device::message::Message as Frame;
use studymesh::device::{Code, pake};
use studymesh::model::id::Peer;
use studymesh::net;

use crate::harness::{Home, Node, PATIENCE, converge, eventually};

/// `device link` under way: the code is known, the outcome is to come.
struct Linking {
    child: Child,
    code: String,
    lines: mpsc::Receiver<String>,
}

impl Linking {
    fn begin(home: &Home) -> Self {
        let mut child = home.spawn(&["device", "link", "--json"]);
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::sync_channel(4);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let offer: Value = serde_json::from_str(&lines.recv_timeout(PATIENCE).unwrap()).unwrap();
        assert_eq!(offer["v"], 1, "{offer}");
        assert!(offer["expires_ms"].as_u64().is_some(), "{offer}");
        Self { child, code: offer["code"].as_str().unwrap().to_owned(), lines }
    }

    /// Waits for the end: the second line when it went well, and the exit status.
    fn end(mut self) -> (Option<Value>, Option<i32>) {
        let line = self.lines.recv_timeout(PATIENCE).ok();
        let status = eventually("`device link` ends", || self.child.try_wait().unwrap()).code();
        (line.map(|line| serde_json::from_str(&line).unwrap()), status)
    }
}

impl Drop for Linking {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Links a fresh device with an old one.
fn link(old: &Home, old_node: &Node, new: &Home) -> Value {
    let linking = Linking::begin(old);
    let joined = new.json(&["device", "join", &linking.code, "--at", &old_node.address(), "--timeout", "90"]);
    assert_eq!(joined["linked"], true, "{joined}");
    let (told, status) = linking.end();
    let told = told.expect("the old device is told");
    assert_eq!((status, &told["linked"]), (Some(0), &Value::Bool(true)), "{told}");
    assert_eq!(told["groups"].as_u64().unwrap() as usize, joined["groups"].as_array().unwrap().len());
    joined
}

/// A code that finds the same offer and has another secret.
fn wrong(code: &str) -> String {
    let place: String = code.chars().filter(char::is_ascii_digit).take(4).collect();
    let candidates = (0..).map(|n: u64| format!("{place}{n:07}"));
    candidates
        .flat_map(|digits| (0..10).map(move |check| format!("{digits}{check}")))
        .find(|candidate| {
            let digits: String = code.chars().filter(char::is_ascii_digit).collect();
            *candidate != digits && candidate.parse::<Code>().is_ok()
        })
        .unwrap()
}

fn members(home: &Home, group: &str) -> Vec<(String, u64)> {
    let shown = home.json(&["group", "show", "-g", group]);
    let members = shown["members"].as_array().unwrap().iter();
    members.map(|m| (m["name"].as_str().unwrap().to_owned(), m["logs"].as_u64().unwrap())).collect()
}

fn join(home: &Home, ticket: &str) {
    let joined = home.json(&["join", ticket, "--wait", "90"]);
    assert_eq!(joined["state"], "joined", "{joined}");
}

fn titles(home: &Home, group: &str) -> Vec<String> {
    let list = home.json(&["note", "list", "-g", group]);
    let mut titles: Vec<String> =
        list["items"].as_array().unwrap().iter().map(|n| n["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

fn sees(home: &Home, group: &str, wanted: &[&str]) {
    eventually(&format!("{wanted:?} in {group}"), || (titles(home, group) == wanted).then_some(()));
}

fn has(home: &Home, group: &str) -> bool {
    home.json(&["group", "list"])["items"].as_array().unwrap().iter().any(|g| g["group_id"] == group)
}

fn device<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list["items"].as_array().unwrap().iter().find(|d| d["name"] == name)
}

#[test]
fn a_new_device_is_the_same_person_in_all_groups_and_goes_on_when_the_old_one_is_away() {
    let (laptop, phone, bo) = (Home::new(), Home::new(), Home::new());
    let l = laptop.up(&["--name", "Ada"]);
    let open = laptop.create("open group");
    let closed = laptop.json(&["group", "create", "closed group", "--closed"])["group_id"].as_str().unwrap().to_owned();
    for (group, title) in [(&open, "in the open one"), (&closed, "in the closed one")] {
        laptop.json(&["note", "new", "--title", title, "--text", "x", "-g", group]);
    }
    laptop.json(&["roadmap", "add", "cloud-native-path", "-g", &closed]);
    laptop.json(&["progress", "set", "docker", "doing", "-g", &closed]);
    let b = bo.up(&["--name", "Bo", "--bootstrap", &l.address()]);
    join(&bo, laptop.json(&["invite", "-g", &closed])["ticket"].as_str().unwrap());

    // A fresh directory becomes Ada.
    let p = phone.up(&[]);
    let joined = link(&laptop, &l, &phone);
    assert_eq!(joined["person"], "Ada");
    let mut names: Vec<&str> =
        joined["groups"].as_array().unwrap().iter().map(|g| g["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["closed group", "open group"]);
    assert_eq!(phone.json(&["name"])["name"], "Ada");
    sees(&phone, &open, &["in the open one"]);
    sees(&phone, &closed, &["in the closed one"]);
    for home in [&laptop, &phone, &bo] {
        eventually("Ada has two devices and is one person", || {
            let mut members = members(home, &closed);
            members.sort();
            (members == [("Ada".into(), 2), ("Bo".into(), 1)]).then_some(())
        });
    }

    // The old device is gone; the new one writes, and Bo sees Ada.
    laptop.json(&["stop"]);
    drop(l);
    phone.json(&["note", "new", "--title", "from the phone", "--text", "x", "-g", &closed]);
    phone.json(&["progress", "set", "docker", "done", "-g", &closed]);
    drop(p);
    let _p = phone.up(&["--bootstrap", &b.address()]);
    sees(&bo, &closed, &["from the phone", "in the closed one"]);
    let progress = eventually("Bo sees Ada's progress", || {
        let list = bo.json(&["progress", "group"]);
        let docker: Vec<Value> =
            list["items"].as_array().unwrap().iter().filter(|p| p["topic_id"] == "docker").cloned().collect();
        (docker.first()?["state"] == "done").then_some(docker)
    });
    assert_eq!(progress.len(), 1, "one register per person: {progress:?}");
    assert_eq!(progress[0]["person"], "Ada");
    let history = bo.json(&["note", "list", "-g", &closed]);
    for note in history["items"].as_array().unwrap() {
        assert_eq!(note["authors"], serde_json::json!(["Ada"]), "{note}");
    }
}

#[test]
fn a_wrong_code_ends_the_offer_and_the_right_one_is_of_no_use_afterwards() {
    let (laptop, thief, phone) = (Home::new(), Home::new(), Home::new());
    let l = laptop.up(&["--name", "Ada"]);
    laptop.create("group");
    let (_t, _p) = (thief.up(&[]), phone.up(&[]));
    let at = l.address();

    // A slip is noticed where it is typed, and costs nothing.
    let linking = Linking::begin(&laptop);
    let last = linking.code.chars().last().unwrap().to_digit(10).unwrap();
    let slip = format!("{}{}", &linking.code[..linking.code.len() - 1], (last + 1) % 10);
    let (status, error) = phone.error(&["device", "join", &slip, "--at", &at]);
    assert_eq!((status, &error["code"]), (4, &"bad_input".into()), "{error}");

    // A guess is not noticed there. It costs the offer.
    let (status, error) = thief.error(&["device", "join", &wrong(&linking.code), "--at", &at, "--timeout", "90"]);
    assert_eq!((status, &error["code"]), (4, &"bad_input".into()), "{error}");
    let code = linking.code.clone();
    assert_eq!(linking.end(), (None, Some(1)));
    let (status, error) = phone.error(&["device", "join", &code, "--at", &at, "--timeout", "3"]);
    assert_eq!((status, &error["code"]), (6, &"timeout".into()), "{error}");
    for home in [&thief, &phone] {
        assert!(home.json(&["group", "list"])["items"].as_array().unwrap().is_empty());
    }

    // A new code, found without an address: the two are connected, so the one can ask the other.
    link_anywhere(&laptop, &phone);
    assert_eq!(phone.json(&["group", "list"])["items"].as_array().unwrap().len(), 1);
}

/// Links a device that is connected with the old one already.
fn link_anywhere(old: &Home, new: &Home) {
    let linking = Linking::begin(old);
    let joined = new.json(&["device", "join", &linking.code, "--timeout", "90"]);
    assert_eq!(joined["linked"], true, "{joined}");
    assert_eq!(linking.end().1, Some(0));
}

#[test]
fn there_is_one_offer_at_a_time_and_it_ends_with_its_command() {
    let laptop = Home::new();
    let (status, error) = laptop.error(&["device", "link"]);
    assert_eq!((status, &error["code"]), (1, &"not_running".into()), "{error}");
    let _l = laptop.up(&[]);
    let (status, error) = laptop.error(&["device", "link"]);
    assert_eq!((status, &error["code"]), (3, &"not_found".into()), "nothing to link to: {error}");
    laptop.create("group");
    let first = Linking::begin(&laptop);
    let (status, error) = laptop.error(&["device", "link"]);
    assert_eq!((status, &error["code"]), (5, &"locked".into()), "{error}");
    drop(first);
    eventually("the offer of a command that was killed is over", || {
        let output = laptop.run(&["device", "link", "--json", "--timeout", "0"]);
        (output.status.code() == Some(6)).then_some(())
    });
}

#[test]
fn an_expired_code_is_of_no_use() {
    let (laptop, phone) = (Home::new(), Home::new());
    let _p = phone.up(&[]);
    {
        let l = laptop.up(&[]);
        laptop.create("group");
        drop(l);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let home = studymesh::config::Home::new(laptop.path().to_owned());
        let settings = studymesh::config::Settings {
            listen: vec!["/ip4/127.0.0.1/tcp/0".into()],
            mdns: false,
            ..studymesh::config::Settings::default()
        };
        let mut node = studymesh::node::Node::start(&home, &settings).await.unwrap();
        let at = node.ready().listen[0].clone();
        let offered = node.handle().link_device(Duration::from_millis(1)).await.unwrap();
        let code = offered.code().to_string();
        let error = offered.linked().await.unwrap_err();
        assert_eq!(error.code, studymesh::api::Code::Timeout, "{error}");
        let join = tokio::task::spawn_blocking(move || {
            let (status, error) = phone.error(&["device", "join", &code, "--at", &at, "--timeout", "2"]);
            assert_eq!((status, &error["code"]), (6, &"timeout".into()), "{error}");
            assert!(phone.json(&["group", "list"])["items"].as_array().unwrap().is_empty());
        });
        join.await.unwrap();
        node.stop();
        node.ended().await.unwrap();
    });
}

#[test]
fn groups_that_come_later_follow_to_the_other_devices_and_what_is_left_stays_left() {
    let (laptop, phone, tablet) = (Home::new(), Home::new(), Home::new());
    let l = laptop.up(&["--name", "Ada"]);
    let first = laptop.create("first");
    let p = phone.up(&["--bootstrap", &l.address()]);
    link(&laptop, &l, &phone);
    let _t = tablet.up(&["--bootstrap", &p.address()]);
    // The third device is linked by the second one.
    link(&phone, &p, &tablet);

    let later = phone.json(&["group", "create", "later", "--closed"])["group_id"].as_str().unwrap().to_owned();
    phone.json(&["note", "new", "--title", "from the phone", "--text", "x", "-g", &later]);
    for home in [&laptop, &tablet] {
        eventually("the group follows", || has(home, &later).then_some(()));
        sees(home, &later, &["from the phone"]);
        eventually("all three are one person", || (members(home, &later) == [("Ada".into(), 3)]).then_some(()));
    }
    laptop.json(&["note", "new", "--title", "from the laptop", "--text", "x", "-g", &later]);
    sees(&tablet, &later, &["from the laptop", "from the phone"]);

    // Who leaves a group on one device means it.
    tablet.json(&["group", "leave", &first, "--yes"]);
    let another = laptop.create("another");
    eventually("the next one follows", || has(&tablet, &another).then_some(()));
    assert!(!has(&tablet, &first), "what was left does not come back by itself");
    assert!(has(&laptop, &first) && has(&phone, &first));
}

#[test]
fn devices_have_names_and_a_lost_one_is_removed_by_another() {
    let (laptop, phone, tablet, bo) = (Home::new(), Home::new(), Home::new(), Home::new());
    let l = laptop.up(&["--name", "Ada", "-vv"]);
    let group = laptop.json(&["group", "create", "group", "--closed"])["group_id"].as_str().unwrap().to_owned();
    laptop.json(&["device", "rename", "laptop"]);
    let p = phone.up(&["--bootstrap", &l.address()]);
    phone.json(&["device", "rename", "phone"]).as_object().unwrap();
    link(&laptop, &l, &phone);
    for (home, this) in [(&laptop, "laptop"), (&phone, "phone")] {
        let list = eventually("both devices know each other by name", || {
            let list = home.json(&["device", "list"]);
            (device(&list, "laptop").is_some() && device(&list, "phone").is_some()).then_some(list)
        });
        assert_eq!(list["items"].as_array().unwrap().len(), 2, "{list}");
        for (name, node) in [("laptop", &l), ("phone", &p)] {
            let device = device(&list, name).unwrap();
            assert_eq!(device["peer_id"], node.peer_id.as_str());
            assert_eq!((&device["this"], &device["ended"]), (&(name == this).into(), &false.into()));
        }
    }
    laptop.json(&["device", "rename", "old phone", "--device", "phone"]);
    eventually("the phone hears its new name", || device(&phone.json(&["device", "list"]), "old phone").map(|_| ()));

    let t = tablet.up(&["--bootstrap", &l.address(), "--bootstrap", &p.address(), "-vv"]);
    link(&laptop, &l, &tablet);
    let b = bo.up(&["--name", "Bo", "--bootstrap", &l.address()]);
    join(&bo, laptop.json(&["invite"])["ticket"].as_str().unwrap());
    phone.note("before it was lost", "x");
    converge(&[&laptop, &phone, &tablet, &bo]);

    // A device does not remove itself, and somebody else does not remove it.
    let (status, _) = laptop.error(&["device", "remove", "laptop", "--yes"]);
    assert_eq!(status, 7);
    let list = laptop.json(&["device", "list"]);
    let log = device(&list, "old phone").unwrap()["groups"][0]["log"].as_str().unwrap().to_owned();
    let (status, _) = bo.error(&["device", "remove", &log, "--yes", "-g", &group]);
    assert_eq!(status, 7);
    let removed = laptop.json(&["device", "remove", "old phone", "--yes"]);
    assert_eq!(removed["groups"].as_array().unwrap().len(), 1, "{removed}");
    laptop.note("after it was lost", "not for the finder");
    converge(&[&laptop, &tablet, &bo]);
    eventually("the lost device is told", || (phone.json(&["sync", "status"])["standing"] == "removed").then_some(()));
    assert_eq!(bo.titles(), ["after it was lost", "before it was lost"]);
    // Nor does the finder get a group that comes later, while another device does; and nobody takes one from the finder.
    let later = laptop.create("later");
    eventually("it follows to the tablet", || has(&tablet, &later).then_some(()));
    assert!(!has(&phone, &later));
    let theirs = phone.create("theirs");
    for home in [&laptop, &tablet] {
        eventually("the finder is refused", || {
            home.log().contains("none of this person's, or was removed").then_some(())
        });
        assert!(!has(home, &theirs));
    }
    assert!(device(&laptop.json(&["device", "list", "-g", &group]), "old phone").unwrap()["ended"] == true);
    drop((l, p, t, b));
}

#[test]
fn two_devices_that_know_only_a_meeting_point_find_each_other_by_the_code() {
    let (boot, laptop, phone) = (Home::new(), Home::new(), Home::new());
    let meeting_point = boot.up(&[]);
    let address = meeting_point.address();
    let _l = laptop.up(&["--name", "Ada", "--bootstrap", &address]);
    let group = laptop.create("group");
    let _p = phone.up(&["--bootstrap", &address]);
    link_anywhere(&laptop, &phone);
    eventually("one person", || (members(&phone, &group) == [("Ada".into(), 2)]).then_some(()));
    assert!(boot.json(&["group", "list"])["items"].as_array().unwrap().is_empty());
}

/// A peer that speaks the link protocol as it likes.
struct Stranger {
    commands: net::Commands,
    events: net::Events,
    next: u64,
    me: Peer,
}

impl Stranger {
    async fn meet(address: &str) -> Self {
        let key = [77; 32];
        let own = libp2p::identity::Keypair::ed25519_from_bytes(key).unwrap().public().to_peer_id();
        let config = net::Config { mdns: false, ..net::Config::new(key) };
        let (commands, events, _task) = net::spawn(config).unwrap();
        let me = Peer::new(&own.to_bytes()).unwrap();
        let mut stranger = Self { commands, events, next: 2, me };
        stranger.tell(net::Command::Dial { peer: None, addresses: vec![address.parse().unwrap()] }).await;
        stranger.wait(|e| matches!(e, net::Event::Connected { .. }).then_some(())).await;
        stranger
    }

    async fn tell(&self, command: net::Command) {
        self.commands.send(command).await.unwrap();
    }

    async fn wait<T>(&mut self, mut is: impl FnMut(&net::Event) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = is(&self.events.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap()
    }

    /// Opens a link stream and says one thing: what is answered, or nothing when the stream is closed.
    async fn say(&mut self, peer: &str, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let stream = self.next;
        self.next += 2;
        self.tell(net::Command::OpenLink { stream, peer: peer.parse().unwrap() }).await;
        self.wait(|e| matches!(e, net::Event::LinkOpened(s, _) if *s == stream).then_some(())).await;
        self.tell(net::Command::SendFrame { stream, bytes }).await;
        let answer = self.wait(|e| match e {
            net::Event::Frame(s, bytes) if *s == stream => Some(Some(bytes.clone())),
            net::Event::StreamClosed(s) if *s == stream => Some(None),
            _ => None,
        });
        let answer = answer.await;
        if answer.is_some() {
            self.tell(net::Command::CloseStream(stream)).await;
            self.wait(|e| matches!(e, net::Event::StreamClosed(s) if *s == stream).then_some(())).await;
        }
        answer
    }
}

#[test]
fn a_stranger_who_knocks_everywhere_and_runs_away_uses_no_attempt_up() {
    let (laptop, phone) = (Home::new(), Home::new());
    let l = laptop.up(&["--name", "Ada"]);
    laptop.create("group");
    let _p = phone.up(&[]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let linking = runtime.block_on(async {
        let mut stranger = Stranger::meet(&l.address()).await;
        let old = l.peer_id.parse::<libp2p::PeerId>().unwrap();
        let ends = pake::Ends { new: stranger.me.clone(), old: Peer::new(&old.to_bytes()).unwrap() };
        let knock = |code: &Code| pake::New::knock(code.clone(), ends.clone(), [1; 32]).1;
        // Nobody offers anything, and nothing was ever linked: closed at once, whatever is said.
        let code = Code::draw([5; 16]);
        for bytes in [knock(&code), vec![], vec![7; 65], vec![255; 1_000]] {
            assert_eq!(stranger.say(&l.peer_id, bytes).await, None);
        }
        let linking = tokio::task::block_in_place(|| Linking::begin(&laptop));
        let code: Code = linking.code.parse().unwrap();
        for bytes in [vec![], vec![7; 65], vec![255; 1_000], knock(&code)[..64].to_vec()] {
            assert_eq!(stranger.say(&l.peer_id, bytes).await, None);
        }
        // Who has guessed the place is answered, learns nothing of the rest, and has made no attempt.
        for _ in 0..20 {
            let here = stranger.say(&l.peer_id, knock(&code)).await.expect("an answer");
            assert!(matches!(Frame::decode(&here), Ok(Frame::Here { .. })));
        }
        linking
    });
    let joined = phone.json(&["device", "join", &linking.code, "--at", &l.address(), "--timeout", "90"]);
    assert_eq!(joined["linked"], true, "{joined}");
    assert_eq!(linking.end().1, Some(0));
}
