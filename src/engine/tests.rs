//! Engines around a table: everything that one says is handed to the others by hand, in order and at once, unless a
//! test holds it back. Hostile peers are played by the tests themselves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

mod answers;
mod bundles;
mod closed;
mod devices;
mod forking;
mod only_here;
mod presence;
mod table;

use super::io::{Event, Input, MessageId, Output, Relation, StreamId, Verdict};
use super::*;
use crate::gossip::frame;
use crate::log::entry::{self, Place, Verified};
use crate::log::keys::GroupKeys;
use crate::log::run::Run;
use crate::model::action::{Action, GroupKind, Profile};
use crate::model::id::{EntryId, LogId};
use crate::model::time::Hlc;
use crate::sim::store::MemStore;
use crate::sync::handshake::{self, Ends, Summary};
use crate::sync::index::{Range, Tip};
use crate::sync::message::{Answer, EndStatus, Message, Told, Want};
use table::{T0, Table, bodies_of, chain, peer, profile, run_of, tip_of};

#[test]
fn everybody_ends_with_the_same_and_knows_it() {
    let (mut table, group) = Table::group(4);
    for n in 0..4 {
        table.write(n, group, &format!("alone {n}"));
    }
    (1..4).for_each(|n| table.connect(n - 1, n));
    table.converge(group, 10_000);
    table.write(2, group, "by gossip");
    table.converge(group, 100);
    table.advance(70_000);
    for n in 0..4 {
        for m in table.status(n, group).members {
            assert_eq!(m.relation, Relation::Equal, "{n} about {:?}", m.peer);
        }
        assert!(table.nodes[n].penalised.is_empty(), "{:?}", table.nodes[n].penalised);
    }
}

#[test]
fn a_node_with_more_members_than_it_pulls_from_at_once_sleeps() {
    // The members that had to wait were due already, so the node asked to be woken at once, again and again.
    let (mut table, group) = Table::group(1);
    for number in 10..20 {
        table.hostile(0, group, number);
    }
    table.advance(5_000);
    assert_eq!(table.nodes[0].opened.len(), due::MAX_PULLS);
}

#[test]
fn entries_that_build_on_nothing_make_no_logs() {
    // Each such entry left an empty log behind, up to the limit of logs: then real ones were refused.
    let (mut table, group) = Table::group(1);
    let mallory = table.hostile(0, group, 10);
    let keys = table.keys(0, group);
    for n in 0..50 {
        let entries = chain(&keys, &LogKey::from_seed(&[n; 32]), group, None, 2, "x");
        table.gossip_to(0, group, &mallory, &entries[1]);
    }
    assert_eq!(table.status(0, group).logs, 1);
}

#[test]
fn what_came_early_is_taken_in_when_a_pull_brings_what_it_builds_on() {
    // Only gossip looked for what waited: after a pull it waited for ever, and `pending` never became zero.
    let (mut table, group) = Table::group(2);
    table.gossip = false;
    let keys = table.keys(0, group);
    let log = LogKey::from_seed(&[50; 32]);
    let entries = chain(&keys, &log, group, None, 5, "x");
    let twin = chain(&keys, &log, group, Some(&entries[1]), 1, "twin");
    let mallory = table.hostile(0, group, 10);
    for entry in entries[..3].iter() {
        table.gossip_to(1, group, &mallory, entry);
    }
    for entry in entries[3..].iter().chain(&twin) {
        table.gossip_to(0, group, &mallory, entry);
    }
    assert_eq!(table.status(0, group).early, 3);
    table.connect(0, 1);
    table.converge(group, 5_000);
    assert_eq!(table.status(0, group).early, 0);
    assert_eq!(table.status(1, group).held, table.status(0, group).held);
}

#[test]
fn what_came_early_and_never_fits_is_forgotten_after_a_while() {
    let (mut table, group) = Table::group(1);
    let mallory = table.hostile(0, group, 10);
    let keys = table.keys(0, group);
    let entries = chain(&keys, &LogKey::from_seed(&[50; 32]), group, None, 3, "x");
    table.gossip_to(0, group, &mallory, &entries[2]);
    assert_eq!(table.status(0, group).early, 1);
    table.advance(20 * 60_000);
    assert_eq!(table.status(0, group).early, 0);
}

#[test]
fn entries_of_a_log_left_behind_do_not_make_a_node_take_fresh_logs_without_end() {
    // Each frame with entries of any former log of ours began another log.
    let (mut table, group) = Table::group(2);
    table.connect(0, 1);
    table.converge(group, 5_000);
    table.disconnect(0, 1);
    table.settle();
    let copy = table.nodes[1].engine.store().clone();
    let copy = table.seat(copy);
    table.batch(copy, |e, now| e.rotate(now, group).unwrap());
    for n in 0..300 {
        table.write(1, group, &format!("{n}"));
    }
    table.connect(1, copy);
    table.connect(0, 1);
    table.converge(group, 60_000);
    let forks = table.nodes[copy].events.iter().filter(|e| matches!(e, Event::Forked { .. })).count();
    assert_eq!(forks, 1, "only the one that the test asked for");
}

