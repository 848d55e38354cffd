//! One open stream: a task that reads frames into events and writes queued frames, until either side is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::net::{Event, StreamId, frames};

/// How long a peer that opened a stream may take for its first frame.
pub const FIRST_FRAME_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a stream may be open without a frame in either direction.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long closing may take once everything that was queued is written.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long what had arrived before its connection closed may take to be read.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How long a stream may take for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// See [`FIRST_FRAME_TIMEOUT`].
    pub first_frame: Duration,
    /// See [`IDLE_TIMEOUT`].
    pub idle: Duration,
    /// See [`CLOSE_TIMEOUT`].
    pub close: Duration,
}

impl Patience {
    /// What holds outside of tests.
    pub const USUAL: Self = Self { first_frame: FIRST_FRAME_TIMEOUT, idle: IDLE_TIMEOUT, close: CLOSE_TIMEOUT };
}

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    /// After what was queued.
    #[error("closed here")]
    Closed,
    /// The peer closed it.
    #[error("closed by the peer")]
    ByPeer,
    /// Nothing came or went for too long.
    #[error("idle")]
    Idle,
    /// The connection is gone.
    #[error("the connection closed")]
    Lost,
    /// The peer broke the framing or cut the stream.
    #[error(transparent)]
    Read(frames::ReadError),
    /// Writing failed.
    #[error("could not be written: {0}")]
    Write(std::io::Error),
    /// Nobody takes events any more.
    #[error("nobody takes events")]
    Unheard,
}

/// What the task of a stream works with.
pub(super) struct Carrier {
    /// The stream's number.
    pub id: StreamId,
    /// Whether the peer opened it, and so has to speak first.
    pub inbound: bool,
    /// Where events go. When it is full, reading waits, and through the transport's flow control so does the peer.
    pub events: mpsc::Sender<Event>,
    /// What is to be written. When the sending half is dropped, the stream is closed after what is queued.
    pub frames: mpsc::Receiver<Vec<u8>>,
    /// Bytes queued in `frames`; this side takes off what is written.
    pub queued: Arc<AtomicUsize>,
    /// The other half is dropped when the connection is gone.
    pub down: oneshot::Receiver<()>,
    /// How long anything may take.
    pub patience: Patience,
}

impl Carrier {
    /// Carries frames until the stream ends. The events are complete when this returns, but for the last one.
    pub async fn run(mut self, stream: impl AsyncRead + AsyncWrite + Unpin) -> End {
        let (mut reader, mut writer) = stream.split();
        let activity = Activity::new(self.inbound, self.patience);
        let Self { id, events, frames, queued, down, .. } = &mut self;
        let end = tokio::select! {
            end = read(*id, &mut reader, events, &activity) => end,
            end = write(*id, &mut writer, frames, queued, events, &activity) => end,
            () = activity.idle() => End::Idle,
            () = gone(down) => End::Lost,
        };
        if matches!(end, End::Closed) {
            return match tokio::time::timeout(self.patience.close, writer.close()).await {
                Ok(Err(error)) => End::Write(error),
                Ok(Ok(())) | Err(_) => End::Closed,
            };
        }
        end
    }
}

async fn read(
    id: StreamId,
    reader: &mut (impl AsyncRead + Unpin),
    events: &mpsc::Sender<Event>,
    activity: &Activity,
) -> End {
    loop {
        let bytes = match frames::read(reader).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return End::ByPeer,
            Err(error) => return End::Read(error),
        };
        activity.spoken();
        // A wait for room in our own queue is not the peer's idleness.
        activity.hold(true);
        if events.send(Event::Frame(id, bytes)).await.is_err() {
            return End::Unheard;
        }
        activity.hold(false);
    }
}

/// Ends a little after the connection is gone.
async fn gone(down: &mut oneshot::Receiver<()>) {
    let _ = down.await;
    tokio::time::sleep(LAST_WORDS).await;
}

/// Writes what is queued; [`End::Closed`] when that is all there will be.
async fn write(
    id: StreamId,
    writer: &mut (impl AsyncWrite + Unpin),
    frames: &mut mpsc::Receiver<Vec<u8>>,
    queued: &AtomicUsize,
    events: &mpsc::Sender<Event>,
    activity: &Activity,
) -> End {
    while let Some(bytes) = frames.recv().await {
        let result = frames::write(writer, &bytes).await;
        queued.fetch_sub(bytes.len(), Ordering::Relaxed);
        if let Err(error) = result {
            return End::Write(error);
        }
        activity.touch();
        // Once the stream is to be closed, nobody counts any more, and the end must not wait for room.
        if !frames.is_closed() && events.send(Event::Sent(id)).await.is_err() {
            return End::Unheard;
        }
    }
    End::Closed
}

/// When something last came or went on a stream.
struct Activity {
    begin: Instant,
    /// Milliseconds since `begin`.
    last_ms: AtomicU64,
    /// A frame waits for room among the events.
    held: AtomicBool,
    /// The peer has sent its first frame, or need not.
    spoken: AtomicBool,
    patience: Patience,
}

impl Activity {
    fn new(inbound: bool, patience: Patience) -> Self {
        Self {
            patience,
            begin: Instant::now(),
            last_ms: AtomicU64::new(0),
            held: AtomicBool::new(false),
            spoken: AtomicBool::new(!inbound),
        }
    }

    fn touch(&self) {
        let ms = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(ms, Ordering::Relaxed);
    }

