use super::world::{Node, World};
use crate::model::action::{Action, LinkSet, NoteEdit, NoteSet, RoadmapEdit, RoadmapMeta};
use crate::model::id::{EntryId, NoteId};
use crate::model::roadmap::{Localized, Topic};
use crate::model::text::Text;
use crate::store::Found;
use proptest::prelude::*;

fn topic(id: &str, en: &str, zh: &str, description: &str) -> Topic {
    let title = Localized { en: en.into(), zh: zh.into() };
    Topic { id: id.into(), title, description: Localized::of(description), ..Topic::default() }
}

/// What a study group might have written.
fn library() -> World {
    let mut world = World::new(2);
    for (title, body, tags) in [
        ("云原生入门", "容器、编排与服务网格。Kubernetes 是云原生的核心。", &["云原生", "k8s"][..]),
        ("libp2p 打洞", "用 libp2p 打洞：先中继，再 DCUtR。NAT 穿透的成功率约七成。", &["p2p"]),
        ("共识算法", "拜占庭容错、Raft 与 Paxos。区块链里的共识。", &["区块链"]),
        ("Go 并发", "goroutine 和 channel；不要用共享内存来通信。", &[]),
        ("Rust ownership", "Borrowing, lifetimes, and the café example: naïve résumé.", &["rust"]),
        ("链上治理", "投票与提案。", &[]),
        ("读书会", "每周三晚上，大家一起读《分布式系统》。", &[]),
        ("Ｋ８ｓ 笔记", "全角字母也要找得到。", &[]),
        ("かな", "ひらがなとカタカナ。한국어도.", &[]),
    ] {
        world.note(0, title, body, tags);
    }
    world.link(1, "https://docs.libp2p.io/concepts/nat/", "libp2p 文档：NAT");
    world.link(1, "https://kubernetes.io/docs/", "Kubernetes 文档");
    world.topic(0, "path", "docker", Some(topic("docker", "Containers", "容器", "镜像与命名空间")));
    world
}

/// The titles that a query finds, best first.
fn titles(node: &mut Node, query: &str) -> Vec<String> {
    let group = node.group;
    node.search(group, query, 20, 0).into_iter().map(|hit| hit.title).collect()
}

#[test]
fn words_of_any_length_in_chinese_and_latin_are_found() {
    let mut node = Node::with_all(&library());
    for (query, first) in [
        ("云", "云原生入门"),
        ("链", "链上治理"),
        ("共识", "共识算法"),
        ("打洞", "libp2p 打洞"),
        ("云原生", "云原生入门"),
        ("libp2p打洞", "libp2p 打洞"),
        ("区块链 共识", "共识算法"),
        ("拜占庭容错", "共识算法"),
        ("goroutine", "Go 并发"),
        ("分布式系统", "读书会"),
        ("容器", "Containers / 容器"),
        ("命名空间", "Containers / 容器"),
        ("k8s", "Ｋ８ｓ 笔记"),
        ("Ｋ８Ｓ", "Ｋ８ｓ 笔记"),
        ("resume", "Rust ownership"),
        ("CAFÉ", "Rust ownership"),
        ("カタカナ", "かな"),
        ("국어", "かな"),
        ("kubernetes.io", "Kubernetes 文档"),
        ("穿透的成功率", "libp2p 打洞"),
    ] {
        assert_eq!(titles(&mut node, query).first().map(String::as_str), Some(first), "{query}");
    }
}

#[test]
fn a_phrase_does_not_match_its_characters_in_another_order() {
    let mut world = World::new(1);
    world.note(0, "A", "原生云", &[]);
    let mut node = Node::with_all(&world);
    assert_eq!(titles(&mut node, "原生"), ["A"]);
    assert_eq!(titles(&mut node, "生原"), [""; 0]);
}

#[test]
fn the_last_latin_word_may_be_half_typed() {
    let mut node = Node::with_all(&library());
    assert_eq!(titles(&mut node, "owner"), ["Rust ownership"]);
    assert_eq!(titles(&mut node, "rust life"), ["Rust ownership"]);
    assert_eq!(titles(&mut node, "naiv borrowing"), ["Rust ownership"], "found by one of the words");
    let half: Vec<_> = titles(&mut node, "kuber");
    assert!(half.contains(&"Kubernetes 文档".to_owned()) && half.contains(&"云原生入门".to_owned()));
}

