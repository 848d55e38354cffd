//! A text as a QR code, drawn as one path.

use std::fmt::Write as _;

use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};

/// White modules around the code, as the standard asks for.
const QUIET: usize = 4;

/// A QR code; none when the text does not fit into one.
pub fn draw(text: &str, title: &str) -> Option<Markup> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M)
        .or_else(|_| QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L))
        .ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (y, row) in modules.chunks(width).enumerate() {
        let mut x = 0;
        while let Some(color) = row.get(x) {
            let run = row.iter().skip(x).take_while(|other| *other == color).count();
            if *color == Color::Dark {
                // A run of dark modules in one row. Writing into a text never fails.
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run;
        }
    }
    let side = width + 2 * QUIET;
    Some(html! {
        svg.qr viewBox={ "0 0 " (side) " " (side) } role="img" aria-label=(title) {
            title { (title) }
            rect.light width=(side) height=(side) {}
            path.dark d=(path) {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_of_160_bytes_fits_and_its_corners_are_where_readers_look_for_them() {
        // 160 bytes in base32 with the prefix, upper case.
        let ticket = "STUDYMESH".to_owned() + &"A7".repeat(128);
        let svg = draw(&ticket, "t").unwrap().into_string();
        assert!(svg.contains("M4 4h7v1h-7z"), "the finder's upper edge");
        let side: usize = svg.split("0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(side <= 61 + 2 * QUIET, "{side}");
        assert!(draw(&"x".repeat(5_000), "t").is_none());
        assert!(draw("x", "<script>").unwrap().into_string().contains("&lt;script&gt;"));
    }
}
