//! A group's entries as several people write them, and stores that receive them in any order.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::entropy::Entropy;
use crate::engine::store::{Append, ChainNo, GroupRow, Reading, Store, Tip};
use crate::log::entry::{self, Place, Verified};
use crate::log::keys::{GroupKeys, LogKey};
use crate::log::person;
use crate::log::run::is_signature_point;
use crate::model::action::{
    Action, Genesis, GroupKind, GroupName, LinkAdd, LinkRead, LinkSet, LinkVote, NoteEdit, NoteNew, NoteSet, Profile,
    Progress, RoadmapEdit, RoadmapMeta, TopicPut, TopicState,
};
use crate::model::fold::{Fact, Register, Value, facts};
use crate::model::id::{EntryId, GroupId, LinkId, LogId, NoteId, PersonId};
use crate::model::roadmap::{Localized, Topic};
use crate::model::text::{Text, TextEdit};
use crate::model::time::Hlc;
use crate::store::{Error, SqliteStore};

pub const SEED: [u8; 16] = [7; 16];

/// One branch of one log, and who writes it.
#[derive(Clone)]
pub struct Branch {
    pub key: LogKey,
    pub person: PersonId,
    seq: u64,
    prev: EntryId,
}

/// A group and all its entries, each after the one that it follows in its log.
#[derive(Clone)]
pub struct World {
    pub group: GroupId,
    pub keys: GroupKeys,
    pub entries: Vec<Verified>,
    pub branches: Vec<Branch>,
    clock: u64,
}

impl World {
    /// A group with its founder, and further logs that each wrote an endorsement.
    pub fn new(people: u8) -> Self {
        let keys = GroupKeys::from_seed(&SEED);
        let mut world = Self { group: GroupId::ZERO, keys, entries: vec![], branches: vec![], clock: 1_000 };
        world.add_branch(1);
        world.write(0, &Action::Genesis(Genesis { kind: GroupKind::Open, salt: [1; 16] }));
        world.group = entry::group_id(&world.entries[0].header_bytes);
        world.endorse(0, &[]);
        for n in 1..people {
            let branch = world.add_branch(n + 1);
            world.endorse(branch, &[]);
        }
        world
    }

    fn add_branch(&mut self, seed: u8) -> usize {
        let key = LogKey::from_seed(&[seed; 32]);
        let person = PersonId::from(key.id());
        self.branches.push(Branch { key, person, seq: 0, prev: EntryId::ZERO });
        self.branches.len() - 1
    }

    /// A fresh log of the person who writes a branch.
    pub fn second_log(&mut self, of: usize, seed: u8) -> usize {
        let first = self.branches[of].clone();
        let branch = self.add_branch(seed);
        self.branches[branch].person = first.person;
        self.endorse(branch, &[first.key]);
        branch
    }

    /// A copy of a log that goes on apart.
    pub fn fork(&mut self, branch: usize) -> usize {
        self.branches.push(self.branches[branch].clone());
        self.branches.len() - 1
    }

    fn endorse(&mut self, branch: usize, before: &[LogKey]) {
        let transport = LogKey::from_seed(&[200; 32]);
        let endorse = person::endorse(self.group, &self.branches[branch].key, &transport, before);
        self.write(branch, &Action::Endorse(endorse));
    }

    pub fn write(&mut self, branch: usize, action: &Action) -> EntryId {
        self.clock += 1;
        let time = Hlc::new(self.clock, 0);
        self.write_at(branch, time, action)
    }

    pub fn write_at(&mut self, branch: usize, time: Hlc, action: &Action) -> EntryId {
        action.check().unwrap();
        let Branch { key, seq, prev, .. } = self.branches[branch].clone();
        let heads: BTreeSet<EntryId> =
            self.entries.iter().filter(|e| e.header.seq == 0).map(|e| e.id).take(3).collect();
        let place = Place { group: self.group, seq, prev, control_heads: heads.into_iter().collect() };
        let nonce = *blake3::hash(&self.entries.len().to_le_bytes()).as_bytes().first_chunk().unwrap();
        let entry = entry::write(&key, &self.keys, place, time, action, nonce).unwrap();
        let id = entry.id;
        (self.branches[branch].seq, self.branches[branch].prev) = (seq + 1, id);
        self.entries.push(entry);
        id
    }

    pub fn person(&self, log: LogId) -> PersonId {
        self.branches.iter().find(|b| b.key.id() == log).unwrap().person
    }

    pub fn name_group(&mut self, branch: usize, name: &str, supersedes: &[EntryId]) -> EntryId {
        self.write(branch, &Action::GroupName(GroupName { name: name.into(), supersedes: supersedes.into() }))
    }

