//! Everything that this node speaks, and the swarm that speaks it.

use std::time::Duration;

use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{NetworkBehaviour, Swarm};
use libp2p::{
    SwarmBuilder, autonat, dcutr, identify, identity, mdns, memory_connection_limits, noise, ping, quic, relay, tcp,
    upnp, yamux,
};

use super::closing::InTime;
use super::config::MIN_CONNECTIONS_PER_PEER;
use super::guard::{Guarded, Rules};
use super::{Config, Error, Limits, gossip, kad, relay_server, streams};

/// What identify tells of the protocol family; two nodes with different ones are not of one network.
pub const IDENTIFY_PROTOCOL: &str = "/studymesh/id/1";
/// How long a connection without any stream stays open.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(60);
/// How often each connection is pinged: three times before it is given up ([`super::DEAD_AFTER`]).
pub const PING_INTERVAL: Duration = Duration::from_secs(5);
/// How long a ping may take: a slow path is not a dead one.
pub const PING_TIMEOUT: Duration = Duration::from_secs(15);
/// How long setting up a connection may take, all in all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
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
    pub relay_client: relay::client::Behaviour,
    pub relay_server: Toggle<Guarded<relay::Behaviour>>,
    pub autonat_client: Guarded<autonat::v2::client::Behaviour>,
    pub autonat_server: Guarded<autonat::v2::server::Behaviour>,
    pub dcutr: Guarded<dcutr::Behaviour>,
    pub upnp: Toggle<Guarded<upnp::tokio::Behaviour>>,
    pub identify: identify::Behaviour,
    pub ping: ping::Behaviour,
    pub gossipsub: gossip::Behaviour,
    pub kad: kad::Behaviour,
    pub mdns: Toggle<mdns::tokio::Behaviour>,
    pub streams: streams::negotiate::Behaviour,
}

/// Everything but the relay client, which comes with its transport.
fn behaviour(
    config: &Config,
    key: &identity::Keypair,
) -> Result<impl FnOnce(relay::client::Behaviour) -> Behaviour + use<>, Error> {
    let me = key.public().to_peer_id();
    let identify = identify::Config::new(IDENTIFY_PROTOCOL.to_owned(), key.public())
        .with_agent_version(config.agent())
        .with_push_listen_addr_updates(true)
        // Addresses are kept where they are bounded and dropped on failure: in the routing table.
        .with_cache_size(0);
    let ping = ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIMEOUT);
    let only_ours = Rules { own_addresses: true, ..Rules::default() };
    let gossipsub = gossip::behaviour()?;
    let (limits, mdns, upnp) = (config.limits, mdns(config, me), super::upnp::behaviour(config));
    let relay_server = config.relay_server.map(|limits| relay_server::behaviour(me, &limits));
    let local_is_external = config.local_is_external;
    Ok(move |relay_client| Behaviour {
        limits: connection_limits::Behaviour::new(connection_limits(&limits)),
        memory: memory_connection_limits::Behaviour::with_max_bytes(limits.memory_bytes),
        blocked: allow_block_list::Behaviour::default(),
        relay_client,
        relay_server: relay_server.into(),
        autonat_client: super::autonat::client(local_is_external),
        autonat_server: super::autonat::server(),
        dcutr: Guarded::new(dcutr::Behaviour::new(me), only_ours),
        upnp: upnp.into(),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping),
        gossipsub,
        kad: kad::behaviour(me),
        mdns: mdns.into(),
        streams: streams::negotiate::Behaviour::default(),
    })
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

/// The swarm: TCP with Noise and Yamux, QUIC, and both through relays.
pub(super) fn swarm(config: &Config) -> Result<Swarm<Behaviour>, Error> {
    let mut seed = config.key;
    let key = identity::Keypair::ed25519_from_bytes(&mut seed).map_err(|error| Error::Key(error.to_string()))?;
    let behaviour = behaviour(config, &key)?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(MAX_YAMUX_STREAMS);
    let muxer = || InTime(yamux.clone());
    let builder = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, muxer)
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
        let builder = builder
            .with_relay_client(noise::Config::new, muxer)
            .map_err(|error| Error::Transport(error.to_string()))?;
        let Ok(builder) = builder.with_behaviour(|_, relay| behaviour(relay));
        Ok(builder.with_swarm_config(tune).with_connection_timeout(CONNECT_TIMEOUT).build())
    } else {
        let builder = builder
            .with_relay_client(noise::Config::new, muxer)
            .map_err(|error| Error::Transport(error.to_string()))?;
        let Ok(builder) = builder.with_behaviour(|_, relay| behaviour(relay));
        Ok(builder.with_swarm_config(tune).with_connection_timeout(CONNECT_TIMEOUT).build())
    }
}

fn quic(mut config: quic::Config) -> quic::Config {
    config.max_stream_data = QUIC_STREAM_WINDOW;
    config.max_connection_data = QUIC_CONNECTION_WINDOW;
    config.max_concurrent_stream_limit = u32::try_from(MAX_YAMUX_STREAMS).unwrap_or(u32::MAX);
    config
}
