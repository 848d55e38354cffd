//! Making a big group quickly: a founder's directory with entries of many authors, through the library.

use studymesh::api::{Command, GroupKind, Request};
use studymesh::config::{Home as Directory, Settings};
use studymesh::engine::Imported;
use studymesh::engine::entropy::Entropy;
use studymesh::engine::store::Store;
use studymesh::log::entry::{self, Place, Signed};
use studymesh::log::keys::{GroupKeys, LogKey};
use studymesh::log::person;
use studymesh::model::action::{Action, NoteNew, Profile};
use studymesh::model::id::{EntryId, GroupId};
use studymesh::model::text::Text;
use studymesh::model::time::Hlc;
use studymesh::node;

use crate::node::Home;

/// Entries of one transaction.
const BATCH: usize = 256;
/// Authors that the entries are spread over.
const AUTHORS: u64 = 20;
/// Bytes of a note's text, about; the text is a number in many digits, so that it can not be packed to nothing.
const NOTE_BYTES: usize = 500;

/// Founds an open group in a directory and fills it with at least `entries` entries. Returns how many it holds.
pub fn make_group(home: &Home, entries: u64) -> u64 {
    let directory = Directory::new(home.path());
    let settings = Settings { name: home.name.clone(), mdns: false, ..Settings::default() };
    let create = Command::GroupCreate { name: "big".into(), kind: GroupKind::Open, roadmap: None };
    node::call(&directory, &settings, &Request::new(create)).unwrap();
    let mut opened = node::open_alone(&directory, &settings).unwrap();
    let row = opened.core.engine().store().groups().unwrap().remove(0);
    let (group, keys) = (row.id, GroupKeys::from_seed(&row.seed));
    let mut entropy = Entropy::new([7; 32]);
    for author in 0..AUTHORS {
        let log = log_of(author, entries.div_ceil(AUTHORS), group, &keys, &mut entropy);
        for part in log.chunks(BATCH) {
            opened
                .core
                .batch(|engine| {
                    for entry in part {
                        let imported = engine.import(node::core::now_ms(), group, entry.clone())?;
                        assert_eq!(imported, Imported::New, "an entry of our own making");
                    }
                    Ok(())
                })
                .unwrap();
        }
    }
    drop(opened);
    home.entries()
}

fn log_of(author: u64, entries: u64, group: GroupId, keys: &GroupKeys, entropy: &mut Entropy) -> Vec<Signed> {
    let (log, transport) = (LogKey::from_seed(&entropy.array()), LogKey::from_seed(&entropy.array()));
    let mut actions = vec![
        Action::Endorse(person::endorse(group, &log, &transport, &[])),
        Action::Profile(Profile { name: format!("Author {author}"), supersedes: vec![] }),
    ];
    for n in actions.len() as u64..entries {
        let mut text = format!("# 笔记 {author}-{n}\n\n");
        while text.len() < NOTE_BYTES {
            text.push_str(&format!("{:016x} 学习 ", entropy.number()));
        }
        let edit = Text::new().next_edit_towards(&text).unwrap();
        let title = format!("笔记 {author}-{n}");
        actions.push(Action::NoteNew(NoteNew { title, topic: None, tags: vec![], text: edit }));
    }
    let (mut prev, mut out) = (EntryId::ZERO, vec![]);
    for (seq, action) in actions.iter().enumerate() {
        let place = Place { group, seq: seq as u64, prev, control_heads: vec![] };
        let time = Hlc::new(1_790_000_000_000 + seq as u64 * 60_000, 0);
        let entry = entry::write(&log, keys, place, time, action, entropy.array()).unwrap();
        prev = entry.id;
        out.push(Signed::decode(&entry.encode()).unwrap());
    }
    out
}
