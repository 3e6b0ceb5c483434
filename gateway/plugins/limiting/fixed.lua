-- Count in all windows, or in none: one round trip, in which no other client comes between.
-- KEYS: a counter for each window. ARGV: for each the amount, the most that there may be, and the
-- seconds that a counter lives. Returns 1 (counted) or 0, then what each counter was before.
local reply = redis.call('MGET', unpack(KEYS))
local room = 1
for i = 1, #KEYS do
  reply[i] = tonumber(reply[i] or 0)
  if reply[i] + tonumber(ARGV[3 * i - 2]) > tonumber(ARGV[3 * i - 1]) then
    room = 0
  end
end
if room == 1 then
  for i = 1, #KEYS do
    redis.call('INCRBY', KEYS[i], ARGV[3 * i - 2])
    if redis.call('TTL', KEYS[i]) < 0 then
      redis.call('EXPIRE', KEYS[i], ARGV[3 * i])
    end
  end
end
table.insert(reply, 1, room)
return reply
