// SPDX-License-Identifier: Apache-2.0
//! Twin of `log_entry` in `gateway/plugins/logging/serializer.py`, written as JSON.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::json::{put_escaped, put_number, put_quoted, put_table};

const REDACTED: &[u8] = b"REDACTED";
const SECRETS: [&[u8]; 2] = [b"authorization", b"proxy-authorization"];

/// Return the log entry of a request, as JSON; None where the reference has to do it.
///
/// `middle` and `end` are what the entries of many requests share (`_shared`). `received`, `ended`
/// and `waiting` (since when a record was waited for) are seconds of a clock that was 0 at `since`;
/// `upstream` is when the upstream was asked, and the milliseconds until it answered. There is no
/// query.
#[pyfunction]
#[pyo3(signature = (
    id, method, target, origin, headers, size, middle, sent, received, ended, waiting, upstream,
    client, since, end
))]
#[allow(clippy::too_many_arguments)]
pub fn log_text<'py>(
    py: Python<'py>,
    id: &Bound<'py, PyBytes>,
    method: &Bound<'py, PyBytes>,
    target: &Bound<'py, PyBytes>,
    origin: &str,
    headers: &Bound<'py, PyList>,
    size: i64,
    middle: &Bound<'py, PyBytes>,
    sent: i64,
    received: f64,
    ended: f64,
    waiting: Option<f64>,
    upstream: Option<(f64, i64)>,
    client: &str,
    since: f64,
    end: &Bound<'py, PyBytes>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let method = method.as_bytes();
    let target = target.as_bytes();
    if !method.is_ascii() || target.contains(&b'?') {
        return Ok(None);
    }
    let shared = middle.as_bytes().len() + end.as_bytes().len();
    let mut text = Vec::with_capacity(1024 + shared);
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
    member(&mut text, b",\"size\":", size);
    text.extend_from_slice(middle.as_bytes());
    put_number(sent, &mut text);
    let total = milliseconds(ended - received);
    let (own, waited, rest) = match (waiting, upstream) {
        (Some(waiting), _) => {
            let own = milliseconds(waiting - received).min(total);
            (own, total - own, 0)
        }
        (None, Some((asked, waited))) => {
            let own = milliseconds(asked - received).max(0);
            (own, waited, (total - own - waited).max(0))
        }
        (None, None) => (total, -1, 0),
    };
    member(&mut text, b"},\"latencies\":{\"request\":", total);
    member(&mut text, b",\"kong\":", own);
    member(&mut text, b",\"proxy\":", waited);
    member(&mut text, b",\"receive\":", rest);
    text.extend_from_slice(b"},\"client_ip\":");
    whole &= put_quoted(client.as_bytes(), &mut text);
    member(&mut text, b",\"started_at\":", milliseconds(since + received));
    text.extend_from_slice(end.as_bytes());
    Ok(whole.then(|| PyBytes::new(py, &text)))
}

/// Return whole milliseconds; cut, not rounded.
#[allow(clippy::cast_possible_truncation)]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}

fn member(text: &mut Vec<u8>, before: &[u8], number: i64) {
    text.extend_from_slice(before);
    put_number(number, text);
}
