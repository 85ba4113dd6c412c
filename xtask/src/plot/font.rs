//! The font: how wide a text is, and its outlines for the PNG.
//!
//! Roboto Regular 2.138 (Apache-2.0, Google), cut down to the Latin and Greek letters, digits and signs that labels
//! need, without hints and kerning; `roboto.py` made it. The SVG names the fonts that readers have, and their widths
//! differ by little.

use mbrl_core::{Error, Result};
use ttf_parser::{Face, GlyphId};

const BYTES: &[u8] = include_bytes!("roboto.ttf");

/// Measures texts.
pub(super) struct Font {
    face: Face<'static>,
}

impl Font {
    pub(super) fn load() -> Result<Font> {
        Ok(Font { face: Face::parse(BYTES, 0).map_err(Error::backend)? })
    }

    /// How wide a text of this size is; an error where a letter cannot be drawn.
    pub(super) fn width(&self, text: &str, size: f64) -> Result<f64> {
        let mut width = 0;
        for letter in text.chars() {
            width += u64::from(self.advance(self.glyph(text, letter)?));
        }
        Ok(width as f64 * self.scale(size))
    }

    /// The glyphs of a text, each with how far right of the beginning it stands.
    pub(super) fn glyphs(&self, text: &str, size: f64) -> Result<Vec<(GlyphId, f64)>> {
        let mut right = 0.0;
        let place = |letter| {
            let glyph = self.glyph(text, letter)?;
            let here = right;
            right += f64::from(self.advance(glyph)) * self.scale(size);
            Ok((glyph, here))
        };
        text.chars().map(place).collect()
    }

    /// The outline of a glyph, in font units, y upwards.
    pub(super) fn outline(&self, glyph: GlyphId, pen: &mut impl ttf_parser::OutlineBuilder) {
        // A space has none.
        let _ = self.face.outline_glyph(glyph, pen);
    }

    /// The size of a font unit in a text of this size.
    pub(super) fn scale(&self, size: f64) -> f64 {
        size / f64::from(self.face.units_per_em())
    }

    fn advance(&self, glyph: GlyphId) -> u16 {
        self.face.glyph_hor_advance(glyph).unwrap_or(0)
    }

    fn glyph(&self, text: &str, letter: char) -> Result<GlyphId> {
        self.face.glyph_index(letter).ok_or_else(|| {
            Error::invalid(format_args!(
                "{text:?} has {letter:?}, which the font lacks: write it in other letters"
            ))
        })
    }
}
