//! The checked expression in the form that evaluation walks: parentheses gone, selectors compiled,
//! functions and operators resolved.

mod function;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use promql_parser::label;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self as ast, Expr, LabelModifier, VectorMatchCardinality, token};

use super::QueryError;
use super::parse::parse;
use crate::labels::METRIC_NAME;
use crate::ports::{MatchOp, Matcher};

pub(crate) use function::{Date, Function, Over};

pub(crate) struct Plan {
    pub root: Node,
    pub kind: ValueType,
    /// By [`Selector::id`].
    pub selectors: Vec<Vec<Matcher>>,
}

pub(crate) enum Node {
    Number(f64),
    Text(String),
    Instant(Selector),
    Range(Selector, i64),
    Subquery(Box<Subquery>),
    Negate(Box<Node>),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call(Function, Vec<Node>),
}

pub(crate) struct Selector {
    pub id: usize,
    pub shift: Shift,
    /// Whether all its series have the same name, so that dropping the name keeps them distinct.
    pub one_name: bool,
}

/// When a selector or a subquery looks, relative to the step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shift {
    pub at: Option<At>,
    pub offset_ms: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    Start,
    End,
    Ms(i64),
}

pub(crate) struct Subquery {
    pub inner: Node,
    pub range_ms: i64,
    pub step_ms: Option<i64>,
    pub shift: Shift,
}