#[test]
fn a_spoiled_body_in_the_middle_leaves_a_proven_prefix() {
    // The headers that prove what was stored were lost with the message that was refused.
    let (mut table, group) = Table::group(1);
    let mallory = table.hostile(0, group, 10);
    table.advance(100);
    let entries = chain(&table.keys(0, group), &LogKey::from_seed(&[50; 32]), group, None, 6, "x");
    let stream = table.welcome(0, group, &mallory);
    table.offer(0, stream, vec![(entries[0].header.log, tip_of(&entries[5]))]);
    let held = table.status(0, group).held;
    let spoiled = Message::Bodies(vec![entries[2].body.clone(), b"spoiled".to_vec()]);
    let messages = [run_of(&entries, 6), bodies_of(&entries[..2]), spoiled];
    table.batch(0, |e, now| {
        messages.iter().for_each(|m| e.handle(now, Input::Frame(stream, m.encode())).unwrap());
    });
    assert!(table.status(0, group).held >= held + 2);
    assert_eq!(table.nodes[0].penalised.len(), 1);
    table.nodes[0].engine.store().verify().unwrap();
}

#[test]
fn a_tip_beyond_every_bound_is_refused() {
    // Counting what is missing overflowed.
    let (mut table, group) = Table::group(1);
    let own = table.status(0, group).log;
    let mallory = table.hostile(0, group, 10);
    table.advance(100);
    let stream = table.welcome(0, group, &mallory);
    let tip = Tip { seq: u64::MAX, id: EntryId([1; 32]) };
    table.offer(0, stream, vec![(own, tip)]);
    assert_eq!(table.status(0, group).missing, 0);
    assert_eq!(table.nodes[0].penalised.len(), 1);
}

#[test]
fn a_peer_is_forgotten_when_its_connection_is_gone_whatever_comes_late() {
    // A frame that was under way made it a member again, for ever.
    let (mut table, group) = Table::group(1);
    let bob = table.hostile(0, group, 10);
    let stream = table.greet(0, group, &bob, 1);
    assert_eq!(table.status(0, group).members.len(), 1);
    table.handle(0, Input::Disconnected(bob.clone()));
    table.say(0, stream, &Message::Ask(vec![Range::ALL]));
    table.say(0, stream, &Message::Finish { fingerprint: [1; 32], entries: 1 });
    let topic = table.keys(0, group).gossip_topic();
    table.handle(0, Input::Subscribed(bob, topic));
    assert_eq!(table.status(0, group).members.len(), 0);
}

#[test]
fn a_stream_that_says_nothing_is_closed() {
    let (mut table, group) = Table::group(1);
    let bob = peer(10);
    table.handle(0, Input::Connected(bob.clone()));
    for n in 0..4 {
        table.handle(0, Input::StreamOpened(StreamId(2 * n + 1), bob.clone()));
    }
    assert_eq!(table.nodes[0].engine.streams.len(), 4);
    table.advance(serve::HELLO_MS - 1);
    assert_eq!(table.nodes[0].engine.streams.len(), 4);
    table.advance(1);
    assert_eq!(table.nodes[0].engine.streams.len(), 0);
    // One that proved the group and then neither asks nor reads lasts longer, but not for ever.
    table.greet(0, group, &bob, 101);
    table.advance(serve::IDLE_MS + 1);
    assert_eq!(table.nodes[0].engine.streams.len(), 0);
}

#[test]
fn streams_of_strangers_do_not_keep_a_node_from_pulling() {
    let (mut table, group) = Table::group(1);
    for stranger in 100..200u64 {
        table.handle(0, Input::Connected(peer(stranger as usize)));
        for n in 0..MAX_STREAMS_PER_PEER as u64 {
            table.handle(0, Input::StreamOpened(StreamId(2 * (stranger * 100 + n) + 1), peer(stranger as usize)));
        }
    }
    table.hostile(0, group, 10);
    table.advance(100);
    assert_eq!(table.nodes[0].opened.len(), 1);
    let bob = table.hostile(0, group, 11);
    table.greet(0, group, &bob, 1);
}

#[test]
fn a_stream_that_never_opens_is_given_up() {
    let (mut table, group) = Table::group(1);
    table.hostile(0, group, 10);
    table.advance(100);
    assert_eq!(table.nodes[0].opened.len(), 1);
    table.advance(2 * due::STALL_MS);
    assert!(table.nodes[0].opened.len() > 1, "it tries again");
}

#[test]
fn who_waits_longest_is_pulled_from_next() {
    // The lowest peer ids came first, always: with many that answer nothing the others never had a turn.
    let (mut table, group) = Table::group(1);
    for number in 10..30 {
        table.hostile(0, group, number);
    }
    table.advance(10 * due::STALL_MS);
    let asked: BTreeSet<&Peer> = table.nodes[0].opened.iter().map(|(_, p)| p).collect();
    assert_eq!(asked.len(), 20);
}

