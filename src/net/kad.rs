//! The DHT: who may leave a provider record here, what this node provides, and lookups under way.
//!
//! A provider record says "this peer may know this key", nothing more; it is never trusted. Strangers can fill slots, so
//! the store is bounded per key, per peer and in all, records live shorter than is usual (the store keeps 20 per key and
//! older ones win: a stale one keeps a living one out), and what strangers leave here can not displace our own keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use libp2p::core::Endpoint;
use libp2p::kad::store::{MemoryStore, MemoryStoreConfig, RecordStore};
use libp2p::kad::{self, Mode, ProviderRecord, QueryId, RecordKey, StoreInserts};
use libp2p::swarm::{ConnectionId, NetworkBehaviour, StreamProtocol};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::Key;
use super::address::{self, Near};

/// The name under which the DHT is negotiated.
pub(super) const PROTOCOL: StreamProtocol = StreamProtocol::new("/studymesh/kad/1");

/// How long a provider record that another left here is kept.
pub const PROVIDER_TTL: Duration = Duration::from_secs(3 * 3_600);
/// How often our own provider records are sent anew.
pub const PROVIDE_INTERVAL: Duration = Duration::from_secs(3_600);
/// How often the routing table is refreshed.
pub const BOOTSTRAP_INTERVAL: Duration = Duration::from_secs(300);
/// How long one lookup may take.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(30);
/// Most keys that this node provides.
pub const MAX_OWN_KEYS: usize = 128;
/// Most keys that others may leave records for.
pub const MAX_FOREIGN_KEYS: usize = 1_024;
/// Most keys that one peer may leave records for.
pub const MAX_KEYS_PER_PROVIDER: usize = 128;
/// Most providers kept per key.
pub const MAX_PROVIDERS_PER_KEY: usize = 20;
/// Most addresses kept of one peer.
pub const MAX_ADDRESSES_PER_PEER: usize = 8;
/// Longest message, bytes: room for twenty providers and twenty closer peers with all their addresses. What is over the
/// default of 16 KiB could not be answered at all.
const MAX_PACKET_BYTES: usize = 64 << 10;
/// Most lookups under way.
pub const MAX_LOOKUPS: usize = 64;
/// Most providers that one lookup reports.
pub const MAX_FOUND: usize = 64;
/// The shortest and the longest time between two rounds of telling a grown routing table what we provide.
const PROVIDE_AGAIN_FIRST: Duration = Duration::from_secs(1);
const PROVIDE_AGAIN_LONGEST: Duration = Duration::from_secs(600);
/// How soon all keys are told again after our addresses changed, doubled with each further change up to five times, and how
/// long it takes until that is forgotten.
const MOVED_DELAY: Duration = Duration::from_secs(1);
const MOVED_MEMORY: Duration = Duration::from_secs(120);

const _: () = assert!(PROVIDER_TTL.as_secs() >= 2 * PROVIDE_INTERVAL.as_secs(), "one lost round loses no record");

/// The DHT behaviour.
pub(super) type Behaviour = kad::Behaviour<MemoryStore>;

/// The DHT behaviour, set up. Whether it serves is decided elsewhere: in automatic mode it would wait for a confirmed
/// external address, which nodes on one machine or one local network never get.
pub(super) fn behaviour(me: PeerId) -> Behaviour {
    let store = MemoryStoreConfig {
        // Value records are refused before they come here.
        max_records: 0,
        max_value_bytes: 0,
        // Both count our own records and others'; `Shelf` keeps the two apart, so that there is always room for ours.
        max_providers_per_key: MAX_PROVIDERS_PER_KEY + 1,
        max_provided_keys: MAX_OWN_KEYS + 1 + MAX_FOREIGN_KEYS,
    };
    let mut config = kad::Config::new(PROTOCOL);
    config
        .set_record_filtering(StoreInserts::FilterBoth)
        .set_provider_record_ttl(Some(PROVIDER_TTL))
        .set_provider_publication_interval(Some(PROVIDE_INTERVAL))
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_periodic_bootstrap_interval(Some(BOOTSTRAP_INTERVAL))
        .set_query_timeout(QUERY_TIMEOUT)
        .set_max_packet_size(MAX_PACKET_BYTES);
    let mut behaviour = Behaviour::with_config(me, MemoryStore::with_config(me, store), config);
    behaviour.set_mode(Some(Mode::Client));
    behaviour
}

