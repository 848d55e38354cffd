//! How positions, times and ids stand in columns.

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use super::Error;
use crate::engine::store::ChainNo;
use crate::log::header::MAX_SEQ;
use crate::model::time::Hlc;

/// Highest chain number: it shares 63 bits with a seq.
pub(super) const MAX_CHAIN: u64 = (1 << 31) - 1;

const _: () = assert!(MAX_SEQ < 1 << 32, "a seq is the lower half of a key");

/// Where an entry is stored: `chain number << 32 | seq`, the rowid of its row. Entries of one chain lie side by side, and
/// appending to a chain appends to the table or to one place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub i64);

impl Key {
    /// The key of a position. Both numbers are bounded by whoever made them: chains by [`MAX_CHAIN`] when they are
    /// created, seqs by the header's bounds.
    pub fn new(chain: ChainNo, seq: u64) -> Self {
        debug_assert!(chain.0 <= MAX_CHAIN && seq <= 1 << 32, "numbers are bounded where they are made");
        Self((chain.0 << 32 | seq) as i64)
    }

    /// The keys that a chain's entries can have: first and last.
    pub fn of_chain(chain: ChainNo) -> (Self, Self) {
        (Self::new(chain, 0), Self::new(chain, u64::from(u32::MAX)))
    }

    pub fn chain(self) -> ChainNo {
        ChainNo(self.0 as u64 >> 32)
    }

    pub fn seq(self) -> u64 {
        self.0 as u64 & u64::from(u32::MAX)
    }
}

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for Key {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

/// A hybrid time as it stands in a column: 2^63 less, so that SQLite's signed order is the order of time for every bit
/// pattern that a peer can send. `(time >> 16) + 140737488355328` is Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(pub Hlc);

impl ToSql for Stamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(((self.0.to_bits() ^ 1 << 63) as i64).into())
    }
}

impl FromSql for Stamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(|bits| Self(Hlc::from_bits(bits as u64 ^ 1 << 63)))
    }
}

/// A count or a number of milliseconds as a column; what does not fit is cut, and no clock reaches that far.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The inverse of [`signed`].
pub(super) fn unsigned(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

/// Ids that stand one after the other in a blob.
pub(super) fn ids<const N: usize>(blob: &[u8]) -> Result<Vec<[u8; N]>, Error> {
    let (whole, rest) = blob.as_chunks::<N>();
    if rest.is_empty() { Ok(whole.to_vec()) } else { Err(Error::damaged("a list of ids has a broken length")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_time_sorts_in_sql_as_it_sorts_here(a: u64, b: u64) {
            let column = |bits| match Stamp(Hlc::from_bits(bits)).to_sql().unwrap() {
                ToSqlOutput::Owned(rusqlite::types::Value::Integer(i)) => i,
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(column(a).cmp(&column(b)), a.cmp(&b));
            prop_assert_eq!(Stamp::column_result(ValueRef::Integer(column(a))).unwrap().0.to_bits(), a);
            // The formula of the documentation.
            prop_assert_eq!((column(a) >> 16) + 140_737_488_355_328, (a >> 16) as i64);
        }

        #[test]
        fn a_key_gives_its_halves_back(chain in 0..=MAX_CHAIN, seq in 0..=MAX_SEQ) {
            let key = Key::new(ChainNo(chain), seq);
            prop_assert!(key.0 >= 0);
            prop_assert_eq!((key.chain().0, key.seq()), (chain, seq));
        }
    }
}
