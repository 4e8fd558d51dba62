//! Changes made at run time: the live text is that of the file with the pending changes merged.

use crate::story::Story;

const BANK: &str = "RATE = 1\n\nX = 3\n\nLAST = 9\n";

fn bank() -> Story {
    Story::of(&[("m", BANK), ("n", "from m import RATE\nY = 5\n")])
}

#[test]
fn a_patch_is_an_edit_of_which_no_file_knows() {
    let mut story = bank();
    story.patch(
        &[("m", "RATE = 10\n")],
        "
        compile m
        apply m: 3 steps
        applied m:RATE: changed at 6
        version 1
    ",
    );
    story.values(&["RATE", "n.RATE"], &["10", "10"]);
    story.update("version 1");
}

#[test]
fn a_save_keeps_what_was_patched() {
    let mut story = bank();
    story.patch(
        &[("m", "RATE = 10\n")],
        "
        compile m
        apply m: 3 steps
        applied m:RATE: changed at 6
        version 1
    ",
    );
    story.edit(
        &format!("Z = 6\n{BANK}"),
        "
        compile m
        apply m: 1 steps
        applied m:Z: added at 1
        version 2
    ",
    );
    story.values(&["RATE", "Z"], &["10", "6"]);
}

#[test]
fn a_patch_of_a_patch() {
    let mut story = bank();
    for value in 10..13 {
        story.patch(
            &[("m", &format!("RATE = {value}\n"))],
            &format!(
                "
                compile m
                apply m: 3 steps
                applied m:RATE: changed at 6
                version {}
            ",
                value - 9
            ),
        );
    }
    story.values(&["RATE"], &["12"]);
}

/// The changes of a patch had one number until they were logged, and so one name: `A#2` was looked for as `C`, and called a
/// conflict.
#[test]
fn a_patch_of_a_name_that_repeats_and_of_another_one() {
    let mut story = Story::of(&[("m", "A = 1\n\nB = A\n\nA = 2\n\nC = 3\n")]);
    story.patch(
        &[("m", "A = 7\nC = 8\n")],
        "
        compile m
        apply m: 2 steps
        applied m:A: changed at 8
        applied m:C: changed at 9
        version 1
    ",
    );
    story.values(&["A", "B", "C"], &["7", "1", "8"]);
}

#[test]
fn a_patch_that_the_file_overtakes() {
    let mut story = bank();
    story.patch(
        &[("m", "RATE = 10\n")],
        "
        compile m
        apply m: 3 steps
        applied m:RATE: changed at 6
        version 1
    ",
    );
    story.edit(
        &BANK.replace("RATE = 1", "RATE = 20"),
        "
        compile m
        apply m: 3 steps
        applied m:RATE: changed at 1
        conflict m:RATE: change 1 of its log is not live: the source has another version of RATE than the one that was changed at 1
        version 2
    ",
    );
    story.values(&["RATE"], &["20"]);
    // Said once.
    story.edit(
        &BANK
            .replace("RATE = 1", "RATE = 20")
            .replace("X = 3", "X = 7"),
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 3
        version 3
    ",
    );
}

#[test]
fn patches_of_several_modules_are_one() {
    let mut story = bank();
    story.patch(
        &[("m", "RATE = 10\n"), ("n", "Y = missing\n")],
        "
        compile m n
        apply m n: 4 steps, undone
        refused n:Y: name missing is not defined; undone, the old code runs on at 1
        version 0
    ",
    );
    story.values(&["RATE", "n.RATE", "n.Y"], &["1", "1", "5"]);
}

#[test]
fn what_cannot_be_done_is_refused_as_a_whole() {
    let mut story = bank();
    story.patch(
        &[("m", "RATE = 10\n"), ("nowhere", "X = 1\n")],
        "
        refused nowhere: is no live module; nothing was changed at 1
        version 0
    ",
    );
    story.patch(
        &[("m", "X = (\n")],
        "
        refused m: the patch has a syntax error: unexpected EOF while parsing; nothing was changed at 2
        version 0
    ",
    );
    story.values(&["RATE"], &["1"]);
}
