//! Statements that change state, as far as a source text can say what they do.

use std::collections::BTreeSet;

use relive_syntax::{Outline, assignment};

use crate::change::{Change, ChangeKind, Status};
use crate::record::{Effect, Operation};
use crate::target;
use crate::text::text_hash;

/// `NAME = value` as a change of the statement that assigns NAME at the top level; or why that cannot be.
pub(super) fn as_patch(
    change: &Change,
    live: &Outline,
    earlier: &[Change],
) -> Result<ChangeKind, String> {
    let ChangeKind::State {
        target,
        effect,
        text,
    } = &change.kind
    else {
        return Err("it changes no state".to_owned());
    };
    let text = text.trim();
    let Some(typed) = assignment(text).filter(|typed| typed.name == *target) else {
        return Err("only `NAME = value` can be written into the source".to_owned());
    };
    if *effect != Effect::Assign {
        return Err("its value comes from a call".to_owned());
    }
    let name = typed.name;
    let unit = target::find(live, &name)
        .ok_or_else(|| format!("{name} is not assigned at the top level of the source"))?;
    if target::find(live, &target::name(None, &name, 2)).is_some() {
        return Err(format!("{name} is assigned more than once in the source"));
    }
    let old = live.lines(unit.lines);
    let there = assignment(old)
        .filter(|there| there.name == name)
        .ok_or_else(|| format!("{name} is not assigned by a statement of its own in the source"))?;
    let is_before = |other: &&Change| {
        other.status == Status::Pending
            && matches!(&other.kind, ChangeKind::State { target, .. } if *target == name)
    };
    if let Some(other) = earlier.iter().find(is_before) {
        return Err(format!(
            "change {} of {name} comes before it and stays in the log",
            other.number
        ));
    }
    check_reads(text, &name, live, unit.lines.first)?;
    let new = format!(
        "{}{}{}",
        &old[..there.value.start],
        &text[typed.value],
        &old[there.value.end..]
    );
    Ok(ChangeKind::Patch {
        operation: Operation::Replace,
        target: name,
        after: None,
        pre: Some(text_hash(old)),
        post: Some(text_hash(&new)),
        old: Some(old.to_owned()),
        new: Some(new),
    })
}

/// What the value reads has to be there when the source is executed down to this line.
fn check_reads(text: &str, name: &str, live: &Outline, line: u32) -> Result<(), String> {
    let typed = Outline::parse(text.into()).map_err(|error| error.message)?;
    let above = live.units.iter().filter(|unit| unit.lines.last < line);
    let bound: BTreeSet<&str> = above
        .flat_map(|unit| unit.binds.iter().map(String::as_str))
        .collect();
    let reads = typed
        .units
        .iter()
        .flat_map(|unit| unit.reads.now.paths.keys());
    let mut heads = reads.map(|path| path.split('.').next().unwrap_or_default());
    match heads.find(|head| !bound.contains(head)) {
        Some(head) if head == name => Err(format!("its value is made of that of {name} itself")),
        Some(head) => Err(format!(
            "its value reads {head}, which the source does not define above {name}"
        )),
        None => Ok(()),
    }
}