#[test]
fn all_words_come_first_and_any_only_when_nothing_has_all() {
    let mut node = Node::with_all(&library());
    assert_eq!(titles(&mut node, "raft paxos"), ["共识算法"]);
    let any = titles(&mut node, "raft goroutine");
    assert_eq!(any.len(), 2);
    // A run of Chinese words, as it is typed without blanks.
    assert!(titles(&mut node, "共识算法与并发").contains(&"共识算法".to_owned()));
    assert!(titles(&mut node, "量子").is_empty());
}

#[test]
fn a_word_in_the_title_counts_more_than_in_the_text() {
    let mut world = World::new(1);
    world.note(0, "Other", "Raft, Raft, Raft and more of it", &[]);
    world.note(0, "Raft", "An algorithm", &[]);
    world.note(0, "Unrelated", "Nothing of the kind", &[]);
    let mut node = Node::with_all(&world);
    let hits = node.search(world.group, "raft", 9, 0);
    assert_eq!(hits.iter().map(|h| h.title.as_str()).collect::<Vec<_>>(), ["Raft", "Other"]);
    assert!(hits[0].score > hits[1].score);
}

#[test]
fn the_very_word_comes_before_what_only_begins_with_it() {
    let mut world = World::new(1);
    for n in [70, 71, 7, 72] {
        world.note(0, &format!("Note {n}"), "", &[]);
    }
    let mut node = Node::with_all(&world);
    assert_eq!(titles(&mut node, "note 7")[0], "Note 7");
    assert_eq!(titles(&mut node, "note 7").len(), 4);
}

#[test]
fn pages_of_results_follow_each_other() {
    let mut world = World::new(1);
    for n in 0..25 {
        world.note(0, &format!("Note {n}"), "云原生", &[]);
    }
    let mut node = Node::with_all(&world);
    let mut all = vec![];
    for offset in (0..30).step_by(10) {
        all.extend(node.search(world.group, "云原生 note", 10, offset).into_iter().map(|h| h.title));
    }
    assert_eq!(all.len(), 25);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 25);
    // Beyond the last page there is nothing: not the looser search instead.
    assert!(node.search(world.group, "云原生 note", 10, 30).is_empty());
}

#[test]
fn the_snippet_shows_the_hit_in_the_original_text() {
    let mut node = Node::with_all(&library());
    let group = node.group;
    let hits = node.search(group, "libp2p打洞", 5, 0);
    let snippet = &hits[0].snippet;
    assert_eq!(snippet.text, "用 libp2p 打洞：先中继，再 DCUtR。NAT 穿透的成功率约七成。");
    assert_eq!(snippet.marks.iter().map(|m| &snippet.text[m.clone()]).collect::<Vec<_>>(), ["libp2p 打洞"]);
}

#[test]
fn what_was_deleted_or_removed_is_not_found_until_it_is_restored() {
    let mut world = World::new(1);
    let note = world.note(0, "Secret plan", "云原生", &[]);
    let link = world.link(0, "https://example.com/secret", "Secret link");
    world.topic(0, "path", "secret", Some(topic("secret", "Secret topic", "", "")));
    let mut node = Node::with_all(&world);
    let count = |node: &mut Node, world: &World, from: usize| {
        for entry in &world.entries[from..] {
            node.put(world, entry).unwrap();
        }
        node.search(world.group, "secret", 9, 0).len()
    };
    assert_eq!(count(&mut node, &world, world.entries.len()), 3);

    let mut write = |world: &mut World, action: Action| {
        let from = world.entries.len();
        world.write(0, &action);
        count(&mut node, world, from)
    };
    let delete = |deleted, supersedes| {
        Action::NoteSet(NoteSet { note, deleted: Some(deleted), supersedes, ..NoteSet::default() })
    };
    let remove = |removed| Action::LinkSet(LinkSet { link, removed: Some(removed), ..LinkSet::default() });
    let meta = |removed| {
        let meta = RoadmapMeta { title: Localized::en("Path"), description: Localized::default(), removed };
        Action::RoadmapEdit(RoadmapEdit {
            roadmap: "path".into(),
            meta: Some(meta),
            topics: vec![],
            supersedes: vec![],
        })
    };
    assert_eq!(write(&mut world, delete(true, vec![])), 2);
    assert_eq!(write(&mut world, remove(true)), 1);
    assert_eq!(write(&mut world, meta(true)), 0);
    assert_eq!(write(&mut world, meta(false)), 1);
    assert_eq!(write(&mut world, remove(false)), 2);
    let deletion = vec![world.entries.iter().find(|e| matches!(world.action(e), Action::NoteSet(_))).unwrap().id];
    assert_eq!(write(&mut world, delete(false, deletion)), 3);
    let from = world.entries.len();
    world.topic(0, "path", "secret", None);
    assert_eq!(count(&mut node, &world, from), 2);
}

