-- Begin an attempt of an origin: KEYS[1] is its hash of failures and of when it may try again.
-- ARGV: failures before the first wait, seconds of the longest wait, seconds for which it is kept.
-- Returns the seconds to wait before an attempt, 0 for none; and those after this one, if it fails.
-- The attempt counts as failed until it is taken back, so that many at once are many.
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local free = tonumber(redis.call('HGET', KEYS[1], 'free') or 0)
if free > now then
    return {math.ceil(free - now), 0}
end
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
if failures <= tonumber(ARGV[1]) then
    return {0, 0}
end
local wait = math.min(2 ^ failures, tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'free', string.format('%.6f', now + wait))
return {0, wait}
