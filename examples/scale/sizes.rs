//! How long the messages really are, and a pair of engines that are joined by hand.

use std::collections::VecDeque;

use studymesh::engine::io::{Event, Input, Output, StreamId};
use studymesh::engine::{Engine, Identity, Joining};
use studymesh::gossip::frame::{self, Frame};
use studymesh::log::keys::LogKey;
use studymesh::model::action::{Action, GroupKind, NoteNew};
use studymesh::model::id::Peer;
use studymesh::model::text::Text;
use studymesh::sim::store::MemStore;

use crate::Result;

/// Virtual time, Unix milliseconds.
pub const NOW: u64 = 1_800_000_000_000;

/// Bytes of messages.
pub struct Sizes {
    /// A gossip message with a note of 500 bytes.
    pub entry: u64,
    /// A head announcement.
    pub heads: u64,
    /// A comparison of two who hold the same.
    pub compare: u64,
    /// Messages of it.
    pub compare_messages: u64,
}

impl Sizes {
    pub fn to_json(&self) -> String {
        let Self { entry, heads, compare, compare_messages } = self;
        format!("{{\"entry\":{entry},\"heads\":{heads},\"compare\":{compare},\"compare_messages\":{compare_messages}}}")
    }
}

/// An engine, what it sent, and what waits for the other.
pub struct Desk {
    pub engine: Engine<MemStore>,
    pub peer: Peer,
    outbox: VecDeque<Input>,
    pub frames: u64,
    pub frame_bytes: u64,
    pub gossip: u64,
    pub gossip_bytes: u64,
    pub compared: u64,
    pub wakes: u64,
    /// The last message of gossip that was published.
    pub published: Vec<u8>,
}

impl Desk {
    pub fn new(number: u8, store: MemStore) -> Result<Self> {
        let peer = Peer::new(&[number]).ok_or("one byte is enough")?;
        let identity =
            Identity { peer: peer.clone(), transport: LogKey::from_seed(&[number; 32]), name: format!("P{number}") };
        let engine = Engine::load(store, identity, [number; 32], NOW)?;
        Ok(Self {
            engine,
            peer,
            outbox: VecDeque::new(),
            frames: 0,
            frame_bytes: 0,
            gossip: 0,
            gossip_bytes: 0,
            compared: 0,
            wakes: 0,
            published: vec![],
        })
    }

    /// One batch at a time.
    pub fn batch<R>(&mut self, now: u64, run: impl FnOnce(&mut Engine<MemStore>) -> R) -> R {
        self.engine.store().begin();
        let result = run(&mut self.engine);
        self.engine.flush().expect("a store in memory does not fail");
        self.engine.store().commit();
        while let Some(output) = self.engine.poll_output() {
            self.carry_out(now, output);
        }
        result
    }

    pub fn input(&mut self, now: u64, input: Input) {
        self.batch(now, |engine| engine.handle(now, input)).expect("a store in memory does not fail");
    }

    fn carry_out(&mut self, now: u64, output: Output) {
        let there = |stream: StreamId| StreamId(stream.0 ^ 1);
        match output {
            Output::Subscribe(topic) => self.outbox.push_back(Input::Subscribed(self.peer.clone(), topic)),
            Output::Open(stream, peer) => {
                self.outbox.push_back(Input::StreamOpened(there(stream), self.peer.clone()));
                self.input(now, Input::StreamOpened(stream, peer));
            }
            Output::Send(stream, bytes) => {
                (self.frames, self.frame_bytes) = (self.frames + 1, self.frame_bytes + 4 + bytes.len() as u64);
                self.outbox.push_back(Input::Frame(there(stream), bytes));
                self.input(now, Input::Sent(stream));
            }
            Output::Close(stream) => self.outbox.push_back(Input::StreamClosed(there(stream))),
            Output::Publish(topic, bytes) => {
                (self.gossip, self.gossip_bytes) = (self.gossip + 1, self.gossip_bytes + bytes.len() as u64);
                self.published = bytes.clone();
                let message = studymesh::engine::io::MessageId(self.gossip);
                self.outbox.push_back(Input::Gossip { message, source: self.peer.clone(), topic, bytes });
            }
            Output::Event(Event::Compared { .. }) => self.compared += 1,
            _ => {}
        }
    }
}

