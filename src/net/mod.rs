//! The network: libp2p behind two bounded channels.
//!
//! It carries opaque bytes between peers and knows no group: a topic or a DHT key is 32 bytes, a frame or a gossip message
//! is bytes, and what they mean is decided elsewhere. [`spawn`] starts one task that owns the swarm; [`Command`]s go in and
//! [`Event`]s come out. `docs/protocol.md` has the names and bytes on the wire (sections 6, 7 and 10).
//!
//! ```no_run
//! use studymesh::net::{self, Command, Config, Event};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let (commands, mut events, task) = net::spawn(Config {
//!     listen: vec!["/ip4/127.0.0.1/tcp/0".parse()?],
//!     agent: "example/1".into(),
//!     ..Config::new([7; 32])
//! })?;
//! commands.send(Command::Subscribe([1; 32])).await?;
//! while let Some(event) = events.recv().await {
//!     if let Event::Listening(address) = event {
//!         println!("dial me at {address}");
//!         break;
//!     }
//! }
//! commands.send(Command::Shutdown).await?;
//! task.await?;
//! # Ok(())
//! # }
//! ```
//!
//! **Backpressure.** Nothing is dropped for want of room. When the events are not taken, readers of streams wait, then the
//! swarm is not polled any more, and through the transports' flow control the peers wait. Commands are taken even then
//! (up to [`MAX_BACKLOG`] events that they cause), so that whoever waits for room among the commands before taking the next
//! event does not wait for itself.
//!
//! **Reachability.** Every listen address that can be dialled from elsewhere counts as an external address, and provider
//! records carry it, so that groups on one machine or one local network find each other through the DHT. Whether an
//! address is reachable from the internet is not tested here yet.

mod address;
pub mod autonat;
mod backoff;
mod behaviour;
mod bootstrap;
pub mod closing;
mod commands;
pub mod config;
mod connections;
mod dialling;
mod events;
pub mod frames;
pub mod gossip;
mod guard;
pub mod kad;
mod listening;
pub mod paths;
pub mod penalties;
pub mod reach;
mod reachability;
mod relay_server;
pub mod relays;
mod reserving;
mod roaming;
mod same_identity;
mod shell;
mod snapshot;
mod streams;
#[cfg(test)]
mod tests;
mod trimming;
pub mod upgrading;
pub mod upnp;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use behaviour::{IDENTIFY_PROTOCOL, IDLE_CONNECTION, PING_INTERVAL, PING_TIMEOUT};
pub use config::{Config, Limits, RelayLimits};
pub use connections::{DEAD_AFTER, WAKE_GRACE};
pub use dialling::RELAYED_AFTER;
pub use roaming::SETTLE;
pub use shell::{MAX_BACKLOG, SHUTDOWN_GRACE};
pub use snapshot::{Connection, Mapping, Nat, Relay, Reservation, Snapshot, Upnp};
pub use streams::{
    CLOSE_TIMEOUT, FIRST_FRAME_TIMEOUT, IDLE_TIMEOUT, MAX_INBOUND, MAX_INBOUND_LINKS, MAX_INBOUND_PER_PEER,
    MAX_OUTBOUND, MAX_QUEUED_BYTES, MAX_QUEUED_FRAMES, Use,
};

/// Commands that wait; whoever sends more waits.
pub const COMMAND_QUEUE: usize = 256;
/// Events that wait to be taken: with the longest frames 16 MiB.
pub const EVENT_QUEUE: usize = 128;

/// A gossip topic or a DHT key: opaque here. The topic's text is 64 lower-case hex digits, the record key the 32 bytes.
pub type Key = [u8; 32];
/// A stream's number: even for those that [`Command::OpenStream`] asked for, odd for those that peers opened. Never reused.
pub type StreamId = u64;
/// The number of a gossip message that waits for its verdict.
pub type MessageNumber = u64;
/// Where commands go in.
pub type Commands = mpsc::Sender<Command>;
/// Where events come out.
pub type Events = mpsc::Receiver<Event>;

/// Why the network could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key is none.
    #[error("the transport key is no Ed25519 seed ({0}); restore it or let a new one be made")]
    Key(String),
    /// TCP or its encryption could not be set up.
    #[error("TCP could not be set up: {0}")]
    Transport(String),
    /// There is no usable resolver, and a configured address needs one.
    #[error("names can not be resolved ({0}); give bootstrap and listen addresses as IP addresses")]
    Dns(String),
    /// gossipsub refused its settings: a bug.
    #[error("gossipsub refused its settings: {0}")]
    Gossip(String),
}

