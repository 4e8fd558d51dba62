//! What is typed at a prompt: statements, what they do, and the state that they change through a path.

use std::fmt::Write;

use expect_test::{Expect, expect};
use relive_syntax::{CellKind, CellStatement, Changed, How, Step, cell};

use crate::support::{dedent, range};

/// One line for each statement: its lines, its effect, what it is, what it binds, changes and reads.
fn check(text: &str, expected: Expect) {
    let statements = cell(&dedent(text)).unwrap();
    let lines: Vec<String> = statements.iter().map(described).collect();
    expected.assert_eq(&lines.join("\n"));
}

/// The text of each statement.
fn check_texts(text: &str, expected: &[&str]) {
    let statements = cell(&dedent(text)).unwrap();
    let texts: Vec<&str> = statements.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, expected);
}

fn described(statement: &CellStatement) -> String {
    let effect = format!("{:?}", statement.effect).to_lowercase();
    let mut text = format!("{} {effect}", range(statement.lines));
    match &statement.kind {
        CellKind::Function { name } => write!(text, " def {name}").unwrap(),
        CellKind::Class { name } => write!(text, " class {name}").unwrap(),
        CellKind::Import => text.push_str(" import"),
        CellKind::Other => {}
    }
    let label = if statement.is_deletion {
        "deletes"
    } else {
        "binds"
    };
    let mut note = |label: &str, words: Vec<String>| {
        if !words.is_empty() {
            write!(text, "; {label} {}", words.join(" ")).unwrap();
        }
    };
    note(label, statement.binds.clone());
    note("changes", statement.changes.iter().map(changed).collect());
    note("reads", statement.reads.iter().cloned().collect());
    if statement.is_kept_out {
        text.push_str("; kept out");
    }
    text
}

fn changed(changed: &Changed) -> String {
    let mut path = changed.root.clone();
    for step in &changed.path {
        match step {
            Step::Attribute(name) => write!(path, ".{name}").unwrap(),
            Step::Subscript => path.push_str("[]"),
        }
    }
    match &changed.how {
        How::Store => format!("{path}="),
        How::Delete => format!("{path}:del"),
        How::Mutate(method) => format!("{path}:{method}()"),
        How::SetAttr => format!("{path}:setattr"),
        How::DelAttr => format!("{path}:delattr"),
    }
}

#[test]
fn definitions_run_nothing_that_counts() {
    check(
        "def f(): return g()",
        expect!["1 assign def f; binds f; reads g"],
    );
    check(
        "async def f(a=g()): pass",
        expect!["1 assign def f; binds f; reads g"],
    );
    check(
        "@route('/')\ndef f():\n    return x\n",
        expect!["1-3 assign def f; binds f; reads route x"],
    );
    check(
        "class C(B, metaclass=M()):\n    x = f()\n",
        expect!["1-2 assign class C; binds C; reads B M f"],
    );
    check(
        "@dataclass\nclass C:\n    x: int = field()\n",
        expect!["1-3 assign class C; binds C; reads dataclass field int"],
    );
    check(
        "def f():\n    global X\n    X = bank.Y = 1",
        expect!["1-3 assign def f; binds f; reads bank"],
    );
    check(
        "class C:\n    bank.X = 1\n    t = {}\n    t['a'] = 1",
        expect!["1-4 assign class C; binds C; changes bank.X=; reads t"],
    );
}

#[test]
fn imports() {
    check(
        "import os.path, sys as s",
        expect!["1 assign import; binds os s"],
    );
    check(
        "from m import x as y, z",
        expect!["1 assign import; binds y z"],
    );
    check("from m import *", expect!["1 assign import"]);
    check(
        "try:\n    import a\nexcept ImportError:\n    a = None",
        expect!["1-4 assign; binds a; reads ImportError"],
    );
}

#[test]
fn assignments_that_call_nothing() {
    check("x = 1", expect!["1 assign; binds x"]);
    check(
        "x: int = y.z[0] + w",
        expect!["1 assign; binds x; reads int w y"],
    );
    check("x: int", expect!["1 assign; reads int"]);
    check("x += 1", expect!["1 assign; binds x; reads x"]);
    check("a, (b, *c) = d", expect!["1 assign; binds a b c; reads d"]);
    check(
        "x = f'{a.b!r:>{w}}'",
        expect!["1 assign; binds x; reads a w"],
    );
    check(
        "x = [a for a in b if a.c]",
        expect!["1 assign; binds x; reads b"],
    );
    check(
        "x = {k: [v for v in w] for k, w in z}",
        expect!["1 assign; binds x; reads z"],
    );
    check("x = lambda: f()", expect!["1 assign; binds x; reads f"]);
    check(
        "x = a if b else c[d:e]",
        expect!["1 assign; binds x; reads a b c d e"],
    );
    check("x = 1 << n", expect!["1 assign; binds x; reads n"]);
    check("(n := 5)", expect!["1 assign; binds n"]);
    check("del x, y", expect!["1 assign; deletes x y"]);
    check(
        "type A = list[f()]",
        expect!["1 assign; binds A; reads f list"],
    );
    check(
        "for x in y:\n    n = x",
        expect!["1-2 assign; binds x n; reads x y"],
    );
    check(
        "while n < 10: n += 1",
        expect!["1 assign; binds n; reads n"],
    );
    check(
        "if a:\n    def f(): return g()\nelse:\n    f = None",
        expect!["1-4 assign; binds f; reads a g"],
    );
}

