//! The session's end of the socket.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use serde::Serialize;

use crate::client::forget_dead;
use crate::message::{Refusal, Request};
use crate::place::{Places, SocketError, prefix, with_address};

/// More than anybody needs; those beyond wait in the kernel's queue.
const CLIENT_LIMIT: usize = 16;

/// The longest request that is taken for one.
const REQUEST_LIMIT: usize = 64 * 1024;

/// A client that neither says nor takes anything for so long is forgotten.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// A listening socket and those who talk to it. Its path goes when it is dropped, unless by a forked process.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    pid: u32,
    clients: Vec<Client>,
    /// How many requests there have been.
    count: u64,
}

struct Client {
    stream: UnixStream,
    received: Vec<u8>,
    /// What is not answered yet, with its number.
    open: Option<(u64, Request)>,
    /// What is to be sent, and is not yet.
    answers: Vec<u8>,
    since: Instant,
    is_gone: bool,
}

impl Server {
    /// Listen for questions about a session that was started in this directory.
    pub fn open(places: &Places, directory: &Path) -> Result<Self, SocketError> {
        let home = places.prepare()?;
        forget_dead(home);
        let pid = std::process::id();
        let name = format!("{}{pid}.sock", prefix(directory));
        let path = home.join(&name);
        // A client takes a socket that refuses for a dead one, so it must not see one that is not listening yet.
        let early = format!(".{name}");
        let opened = || {
            let _ = fs::remove_file(home.join(&early));
            let listener = with_address(home, &early, |address| UnixListener::bind(address))?;
            listener.set_nonblocking(true)?;
            fs::rename(home.join(&early), &path)?;
            Ok(listener)
        };
        match opened() {
            Ok(listener) => Ok(Self {
                listener,
                path,
                pid,
                clients: Vec::new(),
                count: 0,
            }),
            Err(source) => Err(SocketError::Socket { path, source }),
        }
    }

    /// What to wait for; then call [`Server::serve`].
    pub fn descriptors(&self) -> impl Iterator<Item = PollFd<'_>> {
        let is_full = self.clients.len() >= CLIENT_LIMIT;
        let listener = (!is_full).then(|| PollFd::new(&self.listener, PollFlags::IN));
        let clients = self.clients.iter().map(|client| {
            let direction = if client.answers.is_empty() {
                PollFlags::IN
            } else {
                PollFlags::OUT
            };
            PollFd::new(&client.stream, direction)
        });
        listener.into_iter().chain(clients)
    }

    /// When to call [`Server::serve`] though there is nothing to wait for.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.clients
            .iter()
            .map(|client| client.since + IDLE_LIMIT)
            .min()
    }

    /// Take what was said and answer it, as far as that goes without waiting. What has no answer yet is asked about again,
    /// by the same number, at each call; a client that has given up is not.
    pub fn serve<A: Serialize>(&mut self, mut answer: impl FnMut(u64, &Request) -> Poll<A>) {
        while self.clients.len() < CLIENT_LIMIT {
            match self.listener.accept() {
                Ok((stream, _)) => self.clients.extend(Client::welcome(stream)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        for client in &mut self.clients {
            client.serve(&mut self.count, &mut answer);
        }
        self.clients
            .retain(|client| !client.is_gone && client.since.elapsed() < IDLE_LIMIT);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Client {
    /// Talk to whoever has connected if it is the user of this process.
    fn welcome(stream: UnixStream) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        #[cfg(target_os = "linux")]
        {
            let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
            if peer.uid != rustix::process::geteuid() {
                return None;
            }
        }
        Some(Self {
            stream,
            received: Vec::new(),
            open: None,
            answers: Vec::new(),
            since: Instant::now(),
            is_gone: false,
        })
    }

    fn serve<A: Serialize>(
        &mut self,
        count: &mut u64,
        answer: &mut impl FnMut(u64, &Request) -> Poll<A>,
    ) {
        let mut buffer = [0; 4096];
        if self.open.is_some() {
            self.answer_lines(count, answer);
        }
        while self.answers.is_empty() && !self.is_gone {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    self.is_gone = true;
                    break;
                }
                Ok(size) => {
                    self.since = Instant::now();
                    self.received.extend_from_slice(&buffer[..size]);
                    self.answer_lines(count, answer);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.is_gone |= error.kind() != ErrorKind::WouldBlock;
                    break;
                }
            }
        }
        if let Err(error) = self.send() {
            self.is_gone |= error.kind() != ErrorKind::WouldBlock;
        }
    }

    fn answer_lines<A: Serialize>(
        &mut self,
        count: &mut u64,
        answer: &mut impl FnMut(u64, &Request) -> Poll<A>,
    ) {
        while let Some((number, request)) = self.next(count) {
            let said = match answer(number, &request) {
                Poll::Ready(said) => serde_json::to_vec(&said),
                Poll::Pending => {
                    self.open = Some((number, request));
                    break;
                }
            };
            self.say(said.unwrap_or_default());
        }
        self.is_gone |= self.received.len() > REQUEST_LIMIT;
    }

    /// The request whose turn it is.
    fn next(&mut self, count: &mut u64) -> Option<(u64, Request)> {
        while self.open.is_none() {
            let end = self.received.iter().position(|&byte| byte == b'\n')?;
            let line: Vec<u8> = self.received.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(request) => {
                    *count += 1;
                    self.open = Some((*count, request));
                }
                Err(error) => {
                    let refusal = serde_json::to_vec(&Refusal {
                        error: format!("not a request of this version of relive: {error}"),
                    });
                    self.say(refusal.unwrap_or_default());
                }
            }
        }
        self.open.take()
    }

    fn say(&mut self, line: Vec<u8>) {
        self.answers.extend(line);
        self.answers.push(b'\n');
    }

    fn send(&mut self) -> io::Result<()> {
        while !self.answers.is_empty() {
            match self.stream.write(&self.answers) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(size) => {
                    self.since = Instant::now();
                    self.answers.drain(..size);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
