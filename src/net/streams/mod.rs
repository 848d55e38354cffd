//! All streams, of sync and of linking devices: their numbers, their limits, their tasks.
//!
//! A stream is a task of its own ([`carry`]); the network's task only keeps the sending half of its queue. So a slow peer
//! holds up nobody else, and a full event queue holds up the readers, never the network.

mod carry;
pub(super) mod negotiate;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libp2p::PeerId;
use libp2p::swarm::ConnectionId;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::frames::{MAX_FRAME_BYTES, ReadError};
use super::{Event, StreamId};
pub use carry::{CLOSE_TIMEOUT, FIRST_FRAME_TIMEOUT, IDLE_TIMEOUT};
use carry::{Carrier, End, Patience};
use negotiate::Negotiated;
pub use negotiate::Use;

/// Most streams that one peer may have open towards us.
pub const MAX_INBOUND_PER_PEER: usize = 8;
/// Most streams that peers may have open towards us in all.
pub const MAX_INBOUND: usize = 256;
/// Most of them for linking devices: from one peer, and in all. They come once in a while, and must not crowd out sync.
pub const MAX_INBOUND_LINKS: (usize, usize) = (2, 8);
/// Most streams that this node may have open or ask for.
pub const MAX_OUTBOUND: usize = 256;
/// Most frames that wait on one stream. Whoever queues more without waiting for [`Event::Sent`] loses the stream.
pub const MAX_QUEUED_FRAMES: usize = 64;
/// Most bytes that wait on one stream.
pub const MAX_QUEUED_BYTES: usize = 1 << 20;

const _: () = assert!(MAX_QUEUED_BYTES >= 4 * MAX_FRAME_BYTES, "the engine keeps four messages under way");

/// A stream that is open.
#[derive(Debug)]
struct Open {
    peer: PeerId,
    purpose: Use,
    /// `None` once it is to be closed.
    frames: Option<mpsc::Sender<Vec<u8>>>,
    queued: Arc<AtomicUsize>,
    connection: ConnectionId,
    /// Dropped when the connection is gone.
    up: Option<oneshot::Sender<()>>,
}

/// What a stream's task leaves behind.
#[derive(Debug)]
pub(super) struct Ended {
    stream: StreamId,
    end: End,
}

/// All streams.
#[derive(Debug)]
pub(super) struct Streams {
    open: BTreeMap<StreamId, Open>,
    /// Asked for, not open yet.
    opening: BTreeMap<StreamId, PeerId>,
    tasks: JoinSet<Ended>,
    next_inbound: StreamId,
    events: mpsc::Sender<Event>,
}

/// Whether the peer opened the stream with this number.
fn is_inbound(stream: StreamId) -> bool {
    stream % 2 == 1
}

impl Streams {
    pub fn new(events: mpsc::Sender<Event>) -> Self {
        Self { open: BTreeMap::new(), opening: BTreeMap::new(), tasks: JoinSet::new(), next_inbound: 1, events }
    }

    /// Takes down that a stream is asked for; false when the number is not an even, free one, or there are too many.
    pub fn ask(&mut self, stream: StreamId, peer: PeerId) -> bool {
        let ours = self.opening.len() + self.open.keys().filter(|stream| !is_inbound(**stream)).count();
        let free = !is_inbound(stream) && !self.open.contains_key(&stream) && !self.opening.contains_key(&stream);
        let allowed = free && ours < MAX_OUTBOUND;
        if allowed {
            self.opening.insert(stream, peer);
        }
        allowed
    }

    /// A stream that was asked for could not be opened: whether anybody still waits for it.
    pub fn failed(&mut self, stream: StreamId) -> bool {
        self.opening.remove(&stream).is_some()
    }

    /// A stream that was asked for is open. One that was closed meanwhile is dropped.
    pub fn opened(&mut self, id: StreamId, negotiated: Negotiated) {
        if self.opening.remove(&id).is_some() {
            self.carry(id, negotiated);
        }
    }

