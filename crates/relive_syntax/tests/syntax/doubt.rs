//! Units that are not what is live: made equal to no other, or left out.

use relive_syntax::Outline;

use crate::support::{dedent, parse};

/// The names of the units that differ from those of the text itself, once lines have been doubted.
fn doubted(text: &str, lines: &[(u32, bool)]) -> Vec<String> {
    let text = dedent(text);
    let (sure, mut doubted) = (parse(&text), parse(&text));
    for &(line, is_missing) in lines {
        doubted.doubt(line, is_missing);
    }
    let mut found = Vec::new();
    compare(&mut found, "", &sure.units, &doubted.units);
    found
}

fn compare(
    found: &mut Vec<String>,
    path: &str,
    sure: &[relive_syntax::Unit],
    live: &[relive_syntax::Unit],
) {
    let pairing = relive_syntax::diff(live, sure);
    for (unit, partner) in sure.iter().zip(pairing.old_of_new) {
        let name = format!(
            "{path}{}",
            unit.binds.first().map_or("_", |name| name.as_str())
        );
        let Some(partner) = partner.map(|index| &live[index]) else {
            found.push(format!("{name} missing"));
            continue;
        };
        if let (Some(class), Some(live)) = (&unit.class, &partner.class) {
            if unit.whole != partner.whole {
                found.push(name.clone());
            }
            compare(found, &format!("{name}."), &class.body, &live.body);
        } else if unit.whole != partner.whole {
            let parts = unit.function.as_ref().zip(partner.function.as_ref());
            let has_own_decorators =
                parts.is_none_or(|(sure, live)| sure.decorators == live.decorators);
            assert!(has_own_decorators, "{name}");
            assert_ne!(unit.evaluated, partner.evaluated, "{name}");
            assert_ne!(unit.text, partner.text, "{name}");
            found.push(name);
        }
    }
}

const MODULE: &str = "
    X = 1
    @a
    def f():
        return 1
    class C:
        x = 1
        def m(self):
            return 1
        class D:
            def n(self): pass
    Y = 2
    ";

#[test]
fn nothing() {
    assert!(doubted(MODULE, &[]).is_empty());
    assert!(doubted(MODULE, &[(99, false), (99, true)]).is_empty());
    assert!(doubted("", &[(1, false)]).is_empty());
}

#[test]
fn functions_and_statements() {
    assert_eq!(doubted(MODULE, &[(1, false)]), ["X"]);
    for line in 2..=4 {
        assert_eq!(doubted(MODULE, &[(line, false)]), ["f"]);
    }
    assert_eq!(doubted(MODULE, &[(1, false), (11, false)]), ["X", "Y"]);
}

#[test]
fn members_of_classes() {
    assert_eq!(doubted(MODULE, &[(8, false)]), ["C", "C.m"]);
    assert_eq!(doubted(MODULE, &[(10, false)]), ["C", "C.D", "C.D.n"]);
}

#[test]
fn missing() {
    assert_eq!(doubted(MODULE, &[(3, true)]), ["f missing"]);
    assert_eq!(doubted(MODULE, &[(5, true)]), ["C missing"]);
    assert_eq!(
        doubted(MODULE, &[(5, true), (1, false)]),
        ["X", "C missing"]
    );
}

/// Doubting is about what is live, so it leaves the text as it is.
#[test]
fn text_and_lines_stay() {
    let text = dedent(MODULE);
    let mut outline = Outline::parse(text.as_str().into()).unwrap();
    let before: Vec<_> = outline.units.iter().map(|unit| unit.lines).collect();
    outline.doubt(3, false);
    assert_eq!(*outline.text, *text);
    assert_eq!(
        outline
            .units
            .iter()
            .map(|unit| unit.lines)
            .collect::<Vec<_>>(),
        before
    );
}
