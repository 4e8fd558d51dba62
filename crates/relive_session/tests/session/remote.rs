//! A host at the other end of a stream: what arrives, and what becomes of a session when nothing does.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use relive_plan::{Facts, FactsQuery, Plan};
use relive_session::{Applied, Host, HostError, RemoteHost, serve};

use crate::arbitrary::{applied, error, facts, plan, query};
use crate::story::Story;

/// A host that keeps what it is asked and answers what it is told to.
#[derive(Clone, Debug)]
struct Parrot {
    asked: (Option<FactsQuery>, Vec<Plan>),
    facts: Result<Facts, HostError>,
    compiled: Result<(), HostError>,
    applied: Result<Applied, HostError>,
}

impl Default for Parrot {
    fn default() -> Self {
        Self {
            asked: Default::default(),
            facts: Ok(Facts::default()),
            compiled: Ok(()),
            applied: Ok(Applied::default()),
        }
    }
}

impl Host for Parrot {
    fn facts(&mut self, query: &FactsQuery) -> Result<Facts, HostError> {
        self.asked.0 = Some(query.clone());
        self.facts.clone()
    }

    fn compile(&mut self, plan: &Plan) -> Result<(), HostError> {
        self.asked.1.push(plan.clone());
        self.compiled.clone()
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, HostError> {
        self.asked.1.push(plan.clone());
        self.applied.clone()
    }
}

/// Talk to a host at the other end of a socket pair.
fn over_a_socket<T>(
    host: &mut (dyn Host + Send),
    talk: impl FnOnce(&mut RemoteHost<UnixStream>) -> T,
) -> T {
    let (ours, theirs) = UnixStream::pair().unwrap();
    thread::scope(|scope| {
        let served = scope.spawn(|| serve(host, theirs));
        let result = talk(&mut RemoteHost::connect(ours).unwrap());
        served.join().unwrap().unwrap();
        result
    })
}

/// A stream whose other end has said all that it ever says.
struct Tape {
    said: Cursor<Vec<u8>>,
    heard: Vec<u8>,
}

impl Tape {
    fn of(said: impl Into<Vec<u8>>) -> Self {
        Self {
            said: Cursor::new(said.into()),
            heard: Vec::new(),
        }
    }
}

impl Read for &mut Tape {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.said.read(buffer)
    }
}

impl Write for &mut Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a session gets to know of a host at whose end of the stream this is said.
fn facts_from(said: &[u8]) -> Result<Facts, HostError> {
    RemoteHost::connect(&mut Tape::of(said))?.facts(&FactsQuery::default())
}

/// What is said to whoever asks this: the greeting, and the answers.
fn answers_to(said: &[u8]) -> (String, io::Result<()>) {
    let mut tape = Tape::of(said);
    let ended = serve(&mut Parrot::default(), &mut tape);
    (String::from_utf8(tape.heard).unwrap(), ended)
}

/// What a default question looks like on its way, and its answer with the greeting before it.
fn conversation() -> (Vec<u8>, Vec<u8>) {
    let mut tape = Tape::of(answers_to(b"").0);
    let mut remote = RemoteHost::connect(&mut tape).unwrap();
    assert!(remote.facts(&FactsQuery::default()).is_err());
    let question = tape.heard;
    let (answers, ended) = answers_to(&question);
    ended.unwrap();
    (question, answers.into_bytes())
}

