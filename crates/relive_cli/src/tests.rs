use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, Parser};
use expect_test::{Expect, expect};
use relive_log::SyncMode;
use relive_plan::{Item, ItemKind};
use relive_session::{Base, Mode, ModuleVersion, Status};
use relive_socket::{Found, Running};

use crate::arguments::{Arguments, Command, Program, RunRequest};
use crate::{WithoutPython, acts, sessions};

/// What `relive run …` asks for, on one line, or what is wrong with it.
fn run(words: &str) -> String {
    let words = format!("relive run {words}");
    let arguments = match Arguments::try_parse_from(words.split_whitespace().map(OsString::from)) {
        Ok(arguments) => arguments,
        Err(error) => return error.to_string(),
    };
    let Command::Run(options) = arguments.command else {
        return "another command".to_owned();
    };
    match options.request() {
        Ok(RunRequest {
            program,
            arguments,
            mode,
            roots,
            replay,
            hold,
        }) => {
            let program = match program {
                Program::Script(script) => format!("script {}", script.display()),
                Program::Module(module) => format!("module {}", module.display()),
            };
            let hold = hold.name();
            format!("{program} {arguments:?} {mode:?} {roots:?} {replay:?} {hold}")
        }
        Err(problem) => problem,
    }
}

fn check(words: &str, expected: Expect) {
    expected.assert_eq(&run(words));
}