#[test]
fn a_node_says_that_it_lacks_what_a_peer_did_not_send() {
    // An end without entries counted as success, and the peer as behind.
    let (mut table, group) = Table::group(1);
    let mallory = table.hostile(0, group, 10);
    table.advance(100);
    let entries = chain(&table.keys(0, group), &LogKey::from_seed(&[50; 32]), group, None, 6, "x");
    let stream = table.welcome(0, group, &mallory);
    table.offer(0, stream, vec![(entries[0].header.log, tip_of(&entries[5]))]);
    table.say(0, stream, &Message::End(EndStatus::Complete));
    let member = &table.status(0, group).members[0];
    assert_eq!(member.relation, Relation::Both);
    assert_eq!(table.status(0, group).missing, 6, "and it says how much, as claimed");
}

#[test]
fn what_is_coming_in_is_served_in_the_same_batch() {
    // Between a body and the commit nothing proved the tip: the node answered that all was sent, and sent nothing.
    let (mut table, group) = Table::group(1);
    let (alice, bob) = (table.hostile(0, group, 10), table.hostile(0, group, 11));
    table.advance(100);
    let entries = chain(&table.keys(0, group), &LogKey::from_seed(&[50; 32]), group, None, 6, "x");
    let log = entries[0].header.log;
    let stream = table.welcome(0, group, &alice);
    table.offer(0, stream, vec![(log, tip_of(&entries[5]))]);
    let serving = table.greet(0, group, &bob, 1);
    let want = Message::Want(vec![Want { log, tip: tip_of(&entries[2]), have: vec![] }]);
    table.batch(0, |e, now| {
        e.handle(now, Input::Frame(stream, run_of(&entries, 6).encode())).unwrap();
        e.handle(now, Input::Frame(stream, bodies_of(&entries[..3]).encode())).unwrap();
        e.handle(now, Input::Frame(serving, want.encode())).unwrap();
    });
    let said = table.said(0);
    assert!(matches!(&said[0], Message::Run { bodies: 3, .. }), "{said:?}");
}

#[test]
fn a_peer_that_feeds_nothing_new_is_given_up() {
    // Anything that was said counted as progress, so a stream could be held for ever.
    let (mut table, group) = Table::group(1);
    let mallory = table.hostile(0, group, 10);
    table.advance(100);
    let entries = chain(&table.keys(0, group), &LogKey::from_seed(&[50; 32]), group, None, 6, "x");
    let stream = table.welcome(0, group, &mallory);
    table.offer(0, stream, vec![(entries[0].header.log, tip_of(&entries[5]))]);
    for _ in 0..10 {
        table.advance(due::STALL_MS / 2);
        table.say(0, stream, &run_of(&entries[..2], 2));
        table.say(0, stream, &bodies_of(&entries[..2]));
    }
    assert!(!table.nodes[0].engine.streams.contains_key(&stream));
}

#[test]
fn a_run_without_bodies_is_refused() {
    let (mut table, group) = Table::group(1);
    let mallory = table.hostile(0, group, 10);
    table.advance(100);
    let entries = chain(&table.keys(0, group), &LogKey::from_seed(&[50; 32]), group, None, 6, "x");
    let stream = table.welcome(0, group, &mallory);
    table.offer(0, stream, vec![(entries[0].header.log, tip_of(&entries[5]))]);
    table.say(0, stream, &run_of(&entries, 0));
    assert_eq!(table.nodes[0].penalised.len(), 1);
}

#[test]
fn a_slow_peer_does_not_keep_a_log_from_coming_from_another() {
    let (mut table, group) = Table::group(2);
    let log = LogKey::from_seed(&[50; 32]);
    let entries = chain(&table.keys(0, group), &log, group, None, 30, "x");
    let other = (0..).map(|n| LogKey::from_seed(&[n; 32])).find(|k| k.id() < log.id()).unwrap();
    let feed = chain(&table.keys(0, group), &other, group, None, 60, "feed");
    let mallory = table.hostile(0, group, 10);
    entries.iter().for_each(|e| {
        table.gossip_to(1, group, &mallory, e);
    });
    table.advance(100);
    let stream = table.welcome(0, group, &mallory);
    table.offer(0, stream, vec![(other.id(), tip_of(&feed[59])), (log.id(), tip_of(&entries[29]))]);
    table.gossip = false;
    table.connect(0, 1);
    for n in 0..60 {
        // It always has something to say, but never the log.
        table.advance(4_000);
        table.say(0, stream, &run_of(&feed[n..n + 1], 1));
        table.say(0, stream, &bodies_of(&feed[n..n + 1]));
        if table.status(0, group).held >= table.status(1, group).held {
            break;
        }
    }
    let log: Vec<Tip> = table.nodes[0].engine.groups[&group].index.tips(log.id()).collect();
    assert_eq!(log, [tip_of(&entries[29])]);
}

