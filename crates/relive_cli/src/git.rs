//! Keeping change logs out of what git sees.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use relive_log::Home;

/// What git is told to ignore: logs, and what is kept of them.
pub(crate) const PATTERN: &str = "*.py.log*";

/// The working tree of git that a file is in.
pub(crate) struct Repository {
    top: PathBuf,
    /// What all working trees of the repository share.
    common: PathBuf,
}

impl Repository {
    /// That of a file, which need not be there.
    pub(crate) fn of(file: &Path) -> Option<Self> {
        let directory = file.parent()?.canonicalize().ok()?;
        let mut tops = directory.ancestors();
        tops.find_map(|top| {
            let git = git_directory(top)?;
            // Working trees that were added have a directory of their own, which names the shared one.
            let common = match fs::read_to_string(git.join("commondir")) {
                Ok(named) => git.join(named.trim_end_matches('\n')),
                Err(_) => git.clone(),
            };
            let is_one = git.join("HEAD").exists();
            let (top, common) = (top.to_owned(), common.canonicalize().unwrap_or(common));
            is_one.then_some(Self { top, common })
        })
    }

    /// The file of patterns that are this user's alone.
    pub(crate) fn exclude(&self) -> PathBuf {
        self.common.join("info/exclude")
    }

    /// The same as it is said.
    pub(crate) fn exclude_shown(&self) -> String {
        match self.exclude() {
            own if own.starts_with(&self.top) => ".git/info/exclude".to_owned(),
            shared => shared.display().to_string(),
        }
    }

    /// Whether git ignores a file, which need not be there. Without git, only what [`add`](Self::add) does is known.
    pub(crate) fn ignores(&self, file: &Path) -> bool {
        let Some(name) = file.file_name() else {
            return false;
        };
        let Ok(directory) = file.parent().unwrap_or(&self.top).canonicalize() else {
            return false;
        };
        let asked = Command::new("git")
            .arg("-C")
            .arg(&self.top)
            .args(["check-ignore", "--quiet", "--no-index", "--"])
            .arg(directory.join(name))
            // The repository is that of the file, whichever one a hook of git runs for.
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match asked.ok().and_then(|status| status.code()) {
            Some(0) => true,
            Some(1) => false,
            _ => self.has_pattern(),
        }
    }

    fn has_pattern(&self) -> bool {
        let files = [self.exclude(), self.top.join(".gitignore")];
        let mut texts = files
            .iter()
            .filter_map(|file| fs::read_to_string(file).ok());
        texts.any(|text| text.lines().any(|line| line.trim_end() == PATTERN))
    }

    /// Have git ignore change logs, for this user alone.
    pub(crate) fn add(&self) -> io::Result<()> {
        let file = self.exclude();
        fs::create_dir_all(self.common.join("info"))?;
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let begin = match text.last() {
            None | Some(b'\n') => "",
            Some(_) => "\n",
        };
        let mut file = OpenOptions::new().append(true).create(true).open(file)?;
        file.write_all(format!("{begin}{PATTERN}\n").as_bytes())
    }
}

/// The directory of git for the working tree whose top a directory is.
fn git_directory(top: &Path) -> Option<PathBuf> {
    let found = top.join(".git");
    let kind = fs::metadata(&found).ok()?;
    if kind.is_dir() {
        return Some(found);
    }
    // In an added working tree and in a submodule it is a file that names the place.
    let text = fs::read_to_string(&found).ok()?;
    let named = text.strip_prefix("gitdir: ")?.trim_end_matches('\n');
    Some(top.join(named))
}

/// What to say of a log that was just created, once for each repository of git that would see it.
pub(crate) fn offer(home: &Home, log: &Path, command: &str) -> Option<String> {
    let repository = Repository::of(log)?;
    let said = home.offered(&repository.common);
    if said.exists() || repository.ignores(log) {
        return None;
    }
    let mut directory = fs::DirBuilder::new();
    directory.recursive(true).mode(0o700);
    directory.create(said.parent()?).ok()?;
    // Whoever makes it says so: others may have just created logs too.
    let mut marker = OpenOptions::new();
    marker.write(true).create_new(true).open(said).ok()?;
    Some(format!(
        "{} is not ignored by git: {command} adds {PATTERN} to {}",
        log.file_name()?.to_string_lossy(),
        repository.exclude_shown()
    ))
}
