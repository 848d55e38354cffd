//! This node and its peers: a line each, drawn by how it is carried.

use maud::{Markup, html};

use super::text;

/// Most peers of the picture; the table has all.
pub const SHOWN: usize = 16;
const WIDTH: f64 = 760.0;
const MIDDLE_Y: f64 = 190.0;
const HEIGHT: f64 = 380.0;
/// The half axes of the ellipse on which the peers stand.
const RADIUS: (f64, f64) = (270.0, 135.0);

/// A peer as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its member's name, or the end of its id.
    pub name: String,
    /// One or two letters.
    pub initials: String,
    /// The colour of its face.
    pub tint: usize,
    /// Whether a relay carries it.
    pub relayed: bool,
    /// Whether it is a neighbour in a gossip mesh.
    pub mesh: bool,
    /// Transport and round trip.
    pub line: String,
    /// A sign that says how it compares, and its class.
    pub sign: (&'static str, &'static str),
}

/// The picture.
pub fn draw(peers: &[Peer], here: &str, title: &str, description: &str) -> Markup {
    let drawn: Vec<(&Peer, (f64, f64))> =
        peers.iter().take(SHOWN).enumerate().map(|(n, peer)| (peer, place(n, peers.len().min(SHOWN)))).collect();
    let center = (WIDTH / 2.0, MIDDLE_Y);
    html! {
        svg.net viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="net-title net-desc" {
            title #net-title { (title) }
            desc #net-desc { (description) }
            @for (peer, (x, y)) in &drawn {
                line.wire.relayed[peer.relayed].mesh[peer.mesh] x1=(center.0) y1=(center.1) x2=(x) y2=(y) {}
            }
            @for (peer, (x, y)) in &drawn {
                @let (at_x, at_y) = (center.0 + (x - center.0) * 0.56, center.1 + (y - center.1) * 0.56);
                @let width = f64::from(text::ems(&peer.line)) * 11.0 + 10.0;
                rect.label x=(round(at_x - width / 2.0)) y=(round(at_y - 9.0)) width=(round(width)) height="18" rx="9" {}
                text.small x=(round(at_x)) y=(round(at_y + 4.0)) text-anchor="middle" font-size="11" { (peer.line) }
            }
            @for (peer, (x, y)) in &drawn {
                circle class={ "facedot t" (peer.tint) } cx=(x) cy=(y) r="19" {}
                text.initial x=(x) y=(round(y + 5.0)) text-anchor="middle" font-size="14" { (peer.initials) }
                circle class={ "badge " (peer.sign.1) } cx=(round(x + 15.0)) cy=(round(y - 14.0)) r="8" {}
                text class={ "sign " (peer.sign.1) } x=(round(x + 15.0)) y=(round(y - 10.0)) text-anchor="middle" font-size="11" { (peer.sign.0) }
                text x=(x) y=(round(y + 35.0)) text-anchor="middle" font-size="13" { (text::lines(&peer.name, 11.0, 1).concat()) }
            }
            circle.own cx=(center.0) cy=(center.1) r="38" {}
            text.own x=(center.0) y=(round(center.1 + 4.0)) text-anchor="middle" font-size="12" { (text::lines(here, 6.0, 1).concat()) }
        }
    }
}

/// Where the peer number `n` of `all` stands; the first one at the left.
fn place(n: usize, all: usize) -> (f64, f64) {
    // Both are at most SHOWN.
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let turn = std::f64::consts::TAU * (n as f64 / all.max(1) as f64) + std::f64::consts::PI;
    (round(WIDTH / 2.0 + RADIUS.0 * turn.cos()), round(MIDDLE_Y - 8.0 + RADIUS.1 * turn.sin()))
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_stand_apart_inside_the_picture_and_their_names_are_text() {
        let peer = |n: usize| Peer {
            name: format!("<b>{n}"),
            initials: "B".into(),
            tint: 0,
            relayed: n == 1,
            mesh: n == 2,
            line: "quic · 12 ms".into(),
            sign: ("=", "s-done"),
        };
        for count in [0, 1, 2, 5, SHOWN, 40] {
            let peers: Vec<Peer> = (0..count).map(peer).collect();
            let svg = draw(&peers, "here", "t", "d").into_string();
            assert_eq!(svg.matches("facedot").count(), count.min(SHOWN));
            assert!(!svg.contains("<b>"));
            let places: Vec<(f64, f64)> = (0..count.min(SHOWN)).map(|n| place(n, count.min(SHOWN))).collect();
            for (n, a) in places.iter().enumerate() {
                assert!(a.0 > 40.0 && a.0 < WIDTH - 40.0 && a.1 > 30.0 && a.1 < HEIGHT - 40.0, "{a:?}");
                assert!(places.iter().skip(n + 1).all(|b| (a.0 - b.0).hypot(a.1 - b.1) > 44.0), "{count}");
            }
        }
    }
}
