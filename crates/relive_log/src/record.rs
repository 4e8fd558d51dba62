//! What stands in a log: records, one after the other, each with its number.

use std::ffi::OsString;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codec::Sum;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number: one more than that of the record before. Numbers go on in the log that follows a fold.
    pub seq: u64,
    /// What it says.
    pub entry: Entry,
}

/// What a record says. The large ones are boxed: most records of a log are commits and confirmations, which are small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `@relive-log`: the first record.
    Header(Box<Header>),
    /// `@session`: a process begins to write.
    Session(Box<SessionStart>),
    /// `@patch`: a change of one definition or top-level statement.
    Patch(Box<Patch>),
    /// `@state`: a statement that changes state.
    State(Box<StateChange>),
    /// `@commit`: the transaction counts.
    Commit(Commit),
    /// `@done`: the transaction was applied.
    Done(Done),
    /// `@fail`: it could not be; nothing of it is live.
    Fail(Fail),
    /// `@undo`: a change counts no longer.
    Undo(Decision),
    /// `@skip`: a change is left off at the replay.
    Skip(Decision),
    /// `@unskip`: a change is replayed, whatever was decided before.
    Unskip(Decision),
    /// `@fold-begin`: changes are about to be written into the source.
    FoldBegin(Box<FoldBegin>),
    /// `@fold-end`: they are.
    FoldEnd(FoldEnd),
    /// `@note`: something worth knowing to a reader.
    Note(Note),
    /// `@torn`: a torn tail was cut off here.
    Torn(Torn),
    /// `@close`: the process ended in an orderly way.
    Close(Close),
    /// A kind that this version does not know.
    Unknown(Box<Unknown>),
}

/// The first record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of the format: 1.
    pub version: u32,
    /// Which log it is: 16 hexadecimal digits.
    pub id: String,
    /// The name of the source file, without its directory; in a log in the state directory, its whole path; in a
    /// session's log, the directory it was started in.
    pub source: OsString,
    /// The hash of the source when the log was begun, `b3:` and 16 hexadecimal digits; `-` where there is none.
    pub base: String,
    /// The encoding of the source, `utf-8-sig` with a byte order mark; `-` where it cannot be told.
    pub encoding: String,
    /// Its line ends: `lf`, `crlf` or `cr`.
    pub line_end: String,
    /// The version of Python, `-` where none was running.
    pub python: String,
    /// The version of relive.
    pub relive: String,
    /// The name of the log before it, after a fold or damage.
    pub after: Option<OsString>,
}

/// A process begins to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionStart {
    /// When, in UTC.
    pub at: String,
    /// Which session: 4 to 16 hexadecimal digits, the same in all logs that it writes.
    pub session: String,
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// Which boot of the machine.
    pub boot: String,
    /// The user.
    pub by: String,
    /// The hash of the source, as in the header.
    pub source: String,
}

/// A change of one definition or top-level statement: the whole old text and the whole new text of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The transaction that it belongs to.
    pub tx: u64,
    /// When, in UTC.
    pub at: String,
    /// What is done.
    pub operation: Operation,
    /// What is changed: the qualified name, with an ordinal where it repeats (`f#2`); see [`Draft`](crate::Draft).
    pub target: String,
    /// For an addition, the elder sibling that it stands behind; None: it stands first in its scope.
    pub after: Option<String>,
    /// The hash of the old text; None for an addition.
    pub pre: Option<TextHash>,
    /// The hash of the new text; None for a removal.
    pub post: Option<TextHash>,
    /// How it came about.
    pub via: Via,
    /// The transaction of a session's log that it is a part or a consequence of.
    pub cause: Option<Cause>,
    /// What became what.
    pub diff: Diff,
    /// Whether the last line of the new text, or of the old one if there is no new one, has a line end; it holds for
    /// both.
    pub is_ended: bool,
}

/// What a patch does to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// It was not there.
    Add,
    /// It has another text.
    Replace,
    /// It is gone.
    Remove,
}

/// A diff in full context: all lines of the old and of the new text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// The lines as in `diff -u`: each a blank, `-` or `+`, its text, and a line end. One text, since a log may have a
    /// million lines.
    marked: String,
}

impl Diff {
    /// An empty one, with room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Diff {
            marked: String::with_capacity(bytes),
        }
    }

    /// From lines as in `diff -u`, each with a line end.
    pub(crate) fn from_marked(marked: String) -> Self {
        Diff { marked }
    }

    /// Its lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = DiffLine<'_>> {
        let marked = self.marked.strip_suffix('\n');
        marked.into_iter().flat_map(|marked| {
            marked.split('\n').map(|line| match line.split_at(1) {
                (" ", text) => DiffLine::Same(text),
                ("-", text) => DiffLine::Old(text),
                (_, text) => DiffLine::New(text),
            })
        })
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.marked.is_empty()
    }
}

impl<'t> Extend<DiffLine<'t>> for Diff {
    fn extend<L: IntoIterator<Item = DiffLine<'t>>>(&mut self, lines: L) {
        for line in lines {
            self.marked.push(line.mark());
            self.marked.push_str(line.text());
            self.marked.push('\n');
        }
    }
}