#[test]
fn an_edited_note_is_found_by_its_new_words_and_no_more_by_the_old() {
    let mut world = World::new(1);
    let note = world.note(0, "Note", "alpha", &[]);
    let mut node = Node::with_all(&world);
    assert_eq!(titles(&mut node, "alpha"), ["Note"]);
    let mut text = Text::new();
    text.apply(EntryId(note.0), &super::world::first("alpha"));
    let edit = text.next_edit_towards("beta").unwrap();
    world.write(0, &Action::NoteEdit(NoteEdit { note, builds_on: vec![], edit }));
    node.put(&world, world.entries.last().unwrap()).unwrap();
    assert_eq!(titles(&mut node, "alpha"), [""; 0]);
    assert_eq!(titles(&mut node, "beta"), ["Note"]);
}

#[test]
fn the_index_catches_up_bit_by_bit_and_tells_what_is_left() {
    let world = library();
    let mut node = Node::with_all(&world);
    let mut steps = 0;
    assert!(node.store.unsearchable().unwrap() > 0);
    while !node.index(2) {
        steps += 1;
        assert!(node.store.unsearchable().unwrap() > 0, "it says that something is left");
        assert!(steps < 100, "every call takes two more");
    }
    assert_eq!(node.store.unsearchable().unwrap(), 0);
    assert!(steps > 3, "{steps}");
    assert!(node.index(0), "nothing is left to do");
    let before = titles(&mut node, "共识");
    let mut lazy = Node::with_all(&world);
    assert_eq!(titles(&mut lazy, "共识"), before);
}

/// To weigh a word that nearly all documents have took as long as looking at all of them.
#[test]
fn of_a_word_that_very_many_have_the_titled_come_first_and_then_the_newest() {
    let mut world = World::new(1);
    world.note(0, "About gossip", "an old one", &[]);
    for n in 0..1_200 {
        world.note(0, &format!("Note {n}"), "gossip everywhere", &[]);
    }
    let mut node = Node::with_all(&world);
    let found = titles_of(&mut node, &world, "gossip", 3, 0);
    assert_eq!(found, ["About gossip", "Note 1199", "Note 1198"]);
    assert_eq!(titles_of(&mut node, &world, "gossip", 2, 2), ["Note 1198", "Note 1197"]);
    assert_eq!(titles_of(&mut node, &world, "gossip", 10, 1_195).len(), 6);
    // A rare word is weighed as always.
    assert_eq!(titles_of(&mut node, &world, "old", 3, 0), ["About gossip"]);
}

fn titles_of(node: &mut Node, world: &World, query: &str, limit: usize, offset: usize) -> Vec<String> {
    node.search(world.group, query, limit, offset).into_iter().map(|hit| hit.title).collect()
}

#[test]
fn hits_say_what_they_are() {
    let world = library();
    let mut node = Node::with_all(&world);
    let found = |node: &mut Node, query: &str| node.search(world.group, query, 1, 0)[0].found.clone();
    let note: NoteId = world.entries.iter().find(|e| matches!(world.action(e), Action::NoteNew(_))).unwrap().id.into();
    assert_eq!(found(&mut node, "云原生入门"), Found::Note(note));
    let link = crate::model::link::id("https://kubernetes.io/docs/");
    assert_eq!(found(&mut node, "kubernetes.io docs"), Found::Link(link));
    assert_eq!(found(&mut node, "containers"), Found::Topic { roadmap: "path".into(), topic: "docker".into() });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_query_is_an_error(query in any::<String>(), syntax in "[\"*()^:+NEARORAND{}' \\-,.a云-]{0,24}") {
        let mut world = World::new(1);
        world.note(0, "A", "OR AND NOT NEAR 云", &[]);
        let mut node = Node::with_all(&world);
        for query in [&query, &syntax] {
            prop_assert!(node.store.search(world.group, query, 5, 0).is_ok());
        }
    }
}
