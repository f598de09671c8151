#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "actors/console_tables.hpp"
#include "actors/scheduler_impl.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

using nlohmann::json;

constexpr std::size_t questions_max = 100;

console_answer told(json&& chain) {
  chain["source"] = "owner";
  return {why_text(chain), chain.dump(-1, ' ', false, json::error_handler_t::replace)};
}

caf::error unreadable(task_id id) {
  return caf::make_error(errc::database_unavailable,
                         fmt::format("the row of task {} cannot be read", id.value));
}

caf::result<console_answer> from_memory(scheduler_self self, task_id id) {
  if (json mine = why_in_memory(self->state, id, self->clock().now()); !mine.is_null())
    return told(std::move(mine));
  return unreadable(id);
}

// The rows tell of the whole chain; memory then tells what it knows better.
caf::result<console_answer> why(scheduler_self self, const std::string& argument) {
  auto& s = self->state;
  task_id id;
  const auto end = argument.data() + argument.size();
  const auto [stop, problem] = std::from_chars(argument.data(), end, id.value);
  if (problem != std::errc{} || stop != end || id.value <= 0)
    return caf::make_error(errc::not_found, std::string("the id of a task is a positive number"));
  if (!s.up) return from_memory(self, id);
  if (s.questions.size() >= questions_max)
    return caf::make_error(errc::limit_exceeded, std::string("too many questions at a time"));
  const auto number = ++s.question_number;
  auto promise = self->make_response_promise<console_answer>();
  s.questions.emplace(number, scheduler_data::question{id, promise});
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::why_task, pg::params{}.int8(id.value));
  s.context->database->read(std::move(batch), [to = caf::actor_cast<scheduler_impl>(self),
                                               number](pg::batch_reply reply) {
    rows_explained rows;
    rows.question = number;
    if (reply && reply.value().front().size() == 1) {
      const pg::rows& r = reply.value().front();
      rows.absent = r.is_null(0, 0);
      if (!rows.absent) rows.json = std::string(r.text(0, 0));
    }
    caf::anon_send(to, std::move(rows));
  });
  return promise;
}

// What steps wait for, and what is due beyond the horizon, is not in memory: cascade.waiting_stats.
console_answer waiting(scheduler_self self) {
  console_answer a;
  json rows = json::array();
  a.text = fmt::format("{:<24} {:<18} {:>12}\n", "QUEUE", "REASON", "TASKS");
  for (const auto& [what, n] : waiting_now(self->state, self->clock().now())) {
    a.text += fmt::format("{:<24} {:<18} {:>12}\n", what.first, to_string(what.second), n);
    rows.push_back(
        {{"queue", what.first}, {"reason", std::string(to_string(what.second))}, {"tasks", n}});
  }
  a.json = json{{"waiting", rows}}.dump(-1, ' ', false, json::error_handler_t::replace);
  return a;
}

}  // namespace

std::string why_text(const json& link, std::size_t indent) {
  const bool task = link.contains("task");
  std::string out = fmt::format("{:{}}{} {}", "", 2 * indent, task ? "task" : "lane",
                                link.value(task ? "task" : "lane", std::int64_t{0}));
  if (link.contains("step"))
    out += " (" + link.value("step", "") +
           (link.contains("item") ? fmt::format(", item {}", link.value("item", 0)) : "") + ")";
  out += ": " + link.value("verdict", "") + ". " + link.value("text", "") + "\n";
  for (const json& b : link.value("because", json::array())) out += why_text(b, indent + 1);
  if (link.contains("more")) out += fmt::format("{:{}}and others\n", "", 2 * indent + 2);
  return out;
}

caf::result<console_answer> answer(scheduler_self self, const console_query& q) {
  if (q.command == "why") return why(self, q.argument);
  if (q.command == "waiting") return waiting(self);
  return console_table(self->state, q);
}

void explain(scheduler_self self, const rows_explained& rows) {
  auto& s = self->state;
  const auto at = s.questions.find(rows.question);
  if (at == s.questions.end()) return;
  auto [id, promise] = std::move(at->second);
  s.questions.erase(at);
  if (rows.absent) {
    promise.deliver(caf::make_error(errc::not_found, fmt::format("there is no task {}", id.value)));
    return;
  }
  const monotonic now = self->clock().now();
  const json chain = json::parse(rows.json, nullptr, false);
  json known = chain.is_object() ? why_now(s, chain, now) : why_in_memory(s, id, now);
  if (known.is_null())
    promise.deliver(unreadable(id));
  else
    promise.deliver(told(std::move(known)));
}

}  // namespace cascade
