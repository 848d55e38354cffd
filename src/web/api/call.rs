//! From a request to a command: parameters are checked against their rows and put into the command's fields.

use serde_json::{Map, Value, json};

use super::operation::{Does, Fixed, Operation, Param, Place, Shape};
use super::{Given, settings};
use crate::api::{Command, Request, VERSION};
use crate::web::problem::Problem;
use crate::web::state::App;

/// Names behind the question mark that belong to no command.
const PAGING: [&str; 2] = ["limit", "cursor"];

/// Asks the node, and gives its answer.
///
/// # Errors
/// When a parameter is wrong, or as the command says.
pub async fn value(app: &App, operation: &Operation, given: &Given) -> Result<Value, Problem> {
    let mut fields = fields(operation, given)?;
    match operation.does {
        Does::Settings => return settings::show(app).await,
        Does::SettingSet => return settings::set(app, &fields).await,
        Does::SettingUnset => return settings::unset(app, &fields).await,
        Does::DeviceLink => {
            let ms = fields.get("timeout_ms").and_then(Value::as_u64).unwrap_or_default();
            let offer = app.handle.link_device(std::time::Duration::from_millis(ms)).await?;
            let answer = offer.to_json();
            // The offer lives as long as somebody waits for its end.
            tokio::spawn(offer.linked());
            return Ok(answer);
        }
        _ => {}
    }
    let group = group(&mut fields, given);
    let command = command(operation, fields)?;
    Ok(app.handle.call(Request { v: VERSION, group, command }).await?)
}

/// The group of a request: from the path, or behind the question mark.
pub fn group(fields: &mut Map<String, Value>, given: &Given) -> Option<String> {
    let named = fields.remove("group").and_then(|v| v.as_str().map(str::to_owned));
    given.path.get("group").cloned().or(named)
}

/// The command of an operation with these fields.
fn command(operation: &Operation, mut fields: Map<String, Value>) -> Result<Command, Problem> {
    let Does::Command(name) = operation.does else { return Err(bad("this is no command")) };
    fields.insert("command".into(), json!(name));
    for (key, value) in operation.fixed {
        let value = match value {
            Fixed::Text(text) => json!(text),
            Fixed::Flag(flag) => json!(flag),
        };
        fields.insert((*key).to_owned(), value);
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| bad(&error.to_string()))
}

/// The fields that an operation's parameters give; nothing else may be there.
///
/// # Errors
/// When one is missing, unknown or of another type.
pub fn fields(operation: &Operation, given: &Given) -> Result<Map<String, Value>, Problem> {
    let known = |place, name: &str| operation.params.iter().any(|p| p.place == place && p.name == name);
    for (name, _) in given.query.pairs() {
        let pages = operation.pages.is_some() && PAGING.contains(&name.as_str());
        if !pages && !known(Place::Query, name) {
            return Err(bad(&format!("there is no parameter \"{}\"", shown(name))));
        }
    }
    if let Some(name) = given.body.keys().find(|name| !known(Place::Body, name)) {
        return Err(bad(&format!("there is no key \"{}\"", shown(name))));
    }
    let mut fields = Map::new();
    for param in operation.params {
        let value = match param.place {
            Place::Path => given.path.get(param.name).map(|text| Value::String(text.clone())),
            Place::Query => given.query.get(param.name).map(|text| from_text(param, text)).transpose()?,
            Place::Body => given.body.get(param.name).filter(|v| !v.is_null()).cloned(),
        };
        match value {
            Some(value) if fits(param.shape, &value) => {
                fields.insert(param.name.to_owned(), value);
            }
            Some(_) => return Err(bad(&format!("\"{}\" must be {}", param.name, expected(param.shape)))),
            None if param.needed => return Err(bad(&format!("\"{}\" is missing", param.name))),
            None => {
                if let Some(value) = default(param.shape) {
                    fields.insert(param.name.to_owned(), value);
                }
            }
        }
    }
    Ok(fields)
}

