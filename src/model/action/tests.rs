//! Every kind of action survives the wire, and no bytes of a payload do harm.

use proptest::prelude::*;

use super::*;
use crate::model::id::LogId;
use crate::model::text::{CharRef, OWN, Side, TextOp};

const KINDS: [u16; 14] = [1, 2, 16, 17, 18, 32, 33, 34, 48, 49, 50, 51, 64, 80];

fn id() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn ids() -> impl Strategy<Value = Vec<EntryId>> {
    prop::collection::vec(id().prop_map(EntryId), 0..5)
}

fn signature() -> impl Strategy<Value = [u8; 64]> {
    (id(), id()).prop_map(|(a, b)| [a, b].concat().try_into().unwrap())
}

fn line() -> impl Strategy<Value = String> {
    "[a-z学习🦀 ]{1,20}x"
}

fn slug() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9-]{0,20}"
}

fn tags() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(line(), 0..4)
}

fn url() -> impl Strategy<Value = String> {
    "https?://[a-z]{1,9}\\.org/[a-z学]{0,20}"
}

/// Edits that are allowed; what they name need not exist.
fn edit() -> impl Strategy<Value = TextEdit> {
    let insert = (any::<bool>(), any::<bool>(), any::<u32>(), line()).prop_map(|(root, left, offset, text)| {
        let parent = (!root).then_some(CharRef { entry: 0, offset: offset % 1_000 });
        let side = if left && !root { Side::Left } else { Side::Right };
        TextOp::Insert { parent, side, text }
    });
    let delete =
        (any::<u32>(), 1u32..50).prop_map(|(offset, len)| TextOp::Delete { entry: 0, offset: offset % 1_000, len });
    let own =
        Just(TextOp::Insert { parent: Some(CharRef { entry: OWN, offset: 0 }), side: Side::Right, text: "y".into() });
    (id(), prop::collection::vec(prop_oneof![insert, delete], 1..5), prop::option::of(own)).prop_map(
        |(named, mut ops, own)| {
            if matches!(ops[0], TextOp::Insert { .. }) {
                ops.extend(own);
            }
            TextEdit { refs: vec![EntryId(named)], ops }
        },
    )
}

fn localized() -> impl Strategy<Value = Localized> {
    (line(), line()).prop_map(|(en, zh)| Localized { en, zh })
}

fn notes() -> impl Strategy<Value = Action> {
    prop_oneof![
        (line(), prop::option::of(slug()), tags(), edit())
            .prop_map(|(title, topic, tags, text)| Action::NoteNew(NoteNew { title, topic, tags, text })),
        (id(), ids(), edit()).prop_map(|(note, builds_on, edit)| Action::NoteEdit(NoteEdit {
            note: NoteId(note),
            builds_on,
            edit
        })),
        (
            id(),
            prop::option::of(line()),
            prop::option::of(slug()),
            prop::option::of(tags()),
            any::<Option<bool>>(),
            ids()
        )
            .prop_map(|(note, title, topic, tags, deleted, supersedes)| Action::NoteSet(NoteSet {
                note: NoteId(note),
                title,
                topic,
                tags,
                deleted,
                supersedes
            })),
    ]
}

fn links() -> impl Strategy<Value = Action> {
    prop_oneof![
        (url(), line(), tags(), slug(), ids()).prop_map(|(url, title, tags, topic, supersedes)| Action::LinkAdd(
            LinkAdd { url, title, tags, topic, supersedes }
        )),
        (
            id(),
            prop::option::of(line()),
            prop::option::of(tags()),
            prop::option::of(slug()),
            any::<Option<bool>>(),
            ids()
        )
            .prop_map(|(link, title, tags, topic, removed, supersedes)| Action::LinkSet(LinkSet {
                link: LinkId(link),
                title,
                tags,
                topic,
                removed,
                supersedes
            })),
        (id(), any::<bool>(), ids()).prop_map(|(link, up, supersedes)| Action::LinkVote(LinkVote {
            link: LinkId(link),
            up,
            supersedes
        })),
        (id(), any::<bool>(), ids()).prop_map(|(link, read, supersedes)| Action::LinkRead(LinkRead {
            link: LinkId(link),
            read,
            supersedes
        })),
    ]
}

