//! XPath over XML.

use std::sync::Arc;

use serde_json::Value;
use uppsala::XPathEvaluator;
use uppsala::xpath::XPathValue;

/// Of version 1.0.
#[derive(Clone)]
pub(super) struct XPath {
    text: String,
    /// Keeps the parsed expression.
    evaluator: Arc<XPathEvaluator>,
}

impl XPath {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let evaluator = XPathEvaluator::new().with_max_node_visits(VISITS_MAX);
        let probe = uppsala::parse("<a/>").map_err(|error| error.to_string())?;
        evaluator.evaluate(&probe, probe.root(), text).map_err(|error| format!("is faulty: {error}"))?;
        Ok(Self { text: text.to_owned(), evaluator: Arc::new(evaluator) })
    }

    /// The text of the first node, or the value of an expression that is no path.
    pub(super) fn find(&self, body: &[u8]) -> Result<Value, String> {
        let mut document = uppsala::parse_bytes(body).map_err(|error| format!("needs XML, but {error}"))?;
        document.prepare_xpath();
        let found = self.evaluator.evaluate(&document, document.root(), &self.text);
        match found.map_err(|error| format!("failed: {error}"))? {
            XPathValue::NodeSet(nodes) if nodes.is_empty() => Err("found nothing".to_owned()),
            XPathValue::Boolean(truth) => Ok(truth.into()),
            XPathValue::Number(number) => Ok(number.into()),
            found => Ok(found.to_string_value(&document).into()),
        }
    }
}

impl std::fmt::Debug for XPath {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("XPath").field(&self.text).finish()
    }
}

/// More would stop a run at a hostile answer.
const VISITS_MAX: usize = 2_000_000;
