//! How the list looks. Everything is said by characters; colour only repeats it.

use ratatui::Frame;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::state::{Picker, REASON_LINES, SMALLEST};
use crate::diff::Sign;
use crate::shown::{clipped, columns};
use crate::words;

const HELP: &[&str] = &[
    "Enter        replay the checked, leave off the others",
    "- or d       leave off the last one that is checked; again and again",
    "+ or u       put back what - left off last",
    "Space        check this one or leave it off",
    "m            merge one in conflict with what the source says now",
    "n            start without any of them",
    "q or Esc     decide nothing: start without them, ask again next time",
    "a            set the whole log aside, after a question",
    "b            find the one that crashes, by trying them in other processes",
    "Up Down k j  move; PageUp, PageDown, Home and End too",
    "K J          scroll the change below, with Shift-Up and Shift-Down too",
    "Left Right   scroll it sideways",
    "",
    "[x] is replayed   [ ] is left off   [m] is merged   -  cannot be replayed",
];

/// Draw all of it.
pub(super) fn draw(picker: &Picker<'_>, frame: &mut Frame<'_>) {
    let mut page = Page {
        width: usize::from(frame.area().width),
        height: frame.area().height,
        row: 0,
        frame,
    };
    if picker.is_too_small() {
        let (width, height) = SMALLEST;
        page.put(format!("Too small: {width}x{height} is needed"));
        page.put("q starts without changes");
        return;
    }
    page.put(Line::styled(title(picker, page.width), bold()));
    if picker.is_help {
        let is_there = |line: &&&str| {
            (picker.can_bisect || !line.starts_with("b "))
                && (picker.source.is_some() || !line.starts_with("m "))
        };
        for line in HELP.iter().filter(is_there) {
            page.put(format!(" {}", clipped(line, page.width - 1)));
        }
        page.last(" any key goes back");
        return;
    }
    for warning in &picker.warnings[..picker.shown_warnings()] {
        let text = clipped(&format!(" ! {warning}"), page.width);
        page.put(Line::styled(text, coloured(picker, Color::Yellow)));
    }
    let (list, below) = picker.heights();
    let top = picker
        .selected
        .saturating_sub(list / 2)
        .min(picker.rows.len() - list);
    let columns = Columns::of(picker, page.width);
    for index in top..top + list {
        let style = if index == picker.selected {
            Style::new().add_modifier(Modifier::REVERSED)
        } else if picker.rows[index].is_checked {
            Style::new()
        } else {
            Style::new().add_modifier(Modifier::DIM)
        };
        page.put(Line::styled(
            row(picker, index, &columns, page.width),
            style,
        ));
    }
    page.put(Line::styled(heading(picker, page.width), bold()));
    draw_change(picker, below, &columns, &mut page);
    let keys = match &picker.message {
        Some(message) => format!(" {message}"),
        None => keys(picker, page.width),
    };
    page.last(Line::styled(clipped(&keys, page.width), bold()));
}

struct Page<'a, 'b> {
    frame: &'a mut Frame<'b>,
    width: usize,
    height: u16,
    row: u16,
}

impl Page<'_, '_> {
    /// The next line; what is below the window is not drawn.
    fn put<'line>(&mut self, line: impl Into<Line<'line>>) {
        if self.row < self.height {
            let width = self.frame.area().width;
            self.frame
                .buffer_mut()
                .set_line(0, self.row, &line.into(), width);
            self.row += 1;
        }
    }

    /// The last line of the window.
    fn last<'line>(&mut self, line: impl Into<Line<'line>>) {
        self.row = self.height.saturating_sub(1);
        self.put(line);
    }
}

fn title(picker: &Picker<'_>, width: usize) -> String {
    let (checked, all) = (picker.checked_count(), picker.rows.len());
    let hidden = picker.warnings.len() - picker.shown_warnings();
    let mut tail = format!(": {checked} of {} checked", words::count(all, "change"));
    if hidden > 0 {
        tail += &format!(" (and {})", words::count(hidden, "warning"));
    }
    if columns(&tail) + 20 > width {
        tail = format!(": {checked} of {all} checked");
    }
    let name = clipped(&picker.title, width.saturating_sub(columns(&tail) + 9));
    format!(" relive  {name}{tail}")
}

/// One row of the list, as wide as the window, so that its background is too.
fn row(picker: &Picker<'_>, index: usize, columns: &Columns, width: usize) -> String {
    let row = &picker.rows[index];
    let cursor = if index == picker.selected { '>' } else { ' ' };
    let mark = if row.merged.is_some() {
        "[m]"
    } else if row.is_checked {
        "[x]"
    } else if words::is_replayable(row.change) {
        "[ ]"
    } else {
        " - "
    };
    let mut text = format!(
        "{cursor} {mark} {:>1$} {2} {3} ",
        row.change.number,
        columns.number,
        padded(words::kind(row.change), 6),
        padded(&row.subject, columns.target),
    );
    if columns.age > 0 {
        text += &format!("{:>1$}  ", row.age, columns.age);
    }
    text += &clipped(&picker.reason(index), columns.reason);
    padded(&text, width)
}

