//! Templates as people write them in rules, and what becomes of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::*;
use proptest::prelude::*;

fn scope() -> Scope {
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>();
    let sample = |instance: &str, value| Sample { labels: Arc::new(pairs(&[("instance", instance), ("__value__", "v1")])), value };
    Scope {
        labels: pairs(&[("instance", "web-1.example.org:8080"), ("job", "web"), ("n", "12")]),
        external_labels: pairs(&[("region", "eu")]),
        external_url: "http://ops.example.org/prom".to_owned(),
        value: 0.1234567,
        now: Timestamp::from_second(1_700_000_000).unwrap(),
        answers: HashMap::from([
            ("up".to_owned(), Ok(vec![sample("b", 2.0), sample("a", 1.0)])),
            ("none".to_owned(), Ok(vec![])),
            ("bad".to_owned(), Err("it is broken".to_owned())),
        ]),
    }
}

fn expand(text: &str) -> Result<String, Stop> {
    Template::parse(text)?.expand(&scope())
}

#[test]
fn templates_become_text() {
    let cases = [
        // Data and variables.
        ("plain } text {", "plain } text {"),
        ("{{ $labels.job }} at {{ .Value }} in {{ $externalLabels.region }}", "web at 0.1234567 in eu"),
        ("{{ .Labels.instance }}{{ .ExternalLabels.region }}{{ $externalURL }}", "web-1.example.org:8080euhttp://ops.example.org/prom"),
        ("[{{ $labels.absent }}]", "[]"),
        ("{{ $x := $labels.job }}{{ $x = print $x \"!\" }}{{ $x }}", "web!"),
        // Numbers.
        ("{{ 1000000.0 }} {{ 123456.0 }} {{ 0.00001 }} {{ 1e30 }} {{ 5 }} {{ -2.50 }}", "1e+06 123456 1e-05 1e+30 5 -2.5"),
        ("{{ printf \"%.2f|%5.1f|%-6s|%06.2f|%d|%q|%v|%%|%+d\" $value 2.25 \"ab\" -1.5 42 \"x\\\"y\" true 3 }}", "0.12|  2.2|ab    |-01.50|42|\"x\\\"y\"|true|%|+3"),
        ("{{ printf \"%d %s\" 1.5 }}", "%!d(float64=1.5) %!s(MISSING)"),
        ("{{ printf \"%.3g %g %e %x\" 1234.5 0.1 1500.0 255 }}", "1.23e+03 0.1 1.500000e+03 ff"),
        ("{{ $value | printf \"%.1f\" }}", "0.1"),
        // Humanising.
        ("{{ humanize 1234567.0 }} {{ humanize 0.00012 }} {{ humanize 0.0 }} {{ humanize \"1e6\" }}", "1.235M 120u 0 1M"),
        ("{{ humanize1024 1048576.0 }} {{ humanize1024 0.5 }}", "1Mi 0.5"),
        ("{{ humanizeDuration 899.99 }} {{ humanizeDuration 90061 }} {{ humanizeDuration 0.1234567 }} {{ humanizeDuration -3600 }}", "14m 59s 1d 1h 1m 1s 123.5ms -1h 0m 0s"),
        ("{{ humanizePercentage $value }} {{ 1 | humanizePercentage }}", "12.35% 100%"),
        ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        ("{{ (toTime 1.5e9).Label }}", "ERROR a time has no field Label"),
        ("{{ parseDuration \"1h30m\" }} {{ toDuration 5400.5 }}", "5400 1h30m0.5s"),
        // Texts.
        ("{{ title \"aa bb-cc\" }} {{ toUpper \"ab\" }} {{ toLower \"AB\" }}", "Aa Bb-Cc AB ab"),
        ("{{ match \"a+\" \"caab\" }} {{ reReplaceAll \"(.*)b\" \"${1}d\" \"aab\" }}", "true aad"),
        ("{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }} {{ stripDomain \"[::1]:80\" }}", "web-1.example.org web-1:8080 [::1]:80"),
        ("{{ len \"abc\" }} {{ slice \"abc\" 1 2 }} {{ index $labels \"job\" }} {{ urlquery \"a b&c\" }}", "3 b web a+b%26c"),
        ("{{ graphLink \"up > 1\" }} {{ pathPrefix }}", "/graph?g0.expr=up+%3E+1&g0.tab=0 /prom"),
        // Conditions.
        ("{{ if gt $value 0.1 }}high{{ else if eq $value 0.0 }}none{{ else }}low{{ end }}", "high"),
        ("{{ if and $labels.job (not $labels.absent) }}yes{{ end }}", "yes"),
        ("{{ or $labels.absent \"default\" }} {{ eq 1 2 3 1 }} {{ ne \"a\" \"b\" }}", "default true true"),
        ("{{ with $labels.job }}<{{ . }}>{{ end }}{{ with $labels.absent }}x{{ else }}-{{ end }}", "<web>-"),
        // Ranges and queries.
        ("{{ range query \"up\" }}{{ .Labels.instance }}={{ .Value }};{{ end }}", "b=2;a=1;"),
        ("{{ range $i, $s := query \"up\" | sortByLabel \"instance\" }}{{ $i }}{{ $s | label \"instance\" }} {{ end }}", "0a 1b "),
        ("{{ with query \"up\" }}{{ . | first | value | humanize }}{{ end }}", "2"),
        ("{{ query \"up\" | first | strvalue }} {{ (query \"up\" | first).Labels.instance }}", "v1 b"),
        ("{{ range query \"none\" }}x{{ else }}nothing{{ end }}", "nothing"),
        ("{{ range $k, $v := $externalLabels }}{{ $k }}:{{ $v }}{{ end }}", "region:eu"),
        ("{{ range query \"up\" }}{{ if eq .Value 1.0 }}{{ continue }}{{ end }}{{ .Value }}{{ break }}{{ end }}", "2"),
        ("{{ len (query \"up\") }}{{ with args 1 \"x\" }}{{ .arg1 }}{{ end }}", "2x"),
        // White space and comments.
        ("a {{- /* why */ -}} b", "ab"),
        ("a \n{{- $labels.job -}}\n b {{/* c }} */}}.", "awebb ."),
        ("{{ \"}}\" }}{{ `raw\\n` }}{{ \"tab\\t\\u00e9\" }}{{ 'a' }}", "}}raw\\ntab\té97"),
        // Failures.
        ("{{ query \"bad\" }}", "ERROR query \"bad\": it is broken"),
        ("{{ query \"none\" | first }}", "ERROR first() called on vector with no elements"),
        ("{{ $nope }}", "ERROR undefined variable \"$nope\""),
        ("{{ nope 1 }}", "ERROR function \"nope\" not defined"),
        ("{{ humanize \"x\" }}", "ERROR \"x\" is not a number"),
        ("{{ .Labels.job", "ERROR an action does not end; close it with }}"),
        ("{{ if true }}x", "ERROR {{if}} has no {{end}}"),
        ("{{ end }}", "ERROR {{end}} without {{if}}, {{with}} or {{range}}"),
        ("{{ }}", "ERROR a value or function is missing"),
        ("{{ lt 1 \"a\" }}", "ERROR incompatible types for comparison: a number and a text"),
        ("{{ template \"x\" }}", "ERROR {{template}} is not available in rules; write the text in place"),
        ("{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}", "ERROR the template takes too many steps"),
    ];
    for (template, expected) in cases {
        let text = match expand(template) {
            Ok(text) => text,
            Err(Stop::Error(error)) => format!("ERROR {error}"),
            Err(Stop::Query(query)) => format!("QUERY {query}"),
        };
        assert_eq!(text, expected, "{template}");
    }
}

#[test]
fn a_query_that_is_not_answered_yet_is_asked_for() {
    assert_eq!(expand("{{ range query \"down\" }}{{ end }}"), Err(Stop::Query("down".to_owned())));
}

proptest! {
    #[test]
    fn nothing_panics(text in "[{}a-z$.|()\"'`:= 0-9%\\-é/*]{0,40}") {
        let _ = expand(&text);
        let _ = expand(&format!("{{{{ {text} }}}}"));
        let _ = expand(&format!("{{{{ printf `{text}` 1 2.5 `x` }}}}"));
    }
}
