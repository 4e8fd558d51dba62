//! What Python's fault handler wrote when a session died.

use std::path::Path;

use relive_log::Rim;

/// What faulthandler wrote when a session died.
pub(crate) struct Crash(String);

impl Crash {
    /// `Fatal Python error: Segmentation fault` in words.
    pub(crate) fn headline(&self) -> &str {
        let line = self.0.lines().next().unwrap_or_default();
        line.trim_start_matches("Fatal Python error: ")
    }

    /// The calls of the thread that died, the innermost first: `bank.py", line 12 in deposit`. IPython has other threads.
    fn calls(&self) -> impl Iterator<Item = &str> {
        let thread = self.0.find("Current thread").unwrap_or_default();
        let lines = self.0[thread..].lines().map(str::trim);
        let calls = lines.skip_while(|line| !line.starts_with("File \""));
        calls.map_while(|line| line.strip_prefix("File \""))
    }

    /// The innermost call that Python knows of, as `bank.py:12 in deposit`.
    fn place(&self) -> Option<String> {
        let (file, rest) = self.calls().next()?.split_once("\", line ")?;
        let (number, function) = rest.split_once(" in ")?;
        let file = Path::new(file).file_name()?.to_string_lossy().into_owned();
        Some(format!("{file}:{number} in {function}"))
    }

    /// The line of the cell that was running.
    pub(super) fn cell_line(&self) -> Option<u32> {
        let is_cell = |call: &&str| {
            let (file, _) = call.split_once("\", line ").unwrap_or_default();
            let is_typed = file.starts_with("<ipython-input-") || file.contains("/ipykernel_");
            call.ends_with(" in <module>") && (is_typed || file == "<stdin>")
        };
        let (_, rest) = self.calls().find(is_cell)?.split_once("\", line ")?;
        rest.split_once(" in ")?.0.parse().ok()
    }

    /// Whether a function was running when it died.
    pub(crate) fn ran(&self, target: &str) -> bool {
        let name = target.rsplit('.').next().unwrap_or(target);
        let is_it = |line: &str| {
            let function = line.rsplit_once(" in ").map(|(_, function)| function);
            function == Some(name)
        };
        self.calls().any(is_it)
    }

    /// What happened, in a sentence.
    pub(crate) fn told(&self) -> String {
        let place = self
            .place()
            .map_or_else(String::new, |place| format!(" at {place}"));
        format!("the last session died: {}{place}", self.headline())
    }
}

/// What faulthandler wrote when a session died, if it did.
pub(crate) fn crash(rim: &Rim, session: &str) -> Option<Crash> {
    let file = rim
        .storage
        .open(&rim.home.crash(session), relive_log::Access::Read)
        .ok()?;
    let mut buffer = vec![0; 64 * 1024];
    let size = file.read_at(0, &mut buffer).ok()?;
    let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
    text.starts_with("Fatal Python error: ")
        .then_some(Crash(text))
}
