// SPDX-License-Identifier: Apache-2.0
//! Twin of `HeadParser.read` and `check_head` in `gateway/http`, for heads as nearly all are.

use httparse::{Request, Status, EMPTY_HEADER};
use memchr::{memchr, memchr_iter};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList, PyTuple};

/// Heads with more lines go the other way.
const MOST_HEADERS: usize = 64;
/// Longer names go the other way: they are lower-cased on the stack.
const LONGEST_NAME: usize = 64;
/// The longest value of Content-Length that is read here, in digits.
const LONGEST_LENGTH: usize = 15;
const LONGEST_HOST: usize = 261;

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Names that most requests have: each is made once, and so are its hash and its bytes.
const USUAL: [&str; 46] = [
    "accept", "accept-charset", "accept-encoding", "accept-language", "apikey", "authorization",
    "b3", "baggage", "cache-control", "cdn-loop", "connection", "content-encoding",
    "content-length", "content-type", "cookie", "date", "digest", "dnt", "forwarded", "from",
    "host", "idempotency-key", "if-match", "if-none-match", "origin", "pragma", "priority",
    "referer", "sec-fetch-mode", "sec-fetch-site", "te", "traceparent", "tracestate", "user-agent",
    "via", "x-amz-cf-id", "x-amzn-trace-id", "x-api-key", "x-b3-sampled", "x-b3-spanid",
    "x-b3-traceid", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port",
    "x-forwarded-proto", "x-request-id",
];

/// Names that make a head unusual: what they say of the message is decided in one place, in Python.
const UNUSUAL: [&[u8]; 4] = [b"transfer-encoding", b"expect", b"upgrade", b"proxy-connection"];
/// How the names begin that only the gateway may use (`IDENTITY`), and some that are none.
const IDENTITY: [&[u8]; 4] = [b"x-consumer", b"x-authenticated", b"x-anonymous", b"x-credential"];

/// Bytes objects of names and methods, by length: a name has few others of its own.
struct Table(Vec<Vec<(&'static [u8], Py<PyBytes>)>>);

impl Table {
    fn new(py: Python<'_>, words: &[&'static str]) -> Self {
        let longest = words.iter().map(|word| word.len()).max().unwrap_or(0);
        let mut rows: Vec<Vec<_>> = (0..=longest).map(|_| Vec::new()).collect();
        for word in words {
            let bytes = word.as_bytes();
            rows[bytes.len()].push((bytes, PyBytes::new(py, bytes).unbind()));
        }
        Self(rows)
    }

    fn get<'py>(&self, py: Python<'py>, word: &[u8]) -> Option<Bound<'py, PyBytes>> {
        let row = self.0.get(word.len())?;
        let found = row.iter().find(|(bytes, _)| *bytes == word)?;
        Some(found.1.bind(py).clone())
    }
}

static NAMES: PyOnceLock<Table> = PyOnceLock::new();
static METHOD_NAMES: PyOnceLock<Table> = PyOnceLock::new();

type Head<'py> = (
    Bound<'py, PyBytes>, // method
    Bound<'py, PyBytes>, // target
    Bound<'py, PyBytes>, // path: the target without its query
    Option<Bound<'py, PyBytes>>, // query, without its question mark
    Bound<'py, PyList>,  // headers: (name, value)
    Bound<'py, PyBytes>, // host
    u64,                 // length of the body
    usize,               // where the head ends
);

