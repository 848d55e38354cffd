//! People at random: every kind of action, on few subjects, so that they get in each other's way.

use super::views::Views;
use crate::engine::entropy::Entropy;
use crate::model::action::{
    Action, GroupName, LinkAdd, LinkRead, LinkSet, LinkVote, NoteEdit, NoteNew, NoteSet, Profile, Progress,
    RoadmapEdit, RoadmapMeta, TopicPut, TopicState,
};
use crate::model::fold::Register;
use crate::model::id::{EntryId, LinkId, NoteId, PersonId};
use crate::model::limits::MAX_SUPERSEDES;
use crate::model::link;
use crate::model::roadmap::{Localized, Topic};
use crate::model::text::Text;

const TOPICS: &[&str] = &["go-channels", "raft", "containers", "consensus", "k8s-operators"];
const URLS: &[&str] =
    &["https://go.dev/doc", "https://raft.github.io/", "https://kubernetes.io/docs/", "https://a.cn/学习"];
const ROADMAPS: &[&str] = &["cloud-native", "golang"];
const WORDS: &[&str] = &["学习", "通道", "goroutine ", "共识", "leader ", "容器，", "pod ", "é", "🦀", "\n", "lease "];

/// The next action of a person who sees these views.
pub(super) fn action(dice: &mut Entropy, views: &Views, person: PersonId) -> Action {
    let mut writer = Writer { dice, views, person };
    match writer.dice.below(13) {
        0 => writer.name(),
        1 => writer.note_new(),
        2..=5 => writer.note_edit(),
        6 => writer.note_set(),
        7 => writer.link_add(),
        8 => writer.link_set(),
        9 => writer.link_opinion(),
        10 => writer.roadmap(),
        _ => writer.progress(),
    }
}

/// A note that takes many bytes and does not compress: several of them do not fit one message.
pub(super) fn long_note(dice: &mut Entropy) -> Action {
    let mut noise = vec![0; 6_000];
    noise.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&dice.number().to_le_bytes()));
    let text = data_encoding::BASE64.encode(&noise);
    let text = Text::new().next_edit_towards(&text).unwrap_or_default();
    Action::NoteNew(NoteNew { title: "long".into(), topic: None, tags: vec![], text })
}

struct Writer<'a> {
    dice: &'a mut Entropy,
    views: &'a Views,
    person: PersonId,
}

