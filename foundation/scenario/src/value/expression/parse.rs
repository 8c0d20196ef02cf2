//! From text to tree, by precedence.

use serde_json::Value;

use super::{ExpressionError, Function, Node, Operator, Pattern};

/// Loosest first, as filtrex has them.
const CHOICE: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const IN: u8 = 4;
const EQUALITY: u8 = 5;
const ORDER: u8 = 6;
const SUM: u8 = 7;
const PRODUCT: u8 = 8;
const POWER: u8 = 9;
const NOT: u8 = 10;
const NEGATIVE: u8 = 11;

pub(super) fn expression(text: &str) -> Result<Node, ExpressionError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(slip("the expression is too long".to_owned(), 1));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.chars().count() + 1, depth: 0, operators: 0 };
    let node = parser.expression(CHOICE)?;
    match parser.peek() {
        Token::End => Ok(node),
        token => Err(parser.unexpected(&token.clone(), "an operator, or the end")),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Symbol(String),
    /// An operator, a bracket or a word such as `and`.
    Sign(&'static str),
    End,
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    /// The column after the last character.
    end: usize,
    depth: usize,
    operators: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn column(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(_, column)| *column)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), ExpressionError> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected(&self.peek().clone(), &format!("`{sign}`"))) }
    }

    /// Everything that binds at least as tightly as `level`.
    fn expression(&mut self, level: u8) -> Result<Node, ExpressionError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(slip("the expression is nested too deeply".to_owned(), self.column()));
        }
        let mut left = self.operand()?;
        while let Some((binds, operator)) = self.operator(level)? {
            left = self.join(left, binds, operator)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// Takes the next operator, if it binds tightly enough.
    fn operator(&mut self, level: u8) -> Result<Option<(u8, Binary)>, ExpressionError> {
        let Token::Sign(sign) = *self.peek() else { return Ok(None) };
        let Some((binds, operator)) = binary(sign).filter(|(binds, _)| *binds >= level) else { return Ok(None) };
        self.operators += 1;
        if self.operators > OPERATORS_MAX {
            return Err(slip(format!("the expression has more than {OPERATORS_MAX} operators"), self.column()));
        }
        self.at += 1;
        Ok(Some((binds, operator)))
    }

    fn join(&mut self, left: Node, binds: u8, operator: Binary) -> Result<Node, ExpressionError> {
        let left = Box::new(left);
        match operator {
            Binary::Choice => {
                let yes = self.expression(CHOICE)?;
                self.expect(":")?;
                let no = self.expression(CHOICE + 1)?;
                Ok(Node::Choice(left, yes.into(), no.into()))
            }
            Binary::NotIn => {
                self.expect("in")?;
                Ok(Node::Binary(left, Operator::NotIn, self.expression(IN + 1)?.into()))
            }
            Binary::Matches => {
                let column = self.column();
                let pattern = self.expression(binds + 1)?;
                Ok(Node::Matches { text: left, pattern: compiled(pattern, column)? })
            }
            Binary::Plain(operator) => Ok(Node::Binary(left, operator, self.expression(binds + 1)?.into())),
        }
    }

    fn operand(&mut self) -> Result<Node, ExpressionError> {
        let column = self.column();
        match self.take() {
            Token::Number(number) => Ok(Node::Constant(number.into())),
            Token::Text(text) => Ok(Node::Constant(text.into())),
            Token::Sign("-") => Ok(Node::Negative(self.expression(NEGATIVE + 1)?.into())),
            Token::Sign("not") => Ok(Node::Not(self.expression(NOT + 1)?.into())),
            Token::Sign("(") => self.parenthesis(),
            Token::Symbol(name) if self.takes("of") => Ok(Node::Of(name, self.operand()?.into())),
            Token::Symbol(name) if self.takes("(") => self.call(&name, column),
            Token::Symbol(name) => Ok(Node::Symbol(name)),
            token => {
                self.at -= 1;
                Err(self.unexpected(&token, "a value"))
            }
        }
    }

    fn parenthesis(&mut self) -> Result<Node, ExpressionError> {
        let first = self.expression(CHOICE)?;
        if self.takes(")") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.takes(",") {
            items.push(self.expression(CHOICE)?);
        }
        self.expect(")")?;
        Ok(Node::List(items))
    }

    fn call(&mut self, name: &str, column: usize) -> Result<Node, ExpressionError> {
        let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let known = FUNCTIONS.iter().map(|(name, _)| *name);
            let mend = documents::suggest::mend(name, known, "the functions are");
            return Err(ExpressionError { message: format!("there is no function `{name}`"), column, mend });
        };
        let mut arguments = Vec::new();
        if self.takes(")") {
            return Ok(Node::Call(*function, arguments));
        }
        loop {
            arguments.push(self.expression(CHOICE)?);
            if self.takes(")") {
                return Ok(Node::Call(*function, arguments));
            }
            self.expect(",")?;
        }
    }

    fn unexpected(&self, token: &Token, wanted: &str) -> ExpressionError {
        let found = match token {
            Token::Number(number) => format!("`{number}`"),
            Token::Text(text) => format!("the text \"{text}\""),
            Token::Symbol(name) => format!("`{name}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end".to_owned(),
        };
        slip(format!("here should stand {wanted}, not {found}"), self.column())
    }
}

enum Binary {
    Plain(Operator),
    Choice,
    NotIn,
    Matches,
}

