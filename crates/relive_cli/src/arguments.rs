//! What can be typed after `relive`.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Edit a running Python program and trust what runs.
#[derive(Debug, Parser)]
#[command(name = "relive", version, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a program; edits of its modules take effect as they are saved
    Run(RunOptions),
    /// Show a prompt whose statements are logged before they run, so that they come back after a crash
    Repl(ReplOptions),
    /// Tell how the sessions stand that were started in this directory
    Status(SessionOptions),
    /// List what still holds what an older version computed
    Stale(SessionOptions),
    /// Have a running function begin anew, with its own arguments and the newest code
    Restart {
        /// The function, as a report names it, such as bank:Account.deposit; the module may be left out [default: the
        /// innermost live function]
        #[arg(value_name = "FUNCTION")]
        function: Option<String>,
        #[command(flatten)]
        options: ActOptions,
    },
    /// List the threads whose call has failed and waits for a fix, or decide what becomes of one
    #[command(
        override_usage = "relive held [OPTIONS] [retry | restart CALL | return EXPR | raise]"
    )]
    Held {
        /// retry: make the call again, with its own arguments and the newest code; restart CALL: a call further up, by
        /// its number; return EXPR: return a value instead; raise: let the exception go on
        #[arg(value_name = "ACTION", allow_negative_numbers = true)]
        words: Vec<String>,
        #[command(flatten)]
        options: ActOptions,
    },
    #[command(flatten)]
    Log(LogCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What works on a change log, and needs no Python.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// List the pending changes that are kept for a source file, the newest last
    Log(LogOptions),
    /// Show one change as a diff
    Show {
        /// The source file, or its log
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The number of the change, as `relive log` lists it
        #[arg(value_name = "N")]
        number: u64,
    },
    /// Decide which changes the next start replays; without an option, in a list to pick from
    Recover(RecoverOptions),
    /// Take a change back, the last one or any other
    Undo {
        /// The source file, or its log
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The number of the change, as `relive log` lists it
        #[arg(value_name = "N")]
        number: u64,
    },
    /// Write the pending changes into the source file
    Fold {
        /// The source file, or its log
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print what would change in the source file, and leave it alone
        #[arg(long)]
        dry_run: bool,
    },
    /// Allow the replay of changes that this user's relive did not write, after showing them
    Trust {
        /// The source file, or its log
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// How a program is run.
#[derive(Debug, Args)]
#[command(override_usage = "relive run [OPTIONS] (SCRIPT | -m MODULE) [ARGS]...")]
pub(crate) struct RunOptions {
    /// What happens to statements that an edit leaves out of date: "patch" names them, "deep" executes them again
    #[arg(long, value_enum, default_value_t = Mode::Patch)]
    mode: Mode,
    /// A directory or importable package whose modules are live; may be given several times [default: the script's
    /// directory, with -m the current directory]
    #[arg(long = "root", value_name = "DIR")]
    roots: Vec<OsString>,
    /// What to do with changes of a module that are only in its log [default: ask on a terminal, else none]
    #[arg(long, value_enum)]
    replay: Option<Replay>,
    #[command(flatten)]
    hold: HoldOptions,
    /// Run a module as `python -m` does; all that follows are its arguments
    #[arg(short = 'm', value_names = ["MODULE"], num_args = 1.., allow_hyphen_values = true)]
    module: Vec<OsString>,
    /// The script to run, and its arguments
    #[arg(
        value_name = "SCRIPT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    script: Vec<OsString>,
}

/// How a prompt is shown.
#[derive(Debug, Args)]
pub(crate) struct ReplOptions {
    /// Run this script first, and show the prompt in its namespace
    #[arg(short = 'i', value_name = "SCRIPT")]
    script: Option<PathBuf>,
    /// What happens to statements that an edit leaves out of date: "patch" names them, "deep" executes them again
    #[arg(long, value_enum, default_value_t = Mode::Patch)]
    mode: Mode,
    /// A directory or importable package whose modules are live; may be given several times [default: the current
    /// directory, or that of the script]
    #[arg(long = "root", value_name = "DIR")]
    roots: Vec<OsString>,
    /// What to do with what the last session left that died, and with changes of modules that are only in their logs
    /// [default: ask]
    #[arg(long, value_enum)]
    replay: Option<Replay>,
    #[command(flatten)]
    hold: HoldOptions,
}

/// Whether a thread is held whose exception nobody would catch.
#[derive(Debug, Args)]
struct HoldOptions {
    /// Hold a call whose exception nobody will catch, so that it can be made again after a fix [default: on a terminal]
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "uncaught",
        overrides_with = "no_hold"
    )]
    hold: Option<Hold>,
    /// Let every exception go its way
    #[arg(long, overrides_with = "hold")]
    no_hold: bool,
}

