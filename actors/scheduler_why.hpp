// actors/scheduler_why.hpp
//
// Links of the chain that scheduler_why.cpp tells; private to the files scheduler_why*.cpp.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/scheduler_impl.hpp"

namespace cascade {

constexpr std::size_t named_max = 5;  // of those that stand in the way, as in cascade.why_link

nlohmann::json make_link(task_id id, task_verdict v, std::string text);
std::string in_quotes(std::string_view name);
nlohmann::json of_running(const scheduler_data& s, task_id id, const running_task& t);
void set_place(nlohmann::json& link, const std::optional<std::size_t>& ahead);

// The first of the slots that is not free.
std::optional<slot_name> full_slot(const scheduler_data& s, const slot_names& needs);
// Of a task that waits for this slot.
nlohmann::json of_slot(const scheduler_data& s, const slot_set::waiting& t, const slot_name& name);

// Adds who runs of the tasks that `counts`: those that began first.
template <class Predicate>
void add_holders(const scheduler_data& s, Predicate counts, nlohmann::json& to) {
  std::vector<std::pair<monotonic, task_id>> all;
  for (const auto& [id, t] : s.running)
    if (counts(t)) all.emplace_back(t.started, id);
  const auto named = static_cast<std::ptrdiff_t>(std::min(all.size(), named_max));
  std::partial_sort(all.begin(), all.begin() + named, all.end());
  for (auto at = all.begin(); at != all.begin() + named; ++at)
    to["because"].push_back(of_running(s, at->second, s.running.at(at->second)));
  if (all.size() > named_max) to["more"] = true;
}

}  // namespace cascade
