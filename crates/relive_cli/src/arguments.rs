//! What can be typed after `relive`.

use std::ffi::OsString;
use std::path::PathBuf;

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
    /// Tell how the sessions stand that were started in this directory
    Status(SessionOptions),
    /// List what still holds what an older version computed
    Stale(SessionOptions),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
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

/// How sessions are told of.
#[derive(Debug, Args)]
pub(crate) struct SessionOptions {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
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
