-- POSTs a chat completion, rotating over the API keys in KEYS_FILE.
local body = '{"model":"stub-1","messages":[{"role":"system","content":"You are a helpful assistant that answers briefly."},{"role":"user","content":"Say something of ordinary length about a fox and a dog, and keep it to a single sentence, please."}],"temperature":0.7,"max_tokens":128}'
local reqs, n = {}, 0
function init(args)
  for key in io.lines(os.getenv("KEYS_FILE")) do
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Authorization"] = "Bearer " .. key
    wrk.headers["x-portkey-provider"] = "openai"
    wrk.headers["x-portkey-custom-host"] = os.getenv("STUB") .. "/v1"
    reqs[#reqs + 1] = wrk.format("POST", "/v1/chat/completions", nil, body)
  end
end
function request() n = n % #reqs + 1; return reqs[n] end
function done(s, l, r)
  io.write(string.format('JSON {"requests":%d,"us":%d,"p50":%.1f,"p99":%.1f,"non2xx":%d,"sockets":%d}\n',
    s.requests, s.duration, l:percentile(50), l:percentile(99), s.errors.status,
    s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout))
end
