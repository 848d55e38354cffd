//! The JSON of a React Flow canvas, as roadmap.sh draws its roadmaps: boxes at positions, joined by edges.
//!
//! What belongs together is only partly said. A subtopic hangs by an edge, or lies in a section's box, or is merely
//! near its topic; this is tried in that order. Edges to boxes that do not exist are passed over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::build::{self, Head, Item, one_line};
use super::{ImportError, progress};
use crate::model::roadmap::{Draft, Localized, MAX_AFTER, MAX_TITLE, MAX_TOPICS, Topic, TopicKind, is_id, slug};

/// Boxes of any type in one canvas.
const MAX_NODES: usize = 4_000;
/// Edges in one canvas.
const MAX_EDGES: usize = 16_000;
/// Hex digits of an id made from a node's id: 48 bits, so that 1,000 of them hardly ever collide.
const ID_DIGITS: usize = 12;

/// The topic id of a node: its own id when that is a slug, else a hash of it. The same in a roadmap and its progress.
pub(super) fn topic_id(node: &str) -> String {
    if is_id(node) { node.to_owned() } else { format!("n-{}", slug::hash(node.as_bytes(), ID_DIGITS)) }
}

/// Any JSON; deep nesting is an error of the parser.
pub(super) fn json(text: &str) -> Result<Value, ImportError> {
    serde_json::from_str(text).map_err(|error| {
        let cause = error.to_string();
        let cause = cause.split(" at line ").next().unwrap_or_default().to_owned();
        ImportError::Json { line: error.line(), column: error.column(), cause }
    })
}

pub(super) fn read(name_hint: &str, text: &str) -> Result<Draft, ImportError> {
    let value = json(text)?;
    if value.get("mockup").is_some() {
        return Err(ImportError::Balsamiq);
    }
    if progress::is_progress(&value) {
        return Err(ImportError::ProgressNotRoadmap);
    }
    let nodes = value.get("nodes").and_then(Value::as_array).ok_or(ImportError::UnknownJson)?;
    let edges = value.get("edges").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (what, found, max) in [("nodes", nodes.len(), MAX_NODES), ("edges", edges.len(), MAX_EDGES)] {
        if found > max {
            return Err(ImportError::TooMany { what, found, max });
        }
    }
    let canvas = Canvas::new(nodes, edges);
    let topics = canvas.boxes.iter().filter(|item| item.role.is_topic()).count();
    if topics > MAX_TOPICS {
        return Err(ImportError::TooMany { what: "topics", found: topics, max: MAX_TOPICS });
    }
    let drawn = canvas.boxes.iter().find(|item| item.role == Role::Title).map(|item| item.label.clone());
    let title = value.get("title").and_then(words).or(drawn).unwrap_or_default();
    let head = Head {
        title: Localized::of(&title),
        description: Localized::of(&value.get("description").and_then(words).unwrap_or_default()),
        ..Head::default()
    };
    build::draft(name_hint, head, canvas.items(), false)
}

/// A title or description: a text, or one under `page` or `card`. One line, shortened to the length of a title.
fn words(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| ["page", "card"].iter().find_map(|key| value.get(key)?.as_str()))?;
    let text = clipped(text);
    (!text.is_empty()).then_some(text)
}