#[test]
fn many_own_writes_are_announced_together() {
    // Beyond the burst each write made an announcement of its own.
    let (mut table, group) = Table::group(1);
    table.hostile(0, group, 10);
    table.nodes[0].published.clear();
    for n in 0..500 {
        table.write(0, group, &format!("{n}"));
        table.advance(1);
    }
    table.advance(5_000);
    let published = table.nodes[0].published.len();
    assert!(published < 130, "{published} messages for 500 writes in half a second");
    let keys = table.keys(0, group);
    let last = table.nodes[0].published.last().unwrap().clone();
    let fingerprint = table.status(0, group).fingerprint;
    assert!(
        matches!(frame::open(&keys, keys.gossip_topic(), &last), Ok(frame::Frame::Heads { fingerprint: f, .. }) if f == fingerprint),
        "the last one says what is held",
    );
}

#[test]
fn false_announcements_cost_no_more_than_a_comparison_a_second() {
    let (mut table, group) = Table::group(2);
    table.connect(0, 1);
    table.converge(group, 5_000);
    table.advance(10_000);
    table.frames.clear();
    for n in 0..1_000u32 {
        let mut print = [0; 32];
        print[..4].copy_from_slice(&n.to_le_bytes());
        table.announce_to(0, group, &peer(1), print);
        table.advance(10);
    }
    let hellos = table.frames.iter().filter(|f| f.0 == 0 && f.2[0] == 1).count();
    assert!((1..15).contains(&hellos), "{hellos} comparisons in ten seconds");
}

#[test]
fn an_announcement_during_a_pull_is_followed_after_it() {
    let (mut table, group) = Table::group(1);
    let bob = table.hostile(0, group, 10);
    table.advance(100);
    let stream = table.welcome(0, group, &bob);
    table.announce_to(0, group, &bob, [3; 32]);
    table.offer(0, stream, vec![]);
    table.advance(10_000);
    assert_eq!(table.nodes[0].opened.len(), 1, "it asks again long before the next routine check");
}

#[test]
fn too_many_or_too_long_told_peers_do_not_spoil_the_welcome() {
    let (mut table, group) = Table::group(2);
    let long = Told { peer: vec![1; 300], addresses: vec![vec![2; 3_000]; 50] };
    let good = Told { peer: peer(9).as_bytes().to_vec(), addresses: vec![vec![3; 20]; 50] };
    let told = std::iter::once(long).chain(std::iter::repeat_n(good, 50)).collect();
    table.handle(0, Input::Tellable(group, told));
    table.connect(0, 1);
    table.converge(group, 5_000);
    assert!(table.nodes[1].penalised.is_empty(), "{:?}", table.nodes[1].penalised);
    assert!(!table.nodes[1].learned.is_empty());
}

#[test]
fn leaving_a_group_closes_its_streams() {
    let (mut table, group) = Table::group(1);
    let (alice, bob) = (table.hostile(0, group, 10), table.hostile(0, group, 11));
    table.advance(100);
    table.greet(0, group, &bob, 1);
    table.welcome(0, group, &alice);
    table.batch(0, |e, _| e.leave_group(group).unwrap());
    assert!(table.nodes[0].engine.streams.is_empty());
    // The stream that bob was asked for opens only now.
    let (stream, bob) = table.nodes[0].opened.pop().unwrap();
    table.handle(0, Input::StreamOpened(stream, bob));
    assert!(table.nodes[0].engine.streams.is_empty(), "it is not taken for one that a peer opened");
}

#[test]
fn an_entry_of_a_newer_wire_version_is_passed_on() {
    let (mut table, group) = Table::group(1);
    let bob = table.hostile(0, group, 10);
    let keys = table.keys(0, group);
    let mut entry = chain(&keys, &LogKey::from_seed(&[50; 32]), group, None, 1, "x").remove(0);
    entry.header_bytes[0] = 2;
    let message = table.gossip_to(0, group, &bob, &entry);
    assert_eq!(table.nodes[0].verdicts[&message], Verdict::Accept);
}

#[test]
fn whoever_asks_before_it_names_its_log_is_refused() {
    let (mut table, group) = Table::group(1);
    let bob = table.hostile(0, group, 10);
    let keys = table.keys(0, group);
    table.handle(0, Input::StreamOpened(StreamId(1), bob.clone()));
    let ends = Ends { puller: &bob, server: &peer(0) };
    let summary = Summary { fingerprint: [9; 32], entries: 1 };
    table.say(0, StreamId(1), &handshake::hello(&keys, ends, [8; 32], summary, &LogKey::from_seed(&[78; 32])));
    table.say(0, StreamId(1), &Message::Ask(vec![Range::ALL]));
    assert_eq!(table.nodes[0].penalised.len(), 1);
}

