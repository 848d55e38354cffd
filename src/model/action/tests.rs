//! Every kind of action survives the wire, and no bytes of a payload do harm.

use proptest::prelude::*;

use super::*;
use crate::model::id::{EpochId, InviteId, LogId, PersonId};
use crate::model::text::{CharRef, OWN, Side, TextOp};

const KINDS: [u16; 27] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 32, 33, 34, 48, 49, 50, 51, 64, 80];

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

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(vec![Role::Keeper, Role::Reader, Role::Member, Role::Admin])
}

fn sealed(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=most)
}

fn cuts() -> impl Strategy<Value = Vec<Cut>> {
    let cut = |(log, seq, id)| Cut { log: LogId(log), seq, id: EntryId(id) };
    prop::collection::vec((id(), any::<u64>(), id()).prop_map(cut), 0..4)
}

fn seals() -> impl Strategy<Value = Vec<Sealed>> {
    let key = prop::collection::vec(any::<u8>(), limits::SEALED_TO_BYTES);
    let seal = |(epoch, log, key)| Sealed { epoch: EpochId(epoch), log: LogId(log), key };
    prop::collection::vec((id(), id(), key).prop_map(seal), 0..3)
}

/// Invites and requests.
fn invites() -> impl Strategy<Value = Action> {
    let invite = (id(), role(), any::<u32>(), any::<u64>(), any::<bool>(), id(), sealed(limits::MAX_SEALED_KEY_BYTES));
    let redeemed = (id(), signature()).prop_map(|(invite, proof)| Redeemed { invite: InviteId(invite), proof });
    prop_oneof![
        invite.prop_map(|(invite, role, uses, expires_ms, approve, epoch, request_key)| Action::Invite(Invite {
            invite: InviteId(invite),
            role,
            uses,
            expires_ms,
            approve,
            epoch: EpochId(epoch),
            request_key
        })),
        id().prop_map(|invite| Action::Revoke(Revoke { invite: InviteId(invite) })),
        (id(), signature(), sealed(limits::MAX_SEALED_NAME_BYTES))
            .prop_map(|(invite, proof, name)| Action::Request(Request { invite: InviteId(invite), proof, name })),
        (id(), role(), prop::option::of(redeemed)).prop_map(|(person, role, invite)| Action::Admit(Admit {
            person: PersonId(person),
            role,
            invite
        })),
        id().prop_map(|person| Action::Refuse(Refuse { person: PersonId(person) })),
    ]
}

