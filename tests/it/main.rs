//! Real processes on loopback: what a group of people would do, and what may happen to them.

mod acts;
mod backup;
mod browser;
mod bundle;
mod closed;
mod command_line;
mod copied;
mod dependencies;
mod device;
mod discovery;
mod documents;
mod harness;
mod import;
mod kill;
mod layers;
mod local;
mod notes_live;
mod offline;
mod pages;
mod restart;
mod study;
mod tickets;
mod vectors;
mod web;
