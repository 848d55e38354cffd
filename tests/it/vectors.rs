//! The test vectors of wire version 1: what `docs/protocol.md` says, as bytes.
//!
//! Each file in `tests/vectors/` is a list of `{"name", "inputs", "output"}`; every value is hex: numbers little endian in
//! the width that the protocol gives them, texts in UTF-8, lists by their indices (`supersedes.0`). The vectors are
//! frozen: `STUDYMESH_BLESS=1` writes them anew, which is a new wire version.

use std::fmt::Write;
use std::path::Path;

use data_encoding::HEXLOWER;
use studymesh::device::handover::{Giver, Taker, ToTake};
use studymesh::device::parcel::{Hello, Parcel, Say};
use studymesh::device::{Code, kin, pake};
use studymesh::engine::Handed;
use studymesh::gossip::frame;
use studymesh::log::entry::{self, Place, Signed, Verified};
use studymesh::log::header::Header;
use studymesh::log::keys::{GroupKeys, LogKey};
use studymesh::log::run::Run;
use studymesh::log::{person, seal};
use studymesh::model::action::{
    Action, Class, DeviceName, Genesis, GroupKind, GroupName, LinkAdd, LinkRead, LinkSet, LinkVote, NoteEdit, NoteNew,
    NoteSet, Profile, Progress, RoadmapEdit, RoadmapMeta, TopicPut, TopicState,
};
use studymesh::model::id::{EntryId, EpochId, GroupId, LinkId, LogId, NoteId, Peer};
use studymesh::model::link;
use studymesh::model::roadmap::{Localized, Topic, TopicKind};
use studymesh::model::text::{CharRef, OWN, Side, TextEdit, TextOp};
use studymesh::model::ticket::{Address, Ticket, TicketPeer};
use studymesh::model::time::Hlc;
use studymesh::model::wire::Reader;
use studymesh::sync::bundle::{Begin, HEAD_BYTES, Kind, Writer};
use studymesh::sync::handshake::{self, Ends, Summary};
use studymesh::sync::index::{Index, Key, Range, Tip};
use studymesh::sync::message::{Answer, EndStatus, Message, Told, Want, put_told};

/// One vector.
struct Vector {
    name: String,
    inputs: Inputs,
    output: Vec<u8>,
}

impl Vector {
    fn new(name: &str, inputs: &[(&str, &[u8])], output: impl Into<Vec<u8>>) -> Self {
        let inputs = inputs.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        Self { name: name.to_owned(), inputs, output: output.into() }
    }
}

