//! A replica: an engine on its store, with a TCP connection for a network and orders from standard input.

use std::io::{BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};
use studymesh::config::Home;
use studymesh::engine::Imported;
use studymesh::engine::entropy::Entropy;
use studymesh::engine::io::{Input, Output, StreamId};
use studymesh::engine::store::{ChainRow, Store};
use studymesh::log::entry::{self, Place, Signed};
use studymesh::log::keys::LogKey;
use studymesh::model::action::{Action, NoteNew};
use studymesh::model::id::{EpochId, GroupId, Peer};
use studymesh::model::text::Text;
use studymesh::model::time::Hlc;
use studymesh::node::core::{Core, now_ms};
use studymesh::node::{Opened, open_alone};
use tokio::time::Instant;

use crate::{Result, settings};

/// The stream on the answering side: the shell numbers what peers open with odd numbers.
const ANSWERING: StreamId = StreamId(1);

/// Messages that wait to be taken in.
const MAX_WAITING: usize = 256;

/// Both directions of a connection, counted. What comes is read beside the engine, as in a node, and all that waits is taken
/// in together.
struct Wire {
    stream: TcpStream,
    messages: Receiver<Vec<u8>>,
    bytes: usize,
    round_trips: u32,
    /// Something was sent since the last answer.
    asked: bool,
}

impl Wire {
    fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        let (send, messages) = sync_channel(MAX_WAITING);
        let mut reading = stream.try_clone()?;
        std::thread::spawn(move || {
            while let Ok(message) = read(&mut reading) {
                if send.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Self { stream, messages, bytes: 0, round_trips: 0, asked: false })
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        let length = u32::try_from(message.len())?.to_le_bytes();
        self.stream.write_all(&[&length, message].concat())?;
        self.bytes += 4 + message.len();
        self.asked = true;
        Ok(())
    }

    /// The next message; none when the other side has closed.
    fn receive(&mut self) -> Option<Vec<u8>> {
        let message = self.messages.recv().ok()?;
        self.came(&message);
        Some(message)
    }

    /// The next messages, all that are here.
    fn receive_all(&mut self) -> Option<Vec<Vec<u8>>> {
        let mut all = vec![self.receive()?];
        while let Ok(message) = self.messages.try_recv() {
            self.came(&message);
            all.push(message);
        }
        Some(all)
    }

    fn came(&mut self, message: &[u8]) {
        self.bytes += 4 + message.len();
        self.round_trips += u32::from(std::mem::take(&mut self.asked));
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // Ends the reading too.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut message)?;
    Ok(message)
}

struct Replica {
    core: Core,
    group: GroupId,
    authors: Vec<LogKey>,
    /// Entries that were written, for their times.
    written: u64,
}

/// Does what it is told until standard input ends.
pub fn run(dir: &Path, seed: u64, authors: usize) -> Result<()> {
    let Opened { mut core, lock: _lock, .. } = open_alone(&Home::new(dir.to_path_buf()), &settings("Replica"))?;
    let group = core.engine().groups().next().ok_or("there is no group")?;
    // As they were made with the group.
    let mut entropy = Entropy::new([seed as u8; 32]);
    let authors = (0..authors).map(|_| LogKey::from_seed(&entropy.array())).collect();
    let mut replica = Replica { core, group, authors, written: 0 };
    // What loading left to be done is of no interest here.
    replica.batch(|_| Ok(()))?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (order, argument) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match order {
            "answer" => replica.answer()?,
            "compare" => replica.compare(argument)?,
            "write" => replica.write(argument.parse()?)?,
            "held" => {
                let status = replica.core.engine().status(now_ms(), group).ok_or("the group is gone")?;
                json!({ "entries": status.held, "logs": status.logs })
            }
            other => return Err(format!("there is no order {other}").into()),
        };
        println!("{answer}");
    }
    Ok(())
}

impl Replica {
    /// Runs something on the engine in one transaction; gives what is to be done after it.
    fn batch<R>(
        &mut self,
        run: impl FnOnce(
            &mut studymesh::engine::Engine<studymesh::store::SqliteStore>,
        ) -> std::result::Result<R, studymesh::store::Error>,
    ) -> Result<(R, Vec<Output>, Vec<Value>)> {
        let (result, done) = self.core.batch(run)?;
        let compared = done.events.into_iter().filter(|event| event.kind == "compared").map(|event| event.data);
        Ok((result, done.outputs, compared.collect()))
    }

    fn input(&mut self, input: Input) -> Result<(Vec<Output>, Vec<Value>)> {
        self.inputs(vec![input])
    }

    fn inputs(&mut self, inputs: Vec<Input>) -> Result<(Vec<Output>, Vec<Value>)> {
        let ((), outputs, compared) =
            self.batch(|engine| inputs.into_iter().try_for_each(|input| engine.handle(now_ms(), input)))?;
        Ok((outputs, compared))
    }

