local waiting = obj.status.index.waiting
local value = string.format("%d", waiting.number)
if waiting.failedGates ~= nil and #waiting.failedGates > 0 then
  value = value .. " " .. table.concat(waiting.failedGates, ",")
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["ragwright.dev/approve"] = value
return obj