/// Named bytes, as they stand in a vector.
type Inputs = Vec<(String, Vec<u8>)>;
type BorrowedInputs = Vec<(&'static str, Vec<u8>)>;

/// Checks that a payload is sealed as it is, so that its vector does not depend on a compressor.
fn stays_plain(payload: &[u8]) {
    assert!(payload.len() < 128 || miniz_oxide::deflate::compress_to_vec(payload, 6).len() >= payload.len());
}

/// Compares a file with what the code makes, or writes it.
fn check(file: &str, vectors: &[Vector]) {
    let mut text = String::from("[\n");
    for (n, vector) in vectors.iter().enumerate() {
        let inputs: Vec<String> =
            vector.inputs.iter().map(|(name, bytes)| format!("\"{name}\": \"{}\"", HEXLOWER.encode(bytes))).collect();
        let end = if n + 1 == vectors.len() { "" } else { "," };
        let (name, output) = (&vector.name, HEXLOWER.encode(&vector.output));
        let inputs = inputs.join(", ");
        writeln!(text, "  {{\"name\": \"{name}\", \"inputs\": {{{inputs}}}, \"output\": \"{output}\"}}{end}").unwrap();
    }
    text.push_str("]\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    if std::env::var_os("STUDYMESH_BLESS").is_some_and(|bless| bless == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    let frozen = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    for (n, (frozen, made)) in frozen.lines().zip(text.lines()).enumerate() {
        assert_eq!(frozen, made, "{file}, line {}: the wire format changed", n + 1);
    }
    assert_eq!(frozen.lines().count(), text.lines().count(), "{file}: vectors came or went");
}

const SEED: [u8; 16] = [0x11; 16];

/// Bytes that do not compress, so that no vector but those in `compressed.json` depends on a compressor.
fn noise(n: u8) -> [u8; 32] {
    *blake3::hash(&[n]).as_bytes()
}

fn group() -> GroupId {
    GroupId(noise(0x22))
}

fn keys() -> GroupKeys {
    GroupKeys::from_seed(&SEED)
}

fn log_key() -> LogKey {
    LogKey::from_seed(&[0x33; 32])
}

/// Ascending, as a header must name them.
fn heads() -> Vec<EntryId> {
    let mut heads = vec![EntryId(noise(0x55)), EntryId(noise(0x66))];
    heads.sort();
    heads
}

fn place(seq: u64) -> Place {
    Place {
        group: group(),
        seq,
        prev: if seq == 0 { EntryId::ZERO } else { EntryId(noise(0x44)) },
        control_heads: heads(),
    }
}

fn profile() -> Action {
    Action::Profile(Profile { name: "小明 Ada".into(), supersedes: vec![EntryId(noise(0x77))] })
}

fn written(place: Place) -> Verified {
    entry::write(&log_key(), &keys(), place, Hlc::new(1_700_000_000_000, 5), &profile(), [0x88; 24]).unwrap()
}

#[test]
fn keys_are_derived_as_frozen() {
    let keys = keys();
    let derive = |label: &str, from: &[u8]| blake3::derive_key(label, from);
    let discovery = derive("studymesh 2026 v1 discovery secret", &SEED);
    // The page's labels against the code's.
    assert_eq!(derive("studymesh 2026 v1 gossip topic", &discovery), keys.gossip_topic().0);
    assert_eq!(derive("studymesh 2026 v1 dht key", &discovery), keys.dht_key().0);
    let body_key = |class| *keys.body_key(class, EpochId::ZERO).unwrap().as_bytes();
    assert_eq!(derive("studymesh 2026 v1 control key", &SEED), body_key(Class::Control));
    assert_eq!(derive("studymesh 2026 v1 content key", &SEED), body_key(Class::Content));
    let log = log_key();
    let signed = [&[17][..], b"studymesh/1 entry", &noise(0x99)].concat();
    check(
        "keys.json",
        &[
            Vector::new("discovery secret", &[("seed", &SEED)], discovery),
            Vector::new("control key", &[("seed", &SEED)], body_key(Class::Control)),
            Vector::new("content key of the zero epoch", &[("seed", &SEED)], body_key(Class::Content)),
            Vector::new("gossip topic", &[("seed", &SEED)], keys.gossip_topic().0),
            Vector::new("dht key", &[("seed", &SEED)], keys.dht_key().0),
            Vector::new("gossip frame key", &[("seed", &SEED)], *keys.gossip_key().as_bytes()),
            Vector::new("log id", &[("log_key", &log.to_seed())], log.id().0),
            Vector::new(
                "signature of an entry",
                &[("log_key", &log.to_seed()), ("id", &noise(0x99)), ("message", &signed)],
                log.sign_entry(EntryId(noise(0x99))),
            ),
            Vector::new(
                "signature of a next log",
                &[("log_key", &log.to_seed()), ("group", &group().0), ("next", &noise(0x99))],
                log.sign_next_log(group(), LogId(noise(0x99))),
            ),
            Vector::new(
                "signature of a transport key",
                &[("transport_key", &log.to_seed()), ("group", &group().0), ("log", &noise(0x99))],
                log.sign_transport(group(), LogId(noise(0x99))),
            ),
            Vector::new(
                "signature of a session",
                &[("log_key", &log.to_seed()), ("transcript", &noise(0x99))],
                log.sign_session(&noise(0x99)),
            ),
        ],
    );
}

#[test]
fn headers_and_ids_are_as_frozen() {
    let plain = Header {
        group: group(),
        log: log_key().id(),
        seq: 7,
        prev: EntryId(noise(0x44)),
        class: Class::Content,
        control_heads: heads(),
        epoch: EpochId(noise(0x12)),
        time: Hlc::new(1_700_000_000_000, 5),
        body_len: 1_000,
        body_hash: [0x13; 32],
    };
    let genesis = Header {
        group: GroupId::ZERO,
        seq: 0,
        prev: EntryId::ZERO,
        class: Class::Control,
        control_heads: vec![],
        epoch: EpochId::ZERO,
        ..plain.clone()
    };
    let mut vectors = vec![];
    for (name, header) in [("content", &plain), ("genesis", &genesis)] {
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes).as_ref(), Ok(header));
        let heads: Vec<u8> = header.control_heads.iter().flat_map(|h| h.0).collect();
        let inputs: [(&str, &[u8]); 10] = [
            ("group", &header.group.0),
            ("log", &header.log.0),
            ("seq", &header.seq.to_le_bytes()),
            ("prev", &header.prev.0),
            ("class", &[header.class as u8]),
            ("control_heads", &heads),
            ("epoch", &header.epoch.0),
            ("time", &header.time.to_bits().to_le_bytes()),
            ("body_length", &header.body_len.to_le_bytes()),
            ("body_hash", &header.body_hash),
        ];
        vectors.push(Vector::new(&format!("header, {name}"), &inputs, bytes.clone()));
        vectors.push(Vector::new(&format!("entry id, {name}"), &[("header", &bytes)], header.id().0));
    }
    let bytes = genesis.encode();
    vectors.push(Vector::new("group id", &[("header", &bytes)], entry::group_id(&bytes).0));
    check("headers.json", &vectors);
}

#[test]
fn bodies_and_entries_are_as_frozen() {
    let key = seal::Key::new([0x21; 32]);
    let long: Vec<u8> = (0..10).flat_map(noise).collect();
    let payloads: [(&str, &[u8]); 3] = [("short", b"payload"), ("empty", b""), ("long", &long)];
    let mut vectors = vec![];
    for (name, payload) in payloads {
        stays_plain(payload);
        let body = seal::seal(&key, 33, 1, payload, b"associated", [0x88; 24]).unwrap();
        let opened = seal::open(&key, &body, b"associated").unwrap();
        assert_eq!((opened.kind, opened.version, &opened.payload[..]), (33, 1, payload));
        let inputs: [(&str, &[u8]); 6] = [
            ("key", key.as_bytes()),
            ("kind", &33u16.to_le_bytes()),
            ("version", &[1]),
            ("payload", payload),
            ("associated", b"associated"),
            ("nonce", &[0x88; 24]),
        ];
        vectors.push(Vector::new(&format!("body, {name}"), &inputs, body));
    }
    for (name, len) in [("64", 64usize), ("65", 65), ("1000", 1_000), ("49112", 49_112)] {
        let padded = seal::padded_len(len).min(seal::MAX_PLAINTEXT_BYTES) as u64;
        vectors.push(Vector::new(
            &format!("padded length of {name}"),
            &[("length", &(len as u64).to_le_bytes())],
            padded.to_le_bytes(),
        ));
    }
    let entry = written(place(7));
    let read = Signed::decode(&entry.encode()).unwrap().verify().unwrap();
    assert_eq!(keys().open(&read.header, &read.body), Ok(profile()));
    let inputs: [(&str, &[u8]); 5] = [
        ("seed", &SEED),
        ("log_key", &log_key().to_seed()),
        ("nonce", &[0x88; 24]),
        ("kind", &16u16.to_le_bytes()),
        ("payload", &profile().encode()),
    ];
    vectors.push(Vector::new("entry", &inputs, entry.encode()));
    check("entries.json", &vectors);
}

