//! The table that the engines of a test sit around: who is connected with whom, what is under way between them, what each
//! said and heard, and peers that the test plays itself.

use super::*;

pub(super) const T0: u64 = 1_700_000_000_000;

pub(super) struct Node {
    pub(super) engine: Engine<MemStore>,
    pub(super) topics: BTreeSet<TopicHash>,
    /// Streams: who is at the other end, and under which number; none once it is cut.
    pub(super) streams: BTreeMap<StreamId, (usize, StreamId)>,
    pub(super) next_incoming: u64,
    pub(super) penalised: Vec<(Peer, String)>,
    pub(super) verdicts: BTreeMap<MessageId, Verdict>,
    pub(super) events: Vec<Event>,
    pub(super) published: Vec<Vec<u8>>,
    pub(super) learned: Vec<Told>,
    /// Streams that it asked for towards peers that the test plays.
    pub(super) opened: Vec<(StreamId, Peer)>,
}

pub(super) struct Table {
    pub(super) now: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) links: BTreeSet<(usize, usize)>,
    pub(super) mail: VecDeque<(usize, Input)>,
    pub(super) seen: BTreeSet<(usize, [u8; 32])>,
    pub(super) held_verdicts: BTreeMap<(usize, MessageId), (usize, TopicHash, Vec<u8>)>,
    pub(super) next_message: u64,
    pub(super) gossip: bool,
    /// Every frame that was sent: from, to, bytes.
    pub(super) frames: Vec<(usize, usize, Vec<u8>)>,
    /// After so many frames from now on every stream is cut.
    pub(super) cut_after: Option<usize>,
}

pub(super) fn peer(n: usize) -> Peer {
    Peer::new(&[&[7], &(n as u32).to_le_bytes()[..]].concat()).unwrap()
}

pub(super) fn identity(n: usize) -> Identity {
    let mut seed = [200; 32];
    seed[..8].copy_from_slice(&(n as u64).to_le_bytes());
    Identity { peer: peer(n), transport: LogKey::from_seed(&seed), name: format!("P{n}") }
}

pub(super) fn load(n: usize, store: MemStore, now: u64, salt: u8) -> Engine<MemStore> {
    let mut seed = [salt; 32];
    seed[..8].copy_from_slice(&(n as u64).to_le_bytes());
    Engine::load(store, identity(n), seed, now).unwrap()
}

pub(super) fn profile(name: &str) -> Action {
    Action::Profile(Profile { name: name.into(), supersedes: vec![] })
}

impl Node {
    pub(super) fn new(engine: Engine<MemStore>) -> Self {
        Self {
            engine,
            topics: BTreeSet::new(),
            streams: BTreeMap::new(),
            next_incoming: 1,
            penalised: vec![],
            verdicts: BTreeMap::new(),
            events: vec![],
            published: vec![],
            learned: vec![],
            opened: vec![],
        }
    }
}

impl Table {
    pub(super) fn new(count: usize) -> Self {
        let mut table = Self {
            now: T0,
            nodes: vec![],
            links: BTreeSet::new(),
            mail: VecDeque::new(),
            seen: BTreeSet::new(),
            held_verdicts: BTreeMap::new(),
            next_message: 0,
            gossip: true,
            frames: vec![],
            cut_after: None,
        };
        (0..count).for_each(|_| {
            table.seat(MemStore::default());
        });
        table
    }

    /// One more node, with this store.
    pub(super) fn seat(&mut self, store: MemStore) -> usize {
        let n = self.nodes.len();
        self.nodes.push(Node::new(load(n, store, self.now, 1)));
        self.batch(n, |_, _| ());
        n
    }

    /// A founder and members of one group, who have not met yet.
    pub(super) fn group(count: usize) -> (Self, GroupId) {
        let mut table = Self::new(count);
        let group = table.batch(0, |e, now| e.create_group(now, GroupKind::Open, "group").unwrap());
        (1..count).for_each(|n| table.join(n, group));
        (table, group)
    }

    pub(super) fn join(&mut self, n: usize, group: GroupId) {
        let seed = self.status(0, group).seed;
        self.batch(n, |e, now| e.join_group(now, group, Joining { seed, invite: None }).unwrap());
    }