/// Roles, removals, words about entries, keys.
fn membership() -> impl Strategy<Value = Action> {
    let any_role = prop_oneof![role(), Just(Role::Owner)];
    let wrapped = (id(), sealed(limits::MAX_SEALED_KEY_BYTES)).prop_map(|(e, key)| Wrapped { epoch: EpochId(e), key });
    let epochs = prop::collection::vec(id().prop_map(EpochId), 0..=limits::MAX_PARENTS);
    prop_oneof![
        (id(), any_role, cuts()).prop_map(|(p, role, cut)| Action::SetRole(SetRole { person: PersonId(p), role, cut })),
        (id(), any::<bool>(), cuts()).prop_map(|(of, device, cut)| {
            let subject = if device { Subject::Device(LogId(of)) } else { Subject::Person(PersonId(of)) };
            Action::Remove(Remove { subject, cut })
        }),
        ids().prop_map(|entries| Action::Accept(Accept { entries })),
        (id(), prop::collection::vec(wrapped, 0..3), seals())
            .prop_map(|(epoch, parents, seals)| Action::Epoch(Epoch { epoch: EpochId(epoch), parents, seals })),
        seals().prop_map(|seals| Action::Seals(Seals { seals })),
        epochs.prop_map(|epochs| Action::AskKeys(AskKeys { epochs })),
        (ids(), any::<bool>()).prop_map(|(entries, hidden)| Action::Hide(Hide { entries, hidden })),
        any::<(u64, u64)>().prop_map(|(entries, bytes)| Action::Quota(Quota { entries, bytes })),
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
        invites(),
        membership(),
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

/// What lies beyond a bound, kind by kind.
#[test]
fn an_act_of_membership_beyond_a_bound_is_refused() {
    let cut = Cut { log: LogId([1; 32]), seq: 0, id: EntryId([2; 32]) };
    let seal = |bytes| Sealed { epoch: EpochId([3; 32]), log: LogId([1; 32]), key: vec![0; bytes] };
    let wrapped = |bytes| Wrapped { epoch: EpochId([3; 32]), key: vec![0; bytes] };
    let person = PersonId([4; 32]);
    let invite = |role, bytes| {
        let (invite, epoch, request_key) = (InviteId([5; 32]), EpochId([3; 32]), vec![0; bytes]);
        Action::Invite(Invite { invite, role, uses: 1, expires_ms: 0, approve: false, epoch, request_key })
    };
    let set = |n| Action::SetRole(SetRole { person, role: Role::Reader, cut: vec![cut; n] });
    let remove = |n| Action::Remove(Remove { subject: Subject::Person(person), cut: vec![cut; n] });
    let epoch = |parents, seals| Action::Epoch(Epoch { epoch: EpochId([3; 32]), parents, seals });
    let request = |n| Action::Request(Request { invite: InviteId([5; 32]), proof: [0; 64], name: vec![0; n] });
    let named = |n| vec![EntryId([2; 32]); n];
    let ask = |n| Action::AskKeys(AskKeys { epochs: vec![EpochId([3; 32]); n] });
    let admit = |role| Action::Admit(Admit { person, role, invite: None });
    let full = limits::SEALED_TO_BYTES;
    let both = [
        (invite(Role::Admin, limits::MAX_SEALED_KEY_BYTES), invite(Role::Owner, 0)),
        (invite(Role::Member, 0), invite(Role::Member, limits::MAX_SEALED_KEY_BYTES + 1)),
        (request(limits::MAX_SEALED_NAME_BYTES), request(limits::MAX_SEALED_NAME_BYTES + 1)),
        (admit(Role::Admin), admit(Role::Owner)),
        (set(limits::MAX_CUT), set(limits::MAX_CUT + 1)),
        (remove(limits::MAX_CUT), remove(limits::MAX_CUT + 1)),
        (
            Action::Accept(Accept { entries: named(limits::MAX_NAMED) }),
            Action::Accept(Accept { entries: named(limits::MAX_NAMED + 1) }),
        ),
        (
            Action::Hide(Hide { entries: named(limits::MAX_NAMED), hidden: true }),
            Action::Hide(Hide { entries: named(limits::MAX_NAMED + 1), hidden: true }),
        ),
        (
            epoch(vec![wrapped(limits::MAX_SEALED_KEY_BYTES); limits::MAX_PARENTS], vec![]),
            epoch(vec![wrapped(0); limits::MAX_PARENTS + 1], vec![]),
        ),
        (epoch(vec![], vec![]), epoch(vec![wrapped(limits::MAX_SEALED_KEY_BYTES + 1)], vec![])),
        (epoch(vec![], vec![seal(full); limits::MAX_SEALS]), epoch(vec![], vec![seal(full); limits::MAX_SEALS + 1])),
        (
            Action::Seals(Seals { seals: vec![seal(full); limits::MAX_SEALS] }),
            Action::Seals(Seals { seals: vec![seal(full - 1)] }),
        ),
        (ask(limits::MAX_PARENTS), ask(limits::MAX_PARENTS + 1)),
    ];
    for (within, beyond) in both {
        assert_eq!(within.check(), Ok(()));
        assert_eq!(Action::decode(within.kind().0, 1, &within.encode()), Ok(within));
        assert!(matches!(beyond.check(), Err(ReadError::Bounds(_))), "{beyond:?}");
        assert!(matches!(Action::decode(beyond.kind().0, 1, &beyond.encode()), Err(ReadError::Bounds(_))));
    }
}
