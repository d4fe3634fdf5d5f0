-- wrk's requests and its result as one line of JSON. From the environment:
-- BENCH_ITEMS items in a request (0: the handshake), BENCH_PATH, and the
-- subscription's BENCH_SUBSCRIPTION, BENCH_TENANT, BENCH_SECRET.

-- What is made ready before the run and sent in turn: making a body for each
-- request would cost the clock of those who are measured.
local READY = 1024

local requests = {}
local turn = 0

local function guid()
    return string.format("%04x%04x-%04x-4%03x-8%03x-%04x%04x%04x",
        math.random(0, 65535), math.random(0, 65535),
        math.random(0, 65535), math.random(0, 4095), math.random(0, 4095),
        math.random(0, 65535), math.random(0, 65535),
        math.random(0, 65535))
end

local function item()
    local call = guid()
    local resource = "communications/callRecords/" .. call
    return '{"subscriptionId":"' .. os.getenv("BENCH_SUBSCRIPTION")
        .. '","clientState":"' .. os.getenv("BENCH_SECRET")
        .. '","changeType":"updated","resource":"' .. resource
        .. '","subscriptionExpirationDateTime"'
        .. ':"2030-02-28T00:00:00.000+00:00","resourceData":{"@odata.type":'
        .. '"#Microsoft.Graph.callRecord","@odata.id":"' .. resource
        .. '","id":"' .. call .. '"},"tenantId":"'
        .. os.getenv("BENCH_TENANT") .. '"}'
end

function init()
    local items = tonumber(os.getenv("BENCH_ITEMS"))
    local path = os.getenv("BENCH_PATH")
    math.randomseed(os.time())
    for n = 1, READY do
        if items == 0 then
            requests[n] = wrk.format("POST",
                path .. "?validationToken=Validation%3a+Request-Id%3a+"
                .. guid())
        else
            local parts = {}
            for i = 1, items do
                parts[i] = item()
            end
            requests[n] = wrk.format("POST", path,
                {["Content-Type"] = "application/json"},
                '{"value":[' .. table.concat(parts, ",") .. "]}")
        end
    end
end

function request()
    turn = turn % READY + 1
    return requests[turn]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('\n{"requests": %d, "seconds": %.6f, '
        .. '"refused": %d, "broken": %d, "p50": %.3f, "p99": %.3f, '
        .. '"p99.9": %.3f, "max": %.3f}\n',
        summary.requests, summary.duration / 1e6, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        latency:percentile(99.9) / 1e3, latency.max / 1e3))
end
