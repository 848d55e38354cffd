//! Where a node keeps its things, and its settings with where each value comes from.
//!
//! A flag wins over the environment, the environment over `config.toml`, the file over the default. Every value is checked
//! where it comes in: an unknown key, a value of the wrong type or an address that no node could use is an [`Error`] that
//! names the place and what to do.
//!
//! ```
//! use studymesh::config::{Flags, Home, Key, Source};
//! let dir = std::env::temp_dir().join("studymesh-doc-config-that-does-not-exist");
//! let flags = Flags { no_mdns: true, ..Flags::default() };
//! let env = |name: &str| (name == "STUDYMESH_NAME").then(|| "Ada".into());
//! let loaded = studymesh::config::load(&Home::new(dir), &flags, &env).unwrap();
//! assert_eq!((loaded.settings.name.as_str(), loaded.settings.mdns), ("Ada", false));
//! assert_eq!(loaded.origin(Key::Name).source, Source::Env);
//! ```

mod check;
mod error;
mod file;
mod home;
mod load;
mod settings;

pub use error::{Error, Place};
pub use file::{MAX_FILE_BYTES, create_default, set, unset};
pub use home::Home;
pub use load::{Env, Flags, Loaded, Origin, Source, load};
pub use settings::{Key, Limits, Roles, Settings, Shape};
