//! The OpenAPI document, made from the table.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::files::MEDIA;
use super::operation::{Does, MAX_PAGE, Operation, PAGE, Param, Place, Shape};
use super::{PREFIX, etag, table};
use crate::api::Code;
use crate::web::problem;

static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// `/api/v1/openapi.json`.
pub async fn serve(headers: HeaderMap) -> Response {
    etag::response(&headers, &DOCUMENT)
}

/// Every stable code with its status.
pub fn codes() -> Vec<(&'static str, u16, &'static str)> {
    let node = [
        (Code::Failed, "it did not work"),
        (Code::NotRunning, "it needs a running node"),
        (Code::Usage, "the command is not one of HTTP's"),
        (Code::NotFound, "there is nothing of that name"),
        (Code::Ambiguous, "there is more than one of that name"),
        (Code::BadInput, "what was given breaks a bound or a format"),
        (Code::BadTicket, "the ticket can not be used"),
        (Code::Locked, "another process has the directory"),
        (Code::Timeout, "another node did not answer in time"),
        (Code::Incomplete, "not done in time, but nothing is broken"),
        (Code::NotPermitted, "it is not allowed"),
        (Code::StoreDamaged, "the store is damaged"),
        (Code::StoreNewer, "the store is from a newer version"),
    ];
    let node = node.map(|(code, about)| (code.as_str(), problem::status(code).as_u16(), about));
    node.into_iter().chain(problem::HTTP_CODES.map(|(code, status, about)| (code, status.as_u16(), about))).collect()
}

fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in table::all() {
        let methods = paths.entry(operation.path).or_insert_with(|| json!({}));
        methods[operation.method.method().as_str().to_lowercase()] = of(&operation);
    }
    let tags: Vec<Value> = table::TABLE.iter().map(|(tag, _)| json!({ "name": tag })).collect();
    let codes: Vec<&str> = codes().into_iter().map(|(code, ..)| code).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "studymesh", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            "description": "The commands of a node. Send the content of web.token as a bearer token. Times are Unix milliseconds; ids are \
                lower-case hex and may be given as a unique prefix. docs/cli.md describes every answer.",
        },
        "servers": [{ "url": PREFIX }],
        "security": [{ "bearer": [] }, { "cookie": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "cookie": { "type": "apiKey", "in": "cookie", "name": "studymesh_PORT" },
            },
            "schemas": {
                "Answer": { "type": "object", "required": ["v"], "properties": { "v": { "const": 1 } } },
                "List": {
                    "type": "object", "required": ["v", "items", "next"],
                    "properties": {
                        "v": { "const": 1 }, "items": { "type": "array", "items": { "type": "object" } },
                        "next": { "type": ["string", "integer", "null"], "description": "Where the list goes on; null at its end." },
                    },
                },
                "Problem": {
                    "type": "object", "required": ["type", "title", "status", "detail", "code", "remedy"],
                    "properties": {
                        "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
                        "detail": { "type": "string", "description": "The cause." }, "code": { "enum": codes },
                        "remedy": { "type": "string", "description": "What to do about it." },
                    },
                },
            },
            "responses": {
                "Problem": {
                    "description": "It can not be done.",
                    "content": { problem::MEDIA: { "schema": { "$ref": "#/components/schemas/Problem" } } },
                },
            },
        },
    })
}

fn of(operation: &Operation) -> Value {
    let mut parameters = vec![];
    if operation.path.contains("{group}") {
        parameters.push(json!({
            "name": "group", "in": "path", "required": true, "description": "The group: id, unique prefix, or name.",
            "schema": { "type": "string", "minLength": 1 },
        }));
    }
    parameters.extend(operation.params.iter().filter_map(parameter));
    if operation.pages.is_some() {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": PAGE });
        parameters.push(json!({ "name": "limit", "in": "query", "description": "Items of a page.", "schema": limit }));
        let about = "Where to go on: `next` of the page before.";
        parameters
            .push(json!({ "name": "cursor", "in": "query", "description": about, "schema": { "type": "string" } }));
    }
    if operation.method.writes() && !operation.takes_file() {
        let about = "A random text: the same request with the same key is done once.";
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": 128 });
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "description": about, "schema": schema }));
    }
    let status = if operation.makes { "201" } else { "200" };
    let mut out = json!({
        "operationId": operation.id(), "tags": [operation.tag], "summary": operation.summary, "parameters": parameters,
        "responses": { status: { "description": "Done.", "content": content(operation) }, "default": { "$ref": "#/components/responses/Problem" } },
    });
    if !operation.method.writes() && !is_file(operation) && operation.does != Does::Events {
        out["responses"]["304"] = json!({ "description": "As `If-None-Match` has it." });
    }
    if operation.takes_file() {
        out["requestBody"] = json!({ "required": true, "content": { MEDIA: { "schema": {} } } });
    } else if let Some(body) = body(operation) {
        out["requestBody"] = body;
    }
    out
}