    pub fn note(&mut self, branch: usize, title: &str, text: &str, tags: &[&str]) -> NoteId {
        let tags = tags.iter().map(|t| (*t).to_owned()).collect();
        NoteId::from(
            self.write(branch, &Action::NoteNew(NoteNew { title: title.into(), topic: None, tags, text: first(text) })),
        )
    }

    pub fn link(&mut self, branch: usize, url: &str, title: &str) -> LinkId {
        let add =
            LinkAdd { url: url.into(), title: title.into(), tags: vec![], topic: String::new(), supersedes: vec![] };
        self.write(branch, &Action::LinkAdd(add));
        crate::model::link::id(url)
    }

    pub fn topic(&mut self, branch: usize, roadmap: &str, id: &str, topic: Option<Topic>) -> EntryId {
        let supersedes = self.frontier(&Register::Topic(roadmap.into(), id.into()));
        let put = TopicPut { id: id.into(), topic };
        self.write(
            branch,
            &Action::RoadmapEdit(RoadmapEdit { roadmap: roadmap.into(), meta: None, topics: vec![put], supersedes }),
        )
    }

    /// The entry with what it says, when it opens.
    pub fn action(&self, entry: &Verified) -> Action {
        self.keys.open(&entry.header, &entry.body).unwrap()
    }

    /// What every register says, worked out the slow and plain way.
    pub fn registers(&self) -> BTreeMap<Register, (Value, Vec<EntryId>)> {
        let mut writes: BTreeMap<Register, BTreeMap<(Hlc, EntryId), Value>> = BTreeMap::new();
        let mut superseded: BTreeSet<(Register, EntryId)> = BTreeSet::new();
        for entry in &self.entries {
            let action = self.action(entry);
            for fact in facts(entry.id, self.person(entry.header.log), &action) {
                if let Fact::Write(register, value) = fact {
                    superseded.extend(action.supersedes().iter().map(|t| (register.clone(), *t)));
                    writes.entry(register).or_default().insert((entry.header.time, entry.id), *value);
                }
            }
        }
        let current = |(register, writes): (Register, BTreeMap<(Hlc, EntryId), Value>)| {
            let live = writes.into_iter().rev().filter(|((_, id), _)| !superseded.contains(&(register.clone(), *id)));
            let live: Vec<_> = live.collect();
            let value = live[0].1.clone();
            (register, (value, live.into_iter().map(|((_, id), _)| id).collect()))
        };
        writes.into_iter().map(current).collect()
    }

    pub fn frontier(&self, register: &Register) -> Vec<EntryId> {
        self.registers().remove(register).map(|(_, frontier)| frontier).unwrap_or_default()
    }

    /// What every note says, worked out the slow and plain way.
    pub fn texts(&self) -> BTreeMap<NoteId, String> {
        let mut edits: BTreeMap<NoteId, Text> = BTreeMap::new();
        let mut made = BTreeSet::new();
        for entry in &self.entries {
            match self.action(entry) {
                Action::NoteNew(new) => {
                    made.insert(NoteId::from(entry.id));
                    edits.entry(entry.id.into()).or_default().apply(entry.id, &new.text);
                }
                Action::NoteEdit(edit) => edits.entry(edit.note).or_default().apply(entry.id, &edit.edit),
                _ => {}
            }
        }
        edits.into_iter().filter(|(note, _)| made.contains(note)).map(|(n, t)| (n, t.to_string())).collect()
    }

