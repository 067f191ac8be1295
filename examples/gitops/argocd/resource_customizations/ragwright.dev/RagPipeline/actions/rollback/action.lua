if obj.spec.reindex == nil then
  obj.spec.reindex = {}
end
obj.spec.reindex.pin = obj.status.index.previous.number
return obj
