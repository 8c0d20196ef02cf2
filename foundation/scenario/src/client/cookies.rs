//! A virtual user's cookies, after RFC 6265.
//!
//! There is no list of public suffixes: a cookie for a domain without a dot is its host's own.

use std::borrow::Cow;
use std::time::SystemTime;

use http::header::{self, HeaderMap, HeaderValue};

use super::address::Address;

/// A server that sets more loses the oldest.
const COOKIES_MAX: usize = 300;

#[derive(Debug, Default)]
pub(crate) struct Jar {
    cookies: Vec<Cookie>,
}

#[derive(Debug, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    /// Lower case, without a leading dot.
    domain: String,
    host_only: bool,
    path: String,
    secure: bool,
}

impl Jar {
    /// Sets the `Cookie` header from what the jar holds for the address, behind what the script itself wrote.
    pub fn lay_on(&self, headers: &mut Cow<'_, HeaderMap>, own: Option<&HeaderValue>, address: &Address) {
        if self.cookies.is_empty() {
            return;
        }
        let (host, path) = (address.endpoint().host(), address.path().path());
        let mut line = own.and_then(|own| own.to_str().ok()).unwrap_or_default().to_owned();
        let fitting = |cookie: &&Cookie| {
            cookie.is_for_host(host)
                && is_below(path, &cookie.path)
                && (!cookie.secure || address.endpoint().secure() || is_loopback(host))
        };
        for cookie in self.cookies.iter().filter(fitting) {
            if !line.is_empty() {
                line.push_str("; ");
            }
            line.push_str(&cookie.name);
            line.push('=');
            line.push_str(&cookie.value);
        }
        if let Ok(mut value) = HeaderValue::try_from(line)
            && !value.is_empty()
        {
            value.set_sensitive(true);
            headers.to_mut().insert(header::COOKIE, value);
        }
    }

    /// Keeps what an answer sets.
    pub fn take_from(&mut self, headers: &HeaderMap, address: &Address) {
        for value in headers.get_all(header::SET_COOKIE) {
            let Ok(text) = value.to_str() else { continue };
            let Some((cookie, expired)) = read(text, address) else { continue };
            self.put(cookie, expired);
        }
    }

    /// A cookie that the script writes itself.
    pub fn set(&mut self, address: &Address, name: &str, value: &str) {
        let domain = address.endpoint().host().to_ascii_lowercase();
        let (name, value) = (name.to_owned(), value.to_owned());
        self.put(Cookie { name, value, domain, host_only: true, path: "/".to_owned(), secure: false }, false);
    }

    fn put(&mut self, cookie: Cookie, expired: bool) {
        let same = |other: &Cookie| {
            other.name == cookie.name && other.domain == cookie.domain && other.path == cookie.path
        };
        let at = self.cookies.iter().position(same);
        match (at, expired) {
            (Some(at), true) => drop(self.cookies.remove(at)),
            (Some(at), false) => self.cookies[at] = cookie,
            (None, true) => {}
            (None, false) => {
                if self.cookies.len() == COOKIES_MAX {
                    self.cookies.remove(0);
                }
                self.cookies.push(cookie);
            }
        }
    }
}

impl Cookie {
    fn is_for_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        host == self.domain
            || (!self.host_only && host.strip_suffix(&self.domain).is_some_and(|front| front.ends_with('.')))
    }
}