/// Return what the request head says that begins at `data[begin]`, and where its empty line ends.
///
/// None for every head that is not all there, and for every one that is malformed, or anything but HTTP/1.1 with one Host, at most one
/// Content-Length, a path as target, and without headers that change what the message is.
#[pyfunction]
pub fn read_head<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyBytes>,
    begin: usize,
) -> PyResult<Option<Head<'py>>> {
    let Some(rest) = data.as_bytes().get(begin..) else {
        return Ok(None);
    };
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = Request::new(&mut headers);
    let Ok(Status::Complete(size)) = request.parse(rest) else {
        return Ok(None);
    };
    let head = &rest[..size];
    let (Some(method), Some(target), Some(1)) = (request.method, request.path, request.version)
    else {
        return Ok(None);
    };
    let methods = METHOD_NAMES.get_or_init(py, || Table::new(py, &METHODS));
    let Some(method_bytes) = methods.get(py, method.as_bytes()) else {
        return Ok(None);
    };
    // "METHOD target HTTP/1.1\r\n" with single spaces, and each line ends with CRLF.
    let line = method.len() + target.len() + 12;
    if !is_path(target.as_bytes()) || head.get(line - 1) != Some(&b'\n') || !ends_lines(head) {
        return Ok(None);
    }
    let names = NAMES.get_or_init(py, || Table::new(py, &USUAL));
    let mut pairs = Vec::with_capacity(request.headers.len());
    let mut host = None;
    let mut length = None;
    let mut authorized = false;
    for header in request.headers.iter() {
        let mut buffer = [0u8; LONGEST_NAME];
        let Some(name) = lower(header.name.as_bytes(), &mut buffer) else {
            return Ok(None);
        };
        if !is_value(header.value) || is_unusual(name) {
            return Ok(None);
        }
        let value = PyBytes::new(py, header.value);
        match name {
            b"host" => {
                if host.is_some() || !is_host(header.value) {
                    return Ok(None);
                }
                host = Some(value.clone());
            }
            b"content-length" => match number(header.value) {
                Some(found) if length.is_none() => length = Some(found),
                _ => return Ok(None),
            },
            b"authorization" => {
                if authorized {
                    return Ok(None);
                }
                authorized = true;
            }
            b"connection" => {
                if !header.value.eq_ignore_ascii_case(b"keep-alive") {
                    return Ok(None);
                }
            }
            _ => {}
        }
        let name = names.get(py, name).unwrap_or_else(|| PyBytes::new(py, name));
        pairs.push(PyTuple::new(py, [name, value])?);
    }
    let Some(host) = host else {
        return Ok(None);
    };
    let headers = PyList::new(py, pairs)?;
    let cut = memchr(b'?', target.as_bytes());
    let target = PyBytes::new(py, target.as_bytes());
    let (path, query) = match cut {
        None => (target.clone(), None),
        Some(at) => {
            let (path, query) = target.as_bytes().split_at(at);
            (PyBytes::new(py, path), Some(PyBytes::new(py, &query[1..])))
        }
    };
    let length = length.unwrap_or(0);
    Ok(Some((method_bytes, target, path, query, headers, host, length, begin + size)))
}

/// Whether a target is a path of visible ASCII without a fragment.
fn is_path(target: &[u8]) -> bool {
    target.first() == Some(&b'/') && clean(target, |byte| !(0x21..0x7f).contains(&byte) | (byte == b'#'))
}

/// Whether each line feed has a carriage return before it; names and values hold no others.
pub fn ends_lines(head: &[u8]) -> bool {
    memchr_iter(b'\n', head).all(|at| at > 0 && head[at - 1] == b'\r')
}

/// Visible ASCII, spaces and tabs.
pub fn is_value(value: &[u8]) -> bool {
    clean(value, |byte| !(0x20..0x7f).contains(&byte) & (byte != b'\t'))
}

/// Whether no byte is wrong. All are looked at, many at once: faster than to stop at the first.
fn clean(bytes: &[u8], wrong: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(0u8, |found, &byte| found | u8::from(wrong(byte))) == 0
}

fn lower<'a>(name: &[u8], buffer: &'a mut [u8; LONGEST_NAME]) -> Option<&'a [u8]> {
    let found = buffer.get_mut(..name.len())?;
    found.copy_from_slice(name);
    found.make_ascii_lowercase();
    Some(found)
}

fn is_unusual(name: &[u8]) -> bool {
    if UNUSUAL.contains(&name) {
        return true;
    }
    name.len() > 9
        && name[0] == b'x'
        && IDENTITY.iter().any(|start| {
            name.len() >= start.len()
                && name.iter().zip(start.iter()).all(|(&a, &b)| a == b || (a == b'_' && b == b'-'))
        })
}

/// A registered name, an IPv4 address or one of IPv6 in brackets, with or without a port.
fn is_host(host: &[u8]) -> bool {
    if host.len() > LONGEST_HOST {
        return false;
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
    let inside = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let rest = if let Some(open) = host.strip_prefix(b"[") {
        let size = open.iter().take_while(|byte| inside(byte)).count();
        if size == 0 || open.get(size) != Some(&b']') {
            return false;
        }
        &open[size + 1..]
    } else {
        let size = host.iter().take_while(|byte| plain(byte)).count();
        if size == 0 {
            return false;
        }
        &host[size..]
    };
    match rest.strip_prefix(b":") {
        None => rest.is_empty(),
        Some(b"") => true,
        Some(port) => port.len() <= 5 && number(port).is_some_and(|found| found <= 65535),
    }
}

pub fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > LONGEST_LENGTH || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, &digit| sum * 10 + u64::from(digit - b'0')))
}
