//! Which relays this node wants to be reached through: a state machine that is told what happens and says what to do.
//!
//! Configured relays go first, then connected peers that relay. Up to [`WANTED`] are asked; one that is lost or says no is
//! asked again after a wait that grows, and another one takes its place. The relay client renews what holds by itself.
//!
//! A reservation is given up only right after it was renewed ([`Step::Release`]): libp2p's relay client does not survive
//! that a listener is closed while it is asking.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::core::transport::ListenerId;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::backoff::Jitter;
use super::{Reservation, address};

/// Relays that a node which can not be reached directly is to be reached through.
pub const WANTED: usize = 2;
/// Most peers that are remembered as relays; configured ones come on top.
pub const MAX_KNOWN: usize = 64;
/// An answer that takes longer is not waited for: another relay is asked meanwhile.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// A reservation that held this long was a success: the next loss begins with a short wait again.
const STABLE: Duration = Duration::from_secs(120);
/// Most addresses that are kept of a relay.
const MAX_ADDRESSES: usize = 8;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Connect to a configured relay; [`Relays::connected`] or [`Relays::dial_failed`] follows.
    Dial(PeerId, Vec<Multiaddr>),
    /// Listen at this relay, which others reach at this address; [`Relays::asked`] or [`Relays::not_asked`] follows.
    Reserve(PeerId, Multiaddr),
    /// Do not listen there any more.
    Release(ListenerId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Dialling,
    /// Asked, not answered yet. Without a listener: about to be asked.
    Asked(Option<ListenerId>, Instant),
    Holds(ListenerId, Instant),
}

#[derive(Debug)]
struct Known {
    /// As configured; those of other relays come with the connection.
    configured: Vec<Multiaddr>,
    /// Where it can be reached, as far as that is known, best first.
    addresses: Vec<Multiaddr>,
    connected: bool,
    /// It said that it relays. Of a configured one that is taken for granted until it says who it is.
    relays: bool,
    state: State,
    failures: u32,
    not_before: Instant,
    /// Spreads the choice among relays that are alike.
    rank: u64,
}

/// The relays that are known, and what is going on with each.
#[derive(Debug)]
pub(super) struct Relays {
    known: BTreeMap<PeerId, Known>,
    wanted: bool,
    jitter: Jitter,
    seed: u64,
}

impl Relays {
    /// With the configured relays; each has its PeerId at the end. `seed` spreads waits and choice among nodes.
    pub fn new(now: Instant, configured: &[Multiaddr], seed: u64) -> Self {
        let mut relays = Self { known: BTreeMap::new(), wanted: false, jitter: Jitter::new(seed), seed };
        for (bare, peer) in configured.iter().map(address::split_peer) {
            let Some(peer) = peer.filter(|_| !address::is_circuit(&bare)) else {
                tracing::warn!(address = %bare, "a relay without its peer id at the end of its address can not be used");
                continue;
            };
            let known = relays.entry(now, peer);
            known.configured.push(bare);
            known.relays = true;
        }
        relays
    }

    fn entry(&mut self, now: Instant, peer: PeerId) -> &mut Known {
        let seed = self.seed;
        self.known.entry(peer).or_insert_with(|| Known {
            configured: vec![],
            addresses: vec![],
            connected: false,
            relays: false,
            state: State::Idle,
            failures: 0,
            not_before: now,
            rank: rank(seed, &peer),
        })
    }

    /// Whether this node wants to be reached through relays at all.
    pub fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    /// A direct connection with a peer is up, at an address that can be dialled if this node dialled it.
    pub fn connected(&mut self, peer: &PeerId, dialled: Option<&Multiaddr>) {
        if let Some(known) = self.known.get_mut(peer) {
            known.connected = true;
            if known.state == State::Dialling {
                known.state = State::Idle;
            }
            if let Some(at) = dialled {
                known.learn([at.clone()]);
            }
        }
    }

