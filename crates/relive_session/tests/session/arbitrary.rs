//! Whatever may pass between a session and a host.

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use relive_plan::{
    Action, ClassFacts, ClassQuery, ClassText, Difference, Facts, FactsQuery, Holder, Item,
    ItemKind, ModuleFacts, ModuleQuery, ModuleText, Move, Plan, StarImport, Step,
};
use relive_session::{Applied, HostError};
use relive_syntax::{Lines, Piece};

fn text() -> impl Strategy<Value = String> {
    any::<String>()
}

fn list<T: Strategy>(element: T) -> impl Strategy<Value = Vec<T::Value>> {
    vec(element, 0..3)
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    list(text())
}

fn lines() -> impl Strategy<Value = Lines> {
    any::<(u32, u32)>().prop_map(|(first, last)| Lines { first, last })
}

fn anchors() -> impl Strategy<Value = Vec<(u64, Lines)>> {
    list((any::<u64>(), lines()))
}

fn item() -> impl Strategy<Value = Item> {
    let kind = prop_oneof![
        Just(ItemKind::Module),
        Just(ItemKind::Function),
        Just(ItemKind::Method),
        Just(ItemKind::Class),
        Just(ItemKind::Attribute),
        Just(ItemKind::Statement),
        Just(ItemKind::Import),
        Just(ItemKind::Instance),
        Just(ItemKind::Frame),
    ];
    (text(), kind, text(), text(), any::<u32>()).prop_map(|(qualname, kind, why, file, line)| {
        Item {
            qualname,
            kind,
            why,
            file,
            line,
        }
    })
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    (list(module_text()), list(step())).prop_map(|(modules, steps)| Plan { modules, steps })
}

fn module_text() -> impl Strategy<Value = ModuleText> {
    let moves = any::<(u64, i64)>().prop_map(|(unit, by)| Move { unit, by });
    let classes =
        (texts(), any::<u32>(), texts()).prop_map(|(path, line, static_attributes)| ClassText {
            path,
            line,
            static_attributes,
        });
    let about = (text(), text(), text(), texts(), texts(), of(text()));
    (about, anchors(), list(moves), list(classes)).prop_map(|(about, anchors, moves, classes)| {
        let (name, file, text, future, excerpts, base) = about;
        ModuleText {
            name,
            file,
            text,
            future,
            excerpts,
            pieces: vec![Piece {
                lines: Lines { first: 1, last: 2 },
                shown: 9,
            }],
            base,
            base_pieces: Vec::new(),
            anchors,
            moves,
            classes,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    (any::<usize>(), action(), of(item())).prop_map(|(module, action, item)| Step {
        module,
        action,
        item,
    })
}

fn star() -> impl Strategy<Value = StarImport> {
    (text(), texts()).prop_map(|(exporter, hidden)| StarImport { exporter, hidden })
}

fn action() -> impl Strategy<Value = Action> {
    let place = || (any::<u64>(), texts(), texts());
    prop_oneof![
        (
            (place(), texts()),
            any::<usize>(),
            any::<(bool, bool)>(),
            anchors()
        )
            .prop_map(
                |(((unit, class, names), clears), excerpt, (succeeds, keeps_new), anchors)| {
                    Action::Execute {
                        unit,
                        class,
                        excerpt,
                        names,
                        clears,
                        succeeds,
                        keeps_new,
                        anchors,
                    }
                }
            ),
        (
            place(),
            lines(),
            any::<usize>(),
            of(text()),
            any::<(bool, bool)>()
        )
            .prop_map(
                |((unit, class, _), lines, excerpt, signature_of, (keeps_defaults, waits))| {
                    Action::Exchange {
                        unit,
                        class,
                        lines,
                        excerpt,
                        signature_of,
                        keeps_defaults,
                        waits,
                    }
                }
            ),
        place().prop_map(|(unit, class, names)| Action::Remove { unit, class, names }),
        place().prop_map(|(unit, class, names)| Action::Restore { unit, class, names }),
        (texts(), texts(), any::<usize>(), any::<bool>()).prop_map(
            |(class, names, excerpt, is_renewed)| Action::Annotate {
                class,
                names,
                excerpt,
                is_renewed,
            }
        ),
        (text(), list(star()), texts(), texts()).prop_map(
            |(importer, exporters, former, bound)| {
                Action::FollowStar {
                    importer,
                    exporters,
                    former,
                    bound,
                }
            }
        ),
        (text(), text(), text()).prop_map(|(name, importer, alias)| Action::Follow {
            name,
            importer,
            alias,
        }),
    ]
}

pub(crate) fn query() -> impl Strategy<Value = FactsQuery> {
    let class = (texts(), any::<bool>()).prop_map(|(path, count_instances)| ClassQuery {
        path,
        count_instances,
    });
    let module =
        (text(), list(class), texts(), of(text())).prop_map(|(name, classes, names, text)| {
            ModuleQuery {
                name,
                classes,
                names,
                text,
            }
        });
    (list(module), texts(), any::<bool>()).prop_map(|(modules, live, frames)| FactsQuery {
        modules,
        live,
        frames,
    })
}

pub(crate) fn facts() -> impl Strategy<Value = Facts> {
    let modules = btree_map(text(), module_facts(), 0..3);
    (any::<u8>(), modules, list(item())).prop_map(|(python, modules, frames)| Facts {
        python,
        modules,
        frames,
    })
}

fn module_facts() -> impl Strategy<Value = ModuleFacts> {
    let class =
        (of(text()), of(text()), any::<u64>()).prop_map(|(obstacle, only_methods, instances)| {
            ClassFacts {
                obstacle,
                only_methods,
                instances,
            }
        });
    let difference =
        any::<(u32, bool)>().prop_map(|(line, is_missing)| Difference { line, is_missing });
    let holder = (text(), text(), text()).prop_map(|(name, importer, alias)| Holder {
        name,
        importer,
        alias,
    });
    let state = any::<(bool, Option<u32>)>();
    (state, list(class), list(difference), list(holder)).prop_map(
        |((is_loaded, running_line), classes, differences, holders)| ModuleFacts {
            is_loaded,
            running_line,
            classes,
            differences,
            holders,
        },
    )
}

pub(crate) fn applied() -> impl Strategy<Value = Applied> {
    (list((text(), text())), list(item())).prop_map(|(rebound, stale)| Applied { rebound, stale })
}

pub(crate) fn error() -> impl Strategy<Value = HostError> {
    prop_oneof![
        (any::<(usize, u32)>(), text()).prop_map(|((module, line), message)| HostError::Syntax {
            module,
            message,
            line,
        }),
        (any::<(usize, u32)>(), text()).prop_map(|((step, line), message)| HostError::Raised {
            step,
            message,
            line,
        }),
        text().prop_map(HostError::Internal),
    ]
}