    /// Runs something on an engine as a shell does: in one transaction, outputs after the commit.
    pub(super) fn batch<R>(&mut self, n: usize, run: impl FnOnce(&mut Engine<MemStore>, u64) -> R) -> R {
        let now = self.now;
        let engine = &mut self.nodes[n].engine;
        engine.store().begin();
        let result = run(engine, now);
        engine.flush().unwrap();
        engine.store().commit();
        let outputs: Vec<Output> = std::iter::from_fn(|| engine.poll_output()).collect();
        outputs.into_iter().for_each(|output| self.carry_out(n, output));
        result
    }

    pub(super) fn handle(&mut self, n: usize, input: Input) {
        self.batch(n, |e, now| e.handle(now, input).unwrap());
    }

    pub(super) fn write(&mut self, n: usize, group: GroupId, name: &str) -> EntryId {
        self.batch(n, |e, now| {
            let id = e.write(now, group, &profile(name)).unwrap();
            e.handle(now, Input::Tick).unwrap();
            id
        })
    }

    pub(super) fn carry_out(&mut self, n: usize, output: Output) {
        match output {
            Output::Subscribe(topic) => {
                self.nodes[n].topics.insert(topic);
                for other in self.neighbours(n) {
                    self.mail.push_back((other, Input::Subscribed(peer(n), topic)));
                }
            }
            Output::Unsubscribe(topic) => {
                self.nodes[n].topics.remove(&topic);
                for other in self.neighbours(n) {
                    self.mail.push_back((other, Input::Unsubscribed(peer(n), topic)));
                }
            }
            Output::Publish(topic, bytes) => {
                self.nodes[n].published.push(bytes.clone());
                self.seen.insert((n, *blake3::hash(&bytes).as_bytes()));
                self.flood(n, None, topic, &bytes);
            }
            Output::Verdict(message, verdict) => {
                self.nodes[n].verdicts.insert(message, verdict);
                if let Some((source, topic, bytes)) = self.held_verdicts.remove(&(n, message))
                    && verdict == Verdict::Accept
                {
                    self.flood(n, Some(source), topic, &bytes);
                }
            }
            Output::Open(stream, to) => self.open(n, stream, &to),
            Output::Send(stream, bytes) => self.send(n, stream, bytes),
            Output::Close(stream) => self.close(n, stream),
            Output::Penalise(who, why) => self.nodes[n].penalised.push((who, why)),
            Output::Learned(_, told) => self.nodes[n].learned.extend(told),
            Output::Event(event) => self.nodes[n].events.push(event),
            Output::Provide(_) | Output::StopProviding(_) | Output::Presence(_) => {}
        }
    }

    pub(super) fn neighbours(&self, n: usize) -> Vec<usize> {
        self.links.iter().filter_map(|&(a, b)| if a == n { Some(b) } else { (b == n).then_some(a) }).collect()
    }

    pub(super) fn flood(&mut self, n: usize, source: Option<usize>, topic: TopicHash, bytes: &[u8]) {
        for other in self.neighbours(n) {
            let known = !self.nodes[other].topics.contains(&topic) || Some(other) == source || !self.gossip;
            if !known && self.seen.insert((other, *blake3::hash(bytes).as_bytes())) {
                self.next_message += 1;
                let message = MessageId(self.next_message);
                self.held_verdicts.insert((other, message), (n, topic, bytes.to_vec()));
                let input = Input::Gossip { message, source: peer(n), topic, bytes: bytes.to_vec() };
                self.mail.push_back((other, input));
            }
        }
    }

    pub(super) fn open(&mut self, n: usize, stream: StreamId, to: &Peer) {
        let Some(other) = self.neighbours(n).into_iter().find(|o| peer(*o) == *to) else {
            // A peer that a test plays: the test answers.
            self.nodes[n].opened.push((stream, to.clone()));
            return;
        };
        let incoming = StreamId(self.nodes[other].next_incoming);
        self.nodes[other].next_incoming += 2;
        self.nodes[n].streams.insert(stream, (other, incoming));
        self.nodes[other].streams.insert(incoming, (n, stream));
        self.mail.push_back((other, Input::StreamOpened(incoming, peer(n))));
        self.mail.push_back((n, Input::StreamOpened(stream, to.clone())));
    }

