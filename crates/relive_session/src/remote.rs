//! A host at the other end of a stream.
//!
//! The serving end begins with a line that tells its version; from then on each request is answered by one line.

use std::borrow::Cow;
use std::io::{self, BufReader, ErrorKind, Read, Write};

use relive_plan::{Facts, FactsQuery, Plan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::host::{Applied, Host, HostError};
use crate::line;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the serving end says first.
#[derive(Serialize, Deserialize)]
struct Greeting<'a> {
    relive: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
enum Request<'a> {
    Facts(Cow<'a, FactsQuery>),
    Compile(Cow<'a, Plan>),
    Apply(Cow<'a, Plan>),
}

/// The host that [`serve`]s the other end of a stream.
///
/// It waits for answers as long as the stream does: until the other end is closed, or a timeout of the stream's own.
pub struct RemoteHost<S> {
    stream: BufReader<S>,
    /// Why it is not asked any more: an answer that comes late must not be taken for that to another question.
    problem: Option<String>,
}

impl<S: Read + Write> RemoteHost<S> {
    /// Wait for the other end to say that it is of this version.
    pub fn connect(stream: S) -> Result<Self, HostError> {
        let mut stream = BufReader::new(stream);
        let greeting: Greeting<'_> =
            receive(&mut stream).map_err(|error| HostError::Internal(lost(&error)))?;
        if greeting.relive != VERSION {
            return Err(HostError::Internal(format!(
                "the interpreter has relive {}, and this is {VERSION}: install the same version for both",
                greeting.relive
            )));
        }
        Ok(Self {
            stream,
            problem: None,
        })
    }

    fn ask<T: DeserializeOwned>(&mut self, request: &Request<'_>) -> Result<T, HostError> {
        if let Some(problem) = &self.problem {
            return Err(HostError::Internal(problem.clone()));
        }
        let answer = line::write(self.stream.get_mut(), request)
            .and_then(|()| receive::<Result<T, HostError>>(&mut self.stream));
        answer.unwrap_or_else(|error| {
            let problem = lost(&error);
            self.problem = Some(problem.clone());
            Err(HostError::Internal(problem))
        })
    }
}

impl<S: Read + Write> Host for RemoteHost<S> {
    fn facts(&mut self, query: &FactsQuery) -> Result<Facts, HostError> {
        self.ask(&Request::Facts(Cow::Borrowed(query)))
    }

    fn compile(&mut self, plan: &Plan) -> Result<(), HostError> {
        self.ask(&Request::Compile(Cow::Borrowed(plan)))
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, HostError> {
        self.ask(&Request::Apply(Cow::Borrowed(plan)))
    }
}

/// Answer for a host until the other end, a [`RemoteHost`], closes the stream.
pub fn serve(host: &mut dyn Host, stream: impl Read + Write) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let greeting = Greeting {
        relive: Cow::Borrowed(VERSION),
    };
    line::write(stream.get_mut(), &greeting)?;
    while let Some(request) = line::read(&mut stream)? {
        let answers = stream.get_mut();
        match serde_json::from_slice(&request) {
            Ok(Request::Facts(query)) => line::write(answers, &host.facts(&query)),
            Ok(Request::Compile(plan)) => line::write(answers, &host.compile(&plan)),
            Ok(Request::Apply(plan)) => line::write(answers, &host.apply(&plan)),
            Err(error) => {
                let problem = format!("not a request to relive {VERSION}: {error}");
                line::write(answers, &Err::<(), _>(HostError::Internal(problem)))
            }
        }?;
    }
    Ok(())
}

fn receive<T: DeserializeOwned>(stream: &mut BufReader<impl Read>) -> io::Result<T> {
    let line = line::read(stream)?
        .ok_or_else(|| io::Error::new(ErrorKind::UnexpectedEof, "it was closed"))?;
    Ok(serde_json::from_slice(&line)?)
}

fn lost(error: &io::Error) -> String {
    format!("the connection to the interpreter is lost: {error}")
}
