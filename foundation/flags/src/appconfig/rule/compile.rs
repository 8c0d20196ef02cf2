//! Terms → a rule: which operators there are, and what each takes.

use regex::RegexBuilder;

use super::parse::{self, Operand, Term, Wrong};
use super::values::Value;
use super::{Comparison, Rule, Split};
use crate::fault::meant;

/// As AppConfig's guide lists them.
const OPERATORS: [&str; 15] =
    ["eq", "gt", "gte", "lt", "lte", "and", "or", "not", "begins_with", "ends_with", "contains", "in", "matches", "exists", "split"];

/// A regular expression's automaton may take so much memory.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

pub fn compile(rule: &str) -> Result<Rule, Wrong> {
    of(&parse::parse(rule)?)
}

fn of(term: &Term) -> Result<Rule, Wrong> {
    let Operand::Call(operator, operands) = &term.value else {
        return match &term.value {
            Operand::Bool(_) | Operand::Context(_) => Ok(Rule::Plain(value(term)?)),
            _ => Err(Wrong::new(term.at, "this is neither true nor false", "write an expression such as (eq $country \"NZ\")".to_owned())),
        };
    };
    let call = Call { at: term.at, operator, operands };
    Ok(match operator.as_str() {
        "eq" => call.compare(Comparison::Equal)?,
        "gt" => call.compare(Comparison::Greater)?,
        "gte" => call.compare(Comparison::GreaterOrEqual)?,
        "lt" => call.compare(Comparison::Less)?,
        "lte" => call.compare(Comparison::LessOrEqual)?,
        "and" => Rule::And(call.rules()?),
        "or" => Rule::Or(call.rules()?),
        "not" => Rule::Not(Box::new(of(call.only()?)?)),
        "begins_with" => call.pair().map(|(value, part)| Rule::BeginsWith(value, part))?,
        "ends_with" => call.pair().map(|(value, part)| Rule::EndsWith(value, part))?,
        "contains" => call.pair().map(|(value, part)| Rule::Contains(value, part))?,
        "in" => call.within()?,
        "matches" => call.matches()?,
        "exists" => call.exists()?,
        "split" => Rule::Split(call.split()?),
        other => return Err(Wrong::new(term.at, format!("there is no operator `{other}`"), meant(other, &OPERATORS))),
    })
}

struct Call<'t> {
    at: usize,
    operator: &'t str,
    operands: &'t [Term],
}

impl<'t> Call<'t> {
    fn compare(&self, comparison: Comparison) -> Result<Rule, Wrong> {
        self.pair().map(|(left, right)| Rule::Compare(comparison, left, right))
    }

    fn rules(&self) -> Result<Vec<Rule>, Wrong> {
        if self.operands.is_empty() {
            return Err(self.wrong("needs expressions to join"));
        }
        self.operands.iter().map(|term| { unnamed(term)?; of(term) }).collect()
    }