    pub(super) fn send(&mut self, n: usize, stream: StreamId, bytes: Vec<u8>) {
        let Some(&(other, theirs)) = self.nodes[n].streams.get(&stream) else {
            self.frames.push((n, usize::MAX, bytes));
            return;
        };
        if let Some(left) = &mut self.cut_after {
            if *left == 0 {
                self.cut(n, stream);
                return;
            }
            *left -= 1;
        }
        self.frames.push((n, other, bytes.clone()));
        self.mail.push_back((other, Input::Frame(theirs, bytes)));
        self.mail.push_back((n, Input::Sent(stream)));
    }

    pub(super) fn close(&mut self, n: usize, stream: StreamId) {
        if let Some((other, theirs)) = self.nodes[n].streams.remove(&stream) {
            self.nodes[other].streams.remove(&theirs);
            self.mail.push_back((other, Input::StreamClosed(theirs)));
        }
        self.mail.push_back((n, Input::StreamClosed(stream)));
    }

    /// The connection under a stream breaks: what is under way on it is lost.
    pub(super) fn cut(&mut self, n: usize, stream: StreamId) {
        let Some((other, theirs)) = self.nodes[n].streams.remove(&stream) else { return };
        self.nodes[other].streams.remove(&theirs);
        self.mail.push_back((other, Input::StreamClosed(theirs)));
        self.mail.push_back((n, Input::StreamClosed(stream)));
    }

    pub(super) fn connect(&mut self, a: usize, b: usize) {
        self.links.insert((a.min(b), a.max(b)));
        for (n, other) in [(a, b), (b, a)] {
            self.mail.push_back((n, Input::Connected(peer(other))));
            for topic in self.nodes[other].topics.clone() {
                self.mail.push_back((n, Input::Subscribed(peer(other), topic)));
            }
        }
    }

    pub(super) fn disconnect(&mut self, a: usize, b: usize) {
        self.links.remove(&(a.min(b), a.max(b)));
        let between: Vec<StreamId> =
            self.nodes[a].streams.iter().filter(|(_, (other, _))| *other == b).map(|(s, _)| *s).collect();
        between.into_iter().for_each(|s| self.cut(a, s));
        self.mail.push_back((a, Input::Disconnected(peer(b))));
        self.mail.push_back((b, Input::Disconnected(peer(a))));
    }

    /// A peer of node `n` that the test plays itself: connected and subscribed.
    pub(super) fn hostile(&mut self, n: usize, group: GroupId, number: usize) -> Peer {
        let topic = self.status(n, group).topic;
        self.handle(n, Input::Connected(peer(number)));
        self.handle(n, Input::Subscribed(peer(number), topic));
        peer(number)
    }

    /// Hands over what is under way, until nothing is.
    pub(super) fn settle(&mut self) {
        for _ in 0..1_000_000 {
            let Some((n, input)) = self.mail.pop_front() else { return };
            self.handle(n, input);
        }
        panic!("the nodes never fall silent");
    }

    /// Lets time pass; every node is woken when it asked for it.
    pub(super) fn advance(&mut self, ms: u64) {
        let end = self.now + ms;
        let mut at_once = 0;
        loop {
            self.settle();
            let next = self.nodes.iter().filter_map(|n| n.engine.next_deadline()).min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            at_once = if at > self.now { 0 } else { at_once + 1 };
            assert!(at_once < 100, "a node asks to be woken again and again without anything to do");
            self.now = self.now.max(at);
            for n in 0..self.nodes.len() {
                if self.nodes[n].engine.next_deadline().is_some_and(|at| at <= self.now) {
                    self.handle(n, Input::Tick);
                }
            }
        }
        self.now = end;
    }

