//! A running node: the worker with the engine, the network, discovery and the control socket, joined.
//!
//! Outputs of the engine go from the worker's thread straight to the network; what happens in the network comes through
//! one event loop here, which hands it to the worker. The network takes commands even while its events wait, so the
//! circle can not lock up.

use std::sync::Arc;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::core::{Done, now_ms};
use super::events::{EventLoop, Notice};
use super::fail::store_error;
use super::handle::{Changes, Handle};
use super::keys::{Unlock, no_passphrase};
use super::linking::MAX_REQUESTS;
use super::network::{LAST_ADDRESSES, Network};
use super::shell::{Facts, Shell};
use super::worker::{self, MAX_QUEUED_WORK, Work};
use super::{control, local, ports};
use crate::api::{Code, Error};
use crate::config::{Home, Limits, Settings};
use crate::engine::io::{Output, Verdict};
use crate::net;

/// Most notices from the worker that wait for the event loop; they are hints, and those beyond are dropped.
const MAX_NOTICES: usize = 256;

/// What a node says once it is ready.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Its peer id, base58.
    pub peer_id: String,
    /// The multiaddrs that it listens on, each with the peer id at its end.
    pub listen: Vec<String>,
    /// The process.
    pub pid: u32,
}

/// Why a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was told to.
    Stopped,
    /// Another running copy of this directory has the same peer id: this one has to take a fresh one.
    SameIdentity,
}

/// A node that runs.
pub struct Node {
    handle: Handle,
    ready: Ready,
    ended: oneshot::Receiver<Result<End, Error>>,
}

impl Node {
    /// Starts a node on a directory, and waits until it listens.
    ///
    /// # Errors
    /// When the directory is in use, or its key, store or every listener can not be opened.
    pub async fn start(home: &Home, settings: &Settings) -> Result<Self, Error> {
        Self::start_with(home, settings, &no_passphrase()).await
    }

    /// The same for a directory whose key may be protected by a passphrase.
    ///
    /// # Errors
    /// As [`Node::start`], and when the passphrase is wrong.
    pub async fn start_with(home: &Home, settings: &Settings, unlock: &Unlock) -> Result<Self, Error> {
        let lock = local::lock(home)?.ok_or_else(|| super::in_use(home))?;
        Self::start_locked(home, settings, unlock, lock).await
    }