/// What a compressor makes may change with its version; what has been made must open for ever.
#[test]
fn compressed_seals_open_as_frozen() {
    let key = seal::Key::new([0x21; 32]);
    let text = "学习 goroutine ".repeat(40);
    let make = || seal::seal(&key, 33, 1, text.as_bytes(), b"associated", [0x88; 24]).unwrap();
    let body = frozen("body").unwrap_or_else(make);
    assert!(body.len() < text.len());
    assert_eq!(seal::open(&key, &body, b"associated").unwrap().payload, text.as_bytes());
    let inputs: [(&str, &[u8]); 6] = [
        ("key", key.as_bytes()),
        ("kind", &33u16.to_le_bytes()),
        ("version", &[1]),
        ("payload", text.as_bytes()),
        ("associated", b"associated"),
        ("nonce", &[0x88; 24]),
    ];

    let (keys, entry) = (keys(), written(place(7)));
    let topic = keys.gossip_topic();
    let of_entry =
        frozen("gossip frame, 1 entry").unwrap_or_else(|| frame::entry(&keys, topic, &entry, [0x81; 24]).unwrap());
    let Ok(frame::Frame::Entry(opened)) = frame::open(&keys, topic, &of_entry) else { panic!("it does not open") };
    assert_eq!(opened.verify().as_ref(), Ok(&entry));
    let frame_inputs: [(&str, &[u8]); 3] = [("seed", &SEED), ("nonce", &[0x81; 24]), ("entry", &entry.encode())];
    let vectors = [Vector::new("body", &inputs, body), Vector::new("gossip frame, 1 entry", &frame_inputs, of_entry)];
    check("compressed.json", &vectors);
}

/// The output of a vector that was made with some compressor, if it is there.
fn frozen(name: &str) -> Option<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/compressed.json");
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.contains(&format!("\"name\": \"{name}\"")))?;
    let (_, output) = line.split_once("\"output\": \"")?;
    HEXLOWER.decode(output.split_once('"')?.0.as_bytes()).ok()
}

/// The bytes of ids, one after another.
fn ids(prefix: &str, ids: &[EntryId]) -> Inputs {
    ids.iter().enumerate().map(|(n, id)| (format!("{prefix}.{n}"), id.0.to_vec())).collect()
}

fn edit() -> (TextEdit, Inputs) {
    let edit = TextEdit {
        refs: vec![EntryId(noise(0x31))],
        ops: vec![
            TextOp::Insert { parent: None, side: Side::Right, text: "学习".into() },
            TextOp::Insert { parent: Some(CharRef { entry: 0, offset: 300 }), side: Side::Left, text: "Go".into() },
            TextOp::Insert { parent: Some(CharRef { entry: OWN, offset: 1 }), side: Side::Right, text: "🦀".into() },
            TextOp::Delete { entry: 0, offset: 5, len: 70 },
        ],
    };
    let mut inputs = ids("refs", &edit.refs);
    let mut put = |name: &str, bytes: &[u8]| inputs.push((name.to_owned(), bytes.to_vec()));
    put("ops.0.insert.text", "学习".as_bytes());
    put("ops.1.insert.parent.entry", &0u16.to_le_bytes());
    put("ops.1.insert.parent.offset", &300u32.to_le_bytes());
    put("ops.1.insert.side", &[0]);
    put("ops.1.insert.text", b"Go");
    put("ops.2.insert.parent.entry", &OWN.to_le_bytes());
    put("ops.2.insert.parent.offset", &1u32.to_le_bytes());
    put("ops.2.insert.side", &[1]);
    put("ops.2.insert.text", "🦀".as_bytes());
    put("ops.3.delete.entry", &0u16.to_le_bytes());
    put("ops.3.delete.offset", &5u32.to_le_bytes());
    put("ops.3.delete.length", &70u32.to_le_bytes());
    (edit, inputs)
}

