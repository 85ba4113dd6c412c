//! Dotted paths into a tree of JSON.

use mbrl_core::{Error, Result, nearest};
use serde_json::Value;

/// Every value of a tree that has none below it, with its path, in order. An empty list or object counts as one.
pub fn leaves(tree: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    walk(tree, "", &mut |path, value, is_leaf| {
        if is_leaf {
            found.push((path.to_owned(), value));
        }
    });
    found
}

/// The value at a path, to be replaced.
pub(super) fn find<'a>(tree: &'a mut Value, path: &str) -> Result<&'a mut Value> {
    // Asked for first, because a borrow that fails could not be given back.
    if !exists(tree, path) {
        let parent =
            path.match_indices('.').map(|(i, _)| &path[..i]).take_while(|part| exists(tree, part)).last();
        let mut known = Vec::new();
        walk(tree, "", &mut |path, _, _| known.push(path.to_owned()));
        let mend = match nearest(path, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match children(tree, parent).join(", ") {
                none if none.is_empty() => format!("`{}` has no settings", parent.unwrap_or_default()),
                some => format!("below {} there are {some}", parent.unwrap_or("the top")),
            },
        };
        return Err(Error::invalid(format_args!("there is no such setting: {mend}")));
    }
    let mut at = tree;
    for part in path.split('.') {
        at = below(at, part).ok_or_else(|| Error::invalid("there is no such setting"))?;
    }
    Ok(at)
}

/// The names right below a path that exists, or below the top.
fn children(tree: &mut Value, parent: Option<&str>) -> Vec<String> {
    let mut parts = parent.into_iter().flat_map(|path| path.split('.'));
    let Some(at) = parts.try_fold(tree, below) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    walk(at, "", &mut |path, _, _| {
        if !path.contains('.') {
            names.push(path.to_owned());
        }
    });
    names
}

fn exists(tree: &mut Value, path: &str) -> bool {
    path.split('.').try_fold(tree, below).is_some()
}

fn below<'a>(value: &'a mut Value, part: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(fields) => fields.get_mut(part),
        Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
        _ => None,
    }
}

fn walk<'a>(value: &'a Value, path: &str, see: &mut dyn FnMut(&str, &'a Value, bool)) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    if !path.is_empty() {
        see(path, value, children.is_empty());
    }
    for (name, child) in children {
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        walk(child, &path, see);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_through_objects_and_lists() {
        let mut tree = serde_json::json!({ "agent": { "hidden": [64, 64], "rate": 0.1 }, "seed": 1 });
        *find(&mut tree, "agent.hidden.1").unwrap() = Value::from(32);
        let leaves: Vec<String> =
            leaves(&tree).iter().map(|(path, value)| format!("{path}={value}")).collect();
        assert_eq!(leaves, ["agent.hidden.0=64", "agent.hidden.1=32", "agent.rate=0.1", "seed=1"]);
        for (path, near) in [
            ("agent.hidden.2", "agent.hidden"),
            ("agent.hiden", "agent.hidden"),
            ("rate", "agent.rate"),
            ("seed.0", "seed"),
            ("sead", "seed"),
        ] {
            let error = find(&mut tree, path).unwrap_err().to_string();
            assert!(error.contains(&format!("did you mean `{near}")), "{path}: {error}");
        }
        let error = find(&mut tree, "agent.zzzzzzzzzzzzzzzzzz").unwrap_err().to_string();
        assert_eq!(error, "there is no such setting: below agent there are hidden, rate");
    }
}
