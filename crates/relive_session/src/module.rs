//! What a session knows of one live module.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use relive_log::Change;
use relive_plan::{Difference, Removed, World};
use relive_syntax::{Outline, SyntaxError, decode};
use serde::{Deserialize, Serialize};

use crate::changes::{MergedModule, Places, merged};

/// How many removed units a module keeps, in case a later save brings them back.
const SHELF_LENGTH: usize = 256;

/// Whether the text that a module was executed from is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// It is.
    File,
    /// The module was imported before the session began, and differs from its file.
    Unknown,
}

/// Which version of a module runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleVersion {
    /// The module's name.
    pub name: String,
    /// Its source file.
    pub file: String,
    /// The session's version number of the last edit applied to it; 0 for none.
    pub version: u64,
    /// What is known of the text it was executed from.
    pub base: Base,
}

/// A live module.
pub(crate) struct LiveModule {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) version: u64,
    pub(crate) base: Base,
    /// Whether the host knows which code belongs to which unit.
    pub(crate) is_anchored: bool,
    pub(crate) shelf: Vec<Removed>,
    /// Units of which the file has another version, which was refused.
    pub(crate) refused: BTreeSet<u64>,
    /// Hash of the content of the file that was considered last; None when it was gone.
    pub(crate) seen: Option<blake3::Hash>,
    /// Hash of what a fold has written into the file and has not been considered yet.
    pub(crate) folded: Option<blake3::Hash>,
    /// The changes that its log knows but for saved edits, with what has become of them.
    pub(crate) changes: Vec<Change>,
    /// The outline of its file, where pending changes make the live text another one.
    file_outline: Option<Outline>,
    source: Source,
    /// The outline of the text considered last, as it was parsed: the next one shares what has not changed.
    parsed: Option<Outline>,
}

/// The text that is live, outlined when it is first needed.
enum Source {
    Bytes(Vec<u8>),
    Outline(Arc<Outline>, OnceCell<HashSet<String>>),
}

impl From<Outline> for Source {
    fn from(outline: Outline) -> Self {
        Self::Outline(Arc::new(outline), OnceCell::new())
    }
}

impl LiveModule {
    pub(crate) fn new(name: String, file: PathBuf, bytes: Vec<u8>, base: Base) -> Self {
        Self {
            name,
            file,
            version: 0,
            base,
            is_anchored: false,
            shelf: Vec::new(),
            refused: BTreeSet::new(),
            seen: Some(blake3::hash(&bytes)),
            folded: None,
            changes: Vec::new(),
            file_outline: None,
            source: Source::Bytes(bytes),
            parsed: None,
        }
    }

    pub(crate) fn is_package(&self) -> bool {
        self.file.file_stem().is_some_and(|stem| stem == "__init__")
    }

    /// The file as it is shown: its bytes need not be UTF-8.
    pub(crate) fn file_name(&self) -> String {
        self.file.to_string_lossy().into_owned()
    }

    /// The outline of the live text.
    pub(crate) fn outline(&mut self, last_id: &mut u64) -> Result<Arc<Outline>, SyntaxError> {
        if let Source::Bytes(bytes) = &self.source {
            let mut outline = outline(bytes, None)?;
            self.parsed = Some(outline.clone());
            outline.inherit(None, last_id);
            self.source = outline.into();
        }
        match &self.source {
            Source::Outline(outline, _) => Ok(Arc::clone(outline)),
            Source::Bytes(_) => unreachable!("outlined just above"),
        }
    }

    /// Outline another content of the file, with the pending changes merged.
    pub(crate) fn outline_edited(&mut self, content: &[u8]) -> Result<MergedModule, SyntaxError> {
        let outline = outline(content, self.parsed.as_ref())?;
        self.parsed = Some(outline.clone());
        merged(outline, self.changes.clone())
    }

    /// Take the units on which a comparison with the live module found differences for edited: their live text is not
    /// known.
    pub(crate) fn doubt(&mut self, differences: &[Difference]) {
        self.base = Base::Unknown;
        self.seen = None;
        if let Source::Outline(outline, _) = &self.source {
            let mut outline = (**outline).clone();
            for difference in differences {
                outline.doubt(difference.line, difference.is_missing);
            }
            self.source = outline.into();
        }
    }

    /// Whether the module imports another, wherever; until it is outlined, whether it may.
    pub(crate) fn imports(&self, other: &str) -> bool {
        match &self.source {
            Source::Bytes(bytes) => {
                let word = other.rsplit('.').next().unwrap_or(other);
                memchr::memmem::find(bytes, word.as_bytes()).is_some()
            }
            Source::Outline(outline, imports) => {
                let imports = imports.get_or_init(|| {
                    let mut world = World::default();
                    world.add(&self.name, outline, self.is_package());
                    let top = world.imports_of(&self.name).iter().cloned();
                    top.chain(world.inner_imports_of(&self.name)).collect()
                });
                imports.contains(other)
            }
        }
    }

    /// The outline of the file's text that is live, where pending changes make the live one another.
    pub(crate) fn file_outline(&self) -> Option<&Outline> {
        self.file_outline.as_ref()
    }

    /// Have changes merged before any of the module was executed. Returns the text to execute, and where in it lines of
    /// changes stand that tracebacks name.
    pub(crate) fn begin_with(
        &mut self,
        changes: Vec<Change>,
        last_id: &mut u64,
    ) -> Result<(Arc<Outline>, Places), SyntaxError> {
        let file = self.outline(last_id)?;
        let mut merged = merged((*file).clone(), changes)?;
        merged.outline.inherit(Some(&file), last_id);
        self.changes = merged.changes;
        self.file_outline = merged.file;
        self.source = merged.outline.into();
        Ok((self.outline(last_id)?, merged.places))
    }

    /// Make `outline` the live one, which `file` has become with the pending changes.
    pub(crate) fn commit(
        &mut self,
        outline: Outline,
        file: Option<Outline>,
        removed: Vec<Removed>,
        version: u64,
    ) {
        self.file_outline = file;
        let is_back = |kept: &Removed| has_unit(&outline.units, kept.unit.id);
        self.shelf.retain(|kept| !is_back(kept));
        self.shelf.extend(removed);
        let surplus = self.shelf.len().saturating_sub(SHELF_LENGTH);
        self.shelf.drain(..surplus);
        self.source = outline.into();
        self.version = version;
        self.is_anchored = true;
    }

    pub(crate) fn version(&self) -> ModuleVersion {
        ModuleVersion {
            name: self.name.clone(),
            file: self.file_name(),
            version: self.version,
            base: self.base,
        }
    }
}

/// Outline the bytes of a source file, of which `before` outlines another version.
fn outline(bytes: &[u8], before: Option<&Outline>) -> Result<Outline, SyntaxError> {
    let text = decode(bytes).map_err(|error| SyntaxError {
        message: error.message,
        line: 1,
    })?;
    match before {
        Some(before) => before.edited(text.into()),
        None => Outline::parse(text.into()),
    }
}

fn has_unit(units: &[relive_syntax::Unit], id: u64) -> bool {
    units.iter().any(|unit| {
        unit.id == id
            || unit
                .class
                .as_ref()
                .is_some_and(|class| has_unit(&class.body, id))
    })
}