impl HoldOptions {
    fn asked(&self) -> Hold {
        let asked = self.hold.unwrap_or(Hold::Auto);
        if self.no_hold { Hold::Off } else { asked }
    }
}

/// Which exceptions are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hold {
    /// Those that nobody will catch, if there is a terminal.
    #[value(skip)]
    Auto,
    /// None.
    #[value(skip)]
    Off,
    /// Those that nobody will catch.
    Uncaught,
    /// Also those that only a library will catch, as a web framework does that turns every error into a page.
    UserUnhandled,
}

impl Hold {
    /// Its name in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::Uncaught => "uncaught",
            Self::UserUnhandled => "user-unhandled",
        }
    }
}

/// What is done with changes that are only in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Replay {
    /// The user is asked.
    Ask,
    /// They are replayed.
    All,
    /// They are left off.
    None,
}

impl Replay {
    /// Its name in Python and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::All => "all",
            Self::None => "none",
        }
    }
}

/// A prompt to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplRequest {
    /// What to run first.
    pub script: Option<PathBuf>,
    /// What happens to statements that an edit leaves out of date.
    pub mode: Mode,
    /// Directories or packages whose modules are live; empty for the default.
    pub roots: Vec<OsString>,
    /// What is done with changes that are only in a log.
    pub replay: Replay,
    /// Which calls are held that fail.
    pub hold: Hold,
}

impl ReplOptions {
    /// What is to be shown, or what is wrong with how it was asked for.
    pub(crate) fn request(self) -> Result<ReplRequest, String> {
        Ok(ReplRequest {
            script: self.script.map(readable).transpose()?,
            mode: self.mode,
            roots: self.roots,
            replay: self.replay.unwrap_or(Replay::Ask),
            hold: self.hold.asked(),
        })
    }
}

