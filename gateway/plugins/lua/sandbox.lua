-- SPDX-License-Identifier: Apache-2.0
-- The sandbox of Lua in configurations. A hook looks at clock and memory every hundred
-- instructions; what it raises cannot be caught for good, since pcall and xpcall raise it again.
-- Between two looks run single calls into C, so none of these may take long: strings are bounded,
-- and what could search or sort without end is done in Lua, where the hook is.
local limit, most, longest, patterns, names, left = ...
local sethook, getmetatable, setmetatable = debug.sethook, getmetatable, setmetatable
local error, pcall, select, tonumber, tostring = error, pcall, select, tonumber, tostring
local type, loadstring, setfenv, clock = type, loadstring, setfenv, os.clock
local collectgarbage = collectgarbage
jit.off()
jit.flush()

local deadline = 0
local exceeded
local function check()
  -- This clock is that of the whole process, and cheap to look at: other threads may have run.
  if clock() > deadline then deadline = clock() + left() end
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

-- Headers as Kong shows them: found in any case, an underscore is a hyphen.
local header_meta = {__index = function(headers, name)
  if type(name) ~= "string" then return nil end
  return rawget(headers, (string.gsub(string.lower(name), "_", "-")))
end}
local function as_headers(headers) return setmetatable(headers, header_meta) end

-- Several values of one name, as text where one value is wanted.
local function joined(values)
  local texts = {}
  for place = 1, #values do texts[place] = tostring(values[place]) end
  return table.concat(texts, ", ")
end
array_mark.__tostring = joined
array_mark.__concat = function(left, right) return tostring(left) .. tostring(right) end

local EXIT = "the request has ended"
local call_kong
local function ask(path, ...)
  local ok, value = call_kong(path, ...)
  if not ok then error(value, 3) end
  return value
end
-- What a client sends may be wrong: it costs the function a value, not the request.
local function ask_or_nil(path, ...)
  local ok, value = call_kong(path, ...)
  if not ok then return nil, value end
  return value
end
local kong = {log = {}, ctx = {shared = {}, plugin = {}}}
for _, name in ipairs{"debug", "info", "notice", "warn", "err", "crit"} do
  kong.log[name] = function() end
end
local function forward(path)
  local group, last = kong, nil
  for name in string.gmatch(path, "[^.]+") do
    if last then
      group[last] = group[last] or {}
      group = group[last]
    end
    last = name
  end
  if path == "response.exit" or path == "response.error" then
    group[last] = function(...)
      ask(path, ...)
      exceeded = EXIT
      error(EXIT, 0)
    end
  elseif path == "request.get_body" then
    group[last] = function(...) return ask_or_nil(path, ...) end
  elseif string.find(path, "get_headers$") then
    group[last] = function(...) return as_headers(ask(path, ...)) end
  else
    group[last] = function(...) return ask(path, ...) end
  end
end
for path in string.gmatch(names, "%S+") do forward(path) end
kong.log.inspect = function(...) return kong.log.debug(...) end
setmetatable(kong.log, {
  __call = function(_, ...) return kong.log.notice(...) end,
  __metatable = false,
})

