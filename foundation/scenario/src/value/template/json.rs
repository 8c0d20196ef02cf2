//! JSON values with templates in their texts and keys.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{RenderError, TemplateError, Text, into_text};
use crate::value::scope::Scope;

#[derive(Debug, Clone)]
pub struct Json {
    node: Node,
    /// The JSON text of a value without templates.
    constant: Option<Bytes>,
    /// Whether keys are templates; two of them may turn out alike.
    keys_vary: bool,
}

#[derive(Debug, Clone)]
enum Node {
    Constant { value: Value, text: Box<str> },
    Text(Text),
    List(Vec<Node>),
    Object(Vec<(Text, Node)>),
}

impl Json {
    pub fn parse(value: &Value) -> Result<Self, TemplateError> {
        let mut keys_vary = false;
        let node = Node::parse(value, &mut keys_vary)?;
        let constant = match &node {
            Node::Constant { text, .. } => Some(Bytes::copy_from_slice(text.as_bytes())),
            _ => None,
        };
        Ok(Self { node, constant, keys_vary })
    }

    /// The value itself, if it holds no template.
    pub fn constant(&self) -> Option<&Value> {
        match &self.node {
            Node::Constant { value, .. } => Some(value),
            _ => None,
        }
    }

    /// A field whose variable is not there is left out; in a list it is null.
    pub fn render(&self, scope: &Scope) -> Result<Value, RenderError> {
        self.render_within(scope, 0)
    }

    pub(in crate::value) fn render_within(&self, scope: &Scope, depth: usize) -> Result<Value, RenderError> {
        Ok(self.node.render(scope, depth)?.unwrap_or(Value::Null))
    }

    /// The rendered value as JSON text, without building it first.
    pub fn to_bytes(&self, scope: &Scope) -> Result<Bytes, RenderError> {
        if let Some(constant) = &self.constant {
            return Ok(constant.clone());
        }
        if self.keys_vary {
            return Ok(Bytes::from(self.render(scope)?.to_string()));
        }
        let mut out = Vec::with_capacity(ROOM_BYTES);
        if !self.node.write(scope, &mut out)? {
            out.extend_from_slice(b"null");
        }
        Ok(out.into())
    }

    /// The rendered value as text: a text as it is, anything else as JSON.
    pub fn to_text<'a>(&'a self, scope: &'a Scope) -> Result<Cow<'a, str>, RenderError> {
        match &self.node {
            Node::Constant { value: Value::String(text), .. } => Ok(Cow::Borrowed(text)),
            Node::Constant { value, .. } => Ok(into_text(Cow::Borrowed(value))),
            Node::Text(text) => text.render(scope),
            _ => self.render(scope).map(|value| Cow::Owned(value.to_string())),
        }
    }
}

impl Node {
    fn parse(value: &Value, keys_vary: &mut bool) -> Result<Self, TemplateError> {
        let node = match value {
            Value::String(text) => Self::Text(Text::parse(text)?),
            Value::Array(items) => {
                Self::List(items.iter().map(|item| Self::parse(item, keys_vary)).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let field = |(key, value): (&String, &Value)| {
                    let key = Text::parse(key)?;
                    *keys_vary |= key.constant().is_none();
                    Ok((key, Self::parse(value, keys_vary)?))
                };
                Self::Object(fields.iter().map(field).collect::<Result<_, _>>()?)
            }
            _ => return Ok(Self::fixed(value)),
        };
        Ok(if node.is_constant() { Self::fixed(value) } else { node })
    }

    fn fixed(value: &Value) -> Self {
        Self::Constant { value: value.clone(), text: value.to_string().into() }
    }

    fn is_constant(&self) -> bool {
        match self {
            Self::Constant { .. } => true,
            Self::Text(text) => text.constant().is_some(),
            Self::List(items) => items.iter().all(Self::is_constant),
            Self::Object(fields) => fields.iter().all(|(key, value)| key.constant().is_some() && value.is_constant()),
        }
    }

    fn render(&self, scope: &Scope, depth: usize) -> Result<Option<Value>, RenderError> {
        Ok(match self {
            Self::Constant { value, .. } => Some(value.clone()),
            Self::Text(text) => text.value_within(scope, depth)?.map(Cow::into_owned),
            Self::List(items) => {
                let item = |item: &Self| Ok(item.render(scope, depth)?.unwrap_or(Value::Null));
                Some(Value::Array(items.iter().map(item).collect::<Result<_, _>>()?))
            }
            Self::Object(fields) => {
                let mut rendered = Map::with_capacity(fields.len());
                for (key, value) in fields {
                    if let Some(value) = value.render(scope, depth)? {
                        rendered.insert(key.render(scope)?.into_owned(), value);
                    }
                }
                Some(Value::Object(rendered))
            }
        })
    }

    /// False, and nothing written, if the value is not there.
    fn write(&self, scope: &Scope, out: &mut Vec<u8>) -> Result<bool, RenderError> {
        match self {
            Self::Constant { text, .. } => out.extend_from_slice(text.as_bytes()),
            Self::Text(text) => match text.value(scope)? {
                Some(value) => write_value(&*value, out),
                None => return Ok(false),
            },
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    out.push(if index == 0 { b'[' } else { b',' });
                    if !item.write(scope, out)? {
                        out.extend_from_slice(b"null");
                    }
                }
                out.push(b']');
            }
            Self::Object(fields) => write_fields(fields, scope, out)?,
        }
        Ok(true)
    }
}

fn write_fields(fields: &[(Text, Node)], scope: &Scope, out: &mut Vec<u8>) -> Result<(), RenderError> {
    out.push(b'{');
    let first = out.len();
    for (key, value) in fields {
        let before = out.len();
        if before > first {
            out.push(b',');
        }
        write_value(&*key.render(scope)?, out);
        out.push(b':');
        if !value.write(scope, out)? {
            out.truncate(before);
        }
    }
    out.push(b'}');
    Ok(())
}

fn write_value<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "a JSON value is always written to memory");
}

const ROOM_BYTES: usize = 256;