/// What becomes of a gossip message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Pass it on.
    Accept,
    /// Do not pass it on; nobody is to blame.
    Ignore,
    /// Do not pass it on, and think less of who sent it.
    Reject,
}

/// Who began a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// This node.
    Outbound,
}

/// What carries a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TCP, Noise and Yamux.
    Tcp,
    /// QUIC.
    Quic,
}

impl Transport {
    /// The word for people and scripts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Quic => "quic",
        }
    }
}

/// How a connection gets to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// Straight.
    Direct,
    /// Through a relay.
    Relayed,
}

impl Path {
    /// The word for people and scripts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Relayed => "relayed",
        }
    }
}

/// Something to do.
#[derive(Debug)]
pub enum Command {
    /// Take part in a gossip topic. [`Event::Subscribed`] follows for those connected peers that already do.
    Subscribe(Key),
    /// Leave a gossip topic.
    Unsubscribe(Key),
    /// Publish on a gossip topic: at most [`gossip::MAX_MESSAGE_BYTES`]. When nobody is there to hear it, it is gone.
    Publish(Key, Vec<u8>),
    /// The verdict on a gossip message. Every message needs one within [`gossip::VERDICT_TIMEOUT`].
    Verdict(MessageNumber, Verdict),
    /// Open a stream to a connected peer under a fresh even number: [`Event::StreamOpened`] or [`Event::StreamFailed`]
    /// answers.
    OpenStream {
        /// The number.
        stream: StreamId,
        /// The peer.
        peer: PeerId,
    },
    /// The same for linking devices: [`Event::LinkOpened`] or [`Event::StreamFailed`] answers.
    OpenLink {
        /// The number.
        stream: StreamId,
        /// The peer.
        peer: PeerId,
    },
    /// Send a frame of at most [`frames::MAX_FRAME_BYTES`] on an open stream. [`Event::Sent`] tells when it has left; at
    /// most [`MAX_QUEUED_FRAMES`] and [`MAX_QUEUED_BYTES`] may wait.
    SendFrame {
        /// The stream.
        stream: StreamId,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// Close a stream after what is queued on it. [`Event::StreamClosed`] follows, or [`Event::StreamFailed`] when it was
    /// not open yet.
    CloseStream(StreamId),
    /// Connect to a peer: [`Event::Connected`] or [`Event::DialFailed`] follows, or nothing when it is connected. Without a peer, it is whoever each address names, or whoever
    /// answers there.
    Dial {
        /// Who is expected.
        peer: Option<PeerId>,
        /// Where; what the DHT and the local network know of the peer is tried too. At most [`MAX_DIAL_ADDRESSES`].
        addresses: Vec<Multiaddr>,
    },
    /// Say in the DHT that this node is to be asked about a key, again and again until [`Command::StopProviding`].
    Provide(Key),
    /// Stop saying so. What was said fades within [`kad::PROVIDER_TTL`].
    StopProviding(Key),
    /// Look up who provides a key. [`Event::Providers`] answers, once or more. As long as nobody is known who could be
    /// asked, the lookup waits. With [`kad::MAX_LOOKUPS`] under way the answer is empty at once.
    FindProviders(Key),
    /// Learn a peer's addresses from the DHT and connect to it. The same follows as after [`Command::Dial`].
    FindPeer(PeerId),
    /// A peer broke the protocol; the text says how. Repeated offences ban it for a while ([`penalties`]).
    Penalise(PeerId, String),
    /// Close all connections with a peer.
    Disconnect(PeerId),
    /// Tell how things are.
    Snapshot(oneshot::Sender<Snapshot>),
    /// End, after what is queued on streams, within [`SHUTDOWN_GRACE`]. Dropping all [`Commands`] does the same.
    Shutdown,
}

/// Most addresses of one [`Command::Dial`] that are tried.
pub const MAX_DIAL_ADDRESSES: usize = 16;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// This node listens here now.
    Listening(Multiaddr),
    /// This node does not listen here any more.
    Expired(Multiaddr),
    /// Listening at this address failed or ended.
    ListenFailed {
        /// The configured address.
        address: Multiaddr,
        /// Why.
        error: String,
    },
    /// The first connection to a peer is up.
    Connected {
        /// The peer.
        peer: PeerId,
        /// Its address as seen from here; of an incoming TCP connection it can not be dialled.
        address: Multiaddr,
        /// Who began it.
        direction: Direction,
        /// What carries it.
        transport: Transport,
        /// Straight or through a relay.
        path: Path,
    },
    /// The best way to a peer that stays connected is another now: direct instead of relayed, or the other way round. New
    /// streams take the best way; what is open on the other connection ends when that one is closed.
    PathChanged {
        /// The peer.
        peer: PeerId,
        /// The best way now.
        path: Path,
    },
    /// What is known of the way from the internet to this node has changed.
    Nat(Nat),
    /// An address at which this node says that it can be reached: confirmed, configured, given by a router or a relay, or
    /// local where that is all there is.
    External(Multiaddr),
    /// It does not say so of this address any more.
    ExternalExpired(Multiaddr),
    /// This node can be reached through a relay now.
    Reserved(PeerId),
    /// A relay can not be used (any more), and why. Another one is looked for.
    ReservationLost(PeerId, String),
    /// Whether this node relays for others has changed (not told for each reservation and circuit).
    Relay(Relay),
    /// What the local router says to a request for a port has changed.
    Upnp(Upnp),
    /// The last connection to a peer is gone.
    Disconnected(PeerId),
    /// A peer takes part in a gossip topic that this node takes part in.
    Subscribed(PeerId, Key),
    /// A peer left such a topic. Not told when the peer disconnects.
    Unsubscribed(PeerId, Key),
    /// A stream is open: one that was asked for, or one that a peer opened. Everything else about it comes afterwards.
    StreamOpened(StreamId, PeerId),
    /// The same for linking devices.
    LinkOpened(StreamId, PeerId),
    /// A stream that was asked for could not be opened.
    StreamFailed(StreamId),
    /// A frame came on a stream: at most [`frames::MAX_FRAME_BYTES`].
    Frame(StreamId, Vec<u8>),
    /// A frame has left the queue of a stream.
    Sent(StreamId),
    /// A stream is closed, by either side, by an error, or because it was idle for [`IDLE_TIMEOUT`]. The last word on it.
    StreamClosed(StreamId),
    /// A gossip message came and waits for its verdict.
    Gossip {
        /// Its number for the verdict.
        message: MessageNumber,
        /// Who passed it on.
        source: PeerId,
        /// On which topic.
        topic: Key,
        /// Its bytes: at most [`gossip::MAX_MESSAGE_BYTES`].
        bytes: Vec<u8>,
    },
    /// Peers that the DHT names as providers of a key. Hints only.
    Providers {
        /// The key.
        key: Key,
        /// Those that are new in this lookup, or of whom more addresses are known; the list of addresses may be empty.
        peers: Vec<(PeerId, Vec<Multiaddr>)>,
        /// The lookup is over.
        finished: bool,
    },
    /// A peer on the local network, and where it listens. Any libp2p program shows here.
    Discovered(PeerId, Vec<Multiaddr>),
    /// A peer told who it is.
    Identified {
        /// The peer.
        peer: PeerId,
        /// Name and version of its program, at most [`MAX_TEXT_BYTES`]; whatever it likes to say.
        agent: String,
        /// Where it says that it listens, as far as that can be dialled from here.
        addresses: Vec<Multiaddr>,
        /// The names of the protocols that it speaks, at most [`MAX_PROTOCOLS`].
        protocols: Vec<String>,
    },
    /// A dial that was asked for failed.
    DialFailed {
        /// Whom it was meant for, if that was known.
        peer: Option<PeerId>,
        /// Why.
        error: String,
    },
    /// Another node, at this address, has our own PeerId: the data directory was copied. One of the two needs a fresh
    /// transport key.
    SameIdentity(Multiaddr),
}

/// Longest text from a peer or a transport that is passed on, bytes.
pub const MAX_TEXT_BYTES: usize = 512;
/// Most protocol names of a peer that are passed on.
pub const MAX_PROTOCOLS: usize = 64;

/// Starts the network. Must be called inside a tokio runtime; the task ends after [`Command::Shutdown`], or when all
/// [`Commands`] or the [`Events`] are dropped.
///
/// # Errors
/// When the key is none, or the machine refuses what every connection needs. A listen address that fails is an
/// [`Event::ListenFailed`] instead.
pub fn spawn(config: Config) -> Result<(Commands, Events, JoinHandle<()>), Error> {
    let swarm = behaviour::swarm(&config)?;
    let (commands, queue) = mpsc::channel(COMMAND_QUEUE);
    let (out, events) = mpsc::channel(EVENT_QUEUE);
    let shell = shell::Shell::new(config, swarm, queue, out);
    Ok((commands, events, tokio::spawn(shell.run())))
}
