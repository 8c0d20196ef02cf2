//! Who is one user: by a header, or by a cookie that the proxy sets where it is missing.

use http::header::{COOKIE, HeaderName, HeaderValue};
use http::HeaderMap;

use crate::config;

/// Longer ones are not looked at.
const ID_MAX: usize = 1_024;

pub(crate) enum Sticky {
    Cookie { name: String, attributes: String },
    Header(HeaderName),
}

/// A user, and the `Set-Cookie` that makes the next request say so.
pub(crate) struct User {
    pub id: Vec<u8>,
    pub cookie: Option<HeaderValue>,
}

impl Sticky {
    /// None if the header's name is none, which `Config::check` has refused.
    pub fn new(settings: &config::Sticky, secure: bool) -> Option<Self> {
        match settings {
            config::Sticky::Header { name } => HeaderName::from_bytes(name.as_bytes()).ok().map(Self::Header),
            config::Sticky::Cookie { name, max_age } => {
                let age = max_age.map(|age| format!("; Max-Age={}", age.as_secs())).unwrap_or_default();
                let secure = if secure { "; Secure" } else { "" };
                Some(Self::Cookie { name: name.clone(), attributes: format!("; Path=/; HttpOnly; SameSite=Lax{age}{secure}") })
            }
        }
    }

    pub fn user(&self, headers: &HeaderMap) -> Option<User> {
        match self {
            Self::Header(name) => headers.get(name).map(HeaderValue::as_bytes).filter(|id| acceptable(id)).map(|id| User { id: id.to_vec(), cookie: None }),
            Self::Cookie { name, attributes } => Some(cookie(headers, name).map_or_else(|| fresh(name, attributes), |id| User { id: id.to_vec(), cookie: None })),
        }
    }
}

fn acceptable(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= ID_MAX
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let pairs = headers.get_all(COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    pairs.map(<[u8]>::trim_ascii).find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")).filter(|id| acceptable(id))
}

fn fresh(name: &str, attributes: &str) -> User {
    let id = format!("{:016x}", fastrand::u64(..));
    let cookie = HeaderValue::try_from(format!("{name}={id}{attributes}")).ok();
    User { id: id.into_bytes(), cookie }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&'static str]) -> HeaderMap {
        cookies.iter().map(|cookie| (COOKIE, HeaderValue::from_static(cookie))).collect()
    }

    #[test]
    fn finds_its_cookie_among_others() {
        assert_eq!(cookie(&headers(&["a=1; who=abc;b=2"]), "who"), Some(&b"abc"[..]));
        assert_eq!(cookie(&headers(&["a=1", "who=abc"]), "who"), Some(&b"abc"[..]));
        assert_eq!(cookie(&headers(&["awho=1; whose=2; who="]), "who"), None);
    }

    #[test]
    fn a_user_without_cookie_gets_one() {
        let sticky = Sticky::new(&config::Sticky::Cookie { name: "who".into(), max_age: None }, true).unwrap();
        let user = sticky.user(&HeaderMap::new()).unwrap();
        let cookie = user.cookie.unwrap();
        assert_eq!(cookie.to_str().unwrap(), format!("who={}; Path=/; HttpOnly; SameSite=Lax; Secure", String::from_utf8(user.id).unwrap()));
    }
}
