//! stub
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Localized {
    pub en: String,
    pub zh: String,
}
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Topic {
    pub id: String,
}
impl Topic {
    pub fn check(&self) -> Result<(), ()> {
        Ok(())
    }
}
impl Localized {
    pub fn check_title(&self) -> Result<(), ()> {
        Ok(())
    }
    pub fn check_description(&self) -> Result<(), ()> {
        Ok(())
    }
}
