#include "actors/catalog.hpp"

#include <nlohmann/json.hpp>

#include "sql/queries.hpp"

namespace cascade {
namespace {

constexpr std::size_t plans_max = 500;

using catalog_impl = catalog_actor::extend<caf::reacts_to<workflow_read>>;
using key = std::pair<std::string, int>;
using promise = caf::typed_response_promise<workflow_found>;

struct catalog_state {
  static inline const char* name = "cascade.catalog";
  engine_context_ptr context;
  struct kept {
    std::shared_ptr<const workflow_plan> plan;
    std::uint64_t used = 0;
  };
  std::map<key, kept> plans;
  std::map<key, std::vector<promise>> waiting;
  std::map<std::uint64_t, key> reads;
  std::uint64_t ticket = 0, clock = 0, hits = 0, loads = 0;
};
using catalog_self = catalog_impl::stateful_pointer<catalog_state>;

void load(catalog_self self, const key& k) {
  auto& s = self->state;
  ++s.loads;
  s.reads.emplace(++s.ticket, k);
  std::vector<pg::statement> batch;
  batch.emplace_back(sql::load_workflow, pg::params{}.text(k.first).int4(k.second));
  s.context->database->read(std::move(batch), [to = caf::actor_cast<catalog_impl>(self),
                                               ticket = s.ticket](pg::batch_reply reply) {
    workflow_read r;
    r.ticket = ticket;
    r.ok = reply.has_value();
    if (!reply)
      r.problem = pg::to_string(reply.error());
    else if (!reply.value().front().empty())
      r.definition = reply.value().front().text(0, 0);
    caf::anon_send(to, std::move(r));
  });
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

void trim(catalog_state& s) {
  while (s.plans.size() > plans_max)
    s.plans.erase(
        std::ranges::min_element(s.plans, {}, [](const auto& p) { return p.second.used; }));
}

void answer(catalog_self self, const workflow_read& r) {
  auto& s = self->state;
  const auto at = s.reads.find(r.ticket);
  if (at == s.reads.end()) return;
  const key k = at->second;
  s.reads.erase(at);
  auto waiting = std::move(s.waiting[k]);
  s.waiting.erase(k);
  if (!r.ok || r.definition.empty()) {
    const errc code = r.ok ? errc::not_found : errc::database_unavailable;
    for (promise& p : waiting) p.deliver(caf::make_error(code, r.problem));
    return;
  }
  auto [plan, problem] = compile(r.definition);
  if (!plan) {
    for (promise& p : waiting) p.deliver(caf::make_error(errc::database_rejected, problem));
    return;
  }
  s.plans[k] = {plan, ++s.clock};
  trim(s);
  for (promise& p : waiting) p.deliver(workflow_found{plan});
}

}  // namespace

catalog_actor spawn_catalog(caf::actor_system& system, engine_context_ptr its_context) {
  return system.spawn(
      [](catalog_self self, engine_context_ptr context) -> catalog_impl::behavior_type {
        self->state.context = context;
        return {
            [self](const get_workflow& g) -> caf::result<workflow_found> {
              auto& s = self->state;
              const key k{g.name, g.version};
              if (const auto at = s.plans.find(k); at != s.plans.end()) {
                ++s.hits;
                at->second.used = ++s.clock;
                return workflow_found{at->second.plan};
              }
              auto p = self->make_response_promise<workflow_found>();
              auto& line = s.waiting[k];
              line.push_back(p);
              if (line.size() == 1) load(self, k);
              return p;
            },
            [self](const describe&) {
              description d;
              const auto& s = self->state;
              d.state = s.reads.empty() ? "idle" : "loading";
              d.detail =
                  nlohmann::json{{"plans", s.plans.size()}, {"hits", s.hits}, {"loads", s.loads}}
                      .dump();
              return d;
            },
            [self](const workflow_read& r) { answer(self, r); },
        };
      },
      std::move(its_context));
}

}  // namespace cascade
