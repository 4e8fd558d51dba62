//! Statements typed at a prompt, as they would stand in the module whose state they change.

use relive_syntax::rebased;

/// The statement without the root `bank`.
fn check(statement: &str, expected: &str) {
    assert_eq!(rebased(statement, "bank").as_deref(), Some(expected));
}

fn check_none(statement: &str) {
    assert_eq!(rebased(statement, "bank"), None);
}

#[test]
fn the_root_is_taken_away_wherever_a_path_starts_with_it() {
    check("bank.X = 1", "X = 1");
    check(
        "bank.LIMITS[\"d\"] = bank.DEFAULT * 2",
        "LIMITS[\"d\"] = DEFAULT * 2",
    );
    check("bank.a.b += bank.c(other.bank)", "a.b += c(other.bank)");
    check("del bank.X, bank.Y[bank.i]", "del X, Y[i]");
    check("bank.items.append(x)", "items.append(x)");
    check("bank.X: int = 3  # three", "X: int = 3  # three");
    check("bank . X = (\n    bank.Y\n)", "X = (\n    Y\n)");
    check(
        "for bank.i in bank.y:\n    f(bank.i)",
        "for i in y:\n    f(i)",
    );
    check(
        "bank.X = f'{bank.Y!r:>{bank.w}} bank.Z'",
        "X = f'{Y!r:>{w}} bank.Z'",
    );
    check("bank.X = lambda a: bank.Y + a", "X = lambda a: Y + a");
    check(
        "bank.X = [bank.f(a) for a in bank.Y]",
        "X = [f(a) for a in Y]",
    );
    check("bank.X = f(bank=bank.Y)", "X = f(bank=Y)");
    check("bank.X = 'ä'; bank.Y = 'ö'", "X = 'ä'; Y = 'ö'");
    check("(bank.X)['a'] = 1", "(X)['a'] = 1");
    check("bank.__all__ += ['x']", "__all__ += ['x']");
    check("x = 1", "x = 1");
}

#[test]
fn a_root_may_be_dotted() {
    let check = |statement, expected: Option<&str>| {
        assert_eq!(rebased(statement, "pkg.bank").as_deref(), expected);
    };
    check("pkg.bank.X = pkg.bank.Y", Some("X = Y"));
    check("pkg.bank.X = pkg.other", None);
    check("pkg.bank = 1", None);
    check("bank.X = 1", Some("bank.X = 1"));
}

#[test]
fn a_root_that_is_handed_on_is_the_module_from_within() {
    const ITSELF: &str = "__import__('sys').modules[__name__]";
    check(
        "setattr(bank, f'X', 1)",
        &format!("setattr({ITSELF}, f'X', 1)"),
    );
    check("bank.X = bank", &format!("X = {ITSELF}"));
    check("bank.X = f(bank, bank.Y)", &format!("X = f({ITSELF}, Y)"));
    check("bank['x'] = 1", &format!("{ITSELF}['x'] = 1"));
}

/// The log said `setattr(__import__('sys').modules[__name__], 'RATE', 7)`, which nobody had typed.
#[test]
fn a_setattr_is_the_assignment_that_it_is_short_for() {
    const ITSELF: &str = "__import__('sys').modules[__name__]";
    check("setattr(bank, 'RATE', 7)", "RATE = 7");
    check("setattr(bank, \"RATE\", bank.X + 1)", "RATE = X + 1");
    check("setattr(bank, 'X', 1 +\n  2)", "X = (1 +\n  2)");
    check("if y:\n    setattr(bank, 'X', 1)", "if y:\n    X = 1");
    check("delattr(bank, 'X')", "del X");
    check("setattr(bank, 'X', bank)", &format!("X = {ITSELF}"));
    check("setattr(bank.a, 'X', 1)", "setattr(a, 'X', 1)");
    // Where an assignment would be something else.
    for call in [
        "setattr(bank, 'a b', 1)",
        "setattr(bank, 'class', 1)",
        "setattr(bank, '__class__', 1)",
        "setattr(bank, name, 1)",
        "setattr(bank, 'X', X)",
        "setattr(bank, 'X', *values)",
        "x = setattr(bank, 'X', 1)",
        "def f(): setattr(bank, 'X', 1)",
    ] {
        check(call, &call.replace("bank", ITSELF));
    }
}

#[test]
fn none_if_the_root_is_used_otherwise() {
    check_none("f'{bank}'");
    check_none("import bank");
    check_none("import bank.sub");
    check_none("from x import y as bank");
    check_none("del bank");
    check_none("for bank in x: bank.X = 1");
    check_none("bank.X = lambda bank: bank.Y");
    check_none("try:\n    pass\nexcept E as bank:\n    bank.X = 1");
    check_none("match x:\n    case bank: bank.X = 1");
}

#[test]
fn none_if_a_name_would_mean_something_else() {
    check_none("bank.X = X");
    check_none("bank.X = (X := 2)");
    check_none("bank.X = [bank.a + a for a in y]");
    check_none("bank.X = lambda a: bank.a");
    check_none("def f():\n    bank.X = 1");
    check_none("class C:\n    bank.X = 1");
    check_none("x = [1 for bank.i in y]");
    check_none("from m import *\nbank.X = 1");
    check_none("match x:\n    case bank.RED: pass");
    check_none("bank.__dict__['X'] = 1");
    check_none("bank.__class__ = C");
    check_none("bank.X = f'{bank.Y=}'");
    check_none("bank.X = t'{bank.Y}'");
    check_none("(bank).X = 1");
    check_none("x = (bank # why\n    .X)");
}

#[test]
fn none_for_what_is_no_python() {
    check_none("bank.X = = 1");
    check_none("%timeit bank.X");
}
