//! What the keys do. Pure: a key goes in, and the state is another one, or a choice comes out.

use jiff::Zoned;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use relive_log::{Change, ResolveError, Resolved, Status, resolve};
use relive_syntax::Outline;

use super::Choice;
use crate::diff::{self, Line, Sign};
use crate::needs::needs;
use crate::shown::{brief, columns};
use crate::time::{age, local};
use crate::words;

/// In a smaller window nobody sees what they decide.
pub(super) const SMALLEST: (u16, u16) = (40, 10);

/// At most so many lines above the diff say why the change has its mark, where the list has no room for it.
pub(super) const REASON_LINES: usize = 3;

/// The state of the list.
pub(super) struct Picker<'a> {
    pub(super) title: String,
    pub(super) warnings: Vec<String>,
    pub(super) rows: Vec<Row<'a>>,
    /// The row that the cursor is on.
    pub(super) selected: usize,
    /// The diff of that row.
    pub(super) diff: Vec<Line>,
    /// How far the diff is scrolled: lines, columns.
    pub(super) scrolled: (usize, usize),
    pub(super) is_help: bool,
    /// The next key says whether the log is set aside.
    is_asked: bool,
    /// Said once, until the next key.
    pub(super) message: Option<String>,
    pub(super) has_colour: bool,
    /// There is a program to try changes with.
    pub(super) can_bisect: bool,
    /// What the source says now, if that is known.
    pub(super) source: Option<&'a Outline>,
    /// All changes of the log.
    changes: &'a [Change],
    /// The size of the window.
    size: (u16, u16),
    /// The rows that `-` has left off, the last one last.
    left_off: Vec<usize>,
}

/// One change of the list; its texts are escaped.
pub(super) struct Row<'a> {
    pub(super) change: &'a Change,
    pub(super) subject: String,
    pub(super) age: String,
    /// When it was made, by the clock on the wall.
    pub(super) at: String,
    /// Why it is checked or not, but for what it depends on.
    reason: String,
    /// The user wants it.
    is_wanted: bool,
    /// The row without which this one makes no sense: the class of a method.
    needs: Option<usize>,
    /// It is replayed: it is wanted, and what it needs is replayed.
    pub(super) is_checked: bool,
    /// It was in conflict with the source, and is merged with it if the user stays with that.
    pub(super) merged: Option<Resolved>,
}

impl<'a> Picker<'a> {
    pub(super) fn new(
        title: &str,
        changes: &'a [Change],
        warnings: &[String],
        now: &Zoned,
    ) -> Self {
        let offered: Vec<&Change> = changes
            .iter()
            .filter(|change| words::is_offered(change))
            .collect();
        let rows = offered
            .iter()
            .zip(needs(&offered))
            .map(|(&change, needs)| Row {
                change,
                subject: brief(&words::subject(change)),
                age: age(&change.at, now.timestamp()),
                at: local(&change.at, now.time_zone()),
                reason: brief(&words::reason(change)),
                is_wanted: words::is_safe(change),
                needs,
                is_checked: false,
                merged: None,
            });
        let mut picker = Self {
            title: brief(title),
            warnings: warnings.iter().map(|warning| brief(warning)).collect(),
            rows: rows.collect(),
            selected: 0,
            diff: Vec::new(),
            scrolled: (0, 0),
            is_help: false,
            is_asked: false,
            message: None,
            has_colour: false,
            can_bisect: true,
            source: None,
            changes,
            size: (80, 24),
            left_off: Vec::new(),
        };
        picker.check();
        // The newest is the likeliest to be the culprit.
        picker.select(picker.rows.len().saturating_sub(1));
        picker
    }

