//! Everything that this node speaks, and the swarm that speaks it.

use std::time::Duration;

use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{NetworkBehaviour, Swarm};
use libp2p::{SwarmBuilder, identify, identity, mdns, memory_connection_limits, noise, ping, quic, tcp, yamux};

use super::config::MIN_CONNECTIONS_PER_PEER;
use super::{Config, Error, Limits, gossip, kad, streams};

/// What identify tells of the protocol family; two nodes with different ones are not of one network.
pub const IDENTIFY_PROTOCOL: &str = "/studymesh/id/1";
/// How long a connection without any stream stays open.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(60);
/// How often each connection is pinged.
pub const PING_INTERVAL: Duration = Duration::from_secs(15);
/// How long a ping may take.
pub const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Most streams of one TCP connection, of all protocols together.
const MAX_YAMUX_STREAMS: usize = 128;
/// Most inbound streams of one connection whose protocol is still being negotiated.
const MAX_NEGOTIATING: usize = 32;
/// What a QUIC peer may send ahead of our reading, bytes: on one stream, on one connection.
const QUIC_STREAM_WINDOW: u32 = 1 << 20;
const QUIC_CONNECTION_WINDOW: u32 = 4 << 20;

/// Everything that this node speaks. The limits stand first: when a behaviour refuses a connection, those before it have
/// already taken it into account, and nobody tells them (rust-libp2p#4773).
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub limits: connection_limits::Behaviour,
    pub memory: memory_connection_limits::Behaviour,
    pub blocked: allow_block_list::Behaviour<BlockedPeers>,
    pub identify: identify::Behaviour,
    pub ping: ping::Behaviour,
    pub gossipsub: gossip::Behaviour,
    pub kad: kad::Behaviour,
    pub mdns: Toggle<mdns::tokio::Behaviour>,
    pub streams: streams::negotiate::Behaviour,
}

impl Behaviour {
    fn new(config: &Config, key: &identity::Keypair) -> Result<Self, Error> {
        let me = key.public().to_peer_id();
        let identify = identify::Config::new(IDENTIFY_PROTOCOL.to_owned(), key.public())
            .with_agent_version(config.agent())
            .with_push_listen_addr_updates(true)
            // Addresses are kept where they are bounded and dropped on failure: in the routing table.
            .with_cache_size(0);
        let ping = ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIMEOUT);
        Ok(Self {
            limits: connection_limits::Behaviour::new(connection_limits(&config.limits)),
            memory: memory_connection_limits::Behaviour::with_max_bytes(config.limits.memory_bytes),
            blocked: allow_block_list::Behaviour::default(),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping),
            gossipsub: gossip::behaviour()?,
            kad: kad::behaviour(me),
            mdns: mdns(config, me).into(),
            streams: streams::negotiate::Behaviour::default(),
        })
    }
}

fn connection_limits(limits: &Limits) -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_established(Some(limits.connections))
        .with_max_established_incoming(Some((limits.connections / 4 * 3).max(1)))
        .with_max_established_per_peer(Some(limits.connections_per_peer.max(MIN_CONNECTIONS_PER_PEER)))
        .with_max_pending_incoming(Some(limits.pending_incoming))
        .with_max_pending_outgoing(Some(limits.pending_outgoing))
}

/// mDNS where it is wanted and of use. A machine that does not allow it is no reason to have no network.
fn mdns(config: &Config, me: libp2p::PeerId) -> Option<mdns::tokio::Behaviour> {
    if !config.mdns || !config.reaches_beyond_loopback() {
        return None;
    }
    mdns::tokio::Behaviour::new(mdns::Config::default(), me)
        .inspect_err(|error| tracing::warn!(%error, "no discovery on the local network: mDNS could not be started"))
        .ok()
}

/// The swarm: TCP with Noise and Yamux, and QUIC.
pub(super) fn swarm(config: &Config) -> Result<Swarm<Behaviour>, Error> {
    let mut seed = config.key;
    let key = identity::Keypair::ed25519_from_bytes(&mut seed).map_err(|error| Error::Key(error.to_string()))?;
    let behaviour = Behaviour::new(config, &key)?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(MAX_YAMUX_STREAMS);
    let builder = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, || yamux.clone())
        .map_err(|error| Error::Transport(error.to_string()))?
        .with_quic_config(quic);
    let tune = |swarm: libp2p::swarm::Config| {
        swarm
            .with_idle_connection_timeout(IDLE_CONNECTION)
            .with_max_negotiating_inbound_streams(MAX_NEGOTIATING)
            .with_smart_dial()
    };
    if config.needs_dns() {
        let builder = builder.with_dns().map_err(|error| Error::Dns(error.to_string()))?;
        let Ok(builder) = builder.with_behaviour(|_| behaviour);
        Ok(builder.with_swarm_config(tune).build())
    } else {
        let Ok(builder) = builder.with_behaviour(|_| behaviour);
        Ok(builder.with_swarm_config(tune).build())
    }
}

fn quic(mut config: quic::Config) -> quic::Config {
    config.max_stream_data = QUIC_STREAM_WINDOW;
    config.max_connection_data = QUIC_CONNECTION_WINDOW;
    config.max_concurrent_stream_limit = u32::try_from(MAX_YAMUX_STREAMS).unwrap_or(u32::MAX);
    config
}