fn clipped(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(MAX_TITLE) {
        None => line,
        Some(_) => line.chars().take(MAX_TITLE - 1).chain(['…']).collect(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Topic,
    Subtopic,
    /// A thing to do, hung like a subtopic.
    Todo,
    /// A box around others.
    Section,
    /// The canvas's own title.
    Title,
}

impl Role {
    /// `None` for what only decorates: labels, buttons, lines, paragraphs.
    fn of(kind: &str) -> Option<Self> {
        match kind {
            "topic" => Some(Self::Topic),
            "subtopic" => Some(Self::Subtopic),
            "todo" => Some(Self::Todo),
            "section" => Some(Self::Section),
            "title" => Some(Self::Title),
            _ => None,
        }
    }

    fn is_topic(self) -> bool {
        matches!(self, Self::Topic | Self::Subtopic | Self::Todo)
    }

    fn hangs(self) -> bool {
        matches!(self, Self::Subtopic | Self::Todo)
    }
}

struct Shape {
    node: String,
    role: Role,
    label: String,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Shape {
    /// `None` for a node without an id, of no use, or a topic without a label.
    fn new(node: &Value) -> Option<Self> {
        let role = Role::of(node.get("type")?.as_str()?)?;
        let label = clipped(node.get("data").and_then(|data| data.get("label")).and_then(Value::as_str).unwrap_or(""));
        if label.is_empty() && role != Role::Section {
            return None;
        }
        let number = |value: Option<&Value>| value.and_then(Value::as_f64).filter(|n| n.is_finite());
        let position = node.get("positionAbsolute").or_else(|| node.get("position"));
        let place = |axis: &str| number(position.and_then(|position| position.get(axis))).unwrap_or(0.0);
        let size = |side: &str| {
            let places = [Some(node), node.get("measured"), node.get("style")];
            places.into_iter().flatten().find_map(|place| number(place.get(side))).unwrap_or(0.0).max(0.0)
        };
        Some(Self {
            node: node.get("id")?.as_str()?.to_owned(),
            role,
            label,
            x: place("x"),
            y: place("y"),
            width: size("width"),
            height: size("height"),
        })
    }

    fn center(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    fn holds(&self, (x, y): (f64, f64)) -> bool {
        (self.x..=self.x + self.width).contains(&x) && (self.y..=self.y + self.height).contains(&y)
    }

    fn distance(&self, (x, y): (f64, f64)) -> f64 {
        let (own_x, own_y) = self.center();
        (own_x - x).hypot(own_y - y)
    }
}

/// The boxes of use, top to bottom, then left to right, and between which of them there is an edge.
struct Canvas {
    boxes: Vec<Shape>,
    neighbours: Vec<BTreeSet<usize>>,
}

impl Canvas {
    fn new(nodes: &[Value], edges: &[Value]) -> Self {
        let mut seen = BTreeSet::new();
        let mut boxes: Vec<Shape> =
            nodes.iter().filter_map(Shape::new).filter(|item| seen.insert(item.node.clone())).collect();
        boxes.sort_by(|a, b| a.y.total_cmp(&b.y).then(a.x.total_cmp(&b.x)).then_with(|| a.node.cmp(&b.node)));
        let index: BTreeMap<&str, usize> = boxes.iter().enumerate().map(|(at, b)| (b.node.as_str(), at)).collect();
        let mut neighbours = vec![BTreeSet::new(); boxes.len()];
        for edge in edges {
            let end = |name: &str| edge.get(name).and_then(Value::as_str).and_then(|id| index.get(id)).copied();
            if let (Some(source), Some(target)) = (end("source"), end("target"))
                && source != target
            {
                neighbours[source].insert(target);
                neighbours[target].insert(source);
            }
        }
        Self { boxes, neighbours }
    }

    fn all(&self, role: impl Fn(Role) -> bool) -> Vec<usize> {
        (0..self.boxes.len()).filter(|at| role(self.boxes[*at].role)).collect()
    }

    /// The topics, each before what it holds, neighbours in the order of the canvas.
    fn items(&self) -> Vec<Item> {
        let parents = self.parents();
        let mut held: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        for at in self.all(Role::is_topic) {
            held.entry(parents[at]).or_default().push(at);
        }
        let mut open: Vec<usize> = held.get(&None).into_iter().flatten().rev().copied().collect();
        let mut order = Vec::new();
        while let Some(at) = open.pop() {
            order.push(at);
            open.extend(held.get(&Some(at)).into_iter().flatten().rev());
        }
        let place: BTreeMap<usize, usize> = order.iter().enumerate().map(|(place, at)| (*at, place)).collect();
        let item = |at: &usize| {
            let shape = &self.boxes[*at];
            let id = topic_id(&shape.node);
            let known =
                id == shape.node || shape.node.chars().count() > MAX_TITLE || one_line(&shape.node) != shape.node;
            let topic = Topic {
                title: Localized::of(&shape.label),
                kind: if shape.role == Role::Todo { TopicKind::Practice } else { TopicKind::Topic },
                after: self.after(*at),
                aliases: if known { Vec::new() } else { vec![shape.node.clone()] },
                ..Topic::default()
            };
            let parent = parents[*at].and_then(|parent| place.get(&parent).copied());
            Item { id: Some(id), topic, parent, ..Item::default() }
        };
        order.iter().map(item).collect()
    }

    /// Topics joined by an edge are studied from the upper to the lower, whichever way the edge was drawn: so there is
    /// never a circle.
    fn after(&self, at: usize) -> Vec<String> {
        if self.boxes[at].role != Role::Topic {
            return Vec::new();
        }
        let earlier = self.neighbours[at].range(..at).filter(|other| self.boxes[**other].role == Role::Topic);
        earlier.take(MAX_AFTER).map(|other| topic_id(&self.boxes[*other].node)).collect()
    }

    /// For every box, the topic or subtopic that it hangs from: by edges, else by its section, else by nearness.
    fn parents(&self) -> Vec<Option<usize>> {
        let topics = self.all(|role| role == Role::Topic);
        let sections = self.all(|role| role == Role::Section);
        let mut parents = vec![None; self.boxes.len()];
        self.hang_by_edges(&topics, &mut parents);
        let owners: BTreeMap<usize, usize> =
            sections.iter().filter_map(|section| Some((*section, self.owner(*section, &topics, &parents)?))).collect();
        for at in self.all(Role::hangs) {
            if parents[at].is_none() {
                let center = self.boxes[at].center();
                let around = sections.iter().copied().filter(|section| self.boxes[*section].holds(center));
                let section = around.min_by(|a, b| self.area(*a).total_cmp(&self.area(*b)));
                let owner = section.and_then(|section| owners.get(&section).copied());
                parents[at] = owner.or_else(|| self.nearest(center, &topics));
            }
        }
        parents
    }

    /// Breadth first from the topics, so that a chain of subtopics hangs from the topic at its end.
    fn hang_by_edges(&self, topics: &[usize], parents: &mut [Option<usize>]) {
        let mut queue: VecDeque<usize> = topics.iter().copied().collect();
        while let Some(at) = queue.pop_front() {
            for other in &self.neighbours[at] {
                if self.boxes[*other].role.hangs() && parents[*other].is_none() {
                    parents[*other] = Some(at);
                    queue.push_back(*other);
                }
            }
        }
    }

    /// The topic of a section: joined to its box, else inside it, else that of something inside, else the nearest.
    fn owner(&self, section: usize, topics: &[usize], parents: &[Option<usize>]) -> Option<usize> {
        let shape = &self.boxes[section];
        let inside = |at: &&usize| shape.holds(self.boxes[**at].center());
        let joined = self.neighbours[section].iter().find(|at| self.boxes[**at].role == Role::Topic);
        let within = || topics.iter().find(inside);
        let hanging = self.all(Role::hangs);
        let through = || {
            let parents = hanging.iter().filter(inside).filter_map(|at| parents[*at]);
            parents.into_iter().find(|parent| self.boxes[*parent].role == Role::Topic)
        };
        joined.or_else(within).copied().or_else(through).or_else(|| self.nearest(shape.center(), topics))
    }

    fn area(&self, at: usize) -> f64 {
        self.boxes[at].width * self.boxes[at].height
    }

    fn nearest(&self, place: (f64, f64), topics: &[usize]) -> Option<usize> {
        let distance = |at: &usize| self.boxes[*at].distance(place);
        topics.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{import, read as read_file};
    use super::*;

    fn node(id: &str, kind: &str, (x, y): (i32, i32), (width, height): (i32, i32)) -> Value {
        json!({"id": id, "type": kind, "position": {"x": x, "y": y}, "width": width, "height": height,
               "data": {"label": format!("Label {id}")}})
    }

    fn topic(id: &str, kind: &str, x: i32, y: i32) -> Value {
        node(id, kind, (x, y), (10, 10))
    }

    fn edge(source: &str, target: &str) -> Value {
        json!({"source": source, "target": target, "data": {"edgeStyle": "dashed"}})
    }

    fn canvas(nodes: Vec<Value>, edges: Vec<Value>) -> Vec<u8> {
        json!({"nodes": nodes, "edges": edges}).to_string().into_bytes()
    }

    fn parents(bytes: &[u8]) -> Vec<(String, String)> {
        let roadmap = import("map.json", bytes).unwrap();
        roadmap.topics.into_iter().map(|topic| (topic.id, topic.parent.unwrap_or_default())).collect()
    }

    #[test]
    fn a_subtopic_hangs_by_edge_then_by_section_then_by_nearness() {
        let file = canvas(
            vec![
                node("s", "section", (500, 480), (100, 100)),
                topic("near", "subtopic", 20, 210),
                topic("boxed", "subtopic", 510, 500),
                topic("t2", "topic", 0, 200),
                topic("t1", "topic", 0, 0),
                topic("linked", "subtopic", 0, 220),
                topic("chained", "subtopic", 0, 230),
                topic("later", "todo", 0, 240),
                topic("x", "button", 0, 0),
            ],
            vec![
                edge("t1", "linked"),
                edge("linked", "chained"),
                edge("s", "t1"),
                edge("gone", "t1"),
                edge("t2", "t1"),
            ],
        );
        let expected = [
            ("t1", ""),
            ("linked", "t1"),
            ("chained", "linked"),
            ("boxed", "t1"),
            ("t2", ""),
            ("near", "t2"),
            ("later", "t2"),
        ];
        assert_eq!(parents(&file), expected.map(|(id, parent)| (id.to_owned(), parent.to_owned())));
        let roadmap = import("map.json", &file).unwrap();
        assert_eq!(roadmap.find("t2").unwrap().after, ["t1"]);
        assert_eq!(roadmap.find("later").unwrap().kind, TopicKind::Practice);
        assert_eq!(roadmap.title.en, "map");
    }

    #[test]
    fn a_section_without_an_edge_belongs_to_whom_its_content_belongs() {
        let file = canvas(
            vec![
                node("s", "section", (100, 100), (100, 100)),
                topic("far", "topic", 900, 900),
                topic("close", "topic", 90, 90),
                topic("a", "subtopic", 120, 120),
                topic("b", "subtopic", 150, 150),
            ],
            vec![edge("far", "a")],
        );
        assert!(parents(&file).contains(&("b".to_owned(), "far".to_owned())));
    }

    #[test]
    fn an_id_is_stable_and_the_nodes_own_id_stays_as_an_alias() {
        let file = canvas(vec![topic("Xl5_c", "topic", 0, 0), topic("Xl5_c", "topic", 1, 1)], vec![]);
        let draft = read_file("a.json", &file).unwrap();
        assert_eq!(draft.roadmap.topics.len(), 1);
        assert_eq!(draft.roadmap.topics[0].id, topic_id("Xl5_c"));
        assert_eq!(draft.roadmap.topics[0].aliases, ["Xl5_c"]);
        assert!(draft.given.contains(&topic_id("Xl5_c")));
        assert_eq!(draft.roadmap.find("Xl5_c").unwrap().title.en, "Label Xl5_c");
    }

    #[test]
    fn what_is_no_such_canvas_is_refused_with_its_reason() {
        let error = |text: &str| import("a.json", text.as_bytes()).unwrap_err();
        assert_eq!(error("{\"mockup\": {}}"), ImportError::Balsamiq);
        assert_eq!(error("{\"done\": []}"), ImportError::ProgressNotRoadmap);
        assert_eq!(error("[]"), ImportError::UnknownJson);
        assert_eq!(error("{\"nodes\": []}"), ImportError::NoTopic);
        assert!(matches!(error("{\n\"nodes\": x"), ImportError::Json { line: 2, .. }));
        let many = canvas((0..=MAX_NODES).map(|_| json!({})).collect(), vec![]);
        assert!(matches!(import("a", &many), Err(ImportError::TooMany { what: "nodes", .. })));
        let many = canvas((0..=MAX_TOPICS).map(|n| topic(&format!("t{n}"), "topic", 0, 0)).collect(), vec![]);
        assert!(matches!(import("a", &many), Err(ImportError::TooMany { what: "topics", .. })));
    }

    proptest! {
        #[test]
        fn any_canvas_gives_a_valid_roadmap_or_an_error(
            boxes in proptest::collection::vec((0_u8..20, 0..5_usize, -9_i32..9, -9_i32..9, 0_i32..9), 0..24),
            edges in proptest::collection::vec((0_u8..24, 0_u8..24), 0..40),
        ) {
            let kinds = ["topic", "subtopic", "todo", "section", "title"];
            let nodes: Vec<Value> = boxes
                .iter()
                .map(|(id, kind, x, y, size)| node(&format!("N{id}"), kinds[*kind], (*x, *y), (*size, *size)))
                .collect();
            let edges = edges.iter().map(|(a, b)| edge(&format!("N{a}"), &format!("N{b}"))).collect();
            match import("a.json", &canvas(nodes, edges)) {
                Ok(roadmap) => {
                    prop_assert_eq!(roadmap.validate(), Ok(()));
                    let ids: BTreeSet<&u8> = boxes.iter().map(|row| &row.0).collect();
                    prop_assert!(roadmap.topics.len() <= ids.len());
                }
                Err(error) => prop_assert_eq!(error, ImportError::NoTopic),
            }
        }
    }
}