    /// A peer said who it is: whether it relays, and where it listens. `dialled` as for [`Relays::connected`].
    pub fn identified(
        &mut self,
        now: Instant,
        peer: PeerId,
        relays: bool,
        at: Vec<Multiaddr>,
        dialled: Option<&Multiaddr>,
    ) {
        if !self.known.contains_key(&peer) {
            if !relays || self.known.values().filter(|k| k.configured.is_empty()).count() >= MAX_KNOWN {
                return;
            }
            self.entry(now, peer).connected = true;
        }
        let known = self.entry(now, peer);
        if relays && !known.relays {
            // It did not before: a relay may have to find out its own address first.
            known.not_before = now;
        }
        known.relays = relays;
        known.addresses.clear();
        known.learn(dialled.cloned().into_iter().chain(at.into_iter().filter(|a| !address::is_circuit(a))));
    }

    /// The last direct connection with a peer is gone. True when this node was reached through it, or had asked.
    pub fn disconnected(&mut self, now: Instant, peer: &PeerId) -> bool {
        let Some(known) = self.known.get_mut(peer) else { return false };
        let used = matches!(known.state, State::Asked(..) | State::Holds(..));
        known.connected = false;
        if known.configured.is_empty() {
            self.known.remove(peer);
        } else {
            // What it says the next time counts.
            known.relays = true;
            if used {
                self.fail(now, peer);
            }
        }
        used
    }

    /// A dial of a peer failed.
    pub fn dial_failed(&mut self, now: Instant, peer: &PeerId) {
        if self.known.get(peer).is_some_and(|known| known.state == State::Dialling) {
            self.fail(now, peer);
        }
    }

    /// [`Step::Reserve`] is under way.
    pub fn asked(&mut self, peer: &PeerId, listener: ListenerId) {
        if let Some(Known { state: State::Asked(asked @ None, _), .. }) = self.known.get_mut(peer) {
            *asked = Some(listener);
        }
    }

    /// A relay said yes, for the first time or again. True for the first time.
    pub fn accepted(&mut self, now: Instant, peer: &PeerId) -> (bool, Option<Step>) {
        let wanted = self.wanted;
        let Some(known) = self.known.get_mut(peer) else { return (false, None) };
        match known.state {
            State::Asked(Some(listener), _) => {
                known.state = State::Holds(listener, now);
                (true, None)
            }
            State::Holds(listener, _) if !wanted => (false, Some(Step::Release(listener))),
            _ => (false, None),
        }
    }

    /// Listening at a relay ended, or could not begin. Whose it was, if it was any's.
    pub fn lost(&mut self, now: Instant, listener: ListenerId) -> Option<PeerId> {
        let of = |known: &Known| match known.state {
            State::Asked(Some(l), _) | State::Holds(l, _) => l == listener,
            _ => false,
        };
        let peer = self.known.iter().find(|(_, known)| of(known)).map(|(peer, _)| *peer)?;
        self.fail(now, &peer);
        Some(peer)
    }

    /// Asking a relay failed before there was a listener.
    pub fn not_asked(&mut self, now: Instant, peer: &PeerId) {
        self.fail(now, peer);
    }

    fn fail(&mut self, now: Instant, peer: &PeerId) {
        let Some(known) = self.known.get_mut(peer) else { return };
        let stable = match known.state {
            State::Holds(_, since) => now.saturating_duration_since(since) >= STABLE,
            _ => false,
        };
        known.failures = if stable { 1 } else { known.failures.saturating_add(1) };
        known.not_before = now + self.jitter.wait(known.failures);
        known.state = State::Idle;
    }

    /// The way to everybody has changed: nobody has to wait for earlier failures any more.
    pub fn retry(&mut self, now: Instant) {
        for known in self.known.values_mut() {
            known.failures = 0;
            known.not_before = known.not_before.min(now);
        }
    }

    /// Whether this peer is a relay that this node is reached through, or has asked.
    pub fn is_used(&self, peer: &PeerId) -> bool {
        self.known.get(peer).is_some_and(|known| matches!(known.state, State::Asked(..) | State::Holds(..)))
    }