fn actions() -> Vec<(&'static str, Action, Inputs)> {
    let mut all = vec![];
    let seen = vec![EntryId(noise(0x41)), EntryId(noise(0x42))];
    let mut add = |name, action, fields: &[(&str, &[u8])], more: Inputs| {
        let mut inputs: Inputs = fields.iter().map(|(n, b)| ((*n).to_owned(), b.to_vec())).collect();
        inputs.extend(more);
        all.push((name, action, inputs));
    };
    let supersedes = || ids("supersedes", &seen);
    add(
        "Genesis",
        Action::Genesis(Genesis { kind: GroupKind::Closed, salt: [0x43; 16] }),
        &[("kind", &[1]), ("salt", &[0x43; 16])],
        vec![],
    );
    let transport = LogKey::from_seed(&[0x44; 32]);
    let first = LogKey::from_seed(&[0x45; 32]);
    let endorse = person::endorse(group(), &log_key(), &transport, std::slice::from_ref(&first));
    let inputs: [(&str, &[u8]); 4] = [
        ("group", &group().0),
        ("log_key", &log_key().to_seed()),
        ("transport_key", &transport.to_seed()),
        ("person.0.log_key", &first.to_seed()),
    ];
    add("Endorse", Action::Endorse(endorse), &inputs, vec![]);
    let name = "小明 Ada";
    add(
        "Profile",
        Action::Profile(Profile { name: name.into(), supersedes: seen.clone() }),
        &[("name", name.as_bytes())],
        supersedes(),
    );
    add(
        "GroupName",
        Action::GroupName(GroupName { name: name.into(), supersedes: vec![] }),
        &[("name", name.as_bytes())],
        vec![],
    );
    add(
        "DeviceName",
        Action::DeviceName(DeviceName { log: LogId([0x48; 32]), name: name.into(), supersedes: seen.clone() }),
        &[("log", &[0x48; 32]), ("name", name.as_bytes())],
        supersedes(),
    );
    let (edit, edit_inputs) = edit();
    let new = NoteNew {
        title: "标题".into(),
        topic: Some("raft".into()),
        tags: vec!["a".into(), "共识".into()],
        text: edit.clone(),
    };
    let fields: [(&str, &[u8]); 4] =
        [("title", "标题".as_bytes()), ("topic", b"raft"), ("tags.0", b"a"), ("tags.1", "共识".as_bytes())];
    add("NoteNew", Action::NoteNew(new), &fields, edit_inputs.clone());
    let note = NoteId(noise(0x46));
    let builds_on = NoteEdit { note, builds_on: seen.clone(), edit };
    add("NoteEdit", Action::NoteEdit(builds_on), &[("note", &note.0)], [ids("builds_on", &seen), edit_inputs].concat());
    let set = NoteSet {
        note,
        title: Some("t".into()),
        topic: None,
        tags: Some(vec![]),
        deleted: Some(true),
        supersedes: seen.clone(),
    };
    let fields: [(&str, &[u8]); 4] = [("note", &note.0), ("title", b"t"), ("tags.count", &[0]), ("deleted", &[1])];
    add("NoteSet", Action::NoteSet(set), &fields, supersedes());
    let url = "https://go.dev/doc";
    let link_add = LinkAdd {
        url: url.into(),
        title: "Go".into(),
        tags: vec!["go".into()],
        topic: String::new(),
        supersedes: vec![],
    };
    let fields: [(&str, &[u8]); 4] = [("url", url.as_bytes()), ("title", b"Go"), ("tags.0", b"go"), ("topic", b"")];
    add("LinkAdd", Action::LinkAdd(link_add), &fields, vec![]);
    let link = LinkId(noise(0x47));
    let set = LinkSet {
        link,
        title: None,
        tags: None,
        topic: Some("raft".into()),
        removed: Some(false),
        supersedes: seen.clone(),
    };
    add("LinkSet", Action::LinkSet(set), &[("link", &link.0), ("topic", b"raft"), ("removed", &[0])], supersedes());
    let vote = LinkVote { link, up: true, supersedes: seen.clone() };
    add("LinkVote", Action::LinkVote(vote), &[("link", &link.0), ("up", &[1])], supersedes());
    let read = LinkRead { link, read: false, supersedes: vec![] };
    add("LinkRead", Action::LinkRead(read), &[("link", &link.0), ("read", &[0])], vec![]);
    add("RoadmapEdit", Action::RoadmapEdit(roadmap(&seen)), &ROADMAP, supersedes());
    let progress = Progress {
        topic: "raft".into(),
        state: TopicState::Done,
        minutes: 300,
        evidence: Some(url.into()),
        remark: Some("懂了".into()),
        supersedes: seen.clone(),
    };
    let fields: [(&str, &[u8]); 5] = [
        ("topic", b"raft"),
        ("state", &[2]),
        ("minutes", &300u32.to_le_bytes()),
        ("evidence", url.as_bytes()),
        ("remark", "懂了".as_bytes()),
    ];
    add("Progress", Action::Progress(progress), &fields, supersedes());
    all
}

const ROADMAP: [(&str, &[u8]); 22] = [
    ("roadmap", b"cloud"),
    ("meta.title.en", b"Cloud"),
    ("meta.title.zh", "云".as_bytes()),
    ("meta.description.en", b""),
    ("meta.description.zh", b""),
    ("meta.removed", &[0]),
    ("topics.0.id", b"pods"),
    ("topics.0.title.en", b"Pods"),
    ("topics.0.title.zh", b""),
    ("topics.0.description.en", b"What runs"),
    ("topics.0.description.zh", b""),
    ("topics.0.parent", b"k8s"),
    ("topics.0.kind", &[2]),
    ("topics.0.after.0", b"containers"),
    ("topics.0.links.0", b"https://kubernetes.io/"),
    ("topics.0.aliases.0", b"pod"),
    ("topics.0.months.0", &[3]),
    ("topics.0.months.1", &[255]),
    ("topics.0.order", &[7, 0, 0, 0]),
    ("topics.1.id", b"old"),
    ("topics.1.removed", &[1]),
    ("topics.count", &[2]),
];

fn roadmap(seen: &[EntryId]) -> RoadmapEdit {
    let pods = Topic {
        id: "pods".into(),
        title: Localized::en("Pods"),
        description: Localized::en("What runs"),
        parent: Some("k8s".into()),
        kind: TopicKind::Practice,
        after: vec!["containers".into()],
        links: vec!["https://kubernetes.io/".into()],
        aliases: vec!["pod".into()],
        months: Some((3, 255)),
        order: 7,
    };
    RoadmapEdit {
        roadmap: "cloud".into(),
        meta: Some(RoadmapMeta {
            title: Localized { en: "Cloud".into(), zh: "云".into() },
            description: Localized::default(),
            removed: false,
        }),
        topics: vec![TopicPut { id: "pods".into(), topic: Some(pods) }, TopicPut { id: "old".into(), topic: None }],
        supersedes: seen.to_vec(),
    }
}