    /// A peer opened a stream. Beyond the limits it is reset without a word.
    pub fn accept(&mut self, negotiated: Negotiated) {
        let peer = negotiated.peer;
        let count = |purpose: Option<Use>| {
            let inbound = self.open.iter().filter(|(id, _)| is_inbound(**id)).map(|(_, open)| open);
            let inbound = inbound.filter(|open| purpose.is_none_or(|purpose| open.purpose == purpose));
            inbound.fold((0, 0), |(of, all), open| (of + usize::from(open.peer == peer), all + 1))
        };
        let (of_peer, all) = count(None);
        let links = count(Some(Use::Link));
        let crowded =
            negotiated.purpose == Use::Link && (links.0 >= MAX_INBOUND_LINKS.0 || links.1 >= MAX_INBOUND_LINKS.1);
        if all >= MAX_INBOUND || of_peer >= MAX_INBOUND_PER_PEER || crowded {
            tracing::debug!(%peer, all, of_peer, "a stream over the limit is refused");
            return;
        }
        let id = self.next_inbound;
        self.next_inbound += 2;
        self.carry(id, negotiated);
    }

    fn carry(&mut self, id: StreamId, Negotiated { peer, connection, purpose, stream }: Negotiated) {
        let (frames, queue) = mpsc::channel(MAX_QUEUED_FRAMES);
        let queued = Arc::new(AtomicUsize::new(0));
        let (up, down) = oneshot::channel();
        let open = Open { peer, purpose, frames: Some(frames), queued: Arc::clone(&queued), connection, up: Some(up) };
        self.open.insert(id, open);
        let events = self.events.clone();
        let carrier = Carrier {
            id,
            inbound: is_inbound(id),
            events: events.clone(),
            frames: queue,
            queued,
            down,
            patience: Patience::USUAL,
        };
        self.tasks.spawn(async move {
            // One task tells everything about a stream, so that it is told in order.
            let opened = match purpose {
                Use::Sync => Event::StreamOpened(id, peer),
                Use::Link => Event::LinkOpened(id, peer),
            };
            if events.send(opened).await.is_err() {
                return Ended { stream: id, end: End::Unheard };
            }
            let end = carrier.run(stream).await;
            let _ = events.send(Event::StreamClosed(id)).await;
            Ended { stream: id, end }
        });
    }

    /// Queues a frame. One that does not fit closes the stream after what is queued: the caller did not wait.
    pub fn send(&mut self, stream: StreamId, bytes: Vec<u8>) {
        let Some(open) = self.open.get_mut(&stream) else { return };
        let Some(frames) = &open.frames else { return };
        let size = bytes.len();
        let fits = size <= MAX_FRAME_BYTES && open.queued.load(Ordering::Relaxed) + size <= MAX_QUEUED_BYTES;
        open.queued.fetch_add(size, Ordering::Relaxed);
        if !fits || frames.try_send(bytes).is_err() {
            tracing::warn!(stream, size, "a frame too large or one too many; the stream is closed");
            open.frames = None;
        }
    }

    /// Closes a stream after what is queued; true when it was not even open, so that nothing else will tell its end.
    pub fn close(&mut self, stream: StreamId) -> bool {
        if let Some(open) = self.open.get_mut(&stream) {
            open.frames = None;
        }
        self.opening.remove(&stream).is_some()
    }

    /// A connection is gone, and its streams with it. Yamux does not wake who reads on a connection that was closed on this
    /// side.
    pub fn cut(&mut self, connection: ConnectionId) {
        self.open.values_mut().filter(|open| open.connection == connection).for_each(|open| open.up = None);
    }

    /// Whether anything is open on a connection.
    pub fn on(&self, connection: ConnectionId) -> bool {
        self.open.values().any(|open| open.connection == connection)
    }

    /// Whether anything is open with a peer.
    pub fn has(&self, peer: &PeerId) -> bool {
        self.open.values().any(|open| open.peer == *peer) || self.opening.values().any(|p| p == peer)
    }

    /// How many streams are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Waits for a stream to end; for ever when there is none.
    pub async fn next_end(&mut self) -> Ended {
        match self.tasks.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Tasks are cancelled only when the runtime ends.
            Some(Err(_)) | None => std::future::pending().await,
        }
    }

    /// Forgets a stream that ended. When its peer broke the protocol, who and how.
    pub fn forget(&mut self, ended: Ended) -> Option<(PeerId, String)> {
        let open = self.open.remove(&ended.stream)?;
        tracing::debug!(stream = ended.stream, peer = %open.peer, end = %ended.end, "stream ended");
        match ended.end {
            End::Read(error @ ReadError::TooLong(_)) => Some((open.peer, error.to_string())),
            _ => None,
        }
    }

    /// Closes all streams after what is queued, and waits for them.
    pub async fn close_all(&mut self) {
        self.opening.clear();
        self.open.values_mut().for_each(|open| open.frames = None);
        while self.tasks.join_next().await.is_some() {}
    }
}
