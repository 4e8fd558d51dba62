//! The outline of an edited text, from that of the text before: only what changed is parsed.

use std::collections::HashMap;
use std::sync::Arc;

use ruff_source_file::LineIndex;

use crate::outline::{Lines, Outline, Part, SyntaxError, Unit};

/// The numbers of the lines on which statements may begin, by their text.
type Beginnings<'a> = HashMap<&'a str, Vec<u32>>;

impl Outline {
    /// Outline another version of the text. The outcome is that of [`Outline::parse`], sooner.
    ///
    /// This outline must be as it was parsed, but for the identities of its units.
    pub fn edited(&self, text: Arc<str>) -> Result<Self, SyntaxError> {
        match self.spliced(&text) {
            Some(outline) => Ok(outline),
            None => Self::parse(text),
        }
    }

    /// The units whose lines are found in `text`, and in between those of what is parsed, each piece by itself.
    ///
    /// A piece that is a number of whole statements leaves nothing open, so that what comes after it means what it
    /// means anywhere. None where a piece is not: its end may belong to the unit below it, or its beginning (`else:`)
    /// to the one above.
    fn spliced(&self, text: &Arc<str>) -> Option<Self> {
        // A mark at the beginning of a text is skipped, and nowhere else; lines are told by `\n` here.
        if u32::try_from(text.len()).is_err() || text.contains('\u{feff}') || text.contains('\r') {
            return None;
        }
        let mut new = Self::without_units(Arc::clone(text), &LineIndex::from_source_text(text));
        let beginnings = new.beginnings();
        let mut units = Vec::with_capacity(self.units.len());
        let mut next = 1;
        let keeps_annotations = self.keeps_annotations();
        let part = |above: &[Unit]| Part {
            is_beginning: above.is_empty(),
            keeps_annotations,
        };
        for (index, unit) in self.units.iter().enumerate() {
            let lines = self.lines(unit.lines);
            let Some(first) = new.find(lines, &beginnings, next) else {
                continue;
            };
            units.append(&mut new.piece(next, first, part(&units))?);
            next = first;
            // Whether a string is the docstring depends on whether it comes first.
            if units.is_empty() == (index == 0) {
                let mut unit = unit.clone();
                unit.shift(i64::from(first) - i64::from(unit.lines.first));
                next = unit.lines.last + 1;
                units.push(unit);
            }
        }
        let end = new.line_count() + 1;
        units.append(&mut new.piece(next, end, part(&units))?);
        new.units = units;
        new.note_imports();
        // What is taken over was read in view of it.
        (new.keeps_annotations() == keeps_annotations).then_some(new)
    }

    fn beginnings(&self) -> Beginnings<'_> {
        let mut beginnings = Beginnings::new();
        for (number, line) in (1..).zip(self.text.split_inclusive('\n')) {
            if !line.starts_with([' ', '\t', '\n', '#']) {
                beginnings.entry(line).or_default().push(number);
            }
        }
        beginnings
    }

    /// The first line, from `next` on, of the lines of a unit, if they are there.
    fn find(&self, lines: &str, beginnings: &Beginnings<'_>, next: u32) -> Option<u32> {
        // A backslash takes in what is below it.
        if lines.ends_with("\\\n") {
            return None;
        }
        let begins_so = beginnings.get(lines.split_inclusive('\n').next()?)?;
        let later = &begins_so[begins_so.partition_point(|&line| line < next)..];
        let is_here = |line: &&u32| {
            let rest = self.text[self.end_of_line(**line - 1)..].strip_prefix(lines);
            // The end of a text is no line end: more may follow.
            rest.is_some_and(|rest| rest.is_empty() || lines.ends_with('\n'))
        };
        later.iter().find(is_here).copied()
    }

    /// The units of the lines from `next` to before `end`.
    fn piece(&self, next: u32, end: u32, part: Part) -> Option<Vec<Unit>> {
        let text = self.lines(Lines {
            first: next,
            last: end - 1,
        });
        let is_empty = |line: &str| {
            let line = line.trim_start_matches([' ', '\t', '\x0c']);
            line.is_empty() || line.starts_with(['\n', '#'])
        };
        if text.split_inclusive('\n').all(is_empty) {
            return Some(Vec::new());
        }
        let mut units = Self::parse_part(text.into(), Some(part)).ok()?.units;
        for unit in &mut units {
            unit.shift(i64::from(next) - 1);
        }
        Some(units)
    }
}