#[test]
fn payloads_of_every_kind_are_as_frozen() {
    let vectors: Vec<Vector> = actions()
        .into_iter()
        .map(|(name, action, inputs)| {
            let (kind, version) = action.kind();
            let output = action.encode();
            assert_eq!(Action::decode(kind, version, &output), Ok(action), "{name}");
            Vector { name: format!("{kind} {name}"), inputs, output }
        })
        .collect();
    assert_eq!(vectors.len(), 14, "every kind");
    check("payloads.json", &vectors);
}

/// A few entries of one log, the first of them its genesis.
fn run_headers() -> Vec<Header> {
    let mut headers: Vec<Header> = vec![];
    for seq in 0..3u64 {
        let prev = headers.last().map_or(EntryId::ZERO, Header::id);
        headers.push(Header {
            group: if seq == 0 { GroupId::ZERO } else { group() },
            log: log_key().id(),
            seq,
            prev,
            class: if seq < 2 { Class::Control } else { Class::Content },
            control_heads: if seq == 0 { vec![] } else { vec![headers[0].id()] },
            epoch: if seq == 2 { EpochId(noise(0x51)) } else { EpochId::ZERO },
            time: Hlc::new(1_700_000_000_000 - 1_000 * seq, seq as u16),
            body_len: 100 + seq as u32,
            body_hash: [0x52; 32],
        });
    }
    headers
}

#[test]
fn runs_are_as_frozen() {
    let headers = run_headers();
    let run = Run::new(&headers, log_key().sign_entry(headers[2].id()));
    let mut bytes = vec![];
    run.encode_into(&mut bytes);
    let read = Run::decode(Reader::new(&bytes)).unwrap().verify(group()).unwrap();
    assert_eq!(read.iter().map(|a| a.header.clone()).collect::<Vec<_>>(), headers);
    let inputs: Inputs =
        [("group".to_owned(), group().0.to_vec()), ("log_key".to_owned(), log_key().to_seed().to_vec())]
            .into_iter()
            .chain(headers.iter().enumerate().map(|(n, h)| (format!("headers.{n}"), h.encode())))
            .collect();
    check("runs.json", &[Vector { name: "run".into(), inputs, output: bytes }]);
}

#[test]
fn sync_messages_are_as_frozen() {
    let tip = |n: u8| Tip { seq: u64::from(n), id: EntryId([n; 32]) };
    let key = Key { log: LogId(noise(0x61)), id: EntryId(noise(0x62)) };
    let headers = run_headers();
    let run = Run::new(&headers[1..], log_key().sign_entry(headers[2].id()));
    let mut run_bytes = vec![];
    run.encode_into(&mut run_bytes);
    let (n, p, s) = ([0x63; 32], [0x64; 32], vec![0x65; 10]);
    let told = [Told { peer: vec![0x66; 38], addresses: vec![vec![0x67; 8], vec![0x68; 9]] }];
    let mut told_bytes = vec![];
    put_told(&mut told_bytes, &told);
    let tip_bytes = |n: u8| [&u64::from(n).to_le_bytes()[..], &[n; 32]].concat();
    let messages: Vec<(&str, Message, BorrowedInputs)> = vec![
        (
            "1 Hello",
            Message::Hello { nonce: n, proof: p, sealed: s.clone() },
            vec![("nonce", n.to_vec()), ("proof", p.to_vec()), ("sealed", s.clone())],
        ),
        (
            "2 Welcome",
            Message::Welcome { nonce: n, proof: p, sealed: s.clone() },
            vec![("nonce", n.to_vec()), ("proof", p.to_vec()), ("sealed", s)],
        ),
        (
            "3 Identify",
            Message::Identify { log: LogId(n), signature: [0x69; 64] },
            vec![("log", n.to_vec()), ("signature", vec![0x69; 64])],
        ),
        (
            "4 Ask",
            Message::Ask(vec![Range { lo: Key::ZERO, hi: key }, Range { lo: key, hi: Key::ZERO }]),
            vec![("boundary.log", key.log.0.to_vec()), ("boundary.id", key.id.0.to_vec())],
        ),
        (
            "5 Answers, a split",
            Message::Answers(vec![Answer::Split(vec![(key, [0x6a; 16]), (Key::ZERO, [0x6b; 16])])]),
            vec![
                ("boundary.log", key.log.0.to_vec()),
                ("boundary.id", key.id.0.to_vec()),
                ("fingerprints", [[0x6a; 16], [0x6b; 16]].concat()),
            ],
        ),
        (
            "5 Answers, leaves",
            Message::Answers(vec![Answer::Leaves(vec![
                (LogId([1; 32]), tip(5)),
                (LogId([1; 32]), tip(6)),
                (LogId([2; 32]), tip(3)),
            ])]),
            vec![
                ("tips.0.log", vec![1; 32]),
                ("tips.0", tip_bytes(5)),
                ("tips.1.log", vec![1; 32]),
                ("tips.1", tip_bytes(6)),
                ("tips.2.log", vec![2; 32]),
                ("tips.2", tip_bytes(3)),
            ],
        ),
        (
            "6 Want",
            Message::Want(vec![Want { log: LogId([1; 32]), tip: tip(9), have: vec![tip(8), tip(7)] }]),
            vec![("log", vec![1; 32]), ("tip", tip_bytes(9)), ("have.0", tip_bytes(8)), ("have.1", tip_bytes(7))],
        ),
        ("7 Run", Message::Run { bodies: 1, run }, vec![("bodies", 1u16.to_le_bytes().to_vec()), ("run", run_bytes)]),
        (
            "8 Bodies",
            Message::Bodies(vec![vec![0x6c; 3], vec![0x6d; 4]]),
            vec![("bodies.0", vec![0x6c; 3]), ("bodies.1", vec![0x6d; 4])],
        ),
        ("9 End, complete", Message::End(EndStatus::Complete), vec![("status", vec![0])]),
        ("9 End, not held", Message::End(EndStatus::Unknown), vec![("status", vec![1])]),
        ("9 End, samples needed", Message::End(EndStatus::NeedSamples), vec![("status", vec![2])]),
        (
            "10 Finish",
            Message::Finish { fingerprint: n, entries: 300 },
            vec![("fingerprint", n.to_vec()), ("entries", 300u64.to_le_bytes().to_vec())],
        ),
    ];
    let mut vectors: Vec<Vector> = messages
        .into_iter()
        .map(|(name, message, inputs)| {
            let output = message.encode();
            assert_eq!(Message::decode(&output).as_ref(), Ok(&message), "{name}");
            let inputs = inputs.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
            Vector { name: name.to_owned(), inputs, output }
        })
        .collect();
    let inputs: [(&str, &[u8]); 3] =
        [("peer", &told[0].peer), ("address.0", &told[0].addresses[0]), ("address.1", &told[0].addresses[1])];
    vectors.push(Vector::new("list of told peers", &inputs, told_bytes));
    check("sync.json", &vectors);
}