/// How sessions are told of.
#[derive(Debug, Args)]
pub(crate) struct SessionOptions {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which calls are meant, and how it is told what came of it.
#[derive(Debug, Args)]
pub(crate) struct ActOptions {
    /// The thread, by its number; needed where several are concerned
    #[arg(long, value_name = "N")]
    pub(crate) thread: Option<u64>,
    /// The process; needed where several sessions were started in this directory
    #[arg(long, value_name = "N")]
    pub(crate) pid: Option<u32>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a log is told of.
#[derive(Debug, Args)]
pub(crate) struct LogOptions {
    /// The source file, or its log
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// List folded, undone and left-out changes and saved edits as well
    #[arg(long)]
    pub(crate) all: bool,
    /// Only tell whether the log is intact: exit with 0 if it is, 1 if its end is torn off (which is repaired), 4 if it
    /// is damaged, 5 if a newer version of relive wrote it, 6 if it is no log
    #[arg(long, conflicts_with = "all")]
    pub(crate) verify: bool,
    /// List nothing, and have git ignore change logs in the file's repository, for you alone: adds *.py.log* to
    /// .git/info/exclude
    #[arg(long, conflicts_with_all = ["json", "all", "verify"])]
    pub(crate) exclude: bool,
}

/// Which changes are replayed.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which"))]
pub(crate) struct RecoverOptions {
    /// The source file, or its log
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Replay all of them, also the one that was being applied when the process died
    #[arg(long, group = "which")]
    pub(crate) all: bool,
    /// Replay none of them
    #[arg(long, group = "which")]
    pub(crate) none: bool,
    /// Leave off the last N of those that would be replayed
    #[arg(long, value_name = "N", group = "which")]
    pub(crate) drop_last: Option<usize>,
    /// Replay these numbers and leave off all others, such as 1-4,6
    #[arg(long, value_name = "NUMBERS", group = "which")]
    pub(crate) only: Option<Numbers>,
    /// Merge the change of this number, which is in conflict with the source, with what the source says now
    #[arg(long, value_name = "N", group = "which")]
    pub(crate) merge: Option<u64>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

impl RecoverOptions {
    /// What merges one change.
    pub(crate) fn merging(file: PathBuf, number: u64) -> Self {
        Self {
            file,
            all: false,
            none: false,
            drop_last: None,
            only: None,
            merge: Some(number),
            json: false,
        }
    }
}

/// Numbers of changes: `1-4,6`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbers(pub(crate) Vec<RangeInclusive<u64>>);

impl Numbers {
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.0.iter().any(|range| range.contains(&number))
    }
}

impl FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = |text: &str| -> Option<RangeInclusive<u64>> {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last).then_some(first..=last)
        };
        let ranges = text.split(',').map(|text| {
            range(text).ok_or_else(|| {
                "numbers and ranges with commas between them, such as 1-4,6".to_owned()
            })
        });
        Ok(Self(ranges.collect::<Result<_, _>>()?))
    }
}

/// What happens to statements that an edit leaves out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// They are named.
    Patch,
    /// They are executed again, in order of dependency.
    Deep,
}

impl Mode {
    /// Its name in Python and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Deep => "deep",
        }
    }
}

/// A program to be run live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// What to run.
    pub program: Program,
    /// What the program finds in `sys.argv` after its own name.
    pub arguments: Vec<OsString>,
    /// What happens to statements that an edit leaves out of date.
    pub mode: Mode,
    /// Directories or packages whose modules are live; empty for the default.
    pub roots: Vec<OsString>,
    /// What is done with changes that are only in a log.
    pub replay: Replay,
    /// Which calls are held that fail.
    pub hold: Hold,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A source file, or a directory or archive with a `__main__.py`.
    Script(PathBuf),
    /// A module, by its name.
    Module(OsString),
}

impl RunOptions {
    /// What is to be run, or what is wrong with how it was asked for.
    pub(crate) fn request(self) -> Result<RunRequest, String> {
        let mut is_module = !self.module.is_empty();
        let mut words = self.module.into_iter().chain(self.script);
        let Some(mut first) = words.next() else {
            return Err(
                "a script or -m MODULE is missing; `relive run --help` tells more".to_owned(),
            );
        };
        // `-mMODULE`, which is no option with a value to the parser, because all that follows an option would be values.
        if let Some(module) = first
            .to_str()
            .and_then(|first| first.strip_prefix("-m"))
            .filter(|_| !is_module)
        {
            (first, is_module) = (module.into(), true);
        }
        if first.as_encoded_bytes().starts_with(b"-") {
            let name = first.to_string_lossy();
            return Err(format!(
                "{name} is no option of `relive run`; `relive run --help` lists them"
            ));
        }
        let program = if is_module {
            Program::Module(first)
        } else {
            Program::Script(readable(first.into())?)
        };
        Ok(RunRequest {
            program,
            arguments: words.collect(),
            mode: self.mode,
            roots: self.roots,
            replay: self.replay.unwrap_or(Replay::Ask),
            hold: self.hold.asked(),
        })
    }
}

fn readable(script: PathBuf) -> Result<PathBuf, String> {
    let opened = if script.is_dir() {
        Ok(())
    } else {
        std::fs::File::open(&script).map(drop)
    };
    match opened {
        Ok(()) => Ok(script),
        Err(error) => Err(format!("cannot open {}: {error}", script.display())),
    }
}
