//! The loop between the keys and the screen. The terminal is left as it was found, whatever happens.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::panic;
use std::sync::Arc;
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::crossterm::terminal::{
    self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

use super::Choice;
use super::state::Picker;
use super::view::draw;

/// How long to wait before looking at the window again.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 500_000_000,
};

/// Enough for all cells of a large window.
const PICTURE: usize = 256 * 1024;

/// Whether there is a terminal to ask in: the one that controls the process, or standard input and output.
pub(super) fn is_there() -> bool {
    let is_able = std::env::var_os("TERM").is_none_or(|name| name != "dumb");
    is_able && screen().is_ok() && is_in_foreground()
}

/// Whether keys of the terminal come to this process. Else it would be stopped when it asks, as a job that a shell runs
/// in the background is.
fn is_in_foreground() -> bool {
    if io::stdin().is_terminal() {
        return is_ours(&io::stdin());
    }
    File::open("/dev/tty").is_ok_and(|terminal| is_ours(&terminal))
}

fn is_ours(terminal: &impl AsFd) -> bool {
    match tcgetpgrp(terminal) {
        Ok(foreground) => foreground == getpgrp(),
        // It controls no process, as in a container: then nobody is stopped.
        Err(_) => true,
    }
}

/// Show the list until the user has chosen.
pub(super) fn ask(picker: &mut Picker<'_>) -> io::Result<Choice> {
    show(picker).map_err(|error| {
        // It may go while something is written to it.
        let has_gone = error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error());
        if has_gone { gone() } else { error }
    })
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the terminal has gone")
}

fn show(picker: &mut Picker<'_>) -> io::Result<Choice> {
    let _restored = Restored::new()?;
    let mut area = Rect::default();
    let mut terminal = blank(area)?;
    // What was typed before the list was there was meant for something else.
    while event::poll(Duration::ZERO)? {
        event::read()?;
    }
    loop {
        let (width, height) = match terminal::size()? {
            // One that does not tell.
            (0, _) | (_, 0) => (80, 24),
            size => size,
        };
        if (width, height) != (area.width, area.height) {
            area = Rect::new(0, 0, width, height);
            terminal = blank(area)?;
        }
        picker.resize(width, height);
        terminal.draw(|frame| draw(picker, frame))?;
        wait()?;
        if let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
            && let Some(choice) = picker.press(key)
        {
            return Ok(choice);
        }
    }
}

/// Wait for something to read. crossterm would wait without end, and busily, for a terminal that has gone.
fn wait() -> io::Result<()> {
    loop {
        let is_there = if io::stdin().is_terminal() {
            look(&io::stdin())
        } else {
            File::open("/dev/tty").is_ok_and(|terminal| look(&terminal))
        };
        if !is_there {
            return Err(gone());
        }
        // A window that has another size is no input, but ends the look, or comes to light at the next one.
        if event::poll(Duration::ZERO)? {
            return Ok(());
        }
    }
}

/// Wait a moment for input. False if none can come.
fn look(terminal: &impl AsFd) -> bool {
    let mut looked = [PollFd::new(terminal, PollFlags::IN)];
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    poll(&mut looked, Some(&LOOK)).is_err() || !looked[0].revents().intersects(gone)
}

/// A screen of this size with nothing on it. That one of ratatui's adapts to the window by asking the terminal where
/// its cursor is, which not every terminal answers.
fn blank(area: Rect) -> io::Result<Terminal<CrosstermBackend<impl Write>>> {
    // One write for each picture, so that nobody sees half of one.
    let mut screen = BufWriter::with_capacity(PICTURE, screen()?);
    execute!(screen, Clear(ClearType::All))?;
    let options = TerminalOptions {
        viewport: Viewport::Fixed(area),
    };
    Terminal::with_options(CrosstermBackend::new(screen), options)
}

/// Where the list is drawn: the terminal itself, since standard output may lead elsewhere.
fn screen() -> io::Result<Box<dyn Write>> {
    match File::options().write(true).open("/dev/tty") {
        Ok(terminal) => Ok(Box::new(terminal)),
        // A terminal that does not control this process, as in a container.
        Err(_) if io::stdout().is_terminal() => Ok(Box::new(io::stdout())),
        Err(error) => Err(error),
    }
}

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// The terminal in raw mode, with another screen, for as long as this lives.
struct Restored {
    hook: Arc<Hook>,
}

impl Restored {
    fn new() -> io::Result<Self> {
        let mut screen = screen()?;
        enable_raw_mode()?;
        // A panic is reported before this is dropped, and would be written to a screen that vanishes.
        let hook: Arc<Hook> = Arc::new(panic::take_hook());
        let earlier = Arc::clone(&hook);
        panic::set_hook(Box::new(move |panicked| {
            restore();
            earlier(panicked);
        }));
        let restored = Self { hook };
        execute!(screen, EnterAlternateScreen, cursor::Hide)?;
        Ok(restored)
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        restore();
        if !std::thread::panicking() {
            let hook = Arc::clone(&self.hook);
            panic::set_hook(Box::new(move |panicked| hook(panicked)));
        }
    }
}

fn restore() {
    // Nothing is left to do if the terminal has gone.
    if let Ok(mut screen) = screen() {
        let _ = execute!(screen, LeaveAlternateScreen, cursor::Show);
    }
    let _ = disable_raw_mode();
}
