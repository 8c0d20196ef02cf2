//! The functions of PromQL, by how they are evaluated.

#[derive(Debug, Clone, Copy)]
pub(crate) enum Function {
    /// Of one range vector, and for some of scalars.
    Over(Over),
    AbsentOverTime,
    /// Of each value by itself.
    Math(fn(f64) -> f64),
    /// Of each value as a time; without an argument, of the step's time.
    Date(Date),
    Round,
    Clamp,
    ClampMin,
    ClampMax,
    Timestamp,
    Absent,
    HistogramQuantile,
    HistogramQuantiles,
    HistogramFraction,
    /// Functions of native histograms, which floats are not.
    NativeHistogramOnly,
    LabelReplace,
    LabelJoin,
    Sort { descending: bool },
    SortByLabel { descending: bool },
    Vector,
    Scalar,
    Time,
    Start,
    End,
    Range,
    Step,
    Pi,
    MaxOf,
    MinOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Deriv,
    PredictLinear,
    DoubleExponentialSmoothing,
    Average,
    Sum,
    Min,
    Max,
    Count,
    First,
    Last,
    Present,
    Stddev,
    Stdvar,
    Quantile,
    Mad,
    Changes,
    Resets,
    TimeOfFirst,
    TimeOfLast,
    TimeOfMin,
    TimeOfMax,
}

impl Over {
    /// These tell of the series itself, so they keep its name.
    pub fn keeps_name(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }

    /// These make sense for counters only.
    pub fn wants_counter(self) -> bool {
        matches!(self, Self::Rate | Self::Increase | Self::Irate)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Date {
    Minute,
    Hour,
    DayOfWeek,
    DayOfMonth,
    DayOfYear,
    DaysInMonth,
    Month,
    Year,
}

impl Function {
    pub fn named(name: &str) -> Option<Self> {
        over(name).map(Self::Over).or_else(|| math(name).map(Self::Math)).or_else(|| date(name).map(Self::Date)).or_else(|| other(name))
    }

    pub fn gives_scalar(&self) -> bool {
        use Function::*;
        matches!(self, Scalar | Time | Start | End | Range | Step | Pi | MaxOf | MinOf)
    }
}

fn over(name: &str) -> Option<Over> {
    Some(match name {
        "rate" => Over::Rate,
        "increase" => Over::Increase,
        "delta" => Over::Delta,
        "irate" => Over::Irate,
        "idelta" => Over::Idelta,
        "deriv" => Over::Deriv,
        "predict_linear" => Over::PredictLinear,
        "double_exponential_smoothing" => Over::DoubleExponentialSmoothing,
        "avg_over_time" => Over::Average,
        "sum_over_time" => Over::Sum,
        "min_over_time" => Over::Min,
        "max_over_time" => Over::Max,
        "count_over_time" => Over::Count,
        "first_over_time" => Over::First,
        "last_over_time" => Over::Last,
        "present_over_time" => Over::Present,
        "stddev_over_time" => Over::Stddev,
        "stdvar_over_time" => Over::Stdvar,
        "quantile_over_time" => Over::Quantile,
        "mad_over_time" => Over::Mad,
        "changes" => Over::Changes,
        "resets" => Over::Resets,
        "ts_of_first_over_time" => Over::TimeOfFirst,
        "ts_of_last_over_time" => Over::TimeOfLast,
        "ts_of_min_over_time" => Over::TimeOfMin,
        "ts_of_max_over_time" => Over::TimeOfMax,
        _ => return None,
    })
}

fn math(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sqrt" => f64::sqrt,
        "sgn" => |v| if v > 0.0 { 1.0 } else if v < 0.0 { -1.0 } else { v },
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        "deg" => |v| v * 180.0 / std::f64::consts::PI,
        "rad" => |v| v * std::f64::consts::PI / 180.0,
        _ => return None,
    })
}

fn date(name: &str) -> Option<Date> {
    Some(match name {
        "minute" => Date::Minute,
        "hour" => Date::Hour,
        "day_of_week" => Date::DayOfWeek,
        "day_of_month" => Date::DayOfMonth,
        "day_of_year" => Date::DayOfYear,
        "days_in_month" => Date::DaysInMonth,
        "month" => Date::Month,
        "year" => Date::Year,
        _ => return None,
    })
}

fn other(name: &str) -> Option<Function> {
    Some(match name {
        "absent_over_time" => Function::AbsentOverTime,
        "round" => Function::Round,
        "clamp" => Function::Clamp,
        "clamp_min" => Function::ClampMin,
        "clamp_max" => Function::ClampMax,
        "timestamp" => Function::Timestamp,
        "absent" => Function::Absent,
        "histogram_quantile" => Function::HistogramQuantile,
        "histogram_quantiles" => Function::HistogramQuantiles,
        "histogram_fraction" => Function::HistogramFraction,
        "histogram_avg" | "histogram_count" | "histogram_sum" | "histogram_stddev" | "histogram_stdvar" => Function::NativeHistogramOnly,
        "label_replace" => Function::LabelReplace,
        "label_join" => Function::LabelJoin,
        "sort" => Function::Sort { descending: false },
        "sort_desc" => Function::Sort { descending: true },
        "sort_by_label" => Function::SortByLabel { descending: false },
        "sort_by_label_desc" => Function::SortByLabel { descending: true },
        "vector" => Function::Vector,
        "scalar" => Function::Scalar,
        "time" => Function::Time,
        "start" => Function::Start,
        "end" => Function::End,
        "range" => Function::Range,
        "step" => Function::Step,
        "pi" => Function::Pi,
        "max_of" => Function::MaxOf,
        "min_of" => Function::MinOf,
        _ => return None,
    })
}
