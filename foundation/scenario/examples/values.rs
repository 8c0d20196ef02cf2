//! What a virtual user's values cost, in microseconds each: `cargo run --release -p mainstay-scenario --example values`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use documents::diagnostic::Origin;
use documents::script;
use mainstay_scenario::value::{
    Base, Capture, Expectation, Expression, Hook, HookRequest, Json, Processor, Response, Scope, Surroundings, Text,
};
use serde_json::{Value, json};

const BODY: &str = r#"{"id": 4711, "status": "open", "customer": {"name": "Ada", "mail": "ada@example.org"},
    "items": [{"sku": "pen", "price": 1.5, "count": 2}, {"sku": "ink", "price": 12.0, "count": 1}], "total": 15.0}"#;

const FUNCTIONS: &str = "module.exports = {
    step(context, events, done) { context.vars.n = context.vars.id + 1; events.emit('counter', 'n', 1); done(); },
    idle(requestParams, context, events, done) { done(); },
    sign(requestParams, context, events, done) { requestParams.headers['x-sign'] = `${context.vars.id}`; done(); },
    after(requestParams, response, context, events, done) { context.vars.total = JSON.parse(response.body).total; done(); },
    async later(context) { context.vars.n = await Promise.resolve(1); },
};";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = Arc::new(Base::new(surroundings(), [("colour".to_owned(), json!("red"))]));
    let mut scope = Scope::new(base.clone());
    scope.set("id", 4711);
    scope.set("token", "a9f1c2d3e4");
    scope.set("customer", json!({"name": "Ada"}));

    let url = Text::parse("{{ target }}/orders/{{ id }}?colour={{ colour }}")?;
    measure("a URL of three variables", || url.render(&scope).map(drop));
    let body = Json::parse(&json!({"id": "{{ id }}", "name": "{{ customer.name }}", "count": 2, "tags": ["a", "b"]}))?;
    measure("a JSON body of two variables", || body.to_bytes(&scope).map(drop));
    let condition = Expression::parse("id > 10 and colour == \"red\"")?;
    measure("a condition", || condition.holds(&|name| scope.get(name).map(|value| value.into_owned())).map(drop));
    measure("an answer's JSON", || response().json().map(drop));

    let captures = [compile("$.id")?, compile("$.items[?(@.price > 10)].sku")?];
    let answer = response();
    measure("two captures", || captures.iter().try_for_each(|capture| capture.run(&answer, &scope).map(drop)));
    let expectations = expectations()?;
    measure("three expectations", || expectations.iter().try_for_each(|expected| expected.check(&answer, &scope)));
    measure("all of it, for one request", || {
        let mut scope = Scope::new(base.clone());
        scope.set("id", 4711);
        black_box((url.render(&scope).ok(), body.to_bytes(&scope).ok()));
        let answer = response();
        for capture in &captures {
            for (name, value) in capture.run(&answer, &scope).map_err(drop)? {
                scope.set(name, value);
            }
        }
        expectations.iter().try_for_each(|expected| expected.check(&answer, &scope).map_err(drop))
    });
    functions(&mut scope, &answer)
}

fn functions(scope: &mut Scope, answer: &Response) -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("mainstay-values-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("functions.js"), FUNCTIONS)?;
    let processor = Processor::load(&folder.join("functions.js"), &folder)?;
    std::fs::remove_dir_all(&folder)?;
    let params = json!({"url": "/orders/{{ id }}", "method": "POST", "headers": {"accept": "*/*"}, "json": {"id": 1}, "timeout": 10});
    let params = params.as_object().cloned().unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut call = |name: &str| runtime.block_on(async {
        let mut request = HookRequest::new(params.clone());
        let hook = match name {
            "step" | "later" => Hook::Step,
            "after" => Hook::AfterResponse(&mut request, answer),
            _ => Hook::BeforeRequest(&mut request),
        };
        processor.call(name, 1, hook, scope).await.map(drop)
    });
    for (what, name) in [
        ("a JavaScript step", "step"),
        ("an async JavaScript step", "later"),
        ("a beforeRequest that does nothing", "idle"),
        ("a beforeRequest that sets a header", "sign"),
        ("an afterResponse that parses JSON", "after"),
    ] {
        measure(what, || call(name));
    }
    Ok(())
}

/// Prints the least time of many short rounds, so that a busy machine counts little.
fn measure<E>(what: &str, mut run: impl FnMut() -> Result<(), E>) {
    const ROUNDS: u32 = 1_000;
    const RUNS: u32 = 30;
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..RUNS {
            if run().is_err() {
                println!("{what}: failed");
                return;
            }
        }
        best = best.min(began.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS));
    }
    println!("{best:8.2} µs  {what}");
}

fn surroundings() -> Surroundings {
    let process = std::env::vars().collect();
    Surroundings { target: Some("http://shop:8080".to_owned()), process, ..Surroundings::default() }
}

fn response() -> Response {
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", http::HeaderValue::from_static("application/json"));
    Response::new(200, headers, BODY.into(), "http://shop:8080/orders".to_owned())
}

fn origin() -> Origin {
    Origin { path: "shop.yml".to_owned(), line: 1, column: 1 }
}

fn compile(path: &str) -> Result<Capture, mainstay_scenario::value::CompileError> {
    let selector = script::Selector::Json(path.to_owned());
    Capture::compile(&script::Capture { selector, variable: "found".to_owned(), strict: None, origin: origin() })
}

fn expectations() -> Result<Vec<Expectation>, mainstay_scenario::value::CompileError> {
    let checks = [
        script::Check::StatusCode(vec![json!(200)]),
        script::Check::ContentType(Value::from("json")),
        script::Check::HasProperty(Value::from("customer.name")),
    ];
    let compile = |check| Expectation::compile(&script::Expectation { check, description: None, origin: origin() });
    checks.into_iter().map(compile).collect()
}
