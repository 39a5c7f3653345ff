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