/// A value as it stands behind a question mark.
fn from_text(param: &Param, text: &str) -> Result<Value, Problem> {
    let wrong = || bad(&format!("\"{}\" must be {}", param.name, expected(param.shape)));
    Ok(match param.shape {
        Shape::Number(..) => json!(text.parse::<u64>().map_err(|_| wrong())?),
        Shape::Flag(_) => json!(text.parse::<bool>().map_err(|_| wrong())?),
        _ => json!(text),
    })
}

fn fits(shape: Shape, value: &Value) -> bool {
    let all = |value: &Value, fits: fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(fits));
    match shape {
        Shape::Text | Shape::EmptyText => value.is_string(),
        Shape::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        Shape::Number(least, most, _) => value.as_u64().is_some_and(|n| (least..=most).contains(&n)),
        Shape::Flag(_) => value.is_boolean(),
        Shape::Texts | Shape::MaybeTexts => all(value, Value::is_string),
        Shape::Pairs => {
            all(value, |pair| pair.as_array().is_some_and(|pair| pair.len() == 2 && pair.iter().all(Value::is_string)))
        }
        Shape::Changes => value.as_array().is_some_and(|list| {
            list.iter().all(|change| match change.as_array().map(Vec::as_slice) {
                Some([from, to, text]) => from.is_u64() && to.is_u64() && text.is_string(),
                _ => false,
            })
        }),
        Shape::File => value.as_object().is_some_and(|file| {
            file.len() == 2 && ["name", "text"].iter().all(|k| file.get(*k).is_some_and(Value::is_string))
        }),
    }
}

fn default(shape: Shape) -> Option<Value> {
    match shape {
        Shape::EmptyText => Some(json!("")),
        Shape::Flag(flag) => Some(json!(flag)),
        Shape::Number(.., default) => default.map(|n| json!(n)),
        Shape::Texts | Shape::Pairs => Some(json!([])),
        Shape::Text | Shape::Word(_) | Shape::MaybeTexts | Shape::File | Shape::Changes => None,
    }
}

fn expected(shape: Shape) -> String {
    match shape {
        Shape::Text | Shape::EmptyText => "a text".into(),
        Shape::Word(words) => format!("one of {}", words.join(", ")),
        Shape::Number(least, most, _) => format!("a whole number from {least} to {most}"),
        Shape::Flag(_) => "true or false".into(),
        Shape::Texts | Shape::MaybeTexts => "a list of texts".into(),
        Shape::Pairs => "a list of pairs of texts".into(),
        Shape::Changes => "a list of `[from, to, text]`".into(),
        Shape::File => "an object with the texts \"name\" and \"text\"".into(),
    }
}

/// What others sent is repeated only in part.
fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

