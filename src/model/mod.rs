//! What a study group is made of: identifiers, time, actions, text, roadmaps, links, tickets.
//!
//! Pure data and pure functions. This layer knows nothing of logs, peers, stores or clocks.

pub mod id;
pub mod link;
pub mod roadmap;
