//! The commands in a real terminal: what it shows, what keys do, and how it is left.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test says that it failed by panicking"
)]

use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use expect_test::expect;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use relive_log::{Clock, Draft, Home, Log, Operation, Rim, Via};
use tempfile::TempDir;

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command that runs in a terminal of its own.
struct Screen {
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    parser: vt100::Parser,
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
}

impl Screen {
    fn start(command: CommandBuilder, rows: u16, columns: u16) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(size @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..size].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            output,
            keys: pair.master.take_writer().unwrap(),
            parser: vt100::Parser::new(cells(rows), cells(columns), 0),
            master: pair.master,
            child,
        }
    }

    /// Wait until the screen shows something, and return all that it shows. Its last line is drawn last.
    fn until(&mut self, expected: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.shown();
            if shown.contains(expected) {
                return shown;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(error) => panic!("{error}: waited for {expected:?}, and saw\n{shown}"),
            }
        }
    }

    /// The screen, with the times left out.
    fn shown(&self) -> String {
        let screen = self.parser.screen();
        let mut text = String::new();
        for line in screen.rows(0, screen.size().1.get()) {
            match line.find(", session ") {
                Some(_) => text += line.split(" ── ").next().unwrap(),
                None => text += line.trim_end(),
            }
            text.push('\n');
        }
        // The bar keeps the blanks at the beginning of lines apart from the indentation of what is expected.
        let lines = text.trim_end().lines();
        lines.map(|line| format!("|{line}\n")).collect()
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn resize(&mut self, rows: u16, columns: u16) {
        self.parser
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master.resize(size).unwrap();
    }

    /// Wait for the end; what is on the screen then, and the exit code.
    fn end(mut self) -> (String, u32) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.shown()),
            }
        }
        assert!(
            !self.parser.screen().alternate_screen(),
            "the screen is not given back"
        );
        assert!(
            !self.parser.screen().hide_cursor(),
            "the cursor stays hidden"
        );
        let code = self.child.wait().unwrap().exit_code();
        (self.shown(), code)
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

const BANK: &str = "def rate():\n    return 2\n";

/// Ages are not told of what is to come, so that the list is the same whenever a test runs.
struct Future;

impl Clock for Future {
    fn now(&self) -> String {
        "2999-01-01T10:00:00.000Z".into()
    }
}

/// A directory with a log of three changes, during the last of which the process died.
struct Place {
    directory: TempDir,
    home: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            directory: tempfile::tempdir().unwrap(),
            home: tempfile::tempdir().unwrap(),
        };
        let source = place.directory.path().join("bank.py");
        fs::write(&source, BANK).unwrap();
        let mut rim = Rim::real(Home::at(place.home.path()));
        rim.clock = Arc::new(Future);
        let mut log = Log::open(&rim, &source, "7f3c41", "-").unwrap();
        for (number, name) in ["fee", "tax", "crash"].into_iter().enumerate() {
            let draft = Draft::Patch {
                operation: Operation::Add,
                target: name.into(),
                after: Some("rate".into()),
                old: None,
                new: Some(format!("def {name}():\n    return {number}\n")),
            };
            let committed = log.append(&[draft], Via::Patch, None, None).unwrap();
            if name != "crash" {
                log.done(committed.tx, 0.1);
            }
        }
        place
    }

    /// The recovery tool, in an environment of its own.
    fn command(&self, words: &[&str]) -> CommandBuilder {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_relive-recovery"));
        command.args(words);
        command.cwd(self.directory.path());
        command.env_clear();
        command.env("RELIVE_HOME", self.home.path());
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        command
    }

    fn recover(&self) -> Screen {
        Screen::start(self.command(&["recover", "bank.py"]), 24, 80)
    }
}

