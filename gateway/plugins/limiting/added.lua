-- Add what was counted elsewhere, and say what each counter is now.
-- KEYS: counters. ARGV: for each the amount (0: only read), and the seconds that it lives.
local totals = {}
for i = 1, #KEYS do
  if tonumber(ARGV[2 * i - 1]) > 0 then
    totals[i] = redis.call('INCRBY', KEYS[i], ARGV[2 * i - 1])
    if redis.call('TTL', KEYS[i]) < 0 then
      redis.call('EXPIRE', KEYS[i], ARGV[2 * i])
    end
  else
    totals[i] = tonumber(redis.call('GET', KEYS[i]) or 0)
    if not totals[i] then
      return redis.error_reply('ERR ' .. KEYS[i] .. ' holds no number')
    end
  end
end
return totals
