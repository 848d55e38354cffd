//! A text edit as it travels: what one entry inserts into a note and deletes from it.
//!
//! Foreign bytes become a [`TextEdit`] through [`crate::model::codec`], and nothing integrates one that does not pass
//! [`TextEdit::validate`]. The verdict depends on the edit's own bytes alone, so every node reaches the same.

use bincode::{Decode, Encode};

use crate::model::id::EntryId;
use crate::model::limits::{
    EDIT_OP_BYTES, EDIT_REF_BYTES, MAX_EDIT_BYTES, MAX_EDIT_OPS, MAX_EDIT_REFS, MAX_EDIT_TEXT_BYTES,
};

/// The index that names the entry which the edit itself stands in.
pub const OWN: u16 = u16::MAX;
/// Most characters that one entry can insert: each has at least one byte.
pub const MAX_EDIT_CHARS: u32 = MAX_EDIT_TEXT_BYTES as u32;

const _: () = assert!(MAX_EDIT_REFS <= OWN as usize, "no index into the refs means the entry itself");

/// What one entry changes in a note's text. The default changes nothing, which is allowed: such an edit only joins the
/// edits that it builds on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct TextEdit {
    /// The entries whose characters the operations name. At most [`MAX_EDIT_REFS`].
    pub refs: Vec<EntryId>,
    /// What is inserted and deleted. At most [`MAX_EDIT_OPS`]; in all at most [`MAX_EDIT_BYTES`].
    pub ops: Vec<TextOp>,
}

/// One operation of a text edit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum TextOp {
    /// Inserts characters, each after the first being the right child of the one before.
    Insert {
        /// The character that the first one is a child of; `None` is the root, the beginning of the text.
        parent: Option<CharRef>,
        /// On which side of the parent. Always right of the root.
        side: Side,
        /// The characters; not empty. All inserts of an edit together have at most [`MAX_EDIT_TEXT_BYTES`].
        text: String,
    },
    /// Deletes characters of one entry.
    Delete {
        /// An index into the refs, or [`OWN`].
        entry: u16,
        /// The first character, numbered as in [`CharRef`].
        offset: u32,
        /// How many; at least one. `offset + len` is at most [`MAX_EDIT_CHARS`].
        len: u32,
    },
}

/// One character, named by who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct CharRef {
    /// An index into the refs, or [`OWN`].
    pub entry: u16,
    /// Its number among the characters (Unicode scalar values) that the entry inserts, in the order of its operations.
    /// Below [`MAX_EDIT_CHARS`]; of the entry itself only what earlier operations inserted.
    pub offset: u32,
}

/// The two sides of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Side {
    /// Before it.
    Left,
    /// After it.
    Right,
}

/// Why an edit is not one that can be integrated. It is kept, served, and folds into nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Over [`MAX_EDIT_REFS`].
    #[error("the edit names {0} entries, at most {MAX_EDIT_REFS} fit: write it in parts")]
    Refs(usize),
    /// Over [`MAX_EDIT_OPS`].
    #[error("the edit has {0} operations, at most {MAX_EDIT_OPS} fit: write it in parts")]
    Ops(usize),
    /// Over [`MAX_EDIT_TEXT_BYTES`].
    #[error("the edit inserts {0} bytes, at most {MAX_EDIT_TEXT_BYTES} fit: write it in parts")]
    Text(usize),
    /// Over [`MAX_EDIT_BYTES`].
    #[error("the edit needs up to {0} bytes, at most {MAX_EDIT_BYTES} fit: write it in parts")]
    Bytes(usize),
    /// An operation that inserts or deletes nothing.
    #[error("operation {0} changes nothing: leave it out")]
    Empty(usize),
    /// An insert left of the root.
    #[error("operation {0} inserts left of the root: nothing is before the beginning")]
    LeftOfRoot(usize),
    /// An index that names no entry.
    #[error("operation {0} names an entry that is not in the list")]
    Entry(usize),
    /// A character that no entry can have, or one of the edit itself that no earlier operation inserted.
    #[error("operation {0} names a character that can not exist")]
    Offset(usize),
}

