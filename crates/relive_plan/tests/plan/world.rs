//! What modules import from each other, as far as their text tells.

use std::collections::{BTreeMap, BTreeSet};

use relive_plan::World;
use relive_syntax::Outline;

use crate::text::parse;

/// Modules by name; that of a package ends with a slash.
fn with<T>(modules: &[(&str, &str)], ask: impl FnOnce(&World<'_>) -> T) -> T {
    let outlines: BTreeMap<&str, Outline> = modules
        .iter()
        .map(|(name, text)| (*name, parse(text)))
        .collect();
    let mut world = World::default();
    for (name, outline) in &outlines {
        world.add(name.trim_end_matches('/'), outline, name.ends_with('/'));
    }
    ask(&world)
}

/// The modules that `module` imports.
fn check_imports(module: &str, text: &str, expected: &[&str]) {
    let name = module.trim_end_matches('/');
    let mut found = with(&[(module, text)], |world| world.imports_of(name).to_vec());
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, expected, "{module}: {text}");
}

#[test]
fn imports() {
    check_imports("m", "import a", &["a"]);
    check_imports("m", "import a as b", &["a"]);
    check_imports("m", "import a.b as c", &["a.b"]);
    check_imports("m", "from a import x", &["a", "a.x"]);
    check_imports("m", "from a.b import x, y", &["a.b", "a.b.x", "a.b.y"]);
    check_imports("m", "X = 1", &[]);
    check_imports(
        "m",
        "if A:\n    import a\nelse:\n    import b\n",
        &["a", "b"],
    );
}

#[test]
fn relative_imports() {
    check_imports("p.m", "from . import x", &["p", "p.x"]);
    check_imports("p.m", "from .n import x", &["p.n", "p.n.x"]);
    check_imports("p.q.m", "from .. import x", &["p", "p.x"]);
    check_imports("p.q.m", "from ..n import x", &["p.n", "p.n.x"]);
    check_imports("p/", "from . import x", &["p", "p.x"]);
    check_imports("p/", "from .n import x", &["p.n", "p.n.x"]);
    check_imports("p.q/", "from . import x", &["p.q", "p.q.x"]);
    check_imports("p.q/", "from .. import x", &["p", "p.x"]);
    check_imports("p.q/", "from ..n import x", &["p.n", "p.n.x"]);
    // Beyond the top there is nothing.
    check_imports("m", "from .. import x", &[]);
    check_imports("p.m", "from ... import x", &[]);
    check_imports("p/", "from .. import x", &[]);
}

#[test]
fn a_module_that_is_not_known_imports_nothing() {
    with(&[], |world| {
        assert!(world.imports_of("m").is_empty());
        assert!(world.origins("m", "x").is_empty());
        assert!(!world.is_import_of("m", "x", "n", "x"));
        assert!(world.star_imports_in("m").is_empty());
    });
}

#[test]
fn origins() {
    let text = "import a\nfrom b import x, y as z\nfrom c import *\nw = 1\n";
    with(&[("m", text)], |world| {
        let origins = |alias: &str| -> Vec<String> {
            let places = world.origins("m", alias);
            places
                .into_iter()
                .map(|(module, name)| format!("{module}.{name}"))
                .collect()
        };
        assert_eq!(origins("x"), ["b.x", "c.x"]);
        assert_eq!(origins("z"), ["b.y", "c.z"]);
        assert_eq!(origins("y"), ["c.y"]);
        assert_eq!(origins("a"), ["c.a"]);
    });
}

#[test]
fn imports_through_other_modules() {
    let modules = [
        ("a", "X = 1\n"),
        ("b", "from a import X as Y\n"),
        ("c", "from b import *\nfrom d import Z\n"),
        ("d", "from c import Y as Z\n"),
        ("e", "X = 1\n"),
    ];
    with(&modules, |world| {
        for (module, alias) in [("b", "Y"), ("c", "Y"), ("d", "Z"), ("c", "Z")] {
            assert!(
                world.is_import_of(module, alias, "a", "X"),
                "{module}.{alias}"
            );
        }
        for (module, alias) in [("e", "X"), ("b", "X"), ("a", "X"), ("d", "X")] {
            assert!(
                !world.is_import_of(module, alias, "a", "X"),
                "{module}.{alias}"
            );
        }
    });
}

#[test]
fn star_imports() {
    let modules = [
        ("a", "X = 1\n"),
        ("b", "from a import *\n"),
        ("c", "from b import *\nfrom o import *\n"),
        ("d", "from a import X\n"),
        ("p/", "from .q import *\n"),
        ("p.q", "from a import *\n"),
    ];
    with(&modules, |world| {
        assert_eq!(world.star_importers_of("a"), ["b", "c", "p.q", "p"]);
        assert_eq!(world.star_imports_in("c"), ["b", "o"]);
        assert!(world.star_imports_in("d").is_empty());
        assert!(world.star_importers_of("d").is_empty());
    });
}

/// Two modules that import all of each other come to an end.
#[test]
fn circular_star_imports() {
    with(
        &[("a", "from b import *\n"), ("b", "from a import *\n")],
        |world| {
            assert_eq!(world.star_importers_of("a"), ["b"]);
            assert!(!world.is_import_of("a", "x", "c", "x"));
        },
    );
}

fn check_ranks(modules: &[(&str, &str)], expected: &[&str]) {
    with(modules, |world| {
        let names: BTreeSet<&str> = modules
            .iter()
            .map(|(name, _)| name.trim_end_matches('/'))
            .collect();
        let ranks = world.import_ranks(&names);
        let mut ordered: Vec<&str> = names.into_iter().collect();
        ordered.sort_by_key(|name| ranks[name]);
        assert_eq!(ordered, expected);
    });
}

#[test]
fn what_is_imported_comes_first() {
    check_ranks(
        &[("a", "import b"), ("b", "import c"), ("c", "")],
        &["c", "b", "a"],
    );
    check_ranks(&[("a", ""), ("b", ""), ("c", "")], &["a", "b", "c"]);
    check_ranks(&[("a", "import z"), ("z", "")], &["z", "a"]);
    check_ranks(
        &[("p/", "from .sub import x"), ("p.sub", "")],
        &["p.sub", "p"],
    );
    check_ranks(&[("a", "from m import b"), ("m.b", "")], &["m.b", "a"]);
}

#[test]
fn circles_have_an_order() {
    check_ranks(&[("a", "import b"), ("b", "import a")], &["b", "a"]);
    check_ranks(&[("a", "import a")], &["a"]);
}

#[test]
fn where_a_path_leads() {
    let modules = [
        (
            "a",
            "# first\nX = 1\nclass C:\n    x = 1\n    def m(self): pass\n",
        ),
        ("b", "from a import C as D, X\nimport a\nE = D\n"),
    ];
    with(&modules, |world| {
        let homes = |path: &str| -> Vec<String> {
            let homes = world.homes("b", path).into_iter();
            homes
                .map(|(module, name, line)| format!("{module}:{name} at {line}"))
                .collect()
        };
        assert_eq!(homes("X"), ["a:X at 2"]);
        assert_eq!(homes("a.X"), ["a:X at 2"]);
        assert_eq!(homes("D"), ["a:C at 3"]);
        assert_eq!(homes("D.m"), ["a:C.m at 5"]);
        assert_eq!(homes("a.C.x"), ["a:C.x at 4"]);
        assert_eq!(homes("E"), ["b:E at 3"]);
        assert!(homes("nothing").is_empty());
    });
}