#[test]
fn calls() {
    check("f()", expect!["1 call; reads f"]);
    check("x = f(y)", expect!["1 call; binds x; reads f y"]);
    check(
        "x = [f(a) for a in b]",
        expect!["1 call; binds x; reads b f"],
    );
    check("x = f'{g()}'", expect!["1 call; binds x; reads g"]);
    check("x = lambda a=f(): a", expect!["1 call; binds x; reads f"]);
    check("(n := f())", expect!["1 call; binds n; reads f"]);
    check("await x", expect!["1 call; reads x"]);
    check("x = await y", expect!["1 call; binds x; reads y"]);
    check("with a: pass", expect!["1 call; reads a"]);
    check(
        "async with a as b: pass",
        expect!["1 call; binds b; reads a"],
    );
    check(
        "async for x in y: pass",
        expect!["1 call; binds x; reads y"],
    );
    check(
        "x = [a async for a in b]",
        expect!["1 call; binds x; reads b"],
    );
    check(
        "for x in range(3): pass",
        expect!["1 call; binds x; reads range"],
    );
    check(
        "for x in y:\n    f(x)",
        expect!["1-2 call; binds x; reads f x y"],
    );
    check("assert f()", expect!["1 call; reads f"]);
    check(
        "if a:\n    @b\n    def f(): pass",
        expect!["1-3 call; binds f; reads a b"],
    );
    check("load >> transform", expect!["1 call; reads load transform"]);
}

#[test]
fn looks() {
    check("x", expect!["1 inspect; reads x"]);
    check("a.b[0]", expect!["1 inspect; reads a"]);
    check("1 << 3", expect!["1 inspect"]);
    check("x + 1", expect!["1 inspect; reads x"]);
    check("'text'", expect!["1 inspect"]);
    check("pass", expect!["1 inspect"]);
    check("assert x == 1, y", expect!["1 inspect; reads x y"]);
    check("[a for a in b]", expect!["1 inspect; reads b"]);
    check("lambda: f()", expect!["1 inspect; reads f"]);
    check("", expect![]);
    check("# nothing\n", expect![]);
}

#[test]
fn stores_through_a_path() {
    check("bank.X = 1", expect!["1 assign; changes bank.X="]);
    check(
        "bank.CONFIG['x'] = y",
        expect!["1 assign; changes bank.CONFIG[]=; reads y"],
    );
    check(
        "bank.a.b += c.d",
        expect!["1 assign; changes bank.a.b=; reads c"],
    );
    check(
        "bank.items[0][i].x = 1",
        expect!["1 assign; changes bank.items[][].x=; reads i"],
    );
    check(
        "bank.X: int = 3",
        expect!["1 assign; changes bank.X=; reads int"],
    );
    check("bank.X: int", expect!["1 assign; reads int"]);
    check("x[0] = 1", expect!["1 assign; changes x[]="]);
    check("x[:] = y", expect!["1 assign; changes x[]=; reads y"]);
    check(
        "bank.X = bank.Y = bank.Z * 2",
        expect!["1 assign; changes bank.X= bank.Y="],
    );
    check(
        "bank.X, (other.y, *x), [z[0]] = w",
        expect!["1 assign; binds x; changes bank.X= other.y= z[]=; reads bank other w z"],
    );
    check(
        "for bank.i in y: pass",
        expect!["1 assign; changes bank.i=; reads y"],
    );
    check(
        "for bank.i, n in y: bank.t[n] = bank.i",
        expect!["1 assign; binds n; changes bank.i= bank.t[]=; reads n y"],
    );
    check(
        "with f() as bank.x, g() as (bank.y, z): pass",
        expect!["1 call; binds z; changes bank.x= bank.y=; reads f g"],
    );
    check(
        "if a:\n    bank.X = 1\nelse:\n    del bank.X",
        expect!["1-4 assign; changes bank.X= bank.X:del; reads a"],
    );
    check("f().x = 1", expect!["1 call; reads f"]);
    check("(a or b).x = 1", expect!["1 assign; reads a b"]);
    check(
        "x = [1 for bank.i in y]",
        expect!["1 assign; binds x; changes bank.i=; reads y"],
    );
    check(
        "bank.X = (y := 2)",
        expect!["1 assign; binds y; changes bank.X="],
    );
}

#[test]
fn deletions_through_a_path() {
    check("del bank.X", expect!["1 assign; changes bank.X:del"]);
    check(
        "del bank.CONFIG['x'], bank.a.b, c",
        expect!["1 assign; deletes c; changes bank.CONFIG[]:del bank.a.b:del"],
    );
    check("del x[0]", expect!["1 assign; changes x[]:del"]);
}