/// The record key of a key.
pub(super) fn record_key(key: &Key) -> RecordKey {
    RecordKey::new(key)
}

/// The key that a record key stands for; only keys of 32 bytes are ours.
pub(super) fn key(record: &RecordKey) -> Option<Key> {
    record.as_ref().try_into().ok()
}

/// The key under which a peer that does not serve the DHT, and so stands in no routing table, says where it is.
pub(super) fn peer_key(peer: &PeerId) -> Key {
    blake3::derive_key("studymesh 2026 v1 peer key", &peer.to_bytes())
}

/// The addresses that the DHT knows of a peer: from the routing table and from the lookups under way.
pub(super) fn known_addresses(behaviour: &mut Behaviour, peer: PeerId) -> Vec<Multiaddr> {
    // What a lookup learns is handed out only here, where the swarm asks for addresses to dial. Nothing is dialled by
    // asking, and the connection number is not looked at.
    let nobody = ConnectionId::new_unchecked(0);
    let known = behaviour.handle_pending_outbound_connection(nobody, Some(peer), &[], Endpoint::Dialer);
    known.unwrap_or_default().iter().filter_map(|known| address::of_peer(known, &peer)).collect()
}

/// The provider records that others left here.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// When each record expires.
    keys: BTreeMap<Key, BTreeMap<PeerId, Instant>>,
    /// How many records each provider has here.
    of_provider: BTreeMap<PeerId, usize>,
}

impl Shelf {
    /// Whether to keep a record that its provider sent; its addresses are cut to what is worth keeping.
    pub fn admit(&mut self, now: Instant, record: &mut ProviderRecord, near: Near) -> bool {
        let Some(key) = key(&record.key) else { return false };
        let providers = self.keys.get(&key);
        if !providers.is_some_and(|providers| providers.contains_key(&record.provider)) {
            let key_fits = providers.map_or(self.keys.len() < MAX_FOREIGN_KEYS, |p| p.len() < MAX_PROVIDERS_PER_KEY);
            let count = self.of_provider.get(&record.provider).copied().unwrap_or_default();
            if !key_fits || count >= MAX_KEYS_PER_PROVIDER {
                return false;
            }
            self.of_provider.insert(record.provider, count + 1);
        }
        let addresses = std::mem::take(&mut record.addresses);
        record.addresses = address::worth_keeping(addresses, near, MAX_ADDRESSES_PER_PEER);
        self.keys.entry(key).or_default().insert(record.provider, now + PROVIDER_TTL);
        true
    }

    /// The records that are over; the store itself would let them keep their slots.
    pub fn expire(&mut self, now: Instant) -> Vec<(Key, PeerId)> {
        let mut over = vec![];
        for (key, providers) in &mut self.keys {
            providers.retain(|peer, until| {
                let stays = *until > now;
                if !stays {
                    over.push((*key, *peer));
                }
                stays
            });
        }
        self.keys.retain(|_, providers| !providers.is_empty());
        for (_, peer) in &over {
            if let Some(count) = self.of_provider.get_mut(peer) {
                *count -= 1;
                if *count == 0 {
                    self.of_provider.remove(peer);
                }
            }
        }
        over
    }
}

/// What this node provides, and when to say so again.
#[derive(Debug)]
pub(super) struct Provided {
    keys: BTreeSet<Key>,
    /// The key of this node itself, while it has to be provided.
    own: Option<Key>,
    /// The routing table or our addresses changed since all keys were told.
    stale: bool,
    not_before: Instant,
    gap: Duration,
    /// How often our addresses changed lately, and when they did last.
    moves: u32,
    moved: Option<Instant>,
}

impl Provided {
    pub fn new(now: Instant) -> Self {
        Self {
            keys: BTreeSet::new(),
            own: None,
            stale: false,
            not_before: now,
            gap: PROVIDE_AGAIN_FIRST,
            moves: 0,
            moved: None,
        }
    }

    /// Adds a key; false when there are too many.
    pub fn add(&mut self, key: Key) -> bool {
        let fits = self.keys.contains(&key) || self.keys.len() < MAX_OWN_KEYS;
        fits.then(|| self.keys.insert(key));
        fits
    }

    pub fn remove(&mut self, key: &Key) {
        self.keys.remove(key);
    }

