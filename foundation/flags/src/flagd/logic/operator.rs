//! The operations there are.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Var,
    Missing,
    MissingSome,
    If,
    And,
    Or,
    Not,
    Truthy,
    Equal,
    StrictEqual,
    NotEqual,
    StrictNotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Max,
    Min,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Map,
    Filter,
    Reduce,
    All,
    None,
    Some,
    Merge,
    In,
    Cat,
    Substr,
    SemVer,
    StartsWith,
    EndsWith,
    Fractional,
}

/// Names, and how many arguments make sense.
const ALL: [(&str, Operator, usize, usize); 38] = [
    ("var", Operator::Var, 0, 2),
    ("missing", Operator::Missing, 0, MANY),
    ("missing_some", Operator::MissingSome, 2, 2),
    ("if", Operator::If, 1, MANY),
    ("?:", Operator::If, 1, MANY),
    ("and", Operator::And, 1, MANY),
    ("or", Operator::Or, 1, MANY),
    ("!", Operator::Not, 1, 1),
    ("!!", Operator::Truthy, 1, 1),
    ("==", Operator::Equal, 2, 2),
    ("===", Operator::StrictEqual, 2, 2),
    ("!=", Operator::NotEqual, 2, 2),
    ("!==", Operator::StrictNotEqual, 2, 2),
    (">", Operator::Greater, 2, 2),
    (">=", Operator::GreaterOrEqual, 2, 2),
    ("<", Operator::Less, 2, 3),
    ("<=", Operator::LessOrEqual, 2, 3),
    ("max", Operator::Max, 1, MANY),
    ("min", Operator::Min, 1, MANY),
    ("+", Operator::Add, 1, MANY),
    ("-", Operator::Subtract, 1, 2),
    ("*", Operator::Multiply, 1, MANY),
    ("/", Operator::Divide, 2, 2),
    ("%", Operator::Remainder, 2, 2),
    ("map", Operator::Map, 2, 2),
    ("filter", Operator::Filter, 2, 2),
    ("reduce", Operator::Reduce, 3, 3),
    ("all", Operator::All, 2, 2),
    ("none", Operator::None, 2, 2),
    ("some", Operator::Some, 2, 2),
    ("merge", Operator::Merge, 0, MANY),
    ("in", Operator::In, 2, 2),
    ("cat", Operator::Cat, 0, MANY),
    ("substr", Operator::Substr, 2, 3),
    ("sem_ver", Operator::SemVer, 3, 3),
    ("starts_with", Operator::StartsWith, 2, 2),
    ("ends_with", Operator::EndsWith, 2, 2),
    ("fractional", Operator::Fractional, 1, MANY),
];

const MANY: usize = usize::MAX;

impl Operator {
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(known, ..)| *known == name).map(|(_, operator, ..)| *operator)
    }

    pub fn names() -> Vec<&'static str> {
        ALL.iter().map(|(name, ..)| *name).collect()
    }

    /// How many arguments it takes at least and at most.
    pub fn arguments(self) -> (usize, usize) {
        ALL.iter().find(|(_, operator, ..)| *operator == self).map_or((0, MANY), |(_, _, least, most)| (*least, *most))
    }
}
