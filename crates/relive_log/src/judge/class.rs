//! What a source says of a target, and classes statement by statement.

use relive_syntax::{Outline, Unit};

use crate::target::{self, Path, class_of};
use crate::text::exact;
use crate::tree::block_header;

/// Whether a unit of a source says what a text says; None: neither is there.
pub(super) fn says(source: &Outline, target: &str, text: Option<&str>) -> bool {
    let there = target::find(source, target).map(|unit| exact(source.lines(unit.lines)));
    there == text.map(exact)
}

/// What a body says that is empty, without anybody having written it: it is compared with nothing.
pub(super) const PASS: &str = "pass";

/// A class as a change has it: its header and the texts of its statements.
pub(super) struct Class {
    target: String,
    pub(super) header: String,
    pub(super) members: Vec<(String, String)>,
}

impl Class {
    /// None if a text is no class whose body has lines of its own.
    pub(super) fn parse(text: &str, target: &str) -> Option<Self> {
        let text = exact(text);
        let outline = Outline::parse(text.as_ref().into()).ok()?;
        let unit = outline.units.first()?;
        let header = outline.lines(block_header(&outline, unit)?);
        Some(Self {
            target: target.to_owned(),
            header: exact(header).into_owned(),
            members: Self::members_of(&outline, unit, target),
        })
    }

    pub(super) fn members_of(
        outline: &Outline,
        unit: &Unit,
        target: &str,
    ) -> Vec<(String, String)> {
        let body = unit.class.as_ref().map_or(&[][..], |class| &class.body);
        let keys = target::keys(outline, body);
        let member = |(unit, (key, ordinal)): (&Unit, (String, usize))| {
            let text = exact(outline.lines(unit.lines)).into_owned();
            (target::name(Some(target), &key, ordinal), text)
        };
        body.iter().zip(keys).map(member).collect()
    }

    pub(super) fn own_members(&self) -> impl Iterator<Item = (String, Option<String>)> + '_ {
        let own = self.members.iter().filter(|(_, text)| text != PASS);
        own.map(|(name, text)| (name.clone(), Some(text.clone())))
    }

    pub(super) fn header_of(&self, source: &Outline, unit: &Unit) -> Option<String> {
        let header = source.lines(block_header(source, unit)?);
        Some(exact(header).into_owned())
    }

    /// The members of this version and, without a text, those that only the source has.
    pub(super) fn members_with<'s>(
        &'s self,
        source: &Outline,
        unit: &Unit,
    ) -> impl Iterator<Item = (String, Option<String>)> + 's {
        // What stands on the line of its class belongs to that.
        let there = match block_header(source, unit) {
            Some(_) => Self::members_of(source, unit, &self.target),
            None => Vec::new(),
        };
        let is_other = |name: &String| !self.members.iter().any(|(own, _)| own == name);
        let others: Vec<_> = there
            .into_iter()
            .filter(|(name, text)| is_other(name) && text != PASS)
            .map(|(name, _)| (name, None))
            .collect();
        self.own_members().chain(others)
    }
}

/// The target without its ordinal.
pub(super) fn group_of(target: &str) -> String {
    target::name(class_of(target), Path::parse(target).name.key, 1)
}

/// The units of a source that share a name.
pub(super) fn units_of<'s>(source: &'s Outline, group: &str) -> impl Iterator<Item = &'s Unit> {
    let key = Path::parse(group).name.key.to_owned();
    let class = class_of(group).map(str::to_owned);
    (1..).map_while(move |ordinal| {
        target::find(source, &target::name(class.as_deref(), &key, ordinal))
    })
}
