//! Decoders of foreign bytes take memory in proportion to what came, whatever the bytes claim. Its own binary, since it
//! counts what is allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use studymesh::device::Code;
use studymesh::device::message::{self, Message as Frame};
use studymesh::device::parcel::{Hello, Parcel, Say};
use studymesh::engine::Handed;
use studymesh::gossip::frame;
use studymesh::log::entry::{self, Place, Signed};
use studymesh::log::header::Header;
use studymesh::log::keys::{GroupKeys, LogKey};
use studymesh::log::run::Run;
use studymesh::log::seal::{self, Key as SealingKey};
use studymesh::log::stream::Sealer;
use studymesh::model::action::{Action, PersonLink, Profile};
use studymesh::model::codec::MAX_DECODED_BYTES;
use studymesh::model::id::{EntryId, GroupId, LogId};
use studymesh::model::ticket::{Ticket, TicketPeer};
use studymesh::model::time::Hlc;
use studymesh::model::wire::Reader;
use studymesh::sync::bundle::{
    Begin, CHUNK_BYTES, HEAD_BYTES, Head, Kind, MAX_RECORD_BYTES, Reader as BundleReader, Writer,
};
use studymesh::sync::index::{Key, Range, Tip};
use studymesh::sync::message::{Answer, EndStatus, MAX_MESSAGE_BYTES, Message, Told, Want, read_told};

struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it came; the counters are plain numbers of the thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.with(|held| {
            held.set(held.get().wrapping_add(layout.size()));
            held.get()
        });
        MOST.with(|most| most.set(most.get().max(held)));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        HELD.with(|held| held.set(held.get().wrapping_sub(layout.size())));
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that were held at a time by what runs, beyond what was held before.
fn most_held(run: impl FnOnce()) -> usize {
    let before = HELD.with(|held| {
        held.set(0);
        held.get()
    });
    MOST.with(|most| most.set(0));
    run();
    MOST.with(Cell::get) - before
}

/// Random bytes from a number, so that a failure can be run again.
struct Dice(blake3::OutputReader);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof())
    }

    fn below(&mut self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) as usize % bound
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.fill(&mut bytes);
        bytes
    }
}

const GROUP: GroupId = GroupId([9; 32]);

fn keys() -> GroupKeys {
    GroupKeys::from_seed(&[7; 16])
}

fn sample() -> entry::Verified {
    let place = Place { group: GROUP, seq: 0, prev: EntryId::ZERO, control_heads: vec![EntryId([1; 32])] };
    let action = Action::Profile(Profile { name: "小明".into(), supersedes: vec![EntryId([2; 32]); 9] });
    entry::write(&LogKey::from_seed(&[1; 32]), &keys(), place, Hlc::new(5, 0), &action, [3; 24]).unwrap()
}

fn messages() -> Vec<Message> {
    let entry = sample();
    let tip = Tip { seq: 3, id: EntryId([1; 32]) };
    let key = Key { log: LogId([1; 32]), id: EntryId([2; 32]) };
    vec![
        Message::Hello { nonce: [1; 32], proof: [2; 32], sealed: vec![3; 150] },
        Message::Welcome { nonce: [1; 32], proof: [2; 32], sealed: vec![3; 300] },
        Message::Identify { log: LogId([1; 32]), signature: [2; 64] },
        Message::Ask(vec![Range::ALL, Range { lo: Key::ZERO, hi: key }]),
        Message::Answers(vec![Answer::Split(vec![(key, [1; 16]); 16]), Answer::Leaves(vec![(LogId([1; 32]), tip)])]),
        Message::Want(vec![Want { log: LogId([1; 32]), tip, have: vec![tip; 40] }; 20]),
        Message::Run { bodies: 1, run: Run::new([&entry.header], entry.signature) },
        Message::Bodies(vec![entry.body.clone(); 30]),
        Message::End(EndStatus::Complete),
        Message::Finish { fingerprint: [1; 32], entries: 1 },
    ]
}

/// Bytes that are valid, then changed: a byte, a count at its largest, or the end cut off.
fn changed(dice: &mut Dice, valid: &[u8]) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len().max(1));
        match dice.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.iter_mut().skip(at).take(9).for_each(|b| *b = 255),
            2 => bytes.extend(dice.bytes(20)),
            _ => {
                let new = dice.below(256) as u8;
                if let Some(b) = bytes.get_mut(at) {
                    *b = new;
                }
            }
        }
    }
    bytes
}

