//! From tokens to a tree.

use std::collections::VecDeque;

use super::lex::{self, Piece, Token};
use super::{TemplateError, Value};

/// Nested deeper, a template is refused.
const DEPTH_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// Prints the pipeline's value, unless it declares or assigns a variable.
    Action(Pipeline),
    If(Vec<(Pipeline, Vec<Node>)>, Vec<Node>),
    With(Vec<(Pipeline, Vec<Node>)>, Vec<Node>),
    Range { over: Pipeline, body: Vec<Node>, otherwise: Vec<Node> },
    Break,
    Continue,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pipeline {
    /// The variables it sets; two for the index and the element of a range.
    pub variables: Vec<String>,
    /// `:=` makes new variables, `=` changes those that exist.
    pub declares: bool,
    pub commands: Vec<Command>,
}

/// A function and its arguments, or one operand.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    Call { function: String, arguments: Vec<Operand> },
    Operand(Operand),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Dot,
    Variable(String),
    Constant(Value),
    /// A function without arguments, among the arguments of another.
    Function(String),
    Pipeline(Pipeline),
    Field(Box<Operand>, String),
}

type Result<T> = std::result::Result<T, TemplateError>;

pub(super) fn parse(text: &str) -> Result<Vec<Node>> {
    let mut parser = Parser { pieces: lex::pieces(text)?.into(), depth: 0 };
    match parser.nodes()? {
        (nodes, End::Template) => Ok(nodes),
        (_, End::Else(_)) => Err(error("{{else}} without {{if}}, {{with}} or {{range}}")),
        (_, End::End) => Err(error("{{end}} without {{if}}, {{with}} or {{range}}")),
    }
}

/// What a list of nodes stopped at.
enum End {
    Template,
    End,
    Else(VecDeque<Token>),
}

struct Parser {
    pieces: VecDeque<Piece>,
    depth: usize,
}

impl Parser {
    fn nodes(&mut self) -> Result<(Vec<Node>, End)> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(error("the template is nested too deeply"));
        }
        let mut nodes = Vec::new();
        let end = loop {
            match self.pieces.pop_front() {
                None => break End::Template,
                Some(Piece::Text(text)) => nodes.push(Node::Text(text)),
                Some(Piece::Action(tokens)) => {
                    let mut tokens = VecDeque::from(tokens);
                    match keyword(&tokens) {
                        Some("end") => break End::End,
                        Some("else") => {
                            tokens.pop_front();
                            break End::Else(tokens);
                        }
                        _ => nodes.push(self.action(tokens)?),
                    }
                }
            }
        };
        self.depth -= 1;
        Ok((nodes, end))
    }

    fn action(&mut self, mut tokens: VecDeque<Token>) -> Result<Node> {
        let word = keyword(&tokens).map(str::to_owned);
        match word.as_deref() {
            Some("if" | "with") => {
                tokens.pop_front();
                self.branches(word.as_deref() == Some("if"), tokens)
            }
            Some("range") => {
                tokens.pop_front();
                self.range(tokens)
            }
            Some("break") if tokens.len() == 1 => Ok(Node::Break),
            Some("continue") if tokens.len() == 1 => Ok(Node::Continue),
            Some(word @ ("define" | "template" | "block")) => {
                Err(error(format!("{{{{{word}}}}} is not available in rules; write the text in place")))
            }
            _ => Ok(Node::Action(whole_pipeline(tokens, 1)?)),
        }
    }

    fn branches(&mut self, is_if: bool, tokens: VecDeque<Token>) -> Result<Node> {
        let name = if is_if { "if" } else { "with" };
        let mut branches = Vec::new();
        let mut condition = whole_pipeline(tokens, 1)?;
        let otherwise = loop {
            let (body, end) = self.nodes()?;
            branches.push((condition, body));
            match end {
                End::Template => return Err(unclosed(name)),
                End::End => break Vec::new(),
                End::Else(tokens) if tokens.is_empty() => break self.last_branch(name)?,
                End::Else(mut tokens) => {
                    if keyword(&tokens) != Some(name) {
                        return Err(error(format!("only {{{{else}}}} or {{{{else {name} …}}}} can follow {{{{{name}}}}}")));
                    }
                    tokens.pop_front();
                    condition = whole_pipeline(tokens, 1)?;
                }
            }
        };
        Ok(if is_if { Node::If(branches, otherwise) } else { Node::With(branches, otherwise) })
    }

    fn range(&mut self, tokens: VecDeque<Token>) -> Result<Node> {
        let over = whole_pipeline(tokens, 2)?;
        let (body, end) = self.nodes()?;
        let otherwise = match end {
            End::Template => return Err(unclosed("range")),
            End::End => Vec::new(),
            End::Else(_) => self.last_branch("range")?,
        };
        Ok(Node::Range { over, body, otherwise })
    }

    fn last_branch(&mut self, name: &str) -> Result<Vec<Node>> {
        match self.nodes()? {
            (nodes, End::End) => Ok(nodes),
            (_, End::Else(_)) => Err(error(format!("{{{{{name}}}}} has more than one {{{{else}}}}"))),
            (_, End::Template) => Err(unclosed(name)),
        }
    }
}

