//! Plans and items as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use relive_plan::{Action, Item, Plan};
use relive_syntax::{Lines, Unit};

use crate::text::{file, with_members};

/// What units are called in the text: `C.m`, `<line 2>`, or `n:C.m` in a module other than `m`.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<u64, String>);

impl Names {
    /// Learn the name of a unit that stands in the body of `class`, and of its members.
    pub(crate) fn learn(&mut self, module: &str, class: &[String], unit: &Unit) {
        for (path, unit) in with_members(class, unit) {
            self.0.insert(unit.id, named(module, &path, unit));
        }
    }

    fn of(&self, unit: u64) -> &str {
        self.0.get(&unit).map_or("nobody", String::as_str)
    }
}

/// One line for each step, and for what else a plan says.
pub(crate) fn describe_plan(plan: &Plan, names: &Names) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let module = &plan.modules[step.module].name;
        let _ = write!(text, "{}", describe_action(module, &step.action, names));
        match &step.item {
            Some(item) => {
                let _ = writeln!(text, " ({:?}: {})", item.kind, item.why);
                assert_eq!(item.file, file(module));
            }
            None => text.push('\n'),
        }
    }
    for module in &plan.modules {
        for moved in &module.moves {
            let _ = writeln!(text, "move {} by {}", names.of(moved.unit), moved.by);
        }
        for class in &module.classes {
            let name = local(&module.name, &class.path.join("."));
            let stored = class.static_attributes.join(" ");
            let _ = writeln!(text, "class {name} at {}, stores [{stored}]", class.line);
        }
    }
    text
}

fn describe_action(module: &str, action: &Action, names: &Names) -> String {
    let bound = |class: &[String], names: &[String]| {
        let names = names.iter().map(|name| {
            local(
                module,
                &[class, std::slice::from_ref(name)].concat().join("."),
            )
        });
        names.collect::<Vec<_>>().join(" ")
    };
    match action {
        Action::Execute {
            unit,
            anchors,
            clears,
            ..
        } => {
            let lines = anchors.first().map(|(_, lines)| range(*lines));
            let without = if clears.is_empty() {
                String::new()
            } else {
                format!(" without {}", clears.join(" "))
            };
            format!(
                "execute {} at {}{without}",
                names.of(*unit),
                lines.unwrap_or_default()
            )
        }
        Action::Exchange {
            unit,
            lines,
            signature_of,
            ..
        } => {
            let signature = if signature_of.is_some() {
                " with signature"
            } else {
                ""
            };
            format!(
                "exchange {} at {}{signature}",
                names.of(*unit),
                range(*lines)
            )
        }
        Action::Remove { class, names, .. } => format!("remove {}", bound(class, names)),
        Action::Restore { class, names, .. } => format!("restore {}", bound(class, names)),
        Action::Annotate { class, names, .. } => {
            let scope = if class.is_empty() {
                "module".to_owned()
            } else {
                class.join(".")
            };
            format!("annotate {}: {}", local(module, &scope), names.join(" "))
        }
        Action::FollowStar {
            importer,
            exporters,
            former,
            ..
        } => {
            let stars: Vec<String> = exporters
                .iter()
                .map(|star| format!("{}.*", star.exporter))
                .chain(former.iter().map(|exporter| format!("former {exporter}.*")))
                .collect();
            format!("follow {} in {importer}", stars.join(" "))
        }
        Action::Follow {
            name,
            importer,
            alias,
            ..
        } => {
            format!("follow {} in {importer}.{alias}", local(module, name))
        }
    }
}

/// An item in one line.
pub(crate) fn describe_item(item: &Item) -> String {
    let (module, path) = item
        .qualname
        .split_once(':')
        .unwrap_or((&item.qualname, ""));
    assert_eq!(item.file, file(module), "{item:?}");
    format!(
        "{} at {} ({:?}: {})",
        local(module, path),
        item.line,
        item.kind,
        item.why
    )
}

fn named(module: &str, path: &[String], unit: &Unit) -> String {
    let mut path = path.to_vec();
    path.push(match unit.binds.first() {
        Some(name) => name.clone(),
        None => format!("<line {}>", unit.lines.first),
    });
    local(module, &path.join("."))
}

fn local(module: &str, path: &str) -> String {
    match module {
        "m" => path.to_owned(),
        _ => format!("{module}:{path}"),
    }
}

fn range(lines: Lines) -> String {
    match lines {
        Lines { first, last } if first == last => first.to_string(),
        Lines { first, last } => format!("{first}-{last}"),
    }
}
