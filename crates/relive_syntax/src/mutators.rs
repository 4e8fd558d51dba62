//! Names of methods that change the object on which they are called.

/// Those by which the planner follows what a call changes.
pub const MUTATORS: [&str; 20] = [
    "add",
    "append",
    "appendleft",
    "clear",
    "connect",
    "discard",
    "extend",
    "insert",
    "pop",
    "popitem",
    "popleft",
    "push",
    "put",
    "register",
    "remove",
    "setdefault",
    "sort",
    "subscribe",
    "update",
    "write",
];

/// More of the built-in containers, and special methods called by name: rare enough in a module's own statements, but
/// typed at a prompt they are meant to change something.
const AT_A_PROMPT: [&str; 15] = [
    "__delattr__",
    "__delitem__",
    "__setattr__",
    "__setitem__",
    "difference_update",
    "disconnect",
    "extendleft",
    "intersection_update",
    "move_to_end",
    "put_nowait",
    "reverse",
    "rotate",
    "subtract",
    "symmetric_difference_update",
    "unregister",
];

/// Whether a method that is called at a prompt changes its object, by its name.
pub(crate) fn mutates(method: &str) -> bool {
    MUTATORS.contains(&method) || AT_A_PROMPT.contains(&method)
}
