//! Whether an element is what a selector says.

use super::html::Html;
use super::{Combinator, Complex, Compound, Nth, Operator, Test};

impl Html {
    pub(super) fn is_any(&self, element: usize, selectors: &[Complex]) -> bool {
        selectors.iter().any(|selector| self.is(element, selector))
    }

    fn is(&self, element: usize, selector: &Complex) -> bool {
        self.fits(element, &selector.last) && self.stands_after(element, &selector.before)
    }

    fn stands_after(&self, element: usize, before: &[(Combinator, Compound)]) -> bool {
        let Some(((combinator, compound), rest)) = before.split_first() else { return true };
        let holds = |other: usize| self.fits(other, compound) && self.stands_after(other, rest);
        match combinator {
            Combinator::Child => self.parent(element).is_some_and(holds),
            Combinator::Within => std::iter::successors(self.parent(element), |other| self.parent(*other)).any(holds),
            Combinator::Next => self.earlier(element).last().is_some_and(holds),
            Combinator::After => self.earlier(element).any(holds),
        }
    }

    fn earlier(&self, element: usize) -> impl Iterator<Item = usize> {
        self.siblings(element).take_while(move |sibling| *sibling != element)
    }

    fn fits(&self, element: usize, compound: &Compound) -> bool {
        compound.tests.iter().all(|test| self.passes(element, test))
    }

    fn passes(&self, element: usize, test: &Test) -> bool {
        match test {
            Test::Name(name) => self.name(element).eq_ignore_ascii_case(name),
            Test::Attribute { name, operator, value, any_case } => {
                self.attribute(element, name).is_some_and(|own| operator.holds(own, value, *any_case))
            }
            Test::Place { nth, from_end, same_name } => nth.holds(self.place(element, *from_end, *same_name)),
            Test::Only { same_name } => self.place(element, false, *same_name) == 1 && self.place(element, true, *same_name) == 1,
            Test::Empty => self.is_empty(element),
            Test::Contains(text) => self.text(element).contains(text),
            Test::Any { of, negated } => self.is_any(element, of) != *negated,
            Test::Has(selectors) => self.within(element).any(|inner| self.is_any(inner, selectors)),
        }
    }

    /// Counted from 1.
    fn place(&self, element: usize, from_end: bool, same_name: bool) -> i64 {
        let alike = |other: &usize| !same_name || self.name(*other) == self.name(element);
        let before = |other: &usize| *other != element;
        let siblings = self.siblings(element).filter(alike);
        let count = if from_end { siblings.rev().take_while(before).count() } else { siblings.take_while(before).count() };
        count as i64 + 1
    }
}

impl Operator {
    fn holds(self, own: &str, value: &str, any_case: bool) -> bool {
        if any_case {
            return self.holds(&own.to_lowercase(), &value.to_lowercase(), false);
        }
        match self {
            Self::Present => true,
            Self::Equals => own == value,
            Self::Word => own.split_ascii_whitespace().any(|word| word == value),
            Self::Language => own.strip_prefix(value).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
            // An empty value is found nowhere.
            Self::Begins => !value.is_empty() && own.starts_with(value),
            Self::Ends => !value.is_empty() && own.ends_with(value),
            Self::Holds => !value.is_empty() && own.contains(value),
        }
    }
}

impl Nth {
    fn holds(self, place: i64) -> bool {
        let beyond = place - self.offset;
        if self.every == 0 { beyond == 0 } else { beyond % self.every == 0 && beyond / self.every >= 0 }
    }
}
