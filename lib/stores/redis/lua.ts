// Made by scripts/embed-lua.mjs from the files in scripts/; change those.

export const renew = String.raw`
-- Renews many leases of one process. Never creates one. Touches no key but the leases, so that a
-- Cluster can go on renewing while it moves a slot.
--
-- KEYS  the leases
-- ARGV  for each: owner, token, ttl in ms
-- reply for each: 2 renewed and waited for, 1 renewed, 0 expired, -1 taken over, -2 forced

local time = redis.call('TIME')
local now = math.floor(time[1] * 1000 + time[2] / 1000)

local function renew(key, owner, token, ttl)
  -- A key of another type is somebody else's: it must not fail the renewals of all.
  local lease = redis.pcall('HMGET', key, owner, 'waited', 'forced')
  if lease.err then return -1 end
  local record, waited, forced = lease[1], lease[2], lease[3]
  local units, held, ends, rest = string.match(record or '', '^(%d+) (%d+) (%d+)( .*)$')
  if ends then
    if tonumber(ends) >= now and held == token then
      redis.call('HSET', key, owner, units .. ' ' .. held .. ' ' .. now + ttl .. rest)
      -- Of many holders the one that lasts longest decides how long the key does.
      if (units == '0' and not forced) or redis.call('PTTL', key) <= ttl then
        redis.call('PEXPIRE', key, ttl + 1)
      end
      return waited and 2 or 1
    end
    if tonumber(ends) >= now then return -1 end
  end
  if forced and string.find(forced, owner, 1, true) then return -2 end
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local units, ends = string.match(fields[i + 1], '^(%d+) %d+ (%d+) ')
    if ends and units == '0' and tonumber(ends) >= now then return -1 end
  end
  return 0
end

local replies = {}
for i, key in ipairs(KEYS) do
  replies[i] = renew(key, ARGV[i * 3 - 2], ARGV[i * 3 - 1], tonumber(ARGV[i * 3]))
end
return replies
`;