fn is_file(operation: &Operation) -> bool {
    matches!(operation.does, Does::BundleExport | Does::BundleHave)
}

fn content(operation: &Operation) -> Value {
    let schema = |name: &str| json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } });
    if is_file(operation) {
        return json!({ MEDIA: { "schema": {} } });
    }
    match operation.does {
        Does::Events => {
            json!({ "application/json": schema("List"), "text/event-stream": { "schema": { "type": "string" } } })
        }
        Does::Settings => json!({ "application/json": schema("List") }),
        _ if operation.pages.is_some() => json!({ "application/json": schema("List") }),
        _ => json!({ "application/json": schema("Answer") }),
    }
}

fn parameter(param: &Param) -> Option<Value> {
    let place = match param.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Body => return None,
    };
    Some(json!({
        "name": param.name, "in": place, "required": param.needed, "description": param.about, "schema": schema(param),
    }))
}

fn body(operation: &Operation) -> Option<Value> {
    let mut properties = Map::new();
    let mut needed = vec![];
    for param in operation.body() {
        let mut schema = schema(param);
        schema["description"] = json!(param.about);
        properties.insert(param.name.to_owned(), schema);
        needed.extend(param.needed.then_some(param.name));
    }
    if properties.is_empty() {
        return None;
    }
    let is_needed = !needed.is_empty();
    let schema =
        json!({ "type": "object", "properties": properties, "required": needed, "additionalProperties": false });
    Some(json!({ "required": is_needed, "content": { "application/json": { "schema": schema } } }))
}

fn schema(param: &Param) -> Value {
    let text = json!({ "type": "string" });
    match param.shape {
        Shape::Text if param.place == Place::Path => json!({ "type": "string", "minLength": 1 }),
        Shape::Text | Shape::EmptyText => text,
        Shape::Word(words) => json!({ "type": "string", "enum": words }),
        Shape::Number(least, most, default) => {
            let mut schema = json!({ "type": "integer", "minimum": least, "maximum": most });
            if let Some(default) = default {
                schema["default"] = json!(default);
            }
            schema
        }
        Shape::Flag(default) => json!({ "type": "boolean", "default": default }),
        Shape::Texts | Shape::MaybeTexts => json!({ "type": "array", "items": text }),
        Shape::Pairs => {
            json!({ "type": "array", "items": { "type": "array", "items": text, "minItems": 2, "maxItems": 2 } })
        }
        Shape::Changes => json!({
            "type": "array", "maxItems": crate::api::MAX_CHANGES,
            "items": { "type": "array", "items": {}, "minItems": 3, "maxItems": 3, "description": "[from, to, text]" },
        }),
        Shape::File => json!({
            "type": "object", "properties": { "name": text, "text": text }, "required": ["name", "text"], "additionalProperties": false,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `$ref` of a document leads somewhere in it.
    fn check_references(value: &Value, document: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    let pointer = to.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{to}");
                }
                map.values().for_each(|v| check_references(v, document));
            }
            Value::Array(list) => list.iter().for_each(|v| check_references(v, document)),
            _ => {}
        }
    }

    #[test]
    fn the_document_is_whole() {
        let document = document();
        check_references(&document, &document);
        let paths = document["paths"].as_object().unwrap();
        let mut operations = 0;
        for (path, methods) in paths {
            let parts: Vec<&str> = path.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}')).collect();
            for (method, operation) in methods.as_object().unwrap() {
                operations += 1;
                let given: Vec<&str> = operation["parameters"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|p| p["in"] == "path")
                    .map(|p| {
                        assert_eq!(p["required"], true);
                        p["name"].as_str().unwrap()
                    })
                    .collect();
                assert_eq!(given.len(), parts.len(), "{method} {path}");
                assert!(parts.iter().all(|part| given.contains(part)), "{method} {path}");
                let answers = operation["responses"].as_object().unwrap();
                assert!(
                    answers.contains_key("default") && answers.keys().any(|k| k.starts_with('2')),
                    "{method} {path}"
                );
                let tag = &operation["tags"][0];
                assert!(document["tags"].as_array().unwrap().iter().any(|t| t["name"] == *tag), "{method} {path}");
                assert!(method != "get" || operation.get("requestBody").is_none());
            }
        }
        assert_eq!(operations, table::all().count());
    }

    #[test]
    fn every_code_stands_in_the_documents_once() {
        let codes = codes();
        let mut names: Vec<_> = codes.iter().map(|(code, ..)| *code).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), codes.len());
        assert!(codes.iter().all(|(_, status, _)| (400..600).contains(status)));
    }
}