    fn only(&self) -> Result<&'t Term, Wrong> {
        match self.operands {
            [only] => Ok(only),
            _ => Err(self.wrong("takes one operand")),
        }
    }

    fn pair(&self) -> Result<(Value, Value), Wrong> {
        let [left, right] = self.operands else { return Err(self.wrong("takes two operands")) };
        unnamed(left)?;
        unnamed(right)?;
        Ok((value(left)?, value(right)?))
    }

    fn within(&self) -> Result<Rule, Wrong> {
        let [left, list] = self.operands else { return Err(self.wrong("takes a value and a list")) };
        let Operand::List(items) = &list.value else {
            return Err(Wrong::new(list.at, "`in` looks into a list", "write [\"a\", \"b\"]".to_owned()));
        };
        Ok(Rule::In(value(left)?, items.iter().map(value).collect::<Result<_, _>>()?))
    }

    fn matches(&self) -> Result<Rule, Wrong> {
        self.known(&["in", "pattern"])?;
        let pattern = self.named("pattern")?;
        let Operand::Text(text) = &pattern.value else {
            return Err(Wrong::new(pattern.at, "a pattern is a text", None));
        };
        let compiled = RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build();
        let compiled = compiled.map_err(|error| Wrong::new(pattern.at, format!("the pattern cannot be compiled: {}", last_line(&error.to_string())), None))?;
        Ok(Rule::Matches(value(self.named("in")?)?, compiled))
    }

    fn exists(&self) -> Result<Rule, Wrong> {
        self.known(&["key"])?;
        let key = self.named("key")?;
        match &key.value {
            Operand::Text(text) => Ok(Rule::Exists(text.clone())),
            _ => Err(Wrong::new(key.at, "the key is a text", "write (exists key::\"country\")".to_owned())),
        }
    }

    fn split(&self) -> Result<Split, Wrong> {
        self.known(&["pct", "by", "seed"])?;
        let share = self.named("pct")?;
        let percentage = match share.value {
            Operand::Integer(number) => number as f64,
            Operand::Float(number) => number,
            _ => return Err(Wrong::new(share.at, "`pct` is a number from 0 to 100", None)),
        };
        if !(0.0..=100.0).contains(&percentage) {
            return Err(Wrong::new(share.at, format!("{percentage} % is not between 0 and 100"), None));
        }
        let by = self.named("by")?;
        let by = match &by.value {
            Operand::List(items) if !items.is_empty() => items.iter().map(value).collect::<Result<_, _>>()?,
            _ => vec![value(by)?],
        };
        let seed = match self.operands.iter().find(|term| term.name.as_deref() == Some("seed")) {
            None => None,
            Some(Term { value: Operand::Text(seed), .. }) => Some(seed.clone()),
            Some(term) => return Err(Wrong::new(term.at, "a seed is a text", None)),
        };
        Ok(Split { percentage, by, seed })
    }

    fn named(&self, name: &str) -> Result<&'t Term, Wrong> {
        let found = self.operands.iter().find(|term| term.name.as_deref() == Some(name));
        found.ok_or_else(|| Wrong::new(self.at, format!("`{}` needs `{name}::`", self.operator), None))
    }

    /// Operands of these names, once each, and no others.
    fn known(&self, names: &[&str]) -> Result<(), Wrong> {
        for (index, term) in self.operands.iter().enumerate() {
            let Some(name) = term.name.as_deref().filter(|name| names.contains(name)) else {
                let takes = names.iter().map(|name| format!("{name}::")).collect::<Vec<_>>().join(", ");
                return Err(Wrong::new(term.at, format!("`{}` does not take this", self.operator), format!("it takes {takes}")));
            };
            if self.operands[..index].iter().any(|before| before.name.as_deref() == Some(name)) {
                return Err(Wrong::new(term.at, format!("`{name}::` stands here a second time"), None));
            }
        }
        Ok(())
    }

    fn wrong(&self, what: &str) -> Wrong {
        Wrong::new(self.at, format!("`{}` {what}", self.operator), None)
    }
}

fn unnamed(term: &Term) -> Result<(), Wrong> {
    match &term.name {
        None => Ok(()),
        Some(name) => Err(Wrong::new(term.at, format!("`{name}::` does not belong here"), "write the operand alone".to_owned())),
    }
}

fn value(term: &Term) -> Result<Value, Wrong> {
    Ok(match &term.value {
        Operand::Text(text) => Value::Text(text.clone()),
        Operand::Integer(number) => Value::Integer(*number),
        Operand::Float(number) => Value::Float(*number),
        Operand::Bool(value) => Value::Bool(*value),
        Operand::Time(time) => Value::Time(*time),
        Operand::Context(key) => Value::Context(key.clone()),
        Operand::List(_) => return Err(Wrong::new(term.at, "a list belongs to `in` alone", None)),
        Operand::Call(..) => return Err(Wrong::new(term.at, "this is a condition, and a value belongs here", None)),
    })
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text).trim_start_matches("error: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_does_not_take_is_refused_at_its_place() {
        for (rule, at, part, mend) in [
            ("(equals $a 1)", 0, "no operator `equals`", ""),
            ("(spilt pct::1 by::$a)", 0, "no operator", "did you mean `split`?"),
            ("(and (eq $a 1) (eq $b))", 15, "two operands", ""),
            ("(split pct::120 by::$a)", 7, "between 0 and 100", ""),
            ("(split pct::10)", 0, "needs `by::`", ""),
            ("(split 10 by::$a)", 7, "does not take this", "pct::"),
            ("(matches in::$a pattern::\"(\")", 16, "cannot be compiled", ""),
            ("(in $a \"b\")", 7, "looks into a list", ""),
            ("(not 7)", 5, "neither true nor false", ""),
            ("(eq (eq $a 1) 2)", 4, "a value belongs here", ""),
            ("(split pct::1 pct::2 by::$a)", 14, "second time", ""),
        ] {
            let wrong = compile(rule).unwrap_err();
            assert!(wrong.at == at && wrong.message.contains(part) && wrong.mend.clone().unwrap_or_default().contains(mend), "{rule}: {wrong:?}");
        }
    }
}
