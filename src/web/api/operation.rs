//! What one operation of the API is: the row of the table from which the routes and the OpenAPI document are made.

use axum::http::Method;

/// Most items of one page, and how many there are unless the client says.
pub const MAX_PAGE: u64 = 500;
/// As [`MAX_PAGE`]: the default.
pub const PAGE: u64 = 100;

/// One operation.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Its method.
    pub method: Verb,
    /// Its path below `/api/v1`; `{group}` and every other part in braces is a parameter.
    pub path: &'static str,
    /// What it does with the node. The name, where it is a command's, is also the name of the operation.
    pub does: Does,
    /// The name, where that would not be the command's.
    pub name: Option<&'static str>,
    /// The noun that it belongs to.
    pub tag: &'static str,
    /// What it does, one sentence for a person.
    pub summary: &'static str,
    /// What it takes beside the group.
    pub params: &'static [Param],
    /// Fields of the command that have one value here.
    pub fixed: &'static [(&'static str, Fixed)],
    /// In a list: the key that names an item; the list is then paged.
    pub pages: Option<&'static str>,
    /// Whether it makes something: then the status is 201.
    pub makes: bool,
}

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Reads.
    Get,
    /// Makes or does.
    Post,
    /// Sets.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

/// What is asked of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// A command of [`crate::api::Command`], by its name.
    Command(&'static str),
    /// The events, as a list or as a stream.
    Events,
    /// A file with a group's entries; with a body, those that its writer lacks.
    BundleExport,
    /// A file that says what is held.
    BundleHave,
    /// Takes the entries of a file in.
    BundleImport,
    /// Offers all groups to a new device.
    DeviceLink,
    /// The settings.
    Settings,
    /// Sets one setting.
    SettingSet,
    /// Takes one setting out of the file.
    SettingUnset,
}

/// The value of a field that is the same in every request.
#[derive(Debug, Clone, Copy)]
pub enum Fixed {
    /// A text.
    Text(&'static str),
    /// A flag.
    Flag(bool),
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// Behind the question mark.
    Query,
    /// A key of the body, which is a JSON object.
    Body,
}

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name, here and in the command; `group` is the request's group.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// What it looks like.
    pub shape: Shape,
    /// Whether it may be left out.
    pub needed: bool,
    /// What it means.
    pub about: &'static str,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text; left out: none.
    Text,
    /// A text; left out: an empty one.
    EmptyText,
    /// One of these words; left out: none.
    Word(&'static [&'static str]),
    /// A whole number between two; left out: the third, or none.
    Number(u64, u64, Option<u64>),
    /// A flag; left out: this.
    Flag(bool),
    /// A list of texts; left out: an empty one.
    Texts,
    /// A list of texts; left out: none.
    MaybeTexts,
    /// A list of pairs of texts; left out: an empty one.
    Pairs,
    /// `{name, text}`; left out: none.
    File,
    /// A list of `[from, to, text]`.
    Changes,
}

impl Verb {
    /// As axum and browsers say it.
    pub fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }

    /// Whether it changes something.
    pub fn writes(self) -> bool {
        self != Self::Get
    }
}

impl Operation {
    const fn new(method: Verb, path: &'static str, does: Does, summary: &'static str) -> Self {
        Self { method, path, does, name: None, tag: "", summary, params: &[], fixed: &[], pages: None, makes: false }
    }

    /// With parameters.
    pub const fn takes(self, params: &'static [Param]) -> Self {
        Self { params, ..self }
    }

    /// With fields that are always the same, and a name of its own.
    pub const fn with(self, name: &'static str, fixed: &'static [(&'static str, Fixed)]) -> Self {
        Self { fixed, name: Some(name), ..self }
    }

    /// A list whose items have this key.
    pub const fn pages(self, key: &'static str) -> Self {
        Self { pages: Some(key), ..self }
    }

    /// It makes something.
    pub const fn makes(self) -> Self {
        Self { makes: true, ..self }
    }

    /// The name: unique, in kebab case.
    pub fn id(&self) -> &'static str {
        self.name.unwrap_or(match self.does {
            Does::Command(name) => name,
            Does::Events => "events",
            Does::BundleExport => "bundle-export",
            Does::BundleHave => "bundle-have",
            Does::BundleImport => "bundle-import",
            Does::DeviceLink => "device-link",
            Does::Settings => "settings",
            Does::SettingSet => "setting-set",
            Does::SettingUnset => "setting-unset",
        })
    }

    /// Whether the body is a file rather than a JSON object.
    pub fn takes_file(&self) -> bool {
        self.method == Verb::Post && matches!(self.does, Does::BundleImport | Does::BundleExport)
    }

    /// The parameters in the body.
    pub fn body(&self) -> impl Iterator<Item = &'static Param> {
        self.params.iter().filter(|p| p.place == Place::Body)
    }
}

/// Reads.
pub const fn get(path: &'static str, command: &'static str, summary: &'static str) -> Operation {
    Operation::new(Verb::Get, path, Does::Command(command), summary)
}

/// Makes or does.
pub const fn post(path: &'static str, command: &'static str, summary: &'static str) -> Operation {
    Operation::new(Verb::Post, path, Does::Command(command), summary)
}

/// Sets.
pub const fn put(path: &'static str, command: &'static str, summary: &'static str) -> Operation {
    Operation::new(Verb::Put, path, Does::Command(command), summary)
}

/// Changes a part.
pub const fn patch(path: &'static str, command: &'static str, summary: &'static str) -> Operation {
    Operation::new(Verb::Patch, path, Does::Command(command), summary)
}

/// Removes.
pub const fn delete(path: &'static str, command: &'static str, summary: &'static str) -> Operation {
    Operation::new(Verb::Delete, path, Does::Command(command), summary)
}

/// What is no command.
pub const fn special(method: Verb, path: &'static str, does: Does, summary: &'static str) -> Operation {
    Operation::new(method, path, does, summary)
}

const fn param(name: &'static str, place: Place, shape: Shape, needed: bool, about: &'static str) -> Param {
    Param { name, place, shape, needed, about }
}

/// A part of the path.
pub const fn path(name: &'static str, about: &'static str) -> Param {
    param(name, Place::Path, Shape::Text, true, about)
}

/// Behind the question mark; may be left out.
pub const fn query(name: &'static str, shape: Shape, about: &'static str) -> Param {
    param(name, Place::Query, shape, false, about)
}

/// A key of the body that may be left out.
pub const fn body(name: &'static str, shape: Shape, about: &'static str) -> Param {
    param(name, Place::Body, shape, false, about)
}

/// A parameter that must be given.
pub const fn needed(param: Param) -> Param {
    Param { needed: true, ..param }
}
