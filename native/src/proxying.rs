// SPDX-License-Identifier: Apache-2.0
//! Twins of what a proxied request passes: its head for the upstream, the response read and written.

use httparse::{Response, Status, EMPTY_HEADER};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::head::{ends_lines, is_value, number};

/// Responses with more lines, or larger, go the other way.
const MOST_HEADERS: usize = 64;
const LARGEST: usize = 65536;

/// Not copied to an upstream: for one hop only, framing, or made anew by the proxy. Names of the
/// second row have spellings with underscores, which are not copied either.
const REPLACED: [&[u8]; 7] =
    [b"keep-alive", b"proxy", b"proxy-connection", b"trailer", b"upgrade", b"expect", b"host"];
const REPLACED_AS_SPELLED: [&[u8]; 10] = [
    b"transfer-encoding", b"content-length", b"x-forwarded-for",
    b"x-forwarded-host", b"x-forwarded-path", b"x-forwarded-port", b"x-forwarded-prefix",
    b"x-forwarded-proto", b"x-kong-request-id", b"x-real-ip",
];
/// Not copied back to a client.
const NOT_BACK: [&[u8]; 4] = [b"connection", b"keep-alive", b"proxy-connection", b"te"];
/// Names that say what the message is: a response with one goes the other way.
const UNUSUAL: [&[u8]; 3] = [b"transfer-encoding", b"upgrade", b"trailer"];

type Pair<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);

fn pair<'py>(item: Bound<'py, PyAny>) -> PyResult<Pair<'py>> {
    let pair = item.cast_into::<PyTuple>()?;
    Ok((pair.get_item(0)?.cast_into::<PyBytes>()?, pair.get_item(1)?.cast_into::<PyBytes>()?))
}

/// Whether a name is one of lower-case names whatever its case.
fn among(name: &[u8], names: &[&[u8]]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Whether two names are the same to who takes an underscore for a hyphen.
fn alike(name: &[u8], other: &[u8]) -> bool {
    name.len() == other.len()
        && name.iter().zip(other).all(|(&a, &b)| a == b || (a == b'_' && b == b'-'))
}

fn line(text: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    text.extend_from_slice(name);
    text.extend_from_slice(b": ");
    text.extend_from_slice(value);
    text.extend_from_slice(b"\r\n");
}

/// Return the lines for an upstream from a request's headers to its X-Forwarded-For.
///
/// `client` is the client's address, `peer` that of whoever the connection is from. None where
/// headers say what is for one hop only, or name proxies before.
#[pyfunction]
pub fn forwarded_lines<'py>(
    py: Python<'py>,
    headers: &Bound<'py, PyList>,
    via: &Bound<'py, PyBytes>,
    client: &str,
    peer: &str,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let mut text = Vec::with_capacity(1024);
    let mut chain: Vec<u8> = Vec::new();
    for item in headers.iter() {
        let Ok((name, value)) = pair(item) else {
            return Ok(None);
        };
        let (name, value) = (name.as_bytes(), value.as_bytes());
        match name {
            b"connection" if !value.eq_ignore_ascii_case(b"keep-alive") => return Ok(None),
            b"connection" => {}
            b"via" | b"te" => return Ok(None),
            b"x-forwarded-for" => {
                chain.extend_from_slice(value);
                chain.extend_from_slice(b", ");
            }
            _ if is_replaced(name) => {}
            _ => line(&mut text, name, value),
        }
    }
    line(&mut text, b"Via", via.as_bytes());
    text.extend_from_slice(b"Connection: keep-alive\r\n");
    line(&mut text, b"X-Real-IP", client.as_bytes());
    let last = if chain.is_empty() { client } else { peer };
    chain.extend_from_slice(last.as_bytes());
    line(&mut text, b"X-Forwarded-For", &chain);
    Ok(Some(PyBytes::new(py, &text)))
}

fn is_replaced(name: &[u8]) -> bool {
    match name.first() {
        Some(b'x') if name.len() < 9 || !matches!(name[2], b'f' | b'k' | b'r') => return false,
        Some(b'a' | b'b' | b'd' | b'o' | b's' | b'v') => return false,
        _ => {}
    }
    REPLACED.contains(&name) || REPLACED_AS_SPELLED.iter().any(|other| alike(name, other))
}