    /// What is due.
    pub fn due(&mut self, now: Instant) -> Vec<Step> {
        if !self.wanted {
            return vec![];
        }
        let (mut used, mut coming) = (0, 0);
        for known in self.known.values() {
            match known.state {
                State::Holds(..) => used += 1,
                State::Asked(_, since) if now.saturating_duration_since(since) < ANSWER_PATIENCE => used += 1,
                State::Dialling => coming += 1,
                State::Asked(..) | State::Idle => {}
            }
        }
        let idle = |k: &Known| k.state == State::Idle && k.not_before <= now && k.relays;
        let mut ready: Vec<_> = self.known.iter_mut().filter(|(_, known)| idle(known)).collect();
        ready.sort_by_key(|(_, k)| (k.configured.is_empty(), k.failures, k.rank));
        let mut steps = vec![];
        for (peer, known) in ready {
            // Those that are configured are worth waiting for.
            let taken = if known.configured.is_empty() { used + coming } else { used };
            if known.connected && taken < WANTED {
                if let Some(address) = known.best() {
                    known.state = State::Asked(None, now);
                    steps.push(Step::Reserve(*peer, address));
                    used += 1;
                }
            } else if !known.connected && used + coming < WANTED {
                known.state = State::Dialling;
                steps.push(Step::Dial(*peer, known.configured.clone()));
                coming += 1;
            }
        }
        steps
    }

    /// What is going on, for people.
    pub fn reservations(&self, now: Instant) -> Vec<Reservation> {
        let show = |(peer, known): (&PeerId, &Known)| {
            let (accepted, since) = match known.state {
                State::Asked(_, since) => (false, since),
                State::Holds(_, since) => (true, since),
                State::Idle | State::Dialling => return None,
            };
            Some(Reservation { relay: *peer, accepted, age: now.saturating_duration_since(since) })
        };
        self.known.iter().filter_map(show).collect()
    }
}

