//! Statements that give one name a value.

use relive_syntax::assignment;

fn check(text: &str, expected: Option<(&str, &str)>) {
    let found = assignment(text);
    let found = found.map(|found| (found.name, text[found.value].to_owned()));
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(found, expected, "{text}");
}

#[test]
fn one_name_and_its_value() {
    check("a = 1", Some(("a", "1")));
    check("a   =   1 + b  # why\n", Some(("a", "1 + b")));
    check("a: dict[str, int] = {}\n", Some(("a", "{}")));
    check("a = (\n    1\n)\n", Some(("a", "(\n    1\n)")));
    check("a = (1), (2)\n", Some(("a", "(1), (2)")));
    check("(a) = 1", Some(("a", "1")));
    check("a = b == 1", Some(("a", "b == 1")));
    check("a = 1;\n", Some(("a", "1")));
}

#[test]
fn anything_else_is_none() {
    for text in [
        "a = b = 1",
        "a, b = 1, 2",
        "a.b = 1",
        "a[0] = 1",
        "a += 1",
        "a: int",
        "a = 1; b = 2",
        "a = 1\nb = 2\n",
        "f(a=1)",
        "a =",
        "",
    ] {
        check(text, None);
    }
}