fn keyword(tokens: &VecDeque<Token>) -> Option<&str> {
    match tokens.front() {
        Some(Token::Word(word)) => Some(word),
        _ => None,
    }
}

fn whole_pipeline(mut tokens: VecDeque<Token>, variables_max: usize) -> Result<Pipeline> {
    let pipeline = pipeline(&mut tokens, variables_max, 0)?;
    match tokens.pop_front() {
        None => Ok(pipeline),
        Some(token) => Err(error(format!("{} is out of place", shown(&token)))),
    }
}

fn pipeline(tokens: &mut VecDeque<Token>, variables_max: usize, depth: usize) -> Result<Pipeline> {
    if depth > DEPTH_MAX {
        return Err(error("parentheses are nested too deeply"));
    }
    let (variables, declares) = variables(tokens, variables_max);
    let mut commands = vec![command(tokens, depth)?];
    while tokens.front() == Some(&Token::Pipe) {
        tokens.pop_front();
        commands.push(command(tokens, depth)?);
    }
    Ok(Pipeline { variables, declares, commands })
}

/// `$x :=`, `$x =`, and for a range `$i, $x :=`.
fn variables(tokens: &mut VecDeque<Token>, max: usize) -> (Vec<String>, bool) {
    let mut names = Vec::new();
    for at in (0..max * 2).step_by(2) {
        let Some(Token::Variable(name)) = tokens.get(at) else { break };
        names.push(name.clone());
        match tokens.get(at + 1) {
            Some(Token::Comma) => {}
            Some(operator @ (Token::Declare | Token::Assign)) => {
                let declares = *operator == Token::Declare;
                tokens.drain(..at + 2);
                return (names, declares);
            }
            _ => break,
        }
    }
    (Vec::new(), false)
}

fn command(tokens: &mut VecDeque<Token>, depth: usize) -> Result<Command> {
    let Some(first) = operand(tokens, depth)? else {
        return Err(match tokens.front() {
            None => error("a value or function is missing"),
            Some(token) => error(format!("{} is out of place; a value or function is missing before it", shown(token))),
        });
    };
    let mut arguments = Vec::new();
    while let Some(argument) = operand(tokens, depth)? {
        arguments.push(argument);
    }
    match first {
        Operand::Function(function) => Ok(Command::Call { function, arguments }),
        operand if arguments.is_empty() => Ok(Command::Operand(operand)),
        _ => Err(error("only a function takes arguments")),
    }
}

/// The next operand with its fields; none at the end of the command.
fn operand(tokens: &mut VecDeque<Token>, depth: usize) -> Result<Option<Operand>> {
    let operand = match tokens.front() {
        None | Some(Token::Pipe | Token::Close | Token::Comma | Token::Declare | Token::Assign) => return Ok(None),
        Some(_) => match tokens.pop_front() {
            Some(Token::Field { name, .. }) if name.is_empty() => Operand::Dot,
            Some(Token::Field { name, .. }) => Operand::Field(Box::new(Operand::Dot), name),
            Some(Token::Variable(name)) => Operand::Variable(name),
            Some(Token::Text(text)) => Operand::Constant(Value::Text(text)),
            Some(Token::Int(int)) => Operand::Constant(Value::Int(int)),
            Some(Token::Float(float)) => Operand::Constant(Value::Float(float)),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Operand::Constant(Value::Bool(true)),
                "false" => Operand::Constant(Value::Bool(false)),
                "nil" => Operand::Constant(Value::Nil),
                _ => Operand::Function(word),
            },
            _ => {
                let inner = pipeline(tokens, 0, depth + 1)?;
                if tokens.pop_front() != Some(Token::Close) {
                    return Err(error("a parenthesis does not close"));
                }
                Operand::Pipeline(inner)
            }
        },
    };
    Ok(Some(fields(operand, tokens)))
}

fn fields(mut operand: Operand, tokens: &mut VecDeque<Token>) -> Operand {
    while let Some(Token::Field { name, glued: true }) = tokens.front() {
        operand = Operand::Field(Box::new(operand), name.clone());
        tokens.pop_front();
    }
    operand
}

fn shown(token: &Token) -> &str {
    match token {
        Token::Word(word) => word,
        Token::Pipe => "|",
        Token::Comma => ",",
        Token::Open => "(",
        Token::Close => ")",
        Token::Declare => ":=",
        Token::Assign => "=",
        Token::Field { .. } => "a field",
        Token::Variable(_) => "a variable",
        Token::Text(_) => "a text",
        Token::Int(_) | Token::Float(_) => "a number",
    }
}

fn unclosed(name: &str) -> TemplateError {
    error(format!("{{{{{name}}}}} has no {{{{end}}}}"))
}

fn error(message: impl Into<String>) -> TemplateError {
    TemplateError(message.into())
}
