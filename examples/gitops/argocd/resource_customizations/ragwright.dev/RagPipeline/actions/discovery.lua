local spec, status = obj.spec or {}, obj.status or {}
local reindex, index = spec.reindex or {}, status.index or {}

local actions = {}
actions["reindex"] = { ["iconClass"] = "fa fa-fw fa-refresh", ["displayName"] = "Reindex" }
actions["approve"] = {
  ["iconClass"] = "fa fa-fw fa-check",
  ["displayName"] = "Approve the version that waits",
  ["disabled"] = index.waiting == nil,
}
actions["rollback"] = {
  ["iconClass"] = "fa fa-fw fa-undo",
  ["displayName"] = "Roll back to the version before",
  ["disabled"] = index.previous == nil or reindex.pin ~= nil,
}
actions["unpin"] = { ["iconClass"] = "fa fa-fw fa-unlock", ["disabled"] = reindex.pin == nil }
actions["suspend"] = { ["iconClass"] = "fa fa-fw fa-pause", ["disabled"] = spec.suspend == true }
actions["resume"] = { ["iconClass"] = "fa fa-fw fa-play", ["disabled"] = spec.suspend ~= true }
return actions
