//! What a report lists.

use relive_syntax::{Unit, UnitKind};
use serde::{Deserialize, Serialize};

/// The sort of thing an [`Item`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ItemKind {
    Module,
    Function,
    Method,
    Class,
    Attribute,
    Statement,
    Import,
    Instance,
    Frame,
}

impl ItemKind {
    /// The sort of thing that a unit of a module or, as a member, of a class is.
    #[must_use]
    pub fn of(unit: &Unit, is_member: bool) -> Self {
        match unit.kind {
            UnitKind::Function if is_member => Self::Method,
            UnitKind::Function => Self::Function,
            UnitKind::Class => Self::Class,
            UnitKind::Import => Self::Import,
            _ if is_member && !unit.binds.is_empty() => Self::Attribute,
            _ => Self::Statement,
        }
    }
}

/// One thing that an update did, left or refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Item {
    /// `pkg.mod:Class.method`, `pkg.mod:NAME`, or `pkg.mod:<line 12>`.
    pub qualname: String,
    /// The sort of thing.
    pub kind: ItemKind,
    /// The reason, in words.
    pub why: String,
    /// The source file.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
}

/// What a report says of a unit, for each name that it binds.
pub(crate) fn items(
    module: &str,
    file: &str,
    class: &[String],
    unit: &Unit,
    why: &str,
) -> Vec<Item> {
    let first = item(module, file, class, unit, why);
    let prefix = if class.is_empty() {
        String::new()
    } else {
        format!("{}.", class.join("."))
    };
    let others = unit.binds.iter().skip(1).map(|name| Item {
        qualname: format!("{module}:{prefix}{name}"),
        ..first.clone()
    });
    let others: Vec<Item> = others.collect();
    std::iter::once(first).chain(others).collect()
}

/// What a report says of a unit.
pub(crate) fn item(module: &str, file: &str, class: &[String], unit: &Unit, why: &str) -> Item {
    let mut path = class.join(".");
    if !path.is_empty() {
        path.push('.');
    }
    match (unit.kind, unit.binds.first()) {
        (UnitKind::Docstring, _) => path.push_str("__doc__"),
        (_, Some(name)) => path.push_str(name),
        (_, None) => path = format!("<line {}>", unit.lines.first),
    }
    Item {
        qualname: format!("{module}:{path}"),
        kind: ItemKind::of(unit, !class.is_empty()),
        why: why.to_owned(),
        file: file.to_owned(),
        line: unit.lines.first,
    }
}

pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
