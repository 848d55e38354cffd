//! Two engines in one process, joined by hand: everything that a shell does for an engine, without a network.
//!
//! ```text
//! cargo run --no-default-features --example two_peers
//! ```
//!
//! An engine does no IO. Its shell tells it what happened ([`Input`]) and when, and carries out what it says
//! ([`Output`]), after committing what it wrote. Here the shell is [`Desk`], the store is the simulator's, and a
//! "network" is a list of inputs for the other desk.

use std::collections::VecDeque;

use studymesh::engine::io::{Event, Input, MessageId, Output, StreamId};
use studymesh::engine::{Engine, Identity};
use studymesh::log::keys::LogKey;
use studymesh::model::action::{Action, GroupKind, NoteNew};
use studymesh::model::id::Peer;
use studymesh::model::text::Text;
use studymesh::sim::store::MemStore;

/// Virtual time, Unix milliseconds. The engine is told the time; it never looks.
const NOW: u64 = 1_800_000_000_000;

struct Desk {
    engine: Engine<MemStore>,
    peer: Peer,
    /// What the other side has to be told.
    outbox: VecDeque<Input>,
    messages: u64,
}

impl Desk {
    fn new(name: &str, number: u8) -> Self {
        let peer = Peer::new(&[number]).expect("one byte is enough for an example");
        let transport = LogKey::from_seed(&[number; 32]);
        let identity = Identity { peer: peer.clone(), transport, name: name.to_owned() };
        // The seed is all the randomness that the engine ever gets: real nodes draw it from the operating system.
        let engine = Engine::load(MemStore::default(), identity, [number; 32], NOW).expect("an empty store loads");
        Self { engine, peer, outbox: VecDeque::new(), messages: 0 }
    }

    /// One batch: begin, run, flush, commit, and only then carry out what the engine said.
    fn batch<R>(&mut self, run: impl FnOnce(&mut Engine<MemStore>) -> R) -> R {
        self.engine.store().begin();
        let result = run(&mut self.engine);
        self.engine.flush().expect("a store in memory does not fail");
        self.engine.store().commit();
        while let Some(output) = self.engine.poll_output() {
            self.carry_out(output);
        }
        result
    }

    fn carry_out(&mut self, output: Output) {
        // The engine numbers its own streams evenly; the other side knows the same stream by the next odd number.
        let there = |stream: StreamId| StreamId(stream.0 ^ 1);
        match output {
            Output::Subscribe(topic) => self.outbox.push_back(Input::Subscribed(self.peer.clone(), topic)),
            Output::Open(stream, peer) => {
                self.outbox.push_back(Input::StreamOpened(there(stream), self.peer.clone()));
                self.batch(|engine| engine.handle(NOW, Input::StreamOpened(stream, peer))).expect("as above");
            }
            Output::Send(stream, bytes) => {
                self.messages += 1;
                self.outbox.push_back(Input::Frame(there(stream), bytes));
                self.batch(|engine| engine.handle(NOW, Input::Sent(stream))).expect("as above");
            }
            Output::Close(stream) => self.outbox.push_back(Input::StreamClosed(there(stream))),
            Output::Publish(topic, bytes) => {
                let message = MessageId(self.messages);
                self.outbox.push_back(Input::Gossip { message, source: self.peer.clone(), topic, bytes });
            }
            Output::Event(Event::Compared { relation, received, .. }) => {
                println!("  {:?} compared: {}, {received} entries came", self.peer, relation.as_str());
            }
            // A verdict matters where messages are passed on; two peers have nobody to pass anything to.
            _ => {}
        }
    }
}

/// Hands over everything that one side said to the other, until both are silent, and lets a second pass.
fn talk(ada: &mut Desk, bo: &mut Desk) {
    for tick in [0, 1_000] {
        for desk in [&mut *ada, &mut *bo] {
            desk.batch(|engine| engine.handle(NOW + tick, Input::Tick)).expect("as above");
        }
        while !(ada.outbox.is_empty() && bo.outbox.is_empty()) {
            for input in std::mem::take(&mut ada.outbox) {
                bo.batch(|engine| engine.handle(NOW + tick, input)).expect("as above");
            }
            for input in std::mem::take(&mut bo.outbox) {
                ada.batch(|engine| engine.handle(NOW + tick, input)).expect("as above");
            }
        }
    }
}

fn note(title: &str, text: &str) -> Action {
    let text = Text::new().next_edit_towards(text).expect("there is text");
    Action::NoteNew(NoteNew { title: title.to_owned(), topic: Some("channels".to_owned()), tags: vec![], text })
}

fn main() {
    let (mut ada, mut bo) = (Desk::new("Ada", 1), Desk::new("Bo", 2));

    println!("Ada founds a group and writes a note, offline.");
    let group = ada.batch(|engine| engine.create_group(NOW, GroupKind::Open, "Go, from channels to cloud"));
    let group = group.expect("it is the first group");
    ada.batch(|engine| engine.write(NOW, group, &note("Channels", "A channel is a queue with rendezvous.")))
        .expect("the note is within its bounds");
    let seed = ada.engine.status(NOW, group).expect("she is in it").seed;

    println!("Bo joins with what a ticket carries, the group's id and seed, and writes too.");
    bo.batch(|engine| engine.join_group(NOW, group, studymesh::engine::Joining { seed, invite: None }))
        .expect("it is the first group");
    bo.batch(|engine| engine.write(NOW, group, &note("通道", "通道是 goroutine 之间的队列。"))).expect("as above");

    println!("They meet: a connection each way, and the topics that the other takes part in.");
    let (peer_a, peer_b) = (ada.peer.clone(), bo.peer.clone());
    bo.batch(|engine| engine.handle(NOW, Input::Connected(peer_a))).expect("as above");
    ada.batch(|engine| engine.handle(NOW, Input::Connected(peer_b))).expect("as above");
    talk(&mut ada, &mut bo);

    println!("Now Ada writes, and gossip brings it at once.");
    ada.batch(|engine| engine.write(NOW, group, &note("Select", "Select waits for several channels.")))
        .expect("as above");
    talk(&mut ada, &mut bo);

    let status = bo.engine.status(NOW, group).expect("he is in it");
    println!("Bo holds {} entries of {} logs. His notes:", status.held, status.logs);
    let views = bo.engine.store().views(group);
    for note in views.notes() {
        println!("  {}", views.text(note).read());
    }
    assert_eq!(views.notes().count(), 3);
    assert_eq!(Some(status.fingerprint), ada.engine.status(NOW, group).map(|s| s.fingerprint));
    assert_eq!(views.digest(), ada.engine.store().views(group).digest());
    println!("Both hold and show the same, after {} messages.", ada.messages + bo.messages);
}
