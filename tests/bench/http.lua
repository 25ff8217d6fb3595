-- wrk's request for bench_http.mjs: BODY is sent by POST; "%d" in it becomes a number that rises.
local body, n = os.getenv("BODY"), 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Mantis-Token"] = os.getenv("TOKEN")
if body:find("%%d") then
   function request()
      n = n + 1
      return wrk.format(nil, nil, nil, (body:gsub("%%d", n)))
   end
else
   wrk.body = body
end
