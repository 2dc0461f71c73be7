-- POST JSON with an increasing seed; print the summary as one line of JSON.
-- Arguments after --: the body before the seed and the body after it.
local before, after
local seed = 0

function init(arguments)
  before, after = arguments[1], arguments[2]
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  seed = seed + 1
  return wrk.format(nil, nil, nil, before .. seed .. after)
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\n{"requests": %d, "failed": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f}\n',
    summary.requests, failed, summary.duration / 1e6,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end
