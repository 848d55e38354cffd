//! Linking devices, as an embedding program and the control socket ask for it.

use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use super::handle::{Handle, ended};
use super::linking::Request;
use crate::api::{Code as ErrorCode, Error, MAX_OFFER_MS, Reply};
use crate::device::{BadCode, Code};

/// An offer to a new device. It ends when this is dropped.
#[derive(Debug)]
pub struct Offered {
    code: Code,
    expires_ms: u64,
    done: oneshot::Receiver<Reply>,
}

impl Offered {
    /// The code to show: whoever types it within its life gets all groups.
    #[must_use]
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// `{code, expires_ms}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        json!({ "v": 1, "code": self.code.to_string(), "expires_ms": self.expires_ms })
    }

    /// Waits until the new device has the groups: `{linked:true, peer_id, name, groups}`.
    ///
    /// # Errors
    /// When somebody gave a wrong code, the time is over, or the new device did not say that it is done.
    pub async fn linked(self) -> Reply {
        self.done.await.unwrap_or_else(|_| Err(ended()))
    }
}

impl Handle {
    /// Offers all groups to a new device, under a code that is good for one attempt and this long (at most ten minutes).
    ///
    /// # Errors
    /// When there is an offer already, this node is in no group, or the node has ended.
    pub async fn link_device(&self, life: Duration) -> Result<Offered, Error> {
        let (opened, open) = oneshot::channel();
        let (done, outcome) = oneshot::channel();
        let life = life.min(Duration::from_millis(MAX_OFFER_MS));
        self.linking.send(Request::Offer { life, opened, done }).await.map_err(|_| ended())?;
        let (code, expires_ms) = open.await.map_err(|_| ended())??;
        Ok(Offered { code, expires_ms, done: outcome })
    }

    /// Takes the groups of an old device over.
    pub(super) async fn join_device(&self, code: &str, at: Option<&str>, wait_ms: u64) -> Reply {
        let code: Code = code.parse().map_err(|error: BadCode| {
            let remedy = "type it again as the other device shows it; nothing was used up";
            Error::new(ErrorCode::BadInput, error.to_string(), remedy)
        })?;
        let at = at.map(str::parse).transpose().map_err(|error: libp2p::multiaddr::Error| {
            let message = format!("the address is not a multiaddr: {error}");
            Error::new(ErrorCode::BadInput, message, "write it like /ip4/192.0.2.7/tcp/4001")
        })?;
        let (done, outcome) = oneshot::channel();
        let wait = Duration::from_millis(wait_ms.min(MAX_OFFER_MS));
        self.linking.send(Request::Join { code, at, wait, done }).await.map_err(|_| ended())?;
        outcome.await.unwrap_or_else(|_| Err(ended()))
    }
}
