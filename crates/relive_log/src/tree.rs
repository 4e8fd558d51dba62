//! A source text taken apart into its units and what stands between them, so that units can be exchanged and all else
//! stays byte for byte.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use relive_syntax::{Lines, Outline, Unit, UnitKind};

use crate::lineage::Lineages;
use crate::merge::Origin;
use crate::spacing::Style;
use crate::target::{self, DOCSTRING, Name, Path};
use crate::text::{PASS, indentation, indented, is_blank, is_comment};

/// One line, without its line end.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) text: Cow<'a, str>,
    /// The change that brought it; None: it is the source's.
    pub(crate) change: Option<u64>,
    /// Which line it is there, counted from 1.
    pub(crate) number: u32,
}

impl Line<'_> {
    pub(crate) fn is_blank(&self) -> bool {
        is_blank(&self.text)
    }
}

/// Empty lines that a change needs around what it brings.
pub(crate) fn empty_lines<'a>(count: usize, change: Option<u64>) -> Vec<Line<'a>> {
    let empty = |number| Line {
        text: Cow::Borrowed(""),
        change,
        number,
    };
    (1..).take(count).map(empty).collect()
}

/// A whole text.
pub(crate) struct Tree<'a> {
    pub(crate) module: Scope<'a>,
    /// The last line, if it has no line end.
    unended: Option<u32>,
}

/// The units of a module or of the body of a class.
#[derive(Clone, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) is_module: bool,
    pub(crate) indentation: String,
    pub(crate) nodes: Vec<Node<'a>>,
    /// How many units have each key.
    counts: HashMap<String, usize>,
    /// Where a unit was found last: the next one is mostly looked for beside it.
    last_found: Cell<usize>,
    /// What stands below the last unit.
    pub(crate) end: Vec<Line<'a>>,
}

/// A unit and what stands above it.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    /// What it is called but for its ordinal; see [`Scope::key`].
    key: String,
    /// What it is counted as for life, if that is known; see [`Lineages`].
    lineage: Option<usize>,
    /// Whether a change added it.
    pub(crate) is_added: bool,
    pub(crate) kind: UnitKind,
    /// Whether it would be a docstring if nothing were above it.
    is_string: bool,
    /// Empty lines and comments that stand between the unit above and this one.
    pub(crate) above: Vec<Line<'a>>,
    content: Content<'a>,
    /// Comments below it that are indented like its body.
    tail: Vec<Line<'a>>,
}

#[derive(Clone, Debug)]
enum Content<'a> {
    Plain(Vec<Line<'a>>),
    /// A class whose body has lines of its own.
    Class {
        header: Vec<Line<'a>>,
        body: Scope<'a>,
    },
}

impl<'a> Tree<'a> {
    pub(crate) fn of(source: &'a Outline) -> Self {
        let lines: Vec<Line<'a>> = (1..)
            .zip(source.text.split_terminator('\n'))
            .map(|(number, text)| Line {
                text: Cow::Borrowed(text),
                change: None,
                number,
            })
            .collect();
        let last = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        let mut module = Scope {
            is_module: true,
            indentation: String::new(),
            nodes: Vec::new(),
            counts: HashMap::new(),
            last_found: Cell::new(0),
            end: Vec::new(),
        };
        let next = module.take_in(source, &source.units, 1, &lines);
        module.end = slice(&lines, next, last);
        module.hand_out_tails(None);
        Self {
            module,
            unended: (!source.text.ends_with('\n')).then_some(last),
        }
    }

    /// Have each unit be found by its name for life.
    pub(crate) fn name_for_life(&mut self, lineages: &Lineages) {
        if !lineages.is_empty() {
            self.module.name_for_life(None, &|target| {
                Path::parse(lineages.of_unit(target)).name.ordinal
            });
        }
    }

