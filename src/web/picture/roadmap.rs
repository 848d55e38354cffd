//! A roadmap as a picture: stages along a spine, in each the topics in layers, below what they build on.
//!
//! It is drawn twice, for wide and for narrow windows; the style sheet shows one of them.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::text;
use crate::web::lang::Texts;

/// One topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// What people read.
    pub title: String,
    /// `stage`, `topic` or `practice`.
    pub kind: String,
    /// What holds it; empty for none.
    pub parent: String,
    /// What comes before it.
    pub after: Vec<String>,
    /// One's own state.
    pub state: String,
    /// When it is studied; may be empty.
    pub months: String,
    /// Its page.
    pub path: String,
    /// Others who are on it or have finished it.
    pub faces: Vec<Face>,
}

/// A person at a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// One or two letters.
    pub initials: String,
    /// Which colour.
    pub tint: usize,
    /// The name.
    pub name: String,
    /// How far.
    pub state: String,
}

/// Most faces of one topic; the others are counted.
const MAX_FACES: usize = 3;

/// The measures of a drawing, in units of the picture.
#[derive(Debug, Clone, Copy)]
struct Measure {
    width: i32,
    columns: usize,
    box_width: i32,
    box_height: i32,
    gap: i32,
    font: i32,
}

const WIDE: Measure = Measure { width: 1060, columns: 4, box_width: 248, box_height: 54, gap: 22, font: 14 };
const SLIM: Measure = Measure { width: 400, columns: 1, box_width: 368, box_height: 56, gap: 16, font: 15 };
/// Height of a stage's head, and the room below it and below a stage.
const HEAD: i32 = 44;
const UNDER_HEAD: i32 = 26;
const UNDER_STAGE: i32 = 34;
/// Room between two layers.
const LAYER: i32 = 34;

/// A topic with its place.
struct Placed<'a> {
    node: &'a Node,
    x: i32,
    y: i32,
}

/// A stage's head with its place.
struct Head<'a> {
    node: &'a Node,
    y: i32,
    done: usize,
    all: usize,
}

/// Where everything stands.
struct Plan<'a> {
    measure: Measure,
    heads: Vec<Head<'a>>,
    placed: Vec<Placed<'a>>,
    height: i32,
}

/// The picture of a roadmap.
pub fn draw(texts: Texts, title: &str, nodes: &[Node], done: usize) -> Markup {
    let stages = nodes.iter().filter(|node| node.kind == "stage").count();
    let about = texts.picture_desc(stages, nodes.len() - stages, done);
    html! {
        (picture(texts, title, &about, &plan(nodes, WIDE), "wide"))
        (picture(texts, title, &about, &plan(nodes, SLIM), "slim"))
    }
}

/// The stage that holds a topic, at any depth.
fn stage_of<'a>(by_id: &BTreeMap<&str, &'a Node>, node: &Node) -> Option<&'a str> {
    let mut at = *by_id.get(node.parent.as_str())?;
    for _ in 0..by_id.len() {
        if at.kind == "stage" {
            return Some(&at.id);
        }
        at = by_id.get(at.parent.as_str())?;
    }
    None
}

fn plan(nodes: &[Node], measure: Measure) -> Plan<'_> {
    let by_id: BTreeMap<&str, &Node> = nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut stages: Vec<(Option<&Node>, Vec<&Node>)> = vec![(None, vec![])];
    stages.extend(nodes.iter().filter(|node| node.kind == "stage").map(|node| (Some(node), vec![])));
    for node in nodes.iter().filter(|node| node.kind != "stage") {
        let stage = stage_of(&by_id, node);
        let place = stages.iter().position(|(of, _)| of.map(|s| s.id.as_str()) == stage).unwrap_or(0);
        if let Some((_, held)) = stages.get_mut(place) {
            held.push(node);
        }
    }
    let (mut heads, mut placed, mut y) = (vec![], vec![], 4);
    for (stage, held) in stages.into_iter().filter(|(stage, held)| stage.is_some() || !held.is_empty()) {
        if let Some(node) = stage {
            let done = held.iter().filter(|n| n.state == "done").count();
            heads.push(Head { node, y, done, all: held.len() });
            y += HEAD + UNDER_HEAD;
        }
        for row in rows(&held, measure.columns) {
            let many = i32::try_from(row.len()).unwrap_or(1);
            let width = many * measure.box_width + (many - 1) * measure.gap;
            let mut x = (measure.width - width) / 2;
            for node in row {
                placed.push(Placed { node, x, y });
                x += measure.box_width + measure.gap;
            }
            y += measure.box_height + if measure.columns == 1 { measure.gap } else { LAYER };
        }
        y += UNDER_STAGE - LAYER.min(UNDER_STAGE);
    }
    Plan { measure, heads, placed, height: y }
}

