//! The whole group as one object.

use serde_json::{Value, json};

use super::{Done, Service, note};
use crate::model::id::GroupId;
use crate::node::fail::Fail;
use crate::roadmap_file;

impl Service<'_> {
    pub(super) fn export(&mut self, group: GroupId) -> Done {
        let mut notes = vec![];
        let listed = self.note_list(group, None, None, false)?;
        for item in items(&listed) {
            let id = item["note_id"].as_str().unwrap_or_default().to_owned();
            match self.note_show(group, &id, None) {
                Ok(shown) => notes.push(note::exported(shown)),
                // One note that can not be shown keeps nobody from the others.
                Err(Fail::Command(error)) => tracing::warn!(note = id, %error, "not exported"),
                Err(error) => return Err(error),
            }
        }
        let links = self.link_list(group, None, None, false, false)?;
        let roadmaps: Vec<Value> = self
            .roadmaps(group)?
            .into_iter()
            .filter(|l| l.added)
            .map(|l| json!({ "roadmap_id": l.roadmap.id, "toml": roadmap_file::to_toml(&l.roadmap) }))
            .collect();
        let progress = self.progress_group(group)?;
        let show = self.group_show(group)?;
        Ok(json!({
            "v": 1, "group_id": group, "name": show["name"], "notes": notes, "links": items(&links),
            "roadmaps": roadmaps, "progress": items(&progress), "members": show["members"],
        }))
    }
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}