    pub(super) fn restart(&mut self, n: usize) {
        for other in self.neighbours(n) {
            self.disconnect(n, other);
        }
        self.mail.retain(|(to, _)| *to != n);
        let node = self.nodes.remove(n);
        let mut store = node.engine.into_store();
        store.rollback();
        self.nodes.insert(n, Node::new(load(n, store, self.now, 2)));
        self.batch(n, |_, _| ());
    }

    pub(super) fn status(&mut self, n: usize, group: GroupId) -> GroupStatus {
        let now = self.now;
        self.nodes[n].engine.status(now, group).unwrap()
    }

    pub(super) fn relation(&mut self, n: usize, group: GroupId, to: usize) -> Relation {
        self.status(n, group).members.into_iter().find(|m| m.peer == peer(to)).expect("it is a member").relation
    }

    pub(super) fn agree(&mut self, group: GroupId) -> bool {
        let prints: BTreeSet<_> = (0..self.nodes.len()).map(|n| self.status(n, group).fingerprint).collect();
        let views: BTreeSet<_> = self.nodes.iter_mut().map(|n| n.engine.store().views(group).digest()).collect();
        (prints.len(), views.len()) == (1, 1)
    }

    pub(super) fn agree_some(&mut self, group: GroupId, some: &[usize]) -> bool {
        let prints: BTreeSet<_> = some.iter().map(|n| self.status(*n, group).fingerprint).collect();
        prints.len() == 1
    }

    pub(super) fn converge_some(&mut self, group: GroupId, some: &[usize], within_ms: u64) {
        let end = self.now + within_ms;
        while !self.agree_some(group, some) {
            assert!(self.now < end, "no agreement within {within_ms} ms");
            self.advance(100);
        }
    }

    /// Advances until the nodes agree, and says how long it took.
    pub(super) fn converge(&mut self, group: GroupId, within_ms: u64) -> u64 {
        let begin = self.now;
        while self.now <= begin + within_ms {
            self.advance(100);
            if self.agree(group) {
                return self.now - begin;
            }
        }
        let held: Vec<_> = (0..self.nodes.len()).map(|n| self.status(n, group).held).collect();
        panic!("no agreement within {within_ms} ms; held: {held:?}");
    }
}

// What the tests play: peers that know the group and do what they like.

/// Entries of a log, one after another, from a place on.
pub(super) fn chain(
    keys: &GroupKeys,
    log: &LogKey,
    group: GroupId,
    from: Option<&Verified>,
    count: usize,
    tag: &str,
) -> Vec<Verified> {
    let mut out: Vec<Verified> = vec![];
    for n in 0..count {
        let before = out.last().or(from);
        let place = Place {
            group,
            seq: before.map_or(0, |b| b.header.seq + 1),
            prev: before.map_or(EntryId::ZERO, |b| b.id),
            control_heads: vec![],
        };
        let nonce = *blake3::hash(format!("{tag} {n}").as_bytes()).as_bytes().first_chunk().unwrap();
        let action = profile(&format!("{tag} {n}"));
        out.push(entry::write(log, keys, place, Hlc::new(T0, 0), &action, nonce).unwrap());
    }
    out
}

pub(super) fn run_of(entries: &[Verified], bodies: usize) -> Message {
    let run = Run::new(entries.iter().map(|e| &e.header), entries.last().unwrap().signature);
    Message::Run { bodies: bodies as u16, run }
}

pub(super) fn bodies_of(entries: &[Verified]) -> Message {
    Message::Bodies(entries.iter().map(|e| e.body.clone()).collect())
}

pub(super) fn tip_of(entry: &Verified) -> Tip {
    Tip { seq: entry.header.seq, id: entry.id }
}

impl Table {
    pub(super) fn keys(&self, n: usize, group: GroupId) -> GroupKeys {
        self.nodes[n].engine.keys(group).unwrap().clone()
    }

    /// What node `n` said to peers that the test plays, since this was last asked.
    pub(super) fn said(&mut self, n: usize) -> Vec<Message> {
        let (said, rest) =
            std::mem::take(&mut self.frames).into_iter().partition::<Vec<_>, _>(|f| f.0 == n && f.1 == usize::MAX);
        self.frames = rest;
        said.into_iter().map(|(_, _, bytes)| Message::decode(&bytes).unwrap()).collect()
    }