#[test]
fn asking_for_one_range_many_times_at_once_is_refused() {
    let (mut table, group) = Table::group(1);
    let bob = table.hostile(0, group, 10);
    let stream = table.greet(0, group, &bob, 1);
    table.say(0, stream, &Message::Ask(vec![Range::ALL, Range::ALL]));
    assert_eq!(table.nodes[0].penalised.len(), 1);
}

#[test]
fn a_block_of_long_entries_is_not_read_into_memory_at_once() {
    let (mut table, group) = Table::group(1);
    let bob = table.hostile(0, group, 10);
    for n in 0..60u64 {
        let mut noise = vec![0; 30_000];
        blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut noise);
        let url = format!("https://x.org/{n}");
        let title = String::new();
        let tags = (0..32).map(|t| data_encoding::BASE64URL.encode(&noise[t * 30..t * 30 + 29])).collect();
        let supersedes = noise.chunks_exact(32).take(500).map(|c| EntryId(c.try_into().unwrap())).collect();
        let action =
            Action::LinkAdd(crate::model::action::LinkAdd { url, title, tags, topic: String::new(), supersedes });
        table.batch(0, |e, now| e.write(now, group, &action).unwrap());
    }
    let tip = table.nodes[0].engine.groups[&group].index.leaves(Range::ALL).next().unwrap();
    let stream = table.greet(0, group, &bob, 1);
    table.say(0, stream, &Message::Want(vec![Want { log: tip.0, tip: tip.1, have: vec![] }]));
    let sent: usize = table.said(0).iter().map(|m| m.encode().len()).sum();
    assert!(sent > 50_000, "{sent}");
    assert!(table.nodes[0].engine.buffered() < 200_000, "{} bytes wait in memory", table.nodes[0].engine.buffered());
}

#[test]
fn a_member_with_many_histories_can_not_keep_two_nodes_apart() {
    // Each node kept the sixteen branches that came first, and refused the others for ever.
    let (mut table, group) = Table::group(3);
    table.gossip = false;
    let mallory = peer(10);
    for n in 0..3 {
        table.hostile(n, group, 10);
    }
    let log = LogKey::from_seed(&[50; 32]);
    let keys = table.keys(0, group);
    let trunk = chain(&keys, &log, group, None, 5, "trunk");
    for n in 0..3 {
        trunk.iter().for_each(|e| {
            table.gossip_to(n, group, &mallory, e);
        });
        for branch in 0..40 {
            let from = &trunk[branch % 5];
            for entry in chain(&keys, &log, group, Some(from), 1 + branch % 3, &format!("{n}/{branch}")) {
                table.gossip_to(n, group, &mallory, &entry);
            }
        }
    }
    for n in 0..3 {
        table.handle(n, Input::Disconnected(peer(10)));
    }
    table.connect(0, 1);
    table.connect(1, 2);
    table.converge(group, 60_000);
    for n in 0..3 {
        assert!(table.nodes[n].penalised.is_empty(), "{:?}", table.nodes[n].penalised);
        table.nodes[n].engine.store().verify().unwrap();
    }
}

#[test]
fn what_two_branches_share_is_sent_once() {
    // Both tips were wanted at once, each with what was held before either came.
    let (mut table, group) = Table::group(2);
    let log = LogKey::from_seed(&[50; 32]);
    let keys = table.keys(0, group);
    let mallory = table.hostile(0, group, 10);
    let trunk = chain(&keys, &log, group, None, 100, "trunk");
    let (left, right) =
        (chain(&keys, &log, group, Some(&trunk[99]), 1, "l"), chain(&keys, &log, group, Some(&trunk[99]), 1, "r"));
    trunk.iter().chain(&left).chain(&right).for_each(|e| {
        table.gossip_to(0, group, &mallory, e);
    });
    table.handle(0, Input::Disconnected(mallory));
    table.gossip = false;
    table.frames.clear();
    table.connect(0, 1);
    table.converge(group, 5_000);
    let bodies: usize = table
        .frames
        .iter()
        .filter(|f| f.0 == 0)
        .map(|f| if let Ok(Message::Bodies(b)) = Message::decode(&f.2) { b.len() } else { 0 })
        .sum();
    let held = table.status(0, group).held as usize;
    assert!(bodies <= held, "{bodies} bodies for {held} entries");
}

