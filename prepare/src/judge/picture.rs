//! A judgement as a picture: the points of both versions in the order of time, and the effect with its interval.
//!
//! A self-contained SVG. Its colours are of middling lightness, so that it can be read on a light page and on a dark one.

use std::fmt::Write;

use super::{Effect, Judgement, Measure, Plan, Verdict};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const INK: &str = "#767f8c";
const CONTROL: &str = "#3d85c6";
const CANARY: &str = "#d9663f";
const GOOD: &str = "#3c9d6e";
const BAD: &str = "#c2452d";

impl Judgement {
    /// Draws what was judged; `plan`, `control` and `canary` are what [`super::judge`] was given.
    pub fn picture(&self, plan: &Plan, control: &[f64], canary: &[f64]) -> String {
        let mut svg = String::new();
        // Writing into a string cannot fail.
        let _ = self.draw(&mut svg, plan, control, canary);
        svg
    }

    fn draw(&self, svg: &mut String, plan: &Plan, control: &[f64], canary: &[f64]) -> std::fmt::Result {
        let colour = match self.verdict {
            Verdict::Pass => GOOD,
            Verdict::Fail => BAD,
            Verdict::NotEnoughData => INK,
        };
        let title = format!("{}: {}", self.verdict, self.reason);
        writeln!(
            svg,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}" font-family="system-ui, sans-serif" font-size="11" fill="{INK}">"#
        )?;
        writeln!(svg, r#"<title>{title}</title><text x="{LEFT}" y="18" font-size="13" font-weight="600" fill="{colour}">{title}</text>"#)?;
        draw_points(svg, control, canary)?;
        if let Some(effect) = &self.effect {
            draw_effect(svg, effect, plan, colour)?;
        }
        for (row, (name, sample)) in [("control", &self.control), ("canary", &self.canary)].into_iter().enumerate() {
            let figure = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
            let text = format!(
                "{name}: {} points, {} missing, mean {}, median {}, deviation {}, autocorrelation {}",
                sample.points,
                sample.missing,
                figure(sample.mean),
                figure(sample.median),
                figure(sample.standard_deviation),
                figure(sample.autocorrelation)
            );
            writeln!(svg, r#"<text x="{LEFT}" y="{}">{text}</text>"#, 292 + row * 16)?;
        }
        writeln!(svg, "</svg>")
    }
}

fn draw_points(svg: &mut String, control: &[f64], canary: &[f64]) -> std::fmt::Result {
    const TOP: f64 = 44.0;
    const BOTTOM: f64 = 200.0;
    let all = || control.iter().chain(canary).copied().filter(|value| value.is_finite());
    let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    if least > most {
        return writeln!(svg, r#"<text x="{LEFT}" y="{TOP}">no points</text>"#);
    }
    let span = if most > least { most - least } else { 1.0 };
    let y = |value: f64| BOTTOM - (value - least) / span * (BOTTOM - TOP);
    let step = (WIDTH - LEFT - RIGHT) / control.len().max(canary.len()).max(2) as f64;
    for value in [least, most] {
        let height = y(value);
        writeln!(svg, r#"<line x1="{LEFT}" x2="{}" y1="{height:.1}" y2="{height:.1}" stroke="{INK}" stroke-opacity="0.3"/>"#, WIDTH - RIGHT)?;
        writeln!(svg, r#"<text x="{}" y="{:.1}" text-anchor="end">{value:.3}</text>"#, LEFT - 6.0, height + 4.0)?;
    }
    for (index, (name, colour, values)) in [("control", CONTROL, control), ("canary", CANARY, canary)].into_iter().enumerate() {
        let legend = LEFT + 90.0 * index as f64;
        writeln!(svg, r#"<circle cx="{}" cy="32" r="4" fill="{colour}"/><text x="{}" y="36">{name}</text>"#, legend + 4.0, legend + 12.0)?;
        for (position, value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            let x = LEFT + (position as f64 + 0.5) * step;
            writeln!(svg, r#"<circle cx="{x:.1}" cy="{:.1}" r="3" fill="{colour}" fill-opacity="0.75"/>"#, y(*value))?;
        }
    }
    Ok(())
}

/// The interval over the changes that are tolerated.
fn draw_effect(svg: &mut String, effect: &Effect, plan: &Plan, colour: &str) -> std::fmt::Result {
    const Y: f64 = 244.0;
    let none = if effect.measure == Measure::Ratio { 1.0 } else { 0.0 };
    let reach = |value: Option<f64>| value.map_or(0.0, |value| (value - none).abs());
    let widest = [reach(effect.lower), reach(effect.upper), reach(Some(effect.estimate)), plan.tolerance * none].into_iter().fold(1e-9, f64::max) * 1.15;
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    let x = |value: f64| middle + ((value - none) / widest).clamp(-1.0, 1.0) * (middle - LEFT);
    if effect.measure == Measure::Ratio {
        let (from, to) = (x(1.0 / (1.0 + plan.tolerance)), x(1.0 + plan.tolerance));
        writeln!(svg, r#"<rect x="{from:.1}" y="{}" width="{:.1}" height="24" fill="{GOOD}" fill-opacity="0.18"><title>tolerated</title></rect>"#, Y - 12.0, to - from)?;
    }
    writeln!(svg, r#"<line x1="{middle}" x2="{middle}" y1="{}" y2="{}" stroke="{INK}"/>"#, Y - 16.0, Y + 16.0)?;
    let (from, to) = (effect.lower.map_or(LEFT, x), effect.upper.map_or(WIDTH - RIGHT, x));
    writeln!(svg, r#"<line x1="{from:.1}" x2="{to:.1}" y1="{Y}" y2="{Y}" stroke="{colour}" stroke-width="3"/>"#)?;
    writeln!(svg, r#"<circle cx="{:.1}" cy="{Y}" r="5" fill="{colour}"/>"#, x(effect.estimate))?;
    writeln!(svg, r#"<text x="{middle}" y="{}" text-anchor="middle">no change</text>"#, Y + 30.0)
}
