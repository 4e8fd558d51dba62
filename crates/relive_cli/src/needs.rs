//! Which changes make no sense without an earlier one.

use std::collections::HashMap;

use relive_log::{Change, ChangeKind, Operation, Status};

/// For each change the index of an earlier one that it needs: a member needs its class, and a statement about an object
/// that object, where the log is what adds it.
pub(crate) fn needs(changes: &[&Change]) -> Vec<Option<usize>> {
    let mut added: HashMap<&str, usize> = HashMap::new();
    let mut needs = vec![None; changes.len()];
    for (index, change) in changes.iter().enumerate() {
        let (target, is_state) = match &change.kind {
            ChangeKind::Patch { target, .. } => (target.as_str(), false),
            ChangeKind::State { target, .. } => (target.as_str(), true),
            _ => continue,
        };
        let dots = target.char_indices().rev();
        let outer = dots
            .filter(|(_, character)| *character == '.')
            .map(|(dot, _)| &target[..dot]);
        needs[index] = is_state
            .then_some(target)
            .into_iter()
            .chain(outer)
            .find_map(|name| added.get(name).copied());
        if let ChangeKind::Patch { operation, .. } = &change.kind {
            match operation {
                // What stands in the source in whatever form is there without the log.
                Operation::Add if !matches!(change.status, Status::InSource | Status::Conflict) => {
                    added.insert(target, index);
                }
                Operation::Replace => {}
                Operation::Add | Operation::Remove => {
                    added.remove(target);
                }
            }
        }
    }
    needs
}