    /// Have each comment belong to what it would belong to if the text were read, around a unit that was put into a
    /// scope or taken out of it.
    pub(crate) fn settle(&mut self, classes: &[Name<'_>], index: usize) {
        let (mut path, _) = self.way_to(classes);
        path.push(index);
        self.module.take_back_ends(Some(&path));
        self.module.hand_out_tails(Some(&path));
    }

    /// Where the units stand that lead to a scope, and the scope, as far as there are such units.
    fn way_to(&self, classes: &[Name<'_>]) -> (Vec<usize>, &Scope<'a>) {
        let mut path = Vec::new();
        let mut scope = &self.module;
        for class in classes {
            let Some(index) = scope.find_own(*class) else {
                break;
            };
            path.push(index);
            match scope.nodes[index].body() {
                Some(body) => scope = body,
                None => break,
            }
        }
        (path, scope)
    }

    /// How units are separated around a place of a scope.
    pub(crate) fn style(&self, classes: &[Name<'_>], index: usize) -> Style {
        let (mut path, scope) = self.way_to(classes);
        path.push(index);
        Style::at(&path, scope, &self.module)
    }

    /// The module's scope, or that of a class.
    pub(crate) fn scope(&mut self, classes: &[Name<'_>]) -> Result<&mut Scope<'a>, NoScope> {
        let mut scope = &mut self.module;
        for class in classes {
            let index = scope.find_own(*class).ok_or(NoScope::Missing)?;
            match &mut scope.nodes[index].content {
                Content::Class { body, .. } => scope = body,
                Content::Plain(_) => return Err(NoScope::NoBlock),
            }
        }
        Ok(scope)
    }

    /// The whole text, and where its lines are from.
    pub(crate) fn into_text(self) -> (String, Vec<Origin>) {
        let mut text = String::new();
        let mut origins: Vec<Origin> = Vec::new();
        let mut count = 0;
        let mut last = None;
        self.module.visit(&mut |line| {
            text.push_str(&line.text);
            text.push('\n');
            count += 1;
            last = line.change.is_none().then_some(line.number);
            match origins.last_mut() {
                Some(origin)
                    if origin.change == line.change
                        && origin.first + (count - origin.lines.first) == line.number =>
                {
                    origin.lines.last = count;
                }
                _ => origins.push(Origin {
                    lines: Lines {
                        first: count,
                        last: count,
                    },
                    change: line.change,
                    first: line.number,
                }),
            }
        });
        if last.is_some() && last == self.unended {
            text.pop();
        }
        (text, origins)
    }
}

/// Why there is no scope of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoScope {
    /// There is no such class.
    Missing,
    /// It is no class, or one that is written on one line.
    NoBlock,
}

impl<'a> Scope<'a> {
    /// Take in units; the number of the first line below them.
    fn take_in(
        &mut self,
        outline: &Outline,
        units: &[Unit],
        mut next: u32,
        lines: &[Line<'a>],
    ) -> u32 {
        for unit in units {
            let mut node = Node::of_unit(outline, unit, lines);
            node.above
                .splice(0..0, slice(lines, next, unit.lines.first - 1));
            next = unit.lines.last + 1;
            self.put(self.nodes.len(), node);
        }
        next
    }

    /// Give the comments that stand below a unit, indented like its body, to the unit; see [`near`](Self::near).
    fn hand_out_tails(&mut self, path: Option<&[usize]>) {
        let depth = self.indentation.len();
        for index in self.near(path) {
            let below = match self.nodes.get_mut(index + 1) {
                Some(next) => &mut next.above,
                None => &mut self.end,
            };
            let tail = deeper(below, depth);
            self.nodes[index].give_tail(tail);
            if let Content::Class { body, .. } = &mut self.nodes[index].content {
                body.hand_out_tails(inner(path, index));
            }
        }
    }

    /// Take what stands below the last units of classes for what stands below the classes.
    fn take_back_ends(&mut self, path: Option<&[usize]>) {
        for index in self.near(path) {
            if let Content::Class { body, .. } = &mut self.nodes[index].content {
                body.take_back_ends(inner(path, index));
                let end = std::mem::take(&mut body.end);
                let below = match self.nodes.get_mut(index + 1) {
                    Some(next) => &mut next.above,
                    None => &mut self.end,
                };
                below.splice(0..0, end);
            }
        }
    }

    /// The units around the one that a path leads to, and the last one, which has what comes down to the scope from
    /// outside; without a path all.
    fn near(&self, path: Option<&[usize]>) -> Vec<usize> {
        let count = self.nodes.len();
        let Some(&[at, ..]) = path else {
            return (0..count).collect();
        };
        let mut near: Vec<usize> = (at.saturating_sub(1)..count.min(at + 2)).collect();
        if count > at + 2 {
            near.push(count - 1);
        }
        near
    }

    fn put(&mut self, index: usize, node: Node<'a>) {
        *self.counts.entry(node.key.clone()).or_default() += 1;
        self.nodes.insert(index, node);
    }

    fn take(&mut self, index: usize) -> Node<'a> {
        let node = self.nodes.remove(index);
        if let Some(count) = self.counts.get_mut(&node.key) {
            *count -= 1;
        }
        node
    }

    /// What a unit is called now but for its ordinal. A string is a docstring where nothing is above it.
    fn key(&self, index: usize) -> Cow<'_, str> {
        let node = &self.nodes[index];
        match (index == 0 && node.is_string, node.key == DOCSTRING) {
            (true, _) => Cow::Borrowed(DOCSTRING),
            (false, true) => Cow::Owned(target::beginning(&node.text())),
            (false, false) => Cow::Borrowed(&node.key),
        }
    }

    /// The unit of a name.
    pub(crate) fn find(&self, name: Name<'_>) -> Option<usize> {
        // Until all changes of a transaction are made, a string is called what it was.
        self.find_as_it_was(name).or_else(|| {
            if !name.key.starts_with('<') {
                return None;
            }
            let mut named = (0..self.nodes.len()).filter(|&index| self.key(index) == name.key);
            named.nth(name.ordinal.checked_sub(1)?)
        })
    }

    /// The unit that had a name before the changes of a transaction.
    pub(crate) fn find_as_it_was(&self, name: Name<'_>) -> Option<usize> {
        let is_it = |index: &usize| {
            self.nodes
                .get(*index)
                .is_some_and(|node| node.key == name.key)
        };
        let found = match self.counts.get(name.key) {
            None | Some(0) => None,
            Some(1) if name.ordinal == 1 => {
                let last = self.last_found.get();
                let mut near = last.saturating_sub(1)..last + 3;
                near.find(is_it)
                    .or_else(|| (0..self.nodes.len()).find(is_it))
            }
            Some(_) => {
                let mut all = (0..self.nodes.len()).filter(is_it);
                all.nth(name.ordinal.checked_sub(1)?)
            }
        };
        if let Some(index) = found {
            self.last_found.set(index);
        }
        found
    }

    /// The unit of a name for life; where there are none, of a name.
    pub(crate) fn find_own(&self, name: Name<'_>) -> Option<usize> {
        if self.count_of(name.key) < 2 {
            let found = self.find(name);
            return match found.and_then(|index| self.nodes[index].lineage) {
                Some(id) if id != name.ordinal => None,
                _ => found.or_else(|| self.alone(name)),
            };
        }
        let all = self.all_of(name.key);
        let is_it = |index: &&usize| self.nodes[**index].lineage == Some(name.ordinal);
        match all.iter().any(|&index| self.nodes[index].lineage.is_some()) {
            true => all.iter().find(is_it).copied(),
            false => self.find(name),
        }
    }

    /// The only unit of a key, if its name for life counts it otherwise.
    fn alone(&self, name: Name<'_>) -> Option<usize> {
        let first = Name { ordinal: 1, ..name };
        let found = self.find_as_it_was(first)?;
        (self.nodes[found].lineage == Some(name.ordinal)).then_some(found)
    }

    fn name_for_life(&mut self, scope: Option<&str>, id_of: &impl Fn(&str) -> usize) {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for node in &mut self.nodes {
            let count = counts.entry(node.key.clone()).or_default();
            *count += 1;
            let target = target::name(scope, &node.key, *count);
            node.lineage = Some(id_of(&target));
            if let Content::Class { body, .. } = &mut node.content {
                body.name_for_life(Some(&target), id_of);
            }
        }
    }

    /// How many units of the source share a key.
    pub(crate) fn count_of_source(&self, key: &str) -> usize {
        let is_it = |node: &&Node<'_>| node.key == key && !node.is_added;
        match self.count_of(key) {
            0 => 0,
            _ => self.nodes.iter().filter(is_it).count(),
        }
    }

    fn count_of(&self, key: &str) -> usize {
        self.counts.get(key).copied().unwrap_or_default()
    }

    /// The units that share a key.
    pub(crate) fn all_of(&self, key: &str) -> Vec<usize> {
        (0..self.nodes.len())
            .filter(|&index| self.nodes[index].key == key)
            .collect()
    }

    /// Put a unit at a place, separated from its neighbours as they are; where it stands.
    pub(crate) fn insert(
        &mut self,
        mut index: usize,
        mut node: Node<'a>,
        style: Style,
        change: Option<u64>,
    ) -> usize {
        if self.says_nothing() {
            // Its comments go to what takes its place.
            if !self.nodes.is_empty() {
                let mut filler = self.take(0);
                filler.above.append(&mut node.above);
                node.above = filler.above;
                self.end.splice(0..0, filler.tail);
            }
        }
        index = index.min(self.nodes.len());
        let comments = std::mem::take(&mut node.above);
        let mut above = self.head_for(index, change, node.kind);
        if index > 0 {
            let count = self.need(index - 1, node.kind, style);
            above.extend(empty_lines(count, change));
        }
        above.extend(comments);
        let need_below = (index < self.nodes.len()).then(|| self.need(index, node.kind, style));
        node.above = above;
        let below = match self.nodes.get_mut(index) {
            Some(next) => &mut next.above,
            None => &mut self.end,
        };
        let is_followed = need_below.is_some() || below.iter().any(|line| !line.is_blank());
        if is_followed {
            let need = need_below.unwrap_or(usize::from(index > 0));
            let count = below.iter().take_while(|line| line.is_blank()).count();
            below.splice(0..0, empty_lines(need.saturating_sub(count), change));
        }
        self.put(index, node);
        self.last_found.set(index);
        index
    }

    /// How many empty lines separate the unit at a place from one of some kind.
    fn need(&self, index: usize, kind: UnitKind, style: Style) -> usize {
        let kinds = [self.nodes[index].kind, kind];
        let usual = style.between(self.is_module, kinds);
        let is_definition = matches!(kind, UnitKind::Function | UnitKind::Class);
        match self.nodes.get(index + 1) {
            // Below a docstring it looks as it did, unless more is due.
            Some(next) if kinds[0] == UnitKind::Docstring && !(self.is_module && is_definition) => {
                let there = next.above.iter().take_while(|line| line.is_blank()).count();
                usual.min(there)
            }
            _ => usual,
        }
    }

    /// The comments at the beginning of the file that what comes first is put below.
    fn head_for(&mut self, index: usize, change: Option<u64>, kind: UnitKind) -> Vec<Line<'a>> {
        if index > 0 || !self.is_module {
            return Vec::new();
        }
        let Some(first) = self.nodes.first_mut() else {
            let mut head = std::mem::take(&mut self.end);
            while head.pop_if(|line| line.is_blank()).is_some() {}
            if !head.is_empty() {
                let is_definition = matches!(kind, UnitKind::Function | UnitKind::Class);
                head.extend(empty_lines(1 + usize::from(is_definition), change));
            }
            return head;
        };
        // Comments directly above a unit are about it, unless they begin the file.
        let own = first.above.iter().rposition(Line::is_blank);
        match own {
            Some(blank) if first.above.iter().any(|line| !line.is_blank()) => {
                first.above.drain(..=blank).collect()
            }
            Some(_) => Vec::new(),
            None => std::mem::take(&mut first.above),
        }
    }

    /// Take a unit out, with those comments directly above it; other comments stay, and one of the gaps around it goes.
    pub(crate) fn remove(&mut self, index: usize, change: Option<u64>, comments: Vec<&str>) {
        let mut node = self.take(index);
        let mut above = std::mem::take(&mut node.above);
        if let Some(first) = above.len().checked_sub(comments.len())
            && above[first..]
                .iter()
                .map(|line| line.text.trim())
                .eq(comments)
        {
            above.truncate(first);
        }
        let has_next = index < self.nodes.len();
        let below = match self.nodes.get_mut(index) {
            Some(next) => &mut next.above,
            None => &mut self.end,
        };
        let kept = above.iter().rposition(|line| !line.is_blank());
        let before = above.split_off(kept.map_or(0, |last| last + 1));
        let after = below.iter().take_while(|line| line.is_blank()).count();
        let is_followed = has_next || after < below.len();
        let is_first = index == 0 && above.is_empty();
        if is_followed && (is_first || before.len() > after) {
            below.splice(..after, before);
        }
        below.splice(0..0, above);
        if self.nodes.is_empty() && !self.is_module {
            self.fill(change);
        }
    }

    fn fill(&mut self, change: Option<u64>) {
        let line = Line {
            text: Cow::Owned(format!("{}{PASS}", self.indentation)),
            change,
            number: 1,
        };
        let filler = Node {
            key: target::beginning(PASS),
            lineage: None,
            is_added: false,
            kind: UnitKind::Inert,
            is_string: false,
            above: Vec::new(),
            content: Content::Plain(vec![line]),
            tail: Vec::new(),
        };
        self.put(0, filler);
    }

    /// Whether it is a body that is written down only because it must not be empty.
    fn says_nothing(&self) -> bool {
        matches!(&*self.nodes, [node] if !self.is_module && node.text().trim() == PASS)
    }

    /// Exchange a unit for another one.
    pub(crate) fn replace(
        &mut self,
        index: usize,
        mut node: Node<'a>,
        style: Style,
        change: Option<u64>,
    ) {
        if self.nodes[index].key != node.key {
            if let Some(count) = self.counts.get_mut(&self.nodes[index].key) {
                *count -= 1;
            }
            *self.counts.entry(node.key.clone()).or_default() += 1;
        }
        let old = &mut self.nodes[index];
        let is_new_definition = node.is_definition() && !old.is_definition();
        node.is_added = old.is_added;
        node.above = std::mem::take(&mut old.above);
        let tail = old.take_tail();
        node.give_tail(tail);
        *old = node;
        if is_new_definition {
            let kind = self.nodes[index].kind;
            let above = (index > 0).then(|| self.need(index - 1, kind, style));
            let below = (index + 1 < self.nodes.len()).then(|| self.need(index + 1, kind, style));
            for (index, need) in [(index, above), (index + 1, below)] {
                if let Some(need) = need {
                    let lines = &mut self.nodes[index].above;
                    let count = lines.iter().take_while(|line| line.is_blank()).count();
                    lines.splice(0..0, empty_lines(need.saturating_sub(count), change));
                }
            }
        }
    }

    fn visit<'s>(&'s self, each: &mut impl FnMut(&'s Line<'a>)) {
        for node in &self.nodes {
            node.above.iter().for_each(&mut *each);
            node.visit(each);
        }
        self.end.iter().for_each(each);
    }
}

impl<'a> Node<'a> {
    /// The definition or statement of a text, indented as its scope is; comments above it are [`above`](Self::above).
    pub(crate) fn of_text(text: &'a str, indentation: &str, change: Option<u64>) -> Option<Self> {
        let outline = Outline::parse(indented(text, "").as_ref().into()).ok()?;
        let [unit] = &*outline.units else {
            return None;
        };
        let lines: Vec<Line<'a>> = match indented(text, indentation) {
            Cow::Borrowed(text) => number(text.split_terminator('\n').map(Cow::Borrowed), change),
            Cow::Owned(text) => number(
                text.split_terminator('\n')
                    .map(|line| Cow::Owned(line.to_owned())),
                change,
            ),
        };
        let mut node = Self::of_unit(&outline, unit, &lines);
        node.above
            .splice(0..0, slice(&lines, 1, unit.lines.first - 1));
        let last = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        let mut tail = slice(&lines, unit.lines.last + 1, last);
        while tail.pop_if(|line| line.is_blank()).is_some() {}
        node.give_tail(tail);
        if let Content::Class { body, .. } = &mut node.content {
            body.hand_out_tails(None);
        }
        Some(node)
    }