/// One `Set-Cookie`, and whether it takes the cookie away. None if the host may not set it.
fn read(text: &str, address: &Address) -> Option<(Cookie, bool)> {
    let host = address.endpoint().host().to_ascii_lowercase();
    let mut parts = text.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let mut cookie = Cookie {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
        domain: host.clone(),
        host_only: true,
        path: default_path(address.path().path()).to_owned(),
        secure: false,
    };
    let (mut expired, mut lifetime_given) = (false, false);
    for attribute in parts {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "domain" if !value.is_empty() => {
                let domain = value.trim_start_matches('.').to_ascii_lowercase();
                if domain == host {
                    cookie.host_only = !domain.contains('.');
                } else if domain.contains('.') && host.ends_with(&format!(".{domain}")) {
                    (cookie.domain, cookie.host_only) = (domain, false);
                } else {
                    return None;
                }
            }
            "path" if value.starts_with('/') => cookie.path = value.to_owned(),
            "secure" => cookie.secure = true,
            "max-age" => {
                (expired, lifetime_given) = (value.parse::<i64>().is_ok_and(|age| age <= 0), true);
            }
            // How long a cookie lives does not matter within a journey, only whether it has ended.
            "expires" if !lifetime_given => expired = is_past(value),
            _ => {}
        }
    }
    (!cookie.name.is_empty()).then_some((cookie, expired))
}

/// Whether an HTTP date lies behind us. What cannot be read does not.
fn is_past(date: &str) -> bool {
    let parts: Vec<&str> = date.split([' ', '-', ',']).filter(|part| !part.is_empty()).collect();
    let [_, day, month, year, ..] = parts[..] else { return false };
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let month = MONTHS.iter().position(|name| month.to_ascii_lowercase().starts_with(name));
    let (Ok(day), Some(month), Ok(year)) = (day.parse::<u64>(), month, year.parse::<u64>()) else { return false };
    let year = if year < 70 { year + 2000 } else if year < 100 { year + 1900 } else { year };
    // Days since 1970, counted well enough for a date that is long past, as deleted cookies have.
    let days = (year.saturating_sub(1970)) * 365 + (year.saturating_sub(1969)) / 4 + month as u64 * 30 + day;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400);
    days + 5 < now
}

fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path == folder
        || path.strip_prefix(folder).is_some_and(|rest| folder.ends_with('/') || rest.starts_with('/'))
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(jar: &Jar, url: &str) -> String {
        let mut headers = Cow::Owned(HeaderMap::new());
        jar.lay_on(&mut headers, None, &Address::parse(url).unwrap());
        headers.get(header::COOKIE).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    }

    fn jar(url: &str, set: &[&str]) -> Jar {
        let mut headers = HeaderMap::new();
        for line in set {
            headers.append(header::SET_COOKIE, HeaderValue::from_str(line).unwrap());
        }
        let mut jar = Jar::default();
        jar.take_from(&headers, &Address::parse(url).unwrap());
        jar
    }

    #[test]
    fn a_cookie_comes_back_to_its_host_and_below_its_path() {
        let jar = jar("http://shop.test/cart/add", &["a=1", "b=2; Path=/", "c=3; Path=/other"]);
        assert_eq!(sent(&jar, "http://shop.test/cart/x"), "a=1; b=2");
        assert_eq!(sent(&jar, "http://shop.test/cartoon"), "b=2");
        assert_eq!(sent(&jar, "http://evil.test/cart/x"), "");
    }

    #[test]
    fn a_domain_covers_its_subdomains_but_not_strangers() {
        let jar = jar("http://www.shop.test/", &["a=1; Domain=shop.test", "b=2; Domain=evil.test", "c=3; Domain=test"]);
        assert_eq!(sent(&jar, "http://api.shop.test/"), "a=1");
        assert_eq!(sent(&jar, "http://myshop.test/"), "");
    }

    #[test]
    fn a_later_cookie_replaces_and_an_expired_one_takes_away() {
        let jar = jar("http://shop.test/", &[
            "a=1",
            "a=2",
            "b=1",
            "b=; Max-Age=0",
            "c=1",
            "c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ]);
        assert_eq!(sent(&jar, "http://shop.test/"), "a=2");
    }

    #[test]
    fn a_secure_cookie_is_not_sent_in_the_clear() {
        let jar = jar("https://shop.test/", &["a=1; Secure"]);
        assert_eq!(sent(&jar, "https://shop.test/"), "a=1");
        assert_eq!(sent(&jar, "http://shop.test/"), "");
    }
}
