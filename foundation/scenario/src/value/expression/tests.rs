use proptest::prelude::*;
use serde_json::json;

use super::*;

fn eval(expression: &str, data: Value) -> Value {
    let look_up = |name: &str| data.get(name).cloned();
    Expression::parse(expression).and_then(|expression| expression.eval(&look_up)).expect(expression)
}

fn slip(expression: &str) -> ExpressionError {
    Expression::parse(expression).expect_err(expression)
}

#[test]
fn computes_with_the_usual_precedence() {
    for (expression, value) in [
        ("1 + 2 * 3", json!(7)),
        ("(1 + 2) * 3", json!(9)),
        ("2 ^ 3 ^ 2", json!(64)),
        ("-2 ^ 2", json!(4)),
        ("10 - 2 - 3", json!(5)),
        ("97 % 10", json!(7)),
        ("1.5 + 1", json!(2.5)),
        ("1 - -1", json!(2)),
        ("1 / 0 > 5", json!(1)),
        ("max(2, 5, 6) + min(1) + abs(-1)", json!(8)),
        ("round(2.5) + round(-2.5) + ceil(0.1) + floor(1.9) + sqrt(9)", json!(6)),
        ("log(1) == 0 and random() < 1", json!(1)),
    ] {
        assert_eq!(eval(expression, json!({})), value, "{expression}");
    }
}

#[test]
fn conditions_of_scripts() {
    let data = json!({
        "http.codes.200": 12, "vusers.failed": 0, "user": {"name": "Ada"}, "role": "admin", "flag": true, "tags": ["a", "b"],
        "hello-world": 3, "n": "10",
    });
    for (expression, holds) in [
        ("http.codes.200 > 10 and vusers.failed == 0", true),
        ("http.codes.200 > 10 and vusers.failed", false),
        ("role == \"admin\"", true),
        ("role != \"admin\" or not vusers.failed", true),
        ("role in (\"user\", \"admin\")", true),
        ("role not in (\"user\", \"admin\")", false),
        ("(\"a\", \"b\") in tags", true),
        ("name of user == \"Ada\"", true),
        ("'hello-world' == 3", true),
        ("flag == true", true),
        ("flag and flag != false", true),
        ("gone", false),
        ("gone == null", true),
        ("gone > 1", false),
        ("n == 10 and n > 9", true),
        ("role ~= \"^adm\"", true),
        ("role ~= gone", false),
        ("1 > 2 ? role : flag", true),
        ("not(flag)", false),
    ] {
        let look_up = |name: &str| data.get(name).cloned();
        let result = Expression::parse(expression).and_then(|expression| expression.holds(&look_up));
        assert_eq!(result, Ok(holds), "{expression}");
    }
}

#[test]
fn not_binds_tighter_than_a_comparison() {
    assert_eq!(eval("not x == 4", json!({"x": 4})), json!(0), "it is (not x) == 4");
    assert_eq!(eval("1 == 5 not in (1, 2)", json!({})), json!(1), "it is 1 == (5 not in (1, 2))");
    assert_eq!(eval("0 ? 1 : 0 ? 2 : 3", json!({})), json!(3));
}

#[test]
fn texts_are_joined_and_lists_are_values() {
    assert_eq!(eval("\"a\" + 1", json!({})), json!("a1"));
    assert_eq!(eval(r#""\"\\" + "é""#, json!({})), json!("\"\\é"));
    assert_eq!(eval("(42, \"fifty\", x)", json!({"x": null})), json!([42, "fifty", null]));
}

#[test]
fn slips_are_found_before_the_run_with_their_column() {
    assert_eq!((slip("a =  1").column, slip("a =  1").message.as_str()), (3, "`=` compares nothing: write `==`"));
    assert_eq!(slip("é == 1").column, 1);
    assert_eq!((slip("a && b").column, slip("a && b").message.as_str()), (3, "write `and`, not `&&`"));
    assert_eq!(slip("a and").column, 6);
    assert_eq!(slip("(a, b").message, "here should stand `)`, not the end");
    assert_eq!(slip("a b").message, "here should stand an operator, or the end, not `b`");
    assert_eq!(slip("lots(1)").mend.as_deref(), Some("the functions are: `abs`, `ceil`, `floor`, `log`, `max`, `min`, `random`, `round`, `sqrt`"));
    assert_eq!(slip("rando() > 1").mend.as_deref(), Some("did you mean `random`?"));
    assert_eq!(slip("a ~= \"(\"").column, 6);
    for faulty in ["", "0hey", "\"\\n\"", "\"open", "1 +", "123.456hey", "()", "f(", "a.b.c of"] {
        assert!(Expression::parse(faulty).is_err(), "{faulty}");
    }
    assert!(Expression::parse(&"(".repeat(5_000)).is_err());
    assert!(Expression::parse(&"-".repeat(5_000)).is_err());
    assert!(Expression::parse(&"1+".repeat(4_000)).is_err());
}

#[test]
fn names_its_symbols() {
    let expression = Expression::parse("http.codes.200 > 1 and max('a b', 2) in (x, y of z)").expect("it parses");
    assert_eq!(expression.symbols(), ["http.codes.200", "a b", "x", "z"]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in r#"([a-c0-9 .(),+*/%^<>=!~?:"'\\$-]|and |or |not |in |of ){0,40}"#) {
        if let Ok(expression) = Expression::parse(&text) {
            let _ = expression.eval(&|name| (name == "a").then(|| json!({"b": [1, "x"]})));
        }
    }

    #[test]
    fn sums_are_those_of_numbers(numbers in prop::collection::vec(-1000i64..1000, 1..8)) {
        let text = numbers.iter().map(|number| format!("({number})")).collect::<Vec<_>>().join(" + ");
        prop_assert_eq!(eval(&text, json!({})), json!(numbers.iter().sum::<i64>()));
    }
}