impl Known {
    fn learn(&mut self, addresses: impl IntoIterator<Item = Multiaddr>) {
        for address in addresses {
            if self.addresses.len() < MAX_ADDRESSES && !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
    }

    /// Where others are most likely to reach it: what reaches farther goes first, and QUIC before TCP, as with any dial; if
    /// there are several, as configured, then as this node reached it, then as it says itself.
    fn best(&self) -> Option<Multiaddr> {
        let all = self.configured.iter().chain(&self.addresses).filter(|a| address::is_dialable(a));
        let tcp = |a: &Multiaddr| address::transport(a) == super::Transport::Tcp;
        all.min_by_key(|a| (std::cmp::Reverse(address::scope(a)), tcp(a))).cloned()
    }
}

fn rank(seed: u64, peer: &PeerId) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&peer.to_bytes());
    hasher.finalize().as_bytes().iter().take(8).fold(0, |rank, byte| rank << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::super::backoff::LONGEST;
    use super::*;

    fn at(n: u8) -> Multiaddr {
        format!("/ip4/203.0.113.{n}/udp/4001/quic-v1").parse().unwrap()
    }

    fn full(n: u8, peer: PeerId) -> Multiaddr {
        at(n).with_p2p(peer).unwrap()
    }

    /// Connected peers that relay.
    fn with_peers(now: Instant, count: u8) -> (Relays, Vec<PeerId>) {
        let mut relays = Relays::new(now, &[], 7);
        let peers: Vec<_> = (0..count).map(|_| PeerId::random()).collect();
        for (n, peer) in (1..).zip(&peers) {
            relays.identified(now, *peer, true, vec![at(n)], None);
        }
        relays.want(true);
        (relays, peers)
    }

    /// Everybody who is asked now says yes.
    fn all_accept(relays: &mut Relays, now: Instant) -> Vec<PeerId> {
        let mut accepted = vec![];
        for step in relays.due(now) {
            let Step::Reserve(peer, _) = step else { panic!("{step:?}") };
            relays.asked(&peer, ListenerId::next());
            assert!(relays.accepted(now, &peer).0);
            accepted.push(peer);
        }
        accepted
    }

    fn listener(relays: &Relays, peer: &PeerId) -> ListenerId {
        match relays.known[peer].state {
            State::Holds(listener, _) | State::Asked(Some(listener), _) => listener,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nobody_is_asked_until_it_is_wanted_and_then_two_are() {
        let now = Instant::now();
        let (mut relays, _) = with_peers(now, 5);
        relays.want(false);
        assert_eq!(relays.due(now), []);
        relays.want(true);
        assert_eq!(all_accept(&mut relays, now).len(), WANTED);
        assert_eq!(relays.due(now), []);
        assert_eq!(relays.reservations(now).iter().filter(|r| r.accepted).count(), WANTED);
    }

    #[test]
    fn a_relay_that_is_lost_is_replaced_at_once_by_another() {
        let mut now = Instant::now();
        let (mut relays, peers) = with_peers(now, 3);
        let used = all_accept(&mut relays, now);
        let spare: Vec<_> = peers.iter().filter(|p| !used.contains(p)).copied().collect();
        let lost = listener(&relays, &used[0]);
        assert_eq!(relays.lost(now, lost), Some(used[0]));
        assert_eq!(relays.lost(now, lost), None, "once");
        assert_eq!(all_accept(&mut relays, now), spare);
        relays.disconnected(now, &used[1]);
        now += LONGEST;
        assert_eq!(all_accept(&mut relays, now), [used[0]], "the first one has waited long enough");
    }

    #[test]
    fn configured_relays_are_dialled_and_go_before_others() {
        let now = Instant::now();
        let (first, second, other) = (PeerId::random(), PeerId::random(), PeerId::random());
        let configured = [full(1, first), full(2, second), full(3, second), at(9)];
        let mut relays = Relays::new(now, &configured, 7);
        relays.identified(now, other, true, vec![at(5)], None);
        relays.want(true);
        let steps = relays.due(now);
        let dials = steps.iter().filter(|s| matches!(s, Step::Dial(..))).count();
        assert_eq!((steps.len(), dials), (2, 2), "{steps:?}");
        assert!(steps.contains(&Step::Dial(second, vec![at(2), at(3)])));
        relays.connected(&first, Some(&at(1)));
        relays.dial_failed(now, &second);
        let steps = relays.due(now);
        assert_eq!(steps, [Step::Reserve(first, at(1)), Step::Reserve(other, at(5))]);
    }

    #[test]
    fn a_relay_that_is_down_is_dialled_ever_more_rarely() {
        let (peer, begin) = (PeerId::random(), Instant::now());
        let mut now = begin;
        let mut relays = Relays::new(begin, &[full(1, peer)], 7);
        relays.want(true);
        let mut tries = 0;
        while now - begin < Duration::from_secs(3 * 3_600) {
            for _ in relays.due(now) {
                tries += 1;
                relays.dial_failed(now, &peer);
            }
            now += Duration::from_secs(1);
        }
        assert!((35..90).contains(&tries), "{tries} in three hours");
        relays.retry(now);
        assert_eq!(relays.due(now).len(), 1, "with another address it is tried at once");
    }

    #[test]
    fn one_that_does_not_answer_is_not_waited_for() {
        let mut now = Instant::now();
        let (mut relays, peers) = with_peers(now, 3);
        for step in relays.due(now) {
            let Step::Reserve(peer, _) = step else { panic!("{step:?}") };
            relays.asked(&peer, ListenerId::next());
        }
        assert_eq!(relays.due(now), []);
        now += ANSWER_PATIENCE;
        assert_eq!(all_accept(&mut relays, now).len(), 1);
        assert!(peers.iter().all(|peer| relays.is_used(peer)), "late answers are welcome");
    }

    #[test]
    fn a_reservation_that_is_not_needed_any_more_is_given_up_when_it_has_just_been_renewed() {
        let now = Instant::now();
        let (mut relays, _) = with_peers(now, 1);
        let peer = all_accept(&mut relays, now)[0];
        relays.want(false);
        assert_eq!(relays.due(now), []);
        let step = relays.accepted(now, &peer).1;
        assert_eq!(step, Some(Step::Release(listener(&relays, &peer))));
        relays.want(true);
        assert_eq!(relays.accepted(now, &peer), (false, None));
    }

    #[test]
    fn strangers_that_claim_to_relay_do_not_fill_the_memory() {
        let now = Instant::now();
        let configured = PeerId::random();
        let mut relays = Relays::new(now, &[full(1, configured)], 7);
        for _ in 0..2 * MAX_KNOWN {
            relays.identified(now, PeerId::random(), true, vec![at(2); 100], None);
        }
        assert_eq!(relays.known.len(), MAX_KNOWN + 1);
        relays.identified(now, configured, false, vec![], None);
        relays.want(true);
        assert!(relays.due(now).iter().all(|s| !matches!(s, Step::Dial(p, _) if *p == configured)));
    }
}
