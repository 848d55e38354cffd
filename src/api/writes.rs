//! Which commands write into a group.

use super::{Command, NoteLive};

impl Command {
    /// Whether it may write entries into one group.
    #[must_use]
    pub fn writes(&self) -> bool {
        use Command as C;
        matches!(
            self,
            C::GroupRename { .. }
                | C::InviteRevoke { .. }
                | C::MemberRole { .. }
                | C::MemberAdd { .. }
                | C::MemberRemove { .. }
                | C::RequestRefuse { .. }
                | C::QuarantineAdmit { .. }
                | C::GroupRotate
                | C::Hide { .. }
                | C::NoteNew { .. }
                | C::NotesNew { .. }
                | C::NoteEdit { .. }
                | C::NoteSet { .. }
                | C::NoteLive(NoteLive::Edit { .. })
                | C::NoteRestore { .. }
                | C::NoteDelete { .. }
                | C::LinkAdd { .. }
                | C::LinkSet { .. }
                | C::LinkVote { .. }
                | C::LinkRead { .. }
                | C::LinkRemove { .. }
                | C::RoadmapAdd { .. }
                | C::RoadmapImport { .. }
                | C::RoadmapEdit { .. }
                | C::RoadmapRemove { .. }
                | C::ProgressSet { .. }
                | C::ProgressImport { .. }
        )
    }
}
