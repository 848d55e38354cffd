//! AutoNAT: letting peers test whether this node can be reached, and testing for them.
//!
//! libp2p's client tests an address once for all. Here everything is tested anew now and then, and whenever this machine's
//! addresses change, with a fresh client; that one only uses connections that go out after it began, so one is made.
//! Tests do not run over relayed connections: one costs up to 100 KB, most of what a circuit carries. Neighbours do not
//! test, unless local addresses count: they can not tell what the internet sees.

use std::collections::BTreeSet;
use std::time::Duration;

use libp2p::autonat::v2::{client, server};
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use tokio::time::Instant;

use super::guard::{Guarded, Out, Rules};
use super::shell::Shell;

/// What a peer speaks that tests for others.
pub(super) const SERVER_PROTOCOL: StreamProtocol = StreamProtocol::new("/libp2p/autonat/2/dial-request");
/// How often everything is tested anew.
pub const RETEST_INTERVAL: Duration = Duration::from_secs(900);
/// How long after this machine's addresses changed the tests begin anew.
pub const RETEST_DELAY: Duration = Duration::from_secs(2);
/// How long listeners may come up at start.
const START: Duration = Duration::from_secs(5);
/// Most addresses that are offered for one round of tests.
pub const MAX_OFFERED: usize = 16;
/// Most peers that are remembered as testers.
const MAX_SERVERS: usize = 64;
/// How long a connection that was made for testing stays.
const PROBE_LIFE: Duration = Duration::from_secs(25);

/// The side that wants to know. `local_counts`: neighbours may test.
pub(super) fn client(local_counts: bool) -> Guarded<client::Behaviour> {
    let rules = Rules { only_direct: true, only_global: !local_counts, own_addresses: true, careful_dials: false };
    Guarded::new(client::Behaviour::default(), rules)
}

/// The side that tests for others.
pub(super) fn server() -> Guarded<server::Behaviour> {
    let rules = Rules { only_direct: true, own_addresses: true, careful_dials: true, ..Rules::default() };
    Guarded::new(server::Behaviour::default(), rules)
}

/// What is being tested.
#[derive(Debug)]
pub(super) struct Tests {
    offered: BTreeSet<Multiaddr>,
    servers: BTreeSet<PeerId>,
    begin: Instant,
    next: Instant,
    /// The connection that was made for testing, and how long it stays.
    probe: Option<(ConnectionId, Instant)>,
}

impl Tests {
    pub fn new(now: Instant) -> Self {
        let next = now + RETEST_INTERVAL;
        Self { offered: BTreeSet::new(), servers: BTreeSet::new(), begin: now, next, probe: None }
    }

    /// Everything is to be tested anew soon. At start nothing is old enough for that.
    pub fn soon(&mut self, now: Instant) {
        if now.saturating_duration_since(self.begin) < START {
            return;
        }
        self.next = self.next.min(now + RETEST_DELAY);
    }

    /// A peer said whether it tests for others.
    pub fn identified(&mut self, peer: PeerId, tests: bool) {
        if !tests {
            self.servers.remove(&peer);
        } else if self.servers.len() < MAX_SERVERS {
            self.servers.insert(peer);
        }
    }

    /// A peer is gone.
    pub fn disconnected(&mut self, peer: &PeerId) {
        self.servers.remove(peer);
    }
}

impl Shell {
    /// Lets an address be tested, once in each round.
    pub(super) fn offer_test(&mut self, address: &Multiaddr) {
        if self.tests.offered.len() < MAX_OFFERED && self.tests.offered.insert(address.clone()) {
            self.swarm.behaviour_mut().autonat_client.candidate(address);
        }
    }

    pub(super) fn tested(&mut self, event: Out<client::Event>) {
        match event {
            Out::Confirmed(address) => {
                tracing::debug!(%address, "AutoNAT confirms an address");
                if self.reach.confirm(&address) {
                    self.swarm.behaviour_mut().dcutr.candidate(&address);
                }
            }
            Out::Event(client::Event { tested_addr, result: Err(error), server, .. }) => {
                tracing::debug!(address = %tested_addr, %server, %error, "AutoNAT does not reach an address");
                self.reach.refute(&tested_addr);
            }
            Out::Event(_) | Out::Expired(_) => {}
        }
        self.reconcile();
    }

    /// Tests anew when it is time, and ends what was only there for testing.
    pub(super) fn test(&mut self, now: Instant) {
        if let Some((probe, _)) = self.tests.probe.take_if(|(_, until)| *until <= now) {
            let probed = self.connections.get(now, probe);
            let others = probed.is_some_and(|p| self.connections.count_direct(&p.peer) > 1);
            if others && !self.streams.on(probe) {
                self.swarm.close_connection(probe);
            }
        }
        if self.tests.next > now {
            return;
        }
        self.tests.next = now + RETEST_INTERVAL;
        self.tests.offered.clear();
        self.swarm.behaviour_mut().autonat_client.replace(client::Behaviour::default());
        let again: Vec<Multiaddr> = self.reach.tested().cloned().chain(self.reach.candidates()).collect();
        again.iter().for_each(|address| self.offer_test(address));
        self.probe(now);
    }

    /// Makes a connection to a tester.
    fn probe(&mut self, now: Instant) {
        let known = self.tests.servers.iter().filter_map(|peer| Some((*peer, self.connections.dialled(peer)?)));
        let Some((peer, at)) = known.min_by_key(|(peer, _)| self.connections.count_direct(peer)) else { return };
        let opts = DialOpts::peer_id(peer).addresses(vec![at]).condition(PeerCondition::Always).build();
        self.tests.probe = Some((opts.connection_id(), now + PROBE_LIFE));
        if let Err(error) = self.swarm.dial(opts) {
            tracing::debug!(%error, "no connection for testing");
        }
    }
}
