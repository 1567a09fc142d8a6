-- For kinds whose seats do not all end alike: ends has by place until when a seat
-- that changed is taken, or 0.
local ends = {}

-- Writes what changed to view, log and journal.
local function finish_each(kind)
  local places, times, texts = {}, {}, {}
  for i = 1, changes do
    local place = changed[i]
    local time = ends[place]
    if time then -- else it was the change before, of the same seat
      ends[place] = nil
      if not places[time] then
        times[#times + 1], places[time] = time, {}
      end
      local list = places[time]
      list[#list + 1] = place
    end
  end
  for i, time in ipairs(times) do
    show(places[time], #places[time], record(time))
    texts[i] = digits(time) .. ' ' .. table.concat(places[time], ' ')
  end
  return finish_as(kind, table.concat(texts, ';'))
end
