//! Classes statement by statement.

use relive_syntax::{Outline, Unit};

use super::said::Said;
use crate::target;
use crate::text::{PASS, exact};
use crate::tree::block_header;

/// A class as a change has it: its header and the texts of its statements, but for `pass`.
pub(super) struct Class {
    target: String,
    pub(super) header: String,
    pub(super) members: Vec<(String, String)>,
}

impl Class {
    /// None if a text is no class whose body has lines of its own.
    pub(super) fn parse(text: &str, target: &str, said: &Said<'_>) -> Option<Self> {
        let text = exact(text);
        let outline = Outline::parse(text.as_ref().into()).ok()?;
        let unit = outline.units.first()?;
        let header = outline.lines(block_header(&outline, unit)?);
        Some(Self {
            target: target.to_owned(),
            header: exact(header).into_owned(),
            members: members(&outline, unit, target, said),
        })
    }

    pub(super) fn header_of(&self, source: &Outline, unit: &Unit) -> Option<String> {
        let header = source.lines(block_header(source, unit)?);
        Some(exact(header).into_owned())
    }

    pub(super) fn own_members(&self) -> impl Iterator<Item = (String, Option<String>)> + '_ {
        let own = self.members.iter();
        own.map(|(name, text)| (name.clone(), Some(text.clone())))
    }

    /// The members of this version and, without a text, those that only the source has.
    pub(super) fn members_with<'s>(
        &'s self,
        said: &Said<'_>,
        unit: &Unit,
    ) -> impl Iterator<Item = (String, Option<String>)> + 's {
        // What stands on the line of its class belongs to that.
        let there = match block_header(said.source, unit) {
            Some(_) => members(said.source, unit, &self.target, said),
            None => Vec::new(),
        };
        let is_other = |name: &String| !self.members.iter().any(|(own, _)| own == name);
        let others: Vec<_> = there
            .into_iter()
            .filter(|(name, _)| is_other(name))
            .map(|(name, _)| (name, None))
            .collect();
        self.own_members().chain(others)
    }
}

fn members(outline: &Outline, unit: &Unit, target: &str, said: &Said<'_>) -> Vec<(String, String)> {
    let body = unit.class.as_ref().map_or(&[][..], |class| &class.body);
    let keys = target::keys(outline, body);
    let mut members: Vec<(String, String)> = Vec::new();
    for (unit, (key, ordinal)) in body.iter().zip(keys) {
        let text = exact(outline.lines(unit.lines)).into_owned();
        if text != PASS {
            let is_taken = |name: &str| members.iter().any(|(other, _)| other == name);
            let name = said.member(target, &key, ordinal, &text, is_taken);
            members.push((name, text));
        }
    }
    members
}
