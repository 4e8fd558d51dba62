//! The difference of two texts, line by line.

use crate::shown::{brief, pieces};

/// One line of a diff. Its text is escaped; a line that is too long is several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) sign: Sign,
    pub(crate) text: String,
}

/// What a line of a diff is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Said about all of it.
    Head,
    /// `@@ … @@`: where the lines below are.
    Hunk,
    /// In both texts.
    Same,
    /// Only in the old one.
    Old,
    /// Only in the new one.
    New,
    /// Not of the texts: said about the line before.
    Remark,
}

impl Sign {
    /// What the line begins with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Head | Self::Hunk => "",
            Self::Same => " ",
            Self::Old => "-",
            Self::New => "+",
            Self::Remark => "\\",
        }
    }
}

/// The lines of a unified diff. Both texts have `above` lines above them where they stand.
pub(crate) fn unified(old: &str, new: &str, above: usize) -> Vec<Line> {
    let mut lines = parsed(&relive_log::unified_diff(old, new));
    for line in &mut lines {
        if line.sign == Sign::Hunk
            && above > 0
            && let Some(moved) = moved(&line.text, above)
        {
            line.text = moved;
        }
    }
    lines
}

/// The lines of a diff that is written out, with or without the names of the files.
pub(crate) fn parsed(diff: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut is_head = true;
    for line in diff.lines() {
        let sign = match line.as_bytes().first() {
            Some(b'@') => Sign::Hunk,
            _ if is_head => Sign::Head,
            Some(b'-') => Sign::Old,
            Some(b'+') => Sign::New,
            Some(b'\\') => Sign::Remark,
            _ => Sign::Same,
        };
        is_head &= sign == Sign::Head;
        let text = line.get(sign.prefix().len()..).unwrap_or_default();
        put(&mut lines, sign, text);
    }
    lines
}

/// A line about all of it.
pub(crate) fn head(text: &str) -> Line {
    Line {
        sign: Sign::Head,
        text: brief(text),
    }
}

/// All lines of a text.
pub(crate) fn whole(sign: Sign, text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in text.lines() {
        put(&mut lines, sign, line);
    }
    lines
}

fn put(lines: &mut Vec<Line>, sign: Sign, text: &str) {
    for text in pieces(text) {
        lines.push(Line { sign, text });
    }
}

/// `@@ -1,3 +1,4 @@`, so many lines further down.
fn moved(hunk: &str, by: usize) -> Option<String> {
    let mut words = hunk.split(' ');
    let mut place = |sign: char| {
        let place = words.find_map(|word| word.strip_prefix(sign))?;
        let (start, count) = place
            .split_once(',')
            .map_or((place, None), |(start, count)| (start, Some(count)));
        let start: usize = start.parse().ok()?;
        let count = count.map(|count| format!(",{count}")).unwrap_or_default();
        Some(format!("{sign}{}{count}", start + by))
    };
    Some(format!("@@ {} {} @@", place('-')?, place('+')?))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(lines: &[Line], expected: Expect) {
        let shown: String = lines
            .iter()
            .map(|line| format!("{:?} {}{}\n", line.sign, line.sign.prefix(), line.text))
            .collect();
        expected.assert_eq(&shown);
    }

    #[test]
    fn lines_are_numbered_where_the_text_stands() {
        let old: String = (1..=20).map(|line| format!("{line}\n")).collect();
        let new = old
            .replace("\n3\n", "\n-- three\n")
            .replace("20\n", "20\n21");
        check(
            &unified(&old, &new, 0),
            expect![[r#"
            Hunk @@ -1,6 +1,6 @@
            Same  1
            Same  2
            Old -3
            New +-- three
            Same  4
            Same  5
            Same  6
            Hunk @@ -18,3 +18,4 @@
            Same  18
            Same  19
            Same  20
            New +21
            Remark \ No newline at end of file
        "#]],
        );
        check(
            &unified("x = 1\n", "", 10),
            expect![[r#"
            Hunk @@ -11 +10,0 @@
            Old -x = 1
        "#]],
        );
        check(
            &unified("", "x = 1\n", 10),
            expect![[r#"
            Hunk @@ -10,0 +11 @@
            New +x = 1
        "#]],
        );
        check(&unified("same\n", "same\n", 3), expect![""]);
    }

    #[test]
    fn a_diff_of_a_file_is_escaped_and_keeps_its_head() {
        let diff = "--- bank.py\n+++ bank.py\n@@ -1 +1 @@\n--- a comment in SQL\n+\u{1b}[2J\n\\ No newline at end of file\n";
        check(
            &parsed(diff),
            expect![[r#"
            Head --- bank.py
            Head +++ bank.py
            Hunk @@ -1 +1 @@
            Old --- a comment in SQL
            New +<U+001B>[2J
            Remark \ No newline at end of file
        "#]],
        );
    }
}