type Whole<'py> = (u16, Bound<'py, PyList>, Bound<'py, PyBytes>);

/// Return status, headers for the client, and body of bytes that are one whole response.
///
/// None unless it is a final HTTP/1.1 response of 64 KiB at most with a Content-Length that is
/// right to the byte, and nothing in its head that changes what it is or ends the connection.
#[pyfunction]
pub fn parse_response<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyBytes>,
) -> PyResult<Option<Whole<'py>>> {
    let bytes = data.as_bytes();
    if bytes.len() > LARGEST {
        return Ok(None);
    }
    let mut lines = [EMPTY_HEADER; MOST_HEADERS];
    let mut response = Response::new(&mut lines);
    let Ok(Status::Complete(size)) = response.parse(bytes) else {
        return Ok(None);
    };
    let (Some(1), Some(status), Some(reason)) = (response.version, response.code, response.reason)
    else {
        return Ok(None);
    };
    let usual = (200..600).contains(&status) && status != 204 && status != 304;
    // "HTTP/1.1 200 reason\r\n", with the space even where there is no reason.
    if !usual || !is_value(reason.as_bytes()) || bytes.get(reason.len() + 13..reason.len() + 15) != Some(b"\r\n") {
        return Ok(None);
    }
    if !ends_lines(&bytes[..size]) {
        return Ok(None);
    }
    let mut length = None;
    let mut kept = Vec::with_capacity(response.headers.len());
    for header in response.headers.iter() {
        let name = header.name.as_bytes();
        if !is_value(header.value) || among(name, &UNUSUAL) {
            return Ok(None);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            match number(header.value) {
                Some(found) if length.is_none() => length = Some(found),
                _ => return Ok(None),
            }
        }
        // llhttp reads Proxy-Connection as it reads Connection.
        let says = among(name, &[b"connection", b"proxy-connection"]);
        if says && !header.value.eq_ignore_ascii_case(b"keep-alive") {
            return Ok(None);
        }
        if !among(name, &NOT_BACK) {
            kept.push(PyTuple::new(py, [PyBytes::new(py, name), PyBytes::new(py, header.value)])?);
        }
    }
    if length != Some((bytes.len() - size) as u64) {
        return Ok(None);
    }
    Ok(Some((status, PyList::new(py, kept)?, PyBytes::new(py, &bytes[size..]))))
}

type Lines<'py> = (Bound<'py, PyBytes>, Option<Bound<'py, PyBytes>>, bool);

/// Return the lines of a response's headers, its Date, and whether it names its server.
///
/// Framing and what the gateway says itself are left out. None where headers are not written as
/// they are: Via, Upgrade, or a line end in a value.
#[pyfunction]
pub fn response_lines<'py>(
    py: Python<'py>,
    headers: &Bound<'py, PyAny>,
) -> PyResult<Option<Lines<'py>>> {
    let Ok(headers) = headers.cast::<PyList>() else {
        return Ok(None);
    };
    let mut text = Vec::with_capacity(512);
    let (mut date, mut has_server) = (None, false);
    for item in headers.iter() {
        let Ok((name, value)) = pair(item) else {
            return Ok(None);
        };
        let bytes = name.as_bytes();
        match bytes.len() {
            3 if bytes.eq_ignore_ascii_case(b"via") => return Ok(None),
            7 if bytes.eq_ignore_ascii_case(b"upgrade") => return Ok(None),
            4 if bytes.eq_ignore_ascii_case(b"date") => {
                date = Some(value);
                continue;
            }
            6 if bytes.eq_ignore_ascii_case(b"server") => has_server = true,
            10 | 14 | 17 if among(bytes, &OWN) => continue,
            _ => {}
        }
        if value.as_bytes().iter().any(|&byte| byte == b'\r' || byte == b'\n') {
            return Ok(None);
        }
        line(&mut text, bytes, value.as_bytes());
    }
    Ok(Some((PyBytes::new(py, &text), date, has_server)))
}

/// Said by the server itself, whatever a response says.
const OWN: [&[u8]; 5] =
    [b"connection", b"keep-alive", b"content-length", b"transfer-encoding", b"x-kong-request-id"];
