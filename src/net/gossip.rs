//! gossipsub as it is used here, and the messages that wait for their verdict.
//!
//! Messages are anonymous: the entries inside are signed, so gossipsub's own signatures would only be verified once per
//! duplicate copy. The message id is the hash of *all* bytes: the duplicate cache is filled before anything is verified,
//! so with any id that a spoiled copy could share, the spoiled copy sent first would censor the true one.

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::HEXLOWER;
use libp2p::PeerId;
use libp2p::gossipsub::{
    self, IdentTopic, MaxCountSubscriptionFilter, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds,
    TopicHash, TopicScoreParams, TopicSubscriptionFilter, ValidationMode,
};
use tokio::time::Instant;

use super::{Error, Key, MessageNumber};

/// Longest message, bytes.
pub const MAX_MESSAGE_BYTES: usize = 65_536;
/// What an RPC may be longer than the longest message in it: topic, lengths and some control beside it, bytes.
pub const RPC_ROOM_BYTES: usize = 4_096;
/// Topics that a peer may be subscribed to. gossipsub ignores the whole list of a peer over its limit, so this leaves room
/// over the 64 groups that a node may be in.
pub const MAX_TOPICS_PER_PEER: usize = 128;
/// Most messages that wait for a verdict; beyond that the oldest is ignored.
pub const MAX_UNDECIDED: usize = 4_096;
/// How many heartbeats gossipsub keeps a message, and so how long a verdict may take.
const HISTORY_HEARTBEATS: u32 = 10;
/// gossipsub's heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long a message waits for its verdict before it is ignored: a little less than gossipsub remembers it.
pub const VERDICT_TIMEOUT: Duration = Duration::from_secs(8);
/// How long gossipsub remembers that it has seen a message.
const DUPLICATE_CACHE: Duration = Duration::from_secs(120);
/// Frames that wait for one peer; gossipsub's default of 5,000 is 320 MB of the longest.
const PEER_QUEUE: usize = 512;
/// This many peers behind one address are normal: a classroom behind one NAT, and tests on loopback.
const PEERS_BEHIND_ONE_ADDRESS: f64 = 96.0;

const _: () = assert!(VERDICT_TIMEOUT.as_secs() < HEARTBEAT.as_secs() * HISTORY_HEARTBEATS as u64);

/// gossipsub with our subscription filter.
pub(super) type Behaviour = gossipsub::Behaviour<gossipsub::IdentityTransform, MaxCountSubscriptionFilter<HexTopics>>;

/// Lets only topics through that are 64 lower-case hex digits: no other node means us with anything else.
#[derive(Debug, Default, Clone)]
pub(super) struct HexTopics;

impl TopicSubscriptionFilter for HexTopics {
    fn can_subscribe(&mut self, topic: &TopicHash) -> bool {
        key(topic).is_some()
    }
}

/// The gossipsub topic of a key.
pub(super) fn topic(key: &Key) -> IdentTopic {
    IdentTopic::new(HEXLOWER.encode(key))
}

/// The key that a topic names.
pub(super) fn key(topic: &TopicHash) -> Option<Key> {
    HEXLOWER.decode(topic.as_str().as_bytes()).ok()?.try_into().ok()
}

/// gossipsub, set up.
pub(super) fn behaviour() -> Result<Behaviour, Error> {
    let config = gossipsub::ConfigBuilder::default()
        .heartbeat_interval(HEARTBEAT)
        .heartbeat_initial_delay(HEARTBEAT)
        .history_length(HISTORY_HEARTBEATS as usize)
        .duplicate_cache_time(DUPLICATE_CACHE)
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(|message| MessageId::new(blake3::hash(&message.data).as_bytes()))
        .max_transmit_size(MAX_MESSAGE_BYTES + RPC_ROOM_BYTES)
        .connection_handler_queue_len(PEER_QUEUE)
        .flood_publish(true)
        .build()
        .map_err(|error| Error::Gossip(error.to_string()))?;
    let filter = MaxCountSubscriptionFilter {
        filter: HexTopics,
        max_subscribed_topics: MAX_TOPICS_PER_PEER,
        max_subscriptions_per_request: 2 * MAX_TOPICS_PER_PEER,
    };
    let mut behaviour = Behaviour::new_with_subscription_filter_and_transform(
        MessageAuthenticity::Anonymous,
        config,
        filter,
        Default::default(),
    )
    .map_err(|error| Error::Gossip(error.to_owned()))?;
    behaviour.with_peer_score(scores(), thresholds()).map_err(Error::Gossip)?;
    Ok(behaviour)
}

fn scores() -> PeerScoreParams {
    PeerScoreParams {
        topic_score_cap: 50.0,
        app_specific_weight: 0.0,
        ip_colocation_factor_weight: -1.0,
        ip_colocation_factor_threshold: PEERS_BEHIND_ONE_ADDRESS,
        // A node under load fails a promise now and then; a pattern of it counts.
        behaviour_penalty_weight: -5.0,
        behaviour_penalty_threshold: 6.0,
        behaviour_penalty_decay: 0.9,
        slow_peer_weight: -0.1,
        slow_peer_threshold: 10.0,
        slow_peer_decay: 0.9,
        decay_interval: Duration::from_secs(10),
        decay_to_zero: 0.05,
        retain_score: Duration::from_secs(1_800),
        ..PeerScoreParams::default()
    }
}