    /// Answers one stream of whoever connects first.
    fn answer(&mut self) -> Result<Value> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{}", json!({ "at": listener.local_addr()?.to_string() }));
        let mut wire = Wire::new(listener.accept()?.0)?;
        // Who calls: a real connection has told that long before.
        let peer = Peer::new(&wire.receive().ok_or("nobody called")?).ok_or("a peer id is too long")?;
        wire.send(self.core.engine().identity().peer.as_bytes())?;
        self.input(Input::Connected(peer.clone()))?;
        self.input(Input::StreamOpened(ANSWERING, peer.clone()))?;
        let mut open = true;
        while let Some(messages) = wire.receive_all() {
            let mut todo = self.inputs(messages.into_iter().map(|m| Input::Frame(ANSWERING, m)).collect())?.0;
            while !todo.is_empty() {
                for output in std::mem::take(&mut todo) {
                    match output {
                        Output::Send(stream, bytes) if stream == ANSWERING => {
                            wire.send(&bytes)?;
                            todo.extend(self.input(Input::Sent(stream))?.0);
                        }
                        Output::Close(stream) if stream == ANSWERING => open = false,
                        Output::Penalise(_, why) => return Err(why.into()),
                        _ => {}
                    }
                }
            }
            if !open {
                break;
            }
        }
        self.input(Input::Disconnected(peer))?;
        Ok(json!({ "answered": true }))
    }

    /// Compares with whoever answers at an address, and pulls what is lacking.
    fn compare(&mut self, address: &str) -> Result<Value> {
        let mut wire = Wire::new(TcpStream::connect(address)?)?;
        wire.send(self.core.engine().identity().peer.as_bytes())?;
        let peer = Peer::new(&wire.receive().ok_or("nobody answered")?).ok_or("a peer id is too long")?;
        let topic = self.core.engine().status(now_ms(), self.group).ok_or("the group is gone")?.topic;
        self.input(Input::Connected(peer.clone()))?;
        let mut outputs = self.input(Input::Subscribed(peer.clone(), topic))?.0;
        let stream = loop {
            let opens = outputs.iter().find_map(|o| if let Output::Open(stream, _) = o { Some(*stream) } else { None });
            if let Some(stream) = opens {
                break stream;
            }
            std::thread::sleep(Duration::from_millis(1));
            outputs = self.input(Input::Tick)?.0;
        };
        (wire.bytes, wire.round_trips, wire.asked) = (0, 0, false);
        let began = Instant::now();
        let (mut outputs, _) = self.input(Input::StreamOpened(stream, peer.clone()))?;
        let mut welcome = None;
        let mut ended = None;
        loop {
            for output in outputs {
                match output {
                    Output::Send(to, bytes) if to == stream => wire.send(&bytes)?,
                    Output::Penalise(_, why) => return Err(why.into()),
                    _ => {}
                }
            }
            if ended.is_some() {
                break;
            }
            let messages = wire.receive_all().ok_or("the other side closed the stream")?;
            if welcome.is_none() {
                welcome = Some((Instant::now(), wire.bytes, wire.round_trips));
            }
            let compared;
            (outputs, compared) = self.inputs(messages.into_iter().map(|m| Input::Frame(stream, m)).collect())?;
            ended = compared.into_iter().next();
        }
        let (end, (welcomed, bytes, trips)) = (Instant::now(), welcome.ok_or("no welcome came")?);
        self.input(Input::Disconnected(peer))?;
        let ms = |from: Instant| (end - from).as_secs_f64() * 1_000.0;
        let compared = ended.ok_or("the comparison did not end")?;
        Ok(json!({
            "relation": compared["relation"], "received": compared["received"],
            "whole": { "round_trips": wire.round_trips, "bytes": wire.bytes, "ms": ms(began) },
            "after_handshake": {
                "round_trips": wire.round_trips - trips, "bytes": wire.bytes - bytes, "ms": ms(welcomed),
            },
        }))
    }

    /// Takes in one new entry of each of the first authors.
    fn write(&mut self, count: usize) -> Result<Value> {
        let group = self.group;
        let chains: Vec<ChainRow> = self.core.engine().store().chains(group)?;
        let keys = self.core.engine().keys(group).ok_or("the group is gone")?.clone();
        self.written += 1;
        let mut made = vec![];
        for log in self.authors.iter().take(count) {
            let tip = chains.iter().find(|c| c.log == log.id()).and_then(|c| c.tip.clone()).ok_or("an unknown log")?;
            let place = Place { group, seq: tip.seq + 1, prev: tip.id, control_heads: vec![] };
            let text = Text::new().next_edit_towards("更多 and more").ok_or("an empty note")?;
            let new = Action::NoteNew(NoteNew { title: "new".into(), topic: None, tags: vec![], text });
            let mut nonce = [0; 24];
            nonce[..8].copy_from_slice(&self.written.to_le_bytes());
            let time = Hlc::new(1_795_000_000_000 + self.written, 0);
            let entry = entry::write_under(log, &keys, EpochId::ZERO, place, time, &new, nonce)?;
            made.push(Signed::decode(&entry.encode())?);
        }
        let (imported, ..) = self.batch(|engine| {
            made.into_iter()
                .map(|entry| engine.import(now_ms(), group, entry))
                .collect::<std::result::Result<Vec<_>, _>>()
        })?;
        let new = imported.iter().filter(|i| **i == Imported::New).count();
        Ok(json!({ "relation": "written", "received": new }))
    }
}
