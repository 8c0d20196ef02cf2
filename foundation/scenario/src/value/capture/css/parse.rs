//! From the text of a selector to its tests.

use super::{Combinator, Complex, Compound, Nth, Operator, Test};

pub(super) fn list(text: &str) -> Result<Vec<Complex>, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err("is too long".to_owned());
    }
    let mut parser = Parser { rest: text.trim(), depth: 0 };
    let selectors = parser.list()?;
    if parser.rest.is_empty() { Ok(selectors) } else { Err(format!("cannot be read from `{}` on", parser.rest)) }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn takes(&mut self, sign: &str) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip_spaces(&mut self) -> bool {
        let trimmed = self.rest.trim_start();
        let skipped = trimmed.len() < self.rest.len();
        self.rest = trimmed;
        skipped
    }

    fn list(&mut self) -> Result<Vec<Complex>, String> {
        let mut selectors = Vec::new();
        loop {
            self.skip_spaces();
            selectors.push(self.complex()?);
            self.skip_spaces();
            if !self.takes(",") {
                return Ok(selectors);
            }
        }
    }

    fn complex(&mut self) -> Result<Complex, String> {
        let mut last = self.compound()?;
        let mut before = Vec::new();
        while let Some(combinator) = self.combinator() {
            let next = self.compound()?;
            before.insert(0, (combinator, std::mem::replace(&mut last, next)));
        }
        Ok(Complex { last, before })
    }

    fn combinator(&mut self) -> Option<Combinator> {
        let spaced = self.skip_spaces();
        let combinator = match self.rest.chars().next()? {
            '>' => Combinator::Child,
            '+' => Combinator::Next,
            '~' => Combinator::After,
            ',' | ')' => return None,
            _ => return spaced.then_some(Combinator::Within),
        };
        self.rest = self.rest[1..].trim_start();
        Some(combinator)
    }

    fn compound(&mut self) -> Result<Compound, String> {
        let mut compound = Compound::default();
        let any = self.takes("*");
        if !any && self.rest.starts_with(is_name) {
            compound.tests.push(Test::Name(self.name()?));
        }
        loop {
            let test = match self.rest.chars().next() {
                Some('#') => self.attribute_sign("id", Operator::Equals)?,
                Some('.') => self.attribute_sign("class", Operator::Word)?,
                Some('[') => self.attribute()?,
                Some(':') => self.pseudo()?,
                _ if any || !compound.tests.is_empty() => return Ok(compound),
                Some(other) => return Err(format!("has `{other}` where an element should be named")),
                None => return Err("ends where an element should be named".to_owned()),
            };
            compound.tests.push(test);
        }
    }

    fn attribute_sign(&mut self, name: &str, operator: Operator) -> Result<Test, String> {
        self.rest = &self.rest[1..];
        Ok(Test::Attribute { name: name.to_owned(), operator, value: self.name()?, any_case: false })
    }

    fn attribute(&mut self) -> Result<Test, String> {
        self.rest = self.rest[1..].trim_start();
        let name = self.name()?.to_ascii_lowercase();
        self.skip_spaces();
        let operator = OPERATORS.iter().find(|(sign, _)| self.takes(sign)).map(|(_, operator)| *operator);
        let mut test = (Operator::Present, String::new(), false);
        if let Some(operator) = operator {
            self.skip_spaces();
            let value = self.value()?;
            self.skip_spaces();
            test = (operator, value, self.takes("i") || self.takes("I"));
            self.skip_spaces();
        }
        if !self.takes("]") {
            return Err("has a `[` that is not closed".to_owned());
        }
        Ok(Test::Attribute { name, operator: test.0, value: test.1, any_case: test.2 })
    }

    fn pseudo(&mut self) -> Result<Test, String> {
        self.rest = &self.rest[1..];
        let name = self.name().map_err(|_| "has a pseudo-element, which Mainstay does not support".to_owned())?;
        let one = Nth { every: 0, offset: 1 };
        let place = |nth, from_end, same_name| Test::Place { nth, from_end, same_name };
        let test = match name.as_str() {
            "first-child" => place(one, false, false),
            "last-child" => place(one, true, false),
            "first-of-type" => place(one, false, true),
            "last-of-type" => place(one, true, true),
            "only-child" => Test::Only { same_name: false },
            "only-of-type" => Test::Only { same_name: true },
            "empty" => Test::Empty,
            _ => return self.pseudo_with_argument(&name),
        };
        Ok(test)
    }

    fn pseudo_with_argument(&mut self, name: &str) -> Result<Test, String> {
        if !KNOWN.contains(&name) {
            return Err(format!("has `:{name}`, which Mainstay does not support"));
        }
        if !self.takes("(") || self.depth >= DEPTH_MAX {
            return Err(format!("has `:{name}` without what belongs in its parentheses"));
        }
        self.depth += 1;
        self.skip_spaces();
        let place = |nth, from_end, same_name| Test::Place { nth, from_end, same_name };
        let test = match name {
            "not" => Test::Any { of: self.list()?, negated: true },
            "has" => Test::Has(self.list()?),
            "contains" => Test::Contains(self.argument()?),
            "nth-child" => place(self.nth()?, false, false),
            "nth-last-child" => place(self.nth()?, true, false),
            "nth-of-type" => place(self.nth()?, false, true),
            "nth-last-of-type" => place(self.nth()?, true, true),
            _ => Test::Any { of: self.list()?, negated: false },
        };
        self.depth -= 1;
        self.skip_spaces();
        if self.takes(")") { Ok(test) } else { Err(format!("has `:{name}(` that is not closed")) }
    }

    /// A text with or without quotes, up to the parenthesis.
    fn argument(&mut self) -> Result<String, String> {
        if self.rest.starts_with(['"', '\'']) {
            return self.value();
        }
        let end = self.rest.find(')').unwrap_or(self.rest.len());
        let (argument, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(argument.trim().to_owned())
    }

    fn nth(&mut self) -> Result<Nth, String> {
        let end = self.rest.find(')').unwrap_or(self.rest.len());
        let (written, rest) = self.rest.split_at(end);
        self.rest = rest;
        let compact: String = written.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_lowercase();
        let faulty = || format!("counts children by `{}`, which is none of `2`, `odd`, `even`, `2n+1`", written.trim());
        let number = |text: &str| text.parse::<i32>().map(i64::from).map_err(|_| faulty());
        match compact.as_str() {
            "odd" => return Ok(Nth { every: 2, offset: 1 }),
            "even" => return Ok(Nth { every: 2, offset: 0 }),
            _ => {}
        }
        let Some((every, offset)) = compact.split_once('n') else {
            return Ok(Nth { every: 0, offset: number(&compact)? });
        };
        let every = match every {
            "" | "+" => 1,
            "-" => -1,
            every => number(every)?,
        };
        Ok(Nth { every, offset: if offset.is_empty() { 0 } else { number(offset)? } })
    }

    fn name(&mut self) -> Result<String, String> {
        let mut name = String::new();
        let mut letters = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => name.extend(letters.next().map(|(_, escaped)| escaped)),
                letter if is_name(letter) => name.push(letter),
                _ => {
                    end = at;
                    break;
                }
            }
        }
        self.rest = &self.rest[end..];
        if name.is_empty() { Err(format!("lacks a name before `{}`", self.rest)) } else { Ok(name) }
    }

    /// In quotes, or a name.
    fn value(&mut self) -> Result<String, String> {
        let Some(quote) = self.rest.chars().next().filter(|letter| ['"', '\''].contains(letter)) else {
            return self.name();
        };
        let inner = &self.rest[1..];
        let end = inner.find(quote).ok_or_else(|| "has a quote that is not closed".to_owned())?;
        self.rest = &inner[end + 1..];
        Ok(inner[..end].to_owned())
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '-' || letter == '_' || letter == '\\'
}

const OPERATORS: [(&str, Operator); 6] = [
    ("=", Operator::Equals),
    ("~=", Operator::Word),
    ("|=", Operator::Language),
    ("^=", Operator::Begins),
    ("$=", Operator::Ends),
    ("*=", Operator::Holds),
];
const KNOWN: [&str; 9] =
    ["not", "is", "where", "has", "contains", "nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"];
/// Both keep a stranger's selector from exhausting the stack.
const DEPTH_MAX: usize = 16;
const TEXT_BYTES_MAX: usize = 10_000;
