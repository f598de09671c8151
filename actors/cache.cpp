#include "actors/cache.hpp"

#include <nlohmann/json.hpp>

#include "actors/cache_impl.hpp"
#include "sql/queries.hpp"

namespace cascade {
namespace {

constexpr std::size_t plans_max = 500;
constexpr std::size_t plans_bytes_max = 64u << 20;  // of their definitions, as text
constexpr std::size_t askers_max = 10'000;          // of tasks, of jobs

std::string text_or_empty(const pg::rows& r, int column) {
  return r.is_null(0, column) ? std::string() : std::string(r.text(0, column));
}

task_info decode_task(const pg::rows& r) {
  task_info t;
  if (!r.is_null(0, 1)) t.job = job_id{r.int64(0, 1)};
  t.state = parse_task_state(r.text(0, 2)).value_or(task_state::waiting);
  if (!r.is_null(0, 3)) t.reason = parse_waiting_reason(r.text(0, 3));
  t.priority = r.int32(0, 4);
  t.attempt = r.int32(0, 5);
  t.attempts_max = r.int32(0, 6);
  t.queue = r.text(0, 7);
  t.handler = r.text(0, 8);
  t.step = text_or_empty(r, 9);
  return t;
}

job_info decode_job(const pg::rows& r) {
  job_info j;
  j.state = parse_job_state(r.text(0, 1)).value_or(job_state::pending);
  j.priority = r.int32(0, 2);
  if (!r.is_null(0, 3)) j.version = r.int32(0, 3);
  j.keep_open = r.boolean(0, 4);
  j.workflow = text_or_empty(r, 5);
  return j;
}

// One row by its key, and the last batch of the first writer; it is decoded on the Asio thread.
template <class Read>
void read_row(cache_self self, std::uint64_t number, const sql::query& query, std::int64_t id,
              decltype(Read::info) (*decode)(const pg::rows&)) {
  std::vector<pg::statement> batch;
  batch.emplace_back(query, pg::params{}.int8(id).int8(self->state.epoch.value));
  self->state.context->database->read(std::move(batch), [to = caf::actor_cast<cache_impl>(self),
                                                         number, decode](pg::batch_reply reply) {
    Read r;
    r.number = number;
    r.ok = reply.has_value();
    if (!reply)
      r.problem = pg::to_string(reply.error());
    else if (const pg::rows& row = reply.value().front(); !row.empty()) {
      r.seen = row.int64(0, 0);
      r.info = decode(row);
    }
    caf::anon_send(to, std::move(r));
  });
}

template <class Found, class Cache, class Id, class Begin>
caf::result<Found> find(cache_self self, Cache& cache, promises<Found>& askers, Id id,
                        Begin begin) {
  if (!self->state.up) return caf::make_error(errc::database_unavailable);
  if (const auto* known = cache.find(id, self->clock().now())) return Found{*known, true};
  if (cache.waiting() >= askers_max) return caf::make_error(errc::limit_exceeded);
  auto promise = self->make_response_promise<Found>();
  if (const auto number = cache.wait(id, askers.add(promise))) begin(*number);
  return promise;
}

template <class Found, class Cache, class Read>
void found(cache_self self, Cache& cache, promises<Found>& askers, const Read& r) {
  const std::size_t bytes = r.info ? r.info->bytes() : 0;
  const auto who = cache.end_read(r.number, r.info, bytes, r.seen, self->clock().now());
  if (r.info)
    askers.deliver(who, Found{*r.info, false});
  else
    askers.deliver(who,
                   caf::make_error(r.ok ? errc::not_found : errc::database_unavailable, r.problem));
}

caf::result<task_found> find_task(cache_self self, task_id id) {
  auto& s = self->state;
  return find(self, s.tasks, s.task_askers, id, [&](std::uint64_t number) {
    read_row<task_read>(self, number, sql::load_task_state, id.value,
                        [](const pg::rows& r) { return std::optional(decode_task(r)); });
  });
}

caf::result<job_found> find_job(cache_self self, job_id id) {
  auto& s = self->state;
  return find(self, s.jobs, s.job_askers, id, [&](std::uint64_t number) {
    read_row<job_read>(self, number, sql::load_job_state, id.value,
                       [](const pg::rows& r) { return std::optional(decode_job(r)); });
  });
}

// -- workflows ------------------------------------------------------------------------------------

caf::result<workflow_found> find_workflow(cache_self self, const get_workflow& g) {
  auto& s = self->state;
  const workflow_key key{g.name, g.version};
  if (const auto* known = s.plans.find(key, self->clock().now())) return workflow_found{*known};
  auto promise = self->make_response_promise<workflow_found>();
  const auto number = s.plans.wait(key, s.plan_askers.add(promise));
  if (!number) return promise;
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::load_workflow, pg::params{}.text(g.name).int4(g.version));
  s.context->database->read(std::move(batch), [to = caf::actor_cast<cache_impl>(self),
                                               number = *number](pg::batch_reply reply) {
    workflow_read r;
    r.ticket = number;
    r.ok = reply.has_value();
    if (!reply)
      r.problem = pg::to_string(reply.error());
    else if (!reply.value().front().empty())
      r.definition = reply.value().front().text(0, 0);
    caf::anon_send(to, std::move(r));
  });
  return promise;
}

// The plan, or why there is none.
std::pair<std::shared_ptr<const workflow_plan>, std::string> compile(const std::string& text) {
  const auto value = nlohmann::json::parse(text, nullptr, false);
  auto definition = read_workflow(value);
  if (!definition) return {nullptr, definition.error().front().message};
  auto plan = workflow_plan::make(
      std::make_shared<const workflow_definition>(std::move(definition.value())));
  if (!plan) return {nullptr, plan.error().front().message};
  return {plan.value(), {}};
}

void found_workflow(cache_self self, const workflow_read& r) {
  auto& s = self->state;
  const monotonic now = self->clock().now();
  if (!r.ok || r.definition.empty()) {
    const errc code = r.ok ? errc::not_found : errc::database_unavailable;
    return s.plan_askers.deliver(s.plans.end_read(r.ticket, std::nullopt, 0, 0, now),
                                 caf::make_error(code, r.problem));
  }
  const auto [plan, problem] = compile(r.definition);
  if (!plan)
    return s.plan_askers.deliver(s.plans.end_read(r.ticket, std::nullopt, 0, 0, now),
                                 caf::make_error(errc::database_rejected, problem));
  s.plan_askers.deliver(s.plans.end_read(r.ticket, plan, r.definition.size(), 0, now),
                        workflow_found{plan});
}

// -- the connection -------------------------------------------------------------------------------

void keep(cache_self self, forgotten why) {
  auto& s = self->state;
  s.tasks.set_keeping(s.up && s.loaded, why);
  s.jobs.set_keeping(s.up && s.loaded, why);
}

void database(cache_self self, const database_changed& change) {
  auto& s = self->state;
  s.up = change.up;
  if (change.up) s.epoch = change.epoch;
  if (change.up && !change.resumed) s.loaded = false;
  keep(self, forgotten::connection);
}

}  // namespace