fn binary(sign: &str) -> Option<(u8, Binary)> {
    use Operator::{
        Add, And, Divide, Equal, Greater, GreaterOrEqual, In, Less, LessOrEqual, Modulo, Multiply, Or, Power, Subtract,
        Unequal,
    };
    Some(match sign {
        "?" => (CHOICE, Binary::Choice),
        "or" => (OR, Binary::Plain(Or)),
        "and" => (AND, Binary::Plain(And)),
        "in" => (IN, Binary::Plain(In)),
        // The word before `in` binds as `not` does: `a == b not in c` asks whether b is in c.
        "not" => (NOT, Binary::NotIn),
        "==" => (EQUALITY, Binary::Plain(Equal)),
        "!=" => (EQUALITY, Binary::Plain(Unequal)),
        "~=" => (EQUALITY, Binary::Matches),
        "<" => (ORDER, Binary::Plain(Less)),
        "<=" => (ORDER, Binary::Plain(LessOrEqual)),
        ">" => (ORDER, Binary::Plain(Greater)),
        ">=" => (ORDER, Binary::Plain(GreaterOrEqual)),
        "+" => (SUM, Binary::Plain(Add)),
        "-" => (SUM, Binary::Plain(Subtract)),
        "*" => (PRODUCT, Binary::Plain(Multiply)),
        "/" => (PRODUCT, Binary::Plain(Divide)),
        "%" => (PRODUCT, Binary::Plain(Modulo)),
        "^" => (POWER, Binary::Plain(Power)),
        _ => return None,
    })
}

/// A pattern that is written out is compiled, and wrong ones are found, before the run.
fn compiled(pattern: Node, column: usize) -> Result<Pattern, ExpressionError> {
    match &pattern {
        Node::Constant(Value::String(text)) => match regex::Regex::new(text) {
            Ok(regex) => Ok(Pattern::Compiled(Box::new(regex))),
            Err(error) => Err(slip(format!("the regular expression is faulty: {error}"), column)),
        },
        _ => Ok(Pattern::Computed { pattern: Box::new(pattern), column }),
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, ExpressionError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut column = 1;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else {
            let (token, length) = token(rest, first).map_err(|message| slip(message, column))?;
            tokens.push((token, column));
            length
        };
        column += rest[..length].chars().count();
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// The token at the beginning of a text, and its length in bytes.
fn token(text: &str, first: char) -> Result<(Token, usize), String> {
    if let Some(sign) = SIGNS.iter().find(|sign| text.starts_with(**sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    match first {
        '0'..='9' => number(text),
        '"' => quoted(text, '"').map(|(name, length)| (Token::Text(name), length)),
        '\'' => quoted(text, '\'').map(|(name, length)| (Token::Symbol(name), length)),
        'a'..='z' | 'A'..='Z' | '$' | '_' => Ok(word(text)),
        '=' => Err("`=` compares nothing: write `==`".to_owned()),
        '&' => Err("write `and`, not `&&`".to_owned()),
        '|' => Err("write `or`, not `||`".to_owned()),
        '!' => Err("write `not`, not `!`".to_owned()),
        other => Err(format!("`{other}` has no meaning here")),
    }
}

fn word(text: &str) -> (Token, usize) {
    let end = text.find(|letter: char| !(letter.is_ascii_alphanumeric() || ".$_".contains(letter)));
    let word = &text[..end.unwrap_or(text.len())];
    let token = match WORDS.iter().find(|known| **known == word) {
        Some(known) => Token::Sign(known),
        None => Token::Symbol(word.to_owned()),
    };
    (token, word.len())
}

fn number(text: &str) -> Result<(Token, usize), String> {
    let digits = |text: &str| text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let mut end = digits(text);
    if let Some(fraction) = text[end..].strip_prefix('.').map(digits).filter(|length| *length > 0) {
        end += 1 + fraction;
    }
    if text[end..].starts_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
        return Err("a name cannot begin with a digit".to_owned());
    }
    let number = text[..end].parse().map_err(|_| format!("`{}` is no number", &text[..end]))?;
    Ok((Token::Number(number), end))
}

fn quoted(text: &str, quote: char) -> Result<(String, usize), String> {
    let mut content = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, escaped)) if escaped == quote || escaped == '\\' => content.push(escaped),
                _ => return Err(format!("in quotes, `\\` escapes only `{quote}` and itself")),
            },
            letter if letter == quote => return Ok((content, at + 1)),
            letter => content.push(letter),
        }
    }
    Err(format!("the {quote} is not closed"))
}

fn slip(message: String, column: usize) -> ExpressionError {
    ExpressionError { message, column, mend: None }
}

/// Longer ones before their own beginnings.
const SIGNS: [&str; 18] =
    ["==", "!=", "~=", ">=", "<=", "<", ">", "*", "/", "-", "+", "^", "%", "(", ")", ",", "?", ":"];
const WORDS: [&str; 5] = ["and", "or", "not", "in", "of"];
const FUNCTIONS: [(&str, Function); 9] = [
    ("abs", Function::Abs),
    ("ceil", Function::Ceil),
    ("floor", Function::Floor),
    ("log", Function::Log),
    ("max", Function::Max),
    ("min", Function::Min),
    ("random", Function::Random),
    ("round", Function::Round),
    ("sqrt", Function::Sqrt),
];
/// These keep a stranger's expression from exhausting the stack.
const DEPTH_MAX: usize = 60;
const OPERATORS_MAX: usize = 200;
const TEXT_BYTES_MAX: usize = 10_000;
