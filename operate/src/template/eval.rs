//! Walks the tree and writes the text.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::parse::{Command, Node, Operand, Pipeline};
use super::{functions, OUTPUT_BYTES_MAX, Scope, Stop, TemplateError, Value};

/// A template that visits more nodes is stopped: ranges can be nested.
const STEPS_MAX: u32 = 100_000;

type Result<T> = std::result::Result<T, Stop>;

pub(super) fn expand(nodes: &[Node], scope: &Scope) -> Result<String> {
    let labels = |labels: &BTreeMap<String, String>| Value::Labels(Arc::new(labels.clone()));
    let fields = [
        ("Labels", labels(&scope.labels)),
        ("ExternalLabels", labels(&scope.external_labels)),
        ("ExternalURL", Value::Text(scope.external_url.clone())),
        ("Value", Value::Float(scope.value)),
    ];
    let variables = [("labels", 0), ("externalLabels", 1), ("externalURL", 2), ("value", 3)];
    let mut variables: Vec<(String, Value)> = variables.map(|(name, at)| (name.to_owned(), fields[at].1.clone())).into();
    let dot = Value::Map(Arc::new(fields.map(|(name, value)| (name.to_owned(), value)).into()));
    variables.push((String::new(), dot.clone()));
    let mut evaluator = Evaluator { scope, variables, out: String::new(), steps: 0 };
    match evaluator.nodes(nodes, &dot)? {
        Flow::On => Ok(evaluator.out),
        Flow::Break | Flow::Continue => Err(error("{{break}} and {{continue}} belong inside {{range}}")),
    }
}

/// How the walk goes on after a node.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Evaluator<'a> {
    scope: &'a Scope,
    /// The innermost last; an empty name is `$`.
    variables: Vec<(String, Value)>,
    out: String,
    steps: u32,
}

impl Evaluator<'_> {
    /// Variables declared inside end with the list.
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow> {
        let outer = self.variables.len();
        let mut flow = Flow::On;
        for node in nodes {
            flow = self.node(node, dot)?;
            if flow != Flow::On {
                break;
            }
        }
        self.variables.truncate(outer);
        Ok(flow)
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<Flow> {
        self.step()?;
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Action(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.write(&value.print())?;
                }
            }
            Node::If(branches, otherwise) => return self.branches(branches, otherwise, dot, false),
            Node::With(branches, otherwise) => return self.branches(branches, otherwise, dot, true),
            Node::Range { over, body, otherwise } => return self.range(over, body, otherwise, dot),
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > STEPS_MAX { Err(error("the template takes too many steps")) } else { Ok(()) }
    }

    fn write(&mut self, text: &str) -> Result<()> {
        if self.out.len() + text.len() > OUTPUT_BYTES_MAX {
            return Err(error(format!("the text is longer than {OUTPUT_BYTES_MAX} bytes")));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn branches(&mut self, branches: &[(Pipeline, Vec<Node>)], otherwise: &[Node], dot: &Value, moves_dot: bool) -> Result<Flow> {
        let outer = self.variables.len();
        let mut flow = None;
        for (condition, body) in branches {
            let value = self.pipeline(condition, dot)?;
            if value.is_true() {
                flow = Some(self.nodes(body, if moves_dot { &value } else { dot })?);
                break;
            }
        }
        let flow = match flow {
            Some(flow) => flow,
            None => self.nodes(otherwise, dot)?,
        };
        self.variables.truncate(outer);
        Ok(flow)
    }

    fn range(&mut self, over: &Pipeline, body: &[Node], otherwise: &[Node], dot: &Value) -> Result<Flow> {
        let commands = Pipeline { variables: Vec::new(), declares: false, commands: over.commands.clone() };
        let elements = elements(&self.pipeline(&commands, dot)?)?;
        if elements.is_empty() {
            return self.nodes(otherwise, dot);
        }
        let outer = self.variables.len();
        for (key, element) in elements {
            self.step()?;
            match over.variables.as_slice() {
                [] => {}
                [name] => self.set(name, element.clone(), over.declares)?,
                [index, name, ..] => {
                    self.set(index, key, over.declares)?;
                    self.set(name, element.clone(), over.declares)?;
                }
            }
            let flow = self.nodes(body, &element)?;
            self.variables.truncate(outer);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn set(&mut self, name: &str, value: Value, declares: bool) -> Result<()> {
        if declares {
            self.variables.push((name.to_owned(), value));
            return Ok(());
        }
        match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, there)) => *there = value,
            None => return Err(undefined(name)),
        }
        Ok(())
    }

    /// Each command's value is the last argument of the next.
    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value> {
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.command(command, dot, last)?);
        }
        let value = last.unwrap_or(Value::Nil);
        if let Some(name) = pipeline.variables.last() {
            self.set(name, value.clone(), pipeline.declares)?;
        }
        Ok(value)
    }

    fn command(&mut self, command: &Command, dot: &Value, last: Option<Value>) -> Result<Value> {
        match command {
            Command::Operand(_) if last.is_some() => Err(error("only a function can follow a |")),
            Command::Operand(operand) => self.operand(operand, dot),
            Command::Call { function, arguments } => self.call(function, arguments, dot, last),
        }
    }

    fn call(&mut self, function: &str, arguments: &[Operand], dot: &Value, last: Option<Value>) -> Result<Value> {
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            let value = self.operand(argument, dot)?;
            // `and` and `or` stop at the argument that decides.
            let decides = match function {
                "and" => !value.is_true(),
                "or" => value.is_true(),
                _ => false,
            };
            if decides {
                return Ok(value);
            }
            values.push(value);
        }
        values.extend(last);
        functions::call(function, &values, self.scope)
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value> {
        match operand {
            Operand::Dot => Ok(dot.clone()),
            Operand::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                known.map(|(_, value)| value.clone()).ok_or_else(|| undefined(name))
            }
            Operand::Constant(value) => Ok(value.clone()),
            Operand::Function(function) => functions::call(function, &[], self.scope),
            Operand::Pipeline(pipeline) => self.pipeline(pipeline, dot),
            Operand::Field(of, name) => Ok(self.operand(of, dot)?.field(name)?),
        }
    }
}

/// The keys and elements that a range visits.
fn elements(value: &Value) -> Result<Vec<(Value, Value)>> {
    Ok(match value {
        Value::Nil => Vec::new(),
        Value::List(list) => list.iter().enumerate().map(|(at, element)| (Value::Int(at as i64), element.clone())).collect(),
        Value::Labels(labels) => labels.iter().map(|(k, v)| (Value::Text(k.clone()), Value::Text(v.clone()))).collect(),
        Value::Map(map) => map.iter().map(|(k, v)| (Value::Text(k.clone()), v.clone())).collect(),
        Value::Int(count) if (0..=i64::from(STEPS_MAX)).contains(count) => (0..*count).map(|at| (Value::Int(at), Value::Int(at))).collect(),
        other => return Err(error(format!("{{{{range}}}} cannot go over {}", other.kind()))),
    })
}

fn undefined(name: &str) -> Stop {
    error(format!("undefined variable \"${name}\""))
}

fn error(message: impl Into<String>) -> Stop {
    Stop::Error(TemplateError(message.into()))
}
