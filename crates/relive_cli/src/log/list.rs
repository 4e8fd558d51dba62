//! The changes of a log, as JSON and in words.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use relive_log::{Change, ChangeKind, Outcome, Status};
use relive_syntax::Outline;
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::diff::{self, Line, Sign};
use crate::shown::{brief, clipped, columns};
use crate::time::local;
use crate::words;

/// What a change changes is cut off in a list after so many columns.
const SUBJECT_LIMIT: usize = 50;

/// Whether a change is listed when nothing more is asked for: what is pending, and what somebody has to look at.
pub(crate) fn is_listed(change: &Change) -> bool {
    words::is_offered(change) && (change.status != Status::Omitted || words::is_suspect(change))
}

/// A log as JSON; the names are part of the public interface.
#[derive(Debug, Serialize)]
pub(crate) struct Document<'a> {
    #[serde(serialize_with = "as_name")]
    pub(crate) file: PathBuf,
    #[serde(serialize_with = "as_name")]
    pub(crate) log: PathBuf,
    pub(crate) intact: bool,
    pub(crate) tail: &'static str,
    pub(crate) changes: Vec<DocumentChange<'a>>,
    /// Of `relive recover`: what the next start replays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replay: Option<Vec<u64>>,
    /// Of `relive recover`: what it could replay and does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_off: Option<Vec<u64>>,
    /// Of `relive recover`: what it asks about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) undecided: Option<Vec<u64>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) problems: &'a [String],
}

/// The name of a file as JSON, whatever bytes it has: a byte 0xXX that is no UTF-8 as `\udcXX`, as in a log's header and as
/// Python's `os.fsdecode` has it.
fn as_name<S: Serializer>(name: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = String::from("\"");
    for chunk in name.as_os_str().as_bytes().utf8_chunks() {
        let valid = serde_json::to_string(chunk.valid()).map_err(S::Error::custom)?;
        text.push_str(&valid[1..valid.len() - 1]);
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\udc{byte:02x}");
        }
    }
    text.push('"');
    let raw = RawValue::from_string(text).map_err(S::Error::custom)?;
    raw.serialize(serializer)
}

/// A change as JSON; the names are part of the public interface.
#[derive(Debug, Serialize)]
pub(crate) struct DocumentChange<'a> {
    n: u64,
    txn: u64,
    at: &'a str,
    session: &'a str,
    kind: &'static str,
    target: String,
    text: &'a str,
    status: Status,
    outcome: Outcome,
    /// Why it has this status, where that is not plain.
    #[serde(skip_serializing_if = "str::is_empty")]
    why: &'a str,
}

impl<'a> DocumentChange<'a> {
    pub(crate) fn of(change: &'a Change) -> Self {
        Self {
            n: change.number,
            txn: change.tx,
            at: &change.at,
            session: &change.session,
            kind: words::kind(change),
            target: words::target(change),
            text: match &change.kind {
                ChangeKind::Patch { new, .. } => new.as_deref().unwrap_or_default(),
                ChangeKind::State { text, .. } => text,
                ChangeKind::Undo { .. } | ChangeKind::Fold { .. } | ChangeKind::Session => "",
            },
            status: change.status,
            outcome: change.outcome,
            why: if words::is_plain(change) {
                ""
            } else {
                &change.why
            },
        }
    }
}

