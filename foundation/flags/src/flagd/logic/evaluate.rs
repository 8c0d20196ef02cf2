//! A compiled rule and a context → a value. What a rule holds and what the context holds is lent, not copied.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::coerce::{alike, from_number, leading_number, number, order, same, text, truthy};
use super::operator::Operator;
use super::{Logic, custom};
use crate::Context;
use crate::bucketing::Bucketing;
use crate::set::Ask;

/// The rule asks for more than one evaluation may do: lists within lists, or texts that grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// How much one evaluation may do: operations, and items and kilobytes that it makes.
const STEPS_MAX: usize = 50_000;
/// Texts beyond this are not put together.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// What one evaluation knows.
pub struct Scope<'a> {
    flag: &'a str,
    ask: Ask<'a>,
    pub bucketing: Bucketing,
    steps: usize,
}

/// What `var` looks into: the context, or one item of a list.
#[derive(Debug, Clone, Copy)]
pub enum Data<'v> {
    Context(&'v Context),
    Item(&'v Value),
}

type Answer<'v> = Result<Cow<'v, Value>, TooLong>;

impl<'a> Scope<'a> {
    pub fn new(flag: &'a str, ask: Ask<'a>, bucketing: Bucketing) -> Self {
        Self { flag, ask, bucketing, steps: 0 }
    }

    pub fn evaluate<'v>(&mut self, logic: &'v Logic) -> Answer<'v>
    where
        'a: 'v,
    {
        let context: &'a Context = self.ask.context;
        self.within(logic, Data::Context(context))
    }

    pub fn within<'v>(&mut self, logic: &'v Logic, data: Data<'v>) -> Answer<'v> {
        self.charge(1)?;
        match logic {
            Logic::Literal(value) => Ok(Cow::Borrowed(value)),
            Logic::List(items) => Ok(Cow::Owned(Value::Array(self.owned(items, data)?))),
            Logic::Var(path, default) => match self.at(path.iter().map(String::as_str), data) {
                Some(found) => Ok(found),
                None => default.as_ref().map_or(Ok(Cow::default()), |default| self.within(default, data)),
            },
            Logic::Fractional(fractional) => Ok(fractional.choose(self, data)?.unwrap_or_default()),
            Logic::Apply(operator, arguments) => self.apply(*operator, arguments, data),
        }
    }

    /// What flagd hashes where a rule does not say what: the flag's key and the targeting key.
    pub fn own_key(&self) -> Option<String> {
        let targeting = self.ask.context.get("targetingKey")?.as_str()?;
        Some([self.flag, targeting].concat())
    }

    fn apply<'v>(&mut self, operator: Operator, arguments: &'v [Logic], data: Data<'v>) -> Answer<'v> {
        match operator {
            Operator::If => self.branch(arguments, data),
            Operator::And => self.first(arguments, data, false),
            Operator::Or => self.first(arguments, data, true),
            Operator::Map | Operator::Filter | Operator::All | Operator::None | Operator::Some => self.over(operator, arguments, data),
            Operator::Reduce => self.reduce(arguments, data),
            _ => {
                let values = arguments.iter().map(|argument| self.within(argument, data)).collect::<Result<Vec<_>, _>>()?;
                self.plain(operator, &values, data)
            }
        }
    }

    /// Operations that want all of their arguments first.
    fn plain<'v>(&mut self, operator: Operator, values: &[Cow<'v, Value>], data: Data<'v>) -> Answer<'v> {
        let null = Value::Null;
        let value = |index: usize| values.get(index).map_or(&null, |value| &**value);
        let ordered = |holds: fn(std::cmp::Ordering) -> bool| values.windows(2).all(|pair| order(&pair[0], &pair[1]).is_some_and(holds));
        let numbers = |read: fn(&Value) -> f64| values.iter().map(move |value| read(value));
        let result = match operator {
            Operator::Var => return Ok(self.var(values, data)),
            Operator::Missing => Value::Array(self.missing(values, data)),
            Operator::MissingSome => self.missing_some(value(0), value(1), data),
            Operator::Not => Value::Bool(!truthy(value(0))),
            Operator::Truthy => Value::Bool(truthy(value(0))),
            Operator::Equal => Value::Bool(alike(value(0), value(1))),
            Operator::NotEqual => Value::Bool(!alike(value(0), value(1))),
            Operator::StrictEqual => Value::Bool(same(value(0), value(1))),
            Operator::StrictNotEqual => Value::Bool(!same(value(0), value(1))),
            Operator::Greater => Value::Bool(ordered(std::cmp::Ordering::is_gt)),
            Operator::GreaterOrEqual => Value::Bool(ordered(std::cmp::Ordering::is_ge)),
            Operator::Less => Value::Bool(ordered(std::cmp::Ordering::is_lt)),
            Operator::LessOrEqual => Value::Bool(ordered(std::cmp::Ordering::is_le)),
            Operator::Max => from_number(extreme(numbers(number), f64::NEG_INFINITY, f64::max)),
            Operator::Min => from_number(extreme(numbers(number), f64::INFINITY, f64::min)),
            Operator::Add => from_number(numbers(leading_number).sum()),
            Operator::Multiply => from_number(numbers(leading_number).product()),
            Operator::Subtract if values.len() == 1 => from_number(-number(value(0))),
            Operator::Subtract => from_number(number(value(0)) - number(value(1))),
            Operator::Divide => from_number(number(value(0)) / number(value(1))),
            Operator::Remainder => from_number(number(value(0)) % number(value(1))),
            Operator::Merge => self.merge(values)?,
            Operator::In => Value::Bool(contains(value(1), value(0))),
            Operator::Cat => self.cat(values)?,
            Operator::Substr => Value::String(substr(&text(value(0)), number(value(1)), values.get(2).map(|end| number(end)))),
            Operator::SemVer => custom::sem_ver(values).into(),
            Operator::StartsWith => custom::affix(values, |text, part| text.starts_with(part)).into(),
            Operator::EndsWith => custom::affix(values, |text, part| text.ends_with(part)).into(),
            // Compiled or applied in their own ways.
            Operator::If | Operator::And | Operator::Or | Operator::Map | Operator::Filter | Operator::Reduce => Value::Null,
            Operator::All | Operator::None | Operator::Some | Operator::Fractional => Value::Null,
        };
        Ok(Cow::Owned(result))
    }

    fn branch<'v>(&mut self, arguments: &'v [Logic], data: Data<'v>) -> Answer<'v> {
        for pair in arguments.chunks(2) {
            match pair {
                [condition, answer] => {
                    if truthy(&*self.within(condition, data)?) {
                        return self.within(answer, data);
                    }
                }
                [otherwise] => return self.within(otherwise, data),
                _ => {}
            }
        }
        Ok(Cow::default())
    }

    /// The first value that is as true as wanted, else the last.
    fn first<'v>(&mut self, arguments: &'v [Logic], data: Data<'v>, wanted: bool) -> Answer<'v> {
        let mut last = Cow::default();
        for argument in arguments {
            last = self.within(argument, data)?;
            if truthy(&last) == wanted {
                break;
            }
        }
        Ok(last)
    }

    fn over<'v>(&mut self, operator: Operator, arguments: &'v [Logic], data: Data<'v>) -> Answer<'v> {
        let [list, body] = arguments else { return Ok(Cow::default()) };
        let list = self.within(list, data)?;
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut made = Vec::new();
        let mut hits = 0;
        for item in items {
            let value = self.within(body, Data::Item(item))?;
            match operator {
                Operator::Map => made.push(value.into_owned()),
                _ if !truthy(&value) => {}
                Operator::Filter => made.push(item.clone()),
                _ => hits += 1,
            }
        }
        Ok(Cow::Owned(match operator {
            Operator::All => Value::Bool(hits == items.len() && !items.is_empty()),
            Operator::None => Value::Bool(hits == 0),
            Operator::Some => Value::Bool(hits > 0),
            _ => Value::Array(made),
        }))
    }

    fn reduce<'v>(&mut self, arguments: &'v [Logic], data: Data<'v>) -> Answer<'v> {
        let [list, body, start] = arguments else { return Ok(Cow::default()) };
        let list = self.within(list, data)?;
        let mut reached = self.within(start, data)?.into_owned();
        for item in list.as_array().map(Vec::as_slice).unwrap_or_default() {
            let both = Map::from_iter([("current".to_owned(), item.clone()), ("accumulator".to_owned(), reached)]);
            reached = self.within(body, Data::Item(&Value::Object(both)))?.into_owned();
            self.charge(weight(&reached))?;
        }
        Ok(Cow::Owned(reached))
    }

    /// A path that is itself computed.
    fn var<'v>(&self, values: &[Cow<'v, Value>], data: Data<'v>) -> Cow<'v, Value> {
        let path = values.first().map(|path| text(path)).unwrap_or_default();
        if path.is_empty() {
            return match data {
                Data::Context(context) => Cow::Owned(Value::Object(context.clone())),
                Data::Item(item) => Cow::Borrowed(item),
            };
        }
        let found = self.at(path.split('.'), data);
        found.or_else(|| values.get(1).cloned()).unwrap_or(Cow::default())
    }

    fn at<'v, 'p>(&self, mut path: impl Iterator<Item = &'p str>, data: Data<'v>) -> Option<Cow<'v, Value>> {
        let start = match data {
            Data::Item(item) => item,
            Data::Context(context) => match path.next()? {
                "$flagd" => return self.own(path.next()?),
                first => context.get(first)?,
            },
        };
        path.try_fold(start, |value, step| match value {
            Value::Object(object) => object.get(step),
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
        .map(Cow::Borrowed)
    }

    /// What flagd adds to every context.
    fn own(&self, field: &str) -> Option<Cow<'static, Value>> {
        match field {
            "flagKey" => Some(Cow::Owned(Value::from(self.flag))),
            "timestamp" => Some(Cow::Owned(Value::from(self.ask.now.as_second()))),
            _ => None,
        }
    }

    fn missing(&self, values: &[Cow<'_, Value>], data: Data<'_>) -> Vec<Value> {
        let keys: Vec<&Value> = match values.first().map(|first| &**first) {
            Some(Value::Array(keys)) => keys.iter().collect(),
            _ => values.iter().map(|value| &**value).collect(),
        };
        let absent = |key: &&Value| self.at(text(key).split('.'), data).is_none_or(|value| value.is_null() || *value == Value::from(""));
        keys.into_iter().filter(absent).cloned().collect()
    }

    fn missing_some(&self, wanted: &Value, keys: &Value, data: Data<'_>) -> Value {
        let count = keys.as_array().map_or(0, Vec::len);
        let missing = self.missing(&[Cow::Borrowed(keys)], data);
        let enough = (count - missing.len().min(count)) as f64 >= number(wanted);
        Value::Array(if enough { Vec::new() } else { missing })
    }

    fn merge(&mut self, values: &[Cow<'_, Value>]) -> Result<Value, TooLong> {
        let mut merged = Vec::new();
        for value in values {
            self.charge(weight(value))?;
            match &**value {
                Value::Array(items) => merged.extend_from_slice(items),
                other => merged.push(other.clone()),
            }
        }
        Ok(Value::Array(merged))
    }

    fn cat(&mut self, values: &[Cow<'_, Value>]) -> Result<Value, TooLong> {
        let mut joined = String::new();
        for value in values {
            joined.push_str(&text(value));
            if joined.len() > TEXT_BYTES_MAX {
                return Err(TooLong);
            }
        }
        self.charge(joined.len() / 1024)?;
        Ok(Value::String(joined))
    }

    fn owned<'v>(&mut self, items: &'v [Logic], data: Data<'v>) -> Result<Vec<Value>, TooLong> {
        items.iter().map(|item| self.within(item, data).map(Cow::into_owned)).collect()
    }

    fn charge(&mut self, steps: usize) -> Result<(), TooLong> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > STEPS_MAX { Err(TooLong) } else { Ok(()) }
    }
}

/// In steps: every value that it holds, and its kilobytes of text.
fn weight(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(entries) => 1 + entries.values().map(weight).sum::<usize>(),
        Value::String(text) => 1 + text.len() / 1024,
        _ => 1,
    }
}

fn extreme(numbers: impl Iterator<Item = f64>, start: f64, better: fn(f64, f64) -> f64) -> f64 {
    numbers.fold(start, |best, number| if best.is_nan() || number.is_nan() { f64::NAN } else { better(best, number) })
}

fn contains(whole: &Value, part: &Value) -> bool {
    match whole {
        Value::String(whole) => whole.contains(&*text(part)),
        Value::Array(items) => items.iter().any(|item| same(item, part)),
        _ => false,
    }
}

/// A negative start counts from the end; a negative length leaves so much at the end.
fn substr(source: &str, start: f64, length: Option<f64>) -> String {
    let count = source.chars().count() as f64;
    let start = if start < 0.0 { (count + start).max(0.0) } else { start.min(count) };
    let rest = count - start;
    let length = match length {
        None => rest,
        Some(length) if length < 0.0 => (rest + length).max(0.0),
        Some(length) => length.min(rest),
    };
    source.chars().skip(start as usize).take(length as usize).collect()
}
