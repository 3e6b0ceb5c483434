-- SPDX-License-Identifier: Apache-2.0
-- The sandbox of message_by_lua_functions. A hook looks at clock and memory every hundred
-- instructions; what it raises cannot be caught for good, since pcall and xpcall raise it again.
-- Between two looks run single calls into C, so none of these may take long: strings are bounded,
-- and what could search or sort without end is done in Lua, where the hook is.
local limit, most, longest, patterns = ...
local sethook, getmetatable, setmetatable = debug.sethook, getmetatable, setmetatable
local error, pcall, select, tonumber, tostring = error, pcall, select, tonumber, tostring
local type, loadstring, setfenv, clock = type, loadstring, setfenv, os.clock
local collectgarbage = collectgarbage
jit.off()
jit.flush()

local deadline = 0
local exceeded
local function check()
  if clock() > deadline then
    exceeded = "took longer than allowed"
  elseif collectgarbage("count") * 1024 > most then
    collectgarbage()
    if collectgarbage("count") * 1024 > most then exceeded = "took more memory than allowed" end
  end
  if exceeded then error(exceeded, 0) end
end

-- Calls into C that call back into Lua, inside each other: C's stack has no bound of its own.
local MOST_INSIDE, inside = 100, 0
local function outside(...)
  inside = inside - 1
  return ...
end
local function shallow(f)
  return function(...)
    if inside >= MOST_INSIDE then error("calls are nested deeper than allowed", 2) end
    inside = inside + 1
    return outside(f(...))
  end
end

local function again(level, ok, ...)
  inside = level
  check()
  return ok, ...
end
local function protected(f, ...) return again(inside, pcall(f, ...)) end
local function handled(handler, ok, ...)
  if ok then return ok, ... end
  -- Lua's own xpcall calls the handler while the error is raised, often by the hook: none runs then.
  local _, said = protected(handler, ...)
  return false, said
end
local function copy(from)
  local to = {}
  for name, value in pairs(from) do to[name] = value end
  return to
end

local array_mark, null = {}, newproxy(true)
getmetatable(null).__tostring = function() return "null" end
getmetatable(null).__metatable = false
array_mark.__metatable = "array"

local strings = copy(string)
strings.dump = nil
local function bounded(size)
  if size > longest then error("a string is longer than allowed", 3) end
end
local function size_of(value) return type(value) == "string" and #value or 0 end
for _, name in ipairs{"upper", "lower", "reverse"} do
  local original = string[name]
  strings[name] = function(text) bounded(size_of(text)) return original(text) end
end
function strings.rep(text, count, between)
  local times = tonumber(count)
  if times then bounded((#tostring(text) + #tostring(between or "")) * times) end
  return string.rep(text, count, between)
end
for name, searching in pairs(patterns(bounded)) do strings[name] = searching end
strings.gsub, strings.format = shallow(strings.gsub), shallow(strings.format)

local function merge(list, from, middle, to, less, spare)
  local left, right = from, middle + 1
  for place = from, to do
    if left <= middle and (right > to or not less(list[right], list[left])) then
      spare[place], left = list[left], left + 1
    else
      spare[place], right = list[right], right + 1
    end
  end
  for place = from, to do list[place] = spare[place] end
end
local tables = copy(table)
function tables.sort(list, less)
  if type(list) ~= "table" then return table.sort(list, less) end
  less = less or function(a, b) return a < b end
  local count, spare, width = #list, {}, 1
  while width < count do
    for from = 1, count - width, 2 * width do
      merge(list, from, from + width - 1, math.min(from + 2 * width - 1, count), less, spare)
    end
    width = 2 * width
  end
end

function tables.insert(list, ...)
  if select("#", ...) > 1 then
    -- All from there on is moved in C, and what is no 32-bit integer means the lowest one.
    local place = tonumber((...))
    if place and not (place >= 0 and place < 2^31) then
      error("a position is out of bounds", 2)
    end
  end
  return table.insert(list, ...)
end
local function date(format, ...)
  if size_of(format) > 1000 then error("a format of a date is longer than allowed", 2) end
  return os.date(format, ...)
end

-- Numbers that no double holds: only handed through.
local texts = setmetatable({}, {__mode = "k"})
local template = newproxy(true)
getmetatable(template).__tostring = function(number) return texts[number] end
getmetatable(template).__metatable = false
local function number(text)
  local made = newproxy(template)
  texts[made] = text
  return made
end
getmetatable("").__index = strings
getmetatable("").__metatable = false

local kong, call_kong = {client = {}, request = {}, log = {}}, nil
local function forward(group, name)
  kong[group][name] = function(...) return call_kong(group, name, ...) end
end
for _, name in ipairs{"get_consumer", "get_credential", "get_ip", "get_forwarded_ip"} do
  forward("client", name)
end
for _, name in ipairs{"get_method", "get_path", "get_raw_query", "get_query", "get_query_arg",
                      "get_header", "get_headers", "get_raw_body", "get_host"} do
  forward("request", name)
end
for _, name in ipairs{"debug", "info", "notice", "warn", "err", "crit"} do
  kong.log[name] = function() end
end

local function environment()
  local env = {
    assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, select = select,
    tonumber = tonumber, tostring = tostring, type = type, unpack = unpack, _VERSION = _VERSION,
    rawequal = rawequal, rawget = rawget, rawset = rawset,
    math = copy(math), table = copy(tables), string = copy(strings),
    bit = bit and copy(bit) or nil,
    os = {time = os.time, clock = os.clock, date = date, difftime = os.difftime},
    null = null, ngx = {null = null, time = os.time, now = os.time}, cjson = {null = null},
    kong = kong,
    pcall = protected,
    xpcall = function(f, handler, ...) return handled(handler, protected(f, ...)) end,
    getmetatable = function(value)
      if type(value) ~= "table" then return nil end
      return getmetatable(value)
    end,
    setmetatable = function(value, meta)
      if meta ~= nil and meta.__gc ~= nil then error("__gc is not allowed") end
      return setmetatable(value, meta)
    end,
  }
  env._G = env
  return env
end

local function compile(source, name)
  if source:byte(1) == 27 then return nil, "no bytecode" end
  local chunk, problem = loadstring(source, name)
  if not chunk then return nil, problem end
  setfenv(chunk, environment())
  return chunk
end

local function run(f, ...)
  deadline, exceeded, inside = clock() + limit, nil, 0
  sethook(check, "", 100)
  local ok, result = pcall(f, ...)
  sethook()
  if not ok then
    collectgarbage()
    if type(result) ~= "string" then result = "a Lua error that is no string" end
    error(result, 0)
  end
  return result
end

return compile, run, array_mark, null, function(f) call_kong = f end, setmetatable,
  function(value) return getmetatable(value) == "array" end, collectgarbage,
  number, function(value) return texts[value] end