/// One line for each change: number, when, what, and why it does not simply count.
pub(crate) fn table(changes: &[&Change], zone: &TimeZone) -> String {
    let digits = |change: &&Change| change.number.to_string().len();
    let number_width = changes.iter().map(digits).max().unwrap_or(0);
    let subjects: Vec<String> = changes
        .iter()
        .map(|change| clipped(&brief(&words::subject(change)), SUBJECT_LIMIT))
        .collect();
    let subject_width = subjects.iter().map(|text| columns(text)).max().unwrap_or(0);
    let mut text = String::new();
    for (change, subject) in changes.iter().zip(&subjects) {
        let mut line = format!(
            "{:>number_width$}  {}  {:<7}  {subject}",
            change.number,
            local(&change.at, zone),
            words::kind(change),
        );
        if let Some(remark) = remark(change) {
            let missing = subject_width - columns(subject);
            line += &format!("{:missing$}  {}", "", brief(&remark));
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// One change in full: what is known of it, and the diff. `source` is the text that the source file has now.
pub(crate) fn in_full(
    change: &Change,
    file: &str,
    source: Option<&str>,
    zone: &TimeZone,
) -> Vec<Line> {
    let mut lines = vec![title(change), made(change, zone)];
    let is_change = matches!(
        change.kind,
        ChangeKind::Patch { .. } | ChangeKind::State { .. }
    );
    if is_change || remark(change).is_some() {
        let (status, reason) = (words::status(change.status), words::reason(change));
        lines.push(diff::head(&match reason.strip_prefix(status) {
            Some(_) => reason,
            None => format!("{status}: {reason}"),
        }));
    }
    match &change.kind {
        ChangeKind::Patch { old, new, .. } => {
            let name = |text: &Option<String>| match text {
                Some(_) => file,
                None => "/dev/null",
            };
            lines.push(diff::head(&format!("--- {}", name(old))));
            lines.push(diff::head(&format!("+++ {}", name(new))));
            // The old text is there as long as the change is not.
            let mut texts = [old, new].into_iter().flatten();
            let above = source.and_then(|source| texts.find_map(|text| lines_above(source, text)));
            lines.extend(words::content(change, above.unwrap_or(0)));
            if change.status == Status::Conflict {
                lines.extend(theirs(change, file, source));
            }
        }
        _ => lines.extend(words::content(change, 0)),
    }
    lines
}

/// What the source has where a change is in conflict with it, beside what the change was made of.
fn theirs(change: &Change, file: &str, source: Option<&str>) -> Vec<Line> {
    let ChangeKind::Patch { target, old, .. } = &change.kind else {
        return Vec::new();
    };
    let outline = source.and_then(|source| Outline::parse(source.into()).ok());
    let unit = outline
        .as_ref()
        .and_then(|outline| Some((outline, relive_log::find(outline, target)?)));
    let Some((outline, unit)) = unit else {
        return vec![diff::head(&format!("{file} has no {target} now"))];
    };
    let above = unit.lines.first.saturating_sub(1) as usize;
    let now = outline.lines(unit.lines);
    let mut lines = vec![diff::head(&format!(
        "{file} has now, from line {}:",
        unit.lines.first
    ))];
    lines.extend(match old {
        Some(old) => diff::unified(old, now, above),
        None => diff::whole(Sign::Same, now),
    });
    lines
}

/// How many lines stand above a text in another one, if it stands there at the beginning of a line, and once.
fn lines_above(text: &str, part: &str) -> Option<usize> {
    let mut found = text
        .match_indices(part)
        .filter(|(at, _)| *at == 0 || text[..*at].ends_with('\n'));
    let (at, _) = found.next()?;
    (!part.is_empty() && found.next().is_none()).then(|| text[..at].matches('\n').count())
}

/// One change as it is shown before it is allowed to run: all of its text.
pub(crate) fn in_whole(change: &Change, zone: &TimeZone) -> Vec<Line> {
    let mut lines = vec![title(change), made(change, zone)];
    match &change.kind {
        ChangeKind::Patch { new: Some(new), .. } => lines.extend(diff::whole(Sign::New, new)),
        ChangeKind::Patch { old: Some(old), .. } => lines.extend(diff::whole(Sign::Old, old)),
        _ => lines.extend(words::content(change, 0)),
    }
    lines
}

fn title(change: &Change) -> Line {
    let (kind, target) = (words::kind(change), words::target(change));
    diff::head(&format!("change {}: {kind} {target}", change.number))
}

fn made(change: &Change, zone: &TimeZone) -> Line {
    let (at, origin) = (local(&change.at, zone), words::origin(change));
    diff::head(&format!("{at}, session {}, {origin}", change.session))
}

/// Why a change does not simply count, if that is so.
fn remark(change: &Change) -> Option<String> {
    match (&change.kind, change.status, change.why.as_str()) {
        (ChangeKind::Session, ..) | (ChangeKind::Fold { .. }, Status::Folded, "") => None,
        (ChangeKind::Undo { .. }, Status::Folded, _) => None,
        // What to do about it stands below the list.
        (_, Status::Untrusted, why) => {
            let why = why.split(": ").next().unwrap_or_default();
            Some(format!("untrusted: {why}"))
        }
        _ if words::is_plain(change) => None,
        _ => Some(words::reason(change)),
    }
}
