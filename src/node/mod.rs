//! A node: the engine on its store, joined to the network, and the commands that people give it.
//!
//! Embed one with [`Node::start`]; speak to one of another process with [`call`].
//!
//! ```no_run
//! use studymesh::api::{Command, Request};
//! use studymesh::config::{Home, Settings};
//! use studymesh::node::Node;
//!
//! # async fn run() -> Result<(), studymesh::api::Error> {
//! let home = Home::new("/tmp/ada".into());
//! let mut node = Node::start(&home, &Settings::default()).await?;
//! let status = node.handle().call(Request::new(Command::Status)).await?;
//! println!("{}", status["peer_id"]);
//! node.stop();
//! node.ended().await?;
//! # Ok(())
//! # }
//! ```

pub mod backup;
mod bundle;
mod client;
mod control;
pub mod core;
mod devices;
mod discovery;
mod events;
mod fail;
mod handle;
mod key;
mod keys;
mod linking;
mod local;
mod network;
mod output;
mod platform;
mod ports;
mod reach;
mod run;
mod runtime;
mod service;
mod shell;
mod worker;

pub use client::{call, call_with, follow, link_device};
pub use devices::Offered;
pub use handle::{Events, Handle, Told};
pub use key::{export_key, import_key, is_key_protected, protect_key, unprotect_key};
pub use keys::{Unlock, no_passphrase};
pub use local::{Opened, open_alone};
pub(crate) use platform::{private_dir, private_file};
pub use run::run;
pub use runtime::{End, Node, Ready};
pub(crate) use service::{needs_node, pick};

use crate::api::{Code, Error};
use crate::config::Home;

/// The error of a directory that another process has.
fn in_use(home: &Home) -> Error {
    let message = format!("a node runs already in {}", home.dir().display());
    Error::new(
        Code::Locked,
        message,
        "speak to it with the other commands, end it with `studymesh stop`, or use another `--home`",
    )
}
