//! The progress that roadmap.sh exports: lists of node ids by state.

use serde_json::Value;

use super::{ImportError, react_flow};
use crate::model::roadmap::MAX_TOPICS;

/// How far one is with a topic, in the words of that file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressState {
    /// Studied.
    Done,
    /// Being studied.
    Learning,
    /// Left out on purpose.
    Skipped,
}

/// Topic ids and states from a progress file, in its order: the ids that the topics have after the roadmap they belong
/// to was imported. A node named twice counts once, with its first state.
///
/// # Errors
/// [`ImportError`] when it is no such file. What is no text in its lists is passed over.
pub fn progress(bytes: &[u8]) -> Result<Vec<(String, ProgressState)>, ImportError> {
    let value = react_flow::json(super::text(bytes)?)?;
    if !is_progress(&value) {
        return Err(ImportError::NotProgress);
    }
    let mut states: Vec<(String, ProgressState)> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (list, state) in LISTS {
        for node in value.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            let id = react_flow::topic_id(node);
            if seen.insert(id.clone()) {
                states.push((id, state));
            }
        }
    }
    if states.len() > MAX_TOPICS {
        return Err(ImportError::TooMany { what: "topics", found: states.len(), max: MAX_TOPICS });
    }
    Ok(states)
}

const LISTS: [(&str, ProgressState); 3] =
    [("done", ProgressState::Done), ("learning", ProgressState::Learning), ("skipped", ProgressState::Skipped)];

pub(super) fn is_progress(value: &Value) -> bool {
    value.get("nodes").is_none() && LISTS.iter().any(|(list, _)| value.get(list).is_some_and(Value::is_array))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_with_the_ids_of_the_imported_topics() {
        let file = br#"{"totalTopicCount": 9, "done": ["a", "Xy_1", 7], "learning": ["b", "a"], "skipped": []}"#;
        let states = progress(file).unwrap();
        let xy = react_flow::topic_id("Xy_1");
        assert_eq!(
            states,
            [("a".into(), ProgressState::Done), (xy, ProgressState::Done), ("b".into(), ProgressState::Learning)]
        );
    }

    #[test]
    fn a_roadmap_is_no_progress() {
        assert_eq!(progress(b"{\"nodes\": [], \"done\": []}"), Err(ImportError::NotProgress));
        assert_eq!(progress(b"[]"), Err(ImportError::NotProgress));
    }
}