impl TextEdit {
    /// Checks every bound and every reference. What passes fits one entry's body, whatever else the entry says.
    ///
    /// # Errors
    /// The first rule that the edit breaks.
    pub fn validate(&self) -> Result<(), InvalidText> {
        if self.refs.len() > MAX_EDIT_REFS {
            return Err(InvalidText::Refs(self.refs.len()));
        }
        if self.ops.len() > MAX_EDIT_OPS {
            return Err(InvalidText::Ops(self.ops.len()));
        }
        let text = self.text_bytes();
        if text > MAX_EDIT_TEXT_BYTES {
            return Err(InvalidText::Text(text));
        }
        let bytes = self.bytes();
        if bytes > MAX_EDIT_BYTES {
            return Err(InvalidText::Bytes(bytes));
        }
        let mut written = 0;
        for (n, op) in self.ops.iter().enumerate() {
            match op {
                TextOp::Insert { text, .. } if text.is_empty() => return Err(InvalidText::Empty(n)),
                TextOp::Delete { len: 0, .. } => return Err(InvalidText::Empty(n)),
                TextOp::Insert { parent: None, side: Side::Left, .. } => return Err(InvalidText::LeftOfRoot(n)),
                TextOp::Insert { parent: None, .. } => {}
                TextOp::Insert { parent: Some(at), .. } => self.check_range(n, at.entry, at.offset, 1, written)?,
                TextOp::Delete { entry, offset, len } => self.check_range(n, *entry, *offset, *len, written)?,
            }
            if let TextOp::Insert { text, .. } = op {
                written += text.chars().count() as u32; // at most MAX_EDIT_TEXT_BYTES, checked above
            }
        }
        Ok(())
    }

    /// The text that it makes of an empty one, when it is a single insert, as the first text of most notes is.
    #[must_use]
    pub fn only_insert(&self) -> Option<&str> {
        match self.ops.as_slice() {
            [TextOp::Insert { parent: None, text, .. }] if self.validate().is_ok() => Some(text),
            _ => None,
        }
    }

