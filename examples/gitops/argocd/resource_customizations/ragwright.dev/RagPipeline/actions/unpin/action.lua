if obj.spec.reindex ~= nil then
  obj.spec.reindex.pin = nil
end
return obj
