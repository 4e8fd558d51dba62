//! The first edit of a module, and what the planner asks.

use std::fmt::Write;

use expect_test::{Expect, expect};

use crate::scenario::Scenario;
use crate::text::{file, parse};
use relive_plan::{ModuleEdit, query};

/// What the host is told of a module's live code on first contact: anchors by line.
fn check_anchors(before: &str, after: &str, expected: Expect) {
    let mut scenario = Scenario::of(before).unknown("m");
    let (planned, _) = scenario.plan(&[("m", after)]);
    let module = &planned.plan.modules[0];
    let mut text = String::new();
    for (_, lines) in &module.anchors {
        let _ = writeln!(text, "{}-{}", lines.first, lines.last);
    }
    assert_eq!(module.base.as_deref(), Some(&*parse(before).text));
    expected.assert_eq(&text);
}

#[test]
fn anchors() {
    check_anchors(
        "X = 1\n\ndef f():\n    return 1\n",
        "",
        expect![[r#"
        1-1
        3-4
    "#]],
    );
    check_anchors(
        "@a\nclass C(\n    A,\n):\n    'doc'\n    x = 1\n    def m(self):\n        pass\n    class D:\n        y = 1\n",
        "",
        expect![[r#"
            1-4
            5-5
            6-6
            7-8
            9-9
            10-10
        "#]],
    );
    check_anchors("", "X = 1\n", expect![]);
}

#[test]
fn a_known_module_has_no_anchors() {
    let mut scenario = Scenario::of("X = 1\n");
    let (planned, _) = scenario.plan(&[("m", "X = 2\n")]);
    assert!(planned.plan.modules[0].anchors.is_empty());
    assert_eq!(planned.plan.modules[0].base, None);
}

#[test]
fn what_a_host_is_told_of_the_text() {
    let mut scenario = Scenario::of("X = 1\n");
    let (planned, _) = scenario.plan(&[(
        "m",
        "from __future__ import annotations, generator_stop\nX = 2\n",
    )]);
    let module = &planned.plan.modules[0];
    assert_eq!(module.name, "m");
    assert_eq!(module.file, "m.py");
    assert_eq!(
        module.text,
        "from __future__ import annotations, generator_stop\nX = 2\n"
    );
    assert_eq!(module.future, ["annotations", "generator_stop"]);
}

/// What the planner has to know before it can plan an edit.
fn check_query(before: &str, after: &str, expected: Expect) {
    let (old, mut new) = (parse(before), parse(after));
    let mut last_id = 0;
    new.inherit(Some(&old), &mut last_id);
    let file = file("m");
    let edit = ModuleEdit {
        name: "m",
        file: &file,
        old: &old,
        new: &new,
        shelf: &[],
        is_first: false,
    };
    let asked = query(&[edit]);
    let mut text = String::new();
    for module in &asked.modules {
        let _ = writeln!(text, "names {}", module.names.join(" "));
        for class in &module.classes {
            let instances = if class.count_instances {
                ", instances"
            } else {
                ""
            };
            let _ = writeln!(text, "class {}{instances}", class.path.join("."));
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn queries() {
    check_query(
        "X = 1\n",
        "X = 1\n",
        expect![[r#"
        names 
    "#]],
    );
    check_query(
        "X = 1\nY = 2\n",
        "X = 2\nZ = 3\n",
        expect![[r#"
        names X Y Z
    "#]],
    );
    check_query(
        "def f(): return 1\n",
        "def f(): return 2\n",
        expect![[r#"
        names 
    "#]],
    );
    check_query(
        "class C: x = 1\n",
        "class C: x = 2\n",
        expect![[r#"
        names 
        class C
    "#]],
    );
    check_query(
        "class C:\n    def m(self): return 1\n",
        "class C:\n    def m(self): return 2\n",
        expect![[r#"
        names 
        class C
    "#]],
    );
    check_query(
        "class C:\n    def __init__(self): pass\n",
        "class C:\n    def __init__(self): self.x = 1\n",
        expect![[r#"
        names 
        class C, instances
    "#]],
    );
    check_query(
        "class C:\n    class D:\n        x = 1\n    y = 1\n",
        "class C:\n    class D:\n        x = 2\n    y = 1\n",
        expect![[r#"
        names 
        class C.D
        class C
    "#]],
    );
    check_query(
        "class C(A): x = 1\n",
        "class C(B): x = 1\n",
        expect![[r#"
            names 
            class C
        "#]],
    );
    check_query(
        "a = b = 1\n",
        "a = b = 2\n",
        expect![[r#"
        names a b
    "#]],
    );
}
