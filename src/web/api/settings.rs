//! The settings: those of `studymesh config`.

use serde_json::{Map, Value, json};

use crate::api::{Code, Error};
use crate::config::{self, Flags, Home, Key};
use crate::web::problem::Problem;
use crate::web::state::App;

/// Every setting with where its value comes from.
pub async fn show(app: &App) -> Result<Value, Problem> {
    on_file(app, |home| {
        let loaded = config::load(home, &Flags::default(), &|name| std::env::var_os(name)).map_err(told)?;
        let items = Key::ALL.map(|key| {
            let origin = loaded.origin(key);
            json!({
                "key": key.as_str(), "value": loaded.settings.value(key), "source": origin.source.as_str(),
                "from": origin.place.as_ref().map(ToString::to_string),
            })
        });
        Ok(json!({ "v": 1, "items": items, "next": null }))
    })
    .await
}

/// Sets one in the file.
pub async fn set(app: &App, fields: &Map<String, Value>) -> Result<Value, Problem> {
    let key = key(fields)?;
    let values = fields.get("values").and_then(Value::as_array).into_iter().flatten();
    let values: Vec<String> = values.filter_map(|v| v.as_str().map(str::to_owned)).collect();
    on_file(app, move |home| {
        config::set(home, key, &values).map_err(told)?;
        Ok(json!({ "v": 1, "key": key.as_str(), "restart": true }))
    })
    .await
}

/// Takes one out of the file.
pub async fn unset(app: &App, fields: &Map<String, Value>) -> Result<Value, Problem> {
    let key = key(fields)?;
    on_file(app, move |home| {
        config::unset(home, key).map_err(told)?;
        Ok(json!({ "v": 1, "key": key.as_str(), "restart": true }))
    })
    .await
}

fn key(fields: &Map<String, Value>) -> Result<Key, Problem> {
    let name = fields.get("key").and_then(Value::as_str).unwrap_or_default();
    Key::find(name).ok_or_else(|| {
        Error::new(Code::NotFound, "there is no setting of that name", "GET /api/v1/settings lists them").into()
    })
}

/// Files are read and written off the threads that answer.
async fn on_file(
    app: &App,
    run: impl FnOnce(&Home) -> Result<Value, Error> + Send + 'static,
) -> Result<Value, Problem> {
    let home = app.home.clone();
    let done = tokio::task::spawn_blocking(move || run(&home)).await;
    Ok(done.map_err(|error| Error::new(Code::Failed, error.to_string(), "try again"))??)
}

fn told(error: config::Error) -> Error {
    let code = if matches!(error, config::Error::Io { .. }) { Code::Failed } else { Code::BadInput };
    Error::new(code, error.to_string(), error.remedy())
}