#[test]
fn over_the_limit_of_branches_a_node_says_what_it_lacks_and_blames_nobody() {
    // The second entry of a refused branch looked like a gap, for which the peer was punished.
    let (mut table, group) = Table::group(2);
    let keys = table.keys(0, group);
    table.nodes[1].engine.groups.get_mut(&group).unwrap().max_chains = 3;
    table.gossip = false;
    let mallory = table.hostile(0, group, 10);
    for n in 0..4 {
        for entry in chain(&keys, &LogKey::from_seed(&[n; 32]), group, None, 5, "x") {
            table.gossip_to(0, group, &mallory, &entry);
        }
    }
    table.handle(0, Input::Disconnected(mallory));
    table.connect(0, 1);
    table.advance(30_000);
    assert_eq!(table.relation(1, group, 0), Relation::Ahead);
    let (theirs, ours) = (table.status(0, group).held, table.status(1, group).held);
    assert!(theirs > ours);
    assert_eq!(table.status(1, group).missing, theirs - ours);
    assert!(table.nodes[1].penalised.is_empty(), "{:?}", table.nodes[1].penalised);
    assert_eq!(table.nodes[1].engine.groups[&group].chains, 3);
    // Its own writes have no such limit: also not in a fresh log.
    table.batch(1, |e, now| e.rotate(now, group).unwrap());
    let id = table.write(1, group, "still here");
    assert!(table.nodes[1].engine.store().entry_ids(group).contains(&id));
}

#[test]
fn peers_that_always_have_something_new_do_not_keep_others_waiting() {
    let (mut table, group) = Table::group(1);
    let keys = table.keys(0, group);
    let feeds: Vec<(Peer, Vec<Verified>)> = (0..due::MAX_PULLS)
        .map(|n| {
            let entries = chain(&keys, &LogKey::from_seed(&[n as u8; 32]), group, None, 60, "feed");
            (table.hostile(0, group, 10 + n), entries)
        })
        .collect();
    table.advance(100);
    let streams: Vec<StreamId> = feeds.iter().map(|(who, _)| table.welcome(0, group, who)).collect();
    for (stream, (_, entries)) in streams.iter().zip(&feeds) {
        table.offer(0, *stream, vec![(entries[0].header.log, tip_of(&entries[59]))]);
    }
    table.hostile(0, group, 5);
    for n in 0..60 {
        table.advance(2_000);
        for (stream, (_, entries)) in streams.iter().zip(&feeds) {
            table.say(0, *stream, &run_of(&entries[n..n + 1], 1));
            table.say(0, *stream, &bodies_of(&entries[n..n + 1]));
        }
    }
    assert!(table.nodes[0].opened.iter().any(|(_, p)| *p == peer(5)));
}

#[test]
fn a_peer_that_comes_back_is_not_confused_with_the_one_that_left() {
    let (mut table, group) = Table::group(1);
    let bob = table.hostile(0, group, 10);
    table.advance(100);
    let (first, _) = table.nodes[0].opened.pop().unwrap();
    table.handle(0, Input::Disconnected(bob.clone()));
    table.hostile(0, group, 10);
    table.advance(100);
    assert_eq!(table.nodes[0].opened.len(), 1, "it is asked anew");
    table.handle(0, Input::StreamFailed(first));
    table.advance(5_000);
    assert_eq!(table.nodes[0].opened.len(), 1, "and not twice because the first stream failed late");
    assert!(table.nodes[0].opened[0].0 != first && bob == peer(10));
}

#[test]
fn relations_say_who_has_more() {
    let (mut table, group) = Table::group(2);
    table.gossip = false;
    table.connect(0, 1);
    table.converge(group, 5_000);
    table.advance(70_000);
    let entries = chain(&table.keys(0, group), &LogKey::from_seed(&[50; 32]), group, None, 3, "x");
    let mallory = table.hostile(0, group, 10);
    table.gossip_to(0, group, &mallory, &entries[0]);
    assert_eq!(table.relation(0, group, 1), Relation::Unknown, "nobody has looked since");
    // Node 1 can not take it: as far as node 0 can see, it lacks it.
    table.nodes[1].engine.groups.get_mut(&group).unwrap().max_chains = 0;
    table.batch(0, |e, now| e.check(now, group));
    table.advance(5_000);
    assert_eq!(table.relation(0, group, 1), Relation::Behind);
    assert_eq!(table.relation(1, group, 0), Relation::Ahead);
    table.nodes[1].engine.groups.get_mut(&group).unwrap().max_chains = 9;
    table.batch(1, |e, now| e.check(now, group));
    table.advance(1_000);
    assert_eq!(table.relation(0, group, 1), Relation::Equal);
    assert_eq!(table.relation(1, group, 0), Relation::Equal);
}

/// Bytes on the streams between two nodes, both ways, with the four bytes of length before every message.
fn bytes_between(table: &Table, a: usize, b: usize) -> usize {
    let between = table.frames.iter().filter(|f| (f.0, f.1) == (a, b) || (f.0, f.1) == (b, a));
    between.map(|f| f.2.len() + 4).sum()
}

