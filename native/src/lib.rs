// SPDX-License-Identifier: Apache-2.0
//! Native twins of pure functions on the request path.
//!
//! Each does what a function in Python does, byte for byte, or declines (returns None) and leaves
//! the work to it. No state is kept but tables that are the same for every request.
//!
//! Nothing is unsafe but the call of a C function whose address the caller gives (`produce_rows`).
#![deny(unsafe_code)]

mod envelope;
mod head;
mod json;
mod log_entry;
mod proxying;
mod records;
mod trace;

use pyo3::prelude::*;

#[pymodule]
fn kafka_gateway_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(head::read_head, module)?)?;
    module.add_function(wrap_pyfunction!(envelope::envelope, module)?)?;
    module.add_function(wrap_pyfunction!(log_entry::log_text, module)?)?;
    module.add_function(wrap_pyfunction!(proxying::forwarded_lines, module)?)?;
    module.add_function(wrap_pyfunction!(proxying::parse_response, module)?)?;
    module.add_function(wrap_pyfunction!(proxying::response_lines, module)?)?;
    module.add_function(wrap_pyfunction!(records::fill_rows, module)?)?;
    module.add_function(wrap_pyfunction!(records::produce_rows, module)?)?;
    module.add_function(wrap_pyfunction!(trace::traceparent_flags, module)?)
}