/// How peers are scored in a topic. A study group is silent for hours, so that not delivering anything (P3) says nothing
/// about a peer, and the defaults, made for busy topics, would give everybody a thousand points for being there.
pub(super) fn topic_scores() -> TopicScoreParams {
    TopicScoreParams {
        topic_weight: 1.0,
        // P1: up to 10 points for 10 minutes in the mesh.
        time_in_mesh_weight: 1.0,
        time_in_mesh_quantum: Duration::from_secs(60),
        time_in_mesh_cap: 10.0,
        // P2: up to 20 points for having brought something first.
        first_message_deliveries_weight: 1.0,
        first_message_deliveries_decay: 0.95,
        first_message_deliveries_cap: 20.0,
        // P3, P3b: off.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        // P4: the square of the number of rejected messages, which halves its root in about two minutes.
        invalid_message_deliveries_weight: -10.0,
        invalid_message_deliveries_decay: 0.94,
        ..TopicScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        // Two rejected messages: no gossip. Three: nothing is published to it. Four: nothing from it is heard.
        gossip_threshold: -30.0,
        publish_threshold: -80.0,
        graylist_threshold: -130.0,
        accept_px_threshold: 1_000.0,
        opportunistic_graft_threshold: 1.0,
    }
}

#[derive(Debug)]
struct Waiting {
    id: MessageId,
    source: PeerId,
    since: Instant,
}

/// The messages that wait for a verdict, by number. Numbers only grow, so that the lowest is the oldest.
#[derive(Debug, Default)]
pub(super) struct Undecided {
    waiting: BTreeMap<MessageNumber, Waiting>,
    next: MessageNumber,
}

impl Undecided {
    /// Numbers a message; and, when there are too many, gives up the oldest.
    pub fn add(&mut self, now: Instant, id: MessageId, source: PeerId) -> (MessageNumber, Option<(MessageId, PeerId)>) {
        let number = self.next;
        self.next += 1;
        self.waiting.insert(number, Waiting { id, source, since: now });
        let given_up = if self.waiting.len() > MAX_UNDECIDED { self.waiting.pop_first() } else { None };
        (number, given_up.map(|(_, waiting)| (waiting.id, waiting.source)))
    }

    /// Takes the message with this number out, if it still waits.
    pub fn take(&mut self, number: MessageNumber) -> Option<(MessageId, PeerId)> {
        self.waiting.remove(&number).map(|waiting| (waiting.id, waiting.source))
    }

    /// Takes out one message that has waited for too long.
    pub fn expired(&mut self, now: Instant) -> Option<(MessageId, PeerId)> {
        let (number, oldest) = self.waiting.first_key_value()?;
        let late = now.saturating_duration_since(oldest.since) >= VERDICT_TIMEOUT;
        let number = *number;
        late.then(|| self.take(number)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> MessageId {
        MessageId::new(&n.to_le_bytes())
    }

    #[test]
    fn a_topic_is_the_hex_text_of_its_key_and_nothing_else_is_a_topic() {
        let topic = topic(&[0xab; 32]);
        assert_eq!(topic.hash().as_str(), "ab".repeat(32));
        assert_eq!(key(&topic.hash()), Some([0xab; 32]));
        for wrong in ["", "blocks", &"AB".repeat(32), &"ab".repeat(31), &"ab".repeat(33)] {
            assert_eq!(key(&TopicHash::from_raw(wrong)), None, "{wrong}");
            assert!(!HexTopics.can_subscribe(&TopicHash::from_raw(wrong)));
        }
    }

    #[test]
    fn our_parameters_are_valid() {
        topic_scores().validate().unwrap();
        scores().validate().unwrap();
        thresholds().validate().unwrap();
        assert!(behaviour().is_ok());
    }

    #[test]
    fn every_message_is_taken_out_once_by_verdict_by_time_or_for_want_of_room() {
        let (mut undecided, peer, now) = (Undecided::default(), PeerId::random(), Instant::now());
        let (first, none) = undecided.add(now, id(0), peer);
        assert_eq!(none, None);
        assert_eq!(undecided.take(first), Some((id(0), peer)));
        assert_eq!(undecided.take(first), None);

        for n in 0..MAX_UNDECIDED {
            assert_eq!(undecided.add(now, id(n), peer).1, None);
        }
        assert_eq!(undecided.add(now, id(MAX_UNDECIDED), peer).1, Some((id(0), peer)));

        assert_eq!(undecided.expired(now), None);
        let mut late = 0;
        while undecided.expired(now + VERDICT_TIMEOUT).is_some() {
            late += 1;
        }
        assert_eq!(late, MAX_UNDECIDED);
    }
}
