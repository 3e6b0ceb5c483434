-- SPDX-License-Identifier: Apache-2.0
-- string.find, match, gmatch and gsub that the sandbox's hook can stop.
--
-- Lua's own (lstrlib.c) backtrack in C: a pattern like ".-.-.-x" takes for ever, and no hook runs.
-- Where their worst case is cheap they are called; the others are matched here, by the same rules
-- (reference manual of Lua 5.1, section 5.4.1), with Lua's own for single characters.
local byte, find, gsub, sub = string.byte, string.find, string.gsub, string.sub
local original = {find = find, match = string.match, gmatch = string.gmatch, gsub = gsub}
local concat, unpack, select, type, tostring = table.concat, unpack, select, type, tostring
local error, tonumber = error, tonumber
local bounded, cheap = ...

local CHEAP = cheap or 2e7
-- Steps that Lua's own functions may take at worst: well under a tenth of a second.
local LONG = 1000
-- Bytes of a pattern that are looked at to tell.
local MOST_CAPTURES = 32

local branches, known = {}, 0
local function branches_of(pattern)
  local count = branches[pattern]
  if count == nil then
    count = select(2, gsub(pattern, "[*+?%-]", "")) + select(2, gsub(pattern, "%%[b1-9]", ""))
    -- What stands last takes what it finds: nothing after it can fail.
    local last = #pattern
    while last > 0 and byte(pattern, last) == 41 do last = last - 1 end
    if last > 1 and find(sub(pattern, last, last), "[*+?%-]") then count = count - 1 end
    if known >= 100 then branches, known = {}, 0 end
    branches[pattern], known = count, known + 1
  end
  return count
end

