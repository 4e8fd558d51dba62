//! What is said of a change, in the words of the public interface and in a user's.

use relive_log::{
    CHOSEN, Change, ChangeKind, Operation, Outcome, Status, Via, is_left_off_by_itself,
};

use crate::diff::{self, Line, Sign};

/// The kind of a change; a part of the public interface.
pub(crate) fn kind(change: &Change) -> &'static str {
    match &change.kind {
        ChangeKind::Patch { .. } if change.via == Via::Editor => "edit",
        ChangeKind::Patch {
            operation: Operation::Remove,
            ..
        } => "remove",
        ChangeKind::Patch { .. } => "define",
        ChangeKind::State { .. } => "eval",
        ChangeKind::Undo { .. } => "undo",
        ChangeKind::Fold { .. } => "fold",
        ChangeKind::Session => "session",
    }
}

/// The status; a part of the public interface.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Folded => "folded",
        Status::Undone => "undone",
        Status::Omitted => "omitted",
        Status::Conflict => "conflict",
        Status::InSource => "in-source",
        Status::Untrusted => "untrusted",
        Status::Newer => "newer",
    }
}

/// What is changed; not escaped.
pub(crate) fn target(change: &Change) -> String {
    match &change.kind {
        ChangeKind::Patch { target, .. } => target.clone(),
        ChangeKind::State { target, .. } => target.clone(),
        ChangeKind::Undo { of } => of.to_string(),
        ChangeKind::Fold { of } => ranges(of),
        ChangeKind::Session => change.session.clone(),
    }
}

/// What tells it from others in a list: of a statement its first line; not escaped.
pub(crate) fn subject(change: &Change) -> String {
    match &change.kind {
        ChangeKind::State { text, .. } => {
            let text = text.trim();
            match text.split_once('\n') {
                Some((first, _)) => format!("{} …", first.trim_end()),
                None => text.to_owned(),
            }
        }
        ChangeKind::Undo { of } => format!("of change {of}"),
        ChangeKind::Fold { of } => format!("of {}", numbered(of)),
        _ => target(change),
    }
}

/// Whether it is one that may be replayed: a change of code or state that is neither history nor taken back.
pub(crate) fn is_offered(change: &Change) -> bool {
    matches!(
        change.kind,
        ChangeKind::Patch { .. } | ChangeKind::State { .. }
    ) && change.via != Via::Editor
        && !matches!(change.status, Status::Folded | Status::Undone)
}

/// Whether it is left off by itself, as one that the process died of, or the like, and nobody has decided about it since.
pub(crate) fn is_suspect(change: &Change) -> bool {
    is_offered(change)
        && change.status == Status::Omitted
        && (change.outcome == Outcome::Unfinished && !change.why.starts_with("left off")
            || is_left_off_by_itself(change))
}

/// Whether a statement of it raised, or it was refused: it never took effect.
pub(crate) fn is_failed(change: &Change) -> bool {
    matches!(change.outcome, Outcome::Raised | Outcome::Refused)
}

/// Whether it is replayed if nobody decides otherwise.
pub(crate) fn is_replayed(change: &Change) -> bool {
    is_offered(change) && change.status == Status::Pending
}

/// Whether it is replayed if nobody decides otherwise and nothing speaks against that: what calls something does it once
/// more, and so the user says whether that is wanted.
pub(crate) fn is_safe(change: &Change) -> bool {
    is_replayed(change) && !change.why.starts_with("it calls something")
}

/// Whether it is replayed when the user says so.
pub(crate) fn is_replayable(change: &Change) -> bool {
    is_offered(change) && matches!(change.status, Status::Pending | Status::Omitted)
}

/// Whether there is nothing to say about its status.
pub(crate) fn is_plain(change: &Change) -> bool {
    change.status == Status::Pending && matches!(change.why.as_str(), "" | "clean" | CHOSEN)
}

/// Why it is replayed or is not, in a few words; not escaped.
pub(crate) fn reason(change: &Change) -> String {
    let why = change.why.as_str();
    let because = |what: &str| match why {
        "" => what.to_owned(),
        why => format!("{what}: {why}"),
    };
    match (change.status, why) {
        (Status::Conflict, _) => because("conflict"),
        (Status::Untrusted, _) => because("untrusted"),
        (Status::Newer, _) => because("newer format"),
        (Status::Pending, "") => "clean".to_owned(),
        (Status::InSource, "") => "already in the source".to_owned(),
        (Status::Omitted, "") => "left off".to_owned(),
        (status, "") => self::status(status).to_owned(),
        (_, why) => why.to_owned(),
    }
}

/// How it came about; not escaped.
pub(crate) fn origin(change: &Change) -> String {
    let via = match change.via {
        Via::Editor => "saved in an editor",
        Via::Repl => "typed at a prompt",
        Via::Patch => "made by relive.patch",
        Via::Undo if matches!(change.kind, ChangeKind::Patch { .. }) => {
            "made by an undo or a merge"
        }
        Via::Undo => "made by an undo",
        Via::Replay => "replayed from another log",
    };
    match &change.cause {
        Some(cause) => format!(
            "{via}, in transaction {} of session {}",
            cause.tx, cause.session
        ),
        None => via.to_owned(),
    }
}

/// The change itself: a unified diff, or the statement. `above`: how many lines stand above it in the source.
pub(crate) fn content(change: &Change, above: usize) -> Vec<Line> {
    match &change.kind {
        ChangeKind::Patch { old, new, .. } => diff::unified(
            old.as_deref().unwrap_or_default(),
            new.as_deref().unwrap_or_default(),
            above,
        ),
        ChangeKind::State { text, .. } => diff::whole(Sign::Same, text),
        ChangeKind::Undo { of } => vec![diff::head(&format!("takes change {of} back"))],
        ChangeKind::Fold { of } => {
            let text = format!("wrote {} into the source file", numbered(of));
            vec![diff::head(&text)]
        }
        ChangeKind::Session => {
            let text = format!("session {} began to write", change.session);
            vec![diff::head(&text)]
        }
    }
}

/// `change 3`, `changes 3-5, 8`; only how many, where nobody would read that.
pub(crate) fn numbered(numbers: &[u64]) -> String {
    let text = ranges(numbers);
    match numbers {
        [] => "nothing".to_owned(),
        [one] => format!("change {one}"),
        _ if text.len() > 60 => count(numbers.len(), "change"),
        _ => format!("changes {text}"),
    }
}

/// `3-5, 8`.
pub(crate) fn ranges(numbers: &[u64]) -> String {
    let mut text = String::new();
    for run in numbers.chunk_by(|one, next| one + 1 == *next) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        match run {
            [one] => text.push_str(&one.to_string()),
            [one, other] => text.push_str(&format!("{one}, {other}")),
            [first, .., last] => text.push_str(&format!("{first}-{last}")),
            [] => {}
        }
    }
    text
}

/// `1 change`, `3 changes`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        assert_eq!(ranges(&[1, 2, 3, 4, 6, 8, 9]), "1-4, 6, 8, 9");
        assert_eq!(numbered(&[7]), "change 7");
        assert_eq!(numbered(&[]), "nothing");
        let many: Vec<u64> = (0..100).map(|number| 3 * number).collect();
        assert_eq!(numbered(&many), "100 changes");
        assert_eq!(count(1, "change"), "1 change");
        assert_eq!(count(0, "change"), "0 changes");
    }
}
