//! stub
use super::id::EntryId;
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub enum TextOp {
    A,
}
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct TextEdit {
    pub refs: Vec<EntryId>,
    pub ops: Vec<TextOp>,
}
impl TextEdit {
    pub fn validate(&self) -> Result<(), ()> {
        Ok(())
    }
}
