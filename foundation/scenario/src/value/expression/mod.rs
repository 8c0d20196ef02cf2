//! Conditions of scripts, in the language of the filtrex library (version 2, which Artillery uses).
//!
//! Arithmetic, comparisons, `and or not in`, `x ? y : z`, `name of object`, lists in parentheses, functions, and
//! `~=` for regular expressions. As there, `not` binds more tightly than a comparison, and the results of
//! comparisons are 1 and 0. Two differences, both where filtrex would silently be wrong: `true` and `false` are
//! values unless there are variables of these names, and an unknown function is an error before the run.

mod evaluate;
mod parse;

use serde_json::Value;

/// Why a text is no expression, or why it has no value. `column` counts characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    pub message: String,
    pub column: usize,
    pub mend: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Expression {
    node: Node,
}

#[derive(Debug, Clone)]
enum Node {
    Constant(Value),
    Symbol(String),
    List(Vec<Node>),
    Negative(Box<Node>),
    Not(Box<Node>),
    Binary(Box<Node>, Operator, Box<Node>),
    /// `x ? y : z`
    Choice(Box<Node>, Box<Node>, Box<Node>),
    /// `name of object`
    Of(String, Box<Node>),
    Call(Function, Vec<Node>),
    Matches { text: Box<Node>, pattern: Pattern },
}

#[derive(Debug, Clone)]
enum Pattern {
    Compiled(Box<regex::Regex>),
    Computed { pattern: Box<Node>, column: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    In,
    NotIn,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Abs,
    Ceil,
    Floor,
    Log,
    Max,
    Min,
    Random,
    Round,
    Sqrt,
}

impl Expression {
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Ok(Self { node: parse::expression(text)? })
    }

    /// `look_up` answers for the symbols, e.g. `http.codes.200`; what it does not know is undefined, and as a
    /// result null. A number that is none is null too.
    pub fn eval(&self, look_up: &impl Fn(&str) -> Option<Value>) -> Result<Value, ExpressionError> {
        Ok(evaluate::evaluate(&self.node, look_up)?.into_json())
    }

    /// Whether the value counts as true.
    pub fn holds(&self, look_up: &impl Fn(&str) -> Option<Value>) -> Result<bool, ExpressionError> {
        Ok(evaluate::evaluate(&self.node, look_up)?.is_true())
    }

    /// The symbols it names, in the order written, for checks before a run.
    pub fn symbols(&self) -> Vec<&str> {
        let mut symbols = Vec::new();
        self.node.collect(&mut symbols);
        symbols
    }
}

impl Node {
    fn collect<'a>(&'a self, symbols: &mut Vec<&'a str>) {
        match self {
            Self::Constant(_) => {}
            Self::Symbol(name) => symbols.push(name),
            Self::List(items) | Self::Call(_, items) => items.iter().for_each(|item| item.collect(symbols)),
            Self::Negative(node) | Self::Not(node) | Self::Of(_, node) => node.collect(symbols),
            Self::Binary(left, _, right) => [left, right].iter().for_each(|node| node.collect(symbols)),
            Self::Choice(a, b, c) => [a, b, c].iter().for_each(|node| node.collect(symbols)),
            Self::Matches { text, pattern } => {
                text.collect(symbols);
                if let Pattern::Computed { pattern, .. } = pattern {
                    pattern.collect(symbols);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