    fn of_unit(outline: &Outline, unit: &Unit, lines: &[Line<'a>]) -> Self {
        let content = match (&unit.class, block_header(outline, unit)) {
            (Some(class), Some(header)) if !class.body.is_empty() => {
                let first = &lines[class.body[0].lines.first as usize - 1];
                let mut body = Scope {
                    is_module: false,
                    indentation: indentation(&first.text).to_owned(),
                    nodes: Vec::new(),
                    counts: HashMap::new(),
                    last_found: Cell::new(0),
                    end: Vec::new(),
                };
                body.take_in(outline, &class.body, header.last + 1, lines);
                Content::Class {
                    header: slice(lines, header.first, header.last),
                    body,
                }
            }
            _ => Content::Plain(slice(lines, unit.lines.first, unit.lines.last)),
        };
        let first = lines.get(unit.lines.first as usize - 1);
        let first = first.map_or("", |line| &line.text);
        let is_quoted = || {
            let text = first.trim_start().trim_start_matches(['r', 'R', 'u', 'U']);
            text.starts_with(['"', '\''])
        };
        Self {
            key: target::key(unit, first),
            lineage: None,
            is_added: false,
            is_string: match unit.kind {
                UnitKind::Docstring => true,
                UnitKind::Inert => is_quoted(),
                _ => false,
            },
            kind: unit.kind,
            above: Vec::new(),
            content,
            tail: Vec::new(),
        }
    }

    pub(crate) fn is_definition(&self) -> bool {
        matches!(self.kind, UnitKind::Function | UnitKind::Class)
    }

    /// Whether it can take another one's place with nothing around it changed.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let is_plain = |node: &Self| matches!(node.content, Content::Plain(_));
        is_plain(self) && is_plain(other) && self.is_definition() == other.is_definition()
    }

