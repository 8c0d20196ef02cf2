//! Reaching into JSON text: `attributes->>'http.route'`, `json_get(resource, 'host.name')`.
//!
//! A key is one step, dots and all; a number counts into an array. What is not there, and text that
//! is no JSON, gives null.

mod scan;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Builder, Int64Builder, StringViewArray, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::sqlparser::ast::BinaryOperator;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

/// What a function gives of the place it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Output {
    /// Strings without their quotes, everything else as JSON.
    Text,
    Json,
    Integer,
    Float,
}

pub fn functions() -> Vec<ScalarUDF> {
    [Output::Text, Output::Json, Output::Integer, Output::Float].map(|output| ScalarUDF::from(JsonGet::new(output))).into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonGet {
    output: Output,
    signature: Signature,
}

impl JsonGet {
    fn new(output: Output) -> Self {
        Self { output, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for JsonGet {
    fn name(&self) -> &str {
        match self.output {
            Output::Text => "json_get",
            Output::Json => "json_get_json",
            Output::Integer => "json_get_int",
            Output::Float => "json_get_float",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        if arguments.len() < 2 {
            return Err(DataFusionError::Plan(format!("{} takes JSON text and one or more keys: json_get(attributes, 'http.route')", self.name())));
        }
        Ok(match self.output {
            Output::Text | Output::Json => DataType::Utf8View,
            Output::Integer => DataType::Int64,
            Output::Float => DataType::Float64,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let mut arrays = arguments.args.into_iter().map(|argument| text_array(argument, rows));
        let json = arrays.next().ok_or_else(|| DataFusionError::Plan("no JSON".to_owned()))??;
        let keys = arrays.collect::<Result<Vec<_>>>()?;
        Ok(ColumnarValue::Array(self.get(&json, &keys)))
    }
}

impl JsonGet {
    fn get(&self, json: &StringViewArray, keys: &[StringViewArray]) -> ArrayRef {
        let mut path = Vec::with_capacity(keys.len());
        let places = (0..json.len()).map(move |row| {
            path.clear();
            path.extend(keys.iter().filter(|key| key.is_valid(row)).map(|key| key.value(row)));
            let reached = json.is_valid(row) && path.len() == keys.len();
            reached.then(|| scan::find(json.value(row), &path)).flatten()
        });
        match self.output {
            Output::Text => {
                let mut out = StringViewBuilder::with_capacity(json.len());
                places.for_each(|place| out.append_option(place.and_then(scan::text)));
                Arc::new(out.finish())
            }
            Output::Json => {
                let mut out = StringViewBuilder::with_capacity(json.len());
                places.for_each(|place| out.append_option(place));
                Arc::new(out.finish())
            }
            Output::Integer => {
                let mut out = Int64Builder::with_capacity(json.len());
                places.for_each(|place| out.append_option(place.and_then(scan::text).and_then(|text| text.parse().ok())));
                Arc::new(out.finish())
            }
            Output::Float => {
                let mut out = Float64Builder::with_capacity(json.len());
                places.for_each(|place| out.append_option(place.and_then(scan::text).and_then(|text| text.parse().ok())));
                Arc::new(out.finish())
            }
        }
    }
}

fn text_array(argument: ColumnarValue, rows: usize) -> Result<StringViewArray> {
    let array = cast(&argument.into_array(rows)?, &DataType::Utf8View)?;
    Ok(array.as_string_view().clone())
}

/// `->` and `->>`, as PostgreSQL has them.
#[derive(Debug)]
pub struct Arrows;

impl ExprPlanner for Arrows {
    fn plan_binary_op(&self, expression: RawBinaryExpr, _schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let output = match expression.op {
            BinaryOperator::Arrow => Output::Json,
            BinaryOperator::LongArrow => Output::Text,
            _ => return Ok(PlannerResult::Original(expression)),
        };
        let get = ScalarUDF::from(JsonGet::new(output));
        let name = format!("{} {} {}", expression.left, expression.op, expression.right);
        let call: Expr = get.call(vec![expression.left, expression.right]);
        Ok(PlannerResult::Planned(call.alias(name)))
    }
}
