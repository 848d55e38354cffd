//! The store itself: digest, rebuilding, checking, and the events that it keeps.

use serde_json::{Value, json};

use super::{Done, Service, list};
use crate::model::id::GroupId;

/// Most events of one answer.
const MAX_EVENTS: usize = 1_000;

impl Service<'_> {
    pub(super) fn db_digest(&mut self, group: GroupId) -> Done {
        let now = self.context.now;
        let fingerprint = self.engine.status(now, group).map(|s| hex(&s.fingerprint)).unwrap_or_default();
        let digest = self.store().digest(group)?;
        let entries = self.entries(group)?;
        Ok(
            json!({ "v": 1, "group_id": group, "fingerprint": fingerprint, "views_digest": hex(&digest), "entries": entries }),
        )
    }

    pub(super) fn db_rebuild(&mut self) -> Done {
        self.engine.rebuild()?;
        let groups: Vec<GroupId> = self.engine.groups().collect();
        let mut entries = 0;
        for group in &groups {
            entries += self.entries(*group)?;
        }
        Ok(json!({ "v": 1, "rebuilt": true, "entries": entries, "groups": groups.len() }))
    }

    pub(super) fn db_check(&mut self) -> Done {
        let report = self.store().integrity()?;
        Ok(json!({ "v": 1, "ok": report.problems.is_empty(), "entries": report.entries, "problems": report.problems }))
    }

    pub(super) fn events(&mut self, since: Option<u64>, limit: usize) -> Done {
        let limit = limit.clamp(1, MAX_EVENTS);
        let mut rows = self.store().events_since(since.unwrap_or(0), limit + 1)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(|r| r.id) } else { None };
        let items = rows
            .into_iter()
            .map(|row| {
                let data: Value = serde_json::from_str(&row.data).unwrap_or(Value::Null);
                json!({ "id": row.id, "time_ms": row.time_ms, "type": row.kind, "group_id": row.group, "data": data })
            })
            .collect();
        let mut answer = list(items);
        answer["next"] = json!(next);
        Ok(answer)
    }
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