    /// Its size as reckoned: inserted text, [`EDIT_REF_BYTES`] a reference, [`EDIT_OP_BYTES`] an operation.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.refs.len() * EDIT_REF_BYTES + self.ops.len() * EDIT_OP_BYTES + self.text_bytes()
    }

    fn text_bytes(&self) -> usize {
        self.inserted().map(str::len).fold(0, usize::saturating_add)
    }

    /// The texts of the inserts, in order.
    pub(super) fn inserted(&self) -> impl Iterator<Item = &str> {
        self.ops.iter().filter_map(|op| match op {
            TextOp::Insert { text, .. } => Some(text.as_str()),
            TextOp::Delete { .. } => None,
        })
    }

    fn check_range(&self, op: usize, entry: u16, offset: u32, len: u32, written: u32) -> Result<(), InvalidText> {
        let exist = match entry {
            OWN => written,
            index if usize::from(index) < self.refs.len() => MAX_EDIT_CHARS,
            _ => return Err(InvalidText::Entry(op)),
        };
        let ends = offset.checked_add(len).is_some_and(|end| end <= exist);
        if ends { Ok(()) } else { Err(InvalidText::Offset(op)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::codec;
    use proptest::prelude::*;

    fn insert(parent: Option<(u16, u32)>, side: Side, text: &str) -> TextOp {
        let parent = parent.map(|(entry, offset)| CharRef { entry, offset });
        TextOp::Insert { parent, side, text: text.into() }
    }

    fn delete(entry: u16, offset: u32, len: u32) -> TextOp {
        TextOp::Delete { entry, offset, len }
    }

    fn verdict(refs: usize, ops: Vec<TextOp>) -> Result<(), InvalidText> {
        TextEdit { refs: (0..refs).map(|n| EntryId([n as u8; 32])).collect(), ops }.validate()
    }

    #[test]
    fn an_edit_names_only_listed_entries_and_its_own_earlier_characters() {
        use Side::{Left, Right};
        let first = insert(None, Right, "学习");
        assert_eq!(verdict(0, vec![]), Ok(()));
        assert_eq!(verdict(0, vec![first.clone(), insert(Some((OWN, 1)), Left, "x"), delete(OWN, 1, 2)]), Ok(()));
        assert_eq!(verdict(0, vec![first.clone(), insert(Some((OWN, 2)), Left, "x")]), Err(InvalidText::Offset(1)));
        assert_eq!(verdict(0, vec![insert(Some((OWN, 0)), Right, "x")]), Err(InvalidText::Offset(0)));
        assert_eq!(verdict(0, vec![first, delete(OWN, 1, 2)]), Err(InvalidText::Offset(1)));
        assert_eq!(verdict(1, vec![insert(Some((0, MAX_EDIT_CHARS - 1)), Left, "x")]), Ok(()));
        assert_eq!(verdict(1, vec![insert(Some((0, MAX_EDIT_CHARS)), Left, "x")]), Err(InvalidText::Offset(0)));
        assert_eq!(verdict(1, vec![insert(Some((1, 0)), Left, "x")]), Err(InvalidText::Entry(0)));
        assert_eq!(verdict(1, vec![delete(0, u32::MAX, 2)]), Err(InvalidText::Offset(0)));
        assert_eq!(verdict(1, vec![delete(0, 0, MAX_EDIT_CHARS)]), Ok(()));
        assert_eq!(verdict(0, vec![insert(None, Left, "x")]), Err(InvalidText::LeftOfRoot(0)));
    }

    #[test]
    fn what_changes_nothing_or_is_too_large_is_refused() {
        let many = |n: usize| vec![delete(0, 0, 1); n];
        let text = |n: usize| insert(None, Side::Right, &"x".repeat(n));
        assert_eq!(verdict(0, vec![text(0)]), Err(InvalidText::Empty(0)));
        assert_eq!(verdict(1, vec![delete(0, 0, 0)]), Err(InvalidText::Empty(0)));
        assert_eq!(verdict(MAX_EDIT_REFS + 1, vec![]), Err(InvalidText::Refs(MAX_EDIT_REFS + 1)));
        assert_eq!(verdict(1, many(MAX_EDIT_OPS)), Ok(()));
        assert_eq!(verdict(1, many(MAX_EDIT_OPS + 1)), Err(InvalidText::Ops(MAX_EDIT_OPS + 1)));
        assert_eq!(verdict(0, vec![text(MAX_EDIT_TEXT_BYTES)]), Ok(()));
        assert_eq!(verdict(0, vec![text(MAX_EDIT_TEXT_BYTES - 1), text(2)]), Err(InvalidText::Text(32 * 1024 + 1)));
        assert!(matches!(verdict(MAX_EDIT_REFS, vec![text(MAX_EDIT_TEXT_BYTES)]), Err(InvalidText::Bytes(_))));
    }

    #[test]
    fn the_bytes_of_a_reference_and_of_an_operation_are_never_more_than_reckoned() {
        let widest_insert = insert(Some((OWN, MAX_EDIT_CHARS - 1)), Side::Right, &"x".repeat(300));
        assert_eq!(codec::encode(&widest_insert).len() - 300, EDIT_OP_BYTES);
        assert!(codec::encode(&delete(OWN, MAX_EDIT_CHARS - 1, MAX_EDIT_CHARS)).len() <= EDIT_OP_BYTES);
        assert_eq!(codec::encode(&EntryId([255; 32])).len(), EDIT_REF_BYTES);
    }

    #[test]
    fn the_wire_form_is_the_one_of_the_protocol_page() {
        let edit = TextEdit {
            refs: vec![EntryId([7; 32])],
            ops: vec![insert(Some((0, 300)), Side::Right, "学"), insert(None, Side::Right, "a"), delete(OWN, 1, 1)],
        };
        let mut bytes = vec![1];
        bytes.extend([7; 32]);
        bytes.extend([3, 0, 1, 0, 251, 44, 1, 1, 3, 0xe5, 0xad, 0xa6]);
        bytes.extend([0, 0, 1, 1, b'a', 1, 251, 255, 255, 1, 1]);
        assert_eq!(codec::encode(&edit), bytes);
        assert_eq!(codec::decode::<TextEdit>(&bytes), Ok(edit));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_decode_to_an_edit_no_larger_than_themselves_or_to_an_error(
            mut bytes in prop::collection::vec(prop_oneof![0..4u8, any::<u8>()], 0..400), claim in 0..4usize,
        ) {
            // Some inputs claim more items than could ever follow.
            bytes.splice(0..0, [vec![], vec![252, 255, 255, 255, 255], vec![253; 9], vec![0, 251, 255, 255]][claim].clone());
            if let Ok(edit) = codec::decode::<TextEdit>(&bytes) {
                let held = edit.refs.len() * 32 + edit.ops.len() * 4 + edit.inserted().map(str::len).sum::<usize>();
                prop_assert!(held <= bytes.len());
                let _ = edit.validate();
            }
        }
    }
}