#[test]
fn the_handshake_is_as_frozen() {
    let keys = keys();
    let (puller, server) = (Peer::new(&[0x71; 38]).unwrap(), Peer::new(&[0x72; 34]).unwrap());
    let ends = Ends { puller: &puller, server: &server };
    let (mine, theirs) =
        (Summary { fingerprint: noise(0x73), entries: 10 }, Summary { fingerprint: noise(0x74), entries: 300 });
    let (puller_log, server_log) = (LogKey::from_seed(&[0x75; 32]), LogKey::from_seed(&[0x76; 32]));
    let told = [Told { peer: noise(0x77).to_vec(), addresses: vec![noise(0x78)[..8].to_vec()] }];
    let mut told_bytes = vec![];
    put_told(&mut told_bytes, &told);

    let hello = handshake::hello(&keys, ends, [0x79; 32], mine, &puller_log);
    let key = (EpochId([0x7b; 32]), [noise(0x7c), noise(0x7d), noise(0x7e)].concat()[..80].to_vec());
    let says = handshake::Welcome {
        summary: Some(theirs),
        told: told.to_vec(),
        keys: vec![key.clone()],
        ..handshake::Welcome::default()
    };
    let (welcome, transcript) = handshake::welcome(&keys, ends, &[0x79; 32], [0x7a; 32], &server_log, &says);
    let identify = handshake::identify(&puller_log, &transcript);
    let Message::Hello { nonce, proof, sealed } = &hello else { unreachable!() };
    let greeting = handshake::open_hello(&keys, ends, nonce, proof, sealed).unwrap();
    assert_eq!(greeting.agrees, handshake::agreement(&keys, nonce, mine));
    assert_eq!((greeting.holds, greeting.log), (handshake::holdings(&keys, nonce), puller_log.id()));
    let Message::Welcome { nonce: second, proof, sealed } = &welcome else { unreachable!() };
    let proven = handshake::open_welcome(&keys, ends, nonce, second, proof, sealed).unwrap();
    assert_eq!((proven.summary, proven.welcome), (theirs, says));
    let Message::Identify { log, signature } = &identify else { unreachable!() };
    handshake::open_identify(*log, signature, &transcript).unwrap();

    let both: [(&str, &[u8]); 3] = [("seed", &SEED), ("puller", puller.as_bytes()), ("server", server.as_bytes())];
    let summary = |s: Summary| [&s.fingerprint[..], &s.entries.to_le_bytes()].concat();
    let (mine, theirs) = (summary(mine), summary(theirs));
    let signed = [&server_log.id().0[..], &server_log.sign_session(&transcript)].concat();
    let welcomed = [&signed[..], &[0; 5], &theirs, &[1, 0], &key.0.0, &key.1, &told_bytes].concat();
    stays_plain(&welcomed);
    let with = |more: &[(&'static str, Vec<u8>)]| -> Inputs {
        let both = both.iter().map(|(n, b)| ((*n).to_owned(), b.to_vec()));
        both.chain(more.iter().map(|(n, b)| ((*n).to_owned(), b.clone()))).collect()
    };
    let nonces = [("hello_nonce", vec![0x79; 32]), ("welcome_nonce", vec![0x7a; 32])];
    let welcome_inputs = [
        &nonces[..],
        &[
            ("summary", theirs),
            ("log_key", server_log.to_seed().to_vec()),
            ("epoch", key.0.0.to_vec()),
            ("sealed_key", key.1),
            ("told", told_bytes),
        ],
    ]
    .concat();
    let identify_inputs = [("transcript", transcript.to_vec()), ("log_key", puller_log.to_seed().to_vec())];
    let vectors = [
        Vector {
            name: "hello".into(),
            inputs: with(&[("nonce", vec![0x79; 32]), ("summary", mine), ("log_key", puller_log.to_seed().to_vec())]),
            output: hello.encode(),
        },
        Vector { name: "transcript".into(), inputs: with(&nonces), output: transcript.to_vec() },
        Vector { name: "welcome".into(), inputs: with(&welcome_inputs), output: welcome.encode() },
        Vector { name: "identify".into(), inputs: with(&identify_inputs), output: identify.encode() },
    ];
    check("handshake.json", &vectors);
}

#[test]
fn gossip_frames_are_as_frozen() {
    let keys = keys();
    let topic = keys.gossip_topic();
    let of_heads = frame::heads(&keys, topic, [0x82; 32], 300, [0x83; 24]);
    assert_eq!(frame::open(&keys, topic, &of_heads), Ok(frame::Frame::Heads { fingerprint: [0x82; 32], entries: 300 }));
    let inputs: [(&str, &[u8]); 4] =
        [("seed", &SEED), ("nonce", &[0x83; 24]), ("fingerprint", &[0x82; 32]), ("entries", &300u64.to_le_bytes())];
    check("gossip.json", &[Vector::new("2 heads", &inputs, of_heads)]);
}

#[test]
fn fingerprints_are_as_frozen() {
    let mut index = Index::default();
    let mut vectors = vec![Vector::new("group, nothing", &[], index.fingerprint())];
    let tips: [(u8, u64, u8); 4] = [(2, 5, 9), (1, 0, 3), (2, 7, 8), (4, 4_000_000_000, 1)];
    for (log, seq, id) in tips {
        index.insert(LogId([log; 32]), Tip { seq, id: EntryId([id; 32]) });
    }
    let mut inputs = vec![];
    for (n, (log, tip)) in index.leaves(Range::ALL).enumerate() {
        inputs.push((format!("tips.{n}.log"), log.0.to_vec()));
        inputs.push((format!("tips.{n}.seq"), tip.seq.to_le_bytes().to_vec()));
        inputs.push((format!("tips.{n}.id"), tip.id.0.to_vec()));
    }
    vectors.push(Vector { name: "group".into(), inputs: inputs.clone(), output: index.fingerprint().to_vec() });
    let key = |log: u8, id: u8| Key { log: LogId([log; 32]), id: EntryId([id; 32]) };
    let range = Range { lo: key(2, 9), hi: key(4, 2) };
    let bounds: [(&str, [u8; 32]); 4] =
        [("lo.log", range.lo.log.0), ("lo.id", range.lo.id.0), ("hi.log", range.hi.log.0), ("hi.id", range.hi.id.0)];
    inputs.extend(bounds.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())));
    vectors.push(Vector { name: "range".into(), inputs, output: index.range_fingerprint(range).to_vec() });
    check("fingerprints.json", &vectors);
}

