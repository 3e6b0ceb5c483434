// SPDX-License-Identifier: Apache-2.0
//! Twin of `log_entry` in `gateway/plugins/logging/serializer.py`, written as JSON.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::json::{put_escaped, put_number, put_quoted, put_table};

const REDACTED: &[u8] = b"REDACTED";
const SECRETS: [&[u8]; 2] = [b"authorization", b"proxy-authorization"];

/// Return the log entry of a request, as JSON; None where the reference has to do it.
///
/// `response_headers`, `members` (what is known of the route) and `rest` are JSON: an object, and
/// members of one, which begin with a comma each. `latencies` are those of the whole request, the
/// gateway's own, the wait, and the receiving. There is no query.
#[pyfunction]
#[pyo3(signature = (
    id, method, target, origin, headers, received, status, response_headers, sent, latencies,
    client, started, upstream_uri, upstream_status, source, members, rest
))]
#[allow(clippy::too_many_arguments)]
pub fn log_entry<'py>(
    py: Python<'py>,
    id: &Bound<'py, PyBytes>,
    method: &Bound<'py, PyBytes>,
    target: &Bound<'py, PyBytes>,
    origin: &str,
    headers: &Bound<'py, PyList>,
    received: i64,
    status: i64,
    response_headers: &Bound<'py, PyBytes>,
    sent: i64,
    latencies: (i64, i64, i64, i64),
    client: &str,
    started: i64,
    upstream_uri: &Bound<'py, PyBytes>,
    upstream_status: &str,
    source: &str,
    members: &Bound<'py, PyBytes>,
    rest: &Bound<'py, PyBytes>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let method = method.as_bytes();
    let target = target.as_bytes();
    if !method.is_ascii() || target.contains(&b'?') {
        return Ok(None);
    }
    let mut text = Vec::with_capacity(1024 + members.as_bytes().len() + rest.as_bytes().len());
    text.extend_from_slice(b"{\"request\":{\"id\":");
    let mut whole = put_quoted(id.as_bytes(), &mut text);
    text.extend_from_slice(b",\"method\":");
    whole &= put_quoted(method, &mut text);
    text.extend_from_slice(b",\"uri\":");
    whole &= put_quoted(target, &mut text);
    text.extend_from_slice(b",\"url\":\"");
    whole &= put_escaped(origin.as_bytes(), &mut text) && put_escaped(target, &mut text);
    text.extend_from_slice(b"\",\"querystring\":{},\"headers\":");
    let hidden = |name: &[u8]| SECRETS.contains(&name).then_some(REDACTED);
    whole &= put_table(headers, &mut text, hidden)?;
    member(&mut text, b",\"size\":", received);
    member(&mut text, b"},\"response\":{\"status\":", status);
    text.extend_from_slice(b",\"headers\":");
    text.extend_from_slice(response_headers.as_bytes());
    member(&mut text, b",\"size\":", sent);
    member(&mut text, b"},\"latencies\":{\"request\":", latencies.0);
    member(&mut text, b",\"kong\":", latencies.1);
    member(&mut text, b",\"proxy\":", latencies.2);
    member(&mut text, b",\"receive\":", latencies.3);
    text.extend_from_slice(b"},\"client_ip\":");
    whole &= put_quoted(client.as_bytes(), &mut text);
    member(&mut text, b",\"started_at\":", started);
    text.extend_from_slice(b",\"upstream_uri\":");
    whole &= put_quoted(upstream_uri.as_bytes(), &mut text);
    text.extend_from_slice(b",\"upstream_status\":");
    whole &= put_quoted(upstream_status.as_bytes(), &mut text);
    text.extend_from_slice(b",\"source\":");
    whole &= put_quoted(source.as_bytes(), &mut text);
    text.extend_from_slice(members.as_bytes());
    text.extend_from_slice(rest.as_bytes());
    text.push(b'}');
    Ok(whole.then(|| PyBytes::new(py, &text)))
}

fn member(text: &mut Vec<u8>, before: &[u8], number: i64) {
    text.extend_from_slice(before);
    put_number(number, text);
}