#[test]
fn two_nodes_that_agree_find_out_in_one_round_trip_of_less_than_a_kilobyte() {
    let (mut table, group) = Table::group(2);
    let told = Told { peer: peer(9).as_bytes().to_vec(), addresses: vec![vec![3; 60]; 4] };
    for n in 0..2 {
        table.handle(n, Input::Tellable(group, vec![told.clone(); 4]));
    }
    table.connect(0, 1);
    for n in 0..200 {
        table.write(0, group, &format!("{n}"));
    }
    table.converge(group, 10_000);
    table.advance(10_000);
    table.frames.clear();
    table.batch(1, |e, now| e.check(now, group));
    table.advance(1_000);
    let kinds: Vec<(usize, u8)> = table.frames.iter().map(|f| (f.0, f.2[0])).collect();
    assert_eq!(kinds, [(1, 1), (0, 2), (1, 3), (1, 10)], "hello, welcome, identify and finish");
    let bytes = bytes_between(&table, 0, 1);
    assert!(bytes < 1_024, "{bytes} bytes");
    assert_eq!(table.relation(0, group, 1), Relation::Equal);
    assert_eq!(table.relation(1, group, 0), Relation::Equal);
}

/// How many bodies node `a` sent to node `b`.
fn bodies_sent(table: &Table, a: usize, b: usize) -> usize {
    let sent = table.frames.iter().filter(|f| (f.0, f.1) == (a, b));
    sent.map(|f| if let Ok(Message::Bodies(bodies)) = Message::decode(&f.2) { bodies.len() } else { 0 }).sum()
}

#[test]
fn a_pull_cut_at_any_message_goes_on_where_it_was_and_sends_nothing_twice() {
    // Long bodies, so that a run takes many messages; a fork, so that branches resume as well.
    let (mut full, group) = Table::group(2);
    full.gossip = false;
    for n in 0..70u64 {
        let mut noise = vec![0; 4_500];
        blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut noise);
        let tags = noise.chunks_exact(30).take(32).map(|c| data_encoding::BASE64.encode(c)).collect();
        let supersedes = noise.chunks_exact(32).take(100).map(|c| EntryId(c.try_into().unwrap())).collect();
        let set = crate::model::action::LinkSet { tags: Some(tags), supersedes, ..Default::default() };
        full.batch(0, |e, now| e.write(now, group, &Action::LinkSet(set)).unwrap());
    }
    let copy = full.nodes[0].engine.store().clone();
    let copy = full.seat(copy);
    full.write(0, group, "here");
    full.write(copy, group, "there");
    full.connect(0, copy);
    full.converge_some(group, &[0, copy], 60_000);
    let source = full.nodes[0].engine.store().clone();
    let fresh = full.nodes[1].engine.store().clone();

    let mut at = 0;
    loop {
        let mut table = Table::new(0);
        table.gossip = false;
        table.seat(source.clone());
        table.seat(fresh.clone());
        table.cut_after = Some(at);
        table.connect(0, 1);
        table.settle();
        table.advance(60);
        if table.cut_after != Some(0) {
            break;
        }
        table.cut_after = None;
        if at % 2 == 0 {
            table.restart(1);
            table.connect(0, 1);
        }
        table.converge(group, 60_000);
        for n in 0..2 {
            table.nodes[n].engine.store().verify().unwrap();
        }
        let (held, own) = (table.status(1, group).held as usize, 2);
        assert_eq!(bodies_sent(&table, 0, 1), held - own, "cut after {at}");
        at += 1;
    }
    assert!(at > 15, "{at} messages in a whole pull");
}

#[test]
fn whoever_joins_late_gets_everything_from_somebody_who_wrote_none_of_it() {
    let (mut table, group) = Table::group(3);
    for n in 0..200 {
        table.write(0, group, &format!("{n}"));
    }
    table.connect(0, 1);
    table.converge_some(group, &[0, 1], 20_000);
    table.disconnect(0, 1);
    table.settle();
    table.connect(1, 2);
    table.converge_some(group, &[1, 2], 20_000);
    assert!(table.status(2, group).held > 200);
    table.nodes[2].engine.store().verify().unwrap();
}

#[test]
fn one_difference_among_a_thousand_logs_costs_as_little_as_one_difference() {
    let (mut table, group) = Table::group(2);
    table.gossip = false;
    let keys = table.keys(0, group);
    let mallory = table.hostile(0, group, 10);
    table.hostile(1, group, 10);
    for n in 0..1_000u64 {
        let seed = *blake3::hash(&n.to_le_bytes()).as_bytes();
        for entry in chain(&keys, &LogKey::from_seed(&seed), group, None, 1, "x") {
            for to in 0..2 {
                table.gossip_to(to, group, &mallory, &entry);
            }
        }
    }
    (0..2).for_each(|n| table.handle(n, Input::Disconnected(peer(10))));
    table.connect(0, 1);
    table.converge(group, 10_000);
    table.advance(10_000);
    table.write(0, group, "the difference");
    table.frames.clear();
    table.batch(1, |e, now| e.check(now, group));
    table.converge(group, 2_000);
    let bytes = bytes_between(&table, 0, 1);
    assert!(bytes < 6_000, "{bytes} bytes");
    assert_eq!(bodies_sent(&table, 0, 1), 1);
}

