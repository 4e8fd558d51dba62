//! Excerpts: the file's own text with lines left out, for CPython to compile.

use std::fmt::Write;

use crate::outline::{Lines, Outline};

impl Outline {
    /// The text with everything but what is shown at the lines of `keep` left empty, and `neutral` decorators made the
    /// identity.
    ///
    /// Line numbers, qualified names, private-name mangling, the `__class__` cell and type parameters come out as in a
    /// compilation of the whole file. So does the code of calls, which depends on the names that the module imports:
    /// they are declared in a last line that never runs. (Compared with the whole file's code, positions included, for
    /// the standard library on CPython 3.11 to 3.15.)
    #[must_use]
    pub fn excerpt(&self, keep: &[Lines], neutral: Option<Lines>) -> String {
        let mut keep: Vec<Lines> = keep.iter().map(|&lines| self.own(lines)).collect();
        keep.sort_unstable();
        let neutral = neutral.map(|lines| self.own(lines));
        let mut text = String::new();
        let mut next_line = 1;
        for lines in keep {
            let first = lines.first.max(next_line);
            if first > lines.last {
                continue;
            }
            empty_lines(&mut text, first - next_line);
            match neutral.filter(|neutral| neutral.first >= first && neutral.last < lines.last) {
                Some(neutral) => {
                    text.push_str(self.own_lines(Lines {
                        first,
                        last: neutral.first - 1,
                    }));
                    text.push_str(indentation(self.own_lines(neutral)));
                    text.push_str("@(lambda function: function)\n");
                    empty_lines(&mut text, neutral.last - neutral.first);
                    text.push_str(self.own_lines(Lines {
                        first: neutral.last + 1,
                        last: lines.last,
                    }));
                }
                None => text.push_str(self.own_lines(Lines {
                    first,
                    last: lines.last,
                })),
            }
            if !text.ends_with('\n') {
                text.push('\n');
            }
            next_line = lines.last + 1;
        }
        if !self.imported.is_empty() {
            let names: Vec<_> = self.imported.iter().map(String::as_str).collect();
            let _ = writeln!(text, "if 0: import {}", names.join(", "));
        }
        text
    }
}

fn empty_lines(text: &mut String, count: u32) {
    text.extend(std::iter::repeat_n('\n', count as usize));
}

fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}