    fn spoken(&self) {
        self.spoken.store(true, Ordering::Relaxed);
        self.touch();
    }

    fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
        self.touch();
    }

    fn deadline(&self) -> Instant {
        if !self.spoken.load(Ordering::Relaxed) {
            return self.begin + self.patience.first_frame;
        }
        if self.held.load(Ordering::Relaxed) {
            return Instant::now() + self.patience.idle;
        }
        self.begin + Duration::from_millis(self.last_ms.load(Ordering::Relaxed)) + self.patience.idle
    }

    /// Ends when the stream has been idle for too long.
    async fn idle(&self) {
        loop {
            // It may come earlier when the first frame is there.
            let look = Instant::now() + self.patience.idle;
            tokio::time::sleep_until(self.deadline().min(look)).await;
            if self.deadline() <= Instant::now() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::compat::TokioAsyncReadCompatExt;

    use super::*;

    const SHORT: Duration = Duration::from_millis(80);
    const LONG: Duration = Duration::from_secs(60);

    /// A carrier, what keeps its connection up, the way in for frames, and what it tells.
    type Parts = (Carrier, oneshot::Sender<()>, mpsc::Sender<Vec<u8>>, mpsc::Receiver<Event>);

    fn carrier(inbound: bool, first_frame: Duration, idle: Duration) -> Parts {
        let (events, heard) = mpsc::channel(4);
        let (frames, queue) = mpsc::channel(4);
        let (up, down) = oneshot::channel();
        let patience = Patience { first_frame, idle, close: LONG };
        (Carrier { id: 1, inbound, events, frames: queue, queued: Arc::default(), down, patience }, up, frames, heard)
    }

    #[tokio::test]
    async fn whoever_opens_a_stream_and_says_nothing_is_cut_early() {
        let (carrier, _up, _frames, _heard) = carrier(true, SHORT, LONG);
        let (stream, _peer) = tokio::io::duplex(64);
        let begin = Instant::now();
        assert!(matches!(carrier.run(stream.compat()).await, End::Idle));
        assert!(begin.elapsed() >= SHORT);
    }

    #[tokio::test]
    async fn what_had_come_before_the_connection_closed_is_still_told() {
        let (carrier, up, _frames, mut heard) = carrier(true, LONG, LONG);
        let (stream, peer) = tokio::io::duplex(64);
        let mut peer = peer.compat();
        frames::write(&mut peer, b"x").await.unwrap();
        drop(up);
        assert!(matches!(carrier.run(stream.compat()).await, End::Lost));
        assert_eq!(heard.recv().await, Some(Event::Frame(1, b"x".to_vec())));
    }

    #[tokio::test]
    async fn half_a_first_frame_is_no_first_frame() {
        let (carrier, _up, _frames, _heard) = carrier(true, SHORT, LONG);
        let (stream, peer) = tokio::io::duplex(64);
        let mut peer = peer.compat();
        peer.write_all(&[3, 0, 0, 0, 1]).await.unwrap();
        assert!(matches!(carrier.run(stream.compat()).await, End::Idle));
    }

    #[tokio::test]
    async fn a_stream_is_idle_when_nothing_came_or_went_for_long_and_then_it_is_cut() {
        let (carrier, _up, frames, mut heard) = carrier(true, LONG, SHORT);
        let (stream, peer) = tokio::io::duplex(1024);
        let mut peer = peer.compat();
        frames::write(&mut peer, b"x").await.unwrap();
        frames.send(b"y".to_vec()).await.unwrap();
        let begin = Instant::now();
        assert!(matches!(carrier.run(stream.compat()).await, End::Idle));
        assert!(begin.elapsed() >= SHORT && begin.elapsed() < LONG);
        let told = [heard.recv().await, heard.recv().await];
        assert!(told.contains(&Some(Event::Frame(1, b"x".to_vec()))) && told.contains(&Some(Event::Sent(1))));
    }

    #[tokio::test]
    async fn a_frame_that_waits_for_us_does_not_make_the_peer_idle() {
        let (carrier, _up, frames, mut heard) = carrier(true, LONG, SHORT);
        let (stream, peer) = tokio::io::duplex(1024);
        let mut peer = peer.compat();
        for _ in 0..6 {
            frames::write(&mut peer, b"x").await.unwrap();
        }
        let task = tokio::spawn(carrier.run(stream.compat()));
        tokio::time::sleep(SHORT * 5).await;
        assert!(!task.is_finished());
        for _ in 0..6 {
            assert_eq!(heard.recv().await, Some(Event::Frame(1, b"x".to_vec())));
        }
        drop(frames);
        assert!(matches!(task.await.unwrap(), End::Closed | End::Idle));
    }

    #[tokio::test]
    async fn closing_sends_what_is_queued_first_even_when_nobody_takes_events() {
        let (carrier, _up, frames, _heard) = carrier(false, LONG, LONG);
        let (stream, peer) = tokio::io::duplex(8);
        for byte in 0..4 {
            frames.send(vec![byte; 100]).await.unwrap();
        }
        drop(frames);
        let task = tokio::spawn(carrier.run(stream.compat()));
        let mut peer = peer.compat();
        for byte in 0..4 {
            assert_eq!(frames::read(&mut peer).await.unwrap(), Some(vec![byte; 100]));
        }
        assert_eq!(frames::read(&mut peer).await.unwrap(), None);
        assert!(matches!(task.await.unwrap(), End::Closed));
    }
}