pub(crate) struct Binary {
    pub op: BinaryOp,
    pub left: Node,
    pub right: Node,
    pub matching: Matching,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Arithmetic(Arithmetic),
    /// With `bool`, answers 0 or 1 instead of filtering.
    Compare(Comparison, bool),
    And,
    Or,
    Unless,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Atan2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

pub(crate) struct Matching {
    pub labels: Grouping,
    pub side: OneSide,
    /// Labels that the many side takes from the one side.
    pub include: Vec<String>,
    /// The values of a missing partner on the left and on the right.
    pub fill: (Option<f64>, Option<f64>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OneSide {
    Both,
    /// `group_left`: many on the left.
    Right,
    /// `group_right`: many on the right.
    Left,
}

/// Which labels make two series belong together.
#[derive(Debug, Clone)]
pub(crate) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

pub(crate) struct Aggregate {
    pub op: AggregateOp,
    pub parameter: Option<Node>,
    pub inner: Node,
    pub grouping: Grouping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateOp {
    Sum,
    Average,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    TopK,
    BottomK,
    Quantile,
    CountValues,
    LimitK,
    LimitRatio,
}

impl Plan {
    pub fn of(text: &str) -> Result<Self, QueryError> {
        let expression = parse(text)?;
        let kind = expression.value_type();
        let mut selectors = Vec::new();
        let root = Lowering { selectors: &mut selectors }.node(&expression)?;
        Ok(Self { root, kind, selectors })
    }
}

impl Node {
    pub fn is_scalar(&self) -> bool {
        match self {
            Self::Number(_) => true,
            Self::Negate(inner) => inner.is_scalar(),
            Self::Binary(binary) => binary.left.is_scalar() && binary.right.is_scalar(),
            Self::Call(function, _) => function.gives_scalar(),
            _ => false,
        }
    }
}

struct Lowering<'a> {
    selectors: &'a mut Vec<Vec<Matcher>>,
}

impl Lowering<'_> {
    fn node(&mut self, expression: &Expr) -> Result<Node, QueryError> {
        Ok(match expression {
            Expr::Paren(paren) => self.node(&paren.expr)?,
            Expr::NumberLiteral(number) => Node::Number(number.val),
            Expr::StringLiteral(text) => Node::Text(text.val.clone()),
            Expr::Unary(unary) => Node::Negate(Box::new(self.node(&unary.expr)?)),
            Expr::VectorSelector(selector) => Node::Instant(self.selector(selector)?),
            Expr::MatrixSelector(matrix) => Node::Range(self.selector(&matrix.vs)?, range_ms(matrix.range)?),
            Expr::Subquery(subquery) => Node::Subquery(Box::new(Subquery {
                inner: self.node(&subquery.expr)?,
                range_ms: range_ms(subquery.range)?,
                step_ms: subquery.step.map(range_ms).transpose()?,
                shift: shift(&subquery.at, &subquery.offset)?,
            })),
            Expr::Binary(binary) => Node::Binary(Box::new(self.binary(binary)?)),
            Expr::Aggregate(aggregate) => Node::Aggregate(Box::new(self.aggregate(aggregate)?)),
            Expr::Call(call) => self.call(call)?,
            Expr::Extension(_) => return Err(unsupported("an extension")),
        })
    }

    fn selector(&mut self, selector: &ast::VectorSelector) -> Result<Selector, QueryError> {
        let matchers = compile_matchers(selector)?;
        let one_name = matchers.iter().any(|m| m.name == METRIC_NAME && matches!(m.op, MatchOp::Equal));
        self.selectors.push(matchers);
        Ok(Selector { id: self.selectors.len() - 1, shift: shift(&selector.at, &selector.offset)?, one_name })
    }

    fn binary(&mut self, binary: &ast::BinaryExpr) -> Result<Binary, QueryError> {
        let default = ast::BinModifier::default();
        let modifier = binary.modifier.as_ref().unwrap_or(&default);
        let (side, include) = match &modifier.card {
            VectorMatchCardinality::ManyToOne(labels) => (OneSide::Right, labels.labels.clone()),
            VectorMatchCardinality::OneToMany(labels) => (OneSide::Left, labels.labels.clone()),
            VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => (OneSide::Both, Vec::new()),
        };
        Ok(Binary {
            op: binary_op(binary.op.id(), modifier.return_bool).ok_or_else(|| unsupported(&binary.op.to_string()))?,
            left: self.node(&binary.lhs)?,
            right: self.node(&binary.rhs)?,
            matching: Matching {
                labels: grouping(modifier.matching.as_ref(), Grouping::Without(Vec::new())),
                side,
                include,
                fill: (modifier.fill_values.lhs, modifier.fill_values.rhs),
            },
        })
    }

    fn aggregate(&mut self, aggregate: &ast::AggregateExpr) -> Result<Aggregate, QueryError> {
        Ok(Aggregate {
            op: aggregate_op(aggregate.op.id()).ok_or_else(|| unsupported(&aggregate.op.to_string()))?,
            parameter: aggregate.param.as_ref().map(|parameter| self.node(parameter)).transpose()?,
            inner: self.node(&aggregate.expr)?,
            grouping: grouping(aggregate.modifier.as_ref(), Grouping::By(Vec::new())),
        })
    }

    fn call(&mut self, call: &ast::Call) -> Result<Node, QueryError> {
        let function = Function::named(call.func.name).ok_or_else(|| unsupported(call.func.name))?;
        let args = call.args.args.iter().map(|arg| self.node(arg)).collect::<Result<_, _>>()?;
        Ok(Node::Call(function, args))
    }
}

/// The matchers of a selector, its name among them.
pub(crate) fn compile_matchers(selector: &ast::VectorSelector) -> Result<Vec<Matcher>, QueryError> {
    if !selector.matchers.or_matchers.is_empty() {
        return Err(unsupported("'or' between matchers"));
    }
    let name = selector.name.iter().map(|name| Ok(Matcher::equal(METRIC_NAME, name)));
    name.chain(selector.matchers.matchers.iter().map(compile_matcher)).collect()
}

fn compile_matcher(matcher: &label::Matcher) -> Result<Matcher, QueryError> {
    // The parser has anchored the expression; `.` must match a newline as well.
    let compile = |regex: &regex::Regex| {
        regex::Regex::new(&format!("(?s){}", regex.as_str())).map_err(|_| QueryError::Parse(format!("parse error: {:?} is not a valid regular expression", matcher.value)))
    };
    let op = match &matcher.op {
        label::MatchOp::Equal => MatchOp::Equal,
        label::MatchOp::NotEqual => MatchOp::NotEqual,
        label::MatchOp::Re(regex) => MatchOp::Regex(compile(regex)?),
        label::MatchOp::NotRe(regex) => MatchOp::NotRegex(compile(regex)?),
    };
    Ok(Matcher { name: matcher.name.clone(), op, value: matcher.value.clone() })
}

fn grouping(modifier: Option<&LabelModifier>, otherwise: Grouping) -> Grouping {
    match modifier {
        Some(LabelModifier::Include(labels)) => Grouping::By(labels.labels.clone()),
        Some(LabelModifier::Exclude(labels)) => Grouping::Without(labels.labels.clone()),
        None => otherwise,
    }
}

fn shift(at: &Option<ast::AtModifier>, offset: &Option<ast::Offset>) -> Result<Shift, QueryError> {
    let offset_ms = match offset {
        None => 0,
        Some(ast::Offset::Pos(by)) => millis(*by)?,
        Some(ast::Offset::Neg(by)) => -millis(*by)?,
    };
    let at = match at {
        None => None,
        Some(ast::AtModifier::Start) => Some(At::Start),
        Some(ast::AtModifier::End) => Some(At::End),
        Some(ast::AtModifier::At(time)) => Some(At::Ms(epoch_ms(*time)?)),
    };
    Ok(Shift { at, offset_ms })
}

fn epoch_ms(time: SystemTime) -> Result<i64, QueryError> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => millis(after),
        Err(before) => millis(before.duration()).map(|ms| -ms),
    }
}