    /// Take the name that a target gives it: of a string alone it cannot be told whether it is a docstring.
    pub(crate) fn name_it(&mut self, key: &str) {
        if self.is_string {
            key.clone_into(&mut self.key);
            self.kind = match key {
                DOCSTRING => UnitKind::Docstring,
                _ => UnitKind::Inert,
            };
        }
    }

    /// Be found by a name for life, and what is in it by its place.
    pub(crate) fn live_as(&mut self, id: usize) {
        self.lineage = Some(id);
        if let Content::Class { body, .. } = &mut self.content {
            body.name_for_life(None, &|target| Path::parse(target).name.ordinal);
        }
    }

    /// Its text, without comments above and below.
    pub(crate) fn text(&self) -> String {
        let mut lines: Vec<&str> = Vec::new();
        self.visit(&mut |line| lines.push(&line.text));
        lines.truncate(lines.len() - self.tail_count());
        let mut text = lines.join("\n");
        text.push('\n');
        text
    }

    fn tail_count(&self) -> usize {
        let inner = match &self.content {
            Content::Plain(_) => 0,
            Content::Class { body, .. } => {
                body.end.len() + body.nodes.last().map_or(0, Self::tail_count)
            }
        };
        inner + self.tail.len()
    }

    pub(crate) fn body(&self) -> Option<&Scope<'a>> {
        match &self.content {
            Content::Class { body, .. } => Some(body),
            Content::Plain(_) => None,
        }
    }

    fn give_tail(&mut self, mut tail: Vec<Line<'a>>) {
        match &mut self.content {
            Content::Plain(_) => self.tail.append(&mut tail),
            Content::Class { body, .. } => body.end.append(&mut tail),
        }
    }

    fn take_tail(&mut self) -> Vec<Line<'a>> {
        let mut tail = match &mut self.content {
            Content::Plain(_) => Vec::new(),
            Content::Class { body, .. } => {
                let mut tail = body.nodes.last_mut().map_or_else(Vec::new, Self::take_tail);
                tail.append(&mut body.end);
                tail
            }
        };
        tail.append(&mut self.tail);
        tail
    }

    fn visit<'s>(&'s self, each: &mut impl FnMut(&'s Line<'a>)) {
        match &self.content {
            Content::Plain(lines) => lines.iter().for_each(&mut *each),
            Content::Class { header, body } => {
                header.iter().for_each(&mut *each);
                body.visit(each);
            }
        }
        self.tail.iter().for_each(each);
    }
}