local cjson, safe = {null = null}, {null = null}
local ngx = {null = null, time = os.time, now = os.time}
if kong.response and kong.service then
  cjson.encode = function(value) return ask("json.encode", value) end
  cjson.decode = function(text) return ask("json.decode", text) end
  safe.encode = function(value) return ask_or_nil("json.encode", value) end
  safe.decode = function(text) return ask_or_nil("json.decode", text) end
  ngx.now = function() return ask("ngx.now") end
  ngx.exit = function(status)
    ask("ngx.exit", status)
    exceeded = EXIT
    error(EXIT, 0)
  end
  ngx.redirect = function(location, status)
    ask("ngx.redirect", location, status)
    exceeded = EXIT
    error(EXIT, 0)
  end
  local function spoken(...)
    local texts = {}
    for place = 1, select("#", ...) do
      local value = select(place, ...)
      texts[place] = type(value) == "table" and table.concat(value) or tostring(value)
    end
    return table.concat(texts)
  end
  ngx.print = function(...) return ask("ngx.print", spoken(...)) end
  ngx.say = function(...) return ask("ngx.print", spoken(...) .. "\n") end
  for _, name in ipairs{"md5", "encode_base64", "decode_base64", "escape_uri", "unescape_uri"} do
    ngx[name] = function(text) return ask("ngx." .. name, tostring(text)) end
  end
  ngx.worker = {pid = function() return ask("ngx.worker.pid") end}
  ngx.OK, ngx.ERROR, ngx.DECLINED = 0, -1, -5
  local codes = {OK = 200, CREATED = 201, ACCEPTED = 202, NO_CONTENT = 204, MOVED_PERMANENTLY = 301,
                 MOVED_TEMPORARILY = 302, SEE_OTHER = 303, NOT_MODIFIED = 304, BAD_REQUEST = 400,
                 UNAUTHORIZED = 401, FORBIDDEN = 403, NOT_FOUND = 404, NOT_ALLOWED = 405,
                 CONFLICT = 409, GONE = 410, TOO_MANY_REQUESTS = 429, INTERNAL_SERVER_ERROR = 500,
                 BAD_GATEWAY = 502, SERVICE_UNAVAILABLE = 503, GATEWAY_TIMEOUT = 504}
  for name, code in pairs(codes) do ngx["HTTP_" .. name] = code end
  setmetatable(ngx, {
    __index = function(_, name)
      if name == "status" then return ask("ngx.status") end
    end,
    __newindex = function(self, name, value)
      if name == "status" then return ask("ngx.set_status", value) end
      rawset(self, name, value)
    end,
    __metatable = false,
  })
  ngx.var = setmetatable({}, {
    __index = function(_, name) return ask("ngx.var", name) end,
    __newindex = function(_, name, value)
      if name ~= "args" then error("ngx.var is read-only here; use kong.service.request", 2) end
      kong.service.request.set_raw_query(value or "")
    end,
    __metatable = false,
  })
  local levels = {DEBUG = "debug", INFO = "info", NOTICE = "notice", WARN = "warn", ERR = "err",
                  CRIT = "crit", ALERT = "crit", EMERG = "crit"}
  for name in pairs(levels) do ngx[name] = name end
  ngx.log = function(level, ...) return kong.log[levels[level] or "notice"](...) end
  ngx.arg = setmetatable({}, {
    __index = function(_, place)
      if place == 1 then return kong.response.get_raw_body() end
      return place == 2 or nil
    end,
    __newindex = function(_, place, value)
      if place == 1 then kong.response.set_raw_body(value or "") end
    end,
    __metatable = false,
  })
  ngx.header = setmetatable({}, {
    __index = function(_, name) return kong.response.get_header(name) end,
    __newindex = function(_, name, value)
      name = string.gsub(name, "_", "-")
      if value == nil then return kong.response.clear_header(name) end
      kong.response.set_header(name, value)
    end,
    __metatable = false,
  })
  -- What chunks keep from one request to the next, in this worker: so many values, each for so long.
  local kept, count = {}, 0
  kong.cache = {
    get = function(_, key, options, make, ...)
      local found = kept[key]
      if found and (not found.ends or found.ends > ngx.now()) then return found.value, nil, 1 end
      if not make then return nil end
      local value, problem, ttl = make(...)
      if problem ~= nil then return nil, problem end
      ttl = ttl or (options and options[value == nil and "neg_ttl" or "ttl"])
      if not found then count = count + 1 end
      if count > 1000 then kept, count = {}, 1 end
      kept[key] = {value = value, ends = ttl and ttl > 0 and ngx.now() + ttl or nil}
      return value, nil, 3
    end,
    invalidate = function(_, key)
      if kept[key] then kept[key], count = nil, count - 1 end
    end,
  }
  kong.cache.invalidate_local = kong.cache.invalidate
  local request, upstream = kong.request, kong.service.request
  ngx.req = {
    get_headers = request.get_headers, get_method = request.get_method,
    get_uri_args = request.get_query, get_body_data = request.get_raw_body,
    read_body = function() end, set_header = upstream.set_header,
    clear_header = upstream.clear_header, set_body_data = upstream.set_raw_body,
    set_uri_args = upstream.set_query,
  }
end
local modules = {cjson = cjson, ["cjson.safe"] = safe}
local require
if ngx.exit then
  require = function(name)
    return modules[name] or error("require '" .. tostring(name) .. "' not allowed in the sandbox", 2)
  end
end

-- What a template finds: the request's parts, as they were before the plugin.
local variables = {}
local function template_environment()
  return setmetatable({type = type, tostring = tostring}, {
    __index = function(_, name) return variables[name] end,
    __newindex = function() error("this environment is read-only", 2) end,
    __metatable = false,
  })
end

local function environment()
  local env = {
    assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, select = select,
    tonumber = tonumber, tostring = tostring, type = type, unpack = unpack, _VERSION = _VERSION,
    rawequal = rawequal, rawget = rawget, rawset = rawset,
    math = copy(math), table = copy(tables), string = copy(strings),
    bit = bit and copy(bit) or nil,
    os = {time = os.time, clock = os.clock, date = date, difftime = os.difftime},
    null = null, ngx = ngx, cjson = cjson, kong = kong, require = require,
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

local function compile(source, name, template)
  if source:byte(1) == 27 then return nil, "no bytecode" end
  local chunk, problem = loadstring(source, name)
  if not chunk then return nil, problem end
  setfenv(chunk, template and template_environment() or environment())
  return chunk
end

local function run(f, ...)
  deadline, exceeded, inside = clock() + limit, nil, 0
  sethook(check, "", 100)
  local ok, result = pcall(f, ...)
  sethook()
  if not ok then
    if exceeded ~= EXIT then collectgarbage() end
    if type(result) ~= "string" then result = "a Lua error that is no string" end
    error(result, 0)
  end
  return result
end

return {
  compile = compile, run = run, array_mark = array_mark, null = null, setmetatable = setmetatable,
  set_kong = function(f) call_kong = f end,
  begin = function(shared, plugin) kong.ctx = {shared = shared or {}, plugin = plugin or {}} end,
  ctx = function()
    local shared, plugin = kong.ctx.shared, kong.ctx.plugin
    return type(shared) == "table" and next(shared) ~= nil and shared or false,
      type(plugin) == "table" and next(plugin) ~= nil and plugin or false
  end,
  set_variables = function(found) variables = found end,
  as_headers = as_headers,
  is_list = function(value) return getmetatable(value) == "array" end,
  collect = collectgarbage,
  number = number, text_of = function(value) return texts[value] end,
}