/// The topics of a stage in rows: below everything in the stage that they build on, and close to it.
fn rows<'a>(held: &[&'a Node], columns: usize) -> Vec<Vec<&'a Node>> {
    if columns == 1 {
        return held.iter().map(|node| vec![*node]).collect();
    }
    let mut layers: BTreeMap<&str, usize> = BTreeMap::new();
    // A circle can not be; as many rounds as there are topics are enough without one.
    for _ in 0..held.len() {
        let mut is_settled = true;
        for node in held {
            let above = node.after.iter().filter(|id| held.iter().any(|other| other.id == **id));
            let layer = above.filter_map(|id| layers.get(id.as_str()).map(|l| l + 1)).max().unwrap_or(0);
            if layer < held.len() && layers.insert(&node.id, layer) != Some(layer) {
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
    let deepest = layers.values().copied().max().unwrap_or(0);
    let mut order: BTreeMap<&str, f32> = BTreeMap::new();
    let mut out = vec![];
    for layer in 0..=deepest {
        let mut row: Vec<(f32, &Node)> = held
            .iter()
            .enumerate()
            .filter(|(_, node)| layers.get(node.id.as_str()) == Some(&layer))
            .map(|(place, node)| {
                let above: Vec<f32> = node.after.iter().filter_map(|id| order.get(id.as_str()).copied()).collect();
                // Below the middle of what it builds on; reading order decides what that leaves open.
                let middle = if above.is_empty() { 0.5 } else { above.iter().sum::<f32>() / above.len() as f32 };
                (middle + place as f32 * 1e-4, *node)
            })
            .collect();
        row.sort_by(|a, b| a.0.total_cmp(&b.0));
        for chunk in row.chunks(columns) {
            let many = chunk.len() as f32;
            for (place, (_, node)) in chunk.iter().enumerate() {
                order.insert(&node.id, (place as f32 + 0.5) / many);
            }
            out.push(chunk.iter().map(|(_, node)| *node).collect());
        }
    }
    out
}

fn picture(texts: Texts, title: &str, about: &str, plan: &Plan<'_>, class: &str) -> Markup {
    let measure = plan.measure;
    let middle = measure.width / 2;
    html! {
        svg class=(class) viewBox={ "0 0 " (measure.width) " " (plan.height) } role="group" aria-labelledby={ "map-" (class) "-t map-" (class) "-d" } {
            title id={ "map-" (class) "-t" } { (title) }
            desc id={ "map-" (class) "-d" } { (about) }
            @for pair in plan.heads.windows(2) {
                path.spine d={ "M" (middle) " " (pair[0].y + HEAD) "V" (pair[1].y) } {}
            }
            @for line in lines(plan) { path.line d=(line) {} }
            @for head in &plan.heads { (stage(texts, head, measure)) }
            @for placed in &plan.placed { (node(texts, placed, measure)) }
        }
    }
}

fn stage(texts: Texts, head: &Head<'_>, measure: Measure) -> Markup {
    let width = if measure.columns == 1 { measure.box_width } else { 420 };
    let x = (measure.width - width) / 2;
    let room = (width - 24) as f32 / measure.font as f32;
    let count = texts.n_of_done(head.done, head.all);
    let under = if head.node.months.is_empty() { count } else { format!("{} · {count}", head.node.months) };
    html! {
        a.stage href=(head.node.path) {
            rect x=(x) y=(head.y) width=(width) height=(HEAD) rx="8" {}
            text x=(measure.width / 2) y=(head.y + 19) text-anchor="middle" font-size=(measure.font) { (text::lines(&head.node.title, room, 1)[0]) }
            text.small x=(measure.width / 2) y=(head.y + 35) text-anchor="middle" font-size="11" { (under) }
        }
    }
}

/// What a topic looks like: a box with its sign, its title in at most two lines, and who else is there.
fn node(texts: Texts, placed: &Placed<'_>, measure: Measure) -> Markup {
    let Placed { node, x, y } = placed;
    let is_practice = node.kind == "practice";
    let shown = node.faces.len().min(MAX_FACES);
    let more = node.faces.len() - shown;
    let faces_width = i32::try_from(shown).unwrap_or(0) * 15 + if more > 0 { 20 } else { 4 };
    let room = (measure.box_width - if is_practice { 58 } else { 44 } - if shown > 0 { faces_width } else { 0 }) as f32
        / measure.font as f32;
    let lines = text::lines(&node.title, room, 2);
    let middle = y + measure.box_height / 2;
    let first = if lines.len() == 2 { middle - 4 } else { middle + measure.font / 3 };
    let right = x + measure.box_width - 10;
    html! {
        a class={ "node " (super::super::pages::class(&node.state)) @if is_practice { " practice" } } href=(node.path) aria-label=(label(texts, node)) {
            title { (node.title) }
            rect.body x=(x) y=(y) width=(measure.box_width) height=(measure.box_height) rx=(if is_practice { measure.box_height / 2 } else { 7 }) {}
            text.sign x=(x + 20) y=(middle + 5) text-anchor="middle" font-size="14" aria-hidden="true" { (super::super::pages::sign(&node.state)) }
            @for (n, line) in lines.iter().enumerate() {
                text.title x=(x + 36) y=(first + i32::try_from(n).unwrap_or(0) * (measure.font + 4)) font-size=(measure.font) { (line) }
            }
            @for (n, face) in node.faces.iter().take(MAX_FACES).enumerate() {
                @let cx = right - faces_width + 8 + i32::try_from(n).unwrap_or(0) * 15;
                g { title { (face.name) } circle class={ "facedot t" (face.tint) } cx=(cx) cy=(middle) r="10" {}
                    text.initial x=(cx) y=(middle + 3) text-anchor="middle" font-size="8" { (face.initials) } }
            }
            @if more > 0 { text.small x=(right) y=(middle + 4) text-anchor="end" font-size="11" { "+" (more) } }
        }
    }
}

/// What a screen reader says of a topic.
fn label(texts: Texts, node: &Node) -> String {
    let mut out = format!("{}: {}", node.title, super::super::pages::word(texts, &node.state));
    if node.kind == "practice" {
        out = format!("{} · {out}", texts.practice());
    }
    for face in node.faces.iter().take(MAX_FACES) {
        out.push_str(&format!(" · {} {}", face.name, super::super::pages::word(texts, &face.state)));
    }
    if node.faces.len() > MAX_FACES {
        out.push_str(&format!(" · {}", texts.and_more(node.faces.len() - MAX_FACES)));
    }
    out
}

/// The curves from what comes before to what comes after, inside a stage.
fn lines(plan: &Plan<'_>) -> Vec<String> {
    let places: BTreeMap<&str, (i32, i32)> = plan.placed.iter().map(|p| (p.node.id.as_str(), (p.x, p.y))).collect();
    let measure = plan.measure;
    let mut out = vec![];
    for placed in &plan.placed {
        for before in placed.node.after.iter().filter_map(|id| places.get(id.as_str())) {
            let (from_x, from_y) = (before.0 + measure.box_width / 2, before.1 + measure.box_height);
            let (to_x, to_y) = (placed.x + measure.box_width / 2, placed.y);
            let is_far = to_y - from_y > 3 * (measure.box_height + LAYER) || to_y <= from_y;
            // Long ways across stages would only tangle: the topic's page names them.
            let crosses_a_head = plan.heads.iter().any(|head| head.y >= from_y && head.y < to_y);
            let is_next = measure.columns > 1 || to_y - from_y <= measure.gap;
            if !is_far && !crosses_a_head && is_next {
                let half = (to_y - from_y) / 2;
                out.push(format!("M{from_x} {from_y}C{from_x} {} {to_x} {} {to_x} {to_y}", from_y + half, to_y - half));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::roadmap::{Lang, TopicKind, builtin};

    fn nodes(lang: Lang) -> Vec<Node> {
        let one = |topic: &crate::model::roadmap::Topic| Node {
            id: topic.id.clone(),
            title: topic.title.pick(lang).to_owned(),
            kind: match topic.kind {
                TopicKind::Stage => "stage",
                TopicKind::Topic => "topic",
                TopicKind::Practice => "practice",
            }
            .into(),
            parent: topic.parent.clone().unwrap_or_default(),
            after: topic.after.clone(),
            state: "todo".into(),
            ..Node::default()
        };
        builtin::path().topics.iter().map(one).collect()
    }

    #[test]
    fn nothing_overlaps_or_leaves_the_picture_and_everything_is_there_once() {
        for (lang, measure) in [(Lang::En, WIDE), (Lang::Zh, SLIM), (Lang::Zh, WIDE), (Lang::En, SLIM)] {
            let nodes = nodes(lang);
            let plan = plan(&nodes, measure);
            assert_eq!(plan.placed.len() + plan.heads.len(), nodes.len());
            for (n, a) in plan.placed.iter().enumerate() {
                assert!(
                    a.x >= 0 && a.x + measure.box_width <= measure.width && a.y + measure.box_height <= plan.height
                );
                for b in &plan.placed[n + 1..] {
                    let apart = (a.x - b.x).abs() >= measure.box_width || (a.y - b.y).abs() >= measure.box_height;
                    assert!(apart, "{} and {}", a.node.id, b.node.id);
                }
                assert!(
                    plan.heads.iter().all(|h| a.y + measure.box_height <= h.y || a.y >= h.y + HEAD),
                    "{}",
                    a.node.id
                );
            }
        }
    }

    #[test]
    fn what_builds_on_something_stands_below_it() {
        let nodes = nodes(Lang::En);
        let plan = plan(&nodes, WIDE);
        let y = |id: &str| plan.placed.iter().find(|p| p.node.id == id).map(|p| p.y);
        let mut seen = 0;
        for placed in &plan.placed {
            for before in placed.node.after.iter().filter_map(|id| y(id)) {
                seen += 1;
                assert!(before < placed.y, "{}", placed.node.id);
            }
        }
        assert!(seen > 5);
    }

    #[test]
    fn a_roadmap_without_stages_or_topics_or_with_a_circle_is_drawn() {
        let texts = Texts { lang: Lang::En };
        assert!(draw(texts, "t", &[], 0).into_string().contains("<svg"));
        let one = |id: &str, after: &str| Node { id: id.into(), after: vec![after.into()], ..Node::default() };
        let html = draw(texts, "<t>", &[one("a", "b"), one("b", "a")], 0).into_string();
        assert!(html.contains("&lt;t&gt;") && !html.contains("<t>"));
    }
}