#[test]
fn what_follows_the_program_is_its_own() {
    check(
        "Cargo.toml",
        expect!["script Cargo.toml [] Patch [] Ask auto"],
    );
    check(
        "--mode deep --root src --root=lib Cargo.toml --mode patch -m x --root y -- --help",
        expect![[
            r#"script Cargo.toml ["--mode", "patch", "-m", "x", "--root", "y", "--", "--help"] Deep ["src", "lib"] Ask auto"#
        ]],
    );
    check(
        "-m http.server --bind ::1 --help 80",
        expect![[r#"module http.server ["--bind", "::1", "--help", "80"] Patch [] Ask auto"#]],
    );
    check(
        "-m gunicorn -- -w 2",
        expect![[r#"module gunicorn ["--", "-w", "2"] Patch [] Ask auto"#]],
    );
    check(
        "-mpackage --flag word",
        expect![[r#"module package ["--flag", "word"] Patch [] Ask auto"#]],
    );
    check(
        "--root . -m package -m other",
        expect![[r#"module package ["-m", "other"] Patch ["."] Ask auto"#]],
    );
    check(
        "--hold Cargo.toml --no-hold",
        expect![[r#"script Cargo.toml ["--no-hold"] Patch [] Ask uncaught"#]],
    );
    check(
        "--no-hold --hold=user-unhandled Cargo.toml",
        expect!["script Cargo.toml [] Patch [] Ask user-unhandled"],
    );
    check(
        "--hold --no-hold Cargo.toml",
        expect!["script Cargo.toml [] Patch [] Ask off"],
    );
    check(
        "src --flag",
        expect![[r#"script src ["--flag"] Patch [] Ask auto"#]],
    );
}

#[test]
fn wrong_usage_is_explained() {
    check(
        "",
        expect!["a script or -m MODULE is missing; `relive run --help` tells more"],
    );
    check(
        "missing.py",
        expect!["cannot open missing.py: No such file or directory (os error 2)"],
    );
    check(
        "--bogus Cargo.toml",
        expect!["--bogus is no option of `relive run`; `relive run --help` lists them"],
    );
    check(
        "--mode fast Cargo.toml",
        expect![[r#"
            error: invalid value 'fast' for '--mode <MODE>'
              [possible values: patch, deep]

            For more information, try '--help'.
        "#]],
    );
}

#[test]
fn help_lists_what_there_is() {
    Arguments::command().debug_assert();
    let mut command = Arguments::command();
    expect![[r#"
        Edit a running Python program and trust what runs

        Usage: relive <COMMAND>

        Commands:
          run          Run a program; edits of its modules take effect as they are saved
          repl         Show a prompt whose statements are logged before they run, so that they come back after a crash
          status       Tell how the sessions stand that were started in this directory
          stale        List what still holds what an older version computed
          restart      Have a running function begin anew, with its own arguments and the newest code
          held         List the threads whose call has failed and waits for a fix, or decide what becomes of one
          log          List the pending changes that are kept for a source file, the newest last
          show         Show one change as a diff
          recover      Decide which changes the next start replays; without an option, in a list to pick from
          undo         Take a change back, the last one or any other
          fold         Write the pending changes into the source file
          trust        Allow the replay of changes that this user's relive did not write, after showing them
          completions  Print a completion script for a shell

        Options:
          -h, --help     Print help
          -V, --version  Print version
    "#]]
    .assert_eq(&command.render_help().to_string());
}

#[test]
fn without_python_help_does_not_list_what_needs_it() {
    let help = crate::command::<WithoutPython>().render_help().to_string();
    expect![[r#"
        Edit a running Python program and trust what runs

        Usage: relive-recovery <COMMAND>

        Commands:
          status       Tell how the sessions stand that were started in this directory
          stale        List what still holds what an older version computed
          restart      Have a running function begin anew, with its own arguments and the newest code
          held         List the threads whose call has failed and waits for a fix, or decide what becomes of one
          log          List the pending changes that are kept for a source file, the newest last
          show         Show one change as a diff
          recover      Decide which changes the next start replays; without an option, in a list to pick from
          undo         Take a change back, the last one or any other
          fold         Write the pending changes into the source file
          trust        Allow the replay of changes that this user's relive did not write, after showing them
          completions  Print a completion script for a shell

        Options:
          -h, --help     Print help
          -V, --version  Print version
    "#]].assert_eq(&help);
    let mut command = crate::command::<WithoutPython>();
    let recover = command.find_subcommand_mut("recover").unwrap();
    expect![[r#"
        Decide which changes the next start replays; without an option, in a list to pick from

        Usage: recover [OPTIONS] <FILE>

        Arguments:
          <FILE>  The source file, or its log

        Options:
              --all             Replay all of them, also the one that was being applied when the process died
              --none            Replay none of them
              --drop-last <N>   Leave off the last N of those that would be replayed
              --only <NUMBERS>  Replay these numbers and leave off all others, such as 1-4,6
              --merge <N>       Merge the change of this number, which is in conflict with the source, with what the source says now
              --json            Print one JSON document
          -h, --help            Print help
    "#]].assert_eq(&recover.render_help().to_string());
    let restart = command.find_subcommand_mut("restart").unwrap();
    expect![[r#"
        Have a running function begin anew, with its own arguments and the newest code

        Usage: restart [OPTIONS] [FUNCTION]

        Arguments:
          [FUNCTION]  The function, as a report names it, such as bank:Account.deposit; the module may be left out [default: the innermost live function]

        Options:
              --thread <N>  The thread, by its number; needed where several are concerned
              --pid <N>     The process; needed where several sessions were started in this directory
              --json        Print one JSON document
          -h, --help        Print help
    "#]].assert_eq(&restart.render_help().to_string());
    let log = command.find_subcommand_mut("log").unwrap();
    expect![[r#"
        List the pending changes that are kept for a source file, the newest last

        Usage: log [OPTIONS] <FILE>

        Arguments:
          <FILE>  The source file, or its log

        Options:
              --json     Print one JSON document
              --all      List folded, undone and left-out changes and saved edits as well
              --verify   Only tell whether the log is intact: exit with 0 if it is, 1 if its end is torn off (which is repaired), 4 if it is damaged, 5 if a newer version of relive wrote it, 6 if it is no log
              --exclude  List nothing, and have git ignore change logs in the file's repository, for you alone: adds *.py.log* to .git/info/exclude
          -h, --help     Print help
    "#]].assert_eq(&log.render_help().to_string());
}

fn item(qualname: &str, why: &str, line: u32) -> Item {
    Item {
        qualname: qualname.into(),
        kind: ItemKind::Statement,
        why: why.into(),
        file: "/home/me/vote/app.py".into(),
        line,
    }
}

fn session(pid: u32) -> Found {
    Found::Running(Box::new(Running {
        pid,
        program: "app.py".into(),
        directory: "/home/me/vote".into(),
        python: "3.13.0".into(),
        relive: "0.1.0".into(),
        roots: vec!["/home/me/vote".into()],
        is_updating: false,
        status: Status {
            version: 3,
            mode: Mode::Patch,
            sync: SyncMode::Process,
            modules: vec![ModuleVersion {
                name: "app".into(),
                file: "/home/me/vote/app.py".into(),
                version: 3,
                base: Base::File,
            }],
            stale: vec![item(
                "app:TABLE",
                "what it computed rests on app:SIZE, which has changed",
                12,
            )],
            waiting: vec![item("app", "waits for the main thread", 1)],
        },
    }))
}

fn silent() -> Found {
    Found::Silent {
        pid: 9,
        problem: std::io::ErrorKind::TimedOut.into(),
    }
}

#[test]
fn sessions_in_words() {
    expect![[r#"
        app.py (process 7)
          version 3, mode patch, Python 3.13.0
          roots: /home/me/vote
          changes survive the end of the process, not a power loss
          module app version 3 (app.py)
          stale app.py:12: app:TABLE: what it computed rests on app:SIZE, which has changed
          waiting app.py:1: app: waits for the main thread
    "#]]
    .assert_eq(&sessions::status_text(&[session(7), silent()]));
    expect![[r#"
        app.py:12: app:TABLE: what it computed rests on app:SIZE, which has changed
    "#]]
    .assert_eq(&sessions::stale_text(&[session(7)]));
    expect![[r#"
        app.py (process 7)
        app.py:12: app:TABLE: what it computed rests on app:SIZE, which has changed
        app.py (process 8)
        app.py:12: app:TABLE: what it computed rests on app:SIZE, which has changed
    "#]]
    .assert_eq(&sessions::stale_text(&[session(7), session(8)]));
}

#[test]
fn sessions_in_json() {
    expect![[r#"{"sessions":[{"directory":"/home/me/vote","is_updating":false,"mode":"patch","modules":[{"base":"file","file":"/home/me/vote/app.py","name":"app","version":3}],"pid":7,"program":"app.py","python":"3.13.0","relive":"0.1.0","roots":["/home/me/vote"],"stale":[{"file":"/home/me/vote/app.py","kind":"statement","line":12,"qualname":"app:TABLE","why":"what it computed rests on app:SIZE, which has changed"}],"sync":"process","version":3,"waiting":[{"file":"/home/me/vote/app.py","kind":"statement","line":1,"qualname":"app","why":"waits for the main thread"}]},{"error":"timed out","pid":9}]}"#]]
    .assert_eq(&sessions::status_json(&[session(7), silent()]).to_string());
    expect![[r#"{"sessions":[{"error":"timed out","pid":9}]}"#]]
        .assert_eq(&sessions::stale_json(&[silent()]).to_string());
}

#[test]
fn no_session_is_said_to_be_none() {
    let here = Path::new("/home/me/vote");
    let said = |found: &[Found]| sessions::problems(found, here).join("\n");
    expect!["no running session was started in /home/me/vote; `relive run SCRIPT` or relive.start() starts one"]
        .assert_eq(&said(&[]));
    expect!["the session of process 9 does not answer: timed out"]
        .assert_eq(&said(&[session(7), silent()]));
    assert!(sessions::is_any_running(&[session(7), silent()]));
    assert!(!sessions::is_any_running(&[silent()]));
}

#[test]
fn of_several_sessions_one_is_named() {
    let here = Path::new("/home/me/vote");
    let which = |found: &[Found], pid| match acts::which(found, here, pid) {
        Ok(pid) => pid.to_string(),
        Err(problem) => problem,
    };
    expect!["7"].assert_eq(&which(&[session(7), silent()], None));
    expect!["8"].assert_eq(&which(&[session(7), session(8)], Some(8)));
    expect!["several sessions were started in /home/me/vote: app.py (process 7), app.py (process 8); name one with --pid N"]
        .assert_eq(&which(&[session(7), session(8)], None));
    expect!["process 6 has no session that was started in /home/me/vote; `relive status` lists those there are"]
        .assert_eq(&which(&[session(7)], Some(6)));
    expect!["the session of process 9 does not answer: timed out"]
        .assert_eq(&which(&[silent()], None));
    expect!["no running session was started in /home/me/vote; `relive run SCRIPT` or relive.start() starts one"]
        .assert_eq(&which(&[], None));
}
