-- Take back an attempt that was none: the password was right. KEYS[1] as in attempt.lua.
redis.call('HINCRBY', KEYS[1], 'failures', -1)
return redis.call('HDEL', KEYS[1], 'free')