#[test]
fn bundles_are_as_frozen() {
    let begin = Begin { group: group(), entries: 2 };
    let headers = run_headers();
    let run = Message::Run { bodies: 2, run: Run::new(&headers, [0xb2; 64]) };
    let bodies = Message::Bodies(vec![vec![0xb3; 5], vec![0xb4; 7]]);
    let mut bundle = Writer::new(&keys(), Kind::Bundle, begin, [0xb1; 32]);
    bundle.push_message(&run);
    bundle.push_message(&bodies);
    let bundle = bundle.finish();
    let tip = Tip { seq: 300, id: EntryId([0xb5; 32]) };
    let mut have = Writer::new(&keys(), Kind::Have, begin, [0xb1; 32]);
    have.push_have(LogId([0xb6; 32]), &[tip]);
    let have = have.finish();
    let shared = [
        ("seed", SEED.to_vec()),
        ("nonce", vec![0xb1; 32]),
        ("group", group().0.to_vec()),
        ("entries", 2u64.to_le_bytes().to_vec()),
    ];
    let shared: Inputs = shared.map(|(name, bytes)| (name.to_owned(), bytes)).into();
    let with = |more: &[(&str, Vec<u8>)]| -> Inputs {
        shared.iter().cloned().chain(more.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone()))).collect()
    };
    let parts = [("records.0.run", run.encode()), ("records.1.bodies", bodies.encode())];
    let positions = [
        ("records.0.have.log", vec![0xb6; 32]),
        ("records.0.have.0.seq", 300u64.to_le_bytes().to_vec()),
        ("records.0.have.0.id", vec![0xb5; 32]),
    ];
    let hash = |file: &[u8]| blake3::hash(file).as_bytes().to_vec();
    check(
        "bundles.json",
        &[
            Vector { name: "bundle, head".into(), inputs: with(&[]), output: bundle[..HEAD_BYTES].to_vec() },
            Vector { name: "bundle, H of the file".into(), inputs: with(&parts), output: hash(&bundle) },
            Vector { name: "have file, head".into(), inputs: with(&[]), output: have[..HEAD_BYTES].to_vec() },
            Vector { name: "have file, H of the file".into(), inputs: with(&positions), output: hash(&have) },
        ],
    );
}

#[test]
fn tickets_are_as_frozen() {
    let peer = TicketPeer {
        key: [0x91; 32],
        addresses: vec![
            Address::Tcp4([192, 168, 1, 7].into(), 4_001),
            Address::Quic4([10, 0, 0, 1].into(), 4_002),
            Address::Tcp6(std::net::Ipv6Addr::LOCALHOST, 4_003),
            Address::Quic6(std::net::Ipv6Addr::LOCALHOST, 4_004),
            Address::Other(vec![0x92; 11]),
        ],
    };
    let full = Ticket { expires_ms: 1_800_000_000_000, group: group(), seed: SEED, invite: None, peers: vec![peer] };
    let closed = Ticket { invite: Some([0x5a; 16]), ..full.clone() };
    let bare = Ticket { expires_ms: 0, peers: vec![], ..full.clone() };
    let mut vectors = vec![];
    for (name, ticket) in [("with a peer", &full), ("bare", &bare), ("with an invite", &closed)] {
        let text = ticket.encode();
        assert_eq!(Ticket::decode(&text).as_ref(), Ok(ticket));
        let seconds = (ticket.expires_ms / 1_000).to_le_bytes();
        let mut inputs =
            vec![("expires_seconds", seconds[..5].to_vec()), ("group", group().0.to_vec()), ("seed", SEED.to_vec())];
        inputs.extend(ticket.invite.map(|secret| ("invite", secret.to_vec())));
        if !ticket.peers.is_empty() {
            inputs.push(("peers.0.key", vec![0x91; 32]));
            inputs.push(("peers.0.addresses.0.tcp4", vec![192, 168, 1, 7, 0xa1, 0x0f]));
            inputs.push(("peers.0.addresses.1.quic4", vec![10, 0, 0, 1, 0xa2, 0x0f]));
            let loopback = |port: u8| [&[0; 15][..], &[1, port, 0x0f]].concat();
            inputs.push(("peers.0.addresses.2.tcp6", loopback(0xa3)));
            inputs.push(("peers.0.addresses.3.quic6", loopback(0xa4)));
            inputs.push(("peers.0.addresses.4.multiaddr", vec![0x92; 11]));
        }
        let inputs = inputs.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        vectors.push(Vector { name: format!("ticket, {name}"), inputs, output: text.into_bytes() });
    }
    check("tickets.json", &vectors);
}

