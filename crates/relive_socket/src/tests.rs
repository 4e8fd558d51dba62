use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use relive_session::{Mode, Session};
use rustix::event::{PollFd, Timespec, poll};
use serde_json::json;

use crate::place::with_address;
use crate::{
    Act, Answer, Found, Live, LogAction, LogRequest, Places, Request, Running, Server, Told, act,
    find, tell,
};

/// A server that answers until it is dropped.
struct Answering {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Answering {
    fn start(places: &Places, directory: &Path, running: Running) -> Self {
        let mut server = Server::open(places, directory).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let tick = Timespec {
                tv_sec: 0,
                tv_nsec: 10_000_000,
            };
            let mut asked = BTreeSet::new();
            while !seen.load(Ordering::Relaxed) {
                let mut descriptors: Vec<PollFd<'_>> = server.descriptors().collect();
                poll(&mut descriptors, Some(&tick)).unwrap();
                server.serve(|number, request| match request {
                    Request::Status => Poll::Ready(Answer::Running(Box::new(running.clone()))),
                    Request::Live { .. } => Poll::Ready(Answer::Live(Live { is_live: true })),
                    // Only the second time that it is asked about.
                    Request::Log(_) if asked.insert(number) => Poll::Pending,
                    Request::Log(request) => Poll::Ready(Answer::Told(Told {
                        text: format!("{request:?}\n"),
                        code: 3,
                        ..Told::default()
                    })),
                    Request::Act(act) => Poll::Ready(Answer::Told(Told {
                        text: String::new(),
                        code: 0,
                        document: serde_json::to_value(act).unwrap(),
                    })),
                });
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn running(pid: u32, root_count: usize) -> Running {
    let mut session = Session::new(Mode::Patch);
    session.mode = Mode::Deep;
    Running {
        pid,
        program: "app.py".into(),
        directory: "/somewhere".into(),
        python: "3.13.0".into(),
        relive: "0.1.0".into(),
        roots: (0..root_count)
            .map(|index| format!("/root/{index}"))
            .collect(),
        is_updating: false,
        status: session.status(),
    }
}

fn places(home: &Path) -> Places {
    let home = home.as_os_str().to_owned();
    Places::from_environment(move |name| (name == "RELIVE_HOME").then(|| home.clone()))
}

fn pids(found: &[Found]) -> Vec<u32> {
    let pid = |session: &Found| match session {
        Found::Running(running) => running.pid,
        Found::Silent { pid, .. } => *pid,
    };
    found.iter().map(pid).collect()
}

fn sockets(home: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.join("run")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_session_is_found_from_its_directory_and_from_no_other() {
    let (home, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = places(home.path());
    let told = running(std::process::id(), 3);
    let server = Answering::start(&places, here.path(), told.clone());
    let found = find(&places, here.path());
    assert!(
        matches!(&found[..], [Found::Running(running)] if **running == told),
        "{found:?}"
    );
    assert!(find(&places, home.path()).is_empty());
    drop(server);
    assert!(find(&places, here.path()).is_empty());
    assert!(sockets(home.path()).is_empty());
}

#[test]
fn a_session_is_told_what_to_do_to_a_log_of_any_name() {
    use std::os::unix::ffi::OsStringExt;
    let (home, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = places(home.path());
    let pid = std::process::id();
    for action in [
        LogAction::Undo { number: 7 },
        LogAction::Merge { number: 7 },
        LogAction::Fold { is_dry: true },
        LogAction::Trust,
        LogAction::Decide {
            on: vec![1, 2],
            off: vec![],
        },
    ] {
        let request = LogRequest {
            log: OsString::from_vec(b"/odd\n\xff name.py.log".to_vec()),
            source: "bank.py".into(),
            action,
        };
        let server = Answering::start(&places, here.path(), running(pid, 1));
        let told = tell(&places, pid, request.clone()).unwrap().unwrap();
        assert_eq!((told.text, told.code), (format!("{request:?}\n"), 3));
        assert_eq!(tell(&places, pid + 1, request.clone()).unwrap(), None);
        drop(server);
        assert_eq!(tell(&places, pid, request).unwrap(), None);
    }
}

#[test]
fn a_session_is_told_what_to_do_with_its_calls() {
    let (home, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = places(home.path());
    let pid = std::process::id();
    let _server = Answering::start(&places, here.path(), running(pid, 1));
    let request = Act {
        verb: "restart".into(),
        words: vec!["bank:Account.deposit".into()],
        thread: Some(7),
    };
    let told = act(&places, pid, request).unwrap().unwrap();
    let document = json!({"verb": "restart", "words": ["bank:Account.deposit"], "thread": 7});
    assert_eq!((told.code, told.document), (0, document));
}

#[test]
fn a_long_answer_arrives_whole() {
    let (home, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = places(home.path());
    let told = running(std::process::id(), 200_000);
    let _server = Answering::start(&places, here.path(), told.clone());
    let found = find(&places, here.path());
    assert!(matches!(&found[..], [Found::Running(running)] if **running == told));
}

#[test]
fn a_path_too_long_for_an_address_is_no_obstacle() {
    let (home, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = places(&home.path().join("n".repeat(200)).join("m".repeat(200)));
    let server = Answering::start(&places, here.path(), running(std::process::id(), 1));
    assert_eq!(pids(&find(&places, here.path())), [std::process::id()]);
    drop(server);
    assert!(find(&places, here.path()).is_empty());
}

#[test]
fn the_directory_is_closed_to_others() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    std::fs::create_dir(&run).unwrap();
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o777)).unwrap();
    let _server = Server::open(&places(home.path()), home.path()).unwrap();
    assert_eq!(
        std::fs::metadata(&run).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[test]
fn sockets_of_the_dead_are_removed() {
    let (home, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = places(home.path());
    let server = Server::open(&places, here.path()).unwrap();
    let name = server_name(home.path());
    drop(server);
    let dead = home
        .path()
        .join("run")
        .join(name.replace(&std::process::id().to_string(), "1"));
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    assert!(find(&places, here.path()).is_empty());
    assert!(!dead.exists());
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    let _server = Server::open(&places, home.path()).unwrap();
    assert!(!dead.exists());
}

#[test]
fn nonsense_is_answered_and_a_flood_is_not() {
    let (home, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let places = places(home.path());
    let _server = Answering::start(&places, here.path(), running(7, 1));
    let connect = || {
        let name = server_name(home.path());
        let stream = with_address(&home.path().join("run"), &name, |path| {
            UnixStream::connect(path)
        })
        .unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    };
    let mut stream = connect();
    stream
        .write_all(b"{\"ask\": \"for the moon\"}\n{\"ask\"")
        .unwrap();
    stream.write_all(b": \"status\"}\n").unwrap();
    let lines: Vec<String> = BufReader::new(stream)
        .lines()
        .take(2)
        .map(Result::unwrap)
        .collect();
    assert!(
        lines[0].starts_with("{\"error\":\"not a request of this version"),
        "{lines:?}"
    );
    assert_eq!(serde_json::from_str::<Running>(&lines[1]).unwrap().pid, 7);
    let mut flood = connect();
    let written = (0..1000)
        .map(|_| flood.write_all(&[b'x'; 1000]))
        .find(Result::is_err);
    let end = flood.read(&mut [0; 10]);
    assert!(
        written.is_some() || matches!(end, Ok(0) | Err(_)),
        "{end:?}"
    );
    assert_eq!(pids(&find(&places, here.path())), [7]);
}

#[test]
fn places_follow_the_environment() {
    let exists = tempfile::tempdir().unwrap();
    let runtime = exists.path().to_str().unwrap();
    let check = |variables: &[(&str, &str)], expected: &[String]| {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        let places = Places::from_environment(|name| variables.get(name).map(OsString::from));
        let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(places.all(), expected, "{variables:?}");
    };
    check(&[("RELIVE_HOME", "/r"), ("HOME", "/h")], &["/r/run".into()]);
    check(
        &[("RELIVE_HOME", ""), ("HOME", "/h")],
        &["/h/.local/state/relive/run".into()],
    );
    check(
        &[("XDG_STATE_HOME", "/s"), ("HOME", "/h")],
        &["/s/relive/run".into()],
    );
    check(
        &[("XDG_RUNTIME_DIR", runtime), ("HOME", "/h")],
        &[
            format!("{runtime}/relive"),
            "/h/.local/state/relive/run".into(),
        ],
    );
    check(
        &[("XDG_RUNTIME_DIR", "/not/there"), ("HOME", "/h")],
        &["/h/.local/state/relive/run".into()],
    );
    check(&[], &[]);
}

fn server_name(home: &Path) -> String {
    sockets(home)
        .pop()
        .unwrap()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}