/// What is left of a path within the unit that it leads to.
fn inner(path: Option<&[usize]>, index: usize) -> Option<&[usize]> {
    match path {
        Some([at, rest @ ..]) if *at == index && !rest.is_empty() => Some(rest),
        _ => None,
    }
}

/// The lines of a class down to its colon, if its body has lines of its own.
pub(crate) fn block_header(outline: &Outline, unit: &Unit) -> Option<Lines> {
    let class = unit.class.as_ref()?;
    let body_first = class.body.first()?.lines.first;
    let above = Lines {
        first: unit.lines.first,
        last: body_first.checked_sub(1)?,
    };
    if above.last < above.first {
        return None;
    }
    let lines: Vec<&str> = outline.lines(above).split_terminator('\n').collect();
    let is_code = |line: &&str| !line.trim().is_empty() && !is_comment(line);
    let last = lines.iter().rposition(is_code)?;
    let line = lines[last];
    let count = |c: char| line.matches(c).count();
    let is_plain = indentation_free(line).starts_with("class ")
        && !line.contains(['#', '"', '\''])
        && line.trim_end().ends_with(':')
        && count('(') == count(')')
        && count('[') == count(']')
        && count('{') == count('}');
    let header = Lines {
        first: above.first,
        last: above.first + u32::try_from(last).ok()?,
    };
    let is_block = || {
        // Whether the colon is there, and not only brackets that the next line closes, the parser knows best.
        let text = indented(outline.lines(header), "");
        let text = text.trim_end_matches('\n');
        !text.ends_with('\\') && Outline::parse(format!("{text}\n pass\n").into()).is_ok()
    };
    (is_plain || is_block()).then_some(header)
}

fn indentation_free(line: &str) -> &str {
    &line[indentation(line).len()..]
}

fn number<'a>(lines: impl Iterator<Item = Cow<'a, str>>, change: Option<u64>) -> Vec<Line<'a>> {
    let line = |(number, text)| Line {
        text,
        change,
        number,
    };
    (1..).zip(lines).map(line).collect()
}

/// Lines by their numbers, counted from 1.
fn slice<'a>(lines: &[Line<'a>], first: u32, last: u32) -> Vec<Line<'a>> {
    let (first, last) = (first as usize, last as usize);
    lines
        .get(first - 1..last.min(lines.len()))
        .map_or_else(Vec::new, <[Line<'a>]>::to_vec)
}

/// Take off the lines down to the last comment that is indented deeper, before one that is not.
fn deeper<'a>(lines: &mut Vec<Line<'a>>, depth: usize) -> Vec<Line<'a>> {
    let mut end = 0;
    for (index, line) in lines.iter().enumerate() {
        if line.is_blank() {
            continue;
        }
        if indentation(&line.text).len() <= depth || !is_comment(&line.text) {
            break;
        }
        end = index + 1;
    }
    lines.drain(..end).collect()
}
