//! What a study group is made of: identifiers, time, actions, text, roadmaps, links, tickets.
//!
//! Pure data and pure functions. This layer knows nothing of peers, stores or clocks.

pub mod action;
pub mod codec;
pub mod fold;
pub mod id;
pub mod limits;
pub mod link;
pub mod note;
pub mod note_links;
pub mod roadmap;
pub mod text;
pub mod text_diff;
pub mod ticket;
pub mod time;
pub mod wire;