#[test]
fn a_peer_that_left_the_group_while_it_asked_is_forgotten() {
    // What it had sent before it left made it a member again, whom nobody could ever compare with.
    let (mut table, group) = Table::group(1);
    let bob = table.hostile(0, group, 10);
    let stream = table.greet(0, group, &bob, 1);
    let topic = table.keys(0, group).gossip_topic();
    table.handle(0, Input::Unsubscribed(bob.clone(), topic));
    let fingerprint = table.status(0, group).fingerprint;
    table.say(0, stream, &Message::Finish { fingerprint, entries: 1 });
    table.nodes[0].opened.clear();
    table.advance(2 * due::RECHECK_MS);
    if let Some((stream, _)) = table.nodes[0].opened.pop() {
        table.handle(0, Input::StreamOpened(stream, bob));
        table.handle(0, Input::StreamClosed(stream));
    }
    assert_eq!(table.status(0, group).members.len(), 0);
}

#[test]
fn nobody_counts_as_equal_while_something_new_comes_in() {
    // Only the end of a pull made the others doubtful: until then the node claimed what it could not know.
    let (mut table, group) = Table::group(2);
    table.gossip = false;
    table.connect(0, 1);
    table.converge(group, 5_000);
    table.advance(70_000);
    assert_eq!(table.relation(0, group, 1), Relation::Equal);
    let mallory = table.hostile(0, group, 10);
    table.advance(100);
    let entries = chain(&table.keys(0, group), &LogKey::from_seed(&[50; 32]), group, None, 6, "x");
    let stream = table.welcome(0, group, &mallory);
    table.offer(0, stream, vec![(entries[0].header.log, tip_of(&entries[5]))]);
    table.say(0, stream, &run_of(&entries, 6));
    table.say(0, stream, &bodies_of(&entries[..3]));
    assert_eq!(table.relation(0, group, 1), Relation::Unknown);
}

#[test]
fn what_gossip_lost_is_announced_and_fetched_long_before_the_next_routine_check() {
    let (mut table, group) = Table::group(2);
    table.connect(0, 1);
    table.converge(group, 5_000);
    table.advance(10_000);
    table.gossip = false;
    table.write(0, group, "lost");
    table.gossip = true;
    let took = table.converge(group, due::RECHECK_MS / 3);
    assert!(took > 0);
}

#[test]
fn who_is_pulled_from_pulls_in_turn_at_once() {
    let (mut table, group) = Table::group(2);
    table.gossip = false;
    table.connect(0, 1);
    table.converge(group, 5_000);
    table.advance(10_000);
    for n in 0..2 {
        table.write(n, group, "apart");
    }
    table.batch(0, |e, now| e.check(now, group));
    table.converge(group, 200);
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    // Everything was planned in the time before: for hours nothing was compared, announced or given up.
    let (mut table, group) = Table::group(2);
    table.connect(0, 1);
    table.converge(group, 5_000);
    table.advance(100_000);
    table.now -= 5 * 3_600_000;
    for n in 0..2 {
        table.handle(n, Input::Tick);
    }
    table.gossip = false;
    table.write(0, group, "lost");
    table.gossip = true;
    table.converge(group, 20_000);
    // A stream that says nothing is still closed.
    table.handle(0, Input::StreamOpened(StreamId(101), peer(1)));
    table.now -= 5 * 3_600_000;
    table.handle(0, Input::Tick);
    table.advance(serve::HELLO_MS);
    assert!(!table.nodes[0].engine.streams.contains_key(&StreamId(101)));
}

#[test]
fn several_peers_share_the_work_of_bringing_a_newcomer_up() {
    let (mut table, group) = Table::group(6);
    let keys = table.keys(0, group);
    table.gossip = false;
    for n in 0..5 {
        table.hostile(n, group, 10);
        for log in 0..200u64 {
            let seed = *blake3::hash(&log.to_le_bytes()).as_bytes();
            for entry in chain(&keys, &LogKey::from_seed(&seed), group, None, 3, "x") {
                table.gossip_to(n, group, &peer(10), &entry);
            }
        }
        table.handle(n, Input::Disconnected(peer(10)));
    }
    (1..5).for_each(|n| table.connect(0, n));
    table.converge_some(group, &[0, 1, 2, 3, 4], 200_000);
    table.frames.clear();
    (0..5).for_each(|n| table.connect(5, n));
    table.settle();
    // All pulls begin at once, and their messages take turns.
    table.now += 60;
    table.handle(5, Input::Tick);
    table.advance(3_000);
    assert_eq!(table.status(5, group).missing, 0);
    let sent: Vec<usize> = (0..5).map(|n| bodies_sent(&table, n, 5)).collect();
    let held = table.status(5, group).held as usize;
    assert!(sent.iter().sum::<usize>() <= held, "{sent:?} bodies for {held} entries");
    assert!(sent.iter().filter(|sent| **sent > held / 20).count() > 1, "{sent:?}: one peer did all the work");
}
