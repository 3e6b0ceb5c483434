# SPDX-License-Identifier: Apache-2.0
"""The patterns that are matched in Lua mean what Lua's own mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lupa import luajit21 as lupa

import gateway.plugins.lua.sandbox

_SOURCE = (Path(gateway.plugins.lua.sandbox.__file__).parent / "patterns.lua").read_bytes()
_COMPARE = b"""
local ours = ...
local function outcome(f, ...)
  local found = {pcall(f, ...)}
  -- What is wrong with a pattern is said in other words, and here before it is come to.
  if not found[1] then
    local said = tostring(found[2])
    local wrong = said:find("malformed", 1, true) or said:find("unbalanced", 1, true)
    return (wrong or said:find("missing '['", 1, true)) and "wrong" or "error"
  end
  for index = 1, 34 do found[index] = type(found[index]) .. ":" .. tostring(found[index]) end
  return table.concat(found, "|")
end
local function all(f)
  return function(text, pattern)
    local found = {}
    for a, b in f(text, pattern) do
      found[#found + 1] = tostring(a) .. "," .. tostring(b)
      if #found > 100 then break end
    end
    return table.concat(found, ";")
  end
end
return function(text, pattern, with, from, most)
  local upper = function(a, b) return b and a:upper() or nil end
  local calls = {
    {"find", text, pattern, from}, {"find", text, pattern, from, true},
    {"match", text, pattern, from}, {"gsub", text, pattern, with},
    {"gsub", text, pattern, with, most}, {"gsub", text, pattern, upper},
    {"gsub", text, pattern, {a = "x", [1] = "one", ab = false}},
  }
  for _, call in ipairs(calls) do
    local name = call[1]
    local want = outcome(string[name], unpack(call, 2))
    local got = outcome(ours[name], unpack(call, 2))
    if want ~= got and got ~= "wrong" then return name .. ": " .. want .. " but " .. got end
  end
  local want = outcome(all(string.gmatch), text, pattern)
  local got = outcome(all(ours.gmatch), text, pattern)
  if want ~= got and got ~= "wrong" then return "gmatch: " .. want .. " but " .. got end
end
"""
PIECES = st.sampled_from(
    ["a", "b", "ab", ".", "%a", "%d", "%w", "%s", "%%", "%.", "[ab]", "[^a]", "[a-z]", "[%a_]",
     "[]a]", "[^]]", "*", "+", "-", "?", "(", ")", "()", "^", "$", "%b()", "%bab", "%f[%a]",
     "%f[^%a]", "%1", "%2", "%", "[", "]", "[a", "[%", "%b", "%f", "\0", "%z", " ", "1", "(a*)",
     "(.-)", "[%w]+"]
)  # fmt: skip
PATTERNS = st.lists(PIECES, max_size=7).map("".join)
TEXTS = st.text("ab1 ()[].%\0_A", max_size=12)


@pytest.fixture(scope="module")
def compare() -> Any:
    runtime = lupa.LuaRuntime(encoding="latin-1")
    ours = runtime.compile(_SOURCE.decode())(lambda size: None, -1)
    return runtime.execute(_COMPARE.decode(), ours)


@settings(max_examples=1500)
@given(
    TEXTS, PATTERNS, st.sampled_from(["", "x", "<%0>", "%1%%", "%2", "%x"]), st.integers(-9, 14),
    st.integers(0, 4),
)  # fmt: skip
@example("aaa", "a-b?$", "x", 1, 1)
@example("hello world", "^(%w+)", "%1", 1, 1)
@example("aa", "()a%1", "x", 1, 1)
@example("THE (quick) fox", "%((%a+)%)", "%1", 1, 1)
def test_ours_find_what_luas_own_find(
    compare: Any, text: str, pattern: str, with_: str, start: int, most: int
) -> None:
    assert compare(text, pattern, with_, start, most) is None
