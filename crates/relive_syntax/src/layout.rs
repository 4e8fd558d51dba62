//! Where the lines of a program stand, when not all of them stand in its file.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::outline::{Lines, Outline, Unit};

/// Lines of a program's text, and where they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Which lines of the program's text.
    pub lines: Lines,
    /// The line at which the first of them is shown.
    pub shown: u32,
}

/// Where a program's lines are shown: in its file, or behind the file's end if they are not in it.
///
/// A program whose file lacks some of its definitions is one text to the parser and to CPython's compiler. Yet every
/// line that is in the file must be told by its number there. So the lines of [units](Unit) are those that are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// In the order of the program, without gaps.
    pieces: Vec<Piece>,
    /// What is shown.
    text: Arc<str>,
}

impl Outline {
    /// Have the lines of all units be those at which they are shown.
    ///
    /// `pieces` are in the order of the text and cover it; `shown` is the text in which they are shown.
    #[must_use]
    pub fn laid_out(mut self, pieces: Vec<Piece>, shown: Arc<str>) -> Self {
        let layout = Layout {
            pieces,
            text: shown,
        };
        for unit in &mut self.units {
            layout.place(unit);
        }
        self.layout = Some(Arc::new(layout));
        self
    }

    /// The text that tracebacks show lines of.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.layout
            .as_ref()
            .map_or(&self.text, |layout| &layout.text)
    }

    /// Where the lines of the text are shown; empty if that is where they are.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        self.layout.as_ref().map_or(&[], |layout| &layout.pieces)
    }

    /// The outline of the text with its lines where they stand in it; None if that is this one.
    #[must_use]
    pub fn as_written(&self) -> Option<Self> {
        self.layout.as_ref()?;
        Self::parse(Arc::clone(&self.text)).ok()
    }

    /// The lines of the text that are shown at these.
    pub(crate) fn own(&self, shown: Lines) -> Lines {
        let Some(layout) = &self.layout else {
            return shown;
        };
        Lines {
            first: layout.own(shown.first),
            last: layout.own(shown.last),
        }
    }
}

impl Layout {
    fn place(&self, unit: &mut Unit) {
        unit.relocate(|lines| Lines {
            first: shown_at(&self.pieces, lines.first),
            last: shown_at(&self.pieces, lines.last),
        });
    }

    fn own(&self, shown: u32) -> u32 {
        let holds = |piece: &&Piece| {
            let count = piece.lines.last + 1 - piece.lines.first;
            (piece.shown..piece.shown + count).contains(&shown)
        };
        let piece = self.pieces.iter().find(holds);
        piece.map_or(shown, |piece| piece.lines.first + (shown - piece.shown))
    }
}

/// Where a line of a text is shown.
#[must_use]
pub fn shown_at(pieces: &[Piece], line: u32) -> u32 {
    let index = pieces.partition_point(|piece| piece.lines.last < line);
    match pieces.get(index) {
        Some(piece) if line >= piece.lines.first => piece.shown + (line - piece.lines.first),
        _ => line,
    }
}