    pub(super) fn say(&mut self, n: usize, stream: StreamId, message: &Message) {
        self.handle(n, Input::Frame(stream, message.encode()));
    }

    /// Publishes an entry towards node `n`, as if `from` had passed it on.
    pub(super) fn gossip_to(&mut self, n: usize, group: GroupId, from: &Peer, entry: &Verified) -> MessageId {
        let keys = self.keys(n, group);
        self.next_message += 1;
        let message = MessageId(1 << 40 | self.next_message);
        let topic = keys.gossip_topic();
        let nonce = *blake3::hash(&self.next_message.to_le_bytes()).as_bytes().first_chunk().unwrap();
        let bytes = frame::entry(&keys, topic, entry, nonce).unwrap();
        self.handle(n, Input::Gossip { message, source: from.clone(), topic, bytes });
        message
    }

    pub(super) fn announce_to(&mut self, n: usize, group: GroupId, from: &Peer, fingerprint: [u8; 32]) {
        let keys = self.keys(n, group);
        self.next_message += 1;
        let message = MessageId(1 << 40 | self.next_message);
        let topic = keys.gossip_topic();
        let nonce = *blake3::hash(&self.next_message.to_le_bytes()).as_bytes().first_chunk().unwrap();
        let bytes = frame::heads(&keys, topic, fingerprint, 1, nonce);
        self.handle(n, Input::Gossip { message, source: from.clone(), topic, bytes });
    }

    /// Lets `who`, played by the test, accept the stream that node `n` asked for; the handshake is done after that,
    /// and the node has said what it asks for first.
    pub(super) fn welcome(&mut self, n: usize, group: GroupId, who: &Peer) -> StreamId {
        let at = self.nodes[n].opened.iter().rposition(|(_, p)| p == who).expect("a stream was asked for");
        let (stream, _) = self.nodes[n].opened.remove(at);
        self.said(n);
        self.handle(n, Input::StreamOpened(stream, who.clone()));
        let said = self.said(n);
        let [Message::Hello { nonce, .. }] = &said[..] else { panic!("{said:?}") };
        let ends = Ends { puller: &peer(n), server: who };
        let summary = Summary { fingerprint: [9; 32], entries: 1 };
        let key = LogKey::from_seed(&[77; 32]);
        let says = handshake::Welcome { summary: Some(summary), ..handshake::Welcome::default() };
        let (welcome, _) = handshake::welcome(&self.keys(n, group), ends, nonce, [5; 32], &key, &says);
        self.say(n, stream, &welcome);
        stream
    }

    /// Answers the first question of a pull with these tips, and gives back the wants that follow.
    pub(super) fn offer(&mut self, n: usize, stream: StreamId, leaves: Vec<(LogId, Tip)>) -> Vec<Want> {
        self.say(n, stream, &Message::Answers(vec![Answer::Leaves(leaves)]));
        let said = self.said(n);
        said.into_iter().flat_map(|m| if let Message::Want(wants) = m { wants } else { vec![] }).collect()
    }

    /// A stream that `who`, played by the test, opens and greets properly.
    pub(super) fn greet(&mut self, n: usize, group: GroupId, who: &Peer, stream: u64) -> StreamId {
        let stream = StreamId(stream);
        let keys = self.keys(n, group);
        self.handle(n, Input::StreamOpened(stream, who.clone()));
        let (me, nonce) = (peer(n), [8; 32]);
        let ends = Ends { puller: who, server: &me };
        let summary = Summary { fingerprint: [9; 32], entries: 1 };
        self.said(n);
        let key = LogKey::from_seed(&[78; 32]);
        self.say(n, stream, &handshake::hello(&keys, ends, nonce, summary, &key));
        let said = self.said(n);
        let [Message::Welcome { nonce: theirs, proof, sealed }] = &said[..] else { panic!("{said:?}") };
        let proven = handshake::open_welcome(&keys, ends, &nonce, theirs, proof, sealed).unwrap();
        self.say(n, stream, &handshake::identify(&key, &proven.transcript));
        stream
    }
}
