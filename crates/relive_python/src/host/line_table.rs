//! Having compiled code tell the lines at which its text is shown.
//!
//! The format is described in CPython's `InternalDocs/code_objects.md`; it is the same from 3.11 on.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCode};
use relive_syntax::{Piece, shown_at};

use crate::raw;
use crate::registry;

/// Have code that nothing executes yet, and that nested in it, tell the lines at which its text is shown.
pub(crate) fn relocate(code: &Bound<'_, PyCode>, pieces: &[Piece]) -> PyResult<()> {
    if pieces.is_empty() {
        return Ok(());
    }
    let first = raw::code::first_line(code);
    let shown = |line: i32| {
        let line = u32::try_from(line).unwrap_or(0);
        i32::try_from(shown_at(pieces, line)).unwrap_or(i32::MAX)
    };
    let table = code.getattr("co_linetable")?.cast_into::<PyBytes>()?;
    let relocated = relocated(table.as_bytes(), first, shown);
    if relocated != table.as_bytes() {
        drop(raw::code::swap_line_table(
            code,
            PyBytes::new(code.py(), &relocated),
        ));
    }
    raw::code::set_first_line(code, shown(first));
    for child in registry::children(code) {
        relocate(&child, pieces)?;
    }
    Ok(())
}

/// A table of code that begins on line `first`, for code that begins on line `shown(first)`.
fn relocated(table: &[u8], first: i32, shown: impl Fn(i32) -> i32) -> Vec<u8> {
    let mut new = Vec::with_capacity(table.len());
    let mut reader = Reader(table);
    let (mut line, mut shown_line) = (first, shown(first));
    while let Some(entry) = reader.entry() {
        line += entry.delta();
        let delta = if entry.has_line() {
            let here = shown(line);
            let delta = here - shown_line;
            shown_line = here;
            delta
        } else {
            0
        };
        let end = shown(line + entry.end_delta()) - shown_line;
        entry.write(&mut new, delta, end);
    }
    new
}

/// One entry of a table: how far its line is from that of the entry before, and what is known of its columns.
struct Entry {
    /// The head's low bits: how many instructions it is about.
    length: u8,
    form: Form,
}

enum Form {
    /// On the line of the entry before, in columns told by the two bytes.
    Short(u8, u8),
    /// Up to two lines further down; the columns.
    OneLine(u8, u8, u8),
    NoColumns(i32),
    /// The line's and the end line's distance; the columns, counted from 1 and 0 for none.
    Long(i32, i32, u32, u32),
    None,
}

impl Entry {
    fn has_line(&self) -> bool {
        !matches!(self.form, Form::None)
    }

    fn delta(&self) -> i32 {
        match self.form {
            Form::Short(..) | Form::None => 0,
            Form::OneLine(delta, ..) => i32::from(delta),
            Form::NoColumns(delta) | Form::Long(delta, ..) => delta,
        }
    }

    fn end_delta(&self) -> i32 {
        match self.form {
            Form::Long(_, end, ..) => end,
            _ => 0,
        }
    }

    fn write(&self, table: &mut Vec<u8>, delta: i32, end: i32) {
        let mut head = |code: u8| table.push(0x80 | code << 3 | self.length);
        match self.form {
            Form::None => head(15),
            Form::Short(code, columns) if delta == 0 => {
                head(code);
                table.push(columns);
            }
            Form::OneLine(_, start, stop) if (0..=2).contains(&delta) => {
                head(10 + u8::try_from(delta).unwrap_or(0));
                table.extend([start, stop]);
            }
            Form::Short(code, columns) => {
                let start = u32::from(code) << 3 | u32::from(columns >> 4);
                let stop = start + u32::from(columns & 15);
                head(14);
                write_long(table, delta, 0, start + 1, stop + 1);
            }
            Form::OneLine(_, start, stop) => {
                head(14);
                write_long(table, delta, 0, u32::from(start) + 1, u32::from(stop) + 1);
            }
            // What begins in the file and ends behind it, or the other way round, has no columns to tell.
            Form::Long(_, before, start, stop) if end >= 0 && (end > 0) == (before > 0) => {
                head(14);
                write_long(table, delta, end, start, stop);
            }
            Form::NoColumns(_) | Form::Long(..) => {
                head(13);
                write_signed(table, delta);
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn entry(&mut self) -> Option<Entry> {
        let head = self.byte()?;
        let form = match head >> 3 & 15 {
            code @ 0..=9 => Form::Short(code, self.byte()?),
            code @ 10..=12 => Form::OneLine(code - 10, self.byte()?, self.byte()?),
            13 => Form::NoColumns(self.signed()?),
            14 => Form::Long(
                self.signed()?,
                i32::try_from(self.number()?).ok()?,
                self.number()?,
                self.number()?,
            ),
            _ => Form::None,
        };
        Some(Entry {
            length: head & 7,
            form,
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// Six bits a byte, the lowest first.
    fn number(&mut self) -> Option<u32> {
        let mut number = 0;
        for shift in (0..32).step_by(6) {
            let byte = self.byte()?;
            number |= u32::from(byte & 63) << shift;
            if byte & 64 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// The sign is the lowest bit.
    fn signed(&mut self) -> Option<i32> {
        let number = self.number()?;
        let size = i32::try_from(number >> 1).ok()?;
        Some(if number & 1 == 1 { -size } else { size })
    }
}

fn write_long(table: &mut Vec<u8>, delta: i32, end: i32, start: u32, stop: u32) {
    write_signed(table, delta);
    write_number(table, end.unsigned_abs());
    write_number(table, start);
    write_number(table, stop);
}

fn write_signed(table: &mut Vec<u8>, number: i32) {
    write_number(table, number.unsigned_abs() << 1 | u32::from(number < 0));
}

fn write_number(table: &mut Vec<u8>, mut number: u32) {
    while number >= 64 {
        table.push(64 | u8::try_from(number & 63).unwrap_or(0));
        number >>= 6;
    }
    table.push(u8::try_from(number).unwrap_or(0));
}
