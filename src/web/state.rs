//! What every handler shares.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::api::idempotency::Answers;
use super::token::{Secret, Used};
use crate::api::{Command, Reply, Request};
use crate::config::Home;
use crate::node::Handle;

/// Most event streams at a time.
pub const MAX_STREAMS: usize = 32;

/// What every handler shares.
#[derive(Debug)]
pub struct App {
    /// The node.
    pub handle: Handle,
    /// Who knows it is let in.
    pub secret: Secret,
    /// Tokens that were exchanged.
    pub used: Used,
    /// Answers to writes that carried an idempotency key.
    pub answers: Answers,
    /// Places for event streams.
    pub streams: Arc<Semaphore>,
    /// The node's directory.
    pub home: Home,
    bound: SocketAddr,
    address: String,
}

impl App {
    /// For a page that is served at an address.
    pub fn new(handle: Handle, secret: Secret, bound: SocketAddr, home: &Home) -> Self {
        // Nobody can open 0.0.0.0 or [::]; this machine is meant.
        let shown = match bound {
            SocketAddr::V4(at) if at.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], at.port())),
            SocketAddr::V6(at) if at.ip().is_unspecified() => {
                SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, at.port()))
            }
            other => other,
        };
        Self {
            handle,
            secret,
            used: Used::default(),
            answers: Answers::default(),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            home: home.clone(),
            bound,
            address: format!("http://{shown}"),
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where it listens.
    pub fn bound(&self) -> SocketAddr {
        self.bound
    }

    /// The cookie's name. Browsers do not keep the cookies of two ports apart, so the port is in it.
    pub fn cookie(&self) -> String {
        format!("studymesh_{}", self.bound.port())
    }

    /// Asks the node.
    pub async fn ask(&self, command: Command) -> Reply {
        self.handle.call(Request::new(command)).await
    }

    /// Asks the node, in one group.
    pub async fn ask_in(&self, group: &str, command: Command) -> Reply {
        self.handle.call(Request::new(command).in_group(Some(group.to_owned()))).await
    }
}
