//! Expressions deeper than any stack that a user's thread has: data, not an abort of the user's process.

use relive_syntax::Outline;

const DEPTH: usize = 100_000;

/// Outline a statement; that it returns at all is what is tested, and that it found what is there.
fn check(text: String, units: usize) {
    let outline = Outline::parse(text.into()).unwrap();
    assert_eq!(outline.units.len(), units);
}

fn nested(before: &str, inner: &str, after: &str) -> String {
    format!("X = {}{inner}{}", before.repeat(DEPTH), after.repeat(DEPTH))
}

#[test]
fn unary_operators() {
    check(nested("-", "1", ""), 1);
    check(nested("not ", "1", ""), 1);
}

#[test]
fn binary_operators() {
    check(nested("", "a", "+a"), 1);
    check(nested("a**", "a", ""), 1);
}

#[test]
fn flat_operators() {
    check(nested("a and ", "a", ""), 1);
    check(nested("a < ", "a", ""), 1);
}

#[test]
fn brackets() {
    check(nested("(", "1", ")"), 1);
    check(nested("[", "1", "]"), 1);
    check(nested("{1:", "1", "}"), 1);
    check(nested("(a:=", "1", ")"), 1);
}

#[test]
fn calls_and_attributes() {
    check(nested("f(", "1", ")"), 1);
    check(nested("f", "", "()"), 1);
    check(nested("a", "", ".a"), 1);
    check(nested("a", "", "[0]"), 1);
    check(nested("a[", "0", "]"), 1);
}

#[test]
fn conditions_and_lambdas() {
    check(nested("1 if a else ", "1", ""), 1);
    check(nested("lambda: ", "1", ""), 1);
    check(nested("lambda x=", "1", ": 1"), 1);
}

#[test]
fn inside_definitions() {
    check(format!("def f(): return {}1", "-".repeat(DEPTH)), 1);
    check(format!("class C: x = a{}", "+a".repeat(DEPTH)), 1);
    check(format!("@a({}1)\ndef f(): pass", "-".repeat(DEPTH)), 1);
}

#[test]
fn targets_and_patterns() {
    check(
        format!("{}a{} = 1", "[".repeat(DEPTH), "]".repeat(DEPTH)),
        1,
    );
    check(
        format!(
            "match a:\n case {}b{}: pass",
            "[".repeat(DEPTH),
            "]".repeat(DEPTH)
        ),
        1,
    );
}

#[test]
fn long_chains_of_clauses() {
    check(format!("if a: pass\n{}", "elif a: pass\n".repeat(DEPTH)), 1);
    check(format!("{}def f(): pass", "@a\n".repeat(DEPTH)), 1);
    check(nested("Y = ", "1", ""), 1);
}

/// CPython allows 100 levels of indentation.
#[test]
fn statements_in_statements() {
    let depth = 100;
    for header in ["def f():", "class C:", "if a:", "while a:", "with a:"] {
        let mut text: String = (0..depth)
            .map(|level| format!("{}{header}\n", " ".repeat(level)))
            .collect();
        text.push_str(&" ".repeat(depth));
        text.push_str("pass\n");
        check(text, 1);
    }
}

/// A half-written file is as deep as a whole one.
#[test]
fn errors_are_found_at_any_depth() {
    for text in ["(", "[", "f(", "-", "a[", "lambda: ", "{1:"] {
        let error = Outline::parse(format!("X = {}", text.repeat(DEPTH)).into()).unwrap_err();
        assert_eq!(error.line, 1, "{text}");
    }
}

/// An unlucky thread has little stack left.
#[test]
fn on_a_thread_with_a_small_stack() {
    let thread = std::thread::Builder::new().stack_size(64 << 10);
    let parsed = thread.spawn(|| Outline::parse(nested("-", "1", "").into()).is_ok());
    assert!(parsed.unwrap().join().unwrap());
}

#[test]
fn long_files() {
    let text =
        "def f(a):\n    return a\n\n\nclass C:\n    x = 1\n\n    def m(self):\n        pass\n\n\n"
            .repeat(5_000);
    let outline = Outline::parse(text.into()).unwrap();
    assert_eq!(outline.units.len(), 10_000);
    assert_eq!(outline.line_count(), 55_001);
    assert_eq!(outline.units[9_999].lines.last, 54_998);
}
