//! Where a node keeps its things, and its settings with where each value comes from.

mod home;
mod settings;

pub use home::Home;
pub use settings::Settings;
