//! Membership: who belongs to a group, as a deterministic fold over its control entries.
//!
//! The same set of control entries gives every node the same [`Members`], whatever the order in which they came. The
//! rules are a table in `docs/membership.md`; in short: authority by seniority (an admin acts on juniors only), a
//! removal voids what the removed one did without having seen it, and of concurrent role changes the least counts.
//! Causality is named: an entry comes after another one when the closure of its control heads has it. Time decides
//! nothing.
//!
//! ```
//! use studymesh::membership::Acts;
//! use studymesh::model::id::GroupId;
//! let members = Acts::new(GroupId([1; 32])).fold();
//! assert!(members.owner().is_none(), "the genesis entry has not come");
//! ```

mod acts;
mod deciding;
mod devices;
mod fold;
mod grants;
mod graph;
mod members;
mod order;
mod status;
#[cfg(test)]
mod tests;

pub use acts::{Act, Acts};
pub use members::{Device, EpochInfo, InviteInfo, Members, Person, RequestInfo, Verdict};
