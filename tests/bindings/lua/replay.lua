-- SPDX-License-Identifier: MIT
-- usage: luajit replay.lua INSTANCE_PROGRAM FILE
-- Replays vectors.txt, which says what a replay is.
local instance = require "instance"
local larshm = require "larshm"

local names = {}
for name, code in pairs(larshm) do
    if type(code) == "number" then
        names[code] = name
    end
end

local cache, changes

local function result(value, code)
    return value and "OK" or names[code] or "UNKNOWN"
end

local function parse_host(modid, cmdid, text)
    local address, port = text:match("^(.*):(%d+)$")
    return larshm.host(tonumber(modid), tonumber(cmdid), address, tonumber(port))
end

-- The code if there is one, and the texts sorted, each one once.
local function join(code, texts)
    table.sort(texts)
    local words = { code }
    for i, text in ipairs(texts) do
        if text ~= texts[i - 1] then
            words[#words + 1] = text
        end
    end
    return table.concat(words, " ")
end

-- What 100 picks give: of several codes, the first that is not OK.
local function picks(pick)
    local texts = {}
    for i = 1, 100 do
        local host, _, code = pick()
        if not host then
            return names[code]
        end
        texts[i] = tostring(host)
    end
    return join("OK", texts)
end

local calls = {}

function calls.get(modid, cmdid)
    return picks(function() return cache:get_host(tonumber(modid), tonumber(cmdid)) end)
end

function calls.except(modid, cmdid, list)
    local tried = {}
    for text in list:gmatch("[^,-]+") do
        tried[#tried + 1] = parse_host(modid, cmdid, text)
    end
    return picks(function() return cache:get_host_except(tonumber(modid), tonumber(cmdid), tried) end)
end

function calls.batch(...)
    local batch, words, succeeded = larshm.batch(select("#", ...)), { ... }, 0
    for i, word in ipairs(words) do
        local modid, cmdid = word:match("^(%d+):(%d+)=")
        batch:set(i, tonumber(modid), tonumber(cmdid))
    end
    local returned = cache:get_host_batch(batch)
    for i, word in ipairs(words) do
        local host, _, code = batch:get(i)
        succeeded = succeeded + (host and 1 or 0)
        words[i] = word:match("^[^=]+=") .. result(host, code)
    end
    return table.concat(words, " ") .. (returned == succeeded and "" or " and another number of them is returned")
end

function calls.hosts(modid, cmdid)
    local lists = {}
    for i, call in ipairs { cache.get_route, cache.hosts } do
        local hosts, _, code = call(cache, tonumber(modid), tonumber(cmdid))
        local texts = {}
        for j, entry in ipairs(hosts or {}) do
            texts[j] = tostring(entry.host) .. "=" .. entry.state
        end
        lists[i] = join(result(hosts, code), texts)
    end
    return lists[1] .. (lists[1] == lists[2] and "" or " and as a list " .. lists[2])
end

function calls.routes()
    local texts = {}
    for modid, cmdid in cache:routes() do
        texts[#texts + 1] = ("%.0f:%.0f"):format(modid, cmdid)
    end
    return join(nil, texts)
end

function calls.changes()
    local texts = {}
    local modid, cmdid, code = changes:next()
    while modid do
        texts[#texts + 1] = ("%.0f:%.0f"):format(modid, cmdid)
        modid, cmdid, code = changes:next()
    end
    return join(names[code], texts)
end

function calls.change(timeout_ms)
    local changed, _, code = changes:wait(tonumber(timeout_ms))
    return result(changed, code)
end

function calls.format(text)
    return tostring(parse_host("0", "0", text))
end

function calls.size(modid, cmdid)
    local hosts, _, code = cache:get_route(tonumber(modid), tonumber(cmdid))
    return hosts and "OK " .. #hosts or names[code]
end

function calls.info(modid, cmdid)
    local info, _, code, members = cache:info(tonumber(modid), tonumber(cmdid))
    members = info or members
    return ("%s hosts=%d ejected=%d drained=%d"):format(
        result(info, code), members.hosts, members.ejected, members.drained)
end

function calls.report(modid, cmdid, host, retcode)
    local taken, _, code = cache:report(parse_host(modid, cmdid, host), tonumber(retcode))
    return result(taken, code)
end

function calls.wait(modid, cmdid, timeout_ms)
    local known, _, code = cache:wait_route(tonumber(modid), tonumber(cmdid), tonumber(timeout_ms))
    return result(known, code)
end

function calls.open(name)
    local other, _, code = larshm.open(name)
    return result(other, code)
end

function calls.strerror(...)
    local words, known = { ... }, {}
    for i, name in ipairs(words) do
        local text = larshm[name] and larshm.strerror(larshm[name]) or ""
        words[i] = (text ~= "" and not known[text]) and name or "no-text-of-its-own"
        known[text] = true
    end
    return table.concat(words, " ")
end

-- How many words of the line are arguments; those behind them are what is expected. Where the order of these is free: how many
-- of them stand before those that are sorted.
local given = {
    get = 2, except = 3, batch = 0, hosts = 2, size = 2, info = 2, report = 4, wait = 3, open = 1, strerror = 0,
    routes = 0, changes = 0, change = 1, format = 0,
}
local fixed = { get = 1, except = 1, hosts = 1, changes = 1, routes = 0 }
local of_instance = { route = true, eject = true, drain = true, answer = true }

local function replay_line(line)
    local words = {}
    for word in line:gsub("#.*", ""):gmatch("%S+") do
        words[#words + 1] = word
    end
    local verb = table.remove(words, 1)
    if not verb or of_instance[verb] then
        return true
    end
    if not calls[verb] or #words < given[verb] then
        return false, "no such call: " .. verb
    end
    local expected = { unpack(words, given[verb] + 1) }
    if fixed[verb] then
        expected = join(fixed[verb] == 1 and table.remove(expected, 1) or nil, expected)
    else
        expected = table.concat(expected, " ")
    end
    local done, came = pcall(calls[verb], unpack(words))
    if not done and expected == "RANGE" and came:find("must be a whole number", 1, true) then
        return true
    end
    return done and came == expected, ("%s: expected %s, came %s"):format(verb, expected, came)
end

local started = instance.start(arg[1], arg[2])
local message
cache, message = larshm.open(started.name)
local passed, number = cache, 0
if not cache then
    io.stderr:write(message, "\n")
else
    changes = cache:changes()
    for line in io.lines(arg[2]) do
        number = number + 1
        local right, difference = replay_line(line)
        if not right then
            print(("%d: %s"):format(number, difference))
            passed = false
        end
    end
    cache:close()
end
started:stop()
os.exit(passed and 0 or 1)