fn study() -> impl Strategy<Value = Action> {
    let topic = (slug(), prop::option::of(localized())).prop_map(|(id, title)| TopicPut {
        topic: title.map(|title| Topic { id: id.clone(), title, ..Topic::default() }),
        id,
    });
    let meta = (localized(), localized(), any::<bool>()).prop_map(|(title, description, removed)| RoadmapMeta {
        title,
        description,
        removed,
    });
    let states = prop::sample::select(vec![TopicState::Todo, TopicState::Doing, TopicState::Done, TopicState::Skip]);
    prop_oneof![
        (slug(), prop::option::of(meta), prop::collection::vec(topic, 0..4), ids()).prop_map(
            |(roadmap, meta, topics, supersedes)| Action::RoadmapEdit(RoadmapEdit {
                roadmap,
                meta,
                topics,
                supersedes
            })
        ),
        (slug(), states, 0..=limits::MAX_MINUTES, prop::option::of(url()), prop::option::of(line()), ids()).prop_map(
            |(topic, state, minutes, evidence, remark, supersedes)| Action::Progress(Progress {
                topic,
                state,
                minutes,
                evidence,
                remark,
                supersedes
            })
        ),
    ]
}

fn any_action() -> impl Strategy<Value = Action> {
    let chain = prop::collection::vec((id(), signature()), 0..4);
    let link = |(log, signature)| PersonLink { log: LogId(log), signature };
    prop_oneof![
        (any::<bool>(), any::<[u8; 16]>()).prop_map(|(open, salt)| {
            Action::Genesis(Genesis { kind: if open { GroupKind::Open } else { GroupKind::Closed }, salt })
        }),
        (id(), signature(), chain).prop_map(move |(transport, transport_sig, person)| Action::Endorse(Endorse {
            transport,
            transport_sig,
            person: person.into_iter().map(link).collect()
        })),
        (line(), ids()).prop_map(|(name, supersedes)| Action::Profile(Profile { name, supersedes })),
        (line(), ids()).prop_map(|(name, supersedes)| Action::GroupName(GroupName { name, supersedes })),
        (id(), line(), ids()).prop_map(|(log, name, supersedes)| Action::DeviceName(DeviceName {
            log: LogId(log),
            name,
            supersedes
        })),
        notes(),
        links(),
        study(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_kind_survives_the_wire(action in any_action()) {
        prop_assert_eq!(action.check(), Ok(()));
        let (kind, version) = action.kind();
        prop_assert!(KINDS.contains(&kind));
        prop_assert_eq!(Action::decode(kind, version, &action.encode()), Ok(action));
    }

    #[test]
    fn a_changed_payload_reads_as_something_within_bounds_or_not_at_all(
        action in any_action(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
        kind in prop::sample::select(KINDS.to_vec()),
    ) {
        let mut bytes = action.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let cut = cut.index(bytes.len() + 1);
        for (kind, bytes) in [(action.kind().0, &bytes[..]), (action.kind().0, &bytes[..cut]), (kind, &bytes[..])] {
            if let Ok(read) = Action::decode(kind, 1, bytes) {
                prop_assert_eq!(read.check(), Ok(()));
            }
        }
    }

    #[test]
    fn arbitrary_payloads_do_no_harm(kind in prop::sample::select(KINDS.to_vec()), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(read) = Action::decode(kind, 1, &bytes) {
            prop_assert_eq!(read.check(), Ok(()));
        }
    }
}

#[test]
fn the_strategy_makes_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = any_action();
    let made: std::collections::BTreeSet<u16> =
        (0..2_000).map(|_| strategy.new_tree(&mut runner).unwrap().current().kind().0).collect();
    assert_eq!(made.into_iter().collect::<Vec<_>>(), KINDS);
}

#[test]
fn a_kind_or_version_from_the_future_is_told_from_a_malformed_one() {
    assert_eq!(Action::decode(999, 1, &[]), Err(ReadError::Unknown { kind: 999, version: 1 }));
    assert_eq!(Action::decode(16, 2, &[]), Err(ReadError::Unknown { kind: 16, version: 2 }));
    assert!(matches!(Action::decode(16, 1, &[]), Err(ReadError::Malformed(_))));
}
