//! A source text with its pending changes merged.

use relive_syntax::{Lines, Outline, UnitKind};

use crate::change::{Change, ChangeKind, Draft, Status};
use crate::lineage::Lineages;
use crate::spacing::Style;
use crate::target::{Path, class_of};
use crate::text::without_comments_above;
use crate::tree::{NoScope, Node, Scope, Tree};

/// A source text with its pending changes merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The text.
    pub text: String,
    /// Where its lines are from; they cover all lines, in order.
    pub origins: Vec<Origin>,
    /// The changes that could not be merged, and why.
    pub conflicts: Vec<(u64, String)>,
}

/// Where some lines of a merged text are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The lines of the merged text.
    pub lines: Lines,
    /// The change that brought them; None: they are the source's.
    pub change: Option<u64>,
    /// The first of the lines there, counted from 1.
    pub first: u32,
}

/// The text of a source with its pending changes made, in their order: of those of one target the last one counts.
///
/// What is not changed stays byte for byte.
#[must_use]
pub fn merge(source: &Outline, changes: &[Change]) -> Merged {
    if let Some(source) = source.as_written() {
        return merge(&source, changes);
    }
    let lineages = Lineages::of(changes, source);
    let mut tree = Tree::of(source);
    tree.name_for_life(&lineages);
    let mut conflicts = Vec::new();
    let mut is_changed = false;
    for (index, change) in changes.iter().enumerate() {
        if change.status == Status::Pending
            && let Some(step) = Step::of(change, &lineages)
        {
            match step.make(&mut tree, &changes[..index]) {
                Ok(()) => is_changed = true,
                Err(why) => conflicts.push((change.number, why)),
            }
        }
    }
    let (text, origins) = tree.into_text();
    // A backslash above a unit that is gone, or the like: then the source is better left alone.
    if is_changed && Outline::parse(text.as_str().into()).is_err() {
        let why = "the changes cannot be merged: the text would not be Python";
        let pending = changes.iter().filter(|change| {
            change.status == Status::Pending && matches!(change.kind, ChangeKind::Patch { .. })
        });
        let (text, origins) = Tree::of(source).into_text();
        return Merged {
            text,
            origins,
            conflicts: pending
                .map(|change| (change.number, why.to_owned()))
                .collect(),
        };
    }
    Merged {
        text,
        origins,
        conflicts,
    }
}

/// A change of one definition or statement, to be made in a tree.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    number: Option<u64>,
    target: &'a str,
    /// What its target is called for life, if that is known.
    for_life: Option<&'a str>,
    is_addition: bool,
    after: Option<&'a str>,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

impl<'a> Step<'a> {
    pub(crate) fn of(change: &'a Change, lineages: &'a Lineages) -> Option<Self> {
        match &change.kind {
            ChangeKind::Patch {
                target,
                after,
                old,
                new,
                ..
            } => Some(Self {
                number: Some(change.number),
                target,
                for_life: (!lineages.is_empty()).then(|| lineages.of_change(change.number, target)),
                is_addition: old.is_none(),
                after: after.as_deref(),
                old: old.as_deref(),
                new: new.as_deref(),
            }),
            _ => None,
        }
    }

    pub(crate) fn of_draft(draft: &'a Draft) -> Option<Self> {
        match draft {
            Draft::Patch {
                target,
                after,
                old,
                new,
                ..
            } => Some(Self {
                number: None,
                target,
                for_life: None,
                is_addition: old.is_none(),
                after: after.as_deref(),
                old: old.as_deref(),
                new: new.as_deref(),
            }),
            _ => None,
        }
    }

