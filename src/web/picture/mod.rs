//! Pictures that are drawn here, as SVG: each is data, with a title and a description, and a table beside it says the same.

pub mod network;
pub mod qr;
pub mod roadmap;
mod text;
pub mod year;
