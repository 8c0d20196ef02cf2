//! A line chart as a self-contained SVG. Its colours are of middling lightness, so that it can be read
//! on a light page and on a dark one.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 52.0;
const INK: &str = "#767f8c";
const MARK: &str = "#c2452d";
const COLOURS: [&str; 8] = ["#3d85c6", "#d9663f", "#3c9d6e", "#a971b8", "#c08a1e", "#4aa3a8", "#c75b86", "#7d8f2f"];
/// More lines than colours cannot be told apart.
const MAX_LINES: usize = COLOURS.len();

#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Part of the file's name.
    pub name: String,
    pub title: String,
    pub unit: String,
    /// Seconds since the epoch, as all times here.
    pub start_s: f64,
    pub end_s: f64,
    /// Between two points; a larger gap interrupts the line.
    pub step_s: f64,
    pub lines: Vec<Line>,
    pub marks: Vec<Mark>,
    /// What it was drawn from.
    pub query: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// A vertical line with a word beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub at_s: f64,
    pub label: String,
}

impl Chart {
    pub fn svg(&self) -> String {
        let scale = Scale::of(self);
        let mut svg = String::new();
        // Writing into a string cannot fail.
        let _ = self.draw(&mut svg, &scale);
        svg
    }

    fn draw(&self, svg: &mut String, scale: &Scale) -> std::fmt::Result {
        let title = escape(&format!("{} ({})", self.title, self.unit));
        writeln!(
            svg,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}" font-family="system-ui, sans-serif" font-size="11" fill="{INK}">"#
        )?;
        writeln!(svg, "<title>{title}</title>")?;
        writeln!(svg, r#"<text x="{LEFT}" y="16" font-size="13" font-weight="600">{title}</text>"#)?;
        self.draw_axes(svg, scale)?;
        self.draw_marks(svg, scale)?;
        for (line, colour) in self.lines.iter().zip(COLOURS) {
            draw_line(svg, line, colour, self.step_s, scale)?;
        }
        self.draw_legend(svg)?;
        writeln!(svg, "</svg>")
    }

    fn draw_axes(&self, svg: &mut String, scale: &Scale) -> std::fmt::Result {
        for tick in scale.value_ticks() {
            let y = scale.y(tick);
            writeln!(svg, r#"<path d="M{LEFT} {y:.1}H{:.1}" stroke="{INK}" stroke-opacity="0.25"/>"#, WIDTH - RIGHT)?;
            writeln!(svg, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#, LEFT - 6.0, y + 4.0, short(tick))?;
        }
        for tick in scale.time_ticks() {
            let x = scale.x(tick);
            writeln!(svg, r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#, HEIGHT - BOTTOM + 16.0, clock(tick, scale.end_s - scale.start_s))?;
        }
        Ok(())
    }

    fn draw_marks(&self, svg: &mut String, scale: &Scale) -> std::fmt::Result {
        for (mark, row) in self.marks.iter().filter(|mark| scale.holds(mark.at_s)).zip([0.0, 12.0].into_iter().cycle()) {
            let x = scale.x(mark.at_s);
            writeln!(svg, r#"<path d="M{x:.1} {TOP}V{:.1}" stroke="{MARK}" stroke-dasharray="4 3"/>"#, HEIGHT - BOTTOM)?;
            let (anchor, dx) = if x > WIDTH * 0.8 { ("end", -4.0) } else { ("start", 4.0) };
            writeln!(svg, r#"<text x="{:.1}" y="{:.1}" text-anchor="{anchor}" fill="{MARK}">{}</text>"#, x + dx, TOP - 14.0 + row, escape(&mark.label))?;
        }
        Ok(())
    }

    fn draw_legend(&self, svg: &mut String) -> std::fmt::Result {
        let mut x = LEFT;
        for (line, colour) in self.lines.iter().zip(COLOURS) {
            let name: String = line.name.chars().take(40).collect();
            writeln!(svg, r#"<rect x="{x:.1}" y="{:.1}" width="10" height="10" rx="2" fill="{colour}"/>"#, HEIGHT - 22.0)?;
            writeln!(svg, r#"<text x="{:.1}" y="{:.1}">{}</text>"#, x + 15.0, HEIGHT - 13.0, escape(&name))?;
            x += 32.0 + 6.2 * name.chars().count() as f64;
        }
        if self.lines.len() > MAX_LINES {
            writeln!(svg, r#"<text x="{x:.1}" y="{:.1}">and {} more</text>"#, HEIGHT - 13.0, self.lines.len() - MAX_LINES)?;
        }
        Ok(())
    }
}

fn draw_line(svg: &mut String, line: &Line, colour: &str, step_s: f64, scale: &Scale) -> std::fmt::Result {
    let mut path = String::new();
    let mut last = None;
    for (time, value) in line.points.iter().filter(|(time, value)| value.is_finite() && scale.holds(*time)) {
        let joined = last.is_some_and(|last| time - last <= step_s * 1.5);
        write!(path, "{}{:.1} {:.1}", if joined { 'L' } else { 'M' }, scale.x(*time), scale.y(*value))?;
        if !joined {
            // So that a point alone shows, too.
            path.push_str("h0.1");
        }
        last = Some(*time);
    }
    writeln!(svg, r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/>"#)
}

struct Scale {
    start_s: f64,
    end_s: f64,
    tick: f64,
    top: f64,
}

impl Scale {
    fn of(chart: &Chart) -> Self {
        let values = chart.lines.iter().take(MAX_LINES).flat_map(|line| &line.points).map(|(_, value)| *value);
        let largest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let tick = nice(if largest > 0.0 { largest / 4.0 } else { 0.25 });
        let top = tick * (largest / tick).ceil().max(1.0);
        Self { start_s: chart.start_s, end_s: chart.end_s.max(chart.start_s + 1.0), tick, top }
    }

    fn holds(&self, time_s: f64) -> bool {
        (self.start_s..=self.end_s).contains(&time_s)
    }

    fn x(&self, time_s: f64) -> f64 {
        LEFT + (time_s - self.start_s) / (self.end_s - self.start_s) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value / self.top).clamp(0.0, 1.0);
        TOP + (1.0 - share) * (HEIGHT - TOP - BOTTOM)
    }

    fn value_ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let (tick, top) = (self.tick, self.top);
        (0..).map(move |n| f64::from(n) * tick).take_while(move |value| *value <= top * 1.001)
    }

    fn time_ticks(&self) -> impl Iterator<Item = f64> + use<> {
        const STEPS_S: [f64; 12] = [5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 10_800.0, 43_200.0, 86_400.0];
        let wanted = (self.end_s - self.start_s) / 6.0;
        let step = STEPS_S.into_iter().find(|step| *step >= wanted).unwrap_or_else(|| nice(wanted));
        let (first, end) = ((self.start_s / step).ceil() * step, self.end_s);
        (0..).map(move |n| first + f64::from(n) * step).take_while(move |time| *time <= end)
    }
}

/// The next of 1, 2, 2.5, 5 times a power of ten.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|nice| *nice >= value * 0.999).unwrap_or(value)
}

fn short(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    rounded.to_string()
}

/// UTC, with the date if the window is longer than a day.
fn clock(time_s: f64, window_s: f64) -> String {
    let format = match window_s {
        window if window > 86_400.0 => "%m-%d %H:%M",
        window if window < 300.0 => "%H:%M:%S",
        _ => "%H:%M",
    };
    kernel::Timestamp::from_second(time_s as i64).map(|time| time.strftime(format).to_string()).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