/// How wide the columns of the list are.
struct Columns {
    number: usize,
    target: usize,
    age: usize,
    reason: usize,
}

impl Columns {
    fn of(picker: &Picker<'_>, width: usize) -> Self {
        let digits = |number: u64| number.to_string().len();
        let number = picker.rows.iter().map(|row| digits(row.change.number));
        let number = number.max().unwrap_or(1);
        let age = if width < 60 {
            0
        } else {
            let ages = picker.rows.iter().map(|row| row.age.len());
            ages.max().unwrap_or(0)
        };
        // The cursor and the mark, the kind, the spaces between.
        let fixed = 6 + number + 1 + 6 + 1 + 1 + if age > 0 { age + 2 } else { 0 };
        let free = width.saturating_sub(fixed);
        let widest = picker.rows.iter().map(|row| columns(&row.subject)).max();
        let target = widest.unwrap_or(0).min(free / 2);
        Self {
            number,
            target,
            age,
            reason: free - target,
        }
    }
}

/// The line between the list and the change.
fn heading(picker: &Picker<'_>, width: usize) -> String {
    let row = &picker.rows[picker.selected];
    let mut text = format!(
        "── {} {} {} ",
        row.change.number,
        words::kind(row.change),
        row.subject
    );
    let rest = format!(
        "── {}, session {} ",
        row.at,
        crate::shown::brief(&row.change.session)
    );
    if columns(&text) + columns(&rest) <= width {
        text += &rest;
    }
    let text = clipped(&text, width);
    let line = "─".repeat(width.saturating_sub(columns(&text)));
    text + &line
}

fn draw_change(picker: &Picker<'_>, height: usize, columns: &Columns, page: &mut Page<'_, '_>) {
    let mut left = height;
    let reason = picker.reason(picker.selected);
    if crate::shown::columns(&reason) > columns.reason {
        for line in wrapped(&reason, page.width - 1).iter().take(REASON_LINES) {
            page.put(Line::styled(format!(" {line}"), bold()));
            left -= 1;
        }
    }
    let (top, first_column) = picker.scrolled;
    let hidden = picker.diff.len().saturating_sub(top + left);
    // The last line of room says how much there is below.
    let shown = if hidden > 0 {
        left.saturating_sub(1)
    } else {
        left
    };
    for line in picker.diff.iter().skip(top).take(shown) {
        let text = format!("{}{}", line.sign.prefix(), line.text);
        let colour = match line.sign {
            Sign::Old => Some(Color::Red),
            Sign::New => Some(Color::Green),
            Sign::Hunk | Sign::Remark | Sign::Head => Some(Color::Cyan),
            Sign::Same => None,
        };
        let style = colour.map_or(Style::new(), |colour| coloured(picker, colour));
        let visible: String = text.chars().skip(first_column).collect();
        page.put(Line::from(Span::styled(
            clipped(&visible, page.width),
            style,
        )));
    }
    if hidden > 0 && left > 0 {
        page.put(Line::styled(
            format!(" ({} below: J scrolls)", words::count(hidden + 1, "line")),
            Style::new().add_modifier(Modifier::DIM),
        ));
    }
}

fn keys(picker: &Picker<'_>, width: usize) -> String {
    let checked = picker.checked_count();
    let variants = [
        format!(
            " Enter replay {checked}  - leave off the last  Space toggle  n start without  ? more keys"
        ),
        format!(" Enter replay {checked}  - leave off last  Space toggle  n without  ? help"),
        format!(" Enter replay {checked}  - last  n none  ? help"),
    ];
    let [.., shortest] = &variants;
    let fitting = variants.iter().find(|text| columns(text) <= width);
    fitting.unwrap_or(shortest).clone()
}

/// Broken into lines between words, or inside one that is too long.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && columns(&lines[last]) + 1 + columns(word) <= width {
            lines[last].push(' ');
            lines[last].push_str(word);
            continue;
        }
        if !lines[last].is_empty() {
            lines.push(String::new());
        }
        for character in word.chars() {
            let last = lines.len() - 1;
            if columns(&lines[last]) + 2 > width {
                lines.push(String::new());
            }
            let last = lines.len() - 1;
            lines[last].push(character);
        }
    }
    lines
}

fn padded(text: &str, width: usize) -> String {
    let mut text = clipped(text, width);
    let missing = width.saturating_sub(columns(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn coloured(picker: &Picker<'_>, colour: Color) -> Style {
    if picker.has_colour {
        Style::new().fg(colour)
    } else {
        Style::new()
    }
}