impl<'t> FromIterator<DiffLine<'t>> for Diff {
    fn from_iter<L: IntoIterator<Item = DiffLine<'t>>>(lines: L) -> Self {
        let mut diff = Diff::default();
        diff.extend(lines);
        diff
    }
}

impl fmt::Debug for Diff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.lines()).finish()
    }
}

/// One line of a diff, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffLine<'t> {
    /// In both texts.
    Same(&'t str),
    /// Only in the old one.
    Old(&'t str),
    /// Only in the new one.
    New(&'t str),
}

impl<'t> DiffLine<'t> {
    /// What it is marked with in a diff: a blank, `-` or `+`.
    pub fn mark(self) -> char {
        match self {
            DiffLine::Same(_) => ' ',
            DiffLine::Old(_) => '-',
            DiffLine::New(_) => '+',
        }
    }

    /// The line itself.
    pub fn text(self) -> &'t str {
        match self {
            DiffLine::Same(text) | DiffLine::Old(text) | DiffLine::New(text) => text,
        }
    }
}

/// How a change came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A file was saved: history, already in the source.
    Editor,
    /// Typed at a prompt.
    Repl,
    /// `relive.patch` or `%%patch`.
    Patch,
    /// Another change was undone.
    Undo,
    /// It was replayed from another log.
    Replay,
}

/// A transaction of a session's log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cause {
    /// Which session.
    pub session: String,
    /// Which of its transactions.
    pub tx: u64,
}

/// A statement that changes state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The transaction that it belongs to.
    pub tx: u64,
    /// When, in UTC.
    pub at: String,
    /// The name that its path starts at; `-` where it has none.
    pub target: String,
    /// What a replay may do.
    pub effect: Effect,
    /// How it came about.
    pub via: Via,
    /// The transaction of a session's log that it is a part or a consequence of.
    pub cause: Option<Cause>,
    /// The statement as typed.
    pub text: String,
}

/// What a replay of a statement may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It imports, assigns or deletes, and calls nothing.
    Assign,
    /// It calls something.
    Call,
    /// That cannot be told.
    Unknown,
}

/// The transaction counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Which one.
    pub tx: u64,
    /// How many records it has, this one not counted.
    pub records: u32,
    /// The transaction of another log without which this one does not count: a change of several modules.
    pub within: Option<Cause>,
    /// Keyed with the user's key.
    pub mac: Sum,
}

/// A transaction was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Which one.
    pub tx: u64,
    /// How long that took, in tenths of a millisecond.
    pub tenths: u64,
}

/// A transaction could not be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fail {
    /// Which one.
    pub tx: u64,
    /// What sort of failure it was.
    pub failure: Failure,
    /// Why, in words.
    pub why: String,
    /// How far it came, if that is known: a cell that raised has done what stands above the statement that did.
    pub progress: Option<Progress>,
}

/// How far a transaction of several changes came that raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// So many of its changes, the first ones, were made.
    pub done: u64,
    /// The number of the change that raised; None: what raised stands in no log.
    pub raised: Option<u64>,
}

/// Why a transaction was not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Failure {
    /// A statement of it raised.
    Raised,
    /// It was refused.
    Refused,
}

/// What somebody decided about a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The transaction that it belongs to.
    pub tx: u64,
    /// When, in UTC.
    pub at: String,
    /// The number of the change.
    pub of: u64,
    /// Why, in words.
    pub why: String,
}

/// Changes are about to be written into the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldBegin {
    /// When, in UTC.
    pub at: String,
    /// The hash of the source before, as in the header.
    pub from: String,
    /// The hash of the new source.
    pub to: String,
    /// The numbers of the changes.
    pub changes: Vec<u64>,
}

/// They are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldEnd {
    /// The number of the `@fold-begin`.
    pub begin: u64,
}

/// Something worth knowing to a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When, in UTC.
    pub at: String,
    /// What; it may name a file.
    pub text: OsString,
}

/// A torn tail was cut off here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// When, in UTC.
    pub at: String,
    /// How many bytes it had.
    pub bytes: u64,
    /// The name of the file that keeps them.
    pub kept: OsString,
}

/// A process ended in an orderly way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// When, in UTC.
    pub at: String,
    /// Which session.
    pub session: String,
}

/// A record that this version does not understand: of another kind, or with other keys or words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The kind.
    pub kind: String,
    /// The transaction that it belongs to, if it says so.
    pub tx: Option<u64>,
    /// Its keys and values, in order, as they are written.
    pub fields: Vec<(String, String)>,
    /// Its payload lines, as they are written; None: it has one line.
    pub payload: Option<Vec<String>>,
    /// Whether the last line of its text has a line end.
    pub is_ended: bool,
}

impl Unknown {
    /// Whether it may be left out without harm.
    pub fn is_experiment(&self) -> bool {
        self.kind.starts_with("x-")
    }
}

/// 64 bits of the hash of a definition's text, with line ends normalised, common indentation and trailing blanks
/// removed; layout inside and comments count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TextHash(pub u64);

impl fmt::Display for TextHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

impl fmt::Debug for TextHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TextHash({self})")
    }
}
