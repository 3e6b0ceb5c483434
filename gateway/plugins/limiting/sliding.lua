-- Count in all windows, or in none; what the previous window holds weighs less as time goes by.
-- KEYS: for each window the counter of the present and of the previous one. ARGV: 1 to count also
-- what is refused, else 0; then for each window its limit, the previous one's weight (0 to 1), and
-- the seconds that a counter lives. Returns 1 (there was room) or 0, then what the counters were.
local counts = redis.call('MGET', unpack(KEYS))
local room = 1
for i = 1, #KEYS do
  counts[i] = tonumber(counts[i] or 0)
end
for i = 1, #KEYS / 2 do
  local rate = counts[2 * i - 1] + 1 + counts[2 * i] * tonumber(ARGV[3 * i])
  if rate > tonumber(ARGV[3 * i - 1]) then
    room = 0
  end
end
if room == 1 or ARGV[1] == '1' then
  for i = 1, #KEYS / 2 do
    redis.call('INCR', KEYS[2 * i - 1])
    if redis.call('TTL', KEYS[2 * i - 1]) < 0 then
      redis.call('EXPIRE', KEYS[2 * i - 1], ARGV[3 * i + 1])
    end
  end
end
table.insert(counts, 1, room)
return counts
