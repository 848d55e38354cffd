//! Search over one group or all of them.

use serde_json::json;

use super::{Done, Service, list};
use crate::api::{Code, Error};
use crate::model::id::GroupId;
use crate::node::core::now_ms;
use crate::store::{Found, Hit};

/// Most hits of one search.
const MAX_HITS: usize = 200;
/// Most characters of a query.
const MAX_QUERY_CHARS: usize = 256;
/// How long a running node brings the index up to date before it answers, in milliseconds: other commands wait for this one.
const CATCH_UP_MS: u64 = 50;

impl Service<'_> {
    pub(super) fn search(&mut self, group: Option<&str>, query: &str, limit: usize) -> Done {
        if query.chars().count() > MAX_QUERY_CHARS {
            let message = format!("the query has more than {MAX_QUERY_CHARS} characters");
            return Err(Error::new(Code::BadInput, message, "search for fewer words").into());
        }
        let groups: Vec<GroupId> = match group {
            Some(given) => vec![self.group(Some(given))?],
            None => self.engine.groups().collect(),
        };
        let limit = limit.clamp(1, MAX_HITS);
        let (running, begun) = (self.context.network.is_some(), now_ms());
        // Without a node nobody would do the rest later.
        self.store().index_while(|| !running || now_ms().wrapping_sub(begun) < CATCH_UP_MS)?;
        let pending = self.store().unsearchable()?;
        let mut hits = vec![];
        for group in groups {
            for hit in self.store().search(group, query, limit, 0)? {
                hits.push((group, hit));
            }
        }
        hits.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
        let item = |(group, hit): (GroupId, Hit)| {
            let (kind, id, roadmap) = match hit.found {
                Found::Note(note) => ("note", note.to_string(), None),
                Found::Link(link) => ("link", link.to_string(), None),
                Found::Topic { topic, roadmap } => ("topic", topic, Some(roadmap)),
            };
            let marks: Vec<[usize; 2]> = hit.snippet.marks.iter().map(|m| [m.start, m.end]).collect();
            json!({
                "kind": kind, "id": id, "title": hit.title, "snippet": hit.snippet.text, "marks": marks,
                "score": hit.score, "group_id": group, "roadmap_id": roadmap,
            })
        };
        let mut answer = list(hits.into_iter().take(limit).map(item).collect());
        answer["pending"] = pending.into();
        Ok(answer)
    }
}
