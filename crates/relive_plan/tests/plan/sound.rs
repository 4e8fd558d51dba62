//! What holds for every plan.

use relive_plan::{Action, Plan, Step};
use relive_syntax::{Lines, Outline, UnitKind};

use crate::text::all_units;

/// What a host needs is there, and the excerpts are Python.
pub(crate) fn assert_sound(plan: &Plan, news: &[Outline]) {
    for (module, new) in plan.modules.iter().zip(news) {
        assert_eq!(*module.text, *new.text);
        for excerpt in &module.excerpts {
            let parsed = Outline::parse(excerpt.as_str().into());
            assert!(parsed.is_ok(), "{parsed:?}\n{excerpt}");
        }
    }
    for step in &plan.steps {
        let (excerpts, new) = (&plan.modules[step.module].excerpts, &news[step.module]);
        assert_step_sound(step, excerpts, new);
    }
}

fn assert_step_sound(step: &Step, excerpts: &[String], new: &Outline) {
    let units = all_units(&new.units);
    let holds = |excerpt: usize, lines: Lines| {
        let excerpt = Outline::parse(excerpts[excerpt].as_str().into()).unwrap();
        let last = |outline: &Outline| {
            let line = Lines {
                first: lines.last,
                last: lines.last,
            };
            outline.lines(line).trim_end().to_owned()
        };
        assert_eq!(last(&excerpt), last(new), "{step:?}\n{}", excerpt.text);
    };
    match &step.action {
        Action::Execute {
            class,
            excerpt,
            names,
            anchors,
            ..
        } => {
            let lines = anchors.iter().map(|(_, lines)| lines);
            let first = lines.clone().map(|lines| lines.first).min().unwrap();
            let found = units
                .iter()
                .find(|(path, unit)| path == class && unit.lines.first == first);
            let (_, unit) = found.unwrap_or_else(|| panic!("no unit stands there: {step:?}"));
            assert!(
                unit.binds == *names || unit.kind == UnitKind::Docstring,
                "{step:?}"
            );
            holds(*excerpt, unit.lines);
        }
        Action::Exchange {
            class,
            lines,
            excerpt,
            signature_of,
            ..
        } => {
            let found = units
                .iter()
                .find(|(path, unit)| path == class && unit.lines == *lines);
            let (_, unit) = found.unwrap_or_else(|| panic!("no unit stands there: {step:?}"));
            assert!(signature_of.is_none() || unit.binds.first() == signature_of.as_ref());
            holds(*excerpt, *lines);
        }
        Action::Annotate { excerpt, .. } => assert!(*excerpt < excerpts.len()),
        Action::Remove { names, .. } | Action::Restore { names, .. } => assert!(!names.is_empty()),
        Action::Follow { .. } | Action::FollowStar { .. } | Action::DropStar { .. } => {}
    }
}