    /// Adds an entry that might be anything, by anybody, that names anything.
    pub fn write_anything(&mut self, dice: &mut Entropy) {
        let branch = dice.below(self.branches.len() as u64) as usize;
        let ids: Vec<EntryId> = self.entries.iter().map(|e| e.id).collect();
        let mut some = |max: u64| -> Vec<EntryId> {
            let count = dice.below(max + 1);
            (0..count).map(|_| ids[dice.below(ids.len() as u64) as usize]).collect()
        };
        let mut supersedes = some(4);
        if supersedes.len() < 2 {
            supersedes.extend(some(1));
        }
        let notes: Vec<NoteId> =
            self.entries.iter().filter(|e| matches!(self.action(e), Action::NoteNew(_))).map(|e| e.id.into()).collect();
        // Sometimes a note that nobody made.
        let note = match dice.below(notes.len() as u64 + 1) as usize {
            n if n < notes.len() => notes[n],
            _ => NoteId([9; 32]),
        };
        let url = format!("https://example.com/{}", dice.below(2));
        let word = ["Go", "云原生", "", "共识", "libp2p 打洞"][dice.below(5) as usize].to_owned();
        let flag = dice.below(2) == 0;
        let link = crate::model::link::id(&url);
        let topic = format!("t{}", dice.below(3));
        let tags = if flag { vec!["k8s".to_owned()] } else { vec![] };
        let maybe = |yes: bool| yes.then(|| word.clone());
        let action = match dice.below(11) {
            0 => Action::Profile(Profile { name: format!("P{word}"), supersedes }),
            1 => Action::GroupName(GroupName { name: format!("G{word}"), supersedes }),
            2 => Action::NoteNew(NoteNew {
                title: word.clone(),
                topic: flag.then(|| topic.clone()),
                tags,
                text: first(&word),
            }),
            3 | 4 => {
                let edit = self.some_edit(note, &word, dice);
                Action::NoteEdit(NoteEdit { note, builds_on: supersedes, edit })
            }
            5 => Action::NoteSet(NoteSet {
                note,
                title: maybe(dice.below(2) == 0),
                topic: None,
                tags: Some(tags),
                deleted: (dice.below(3) == 0).then_some(flag),
                supersedes,
            }),
            6 => Action::LinkAdd(LinkAdd { url, title: word, tags, topic: String::new(), supersedes }),
            7 => Action::LinkSet(LinkSet {
                link,
                title: Some(word),
                removed: Some(flag),
                supersedes,
                ..LinkSet::default()
            }),
            8 if flag => Action::LinkVote(LinkVote { link, up: dice.below(2) == 0, supersedes }),
            8 => Action::LinkRead(LinkRead { link, read: dice.below(2) == 0, supersedes }),
            9 => Action::RoadmapEdit(some_roadmap(&word, &topic, flag, supersedes, dice)),
            _ => Action::Progress(Progress {
                topic,
                state: if flag { TopicState::Done } else { TopicState::Doing },
                minutes: dice.below(90) as u32,
                evidence: None,
                remark: maybe(flag),
                supersedes,
            }),
        };
        // Clocks are equal, wrong, or mad.
        let time = match dice.below(4) {
            0 => Hlc::from_bits(dice.number()),
            n => Hlc::new(n, 0),
        };
        self.write_at(branch, time, &action);
    }

    /// An edit by somebody who had some of the edits of a note.
    fn some_edit(&self, note: NoteId, word: &str, dice: &mut Entropy) -> TextEdit {
        let mut text = Text::new();
        for entry in &self.entries {
            let had = dice.below(4) != 0;
            match self.action(entry) {
                Action::NoteNew(new) if NoteId::from(entry.id) == note && had => text.apply(entry.id, &new.text),
                Action::NoteEdit(edit) if edit.note == note && had => text.apply(entry.id, &edit.edit),
                _ => {}
            }
        }
        let old: Vec<char> = text.to_string().chars().collect();
        let at = dice.below(old.len() as u64 + 1) as usize;
        let keep = dice.below(old.len() as u64 + 1) as usize;
        let new: String = old[..at].iter().chain(word.chars().collect::<Vec<_>>().iter()).chain(&old[keep..]).collect();
        text.next_edit_towards(&new).unwrap_or_default()
    }
}

fn some_roadmap(word: &str, topic: &str, flag: bool, supersedes: Vec<EntryId>, dice: &mut Entropy) -> RoadmapEdit {
    let put = |title: &str| Topic { id: topic.to_owned(), title: Localized::of(title), ..Topic::default() };
    let mut topics = vec![TopicPut { id: topic.into(), topic: flag.then(|| put(&format!("T{word}"))) }];
    if dice.below(3) == 0 {
        // The same topic twice in one entry.
        topics.push(TopicPut { id: topic.into(), topic: Some(put("again")) });
    }
    let meta = (dice.below(3) == 0).then(|| RoadmapMeta {
        title: Localized::en("Path"),
        description: Localized::default(),
        removed: dice.below(3) == 0,
    });
    RoadmapEdit { roadmap: "path".into(), meta, topics, supersedes }
}

/// The edit that makes a note's first text.
pub fn first(text: &str) -> TextEdit {
    Text::new().next_edit_towards(text).unwrap_or_default()
}

/// A store that takes entries in, as the engine does it.
pub struct Node {
    pub store: SqliteStore,
    pub group: GroupId,
    keys: GroupKeys,
    chains: Vec<Chain>,
}

struct Chain {
    no: ChainNo,
    log: LogId,
    person: PersonId,
    first: u64,
    ids: Vec<EntryId>,
}

impl Node {
    /// Brings the index up to date and searches.
    pub fn search(&mut self, group: GroupId, query: &str, limit: usize, offset: usize) -> Vec<crate::store::Hit> {
        assert!(self.store.index_while(|| true).unwrap());
        assert_eq!(self.store.unsearchable().unwrap(), 0);
        self.store.search(group, query, limit, offset).unwrap()
    }