/// Runs a decoder on changed and random bytes and checks what it held.
fn bounded(name: &str, valid: &[Vec<u8>], fixed: usize, per_byte: usize, decode: impl Fn(&[u8])) {
    let mut dice = Dice::new(name.len() as u64);
    for round in 0..3_000 {
        let bytes = if round % 3 == 0 {
            let len = dice.below(600);
            dice.bytes(len)
        } else {
            let pick = dice.below(valid.len());
            changed(&mut dice, &valid[pick])
        };
        let held = most_held(|| decode(&bytes));
        let allowed = fixed + per_byte * bytes.len();
        assert!(held <= allowed, "{name} held {held} bytes for {} (allowed {allowed}): {bytes:?}", bytes.len());
    }
}

#[test]
fn sync_messages() {
    let valid: Vec<Vec<u8>> = messages().iter().map(Message::encode).collect();
    for bytes in &valid {
        assert_eq!(&Message::decode(bytes).unwrap().encode(), bytes);
    }
    // Lists grow as items are read: at most twice what was read, of items that are larger in memory than on the wire.
    bounded("message", &valid, 1_024, 8, |bytes| drop(Message::decode(bytes)));
    bounded("told", &valid, 1_024, 8, |bytes| drop(read_told(bytes)));
    let huge = [&[8, 255, 255][..], &[255; 600]].concat();
    assert!(most_held(|| drop(Message::decode(&huge))) < 2_000);
    assert!(Message::decode(&vec![1; MAX_MESSAGE_BYTES + 1]).is_err());
}

#[test]
fn headers_entries_and_runs() {
    let entry = sample();
    bounded("header", std::slice::from_ref(&entry.header_bytes), 1_024, 4, |bytes| drop(Header::decode(bytes)));
    bounded("entry", &[entry.encode()], 2_048, 8, |bytes| drop(Signed::decode(bytes).and_then(Signed::verify)));
    let mut run = vec![];
    Run::new([&entry.header], entry.signature).encode_into(&mut run);
    // A header that says "as before" takes a few bytes on the wire and some hundred in memory: 64 of them at most.
    bounded("run", &[run], 64 * 1_500, 8, |bytes| {
        if let Ok(run) = Run::decode(Reader::new(bytes)) {
            drop(run.verify(GROUP));
        }
    });
}

#[test]
fn sealed_bodies_and_frames() {
    let (keys, entry) = (keys(), sample());
    // Inflating takes a state of eleven kilobytes.
    bounded("seal", std::slice::from_ref(&entry.body), 16_384, 8, |bytes| drop(keys.open(&entry.header, bytes)));
    let topic = keys.gossip_topic();
    let valid = [frame::entry(&keys, topic, &entry, [1; 24]).unwrap(), frame::heads(&keys, topic, [1; 32], 1, [1; 24])];
    bounded("frame", &valid, 16_384, 8, |bytes| drop(frame::open(&keys, topic, bytes)));
    // What somebody with the key seals: a payload that inflates to more than it may.
    let zeros = vec![0; seal::MAX_PAYLOAD_BYTES];
    let body = seal::seal(&keys.gossip_key(), 1, 1, &zeros, &topic.0, [1; 24]).unwrap();
    assert!(body.len() < 2_000);
    assert!(most_held(|| drop(frame::open(&keys, topic, &body))) < 8 * seal::MAX_PAYLOAD_BYTES);
}

#[test]
fn actions() {
    let action = Action::Profile(Profile { name: "x".into(), supersedes: vec![EntryId([2; 32]); 9] });
    let valid = [action.encode()];
    for kind in [1, 2, 16, 17, 18, 32, 33, 34, 48, 49, 50, 51, 64, 80] {
        // The codec claims at most so much before it has read it.
        bounded("action", &valid, MAX_DECODED_BYTES + 4_096, 16, |bytes| drop(Action::decode(kind, 1, bytes)));
        let bomb = [253, 0, 0, 0, 0, 2, 0, 0, 0];
        assert!(most_held(|| drop(Action::decode(kind, 1, &bomb))) < 10_000);
    }
}