fn range_ms(range: Duration) -> Result<i64, QueryError> {
    match millis(range)? {
        0 => Err(QueryError::Parse("parse error: duration must be greater than 0".to_owned())),
        ms => Ok(ms),
    }
}

/// Bounded, so that sums of times cannot overflow.
fn millis(duration: Duration) -> Result<i64, QueryError> {
    const MAX_MS: i64 = 1 << 50;
    i64::try_from(duration.as_millis())
        .ok()
        .filter(|ms| *ms <= MAX_MS)
        .ok_or_else(|| QueryError::Parse("parse error: the duration or time is too large".to_owned()))
}

fn unsupported(what: &str) -> QueryError {
    QueryError::Parse(format!("parse error: {what} is not supported"))
}

fn binary_op(id: token::TokenId, with_bool: bool) -> Option<BinaryOp> {
    use Arithmetic::*;
    use Comparison::*;
    Some(match id {
        token::T_ADD => BinaryOp::Arithmetic(Add),
        token::T_SUB => BinaryOp::Arithmetic(Subtract),
        token::T_MUL => BinaryOp::Arithmetic(Multiply),
        token::T_DIV => BinaryOp::Arithmetic(Divide),
        token::T_MOD => BinaryOp::Arithmetic(Modulo),
        token::T_POW => BinaryOp::Arithmetic(Power),
        token::T_ATAN2 => BinaryOp::Arithmetic(Atan2),
        token::T_EQLC => BinaryOp::Compare(Equal, with_bool),
        token::T_NEQ => BinaryOp::Compare(NotEqual, with_bool),
        token::T_LSS => BinaryOp::Compare(Less, with_bool),
        token::T_LTE => BinaryOp::Compare(LessOrEqual, with_bool),
        token::T_GTR => BinaryOp::Compare(Greater, with_bool),
        token::T_GTE => BinaryOp::Compare(GreaterOrEqual, with_bool),
        token::T_LAND => BinaryOp::And,
        token::T_LOR => BinaryOp::Or,
        token::T_LUNLESS => BinaryOp::Unless,
        _ => return None,
    })
}

fn aggregate_op(id: token::TokenId) -> Option<AggregateOp> {
    Some(match id {
        token::T_SUM => AggregateOp::Sum,
        token::T_AVG => AggregateOp::Average,
        token::T_COUNT => AggregateOp::Count,
        token::T_MIN => AggregateOp::Min,
        token::T_MAX => AggregateOp::Max,
        token::T_GROUP => AggregateOp::Group,
        token::T_STDDEV => AggregateOp::Stddev,
        token::T_STDVAR => AggregateOp::Stdvar,
        token::T_TOPK => AggregateOp::TopK,
        token::T_BOTTOMK => AggregateOp::BottomK,
        token::T_QUANTILE => AggregateOp::Quantile,
        token::T_COUNT_VALUES => AggregateOp::CountValues,
        token::T_LIMITK => AggregateOp::LimitK,
        token::T_LIMIT_RATIO => AggregateOp::LimitRatio,
        _ => return None,
    })
}
