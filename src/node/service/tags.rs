//! Tags that are added and taken away.

use crate::api::{Code, Error};
use crate::model::limits;

/// Tags as people mean them: without blanks around, without repetition, in the order given.
pub(super) fn clean(tags: &[String]) -> Result<Vec<String>, Error> {
    let mut out: Vec<String> = vec![];
    for tag in tags.iter().map(|t| t.trim().trim_start_matches('#')).filter(|t| !t.is_empty()) {
        if tag.chars().count() > limits::MAX_TAG_CHARS {
            let message = format!("the tag \"{tag}\" has more than {} characters", limits::MAX_TAG_CHARS);
            return Err(Error::new(Code::BadInput, message, "give a shorter tag"));
        }
        if !out.iter().any(|t| t == tag) {
            out.push(tag.to_owned());
        }
    }
    if out.len() > limits::MAX_TAGS {
        let message = format!("there are more than {} tags", limits::MAX_TAGS);
        return Err(Error::new(Code::BadInput, message, "take some away"));
    }
    Ok(out)
}

/// The tags after a change; `None` when nothing changed.
pub(super) fn changed(old: &[String], add: &[String], remove: &[String]) -> Result<Option<Vec<String>>, Error> {
    let remove = clean(remove)?;
    let kept: Vec<String> = old.iter().filter(|t| !remove.contains(t)).cloned().collect();
    let new = clean(&[kept, clean(add)?].concat())?;
    Ok((new != old).then_some(new))
}