/// Hands over what both say until both are silent.
pub fn deliver(now: u64, a: &mut Desk, b: &mut Desk) {
    while !(a.outbox.is_empty() && b.outbox.is_empty()) {
        for input in std::mem::take(&mut a.outbox) {
            b.input(now, input);
        }
        for input in std::mem::take(&mut b.outbox) {
            a.input(now, input);
        }
    }
}

/// Both engines live on until a time: whoever wants to be woken is.
pub fn live(from: u64, until: u64, a: &mut Desk, b: &mut Desk) {
    let mut now = from;
    loop {
        deliver(now, a, b);
        let next = [&a.engine, &b.engine].iter().filter_map(|engine| engine.next_deadline()).min();
        match next {
            Some(at) if at < until => now = now.max(at).max(now + u64::from(at <= now)),
            _ => return,
        }
        for desk in [&mut *a, &mut *b] {
            if desk.engine.next_deadline().is_some_and(|at| at <= now) {
                desk.wakes += 1;
                desk.input(now, Input::Tick);
            }
        }
    }
}

/// Connects both, each towards the other.
pub fn connect(now: u64, a: &mut Desk, b: &mut Desk) {
    let (peer_a, peer_b) = (a.peer.clone(), b.peer.clone());
    // Their topics wait in the outboxes since they were loaded, and a subscription counts only when connected.
    a.input(now, Input::Connected(peer_b));
    b.input(now, Input::Connected(peer_a));
    deliver(now, a, b);
}

/// Measures on a pair that comes to agree.
pub fn measure() -> Result<Sizes> {
    let (mut a, mut b) = (Desk::new(1, MemStore::default())?, Desk::new(2, MemStore::default())?);
    let group = a.batch(NOW, |engine| engine.create_group(NOW, GroupKind::Open, "sizes"))?;
    let seed = a.engine.status(NOW, group).ok_or("it was founded")?.seed;
    b.batch(NOW, |engine| engine.join_group(NOW, group, Joining { seed, invite: None }))?;
    connect(NOW, &mut a, &mut b);
    let quiet = NOW + 30_000;
    live(NOW, quiet, &mut a, &mut b);
    let keys = a.engine.keys(group).ok_or("it was founded")?.clone();
    let topic = a.engine.status(quiet, group).ok_or("it was founded")?.topic;
    let heads = frame::heads(&keys, topic, [0; 32], 1, [0; 24]).len() as u64;
    // A note of Chinese and English, of which about half can be compressed away.
    let text: String = (0..).map(|n| format!("容器 channel {:x} ", n * 7_919 % 65_521)).take(60).collect();
    let end = (0..=500).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let text = Text::new().next_edit_towards(&text[..end]).ok_or("an empty note")?;
    let note = Action::NoteNew(NoteNew { title: "笔记 12".into(), topic: None, tags: vec![], text });
    a.batch(quiet, |engine| engine.write(quiet, group, &note))?;
    if !matches!(frame::open(&keys, topic, &a.published), Ok(Frame::Entry(_))) {
        return Err("the entry was not published".into());
    }
    let entry = a.published.len() as u64;
    live(quiet, quiet + 30_000, &mut a, &mut b);
    // All agree now: one comparison, and nothing else.
    let now = quiet + 30_000;
    let before = (a.frames + b.frames, a.frame_bytes + b.frame_bytes);
    a.batch(now, |engine| {
        engine.check(now, group);
        engine.handle(now, Input::Tick)
    })?;
    deliver(now, &mut a, &mut b);
    let after = (a.frames + b.frames, a.frame_bytes + b.frame_bytes);
    Ok(Sizes { entry, heads, compare: after.1 - before.1, compare_messages: after.0 - before.0 })
}
