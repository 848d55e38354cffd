//! The directory of one node.

use std::path::{Path, PathBuf};

/// Longest path of a Unix socket that every system takes, in bytes.
const MAX_SOCKET_PATH_BYTES: usize = 100;
/// How the name of a private directory for a socket begins.
const SOCKET_DIR: &str = "studymesh-";

/// The directory of one node: its key, store, settings and control socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    dir: PathBuf,
}

impl Home {
    /// A directory; it need not exist yet.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The directory that a given one (`--home`, `STUDYMESH_HOME`) or else the system's habits name.
    #[must_use]
    pub fn find(given: Option<PathBuf>) -> Option<Self> {
        given.filter(|dir| !dir.as_os_str().is_empty()).map(Self::new).or_else(|| {
            directories::ProjectDirs::from("", "", "studymesh").map(|dirs| Self::new(dirs.data_dir().to_path_buf()))
        })
    }

    /// The directory itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The secret key of the installation, 64 hex digits, mode 0600.
    #[must_use]
    pub fn device_key(&self) -> PathBuf {
        self.dir.join("device.key")
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.dir.join("studymesh.db")
    }

    /// The file that a process holds locked while it uses the directory.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.dir.join("config.toml")
    }

    /// The secret of the web page, 64 hex digits, mode 0600: whoever has it is let in.
    #[must_use]
    pub fn web_token(&self) -> PathBuf {
        self.dir.join("web.token")
    }

    /// The control socket: in the directory, or, when that path is too long for a socket, in a private directory of the
    /// system's temporary one that the directory's path names.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        let inside = self.dir.join("control.sock");
        if inside.as_os_str().len() <= MAX_SOCKET_PATH_BYTES {
            return inside;
        }
        let name = blake3::hash(self.dir.as_os_str().as_encoded_bytes()).to_hex();
        std::env::temp_dir().join(format!("{SOCKET_DIR}{}", &name[..16])).join("control.sock")
    }

    /// Whether a name in the system's temporary directory is one that [`Home::socket`] gives to a directory.
    #[must_use]
    pub fn is_socket_dir(name: &Path) -> bool {
        name.components().count() == 1 && name.to_str().is_some_and(|name| name.starts_with(SOCKET_DIR))
    }
}
