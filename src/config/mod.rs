//! Where a node keeps its things, and its settings with where each value comes from.

mod home;

pub use home::Home;