fn bad(cause: &str) -> Problem {
    Problem::http("bad_parameter", cause, "see /api/v1/docs for what this operation takes")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::web::api::table;
    use crate::web::form::Form;

    /// Commands that have no row of their own: streams and files have others, and many notes are made by the import alone.
    const ELSEWHERE: [&str; 6] = ["notes-new", "events", "follow", "bundle-export", "bundle-have", "bundle-import"];

    fn find(id: &str) -> Operation {
        table::all().find(|o| o.id() == id).unwrap_or_else(|| panic!("there is an operation {id}"))
    }

    fn given(path: &[(&str, &str)], query: &str, body: Value) -> Given {
        let path: BTreeMap<_, _> = path.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Given { path, query: Form::parse(query.as_bytes()).unwrap(), body: body.as_object().cloned().unwrap() }
    }

    fn made(id: &str, given: &Given) -> Result<Command, Problem> {
        let operation = find(id);
        let mut fields = fields(&operation, given)?;
        group(&mut fields, given);
        command(&operation, fields)
    }

    /// A value of that shape.
    fn sample(shape: Shape) -> Value {
        match shape {
            Shape::Text | Shape::EmptyText => json!("x"),
            Shape::Word(words) => json!(words[0]),
            Shape::Number(least, ..) => json!(least),
            Shape::Flag(flag) => json!(flag),
            Shape::Texts | Shape::MaybeTexts => json!(["x"]),
            Shape::Pairs => json!([["x", "y"]]),
            Shape::File => json!({ "name": "x", "text": "y" }),
            Shape::Changes => json!([[0, 1, "x"]]),
        }
    }

    #[test]
    fn every_operation_makes_its_command_with_all_and_with_only_the_needed_parameters() {
        for operation in table::all().filter(|o| matches!(o.does, Does::Command(_))) {
            for all in [true, false] {
                let (mut path, mut query, mut body) = (vec![("group", "g")], String::new(), json!({}));
                for param in operation.params.iter().filter(|p| all || p.needed) {
                    let value = sample(param.shape);
                    match param.place {
                        Place::Path => path.push((param.name, "x")),
                        Place::Query => {
                            query += &format!("{}={}&", param.name, value.to_string().trim_matches('"'));
                        }
                        Place::Body => body[param.name] = value,
                    }
                }
                let made = made(operation.id(), &given(&path, &query, body));
                assert!(made.is_ok(), "{}: {made:?}", operation.id());
            }
        }
    }

    #[test]
    fn every_command_of_the_node_has_an_operation() {
        let source = include_str!("../../api/mod.rs");
        let body = source.split_once("pub enum Command {").unwrap().1;
        let variants: BTreeSet<String> = body
            .lines()
            .filter_map(|line| line.strip_prefix("    "))
            .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
            .map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect::<String>())
            .map(|name| {
                let kebab = name.chars().flat_map(|c| {
                    let dash = c.is_ascii_uppercase().then_some('-');
                    dash.into_iter().chain([c.to_ascii_lowercase()])
                });
                kebab.skip(1).collect()
            })
            .collect();
        assert!(variants.len() > 60 && variants.contains("note-new"), "{variants:?}");
        let there: BTreeSet<String> = table::all()
            .filter_map(|o| if let Does::Command(name) = o.does { Some(name.to_owned()) } else { None })
            .chain(ELSEWHERE.map(str::to_owned))
            .collect();
        assert_eq!(variants.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new());
        assert_eq!(there.difference(&variants).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    #[test]
    fn names_are_unique_and_parts_of_the_path_are_parameters() {
        let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
        for operation in table::all() {
            assert!(ids.insert(operation.id()), "{} twice", operation.id());
            assert!(places.insert((operation.path, operation.method)), "{} twice", operation.path);
            for part in operation.path.split('/').filter_map(|p| p.strip_prefix('{')) {
                let name = part.trim_end_matches('}');
                let is_param = operation.params.iter().any(|p| p.place == Place::Path && p.name == name);
                assert!(name == "group" || is_param, "{}: {name}", operation.id());
            }
            assert!(operation.method.writes() || operation.body().next().is_none(), "{} has a body", operation.id());
            assert!(operation.summary.ends_with('.'), "{}", operation.id());
        }
    }

    #[test]
    fn parameters_are_typed_and_nothing_unknown_is_let_through() {
        let group = [("group", "g")];
        let code = |id, query, body| made(id, &given(&group, query, body)).unwrap_err().code;
        assert_eq!(code("note-list", "deleted=maybe", json!({})), "bad_parameter");
        assert_eq!(code("note-list", "topics=x", json!({})), "bad_parameter");
        assert_eq!(code("note-new", "", json!({ "title": "t" })), "bad_parameter");
        assert_eq!(code("note-new", "", json!({ "title": 1, "text": "" })), "bad_parameter");
        assert_eq!(code("note-new", "", json!({ "title": "t", "text": "", "tags": [1] })), "bad_parameter");
        assert_eq!(code("note-new", "", json!({ "title": "t", "text": "", "command": "stop" })), "bad_parameter");
        assert_eq!(code("progress-set", "", json!({ "state": "finished" })), "bad_parameter");
        assert_eq!(code("join", "", json!({ "ticket": "t", "wait_ms": 30_001 })), "bad_parameter");
        let made = made("note-list", &given(&group, "deleted=true&limit=3&topic=docker", json!({}))).unwrap();
        assert_eq!(made, Command::NoteList { topic: Some("docker".into()), tag: None, deleted: true });
    }
}
