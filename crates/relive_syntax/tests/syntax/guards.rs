//! What stands around a place and may end an exception. In the texts, `at` is the place.

use relive_syntax::{Guard, Guards};

/// The guards around `at`, the innermost first.
fn around(text: &str) -> String {
    let guards = Guards::parse(text).unwrap();
    let offset = text.find("at()").unwrap();
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let column = offset - before.rfind('\n').map_or(0, |end| end + 1);
    let found = guards.around(line.try_into().unwrap(), column.try_into().unwrap());
    let shown = found.into_iter().map(|guard| match guard {
        Guard::Try { clauses, is_star } => {
            let star = if *is_star { "*" } else { "" };
            let clauses = clauses.iter().map(|clause| {
                let types = clause.types.as_deref().unwrap_or("everything");
                let then = if clause.passes_on {
                    " and raises it"
                } else {
                    ""
                };
                format!("{types}{then}")
            });
            let clauses: Vec<_> = clauses.collect();
            format!("except{star} {}", clauses.join(", "))
        }
        Guard::With {
            context,
            call: None,
        } => format!("with {context}"),
        Guard::With {
            call: Some((callee, arguments)),
            ..
        } => format!("with {callee} of {}", arguments.join(" and ")),
        Guard::Finally => "finally".to_owned(),
    });
    shown.collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(around(text), expected, "{text}");
}

#[test]
fn only_the_body_of_a_try_is_guarded_by_its_clauses() {
    check(
        "try:\n    at()\nexcept ValueError:\n    pass\n",
        "except ValueError",
    );
    check(
        "try:\n    at()\nexcept (A, b.C) as e:\n    pass\nexcept:\n    pass\n",
        "except (A, b.C), everything",
    );
    check("try:\n    pass\nexcept A:\n    at()\n", "");
    check("try:\n    pass\nexcept A:\n    pass\nelse:\n    at()\n", "");
    check(
        "try:\n    pass\nexcept A:\n    pass\nfinally:\n    at()\n",
        "",
    );
    check("try:\n    at()\nfinally:\n    pass\n", "");
    check("try:\n    at()\nexcept* A:\n    pass\n", "except* A");
    check("try:\n    pass\nexcept f(at()):\n    pass\n", "");
}

#[test]
fn inner_guards_come_first() {
    let text =
        "try:\n    with a, b():\n        try: at()\n        except A: pass\nexcept B: pass\n";
    check(text, "except A; with b of ; with a; except B");
    check("with a(), b(at()): pass\n", "with a of ");
    check("with a(at()): pass\n", "");
    check(
        "async def f():\n    async with a(1, x.y): at()\n",
        "with a of 1 and x.y",
    );
    check("with a(*x, k=1): at()\n", "with a(*x, k=1)");
}

#[test]
fn code_is_not_guarded_by_what_stands_around_its_definition() {
    check("try:\n    def f():\n        at()\nexcept A: pass\n", "");
    check(
        "try:\n    def f(x=at()): pass\nexcept A: pass\n",
        "except A",
    );
    check(
        "try:\n    @at()\n    def f(x): pass\nexcept A: pass\n",
        "except A",
    );
    check("try:\n    class C:\n        x = at()\nexcept A: pass\n", "");
    check(
        "try:\n    class C(at()): pass\nexcept A: pass\n",
        "except A",
    );
    check("def f():\n    try: at()\n    except A: pass\n", "except A");
    check(
        "try:\n    x = [at() for y in z]\nexcept A: pass\n",
        "except A",
    );
}

#[test]
fn a_finally_that_may_be_left_ends_every_exception() {
    check(
        "def f():\n    try: at()\n    finally: return 1\n",
        "finally",
    );
    check(
        "def f():\n    try: at()\n    except A: pass\n    finally:\n        if x: return 1\n",
        "except A; finally",
    );
    check(
        "def f():\n    try: pass\n    except A: at()\n    finally: return 1\n",
        "finally",
    );
    check(
        "for x in y:\n    try: at()\n    finally: break\n",
        "finally",
    );
    check("try: at()\nfinally:\n    for x in y: break\n", "");
    check(
        "try: at()\nfinally:\n    for x in y: pass\n    else:\n        while z: continue\n",
        "",
    );
    check("try: at()\nfinally:\n    def g(): return 1\n", "");
}

#[test]
fn a_clause_that_raises_what_it_has_caught_ends_nothing() {
    check(
        "try: at()\nexcept A:\n    log()\n    raise\n",
        "except A and raises it",
    );
    check(
        "try: at()\nexcept A as e:\n    log()\n    raise e\n",
        "except A and raises it",
    );
    check("try: at()\nexcept A as e: raise B from e\n", "except A");
    check("try: at()\nexcept A as e: raise B\n", "except A");
    check("try: at()\nexcept A as e: raise e from None\n", "except A");
    check(
        "def f():\n    try: at()\n    except A:\n        if x: return 1\n        raise\n",
        "except A",
    );
    check(
        "for x in y:\n    try: at()\n    except A:\n        if x: continue\n        raise\n",
        "except A",
    );
}

#[test]
fn what_is_not_python_has_no_guards() {
    assert!(Guards::parse("try:\n").is_err());
    assert!(Guards::parse("x = 1\n").unwrap().around(9, 0).is_empty());
}
