//! The text of a rule → nested terms. A rule is an operator and its operands in parentheses; an operand may bear a
//! name: `(split pct::10 by::$userId)`.

use jiff::Timestamp;
use jiff::civil::Date;

/// What is wrong, and at which character of the rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub at: usize,
    pub message: String,
    pub mend: Option<String>,
}

impl Wrong {
    pub fn new(at: usize, message: impl Into<String>, mend: impl Into<Option<String>>) -> Self {
        Self { at, message: message.into(), mend: mend.into() }
    }
}

/// One operand, at its character.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub at: usize,
    pub name: Option<String>,
    pub value: Operand,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Time(Timestamp),
    /// `$key`
    Context(String),
    List(Vec<Term>),
    /// An operator, its character, and its operands.
    Call(String, Vec<Term>),
}

/// AppConfig's own limit.
pub const RULE_CHARS_MAX: usize = 16_384;
const DEPTH_MAX: usize = 32;

pub fn parse(rule: &str) -> Result<Term, Wrong> {
    let chars: Vec<char> = rule.chars().collect();
    if chars.len() > RULE_CHARS_MAX {
        return Err(Wrong::new(0, format!("the rule is longer than {RULE_CHARS_MAX} characters"), None));
    }
    let mut reader = Reader { chars: &chars, at: 0, depth: 0 };
    let term = reader.term()?;
    reader.space();
    match reader.peek() {
        None => Ok(term),
        Some(')') => Err(Wrong::new(reader.at, "this `)` closes nothing", "take it away".to_owned())),
        Some(_) => Err(Wrong::new(reader.at, "the rule ends before this", "join expressions with `and` or `or`".to_owned())),
    }
}

struct Reader<'c> {
    chars: &'c [char],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn term(&mut self) -> Result<Term, Wrong> {
        self.space();
        let at = self.at;
        let name = self.name();
        let value = match self.peek() {
            None => return Err(Wrong::new(self.at, "the rule ends too early", "close each `(` with a `)`".to_owned())),
            Some('(') => self.nested(Self::call)?,
            Some('[') => self.nested(Self::list)?,
            Some('"') => Operand::Text(self.quoted()?),
            Some('$') => self.context()?,
            Some(')' | ']' | ',') => return Err(Wrong::new(self.at, "an operand is missing here", None)),
            Some('\'') => return Err(Wrong::new(self.at, "text stands in double quotes", "write \"…\"".to_owned())),
            Some(_) => self.word()?,
        };
        Ok(Term { at, name, value })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Operand, Wrong>) -> Result<Operand, Wrong> {
        if self.depth >= DEPTH_MAX {
            return Err(Wrong::new(self.at, format!("nested deeper than {DEPTH_MAX} levels"), None));
        }
        self.depth += 1;
        let operand = read(self);
        self.depth -= 1;
        operand
    }

    fn call(&mut self) -> Result<Operand, Wrong> {
        let opened = self.at;
        self.at += 1;
        self.space();
        let operator = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
        if operator.is_empty() {
            return Err(Wrong::new(self.at, "an operator must follow `(`", "for example (eq $country \"NZ\")".to_owned()));
        }
        let mut operands = Vec::new();
        loop {
            self.space();
            match self.peek() {
                Some(')') => break,
                None => return Err(Wrong::new(opened, "this `(` is never closed", "add a `)`".to_owned())),
                Some(_) => operands.push(self.term()?),
            }
        }
        self.at += 1;
        Ok(Operand::Call(operator, operands))
    }

    fn list(&mut self) -> Result<Operand, Wrong> {
        let opened = self.at;
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.space();
            match self.peek() {
                Some(']') => break,
                None => return Err(Wrong::new(opened, "this `[` is never closed", "add a `]`".to_owned())),
                Some(',') if !items.is_empty() => self.at += 1,
                Some(_) => items.push(self.term()?),
            }
        }
        self.at += 1;
        Ok(Operand::List(items))
    }

    fn quoted(&mut self) -> Result<String, Wrong> {
        let opened = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.next() {
            match character {
                '"' => return Ok(text),
                '\\' => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(c @ ('"' | '\\')) => text.push(c),
                    // A regular expression's own escapes stay as they are.
                    Some(c) => text.extend(['\\', c]),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(Wrong::new(opened, "this text is never closed", "add a `\"`".to_owned()))
    }

    fn context(&mut self) -> Result<Operand, Wrong> {
        let at = self.at;
        self.at += 1;
        let key = self.take(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if key.is_empty() {
            return Err(Wrong::new(at, "`$` must be followed by a key of the context", "for example $userId".to_owned()));
        }
        Ok(Operand::Context(key))
    }

    fn word(&mut self) -> Result<Operand, Wrong> {
        let at = self.at;
        let word = self.take(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '[' | ']' | ',' | '"'));
        let number = |word: &str| word.parse::<f64>().ok().filter(|number| number.is_finite());
        match word.as_str() {
            "true" => Ok(Operand::Bool(true)),
            "false" => Ok(Operand::Bool(false)),
            word => {
                let operand = word.parse().ok().map(Operand::Integer).or_else(|| number(word).map(Operand::Float));
                let operand = operand.or_else(|| timestamp(word).map(Operand::Time));
                operand.ok_or_else(|| Wrong::new(at, format!("`{word}` is no value"), "text stands in double quotes, keys of the context begin with $".to_owned()))
            }
        }
    }

    /// What stands before `::`, if anything does.
    fn name(&mut self) -> Option<String> {
        let start = self.at;
        let name = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
        if !name.is_empty() && self.chars[self.at..].starts_with(&[':', ':']) {
            self.at += 2;
            self.space();
            return Some(name);
        }
        self.at = start;
        None
    }

    fn take(&mut self, fits: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&fits) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }
}

