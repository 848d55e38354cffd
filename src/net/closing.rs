//! Closing a connection without waiting for a peer that is not there any more.
//!
//! libp2p closes a connection by saying goodbye and waiting until that has gone out. On a TCP path that is dead while the
//! send buffer is full it never does, the connection would count as up for a quarter of an hour, and with it everything
//! that is open on it. So the goodbye gets [`GOODBYE`], then the connection is dropped.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{MapOk, TryFutureExt};
use libp2p::core::StreamMuxer;
use libp2p::core::muxing::StreamMuxerEvent;
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo};
use tokio::time::Sleep;

/// How long saying goodbye may take.
pub const GOODBYE: Duration = Duration::from_secs(2);

/// An upgrade to a multiplexer that closes in time.
#[derive(Debug, Clone)]
pub(super) struct InTime<U>(pub U);

impl<U: UpgradeInfo> UpgradeInfo for InTime<U> {
    type Info = U::Info;
    type InfoIter = U::InfoIter;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.protocol_info()
    }
}

impl<C, U: InboundConnectionUpgrade<C>> InboundConnectionUpgrade<C> for InTime<U> {
    type Output = Muxer<U::Output>;
    type Error = U::Error;
    type Future = MapOk<U::Future, fn(U::Output) -> Self::Output>;

    fn upgrade_inbound(self, socket: C, info: Self::Info) -> Self::Future {
        self.0.upgrade_inbound(socket, info).map_ok(Muxer::new)
    }
}

impl<C, U: OutboundConnectionUpgrade<C>> OutboundConnectionUpgrade<C> for InTime<U> {
    type Output = Muxer<U::Output>;
    type Error = U::Error;
    type Future = MapOk<U::Future, fn(U::Output) -> Self::Output>;

    fn upgrade_outbound(self, socket: C, info: Self::Info) -> Self::Future {
        self.0.upgrade_outbound(socket, info).map_ok(Muxer::new)
    }
}

/// A multiplexer that closes in time.
#[derive(Debug)]
pub(super) struct Muxer<M> {
    inner: M,
    /// When it has to be closed; set when that begins.
    closing: Option<Pin<Box<Sleep>>>,
}

impl<M> Muxer<M> {
    fn new(inner: M) -> Self {
        Self { inner, closing: None }
    }
}

impl<M: StreamMuxer + Unpin> StreamMuxer for Muxer<M> {
    type Substream = M::Substream;
    type Error = M::Error;

    fn poll_inbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<M::Substream, M::Error>> {
        Pin::new(&mut self.inner).poll_inbound(cx)
    }

    fn poll_outbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<M::Substream, M::Error>> {
        Pin::new(&mut self.inner).poll_outbound(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), M::Error>> {
        let Self { inner, closing } = &mut *self;
        if let Poll::Ready(result) = Pin::new(inner).poll_close(cx) {
            return Poll::Ready(result);
        }
        let late = closing.get_or_insert_with(|| Box::pin(tokio::time::sleep(GOODBYE)));
        late.as_mut().poll(cx).map(Ok)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, M::Error>> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use libp2p::yamux;
    use tokio::time::Instant;
    use tokio_util::compat::TokioAsyncReadCompatExt;

    use super::*;

    #[tokio::test]
    async fn a_peer_that_takes_nothing_any_more_does_not_keep_a_connection_from_closing() {
        // There is no room for the goodbye, and nobody makes any.
        let (socket, _peer) = tokio::io::duplex(1);
        let upgrade = InTime(yamux::Config::default());
        let info = upgrade.protocol_info().next().unwrap();
        let mut muxer = upgrade.upgrade_outbound(socket.compat(), info).await.unwrap();
        let begin = Instant::now();
        poll_fn(|cx| Pin::new(&mut muxer).poll_close(cx)).await.unwrap();
        assert!(begin.elapsed() >= GOODBYE);
    }

    #[tokio::test]
    async fn a_goodbye_that_goes_out_is_not_waited_for() {
        let (socket, _peer) = tokio::io::duplex(1024);
        let upgrade = InTime(yamux::Config::default());
        let info = upgrade.protocol_info().next().unwrap();
        let mut muxer = upgrade.upgrade_outbound(socket.compat(), info).await.unwrap();
        let begin = Instant::now();
        poll_fn(|cx| Pin::new(&mut muxer).poll_close(cx)).await.unwrap();
        assert!(begin.elapsed() < GOODBYE);
    }
}
