//! The store as a whole. What one file does by itself is tested there.

mod entries;
mod files;
mod forget;
mod search;
mod views;
mod world;