/// Reads a bundle or a have file as far as it goes, dropping what it gives.
fn read_bundle(bytes: &[u8]) {
    let Some((head, sealed)) = bytes.split_first_chunk::<HEAD_BYTES>() else { return };
    let Ok(head) = Head::decode(head) else { return };
    let mut reader = BundleReader::new(&head, &keys(), GROUP);
    for chunk in sealed.chunks(CHUNK_BYTES) {
        if reader.feed(chunk).is_err() {
            break;
        }
        loop {
            match reader.poll() {
                Ok(Some(item)) => drop(item),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
    drop(reader.cut());
}

#[test]
fn bundles() {
    let begin = Begin { group: GROUP, entries: u64::MAX };
    let entry = sample();
    let run = Message::Run { bodies: 1, run: Run::new([&entry.header], entry.signature) };
    let mut bundle = Writer::new(&keys(), Kind::Bundle, begin, [1; 32]);
    let mut have = Writer::new(&keys(), Kind::Have, begin, [1; 32]);
    for _ in 0..6_000 {
        bundle.push_message(&run);
        bundle.push_message(&Message::Bodies(vec![entry.body.clone()]));
        have.push_have(LogId([1; 32]), &[Tip { seq: 3, id: EntryId([1; 32]) }; 64]);
    }
    let valid = [bundle.finish(), have.finish()];
    // A chunk as it came and as it opened, what is left of a record, the record, and a run with its bodies, however long the file is.
    let most = 4 * CHUNK_BYTES + 4 * MAX_RECORD_BYTES;
    for bytes in &valid {
        assert!(bytes.len() > most);
        assert!(most_held(|| read_bundle(bytes)) < most);
        assert!(most_held(|| read_bundle(&[&bytes[..], &bytes[..]].concat())) < most + 2 * bytes.len());
    }
    let short: Vec<Vec<u8>> = valid.iter().map(|b| b[..HEAD_BYTES + CHUNK_BYTES].to_vec()).collect();
    // Nothing opens that was changed.
    bounded("bundle", &short, 1_024 + 4 * CHUNK_BYTES, 1, read_bundle);
    // What a member seals badly: a record that claims to be as long as any may be, and a run that claims all its bodies.
    for claim in [MAX_RECORD_BYTES as u32, u32::MAX] {
        let mut bytes = Writer::new(&keys(), Kind::Bundle, begin, [2; 32]);
        let head = bytes.take();
        let sealed = badly_sealed(&head, claim);
        assert!(most_held(|| read_bundle(&sealed)) < 3 * CHUNK_BYTES);
    }
}

/// A file of one chunk, sealed by somebody who knows the group, whose first record claims a length.
fn badly_sealed(head: &[u8], claim: u32) -> Vec<u8> {
    let key = blake3::keyed_hash(keys().sealing_key("studymesh 2026 v1 bundle").as_bytes(), &head[..HEAD_BYTES - 16]);
    let mut sealer = Sealer::new(SealingKey::new(*key.as_bytes()));
    let mut plain = claim.to_le_bytes().to_vec();
    plain.extend_from_slice(&[7; 60]);
    [head, &sealer.seal(&plain, false)].concat()
}

#[test]
fn frames_and_messages_of_linking_devices() {
    let frames: Vec<Vec<u8>> = [
        Frame::Knock { nonce: [1; 32], tag: [2; 32] },
        Frame::Here { nonce: [1; 32], tag: [2; 32], element: [3; 33] },
        Frame::Prove { element: [3; 33], mac: [4; 32] },
        Frame::Sealed(vec![7; 300]),
    ]
    .iter()
    .map(Frame::encode)
    .collect();
    bounded("link frame", &frames, 1_024, 4, |bytes| drop(Frame::decode(bytes)));
    assert!(Frame::decode(&vec![6; message::MAX_FRAME_BYTES + 1]).is_err());
    let link = PersonLink { log: LogId([1; 32]), signature: [2; 64] };
    let handed = Handed { group: GROUP, seed: [1; 16], kind: None, chain: vec![link; 9], keys: vec![[3; 32]; 40] };
    let told = vec![Told { peer: vec![7; 38], addresses: vec![vec![4, 127, 0, 0, 1]; 4] }; 4];
    let parcel = Parcel { handed, name: "读书会".into(), told };
    let hello = Hello { label: "手机".into(), secret: Some([1; 32]), groups: vec![GROUP; 20], ..Hello::default() };
    let said = [
        Say::Hello(hello),
        Say::Logs { label: "x".into(), logs: vec![Some(LogId([1; 32])); 30] },
        Say::Parcels(vec![parcel; 3]),
        Say::Proof { group: GROUP, log: LogId([1; 32]), signature: [2; 64] },
    ];
    let said: Vec<Vec<u8>> = said.iter().map(Say::encode).collect();
    bounded("device message", &said, 1_024, 8, |bytes| drop(Say::decode(bytes)));
    let huge = [&[2, 0, 0, 0, 0, 0, 255, 255][..], &[255; 600]].concat();
    assert!(most_held(|| drop(Say::decode(&huge))) < 2_000);
    bounded("code", &[b"4821-7093-5518".to_vec()], 1_024, 4, |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            drop(text.parse::<Code>());
        }
    });
}

#[test]
fn tickets() {
    let ticket = Ticket {
        expires_ms: 0,
        group: GROUP,
        seed: [1; 16],
        invite: Some([2; 16]),
        peers: vec![TicketPeer { key: [5; 32], addresses: vec![] }; 3],
    };
    let valid = [ticket.encode().into_bytes()];
    bounded("ticket", &valid, 1_024, 16, |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            drop(Ticket::decode(text));
        }
    });
}