/// W3C's profile of ISO 8601, which also takes a month or a day alone; those begin at midnight UTC.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    let digits = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<i8>().ok());
    match text.len() {
        7 | 10 => {
            let year = text.get(..4)?.parse().ok()?;
            let separated = text.as_bytes()[4] == b'-' && (text.len() == 7 || text.as_bytes()[7] == b'-');
            let day = if text.len() == 10 { digits(8..10)? } else { 1 };
            let date = separated.then(|| Date::new(year, digits(5..7)?, day).ok())??;
            Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        }
        length if length > 10 && text.contains('T') => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_operand() {
        let term = parse(r#"(op "a\"b\d" -7 1.5e3 true $user.id 2012-03-04T05:06:07-08:00 2024-01 in::["x", 2])"#).unwrap();
        let Operand::Call(operator, operands) = term.value else { panic!("a call") };
        let values: Vec<_> = operands.iter().map(|term| term.value.clone()).collect();
        assert_eq!(operator, "op");
        assert_eq!(values[0], Operand::Text("a\"b\\d".to_owned()));
        assert_eq!(values[1..5], [Operand::Integer(-7), Operand::Float(1500.0), Operand::Bool(true), Operand::Context("user.id".to_owned())]);
        assert_eq!(values[5], Operand::Time("2012-03-04T13:06:07Z".parse().unwrap()));
        assert_eq!(values[6], Operand::Time("2024-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!((operands[7].name.as_deref(), operands[7].at), (Some("in"), 70));
    }

    #[test]
    fn says_where_it_goes_wrong() {
        for (rule, at, part) in [
            ("(eq $a", 0, "never closed"),
            ("(eq $a \"b)", 7, "never closed"),
            ("(eq $a 1))", 9, "closes nothing"),
            ("(eq $a b)", 7, "no value"),
            ("(eq $ 1)", 4, "key of the context"),
            ("()", 1, "operator"),
            ("", 0, "ends too early"),
            ("(in $a [1, 2)", 12, "missing"),
        ] {
            let wrong = parse(rule).unwrap_err();
            assert!(wrong.at == at && wrong.message.contains(part), "{rule}: {wrong:?}");
        }
        assert!(parse(&"(not ".repeat(1000)).is_err());
    }
}