#[test]
fn setattr_and_delattr() {
    check(
        "setattr(bank, 'X', v)",
        expect!["1 call; changes bank.X:setattr; reads setattr v"],
    );
    check(
        "setattr(bank.settings, 'X', 1)",
        expect!["1 call; changes bank.settings.X:setattr; reads setattr"],
    );
    check(
        "setattr(bank, name, 1)",
        expect!["1 call; changes bank:setattr; reads name setattr"],
    );
    check(
        "delattr(bank, 'X')",
        expect!["1 call; changes bank.X:delattr; reads delattr"],
    );
    check("setattr(f(), 'X', 1)", expect!["1 call; reads f setattr"]);
    check("setattr(*args)", expect!["1 call; reads args setattr"]);
    check(
        "for k in names: setattr(bank, k, None)",
        expect!["1 call; binds k; changes bank:setattr; reads k names setattr"],
    );
}

#[test]
fn methods_that_mutate() {
    check(
        "bank.CACHE.clear()",
        expect!["1 call; changes bank.CACHE:clear()"],
    );
    check(
        "bank.items.append(x)",
        expect!["1 call; changes bank.items:append(); reads x"],
    );
    check("items.sort()", expect!["1 call; changes items:sort()"]);
    check(
        "bank.d['k'].update(a=1)",
        expect!["1 call; changes bank.d[]:update()"],
    );
    check(
        "x = bank.queue.popleft()",
        expect!["1 call; binds x; changes bank.queue:popleft()"],
    );
    check(
        "bank.items.append(bank.other.pop())",
        expect!["1 call; changes bank.other:pop() bank.items:append()"],
    );
    check(
        "bank.d.__setitem__('k', 1)",
        expect!["1 call; changes bank.d:__setitem__()"],
    );
    check("bank.items.index(x)", expect!["1 call; reads bank x"]);
    check("bank.get().append(1)", expect!["1 call; reads bank"]);
    check(
        "[bank.items.append(x) for x in y]",
        expect!["1 call; changes bank.items:append(); reads y"],
    );
    check("[x.append(1) for x in y]", expect!["1 call; reads y"]);
    check(
        "for x in y: x.append(1)",
        expect!["1 call; binds x; changes x:append(); reads y"],
    );
    check(
        "f = lambda: bank.items.clear()",
        expect!["1 assign; binds f; reads bank"],
    );
    check(
        "print(bank.items.reverse())",
        expect!["1 call; changes bank.items:reverse(); reads print"],
    );
}

#[test]
fn several_statements() {
    check(
        "
        import bank
        bank.X = 1; bank.Y = f(); x = 2  # set up

        def g():  # why
            return x
        bank.X
        ",
        expect![[r#"
            1 assign import; binds bank
            2 assign; changes bank.X=
            2 call; changes bank.Y=; reads f
            2 assign; binds x
            4-5 assign def g; binds g; reads x
            6 inspect; reads bank"#]],
    );
}

#[test]
fn texts_are_as_typed() {
    check_texts("x = 1", &["x = 1"]);
    check_texts("x  =  1  # why \n", &["x  =  1  # why"]);
    check_texts("a = 1; b = 2 # c", &["a = 1", "b = 2 # c"]);
    check_texts("a = 1;", &["a = 1"]);
    check_texts("a = 1; \\\nb = 2", &["a = 1", "b = 2"]);
    check_texts(
        "# above\nx = [\n    1,  # one\n]\n\n@d\ndef f():\n    return 1\n\n# below\n",
        &["x = [\n    1,  # one\n]", "@d\ndef f():\n    return 1"],
    );
    check_texts("x = '#'\ny = 2", &["x = '#'", "y = 2"]);
    check_texts("x = 'ä' # ö", &["x = 'ä' # ö"]);
}

#[test]
fn a_comment_keeps_a_statement_out_of_the_log() {
    check(
        "token = 'x'  # relive: nolog",
        expect!["1 assign; binds token; kept out"],
    );
    check(
        "token = 'x'  # relive:nolog because",
        expect!["1 assign; binds token; kept out"],
    );
    check(
        "a = 1\ntoken = [\n    'x',  #relive: nolog\n]\nb = 2",
        expect![[r#"
            1 assign; binds a
            2-4 assign; binds token; kept out
            5 assign; binds b"#]],
    );
    check(
        "a = '# relive: nolog'  # relive: nologs",
        expect!["1 assign; binds a"],
    );
}

#[test]
fn what_is_no_python() {
    let error = cell("x = 1\ny = = 2").unwrap_err();
    assert_eq!(error.line, 2);
    let error = cell("%timeit x").unwrap_err();
    assert_eq!(error.line, 1);
}

#[test]
fn a_deep_expression_is_no_harm() {
    let text = format!("x = {}1{}", "(".repeat(3_000), ")".repeat(3_000));
    assert_eq!(cell(&text).unwrap().len(), 1);
    let text = format!("x = {}", vec!["a"; 20_000].join(" + "));
    assert_eq!(cell(&text).unwrap().len(), 1);
}
