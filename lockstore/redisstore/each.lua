-- For kinds whose seats do not all end alike: ends has for each change, by its number,
-- the text of until when the seat is taken, or of 0.
local ends = {unpack(ARGV, PLACES + 1, PLACES + SEATS)} -- as long as it may become

-- Writes what changed to view, log and journal.
local function finish_each(kind)
  local last = {} -- by place, if a seat may have changed more than once
  if left then
    for i = 1, changes do last[changed[i]] = i end
  end
  local places, stamps = {}, {}
  for i = 1, changes do
    local place, stamp = changed[i], ends[i]
    if not left or last[place] == i then
      local list = places[stamp]
      if list then
        list[#list + 1] = place
      else
        stamps[#stamps + 1], places[stamp] = stamp, {place}
      end
    end
  end
  local texts = {}
  for i, stamp in ipairs(stamps) do
    local list = places[stamp]
    show(list, #list, record(stamp + 0))
    texts[i] = stamp .. ' ' .. table.concat(list, ' ')
  end
  return finish_as(kind, table.concat(texts, ';'))
end