    /// Make it, or say why it cannot be made. `earlier` are the changes before it, whatever became of them.
    pub(crate) fn make(self, tree: &mut Tree<'a>, earlier: &[Change]) -> Result<(), String> {
        let path = Path::parse(self.for_life.unwrap_or(self.target));
        let class = class_of(self.target).unwrap_or_default();
        let scope = match (tree.scope(&path.classes), self.new) {
            (Ok(scope), _) => scope,
            // What is to go is gone with its class.
            (Err(NoScope::Missing), None) => return Ok(()),
            (Err(NoScope::Missing), _) => return Err(no_class(class, earlier)),
            (Err(NoScope::NoBlock), _) => {
                return Err(format!("{class} is not a class with lines of its own now"));
            }
        };
        let index = match (self.for_life, self.is_addition) {
            (None, true) => scope.find_as_it_was(path.name),
            _ => scope.find_own(path.name),
        };
        let Some(new) = self.new else {
            if let Some(index) = index {
                scope.remove(
                    index,
                    self.number,
                    comments_above(self.old.unwrap_or_default()),
                );
                tree.settle(&path.classes, index);
            }
            return Ok(());
        };
        let mut node = Node::of_text(new, &scope.indentation, self.number)
            .ok_or_else(|| "its text is not one definition or statement".to_owned())?;
        node.name_it(path.name.key);
        if self.for_life.is_some() {
            node.live_as(path.name.ordinal);
        }
        let at = match index {
            // What stands around it stays, which is all that there is to do for most changes.
            Some(index) if scope.nodes[index].is_like(&node) => {
                scope.replace(index, node, Style::default(), self.number);
                return Ok(());
            }
            Some(index) => {
                let style = tree.style(&path.classes, index);
                let scope = tree
                    .scope(&path.classes)
                    .map_err(|_| no_class(class, earlier))?;
                scope.replace(index, node, style, self.number);
                index
            }
            None if self.is_taken(scope) => {
                return Err(format!("the source has another {} already", self.target));
            }
            None => {
                node.is_added = true;
                let index = self.place(scope, &node, earlier);
                let style = tree.style(&path.classes, index);
                let scope = tree
                    .scope(&path.classes)
                    .map_err(|_| no_class(class, earlier))?;
                scope.insert(index, node, style, self.number)
            }
        };
        tree.settle(&path.classes, at);
        Ok(())
    }

    /// Whether the source has as many of the name of an addition as are to be there. Statements without a name are no rivals.
    fn is_taken(&self, scope: &Scope<'_>) -> bool {
        let name = Path::parse(self.target).name;
        let is_named = !name.key.starts_with('<');
        self.is_addition && is_named && scope.count_of_source(name.key) >= name.ordinal
    }

    /// Where an addition goes.
    fn place(&self, scope: &Scope<'_>, node: &Node<'_>, earlier: &[Change]) -> usize {
        let mut after = self.after;
        let mut is_addition = self.is_addition;
        // What was added by a change that is left off now has the place that that change names.
        let mut left = earlier;
        loop {
            if is_addition {
                let Some(elder) = after else {
                    return first_place(scope, node);
                };
                if let Some(index) = scope.find(Path::parse(elder).name) {
                    return index + 1;
                }
            }
            let wanted = if is_addition {
                after
            } else {
                Some(self.target)
            };
            let added = left.iter().rposition(|change| {
                matches!(&change.kind, ChangeKind::Patch { target, old: None, .. }
                    if Some(target.as_str()) == wanted)
            });
            let Some(added) = added else {
                return last_place(scope, node);
            };
            if let ChangeKind::Patch { after: elder, .. } = &left[added].kind {
                after = elder.as_deref();
            }
            is_addition = true;
            left = &left[..added];
        }
    }
}

/// The comments that a text begins with.
fn comments_above(text: &str) -> Vec<&str> {
    let count = text.len() - without_comments_above(text).len();
    text[..count].lines().map(str::trim).collect()
}

fn no_class(class: &str, earlier: &[Change]) -> String {
    let name = Path::parse(class).name.key;
    let added = earlier.iter().rev().find(|change| {
        change.status != Status::Pending
            && matches!(&change.kind, ChangeKind::Patch { target, new: Some(_), .. } if target == class)
    });
    match added {
        Some(change) => format!(
            "depends on change {}, which brings the class {name} and is left off",
            change.number
        ),
        None => format!("there is no class {class} now"),
    }
}

/// Where what stands first goes: below the docstring and, but for another one, `from __future__ import`.
pub(crate) fn first_place(scope: &Scope<'_>, node: &Node<'_>) -> usize {
    if node.kind == UnitKind::Docstring {
        return 0;
    }
    let is_above = |index: usize| {
        scope.nodes[index].kind == UnitKind::Docstring
            || !is_future(node) && is_future(&scope.nodes[index])
    };
    let count = scope.nodes.len();
    (0..count).take_while(|&index| is_above(index)).count()
}

fn is_future(node: &Node<'_>) -> bool {
    node.kind == UnitKind::Import && node.text().starts_with("from __future__ ")
}

/// Where what is added at the end goes: above `if __name__ == "__main__":`.
pub(crate) fn last_place(scope: &Scope<'_>, node: &Node<'_>) -> usize {
    let count = scope.nodes.len();
    let is_main = |node: &Node<'_>| node.kind == UnitKind::MainGuard;
    match count.checked_sub(1) {
        Some(last) if scope.is_module && is_main(&scope.nodes[last]) && !is_main(node) => last,
        _ => count,
    }
}
