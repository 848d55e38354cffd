//! The benchmark of a cold join: a fresh node joins a group of many entries over real TCP on loopback.
//!
//! ```text
//! cargo run --release --example cold_join -- --entries 10000 --authors 20
//! cargo run --release --example cold_join -- --entries 10000 --authors 20 --closed
//! ```
//!
//! Another process serves the entries; this one joins, and its time, processor time and memory are measured. In the same run
//! the *parts* are measured: hashing, decrypting and inserting the same entries into SQLite, in one thread and without a
//! network. `ratio_to_parts` is the join's time divided by that. An entry is a note of 500 bytes of mixed Chinese and English
//! Markdown, made from a seed; `incompressible` says to which share of its size DEFLATE brings all of them together.
//! Bytes on the wire are those of the loopback interface, TCP and IP headers and acknowledgements included (Linux).

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use rusqlite::{Connection, params};
use studymesh::api::{Command, GroupKind, Request};
use studymesh::config::{Home, Settings};
use studymesh::engine::Imported;
use studymesh::engine::entropy::Entropy;
use studymesh::engine::store::{Store, Stored};
use studymesh::log::entry::{self, Place, Signed};
use studymesh::log::keys::{GroupKeys, LogKey};
use studymesh::log::person;
use studymesh::log::seal::Key;
use studymesh::model::action::{Action, Admit, NoteNew, Profile, Role};
use studymesh::model::id::{EntryId, EpochId, GroupId};
use studymesh::model::text::Text;
use studymesh::model::time::Hlc;
use studymesh::node::{self, Node};
use tokio::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of a note's text.
const NOTE_BYTES: usize = 500;
/// Entries of one transaction while the group is made, and while the parts are measured.
const BATCH: usize = 256;

struct Options {
    entries: usize,
    authors: usize,
    seed: u64,
    closed: bool,
}

fn main() -> Result<()> {
    let mut options = Options { entries: 10_000, authors: 20, seed: 1, closed: false };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--entries" => options.entries = value()?.parse()?,
            "--authors" => options.authors = value()?.parse()?,
            "--seed" => options.seed = value()?.parse()?,
            "--closed" => options.closed = true,
            "--serve" => return serve(Path::new(&value()?)),
            other => {
                return Err(
                    format!("unknown option {other}; there are --entries, --authors, --seed and --closed").into()
                );
            }
        }
    }
    if options.authors == 0 || options.entries < options.authors {
        return Err("give at least one entry for each author".into());
    }
    run(&options)
}

fn settings(name: &str) -> Settings {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".into()];
    Settings { name: name.into(), listen, mdns: false, upnp: false, ..Settings::default() }
}

/// Serves the group in a directory until the parent closes our input.
fn serve(dir: &Path) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut node = Node::start(&Home::new(dir.to_path_buf()), &settings("Source")).await?;
        let invite = Request::new(Command::Invite {
            expires_hours: None,
            addresses: true,
            role: None,
            uses: None,
            approve: false,
        });
        println!("{}", node.handle().call(invite).await?["ticket"].as_str().unwrap_or_default());
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut vec![])).await??;
        node.stop();
        node.ended().await?;
        Ok(())
    })
}

fn run(options: &Options) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let source = Home::new(dir.path().join("source"));
    let (texts, packed) = texts(options);
    make_group(&source, options, &texts)?;
    let mut server = Process::new(std::env::current_exe()?)
        .args(["--serve".as_ref(), source.dir().as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ticket = String::new();
    BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut ticket)?;

    let home = Home::new(dir.path().join("joiner"));
    let (cpu, wire) = (cpu_seconds(), loopback_bytes());
    let runtime = tokio::runtime::Runtime::new()?;
    let (seconds, held) = runtime.block_on(join(&home, ticket.trim()))?;
    let (cpu, wire) = (cpu_seconds() - cpu, loopback_bytes().saturating_sub(wire));
    let memory = peak_kib();
    drop(server.stdin.take());
    server.wait()?;

    let (group, entries, keys) = read_back(&home)?;
    let parts = parts(&dir.path().join("parts.db"), &entries, &keys, group)?;
    let count = entries.len();
    println!(
        "{{\"v\":1,\"entries\":{count},\"held\":{held},\"authors\":{},\"note_bytes\":{NOTE_BYTES},\"incompressible\":{:.3},\
         \"seconds\":{seconds:.3},\"entries_per_second\":{:.0},\"cpu_seconds\":{cpu:.2},\"peak_kib\":{memory},\
         \"wire_bytes\":{wire},\"wire_bytes_per_entry\":{:.0},\"disk_bytes_per_entry\":{:.0},\"parts_seconds\":{parts:.3},\
         \"ratio_to_parts\":{:.2}}}",
        options.authors,
        packed as f64 / (NOTE_BYTES * texts.len()) as f64,
        count as f64 / seconds,
        wire as f64 / count as f64,
        std::fs::metadata(home.store())?.len() as f64 / count as f64,
        seconds / parts,
    );
    if held as usize != count || count < options.entries {
        return Err(format!("the joiner holds {held} of {count} entries").into());
    }
    Ok(())
}