cache_actor spawn_cache(caf::actor_system& system, engine_context_ptr its_context,
                        gateway_actor its_gateway) {
  return system.spawn(
      [](cache_self self, engine_context_ptr context,
         gateway_actor gateway) -> cache_impl::behavior_type {
        auto& s = self->state;
        const engine_settings& e = context->settings;
        const cache_limits rows{e.cache_rows_max, e.cache_bytes_max, e.cache_ttl};
        s.context = context;
        s.plans = plan_cache({plans_max, plans_bytes_max, {}});
        s.tasks = task_cache(rows);
        s.jobs = job_cache(rows);
        keep(self, forgotten::connection);
        self->send(gateway, attach_database{});
        return {
            [self](const console_query& q) { return answer(self, q); },
            [self](const database_changed& c) { database(self, c); },
            [self](const batch_committed& b) {
              write_through(self->state.tasks, self->state.jobs, b);
            },
            [self](const rows_changed& c) {
              self->state.loaded |= c.loaded;
              keep(self, forgotten::foreign);
            },
            [self](const get_workflow& g) { return find_workflow(self, g); },
            [self](const get_task& g) { return find_task(self, g.id); },
            [self](const get_job& g) { return find_job(self, g.id); },
            [self](const describe&) {
              description d;
              const auto& state = self->state;
              d.state = !state.up       ? "disconnected"
                        : !state.loaded ? "loading"
                        : state.tasks.reading() + state.jobs.reading() + state.plans.reading() > 0
                            ? "reading"
                            : "idle";
              d.detail = numbers(state).dump();
              return d;
            },
            [self](const workflow_read& r) { found_workflow(self, r); },
            [self](const task_read& r) {
              found(self, self->state.tasks, self->state.task_askers, r);
            },
            [self](const job_read& r) { found(self, self->state.jobs, self->state.job_askers, r); },
        };
      },
      std::move(its_context), std::move(its_gateway));
}

}  // namespace cascade