    pub fn new(world: &World) -> Self {
        Self::on(SqliteStore::open_in_memory().unwrap(), world)
    }

    pub fn on(mut store: SqliteStore, world: &World) -> Self {
        let row = GroupRow {
            id: world.group,
            seed: SEED,
            log_keys: vec![[1; 32], [2; 32]],
            joined_ms: 5,
            kind: None,
            before: vec![],
        };
        store.put_group(&row).unwrap();
        Self { store, group: world.group, keys: world.keys.clone(), chains: vec![] }
    }

    /// A node that took all entries in, in the order in which they were written.
    pub fn with_all(world: &World) -> Self {
        let mut node = Self::new(world);
        node.take_all(world);
        node
    }

    pub fn take_all(&mut self, world: &World) {
        self.store.begin().unwrap();
        for entry in &world.entries {
            self.put(world, entry).unwrap();
        }
        self.store.commit().unwrap();
    }

    /// Whether what the entry follows is here.
    pub fn is_ready(&self, entry: &Verified) -> bool {
        entry.header.seq == 0 || self.chains.iter().any(|c| c.holds(entry.header.seq - 1, entry.header.prev))
    }

    pub fn put(&mut self, world: &World, entry: &Verified) -> Result<(), Error> {
        let action = self.keys.open(&entry.header, &entry.body);
        self.put_reading(world, entry, action.as_ref().map_or(Reading::Later, Reading::Action))
    }

    pub fn put_reading(&mut self, world: &World, entry: &Verified, reading: Reading<'_>) -> Result<(), Error> {
        let header = &entry.header;
        let at_end = |c: &Chain| c.log == header.log && c.ids.last() == Some(&header.prev) && header.seq > 0;
        let chain = match self.chains.iter().position(at_end) {
            Some(chain) => chain,
            None => {
                let parent = self.chains.iter().find(|c| header.seq > 0 && c.holds(header.seq - 1, header.prev));
                let at = parent.map(|c| (c.no, header.seq - 1));
                assert!(header.seq == 0 || at.is_some(), "the entry follows another that is here");
                let person = world.person(header.log);
                let no = self.store.new_chain(self.group, header.log, at, person)?;
                self.chains.push(Chain { no, log: header.log, person, first: header.seq, ids: vec![] });
                self.chains.len() - 1
            }
        };
        let chain = &mut self.chains[chain];
        let signature = is_signature_point(header.seq).then_some(entry.signature);
        let append = Append { id: entry.id, header, body: &entry.body, signature, person: chain.person, reading };
        self.store.append(self.group, chain.no, &append)?;
        chain.ids.push(entry.id);
        let tip = Tip { seq: header.seq, id: entry.id, signature: Some(entry.signature), pending: None };
        self.store.set_tip(chain.no, &tip)
    }

    /// Takes all entries in, in an order that the dice choose, in batches of any size.
    pub fn take_shuffled(&mut self, world: &World, dice: &mut Entropy) {
        let mut left: Vec<&Verified> = world.entries.iter().collect();
        self.store.begin().unwrap();
        while !left.is_empty() {
            let ready: Vec<usize> = (0..left.len()).filter(|n| self.is_ready(left[*n])).collect();
            let next = left.remove(ready[dice.below(ready.len() as u64) as usize]);
            self.put(world, next).unwrap();
            if dice.below(5) == 0 {
                self.store.commit().unwrap();
                // Reading in between must not change what comes out.
                match dice.below(3) {
                    0 => drop(self.store.notes(self.group).unwrap()),
                    1 => drop(self.index(3)),
                    _ => drop(self.search(self.group, "云原生", 10, 0)),
                }
                self.store.begin().unwrap();
            }
        }
        self.store.commit().unwrap();
    }

    /// Lets search learn of so many documents; true when it knows all of them.
    pub fn index(&mut self, documents: usize) -> bool {
        let mut left = documents;
        let go_on = || left.checked_sub(1).map(|n| left = n).is_some();
        self.store.index_while(go_on).unwrap()
    }

    pub fn digest(&mut self) -> [u8; 32] {
        self.store.digest(self.group).unwrap()
    }

    pub fn chain_of(&self, log: LogId) -> ChainNo {
        self.chains.iter().find(|c| c.log == log).unwrap().no
    }
}

impl Chain {
    fn holds(&self, seq: u64, id: EntryId) -> bool {
        seq.checked_sub(self.first).and_then(|n| self.ids.get(n as usize)) == Some(&id)
    }
}