impl Writer<'_> {
    /// What a careful writer names. Now and then one is careless, and names nothing.
    fn supersedes(&mut self, registers: &[Register]) -> Vec<EntryId> {
        if self.dice.below(8) == 0 {
            return vec![];
        }
        let mut seen: Vec<EntryId> = registers.iter().flat_map(|r| self.views.current(r)).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.truncate(MAX_SUPERSEDES);
        seen
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.dice.below(of.len() as u64) as usize]
    }

    fn words(&mut self, most: u64) -> String {
        (0..=self.dice.below(most)).map(|_| self.pick(WORDS)).collect()
    }

    /// A text of one line.
    fn line(&mut self) -> String {
        format!("{} {}", self.words(4).replace('\n', " "), self.dice.below(1_000))
    }

    fn tags(&mut self) -> Vec<String> {
        (0..self.dice.below(3)).map(|_| format!("标签{}", self.dice.below(5))).collect()
    }

    fn some<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.dice.below(2) == 0).then(|| make(self))
    }

    fn any_note(&mut self) -> Option<NoteId> {
        let notes: Vec<NoteId> = self.views.notes().collect();
        (!notes.is_empty()).then(|| notes[self.dice.below(notes.len() as u64) as usize])
    }

    fn any_link(&mut self) -> LinkId {
        link::id(self.pick(URLS))
    }

    fn name(&mut self) -> Action {
        let name = self.line().trim().chars().take(40).collect();
        if self.dice.below(3) == 0 {
            let supersedes = self.supersedes(&[Register::GroupName]);
            Action::GroupName(GroupName { name, supersedes })
        } else {
            let supersedes = self.supersedes(&[Register::PersonName(self.person)]);
            Action::Profile(Profile { name, supersedes })
        }
    }

    fn note_new(&mut self) -> Action {
        let text = Text::new().next_edit_towards(&self.words(30)).unwrap_or_default();
        let topic = self.some(|w| w.pick(TOPICS).to_owned());
        Action::NoteNew(NoteNew { title: self.line(), topic, tags: self.tags(), text })
    }

    fn note_edit(&mut self) -> Action {
        let Some(note) = self.any_note() else { return self.note_new() };
        let text = self.views.text(note);
        let mut chars: Vec<char> = text.read().chars().collect();
        for _ in 0..=self.dice.below(3) {
            let at = self.dice.below(chars.len() as u64 + 1) as usize;
            if self.dice.below(3) == 0 {
                let end = (at + self.dice.below(20) as usize).min(chars.len());
                chars.drain(at..end);
            } else {
                let words = self.words(5);
                chars.splice(at..at, words.chars());
            }
        }
        let new: String = chars.into_iter().collect();
        let edit = text.next_edit_towards(&new).unwrap_or_default();
        Action::NoteEdit(NoteEdit { note, builds_on: self.views.latest_edits(note), edit })
    }

    fn note_set(&mut self) -> Action {
        let Some(note) = self.any_note() else { return self.note_new() };
        let registers = [
            Register::NoteTitle(note),
            Register::NoteTopic(note),
            Register::NoteTags(note),
            Register::NoteDeleted(note),
        ];
        Action::NoteSet(NoteSet {
            note,
            title: self.some(Self::line),
            topic: self.some(|w| w.pick(TOPICS).to_owned()),
            tags: self.some(Self::tags),
            deleted: self.some(|w| w.dice.below(2) == 0),
            supersedes: self.supersedes(&registers),
        })
    }

    fn link_registers(link: LinkId) -> [Register; 4] {
        [Register::LinkTitle(link), Register::LinkTags(link), Register::LinkTopic(link), Register::LinkRemoved(link)]
    }

    fn link_add(&mut self) -> Action {
        let url = self.pick(URLS).to_owned();
        let id = link::id(&url);
        let registers = [&Self::link_registers(id)[..], &[Register::LinkAdded(id, self.person)]].concat();
        let topic = self.some(|w| w.pick(TOPICS).to_owned()).unwrap_or_default();
        let supersedes = self.supersedes(&registers);
        Action::LinkAdd(LinkAdd { url, title: self.line(), tags: self.tags(), topic, supersedes })
    }

    fn link_set(&mut self) -> Action {
        let link = self.any_link();
        let supersedes = self.supersedes(&Self::link_registers(link));
        Action::LinkSet(LinkSet {
            link,
            title: self.some(Self::line),
            tags: self.some(Self::tags),
            topic: self.some(|w| w.pick(TOPICS).to_owned()),
            removed: self.some(|w| w.dice.below(2) == 0),
            supersedes,
        })
    }

    fn link_opinion(&mut self) -> Action {
        let (link, yes) = (self.any_link(), self.dice.below(3) > 0);
        if self.dice.below(2) == 0 {
            let supersedes = self.supersedes(&[Register::LinkVote(link, self.person)]);
            Action::LinkVote(LinkVote { link, up: yes, supersedes })
        } else {
            let supersedes = self.supersedes(&[Register::LinkRead(link, self.person)]);
            Action::LinkRead(LinkRead { link, read: yes, supersedes })
        }
    }

    fn roadmap(&mut self) -> Action {
        let roadmap = self.pick(ROADMAPS).to_owned();
        let mut registers = vec![Register::Roadmap(roadmap.clone())];
        let mut topics: Vec<TopicPut> = vec![];
        for _ in 0..=self.dice.below(3) {
            let id = self.pick(TOPICS).to_owned();
            if topics.iter().any(|put| put.id == id) {
                continue;
            }
            registers.push(Register::Topic(roadmap.clone(), id.clone()));
            let title = Localized::of(&self.line());
            let topic = (self.dice.below(5) > 0).then(|| Topic { id: id.clone(), title, ..Topic::default() });
            topics.push(TopicPut { id, topic });
        }
        let meta = self.some(|w| RoadmapMeta {
            title: Localized::of(&w.line()),
            description: Localized::default(),
            removed: w.dice.below(4) == 0,
        });
        let supersedes = self.supersedes(&registers);
        Action::RoadmapEdit(RoadmapEdit { roadmap, meta, topics, supersedes })
    }

    fn progress(&mut self) -> Action {
        let topic = self.pick(TOPICS).to_owned();
        let states = [TopicState::Todo, TopicState::Doing, TopicState::Done, TopicState::Skip];
        let supersedes = self.supersedes(&[Register::Progress(self.person, topic.clone())]);
        Action::Progress(Progress {
            topic,
            state: states[self.dice.below(4) as usize],
            minutes: self.dice.below(240) as u32,
            evidence: self.some(|w| w.pick(URLS).to_owned()),
            remark: self.some(Self::line),
            supersedes,
        })
    }
}