    pub(super) async fn start_locked(
        home: &Home,
        settings: &Settings,
        unlock: &Unlock,
        lock: std::fs::File,
    ) -> Result<Self, Error> {
        let opened = {
            let (home, settings, unlock) = (home.clone(), settings.clone(), unlock.clone());
            let open = move || local::open(&home, &settings, &unlock, lock);
            tokio::task::spawn_blocking(open).await.map_err(|e| internal(&e))??
        };
        let mut core = opened.core;
        let listen = addresses("listen", &settings.listen)?;
        let bootstrap = addresses("bootstrap", &settings.bootstrap)?;
        let mut refilled = vec![];
        for address in &listen {
            let known = core.engine().store().meta_get(&port_key(address)).map_err(|e| store_error(&e))?;
            refilled.push(ports::refill(address, known.and_then(|p| p.parse().ok())));
        }
        let (external, relays) = (addresses("external", &settings.external)?, addresses("relay", &settings.relays)?);
        let config = net::Config {
            external,
            relays: relays.clone(),
            relay_server: settings.roles.relay.then(|| relay_limits(&settings.limits)),
            upnp: settings.upnp,
            kad_server: settings.roles.bootstrap.then_some(true),
            limits: net::Limits { connections: narrow(settings.limits.connections), ..net::Limits::default() },
            listen: refilled.clone(),
            bootstrap: bootstrap.clone(),
            mdns: settings.mdns,
            agent: agent(),
            ..net::Config::new(opened.key)
        };
        let (commands, events, network) = net::spawn(config).map_err(|error| {
            Error::new(
                Code::Failed,
                format!("the network can not be started: {error}"),
                "look at the `--listen` addresses",
            )
        })?;
        let facts = Facts {
            bootstrap: bootstrap.iter().filter_map(peer_of).collect(),
            roles: settings.roles.words(),
            max_connections: usize::try_from(settings.limits.connections).unwrap_or(usize::MAX),
            ..Facts::default()
        };
        let shell = Shell::new(commands.clone(), facts);
        let own = PeerId::from_bytes(core.engine().identity().peer.as_bytes()).map_err(|e| internal(&e))?;
        let (work, queue) = mpsc::channel(MAX_QUEUED_WORK);
        let (notices, noticed) = mpsc::channel(MAX_NOTICES);
        let last = core.engine().store().last_event().map_err(|e| store_error(&e))?;
        let (last_event, seen_event) = watch::channel(last);
        let (linking, requests) = mpsc::channel(MAX_REQUESTS);
        let peer = core.engine().identity().peer.clone();
        let (present, presence) = watch::channel(Changes::new());
        let carry = carry_out(commands.clone(), notices, last_event, present);
        let worker = worker::spawn(core, queue, tokio::runtime::Handle::current(), carry).map_err(|e| internal(&e))?;
        let handle = Handle {
            work: work.clone(),
            shell: shell.clone(),
            last_event: seen_event,
            presence,
            stop: Arc::new(Notify::new()),
            met: Arc::default(),
            linking,
            peer,
            home: home.dir().display().to_string().into(),
            web: Arc::default(),
            started_ms: now_ms(),
        };
        let mut events = EventLoop::new(handle.clone(), own, commands.clone(), events, noticed, requests);
        let listening = events.until_listening(&refilled).await;
        if listening.is_empty() {
            let errors = shell.facts(|f| f.listen_errors.join("; "));
            let _ = commands.send(net::Command::Shutdown).await;
            let _ = work.send(Work::Stop).await;
            return Err(Error::new(
                Code::Failed,
                format!("the node can listen nowhere: {errors}"),
                "choose other ports with `--listen`",
            ));
        }
        remember_ports(&handle, &listen, &listening).await?;
        let socket = control::serve(&home.socket(), handle.clone()).map_err(|error| {
            let message = format!("the control socket {} can not be opened: {error}", home.socket().display());
            Error::new(Code::Failed, message, "look at the permissions of the directory")
        })?;
        let peer_id = own.to_string();
        let listen = listening.iter().map(|a| format!("{a}/p2p/{peer_id}")).collect();
        let (end, ended) = oneshot::channel();
        let (stop, path) = (handle.stop.clone(), home.socket());
        tokio::spawn(async move {
            let reason = tokio::select! {
                () = stop.notified() => End::Stopped,
                reason = events.run() => reason,
                // The worker ends by itself only when the store failed: a node that can store nothing must not stay.
                () = work.closed() => End::Stopped,
            };
            socket.abort();
            let _ = std::fs::remove_file(path);
            let _ = work.send(Work::Stop).await;
            let stored = tokio::task::spawn_blocking(move || worker.join()).await;
            let _ = commands.send(net::Command::Shutdown).await;
            let _ = network.await;
            let result = match stored {
                Ok(Ok(Ok(()))) => Ok(reason),
                Ok(Ok(Err(error))) => Err(store_error(&error)),
                Ok(Err(_)) => Err(Error::new(
                    Code::Failed,
                    "the engine came to an unexpected end",
                    "start the node again, and report what stderr says",
                )),
                Err(error) => Err(internal(&error)),
            };
            drop(opened.lock);
            let _ = end.send(result);
        });
        Ok(Self { handle, ready: Ready { peer_id, listen, pid: std::process::id() }, ended })
    }

    /// The handle for commands.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What the node says of itself.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Tells the node to stop; [`Node::ended`] says when it has.
    pub fn stop(&self) {
        self.handle.stop.notify_one();
    }

    /// Waits until the node has ended and its directory is free.
    ///
    /// # Errors
    /// When it ended because the store failed.
    pub async fn ended(&mut self) -> Result<End, Error> {
        (&mut self.ended).await.unwrap_or_else(|_| Err(super::handle::ended()))
    }
}