export const steps = String.raw`
-- Takes the steps of one turn, in their order and at once: acquire, release, transfer, inspect, force, and more.
--
-- KEYS  for each step: lease, queue, waiters, token counter of one name, and more where it says so
-- ARGV  1 PUBLISH or SPUBLISH, 2 the asking process's channel ('' if it polls), 3 its description,
--       then what each step is, a letter with numbers, and its arguments (see there): 'a' and 'r' where
--       the common case is likely, 'A' and 'R' where it cannot be
-- reply for each step its own, or {-2, message} where it failed
--
-- lease    hash: owner -> 'units token ends since holder', of one holder, or of many that share;
--          'waited' while others wait, 'permits' of a semaphore, 'forced': who lost it by force
-- queue    sorted set of the owners that wait, by the order in which they came
-- waiters  hash: owner -> 'until number units permits claim block channel holder' of a registration
--
-- Only TIME tells what has ended; that keys expire merely tidies up. The common cases, a free name
-- and a lease that nobody waits for, stand at the end and need as few commands as can be.

local PUBLISH, CHANNEL, HOLDER = ARGV[1], ARGV[2], ARGV[3]
local call = redis.call
local micros, now, nowText

local function readTime()
  local time = call('TIME')
  micros = time[1] * 1000000 + time[2]
  now = math.floor(micros / 1000)
  nowText = string.format('%.0f', micros)
end

-- Everything but the common cases.
local function makeSteps()
  local META = { waited = true, permits = true, forced = true }

  local function readLease(key, fields)
    local lease = { key = key, holders = {}, count = 0, used = 0, ends = 0 }
    fields = fields or call('HGETALL', key)
    for i = 1, #fields, 2 do
      local field, value = fields[i], fields[i + 1]
      if META[field] then
        lease[field] = value
      else
        local units, token, ends, since, holder =
          string.match(value, '^(%d+) (%d+) (%d+) (%d+) (.*)$')
        ends, units = tonumber(ends), tonumber(units)
        if ends < now then
          call('HDEL', key, field)
        else
          local held =
            { owner = field, ends = ends, token = token, since = since, units = units, holder = holder }
          lease.holders[field] = held
          lease.count = lease.count + 1
          lease.used = lease.used + units
          lease.exclusive = lease.exclusive or units == 0
          lease.ends = math.max(lease.ends, ends)
          if not lease.first or ends < lease.first.ends then lease.first = held end
        end
      end
    end
    return lease
  end

  local function writeHolder(lease, held, ...)
    call('HSET', lease.key, held.owner, string.format('%d %s %.0f %s %s',
      held.units, held.token, held.ends, held.since, held.holder), ...)
    if lease.forced then
      if call('PTTL', lease.key) < held.ends - now then call('PEXPIRE', lease.key, held.ends - now + 1) end
    elseif held.ends > lease.ends or lease.count <= 1 then
      call('PEXPIRE', lease.key, held.ends - now + 1)
      lease.ends = held.ends
    end
  end

  -- 0 units are all there is: nobody else may hold any.
  local function admits(lease, units, permits)
    if units == 0 then return lease.count == 0 end
    if lease.exclusive then return false end
    local capacity = tonumber(lease.permits or permits)
    return capacity == 0 or lease.used + units <= capacity
  end

  -- A block of tokens is for callers of one process that hand over without asking. Time carries the
  -- tokens on where the counter is lost, so a block is given only while the counter is behind it.
  local function takeTokens(counterKey, counterTtl, block)
    local function set(last)
      -- tostring() would round a number of this size.
      local text = string.format('%.0f', last)
      if counterTtl == 0 then return call('SET', counterKey, text, 'GET') end
      return call('SET', counterKey, text, 'GET', 'EX', counterTtl)
    end
    local first, last = micros, micros + block - 1
    local counter = tonumber(string.match(set(last) or '', '^%d+$') or 0) -- another text is none: time goes on
    if counter >= first then
      first, last = counter + 1, counter + 1
      set(last)
    end
    return first, last
  end

  local function grant(lease, owner, first, endsIn, units, permits, holder, ...)
    local held = {
      owner = owner, ends = now + endsIn, token = string.format('%.0f', first),
      since = string.format('%.0f', now), units = units, holder = holder,
    }
    lease.count = lease.count + 1
    lease.used = lease.used + units
    lease.exclusive = units == 0
    lease.holders[owner] = held
    if not lease.first or held.ends < lease.first.ends then lease.first = held end
    writeHolder(lease, held, ...)
    if permits > 0 and not lease.permits then
      lease.permits = permits
      call('HSET', lease.key, 'permits', permits)
    end
  end

  local function leaveQueue(queue, waiters, owner)
    call('ZREM', queue, owner)
    call('HDEL', waiters, owner)
  end

  -- An exclusive lease that is not 'waited' has an empty queue: a release relies on that.
  -- Hands over to those that wait, in their order, for as long as there is room. Whoever cannot be told
  -- is passed over and keeps its place. Returns the tokens of the asker, if its turn has come.
  local function serve(lease, queue, waiters, counterKey, counterTtl, asker, askerLength)
    local first, last
    local offset = 0
    while true do
      local owner = call('ZRANGE', queue, offset, offset)[1]
      if not owner then break end
      local validUntil, number, units, permits, claim, block, channel, holder = string.match(
        call('HGET', waiters, owner) or '',
        '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (.*)$')
      units, claim, permits = tonumber(units), tonumber(claim), tonumber(permits)
      if not units or tonumber(validUntil) + 3 * claim < now then
        leaveQueue(queue, waiters, owner)
      elseif tonumber(validUntil) < now then
        offset = offset + 1 -- it may only be stopped, and come again
      elseif not admits(lease, units, permits) then
        break
      else
        local from, to = takeTokens(counterKey, counterTtl, tonumber(block))
        local left = call('ZCARD', queue) - 1
        local heard = 1
        if owner == asker then
          first, last = from, to
        elseif channel ~= '-' then
          -- Who gives up a name may be no user of channels: then the waiter has to ask. Messages reach those
          -- too who listen at a replica, as at a master that was demoted, and do not count: what nobody
          -- hears here must not be told, since it would be believed there.
          heard = redis.pcall(PUBLISH, channel, '')
          if type(heard) == 'number' and heard > 0 then
            heard = redis.pcall(PUBLISH, channel, string.format('%s %s %.0f %.0f %d', owner, number,
              from, to, left))
          end
        end
        if type(heard) == 'number' and heard > 0 then
          leaveQueue(queue, waiters, owner)
          local length = owner == asker and askerLength or claim
          if units == 0 and left > 0 then
            lease.waited = '1'
            grant(lease, owner, from, length, units, permits, holder, 'waited', 1)
          else
            grant(lease, owner, from, length, units, permits, holder)
          end
          if units == 0 then break end
        else
          offset = offset + 1
        end
      end
    end
    if lease.count > 0 and not lease.exclusive and not lease.waited and call('EXISTS', queue) == 1 then
      lease.waited = '1'
      call('HSET', lease.key, 'waited', 1)
    end
    return first, last
  end

  local function enqueue(lease, queue, waiters, owner, number, units, permits, claim, block)
    if number == 1 or not call('ZSCORE', queue, owner) then
      local tail = call('ZRANGE', queue, -1, -1, 'WITHSCORES')
      call('ZADD', queue, 'NX', tonumber(tail[2] or 0) + 1, owner)
    end
    call('HSET', waiters, owner, string.format('%.0f %d %d %d %d %d %s %s',
      now + claim, number, units, permits, claim, block, CHANNEL == '' and '-' or CHANNEL, HOLDER))
    -- A queue ends with its newest entry.
    if call('PTTL', waiters) < claim then
      call('PEXPIRE', queue, claim + 1)
      call('PEXPIRE', waiters, claim + 1)
    end
    if lease.count > 0 and not lease.waited then
      lease.waited = '1'
      call('HSET', lease.key, 'waited', 1)
    end
  end

  -- 'a length block ttl units permits number claim counterTtl queueBlock', owner
  --     length: of the lease, if it is free; units: 0 are all; permits: 0 is no semaphore; block: how many
  --     tokens are of use at once, queueBlock: when its turn has come; number: of the registration, 0 does
  --     not wait; counterTtl: in s, 0 is for ever
  -- reply token
  --    or {1, token, last token of the block, whether others wait, former permits if these changed}
  --    or {0, place in the queue, former permits} and, if somebody holds it, {token, since, remaining, units, holder}
  local function acquire(k, a, spec)
    local lease = readLease(KEYS[k])
    local queue, waiters, counterKey = KEYS[k + 1], KEYS[k + 2], KEYS[k + 3]
    local owner = ARGV[a + 1]
    local _, block, ttl, units, permits, number, claim, counterTtl, queueBlock = unpack(spec)
    local again = number > 1
    local former = 0

    -- Who waits has declared its number before: what others declared since counts.
    if lease.permits and permits > 0 and permits ~= tonumber(lease.permits) and not again then
      former = tonumber(lease.permits)
      lease.permits = permits
      call('HSET', lease.key, 'permits', permits)
    end

    local mine = lease.holders[owner]
    if mine then
      -- Asked again, because an answer never came: the same lease, counted anew.
      mine.ends = again and math.max(mine.ends, now + claim) or now + ttl
      writeHolder(lease, mine)
      local token = tonumber(mine.token)
      return { 1, token, token, lease.waited and 1 or 0, former }
    end

    if admits(lease, units, permits) and call('EXISTS', queue) == 0 then
      local first, last = takeTokens(counterKey, counterTtl, block)
      grant(lease, owner, first, again and claim or ttl, units, permits, HOLDER)
      return { 1, first, last, 0, former }
    end

    if number > 0 then
      enqueue(lease, queue, waiters, owner, number, units, permits, claim, queueBlock)
    end
    local first, last
    -- While somebody has all of it, there are only those that died to be forgotten: now and then will do.
    if again or not lease.exclusive then
      first, last = serve(lease, queue, waiters, counterKey, counterTtl, owner, again and claim or ttl)
    end
    if first then return { 1, first, last, lease.waited and 1 or 0, former } end
    local rank = number > 0 and call('ZRANK', queue, owner)
    local held = lease.first
    local place = rank and rank + 1 or 0
    if not held then return { 0, place, former } end
    return { 0, place, former, held.token, held.since, held.ends - now, held.units, held.holder }
  end

  -- Gives up whatever an owner has or waits for; fields: of the lease, if they are known.
  local function giveUp(k, owner, token, minHold, counterTtl, fields)
    local lease = readLease(KEYS[k], fields)
    local queue, waiters, counterKey = KEYS[k + 1], KEYS[k + 2], KEYS[k + 3]
    local held = lease.holders[owner]
    local outcome = 0
    if held and (token == '' or token == held.token) then
      outcome = 1
      -- A clock that was set back since may say that it has not even begun.
      local keep = math.min(tonumber(held.since), now) + minHold
      if keep > now then
        held.ends = keep
        lease.ends = 0
        for _, other in pairs(lease.holders) do lease.ends = math.max(lease.ends, other.ends) end
        lease.forced = nil
        writeHolder(lease, held)
      elseif lease.count == 1 and not lease.forced and not lease.permits then
        call('DEL', lease.key)
        lease = { key = lease.key, holders = {}, count = 0, used = 0, ends = 0 }
      else
        call('HDEL', lease.key, owner)
        lease = readLease(lease.key)
      end
    elseif held or (lease.exclusive and lease.count > 0) then
      outcome = -1
    end
    if call('EXISTS', queue) == 1 then
      if not held then leaveQueue(queue, waiters, owner) end
      serve(lease, queue, waiters, counterKey, counterTtl)
      if lease.waited and call('EXISTS', queue) == 0 then call('HDEL', lease.key, 'waited') end
    end
    if lease.permits and lease.count == 0 and not lease.forced then call('DEL', lease.key) end
    return outcome
  end

  -- 'r minHold counterTtl', owner, token ('' if no answer ever told it); minHold in ms
  --     Leaves the queue, too.
  -- reply 1 released, 0 expired, -1 taken over
  local function release(k, a, spec, fields)
    return giveUp(k, ARGV[a + 1], ARGV[a + 2], spec[1], spec[2], fields)
  end

  -- 'i'
  -- reply {permits, how many wait, then for each holder: token, since, remaining, units, holder}
  local function inspect(k)
    local lease = readLease(KEYS[k])
    local reply = { tonumber(lease.permits or 0), call('ZCARD', KEYS[k + 1]) }
    for _, held in pairs(lease.holders) do
      for _, value in ipairs({ held.token, held.since, held.ends - now, held.units, held.holder }) do
        reply[#reply + 1] = value
      end
    end
    return reply
  end

  -- 'w limit'
  -- reply {for each of those that wait, first to last: units, holder}
  local function queueOf(k, a, spec)
    local reply = {}
    for _, owner in ipairs(call('ZRANGE', KEYS[k + 1], 0, spec[1] - 1)) do
      local validUntil, units, claim, holder = string.match(call('HGET', KEYS[k + 2], owner) or '',
        '^(%d+) %d+ (%d+) %d+ (%d+) %d+ %S+ (.*)$')
      if units and tonumber(validUntil) + 3 * claim >= now then
        reply[#reply + 1] = units
        reply[#reply + 1] = holder
      end
    end
    return reply
  end

  -- 'f counterTtl', token ('' for all holders)
  -- reply {for each former holder: token, since, remaining, units, holder}
  local function force(k, a, spec)
    local lease = readLease(KEYS[k])
    local token, counterTtl = ARGV[a + 1], spec[1]
    local reply, forced, ends = {}, lease.forced or '', now
    for owner, held in pairs(lease.holders) do
      if token == '' or token == held.token then
        for _, value in ipairs({ held.token, held.since, held.ends - now, held.units, held.holder }) do
          reply[#reply + 1] = value
        end
        forced = forced .. ' ' .. owner
        ends = math.max(ends, held.ends)
        call('HDEL', lease.key, owner)
      end
    end
    if #reply > 0 then
      -- For the holders, who learn it with their next renewal.
      call('HSET', lease.key, 'forced', forced)
      call('PEXPIRE', lease.key, math.max(ends, lease.ends) - now + 1)
      if call('EXISTS', KEYS[k + 1]) == 1 then
        serve(readLease(lease.key), KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], counterTtl, nil)
      end
    end
    return reply
  end

  -- 't ttl', owner, token, new owner
  -- reply 1 the lease is the new owner's and lasts ttl from now, 0 expired, -1 taken over, -3 forced
  local function transfer(k, a, spec)
    local lease = readLease(KEYS[k])
    local owner, token, heir = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
    local held = lease.holders[owner]
    if held and held.token == token then
      call('HDEL', lease.key, owner)
      held.owner, held.holder, held.ends = heir, HOLDER, now + spec[1]
      writeHolder(lease, held)
      return 1
    end
    if lease.forced and string.find(lease.forced, owner, 1, true) then return -3 end
    return (held or lease.exclusive) and -1 or 0
  end

  -- Outcomes of what is done once. Keys of these steps: the four of the name, its record, and the names
  -- of its job and tag that are processed, and that are begun, by when they end.
  --
  -- record   JSON, of texts only: job; state 'begun' or 'processed'; token and, while begun, owner of who
  --          began last; attempts, each {token, outcome, since, holder}; expires (ms, 0 never), done (ms),
  --          fingerprint, result, missing

  local MOST_ATTEMPTS = 8
  local HOLD, ASK = 1, 2

  -- The record and its text, nil, or false for what cannot be read: somebody else's key, or a damaged one.
  local function recordAt(key)
    local text = redis.pcall('GET', key)
    if type(text) == 'table' then
      if string.find(text.err, 'WRONGTYPE', 1, true) then return false end
      error(text)
    end
    if not text then return nil end
    local isJson, record = pcall(cjson.decode, text)
    if not isJson or type(record) ~= 'table' or type(record.attempts) ~= 'table' then return false end
    local expires = tonumber(record.expires)
    if not expires then return false end
    if expires == 0 or expires >= now then return record, text end
  end

  local function readRecord(key)
    local record, text = recordAt(key)
    if record == false then error('DAMAGED, or of somebody else: ' .. key, 0) end
    return record, text
  end

  local function isAtWork(token, lease)
    for _, held in pairs(lease.holders) do
      if held.token == token then return true end
    end
    return false
  end

  local function stateOf(record, lease)
    if record.state == 'processed' then return 'processed' end
    return isAtWork(record.token, lease) and 'running' or 'unknown'
  end

  -- {state, tokens at work, the record}
  local function tell(record, text, lease)
    local tokens = {}
    for _, held in pairs(lease.holders) do tokens[#tokens + 1] = held.token end
    return { stateOf(record, lease), table.concat(tokens, ' '), text }
  end

  local function attemptOf(record, token)
    for _, attempt in ipairs(record.attempts) do
      if attempt[1] == token then return attempt end
    end
  end

  local function addAttempt(record, token, outcome)
    local attempts = record.attempts
    attempts[#attempts + 1] = { token, outcome, string.format('%.0f', now), HOLDER }
    if #attempts > MOST_ATTEMPTS then table.remove(attempts, 1) end
  end

  -- Who began last never told the end.
  local function closeLast(record)
    local attempt = record.token and attemptOf(record, record.token)
    if attempt and attempt[2] == 'begun' then attempt[2] = 'unknown' end
  end

  -- A list ends a little after its last name, so that not every name has to move its end.
  local function setListEnd(list, ms)
    call('ZREMRANGEBYSCORE', list, '-inf', '(' .. now)
    call('PEXPIRE', list, math.floor(ms * 1.1) + 1)
  end

  -- A list has no end while one of its names has none.
  local function fitListEnd(list, least)
    local left = call('PTTL', list)
    if left == -1 then
      local last = call('ZRANGE', list, -1, -1, 'WITHSCORES')[2]
      if last and last ~= 'inf' then setListEnd(list, math.max(last - now, 0)) end
    elseif left < least then
      setListEnd(list, least)
    end
  end

  local function enlist(list, name, expires)
    call('ZADD', list, expires == 0 and '+inf' or expires, name)
    if expires == 0 then call('PERSIST', list) else fitListEnd(list, expires - now) end
  end

  local function unlist(list, name)
    if call('ZREM', list, name) == 1 then fitListEnd(list, 0) end
  end

  -- Writes the record, for ms from now, 0 for ever, and lists it; was: its former state, nil if it is new.
  local function keep(k, record, was, name, ms, neverSooner)
    local expires = ms == 0 and 0 or now + ms
    if neverSooner then
      local former = tonumber(record.expires)
      if expires > 0 and (former == 0 or former > expires) then expires = former end
    end
    record.expires = string.format('%.0f', expires)
    local text = cjson.encode(record)
    if expires == 0 then
      call('SET', KEYS[k + 4], text)
    else
      call('SET', KEYS[k + 4], text, 'PX', expires - now + 1)
    end
    local isDone = record.state == 'processed'
    if was and was ~= record.state then unlist(KEYS[k + (isDone and 6 or 5)], name) end
    enlist(KEYS[k + (isDone and 5 or 6)], name, expires)
  end

  local function forget(k, name)
    call('DEL', KEYS[k + 4])
    unlist(KEYS[k + 5], name)
    unlist(KEYS[k + 6], name)
  end

  local function begin(k, record, owner, token, name, job, fingerprint, keepMs)
    record = record or { attempts = {} }
    if attemptOf(record, token) then return end -- asked again, because an answer never came
    local was = record.state
    -- What an earlier try has left behind is not forgotten sooner because of this one.
    if was and record.expires == '0' then keepMs = 0 end
    closeLast(record)
    record.job, record.state, record.owner, record.token = job, 'begun', owner, token
    if fingerprint ~= '' then record.fingerprint = fingerprint end
    addAttempt(record, token, 'begun')
    keep(k, record, was, name, keepMs)
  end

  -- 'o', the numbers of an 'a', then policy and how long the record is kept in ms, 0 for ever;
  --     owner, name, job, fingerprint
  -- reply as an acquire's, with a sixth, the record, where its outcome was unknown;
  --    or {2 processed, 3 unknown, 4 begun with another fingerprint; the record}, and the owner has nothing
  local function acquireOnce(k, a, spec)
    local owner, name, job, fingerprint = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], ARGV[a + 4]
    local policy, keepMs = spec[10], spec[11]
    local record, text = readRecord(KEYS[k + 4])
    local unknown
    if record then
      local lease = readLease(KEYS[k])
      local state = stateOf(record, lease)
      local mine = lease.holders[owner]
      local refusal
      if mine and attemptOf(record, mine.token) then
        refusal = nil -- at work already: a question that was late
      elseif fingerprint ~= '' and record.fingerprint and record.fingerprint ~= fingerprint then
        refusal = 4
      elseif state == 'processed' then
        refusal = 2
      elseif state == 'unknown' then
        unknown = tell(record, text, lease)
        if policy == HOLD then refusal = 3 end
      end
      if refusal then
        if mine or call('ZSCORE', KEYS[k + 1], owner) then
          giveUp(k, owner, '', 0, spec[8])
        end
        return { refusal, tell(record, text, lease) }
      end
    end
    local reply = acquire(k, a, spec)
    if reply[1] == 1 then
      if not (unknown and policy == ASK) then
        begin(k, record, owner, string.format('%.0f', reply[2]), name, job, fingerprint, keepMs)
      end
      reply[6] = unknown
    end
    return reply
  end

  -- 'p minHold counterTtl retention', owner, token, name, job, fingerprint, result, missing
  -- reply of a release; 1 also where it had been told before, and was ours then
  local function markProcessed(k, a, spec)
    local minHold, counterTtl, retention = unpack(spec)
    local owner, token, name, job = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], ARGV[a + 4]
    local fields = call('HGETALL', KEYS[k])
    local held = readLease(KEYS[k], fields).holders[owner]
    local isOurs = held and held.token == token
    local record = readRecord(KEYS[k + 4]) or { attempts = {}, job = job, token = token }
    local attempt = attemptOf(record, token)
    local told = attempt and attempt[2]
    if told ~= 'processed' and told ~= 'late' then
      local outcome = isOurs and 'processed' or 'late'
      if attempt then attempt[2] = outcome else addAttempt(record, token, outcome) end
      local was = record.state
      local isFirst = was ~= 'processed'
      if isFirst then
        record.state, record.done, record.owner = 'processed', string.format('%.0f', now), nil
        if ARGV[a + 5] ~= '' then record.fingerprint = ARGV[a + 5] end
        if ARGV[a + 6] ~= '' then record.result = ARGV[a + 6] end
        if ARGV[a + 7] ~= '' then record.missing = ARGV[a + 7] end
      end
      keep(k, record, was, name, retention, not isFirst)
    end
    local released = giveUp(k, owner, token, minHold, counterTtl, fields)
    return told == 'processed' and 1 or released
  end

  -- Takes the last attempt back: what was known before it is what is known.
  local function takeBack(k, record, name)
    local attempts = record.attempts
    for i = #attempts, 1, -1 do
      if attempts[i][1] == record.token then table.remove(attempts, i) end
    end
    for i = #attempts, 1, -1 do
      if attempts[i][2] == 'unknown' then
        record.token, record.owner = attempts[i][1], nil
        return call('SET', KEYS[k + 4], cjson.encode(record), 'KEEPTTL')
      end
    end
    forget(k, name)
  end

  -- 'u minHold counterTtl hasRun', owner, token ('' if no answer ever told it), name
  -- reply of a release
  local function leaveOpen(k, a, spec)
    local owner, token, name = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
    local record = readRecord(KEYS[k + 4])
    if record then
      local isLast = record.owner == owner and (token == '' or token == record.token)
      local attempt = attemptOf(record, token)
      if record.state == 'begun' and isLast then
        if spec[3] == 1 then forget(k, name) else takeBack(k, record, name) end
      elseif attempt and (attempt[2] == 'begun' or attempt[2] == 'unknown') then
        attempt[2] = 'failed'
        call('SET', KEYS[k + 4], cjson.encode(record), 'KEEPTTL')
      end
    end
    return giveUp(k, owner, token, spec[1], spec[2])
  end

  -- 'v decision retention' (1 processed, 0 retry), name, token of the attempt that is decided upon
  -- reply 1 resolved, 0 somebody is at it, -1 it is not unknown
  local function resolve(k, a, spec)
    local name = ARGV[a + 1]
    local record = readRecord(KEYS[k + 4])
    if not record or record.state == 'processed' or record.token ~= ARGV[a + 2] then return -1 end
    if isAtWork(record.token, readLease(KEYS[k])) then return 0 end
    if spec[1] == 0 then
      forget(k, name)
      return 1
    end
    closeLast(record)
    addAttempt(record, '0', 'resolved')
    record.state, record.done, record.owner = 'processed', string.format('%.0f', now), nil
    keep(k, record, 'begun', name, spec[2])
    return 1
  end

  -- 'q', nothing
  -- reply the record, or {}
  local function read(k)
    local record, text = readRecord(KEYS[k + 4])
    return record and tell(record, text, readLease(KEYS[k])) or {}
  end

  -- 'c', name, state, job
  -- reply 1 if it was in this state, and is forgotten
  local function clear(k, a)
    -- What cannot be read is of no use to anybody, and would stand in the way for ever.
    local record = recordAt(KEYS[k + 4])
    if record and (stateOf(record, readLease(KEYS[k])) ~= ARGV[a + 2] or record.job ~= ARGV[a + 3]) then
      return 0
    end
    forget(k, ARGV[a + 1])
    return record == nil and 0 or 1
  end

  -- 'x which count' (0 processed, 1 begun), cursor; keys: the processed and the begun names of a job and tag
  -- reply {how many are processed, and begun; next cursor, then names}
  local function list(k, a, spec)
    for i = 0, 1 do call('ZREMRANGEBYSCORE', KEYS[k + i], '-inf', '(' .. now) end
    local reply = { call('ZCARD', KEYS[k]), call('ZCARD', KEYS[k + 1]), '0' }
    if spec[2] > 0 then
      local page = call('ZSCAN', KEYS[k + spec[1]], ARGV[a + 1], 'COUNT', spec[2])
      reply[3] = page[1]
      for i = 1, #page[2], 2 do reply[#reply + 1] = page[2][i] end
    end
    return reply
  end

  return {
    a = { take = acquire, arguments = 2, keys = 4 },
    r = { take = release, arguments = 3, keys = 4 },
    t = { take = transfer, arguments = 4, keys = 4 },
    i = { take = inspect, arguments = 1, keys = 4 },
    w = { take = queueOf, arguments = 1, keys = 4 },
    f = { take = force, arguments = 2, keys = 4 },
    o = { take = acquireOnce, arguments = 5, keys = 7 },
    p = { take = markProcessed, arguments = 8, keys = 7 },
    u = { take = leaveOpen, arguments = 4, keys = 7 },
    v = { take = resolve, arguments = 3, keys = 7 },
    q = { take = read, arguments = 1, keys = 7 },
    c = { take = clear, arguments = 4, keys = 7 },
    x = { take = list, arguments = 2, keys = 2 },
  }
end

local steps, last, length, block, rest
local replies = {}
local k, a = 1, 4
local text = ARGV[a]
while text do
  local letter = string.sub(text, 1, 1)
  local reply, arguments, fields
  local keys = 4

  if not now and letter ~= 'r' then readTime() end

  -- Free and not waited for. The token is the present time, as a rule.
  if letter == 'a' then
    arguments = 2
    if call('EXISTS', KEYS[k], KEYS[k + 1]) == 0 then
      if text ~= last then
        last = text
        length, block = string.match(text, '(%d+) (%d+)')
        rest = ' ' .. now + length .. ' ' .. now .. ' ' .. HOLDER
      end
      local first, final, digits = micros, micros, nowText
      if block ~= '1' then final = micros + block - 1 end
      local before = redis.pcall('SET', KEYS[k + 3],
        final == first and nowText or string.format('%.0f', final), 'GET')
      if type(before) == 'table' then
        reply = before
      else
        local counter = before and (#before > #digits or before >= digits)
          and tonumber(string.match(before, '^%d+$'))
        if counter then
          first = counter + 1
          final = first
          digits = string.format('%.0f', first)
          call('SET', KEYS[k + 3], digits)
        end
        local written = redis.pcall('HSET', KEYS[k], ARGV[a + 1], '0 ' .. digits .. rest)
        if type(written) == 'table' then
          reply = written
        else
          call('PEXPIRE', KEYS[k], length + 1)
          reply = final > first and { 1, first, final, 0, 0 } or first
        end
      end
    end

  -- One holder, and no note that others wait or of anything else.
  elseif letter == 'r' then
    arguments = 3
    fields = redis.pcall('HGETALL', KEYS[k])
    if fields.err then
      reply = fields
    elseif #fields == 2 and fields[1] == ARGV[a + 1]
      and string.find(fields[2], ARGV[a + 2] == '' and '0 ' or '0 ' .. ARGV[a + 2] .. ' ', 1, true) == 1 then
      call('DEL', KEYS[k])
      reply = 1
    end
  end

  if not reply then
    if not now then readTime() end
    steps = steps or makeSteps()
    local step = steps[string.lower(letter)]
    arguments, keys = step.arguments, step.keys
    local spec = {}
    for number in string.gmatch(text, '%d+') do spec[#spec + 1] = tonumber(number) end
    -- A key of another type is somebody else's: it must not fail the steps of all.
    local done, answer = pcall(step.take, k, a, spec, fields)
    reply = done and answer or type(answer) == 'table' and answer or { err = tostring(answer) }
  end
  if type(reply) == 'table' and reply.err then
    -- The client must see by itself that it has a replica before it.
    local readOnly = string.match(reply.err, 'READONLY .*')
    if readOnly then return redis.error_reply(readOnly) end
    reply = { -2, reply.err }
  end
  replies[#replies + 1] = reply
  k, a = k + keys, a + arguments
  text = ARGV[a]
end
return replies
`;