/// Joins and waits until everything is here and committed.
async fn join(home: &Home, ticket: &str) -> Result<(f64, u64)> {
    let mut node = Node::start(home, &settings("Joiner")).await?;
    let began = Instant::now();
    let request = Command::Join { ticket: ticket.into(), wait_ms: 600_000 };
    let joined = node.handle().call(Request::new(request)).await?;
    let seconds = began.elapsed().as_secs_f64();
    if joined["state"] != "joined" {
        return Err(format!("the join ended as {joined}").into());
    }
    let digest = node.handle().call(Request::new(Command::DbDigest)).await?;
    node.stop();
    node.ended().await?;
    Ok((seconds, digest["entries"].as_u64().unwrap_or(0)))
}

/// Founds a group in a directory and fills it with what the authors wrote.
fn make_group(home: &Home, options: &Options, texts: &[String]) -> Result<()> {
    let kind = if options.closed { GroupKind::Closed } else { GroupKind::Open };
    let create = Command::GroupCreate { name: "cold join".into(), kind, roadmap: None };
    node::call(home, &settings("Source"), &Request::new(create))?;
    let mut opened = node::open_alone(home, &settings("Source"))?;
    let row = opened.core.engine().store().groups()?.remove(0);
    let group = row.id;
    let mut entropy = Entropy::new([options.seed as u8; 32]);
    let authors: Vec<LogKey> = (0..options.authors).map(|_| LogKey::from_seed(&entropy.array())).collect();
    if options.closed {
        // In a closed group the owner lets every author in first.
        let admit = |log: &LogKey| Admit { person: log.id().into(), role: Role::Member, invite: None };
        let admits: Vec<Action> = authors.iter().map(|log| Action::Admit(admit(log))).collect();
        let (written, _) = opened.core.batch(|engine| {
            Ok(admits.iter().map(|a| engine.write(node::core::now_ms(), group, a).map(drop)).collect::<Vec<_>>())
        })?;
        for result in written {
            result?;
        }
    }
    let keys = opened.core.engine().keys(group).ok_or("the group was just made")?.clone();
    let epoch = keys.held().next().map_or(EpochId::ZERO, |(epoch, _)| epoch);
    let mut made: Vec<Vec<Signed>> = vec![];
    for (author, log) in authors.iter().enumerate() {
        let mine = texts.iter().skip(author).step_by(options.authors);
        made.push(log_of((author, log), group, (&keys, epoch), mine, &mut entropy)?);
    }
    for log in made {
        let mut log = log.into_iter().peekable();
        while log.peek().is_some() {
            let part: Vec<Signed> = log.by_ref().take(BATCH).collect();
            let ((), _) = opened.core.batch(|engine| {
                for entry in part {
                    let imported = engine.import(node::core::now_ms(), group, entry)?;
                    assert_eq!(imported, Imported::New, "an entry of our own making");
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

fn log_of<'a>(
    (author, log): (usize, &LogKey),
    group: GroupId,
    (keys, epoch): (&GroupKeys, EpochId),
    texts: impl Iterator<Item = &'a String>,
    entropy: &mut Entropy,
) -> Result<Vec<Signed>> {
    let transport = LogKey::from_seed(&entropy.array());
    let mut actions = vec![
        Action::Endorse(person::endorse(group, log, &transport, &[])),
        Action::Profile(Profile { name: format!("Author {author}"), supersedes: vec![] }),
    ];
    for (n, text) in texts.enumerate() {
        let edit = Text::new().next_edit_towards(text).ok_or("an empty note")?;
        let title = format!("笔记 {author}-{n}");
        actions.push(Action::NoteNew(NoteNew { title, topic: None, tags: vec![], text: edit }));
    }
    let (mut prev, mut out) = (EntryId::ZERO, vec![]);
    for (seq, action) in actions.iter().enumerate() {
        let place = Place { group, seq: seq as u64, prev, control_heads: vec![] };
        let time = Hlc::new(1_790_000_000_000 + seq as u64 * 60_000, 0);
        let entry = entry::write_under(log, keys, epoch, place, time, action, entropy.array())?;
        prev = entry.id;
        out.push(Signed::decode(&entry.encode())?);
    }
    Ok(out)
}

/// The notes, and to how many bytes DEFLATE brings them together.
fn texts(options: &Options) -> (Vec<String>, usize) {
    let words: Vec<&str> = "云原生 容器 镜像 部署 调度 服务 网关 共识 存储 节点 区块链 打洞 中继 日志 学习 笔记 路线图 进度 分布式 并发 \
        Kubernetes Docker Helm Operator Prometheus gossip Kademlia stream channel goroutine trait borrow async await pod service \
        volume probe chart release metric alert peer topic entry hash signature epoch"
        .split_whitespace()
        .collect();
    let mut entropy = Entropy::new([options.seed as u8 ^ 0x5a; 32]);
    let mut texts = vec![];
    for n in 0..options.entries {
        let mut text = format!("# 笔记 {n}\n\n");
        while text.len() < NOTE_BYTES {
            let word = words[entropy.below(words.len() as u64) as usize];
            text.push_str(word);
            // A digest or an address now and then, as technical notes have them.
            if entropy.below(12) == 0 {
                text.push_str(&format!(" `{:016x}`", entropy.number()));
            }
            text.push_str(if entropy.below(9) == 0 { "。\n- " } else { " " });
        }
        while text.len() > NOTE_BYTES {
            text.pop();
        }
        text.push_str(&"~".repeat(NOTE_BYTES - text.len()));
        texts.push(text);
    }
    let packed = miniz_oxide::deflate::compress_to_vec(texts.concat().as_bytes(), 6).len();
    (texts, packed)
}

/// Entries with the number of the chain that each stands in.
type Chained = Vec<(u64, Stored)>;

/// Everything that the joiner stored.
fn read_back(home: &Home) -> Result<(GroupId, Chained, GroupKeys)> {
    let mut opened = node::open_alone(home, &settings("Joiner"))?;
    let store = opened.core.engine().store();
    let row = store.groups()?.remove(0);
    let mut entries = vec![];
    for chain in store.chains(row.id)? {
        let mut next = 0;
        loop {
            let part = store.entries(row.id, chain.chain, next, BATCH, usize::MAX, true)?;
            let Some(last) = part.last() else { break };
            next = last.header.seq + 1;
            entries.extend(part.into_iter().map(|e| (chain.chain.0, e)));
        }
    }
    let mut keys = GroupKeys::from_seed(&row.seed);
    for key in store.epoch_keys(row.id)? {
        keys.hold(Key::new(key));
    }
    Ok((row.id, entries, keys))
}

/// Seconds for hashing, decrypting and inserting the same entries, in one thread.
fn parts(path: &Path, entries: &[(u64, Stored)], keys: &GroupKeys, group: GroupId) -> Result<f64> {
    let mut db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE entries (chain INTEGER, seq INTEGER, id BLOB, header BLOB, body BLOB, PRIMARY KEY (chain, seq)) WITHOUT ROWID;",
    )?;
    let began = Instant::now();
    let mut opened = 0;
    for part in entries.chunks(BATCH) {
        let transaction = db.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (chain, entry) in part {
                let header = entry.header.encode();
                let is_genesis = entry.header.group == GroupId::ZERO;
                assert!(is_genesis || entry.header.group == group, "an entry of this group");
                assert_eq!(studymesh::log::header::id_of(&header), entry.id, "the header hashes to its id");
                entry::check_body(&entry.header, &entry.body)?;
                opened += usize::from(keys.open(&entry.header, &entry.body).is_ok());
                insert.execute(params![*chain as i64, entry.header.seq as i64, entry.id.0, header, entry.body])?;
            }
        }
        transaction.commit()?;
    }
    let seconds = began.elapsed().as_secs_f64();
    if opened != entries.len() {
        return Err(format!("only {opened} of {} bodies open", entries.len()).into());
    }
    Ok(seconds.max(Duration::from_micros(1).as_secs_f64()))
}

/// User and system time of this process, seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after.split_whitespace().skip(11).take(2).filter_map(|f| f.parse().ok()).collect();
    // The kernel counts in hundredths of a second for programs, whatever its own clock is.
    fields.iter().sum::<f64>() / 100.0
}

/// The most memory that this process had, KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Bytes that the loopback interface has received.
fn loopback_bytes() -> u64 {
    let dev = std::fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let line = dev.lines().find_map(|l| l.trim_start().strip_prefix("lo:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}