/// Carries the outputs of a batch out: to the network, and what concerns discovery to the event loop.
fn carry_out(
    commands: net::Commands,
    notices: mpsc::Sender<Notice>,
    last_event: watch::Sender<u64>,
    present: watch::Sender<Changes>,
) -> impl FnMut(Done) + Send {
    move |done| {
        for output in done.outputs {
            let command = match output {
                Output::Subscribe(topic) => net::Command::Subscribe(topic.0),
                Output::Unsubscribe(topic) => net::Command::Unsubscribe(topic.0),
                Output::Publish(topic, bytes) => net::Command::Publish(topic.0, bytes),
                Output::Verdict(message, verdict) => {
                    let verdict = match verdict {
                        Verdict::Accept => net::Verdict::Accept,
                        Verdict::Ignore => net::Verdict::Ignore,
                        Verdict::Reject => net::Verdict::Reject,
                    };
                    net::Command::Verdict(message.0, verdict)
                }
                Output::Open(stream, peer) => match PeerId::from_bytes(peer.as_bytes()) {
                    Ok(peer) => net::Command::OpenStream { stream: stream.0, peer },
                    Err(_) => continue,
                },
                Output::Send(stream, bytes) => net::Command::SendFrame { stream: stream.0, bytes },
                Output::Close(stream) => net::Command::CloseStream(stream.0),
                Output::Provide(key) => {
                    let _ = notices.try_send(Notice::Look);
                    net::Command::Provide(key.0)
                }
                Output::StopProviding(key) => net::Command::StopProviding(key.0),
                Output::Penalise(peer, why) => match PeerId::from_bytes(peer.as_bytes()) {
                    Ok(peer) => net::Command::Penalise(peer, why),
                    Err(_) => continue,
                },
                Output::Learned(group, told) => {
                    let _ = notices.try_send(Notice::Learned(group, told));
                    continue;
                }
                Output::Presence(group) => {
                    present.send_modify(|changes| *changes.entry(group).or_default() += 1);
                    continue;
                }
                Output::Event(_) => continue,
            };
            // The network is gone only when the node ends.
            let _ = commands.blocking_send(command);
        }
        if done.events.iter().any(|event| event.kind == "compared") {
            let _ = notices.try_send(Notice::Met);
        }
        if let Some(last) = done.events.last() {
            last_event.send_replace(last.id);
        }
    }
}

fn relay_limits(limits: &Limits) -> net::RelayLimits {
    net::RelayLimits {
        reservations: narrow(limits.relay_reservations) as usize,
        circuits: narrow(limits.relay_circuits) as usize,
        circuit_bytes: limits.relay_circuit_bytes,
        circuit: Duration::from_secs(limits.relay_circuit_seconds),
        ..net::RelayLimits::default()
    }
}

/// A number that the settings bound well below.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The program and its version, and a number that changes with every start (see `EventLoop::met`).
fn agent() -> String {
    let start: [u8; 4] = super::core::random();
    format!("studymesh/{} {}", env!("CARGO_PKG_VERSION"), data_encoding::HEXLOWER.encode(&start))
}

async fn remember_ports(handle: &Handle, listen: &[Multiaddr], listening: &[Multiaddr]) -> Result<(), Error> {
    let open = listen.iter().filter(|a| ports::is_open(a));
    let ports: Vec<(String, u16)> =
        open.filter_map(|a| ports::bound(a, listening.iter()).map(|port| (port_key(a), port))).collect();
    let network = Network { listen: listening.to_vec(), ..Network::default() };
    let addresses = network.reachable().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    handle
        .on_engine(move |engine| {
            engine.store().meta_set(LAST_ADDRESSES, &addresses)?;
            ports.iter().try_for_each(|(key, port)| engine.store().meta_set(key, &port.to_string()))
        })
        .await
}

fn port_key(address: &Multiaddr) -> String {
    format!("port {address}")
}

/// The peer id at the end of an address.
fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(libp2p::multiaddr::Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

fn addresses(what: &str, texts: &[String]) -> Result<Vec<Multiaddr>, Error> {
    texts
        .iter()
        .map(|text| {
            text.parse().map_err(|error| {
                let message = format!("the {what} address \"{text}\" is not a multiaddr: {error}");
                Error::new(Code::BadInput, message, "write it like /ip4/192.0.2.7/tcp/4001")
            })
        })
        .collect()
}

fn internal(error: &dyn std::error::Error) -> Error {
    Error::new(
        Code::Failed,
        format!("the node could not be started: {error}"),
        "look at the limits of this system, then try again",
    )
}
