local told = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    told[condition.type] = condition
  end
end

local function says(kind, status)
  return told[kind] ~= nil and told[kind].status == status
end

local function message(kind, otherwise)
  if told[kind] ~= nil and told[kind].message ~= nil then
    return told[kind].message
  end
  return otherwise
end

if obj.spec ~= nil and obj.spec.suspend == true then
  return { status = "Suspended", message = "suspend is true: nothing is built" }
end

-- A version that failed a gate can be approved, too, but that is a problem and no pause.
local waits = told["Reindexing"] ~= nil and told["Reindexing"].reason == "AwaitingApproval"
if waits and not says("Degraded", "True") then
  return { status = "Suspended", message = message("Reindexing") }
end

local seen = obj.status ~= nil and obj.status.observedGeneration
if not seen or seen < obj.metadata.generation then
  return { status = "Progressing", message = "the operator has not looked at this generation yet" }
end

if not says("Ready", "True") and not says("Stalled", "True") then
  return { status = "Progressing", message = message("Ready", "questions are not answered yet") }
end

for _, kind in ipairs({ "Stalled", "Degraded" }) do
  if says(kind, "True") then
    return { status = "Degraded", message = message(kind) }
  end
end

return { status = "Healthy", message = message("Ready") }