    /// Whether there is nothing to decide.
    pub(super) fn is_idle(&self) -> bool {
        let is_decidable = |row: &Row<'_>| {
            words::is_replayable(row.change)
                || row.change.status == Status::Conflict && self.source.is_some()
        };
        !self.rows.iter().any(is_decidable)
    }

    /// The window has another size.
    pub(super) fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
    }

    pub(super) fn is_too_small(&self) -> bool {
        self.size.0 < SMALLEST.0 || self.size.1 < SMALLEST.1
    }

    pub(super) fn checked_count(&self) -> usize {
        self.rows.iter().filter(|row| row.is_checked).count()
    }

    /// Why a row is checked or not.
    pub(super) fn reason(&self, index: usize) -> String {
        let row = &self.rows[index];
        if row.merged.is_some() {
            return "merged with the source".to_owned();
        }
        if let Some(by) = self.merged_into(row.change.number) {
            return format!("merged with {by}");
        }
        match row.needs {
            Some(needed) if row.is_wanted && !self.rows[needed].is_checked => {
                format!("depends on {}, left off", self.rows[needed].change.number)
            }
            _ if !row.is_wanted && words::is_safe(row.change) => "left off".to_owned(),
            _ => row.reason.clone(),
        }
    }

    /// How many lines of the window are the list's, and how many the diff's.
    pub(super) fn heights(&self) -> (usize, usize) {
        // The title, the line between, and the line of keys.
        let free = usize::from(self.size.1)
            .saturating_sub(3)
            .saturating_sub(self.shown_warnings());
        let list = self.rows.len().clamp(1, (free / 2).max(1));
        (list, free - list)
    }

    /// How many warnings there is room for, each of one line.
    pub(super) fn shown_warnings(&self) -> usize {
        self.warnings.len().min(usize::from(self.size.1 / 8))
    }

    /// A key was pressed; the user may have chosen by that.
    pub(super) fn press(&mut self, key: KeyEvent) -> Option<Choice> {
        let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let has_shift = key.modifiers.contains(KeyModifiers::SHIFT);
        self.message = None;
        match key.code {
            KeyCode::Char('c') if has_control => return Some(Choice::Quit),
            // Nothing is decided behind the help.
            _ if std::mem::take(&mut self.is_help) => return None,
            KeyCode::Esc | KeyCode::Char('q') => return Some(Choice::Quit),
            _ if self.is_too_small() => return None,
            _ if std::mem::take(&mut self.is_asked) => {
                let is_agreed = matches!(key.code, KeyCode::Char('y' | 'Y'));
                return is_agreed.then_some(Choice::SetAside);
            }
            _ => {}
        }
        let (list, diff) = self.heights();
        match key.code {
            KeyCode::Enter => return Some(self.choice()),
            KeyCode::Char('n') => return Some(Choice::Without),
            KeyCode::Char('a') => {
                self.is_asked = true;
                self.message = Some("set the whole log aside? y or n".to_owned());
            }
            KeyCode::Char('b') if self.can_bisect => return Some(Choice::Bisect),
            KeyCode::Char('?') => self.is_help = true,
            KeyCode::Char(' ') => self.toggle(),
            KeyCode::Char('m') => self.merge(),
            KeyCode::Char('d') if has_control => self.scroll_down(diff / 2),
            KeyCode::Char('u') if has_control => self.scroll_up(diff / 2),
            KeyCode::Char('-' | 'd') => self.leave_off_last(),
            KeyCode::Char('+' | 'u') => self.put_back(),
            KeyCode::Down if has_shift => self.scroll_down(1),
            KeyCode::Up if has_shift => self.scroll_up(1),
            KeyCode::Char('J') => self.scroll_down(1),
            KeyCode::Char('K') => self.scroll_up(1),
            KeyCode::Right | KeyCode::Char('l') => self.scroll_right(),
            KeyCode::Left | KeyCode::Char('h') => {
                self.scrolled.1 = self.scrolled.1.saturating_sub(8);
            }
            KeyCode::Down | KeyCode::Char('j') => self.select(self.selected + 1),
            KeyCode::Up | KeyCode::Char('k') => self.select(self.selected.saturating_sub(1)),
            KeyCode::PageDown => self.select(self.selected + list),
            KeyCode::PageUp => self.select(self.selected.saturating_sub(list)),
            KeyCode::Home | KeyCode::Char('g') => self.select(0),
            KeyCode::End | KeyCode::Char('G') => self.select(self.rows.len()),
            _ => {}
        }
        None
    }

    fn choice(&self) -> Choice {
        let numbers = |is_checked: bool| {
            let rows = self.rows.iter().filter(move |row| {
                row.is_checked == is_checked
                    && words::is_replayable(row.change)
                    // What failed is off anyway.
                    && (is_checked || !words::is_failed(row.change))
            });
            rows.map(|row| row.change.number).collect()
        };
        let merged = self.rows.iter().filter(|row| row.merged.is_some());
        Choice::Replay {
            on: numbers(true),
            off: numbers(false),
            merged: merged.map(|row| row.change.number).collect(),
        }
    }

    /// The change that has this one once it is merged.
    fn merged_into(&self, number: u64) -> Option<u64> {
        let has_it = |row: &&Row<'_>| {
            let merged = row.merged.as_ref();
            merged.is_some_and(|merged| merged.superseded.contains(&number))
        };
        let found = self.rows.iter().find(has_it)?;
        Some(found.change.number)
    }

    /// Merge the selected change with the source, or do so no longer.
    fn merge(&mut self) {
        let row = &mut self.rows[self.selected];
        let number = row.change.number;
        if row.merged.take().is_some() {
            row.is_wanted = false;
            self.check();
            self.select(self.selected);
            return;
        }
        let Some(source) = self.source else {
            self.message = Some("there is no source to merge with".to_owned());
            return;
        };
        match resolve(self.changes, number, source) {
            Ok(resolved) => {
                self.diff = diff::unified(&resolved.old, &resolved.new, 0);
                self.scrolled = (0, 0);
                row.merged = Some(resolved);
                row.is_wanted = true;
                self.check();
            }
            Err(error) => {
                if let ResolveError::Overlap { marked, .. } = &error {
                    self.diff = diff::whole(Sign::Same, marked);
                    self.scrolled = (0, 0);
                }
                self.message = Some(match &error {
                    ResolveError::Overlap { .. } => {
                        format!("{number} and the source touch the same lines: edit the source")
                    }
                    error => brief(&error.to_string()),
                });
            }
        }
    }

    fn select(&mut self, index: usize) {
        self.selected = index.min(self.rows.len().saturating_sub(1));
        self.scrolled = (0, 0);
        self.diff = match self.rows.get(self.selected) {
            Some(Row {
                merged: Some(merged),
                ..
            }) => diff::unified(&merged.old, &merged.new, 0),
            Some(row) => words::content(row.change, 0),
            None => Vec::new(),
        };
    }

    fn scroll_down(&mut self, lines: usize) {
        let (_, height) = self.heights();
        let shown = height.saturating_sub(REASON_LINES);
        let last = self.diff.len().saturating_sub(shown);
        self.scrolled.0 = (self.scrolled.0 + lines).min(last);
    }

    fn scroll_up(&mut self, lines: usize) {
        self.scrolled.0 = self.scrolled.0.saturating_sub(lines);
    }

    fn scroll_right(&mut self) {
        let widest = self.diff.iter().map(|line| columns(&line.text) + 1).max();
        let last = widest.unwrap_or(0).saturating_sub(usize::from(self.size.0));
        self.scrolled.1 = (self.scrolled.1 + 8).min(last.next_multiple_of(8));
    }

    fn toggle(&mut self) {
        let selected = self.selected;
        let row = &self.rows[selected];
        if row.merged.is_some() {
            self.merge();
            return;
        }
        if !words::is_replayable(row.change) {
            let number = row.change.number;
            let hint = match row.change.status {
                Status::Conflict if self.source.is_some() => "; m merges it with the source",
                _ => "",
            };
            self.message = Some(format!(
                "{number} cannot be replayed{hint}: {}",
                self.reason(selected)
            ));
            return;
        }
        if row.is_checked {
            self.rows[selected].is_wanted = false;
        } else {
            // With it what it depends on, or the key would do nothing.
            let mut next = Some(selected);
            while let Some(index) = next {
                self.rows[index].is_wanted = words::is_replayable(self.rows[index].change);
                next = self.rows[index].needs;
            }
        }
        self.left_off.retain(|index| *index != selected);
        self.check();
    }

    fn leave_off_last(&mut self) {
        match self.rows.iter().rposition(|row| row.is_checked) {
            Some(last) if self.rows[last].merged.is_some() => {
                self.rows[last].merged = None;
                self.rows[last].is_wanted = false;
                self.check();
                self.select(last);
            }
            Some(last) => {
                self.rows[last].is_wanted = false;
                self.left_off.push(last);
                self.check();
                self.select(last);
            }
            None => self.message = Some("all are left off".to_owned()),
        }
    }

    fn put_back(&mut self) {
        match self.left_off.pop() {
            Some(index) => {
                self.rows[index].is_wanted = true;
                self.check();
                self.select(index);
            }
            None => self.message = Some("nothing was left off with - yet".to_owned()),
        }
    }

    fn check(&mut self) {
        for index in 0..self.rows.len() {
            let is_possible = match self.rows[index].needs {
                // What is needed comes before.
                Some(needed) => self.rows[needed].is_checked,
                None => true,
            };
            let row = &mut self.rows[index];
            row.is_checked = row.is_wanted && is_possible;
        }
    }
}
