//! The group that is joined.

use studymesh::api::{Command, GroupKind, Request};
use studymesh::config::Home;
use studymesh::engine::Imported;
use studymesh::engine::entropy::Entropy;
use studymesh::engine::store::Store;
use studymesh::log::entry::{self, Place, Signed};
use studymesh::log::keys::{GroupKeys, LogKey};
use studymesh::log::person;
use studymesh::model::action::{Action, Admit, NoteNew, Profile, Role};
use studymesh::model::id::{EntryId, EpochId, GroupId};
use studymesh::model::text::Text;
use studymesh::model::time::Hlc;
use studymesh::node;

use crate::{BATCH, NOTE_BYTES, Options, Result, settings};

/// Founds a group in a directory and fills it with what the authors wrote.
pub fn make_group(home: &Home, options: &Options, texts: &[String]) -> Result<()> {
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
pub fn texts(options: &Options) -> (Vec<String>, usize) {
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