#[test]
fn links_are_as_frozen() {
    let urls = [
        "HTTPS://Kubernetes.io:443/docs/home/?utm_source=chat#start",
        "https://go.dev/doc",
        "http://例子.测试/学习?a=1&b=%E4%BD%A0",
        "https://raft.github.io/#implementations",
    ];
    let mut vectors = vec![];
    for url in urls {
        let canonical = link::canonical(url).unwrap();
        vectors.push(Vector::new("canonical URL", &[("url", url.as_bytes())], canonical.as_bytes()));
        vectors.push(Vector::new("link id", &[("canonical", canonical.as_bytes())], link::id(&canonical).0));
    }
    check("links.json", &vectors);
}

/// Two devices that link: every frame, with the randomness that each side drew.
#[test]
fn linking_devices_is_as_frozen() {
    let code = Code::draw([0x71; 16]);
    let (new_peer, old_peer) = (Peer::new(&[0x72; 38]).unwrap(), Peer::new(&[0x73; 38]).unwrap());
    let ends = pake::Ends { new: new_peer.clone(), old: old_peer.clone() };
    let (nonce_new, nonce_old, seed_new, seed_old) = ([0x74; 32], [0x75; 32], [0x76; 32], [0x77; 32]);
    let (new, knock) = pake::New::knock(code.clone(), ends.clone(), nonce_new);
    let (old, here) = pake::Old::answer(&code, ends, [nonce_old, seed_old], &knock).unwrap();
    let (new, prove) = new.prove(seed_new, &here).unwrap();
    let (old, proven) = old.check(&prove).unwrap();
    let new = new.finish(&proven).unwrap();
    let secret = [0x78; 32];
    let hello = Hello { label: "laptop".into(), person: "小明".into(), secret: Some(secret), groups: vec![group()] };
    let (mut giver, said) = Giver::begin(old, hello);
    let mut taker = Taker::new(new);
    taker.handle(&said).unwrap();
    let log = LogKey::from_seed(&[0x79; 32]).id();
    let want = taker.want("手机".into(), &[(group(), Some(log))]);
    giver.handle(&want).unwrap();
    let chain = person::extend(group(), &[], &log_key(), log);
    let handed =
        Handed { group: group(), seed: [0x7a; 16], kind: Some(GroupKind::Closed), chain, keys: vec![noise(0x7b)] };
    let told = vec![Told { peer: noise(0x7c).to_vec(), addresses: vec![vec![4, 127, 0, 0, 1, 6, 16, 0]] }];
    let parcels = vec![Parcel { handed, name: "读书会".into(), told }];
    stays_plain(&Say::Parcels(parcels.clone()).encode());
    let frames = giver.parcels(parcels);
    let steps: Vec<ToTake> = frames.iter().map(|frame| taker.handle(frame).unwrap()).collect();
    assert!(matches!(steps[..], [ToTake::Wait, ToTake::Take(_)]));
    let done = taker.done(1);
    let text = code.to_string();
    let both: [(&str, &[u8]); 3] =
        [("code", text.as_bytes()), ("new_peer", new_peer.as_bytes()), ("old_peer", old_peer.as_bytes())];
    let with = |more: &[(&'static str, &[u8])], name: &str, output: &[u8]| {
        let inputs: Vec<(&str, &[u8])> = both.iter().chain(more).copied().collect();
        Vector::new(name, &inputs, output)
    };
    let slot = 2_833_333u64;
    let kin_ends = kin::Ends { opener: old_peer.clone(), answerer: new_peer.clone() };
    let (opener, greeting) = kin::Opener::greet(secret, kin_ends.clone(), nonce_old);
    let (_, kin_here) = kin::answer(&secret, &kin_ends, nonce_new, &greeting).unwrap();
    opener.finish(&kin_here).unwrap();
    let vectors = [
        with(&[("slot", &slot.to_le_bytes())], "dht key", &code.dht_key(slot)),
        with(&[("nonce", &nonce_new)], "knock", &knock),
        with(&[("nonce", &nonce_old), ("seed", &seed_old)], "here", &here),
        with(&[("seed", &seed_new)], "prove", &prove),
        with(&[], "proven", &proven),
        with(&[("secret", &secret), ("group", &group().0)], "sealed hello", &said),
        with(&[("log", &log.0)], "sealed logs", &want),
        with(&[("log_key", &log_key().to_seed())], "sealed parcels", &frames[0]),
        with(&[], "sealed end", &frames[1]),
        with(&[], "sealed done", &done),
        with(&[("secret", &secret), ("nonce", &nonce_old)], "kin", &greeting),
        with(&[("secret", &secret), ("nonce", &nonce_new)], "kin here", &kin_here),
    ];
    check("device.json", &vectors);
}