local function is_cheap(text, pattern)
  local size = #text
  if #pattern > LONG then return false end
  local count = branches_of(pattern)
  if count == 0 then return size * (1 + #pattern) <= CHEAP end
  return size ^ (count + 1) * (1 + #pattern / 16) <= CHEAP
end

-- Patterns as lists of items.
local ONE, OPEN, PLACE, CLOSE, BALANCE, FRONTIER, BACK, END = 1, 2, 3, 4, 5, 6, 7, 8

local function class_end(pattern, at)
  local code = byte(pattern, at)
  if code == 37 then
    if at >= #pattern then error("malformed pattern (ends with '%')", 0) end
    return at + 2
  end
  if code ~= 91 then return at + 1 end
  at = at + 1
  if byte(pattern, at) == 94 then at = at + 1 end
  repeat
    local inside = byte(pattern, at)
    if inside == nil then error("malformed pattern (missing ']')", 0) end
    at = at + 1
    if inside == 37 then at = at + 1 end
  until byte(pattern, at) == 93
  return at + 1
end

local function special(pattern, at, items)
  -- Returns where the item after %b, %f or %1 begins; nil when there is none of them.
  local following = byte(pattern, at + 1)
  if following == 98 then
    if at + 3 > #pattern then error("unbalanced pattern", 0) end
    items[#items + 1] = {BALANCE, byte(pattern, at + 2), byte(pattern, at + 3)}
    return at + 4
  elseif following == 102 then
    if byte(pattern, at + 2) ~= 91 then error("missing '[' after '%f' in pattern", 0) end
    local last = class_end(pattern, at + 2)
    items[#items + 1] = {FRONTIER, "^" .. sub(pattern, at + 2, last - 1)}
    return last
  elseif following ~= nil and following >= 48 and following <= 57 then
    items[#items + 1] = {BACK, following - 48}
    return at + 2
  end
end

local QUANTIFIERS = {[42] = "*", [43] = "+", [45] = "-", [63] = "?"}

local function one(pattern, at, items)
  local last = class_end(pattern, at)
  local class = sub(pattern, at, last - 1)
  -- Alone a caret would be an anchor's second, a dollar an end.
  if class == "^" or class == "$" or find(class, "^[*+?%-()]") then class = "%" .. class end
  local times = QUANTIFIERS[byte(pattern, last)]
  items[#items + 1] = {ONE, "^" .. class, "^" .. class .. "*", times}
  return times and last + 1 or last
end

local function compile(pattern, at)
  local items = {}
  -- To Lua 5.1 a zero byte ends a pattern; %z stands for it.
  pattern = sub(pattern, 1, (find(pattern, "\0", 1, true) or 0) - 1)
  while at <= #pattern do
    local code = byte(pattern, at)
    if code == 40 then
      local place = byte(pattern, at + 1) == 41
      items[#items + 1] = {place and PLACE or OPEN}
      at = at + (place and 2 or 1)
    elseif code == 41 then
      items[#items + 1], at = {CLOSE}, at + 1
    elseif code == 36 and at == #pattern then
      items[#items + 1], at = {END}, at + 1
    else
      at = code == 37 and special(pattern, at, items) or one(pattern, at, items)
    end
  end
  return items
end

local OPENED, PLACED = -1, -2
local attempt

local function balanced(text, at, open, close)
  if byte(text, at) ~= open then return nil end
  local depth = 1
  for place = at + 1, #text do
    local code = byte(text, place)
    if code == close then
      depth = depth - 1
      if depth == 0 then return place + 1 end
    elseif code == open then
      depth = depth + 1
    end
  end
end

local function capture(state, number, at, size)
  if number > MOST_CAPTURES then error("too many captures", 0) end
  state.level, state.from[number], state.size[number] = number, at, size
end

local function close(state, number, at)
  local level = state.level
  while level > 0 and state.size[level] ~= OPENED do level = level - 1 end
  if level == 0 then error("invalid pattern capture", 0) end
  state.size[level] = at - state.from[level]
  local last = attempt(state, number + 1, at)
  if not last then state.size[level] = OPENED end
  return last
end

local function behind_copy(state, index, at)
  local size = state.size[index]
  if index < 1 or index > state.level or size == OPENED then
    error("invalid capture index", 0)
  end
  if size == PLACED then return nil end  -- as Lua has it: a position has no text to come again
  local from = state.from[index]
  if sub(state.text, from, from + size - 1) == sub(state.text, at, at + size - 1)
    and at + size - 1 <= #state.text then
    return at + size
  end
end

local function at_frontier(text, at, class)
  local before = at == 1 and "\0" or sub(text, at - 1, at - 1)
  local here = at <= #text and sub(text, at, at) or "\0"
  return not find(before, class) and find(here, class)
end

local function repeated(state, number, at, item)
  local text, times = state.text, item[4]
  if times == "?" then
    if at <= #text and find(text, item[2], at) then
      local last = attempt(state, number + 1, at + 1)
      if last then return last end
    end
    return attempt(state, number + 1, at)
  elseif times == "-" then
    while true do
      local last = attempt(state, number + 1, at)
      if last then return last end
      if at > #text or not find(text, item[2], at) then return nil end
      at = at + 1
    end
  end
  local _, behind = find(text, item[3], at)
  for place = behind + 1, times == "+" and at + 1 or at, -1 do
    local last = attempt(state, number + 1, place)
    if last then return last end
  end
end

function attempt(state, number, at)
  -- Returns where the match ends (one behind it), or nil.
  local items, text = state.items, state.text
  while true do
    local item = items[number]
    if item == nil then return at end
    local kind = item[1]
    if kind == ONE then
      if item[4] then return repeated(state, number, at, item) end
      if at > #text or not find(text, item[2], at) then return nil end
      at = at + 1
    elseif kind == OPEN or kind == PLACE then
      local level = state.level
      capture(state, level + 1, at, kind == OPEN and OPENED or PLACED)
      local last = attempt(state, number + 1, at)
      if not last then state.level = level end
      return last
    elseif kind == CLOSE then
      return close(state, number, at)
    elseif kind == END then
      return at == #text + 1 and at or nil
    else
      if kind == BALANCE then
        at = balanced(text, at, item[2], item[3])
      elseif kind == BACK then
        at = behind_copy(state, item[2], at)
      elseif not at_frontier(text, at, item[2]) then
        at = nil
      end
      if at == nil then return nil end
    end
    number = number + 1
  end
end

local function new_state(text, pattern, at)
  return {items = compile(pattern, at), text = text, level = 0, from = {}, size = {}}
end

local function captured(state, index)
  local size = state.size[index]
  if size == OPENED then error("unfinished capture", 0) end
  if size == PLACED then return state.from[index] end
  return sub(state.text, state.from[index], state.from[index] + size - 1)
end

local function captures(state, from, last)
  -- The captures, or all of it when the pattern has none.
  if state.level == 0 then return sub(state.text, from, last - 1) end
  local found = {}
  for index = 1, state.level do found[index] = captured(state, index) end
  return unpack(found, 1, state.level)
end

local function search(state, from, anchored)
  for start = from, anchored and from or #state.text + 1 do
    state.level = 0
    local last = attempt(state, 1, start)
    if last then return start, last end
  end
end

local function beginning(text, from)
  from = tonumber(from) or 1
  if from < 0 then from = #text + from + 1 end
  if from > #text then return #text + 1 end
  return from < 1 and 1 or from - from % 1
end

local function plainly(text, wanted, from)
  for start = from, #text - #wanted + 1 do
    if sub(text, start, start + #wanted - 1) == wanted then
      return start, start + #wanted - 1
    end
  end
end

local function as_text(value) return type(value) == "number" and tostring(value) or value end

local function ours(text, pattern)
  if type(text) ~= "string" or type(pattern) ~= "string" then return false end
  bounded(#text)
  return not is_cheap(text, pattern)
end

local found = {}

function found.find(text, pattern, from, plain)
  text, pattern = as_text(text), as_text(pattern)
  if not ours(text, pattern) then return original.find(text, pattern, from, plain) end
  from = beginning(text, from)
  if plain or not find(pattern, "[%^$*+?.(%[%%-]") then return plainly(text, pattern, from) end
  local anchored = byte(pattern) == 94
  local state = new_state(text, pattern, anchored and 2 or 1)
  local start, last = search(state, from, anchored)
  if not start then return nil end
  if state.level == 0 then return start, last - 1 end
  return start, last - 1, captures(state, start, last)
end

function found.match(text, pattern, from)
  text, pattern = as_text(text), as_text(pattern)
  if not ours(text, pattern) then return original.match(text, pattern, from) end
  from = beginning(text, from)
  local anchored = byte(pattern) == 94
  local state = new_state(text, pattern, anchored and 2 or 1)
  local start, last = search(state, from, anchored)
  if start then return captures(state, start, last) end
end

function found.gmatch(text, pattern)
  text, pattern = as_text(text), as_text(pattern)
  if not ours(text, pattern) then return original.gmatch(text, pattern) end
  local state, from = new_state(text, pattern, 1), 1
  return function()
    if from > #text + 1 then return nil end
    local start, last = search(state, from, false)
    if not start then
      from = #text + 2
      return nil
    end
    from = last == start and last + 1 or last
    return captures(state, start, last)
  end
end

local function filled(state, template, start, last)
  return (gsub(template, "%%(.?)", function(code)
    local index = tonumber(code)
    if index == nil then return code end
    if index == 0 or (index == 1 and state.level == 0) then
      return sub(state.text, start, last - 1)
    end
    if index > state.level then error("invalid capture index", 0) end
    return captured(state, index)
  end))
end

local function replacement(state, with, start, last)
  local kind, value = type(with), nil
  if kind == "string" then return filled(state, with, start, last) end
  if kind == "table" then
    value = with[state.level == 0 and sub(state.text, start, last - 1) or captured(state, 1)]
  else
    value = with(captures(state, start, last))
  end
  if not value then return sub(state.text, start, last - 1) end
  if type(value) ~= "string" and type(value) ~= "number" then
    error("invalid replacement value (a " .. type(value) .. ")", 0)
  end
  return value
end

local function is_small(text, with)
  -- Whether Lua's own gsub makes nothing large of it.
  if type(with) ~= "string" then return type(with) ~= "table" end
  local each = find(with, "%", 1, true) and #with * (1 + #text) or #with
  return (#text + 1) * (each + 1) <= CHEAP
end

function found.gsub(text, pattern, with, most)
  text, pattern, with = as_text(text), as_text(pattern), as_text(with)
  local kind = type(with)
  if kind ~= "string" and kind ~= "table" and kind ~= "function" then
    return original.gsub(text, pattern, with, most)
  end
  if not ours(text, pattern) and (type(text) ~= "string" or is_small(text, with)) then
    return original.gsub(text, pattern, with, most)
  end
  local anchored = byte(pattern) == 94
  local state, from, count = new_state(text, pattern, anchored and 2 or 1), 1, 0
  local pieces, size = {}, 0
  most = tonumber(most) or #text + 1
  while count < most do
    state.level = 0
    local last = attempt(state, 1, from)
    if last then
      count = count + 1
      local piece = replacement(state, with, from, last)
      pieces[#pieces + 1], size = piece, size + #tostring(piece)
      bounded(size)
    end
    if last and last > from then
      from = last
    elseif from <= #text then
      pieces[#pieces + 1], from = sub(text, from, from), from + 1
    else
      break
    end
    if anchored then break end
  end
  pieces[#pieces + 1] = sub(text, from)
  return concat(pieces), count
end

return found
