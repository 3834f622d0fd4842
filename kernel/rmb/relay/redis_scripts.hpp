// What several relays do together in Redis, each step as one script: nothing comes between.
//
// Keys, all behind one prefix P:
//   P q:<session>   stream of messages: m bytes, e expiry, s source twin
//   P o:<session>   id of the relay that holds the session; expires unless it is renewed
//   P alive:<relay> while the relay lives
//   P sizes, P used sorted sets: bytes of each queue, time of its last push
//   P total         bytes of all queues
//   P last          id of the message pushed last
//   P c:<relay>     channel of the relay: `w<session>` something was queued, `d<session>` another
//                   relay has the session now
#pragma once

namespace trellis::rmb::scripts {

/// Removes the oldest message of a queue. Used by the others.
inline constexpr char const* kDropOldest = R"lua(
local P = KEYS[1]
local function count(session, change)
  redis.call('INCRBY', P .. 'total', change)
  return tonumber(redis.call('ZINCRBY', P .. 'sizes', change, session))
end
local function forget(session)
  local size = redis.call('ZSCORE', P .. 'sizes', session)
  if size then redis.call('DECRBY', P .. 'total', string.format('%d', size)) end
  redis.call('DEL', P .. 'q:' .. session)
  redis.call('ZREM', P .. 'sizes', session)
  redis.call('ZREM', P .. 'used', session)
end
local function drop(session, id)
  local q = P .. 'q:' .. session
  local entry = redis.call('XRANGE', q, id, id == '-' and '+' or id, 'COUNT', 1)[1]
  if not entry then
    if redis.call('EXISTS', q) == 0 then forget(session) end
    return 0
  end
  redis.call('XDEL', q, entry[1])
  local size = count(session, -(#entry[2][2] + 256))
  if redis.call('XLEN', q) == 0 then forget(session) end
  return size
end
)lua";

/// session, bytes, expiry, source, now, most messages, most bytes, most bytes of all, "1" = fail
/// fast. `queued` or `offline`.
inline constexpr char const* kPush = R"lua(
local session = ARGV[1]
local owner = redis.call('GET', P .. 'o:' .. session)
if owner and redis.call('EXISTS', P .. 'alive:' .. owner) == 0 then owner = false end
if ARGV[9] == '1' and not owner then return 'offline' end
local q = P .. 'q:' .. session
-- Ids grow for ever, also over a queue that was emptied and begins again within a millisecond:
-- readers go on after the id they read last.
local time = redis.call('TIME')
local last = tonumber(redis.call('GET', P .. 'last') or '0')
local id = string.format('%.0f', math.max(time[1] * 1000000 + time[2], last + 1))
redis.call('SET', P .. 'last', id)
redis.call('XADD', q, id .. '-0', 'm', ARGV[2], 'e', ARGV[3], 's', ARGV[4])
local size = count(session, #ARGV[2] + 256)
redis.call('ZADD', P .. 'used', ARGV[5], session)
local n = redis.call('XLEN', q)
while n > tonumber(ARGV[6]) or (n > 1 and size > tonumber(ARGV[7])) do
  size = drop(session, '-')
  n = n - 1
end
local most = tonumber(ARGV[8])
while tonumber(redis.call('GET', P .. 'total')) > most do
  local largest = redis.call('ZREVRANGE', P .. 'sizes', 0, 0)[1]
  if not largest then break end
  drop(largest, '-')
end
if owner then redis.call('PUBLISH', P .. 'c:' .. owner, 'w' .. session) end
return 'queued'
)lua";

/// relay, seconds of ownership, session. Tells the relay that had the session before.
inline constexpr char const* kOpen = R"lua(
local o = P .. 'o:' .. ARGV[3]
local owner = redis.call('GET', o)
if owner and owner ~= ARGV[1] then redis.call('PUBLISH', P .. 'c:' .. owner, 'd' .. ARGV[3]) end
redis.call('SET', o, ARGV[1], 'EX', ARGV[2])
return 'ok'
)lua";

/// relay, session.
inline constexpr char const* kClose = R"lua(
local o = P .. 'o:' .. ARGV[2]
if redis.call('GET', o) == ARGV[1] then redis.call('DEL', o) end
return 'ok'
)lua";

/// relay, seconds, sessions …: those that are still the relay's stay so; the others are returned.
inline constexpr char const* kRenew = R"lua(
local lost = {}
for i = 3, #ARGV do
  local o = P .. 'o:' .. ARGV[i]
  local owner = redis.call('GET', o)
  if owner and owner ~= ARGV[1] then
    lost[#lost + 1] = ARGV[i]
  else
    redis.call('SET', o, ARGV[1], 'EX', ARGV[2])
  end
end
return lost
)lua";

/// session, ids …: written or expired.
inline constexpr char const* kDone = R"lua(
for i = 2, #ARGV do drop(ARGV[1], ARGV[i]) end
return 'ok'
)lua";

/// time, most: forgets queues that nobody pushed to since.
inline constexpr char const* kSweep = R"lua(
local old = redis.call('ZRANGEBYSCORE', P .. 'used', '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, session in ipairs(old) do forget(session) end
return #old
)lua";

}  // namespace trellis::rmb::scripts