#[test]
fn the_last_ones_are_left_off_with_one_key_each() {
    let place = Place::new();
    let mut screen = place.recover();
    expect![[r#"
        | relive  bank.py: 2 of 3 changes checked
        |  [x] 2 define fee   clean
        |  [x] 5 define tax   clean
        |> [ ] 8 define crash was being applied when the process died
        |── 8 define crash
        |@@ -0,0 +1,2 @@
        |+def crash():
        |+    return 2
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        | Enter replay 2  - leave off last  Space toggle  n without  ? help
    "#]]
    .assert_eq(&screen.until("? help"));
    screen.press("-");
    expect![[r#"
        | relive  bank.py: 1 of 3 changes checked
        |  [x] 2 define fee   clean
        |> [ ] 5 define tax   left off
        |  [ ] 8 define crash was being applied when the process died
        |── 5 define tax
        |@@ -0,0 +1,2 @@
        |+def tax():
        |+    return 1
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        | Enter replay 1  - leave off last  Space toggle  n without  ? help
    "#]]
    .assert_eq(&screen.until("Enter replay 1"));
    screen.press("\r");
    let (shown, code) = screen.end();
    expect![[r#"
        |2  2999-01-01 10:00:00  define   fee
        |5  2999-01-01 10:00:00  define   tax    left off: you said so
        |8  2999-01-01 10:00:00  define   crash  left off: you said so
        |the next start replays change 2, leaves off changes 5, 8
    "#]]
    .assert_eq(&shown);
    assert_eq!(code, 0);
    let mut again = place.recover();
    expect![[r#"
        | relive  bank.py: 1 of 3 changes checked
        |  [x] 2 define fee   clean
        |  [ ] 5 define tax   left off: you said so
        |> [ ] 8 define crash left off: you said so
        |── 8 define crash
        |@@ -0,0 +1,2 @@
        |+def crash():
        |+    return 2
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        |
        | Enter replay 1  - leave off last  Space toggle  n without  ? help
    "#]]
    .assert_eq(&again.until("? help"));
    again.press("\x1b");
    let (shown, code) = again.end();
    expect![[r#"
        |relive: nothing was decided
    "#]]
    .assert_eq(&shown);
    assert_eq!(code, 1);
}

#[test]
fn the_list_follows_the_window() {
    let place = Place::new();
    let mut screen = place.recover();
    screen.until("? help");
    screen.resize(9, 30);
    expect![[r#"
        |Too small: 40x10 is needed
        |q starts without changes
    "#]]
    .assert_eq(&screen.until("without changes"));
    screen.resize(12, 60);
    expect![[r#"
        | relive  bank.py: 2 of 3 changes checked
        |  [x] 2 define fee   clean
        |  [x] 5 define tax   clean
        |> [ ] 8 define crash was being applied when the process died
        |── 8 define crash
        |@@ -0,0 +1,2 @@
        |+def crash():
        |+    return 2
        |
        |
        |
        | Enter replay 2  - last  n none  ? help
    "#]]
    .assert_eq(&screen.until("n none  ? help"));
    screen.press("q");
    assert_eq!(screen.end().1, 1);
}

#[test]
fn the_keyboard_is_asked_though_standard_input_leads_elsewhere() {
    let place = Place::new();
    let tool = env!("CARGO_BIN_EXE_relive-recovery");
    let mut command = place.command(&[]);
    *command.get_argv_mut() = [
        "sh",
        "-c",
        "echo y | \"$0\" recover bank.py > out; echo code $?; cat out",
        tool,
    ]
    .map(Into::into)
    .to_vec();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let mut screen = Screen::start(command, 24, 80);
    screen.until("? help");
    screen.press("n");
    let (shown, _) = screen.end();
    expect![[r#"
        |code 0
        |2  2999-01-01 10:00:00  define   fee    left off: you said so
        |5  2999-01-01 10:00:00  define   tax    left off: you said so
        |8  2999-01-01 10:00:00  define   crash  left off: you said so
        |the next start replays nothing, leaves off changes 2, 5, 8
    "#]]
    .assert_eq(&shown);
}

#[test]
fn trust_is_asked_for_in_the_terminal() {
    let place = Place::new();
    fs::write(place.home.path().join("key"), [7; 32]).unwrap();
    let mut screen = Screen::start(place.command(&["trust", "bank.py"]), 40, 80);
    screen.until("[y/N]");
    screen.press("y\r");
    let (shown, code) = screen.end();
    expect![[r#"
        |change 2: define fee
        |2999-01-01 10:00:00, session 7f3c41, made by relive.patch
        |+def fee():
        |+    return 0
        |
        |change 5: define tax
        |2999-01-01 10:00:00, session 7f3c41, made by relive.patch
        |+def tax():
        |+    return 1
        |
        |change 8: define crash
        |2999-01-01 10:00:00, session 7f3c41, made by relive.patch
        |+def crash():
        |+    return 2
        |
        |Allow these 3 transactions of bank.py.log? Their code will run as yours with ban
        |k.py. [y/N] y
        |3 transactions allowed; `relive-recovery log bank.py` lists the changes
    "#]]
    .assert_eq(&shown);
    assert_eq!(code, 0);
}

/// crossterm reads from a terminal that has gone for ever, and keeps a processor busy with it.
#[test]
fn a_terminal_that_goes_away_ends_the_question() {
    let place = Place::new();
    let said = place.directory.path().join("said");
    rustix::fs::mkfifoat(rustix::fs::CWD, &said, rustix::fs::Mode::RWXU).unwrap();
    let mut command = place.command(&[]);
    let script = "trap '' HUP; \"$0\" recover bank.py 2> said; exit";
    *command.get_argv_mut() = ["sh", "-c", script, env!("CARGO_BIN_EXE_relive-recovery")]
        .map(Into::into)
        .to_vec();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let (sender, ended) = channel();
    thread::spawn(move || sender.send(fs::read_to_string(said)));
    let mut screen = Screen::start(command, 24, 80);
    screen.until("? help");
    let Screen {
        output,
        mut keys,
        master,
        mut child,
        ..
    } = screen;
    drop(output);
    // Whoever reads the screen notices by this that nobody wants it any more, and lets go of the terminal.
    keys.write_all(b"?").unwrap();
    drop((keys, master));
    let said = ended.recv_timeout(PATIENCE).unwrap().unwrap();
    assert!(said.contains("the terminal has gone"), "{said}");
    child.wait().unwrap();
}