    /// Something changed that makes it worth telling all keys again: without this a node that provides before it knows
    /// anybody would not be found for an hour.
    pub fn changed(&mut self) {
        self.stale = true;
    }

    /// Our addresses changed: what was told is wrong, which can not wait until its turn comes.
    pub fn moved(&mut self, now: Instant) {
        let calm = self.moved.is_none_or(|at| now.saturating_duration_since(at) >= MOVED_MEMORY);
        self.moves = if calm { 0 } else { (self.moves + 1).min(5) };
        self.moved = Some(now);
        self.stale = true;
        self.not_before = self.not_before.min(now + MOVED_DELAY * (1 << self.moves));
    }

    /// Sets or takes away the key of this node itself.
    pub fn set_own(&mut self, own: Option<Key>) {
        self.own = own;
        self.stale |= own.is_some();
    }

    /// The keys to tell again now, if it is time: soon after the first change, later and later after more of them.
    pub fn due(&mut self, now: Instant) -> Vec<Key> {
        if !self.stale || now < self.not_before {
            return vec![];
        }
        self.stale = false;
        if self.keys.is_empty() {
            return vec![];
        }
        self.not_before = now + self.gap;
        self.gap = (self.gap * 2).min(PROVIDE_AGAIN_LONGEST);
        self.keys.iter().chain(&self.own).copied().collect()
    }
}

/// A lookup of providers.
#[derive(Debug)]
pub(super) struct ProviderLookup {
    /// Of which key.
    pub key: Key,
    /// Who was found so far, with how many addresses.
    pub found: BTreeMap<PeerId, usize>,
}

/// A lookup of one peer: among those who serve the DHT, and under its own key.
#[derive(Debug, Default)]
pub(super) struct PeerLookup {
    /// Queries that are not over.
    pub pending: usize,
    /// Some address was found, and is being dialled.
    pub found: bool,
}

/// The lookups under way.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    /// Of providers.
    pub providers: HashMap<QueryId, ProviderLookup>,
    /// Of one peer each.
    pub peers: BTreeMap<PeerId, PeerLookup>,
    /// What is asked for each.
    pub of_peers: HashMap<QueryId, PeerId>,
    /// Keys to look up as soon as the routing table has anybody to ask.
    pub waiting: BTreeSet<Key>,
}

impl Lookups {
    /// Whether one more may begin.
    pub fn has_room(&self) -> bool {
        self.providers.len() + self.peers.len() + self.waiting.len() < MAX_LOOKUPS
    }

    /// Whether this key is being looked up.
    pub fn is_looking_for(&self, key: &Key) -> bool {
        self.waiting.contains(key) || self.providers.values().any(|lookup| lookup.key == *key)
    }

    /// Whether this peer is being looked for.
    pub fn is_looking_for_peer(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }
}

