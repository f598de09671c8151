#include "actors/scheduler_why.hpp"

#include <fmt/format.h>

#include "state/instant_text.hpp"

namespace cascade {

using nlohmann::json;

namespace {

std::string go_first(std::size_t n) {
  return n == 0 ? " It is the next one." : fmt::format(" {} go first.", n);
}

}  // namespace

json make_link(task_id id, task_verdict v, std::string text) {
  return {{"task", id.value},
          {"verdict", std::string(to_string(v))},
          {"text", std::move(text)},
          {"live", true},
          {"because", json::array()}};
}

std::string in_quotes(std::string_view name) {
  std::string out = "'";
  for (const char c : name) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

json of_running(const scheduler_data& s, task_id id, const running_task& t) {
  const std::string since = format_instant(s.clock.now(t.started));
  json out = make_link(
      id, task_verdict::running,
      fmt::format("It is running since {}, attempt {} of {}.", since, t.attempt, t.attempts_max));
  out["since"] = since;
  out["node"] = s.context->settings.node_name;
  if (!t.step.empty()) out["step"] = t.step;
  if (t.item >= 0) out["item"] = t.item;
  return out;
}

void set_place(json& link, const std::optional<std::size_t>& ahead) {
  if (!ahead) return;
  link["place"] = *ahead + 1;
  link["text"] = link["text"].get<std::string>() + go_first(*ahead);
}

std::optional<slot_name> full_slot(const scheduler_data& s, const slot_names& needs) {
  for (const slot_name& name : needs)
    if (const int most = s.slots.limit(name); most > 0 && s.slots.held(name) >= most) return name;
  return std::nullopt;
}

json of_slot(const scheduler_data& s, const slot_set::waiting& t, const slot_name& name) {
  const int held = s.slots.held(name), most = s.slots.limit(name);
  const auto told = [&](const std::string& what, const char* change) {
    return make_link(
        t.task.key.id, task_verdict::concurrency_limit,
        fmt::format("{} {} tasks{}, of {} that {}run at a time; cascade.{} changes that.", what,
                    held, name.kind == slot_kind::key ? " run" : "", most,
                    name.kind == slot_kind::key ? "may " : "it may ", change));
  };
  json out;
  if (name.kind == slot_kind::key) {
    out = told(fmt::format("Of queue {} with concurrency_key {}", name.queue, name.name),
               "limit_key_concurrency");
    out["queue"] = name.queue;
    out["concurrency_key"] = name.name;
  } else if (name.kind == slot_kind::job) {
    out = told(fmt::format("Job {} runs", name.name), "limit_job");
    out["job"] = t.task.key.job.value;
  } else {
    out = told(fmt::format("Workflow {} runs", name.name), "limit_workflow");
    out["workflow"] = name.name;
  }
  out["limit"] = most;
  out["running"] = held;
  set_place(out, t.before);
  add_holders(
      s, [&](const running_task& r) { return std::ranges::find(r.slots, name) != r.slots.end(); },
      out);
  return out;
}

}  // namespace cascade
