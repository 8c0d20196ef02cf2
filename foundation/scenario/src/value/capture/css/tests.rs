use proptest::prelude::*;

use super::*;

const PAGE: &str = r#"<!doctype html><title>Shop</title>
<ul id=list class="big list"><li class=a data-x="one two">1<li class="b last" lang=en-GB>2 <b>bold</b><li>3</ul>
<form action="/buy"><input name=csrf value=t0k><input name="q" type=TEXT></form><p></p><table><tr><td>cell</table>"#;

fn names(selector: &str) -> Vec<String> {
    let css = Css::parse(selector, None, Pick::First).expect(selector);
    let html = Html::parse(PAGE);
    let found = html.elements().filter(|element| html.is_any(*element, &css.selectors));
    found.map(|element| format!("{}:{}", html.name(element), html.text(element).trim())).collect()
}

#[test]
fn finds_elements() {
    for (selector, found) in [
        ("title", &["title:Shop"][..]),
        ("TITLE", &["title:Shop"]),
        ("#list > li.a", &["li:1"]),
        ("ul li", &["li:1", "li:2 bold", "li:3"]),
        ("ul.big.list > .last b", &["b:bold"]),
        ("li:first-child, li:last-child", &["li:1", "li:3"]),
        ("li:nth-child(2n+1)", &["li:1", "li:3"]),
        ("li:nth-child( even )", &["li:2 bold"]),
        ("li:nth-last-child(-n+2)", &["li:2 bold", "li:3"]),
        ("li + li", &["li:2 bold", "li:3"]),
        ("li.a ~ li", &["li:2 bold", "li:3"]),
        ("[data-x~=two]", &["li:1"]),
        ("li[lang|='en']", &["li:2 bold"]),
        ("input[name^=cs], [type=text i]", &["input:", "input:"]),
        ("form[action$=\"buy\"] input[name*=sr]", &["input:"]),
        ("li:not(.a):not(.b)", &["li:3"]),
        ("li:has(b)", &["li:2 bold"]),
        ("li:contains('bold')", &["li:2 bold"]),
        ("li:is(.a, .b)", &["li:1", "li:2 bold"]),
        ("p:empty", &["p:"]),
        ("td", &["td:cell"]),
        ("tbody > tr", &["tr:cell"]),
        ("input:first-of-type", &["input:"]),
        ("b:only-child", &["b:bold"]),
        ("table ul", &[]),
    ] {
        assert_eq!(names(selector), found, "{selector}");
    }
}

#[test]
fn what_is_not_supported_is_named() {
    for (selector, reason) in [
        ("", "ends where"),
        ("li:hover", "`:hover`"),
        ("li::before", "pseudo-element"),
        ("a[", "name"),
        ("a[b", "not closed"),
        ("a[b='c]", "not closed"),
        ("a >", "ends where"),
        ("a, ", "ends where"),
        ("a)", "from `)` on"),
        ("li:nth-child(x)", "`x`"),
        ("li:not(.a", "not closed"),
        ("> a", "`>`"),
    ] {
        let error = Css::parse(selector, None, Pick::First).expect_err(selector);
        assert!(error.contains(reason), "{selector}: {error}");
    }
    assert!(Css::parse(&":not(".repeat(500), None, Pick::First).is_err());
}

proptest! {
    #[test]
    fn no_selector_makes_it_panic(selector in r#"([a-c#.\[\]=~|^$*:>+, ()"'\\0-9é-]|not|has|nth-child|li){0,15}"#) {
        if let Ok(css) = Css::parse(&selector, None, Pick::Random) {
            let _ = css.find(PAGE);
        }
    }

    #[test]
    fn no_page_makes_it_panic(page in r"(<(/?(p|b|i|table|tr|td|select|option|template|svg|math|form|a|body|html|frameset)|!--)[ a-z=]{0,4}>?|[a-z &;]){0,25}") {
        let css = Css::parse("b, p > *", None, Pick::Last).expect("a selector");
        let _ = css.find(&page);
    }
}
