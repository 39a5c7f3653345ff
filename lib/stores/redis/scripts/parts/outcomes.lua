  -- Outcomes of what is done once. Keys of these steps: the four of the name, its record, and the names
  -- of its job and tag that are processed, and that are begun, by when they end.
  --
  -- record   hash: job; state 'begun' or 'processed'; owner and token of who began last; attempts, lines of
  --          'token outcome since holder'; expires (ms, 0 never), done (ms), fingerprint, result, missing

  local MOST_ATTEMPTS = 8
  local RETRY, HOLD, ASK = 0, 1, 2

  local function readRecord(key)
    local fields = call('HGETALL', key)
    if #fields == 0 then return nil end
    local record = { key = key }
    for i = 1, #fields, 2 do record[fields[i]] = fields[i + 1] end
    local expires = tonumber(record.expires)
    if expires > 0 and expires < now then return nil end
    return record
  end

  local function isAtWork(record, lease)
    for _, held in pairs(lease.holders) do
      if held.token == record.token then return true end
    end
    return false
  end

  local function stateOf(record, lease)
    if record.state == 'processed' then return 'processed' end
    return isAtWork(record, lease) and 'running' or 'unknown'
  end

  -- {state, tokens at work, job, attempts, done, expires, fingerprint, result, missing}
  local function tell(record, lease)
    local tokens = {}
    for _, held in pairs(lease.holders) do tokens[#tokens + 1] = held.token end
    return { stateOf(record, lease), table.concat(tokens, ' '), record.job, record.attempts,
      record.done or '0', record.expires, record.fingerprint or '', record.result or '', record.missing or '' }
  end

  local function outcomeOf(record, token)
    return string.match('\n' .. record.attempts, '\n' .. token .. ' (%a+) ')
  end

  local function setOutcome(record, token, outcome)
    local lines = string.gsub('\n' .. record.attempts, '(\n' .. token .. ') %a+ ', '%1 ' .. outcome .. ' ', 1)
    record.attempts = string.sub(lines, 2)
  end

  local function addAttempt(record, token, outcome, holder)
    local line = string.format('%s %s %.0f %s', token, outcome, now, holder)
    record.attempts = record.attempts == '' and line or record.attempts .. '\n' .. line
    local _, breaks = string.gsub(record.attempts, '\n', '\n')
    if breaks >= MOST_ATTEMPTS then record.attempts = string.gsub(record.attempts, '^[^\n]*\n', '', 1) end
  end

  -- Who began last never told the end.
  local function closeLast(record)
    if record.token and outcomeOf(record, record.token) == 'begun' then
      setOutcome(record, record.token, 'unknown')
    end
  end

  -- Writes the record and lists it, for ms from now, 0 for ever; a former end that is later stays if asked.
  local function keep(k, record, name, ms, neverSooner)
    local expires = ms == 0 and 0 or now + ms
    local former = tonumber(record.expires)
    if neverSooner and former and expires > 0 and (former == 0 or former > expires) then expires = former end
    record.expires = string.format('%.0f', expires)
    local fields = {}
    for field, value in pairs(record) do
      if field ~= 'key' then
        fields[#fields + 1] = field
        fields[#fields + 1] = value
      end
    end
    call('HSET', KEYS[k + 4], unpack(fields))
    local isDone = record.state == 'processed'
    local index = KEYS[k + (isDone and 5 or 6)]
    call('ZREMRANGEBYSCORE', index, '-inf', '(' .. now)
    call('ZADD', index, expires == 0 and '+inf' or expires, name)
    call('ZREM', KEYS[k + (isDone and 6 or 5)], name)
    if expires == 0 then
      call('PERSIST', KEYS[k + 4])
      call('PERSIST', index)
    else
      call('PEXPIRE', KEYS[k + 4], expires - now + 1)
      -- A list ends with its newest entry; one without an end has an entry without one.
      local left = call('PTTL', index)
      if left >= 0 and left < expires - now or left == -1 and call('ZCARD', index) == 1 then
        call('PEXPIRE', index, expires - now + 1)
      end
    end
  end

  local function forget(k, name)
    call('DEL', KEYS[k + 4])
    call('ZREM', KEYS[k + 5], name)
    call('ZREM', KEYS[k + 6], name)
  end

  local function begin(k, record, owner, token, name, job, fingerprint, keepMs)
    if record and record.token == token then return end -- asked again, because an answer never came
    record = record or { attempts = '' }
    closeLast(record)
    record.job, record.state, record.owner, record.token = job, 'begun', owner, token
    if fingerprint ~= '' then record.fingerprint = fingerprint end
    addAttempt(record, token, 'begun', HOLDER)
    keep(k, record, name, keepMs)
  end

  -- 'o', the numbers of an 'a', then policy and how long the record is kept in ms, 0 for ever;
  --     owner, name, job, fingerprint
  -- reply as an acquire's, with a sixth, the record, where its outcome was unknown;
  --    or {2 processed, 3 unknown, 4 begun with another fingerprint; the record}, and the owner has nothing
  local function acquireOnce(k, a, spec)
    local owner, name, job, fingerprint = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], ARGV[a + 4]
    local policy, keepMs = spec[10], spec[11]
    local record = readRecord(KEYS[k + 4])
    local unknown
    if record then
      local lease = readLease(KEYS[k])
      local state = stateOf(record, lease)
      local refusal
      if fingerprint ~= '' and record.fingerprint and record.fingerprint ~= fingerprint then
        refusal = 4
      elseif state == 'processed' then
        refusal = 2
      elseif state == 'unknown' then
        unknown = tell(record, lease)
        if policy == HOLD then refusal = 3 end
      end
      if refusal then
        if lease.holders[owner] or call('ZSCORE', KEYS[k + 1], owner) then
          giveUp(k, owner, '', 0, spec[8])
        end
        return { refusal, tell(record, lease) }
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
    if token == '' then token = '0' end
    local held = readLease(KEYS[k]).holders[owner]
    local isOurs = held and held.token == token
    local record = readRecord(KEYS[k + 4]) or { attempts = '', job = job, owner = owner, token = token }
    local told = outcomeOf(record, token)
    if told ~= 'processed' and told ~= 'late' then
      local outcome = isOurs and 'processed' or 'late'
      if told then setOutcome(record, token, outcome) else addAttempt(record, token, outcome, HOLDER) end
      local isFirst = record.state ~= 'processed'
      if isFirst then
        record.state, record.done = 'processed', string.format('%.0f', now)
        if ARGV[a + 5] ~= '' then record.fingerprint = ARGV[a + 5] end
        if ARGV[a + 6] ~= '' then record.result = ARGV[a + 6] end
        if ARGV[a + 7] ~= '' then record.missing = ARGV[a + 7] end
      end
      keep(k, record, name, retention, not isFirst)
    end
    local released = giveUp(k, owner, token, minHold, counterTtl)
    return told == 'processed' and 1 or released
  end

  -- 'u minHold counterTtl', owner, token ('' if no answer ever told it), name
  -- reply of a release
  local function leaveOpen(k, a, spec)
    local owner, token, name = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
    local record = readRecord(KEYS[k + 4])
    if record then
      local isLast = record.owner == owner and (token == '' or token == record.token)
      if record.state == 'begun' and isLast then
        forget(k, name)
      elseif token ~= '' then
        local told = outcomeOf(record, token)
        if told == 'begun' or told == 'unknown' then
          setOutcome(record, token, 'failed')
          call('HSET', record.key, 'attempts', record.attempts)
        end
      end
    end
    return giveUp(k, owner, token, spec[1], spec[2])
  end

  -- 'v decision retention' (1 processed, 0 retry), name
  -- reply 1 resolved, 0 somebody is at it, -1 it is not unknown
  local function resolve(k, a, spec)
    local name = ARGV[a + 1]
    local record = readRecord(KEYS[k + 4])
    if not record or record.state == 'processed' then return -1 end
    if isAtWork(record, readLease(KEYS[k])) then return 0 end
    if spec[1] == 1 then
      closeLast(record)
      addAttempt(record, '0', 'resolved', HOLDER)
      record.state, record.done = 'processed', string.format('%.0f', now)
      keep(k, record, name, spec[2])
    else
      forget(k, name)
    end
    return 1
  end

  -- 'q', nothing
  -- reply the record, or {}
  local function read(k)
    local record = readRecord(KEYS[k + 4])
    return record and tell(record, readLease(KEYS[k])) or {}
  end

  -- 'c', name, state
  -- reply 1 if it was in this state, and is forgotten
  local function clear(k, a)
    local record = readRecord(KEYS[k + 4])
    if record and stateOf(record, readLease(KEYS[k])) ~= ARGV[a + 2] then return 0 end
    forget(k, ARGV[a + 1])
    return record and 1 or 0
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