/// Takes what others left here and what is over out of the store.
pub(super) fn drop_expired(behaviour: &mut Behaviour, shelf: &mut Shelf, now: Instant) {
    for (key, provider) in shelf.expire(now) {
        behaviour.store_mut().remove_provider(&record_key(&key), &provider);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: impl AsRef<[u8]>, provider: PeerId, addresses: &[&str]) -> ProviderRecord {
        let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
        ProviderRecord::new(RecordKey::new(&key), provider, addresses)
    }

    fn nth(n: usize) -> Key {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_le_bytes());
        key
    }

    #[test]
    fn only_keys_of_32_bytes_are_kept_and_with_few_dialable_addresses() {
        let (mut shelf, peer, now) = (Shelf::default(), PeerId::random(), Instant::now());
        assert!(!shelf.admit(now, &mut record([1; 31], peer, &[]), Near::NOT));
        assert!(!shelf.admit(now, &mut record([1; 33], peer, &[]), Near::NOT));
        let many: Vec<String> = (1..100).map(|n| format!("/ip4/10.0.0.{n}/tcp/1")).collect();
        let mut given = vec!["/ip4/127.0.0.1/tcp/1", "/ip4/0.0.0.0/tcp/1"];
        given.extend(many.iter().map(String::as_str));
        let mut kept = record([1; 32], peer, &given);
        assert!(shelf.admit(now, &mut kept, Near::NOT));
        assert_eq!(kept.addresses.len(), MAX_ADDRESSES_PER_PEER);
        assert_eq!(kept.addresses[0], "/ip4/10.0.0.1/tcp/1".parse().unwrap());
    }

    #[test]
    fn one_peer_can_not_fill_the_shelf_and_many_can_not_overfill_it() {
        let (mut shelf, now) = (Shelf::default(), Instant::now());
        let greedy = PeerId::random();
        let kept = (0..1_000).filter(|n| shelf.admit(now, &mut record(nth(*n), greedy, &[]), Near::NOT)).count();
        assert_eq!(kept, MAX_KEYS_PER_PROVIDER);

        let kept = (0..100).filter(|_| shelf.admit(now, &mut record(nth(0), PeerId::random(), &[]), Near::NOT)).count();
        assert_eq!(kept, MAX_PROVIDERS_PER_KEY - 1);

        for n in 0..2 * MAX_FOREIGN_KEYS {
            shelf.admit(now, &mut record(nth(n), PeerId::random(), &[]), Near::NOT);
        }
        assert_eq!(shelf.keys.len(), MAX_FOREIGN_KEYS);
        assert!(
            shelf.admit(now, &mut record(nth(0), greedy, &[]), Near::NOT),
            "a known record is renewed all the same"
        );
    }

    #[test]
    fn a_record_that_is_over_gives_its_slot_back_and_a_renewed_one_stays() {
        let (mut shelf, now) = (Shelf::default(), Instant::now());
        let (stale, living) = (PeerId::random(), PeerId::random());
        shelf.admit(now, &mut record(nth(0), stale, &[]), Near::NOT);
        shelf.admit(now, &mut record(nth(0), living, &[]), Near::NOT);
        shelf.admit(now + PROVIDE_INTERVAL, &mut record(nth(0), living, &[]), Near::NOT);
        assert_eq!(shelf.expire(now + PROVIDER_TTL), [(nth(0), stale)]);
        assert_eq!(shelf.keys[&nth(0)].len(), 1);
        assert_eq!(shelf.of_provider.into_iter().collect::<Vec<_>>(), [(living, 1)]);
    }

    #[test]
    fn strangers_can_not_keep_us_from_providing_our_own_keys() {
        let (me, now) = (PeerId::random(), Instant::now());
        let (mut behaviour, mut shelf) = (behaviour(me), Shelf::default());
        let crowd = std::iter::repeat_n(0, 2 * MAX_PROVIDERS_PER_KEY);
        for n in crowd.chain(0..2 * MAX_FOREIGN_KEYS) {
            let mut record = record(nth(n), PeerId::random(), &[]);
            if shelf.admit(now, &mut record, Near::NOT) {
                behaviour.store_mut().add_provider(record).unwrap();
            }
        }
        behaviour.start_providing(record_key(&nth(0))).unwrap();
        for n in 1..MAX_OWN_KEYS {
            behaviour.start_providing(record_key(&nth(1 << 20 | n))).unwrap();
        }
        assert_eq!(behaviour.store_mut().provided().count(), MAX_OWN_KEYS);
    }

    #[test]
    fn all_keys_are_told_again_soon_after_the_first_change_and_ever_more_rarely_after_more() {
        let mut now = Instant::now();
        let mut provided = Provided::new(now);
        assert!(provided.add(nth(1)));
        assert_eq!(provided.due(now), [] as [Key; 0]);
        let mut rounds = 0;
        for _ in 0..3_600 {
            provided.changed();
            rounds += provided.due(now).len();
            now += Duration::from_secs(1);
        }
        assert!((10..=20).contains(&rounds), "{rounds} rounds in an hour of constant change");
        now += PROVIDE_AGAIN_LONGEST;
        provided.changed();
        assert_eq!(provided.due(now), [nth(1)], "after a calm time a change is told at once");
        assert_eq!(provided.due(now), [] as [Key; 0]);

        provided.set_own(Some(nth(2)));
        provided.moved(now);
        assert_eq!(provided.due(now + MOVED_DELAY), [nth(1), nth(2)], "a change of our addresses does not wait");
        let mut rounds = 0;
        for _ in 0..3_600 {
            provided.moved(now);
            rounds += provided.due(now).len() / 2;
            now += Duration::from_secs(1);
        }
        assert!((100..=130).contains(&rounds), "{rounds} rounds in an hour of constant change");
    }
}