fn problem<T: std::fmt::Debug>(outcome: Result<T, HostError>) -> String {
    match outcome {
        Err(HostError::Internal(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn all_of_it_arrives(
        query in query(),
        plan in plan(),
        facts in prop_oneof![facts().prop_map(Ok), error().prop_map(Err)],
        compiled in prop_oneof![Just(Ok(())), error().prop_map(Err)],
        applied in prop_oneof![applied().prop_map(Ok), error().prop_map(Err)],
    ) {
        let mut parrot = Parrot { facts, compiled, applied, ..Parrot::default() };
        let told = parrot.clone();
        over_a_socket(&mut parrot, |remote| {
            assert_eq!(remote.facts(&query), told.facts);
            assert_eq!(remote.compile(&plan), told.compiled);
            assert_eq!(remote.apply(&plan), told.applied);
        });
        prop_assert_eq!(parrot.asked, (Some(query), vec![plan.clone(), plan]));
    }

    #[test]
    fn garbage_from_the_host_is_an_error(garbage in any::<Vec<u8>>()) {
        let (_, answers) = conversation();
        let greeting = answers.iter().position(|&byte| byte == b'\n').unwrap();
        problem(facts_from(&garbage));
        problem(facts_from(&[&answers[..=greeting], &garbage].concat()));
    }

    #[test]
    fn garbage_from_the_session_is_answered(garbage in "[^\n]*") {
        let (question, answers) = conversation();
        let (told, ended) = answers_to(&[garbage.as_bytes(), b"\n", &question].concat());
        ended.unwrap();
        let answer = String::from_utf8(answers).unwrap();
        let lines: Vec<&str> = told.lines().collect();
        prop_assert_eq!([lines[0], lines[2]], [answer.lines().next().unwrap(), answer.lines().nth(1).unwrap()]);
        prop_assert!(lines[1].starts_with(r#"{"Err":{"Internal":"not a request to relive "#), "{}", lines[1]);
    }
}

#[test]
fn a_session_over_a_socket() {
    let mut story = Story::of(&[("m", "X = 1\ndef f(): return X\n")]);
    story.save("m", "X = 2\ndef f(): return X + 1\n");
    let (session, host) = (&mut story.session, &mut story.host);
    let report = over_a_socket(host, |remote| session.update(remote, &BTreeSet::new()));
    assert_eq!((report.applied.len(), report.version), (2, 1));
    story.values(&["X", "f"], &["2", "def m.f(): X + 1"]);
    story.edit(
        "X = 3\ndef f(): return X + 1\n",
        "
        compile m
        apply m: 2 steps
        compile m
        apply m: 1 steps
        applied m:X: changed at 1
        version 2
    ",
    );
}

#[test]
fn a_session_whose_host_is_lost() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.save("m", "X = 2\n");
    let (greeting, _) = answers_to(b"");
    let mut tape = Tape::of(greeting);
    let mut remote = RemoteHost::connect(&mut tape).unwrap();
    let report = story.session.update(&mut remote, &BTreeSet::new());
    let told: Vec<&str> = report
        .refused
        .iter()
        .map(|item| item.why.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "relive failed: the connection to the interpreter is lost: it was closed; the old code runs on, and later edits of the module are not applied"
        ]
    );
}

#[test]
fn a_stream_that_ends_anywhere() {
    let (question, answers) = conversation();
    for end in 0..answers.len() {
        let told = problem(facts_from(&answers[..end]));
        let how = if end == 0 || answers[end - 1] == b'\n' {
            "it was closed"
        } else {
            "it ended in the middle of a line"
        };
        assert_eq!(
            told,
            format!("the connection to the interpreter is lost: {how}")
        );
    }
    assert_eq!(facts_from(&answers), Ok(Facts::default()));
    for end in 1..question.len() {
        let (told, ended) = answers_to(&question[..end]);
        assert_eq!(told.lines().count(), 1, "only a whole question is answered");
        assert!(ended.is_err());
    }
}

#[test]
fn another_version() {
    let told = problem(facts_from(b"{\"relive\": \"0.0.9\"}\n"));
    let expected = format!(
        "the interpreter has relive 0.0.9, and this is {}: install the same version for both",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(told, expected);
}

/// An answer that comes after its time must not be taken for that to the next question.
#[test]
fn an_answer_that_comes_too_late() {
    let (_, answers) = conversation();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let greeting = answers.iter().position(|&byte| byte == b'\n').unwrap();
    theirs.write_all(&answers[..=greeting]).unwrap();
    ours.set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    let mut remote = RemoteHost::connect(ours).unwrap();
    let first = problem(remote.facts(&FactsQuery::default()));
    assert!(first.starts_with("the connection to the interpreter is lost: "));
    theirs.write_all(&answers[greeting + 1..]).unwrap();
    assert_eq!(problem(remote.facts(&FactsQuery::default())), first);
    assert_eq!(problem(remote.compile(&Plan::default())), first);
}

/// A bug of the host's ends its thread; whoever waits for its answer is not left waiting.
#[test]
fn a_host_that_panics() {
    struct Broken;
    impl Host for Broken {
        fn facts(&mut self, _: &FactsQuery) -> Result<Facts, HostError> {
            std::panic::resume_unwind(Box::new("a bug"))
        }
        fn compile(&mut self, _: &Plan) -> Result<(), HostError> {
            Ok(())
        }
        fn apply(&mut self, _: &Plan) -> Result<Applied, HostError> {
            Ok(Applied::default())
        }
    }
    let (ours, theirs) = UnixStream::pair().unwrap();
    let served = thread::spawn(move || serve(&mut Broken, theirs));
    let mut remote = RemoteHost::connect(ours).unwrap();
    assert_eq!(remote.compile(&Plan::default()), Ok(()));
    let told = problem(remote.facts(&FactsQuery::default()));
    assert_eq!(
        told,
        "the connection to the interpreter is lost: it was closed"
    );
    assert!(served.join().is_err());
}
