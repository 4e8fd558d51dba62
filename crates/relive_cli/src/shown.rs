//! Text of a log made fit to be shown: whoever wrote it must not be able to move the cursor, to hide something, or to
//! make a line look like another one.

use std::ffi::OsStr;
use std::fmt::Write;

/// A line that is longer than this many characters is shown in pieces.
const LINE_LIMIT: usize = 500;

/// One line of text: everything that is invisible or acts on a terminal stands as `<U+202E>`. A TAB becomes spaces.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => {
                let width = shown.chars().count();
                shown.extend(std::iter::repeat_n(' ', 4 - width % 4));
            }
            _ if is_hidden(character) => {
                let _ = write!(shown, "<U+{:04X}>", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// A title, a name or a reason: escaped, and cut off where no honest one would go on.
pub(crate) fn brief(text: &str) -> String {
    let shown = escaped(text.trim_end_matches('\n'));
    match shown.char_indices().nth(LINE_LIMIT) {
        Some((end, _)) => format!(
            "{}<{} more characters>",
            &shown[..end],
            shown[end..].chars().count()
        ),
        None => shown,
    }
}

/// The same for a name of a file, whatever bytes it has.
pub(crate) fn path(path: impl AsRef<OsStr>) -> String {
    brief(&path.as_ref().to_string_lossy())
}

/// All of one line, in as many pieces as it takes; each but the last says that it goes on.
pub(crate) fn pieces(line: &str) -> Vec<String> {
    let shown: Vec<char> = escaped(line).chars().collect();
    let count = shown.len().div_ceil(LINE_LIMIT).max(1);
    let piece = |index: usize| {
        let rest = &shown[index * LINE_LIMIT..];
        let text: String = rest.iter().take(LINE_LIMIT).collect();
        if index + 1 < count {
            text + "<goes on>"
        } else {
            text
        }
    };
    (0..count).map(piece).collect()
}

/// The beginning of a text that is no wider than `width` columns, with `…` where something was left out.
pub(crate) fn clipped(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut used = 0;
    for character in text.chars() {
        let more = columns(character.encode_utf8(&mut [0; 4]));
        if used + more >= width {
            break;
        }
        shown.push(character);
        used += more;
    }
    if width > 0 {
        shown.push('…');
    }
    shown
}

/// How many columns of a terminal a text takes.
pub(crate) fn columns(text: &str) -> usize {
    ratatui::text::Span::raw(text).width()
}

/// Whether a character is invisible, or changes how others are shown.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Shown as nothing: the soft hyphen, the grapheme joiner, the fillers of Hangul, the vowels of Khmer.
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            // Directions.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            // No width, and line ends that only some programs take for one.
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
            // Shorthand, music, tags, and what stands beside the tags.
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_gets_through() {
        let hostile =
            "a\x1b[2Jb\u{7}\u{9b}c\u{202e}d\u{200b}\u{feff}\u{2028}\u{e0041}\r\u{ad}\u{fe0f}é\t|";
        assert_eq!(
            escaped(hostile),
            "a<U+001B>[2Jb<U+0007><U+009B>c<U+202E>d<U+200B><U+FEFF><U+2028><U+E0041><U+000D><U+00AD><U+FE0F>é   |"
        );
    }

    #[test]
    fn a_long_line_is_shown_whole_and_a_long_name_is_not() {
        let long = "x".repeat(1_201);
        let shown = pieces(&long);
        assert_eq!(shown.len(), 3);
        assert_eq!(shown[1].matches('x').count(), 500);
        assert!(shown[1].ends_with("<goes on>"));
        assert_eq!(shown[2].len(), 201);
        assert_eq!(pieces(""), [""]);
        assert!(brief(&long).ends_with("x<701 more characters>"));
    }

    #[test]
    fn clipping_counts_columns() {
        assert_eq!(clipped("deposit", 7), "deposit");
        assert_eq!(clipped("deposits", 7), "deposi…");
        assert_eq!(clipped("漢字漢字", 6), "漢字…");
        assert_eq!(clipped("ab", 0), "");
    }
}
